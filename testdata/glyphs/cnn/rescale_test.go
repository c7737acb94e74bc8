package cnn

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// randomModel has random normalization too, and the pictures to try it on.
func randomModel(samples int) (*Model, []byte, []int) {
	random := rand.New(rand.NewPCG(21, 22))
	m := NewModel(4, 9)
	for _, u := range m.Units() {
		for c := range u.Out {
			u.Norm.Gamma[c] = 0.5 + random.Float32()
			u.Norm.Beta[c] = 0.5 * float32(random.NormFloat64())
			u.Norm.Mean[c] = 0.5 * float32(random.NormFloat64())
			u.Norm.Variance[c] = 0.2 + random.Float32()
		}
	}
	pixels, labels := make([]byte, samples*Size*Size), make([]int, samples)
	for i := range labels {
		labels[i] = textures(i, pixels[i*Size*Size:(i+1)*Size*Size])
	}
	return m, pixels, labels
}

// sameLogits fails unless two models agree to rounding.
func sameLogits(t *testing.T, a, b *Model, pixels []byte) {
	t.Helper()
	x, y := a.Forward(Images(pixels), nil), b.Forward(Images(pixels), nil)
	limit := 1e-5 * maxAbs(x.Data)
	for i := range x.Data {
		if math.Abs(float64(x.Data[i]-y.Data[i])) > limit {
			t.Fatalf("logit %d: %g and %g", i, x.Data[i], y.Data[i])
		}
	}
}

func TestRescaleKeepsTheFunction(t *testing.T) {
	m, pixels, labels := randomModel(4)
	original := m.Clone()
	spread := Spread{Octaves: 3, FaintOctaves: 9, FaintShare: 32}
	groups := m.Rescale(spread, pixels, labels, 3)
	sameLogits(t, original, m, pixels)
	sameLogits(t, original, m.Fold(), pixels)

	wantPoints := [][]string{{"stem/relu"}, {"block1/relu", "block2/relu"}, {"block3/relu", "block4/relu"}}
	wantFaint := []int{1, 1, 2}
	if len(groups) != len(wantPoints) {
		t.Fatalf("%d groups, want %d", len(groups), len(wantPoints))
	}
	for i, g := range groups {
		if !slices.Equal(g.Points, wantPoints[i]) {
			t.Errorf("group %d is %v, want %v", i, g.Points, wantPoints[i])
		}
		if len(g.Faint) != wantFaint[i] {
			t.Errorf("group %d has faint channels %v, want %d", i, g.Faint, wantFaint[i])
		}
		checkActivations(t, original, m, g, spread, pixels)
	}
	before, after := original.Fold().Ranges(), m.Fold().Ranges()
	for i, r := range after {
		if r.Layer == "block1/depthwise" && r.Largest/r.Median < 20*before[i].Largest/before[i].Median {
			t.Errorf("%s: largest range is %g times the median, was %g", r.Layer, r.Largest/r.Median, before[i].Largest/before[i].Median)
		}
	}
}

// checkActivations compares the largest activation of every channel with what
// the spread promises.
func checkActivations(t *testing.T, original, m *Model, g Group, spread Spread, pixels []byte) {
	t.Helper()
	before, after := original.largest(g.Points, pixels), m.largest(g.Points, pixels)
	top := slices.Max(before)
	for c, a := range after {
		if before[c] < top/amplification {
			continue // its factor is bounded instead
		}
		octaves := math.Log2(top / a)
		low, high := -1e-4, spread.Octaves+1e-4
		if slices.Contains(g.Faint, c) {
			low, high = spread.FaintOctaves-1e-4, spread.FaintOctaves+1e-4
		}
		if octaves < low || octaves > high {
			t.Errorf("%v channel %d lies %g octaves below the largest, want %g to %g", g.Points, c, octaves, low, high)
		}
	}
}
