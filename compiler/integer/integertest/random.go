// Package integertest draws random valid integer networks for property tests:
// every operator kind, odd extents, strides, dilations, groups, broadcasts,
// low bit widths, residual connections.
package integertest

import (
	"fmt"
	"math/rand/v2"

	"github.com/npusim/npusim/compiler/integer"
	"github.com/npusim/npusim/isa/fixed"
)

type builder struct {
	r  *rand.Rand
	g  *integer.Graph
	mu int // bits of the keys that convolutions have binary codes for; 0: none has
}

// Random draws a network of up to nodes operators from a seed. Extents stay
// below about 40 channels and 20 rows and columns.
func Random(seed uint64, nodes int) *integer.Graph { return draw(seed, nodes, 0) }

// RandomCoded is Random with binary codes in most of the convolutions without
// groups. Columns that share scales are multiples of mu.
func RandomCoded(seed uint64, nodes, mu int) *integer.Graph { return draw(seed, nodes, mu) }

func draw(seed uint64, nodes, mu int) *integer.Graph {
	b := &builder{mu: mu, r: rand.New(rand.NewPCG(seed, 1)), g: &integer.Graph{Name: fmt.Sprintf("random-%d", seed), Rounding: "half-up-shift"}}
	in := b.tensor("input", integer.Shape{Channels: 1 + b.r.IntN(40), Rows: 1 + b.r.IntN(18), Columns: 1 + b.r.IntN(18)}, b.bits())
	b.g.Inputs = []integer.TensorID{in}
	for range 1 + b.r.IntN(nodes) {
		b.node()
	}
	used := make([]bool, len(b.g.Tensors))
	for i := range b.g.Nodes {
		for _, id := range b.g.Nodes[i].Inputs {
			used[id] = true
		}
	}
	last := b.g.Nodes[len(b.g.Nodes)-1].Output
	for i := range b.g.Nodes {
		if out := b.g.Nodes[i].Output; out == last || !used[out] || b.r.IntN(12) == 0 {
			b.g.Outputs = append(b.g.Outputs, out)
		}
	}
	for _, id := range b.g.Inputs {
		b.g.InputShapes = append(b.g.InputShapes, shape(b.g.Tensors[id].Shape))
	}
	for _, id := range b.g.Outputs {
		b.g.OutputShapes = append(b.g.OutputShapes, shape(b.g.Tensors[id].Shape))
	}
	return b.g
}

// Input draws elements for an input of a network.
func Input(g *integer.Graph, id integer.TensorID, r *rand.Rand) []int8 {
	t := &g.Tensors[id]
	low, high := fixed.Range(t.Bits)
	data := make([]int8, t.Shape.Elements())
	for i := range data {
		data[i] = int8(int(low) + r.IntN(int(high)-int(low)+1))
	}
	return data
}

func shape(s integer.Shape) []int { return []int{1, s.Channels, s.Rows, s.Columns} }

func (b *builder) bits() uint8 {
	if b.r.IntN(3) > 0 {
		return 8
	}
	return uint8(2 + b.r.IntN(7))
}

func (b *builder) tensor(name string, s integer.Shape, bits uint8) integer.TensorID {
	low, high := fixed.Range(bits)
	zero := int8(int(low) + b.r.IntN(int(high)-int(low)+1))
	b.g.Tensors = append(b.g.Tensors, integer.Tensor{Name: name, Shape: s, Bits: bits, Scale: 0.01 + b.r.Float64(), Zero: zero, FloatValue: -1})
	return integer.TensorID(len(b.g.Tensors) - 1)
}

// pick chooses an operand, recent tensors more often.
func (b *builder) pick() integer.TensorID {
	n := len(b.g.Tensors)
	for {
		id := n - 1
		if b.r.IntN(3) == 0 {
			id = b.r.IntN(n)
		}
		if b.g.Tensors[id].Constant == nil {
			return integer.TensorID(id)
		}
		n = max(1, n-1)
	}
}

func (b *builder) add(n integer.Node, s integer.Shape, bits uint8) *integer.Tensor {
	n.Name = fmt.Sprintf("node%d", len(b.g.Nodes))
	n.Op = n.Kind.String()
	n.Sources = []string{n.Name}
	n.Output = b.tensor(n.Name+"_out", s, bits)
	b.g.Nodes = append(b.g.Nodes, n)
	return &b.g.Tensors[n.Output]
}

// sameScale gives an output the parameters of an input, for operators that
// move elements unchanged.
func (b *builder) sameScale(out *integer.Tensor, in integer.TensorID) {
	t := b.g.Tensors[in]
	out.Bits, out.Scale, out.Zero = t.Bits, t.Scale, t.Zero
}

