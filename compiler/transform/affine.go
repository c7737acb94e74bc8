package transform

import (
	"math"
	"slices"

	"github.com/npusim/npusim/compiler/graph"
)

// affineBinary reads Add, Sub, Mul or Div of activation x and a constant as
// scale*x + shift. The constant's data are spread to extent elements; the
// caller has checked that it broadcasts along one axis only.
func (e *editor) affineBinary(node *graph.Node, x graph.ValueID, extent int) (scale, shift []float64, ok bool) {
	if len(node.Inputs) != 2 {
		return nil, nil, false
	}
	a, b := e.current(node.Inputs[0]), e.current(node.Inputs[1])
	constant, first := b, true // x op constant
	if a != x {
		constant, first = a, false
	}
	if a == b || !e.isConstant(constant) {
		return nil, nil, false
	}
	data := spread(e.floats(constant), extent)
	scale, shift = make([]float64, extent), make([]float64, extent)
	for c, v := range data {
		value := float64(v)
		switch {
		case node.Op == graph.Add:
			scale[c], shift[c] = 1, value
		case node.Op == graph.Sub && first:
			scale[c], shift[c] = 1, -value
		case node.Op == graph.Sub:
			scale[c], shift[c] = -1, value
		case node.Op == graph.Mul:
			scale[c] = value
		case node.Op == graph.Div && first && v != 0:
			scale[c] = 1 / value
		default:
			return nil, nil, false
		}
	}
	return scale, shift, true
}

// lastAxisAffine reads a node as an affine map of x along its last axis.
func (e *editor) lastAxisAffine(node *graph.Node, x graph.ValueID, extent int) (scale, shift []float64, ok bool) {
	switch node.Op {
	case graph.Add, graph.Sub, graph.Mul, graph.Div:
	default:
		return nil, nil, false
	}
	if !slices.Equal(e.shape(node.Outputs[0]), e.shape(x)) {
		return nil, nil, false
	}
	for _, in := range node.Inputs {
		if v := e.current(in); v != x && !lastAxis(e.shape(v), extent) {
			return nil, nil, false
		}
	}
	return e.affineBinary(node, x, extent)
}

// channelAffine reads a node on four-axis values as an affine map of its
// channels, y = scale[c]*x + shift[c].
func (e *editor) channelAffine(node *graph.Node) (x graph.ValueID, scale, shift []float64, ok bool) {
	switch node.Op {
	case graph.BatchNormalization:
		x = node.Inputs[0]
		gain, offset, mean, variance := e.floats(node.Inputs[1]), e.floats(node.Inputs[2]), e.floats(node.Inputs[3]), e.floats(node.Inputs[4])
		if gain == nil || offset == nil || mean == nil || variance == nil {
			return 0, nil, nil, false
		}
		epsilon := float64(node.Attributes.(*graph.BatchNormAttributes).Epsilon)
		scale, shift = make([]float64, len(gain)), make([]float64, len(gain))
		for c := range gain {
			scale[c] = float64(gain[c]) / math.Sqrt(float64(variance[c])+epsilon)
			shift[c] = float64(offset[c]) - float64(mean[c])*scale[c]
		}
		return x, scale, shift, true
	case graph.Add, graph.Sub, graph.Mul, graph.Div:
		x = node.Inputs[0]
		constant := node.Inputs[1]
		if e.isConstant(x) {
			x, constant = constant, x
		}
		out := e.shape(node.Outputs[0])
		channels := out[1]
		if e.isConstant(x) || !e.isConstant(constant) || !slices.Equal(e.shape(x), out) {
			return 0, nil, nil, false
		}
		if s := e.shape(constant); graph.Elements(s) != 1 && graph.Elements(s) != s[1] {
			return 0, nil, nil, false
		}
		scale, shift, ok = e.affineBinary(node, x, channels)
		return x, scale, shift, ok
	}
	return 0, nil, nil, false
}

// scaleOutputs is the weights and bias of an affine map after a convolution.
func scaleOutputs(weights, bias []float32, scale, shift []float64) (w, b []float32) {
	w, b = make([]float32, len(weights)), make([]float32, len(scale))
	taps := len(weights) / len(scale)
	for m := range scale {
		for i := m * taps; i < (m+1)*taps; i++ {
			w[i] = float32(float64(weights[i]) * scale[m])
		}
		offset := shift[m]
		if bias != nil {
			offset += float64(bias[m]) * scale[m]
		}
		b[m] = float32(offset)
	}
	return w, b
}

