package graph

import "fmt"

// Op names an operator of the float graph.
type Op uint8

// Operators. Shape arithmetic (Shape, Gather, Cast, ...) exists only during
// import: it folds to constants or is an error, so it has no Op here.
const (
	InvalidOp Op = iota
	Conv
	Gemm
	MatMul
	BatchNormalization
	Relu
	LeakyRelu
	Clip
	Sigmoid
	HardSigmoid
	HardSwish
	Tanh
	Add
	Sub
	Mul
	Div
	MaxPool
	AveragePool
	GlobalAveragePool
	ReduceMean
	Softmax
	Concat
	Slice
	Split
	Pad
	Reshape // also Flatten, Squeeze and Unsqueeze, whose result shape is static
	Transpose
	Identity // also Dropout at inference
	opEnd
)

// NumOps bounds tables indexed by Op.
const NumOps = int(opEnd)

var opNames = [NumOps]string{
	InvalidOp: "Invalid", Conv: "Conv", Gemm: "Gemm", MatMul: "MatMul",
	BatchNormalization: "BatchNormalization", Relu: "Relu", LeakyRelu: "LeakyRelu",
	Clip: "Clip", Sigmoid: "Sigmoid", HardSigmoid: "HardSigmoid", HardSwish: "HardSwish",
	Tanh: "Tanh", Add: "Add", Sub: "Sub", Mul: "Mul", Div: "Div", MaxPool: "MaxPool",
	AveragePool: "AveragePool", GlobalAveragePool: "GlobalAveragePool",
	ReduceMean: "ReduceMean", Softmax: "Softmax", Concat: "Concat", Slice: "Slice",
	Split: "Split", Pad: "Pad", Reshape: "Reshape", Transpose: "Transpose", Identity: "Identity",
}

func (o Op) String() string {
	if int(o) < NumOps {
		return opNames[o]
	}
	return fmt.Sprintf("Op(%d)", uint8(o))
}

// ConvAttributes belong to Conv. Inputs: X [N,C,spatial...], W
// [M,C/Groups,kernel...], optional B [M]. All slices have one entry a spatial
// axis (1 or 2 of them); auto_pad is resolved to explicit pads at import.
type ConvAttributes struct {
	Kernel    []int
	Strides   []int
	Dilations []int
	PadBegin  []int
	PadEnd    []int
	Groups    int
}

// PoolAttributes belong to MaxPool and AveragePool. PadEnd includes whatever
// ceil_mode adds, and Excluded marks those cells: they never count in an
// average even where CountIncludePad is set.
type PoolAttributes struct {
	Kernel          []int
	Strides         []int
	Dilations       []int
	PadBegin        []int
	PadEnd          []int
	CeilExtra       []int // cells of PadEnd that only ceil_mode added
	CountIncludePad bool
}

// GemmAttributes belong to Gemm: Y = Alpha*A'*B' + Beta*C.
type GemmAttributes struct {
	Alpha, Beta            float32
	TransposeA, TransposeB bool
}

// BatchNormAttributes belong to BatchNormalization in inference form. Inputs:
// X, scale, bias, mean, variance.
type BatchNormAttributes struct{ Epsilon float32 }

// LeakyReluAttributes belong to LeakyRelu.
type LeakyReluAttributes struct{ Alpha float32 }

// ClipAttributes belong to Clip; an absent bound is an infinity.
type ClipAttributes struct{ Min, Max float32 }

// HardSigmoidAttributes belong to HardSigmoid: max(0, min(1, Alpha*x+Beta)).
type HardSigmoidAttributes struct{ Alpha, Beta float32 }

// ReduceAttributes belong to ReduceMean. Axes are non-negative and ascending.
type ReduceAttributes struct {
	Axes     []int
	KeepDims bool
}

// AxisAttributes belong to Softmax and Concat. Axis is non-negative. Softmax
// before opset 13 flattens the axes from Axis on; Flatten says so.
type AxisAttributes struct {
	Axis    int
	Flatten bool
}

// SliceAttributes belong to Slice, one entry for every axis of the input:
// output[i] = input[Starts+i*Steps], i < output size.
type SliceAttributes struct {
	Starts []int
	Steps  []int
}

// SplitAttributes belong to Split.
type SplitAttributes struct {
	Axis  int
	Sizes []int
}

// PadMode is how Pad fills new cells.
type PadMode uint8

// Pad modes.
const (
	InvalidPadMode PadMode = iota
	PadConstant
	PadReflect
	PadEdge
)

// PadAttributes belong to Pad, one entry for every axis; entries may be
// negative, which crops.
type PadAttributes struct {
	Mode       PadMode
	Begin, End []int
	Value      float32
}

// TransposeAttributes belong to Transpose: output axis i is input axis
// Permutation[i].
type TransposeAttributes struct{ Permutation []int }
