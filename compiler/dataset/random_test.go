package dataset

import (
	"math"
	"slices"
	"testing"
)

func TestRandomDependsOnSeedAndSampleOnly(t *testing.T) {
	shape := []int{1, 3, 8, 8}
	draw := func(seed uint64, i int) []float32 {
		dst := make([]float32, 192)
		Random(shape, seed, i, dst)
		return dst
	}
	backwards := make([][]float32, 5)
	for i := 4; i >= 0; i-- {
		backwards[i] = draw(1, i)
	}
	for i := range 5 {
		if !slices.Equal(draw(1, i), backwards[i]) {
			t.Errorf("sample %d depends on the order", i)
		}
		if slices.Equal(draw(2, i), backwards[i]) {
			t.Errorf("sample %d is the same under another seed", i)
		}
		if i > 0 && slices.Equal(backwards[i], backwards[i-1]) {
			t.Errorf("samples %d and %d are the same", i, i-1)
		}
	}
}

// With n standard-normal values the mean has a deviation of 1/sqrt(n) and the
// variance one of sqrt(2/n); five of them leave room for any seed.
func TestRandomIsStandardNormal(t *testing.T) {
	const samples, elements = 1000, 100
	n := float64(samples * elements)
	dst := make([]float32, elements)
	previous := make([]float32, elements)
	var sum, squares, neighbours float64
	for i := range samples {
		Random([]int{1, elements}, 42, i, dst)
		for k, v := range dst {
			sum += float64(v)
			squares += float64(v) * float64(v)
			neighbours += float64(v) * float64(previous[k])
		}
		copy(previous, dst)
	}
	if mean := sum / n; math.Abs(mean) > 5/math.Sqrt(n) {
		t.Errorf("mean %v", mean)
	}
	if variance := squares / n; math.Abs(variance-1) > 5*math.Sqrt(2/n) {
		t.Errorf("variance %v", variance)
	}
	if correlation := neighbours / n; math.Abs(correlation) > 5/math.Sqrt(n) {
		t.Errorf("neighbouring samples correlate: %v", correlation)
	}
}

func TestRandomPanicsOnAnotherShape(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic for a slice of the wrong length")
		}
	}()
	Random([]int{1, 3}, 0, 0, make([]float32, 2))
}
