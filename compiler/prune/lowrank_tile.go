package prune

import (
	"math"
	"math/rand/v2"
	"slices"

	"github.com/npusim/npusim/isa/weightmask"
)

// A cell of a tile is a score and a count of 1 in one word, so that a sum over
// cells gives both. Scores have at most scoreBits bits and a line at most 2^12
// cells, so the halves never meet.
const (
	scoreBits = 20
	countUnit = 1 << 40
	scoreMask = countUnit - 1
)

// tileFit finds the components of one tile: rectangles of rows x columns whose
// union is the mask. It is reused from tile to tile.
//
// What it maximizes is the sum of (score - price) over the union, less
// stiffness * price * (cells - quota)^2 / (2 * quota). The price ties the tiles
// together: tiles with better rectangles keep more. The second term keeps a
// tile from jumping between nothing and everything, which it otherwise does
// where large rectangles differ little from the average of the tile. The larger
// the tile the less they differ, so the stiffness grows with it.
type tileFit struct {
	rows, cols, rank int
	quota            int
	price, stiffness float64

	scores []uint32
	open   []uint64 // cell while no component covers it, else 0
	covers []uint16 // components on a cell
	cells  int      // covered cells

	row, col [][]int32 // members of each component, ascending

	sums           []uint64
	gains          []float64
	order          []int32
	topRow, topCol []int32
	source         rand.PCG
}

// Effort of a fit.
const (
	startsPerComponent = 10 // seeds tried for each component
	sizedSteps         = 4  // alternations at a fixed size of the rectangle
	freeSteps          = 6  // alternations at any size
	sweeps             = 6  // rounds over the components after the first
	stiffnessRate      = 0.006
	maxStiffness       = 0.4
)

// reset makes room for a tile without components.
func (f *tileFit) reset(rows, cols, rank int) {
	f.rows, f.cols, f.rank, f.cells = rows, cols, rank, 0
	n := rows * cols
	f.scores = grow(f.scores, n)
	f.open = grow(f.open, n)
	f.covers = grow(f.covers, n)
	clear(f.covers)
	f.sums = grow(f.sums, max(rows, cols))
	for len(f.row) < rank {
		f.row, f.col = append(f.row, nil), append(f.col, nil)
	}
	for k := range rank {
		f.row[k], f.col[k] = f.row[k][:0], f.col[k][:0]
	}
}

// load takes a tile out of a matrix of scores.
func (f *tileFit) load(scores []uint32, stride int, t weightmask.Tile, rank int) {
	f.reset(t.Rows, t.Cols, rank)
	for i := range t.Rows {
		from := scores[(t.Row+i)*stride+t.Col:]
		copy(f.scores[i*t.Cols:(i+1)*t.Cols], from)
	}
	for p, s := range f.scores {
		f.open[p] = countUnit | uint64(s)
	}
}

func grow[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}

// cover puts component k on the tile.
func (f *tileFit) cover(k int) {
	for _, i := range f.row[k] {
		at := int(i) * f.cols
		for _, j := range f.col[k] {
			p := at + int(j)
			if f.covers[p]++; f.covers[p] == 1 {
				f.open[p] = 0
				f.cells++
			}
		}
	}
}

// uncover takes component k off the tile.
func (f *tileFit) uncover(k int) {
	for _, i := range f.row[k] {
		at := int(i) * f.cols
		for _, j := range f.col[k] {
			p := at + int(j)
			if f.covers[p]--; f.covers[p] == 0 {
				f.open[p] = countUnit | uint64(f.scores[p])
				f.cells--
			}
		}
	}
}

// sumRows sums the open cells of every row over the given columns.
func (f *tileFit) sumRows(columns []int32) []uint64 {
	sums := f.sums[:f.rows]
	for i := range sums {
		row := f.open[i*f.cols : (i+1)*f.cols]
		var s uint64
		for _, j := range columns {
			s += row[j]
		}
		sums[i] = s
	}
	return sums
}

// sumCols sums the open cells of every column over the given rows.
func (f *tileFit) sumCols(rows []int32) []uint64 {
	sums := f.sums[:f.cols]
	clear(sums)
	for _, i := range rows {
		row := f.open[int(i)*f.cols : (int(i)+1)*f.cols]
		for j, x := range row {
			sums[j] += x
		}
	}
	return sums
}

