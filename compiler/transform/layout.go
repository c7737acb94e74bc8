package transform

import (
	"fmt"
	"slices"

	"github.com/npusim/npusim/compiler/graph"
)

// axisMap maps each axis of an ONNX shape to an axis of [1, channels, rows,
// columns]. It never changes the row-major order of the elements.
type axisMap []int

// layout chooses the axis map of a shape:
//
//	[1,C,H,W] as is, [1,C,L] -> [1,C,1,L], [1,C] -> [1,C,1,1], [C] -> [1,C,1,1],
//	[T,C] with T > 1 -> [1,T,1,C], [A,B,C] with A > 1 -> [1,A,B,C]
//
// Leading axes of extent 1 beyond four are dropped.
func layout(shape []int) (axisMap, error) {
	switch rank := len(shape); {
	case rank == 0:
		return axisMap{}, nil
	case rank == 1:
		return axisMap{1}, nil
	case rank == 2 && shape[0] == 1:
		return axisMap{0, 1}, nil
	case rank == 2:
		return axisMap{1, 3}, nil
	case rank == 3 && shape[0] == 1:
		return axisMap{0, 1, 3}, nil
	case rank == 3:
		return axisMap{1, 2, 3}, nil
	case rank == 4 && shape[0] == 1:
		return axisMap{0, 1, 2, 3}, nil
	case rank > 4 && shape[0] == 1:
		rest, err := layout(shape[1:])
		if err == nil {
			return append(axisMap{0}, rest...), nil
		}
	}
	return nil, fmt.Errorf("shape %v %s has no (channels, rows, columns) form: supported are a batch of 1 and at most 4 axes", shape, excess(shape))
}

// excess says what keeps a shape of four or more axes from having a layout.
func excess(shape []int) string {
	if shape[0] > 1 {
		return fmt.Sprintf("with a batch (axis 0) of %d", shape[0])
	}
	return fmt.Sprintf("with %d axes", len(shape))
}

// Layout is the (channels, rows, columns) form of an ONNX shape, whose
// elements stand in the same order.
func Layout(shape []int) (channels, rows, columns int, err error) {
	m, err := layout(shape)
	if err != nil {
		return 0, 0, 0, err
	}
	four := m.apply(shape)
	return four[1], four[2], four[3], nil
}

// apply is the four-axis form of a shape.
func (m axisMap) apply(shape []int) []int {
	four := []int{1, 1, 1, 1}
	for axis, extent := range shape {
		four[m[axis]] *= extent
	}
	return four
}

// aligned is a shape with ones in front up to a rank, as ONNX broadcasting
// has it.
func aligned(shape []int, rank int) []int {
	return append(slices.Repeat([]int{1}, rank-len(shape)), shape...)
}

// fourAxes gives every activation four axes. Values that have no such form
// may only stand between Reshape and Transpose nodes.
func fourAxes(n *Network) error {
	w := &widener{four: make(map[graph.ValueID]graph.ValueID)}
	outputs := make(map[graph.ValueID]bool)
	for _, out := range n.Graph.Outputs {
		outputs[out] = true
	}
	return n.rewrite(func(e *editor, node graph.Node) error {
		w.editor = e
		results := slices.Clone(node.Outputs)
		if err := w.widen(node); err != nil {
			return err
		}
		for _, v := range results {
			if v != graph.None && outputs[v] {
				if e.emitted(v) == nil { // the graph output keeps its ONNX shape
					f := w.four[v]
					e.emit(graph.Node{Name: e.unique(node.Name + "/output"), Op: graph.Reshape,
						Inputs: []graph.ValueID{f}, Outputs: []graph.ValueID{v}})
				}
			}
		}
		return nil
	})
}

const windowForms = "supported are shapes [1, channels, columns] and [1, channels, rows, columns], a batch of 1"

// widener is the state of fourAxes: the four-axis form of each value.
type widener struct {
	*editor
	four map[graph.ValueID]graph.ValueID
}

// input is the four-axis form of an activation or constant under an axis map
// for its shape after alignment.
func (w *widener) input(node *graph.Node, v graph.ValueID, m axisMap, rank int) graph.ValueID {
	shape := m.apply(aligned(w.shape(v), rank))
	if f, ok := w.four[v]; ok {
		v = f
	}
	return w.reshape(node.Name, v, shape)
}

// define records the four-axis form of an original output. natural is the
// shape the rewritten node produces; a Reshape follows where the layout of the
// output's ONNX shape differs.
func (w *widener) define(node graph.Node, natural []int) error {
	out := node.Outputs[0]
	shape := w.shape(out)
	m, err := layout(shape)
	if err != nil {
		return nodeError(&node, "%v", err)
	}
	produced := out
	if !slices.Equal(natural, shape) {
		produced = w.value(w.name(out), natural)
	}
	node.Outputs = []graph.ValueID{produced}
	w.emit(node)
	w.four[out] = w.reshape(node.Name, produced, m.apply(shape))
	return nil
}

