package xorcode

import "fmt"

// BlockDecoder decodes ranges of slices of one plane. It may be used by one
// goroutine at a time.
type BlockDecoder struct {
	table   *Table
	inputs  int
	outputs int
	weights int
	width   int // of a position
	plane   *BlockPlane
	blocks  []BlockCursor // of every BlockSlices slices
	total   int           // patches
	slice   []uint64      // outputs of one slice
}

// BlockCursor is where the patches of a block of slices begin: what a tile
// that starts at such a slice has to be told, besides the number of the slice.
type BlockCursor struct {
	Counts  Bits // of BlockPlane.Counts, at the width field
	Patches int  // patches before
}

// NewBlockDecoder checks the streams of a plane of weights bits and finds where
// its blocks begin. It takes one pass over the counts and positions; memory is
// 16 bytes a block.
func NewBlockDecoder(m *Network, weights int, plane *BlockPlane) (*BlockDecoder, error) {
	if err := m.Validate(); err != nil {
		return nil, err
	}
	d, err := newBlockDecoder(NewTable(m), m, weights, plane)
	if err != nil {
		return nil, fmt.Errorf("xor-block: %w", err)
	}
	return d, nil
}

func newBlockDecoder(table *Table, m *Network, weights int, plane *BlockPlane) (*BlockDecoder, error) {
	d := &BlockDecoder{table: table, inputs: m.Inputs, outputs: m.Outputs, weights: weights,
		width: PositionBits(m.Outputs), plane: plane, slice: make([]uint64, Words(m.Outputs))}
	if weights < 0 || weights > MaxWeights {
		return nil, fmt.Errorf("weights = %d: must be 0..%d", weights, MaxWeights)
	}
	if err := plane.Codes.Validate(); err != nil {
		return nil, fmt.Errorf("codes: %w", err)
	}
	if want := Bits(d.Slices() * d.inputs); plane.Codes.Length != want {
		return nil, fmt.Errorf("codes: %d bits, %d slices of n_in = %d have %d", plane.Codes.Length, d.Slices(), d.inputs, want)
	}
	if err := plane.Counts.Validate(); err != nil {
		return nil, fmt.Errorf("patch counts: %w", err)
	}
	if err := plane.Positions.Validate(); err != nil {
		return nil, fmt.Errorf("patch positions: %w", err)
	}
	if err := d.walk(); err != nil {
		return nil, err
	}
	return d, nil
}

// walk checks counts and positions and notes where the blocks begin.
func (d *BlockDecoder) walk() error {
	counts, positions := &d.plane.Counts, &d.plane.Positions
	d.blocks = make([]BlockCursor, 0, slicesOf(d.Slices(), BlockSlices))
	at, slices := Bits(0), d.Slices()
	for first := 0; first < slices; first += BlockSlices {
		d.blocks = append(d.blocks, BlockCursor{Counts: at, Patches: d.total})
		here := min(BlockSlices, slices-first)
		width := int(counts.At(at, countWidthBits))
		if end := at + countWidthBits + Bits(here*width); end > counts.Length {
			return fmt.Errorf("patch counts: cut off at bit %d in the block of slice %d", counts.Length, first)
		}
		at += countWidthBits
		for s := first; s < first+here; s++ {
			count := int(counts.At(at, width))
			at += Bits(width)
			if err := d.checkSlice(positions, s, count); err != nil {
				return err
			}
			d.total += count
		}
	}
	if at != counts.Length {
		return fmt.Errorf("patch counts: %d bits, %d slices have %d", counts.Length, slices, at)
	}
	if want := Bits(d.total * d.width); positions.Length != want {
		return fmt.Errorf("patch positions: %d bits, %d patches have %d", positions.Length, d.total, want)
	}
	return nil
}

// checkSlice checks the count patches of slice s, which start at patch total.
func (d *BlockDecoder) checkSlice(positions *Bitstream, s, count int) error {
	used := min(d.outputs, d.weights-s*d.outputs)
	if count > used {
		return fmt.Errorf("patch counts: slice %d has %d patches for %d bits", s, count, used)
	}
	last := -1
	for i := range count {
		at := Bits((d.total + i) * d.width)
		if at+Bits(d.width) > positions.Length {
			return fmt.Errorf("patch positions: cut off at bit %d in slice %d", positions.Length, s)
		}
		position := int(positions.At(at, d.width))
		if position <= last || position >= used {
			return fmt.Errorf("patch positions: slice %d flips bit %d after bit %d of %d", s, position, last, used)
		}
		last = position
	}
	return nil
}

// Slices is the number of slices of the plane.
func (d *BlockDecoder) Slices() int { return slicesOf(d.weights, d.outputs) }

// Cursor is where the patches of the block begin that holds the slice,
// 0..Slices-1.
func (d *BlockDecoder) Cursor(slice int) BlockCursor { return d.blocks[slice/BlockSlices] }

// Patches is the number of patches of slices first..first+count-1, all of them
// slices of the plane.
func (d *BlockDecoder) Patches(first, count int) int {
	return d.before(first+count) - d.before(first)
}

// before is the number of patches before a slice.
func (d *BlockDecoder) before(slice int) int {
	if slice == d.Slices() {
		return d.total
	}
	cursor := d.Cursor(slice)
	patches := cursor.Patches
	width := int(d.plane.Counts.At(cursor.Counts, countWidthBits))
	at := cursor.Counts + countWidthBits
	for range slice % BlockSlices {
		patches += int(d.plane.Counts.At(at, width))
		at += Bits(width)
	}
	return patches
}

// Decode writes the bits of slices first..first+count-1, all of them slices of
// the plane, to into from bit 0 on and returns how many bits that is: count
// times n_out, less at the end of the plane. Into needs the words for them and
// is overwritten. It allocates nothing.
func (d *BlockDecoder) Decode(first, count int, into []uint64) int {
	total := min(count*d.outputs, d.weights-first*d.outputs)
	if count == 0 || total <= 0 {
		return 0
	}
	clear(into[:Words(total)])
	d.codes(first, count, into)
	d.patches(first, count, into)
	return total
}

// codes writes the outputs of the network for each code.
func (d *BlockDecoder) codes(first, count int, into []uint64) {
	at, end := Bits(first*d.inputs), min(count*d.outputs, d.weights-first*d.outputs)
	for out := 0; out < end; out += d.outputs {
		d.table.Apply(d.plane.Codes.At(at, d.inputs), d.slice)
		place(d.slice, min(d.outputs, end-out), into, out)
		at += Bits(d.inputs)
	}
}

// patches flips the listed outputs.
func (d *BlockDecoder) patches(first, count int, into []uint64) {
	counts := &d.plane.Counts
	position := Bits(d.before(first) * d.width)
	for s := first; s < first+count; {
		cursor := d.Cursor(s)
		width := int(counts.At(cursor.Counts, countWidthBits))
		at := cursor.Counts + countWidthBits + Bits(s%BlockSlices*width)
		for end := min(first+count, s-s%BlockSlices+BlockSlices); s < end; s++ {
			for range counts.At(at, width) {
				bit := (s-first)*d.outputs + int(d.plane.Positions.At(position, d.width))
				into[bit>>6] ^= 1 << (bit & 63)
				position += Bits(d.width)
			}
			at += Bits(width)
		}
	}
}
