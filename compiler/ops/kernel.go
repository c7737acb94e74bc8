package ops

import (
	"fmt"

	"github.com/npusim/npusim/compiler/graph"
)

// number is what kernels compute with: float32 at run time, int64 where
// shape arithmetic folds (bool as 0 and 1).
type number interface{ float32 | int64 }

// KernelOf is a node bound to its shapes and attributes. It holds no mutable
// state: many goroutines may run it, each with its own buffers.
type KernelOf[T number] struct {
	// Scratch is the number of elements of scratch memory that Run needs.
	Scratch int
	// InPlace tells that out[0] may be the very memory of in[0].
	InPlace bool
	// View tells that out[0] has the elements of in[0] in the same order, so
	// that one buffer can serve both. Run copies.
	View bool
	// Run computes all outputs from all inputs, tensors in row-major order.
	// Absent inputs are nil, outputs that nobody wants too. It overwrites the
	// outputs and allocates nothing.
	Run func(out, in [][]T, scratch []T)
}

// Kernel is the float kernel of a node.
type Kernel = KernelOf[float32]

// kernelRow gives the kernels of an operator of the graph.
type kernelRow struct {
	float   func(*graph.Graph, *graph.Node) KernelOf[float32]
	integer func(*graph.Graph, *graph.Node) KernelOf[int64] // nil: float only
}

var kernels = [graph.NumOps]kernelRow{
	graph.Conv:               {bindConv, nil},
	graph.Gemm:               {bindGemm, nil},
	graph.MatMul:             {bindMatMul, nil},
	graph.BatchNormalization: {bindBatchNormalization, nil},
	graph.Relu:               {bindRelu, nil},
	graph.LeakyRelu:          {bindLeakyRelu, nil},
	graph.Clip:               {bindClip, nil},
	graph.Sigmoid:            {bindSigmoid, nil},
	graph.HardSigmoid:        {bindHardSigmoid, nil},
	graph.HardSwish:          {bindHardSwish, nil},
	graph.Tanh:               {bindTanh, nil},
	graph.Add:                {bindAdd[float32], bindAdd[int64]},
	graph.Sub:                {bindSub[float32], bindSub[int64]},
	graph.Mul:                {bindMul[float32], bindMul[int64]},
	graph.Div:                {bindDiv[float32], bindDiv[int64]},
	graph.MaxPool:            {bindMaxPool, nil},
	graph.AveragePool:        {bindAveragePool, nil},
	graph.GlobalAveragePool:  {bindGlobalAveragePool, nil},
	graph.ReduceMean:         {bindReduceMean, nil},
	graph.Softmax:            {bindSoftmax, nil},
	graph.Concat:             {bindConcat[float32], bindConcat[int64]},
	graph.Slice:              {bindSlice[float32], bindSlice[int64]},
	graph.Split:              {bindSplit[float32], bindSplit[int64]},
	graph.Pad:                {bindPad[float32], bindPad[int64]},
	graph.Reshape:            {bindView[float32], bindView[int64]},
	graph.Transpose:          {bindTranspose[float32], bindTranspose[int64]},
	graph.Identity:           {bindView[float32], bindView[int64]},
}

// Bind gives the float kernel of a node of g, which must be consistent as
// [Import] leaves it. Data derived from constants (transposed weights, say) is
// computed here once.
func Bind(g *graph.Graph, n *graph.Node) (Kernel, error) {
	if int(n.Op) >= graph.NumOps || kernels[n.Op].float == nil {
		return Kernel{}, fmt.Errorf("node %s: no float kernel for operator %v", quote(n.Name), n.Op)
	}
	for _, list := range [][]graph.ValueID{n.Inputs, n.Outputs} {
		for _, id := range list {
			if id != graph.None && g.Values[id].Type != graph.Float32 {
				return Kernel{}, fmt.Errorf("node %s (%v): value %s has type %v, kernels compute with float32", quote(n.Name), n.Op, quote(g.Values[id].Name), g.Values[id].Type)
			}
		}
	}
	return kernels[n.Op].float(g, n), nil
}

// shapeOf is the shape of the i-th input.
func shapeOf(g *graph.Graph, n *graph.Node, i int) []int { return g.Values[n.Inputs[i]].Shape }

// resultShape is the shape of the i-th output.
func resultShape(g *graph.Graph, n *graph.Node, i int) []int { return g.Values[n.Outputs[i]].Shape }

// constantFloats is the constant value of the i-th input, nil if it is absent
// or not constant.
func constantFloats(g *graph.Graph, n *graph.Node, i int) []float32 {
	if i >= len(n.Inputs) || n.Inputs[i] == graph.None || g.Values[n.Inputs[i]].Constant == nil {
		return nil
	}
	return g.Values[n.Inputs[i]].Constant.Floats
}

// operand is in[i], nil if the node has no such input.
func operand[T number](in [][]T, i int) []T {
	if i < len(in) {
		return in[i]
	}
	return nil
}
