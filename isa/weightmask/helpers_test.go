package weightmask_test

import (
	"math/rand/v2"

	"pgregory.net/rapid"

	"github.com/npusim/npusim/compiler/prune"
	"github.com/npusim/npusim/isa/weightmask"
	"github.com/npusim/npusim/isa/xorcode"
)

// bernoulli keeps each weight with a probability.
func bernoulli(random *rand.Rand, n int, keep float64) xorcode.Plane {
	mask := xorcode.NewPlane(n)
	for i := range n {
		if random.Float64() < keep {
			mask.Set(i, true)
		}
	}
	return mask
}

// clustered is runs of both kinds with a mean length.
func clustered(random *rand.Rand, n int, mean float64) xorcode.Plane {
	mask := xorcode.NewPlane(n)
	kept := random.IntN(2) == 0
	for i := range n {
		if random.Float64() < 1/mean {
			kept = !kept
		}
		mask.Set(i, kept)
	}
	return mask
}

// drawMask draws masks of all kinds: Bernoulli of any density, all kept, all
// pruned, clustered.
func drawMask(t *rapid.T, n int) xorcode.Plane {
	random := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 5))
	switch rapid.IntRange(0, 4).Draw(t, "kind") {
	case 0:
		return bernoulli(random, n, 0)
	case 1:
		return bernoulli(random, n, 1)
	case 2:
		return clustered(random, n, 1+300*random.Float64())
	case 3:
		return bernoulli(random, n, 0.02*random.Float64())
	}
	return bernoulli(random, n, random.Float64())
}

// drawFactors draws a payload of random factors of a low-rank mask, sealed with
// the right number of kept weights, and the mask that they mean by definition.
func drawFactors(t *rapid.T) (stream []byte, mask xorcode.Plane, h weightmask.Header) {
	h = weightmask.Header{
		Format: weightmask.LowRank, Rows: rapid.IntRange(1, 90).Draw(t, "rows"), Cols: rapid.IntRange(1, 300).Draw(t, "cols"),
		TileRows: rapid.IntRange(1, 100).Draw(t, "tile rows"), TileCols: rapid.IntRange(1, 200).Draw(t, "tile columns"),
	}
	h.Rank = rapid.IntRange(1, min(h.TileRows, h.TileCols)).Draw(t, "rank")
	random := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 6))
	density := random.Float64()
	payload := make([]byte, (h.LowRankBits()+7)/8)
	mask = xorcode.NewPlane(h.Weights())
	at := 0
	draw := func() bool {
		set := random.Float64() < density
		if set {
			payload[at/8] |= 1 << (at % 8)
		}
		at++
		return set
	}
	for row := 0; row < h.Rows; row += h.TileRows {
		for col := 0; col < h.Cols; col += h.TileCols {
			r, c := min(h.TileRows, h.Rows-row), min(h.TileCols, h.Cols-col)
			u := make([]bool, r*h.Rank)
			for i := range u {
				u[i] = draw()
			}
			for k := range h.Rank {
				for j := range c {
					if !draw() {
						continue
					}
					for i := range r {
						if u[i*h.Rank+k] {
							mask.Set((row+i)*h.Cols+col+j, true)
						}
					}
				}
			}
		}
	}
	h.Kept = mask.Count()
	stream, err := weightmask.Seal(h, payload)
	if err != nil {
		t.Fatal(err)
	}
	return stream, mask, h
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// samples are small streams of every format.
func samples() [][]byte {
	random := rand.New(rand.NewPCG(7, 7))
	mask := bernoulli(random, 7*43, 0.15)
	scores := make([]float32, 301)
	for i := range scores {
		scores[i] = random.Float32()
	}
	return [][]byte{
		must(prune.EncodeRaw(mask, 7, 43)),
		must(prune.EncodeRunLength(mask, 7, 43, 128)),
		must(prune.EncodeRunLength(bernoulli(random, 301, 0.5), 43, 7, 64)),
		must(prune.EncodeRunLength(clustered(random, 301, 90), 1, 301, 320)),
		must(prune.Factor(scores, 7, 43, 0.8, prune.LowRank{TileRows: 4, TileCols: 10, Rank: 2})).Stream,
	}
}

func equal(a, b xorcode.Plane) bool {
	if a.Len() != b.Len() {
		return false
	}
	for w, x := range a.Words {
		if x != b.Words[w] {
			return false
		}
	}
	return true
}