// affineToConvolutions folds affine maps of channels into the convolution
// before them if nothing else reads it, and makes depthwise 1x1 convolutions
// of the others.
func affineToConvolutions(n *Network) error {
	return n.rewrite(func(e *editor, node graph.Node) error {
		x, scale, shift, ok := e.channelAffine(&node)
		if !ok {
			if node.Op == graph.BatchNormalization {
				return nodeError(&node, "scale, bias, mean and variance must be constants")
			}
			e.emit(node)
			return nil
		}
		for c := range scale {
			if unusable(scale[c]) || unusable(shift[c]) {
				return nodeError(&node, "channel %d is mapped by %g*x + %g, which float32 cannot hold", c, scale[c], shift[c])
			}
		}
		producer := e.emitted(x)
		if producer != nil && producer.Op == graph.Conv && e.only(x) && e.constantWeights(producer) {
			w, b := scaleOutputs(e.floats(producer.Inputs[1]), e.bias(producer), scale, shift)
			producer.Inputs = []graph.ValueID{producer.Inputs[0],
				e.constant(e.name(producer.Inputs[1]), e.shape(producer.Inputs[1]), w), e.constant(producer.Name+"/bias", []int{len(b)}, b)}
			e.adopt(producer.Name, node.Name)
			e.retarget(producer, node.Outputs[0])
			return nil
		}
		channels := len(scale)
		w, b := scaleOutputs(slices.Repeat([]float32{1}, channels), nil, scale, shift)
		e.emit(graph.Node{Name: node.Name, Op: graph.Conv, Outputs: node.Outputs, Attributes: pointwise(channels),
			Inputs: []graph.ValueID{x, e.constant(node.Name+"/weights", []int{channels, 1, 1, 1}, w), e.constant(node.Name+"/bias", []int{channels}, b)}})
		return nil
	})
}

// unusable tells NaN and what overflows float32.
func unusable(x float64) bool { return math.IsNaN(x) || math.Abs(x) > math.MaxFloat32 }

func (e *editor) constantWeights(conv *graph.Node) bool {
	return e.floats(conv.Inputs[1]) != nil && (len(conv.Inputs) < 3 || conv.Inputs[2] == graph.None || e.floats(conv.Inputs[2]) != nil)
}

func (e *editor) bias(conv *graph.Node) []float32 {
	if len(conv.Inputs) < 3 {
		return nil
	}
	return e.floats(conv.Inputs[2])
}

// standsForAffine tells a depthwise 1x1 convolution that affineToConvolutions
// made from one of the network.
func (e *editor) standsForAffine(node *graph.Node) bool {
	if node == nil || node.Op != graph.Conv || e.shape(node.Inputs[1])[0] != node.Attributes.(*graph.ConvAttributes).Groups {
		return false
	}
	for _, o := range e.network.Origins[node.Name] {
		switch o.Op {
		case graph.BatchNormalization, graph.Add, graph.Sub, graph.Mul, graph.Div:
		default:
			return false
		}
	}
	return len(e.network.Origins[node.Name]) > 0
}

// foldAffineForward folds an affine map into the convolution that alone reads
// it: exact unless a shift would meet padding, which is zero after the map.
func foldAffineForward(n *Network) error {
	return n.rewrite(func(e *editor, node graph.Node) error {
		if node.Op != graph.Conv || !e.constantWeights(&node) {
			e.emit(node)
			return nil
		}
		before := e.emitted(node.Inputs[0])
		if !e.only(node.Inputs[0]) || !e.standsForAffine(before) {
			e.emit(node)
			return nil
		}
		scale, shift := e.floats(before.Inputs[1]), e.bias(before)
		a := node.Attributes.(*graph.ConvAttributes)
		padded := slices.ContainsFunc(append(slices.Clone(a.PadBegin), a.PadEnd...), func(p int) bool { return p != 0 })
		if padded && slices.ContainsFunc(shift, func(s float32) bool { return s != 0 }) {
			e.emit(node)
			return nil
		}
		shape := e.shape(node.Inputs[1])
		weights, bias := e.floats(node.Inputs[1]), e.bias(&node)
		w, b := make([]float32, len(weights)), make([]float32, shape[0])
		cells := shape[2] * shape[3]
		for m := range shape[0] {
			var sum float64
			if bias != nil {
				sum = float64(bias[m])
			}
			firstInput := m / (shape[0] / a.Groups) * shape[1]
			for c := range shape[1] {
				for i := (m*shape[1] + c) * cells; i < (m*shape[1]+c+1)*cells; i++ {
					w[i] = float32(float64(weights[i]) * float64(scale[firstInput+c]))
					if shift != nil {
						sum += float64(weights[i]) * float64(shift[firstInput+c])
					}
				}
			}
			b[m] = float32(sum)
		}
		e.adoptBefore(node.Name, before.Name)
		x := before.Inputs[0]
		e.drop(before)
		node.Inputs = []graph.ValueID{x, e.constant(e.name(node.Inputs[1]), shape, w), e.constant(node.Name+"/bias", []int{shape[0]}, b)}
		e.emit(node)
		return nil
	})
}
