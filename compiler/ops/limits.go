package ops

import "fmt"

// Limits on what a model may ask for, checked before anything is allocated.
const (
	// MaxTensorElements bounds one tensor that is computed at run time, for
	// which a small file can ask: 256 MiB of float32.
	MaxTensorElements = 1 << 26
	// MaxConstantElements bounds one constant, whose elements the file holds
	// or folding counts: 1 GiB of float32.
	MaxConstantElements = 1 << 28
	// MaxGraphElements bounds the sum over all tensors of a graph.
	MaxGraphElements = 1 << 32
	// MaxRank bounds the number of axes.
	MaxRank = 8
	// minFoldElements is what folding may make of a model without constants;
	// every element of a constant in the model admits foldRatio more.
	minFoldElements = 1 << 24
	foldRatio       = 4
	// maxFoldWork bounds the multiplications and moves of all folding.
	maxFoldWork = 1 << 31
	// maxAttribute bounds sizes, strides, pads and the like, so that sums and
	// products of two of them cannot overflow.
	maxAttribute = 1<<31 - 1
)

// checkShape gives the number of elements of a run-time value's shape within
// the limits, which hold for the other axes even if one is empty.
func checkShape(shape []int) (int, error) { return elementsWithin(shape, MaxTensorElements) }

// checkConstantShape is checkShape for a constant.
func checkConstantShape(shape []int) (int, error) {
	return elementsWithin(shape, MaxConstantElements)
}

func elementsWithin(shape []int, limit int) (int, error) {
	if len(shape) > MaxRank {
		return 0, fmt.Errorf("%d axes, the limit is %d", len(shape), MaxRank)
	}
	elements, empty := 1, false
	for axis, d := range shape {
		if d < 0 {
			return 0, fmt.Errorf("shape %v: axis %d has the negative size %d", shape, axis, d)
		}
		if d == 0 {
			empty = true
			continue
		}
		if d > limit/elements {
			return 0, fmt.Errorf("shape %v has more than %d elements, which is the limit", shape, limit)
		}
		elements *= d
	}
	if empty {
		return 0, nil
	}
	return elements, nil
}
