package search

import (
	"cmp"
	"math"
	"slices"
)

// Dominates tells whether a is better than b in the sense of constrained
// dominance (Deb et al., A fast and elitist multiobjective genetic algorithm:
// NSGA-II, IEEE Trans. Evol. Comput. 6, 2002): the lesser violation wins; of two
// points that meet their constraints the one that is nowhere worse and
// somewhere better.
func Dominates(a, b *Score) bool {
	if a.Violation != b.Violation {
		return a.Violation < b.Violation
	}
	if a.Violation > 0 {
		return false
	}
	better := false
	for i, x := range a.Objectives {
		if x > b.Objectives[i] {
			return false
		}
		better = better || x < b.Objectives[i]
	}
	return better
}

// Front lists the indices of the scores that meet their constraints and that no
// other dominates, ascending. Equal scores are all on the front or all off it.
func Front(scores []Score) []int {
	var order []int
	for i := range scores {
		if scores[i].Violation == 0 && len(scores[i].Objectives) > 0 {
			order = append(order, i)
		}
	}
	// After sorting nothing is dominated by what follows it.
	slices.SortFunc(order, func(a, b int) int {
		return cmp.Or(slices.Compare(scores[a].Objectives, scores[b].Objectives), cmp.Compare(a, b))
	})
	var front []int
	for _, i := range order {
		if !slices.ContainsFunc(front, func(j int) bool { return Dominates(&scores[j], &scores[i]) }) {
			front = append(front, i)
		}
	}
	slices.Sort(front)
	return front
}

// sortByRank orders the indices of scores by constrained non-dominated rank,
// then by falling crowding distance, then by index. It returns the rank and the
// crowding distance of every score, too.
func sortByRank(scores []Score) (order, rank []int, crowding []float64) {
	n := len(scores)
	rank, crowding = make([]int, n), make([]float64, n)
	for level, front := range fronts(scores) {
		for _, i := range front {
			rank[i] = level
		}
		crowd(scores, front, crowding)
	}
	order = make([]int, n)
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(rank[a], rank[b]), cmp.Compare(crowding[b], crowding[a]), cmp.Compare(a, b))
	})
	return order, rank, crowding
}

// fronts sorts scores into non-dominated fronts, best first, by efficient
// non-dominated sorting (Zhang et al., IEEE Trans. Evol. Comput. 19, 2015): in
// an order in which nothing is dominated by what follows, each goes to the first
// front in which nothing dominates it. Memory stays linear.
func fronts(scores []Score) [][]int {
	order := make([]int, len(scores))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(scores[a].Violation, scores[b].Violation), slices.Compare(scores[a].Objectives, scores[b].Objectives), cmp.Compare(a, b))
	})
	var list [][]int
	for _, i := range order {
		// The latest members of a front are the likeliest to dominate.
		level := 0
		for ; level < len(list); level++ {
			dominated := false
			for k := len(list[level]) - 1; k >= 0 && !dominated; k-- {
				dominated = Dominates(&scores[list[level][k]], &scores[i])
			}
			if !dominated {
				break
			}
		}
		if level == len(list) {
			list = append(list, nil)
		}
		list[level] = append(list[level], i)
	}
	return list
}

// crowd computes the crowding distances within a front: the sum over the
// objectives of the distance of the neighbours on both sides, relative to the
// front's extent; the ends count as infinitely far. Of several points with
// equal objectives one carries the distance and the others have -1, so that
// duplicates go first.
func crowd(scores []Score, front []int, into []float64) {
	objectives := len(scores[front[0]].Objectives)
	if objectives == 0 || scores[front[0]].Violation > 0 {
		for _, i := range front {
			into[i] = 0
		}
		return
	}
	order := slices.Clone(front)
	slices.SortFunc(order, func(a, b int) int {
		return cmp.Or(slices.Compare(scores[a].Objectives, scores[b].Objectives), cmp.Compare(a, b))
	})
	var single []int
	for k, i := range order {
		if k > 0 && slices.Equal(scores[order[k-1]].Objectives, scores[i].Objectives) {
			into[i] = -1
			continue
		}
		into[i] = 0
		single = append(single, i)
	}
	for m := range objectives {
		value := func(k int) float64 { return scores[single[k]].Objectives[m] }
		slices.SortFunc(single, func(a, b int) int {
			return cmp.Or(cmp.Compare(scores[a].Objectives[m], scores[b].Objectives[m]), cmp.Compare(a, b))
		})
		last := len(single) - 1
		extent := value(last) - value(0)
		into[single[0]], into[single[last]] = math.Inf(1), math.Inf(1)
		if extent <= 0 {
			continue
		}
		for k := 1; k < last; k++ {
			into[single[k]] += (value(k+1) - value(k-1)) / extent
		}
	}
}
