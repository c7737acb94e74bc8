package xorcode

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// reportRate gives plane bits a second.
func reportRate(b *testing.B, weights int) {
	b.ReportMetric(float64(weights)*float64(b.N)/b.Elapsed().Seconds()/1e6, "Mbit/s")
}

func BenchmarkDecodeBlock(b *testing.B) {
	for _, shape := range [][2]int{{12, 113}, {20, 188}, {64, 640}} {
		b.Run(fmt.Sprintf("inputs=%d/outputs=%d", shape[0], shape[1]), func(b *testing.B) {
			const weights = 1 << 20
			block, _ := makeBlock(rand.New(rand.NewPCG(1, 1)), shape[0], shape[1], weights, 1, true)
			d, err := block.Decoder(0)
			if err != nil {
				b.Fatal(err)
			}
			into := make([]uint64, Words(weights))
			b.ReportAllocs()
			for b.Loop() {
				d.Decode(0, d.Slices(), into)
			}
			reportRate(b, weights)
		})
	}
}

func BenchmarkDecodeSequential(b *testing.B) {
	for _, outputs := range []int{26, 80} {
		for registers := range MaxRegisters + 1 {
			b.Run(fmt.Sprintf("outputs=%d/registers=%d", outputs, registers), func(b *testing.B) {
				const weights = 1 << 20
				q, _ := makeSequential(rand.New(rand.NewPCG(1, 1)), Sequential{SymbolBits: 8, Registers: registers, PartSlices: 512, Weights: weights}, outputs, 1)
				d, err := q.Decoder(0)
				if err != nil {
					b.Fatal(err)
				}
				into := make([]uint64, Words(weights))
				b.ReportAllocs()
				for b.Loop() {
					d.Decode(0, d.Parts(), into)
				}
				reportRate(b, weights)
			})
		}
	}
}
