package ops

import (
	"math"

	"github.com/npusim/npusim/compiler/graph"
)

// The operators of this file appear in shape arithmetic, so they are computed
// at import and have no counterpart in the graph.

func importEqual(n *node) error { return n.compare(equal[float32], equal[int64]) }

func importGreater(n *node) error { return n.compare(greater[float32], greater[int64]) }

func importLess(n *node) error { return n.compare(less[float32], less[int64]) }

func equal[T number](a, b T) bool   { return a == b }
func greater[T number](a, b T) bool { return a > b }
func less[T number](a, b T) bool    { return a < b }

// constantInputs reads all inputs as constants, of one type from the first
// typed one on, and gives the shape they broadcast to.
func (n *node) constantInputs(typed int) ([]*graph.Tensor, []int, error) {
	var list []*graph.Tensor
	shape := []int{}
	for i := range n.inputs {
		if !n.has(i) {
			return nil, nil, n.invalid("input %d is missing", i)
		}
		c := n.constant(i, "operand")
		if n.err != nil {
			return nil, nil, n.err
		}
		if i > typed && c.Type != list[typed].Type {
			return nil, nil, n.invalid("mixes inputs of type %v and %v", list[typed].Type, c.Type)
		}
		var ok bool
		if shape, ok = broadcastShape(shape, c.Shape); !ok {
			return nil, nil, n.invalid("input %d of shape %v does not broadcast with the others", i, c.Shape)
		}
		list = append(list, c)
	}
	elements, err := checkConstantShape(shape)
	if err == nil {
		err = n.im.chargeFold(elements*len(list), int64(elements*len(list)))
	}
	if err != nil {
		return nil, nil, n.invalid("output: %v", err)
	}
	return list, shape, nil
}

func (n *node) compare(floats func(a, b float32) bool, ints func(a, b int64) bool) error {
	if err := n.arity(2, 2); err != nil {
		return err
	}
	list, shape, err := n.constantInputs(0)
	if err != nil {
		return err
	}
	out := &graph.Tensor{Shape: shape, Type: graph.Bool, Ints: make([]int64, graph.Elements(shape))}
	if a, b := list[0], list[1]; a.Type == graph.Float32 {
		compareAll(out.Ints, expand(a.Floats, a.Shape, shape), expand(b.Floats, b.Shape, shape), floats)
	} else {
		compareAll(out.Ints, expand(a.Ints, a.Shape, shape), expand(b.Ints, b.Shape, shape), ints)
	}
	return n.emitConstant(out)
}

func compareAll[T number](out []int64, a, b []T, holds func(a, b T) bool) {
	for i := range out {
		if holds(a[i], b[i]) {
			out[i] = 1
		}
	}
}

func importWhere(n *node) error {
	if err := n.arity(3, 3); err != nil {
		return err
	}
	list, shape, err := n.constantInputs(1)
	if err != nil {
		return err
	}
	if list[0].Type != graph.Bool {
		return n.invalid("the condition has type %v, must be bool", list[0].Type)
	}
	condition := expand(list[0].Ints, list[0].Shape, shape)
	out := &graph.Tensor{Shape: shape, Type: list[1].Type}
	if a, b := list[1], list[2]; a.Type == graph.Float32 {
		out.Floats = choose(condition, expand(a.Floats, a.Shape, shape), expand(b.Floats, b.Shape, shape))
	} else {
		out.Ints = choose(condition, expand(a.Ints, a.Shape, shape), expand(b.Ints, b.Shape, shape))
	}
	return n.emitConstant(out)
}

// choose overwrites b where the condition holds.
func choose[T number](condition []int64, a, b []T) []T {
	for i, c := range condition {
		if c != 0 {
			b[i] = a[i]
		}
	}
	return b
}

func importMax(n *node) error {
	return n.combine(func(a, b float32) float32 { return max(a, b) }, func(a, b int64) int64 { return max(a, b) })
}

func importMin(n *node) error {
	return n.combine(func(a, b float32) float32 { return min(a, b) }, func(a, b int64) int64 { return min(a, b) })
}

func (n *node) combine(floats func(a, b float32) float32, ints func(a, b int64) int64) error {
	if err := n.arity(1, -1); err != nil {
		return err
	}
	list, shape, err := n.constantInputs(0)
	if err != nil {
		return err
	}
	out := &graph.Tensor{Shape: shape, Type: list[0].Type}
	switch out.Type {
	case graph.Float32:
		out.Floats = combineAll(list, shape, floats, func(t *graph.Tensor) []float32 { return t.Floats })
	case graph.Int64:
		out.Ints = combineAll(list, shape, ints, func(t *graph.Tensor) []int64 { return t.Ints })
	default:
		return n.invalid("computes with type %v", out.Type)
	}
	return n.emitConstant(out)
}

func combineAll[T number](list []*graph.Tensor, shape []int, f func(a, b T) T, elements func(*graph.Tensor) []T) []T {
	out := expand(elements(list[0]), list[0].Shape, shape)
	for _, c := range list[1:] {
		for i, v := range expand(elements(c), c.Shape, shape) {
			out[i] = f(out[i], v)
		}
	}
	return out
}

func importNot(n *node) error {
	return n.each(nil, nil, func(v int64) int64 { return 1 - v })
}

func importNeg(n *node) error {
	return n.each(func(v float32) float32 { return -v }, func(v int64) int64 { return -v }, nil)
}

func importAbs(n *node) error {
	return n.each(func(v float32) float32 { return float32(math.Abs(float64(v))) }, func(v int64) int64 { return max(v, -v) }, nil)
}

func importFloor(n *node) error {
	return n.each(func(v float32) float32 { return float32(math.Floor(float64(v))) }, nil, nil)
}

func importCeil(n *node) error {
	return n.each(func(v float32) float32 { return float32(math.Ceil(float64(v))) }, nil, nil)
}

func importSqrt(n *node) error {
	return n.each(func(v float32) float32 { return float32(math.Sqrt(float64(v))) }, nil, nil)
}

// each folds a function of one element; nil stands for a type that the
// operator does not have.
func (n *node) each(floats func(float32) float32, ints, bools func(int64) int64) error {
	if err := n.arity(1, 1); err != nil {
		return err
	}
	c := n.constant(0, "operand")
	if n.err != nil {
		return n.err
	}
	if err := n.im.chargeFold(0, int64(graph.Elements(c.Shape))); err != nil {
		return n.invalid("%v", err)
	}
	f := ints
	if c.Type == graph.Bool {
		f = bools
	}
	if c.Type == graph.Float32 && floats == nil || c.Type != graph.Float32 && f == nil {
		return n.invalid("does not compute with type %v", c.Type)
	}
	out := &graph.Tensor{Shape: c.Shape, Type: c.Type}
	for _, v := range c.Floats {
		out.Floats = append(out.Floats, floats(v))
	}
	for _, v := range c.Ints {
		out.Ints = append(out.Ints, f(v))
	}
	return n.emitConstant(out)
}
