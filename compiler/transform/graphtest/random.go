package graphtest

import (
	"slices"

	"github.com/npusim/npusim/compiler/graph"
	"pgregory.net/rapid"
)

// step appends one random operator to value x of shape [1,C,H,W]; it returns
// x itself where the operator does not fit.
type step struct {
	name  string
	apply func(b *Builder, t *rapid.T, x graph.ValueID) graph.ValueID
}

func draw(t *rapid.T, name string, low, high int) int { return rapid.IntRange(low, high).Draw(t, name) }

func drawWindow(t *rapid.T, padded bool) Window {
	w := Window{}
	for range 2 {
		k := draw(t, "kernel", 1, 3)
		w.Kernel = append(w.Kernel, k)
		w.Strides = append(w.Strides, draw(t, "stride", 1, 2))
		w.Dilations = append(w.Dilations, 1)
		begin, end := 0, 0
		if padded {
			begin, end = draw(t, "pad", 0, k-1), draw(t, "pad", 0, k-1)
		}
		w.PadBegin, w.PadEnd = append(w.PadBegin, begin), append(w.PadEnd, end)
	}
	return w
}

// fits tells whether a window gives at least one output.
func (b *Builder) fits(x graph.ValueID, w Window) bool {
	w.fill()
	return slices.Min(w.extents(b.Shape(x)[2:])) > 0
}

