// Package integer is the quantized network: int8 activation tensors and
// integer operators, with a reference executor that is independent of the
// machine (it shares only the scalar formulas of isa/fixed).
//
// Tensors are (channels, rows, columns); the batch axis is gone. ONNX shapes
// map as [N,C,H,W] -> (C,H,W), [N,C,L] -> (C,1,L), [N,C] -> (C,1,1).
package integer

import (
	"github.com/npusim/npusim/isa/binarycode"
	"github.com/npusim/npusim/isa/fixed"
)

// TensorID indexes Graph.Tensors.
type TensorID int

// Shape of an activation tensor.
type Shape struct{ Channels, Rows, Columns int }

// Elements is the product of the extents.
func (s Shape) Elements() int { return s.Channels * s.Rows * s.Columns }

// Tensor is an activation tensor: real value = Scale*(q - Zero), q within
// fixed.Range(Bits).
type Tensor struct {
	Name     string
	Shape    Shape
	Bits     uint8
	Scale    float64
	Zero     int8
	Constant []int8 // (c,h,w) order; nil unless known at compile time
	// FloatValue is the id of the value of the float graph this tensor stands
	// for, whose elements are in (channel, row, column) order; -1 if none.
	FloatValue int
}

// Kind is the kind of a node.
type Kind uint8

// Kinds. Each has one attribute struct below.
const (
	InvalidKind Kind = iota
	Convolution
	Pool
	Binary
	Table
	Softmax
	Concat
	Window
	Rearrange
	kindEnd
)

// NumKinds bounds tables indexed by Kind.
const NumKinds = int(kindEnd)

var kindNames = [NumKinds]string{
	InvalidKind: "invalid", Convolution: "convolution", Pool: "pool", Binary: "binary", Table: "table",
	Softmax: "softmax", Concat: "concat", Window: "window", Rearrange: "rearrange",
}

func (k Kind) String() string {
	if int(k) < NumKinds {
		return kindNames[k]
	}
	return "invalid"
}

// Node is one integer operator. Exactly the attribute pointer of its Kind is
// set.
type Node struct {
	Name    string   // name of the (last) float node it computes
	Op      string   // float operators it covers, joined by '+', for reports
	Sources []string // names of all float nodes it covers
	Kind    Kind
	Inputs  []TensorID
	Output  TensorID
	MACs    int64 // multiply-accumulates of the float nodes it covers

	Convolution *ConvolutionAttributes
	Pool        *PoolAttributes
	Binary      *BinaryAttributes
	Table       *[256]int8 // y = Table[q+128]
	Softmax     *SoftmaxAttributes
	Concat      *ConcatAttributes
	Window      *WindowAttributes
	Rearrange   *RearrangeAttributes
}

// Graph is a quantized network in topological order.
type Graph struct {
	Name    string
	Tensors []Tensor
	Nodes   []Node
	Inputs  []TensorID
	Outputs []TensorID
	// OutputShapes are the ONNX shapes of the outputs, batch included.
	OutputShapes [][]int
	InputShapes  [][]int
	Rounding     string
	// ShapeOnly marks a network of which only the shapes are known: its
	// convolutions have neither Weights nor Bias, and the per-channel parts of
	// a Requantizer are empty slices. It can be lowered and timed, not
	// executed.
	ShapeOnly bool
}

// Geometry is the window walk of convolutions and pools. Index 0 is vertical,
// 1 horizontal.
type Geometry struct {
	Kernel, Stride, Dilation, PadBegin, PadEnd [2]int
}

// Requantizer is the last step of a convolution. Exactly one of the three
// forms: PerLayer alone; PerLayer with ChannelShift; PerChannel.
type Requantizer struct {
	PerLayer     fixed.Multiplier
	ChannelShift []uint8            // 4-bit k of each output channel
	PerChannel   []fixed.Multiplier // one an output channel
}

