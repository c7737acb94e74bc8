package quantize

import (
	"fmt"
	"math"

	"github.com/npusim/npusim/compiler/graph"
	"github.com/npusim/npusim/compiler/integer"
	"github.com/npusim/npusim/configs"
	"github.com/npusim/npusim/isa/fixed"
)

// node converts one float node with what fuses into it.
func (k *converter) node(i int) error {
	node := &k.float.Nodes[i]
	switch node.Op {
	case graph.Conv:
		return k.convolution(i)
	case graph.MaxPool, graph.AveragePool:
		return k.pool(i)
	case graph.Add, graph.Sub, graph.Mul, graph.Div:
		return k.binary(i)
	case graph.Softmax:
		return k.softmax(i)
	case graph.Concat:
		return k.concat(i)
	case graph.Slice:
		return k.slice(i)
	case graph.Pad:
		return k.pad(i)
	case graph.Reshape, graph.Transpose:
		return k.rearrange(i)
	}
	if f := activationFunction(node); f != nil {
		return k.table(i, f)
	}
	return fmt.Errorf("the operator has no integer form")
}

// geometry converts the window walk of a two-dimensional operator.
func geometry(kernel, stride, dilation, begin, end []int) integer.Geometry {
	return integer.Geometry{Kernel: [2]int(kernel), Stride: [2]int(stride), Dilation: [2]int(dilation), PadBegin: [2]int(begin), PadEnd: [2]int(end)}
}

// finestFraction is how far below a step of the sum an output step may lie. A
// range finer than that holds nothing but rounding noise of the float
// reference, and would need a multiplier beyond the requantizer's.
const finestFraction = 1.0 / (1 << 18)

func (k *converter) convolution(i int) error {
	node := &k.float.Nodes[i]
	weights := k.float.Value(node.Inputs[1])
	var bias []float32
	if len(node.Inputs) > 2 && node.Inputs[2] != graph.None {
		b := k.float.Value(node.Inputs[2])
		if b.Constant == nil {
			return fmt.Errorf("bias %q is computed at run time: weights and biases have to be constants", b.Name)
		}
		bias = b.Constant.Floats
	}
	if weights.Constant == nil {
		return fmt.Errorf("weights %q are computed at run time: weights and biases have to be constants", weights.Name)
	}
	input, err := k.operand(node.Inputs[0])
	if err != nil {
		return err
	}
	layer := k.settings.ForLayer(node.Name)
	if err := checkSettings(layer.WeightBits, layer.ActivationBits, k.settings.Rounding); err != nil {
		return err
	}
	in := *k.tensor(input)
	l := &layerWeights{weights: weights.Constant.Floats, bias: bias, channels: weights.Shape[0], bits: uint8(layer.WeightBits), in: &in}
	largest := 0.0
	for c := range l.channels {
		largest = math.Max(largest, l.largest(c))
	}
	v, low, high := k.target(i)
	out, err := k.ranged(v, uint8(layer.ActivationBits), in.Scale*largest/l.steps()*finestFraction)
	if err != nil {
		return err
	}
	l.out = &out
	a := node.Attributes.(*graph.ConvAttributes)
	var attributes *integer.ConvolutionAttributes
	var q *quantizedWeights
	scheme, fallback := layer.Weights, ""
	if scheme == configs.BinaryCoding {
		if fallback = k.uncoded(node, l.taps()); fallback == "" {
			if attributes, q, err = k.coded(node.Name, layer.Planes, l); err != nil {
				if !refused(err) {
					return err
				}
				fallback = err.Error()
			}
		}
		if fallback != "" {
			scheme = dense
		}
	}
	if attributes == nil {
		if q, err = l.quantize(scheme); err != nil {
			return err
		}
		attributes = &integer.ConvolutionAttributes{WeightBits: l.bits, Weights: q.weights, WeightScale: q.scales, Bias: q.bias,
			Requantizer: q.requantizer, LoweredShifts: q.lowered}
	}
	attributes.Geometry, attributes.Groups = geometry(a.Kernel, a.Strides, a.Dilations, a.PadBegin, a.PadEnd), a.Groups
	attributes.Low, attributes.High = clampSteps(&out, low, high)
	k.finish(i, integer.Node{Kind: integer.Convolution, Inputs: []integer.TensorID{input}, Convolution: attributes}, out)
	k.describeWeights(scheme, l, q)
	k.report.Layers[len(k.report.Layers)-1].Weights.Uncoded = fallback
	return nil
}

func (k *converter) pool(i int) error {
	node := &k.float.Nodes[i]
	for _, extra := range node.Outputs[1:] {
		if extra != graph.None {
			return fmt.Errorf("the output of indices is in use: supported is the pooled output alone")
		}
	}
	input, err := k.operand(node.Inputs[0])
	if err != nil {
		return err
	}
	in := *k.tensor(input)
	a := node.Attributes.(*graph.PoolAttributes)
	attributes := &integer.PoolAttributes{Geometry: geometry(a.Kernel, a.Strides, a.Dilations, a.PadBegin, a.PadEnd)}
	v, _, _ := k.target(i)
	var out integer.Tensor
	if node.Op == graph.MaxPool {
		out, err = k.same(v, &in)
	} else {
		attributes.Average = true
		out, err = k.averagePool(i, v, a, &in, attributes)
	}
	if err != nil {
		return err
	}
	k.finish(i, integer.Node{Kind: integer.Pool, Inputs: []integer.TensorID{input}, Pool: attributes}, out)
	return nil
}

