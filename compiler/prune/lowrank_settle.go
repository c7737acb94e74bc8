package prune

import (
	"cmp"
	"slices"
)

// change is one row or column that joins or leaves a component of a tile, or a
// component of a single cell.
type change struct {
	tile      int
	component int
	row, col  int32 // -1 where the change is the other kind of line
	cells     int
	mean      float64 // score of the cells that are won or lost
}

// settle makes the number of kept weights right: it drops the lines with the
// smallest mean score until no more than wanted are kept, then adds the lines
// with the largest that still fit. A round changes every tile at most once,
// because a change alters what the others of its tile are worth.
func (m *matrixFit) settle() {
	for m.kept > m.wanted {
		changes := m.propose(func(w *tileFit) (change, bool) { return w.worst() })
		if len(changes) == 0 {
			m.uncoverTwice()
			continue
		}
		slices.SortFunc(changes, func(a, b change) int {
			return cmp.Or(cmp.Compare(a.mean, b.mean), cmp.Compare(a.tile, b.tile))
		})
		for _, c := range changes {
			if m.kept <= m.wanted {
				break
			}
			m.apply(c, false)
			m.kept -= c.cells
		}
	}
	for m.kept < m.wanted {
		room := m.wanted - m.kept
		changes := m.propose(func(w *tileFit) (change, bool) { return w.next(room) })
		slices.SortFunc(changes, func(a, b change) int {
			return cmp.Or(cmp.Compare(b.mean, a.mean), cmp.Compare(a.tile, b.tile))
		})
		before := m.kept
		for _, c := range changes {
			if m.kept+c.cells <= m.wanted {
				m.apply(c, true)
				m.kept += c.cells
			}
		}
		if m.kept == before {
			return
		}
	}
}

// uncoverTwice takes a component out of every tile that keeps anything, where no
// line of any has cells of its own: what it covers, others cover too.
func (m *matrixFit) uncoverTwice() {
	w := m.workers[0]
	for tile, cells := range m.count {
		if cells == 0 {
			continue
		}
		m.restore(w, tile)
		for k := range w.rank {
			if len(w.row[k]) > 0 && len(w.col[k]) > 0 {
				w.uncover(k)
				w.row[k], w.col[k] = w.row[k][:0], w.col[k][:0]
				break
			}
		}
		m.store(w, tile)
	}
}

// propose asks every tile for its change.
func (m *matrixFit) propose(f func(w *tileFit) (change, bool)) []change {
	all := make([]change, len(m.tiles))
	m.each(1, func(w *tileFit, tile int) {
		m.restore(w, tile)
		c, ok := f(w)
		if !ok {
			c.cells = 0
		}
		c.tile = tile
		all[tile] = c
	})
	return slices.DeleteFunc(all, func(c change) bool { return c.cells == 0 })
}

// apply makes a change in the code of its tile.
func (m *matrixFit) apply(c change, join bool) {
	w := m.workers[0]
	m.restore(w, c.tile)
	w.uncover(c.component)
	toggle(&w.row[c.component], c.row, join)
	toggle(&w.col[c.component], c.col, join)
	w.cover(c.component)
	m.store(w, c.tile)
}

func toggle(lines *[]int32, line int32, join bool) {
	if line < 0 {
		return
	}
	at, found := slices.BinarySearch(*lines, line)
	switch {
	case join && !found:
		*lines = slices.Insert(*lines, at, line)
	case !join && found:
		*lines = slices.Delete(*lines, at, at+1)
	}
}

// worst is the line of a component whose own cells, those that no other
// component covers, have the smallest mean score.
func (f *tileFit) worst() (worst change, ok bool) {
	consider := func(c change, sum uint64) {
		if c.cells == 0 {
			return
		}
		if c.mean = float64(sum) / float64(c.cells); !ok || c.mean < worst.mean {
			worst, ok = c, true
		}
	}
	for k := range f.rank {
		f.uncover(k)
		for _, i := range f.row[k] {
			cells, sum := f.openCells(i, i+1, f.col[k])
			consider(change{component: k, row: i, col: -1, cells: cells}, sum)
		}
		sums := f.sumCols(f.row[k])
		for _, j := range f.col[k] {
			consider(change{component: k, row: -1, col: j, cells: int(sums[j] >> 40)}, sums[j]&scoreMask)
		}
		f.cover(k)
	}
	return worst, ok
}

// openCells counts and sums the open cells of rows from..to-1 in some columns.
func (f *tileFit) openCells(from, to int32, columns []int32) (cells int, sum uint64) {
	var s uint64
	for i := from; i < to; i++ {
		row := f.open[int(i)*f.cols : (int(i)+1)*f.cols]
		for _, j := range columns {
			s += row[j]
		}
	}
	return int(s >> 40), s & scoreMask
}

// next is the line of at most room open cells that would win the largest mean
// score. An unused component offers the best open cell.
func (f *tileFit) next(room int) (best change, ok bool) {
	consider := func(c change, sum uint64) {
		if c.cells = int(sum >> 40); c.cells == 0 || c.cells > room {
			return
		}
		if c.mean = float64(sum&scoreMask) / float64(c.cells); !ok || c.mean > best.mean {
			best, ok = c, true
		}
	}
	for k := range f.rank {
		if len(f.row[k]) == 0 || len(f.col[k]) == 0 {
			f.row[k], f.col[k] = f.row[k][:0], f.col[k][:0]
			var top uint64
			at := 0
			for p, x := range f.open {
				if x > top {
					top, at = x, p
				}
			}
			consider(change{component: k, row: int32(at / f.cols), col: int32(at % f.cols)}, top)
			continue
		}
		for i, s := range f.sumRows(f.col[k]) {
			consider(change{component: k, row: int32(i), col: -1}, s)
		}
		for j, s := range f.sumCols(f.row[k]) {
			consider(change{component: k, row: -1, col: int32(j)}, s)
		}
	}
	return best, ok
}
