package binarycode

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
)

// Choice is a way to store a layer or row range.
type Choice struct {
	Bits int64   // in all: signs, scales and whatever else counts
	Loss float64 // what it does to the result, such as its output error
}

// Item is something that gets one of its choices, such as 1 to 4 planes.
type Item struct {
	Name    string
	Weights int64 // counts towards the average
	Choices []Choice
}

// Allocation is a choice for each item.
type Allocation struct {
	Choice []int // by item, index into its choices
	Bits   int64
	Loss   float64
	// Gap bounds how far Loss may be above the least one: 0 if it is proven to
	// be the least (up to rounding of sums, a relative 1e-12).
	Gap float64
}

// maxStates bounds the partial allocations that Allocate keeps at once.
const maxStates = 1 << 15

// Allocate finds the choices of least total loss with at most averageBits bits
// for each weight. It is exact: dynamic programming over the items, keeping the
// partial allocations that are best for their bits and that could, by the
// Lagrangian bound on the items left, still beat the best one known. Only if more
// than 2^15 of them stay are the least promising dropped; then Gap is what is
// left between the result and the bound.
func Allocate(ctx context.Context, items []Item, averageBits float64) (*Allocation, error) {
	return allocate(ctx, items, averageBits, maxStates)
}

func allocate(ctx context.Context, items []Item, averageBits float64, limit int) (*Allocation, error) {
	budget, err := checkItems(items, averageBits)
	if err != nil {
		return nil, fmt.Errorf("bit allocation: %w", err)
	}
	p := newPlan(items)
	least := p.base[0].Bits
	if least > budget {
		return nil, fmt.Errorf("bit allocation: %g bits a weight allow %d bits, the smallest choices take %d", averageBits, budget, least)
	}
	best, bound := p.relax(budget)
	states := []state{{previous: -1, choice: -1}}
	trail := make([][]state, 0, len(items))
	dropped := math.Inf(1) // least bound of what was dropped for want of room
	for i := range items {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		next := extend(states, items[i].Choices)
		next = slices.DeleteFunc(next, func(s state) bool {
			rest := p.bound(i+1, budget-s.bits)
			return !(s.loss+rest < best.Loss-1e-12*math.Abs(best.Loss))
		})
		next = undominated(next)
		if len(next) > limit {
			slices.SortFunc(next, func(a, b state) int {
				return cmp.Or(cmp.Compare(a.loss+p.bound(i+1, budget-a.bits), b.loss+p.bound(i+1, budget-b.bits)), cmp.Compare(a.bits, b.bits))
			})
			dropped = min(dropped, next[limit].loss+p.bound(i+1, budget-next[limit].bits))
			next = undominated(next[:limit])
		}
		states = next
		trail = append(trail, states)
	}
	if len(states) > 0 { // some are better than the relaxation's
		at := 0
		for k, s := range states {
			if s.loss < states[at].loss {
				at = k
			}
		}
		best = &Allocation{Choice: make([]int, len(items)), Bits: states[at].bits, Loss: states[at].loss}
		for i := len(items) - 1; i >= 0; i-- {
			s := trail[i][at]
			best.Choice[i], at = int(s.choice), int(s.previous)
		}
	}
	if dropped < best.Loss {
		best.Gap = best.Loss - max(dropped, bound)
	}
	return best, nil
}

func checkItems(items []Item, averageBits float64) (budget int64, err error) {
	if len(items) == 0 {
		return 0, errors.New("no items")
	}
	if !(averageBits >= 0 && averageBits <= 64) {
		return 0, fmt.Errorf("%g bits a weight: must be 0 to 64", averageBits)
	}
	const most = 1 << 50
	var weights int64
	for _, item := range items {
		if item.Weights < 0 || item.Weights > most-weights {
			return 0, fmt.Errorf("%s: %d weights: must not be negative, and at most 2^50 in all", item.Name, item.Weights)
		}
		weights += item.Weights
		if len(item.Choices) == 0 {
			return 0, fmt.Errorf("%s: no choices", item.Name)
		}
		for i, c := range item.Choices {
			if c.Bits < 0 || c.Bits > most || math.IsNaN(c.Loss) || math.IsInf(c.Loss, 0) {
				return 0, fmt.Errorf("%s: choice %d has %d bits and a loss of %g: bits must be 0 to 2^50, the loss finite", item.Name, i, c.Bits, c.Loss)
			}
		}
	}
	return int64(averageBits * float64(weights)), nil
}

// state is a choice for each of the first items.
type state struct {
	bits     int64
	loss     float64
	previous int32 // state of the items before the last
	choice   int32 // of the last
}

func extend(states []state, choices []Choice) []state {
	next := make([]state, 0, len(states)*len(choices))
	for k, s := range states {
		for c, choice := range choices {
			next = append(next, state{s.bits + choice.Bits, s.loss + choice.Loss, int32(k), int32(c)})
		}
	}
	return next
}

// undominated keeps the states with less loss than all of fewer or equal bits,
// in the order of their bits.
func undominated(states []state) []state {
	slices.SortStableFunc(states, func(a, b state) int {
		return cmp.Or(cmp.Compare(a.bits, b.bits), cmp.Compare(a.loss, b.loss))
	})
	kept := states[:0]
	for _, s := range states {
		if len(kept) == 0 || s.loss < kept[len(kept)-1].loss {
			kept = append(kept, s)
		}
	}
	return kept
}
