// Package graphtest builds small float graphs for tests: by hand, with a
// Builder that works out shapes, or at random over every operator of the
// float graph that the machine executes. Nothing outside tests uses it.
package graphtest

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/npusim/npusim/compiler/graph"
)

// Builder appends operators to a graph. Constants are drawn from its seeded
// generator. Operators return their first output.
type Builder struct {
	Graph *graph.Graph
	RNG   *rand.Rand
}

// New starts an empty graph.
func New(seed uint64) *Builder {
	return &Builder{Graph: &graph.Graph{Name: "test", Opset: 13}, RNG: rand.New(rand.NewPCG(seed, 1))}
}

// Shape of a value.
func (b *Builder) Shape(v graph.ValueID) []int { return b.Graph.Value(v).Shape }

// Input adds a graph input.
func (b *Builder) Input(shape ...int) graph.ValueID {
	v := b.Graph.AddValue(graph.Value{Name: fmt.Sprintf("in%d", len(b.Graph.Inputs)), Shape: shape, Type: graph.Float32})
	b.Graph.Inputs = append(b.Graph.Inputs, v)
	return v
}

// Output marks values as graph outputs.
func (b *Builder) Output(values ...graph.ValueID) *graph.Graph {
	b.Graph.Outputs = append(b.Graph.Outputs, values...)
	return b.Graph
}

// Constant adds a constant.
func (b *Builder) Constant(shape []int, data ...float32) graph.ValueID {
	return b.Graph.AddValue(graph.Value{Name: fmt.Sprintf("c%d", len(b.Graph.Values)), Shape: shape, Type: graph.Float32,
		Constant: &graph.Tensor{Shape: shape, Type: graph.Float32, Floats: data}})
}

// Random adds a constant of uniform values in [low, high).
func (b *Builder) Random(low, high float64, shape ...int) graph.ValueID {
	data := make([]float32, graph.Elements(shape))
	for i := range data {
		data[i] = float32(low + (high-low)*b.RNG.Float64())
	}
	return b.Constant(shape, data...)
}

// Node appends an operator with outputs of the given shapes.
func (b *Builder) Node(op graph.Op, attributes any, inputs []graph.ValueID, shapes ...[]int) []graph.ValueID {
	name := fmt.Sprintf("%v_%d", op, len(b.Graph.Nodes))
	outputs := make([]graph.ValueID, len(shapes))
	for i, shape := range shapes {
		value := "v_" + name
		if i > 0 {
			value = fmt.Sprintf("%s_%d", value, i)
		}
		outputs[i] = b.Graph.AddValue(graph.Value{Name: value, Shape: slices.Clone(shape), Type: graph.Float32})
	}
	b.Graph.Nodes = append(b.Graph.Nodes, graph.Node{Name: name, Op: op, Inputs: inputs, Outputs: outputs, Attributes: attributes})
	return outputs
}

// Unary appends an operator that keeps the shape of its input.
func (b *Builder) Unary(op graph.Op, attributes any, x graph.ValueID) graph.ValueID {
	return b.Node(op, attributes, []graph.ValueID{x}, b.Shape(x))[0]
}

// Clip appends a Clip.
func (b *Builder) Clip(x graph.ValueID, low, high float32) graph.ValueID {
	return b.Unary(graph.Clip, &graph.ClipAttributes{Min: low, Max: high}, x)
}

// Binary appends Add, Sub, Mul or Div with ONNX broadcasting.
func (b *Builder) Binary(op graph.Op, x, y graph.ValueID) graph.ValueID {
	p, q := b.Shape(x), b.Shape(y)
	rank := max(len(p), len(q))
	p = append(slices.Repeat([]int{1}, rank-len(p)), p...)
	q = append(slices.Repeat([]int{1}, rank-len(q)), q...)
	shape := make([]int, rank)
	for i := range shape {
		shape[i] = max(p[i], q[i])
	}
	return b.Node(op, nil, []graph.ValueID{x, y}, shape)[0]
}

// Window is the geometry of Conv and pools; nil fields mean 1, or 0 for pads.
type Window struct{ Kernel, Strides, Dilations, PadBegin, PadEnd []int }

func (w *Window) fill() {
	n := len(w.Kernel)
	for _, field := range []*[]int{&w.Strides, &w.Dilations} {
		if *field == nil {
			*field = slices.Repeat([]int{1}, n)
		}
	}
	for _, field := range []*[]int{&w.PadBegin, &w.PadEnd} {
		if *field == nil {
			*field = make([]int, n)
		}
	}
}

// extents of the output, 0 or negative where the kernel does not fit.
func (w *Window) extents(spatial []int) []int {
	out := make([]int, len(spatial))
	for i, size := range spatial {
		room := size + w.PadBegin[i] + w.PadEnd[i] - w.Dilations[i]*(w.Kernel[i]-1) - 1
		if room >= 0 {
			out[i] = room/w.Strides[i] + 1
		}
	}
	return out
}

// Conv appends a convolution with random weights, and a bias if asked for.
func (b *Builder) Conv(x graph.ValueID, outputs, groups int, w Window, bias bool) graph.ValueID {
	w.fill()
	in := b.Shape(x)
	inputs := []graph.ValueID{x, b.Random(-1, 1, append([]int{outputs, in[1] / groups}, w.Kernel...)...)}
	if bias {
		inputs = append(inputs, b.Random(-1, 1, outputs))
	}
	a := &graph.ConvAttributes{Kernel: w.Kernel, Strides: w.Strides, Dilations: w.Dilations, PadBegin: w.PadBegin, PadEnd: w.PadEnd, Groups: groups}
	return b.Node(graph.Conv, a, inputs, append([]int{1, outputs}, w.extents(in[2:])...))[0]
}

