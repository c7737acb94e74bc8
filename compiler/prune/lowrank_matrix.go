package prune

import (
	"math"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/npusim/npusim/isa/weightmask"
	"github.com/npusim/npusim/isa/xorcode"
)

// matrixFit fits all tiles of a matrix under one price.
type matrixFit struct {
	header weightmask.Header
	tiles  []weightmask.Tile
	scores []uint32 // scaled to scoreBits
	quota  []int32  // cells of each tile among the best of the matrix
	wanted int
	limit  uint32 // the smallest score among the best

	// factors holds the coded bits of each tile from a word boundary on.
	stride  int
	factors []uint64
	count   []int32 // kept weights of each tile
	kept    int

	workers []*tileFit
}

func newMatrixFit(h weightmask.Header, scores []float32, wanted int) *matrixFit {
	m := &matrixFit{header: h, tiles: h.LowRankTiles(), scores: scaleScores(scores), wanted: wanted}
	m.stride = xorcode.Words(h.Rank * (h.TileRows + h.TileCols))
	m.factors = make([]uint64, m.stride*len(m.tiles))
	m.count = make([]int32, len(m.tiles))
	for range max(1, min(runtime.GOMAXPROCS(0), len(m.tiles))) {
		m.workers = append(m.workers, &tileFit{})
	}
	m.setQuota()
	return m
}

// scaleScores turns scores into integers, so that sums do not depend on their
// order: the largest becomes 2^scoreBits - 1.
func scaleScores(scores []float32) []uint32 {
	var largest float32
	for _, s := range scores {
		largest = max(largest, s)
	}
	scaled := make([]uint32, len(scores))
	if largest == 0 {
		return scaled
	}
	const top = 1<<scoreBits - 1
	for i, s := range scores {
		scaled[i] = uint32(math.Round(float64(s) / float64(largest) * top))
	}
	return scaled
}

// setQuota counts in every tile how many of its scores are among the wanted
// best of the matrix; equal scores at the limit share what is left.
func (m *matrixFit) setQuota() {
	histogram := make([]int, 1<<scoreBits)
	for _, s := range m.scores {
		histogram[s]++
	}
	above, at := 0, 1<<scoreBits-1
	for ; at > 0 && above+histogram[at] < m.wanted; at-- {
		above += histogram[at]
	}
	m.limit = uint32(at)
	share := float64(m.wanted-above) / float64(max(1, histogram[at]))
	m.quota = make([]int32, len(m.tiles))
	for i, t := range m.tiles {
		over, equal := 0, 0
		for row := range t.Rows {
			from := (t.Row+row)*m.header.Cols + t.Col
			for _, s := range m.scores[from : from+t.Cols] {
				if s > m.limit {
					over++
				} else if s == m.limit {
					equal++
				}
			}
		}
		m.quota[i] = int32(over + int(math.Round(float64(equal)*share)))
	}
}

// each calls f for tiles 0, step, 2*step, ... from as many goroutines as there
// are workers. f may touch its own tile only.
func (m *matrixFit) each(step int, f func(w *tileFit, tile int)) {
	var next atomic.Int64
	var group sync.WaitGroup
	for _, w := range m.workers {
		group.Go(func() {
			for {
				tile := int(next.Add(1)-1) * step
				if tile >= len(m.tiles) {
					return
				}
				f(w, tile)
			}
		})
	}
	group.Wait()
}

// Search for the price.
const (
	sampleWeights = 1 << 19 // for rank 1; the time a weight grows with the rank
	sampleTiles   = 16      // at least, where there are as many
	priceSteps    = 12
	priceSpan     = 16.0 // the price lies within this factor of the limit
	priceError    = 0.002
)

// findPrice halves the (logarithmic) range of the price until a sample of the
// tiles keeps as many weights as it should.
func (m *matrixFit) findPrice() float64 {
	step := max(1, min(m.header.Weights()*m.header.Rank/sampleWeights, len(m.tiles)/sampleTiles))
	want := int64(0)
	for tile := 0; tile < len(m.tiles); tile += step {
		want += int64(m.quota[tile])
	}
	limit := float64(max(m.limit, 1))
	low, high := limit/priceSpan, limit*priceSpan
	price := 0.0
	for range priceSteps {
		price = math.Sqrt(low * high)
		var cells atomic.Int64
		m.each(step, func(w *tileFit, tile int) {
			m.fit(w, tile, price)
			cells.Add(int64(w.cells))
		})
		switch d := cells.Load() - want; {
		case math.Abs(float64(d)) <= priceError*float64(want):
			return price
		case d > 0:
			low = price
		default:
			high = price
		}
	}
	return price
}

func (m *matrixFit) fit(w *tileFit, tile int, price float64) {
	w.load(m.scores, m.header.Cols, m.tiles[tile], m.header.Rank)
	w.fit(int(m.quota[tile]), price, uint64(tile))
}

// run fits every tile.
func (m *matrixFit) run(price float64) {
	m.each(1, func(w *tileFit, tile int) {
		m.fit(w, tile, price)
		m.store(w, tile)
	})
	m.kept = 0
	for _, n := range m.count {
		m.kept += int(n)
	}
}

// code is the coded bits of a tile: rank bits a row, then the columns of each
// component.
func (m *matrixFit) code(tile int) (words []uint64, bits int) {
	t := m.tiles[tile]
	return m.factors[tile*m.stride : (tile+1)*m.stride], m.header.Rank * (t.Rows + t.Cols)
}

// store puts the components of a worker into the code of a tile.
func (m *matrixFit) store(w *tileFit, tile int) {
	words, _ := m.code(tile)
	clear(words)
	set := func(bit int) { words[bit>>6] |= 1 << (bit & 63) }
	for k := range w.rank {
		if len(w.row[k]) == 0 || len(w.col[k]) == 0 {
			continue
		}
		for _, i := range w.row[k] {
			set(int(i)*w.rank + k)
		}
		for _, j := range w.col[k] {
			set(w.rows*w.rank + k*w.cols + int(j))
		}
	}
	m.count[tile] = int32(w.cells)
}

// restore is the inverse of store.
func (m *matrixFit) restore(w *tileFit, tile int) {
	w.load(m.scores, m.header.Cols, m.tiles[tile], m.header.Rank)
	words, _ := m.code(tile)
	get := func(bit int) bool { return words[bit>>6]>>(bit&63)&1 != 0 }
	for k := range w.rank {
		for i := range w.rows {
			if get(i*w.rank + k) {
				w.row[k] = append(w.row[k], int32(i))
			}
		}
		for j := range w.cols {
			if get(w.rows*w.rank + k*w.cols + j) {
				w.col[k] = append(w.col[k], int32(j))
			}
		}
		w.cover(k)
	}
}

// payload joins the codes of all tiles.
func (m *matrixFit) payload() []byte {
	var out bitWriter
	for tile := range m.tiles {
		words, bits := m.code(tile)
		for at := 0; at < bits; at += 64 {
			out.write(words[at>>6], min(64, bits-at))
		}
	}
	return out.close()
}
