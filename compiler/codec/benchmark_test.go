package codec

import (
	"fmt"
	"testing"

	"github.com/npusim/npusim/isa/xorcode"
)

// reportRate gives plane bits a second.
func reportRate(b *testing.B, weights int) {
	b.ReportMetric(float64(weights)*float64(b.N)/b.Elapsed().Seconds()/1e6, "Mbit/s")
}

func BenchmarkEncodeBlock(b *testing.B) {
	for _, c := range []struct {
		inputs, outputs int
		exact           bool
	}{{20, 188, false}, {64, 640, false}, {12, 113, true}, {20, 188, true}} {
		b.Run(fmt.Sprintf("inputs=%d/outputs=%d/exact=%t", c.inputs, c.outputs, c.exact), func(b *testing.B) {
			t := randomTarget(1<<20, 0.91, 1)
			o := BlockOptions{Network: xorcode.RandomNetwork(c.inputs, c.outputs, 1), Exact: c.exact, Workers: 1}
			for b.Loop() {
				if _, err := EncodeBlock([]Target{t}, o); err != nil {
					b.Fatal(err)
				}
			}
			reportRate(b, t.Bits.Len())
		})
	}
}

func BenchmarkEncodeSequential(b *testing.B) {
	for registers, weights := range []int{1 << 20, 1 << 20, 1 << 15} {
		for _, c := range []struct {
			sparsity float64
			outputs  int
		}{{0.9, 80}, {0.91, 88}, {0.7, 26}} {
			b.Run(fmt.Sprintf("registers=%d/sparsity=%v", registers, c.sparsity), func(b *testing.B) {
				t := randomTarget(weights, c.sparsity, 1)
				o := SequentialOptions{Network: xorcode.RandomNetwork(8*(registers+1), c.outputs, 1), SymbolBits: 8, Registers: registers, Workers: 1}
				for b.Loop() {
					if _, err := EncodeSequential([]Target{t}, o); err != nil {
						b.Fatal(err)
					}
				}
				reportRate(b, t.Bits.Len())
			})
		}
	}
}
