package ops

// walk copies elements with a step of its own on every axis: the common form
// of Slice, Transpose and Expand.
type walk struct {
	rank   int
	size   [MaxRank]int
	step   [MaxRank]int
	offset int
	empty  bool
}

// planWalk prepares a walk; steps has one entry an axis of size.
func planWalk(size, steps []int, offset int) walk {
	w := walk{offset: offset}
	for i, s := range size {
		w.empty = w.empty || s == 0
		if s == 1 {
			continue
		}
		if w.rank > 0 && w.step[w.rank-1] == s*steps[i] {
			w.size[w.rank-1] *= s
			w.step[w.rank-1] = steps[i]
			continue
		}
		w.size[w.rank], w.step[w.rank] = s, steps[i]
		w.rank++
	}
	if w.rank == 0 {
		w.size[0], w.step[0], w.rank = 1, 1, 1
	}
	return w
}

// gather fills out from in.
func gather[T number](w *walk, out, in []T) {
	if w.empty {
		return
	}
	last := w.rank - 1
	count, step := w.size[last], w.step[last]
	var index [MaxRank]int
	position := w.offset
	for done := 0; ; done += count {
		line := out[done:][:count]
		if step == 1 {
			copy(line, in[position:])
		} else {
			from := position
			for i := range line {
				line[i] = in[from]
				from += step
			}
		}
		axis := last - 1
		for ; axis >= 0; axis-- {
			index[axis]++
			position += w.step[axis]
			if index[axis] < w.size[axis] {
				break
			}
			position -= w.size[axis] * w.step[axis]
			index[axis] = 0
		}
		if axis < 0 {
			return
		}
	}
}

// rowMajor gives the step of every axis of a dense tensor.
func rowMajor(shape []int) []int {
	steps := make([]int, len(shape))
	step := 1
	for i := len(shape) - 1; i >= 0; i-- {
		steps[i] = step
		step *= shape[i]
	}
	return steps
}

// each calls f with the position of every element in order.
func (w *walk) each(f func(position int)) {
	if w.empty {
		return
	}
	var index [MaxRank]int
	position := w.offset
	for {
		f(position)
		axis := w.rank - 1
		for ; axis >= 0; axis-- {
			index[axis]++
			position += w.step[axis]
			if index[axis] < w.size[axis] {
				break
			}
			position -= w.size[axis] * w.step[axis]
			index[axis] = 0
		}
		if axis < 0 {
			return
		}
	}
}
