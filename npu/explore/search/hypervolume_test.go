package search

import (
	"math"
	"math/rand/v2"
	"testing"
)

func TestHypervolumeClosedForms(t *testing.T) {
	one := []float64{1, 1, 1, 1}
	for _, c := range []struct {
		name      string
		points    [][]float64
		reference []float64
		want      float64
	}{
		{"none", nil, one[:2], 0},
		{"outside", [][]float64{{0.5, 1}, {2, 0}, {0, math.NaN()}}, one[:2], 0},
		{"one objective", [][]float64{{0.25}, {0.5}}, one[:1], 0.75},
		{"box", [][]float64{{0.5, 0.25}}, one[:2], 0.375},
		{"duplicates", [][]float64{{0.5, 0.25}, {0.5, 0.25}, {0.75, 0.5}}, one[:2], 0.375},
		{"staircase", [][]float64{{0, 0.75}, {0.25, 0.5}, {0.5, 0.25}, {0.75, 0}}, one[:2], 10.0 / 16},
		// The union of two boxes: a + b - their common part.
		{"two in three", [][]float64{{0, 0.5, 0.5}, {0.5, 0, 0.25}}, one[:3], 0.25 + 0.375 - 0.125},
		// Three slabs, each open in one direction: 1 - (1/2)^3.
		{"slabs", [][]float64{{0.5, 0, 0}, {0, 0.5, 0}, {0, 0, 0.5}}, one[:3], 7.0 / 8},
		{"slabs in four", [][]float64{{0.5, 0, 0, 0}, {0, 0.5, 0, 0}, {0, 0, 0.5, 0}, {0, 0, 0, 0.5}}, one, 15.0 / 16},
	} {
		if got := Hypervolume(c.points, c.reference); math.Abs(got-c.want) > 1e-12 {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

// TestHypervolumeMonteCarlo: random fronts against the share of random points
// that they dominate, within five standard deviations of that estimate.
func TestHypervolumeMonteCarlo(t *testing.T) {
	const throws = 100_000
	random := rand.New(rand.NewPCG(3, 4))
	for objectives := 2; objectives <= 5; objectives++ {
		points := make([][]float64, 25)
		reference := make([]float64, objectives)
		for i := range points {
			points[i] = make([]float64, objectives)
			for m := range points[i] {
				points[i][m], reference[m] = random.Float64(), 1
			}
		}
		dominated := 0
		at := make([]float64, objectives)
		for range throws {
			for m := range at {
				at[m] = random.Float64()
			}
			for _, p := range points {
				covered := true
				for m := range p {
					covered = covered && p[m] <= at[m]
				}
				if covered {
					dominated++
					break
				}
			}
		}
		share := float64(dominated) / throws
		sigma := math.Sqrt(share * (1 - share) / throws)
		if got := Hypervolume(points, reference); math.Abs(got-share) > 5*sigma {
			t.Errorf("%d objectives: %v, thrown %v with standard deviation %v", objectives, got, share, sigma)
		}
	}
}
