package ops

import "github.com/npusim/npusim/compiler/graph"

// fold computes a node whose inputs are all constant; its outputs, which are
// values of the graph already, become constants.
func (n *node) fold(out *graph.Node, elementType graph.ElementType) error {
	g := n.im.graph
	elements, work := 0, int64(0)
	for _, list := range [][]graph.ValueID{out.Inputs, out.Outputs} {
		for _, id := range list {
			if id != graph.None {
				work += int64(graph.Elements(g.Values[id].Shape))
			}
		}
	}
	for _, id := range out.Outputs {
		if id != graph.None {
			elements += graph.Elements(g.Values[id].Shape)
		}
	}
	switch a := out.Attributes.(type) {
	case *graph.ConvAttributes:
		work += saturatingProduct(elements, g.Values[out.Inputs[1]].Shape[1:]...)
	case *graph.PoolAttributes:
		work += saturatingProduct(elements, a.Kernel...)
	case *graph.GemmAttributes:
		work += saturatingProduct(elements, g.Values[out.Inputs[0]].Shape...) // more than enough
	default:
		if out.Op == graph.MatMul {
			shape := g.Values[out.Inputs[0]].Shape
			work += saturatingProduct(elements, shape[len(shape)-1])
		}
	}
	if err := n.im.chargeFold(elements, work); err != nil {
		return n.invalid("%v", err)
	}
	if elementType == graph.Float32 {
		run(g, out, kernels[out.Op].float(g, out), elementType,
			func(t *graph.Tensor) *[]float32 { return &t.Floats })
	} else {
		run(g, out, kernels[out.Op].integer(g, out), elementType,
			func(t *graph.Tensor) *[]int64 { return &t.Ints })
	}
	return nil
}

// run executes a kernel on constants.
func run[T number](g *graph.Graph, n *graph.Node, kernel KernelOf[T], elementType graph.ElementType, elements func(*graph.Tensor) *[]T) {
	in, out := make([][]T, len(n.Inputs)), make([][]T, len(n.Outputs))
	for i, id := range n.Inputs {
		if id != graph.None {
			in[i] = *elements(g.Values[id].Constant)
		}
	}
	for i, id := range n.Outputs {
		if id != graph.None {
			v := &g.Values[id]
			v.Constant = &graph.Tensor{Shape: v.Shape, Type: elementType}
			out[i] = make([]T, graph.Elements(v.Shape))
			*elements(v.Constant) = out[i]
		}
	}
	kernel.Run(out, in, make([]T, kernel.Scratch))
}

// saturatingProduct multiplies, and stops where the limit of work is passed.
func saturatingProduct(first int, factors ...int) int64 {
	product := int64(first)
	for _, f := range factors {
		if f != 0 && product > maxFoldWork/int64(f) {
			return maxFoldWork + 1
		}
		product *= int64(f)
	}
	return product
}
