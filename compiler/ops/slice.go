package ops

import "github.com/npusim/npusim/compiler/graph"

// importSlice translates Slice: starts, ends and axes are attributes until
// opset 9 and inputs, with steps, from 10 on. Starts and ends count from the
// end where negative and are cut to the axis.
func importSlice(n *node) error {
	least, most := 3, 5
	if n.opset < 10 {
		least, most = 1, 1
	}
	if err := n.arity(least, most); err != nil {
		return err
	}
	var starts, ends, axes, steps []int64
	if n.opset < 10 {
		starts, ends, axes = n.intsAttribute("starts"), n.intsAttribute("ends"), n.intsAttribute("axes")
		if starts == nil || ends == nil {
			n.fail(n.invalid("attributes starts and ends must be there"))
		}
	} else {
		starts, ends = n.constantInts(1, "starts"), n.constantInts(2, "ends")
		if n.has(3) {
			axes = n.constantInts(3, "axes")
		}
		if n.has(4) {
			steps = n.constantInts(4, "steps")
		}
	}
	if n.err != nil {
		return n.err
	}
	x := n.shape(0)
	if axes == nil {
		for i := range starts {
			axes = append(axes, int64(i))
		}
	}
	if steps == nil {
		for range starts {
			steps = append(steps, 1)
		}
	}
	if len(ends) != len(starts) || len(axes) != len(starts) || len(steps) != len(starts) {
		return n.invalid("%d starts, %d ends, %d axes, %d steps", len(starts), len(ends), len(axes), len(steps))
	}
	list := n.axes(axes, len(x))
	if n.err != nil {
		return n.err
	}
	a := &graph.SliceAttributes{Starts: make([]int, len(x)), Steps: make([]int, len(x))}
	y := append([]int{}, x...)
	for i := range a.Steps {
		a.Steps[i] = 1
	}
	for i, axis := range list {
		if steps[i] == 0 {
			return n.invalid("step %d is 0", i)
		}
		a.Starts[axis], a.Steps[axis], y[axis] = sliceRange(starts[i], ends[i], steps[i], x[axis])
	}
	return n.emit(graph.Slice, a, []graph.ValueID{n.input(0)}, y)
}

// sliceRange cuts a range of an axis as numpy does.
func sliceRange(start, end, step int64, size int) (first, stride, count int) {
	length := int64(size)
	// A step longer than the axis takes one element, whatever its length.
	step = min(max(step, -length-1), length+1)
	low, high := int64(0), length // range that start and end are cut to
	if step < 0 {
		low, high = -1, length-1
	}
	cut := func(v int64) int64 {
		if v < 0 {
			v = max(v+length, low)
		}
		return min(max(v, low), high)
	}
	start, end = cut(start), cut(end)
	n := int64(0)
	switch {
	case step > 0 && end > start:
		n = (end - start + step - 1) / step
	case step < 0 && end < start:
		n = (start - end - step - 1) / -step
	}
	if n == 0 {
		start = 0
	}
	return int(start), int(step), int(n)
}

func bindSlice[T number](g *graph.Graph, n *graph.Node) KernelOf[T] {
	a := n.Attributes.(*graph.SliceAttributes)
	steps, offset := rowMajor(shapeOf(g, n, 0)), 0
	for i := range steps {
		offset += a.Starts[i] * steps[i]
		steps[i] *= a.Steps[i]
	}
	w := planWalk(resultShape(g, n, 0), steps, offset)
	return KernelOf[T]{Run: func(out, in [][]T, _ []T) { gather(&w, out[0], in[0]) }}
}