var steps = []step{
	{"convolution", func(b *Builder, t *rapid.T, x graph.ValueID) graph.ValueID {
		w := drawWindow(t, true)
		w.Dilations = []int{draw(t, "dilation", 1, 2), 1}
		if !b.fits(x, w) {
			return x
		}
		return b.Conv(x, draw(t, "outputs", 1, 6), 1, w, rapid.Bool().Draw(t, "bias"))
	}},
	{"depthwise", func(b *Builder, t *rapid.T, x graph.ValueID) graph.ValueID {
		w := drawWindow(t, true)
		if !b.fits(x, w) {
			return x
		}
		c := b.Shape(x)[1]
		return b.Conv(x, c*draw(t, "multiplier", 1, 2), c, w, rapid.Bool().Draw(t, "bias"))
	}},
	{"batch norm", func(b *Builder, t *rapid.T, x graph.ValueID) graph.ValueID { return b.BatchNorm(x) }},
	{"relu", func(b *Builder, t *rapid.T, x graph.ValueID) graph.ValueID { return b.Unary(graph.Relu, nil, x) }},
	{"clip", func(b *Builder, t *rapid.T, x graph.ValueID) graph.ValueID {
		low := float32(draw(t, "low", -2, 1))
		return b.Clip(x, low, low+float32(draw(t, "width", 1, 6)))
	}},
	{"activation", func(b *Builder, t *rapid.T, x graph.ValueID) graph.ValueID {
		switch draw(t, "function", 0, 4) {
		case 0:
			return b.Unary(graph.LeakyRelu, &graph.LeakyReluAttributes{Alpha: 0.1}, x)
		case 1:
			return b.Unary(graph.HardSigmoid, &graph.HardSigmoidAttributes{Alpha: 0.2, Beta: 0.5}, x)
		case 2:
			return b.Unary(graph.HardSwish, nil, x)
		case 3:
			return b.Unary(graph.Tanh, nil, x)
		}
		return b.Unary(graph.Sigmoid, nil, x)
	}},
	{"constant operand", func(b *Builder, t *rapid.T, x graph.ValueID) graph.ValueID {
		s := b.Shape(x)
		shapes := [][]int{{}, {1}, {s[1], 1, 1}, {1, s[1], 1, 1}, {s[3]}, {s[2], s[3]}, s}
		constant := b.Random(0.5, 2, rapid.SampledFrom(shapes).Draw(t, "shape")...)
		op := rapid.SampledFrom([]graph.Op{graph.Add, graph.Sub, graph.Mul, graph.Div}).Draw(t, "op")
		if op != graph.Div && rapid.Bool().Draw(t, "constant first") {
			return b.Binary(op, constant, x)
		}
		return b.Binary(op, x, constant)
	}},
	{"two branches", func(b *Builder, t *rapid.T, x graph.ValueID) graph.ValueID {
		y := b.Conv(x, b.Shape(x)[1], 1, Window{Kernel: []int{1, 1}}, true)
		if rapid.Bool().Draw(t, "gate") {
			y = b.Node(graph.GlobalAveragePool, nil, []graph.ValueID{y}, []int{1, b.Shape(x)[1], 1, 1})[0]
		}
		return b.Binary(rapid.SampledFrom([]graph.Op{graph.Add, graph.Sub, graph.Mul}).Draw(t, "op"), x, y)
	}},
	{"divide", func(b *Builder, t *rapid.T, x graph.ValueID) graph.ValueID {
		y := b.Binary(graph.Add, b.Unary(graph.Sigmoid, nil, x), b.Constant(nil, 0.5))
		return b.Binary(graph.Div, x, y)
	}},
	{"pool", func(b *Builder, t *rapid.T, x graph.ValueID) graph.ValueID {
		w := drawWindow(t, true)
		if !b.fits(x, w) {
			return x
		}
		op := rapid.SampledFrom([]graph.Op{graph.MaxPool, graph.AveragePool}).Draw(t, "op")
		return b.Pool(op, x, w, op == graph.AveragePool && rapid.Bool().Draw(t, "count padding"))
	}},
	{"mean", func(b *Builder, t *rapid.T, x graph.ValueID) graph.ValueID {
		axes := rapid.SampledFrom([][]int{{2}, {3}, {1}, {1, 2}}).Draw(t, "axes")
		if graph.Elements(b.Shape(x)[1:]) > 4 {
			return b.ReduceMean(x, true, axes...)
		}
		return x
	}},
	{"concat", func(b *Builder, t *rapid.T, x graph.ValueID) graph.ValueID {
		return b.Concat(draw(t, "axis", 1, 3), x, b.Unary(graph.Tanh, nil, x))
	}},
	{"slice", func(b *Builder, t *rapid.T, x graph.ValueID) graph.ValueID {
		shape := slices.Clone(b.Shape(x))
		axis := draw(t, "axis", 1, 3)
		starts, steps := []int{0, 0, 0, 0}, []int{1, 1, 1, 1}
		if rapid.Bool().Draw(t, "backwards") {
			starts[axis], steps[axis] = shape[axis]-1, -1
		} else {
			steps[axis] = draw(t, "step", 1, 2)
			shape[axis] = (shape[axis]-1)/steps[axis] + 1
		}
		return b.Slice(x, starts, steps, shape)
	}},
	{"split", func(b *Builder, t *rapid.T, x graph.ValueID) graph.ValueID {
		axis := draw(t, "axis", 1, 3)
		shape := b.Shape(x)
		if shape[axis] < 2 {
			return x
		}
		first, second := slices.Clone(shape), slices.Clone(shape)
		first[axis], second[axis] = 1, shape[axis]-1
		parts := b.Node(graph.Split, &graph.SplitAttributes{Axis: axis, Sizes: []int{1, shape[axis] - 1}}, []graph.ValueID{x}, first, second)
		return b.Concat(axis, parts[1], b.Unary(graph.Relu, nil, parts[0]))
	}},
	{"pad", func(b *Builder, t *rapid.T, x graph.ValueID) graph.ValueID {
		begin, end := []int{0, 0, 0, 0}, []int{0, 0, 0, 0}
		for axis := 1; axis < 4; axis++ {
			begin[axis], end[axis] = draw(t, "begin", 0, 1), draw(t, "end", 0, 1)
		}
		return b.Pad(x, begin, end, float32(draw(t, "value", -1, 1)))
	}},
	{"transpose", func(b *Builder, t *rapid.T, x graph.ValueID) graph.ValueID {
		permutation := append([]int{0}, rapid.Permutation([]int{1, 2, 3}).Draw(t, "permutation")...)
		return b.Transpose(x, permutation...)
	}},
	{"shuffle", func(b *Builder, t *rapid.T, x graph.ValueID) graph.ValueID {
		s := b.Shape(x)
		if s[1]%2 != 0 {
			return x
		}
		five := b.Reshape(x, 1, 2, s[1]/2, s[2], s[3])
		return b.Reshape(b.Transpose(five, 0, 2, 1, 3, 4), s...)
	}},
	{"product", func(b *Builder, t *rapid.T, x graph.ValueID) graph.ValueID {
		s := b.Shape(x)
		rows := b.Reshape(x, 1, s[1]*s[2], s[3])
		y := b.MatMul(rows, draw(t, "outputs", 1, 5))
		if rapid.Bool().Draw(t, "bias") {
			y = b.Binary(graph.Add, y, b.Random(-1, 1, b.Shape(y)[2]))
		}
		y = b.Unary(graph.Relu, nil, y)
		return b.Reshape(y, 1, s[1], s[2], b.Shape(y)[2])
	}},
	{"one dimension", func(b *Builder, t *rapid.T, x graph.ValueID) graph.ValueID {
		s := b.Shape(x)
		line := b.Reshape(x, 1, s[1], s[2]*s[3])
		y := b.Conv(line, draw(t, "outputs", 1, 4), 1, Window{Kernel: []int{3}, PadBegin: []int{1}, PadEnd: []int{1}}, false)
		y = b.Unary(graph.Relu, nil, b.BatchNorm(y))
		return b.Reshape(y, 1, b.Shape(y)[1], s[2], s[3])
	}},
	{"dense", func(b *Builder, t *rapid.T, x graph.ValueID) graph.ValueID {
		flat := b.Reshape(x, 1, graph.Elements(b.Shape(x)))
		a := graph.GemmAttributes{Alpha: 0.5, Beta: 2, TransposeB: rapid.Bool().Draw(t, "transposed")}
		y := b.Gemm(flat, draw(t, "outputs", 1, 6), a)
		return b.Reshape(b.Unary(graph.Relu, nil, y), 1, b.Shape(y)[1], 1, 1)
	}},
	{"softmax", func(b *Builder, t *rapid.T, x graph.ValueID) graph.ValueID {
		return b.Unary(graph.Softmax, &graph.AxisAttributes{Axis: draw(t, "axis", 1, 3), Flatten: rapid.Bool().Draw(t, "flatten")}, x)
	}},
	{"identity", func(b *Builder, t *rapid.T, x graph.ValueID) graph.ValueID { return b.Unary(graph.Identity, nil, x) }},
}

// maxElements keeps random tensors small.
const maxElements = 600

// Random draws a graph of up to a number of operators in a chain with
// branches. Some inner values become outputs too.
func Random(t *rapid.T, operators int) *Builder {
	b := New(rapid.Uint64().Draw(t, "seed"))
	x := b.Input(1, draw(t, "channels", 1, 4), draw(t, "rows", 1, 6), draw(t, "columns", 1, 6))
	for range draw(t, "operators", 1, operators) {
		names := make([]string, len(steps))
		for i := range steps {
			names[i] = steps[i].name
		}
		i := slices.Index(names, rapid.SampledFrom(names).Draw(t, "operator"))
		if y := steps[i].apply(b, t, x); y != x && graph.Elements(b.Shape(y)) <= maxElements {
			if draw(t, "tap", 0, 9) == 0 {
				b.Output(y)
			}
			x = y
		}
	}
	if !slices.Contains(b.Graph.Outputs, x) {
		b.Output(x)
	}
	return b
}
