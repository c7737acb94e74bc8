package search

import "math"

// Halving is successive halving: all candidates are evaluated cheaply, the
// better share of them goes on to the next rung, which is dearer, and so on;
// the last rung is the full evaluation. Better is by constrained non-dominated
// rank, then by crowding distance, so that the survivors spread over the front.
type Halving struct {
	keep    float64
	rungs   int
	rung    int
	current []int64
	total   int64
}

// NewHalving starts with candidates that go through a number of rungs; after
// each the share keep of them goes on, at least one.
func NewHalving(candidates []int64, rungs int, keep float64) *Halving {
	h := &Halving{keep: keep, rungs: rungs, current: candidates}
	n := len(candidates)
	for range rungs {
		h.total += int64(n)
		n = h.survivors(n)
	}
	return h
}

// survivors is how many of n points go on.
func (h *Halving) survivors(n int) int {
	return min(n, max(1, int(math.Ceil(float64(n)*h.keep))))
}

// Ask proposes a rung.
func (h *Halving) Ask() (Batch, bool) {
	if h.rung >= h.rungs || len(h.current) == 0 {
		return Batch{}, false
	}
	return Batch{Rung: h.rung, Points: h.current}, true
}

// Tell picks those that go on. Points that failed do not, even where there is
// room.
func (h *Halving) Tell(scores []Score) {
	order, _, _ := sortByRank(scores)
	var next []int64
	for _, i := range order[:h.survivors(len(order))] {
		if !math.IsInf(scores[i].Violation, 1) {
			next = append(next, h.current[i])
		}
	}
	h.current = next
	h.rung++
}

// Evaluations counts those of all rungs.
func (h *Halving) Evaluations() int64 { return h.total }
