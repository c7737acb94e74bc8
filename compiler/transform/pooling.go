package transform

import (
	"slices"

	"github.com/npusim/npusim/compiler/graph"
)

// reductionsToPools turns means over rows and columns into average pools and
// means that include the channels into convolutions with equal weights.
func reductionsToPools(n *Network) error {
	return n.rewrite(func(e *editor, node graph.Node) error {
		shape := e.shape(node.Inputs[0])
		var axes []int
		switch node.Op {
		case graph.GlobalAveragePool:
			axes = []int{2, 3}
		case graph.ReduceMean:
			axes = node.Attributes.(*graph.ReduceAttributes).Axes
		default:
			e.emit(node)
			return nil
		}
		if len(axes) == 0 {
			e.replace(node.Outputs[0], node.Inputs[0])
			return nil
		}
		kernel := []int{1, 1}
		channels := 1
		for _, axis := range axes {
			if axis == 1 {
				channels = shape[1]
			} else {
				kernel[axis-2] = shape[axis]
			}
		}
		if channels == 1 {
			e.emit(graph.Node{Name: node.Name, Op: graph.AveragePool, Inputs: node.Inputs, Outputs: node.Outputs,
				Attributes: &graph.PoolAttributes{Kernel: kernel, Strides: []int{1, 1}, Dilations: []int{1, 1}, PadBegin: []int{0, 0}, PadEnd: []int{0, 0}}})
			return nil
		}
		if kernel[0]*kernel[1] > largestWindow { // too many weights for a tile: the mean of means
			x := node.Inputs[0]
			pooled := graph.Node{Name: e.unique(node.Name + "/pool"), Op: graph.AveragePool, Inputs: node.Inputs,
				Outputs:    []graph.ValueID{e.value(e.name(x)+"/pool", []int{1, channels, shape[2] / kernel[0], shape[3] / kernel[1]})},
				Attributes: &graph.PoolAttributes{Kernel: kernel, Strides: []int{1, 1}, Dilations: []int{1, 1}, PadBegin: []int{0, 0}, PadEnd: []int{0, 0}}}
			e.adopt(pooled.Name, node.Name)
			node.Inputs = []graph.ValueID{e.emit(pooled)}
			kernel = []int{1, 1}
		}
		taps := channels * kernel[0] * kernel[1]
		weights := slices.Repeat([]float32{1 / float32(taps)}, taps)
		a := pointwise(1)
		a.Kernel = kernel
		e.emit(graph.Node{Name: node.Name, Op: graph.Conv, Outputs: node.Outputs, Attributes: a,
			Inputs: []graph.ValueID{node.Inputs[0], e.constant(node.Name+"/weights", []int{1, channels, kernel[0], kernel[1]}, weights)}})
		return nil
	})
}

// foldPads moves a constant spatial Pad into the padding of the convolution
// or pool that alone reads it, where that is exact.
func foldPads(n *Network) error {
	return n.rewrite(func(e *editor, node graph.Node) error {
		pad := e.emitted(node.Inputs[0])
		if pad == nil || pad.Op != graph.Pad || !e.only(node.Inputs[0]) {
			e.emit(node)
			return nil
		}
		p := pad.Attributes.(*graph.PadAttributes)
		if p.Mode != graph.PadConstant || p.Begin[1] != 0 || p.End[1] != 0 || slices.Min(p.Begin) < 0 || slices.Min(p.End) < 0 {
			e.emit(node)
			return nil
		}
		begin, end := p.Begin[2:], p.End[2:]
		switch a := node.Attributes.(type) {
		case *graph.ConvAttributes:
			if p.Value != 0 {
				e.emit(node)
				return nil
			}
			b := *a
			b.PadBegin, b.PadEnd = sum(a.PadBegin, begin), sum(a.PadEnd, end)
			node.Attributes = &b
		case *graph.PoolAttributes:
			b := *a
			b.PadBegin, b.PadEnd = sum(a.PadBegin, begin), sum(a.PadEnd, end)
			switch {
			case node.Op == graph.AveragePool && p.Value == 0 && (a.CountIncludePad || nothing(a.PadBegin) && nothing(a.PadEnd)):
				b.CountIncludePad = true
			case node.Op == graph.MaxPool && e.padNeverWins(pad, p.Value, &b):
			default:
				e.emit(node)
				return nil
			}
			node.Attributes = &b
		default:
			e.emit(node)
			return nil
		}
		e.adoptBefore(node.Name, pad.Name)
		node.Inputs = slices.Clone(node.Inputs)
		node.Inputs[0] = pad.Inputs[0]
		e.drop(pad)
		e.emit(node)
		return nil
	})
}

// padNeverWins tells whether cells of a Pad can be left out of a maximum: the
// value is at most anything the input holds, and every window has a real cell.
func (e *editor) padNeverWins(pad *graph.Node, value float32, a *graph.PoolAttributes) bool {
	for axis := range a.Kernel {
		if a.Dilations[axis] != 1 || a.PadBegin[axis] >= a.Kernel[axis] || a.PadEnd[axis] >= a.Kernel[axis] {
			return false
		}
	}
	const lowest = -1e30 // stands for minus infinity in exported graphs
	if value <= lowest {
		return true
	}
	producer := e.emitted(pad.Inputs[0])
	if producer == nil {
		return false
	}
	switch producer.Op {
	case graph.Relu, graph.Sigmoid, graph.HardSigmoid, graph.Softmax:
		return value <= 0
	case graph.Clip:
		return value <= producer.Attributes.(*graph.ClipAttributes).Min
	}
	return false
}

// explicitPoolPads separates padding that counts in an average from the cells
// that ceil_mode added, which never count.
func explicitPoolPads(n *Network) error {
	return n.rewrite(func(e *editor, node graph.Node) error {
		a, ok := node.Attributes.(*graph.PoolAttributes)
		if !ok || node.Op != graph.AveragePool || !a.CountIncludePad || nothing(a.CeilExtra) {
			e.emit(node)
			return nil
		}
		x := node.Inputs[0]
		shape := slices.Clone(e.shape(x))
		p := &graph.PadAttributes{Mode: graph.PadConstant, Begin: []int{0, 0, 0, 0}, End: []int{0, 0, 0, 0}}
		for axis := range a.Kernel {
			p.Begin[2+axis], p.End[2+axis] = a.PadBegin[axis], a.PadEnd[axis]-a.CeilExtra[axis]
			shape[2+axis] += p.Begin[2+axis] + p.End[2+axis]
		}
		padded := x
		if !nothing(p.Begin) || !nothing(p.End) {
			padded = e.emit(graph.Node{Name: e.unique(node.Name + "/pad"), Op: graph.Pad, Inputs: []graph.ValueID{x},
				Outputs: []graph.ValueID{e.value(e.name(x)+"/pad", shape)}, Attributes: p})
		}
		b := *a
		b.PadBegin, b.PadEnd, b.CountIncludePad = []int{0, 0}, a.CeilExtra, false
		node.Inputs, node.Attributes = []graph.ValueID{padded}, &b
		e.emit(node)
		return nil
	})
}

func nothing(list []int) bool {
	return !slices.ContainsFunc(list, func(v int) bool { return v != 0 })
}

func sum(a, b []int) []int {
	s := slices.Clone(a)
	for i := range s {
		s[i] += b[i]
	}
	return s
}
