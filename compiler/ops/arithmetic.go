package ops

import (
	"slices"

	"github.com/npusim/npusim/compiler/graph"
	"github.com/npusim/npusim/compiler/onnx"
)

func importAdd(n *node) error { return importArithmetic(n, graph.Add) }
func importSub(n *node) error { return importArithmetic(n, graph.Sub) }
func importMul(n *node) error { return importArithmetic(n, graph.Mul) }
func importDiv(n *node) error { return importArithmetic(n, graph.Div) }

// importArithmetic translates the four operators. From opset 7 on operands
// broadcast as in numpy. Before, the second one had to be announced as
// broadcast, and axis said where its first axis stands in the first operand.
func importArithmetic(n *node, op graph.Op) error {
	if err := n.arity(2, 2); err != nil {
		return err
	}
	a, b := n.input(0), n.input(1)
	if n.opset < 7 {
		var err error
		if b, err = n.announcedBroadcast(); err != nil {
			return err
		}
	}
	left, right := &n.im.graph.Values[a], &n.im.graph.Values[b]
	shape, ok := broadcastShape(left.Shape, right.Shape)
	if !ok {
		return n.invalid("shapes %v and %v do not broadcast", left.Shape, right.Shape)
	}
	if left.Type == graph.Bool || right.Type == graph.Bool {
		return n.invalid("computes with booleans")
	}
	if op == graph.Div && right.Constant != nil && right.Type == graph.Int64 && slices.Contains(right.Constant.Ints, 0) {
		return n.invalid("divides integers by zero")
	}
	return n.emit(op, nil, []graph.ValueID{a, b}, shape)
}

// announcedBroadcast gives the second operand in a shape that numpy's rule
// aligns as the attributes broadcast and axis of opset 6 say.
func (n *node) announcedBroadcast() (graph.ValueID, error) {
	a, b := n.shape(0), n.shape(1)
	announced, at := n.boolAttribute("broadcast", false), n.attribute("axis", onnx.IntAttribute)
	if !announced {
		if !slices.Equal(a, b) {
			return 0, n.invalid("shapes %v and %v differ, and attribute broadcast is not set", a, b)
		}
		return n.input(1), nil
	}
	if at == nil {
		if !broadcastsTo(b, a) {
			return 0, n.invalid("shape %v does not broadcast to %v", b, a)
		}
		return n.input(1), nil
	}
	axis := n.axis(at.I, len(a))
	if n.err != nil {
		return 0, n.err
	}
	if axis+len(b) > len(a) {
		return 0, n.invalid("shape %v from axis %d on does not fit in %v", b, axis, a)
	}
	aligned := slices.Clone(b)
	for len(aligned) < len(a)-axis {
		aligned = append(aligned, 1)
	}
	if !broadcastsTo(aligned, a) {
		return 0, n.invalid("shape %v from axis %d on does not broadcast to %v", b, axis, a)
	}
	return n.view(n.input(1), aligned), nil
}

// lines is an operator on lines of elements: both operands run, or one of them
// is a single repeated element.
type lines[T number] struct {
	both  func(out, a, b []T)
	left  func(out []T, a T, b []T) // a repeated
	right func(out, a []T, b T)     // b repeated
}

func bindAdd[T number](g *graph.Graph, n *graph.Node) KernelOf[T] {
	return bindLines(g, n, lines[T]{
		both: func(out, a, b []T) {
			a, b = a[:len(out)], b[:len(out)]
			for i := range out {
				out[i] = a[i] + b[i]
			}
		},
		left:  func(out []T, a T, b []T) { addTo(out, b, a) },
		right: addTo[T],
	})
}

func addTo[T number](out, a []T, b T) {
	a = a[:len(out)]
	for i := range out {
		out[i] = a[i] + b
	}
}

func bindSub[T number](g *graph.Graph, n *graph.Node) KernelOf[T] {
	return bindLines(g, n, lines[T]{
		both: func(out, a, b []T) {
			a, b = a[:len(out)], b[:len(out)]
			for i := range out {
				out[i] = a[i] - b[i]
			}
		},
		left: func(out []T, a T, b []T) {
			b = b[:len(out)]
			for i := range out {
				out[i] = a - b[i]
			}
		},
		right: func(out, a []T, b T) {
			a = a[:len(out)]
			for i := range out {
				out[i] = a[i] - b
			}
		},
	})
}

func bindMul[T number](g *graph.Graph, n *graph.Node) KernelOf[T] {
	return bindLines(g, n, lines[T]{
		both: func(out, a, b []T) {
			a, b = a[:len(out)], b[:len(out)]
			for i := range out {
				out[i] = a[i] * b[i]
			}
		},
		left:  func(out []T, a T, b []T) { scaleTo(out, b, a) },
		right: scaleTo[T],
	})
}

func scaleTo[T number](out, a []T, b T) {
	a = a[:len(out)]
	for i := range out {
		out[i] = a[i] * b
	}
}

func bindDiv[T number](g *graph.Graph, n *graph.Node) KernelOf[T] {
	return bindLines(g, n, lines[T]{
		both: func(out, a, b []T) {
			a, b = a[:len(out)], b[:len(out)]
			for i := range out {
				out[i] = a[i] / b[i]
			}
		},
		left: func(out []T, a T, b []T) {
			b = b[:len(out)]
			for i := range out {
				out[i] = a / b[i]
			}
		},
		right: func(out, a []T, b T) {
			a = a[:len(out)]
			for i := range out {
				out[i] = a[i] / b
			}
		},
	})
}

func bindLines[T number](g *graph.Graph, n *graph.Node, operator lines[T]) KernelOf[T] {
	y := resultShape(g, n, 0)
	p := planBroadcast(y, shapeOf(g, n, 0), shapeOf(g, n, 1))
	return KernelOf[T]{
		InPlace: slices.Equal(y, shapeOf(g, n, 0)),
		Run: func(out, in [][]T, _ []T) {
			p.each(func(o, i, j, count, stepA, stepB int) {
				line := out[0][o:][:count]
				switch {
				case stepA == 0:
					operator.left(line, in[0][i], in[1][j:])
				case stepB == 0:
					operator.right(line, in[0][i:], in[1][j])
				default:
					operator.both(line, in[0][i:], in[1][j:])
				}
			})
		}}
}
