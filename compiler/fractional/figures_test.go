package fractional

import (
	"context"
	"math"
	"testing"

	"github.com/npusim/npusim/isa/fractionalcode"
)

// TestNormalWeights holds the normalized error on standard-normal weights,
// without training, of the best of 16 sets of networks. It can never be below
// the distortion-rate function 2^(-2 * bits a weight) of such weights, nor above
// what weights of 0 give, 1. (Channels of different variance do better than this
// where slices span them, since bits go where the energy is.) Figures were measured with this encoder and depend
// on the seed in the third digit.
func TestNormalWeights(t *testing.T) {
	const channels, rest = 16, 576
	weights := normal(1, channels*rest, 77) // all of variance 1
	cases := []struct {
		inputs, outputs, taps, planes int
		most                          float64
	}{
		{8, 20, 2, 1, 0.720}, {12, 20, 2, 1, 0.585}, {16, 20, 2, 1, 0.470}, {19, 20, 2, 1, 0.425}, {10, 10, 2, 1, 0.405},
		{8, 20, 0, 1, 0.665}, {12, 20, 0, 1, 0.520}, {16, 20, 0, 1, 0.420}, {19, 20, 0, 1, 0.380}, {10, 10, 0, 1, 0.370},
		{16, 20, 2, 2, 0.195}, {19, 20, 2, 2, 0.160}, {10, 10, 2, 2, 0.165}, {8, 20, 2, 2, 0.475}, {12, 20, 2, 2, 0.292},
	}
	if testing.Short() || reduced { // one plane
		cases = cases[:10]
	}
	for _, c := range cases {
		o := Options{Order: fractionalcode.ChannelMinor}
		networks, err := ChooseNetworks(context.Background(), weights, channels, NetworkOptions{Planes: c.planes, Inputs: c.inputs, Outputs: c.outputs, Taps: c.taps, Seed: 1}, o)
		if err != nil {
			t.Fatal(err)
		}
		r := mustEncode(t, weights, channels, networks, o)
		e := r.Error.Normalized()
		t.Logf("%d/%d, %d taps, %d planes: %.4f in %d rounds", c.inputs, c.outputs, c.taps, c.planes, e, len(r.Rounds))
		rank := 0
		for _, n := range networks {
			rank += n.Matrix.Rank()
		}
		if bound := math.Pow(2, -2*float64(rank)/float64(c.outputs)); e < bound {
			t.Errorf("%+v: error %.4f is below the bound %.4f of its rate", c, e, bound)
		}
		if e > c.most || !r.Exact {
			t.Errorf("%+v: error %.4f, exact %v", c, e, r.Exact)
		}
	}
}

// TestMorePlanesAreBetter, and more inputs.
func TestMorePlanesAreBetter(t *testing.T) {
	weights := normal(4, 500, 5)
	last := 1.0
	for _, c := range []struct{ inputs, planes int }{{4, 1}, {8, 1}, {14, 1}, {20, 1}, {16, 2}, {20, 2}, {20, 3}} {
		networks, _ := drawn(t, c.inputs, 20, 2, c.planes, 30)
		e := mustEncode(t, weights, 4, networks, Options{}).Error.Normalized()
		if e >= last {
			t.Errorf("%d inputs, %d planes: error %g, with fewer %g", c.inputs, c.planes, e, last)
		}
		last = e
	}
}

func benchmarkEncode(b *testing.B, inputs, planes int) {
	weights := normal(64, 576, 1)
	networks, _ := drawn(b, inputs, 20, 2, planes, 1)
	rounds := 0
	for b.Loop() {
		rounds = len(mustEncode(b, weights, 64, networks, Options{Order: fractionalcode.ChannelMinor, Workers: 1}).Rounds)
	}
	b.ReportMetric(float64(rounds), "rounds")
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(weights)), "ns/weight")
}

func BenchmarkEncode8of20(b *testing.B)           { benchmarkEncode(b, 8, 1) }
func BenchmarkEncode16of20(b *testing.B)          { benchmarkEncode(b, 16, 1) }
func BenchmarkEncode12of20TwoPlanes(b *testing.B) { benchmarkEncode(b, 12, 2) }
func BenchmarkEncode16of20TwoPlanes(b *testing.B) { benchmarkEncode(b, 16, 2) }
