package prune

import (
	"bytes"
	"fmt"
	"math"
	"math/bits"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// reduced tells whether tests do less: with -short or the race detector.
func reduced() bool { return testing.Short() || raceEnabled }

// normal draws magnitudes of Gaussian weights.
func normal(random *rand.Rand, n int) []float32 {
	scores := make([]float32, n)
	for i := range scores {
		scores[i] = float32(math.Abs(random.NormFloat64()))
	}
	return scores
}

// Whatever the matrix and the shape, no more weights are kept than wanted, the
// mask is of the shape, and no mask of as many weights keeps more than the
// unstructured one.
func TestFactorHoldsItsPromises(t *testing.T) {
	side := 50
	if reduced() {
		side = 26
	}
	rapid.Check(t, func(t *rapid.T) {
		rows, cols := rapid.IntRange(1, side).Draw(t, "rows"), rapid.IntRange(1, side).Draw(t, "cols")
		shape := LowRank{TileRows: rapid.IntRange(1, 24).Draw(t, "tile rows"), TileCols: rapid.IntRange(1, 24).Draw(t, "tile columns")}
		shape.Rank = rapid.IntRange(1, min(4, shape.TileRows, shape.TileCols)).Draw(t, "rank")
		sparsity := rapid.Float64Range(0, 0.999).Draw(t, "sparsity")
		random := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 9))
		scores := normal(random, rows*cols)
		switch rapid.IntRange(0, 3).Draw(t, "kind") {
		case 0: // few different values
			for i := range scores {
				scores[i] = float32(math.Floor(float64(2 * scores[i])))
			}
		case 1: // outliers
			scores[random.IntN(len(scores))] = 1e30
		case 2:
			clear(scores)
		}
		f, err := Factor(scores, rows, cols, sparsity, shape)
		if err != nil {
			t.Fatal(err)
		}
		if pruned := must(Pruned(rows*cols, sparsity)); f.Wanted != rows*cols-pruned {
			t.Fatalf("%d wanted, want %d", f.Wanted, rows*cols-pruned)
		}
		if f.Kept != f.Mask.Count() || f.Kept > f.Wanted {
			t.Fatalf("%d kept, %d in the mask, %d wanted", f.Kept, f.Mask.Count(), f.Wanted)
		}
		if f.KeptShare > f.Unstructured+1e-12 || f.KeptShare != Share(scores, f.Mask) {
			t.Fatalf("share %g in all, %g unstructured, %g in the mask", f.KeptShare, f.Unstructured, Share(scores, f.Mask))
		}
		for row := 0; row < rows; row += shape.TileRows {
			for col := 0; col < cols; col += shape.TileCols {
				checkRectangles(t, f, row, col, rows, cols)
			}
		}
		again, err := Factor(scores, rows, cols, sparsity, shape)
		if err != nil || !bytes.Equal(again.Stream, f.Stream) {
			t.Fatalf("a second run gives another mask (%v)", err)
		}
	})
}

// checkRectangles holds that the rows of a tile show at most 2^rank - 1
// different patterns that are not empty, as unions of rank of them do.
func checkRectangles(t *rapid.T, f *Factorization, row, col, rows, cols int) {
	patterns := map[uint64]bool{}
	width := min(f.Shape.TileCols, cols-col)
	for r := row; r < min(row+f.Shape.TileRows, rows); r++ {
		if p := f.Mask.Bits(r*cols+col, width); p != 0 {
			patterns[p] = true
		}
	}
	if len(patterns) >= 1<<f.Shape.Rank {
		t.Fatalf("the tile at %d, %d has %d row patterns for rank %d", row, col, len(patterns), f.Shape.Rank)
	}
}

