package ops

import "slices"

// broadcastShape is the shape of two operands under numpy's broadcasting.
func broadcastShape(a, b []int) ([]int, bool) {
	out := make([]int, max(len(a), len(b)))
	for i := range out {
		da, db := sizeFromEnd(a, len(out)-i), sizeFromEnd(b, len(out)-i)
		switch {
		case da == db || db == 1:
			out[i] = da
		case da == 1:
			out[i] = db
		default:
			return nil, false
		}
	}
	return out, true
}

// broadcastsTo tells whether shape broadcasts to out without changing it.
func broadcastsTo(shape, out []int) bool {
	result, ok := broadcastShape(shape, out)
	return ok && slices.Equal(result, out)
}

// sizeFromEnd is the size of the axis at that distance from the end, 1 where
// the shape has no such axis.
func sizeFromEnd(shape []int, distance int) int {
	if distance > len(shape) {
		return 1
	}
	return shape[len(shape)-distance]
}

// broadcast walks over two operands that broadcast to one result. Axes that
// both operands run through without a gap are merged.
type broadcast struct {
	rank  int
	size  [MaxRank]int
	stepA [MaxRank]int // elements from one index to the next, 0: repeated
	stepB [MaxRank]int
	empty bool
}

// planBroadcast prepares the walk; a and b must broadcast to out.
func planBroadcast(out, a, b []int) broadcast {
	var p broadcast
	elementsA, elementsB := 1, 1
	// From the last axis on, filled backwards into the arrays.
	first := MaxRank
	for distance := 1; distance <= len(out); distance++ {
		size, da, db := out[len(out)-distance], sizeFromEnd(a, distance), sizeFromEnd(b, distance)
		if size == 0 {
			p.empty = true
		}
		if size == 1 {
			continue
		}
		stepA, stepB := 0, 0
		if da != 1 {
			stepA = elementsA
		}
		if db != 1 {
			stepB = elementsB
		}
		elementsA *= da
		elementsB *= db
		if first < MaxRank && stepA == p.size[first]*p.stepA[first] && stepB == p.size[first]*p.stepB[first] {
			p.size[first] *= size
			continue
		}
		first--
		p.size[first], p.stepA[first], p.stepB[first] = size, stepA, stepB
	}
	if first == MaxRank { // a single element
		first--
		p.size[first], p.stepA[first], p.stepB[first] = 1, 1, 1
	}
	p.rank = MaxRank - first
	copy(p.size[:], p.size[first:])
	copy(p.stepA[:], p.stepA[first:])
	copy(p.stepB[:], p.stepB[first:])
	return p
}

// each calls f for every run of the innermost axis: offsets of the first
// element in result and operands, the number of elements, and the operands'
// steps (0 or 1). The result's step is 1.
func (p *broadcast) each(f func(out, a, b, count, stepA, stepB int)) {
	if p.empty {
		return
	}
	last := p.rank - 1
	var index [MaxRank]int
	out, a, b := 0, 0, 0
	for {
		f(out, a, b, p.size[last], p.stepA[last], p.stepB[last])
		out += p.size[last]
		axis := last - 1
		for ; axis >= 0; axis-- {
			index[axis]++
			a += p.stepA[axis]
			b += p.stepB[axis]
			if index[axis] < p.size[axis] {
				break
			}
			a -= p.size[axis] * p.stepA[axis]
			b -= p.size[axis] * p.stepB[axis]
			index[axis] = 0
		}
		if axis < 0 {
			return
		}
	}
}
