package lowertest

import (
	"fmt"
	"math/rand/v2"

	"github.com/npusim/npusim/compiler/integer"
	"github.com/npusim/npusim/isa/fixed"
)

// Network builds chains of layers with seeded random weights, 8 bits
// throughout and a 4-bit shift a channel.
type Network struct {
	Graph *integer.Graph
	r     *rand.Rand
	last  integer.TensorID
}

// NewNetwork starts a network with an input.
func NewNetwork(name string, seed uint64, input integer.Shape) *Network {
	n := &Network{Graph: &integer.Graph{Name: name, Rounding: "half-up-shift"}, r: rand.New(rand.NewPCG(seed, 3))}
	n.last = n.tensor("input", input)
	n.Graph.Inputs = []integer.TensorID{n.last}
	n.Graph.InputShapes = [][]int{{1, input.Channels, input.Rows, input.Columns}}
	return n
}

func (n *Network) tensor(name string, s integer.Shape) integer.TensorID {
	n.Graph.Tensors = append(n.Graph.Tensors, integer.Tensor{Name: name, Shape: s, Bits: 8, Scale: 0.02, Zero: -3, FloatValue: -1})
	return integer.TensorID(len(n.Graph.Tensors) - 1)
}

// Last is the tensor that the next layer reads.
func (n *Network) Last() integer.TensorID { return n.last }

func (n *Network) add(node integer.Node, s integer.Shape) {
	node.Name = fmt.Sprintf("%s%d", node.Kind, len(n.Graph.Nodes))
	node.Op, node.Sources = node.Kind.String(), []string{node.Name}
	node.Inputs = append([]integer.TensorID{n.last}, node.Inputs...)
	node.Output = n.tensor(node.Name+"_out", s)
	n.Graph.Nodes = append(n.Graph.Nodes, node)
	n.last = node.Output
}

// Convolution appends a square convolution; groups 0 is a depthwise one. The
// image is padded so that stride 1 keeps its size.
func (n *Network) Convolution(outputs, kernel, stride, groups int) {
	in := n.Graph.Tensors[n.last].Shape
	if groups == 0 {
		groups, outputs = in.Channels, in.Channels
	}
	pad := (kernel - 1) / 2
	out := integer.Shape{Channels: outputs, Rows: (in.Rows+2*pad-kernel)/stride + 1, Columns: (in.Columns+2*pad-kernel)/stride + 1}
	a := &integer.ConvolutionAttributes{
		Geometry: integer.Geometry{Kernel: [2]int{kernel, kernel}, Stride: [2]int{stride, stride}, Dilation: [2]int{1, 1},
			PadBegin: [2]int{pad, pad}, PadEnd: [2]int{pad, pad}},
		Groups: groups, WeightBits: 8, WeightScale: []float64{0.01}, Low: -128, High: 127,
	}
	taps := in.Channels / groups * kernel * kernel
	a.Weights = make([]int8, outputs*taps)
	for i := range a.Weights {
		a.Weights[i] = int8(n.r.IntN(255) - 127)
	}
	for range outputs {
		a.Bias = append(a.Bias, int32(n.r.IntN(2001)-1000))
		a.Requantizer.ChannelShift = append(a.Requantizer.ChannelShift, uint8(n.r.IntN(3)))
	}
	m, err := fixed.NewMultiplier(2 / (float64(taps) * 30))
	if err != nil {
		panic("lowertest: " + err.Error())
	}
	a.Requantizer.PerLayer = m
	n.add(integer.Node{Kind: integer.Convolution, Convolution: a, MACs: int64(out.Elements()) * int64(taps)}, out)
}

// Add appends a residual addition of an earlier tensor of the same shape.
func (n *Network) Add(other integer.TensorID) {
	f, err := fixed.NewAddFactors(0.7, 0.6)
	if err != nil {
		panic("lowertest: " + err.Error())
	}
	n.add(integer.Node{Kind: integer.Binary, Inputs: []integer.TensorID{other},
		Binary: &integer.BinaryAttributes{Mode: integer.Add, Factors: f, Low: -128, High: 127}}, n.Graph.Tensors[n.last].Shape)
}

// Average appends an average over the whole image.
func (n *Network) Average() {
	in := n.Graph.Tensors[n.last].Shape
	m, err := fixed.NewMultiplier(1 / float64(in.Rows*in.Columns))
	if err != nil {
		panic("lowertest: " + err.Error())
	}
	g := integer.Geometry{Kernel: [2]int{in.Rows, in.Columns}, Stride: [2]int{1, 1}, Dilation: [2]int{1, 1}}
	n.add(integer.Node{Kind: integer.Pool, Pool: &integer.PoolAttributes{Geometry: g, Average: true, Multipliers: []fixed.Multiplier{m}}},
		integer.Shape{Channels: in.Channels, Rows: 1, Columns: 1})
}

// Finish makes the last tensor the output.
func (n *Network) Finish() *integer.Graph {
	s := n.Graph.Tensors[n.last].Shape
	n.Graph.Outputs = []integer.TensorID{n.last}
	n.Graph.OutputShapes = [][]int{{1, s.Channels, s.Rows, s.Columns}}
	return n.Graph
}

// MobileNetV1 has the layer shapes of MobileNetV1 (Howard et al., 2017) for a
// square image, channels scaled by width, and random weights.
func MobileNetV1(width float64, image int) *integer.Graph {
	channels := func(n int) int { return max(8, int(float64(n)*width)) }
	n := NewNetwork(fmt.Sprintf("mobilenetv1_%g_%d", width, image), 1, integer.Shape{Channels: 3, Rows: image, Columns: image})
	n.Convolution(channels(32), 3, 2, 1)
	for _, block := range []struct{ outputs, stride int }{
		{64, 1}, {128, 2}, {128, 1}, {256, 2}, {256, 1}, {512, 2},
		{512, 1}, {512, 1}, {512, 1}, {512, 1}, {512, 1}, {1024, 2}, {1024, 1},
	} {
		n.Convolution(0, 3, block.stride, 0)
		n.Convolution(channels(block.outputs), 1, 1, 1)
	}
	n.Average()
	n.Convolution(1000, 1, 1, 1)
	return n.Finish()
}