// sort orders lines by falling gain, equal ones by index. The gain of a line is
// what its cells are worth above their price.
func (f *tileFit) sort(sums []uint64) []int32 {
	f.gains, f.order = grow(f.gains, len(sums)), grow(f.order, len(sums))
	for i, s := range sums {
		f.gains[i] = float64(s&scoreMask) - float64(f.price*float64(s>>40))
		f.order[i] = int32(i)
	}
	if len(sums) > 24 {
		slices.SortFunc(f.order, func(a, b int32) int {
			switch x, y := f.gains[a], f.gains[b]; {
			case x > y:
				return -1
			case x < y:
				return 1
			}
			return int(a - b)
		})
		return f.order
	}
	// Insertion keeps the order of equal gains.
	for m := 1; m < len(f.order); m++ {
		line, at := f.order[m], m
		for ; at > 0 && f.gains[f.order[at-1]] < f.gains[line]; at-- {
			f.order[at] = f.order[at-1]
		}
		f.order[at] = line
	}
	return f.order
}

// largest takes the count best lines.
func (f *tileFit) largest(into []int32, sums []uint64, count int) []int32 {
	into = append(into[:0], f.sort(sums)[:min(count, len(sums))]...)
	slices.Sort(into)
	return into
}

// best takes as many of the best lines as maximize the objective, and tells
// its value.
func (f *tileFit) best(into []int32, sums []uint64, quota int) ([]int32, float64) {
	order := f.sort(sums)
	value, cells, take := 0.0, f.cells, 0
	top := f.penalty(cells, quota)
	for m, i := range order {
		value += f.gains[i]
		cells += int(sums[i] >> 40)
		if v := value + f.penalty(cells, quota); v > top {
			top, take = v, m+1
		}
	}
	into = append(into[:0], order[:take]...)
	slices.Sort(into)
	return into, top
}

// penalty is the second term of the objective, not positive.
func (f *tileFit) penalty(cells, quota int) float64 {
	d := float64(cells - quota)
	return float64(-f.stiffness*f.price*d*d) / (2 * float64(max(quota, 1)))
}

// improve alternates between the rows and the columns of component k, which is
// off the tile, until the objective stays. It returns the objective.
func (f *tileFit) improve(k, quota, steps int) float64 {
	last := math.Inf(-1)
	for range steps {
		f.row[k], _ = f.best(f.row[k], f.sumRows(f.col[k]), quota)
		var value float64
		f.col[k], value = f.best(f.col[k], f.sumCols(f.row[k]), quota)
		if value <= last {
			break
		}
		last = value
	}
	return last
}

// seed finds component k on what the components before it left open.
func (f *tileFit) seed(k, quota int) {
	share := float64(f.quota) / float64(f.rows*f.cols)
	share = 1 - math.Pow(1-share, 1/float64(f.rank))
	side := math.Sqrt(share)
	a := max(1, int(math.Round(side*float64(f.rows))))
	b := max(1, int(math.Round(share*float64(f.rows)*float64(f.cols)/float64(a))))
	f.topRow, f.topCol = f.topRow[:0], f.topCol[:0]
	top := math.Inf(-1)
	for s := range startsPerComponent {
		row := int32(s)
		if f.rows > startsPerComponent {
			row = int32(f.source.Uint64() % uint64(f.rows))
		} else if s >= f.rows {
			break
		}
		f.col[k] = f.largest(f.col[k], f.sumCols([]int32{row}), b)
		for range sizedSteps {
			f.row[k] = f.largest(f.row[k], f.sumRows(f.col[k]), a)
			f.col[k] = f.largest(f.col[k], f.sumCols(f.row[k]), b)
		}
		if value := f.improve(k, quota, freeSteps); value > top {
			top = value
			f.topRow = append(f.topRow[:0], f.row[k]...)
			f.topCol = append(f.topCol[:0], f.col[k]...)
		}
	}
	f.row[k] = append(f.row[k][:0], f.topRow...)
	f.col[k] = append(f.col[k][:0], f.topCol...)
}

// fit finds all components from nothing. seed makes the choices among many rows.
func (f *tileFit) fit(quota int, price float64, seed uint64) {
	f.quota, f.price = quota, price
	f.stiffness = min(maxStiffness, stiffnessRate*math.Sqrt(float64(quota)))
	f.source.Seed(seed, 0)
	if quota == 0 {
		return
	}
	for k := range f.rank {
		f.seed(k, (quota*(k+1)+f.rank-1)/f.rank)
		f.cover(k)
	}
	if f.rank == 1 {
		return
	}
	for range sweeps {
		for k := range f.rank {
			f.uncover(k)
			f.improve(k, quota, 2)
			f.cover(k)
		}
	}
}
