package ops

import (
	"slices"

	"github.com/npusim/npusim/compiler/floatref/gemm"
	"github.com/npusim/npusim/compiler/graph"
)

// importMatMul translates MatMul, which follows numpy.matmul: a vector on the
// left is a row, on the right a column, and its axis goes from the result;
// axes before the last two broadcast.
func importMatMul(n *node) error {
	if err := n.arity(2, 2); err != nil {
		return err
	}
	a, b := n.shape(0), n.shape(1)
	if len(a) == 0 || len(b) == 0 {
		return n.invalid("multiplies shapes %v and %v, scalars are not allowed", a, b)
	}
	if err := n.nonEmpty(0, 1); err != nil {
		return err
	}
	left, right := matrixForm(a, b)
	if left[len(left)-1] != right[len(right)-2] {
		return n.invalid("multiplies shapes %v and %v, whose inner sizes differ", a, b)
	}
	y, ok := broadcastShape(left[:len(left)-2], right[:len(right)-2])
	if !ok {
		return n.invalid("multiplies shapes %v and %v, whose leading axes do not broadcast", a, b)
	}
	if len(a) > 1 {
		y = append(y, left[len(left)-2])
	}
	if len(b) > 1 {
		y = append(y, right[len(right)-1])
	}
	return n.emit(graph.MatMul, nil, []graph.ValueID{n.input(0), n.input(1)}, y)
}

// matrixForm gives vectors their second axis.
func matrixForm(a, b []int) (left, right []int) {
	left, right = a, b
	if len(a) == 1 {
		left = []int{1, a[0]}
	}
	if len(b) == 1 {
		right = []int{b[0], 1}
	}
	return
}

func bindMatMul(g *graph.Graph, n *graph.Node) Kernel {
	left, right := matrixForm(shapeOf(g, n, 0), shapeOf(g, n, 1))
	m, k, columns := left[len(left)-2], left[len(left)-1], right[len(right)-1]
	leftBatch, rightBatch := left[:len(left)-2], right[:len(right)-2]
	if graph.Elements(rightBatch) == 1 { // one matrix on the right: all rows at once
		m *= graph.Elements(leftBatch)
		leftBatch = nil
	}
	batch, _ := broadcastShape(leftBatch, rightBatch)
	plan := planBroadcast(batch, slices.Clone(leftBatch), rightBatch)
	return Kernel{Run: func(out, in [][]float32, _ []float32) {
		plan.each(func(o, i, j, count, stepA, stepB int) {
			for c := range count {
				a, b := in[0][(i+c*stepA)*m*k:], in[1][(j+c*stepB)*k*columns:]
				gemm.Multiply(m, columns, k, a, k, b, columns, out[0][(o+c)*m*columns:], columns)
			}
		})
	}}
}
