package ops

import "github.com/npusim/npusim/compiler/graph"

// importTranspose translates Transpose; the default reverses the axes.
func importTranspose(n *node) error {
	if err := n.arity(1, 1); err != nil {
		return err
	}
	x := n.shape(0)
	a := &graph.TransposeAttributes{Permutation: make([]int, len(x))}
	list := n.intsAttribute("perm")
	if list != nil && len(list) != len(x) {
		return n.invalid("attribute perm has %d entries for %d axes", len(list), len(x))
	}
	for i := range x {
		a.Permutation[i] = len(x) - 1 - i
	}
	if list != nil {
		for _, v := range list {
			if v < 0 {
				return n.invalid("attribute perm is %v, must be a permutation of 0 to %d", list, len(x)-1)
			}
		}
		copy(a.Permutation, n.axes(list, len(x)))
	}
	if n.err != nil {
		return n.err
	}
	y := make([]int, len(x))
	for i, from := range a.Permutation {
		y[i] = x[from]
	}
	return n.emit(graph.Transpose, a, []graph.ValueID{n.input(0)}, y)
}

func bindTranspose[T number](g *graph.Graph, n *graph.Node) KernelOf[T] {
	steps := rowMajor(shapeOf(g, n, 0))
	turned := make([]int, len(steps))
	for i, from := range n.Attributes.(*graph.TransposeAttributes).Permutation {
		turned[i] = steps[from]
	}
	w := planWalk(resultShape(g, n, 0), turned, 0)
	return KernelOf[T]{Run: func(out, in [][]T, _ []T) { gather(&w, out[0], in[0]) }}
}
