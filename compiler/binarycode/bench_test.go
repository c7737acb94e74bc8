package binarycode

import (
	"math/rand/v2"
	"testing"
)

func BenchmarkAlternating(b *testing.B) {
	for _, c := range []struct {
		name    string
		n       int
		options Options
	}{
		{"1024x1024,q=3", 1024, Options{Method: Alternating, Planes: 3}},
		{"1024x1024,q=4,group=128", 1024, Options{Method: Alternating, Planes: 4, Group: 128}},
		{"4096x4096,q=3", 4096, Options{Method: Alternating, Planes: 3}},
	} {
		w := gaussian(rand.New(rand.NewPCG(1, 1)), c.n*c.n)
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				mustQuantize(b, w, c.n, c.n, c.options)
			}
			b.ReportMetric(float64(c.n*c.n)*float64(b.N)/b.Elapsed().Seconds()/1e6, "Mweight/s")
		})
	}
}

// BenchmarkSecondMoment: a convolution of 128 filters over 3x3x128 inputs.
func BenchmarkSecondMoment(b *testing.B) {
	const rows, columns = 128, 1152
	random := rand.New(rand.NewPCG(2, 1))
	w, importance := gaussian(random, rows*columns), correlated(random, columns)
	for b.Loop() {
		mustQuantize(b, w, rows, columns, Options{Method: Alternating, Planes: 3, Importance: importance})
	}
}