// ChannelMultiplier is the multiplier and total shift of an output channel.
func (r *Requantizer) ChannelMultiplier(c int) fixed.Multiplier {
	switch {
	case r.PerChannel != nil:
		return r.PerChannel[c]
	case r.ChannelShift != nil:
		return fixed.Multiplier{M0: r.PerLayer.M0, Shift: r.PerLayer.Shift + r.ChannelShift[c]}
	}
	return r.PerLayer
}

// ConvolutionAttributes describe convolutions, matrix products (1x1 on a 1x1
// image) and per-channel affine maps (depthwise 1x1). The sum of an output is
//
//	Bias[m] + sum over kernel and channels of Weights * q_in
//
// with q_in = the input's zero point at padding; -zero_in * sum(Weights) is
// already in Bias. Weights are ordered [output][input/Groups][row][column].
type ConvolutionAttributes struct {
	Geometry
	Groups     int
	WeightBits uint8 // of Codes, the planes, the most of any output
	Weights    []int8
	// Codes stand in the place of Weights, which is nil, in layers that are
	// multiplied by look-up; Groups is 1. Rows are output channels, columns in the
	// order of the weights of an output. The sum of an output is then
	//
	//	Bias[m] + sum over groups and planes of scale * sum of sign * (q_in - zero_in)
	//
	// and the shifts of the codes are those of the requantizer. In a network of
	// shapes alone only the shape of the codes is given.
	Codes *binarycode.Matrix
	// Sealed, if not nil, has the codes from which XOR networks make the signs of
	// Codes; in a network of shapes alone only the networks.
	Sealed      *binarycode.Sealed
	WeightScale []float64 // one for the layer, or one an output channel (per-channel); for reports
	Bias        []int32
	Requantizer Requantizer
	Low, High   int8 // clamp, after the zero point: the fused activation
	// LoweredShifts counts channels whose shift was reduced to keep the sum in 32 bits.
	LoweredShifts int
}

// WeightElements is the number of weights between that many input and output
// channels.
func (a *ConvolutionAttributes) WeightElements(inputs, outputs int) int64 {
	return int64(inputs/a.Groups) * int64(outputs) * int64(a.Kernel[0]*a.Kernel[1])
}

// PoolAttributes describe a maximum (Average false) or an average pool. An
// average sums (q - zero_in) and requantizes with Multipliers[count-1], count
// being the number of cells inside the input; a single entry serves all
// counts (no padding, or padding counted).
type PoolAttributes struct {
	Geometry
	Average     bool
	Multipliers []fixed.Multiplier
}

// BinaryMode is the operation of a Binary node.
type BinaryMode uint8

// Binary modes; subtraction is an addition with a negative factor.
const (
	InvalidBinary BinaryMode = iota
	Add
	Multiply
	Divide
)

// BinaryAttributes describe y = a op b; extents of 1 repeat (ONNX broadcast).
type BinaryAttributes struct {
	Mode       BinaryMode
	Factors    fixed.AddFactors // Add
	Multiplier fixed.Multiplier // Multiply, Divide
	Low, High  int8             // fused clamp
}

// SoftmaxAttributes describe a softmax over channels of each pixel. The
// output scale is 2^-OutputShift.
type SoftmaxAttributes struct {
	Exponentials [256]uint32
	OutputShift  uint8
}

// ConcatAttributes join the inputs along Axis (0 channels, 1 rows, 2
// columns); Tables[i], where not nil, requantizes input i.
type ConcatAttributes struct {
	Axis   int
	Tables []*[256]int8
}

// WindowAttributes describe slices and pads: output index i of an axis is
// input index Start + i*Step, or Fill outside the input. Table, where not
// nil, requantizes copied values (not Fill).
type WindowAttributes struct {
	Start, Step [3]int
	Fill        int8
	Table       *[256]int8
}

// RearrangeAttributes describe reshapes and transposes: the output walked in
// (c,h,w) order is a loop nest of Dims (at most isa.RearrangeDims), and the
// linear (c,h,w) index in the input is the sum of index*InputStrides.
type RearrangeAttributes struct {
	Dims         []int
	InputStrides []int
}