// On tiles small enough to try all rectangles, the search comes close to the
// best of at most the wanted size.
func TestFactorAgainstAllRectangles(t *testing.T) {
	const rows, cols = 5, 6
	random := rand.New(rand.NewPCG(21, 22))
	tiles := 200
	if reduced() {
		tiles = 30
	}
	sum := 0.0
	for range tiles {
		scores := normal(random, rows*cols)
		sparsity := 0.6 + 0.35*random.Float64()
		f := must(Factor(scores, rows, cols, sparsity, LowRank{rows, cols, 1}))
		best, total := 0.0, 0.0
		for _, s := range scores {
			total += float64(s)
		}
		for u := 1; u < 1<<rows; u++ {
			for v := 1; v < 1<<cols; v++ {
				if bits.OnesCount(uint(u))*bits.OnesCount(uint(v)) > f.Wanted {
					continue
				}
				x := 0.0
				for i := range rows {
					for j := range cols {
						if u>>i&1 == 1 && v>>j&1 == 1 {
							x += float64(scores[i*cols+j])
						}
					}
				}
				best = max(best, x)
			}
		}
		got := f.KeptShare * total
		if got > best*(1+1e-9) {
			t.Fatalf("kept %g, the best rectangle has %g", got, best)
		}
		sum += got / best
	}
	if mean := sum / float64(tiles); mean < 0.95 {
		t.Errorf("rectangles keep %.3f of the best on average", mean)
	}
}

// A matrix whose large scores are a union of rectangles loses nothing.
func TestFactorFindsPlantedRectangles(t *testing.T) {
	const rows, cols, side, rank = 96, 128, 32, 3
	random := rand.New(rand.NewPCG(31, 32))
	scores := make([]float32, rows*cols)
	planted := 0
	for i := range scores {
		scores[i] = 0.1 * random.Float32()
	}
	for row := 0; row < rows; row += side {
		for col := 0; col < cols; col += side {
			for range rank {
				u, v := random.Uint32()&random.Uint32(), random.Uint32()&random.Uint32()
				for i := range side {
					for j := range side {
						if s := &scores[(row+i)*cols+col+j]; u>>i&1 == 1 && v>>j&1 == 1 && *s < 1 {
							*s = 1 + random.Float32()
							planted++
						}
					}
				}
			}
		}
	}
	f := must(Factor(scores, rows, cols, 1-float64(planted)/(rows*cols), LowRank{side, side, rank}))
	if ratio := f.KeptShare / f.Unstructured; ratio < 0.97 {
		t.Errorf("%.4f of the planted scores are kept", ratio)
	}
}

// The number of kept weights is right to a few, and small tiles keep most of
// what unstructured pruning keeps, at the size that Rank, TileRows and TileCols
// say. A random mask of this sparsity would keep 0.38 of it.
func TestFactorOnGaussianWeights(t *testing.T) {
	const sparsity = 0.91
	rows, cols := 200, 330
	if reduced() {
		rows, cols = 100, 110
	}
	size := float64(rows * cols)
	scores := normal(rand.New(rand.NewPCG(41, 42)), rows*cols)
	for _, c := range []struct {
		shape LowRank
		bits  float64
		ratio float64 // of the share that unstructured pruning keeps
	}{
		{LowRank{10, 11, 1}, 1.0/10 + 1.0/11, 0.755},
		{LowRank{4, 5, 1}, 1.0/4 + 1.0/5, 0.915},
		{LowRank{20, 22, 2}, 2 * (1.0/20 + 1.0/22), 0.73},
		{LowRank{40, 33, 4}, 4 * (1.0/40 + 1.0/33), 0.71},
		{LowRank{100, 110, 10}, 10 * (1.0/100 + 1.0/110), 0.64},
	} {
		if reduced() && c.shape.Rank > 1 {
			continue
		}
		f := must(Factor(scores, rows, cols, sparsity, c.shape))
		if got := must(c.shape.BitsPerWeight(rows, cols)); math.Abs(got-c.bits) > 1e-12 {
			t.Errorf("%+v: %g bits a weight, want %g", c.shape, got, c.bits)
		}
		if n := len(f.Stream) - 40; n != int(math.Ceil(c.bits*size/8-1e-9)) {
			t.Errorf("%+v: %d bytes, want %g bits a weight", c.shape, n, c.bits)
		}
		if f.Kept < f.Wanted-3 {
			t.Errorf("%+v: %d of %d weights kept", c.shape, f.Kept, f.Wanted)
		}
		if ratio := f.KeptShare / f.Unstructured; ratio < c.ratio {
			t.Errorf("%+v: keeps %.4f of what unstructured pruning keeps, want %.3f", c.shape, ratio, c.ratio)
		}
	}
}