// Pool appends MaxPool or AveragePool.
func (b *Builder) Pool(op graph.Op, x graph.ValueID, w Window, countPadding bool) graph.ValueID {
	w.fill()
	in := b.Shape(x)
	a := &graph.PoolAttributes{Kernel: w.Kernel, Strides: w.Strides, Dilations: w.Dilations, PadBegin: w.PadBegin, PadEnd: w.PadEnd,
		CeilExtra: make([]int, len(w.Kernel)), CountIncludePad: countPadding}
	return b.Node(op, a, []graph.ValueID{x}, append([]int{1, in[1]}, w.extents(in[2:])...))[0]
}

// BatchNorm appends a BatchNormalization with random statistics.
func (b *Builder) BatchNorm(x graph.ValueID) graph.ValueID {
	c := b.Shape(x)[1]
	return b.Node(graph.BatchNormalization, &graph.BatchNormAttributes{Epsilon: 1e-3},
		[]graph.ValueID{x, b.Random(0.5, 1.5, c), b.Random(-1, 1, c), b.Random(-1, 1, c), b.Random(0.2, 2, c)}, b.Shape(x))[0]
}

// Gemm appends a Gemm with constant weights and bias.
func (b *Builder) Gemm(x graph.ValueID, outputs int, a graph.GemmAttributes) graph.ValueID {
	in := b.Shape(x)
	rows, k := in[0], in[1]
	if a.TransposeA {
		rows, k = k, rows
	}
	w := []int{k, outputs}
	if a.TransposeB {
		w = []int{outputs, k}
	}
	return b.Node(graph.Gemm, &a, []graph.ValueID{x, b.Random(-1, 1, w...), b.Random(-1, 1, outputs)}, []int{rows, outputs})[0]
}

// MatMul appends a product with a constant matrix on the right.
func (b *Builder) MatMul(x graph.ValueID, outputs int) graph.ValueID {
	in := b.Shape(x)
	last := len(in) - 1
	out := append(slices.Clone(in[:last]), outputs)
	return b.Node(graph.MatMul, nil, []graph.ValueID{x, b.Random(-1, 1, in[last], outputs)}, out)[0]
}

// Reshape appends a Reshape.
func (b *Builder) Reshape(x graph.ValueID, shape ...int) graph.ValueID {
	return b.Node(graph.Reshape, nil, []graph.ValueID{x}, shape)[0]
}

// Transpose appends a Transpose.
func (b *Builder) Transpose(x graph.ValueID, permutation ...int) graph.ValueID {
	shape := make([]int, len(permutation))
	for i, axis := range permutation {
		shape[i] = b.Shape(x)[axis]
	}
	return b.Node(graph.Transpose, &graph.TransposeAttributes{Permutation: permutation}, []graph.ValueID{x}, shape)[0]
}

// Concat appends a Concat.
func (b *Builder) Concat(axis int, values ...graph.ValueID) graph.ValueID {
	shape := slices.Clone(b.Shape(values[0]))
	for _, v := range values[1:] {
		shape[axis] += b.Shape(v)[axis]
	}
	return b.Node(graph.Concat, &graph.AxisAttributes{Axis: axis}, slices.Clone(values), shape)[0]
}

// Slice appends a Slice to the given output shape.
func (b *Builder) Slice(x graph.ValueID, starts, steps, shape []int) graph.ValueID {
	return b.Node(graph.Slice, &graph.SliceAttributes{Starts: starts, Steps: steps}, []graph.ValueID{x}, shape)[0]
}

// Pad appends a constant Pad.
func (b *Builder) Pad(x graph.ValueID, begin, end []int, value float32) graph.ValueID {
	shape := slices.Clone(b.Shape(x))
	for i := range shape {
		shape[i] += begin[i] + end[i]
	}
	return b.Node(graph.Pad, &graph.PadAttributes{Mode: graph.PadConstant, Begin: begin, End: end, Value: value}, []graph.ValueID{x}, shape)[0]
}

// Softmax appends a Softmax.
func (b *Builder) Softmax(x graph.ValueID, axis int) graph.ValueID {
	return b.Unary(graph.Softmax, &graph.AxisAttributes{Axis: axis}, x)
}

// ReduceMean appends a ReduceMean.
func (b *Builder) ReduceMean(x graph.ValueID, keep bool, axes ...int) graph.ValueID {
	var shape []int
	for i, extent := range b.Shape(x) {
		switch {
		case !slices.Contains(axes, i):
			shape = append(shape, extent)
		case keep:
			shape = append(shape, 1)
		}
	}
	return b.Node(graph.ReduceMean, &graph.ReduceAttributes{Axes: axes, KeepDims: keep}, []graph.ValueID{x}, shape)[0]
}

// Inputs draws normal samples for every graph input.
func (b *Builder) Inputs(count int) [][][]float32 {
	samples := make([][][]float32, count)
	for i := range samples {
		for _, v := range b.Graph.Inputs {
			data := make([]float32, graph.Elements(b.Shape(v)))
			for j := range data {
				data[j] = float32(b.RNG.NormFloat64())
			}
			samples[i] = append(samples[i], data)
		}
	}
	return samples
}
