package search

import (
	"math/rand/v2"
	"slices"
)

// Evolution is NSGA-II (Deb et al. 2002) for discrete spaces: constrained
// non-dominated sorting and crowding choose parents by binary tournament and
// the survivors of each generation. Children take each axis from one of two
// parents (uniform crossover); mutation moves an ordered axis by a step that is
// geometrically distributed in length, or draws any axis anew. No point is
// evaluated twice: a child that was seen is mutated until it is new. The first
// generation is spread by a Sobol sequence.
type Evolution struct {
	space      Space
	allowed    Allowed
	random     *rand.Rand
	population int
	budget     int64
	seed       uint64

	seen    map[int64]bool
	parents []individual
	asked   []int64
	spent   int64

	order    []int     // of the parents, best first
	rank     []int     // of the parents
	crowding []float64 // of the parents
}

// individual is an evaluated point.
type individual struct {
	point int64
	score Score
}

// Bounds of the population. A small one makes generations, and so progress,
// short; fronts are kept whole by whoever gathers the scores.
const (
	leastPopulation = 8
	mostPopulation  = 2048
)

// DefaultPopulation is the population for a budget of evaluations: about
// sixteen generations, within bounds that work on spaces of thousands of points.
func DefaultPopulation(budget int64) int { return int(min(max(budget/16, 16), 100)) }

// NewEvolution starts a search of at most budget evaluations. The space has at
// most MaxSobolAxes axes.
func NewEvolution(space Space, population int, budget int64, seed uint64, allowed Allowed) *Evolution {
	return &Evolution{
		space: space, allowed: allowed, random: rand.New(rand.NewPCG(seed, evolutionStream)), seed: seed,
		population: min(max(population, leastPopulation), mostPopulation), budget: budget, seen: map[int64]bool{},
	}
}

// Evaluations is the budget.
func (e *Evolution) Evaluations() int64 { return e.budget }

// Ask proposes a generation.
func (e *Evolution) Ask() (Batch, bool) {
	want := int(min(int64(e.population), e.budget-e.spent))
	if want <= 0 {
		return Batch{}, false
	}
	if e.spent == 0 {
		e.asked = SobolPoints(e.space, int64(want), e.seed, e.allowed)
		for _, point := range e.asked {
			e.seen[point] = true
		}
	} else {
		e.asked = e.asked[:0]
		for len(e.asked) < want {
			child, ok := e.child()
			if !ok {
				break
			}
			e.seen[child] = true
			e.asked = append(e.asked, child)
		}
	}
	e.spent += int64(len(e.asked))
	return Batch{Points: slices.Clone(e.asked)}, len(e.asked) > 0
}

// Tell adds the generation and keeps the best.
func (e *Evolution) Tell(scores []Score) {
	for i, point := range e.asked {
		e.parents = append(e.parents, individual{point, scores[i]})
	}
	e.sort()
	if len(e.parents) > e.population {
		kept := make([]individual, e.population)
		for i := range kept {
			kept[i] = e.parents[e.order[i]]
		}
		e.parents = kept
		e.sort()
	}
}

// sort ranks the parents.
func (e *Evolution) sort() {
	scores := make([]Score, len(e.parents))
	for i := range scores {
		scores[i] = e.parents[i].score
	}
	e.order, e.rank, e.crowding = sortByRank(scores)
}

// tournament picks the better of two random parents.
func (e *Evolution) tournament() int64 {
	a, b := e.random.IntN(len(e.parents)), e.random.IntN(len(e.parents))
	if e.rank[b] < e.rank[a] || e.rank[b] == e.rank[a] && e.crowding[b] > e.crowding[a] {
		a = b
	}
	return e.parents[a].point
}

// childTries bounds how often a child is mutated again because it is known or
// not allowed; after that the neighbourhood is spent.
const childTries = 200

// child makes a new point; false if none was found.
func (e *Evolution) child() (int64, bool) {
	if len(e.parents) == 0 {
		return 0, false
	}
	axes := len(e.space)
	a, b, c := make([]int, axes), make([]int, axes), make([]int, axes)
	e.space.Indices(e.tournament(), a)
	e.space.Indices(e.tournament(), b)
	for i := range c {
		c[i] = a[i]
		if e.random.IntN(2) == 1 {
			c[i] = b[i]
		}
	}
	e.mutate(c, 1/float64(axes))
	for range childTries {
		if point := e.space.Point(c); !e.seen[point] && e.allowed(point) {
			return point, true
		}
		e.mutate(c, 2/float64(axes))
	}
	return 0, false
}

// mutate changes each axis with a probability. Of ordered axes one time in four
// and of others always the new value is any; else it is near.
func (e *Evolution) mutate(c []int, probability float64) {
	for i, axis := range e.space {
		if axis.Size == 1 || e.random.Float64() >= probability {
			continue
		}
		if !axis.Ordered || e.random.IntN(4) == 0 {
			c[i] = e.random.IntN(axis.Size)
			continue
		}
		step := 1
		for e.random.IntN(2) == 1 {
			step++
		}
		if e.random.IntN(2) == 1 {
			step = -step
		}
		c[i] = min(max(c[i]+step, 0), axis.Size-1)
	}
}