// averagePool chooses a multiplier in_scale/(out_scale*count) for each count
// of cells that a window may hold.
func (k *converter) averagePool(i int, v graph.ValueID, a *graph.PoolAttributes, in *integer.Tensor, attributes *integer.PoolAttributes) (integer.Tensor, error) {
	bits, err := k.layerBits(i)
	if err != nil {
		return integer.Tensor{}, err
	}
	out, err := k.ranged(v, bits, in.Scale*finestFraction)
	if err != nil {
		return out, err
	}
	cells := a.Kernel[0] * a.Kernel[1]
	first := 1
	if a.CountIncludePad || attributes.PadBegin == [2]int{} && attributes.PadEnd == [2]int{} {
		first = cells
	}
	for count := first; count <= cells; count++ {
		m, err := fixed.NewMultiplier(in.Scale / (out.Scale * float64(count)))
		if err != nil {
			return out, err
		}
		attributes.Multipliers = append(attributes.Multipliers, m)
	}
	return out, nil
}

func (k *converter) binary(i int) error {
	node := &k.float.Nodes[i]
	var inputs []integer.TensorID
	for _, v := range node.Inputs {
		id, err := k.operand(v)
		if err != nil {
			return err
		}
		inputs = append(inputs, id)
	}
	x, y := *k.tensor(inputs[0]), *k.tensor(inputs[1])
	bits, err := k.layerBits(i)
	if err != nil {
		return err
	}
	// One step of the exact result, for the smallest output step.
	unit := math.Max(x.Scale, y.Scale)
	switch node.Op {
	case graph.Mul:
		unit = x.Scale * y.Scale
	case graph.Div:
		unit = x.Scale / y.Scale
	}
	v, low, high := k.target(i)
	out, err := k.ranged(v, bits, unit*finestFraction)
	if err != nil {
		return err
	}
	a := &integer.BinaryAttributes{}
	a.Low, a.High = clampSteps(&out, low, high)
	switch node.Op {
	case graph.Add:
		a.Mode = integer.Add
		a.Factors, err = fixed.NewAddFactors(x.Scale/out.Scale, y.Scale/out.Scale)
	case graph.Sub:
		a.Mode = integer.Add
		a.Factors, err = fixed.NewAddFactors(x.Scale/out.Scale, -y.Scale/out.Scale)
	case graph.Mul:
		a.Mode = integer.Multiply
		a.Multiplier, err = fixed.NewMultiplier(unit / out.Scale)
	case graph.Div:
		a.Mode = integer.Divide
		a.Multiplier, err = fixed.NewMultiplier(unit / out.Scale)
	}
	if err != nil {
		return err
	}
	k.finish(i, integer.Node{Kind: integer.Binary, Inputs: inputs, Binary: a}, out)
	return nil
}

// table tabulates an activation that nothing absorbed.
func (k *converter) table(i int, f func(float64) float64) error {
	node := &k.float.Nodes[i]
	input, err := k.operand(node.Inputs[0])
	if err != nil {
		return err
	}
	bits, err := k.layerBits(i)
	if err != nil {
		return err
	}
	v := node.Outputs[0]
	var out integer.Tensor
	if node.Op == graph.Sigmoid || node.Op == graph.HardSigmoid {
		out, err = k.activation(v, bits)
		out.Scale, out.Zero = parameters(Range{0, 1}, bits, 0)
	} else {
		out, err = k.ranged(v, bits, 0)
	}
	if err != nil {
		return err
	}
	k.finish(i, integer.Node{Kind: integer.Table, Inputs: []integer.TensorID{input}, Table: functionTable(k.tensor(input), &out, f)}, out)
	return nil
}

// softmax has a power of two as output scale, the finest that still holds the
// largest calibrated result: 2^-bits covers all results up to 1, and those of
// many classes may be far below. The zero point is the lowest step.
func (k *converter) softmax(i int) error {
	node := &k.float.Nodes[i]
	if a := node.Attributes.(*graph.AxisAttributes); a.Axis != 1 || a.Flatten {
		return fmt.Errorf("softmax over axis %d: supported is a softmax over channels (axis 1 of four)", a.Axis)
	}
	input, err := k.operand(node.Inputs[0])
	if err != nil {
		return err
	}
	bits, err := k.layerBits(i)
	if err != nil {
		return err
	}
	out, err := k.activation(node.Outputs[0], bits)
	if err != nil {
		return err
	}
	largest, ok := k.calibration.largest(node.Outputs[0])
	if !ok {
		return fmt.Errorf("value %q has no calibrated range", out.Name)
	}
	shift := softmaxShift(largest, bits)
	out.Scale = math.Ldexp(1, -int(shift))
	out.Zero, _ = fixed.Range(bits)
	a := &integer.SoftmaxAttributes{Exponentials: fixed.SoftmaxTable(k.tensor(input).Scale), OutputShift: shift}
	k.finish(i, integer.Node{Kind: integer.Softmax, Inputs: []integer.TensorID{input}, Softmax: a}, out)
	return nil
}