func (b *builder) clamp(bits uint8) (low, high int8) {
	low, high = fixed.Range(bits)
	if b.r.IntN(3) == 0 {
		a, c := int8(int(low)+b.r.IntN(int(high)-int(low)+1)), int8(int(low)+b.r.IntN(int(high)-int(low)+1))
		return min(a, c), max(a, c)
	}
	return low, high
}

func (b *builder) multiplier(scale float64) fixed.Multiplier {
	m, err := fixed.NewMultiplier(scale * (0.5 + b.r.Float64()))
	if err != nil {
		panic(err)
	}
	return m
}

func (b *builder) table(in, out uint8) *[256]int8 {
	low, high := fixed.Range(out)
	t := new([256]int8)
	for i := range t {
		t[i] = int8(int(low) + b.r.IntN(int(high)-int(low)+1))
	}
	return t
}

func (b *builder) geometry(s integer.Shape) (integer.Geometry, integer.Shape) {
	var g integer.Geometry
	extent := [2]int{s.Rows, s.Columns}
	var out [2]int
	for k := range 2 {
		for {
			g.Kernel[k] = 1 + b.r.IntN(min(5, extent[k]+2))
			g.Stride[k] = 1 + b.r.IntN(3)
			g.Dilation[k] = 1
			if b.r.IntN(4) == 0 {
				g.Dilation[k] = 2
			}
			g.PadBegin[k], g.PadEnd[k] = b.r.IntN(g.Kernel[k]), b.r.IntN(g.Kernel[k])
			span := extent[k] + g.PadBegin[k] + g.PadEnd[k] - (g.Kernel[k]-1)*g.Dilation[k] - 1
			if span >= 0 {
				out[k] = span/g.Stride[k] + 1
				break
			}
		}
	}
	return g, integer.Shape{Channels: s.Channels, Rows: out[0], Columns: out[1]}
}

// node appends a random operator.
func (b *builder) node() {
	in := b.pick()
	t := b.g.Tensors[in]
	switch b.r.IntN(12) {
	case 0, 1, 2, 3:
		b.convolution(in)
	case 4:
		b.pool(in)
	case 5, 6:
		b.binary(in)
	case 7:
		bits := b.bits()
		b.add(integer.Node{Kind: integer.Table, Inputs: []integer.TensorID{in}, Table: b.table(t.Bits, bits)}, t.Shape, bits)
	case 8:
		a := &integer.SoftmaxAttributes{Exponentials: fixed.SoftmaxTable(0.05), OutputShift: 8}
		out := b.add(integer.Node{Kind: integer.Softmax, Inputs: []integer.TensorID{in}, Softmax: a}, t.Shape, 8)
		out.Scale, out.Zero = 1.0/256, -128
	case 9:
		b.concat(in)
	case 10:
		b.window(in)
	case 11:
		b.rearrange(in)
	}
}

func (b *builder) convolution(in integer.TensorID) {
	t := b.g.Tensors[in]
	g, out := b.geometry(t.Shape)
	groups := 1
	out.Channels = 1 + b.r.IntN(40)
	switch b.r.IntN(4) {
	case 0:
		groups, out.Channels = t.Shape.Channels, t.Shape.Channels
	case 1:
		for d := 2; d <= t.Shape.Channels; d++ {
			if t.Shape.Channels%d == 0 {
				groups, out.Channels = d, d*(1+b.r.IntN(20))
				break
			}
		}
	}
	if b.mu > 0 && groups == 1 && b.r.IntN(4) > 0 {
		b.coded(in, g, out)
		return
	}
	bits := uint8(2 + b.r.IntN(7))
	low, high := fixed.Range(bits)
	a := &integer.ConvolutionAttributes{Geometry: g, Groups: groups, WeightBits: bits, WeightScale: []float64{1}}
	perOutput := t.Shape.Channels / groups * g.Kernel[0] * g.Kernel[1]
	a.Weights = make([]int8, out.Channels*perOutput)
	for i := range a.Weights {
		a.Weights[i] = int8(int(low) + 1 + b.r.IntN(int(high)-int(low)))
	}
	for range out.Channels {
		a.Bias = append(a.Bias, int32(b.r.IntN(20001)-10000))
	}
	scale := 100 / (float64(perOutput) * 30 * float64(high))
	switch b.r.IntN(3) {
	case 0:
		a.Requantizer.PerLayer = b.multiplier(scale)
	case 1:
		a.Requantizer.PerLayer = b.multiplier(scale * 16)
		for range out.Channels {
			a.Requantizer.ChannelShift = append(a.Requantizer.ChannelShift, uint8(b.r.IntN(16)))
		}
	case 2:
		for range out.Channels {
			a.Requantizer.PerChannel = append(a.Requantizer.PerChannel, b.multiplier(scale))
		}
		a.WeightScale = make([]float64, out.Channels)
		for i := range a.WeightScale {
			a.WeightScale[i] = 1
		}
	}
	outBits := b.bits()
	a.Low, a.High = b.clamp(outBits)
	b.add(integer.Node{Kind: integer.Convolution, Inputs: []integer.TensorID{in}, Convolution: a,
		MACs: int64(out.Elements()) * int64(perOutput)}, out, outBits)
}

