package search

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func all(int64) bool { return true }

func TestSpace(t *testing.T) {
	s := Space{{Size: 3}, {Size: 1}, {Size: 5}}
	if n, err := s.Points(); n != 15 || err != nil {
		t.Fatalf("%d points, %v", n, err)
	}
	indices := make([]int, 3)
	for point := range int64(15) {
		s.Indices(point, indices)
		if want := []int{int(point / 5), 0, int(point % 5)}; !slices.Equal(indices, want) {
			t.Errorf("point %d has indices %v, want %v", point, indices, want)
		}
		if back := s.Point(indices); back != point {
			t.Errorf("point %d comes back as %d", point, back)
		}
	}
	if _, err := (Space{{Size: 1 << 30}, {Size: 1 << 30}}).Points(); err == nil {
		t.Error("2^60 points are accepted")
	}
	if _, err := (Space{{Size: 0}}).Points(); err == nil {
		t.Error("an axis without values is accepted")
	}
}

func TestGridKeepsToTheAllowed(t *testing.T) {
	g := NewGrid(10000, 6000, func(p int64) bool { return p%2 == 1 })
	var got []int64
	for {
		batch, ok := g.Ask()
		if !ok {
			break
		}
		got = append(got, batch.Points...)
		g.Tell(make([]Score, len(batch.Points)))
	}
	if len(got) != 5000 || got[0] != 1 || got[4999] != 9999 || !slices.IsSorted(got) {
		t.Errorf("%d points, the first %d", len(got), got[0])
	}
	if batch, _ := NewGrid(10, 3, all).Ask(); !slices.Equal(batch.Points, []int64{0, 1, 2}) {
		t.Errorf("a limit of 3 gives %v", batch.Points)
	}
}

// TestSobolPublished: the first points of three dimensions as Joe and Kuo
// print them beside their program.
func TestSobolPublished(t *testing.T) {
	want := [][3]float64{
		{0, 0, 0}, {0.5, 0.5, 0.5}, {0.75, 0.25, 0.25}, {0.25, 0.75, 0.75}, {0.375, 0.375, 0.625},
		{0.875, 0.875, 0.125}, {0.625, 0.125, 0.875}, {0.125, 0.625, 0.375}, {0.1875, 0.3125, 0.9375}, {0.6875, 0.8125, 0.4375},
	}
	s := NewSobol(3, 0)
	at := make([]uint32, 3)
	for i, w := range want {
		s.Next(at)
		for d := range w {
			if got := float64(at[d]) / (1 << 32); got != w[d] {
				t.Errorf("point %d, dimension %d: %v, want %v", i, d, got, w[d])
			}
		}
	}
}

// TestSobolIsANet: in every dimension, with and without a shift, the first 2^k
// points hit each interval of length 2^-k once, which wrong direction numbers
// (even ones, or ones out of range) break; and the polynomials are of their
// degree and all different.
func TestSobolIsANet(t *testing.T) {
	for _, seed := range []uint64{0, 7} {
		s := NewSobol(MaxSobolAxes, seed)
		const k = 10
		var hit [MaxSobolAxes][1 << k]int
		at := make([]uint32, MaxSobolAxes)
		for range 1 << k {
			s.Next(at)
			for d, x := range at {
				hit[d][x>>(32-k)]++
			}
		}
		for d := range hit {
			if slices.ContainsFunc(hit[d][:], func(n int) bool { return n != 1 }) {
				t.Errorf("seed %d: dimension %d leaves out an interval", seed, d)
			}
		}
	}
	seen := map[[2]uint32]bool{}
	for i, p := range directions {
		if len(p.first) != int(p.degree) || p.coefficients >= 1<<(p.degree-1) && p.degree > 1 || seen[[2]uint32{p.degree, p.coefficients}] {
			t.Errorf("row %d of the table is broken", i)
		}
		seen[[2]uint32{p.degree, p.coefficients}] = true
		for j, m := range p.first {
			if m%2 == 0 || m >= 1<<(j+1) {
				t.Errorf("row %d: m_%d = %d is not odd and below 2^%d", i, j+1, m, j+1)
			}
		}
	}
}

