package prune

import (
	"math/bits"

	"github.com/npusim/npusim/isa/xorcode"
)

// maxExactWords bounds the effort of [ExactProduct]: 64-bit words of rows that
// are joined.
const maxExactWords = 1 << 28

// ExactProduct looks for a Boolean product that equals a mask and takes fewer
// bits than one a weight. Finding the smallest is NP-hard; this is the greedy
// cover by maximal rectangles of Belohlavek and Vychodil ("Discovery of optimal
// factors in binary data via a novel method of matrix decomposition", Journal of
// Computer and System Sciences 76, 2010, the second algorithm): a rectangle grows
// column by column, each time by the one that covers most, as long as it covers
// more. It returns nil where it finds none within its bounded effort.
func ExactProduct(mask xorcode.Plane, rows, cols int) *Product {
	if rows < 1 || cols < 1 || mask.Len() != rows*cols {
		return nil
	}
	if cols > rows { // rectangles grow along the smaller side: far less to try
		if p := ExactProduct(turned(mask, rows, cols), cols, rows); p != nil {
			return p.Transposed()
		}
		return nil
	}
	c := newCover(mask, rows, cols)
	p := &Product{Rows: rows, Cols: cols}
	for c.left > 0 {
		if (len(p.Components)+1)*(rows+cols) >= rows*cols {
			return nil
		}
		component, ok := c.next()
		if !ok {
			return nil
		}
		p.Components = append(p.Components, component)
	}
	return p
}

// cover is a mask of which some is covered by rectangles.
type cover struct {
	rows, cols   int
	lines, open  [][]uint64      // by row: the mask, and what is not covered of it
	byColumn     []xorcode.Plane // the rows of the mask
	left         int             // weights not covered
	words        int             // of effort
	grown, trial rectangle
}

// rectangle is maximal: no row nor column of the mask can be added.
type rectangle struct {
	rows, cols []uint64
	covers     int // weights that were open
}

func newCover(mask xorcode.Plane, rows, cols int) *cover {
	c := &cover{rows: rows, cols: cols, left: mask.Count()}
	for range cols {
		c.byColumn = append(c.byColumn, xorcode.NewPlane(rows))
	}
	for i := range rows {
		line := make([]uint64, xorcode.Words(cols))
		for at := 0; at < cols; at += 64 {
			line[at>>6] = mask.Bits(i*cols+at, min(64, cols-at))
			for word := line[at>>6]; word != 0; word &= word - 1 {
				c.byColumn[at+bits.TrailingZeros64(word)].Set(i, true)
			}
		}
		c.lines = append(c.lines, line)
		c.open = append(c.open, append([]uint64(nil), line...))
	}
	for _, r := range []*rectangle{&c.grown, &c.trial} {
		r.rows, r.cols = make([]uint64, xorcode.Words(rows)), make([]uint64, xorcode.Words(cols))
	}
	return c
}

// next finds a rectangle and covers it; false if the effort is spent.
func (c *cover) next() (Component, bool) {
	all := xorcode.NewPlane(c.rows)
	all.Invert()
	current := rectangle{rows: all.Words, cols: make([]uint64, xorcode.Words(c.cols))}
	for {
		c.grown.covers = current.covers
		for j := range c.cols {
			if current.cols[j>>6]>>(j&63)&1 != 0 {
				continue
			}
			if c.words > maxExactWords {
				return Component{}, false
			}
			c.try(&current, j)
			if c.trial.covers > c.grown.covers {
				c.grown, c.trial = c.trial, c.grown
			}
		}
		if c.grown.covers == current.covers {
			break
		}
		copy(current.rows, c.grown.rows)
		copy(current.cols, c.grown.cols)
		current.covers = c.grown.covers
	}
	found := Component{xorcode.NewPlane(c.rows), xorcode.NewPlane(c.cols)}
	copy(found.Rows.Words, current.rows)
	copy(found.Cols.Words, current.cols)
	eachBit(current.rows, func(i int) {
		for w, word := range current.cols {
			c.open[i][w] &^= word
		}
	})
	c.left -= current.covers
	return found, true
}

// try makes the trial the maximal rectangle of the rows that a rectangle shares
// with a column.
func (c *cover) try(r *rectangle, column int) {
	t := &c.trial
	for w := range t.rows {
		t.rows[w] = r.rows[w] & c.byColumn[column].Words[w]
	}
	for w := range t.cols {
		t.cols[w] = ^uint64(0)
	}
	t.covers = 0
	c.words += len(t.rows)
	eachBit(t.rows, func(i int) {
		for w, word := range c.lines[i] {
			t.cols[w] &= word
		}
		c.words += 2 * len(t.cols)
	})
	eachBit(t.rows, func(i int) {
		for w, word := range c.open[i] {
			t.covers += bits.OnesCount64(word & t.cols[w])
		}
	})
}

func eachBit(words []uint64, f func(i int)) {
	for w, word := range words {
		for ; word != 0; word &= word - 1 {
			f(64*w + bits.TrailingZeros64(word))
		}
	}
}
