package transform

import "github.com/npusim/npusim/compiler/graph"

// maxExtent is the most rows or columns a tensor of the machine may have.
const maxExtent = 1<<15 - 1

// softmax makes the axis of a Softmax the channels. The elements are
// [outer, length, inner] with the axis, or in the flattened form all axes from
// it on, in the middle; what is not already in front is transposed there and
// back, which the pass merge-rearrangements joins with its neighbours.
func (w *widener) softmax(node graph.Node, a *graph.AxisAttributes, m axisMap) error {
	x := node.Inputs[0]
	shape := w.shape(x)
	four := m.apply(shape)
	outer, length, inner := 1, 1, 1
	if len(shape) > 0 {
		outer, length, inner = graph.Elements(shape[:a.Axis]), shape[a.Axis], graph.Elements(shape[a.Axis+1:])
	}
	if a.Flatten {
		length, inner = length*inner, 1
	}
	if f, ok := w.four[x]; ok {
		x = f
	}
	node.Attributes = &graph.AxisAttributes{Axis: 1}
	if outer == 1 {
		if four[1] != length {
			four = []int{1, length, 1, inner}
		}
		node.Inputs[0] = w.reshape(node.Name, x, four)
		return w.define(node, four)
	}
	var around []int
	var swap []int // its own inverse
	switch {
	case inner > 1:
		around, swap = []int{1, outer, length, inner}, []int{0, 2, 1, 3}
	case outer <= maxExtent:
		around, swap = []int{1, outer, 1, length}, []int{0, 3, 2, 1}
	default: // few columns of many: the axis comes last, so two axes stand before it
		around, swap = four, []int{0, 3, 2, 1}
		if four[3] != length {
			return nodeError(&node, "softmax over axes %d to %d of shape %v: supported are at most %d elements in the axes before", a.Axis, len(shape)-1, shape, maxExtent)
		}
	}
	x = w.transpose(node.Name, w.reshape(node.Name, x, around), swap...)
	out := node.Outputs[0]
	node.Inputs = []graph.ValueID{x}
	node.Outputs = []graph.ValueID{w.value(w.name(out)+"/channels", w.shape(x))}
	y := w.transpose(node.Name, w.emit(node), swap...)
	w.four[out] = w.reshape(node.Name, y, m.apply(w.shape(out)))
	return nil
}
