package kernel

import (
	"fmt"
	"testing"
)

// benchmarkForms measures every form; work is the number of operations of one
// call, in billions reported a second under the given unit.
func benchmarkForms(b *testing.B, work int, unit string, call func()) {
	defer func(f form) { active = f }(active)
	for f := formPortable; f <= best(); f++ {
		active = f
		b.Run(f.String(), func(b *testing.B) {
			for b.Loop() {
				call()
			}
			b.ReportMetric(float64(work)*float64(b.N)/b.Elapsed().Seconds()/1e9, unit)
		})
	}
}

// Shapes of MobileNet layers and of tiles of a 16-column array: M pixels, N
// channels, depth K.
var multiplyShapes = [][3]int{
	{196, 384, 384}, {784, 128, 128}, {3136, 96, 64}, {49, 1000, 1024}, {12544, 24, 27}, {256, 16, 144}, {64, 16, 16}, {1, 1000, 1024},
}

func BenchmarkMultiply(b *testing.B) {
	for _, shape := range multiplyShapes {
		m, n, k := shape[0], shape[1], shape[2]
		p := newProduct(1, 0, n, k, 0, 0, 0)
		a, c := randomBytes(newRandom(1), m*k), make([]int32, m*n)
		var weights [formAVX512 + 1]Weights
		b.Run(fmt.Sprintf("%dx%dx%d", m, n, k), func(b *testing.B) {
			benchmarkForms(b, m*n*k, "GMAC/s", func() {
				w := &weights[active]
				if w.n == 0 {
					*w = Pack(k, n, p.b, n, make([]int64, PackedLen(k, n)))
				}
				Multiply(m, a, k, *w, c, n)
			})
		})
	}
}

func BenchmarkPack(b *testing.B) {
	const k, n = 384, 384
	weights := randomBytes(newRandom(1), k*n)
	buffer := make([]int64, k*n)
	benchmarkForms(b, k*n, "Gweights/s", func() { Pack(k, n, weights, n, buffer) })
}

func BenchmarkMultiplyAccumulate(b *testing.B) {
	const channels = 256
	r := newRandom(1)
	acc, x, w := make([]int32, channels), randomBytes(r, channels), randomBytes(r, channels)
	benchmarkForms(b, channels, "GMAC/s", func() { MultiplyAccumulate(acc, x, w) })
}

func BenchmarkDepthwiseRow(b *testing.B) {
	for _, channels := range []int{16, 128} {
		const pixels, width = 28, 30
		r := newRandom(1)
		var offsets []int
		for y := range 3 {
			for x := range 3 {
				offsets = append(offsets, (y*width+x)*channels)
			}
		}
		acc := make([]int32, pixels*channels)
		x, w := randomBytes(r, 3*width*channels), randomBytes(r, 9*channels)
		b.Run(fmt.Sprintf("3x3x%d", channels), func(b *testing.B) {
			benchmarkForms(b, 9*pixels*channels, "GMAC/s", func() {
				DepthwiseRow(pixels, channels, acc, channels, x, channels, offsets, w)
			})
		})
	}
}

func BenchmarkRequantizeRow(b *testing.B) {
	for _, channels := range []int{16, 256} {
		dst, acc := make([]int8, channels), make([]int32, channels)
		multiplier, shift := make([]int32, channels), make([]uint8, channels)
		r := newRandom(1)
		for c := range acc {
			acc[c] = int32(r.Uint32()) >> 12
			multiplier[c] = 1<<30 + int32(r.Uint32()>>2)
			shift[c] = uint8(36 + r.IntN(8))
		}
		b.Run(fmt.Sprint(channels), func(b *testing.B) {
			benchmarkForms(b, channels, "Gelements/s", func() { RequantizeRow(dst, acc, multiplier, shift, 3, -128, 127) })
		})
	}
}
