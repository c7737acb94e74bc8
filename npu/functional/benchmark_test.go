package functional_test

import (
	"math/rand/v2"
	"testing"

	"github.com/npusim/npusim/compiler/integer/integertest"
	"github.com/npusim/npusim/compiler/lower"
	"github.com/npusim/npusim/compiler/lower/lowertest"
	"github.com/npusim/npusim/configs"
	"github.com/npusim/npusim/npu/functional"
)

// BenchmarkMobileNetV1 executes one sample of MobileNetV1 at its full size on
// one thread.
func BenchmarkMobileNetV1(b *testing.B) {
	g := lowertest.MobileNetV1(1, 224)
	input := [][]int8{integertest.Input(g, g.Inputs[0], rand.New(rand.NewPCG(1, 1)))}
	for _, preset := range []string{"edge", "mobile"} {
		b.Run(preset, func(b *testing.B) {
			spec, err := configs.Load(preset, nil)
			if err != nil {
				b.Fatal(err)
			}
			p, err := lower.Lower(g, lower.NewTarget(spec), lower.Options{})
			if err != nil {
				b.Fatal(err)
			}
			engine, err := functional.New(p, lowertest.Limits(spec))
			if err != nil {
				b.Fatal(err)
			}
			state := engine.NewState()
			var outputs [][]int8
			b.ReportAllocs()
			for b.Loop() {
				if outputs, err = state.Run(input, outputs); err != nil {
					b.Fatal(err)
				}
			}
			seconds := b.Elapsed().Seconds() / float64(b.N)
			b.ReportMetric(1/seconds, "samples/s")
			b.ReportMetric(float64(p.MACs)/seconds/1e9, "GMAC/s")
		})
	}
}