// maxSoftmaxShift is the largest output shift of the machine.
const maxSoftmaxShift = 30

// softmaxShift is the largest shift, at least bits, with which the steps of a
// softmax output reach a value.
func softmaxShift(largest float64, bits uint8) uint8 {
	shift := bits
	for steps := float64(int(1)<<bits - 1); shift < maxSoftmaxShift && math.Ldexp(largest, int(shift)+1) <= steps; {
		shift++
	}
	return shift
}

// concat keeps the parameters of its inputs if they agree, else covers the
// ranges of all of them.
func (k *converter) concat(i int) error {
	node := &k.float.Nodes[i]
	axis := node.Attributes.(*graph.AxisAttributes).Axis - 1
	var inputs []integer.TensorID
	var r Range
	agree := true
	for _, v := range node.Inputs {
		id, err := k.operand(v)
		if err != nil {
			return err
		}
		inputs = append(inputs, id)
		in, first := k.tensor(id), k.tensor(inputs[0])
		agree = agree && conversionTable(in, first) == nil && in.Bits == first.Bits
		have := representable(in)
		r = r.including(have.Low).including(have.High)
	}
	bits, err := k.layerBits(i)
	if err != nil {
		return err
	}
	out, err := k.activation(node.Outputs[0], bits)
	if err != nil {
		return err
	}
	if first := k.tensor(inputs[0]); agree && first.Bits == bits {
		out.Scale, out.Zero = first.Scale, first.Zero
	} else {
		out.Scale, out.Zero = parameters(r, bits, 0)
	}
	a := &integer.ConcatAttributes{Axis: axis, Tables: make([]*[256]int8, len(inputs))}
	for j, id := range inputs {
		a.Tables[j] = conversionTable(k.tensor(id), &out)
	}
	k.finish(i, integer.Node{Kind: integer.Concat, Inputs: inputs, Concat: a}, out)
	return nil
}

func (k *converter) slice(i int) error {
	node := &k.float.Nodes[i]
	input, err := k.operand(node.Inputs[0])
	if err != nil {
		return err
	}
	out, err := k.same(node.Outputs[0], k.tensor(input))
	if err != nil {
		return err
	}
	a := node.Attributes.(*graph.SliceAttributes)
	w := &integer.WindowAttributes{Start: [3]int(a.Starts[1:4]), Step: [3]int(a.Steps[1:4]), Fill: out.Zero}
	k.finish(i, integer.Node{Kind: integer.Window, Inputs: []integer.TensorID{input}, Window: w}, out)
	return nil
}

// pad keeps the input's parameters if they can represent the fill value. A
// Slice before it may be part of the same window walk.
func (k *converter) pad(i int) error {
	node := &k.float.Nodes[i]
	a := node.Attributes.(*graph.PadAttributes)
	const forms = "supported is mode constant along channels, rows and columns"
	switch {
	case a.Mode != graph.PadConstant:
		return fmt.Errorf("mode %s: %s", [...]string{graph.PadReflect: "reflect", graph.PadEdge: "edge"}[a.Mode], forms)
	case a.Begin[0] != 0 || a.End[0] != 0:
		return fmt.Errorf("the batch (axis 0) is padded by %d and %d: %s", a.Begin[0], a.End[0], forms)
	}
	value := float64(a.Value)
	if math.IsNaN(value) || math.IsInf(value, 0) {
		return fmt.Errorf("fill value %g: supported are finite values, or -infinity where a MaxPool follows", value)
	}
	source := node.Inputs[0]
	w := &integer.WindowAttributes{Step: [3]int{1, 1, 1}}
	if before := k.plan.slice[i]; before >= 0 {
		slice := &k.float.Nodes[before]
		s := slice.Attributes.(*graph.SliceAttributes)
		source = slice.Inputs[0]
		w.Start, w.Step = [3]int(s.Starts[1:4]), [3]int(s.Steps[1:4])
	}
	input, err := k.operand(source)
	if err != nil {
		return err
	}
	in := *k.tensor(input)
	out, err := k.same(node.Outputs[0], &in)
	if err != nil {
		return err
	}
	if have := representable(&in); value < have.Low || value > have.High {
		out.Scale, out.Zero = parameters(have.including(value), in.Bits, 0)
		w.Table = conversionTable(&in, &out)
	}
	for axis := range w.Start {
		w.Start[axis] -= a.Begin[axis+1] * w.Step[axis]
	}
	w.Fill = step(value, &out)
	k.finish(i, integer.Node{Kind: integer.Window, Inputs: []integer.TensorID{input}, Window: w}, out)
	return nil
}
