package weightmask_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/npusim/npusim/compiler/prune"
	"github.com/npusim/npusim/isa/weightmask"
	"github.com/npusim/npusim/isa/xorcode"
)

// BenchmarkDecode reports decoded mask bits as Mbit/s and the bits a weight.
func BenchmarkDecode(b *testing.B) {
	const rows, cols = 512, 2048
	random := rand.New(rand.NewPCG(1, 2))
	scores := make([]float32, rows*cols)
	for i := range scores {
		scores[i] = random.Float32()
	}
	type entry struct {
		name   string
		stream []byte
	}
	list := []entry{{"raw", must(prune.EncodeRaw(bernoulli(random, rows*cols, 0.1), rows, cols))}}
	for _, sparsity := range []float64{0.5, 0.7, 0.91, 0.99} {
		mask := bernoulli(random, rows*cols, 1-sparsity)
		list = append(list, entry{fmt.Sprintf("run-length/%g", sparsity), must(prune.EncodeRunLength(mask, rows, cols, prune.BlockWeights))})
	}
	for _, shape := range []prune.LowRank{{TileRows: 10, TileCols: 11, Rank: 1}, {TileRows: 64, TileCols: 64, Rank: 6}} {
		list = append(list, entry{fmt.Sprintf("low-rank/%dx%d", shape.TileRows, shape.TileCols), must(prune.Factor(scores, rows, cols, 0.91, shape)).Stream})
	}
	for _, e := range list {
		b.Run(e.name, func(b *testing.B) {
			s := must(weightmask.Open(e.stream))
			mask := xorcode.NewPlane(s.Weights())
			b.ReportAllocs()
			for b.Loop() {
				if err := s.DecodeInto(mask); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(s.Weights())*float64(b.N)/b.Elapsed().Seconds()/1e6, "Mbit/s")
			b.ReportMetric(float64(8*len(e.stream))/float64(s.Weights()), "bits/weight")
		})
	}
}
