package weightmask

import (
	"errors"
	"fmt"
	"math/bits"
)

func (h *Header) gridRows() int { return (h.Rows + h.TileRows - 1) / h.TileRows }
func (h *Header) gridCols() int { return (h.Cols + h.TileCols - 1) / h.TileCols }

// LowRankBits is the size of a low-rank mask, in bits: rank times the sum of
// the sides of every tile.
func (h *Header) LowRankBits() int {
	return h.Rank * (h.gridCols()*h.Rows + h.gridRows()*h.Cols)
}

func (s *Stream) openLowRank() error {
	n := s.LowRankBits()
	if len(s.code) != (n+7)/8 {
		return fmt.Errorf("mask: %d bytes for %d bits of low-rank tiles", len(s.code), n)
	}
	if n%8 != 0 && s.code[len(s.code)-1]>>(n%8) != 0 {
		return errors.New("mask: bits past the last tile are set")
	}
	return nil
}

func (h *Header) lowRankTile(i int) Tile {
	row, col := i/h.gridCols()*h.TileRows, i%h.gridCols()*h.TileCols
	return Tile{row, col, min(h.TileRows, h.Rows-row), min(h.TileCols, h.Cols-col)}
}

// LowRankTiles are all tiles in the order of the payload.
func (h *Header) LowRankTiles() []Tile {
	tiles := make([]Tile, h.gridRows()*h.gridCols())
	for i := range tiles {
		tiles[i] = h.lowRankTile(i)
	}
	return tiles
}

// LowRankOffset is the first bit of tile i in the payload: tiles have sizes
// known beforehand, so no table is needed.
func (h *Header) LowRankOffset(i int) int {
	t := h.lowRankTile(i)
	bands := t.Row * h.gridCols() // rows of tiles above
	columns := t.Row / h.TileRows * h.Cols
	left := t.Col / h.TileCols * t.Rows
	return h.Rank * (bands + columns + left + t.Col)
}

// decodeLowRank decodes tile i: a row is the union of the column bits of those
// components whose row bit is set.
func (s *Stream) decodeLowRank(i int, words []uint64) {
	t := s.lowRankTile(i)
	rows := s.LowRankOffset(i)
	columns := rows + t.Rows*s.Rank
	for row := range t.Rows {
		at := (t.Row+row)*s.Cols + t.Col
		for first := 0; first < s.Rank; first += 64 {
			set := readBits(s.code, rows+row*s.Rank+first, min(64, s.Rank-first))
			for ; set != 0; set &= set - 1 {
				component := columns + (first+bits.TrailingZeros64(set))*t.Cols
				for done := 0; done < t.Cols; done += 64 {
					n := min(64, t.Cols-done)
					orBits(words, at+done, n, readBits(s.code, component+done, n))
				}
			}
		}
	}
}
