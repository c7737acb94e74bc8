package gemm

import (
	"fmt"
	"testing"
)

// Squares, then MobileNet shapes: M output channels, N pixels, depth K.
var shapes = [][3]int{
	{256, 256, 256}, {512, 512, 512}, {1024, 1024, 1024},
	{24, 12544, 27}, {96, 3136, 64}, {128, 784, 128}, {384, 196, 384}, {1024, 49, 1024}, {1000, 1, 1024}, {1, 1000, 1024},
}

func BenchmarkMultiply(b *testing.B) {
	defer func(f form) { active = f }(active)
	for _, shape := range shapes {
		m, n, k := shape[0], shape[1], shape[2]
		r := newRandom(1)
		x, y, z := randomMatrix(r, m*k), randomMatrix(r, k*n), make([]float32, m*n)
		for f := formPortable; f <= best(); f++ {
			active = f
			b.Run(fmt.Sprintf("%dx%dx%d/%v", m, n, k, f), func(b *testing.B) {
				for b.Loop() {
					Multiply(m, n, k, x, k, y, n, z, n)
				}
				b.ReportMetric(2*float64(m)*float64(n)*float64(k)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
			})
		}
	}
}
