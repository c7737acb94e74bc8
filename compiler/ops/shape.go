package ops

import "github.com/npusim/npusim/compiler/graph"

// importShape gives the shape of a value as a constant; start and end came at
// opset 15 and are cut to the axes.
func importShape(n *node) error {
	if err := n.arity(1, 1); err != nil {
		return err
	}
	x := n.shape(0)
	rank := int64(len(x))
	start, end := int64(0), rank
	if n.opset >= 15 {
		start, end = n.intAttribute("start", 0), n.intAttribute("end", rank)
	}
	cut := func(v int64) int64 {
		if v < 0 {
			v = max(v, -rank) + rank
		}
		return min(v, rank)
	}
	t := &graph.Tensor{Type: graph.Int64, Ints: []int64{}}
	for i := cut(start); i < cut(end); i++ {
		t.Ints = append(t.Ints, int64(x[i]))
	}
	t.Shape = []int{len(t.Ints)}
	return n.emitConstant(t)
}

// importSize gives the number of elements of a value as a constant.
func importSize(n *node) error {
	if err := n.arity(1, 1); err != nil {
		return err
	}
	return n.emitConstant(&graph.Tensor{Shape: []int{}, Type: graph.Int64, Ints: []int64{int64(graph.Elements(n.shape(0)))}})
}

// importGather folds Gather: out = data[..., indices, ...] along axis.
func importGather(n *node) error {
	if err := n.arity(2, 2); err != nil {
		return err
	}
	data, indices := n.constant(0, "data"), n.constant(1, "indices")
	if n.err != nil {
		return n.err
	}
	axis := n.axis(n.intAttribute("axis", 0), len(data.Shape))
	if n.err != nil {
		return n.err
	}
	if indices.Type != graph.Int64 {
		return n.invalid("indices have type %v, must be integers", indices.Type)
	}
	shape := append([]int{}, data.Shape[:axis]...)
	shape = append(shape, indices.Shape...)
	shape = append(shape, data.Shape[axis+1:]...)
	elements, err := checkConstantShape(shape)
	if err == nil {
		err = n.im.chargeFold(elements, int64(elements))
	}
	if err != nil {
		return n.invalid("output: %v", err)
	}
	size, inner := data.Shape[axis], graph.Elements(data.Shape[axis+1:])
	out := &graph.Tensor{Shape: shape, Type: data.Type}
	for outer := range graph.Elements(data.Shape[:axis]) {
		for _, index := range indices.Ints {
			if index < int64(-size) || index >= int64(size) {
				return n.invalid("index %d is outside of axis %d of %d", index, axis, size)
			}
			if index < 0 {
				index += int64(size)
			}
			from := (outer*size + int(index)) * inner
			if data.Type == graph.Float32 {
				out.Floats = append(out.Floats, data.Floats[from:from+inner]...)
			} else {
				out.Ints = append(out.Ints, data.Ints[from:from+inner]...)
			}
		}
	}
	return n.emitConstant(out)
}

// importExpand folds Expand, which broadcasts both ways.
func importExpand(n *node) error {
	if err := n.arity(2, 2); err != nil {
		return err
	}
	data, list := n.constant(0, "input"), n.constantInts(1, "shape")
	if n.err != nil {
		return n.err
	}
	want, err := n.shapeFrom(list)
	if err != nil {
		return err
	}
	shape, ok := broadcastShape(data.Shape, want)
	if !ok {
		return n.invalid("shape %v does not broadcast to %v", data.Shape, list)
	}
	elements, err := checkConstantShape(shape)
	if err == nil {
		err = n.im.chargeFold(elements, int64(elements))
	}
	if err != nil {
		return n.invalid("output: %v", err)
	}
	out := &graph.Tensor{Shape: shape, Type: data.Type}
	if data.Type == graph.Float32 {
		out.Floats = expand(data.Floats, data.Shape, shape)
	} else {
		out.Ints = expand(data.Ints, data.Shape, shape)
	}
	return n.emitConstant(out)
}

// expand repeats the elements of in to a shape that it broadcasts to.
func expand[T number](in []T, from, to []int) []T {
	steps := make([]int, len(to))
	dense := rowMajor(from)
	for i := range from {
		if from[i] != 1 {
			steps[len(to)-len(from)+i] = dense[i]
		}
	}
	out := make([]T, graph.Elements(to))
	w := planWalk(to, steps, 0)
	gather(&w, out, in)
	return out
}
