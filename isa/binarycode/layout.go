package binarycode

import (
	"fmt"
	"iter"
)

// Limits of keys.
const (
	MinKeyBits = 2
	MaxKeyBits = 10
	maxTile    = 1 << 24 // rows or sub-vectors of a tile; more than any matrix has
)

// Layout is a shape with the order of its streams (see the package comment).
type Layout struct {
	Shape    Shape
	Mu       int // columns of a sub-vector, bits of a key
	TileRows int // rows of a tile
	TileKeys int // sub-vectors of a tile: tables that are held at once
	Format   ScaleFormat
}

// Validate returns the first rule that the layout breaks.
func (l *Layout) Validate() error {
	if err := l.Shape.Validate(); err != nil {
		return err
	}
	switch {
	case l.Mu < MinKeyBits || l.Mu > MaxKeyBits:
		return fmt.Errorf("keys of %d bits: must be %d to %d", l.Mu, MinKeyBits, MaxKeyBits)
	case l.Shape.Group%l.Mu != 0 && l.Shape.Group != l.Shape.Columns:
		return fmt.Errorf("group of %d columns: must be a multiple of the %d bits of a key, or all %d columns", l.Shape.Group, l.Mu, l.Shape.Columns)
	case l.TileRows < 1 || l.TileRows > maxTile:
		return fmt.Errorf("tile of %d rows: must be 1 to %d", l.TileRows, maxTile)
	case l.TileKeys < 1 || l.TileKeys > maxTile:
		return fmt.Errorf("tile of %d sub-vectors: must be 1 to %d", l.TileKeys, maxTile)
	case l.Format <= InvalidScales || l.Format >= scaleFormatEnd:
		return fmt.Errorf("scale format %d: must be %d (fixed-point) or %d (binary16)", l.Format, FixedScales, HalfScales)
	}
	return nil
}

// Keys is the number of sub-vectors of a row.
func (l *Layout) Keys() int { return ceilDivide(l.Shape.Columns, l.Mu) }

// ColumnTiles is the number of tiles side by side.
func (l *Layout) ColumnTiles() int { return ceilDivide(l.Keys(), l.TileKeys) }

// Tile is a tile of keys in the stream.
type Tile struct {
	Span       int   // index of the row range
	Planes     int   // of the range
	Row, Rows  int   // first row and number of rows
	Key, Keys  int   // first sub-vector and number of sub-vectors
	Offset     int64 // byte in the key stream where plane 0 starts
	PlaneBytes int64 // bytes of a plane; plane i starts at Offset + i*PlaneBytes
}

// planeBytes is the size of one plane of a tile.
func (l *Layout) planeBytes(rows, keys int) int64 {
	return (int64(rows)*int64(keys)*int64(l.Mu) + 7) / 8
}

// Tiles lists the tiles in the order of the stream.
func (l *Layout) Tiles() iter.Seq[Tile] {
	return func(yield func(Tile) bool) {
		spans, keys := l.Shape.Spans(), l.Keys()
		var offset int64
		for key := 0; key < keys; key += l.TileKeys {
			width := min(l.TileKeys, keys-key)
			for i := range spans {
				s := &spans[i]
				for row := s.Row; row < s.Row+s.Rows; row += l.TileRows {
					rows := min(l.TileRows, s.Row+s.Rows-row)
					t := Tile{i, s.Planes, row, rows, key, width, offset, l.planeBytes(rows, width)}
					if !yield(t) {
						return
					}
					offset += int64(t.Planes) * t.PlaneBytes
				}
			}
		}
	}
}

// keyBytes is the size of the key stream, without walking its tiles.
func (l *Layout) keyBytes() int64 {
	columnTile := func(keys int) int64 {
		if keys == 0 {
			return 0
		}
		var bytes int64
		for _, r := range l.Shape.Ranges {
			bytes += int64(r.Planes) * (int64(r.Rows/l.TileRows)*l.planeBytes(l.TileRows, keys) + l.planeBytes(r.Rows%l.TileRows, keys))
		}
		return bytes
	}
	keys := l.Keys()
	return int64(keys/l.TileKeys)*columnTile(l.TileKeys) + columnTile(keys%l.TileKeys)
}

// ScaleWord is where in the scale stream, in 16-bit words, the scales of a group
// for the rows of a tile of the span start. The scale of plane i and row r is at
// i*t.Rows + r - t.Row from there, of a range that shares at i.
func (s *Span) ScaleWord(group int, t *Tile) int {
	at := group*s.groupScales + s.Scale/s.groups
	if !s.Shared {
		at += (t.Row - s.Row) * s.Planes
	}
	return at
}

// Sizes counts the bytes of a stored matrix exactly.
type Sizes struct {
	Header int64 // of the container; programs hold it in descriptors instead
	Keys   int64
	Scales int64
	Shifts int64

	Weights int64 // rows x columns
	Signs   int64 // bits that mean something: the rest of Keys is padding of tails
}

// Total is all bytes but the header.
func (s *Sizes) Total() int64 { return s.Keys + s.Scales + s.Shifts }

// BitsPerWeight is what Total comes to for a weight.
func (s *Sizes) BitsPerWeight() float64 { return 8 * float64(s.Total()) / float64(s.Weights) }

// Sizes counts the bytes of the matrix in this layout.
func (l *Layout) Sizes() Sizes {
	return Sizes{
		Header:  int64(headerBytes(len(l.Shape.Ranges))),
		Keys:    l.keyBytes(),
		Scales:  2 * int64(l.Shape.Scales()),
		Shifts:  int64(l.Shape.Rows+1) / 2,
		Weights: int64(l.Shape.Rows) * int64(l.Shape.Columns),
		Signs:   l.Shape.SignBits(),
	}
}
