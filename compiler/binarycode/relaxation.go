package binarycode

import (
	"cmp"
	"math"
	"slices"
	"sort"
)

// step is an edge of the lower convex hull of an item's choices: more bits, less
// loss.
type step struct {
	item   int
	choice int // that it leads to
	bits   int64
	gain   float64 // loss that it saves
	slope  float64 // gain a bit, not above that of the step before it
}

// plan is the Lagrangian relaxation of an allocation: the smallest choice of each
// item, then the steps of all hulls in the order of their gain a bit. A prefix of
// them is the best allocation for its bits; between two prefixes the loss falls
// linearly, and that line is below every allocation.
type plan struct {
	items []Item
	steps []step
	base  []Choice // by item i: sums over the smallest choices of items i and after
	first []int    // by item: its smallest choice

	from int // item that the sums are for
	bits []int64
	gain []float64
}

func newPlan(items []Item) *plan {
	p := &plan{items: items, base: make([]Choice, len(items)+1), first: make([]int, len(items)), from: -1}
	for i := len(items) - 1; i >= 0; i-- {
		hull := lowerHull(items[i].Choices)
		p.first[i] = hull[0]
		smallest := items[i].Choices[hull[0]]
		p.base[i] = Choice{p.base[i+1].Bits + smallest.Bits, p.base[i+1].Loss + smallest.Loss}
		for k := 1; k < len(hull); k++ {
			a, b := items[i].Choices[hull[k-1]], items[i].Choices[hull[k]]
			s := step{item: i, choice: hull[k], bits: b.Bits - a.Bits, gain: a.Loss - b.Loss}
			s.slope = s.gain / float64(s.bits)
			if k > 1 {
				s.slope = min(s.slope, p.steps[len(p.steps)-1].slope)
			}
			p.steps = append(p.steps, s)
		}
	}
	// Stable: the steps of a hull stay in order.
	slices.SortStableFunc(p.steps, func(a, b step) int { return cmp.Compare(b.slope, a.slope) })
	return p
}

// lowerHull lists the choices on the lower convex hull of loss over bits, from
// the fewest bits to the least loss.
func lowerHull(choices []Choice) []int {
	order := make([]int, len(choices))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(choices[a].Bits, choices[b].Bits), cmp.Compare(choices[a].Loss, choices[b].Loss))
	})
	var hull []int
	for _, i := range order {
		c := choices[i]
		if len(hull) > 0 && c.Loss >= choices[hull[len(hull)-1]].Loss {
			continue
		}
		for len(hull) >= 2 {
			a, b := choices[hull[len(hull)-2]], choices[hull[len(hull)-1]]
			if (a.Loss-b.Loss)*float64(c.Bits-a.Bits) > (a.Loss-c.Loss)*float64(b.Bits-a.Bits) {
				break
			}
			hull = hull[:len(hull)-1] // on or above the line from a to c
		}
		hull = append(hull, i)
	}
	return hull
}

// bound is a loss that items from one on cannot go below with some bits:
// infinite if their smallest choices take more.
func (p *plan) bound(from int, bits int64) float64 {
	if from != p.from {
		p.from, p.bits, p.gain = from, append(p.bits[:0], 0), append(p.gain[:0], 0)
		for _, s := range p.steps {
			if s.item >= from {
				p.bits = append(p.bits, p.bits[len(p.bits)-1]+s.bits)
				p.gain = append(p.gain, p.gain[len(p.gain)-1]+s.gain)
			}
		}
	}
	left := bits - p.base[from].Bits
	if left < 0 {
		return math.Inf(1)
	}
	k := sort.Search(len(p.bits), func(i int) bool { return p.bits[i] > left })
	gain := p.gain[k-1]
	if k < len(p.bits) {
		gain += (p.gain[k] - p.gain[k-1]) * float64(left-p.bits[k-1]) / float64(p.bits[k]-p.bits[k-1])
	}
	return p.base[from].Loss - gain
}

// relax is the allocation by steps that fit, best first, and the bound of the
// relaxation. The steps of one item are taken in order: after one that does not
// fit, none.
func (p *plan) relax(budget int64) (*Allocation, float64) {
	a := &Allocation{Choice: slices.Clone(p.first), Bits: p.base[0].Bits}
	closed := make([]bool, len(p.items))
	for _, s := range p.steps {
		if closed[s.item] || a.Bits+s.bits > budget {
			closed[s.item] = true
			continue
		}
		a.Choice[s.item] = s.choice
		a.Bits += s.bits
	}
	for i, c := range a.Choice {
		a.Loss += p.items[i].Choices[c].Loss
	}
	return a, p.bound(0, budget)
}
