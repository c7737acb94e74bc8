package ops

import (
	"github.com/npusim/npusim/compiler/graph"
	"github.com/npusim/npusim/compiler/onnx"
)

var padModes = map[string]graph.PadMode{
	"constant": graph.PadConstant, "reflect": graph.PadReflect, "edge": graph.PadEdge,
}

// importPad translates Pad: pads and value are attributes until opset 10 and
// inputs from 11 on, axes are an input from 18 on.
func importPad(n *node) error {
	least, most := 2, 3
	switch {
	case n.opset < 11:
		least, most = 1, 1
	case n.opset >= 18:
		most = 4
	}
	if err := n.arity(least, most); err != nil {
		return err
	}
	x := n.shape(0)
	mode := n.stringAttribute("mode", "constant")
	a := &graph.PadAttributes{Mode: padModes[mode], Begin: make([]int, len(x)), End: make([]int, len(x))}
	if a.Mode == graph.InvalidPadMode {
		n.fail(n.unsupported("modes constant, reflect and edge", "mode %s", quote(mode)))
	}
	var pads []int64
	axes := make([]int, len(x))
	for i := range axes {
		axes[i] = i
	}
	if n.opset < 11 {
		pads = n.intsAttribute("pads")
		if value := n.attribute("value", onnx.FloatAttribute); value != nil {
			a.Value = value.F
		}
	} else {
		pads = n.constantInts(1, "pads")
		if n.has(2) && n.value(2).Type == graph.Float32 {
			a.Value = n.constantFloat(2, "constant_value")
		} else if n.has(2) {
			a.Value = n.integerValue(2)
		}
		if n.has(3) {
			axes = n.axes(n.constantInts(3, "axes"), len(x))
		}
	}
	if n.err != nil {
		return n.err
	}
	if len(pads) != 2*len(axes) {
		return n.invalid("%d pads for %d axes, must be twice as many", len(pads), len(axes))
	}
	y := append([]int{}, x...)
	for i, axis := range axes {
		begin, end := pads[i], pads[len(axes)+i]
		if max(begin, end) > maxAttribute || min(begin, end) < -maxAttribute {
			return n.invalid("pads %d and %d of axis %d are beyond %d", begin, end, axis, maxAttribute)
		}
		a.Begin[axis], a.End[axis] = int(begin), int(end)
		y[axis] += int(begin + end)
		if y[axis] < 0 || x[axis]+min(0, a.Begin[axis]) < 0 || x[axis]+min(0, a.End[axis]) < 0 {
			return n.invalid("pads %d and %d crop more than axis %d of %d", begin, end, axis, x[axis])
		}
		grows := begin > 0 || end > 0
		if grows && a.Mode != graph.PadConstant && x[axis] == 0 || grows && a.Mode == graph.PadReflect && x[axis] == 1 {
			return n.invalid("axis %d of %d has nothing to fill with in mode %s", axis, x[axis], mode)
		}
	}
	return n.emit(graph.Pad, a, []graph.ValueID{n.input(0)}, y)
}

// integerValue reads the fill value of an integer Pad, which a float32 must
// hold exactly.
func (n *node) integerValue(i int) float32 {
	c := n.constant(i, "constant_value")
	if c == nil {
		return 0
	}
	if len(c.Ints) != 1 || int64(float32(c.Ints[0])) != c.Ints[0] {
		n.fail(n.invalid("input %d (constant_value) must be one integer of at most 24 bits", i))
		return 0
	}
	return float32(c.Ints[0])
}

// bindPad looks up for every index of the output's axes the input index it
// takes, -1 for the fill value. Reflection goes back and forth if the padding
// is longer than the axis.
func bindPad[T number](g *graph.Graph, n *graph.Node) KernelOf[T] {
	a := n.Attributes.(*graph.PadAttributes)
	x, y := shapeOf(g, n, 0), resultShape(g, n, 0)
	steps := rowMajor(x)
	offsets := make([][]int, len(y)) // element offset along each axis, -1: fill
	for axis, size := range y {
		offsets[axis] = make([]int, size)
		for i := range offsets[axis] {
			from := padSource(i-a.Begin[axis], x[axis], a.Mode)
			if from >= 0 {
				from *= steps[axis]
			}
			offsets[axis][i] = from
		}
	}
	if len(y) == 0 {
		offsets = [][]int{{0}}
	}
	value := T(a.Value)
	last := len(offsets) - 1
	return KernelOf[T]{Run: func(out, in [][]T, _ []T) {
		var index [MaxRank]int
		for y := out[0]; len(y) > 0; {
			base, fill := 0, false
			for axis := range last {
				from := offsets[axis][index[axis]]
				base += from
				fill = fill || from < 0
			}
			for i, from := range offsets[last] {
				if fill || from < 0 {
					y[i] = value
				} else {
					y[i] = in[0][base+from]
				}
			}
			y = y[len(offsets[last]):]
			for axis := last - 1; axis >= 0; axis-- {
				if index[axis]++; index[axis] < len(offsets[axis]) {
					break
				}
				index[axis] = 0
			}
		}
	}}
}

// padSource is the input index that stands at position i, which may lie
// outside of 0..size-1; -1 for the fill value.
func padSource(i, size int, mode graph.PadMode) int {
	if i >= 0 && i < size {
		return i
	}
	switch mode {
	case graph.PadEdge:
		return min(max(i, 0), size-1)
	case graph.PadReflect:
		period := 2 * (size - 1)
		i = (i%period + period) % period
		return min(i, period-i)
	}
	return -1
}
