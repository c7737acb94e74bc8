package ops

import (
	"math"

	"github.com/npusim/npusim/compiler/graph"
)

// importSoftmax translates Softmax: until opset 12 it runs over all axes from
// axis (default 1) on together, from 13 on along one axis (default the last).
func importSoftmax(n *node) error {
	if err := n.arity(1, 1); err != nil {
		return err
	}
	a := &graph.AxisAttributes{Flatten: n.opset < 13}
	absent := int64(-1)
	if a.Flatten {
		absent = 1
	}
	a.Axis = n.axis(n.intAttribute("axis", absent), len(n.shape(0)))
	if n.err != nil {
		return n.err
	}
	if err := n.nonEmpty(0); err != nil {
		return err
	}
	return n.emit(graph.Softmax, a, []graph.ValueID{n.input(0)}, n.shape(0))
}

// bindSoftmax computes exp(x-max)/sum(exp(x-max)), the sum in float64.
func bindSoftmax(g *graph.Graph, n *graph.Node) Kernel {
	a := n.Attributes.(*graph.AxisAttributes)
	x := shapeOf(g, n, 0)
	outer, length, inner := graph.Elements(x[:a.Axis]), x[a.Axis], graph.Elements(x[a.Axis+1:])
	if a.Flatten {
		length, inner = length*inner, 1
	}
	return Kernel{InPlace: true, Run: func(out, in [][]float32, _ []float32) {
		for block := range outer * inner {
			first := block/inner*length*inner + block%inner
			x, y := in[0][first:], out[0][first:]
			highest := x[0]
			for i := range length {
				highest = max(highest, x[i*inner])
			}
			sum := 0.0
			for i := range length {
				e := math.Exp(float64(x[i*inner] - highest))
				y[i*inner] = float32(e)
				sum += e
			}
			for i := range length {
				y[i*inner] = float32(float64(y[i*inner]) / sum)
			}
		}
	}}
}