// The mask does not depend on the number of processors.
func TestFactorOnManyProcessors(t *testing.T) {
	scores := normal(rand.New(rand.NewPCG(51, 52)), 90*70)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	one := must(Factor(scores, 90, 70, 0.8, LowRank{16, 16, 2}))
	runtime.GOMAXPROCS(7)
	seven := must(Factor(scores, 90, 70, 0.8, LowRank{16, 16, 2}))
	if !bytes.Equal(one.Stream, seven.Stream) {
		t.Error("one and seven processors give different masks")
	}
}

func TestBestLowRank(t *testing.T) {
	rows, cols := 128, 144
	if reduced() {
		rows, cols = 64, 72
	}
	scores := normal(rand.New(rand.NewPCG(61, 62)), rows*cols)
	for _, limit := range []float64{0.1, 0.192, 0.5} {
		shape := must(BestLowRank(scores, rows, cols, 0.91, limit))
		if got := must(shape.BitsPerWeight(rows, cols)); got > limit || got < 0.7*limit {
			t.Errorf("%+v takes %g bits a weight for a limit of %g", shape, got, limit)
		}
	}
	for _, limit := range []float64{0, -1, math.NaN(), 1e-9} {
		if _, err := BestLowRank(scores, rows, cols, 0.91, limit); err == nil {
			t.Errorf("a mask of %g bits a weight is found", limit)
		}
	}
}

func TestFactorErrors(t *testing.T) {
	for _, c := range []struct {
		scores     []float32
		rows, cols int
		sparsity   float64
		shape      LowRank
		want       string
	}{
		{make([]float32, 5), 2, 3, 0.5, LowRank{1, 1, 1}, "5 scores for 2 x 3"},
		{make([]float32, 6), 2, 3, 1, LowRank{1, 1, 1}, "sparsity 1"},
		{make([]float32, 6), 2, 3, 0.5, LowRank{2, 3, 3}, "rank 3"},
		{make([]float32, 6), 2, 3, 0.5, LowRank{2, 1 << 20, 1}, "tiles of 2 x 1048576"},
		{nil, 0, 3, 0.5, LowRank{1, 1, 1}, "0 x 3"},
		{[]float32{-1}, 1, 1, 0.5, LowRank{1, 1, 1}, "not negative"},
	} {
		if _, err := Factor(c.scores, c.rows, c.cols, c.sparsity, c.shape); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want an error with %q", err, c.want)
		}
	}
}

// BenchmarkFactor is the fully-connected layer of 4096 x 9216 weights at a
// sparsity of 0.91, and smaller ones of higher ranks. Kept is the share of the
// magnitude that stays, in percent of what unstructured pruning keeps.
func BenchmarkFactor(b *testing.B) {
	for _, c := range []struct {
		rows, cols int
		shape      LowRank
	}{
		{4096, 9216, LowRank{10, 11, 1}},
		{1024, 1024, LowRank{21, 21, 2}},
		{1024, 1024, LowRank{42, 43, 4}},
		{1024, 1024, LowRank{128, 128, 12}},
	} {
		b.Run(fmt.Sprintf("%dx%d/%dx%dx%d", c.rows, c.cols, c.shape.TileRows, c.shape.TileCols, c.shape.Rank), func(b *testing.B) {
			scores := normal(rand.New(rand.NewPCG(1, 2)), c.rows*c.cols)
			var f *Factorization
			for b.Loop() {
				f = must(Factor(scores, c.rows, c.cols, 0.91, c.shape))
			}
			n := float64(len(scores))
			b.ReportMetric(8*float64(len(f.Stream))/n, "bits/weight")
			b.ReportMetric(100*f.KeptShare/f.Unstructured, "kept-%")
			b.ReportMetric(n*float64(b.N)/b.Elapsed().Seconds()/1e6, "Mweight/s")
		})
	}
}

func BenchmarkEncodeRunLength(b *testing.B) {
	const rows, cols = 1024, 4096
	mask := must(Select(normal(rand.New(rand.NewPCG(1, 2)), rows*cols), 0.91))
	for b.Loop() {
		must(EncodeRunLength(mask, rows, cols, BlockWeights))
	}
	b.ReportMetric(float64(rows*cols)*float64(b.N)/b.Elapsed().Seconds()/1e6, "Mbit/s")
}
