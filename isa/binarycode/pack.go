package binarycode

import (
	"encoding/binary"
	"fmt"
	"slices"
)

// Packed is a matrix as its streams, in the order of the layout.
type Packed struct {
	Layout   Layout
	Keys     []byte
	Scales   []byte
	Shifts   []byte
	Exponent int8
}

// Pack writes a matrix as streams. The layout's shape and scale format must be
// the matrix's.
func Pack(m *Matrix, l Layout) (*Packed, error) {
	if err := l.Validate(); err != nil {
		return nil, fmt.Errorf("layout: %w", err)
	}
	if err := m.Validate(); err != nil {
		return nil, err
	}
	if !equalShapes(&m.Shape, &l.Shape) || m.Format != l.Format {
		return nil, fmt.Errorf("the layout is of another matrix: shape or scale format differ")
	}
	sizes := l.Sizes()
	p := &Packed{
		Layout:   l,
		Keys:     make([]byte, sizes.Keys),
		Scales:   make([]byte, sizes.Scales),
		Shifts:   make([]byte, sizes.Shifts),
		Exponent: m.Exponent,
	}
	spans := l.Shape.Spans()
	for t := range l.Tiles() {
		s := &spans[t.Span]
		for plane := range t.Planes {
			block := p.Keys[t.Offset+int64(plane)*t.PlaneBytes:][:t.PlaneBytes]
			at := 0
			for row := t.Row; row < t.Row+t.Rows; row++ {
				bits := s.Plane(m.Bits, row, plane)
				for key := t.Key; key < t.Key+t.Keys; key++ {
					putKey(block, at, wordKey(bits, key*l.Mu, l.Mu))
					at += l.Mu
				}
			}
		}
		if t.Key == 0 {
			p.eachScale(s, &t, func(index, word int) {
				binary.LittleEndian.PutUint16(p.Scales[2*word:], m.Scales[index])
			})
		}
	}
	for r, shift := range m.Shifts {
		p.Shifts[r/2] |= shift << (r % 2 * 4)
	}
	return p, nil
}

// eachScale visits the scales of the rows of a tile: their index in a Matrix and
// their word in the stream. Those of a range that shares belong to its first tile.
func (p *Packed) eachScale(s *Span, t *Tile, visit func(index, word int)) {
	if s.Shared && t.Row != s.Row {
		return
	}
	sets := t.Rows
	if s.Shared {
		sets = 1
	}
	for g := range p.Layout.Shape.Groups() {
		word := s.ScaleWord(g, t)
		for plane := range t.Planes {
			for i := range sets {
				visit(s.ScaleIndex(t.Row+i, g)+plane, word)
				word++
			}
		}
	}
}

// Unpack reads the streams back. It checks their lengths, that padding is zero
// and that scales and shifts are within their limits.
func (p *Packed) Unpack() (*Matrix, error) {
	l := &p.Layout
	if err := p.check(); err != nil {
		return nil, err
	}
	m := &Matrix{
		Shape:    l.Shape,
		Bits:     make([]uint64, l.Shape.Words()),
		Format:   l.Format,
		Scales:   make([]uint16, l.Shape.Scales()),
		Exponent: p.Exponent,
		Shifts:   make([]uint8, l.Shape.Rows),
	}
	m.Shape.Ranges = slices.Clone(l.Shape.Ranges)
	spans := l.Shape.Spans()
	for t := range l.Tiles() {
		s := &spans[t.Span]
		for plane := range t.Planes {
			block := p.Keys[t.Offset+int64(plane)*t.PlaneBytes:][:t.PlaneBytes]
			at := 0
			for row := t.Row; row < t.Row+t.Rows; row++ {
				bits := s.Plane(m.Bits, row, plane)
				for key := t.Key; key < t.Key+t.Keys; key++ {
					column, code := key*l.Mu, getKey(block, at, l.Mu)
					if excess := column + l.Mu - l.Shape.Columns; excess > 0 && code>>(l.Mu-excess) != 0 {
						return nil, fmt.Errorf("keys: bits after the last column are not 0 in row %d, plane %d", row, plane)
					}
					putWordKey(bits, column, code)
					at += l.Mu
				}
			}
			if at%8 != 0 && block[at/8]>>(at%8) != 0 {
				return nil, fmt.Errorf("keys: bits after row %d of plane %d are not 0 at byte %d", t.Row+t.Rows-1, plane, t.Offset+int64(plane+1)*t.PlaneBytes-1)
			}
		}
		if t.Key == 0 {
			p.eachScale(s, &t, func(index, word int) {
				m.Scales[index] = binary.LittleEndian.Uint16(p.Scales[2*word:])
			})
		}
	}
	for r := range m.Shifts {
		m.Shifts[r] = p.shift(r)
	}
	if r := l.Shape.Rows; r%2 != 0 && p.Shifts[r/2]>>4 != 0 {
		return nil, fmt.Errorf("shifts: the bits after row %d are not 0", r-1)
	}
	if err := m.Validate(); err != nil {
		return nil, err
	}
	return m, nil
}

// check tests layout and lengths of the streams.
func (p *Packed) check() error {
	if err := p.Layout.Validate(); err != nil {
		return fmt.Errorf("layout: %w", err)
	}
	sizes := p.Layout.Sizes()
	for _, stream := range []struct {
		name string
		have int
		want int64
	}{{"keys", len(p.Keys), sizes.Keys}, {"scales", len(p.Scales), sizes.Scales}, {"shifts", len(p.Shifts), sizes.Shifts}} {
		if int64(stream.have) != stream.want {
			return fmt.Errorf("%s: %d bytes, the layout has %d", stream.name, stream.have, stream.want)
		}
	}
	return nil
}

// shift is the shift of a row.
func (p *Packed) shift(row int) uint8 { return p.Shifts[row/2] >> (row % 2 * 4) & 15 }

// wordKey takes mu bits of a plane from a column on, 0 after the last word.
func wordKey(bits []uint64, column, mu int) uint16 {
	word, at := column/64, column%64
	key := bits[word] >> at
	if at+mu > 64 && word+1 < len(bits) {
		key |= bits[word+1] << (64 - at)
	}
	return uint16(key & (1<<mu - 1))
}

// putWordKey sets bits of a plane that were 0. Key bits after the last word must
// be 0.
func putWordKey(bits []uint64, column int, key uint16) {
	word, at := column/64, column%64
	bits[word] |= uint64(key) << at
	if over := uint64(key) >> 1 >> (63 - at); over != 0 {
		bits[word+1] |= over
	}
}

// getKey reads mu bits at a bit of a block.
func getKey(block []byte, at, mu int) uint16 {
	byteAt, bitAt := at/8, at%8
	key := uint32(block[byteAt])
	for i := 1; 8*i < bitAt+mu; i++ {
		key |= uint32(block[byteAt+i]) << (8 * i)
	}
	return uint16(key >> bitAt & (1<<mu - 1))
}

// putKey sets bits of a block that were 0.
func putKey(block []byte, at int, key uint16) {
	for v, i := uint32(key)<<(at%8), at/8; v != 0; v, i = v>>8, i+1 {
		block[i] |= byte(v)
	}
}

func equalShapes(a, b *Shape) bool {
	return a.Rows == b.Rows && a.Columns == b.Columns && a.Group == b.Group && slices.Equal(a.Ranges, b.Ranges)
}
