package weightmask

import (
	"fmt"

	"github.com/npusim/npusim/isa/xorcode"
)

// Stream is an opened mask stream. It keeps the bytes it was opened on and may
// be read from several goroutines.
type Stream struct {
	Header
	index []byte // u32 a block, RunLength only
	code  []byte
}

// Open reads the header of a stream, checks its checksums and that the payload
// has the size and table that the header asks for.
func Open(data []byte) (*Stream, error) {
	h, payload, err := readHeader(data)
	if err != nil {
		return nil, err
	}
	s := &Stream{Header: h, code: payload}
	switch h.Format {
	case Raw:
		err = s.openRaw()
	case RunLength:
		err = s.openRunLength()
	case LowRank:
		err = s.openLowRank()
	}
	if err != nil {
		return nil, err
	}
	return s, nil
}

// Bytes is the size of a stream by what it is for.
type Bytes struct {
	Header int
	Index  int // where each block begins; RunLength only
	Code   int // the mask itself, with block parameters and filling bits
}

// Total is the size of the whole stream.
func (b Bytes) Total() int { return b.Header + b.Index + b.Code }

// Bytes is the size of the stream.
func (s *Stream) Bytes() Bytes { return Bytes{HeaderBytes, len(s.index), len(s.code)} }

// Tile is a part of the mask that can be decoded on its own: weights of Rows x
// Cols from (Row, Col) on. For Raw and RunLength it is a block, which is one
// row of the mask seen as a single row.
type Tile struct{ Row, Col, Rows, Cols int }

// Tiles is the number of parts that can be decoded on their own: blocks of Raw
// and RunLength, tiles of LowRank.
func (s *Stream) Tiles() int {
	if s.Format == LowRank {
		return s.gridRows() * s.gridCols()
	}
	return (s.Weights() + s.BlockWeights - 1) / s.BlockWeights
}

// Tile is the place of part i. Blocks of Raw and RunLength do not heed rows:
// theirs is row 0, and the column counts weights from the start of the mask.
func (s *Stream) Tile(i int) Tile {
	if s.Format == LowRank {
		return s.lowRankTile(i)
	}
	first := i * s.BlockWeights
	return Tile{0, first, 1, min(s.BlockWeights, s.Weights()-first)}
}

// Decode gives the whole mask and checks the number of kept weights.
func (s *Stream) Decode() (xorcode.Plane, error) {
	mask := xorcode.NewPlane(s.Weights())
	return mask, s.DecodeInto(mask)
}

// DecodeInto is [Stream.Decode] into a plane of as many bits as the mask has
// weights. It allocates nothing.
func (s *Stream) DecodeInto(mask xorcode.Plane) error {
	if err := s.fits(mask); err != nil {
		return err
	}
	clear(mask.Words)
	for i := range s.Tiles() {
		if err := s.decode(i, mask); err != nil {
			return err
		}
	}
	if kept := mask.Count(); kept != s.Kept {
		return fmt.Errorf("mask: %d weights kept, the header states %d", kept, s.Kept)
	}
	return nil
}

// DecodeTile decodes part i, 0 <= i < Tiles, into its place in a plane of the
// whole mask and leaves all other bits alone. It allocates nothing.
func (s *Stream) DecodeTile(i int, mask xorcode.Plane) error {
	if err := s.fits(mask); err != nil {
		return err
	}
	if i < 0 || i >= s.Tiles() {
		return fmt.Errorf("mask: part %d of %d", i, s.Tiles())
	}
	t := s.Tile(i)
	for row := range t.Rows {
		clearBits(mask.Words, (t.Row+row)*s.Cols+t.Col, t.Cols)
	}
	return s.decode(i, mask)
}

func (s *Stream) fits(mask xorcode.Plane) error {
	if mask.Len() != s.Weights() || len(mask.Words) != xorcode.Words(s.Weights()) {
		return fmt.Errorf("mask: a plane of %d bits for %d x %d weights", mask.Len(), s.Rows, s.Cols)
	}
	return nil
}

// decode writes part i where the plane is all zeros.
func (s *Stream) decode(i int, mask xorcode.Plane) error {
	switch s.Format {
	case Raw:
		s.decodeRaw(i, mask.Words)
	case RunLength:
		if err := s.decodeRuns(i, mask.Words); err != nil {
			return fmt.Errorf("mask: block %d: %w", i, err)
		}
	case LowRank:
		s.decodeLowRank(i, mask.Words)
	}
	return nil
}
