package binarycode

import (
	"errors"
	"fmt"
)

// Limits of a matrix. With them every offset, in bits, fits an int64.
const (
	MaxPlanes  = 4
	MaxRows    = 1 << 24
	MaxColumns = 1 << 20
)

// Range is a run of rows with the same number of planes.
type Range struct {
	Rows   int
	Planes int  // 1 to MaxPlanes
	Shared bool // the rows share one set of scales, else each has its own
}

// scaleRows is how many sets of scales a column group has in the range.
func (r *Range) scaleRows() int {
	if r.Shared {
		return 1
	}
	return r.Rows
}

// Shape is the extent of a matrix in binary codes.
type Shape struct {
	Rows    int
	Columns int
	Group   int     // columns that share a scale, 1 to Columns
	Ranges  []Range // from row 0 on, together Rows
}

// Validate returns the first rule that the shape breaks.
func (s *Shape) Validate() error {
	switch {
	case s.Rows < 1 || s.Rows > MaxRows:
		return fmt.Errorf("%d rows: must be 1 to %d", s.Rows, MaxRows)
	case s.Columns < 1 || s.Columns > MaxColumns:
		return fmt.Errorf("%d columns: must be 1 to %d", s.Columns, MaxColumns)
	case s.Group < 1 || s.Group > s.Columns:
		return fmt.Errorf("group of %d columns: must be 1 to %d, the columns", s.Group, s.Columns)
	case len(s.Ranges) == 0:
		return errors.New("no row range")
	}
	rows := 0
	for i, r := range s.Ranges {
		if r.Planes < 1 || r.Planes > MaxPlanes {
			return fmt.Errorf("row range %d has %d planes: must be 1 to %d", i, r.Planes, MaxPlanes)
		}
		if r.Rows < 1 || r.Rows > s.Rows-rows {
			return fmt.Errorf("row range %d has %d rows: must be 1 to %d, the rows left", i, r.Rows, s.Rows-rows)
		}
		rows += r.Rows
	}
	if rows != s.Rows {
		return fmt.Errorf("row ranges hold %d rows of %d", rows, s.Rows)
	}
	return nil
}

// MostPlanes is the number of planes that a row has at most.
func (s *Shape) MostPlanes() int {
	most := 0
	for i := range s.Ranges {
		most = max(most, s.Ranges[i].Planes)
	}
	return most
}

// Groups is the number of column groups.
func (s *Shape) Groups() int { return ceilDivide(s.Columns, s.Group) }

// GroupColumns is the half-open interval of columns of a group.
func (s *Shape) GroupColumns(group int) (from, to int) {
	return group * s.Group, min((group+1)*s.Group, s.Columns)
}

// PlaneWords is the number of 64-bit words that hold one plane of one row.
func (s *Shape) PlaneWords() int { return ceilDivide(s.Columns, 64) }

// Span is a row range with its place in the arrays of a Matrix.
type Span struct {
	Range
	Row   int // first row
	Word  int // first word of the bits
	Scale int // first scale

	planeWords, groups int
	groupScales        int // scales of one group in all spans
}

// Spans lists the row ranges with their places.
func (s *Shape) Spans() []Span {
	spans := make([]Span, len(s.Ranges))
	at := Span{planeWords: s.PlaneWords(), groups: s.Groups(), groupScales: s.Scales() / s.Groups()}
	for i, r := range s.Ranges {
		at.Range = r
		spans[i] = at
		at.Row += r.Rows
		at.Word += r.Rows * r.Planes * at.planeWords
		at.Scale += r.scaleRows() * r.Planes * at.groups
	}
	return spans
}

// Words is the number of words that hold all bits.
func (s *Shape) Words() int {
	words := 0
	for _, r := range s.Ranges {
		words += r.Rows * r.Planes * s.PlaneWords()
	}
	return words
}

// Scales is the number of scales.
func (s *Shape) Scales() int {
	scales := 0
	for i := range s.Ranges {
		scales += s.Ranges[i].scaleRows() * s.Ranges[i].Planes * s.Groups()
	}
	return scales
}

// SignBits is the number of signs, without any padding.
func (s *Shape) SignBits() int64 {
	var bits int64
	for _, r := range s.Ranges {
		bits += int64(r.Rows) * int64(r.Planes) * int64(s.Columns)
	}
	return bits
}

// Plane returns the words of one plane of a row of the span.
func (s *Span) Plane(bits []uint64, row, plane int) []uint64 {
	at := s.Word + ((row-s.Row)*s.Planes+plane)*s.planeWords
	return bits[at : at+s.planeWords : at+s.planeWords]
}

// ScaleIndex is where the scales of a row of the span and a group start; plane i
// is i further on.
func (s *Span) ScaleIndex(row, group int) int {
	set := row - s.Row
	if s.Shared {
		set = 0
	}
	return s.Scale + (set*s.groups+group)*s.Planes
}

func ceilDivide(a, b int) int { return (a + b - 1) / b }