func (b *builder) pool(in integer.TensorID) {
	t := b.g.Tensors[in]
	g, out := b.geometry(t.Shape)
	g.Dilation = [2]int{1, 1}
	for k, extent := range [2]int{t.Shape.Rows, t.Shape.Columns} {
		span := extent + g.PadBegin[k] + g.PadEnd[k] - g.Kernel[k]
		if k == 0 {
			out.Rows = span/g.Stride[k] + 1
		} else {
			out.Columns = span/g.Stride[k] + 1
		}
	}
	a := &integer.PoolAttributes{Geometry: g, Average: b.r.IntN(2) == 0}
	if a.Average {
		cells := g.Kernel[0] * g.Kernel[1]
		if b.r.IntN(2) == 0 {
			a.Multipliers = []fixed.Multiplier{b.multiplier(1 / float64(cells))}
		} else {
			for i := range cells {
				a.Multipliers = append(a.Multipliers, b.multiplier(1/float64(i+1)))
			}
		}
	}
	o := b.add(integer.Node{Kind: integer.Pool, Inputs: []integer.TensorID{in}, Pool: a}, out, t.Bits)
	if !a.Average {
		b.sameScale(o, in)
	}
}

func (b *builder) binary(in integer.TensorID) {
	t := b.g.Tensors[in]
	var candidates []integer.TensorID
	for id := range b.g.Tensors {
		s := b.g.Tensors[id].Shape
		fits := func(x, y int) bool { return x == y || x == 1 }
		if fits(s.Channels, t.Shape.Channels) && fits(s.Rows, t.Shape.Rows) && fits(s.Columns, t.Shape.Columns) {
			candidates = append(candidates, integer.TensorID(id))
		}
	}
	if b.r.IntN(4) == 0 { // a constant, perhaps repeating
		s := t.Shape
		if b.r.IntN(2) == 0 {
			s.Rows, s.Columns = 1, 1
		}
		if b.r.IntN(3) == 0 {
			s.Channels = 1
		}
		id := b.tensor(fmt.Sprintf("constant%d", len(b.g.Tensors)), s, b.bits())
		b.g.Tensors[id].Constant = Input(b.g, id, b.r)
		candidates = []integer.TensorID{id}
	}
	other := candidates[b.r.IntN(len(candidates))]
	bits := b.bits()
	a := &integer.BinaryAttributes{Mode: integer.BinaryMode(1 + b.r.IntN(3))}
	a.Low, a.High = b.clamp(bits)
	switch a.Mode {
	case integer.Add:
		sign := 1.0
		if b.r.IntN(3) == 0 {
			sign = -1
		}
		f, err := fixed.NewAddFactors(0.2+b.r.Float64(), sign*(0.2+b.r.Float64()))
		if err != nil {
			panic(err)
		}
		a.Factors = f
	case integer.Multiply:
		a.Multiplier = b.multiplier(0.02)
	case integer.Divide:
		a.Multiplier = b.multiplier(10)
	}
	inputs := []integer.TensorID{in, other}
	if b.r.IntN(2) == 0 {
		inputs = []integer.TensorID{other, in}
	}
	b.add(integer.Node{Kind: integer.Binary, Inputs: inputs, Binary: a}, t.Shape, bits)
}

