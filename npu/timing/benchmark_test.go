package timing_test

import (
	"testing"

	"github.com/npusim/npusim/compiler/lower"
	"github.com/npusim/npusim/compiler/lower/lowertest"
	"github.com/npusim/npusim/configs"
	"github.com/npusim/npusim/isa"
	"github.com/npusim/npusim/npu/timing"
)

// BenchmarkMobileNetV1 times one inference of MobileNetV1 at its full size.
func BenchmarkMobileNetV1(b *testing.B) {
	g := lowertest.MobileNetV1(1, 224)
	for _, variant := range []struct {
		preset   string
		recorded bool
	}{{"edge", false}, {"mobile", false}, {"edge", true}, {"mobile", true}} {
		preset, name, run := variant.preset, variant.preset, timing.RunOn
		if variant.recorded {
			name, run = preset+" recorded", timing.Record
		}
		b.Run(name, func(b *testing.B) {
			spec, err := configs.Load(preset, nil)
			if err != nil {
				b.Fatal(err)
			}
			p, err := lower.Lower(g, lower.NewTarget(spec), lower.Options{})
			if err != nil {
				b.Fatal(err)
			}
			instructions := 0
			for u := range p.Code {
				if stream, err := isa.NewStream(p.Code[u]); err == nil {
					instructions += stream.DynamicLength()
				}
			}
			b.ReportAllocs()
			var r *timing.Result
			for b.Loop() {
				memory, err := timing.NewMemory(spec)
				if err != nil {
					b.Fatal(err)
				}
				if r, err = run(p, spec, memory, nil); err != nil {
					b.Fatal(err)
				}
			}
			seconds := b.Elapsed().Seconds() / float64(b.N)
			b.ReportMetric(seconds*1e3, "ms")
			b.ReportMetric((float64(r.Total.Requests)*2+float64(instructions))/seconds/1e6, "Mevents/s")
			b.ReportMetric(float64(r.Total.Requests), "requests")
			b.ReportMetric(float64(instructions), "instructions")
			b.ReportMetric(float64(r.Cycles), "cycles")
		})
	}
}
