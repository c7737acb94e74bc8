package search

import (
	"math"
	"slices"
	"testing"
)

// zdt1 is a discrete form of the test problem ZDT1 (Zitzler, Deb and Thiele,
// Comparison of multiobjective evolutionary algorithms, 2000): four axes of 21
// values in [0, 1]; the front is f2 = 1 - sqrt(f1) where all but the first are 0.
var zdt1Space = Space{{21, true}, {21, true}, {21, true}, {21, true}}

func zdt1(point int64) Score {
	indices := make([]int, 4)
	zdt1Space.Indices(point, indices)
	f1 := float64(indices[0]) / 20
	g := 1 + 9*float64(indices[1]+indices[2]+indices[3])/20/3
	return Score{Objectives: []float64{f1, g * (1 - math.Sqrt(f1/g))}}
}

// search runs a strategy to its end.
func search(s Strategy, score func(int64) Score) (points []int64, scores []Score) {
	for {
		batch, ok := s.Ask()
		if !ok {
			return points, scores
		}
		told := make([]Score, len(batch.Points))
		for i, p := range batch.Points {
			told[i] = score(p)
		}
		s.Tell(told)
		points, scores = append(points, batch.Points...), append(scores, told...)
	}
}

// volume is that of the front of some scores.
func volume(scores []Score, reference []float64) float64 {
	var front [][]float64
	for _, i := range Front(scores) {
		front = append(front, scores[i].Objectives)
	}
	return Hypervolume(front, reference)
}

// TestEvolutionFindsTheFront: with 1 % of the 194,481 points NSGA-II comes
// within 2 % of the whole front's hypervolume, and is far better than a Sobol
// sequence of the same length; median of five seeds.
func TestEvolutionFindsTheFront(t *testing.T) {
	reference := []float64{1.1, 1.1}
	var best []Score
	for i := range 21 {
		best = append(best, zdt1(zdt1Space.Point([]int{i, 0, 0, 0})))
	}
	whole := volume(best, reference)
	var shares, others []float64
	for seed := uint64(1); seed <= 5; seed++ {
		points, scores := search(NewEvolution(zdt1Space, 40, 1944, seed, all), zdt1)
		if len(points) != 1944 {
			t.Errorf("seed %d: %d evaluations of 1944", seed, len(points))
		}
		slices.Sort(points)
		if len(slices.Compact(points)) != 1944 {
			t.Errorf("seed %d: a point was evaluated twice", seed)
		}
		shares = append(shares, volume(scores, reference)/whole)
		_, random := search(NewList(SobolPoints(zdt1Space, 1944, seed, all)), zdt1)
		others = append(others, volume(random, reference)/whole)
	}
	slices.Sort(shares)
	slices.Sort(others)
	t.Logf("share of the front's hypervolume: NSGA-II %.4f, Sobol %.4f", shares, others)
	if shares[2] < 0.98 {
		t.Errorf("median share of the hypervolume %.4f, want 0.98", shares[2])
	}
	if others[2] > shares[2]-0.1 {
		t.Errorf("a Sobol sequence does as well, %.4f: the problem says nothing", others[2])
	}
}

func TestEvolutionIsRepeatable(t *testing.T) {
	run := func(seed uint64) []int64 {
		points, _ := search(NewEvolution(zdt1Space, 16, 200, seed, func(p int64) bool { return p%3 != 0 }), zdt1)
		return points
	}
	if !slices.Equal(run(5), run(5)) {
		t.Error("the same seed gives other points")
	}
	if slices.Equal(run(5), run(6)) {
		t.Error("another seed gives the same points")
	}
	if slices.ContainsFunc(run(5), func(p int64) bool { return p%3 == 0 }) {
		t.Error("a point that is not allowed")
	}
}

// TestEvolutionMeetsConstraints: where a thousandth of the space meets the
// constraints, violations lead there.
func TestEvolutionMeetsConstraints(t *testing.T) {
	constrained := func(p int64) Score {
		s := zdt1(p)
		indices := make([]int, 4)
		zdt1Space.Indices(p, indices)
		s.Violation = max(0, float64(55-indices[1]-indices[2]-indices[3]))
		return s
	}
	_, scores := search(NewEvolution(zdt1Space, 40, 1000, 1, all), constrained)
	if front := Front(scores); len(front) < 10 {
		t.Errorf("%d points of the front", len(front))
	}
}

func TestEvolutionEndsOnSmallSpaces(t *testing.T) {
	points, _ := search(NewEvolution(Space{{3, true}, {2, false}}, 8, 1000, 1, all), func(p int64) Score { return Score{Objectives: []float64{float64(p)}} })
	if len(points) != 6 {
		t.Errorf("%d of 6 points", len(points))
	}
	failed, _ := search(NewEvolution(Space{{30, true}}, 8, 20, 1, all), func(int64) Score { return Failed() })
	if len(failed) != 20 {
		t.Errorf("a space where everything fails: %d of 20 evaluations", len(failed))
	}
	if none, _ := search(NewEvolution(Space{{30, true}}, 8, 20, 1, func(int64) bool { return false }), zdt1); len(none) != 0 {
		t.Errorf("nothing is allowed, yet %v", none)
	}
}