func (b *builder) concat(in integer.TensorID) {
	t := b.g.Tensors[in]
	axis := b.r.IntN(3)
	same := func(s integer.Shape) bool {
		return (axis == 0 || s.Channels == t.Shape.Channels) && (axis == 1 || s.Rows == t.Shape.Rows) && (axis == 2 || s.Columns == t.Shape.Columns)
	}
	inputs := []integer.TensorID{in}
	for id := range b.g.Tensors {
		if b.g.Tensors[id].Constant == nil && same(b.g.Tensors[id].Shape) && b.r.IntN(2) == 0 && len(inputs) < 4 {
			inputs = append(inputs, integer.TensorID(id))
		}
	}
	a := &integer.ConcatAttributes{Axis: axis}
	out := t.Shape
	out.Channels, out.Rows, out.Columns = 0, 0, 0
	bits := t.Bits
	for _, id := range inputs {
		s := b.g.Tensors[id].Shape
		out.Channels, out.Rows, out.Columns = out.Channels+s.Channels, out.Rows+s.Rows, out.Columns+s.Columns
		a.Tables = append(a.Tables, b.table(b.g.Tensors[id].Bits, bits))
	}
	if axis != 0 {
		out.Channels = t.Shape.Channels
	}
	if axis != 1 {
		out.Rows = t.Shape.Rows
	}
	if axis != 2 {
		out.Columns = t.Shape.Columns
	}
	a.Tables[0] = nil
	o := b.add(integer.Node{Kind: integer.Concat, Inputs: inputs, Concat: a}, out, bits)
	b.sameScale(o, in)
}

func (b *builder) window(in integer.TensorID) {
	t := b.g.Tensors[in]
	a := &integer.WindowAttributes{}
	extents := [3]int{t.Shape.Channels, t.Shape.Rows, t.Shape.Columns}
	var out [3]int
	pad := b.r.IntN(2) == 0
	for k, extent := range extents {
		a.Step[k] = 1
		out[k] = extent
		switch {
		case pad && b.r.IntN(2) == 0:
			a.Start[k] = -b.r.IntN(9)
			out[k] = extent - a.Start[k] + b.r.IntN(9)
		case !pad && b.r.IntN(2) == 0:
			a.Step[k] = 1 + b.r.IntN(3)
			a.Start[k] = b.r.IntN(extent)
			out[k] = 1 + (extent-1-a.Start[k])/a.Step[k]
			if b.r.IntN(3) == 0 {
				a.Step[k] = -a.Step[k]
				out[k] = 1 + a.Start[k]/-a.Step[k]
			}
		}
	}
	bits := t.Bits
	a.Fill = t.Zero
	if b.r.IntN(3) == 0 {
		bits = b.bits()
		a.Table = b.table(t.Bits, bits)
	}
	o := b.add(integer.Node{Kind: integer.Window, Inputs: []integer.TensorID{in}, Window: a},
		integer.Shape{Channels: out[0], Rows: out[1], Columns: out[2]}, bits)
	if a.Table == nil {
		b.sameScale(o, in)
	} else {
		a.Fill = o.Zero
	}
}

// rearrange is a transpose, a channel shuffle, or any order of the parts of
// the axes; the result has the shape that comes out or any other.
func (b *builder) rearrange(in integer.TensorID) {
	t := b.g.Tensors[in]
	extents := [3]int{t.Shape.Channels, t.Shape.Rows, t.Shape.Columns}
	strides := [3]int{t.Shape.Rows * t.Shape.Columns, t.Shape.Columns, 1}
	mode := b.r.IntN(3)
	var dims, steps []int
	for axis, extent := range extents {
		outer := 1
		if mode == 1 && axis == 0 || mode == 2 { // a part of the axis
			outer = b.divisor(extent, extent)
			dims, steps = append(dims, outer), append(steps, extent/outer*strides[axis])
		}
		dims, steps = append(dims, extent/outer), append(steps, strides[axis])
	}
	order := b.r.Perm(len(dims))
	if mode == 1 {
		order = []int{1, 0, 2, 3}
	}
	a := &integer.RearrangeAttributes{}
	for _, k := range order {
		a.Dims = append(a.Dims, dims[k])
		a.InputStrides = append(a.InputStrides, steps[k])
	}
	out := t.Shape
	if mode == 0 {
		out = integer.Shape{Channels: a.Dims[0], Rows: a.Dims[1], Columns: a.Dims[2]}
	}
	elements := out.Elements()
	switch b.r.IntN(4) { // a reshape on top
	case 0:
		out = integer.Shape{Channels: elements, Rows: 1, Columns: 1}
	case 1:
		out.Columns = b.divisor(elements, 40)
		out.Rows = b.divisor(elements/out.Columns, 40)
		out.Channels = elements / out.Columns / out.Rows
	}
	o := b.add(integer.Node{Kind: integer.Rearrange, Inputs: []integer.TensorID{in}, Rearrange: a}, out, t.Bits)
	b.sameScale(o, in)
}

// divisor draws a divisor of n that is at most limit.
func (b *builder) divisor(n, limit int) int {
	var list []int
	for d := 1; d <= min(n, limit); d++ {
		if n%d == 0 {
			list = append(list, d)
		}
	}
	return list[b.r.IntN(len(list))]
}
