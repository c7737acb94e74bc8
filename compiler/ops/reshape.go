package ops

import (
	"slices"

	"github.com/npusim/npusim/compiler/graph"
)

// importReshape translates Reshape with a constant shape: -1 takes what is
// left, 0 copies the input's size unless allowzero (opset 14) is set.
func importReshape(n *node) error {
	if err := n.arity(2, 2); err != nil {
		return err
	}
	list := n.constantInts(1, "shape")
	allowZero := n.opset >= 14 && n.boolAttribute("allowzero", false)
	if n.err != nil {
		return n.err
	}
	x := n.shape(0)
	y, open := make([]int, len(list)), -1
	for i, d := range list {
		switch {
		case d == -1:
			if open >= 0 {
				return n.invalid("shape %v has two sizes -1", list)
			}
			open, y[i] = i, 1
		case d == 0 && !allowZero:
			if i >= len(x) {
				return n.invalid("shape %v copies axis %d of an input of %d axes", list, i, len(x))
			}
			y[i] = x[i]
		case d < 0 || d > maxAttribute:
			return n.invalid("shape %v has the size %d", list, d)
		default:
			y[i] = int(d)
		}
	}
	have := graph.Elements(x)
	elements, err := checkConstantShape(y)
	if err != nil {
		return n.invalid("shape %v: %v", list, err)
	}
	if open >= 0 {
		if elements == 0 || have%elements != 0 {
			return n.invalid("shape %v does not divide the %d elements of the input", list, have)
		}
		y[open] = have / elements
		elements = have
	}
	if elements != have {
		return n.invalid("shape %v has %d elements, the input has %d", list, elements, have)
	}
	return n.emitReshape(y)
}

func (n *node) emitReshape(shape []int) error {
	return n.emit(graph.Reshape, nil, []graph.ValueID{n.input(0)}, shape)
}

// importFlatten makes a matrix: axes before axis, and axes from it on.
func importFlatten(n *node) error {
	if err := n.arity(1, 1); err != nil {
		return err
	}
	x := n.shape(0)
	at := n.intAttribute("axis", 1)
	axis := len(x)
	if at != int64(len(x)) {
		axis = n.axis(at, len(x))
	}
	if n.err != nil {
		return n.err
	}
	return n.emitReshape([]int{graph.Elements(x[:axis]), graph.Elements(x[axis:])})
}

// axesOperand reads axes, an attribute until opset 12 and an input from 13 on;
// nil if there are none.
func (n *node) axesOperand(required bool) []int64 {
	least, most := 1, 1
	if n.opset >= 13 {
		most = 2
		if required {
			least = 2
		}
	}
	if err := n.arity(least, most); err != nil {
		n.fail(err)
		return nil
	}
	if n.opset >= 13 {
		if n.has(1) {
			return n.constantInts(1, "axes")
		}
		return nil
	}
	list := n.intsAttribute("axes")
	if required && list == nil {
		n.fail(n.invalid("attribute axes is missing"))
	}
	return list
}

// importSqueeze drops axes of size 1: those stated, or all of them.
func importSqueeze(n *node) error {
	list := n.axesOperand(false)
	if n.err != nil {
		return n.err
	}
	x := n.shape(0)
	axes := n.axes(list, len(x))
	if n.err != nil {
		return n.err
	}
	y := []int{}
	for i, d := range x {
		drop := slices.Contains(axes, i)
		if drop && d != 1 {
			return n.invalid("axis %d has size %d, only 1 can be dropped", i, d)
		}
		if !drop && (list != nil || d != 1) {
			y = append(y, d)
		}
	}
	return n.emitReshape(y)
}

// importUnsqueeze inserts axes of size 1 at the stated places of the result.
func importUnsqueeze(n *node) error {
	list := n.axesOperand(true)
	if n.err != nil {
		return n.err
	}
	x := n.shape(0)
	rank := len(x) + len(list)
	if rank > MaxRank {
		return n.invalid("output has %d axes, the limit is %d", rank, MaxRank)
	}
	axes := n.axes(list, rank)
	if n.err != nil {
		return n.err
	}
	y := []int{}
	for i := range rank {
		if slices.Contains(axes, i) {
			y = append(y, 1)
		} else {
			y, x = append(y, x[0]), x[1:]
		}
	}
	return n.emitReshape(y)
}

// bindView copies, where one buffer cannot serve input and output.
func bindView[T number](*graph.Graph, *graph.Node) KernelOf[T] {
	return KernelOf[T]{View: true, InPlace: true, Run: func(out, in [][]T, _ []T) { copy(out[0], in[0]) }}
}