func (w *widener) widen(node graph.Node) error {
	switch node.Op {
	case graph.Reshape, graph.Transpose:
		return w.rearrangement(node)
	case graph.Add, graph.Sub, graph.Mul, graph.Div, graph.Concat:
		return w.several(node)
	case graph.Gemm, graph.MatMul:
		return nodeError(&node, "%s", productForms)
	}
	x := node.Inputs[0]
	if w.isConstant(x) {
		return nodeError(&node, "operand %q is a constant; supported are activations", w.name(x))
	}
	m, err := layout(w.shape(x))
	if node.Op == graph.Pad {
		m, err = layout(w.shape(node.Outputs[0]))
	}
	if err != nil {
		return nodeError(&node, "%v", err)
	}
	rank := len(w.shape(x))
	shape := w.shape(x)
	outShape := w.shape(node.Outputs[0])
	natural := m.apply(shape)
	switch a := node.Attributes.(type) {
	case *graph.ConvAttributes:
		for k, in := range node.Inputs[1:] {
			if in != graph.None && !w.isConstant(in) {
				return nodeError(&node, "%s %q are computed at run time: weights and biases have to be constants", [2]string{"weights", "biases"}[k], w.name(in))
			}
		}
		if rank == 3 && shape[0] == 1 {
			weights := w.graph.Values[node.Inputs[1]]
			s := weights.Shape
			node.Inputs[1] = w.constant(weights.Name, []int{s[0], s[1], 1, s[2]}, weights.Constant.Floats)
			node.Attributes = &graph.ConvAttributes{Kernel: front(a.Kernel, 1), Strides: front(a.Strides, 1),
				Dilations: front(a.Dilations, 1), PadBegin: front(a.PadBegin, 0), PadEnd: front(a.PadEnd, 0), Groups: a.Groups}
		} else if rank != 4 || shape[0] != 1 {
			return nodeError(&node, "input of shape %v has a batch (axis 0) of %d: %s", shape, shape[0], windowForms)
		}
		natural = m.apply(outShape)
	case *graph.PoolAttributes:
		if rank == 3 && shape[0] == 1 {
			node.Attributes = &graph.PoolAttributes{Kernel: front(a.Kernel, 1), Strides: front(a.Strides, 1),
				Dilations: front(a.Dilations, 1), PadBegin: front(a.PadBegin, 0), PadEnd: front(a.PadEnd, 0),
				CeilExtra: front(a.CeilExtra, 0), CountIncludePad: a.CountIncludePad}
		} else if rank != 4 || shape[0] != 1 {
			return nodeError(&node, "input of shape %v has a batch (axis 0) of %d: %s", shape, shape[0], windowForms)
		}
		natural = m.apply(outShape)
	case *graph.BatchNormAttributes:
		if rank < 2 || shape[0] != 1 {
			return nodeError(&node, "input of shape %v: supported are shapes [1, channels, ...], a batch of 1", shape)
		}
	case *graph.ReduceAttributes:
		var axes []int
		for _, axis := range a.Axes {
			if shape[axis] > 1 {
				axes = append(axes, m[axis])
				natural[m[axis]] = 1
			}
		}
		slices.Sort(axes)
		node.Attributes = &graph.ReduceAttributes{Axes: axes, KeepDims: true}
	case *graph.AxisAttributes: // Softmax
		return w.softmax(node, a, m)
	case *graph.SliceAttributes:
		b := &graph.SliceAttributes{Starts: []int{0, 0, 0, 0}, Steps: []int{1, 1, 1, 1}}
		for axis := range shape {
			if shape[axis] > 1 {
				b.Starts[m[axis]], b.Steps[m[axis]] = a.Starts[axis], a.Steps[axis]
			}
		}
		node.Attributes = b
		natural = m.apply(outShape)
	case *graph.PadAttributes:
		b := &graph.PadAttributes{Mode: a.Mode, Begin: []int{0, 0, 0, 0}, End: []int{0, 0, 0, 0}, Value: a.Value}
		for axis := range shape {
			b.Begin[m[axis]] += a.Begin[axis]
			b.End[m[axis]] += a.End[axis]
		}
		node.Attributes = b
		natural = m.apply(outShape)
	default:
		if node.Op == graph.GlobalAveragePool {
			if rank < 3 || shape[0] != 1 {
				return nodeError(&node, "input of shape %v has a batch (axis 0) of %d: %s", shape, shape[0], windowForms)
			}
			natural = m.apply(outShape)
		}
	}
	node.Inputs[0] = w.input(&node, x, m, rank)
	return w.define(node, natural)
}

// front puts an entry for the rows before that of the columns.
func front(list []int, first int) []int {
	if list == nil {
		return nil
	}
	return append([]int{first}, list...)
}

// several widens operators whose operands broadcast or join: all follow the
// axis map of the result.
func (w *widener) several(node graph.Node) error {
	shape := w.shape(node.Outputs[0])
	m, err := layout(shape)
	if err != nil {
		return nodeError(&node, "%v", err)
	}
	if a, ok := node.Attributes.(*graph.AxisAttributes); ok {
		if m[a.Axis] == 0 {
			return nodeError(&node, "axis %d of shape %v is the batch: supported are channels, rows and columns", a.Axis, shape)
		}
		node.Attributes = &graph.AxisAttributes{Axis: m[a.Axis]}
	}
	for i, v := range node.Inputs {
		node.Inputs[i] = w.input(&node, v, m, len(shape))
	}
	return w.define(node, m.apply(shape))
}

// rearrangement keeps a Reshape or Transpose with its ONNX shapes and reshapes
// the result where it has a four-axis form.
func (w *widener) rearrangement(node graph.Node) error {
	x, out := node.Inputs[0], node.Outputs[0]
	source := x
	if f, ok := w.four[x]; ok {
		source = f
	}
	if node.Op == graph.Transpose {
		source = w.reshape(node.Name, source, w.shape(x))
	}
	node.Inputs = []graph.ValueID{source}
	w.emit(node)
	if m, err := layout(w.shape(out)); err == nil {
		w.four[out] = w.reshape(node.Name, out, m.apply(w.shape(out)))
	} else {
		w.four[out] = out
	}
	return nil
}