func TestSobolPoints(t *testing.T) {
	space := Space{{Size: 7, Ordered: true}, {Size: 5}, {Size: 11}}
	odd := func(p int64) bool { return p%2 == 1 }
	a, b := SobolPoints(space, 100, 3, odd), SobolPoints(space, 100, 3, odd)
	if !slices.Equal(a, b) || len(a) != 100 {
		t.Errorf("%d points; the same seed gives the same points: %v", len(a), slices.Equal(a, b))
	}
	if slices.Equal(a, SobolPoints(space, 100, 4, odd)) {
		t.Error("another seed gives the same points")
	}
	slices.Sort(a)
	if slices.ContainsFunc(a, func(p int64) bool { return !odd(p) }) || len(slices.Compact(a)) != 100 {
		t.Error("points are not allowed or come twice")
	}
	if every := SobolPoints(space, 1000, 1, all); len(every) != 385 {
		t.Errorf("asked for more than there are: %d of 385", len(every))
	}
}

func scoresOf(rows ...[]float64) []Score {
	scores := make([]Score, len(rows))
	for i, row := range rows {
		scores[i].Objectives = row
	}
	return scores
}

func TestFront(t *testing.T) {
	scores := scoresOf([]float64{1, 5}, []float64{2, 2}, []float64{5, 1}, []float64{3, 3}, []float64{2, 2}, []float64{1, 6}, nil)
	scores[6] = Failed()
	infeasible := Score{Objectives: []float64{0, 0}, Violation: 0.1}
	scores = append(scores, infeasible)
	if got := Front(scores); !slices.Equal(got, []int{0, 1, 2, 4}) {
		t.Errorf("front %v", got)
	}
	if !Dominates(&infeasible, &scores[6]) || Dominates(&infeasible, &scores[3]) || Dominates(&scores[1], &scores[4]) {
		t.Error("constrained dominance")
	}
}

// TestFrontsAgainstDefinition: ranks of random scores are those of peeling off
// what nothing else dominates, again and again.
func TestFrontsAgainstDefinition(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 50 {
		scores := make([]Score, 60)
		for i := range scores {
			scores[i].Objectives = []float64{float64(random.IntN(8)), float64(random.IntN(8)), float64(random.IntN(8))}
			if random.IntN(4) == 0 {
				scores[i].Violation = float64(random.IntN(3))
			}
		}
		left := map[int]bool{}
		for i := range scores {
			left[i] = true
		}
		_, rank, _ := sortByRank(scores)
		for level := 0; len(left) > 0; level++ {
			var front []int
			for i := range scores {
				dominated := false
				for j := range scores {
					dominated = dominated || left[j] && Dominates(&scores[j], &scores[i])
				}
				if left[i] && !dominated {
					front = append(front, i)
				}
			}
			for _, i := range front {
				if rank[i] != level {
					t.Fatalf("rank %d, want %d", rank[i], level)
				}
				delete(left, i)
			}
		}
	}
}

func TestCrowding(t *testing.T) {
	scores := scoresOf([]float64{0, 10}, []float64{1, 6}, []float64{3, 5}, []float64{10, 0}, []float64{1, 6})
	into := make([]float64, len(scores))
	crowd(scores, []int{0, 1, 2, 3, 4}, into)
	want := []float64{math.Inf(1), 0.3 + 0.5, 0.9 + 0.6, math.Inf(1), -1}
	for i := range want {
		if math.Abs(into[i]-want[i]) > 1e-12 {
			t.Errorf("crowding distance %d is %v, want %v", i, into[i], want[i])
		}
	}
}

func TestHalving(t *testing.T) {
	h := NewHalving([]int64{10, 11, 12, 13, 14, 15, 16, 17}, 3, 0.5)
	if h.Evaluations() != 8+4+2 {
		t.Errorf("%d evaluations", h.Evaluations())
	}
	first, _ := h.Ask()
	if first.Rung != 0 || len(first.Points) != 8 {
		t.Fatalf("%+v", first)
	}
	h.Tell([]Score{{Objectives: []float64{8}}, {Objectives: []float64{1}}, Failed(), {Objectives: []float64{2}},
		{Objectives: []float64{0}, Violation: 1}, {Objectives: []float64{3}}, {Objectives: []float64{9}}, {Objectives: []float64{4}}})
	second, _ := h.Ask()
	if second.Rung != 1 || !slices.Equal(second.Points, []int64{11, 13, 15, 17}) {
		t.Fatalf("%+v", second)
	}
	h.Tell([]Score{Failed(), Failed(), Failed(), {Objectives: []float64{1}}})
	third, ok := h.Ask()
	if !ok || third.Rung != 2 || !slices.Equal(third.Points, []int64{17}) {
		t.Fatalf("only the one that did not fail goes on: %+v", third)
	}
	h.Tell([]Score{{Objectives: []float64{1}}})
	if _, ok := h.Ask(); ok {
		t.Error("a fourth rung")
	}
}
