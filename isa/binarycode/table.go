package binarycode

import (
	"encoding/binary"
	"math/bits"
)

// EntryBits is the width of a table entry with its sign: entries of mu inputs
// are at most 255*mu.
func EntryBits(mu int) int { return bits.Len(uint(LargestInput*mu)) + 1 }

// TableEntries is the number of entries of a table of mu inputs; by symmetry,
// T[^key] = -T[key], those with the highest key bit 0 are enough.
func TableEntries(mu int, symmetric bool) int {
	if symmetric {
		return 1 << (mu - 1)
	}
	return 1 << mu
}

// BuildTable fills the table of a sub-vector,
//
//	T[key] = sum over j of (bit j of key ? u[j] : -u[j])
//
// from T[0] = -sum u by T[2^j + key] = T[key] + 2*u[j], and returns the number of
// additions: 2^mu + mu - 2, symmetric 2^(mu-1) + mu - 2. Doubling and the one
// negation are wiring. mu is len(u), dst has TableEntries(mu, symmetric) entries;
// all values fit EntryBits(mu) bits.
func BuildTable(dst []int16, u []int16, symmetric bool) (additions int) {
	sum := u[0]
	for _, v := range u[1:] {
		sum += v
	}
	dst[0] = -sum
	additions = len(u) - 1
	entries := TableEntries(len(u), symmetric)
	for j, filled := 0, 1; filled < entries; j, filled = j+1, 2*filled {
		step := 2 * u[j]
		for key, v := range dst[:filled] {
			dst[filled+key] = v + step
		}
		additions += filled
	}
	return additions
}

// Lookup is T[key] of a table of mu inputs.
func Lookup(table []int16, key uint16, mu int, symmetric bool) int16 {
	if symmetric && key>>(mu-1) != 0 {
		return -table[^key&(1<<mu-1)]
	}
	return table[key]
}

// Operations counts what a product by tables does.
type Operations struct {
	BuildAdditions  int64
	Queries         int64 // each a table read and an addition
	ScaleMultiplies int64 // each a multiplication and an addition
}

// Evaluator multiplies a packed matrix with vectors by tables, tile by tile in
// the order of the streams, as a look-up unit does, counting its operations.
// Tables are built once for all planes and rows of a column tile; sums are scaled
// once for each row, plane and piece of a group in a tile. It is the reference of
// such a unit, not a fast kernel. One goroutine may use it at a time.
type Evaluator struct {
	Operations Operations // of all products so far

	packed    *Packed
	symmetric bool
	spans     []Span
	scales    []int16 // mantissas in the order of the scale stream
	entries   int
	tables    []int16 // of the column tile, entries each
	inputs    [MaxKeyBits]int16
}

// NewEvaluator checks the streams and prepares products with p, which must not
// change afterwards.
func NewEvaluator(p *Packed, symmetric bool) (*Evaluator, error) {
	if _, err := p.Unpack(); err != nil {
		return nil, err
	}
	l := &p.Layout
	e := &Evaluator{packed: p, symmetric: symmetric, spans: l.Shape.Spans(), entries: TableEntries(l.Mu, symmetric)}
	e.tables = make([]int16, min(l.TileKeys, l.Keys())*e.entries)
	e.scales = make([]int16, l.Shape.Scales())
	for t := range l.Tiles() {
		if t.Key != 0 {
			break
		}
		s := &e.spans[t.Span]
		row := t.Row
		p.eachScale(s, &t, func(index, word int) {
			if !s.Shared {
				row = s.Row + (index-s.Scale)/(s.Planes*l.Shape.Groups())
			}
			e.scales[word], _ = mantissa(l.Format, binary.LittleEndian.Uint16(p.Scales[2*word:]), p.shift(row))
		})
	}
	return e, nil
}

// Accumulate adds the product with u (Columns inputs, zero point subtracted,
// within +-LargestInput) to acc (Rows sums, which start as biases).
func (e *Evaluator) Accumulate(acc []int32, u []int16) {
	l := &e.packed.Layout
	built := -1
	for t := range l.Tiles() {
		if t.Key != built {
			e.build(&t, u)
			built = t.Key
		}
		s := &e.spans[t.Span]
		for plane := range t.Planes {
			block := e.packed.Keys[t.Offset+int64(plane)*t.PlaneBytes:][:t.PlaneBytes]
			at := 0
			for i := range t.Rows {
				// Pieces of groups in the tile, one after the other.
				for key := t.Key; key < t.Key+t.Keys; {
					group := key * l.Mu / l.Shape.Group
					_, to := l.Shape.GroupColumns(group)
					end := min(ceilDivide(to, l.Mu), t.Key+t.Keys)
					e.Operations.Queries += int64(end - key)
					var sum int32
					for ; key < end; key++ {
						table := e.tables[(key-t.Key)*e.entries:][:e.entries]
						sum += int32(Lookup(table, getKey(block, at, l.Mu), l.Mu, e.symmetric))
						at += l.Mu
					}
					word := s.ScaleWord(group, &t) + plane
					if !s.Shared {
						word += plane*(t.Rows-1) + i
					}
					acc[t.Row+i] += int32(e.scales[word]) * sum
					e.Operations.ScaleMultiplies++
				}
			}
		}
	}
}

// build makes the tables of a column tile; inputs after the last column are 0.
func (e *Evaluator) build(t *Tile, u []int16) {
	mu := e.packed.Layout.Mu
	for i := range t.Keys {
		inputs := e.inputs[:mu]
		clear(inputs[copy(inputs, u[(t.Key+i)*mu:]):])
		e.Operations.BuildAdditions += int64(BuildTable(e.tables[i*e.entries:][:e.entries], inputs, e.symmetric))
	}
}
