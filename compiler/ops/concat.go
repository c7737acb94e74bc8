package ops

import (
	"slices"

	"github.com/npusim/npusim/compiler/graph"
)

func importConcat(n *node) error {
	if err := n.arity(1, -1); err != nil {
		return err
	}
	a := n.source.Attribute("axis")
	if a == nil {
		return n.invalid("attribute axis is missing")
	}
	first := n.shape(0)
	axis := n.axis(n.intAttribute("axis", 0), len(first))
	if n.err != nil {
		return n.err
	}
	out := slices.Clone(first)
	out[axis] = 0
	for i := range n.inputs {
		if !n.has(i) {
			return n.invalid("input %d is missing", i)
		}
		shape := n.shape(i)
		same := len(shape) == len(first)
		for k := range shape {
			same = same && (k == axis || shape[k] == first[k])
		}
		if !same {
			return n.invalid("input %d of shape %v does not fit to %v along axis %d", i, shape, first, axis)
		}
		out[axis] += shape[axis]
	}
	return n.emit(graph.Concat, &graph.AxisAttributes{Axis: axis}, n.inputs, out)
}

func bindConcat[T number](g *graph.Graph, n *graph.Node) KernelOf[T] {
	axis := n.Attributes.(*graph.AxisAttributes).Axis
	y := resultShape(g, n, 0)
	outer, length := graph.Elements(y[:axis]), graph.Elements(y[axis:])
	parts := make([]int, len(n.Inputs)) // elements of one outer index
	for i := range parts {
		parts[i] = graph.Elements(shapeOf(g, n, i)[axis:])
	}
	return KernelOf[T]{Run: func(out, in [][]T, _ []T) {
		for o := range outer {
			line := out[0][o*length:]
			for i, count := range parts {
				copy(line[:count], in[i][o*count:])
				line = line[count:]
			}
		}
	}}
}
