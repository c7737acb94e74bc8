package prune

import (
	"fmt"
	"math"

	"github.com/npusim/npusim/isa/xorcode"
)

// Pruned is the number of n weights that a sparsity prunes: the nearest to
// sparsity * n, but never the last one.
func Pruned(n int, sparsity float64) (int, error) {
	if !(sparsity >= 0 && sparsity < 1) {
		return 0, fmt.Errorf("prune: sparsity %g, 0 to below 1 is possible", sparsity)
	}
	return max(0, min(int(math.Round(sparsity*float64(n))), n-1)), nil
}

// Select keeps the largest scores: it prunes the [Pruned] smallest, the lower
// index first among equal ones. Scores are finite and not negative.
func Select(scores []float32, sparsity float64) (xorcode.Plane, error) {
	masks, err := selectOver([][]float32{scores}, sparsity)
	if err != nil {
		return xorcode.Plane{}, err
	}
	return masks[0], nil
}

// selectOver is Select over several tensors at once, the earlier one first
// among equal scores.
func selectOver(tensors [][]float32, sparsity float64) ([]xorcode.Plane, error) {
	n := 0
	for _, scores := range tensors {
		n += len(scores)
	}
	pruned, err := Pruned(n, sparsity)
	if err != nil {
		return nil, err
	}
	limit, ties, err := smallest(tensors, pruned)
	if err != nil {
		return nil, err
	}
	masks := make([]xorcode.Plane, len(tensors))
	for t, scores := range tensors {
		masks[t] = xorcode.NewPlane(len(scores))
		for w := range masks[t].Words {
			var word uint64
			for i, s := range scores[64*w : min(64*w+64, len(scores))] {
				key := scoreKey(s)
				kept := key > limit
				if key == limit {
					if ties > 0 {
						ties--
					} else {
						kept = true
					}
				}
				if kept {
					word |= 1 << i
				}
			}
			masks[t].Words[w] = word
		}
	}
	return masks, nil
}

// scoreKey orders scores that are not negative, -0 among the zeros.
func scoreKey(s float32) uint32 { return math.Float32bits(s) &^ (1 << 31) }

// smallest finds the limit of the count smallest scores: all keys below it, and
// as many as ties that equal it. The keys are counted by their high halves,
// then those of one high half by their low halves.
func smallest(tensors [][]float32, count int) (limit uint32, ties int, err error) {
	high := make([]int, 1<<16)
	for t, scores := range tensors {
		for i, s := range scores {
			if !(s >= 0 && s <= math.MaxFloat32) {
				return 0, 0, fmt.Errorf("prune: score %d of tensor %d is %g; scores are finite and not negative", i, t, s)
			}
			high[scoreKey(s)>>16]++
		}
	}
	left := count
	top := uint32(0)
	for ; high[top] <= left && top < 1<<15; top++ {
		left -= high[top]
	}
	low := make([]int, 1<<16)
	for _, scores := range tensors {
		for _, s := range scores {
			if key := scoreKey(s); key>>16 == top {
				low[key&0xffff]++
			}
		}
	}
	bottom := uint32(0)
	for ; low[bottom] <= left && bottom < 1<<16-1; bottom++ {
		left -= low[bottom]
	}
	return top<<16 | bottom, left, nil
}
