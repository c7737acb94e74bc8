package integer

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/npusim/npusim/isa/fixed"
)

// everyKind is a valid graph with a node of each kind.
func everyKind() *Graph {
	g := convolutionGraph(rand.New(rand.NewPCG(3, 3)), Shape{2, 4, 4}, 4, 1, square(3, 1, 1))
	shape := Shape{4, 4, 4}
	add := func(n Node, t Tensor) {
		n.Output = TensorID(len(g.Tensors))
		g.Tensors = append(g.Tensors, t)
		g.Nodes = append(g.Nodes, n)
	}
	y := g.Tensors[1] // the convolution's output
	half := fixed.Multiplier{M0: 1 << 30, Shift: 31}
	pooled := y
	pooled.Shape = Shape{4, 2, 2}
	add(Node{Name: "maximum", Op: "MaxPool", Kind: Pool, Inputs: []TensorID{1}, Pool: &PoolAttributes{Geometry: square(2, 2, 0)}}, pooled)
	add(Node{Name: "average", Op: "AveragePool", Kind: Pool, Inputs: []TensorID{1},
		Pool: &PoolAttributes{Geometry: square(3, 1, 1), Average: true, Multipliers: slices.Repeat([]fixed.Multiplier{half}, 9)}}, plain(shape, 0))
	add(Node{Name: "sum", Op: "Add", Kind: Binary, Inputs: []TensorID{1, 3},
		Binary: &BinaryAttributes{Mode: Add, Factors: fixed.AddFactors{A: 1 << 20, B: -1 << 20, Shift: 21}, Low: -128, High: 127}}, plain(shape, 0))
	add(Node{Name: "table", Op: "Tanh", Kind: Table, Inputs: []TensorID{4}, Table: new([256]int8)}, plain(shape, 0))
	probability := plain(shape, -128)
	probability.Scale = 1.0 / 256
	add(Node{Name: "softmax", Op: "Softmax", Kind: Softmax, Inputs: []TensorID{5},
		Softmax: &SoftmaxAttributes{Exponentials: fixed.SoftmaxTable(0.1), OutputShift: 8}}, probability)
	joined := plain(Shape{8, 4, 4}, 0)
	add(Node{Name: "concat", Op: "Concat", Kind: Concat, Inputs: []TensorID{5, 6}, Concat: &ConcatAttributes{Tables: []*[256]int8{nil, new([256]int8)}}}, joined)
	add(Node{Name: "window", Op: "Slice", Kind: Window, Inputs: []TensorID{7}, Window: &WindowAttributes{Start: [3]int{0, 1, 3}, Step: [3]int{2, 1, -1}}}, plain(Shape{4, 3, 4}, 0))
	add(Node{Name: "rearrange", Op: "Transpose", Kind: Rearrange, Inputs: []TensorID{8},
		Rearrange: &RearrangeAttributes{Dims: []int{3, 4, 4}, InputStrides: []int{4, 1, 12}}}, plain(Shape{3, 4, 4}, 0))
	constant := plain(Shape{1, 1, 4}, 0)
	constant.Constant = []int8{1, 2, 3, 4}
	g.Tensors = append(g.Tensors, constant) // 10
	add(Node{Name: "product", Op: "Mul", Kind: Binary, Inputs: []TensorID{9, 10}, Binary: &BinaryAttributes{Mode: Multiply, Multiplier: half, Low: -128, High: 127}}, plain(Shape{3, 4, 4}, 0))
	g.Outputs, g.OutputShapes = []TensorID{11, 2}, [][]int{{1, 3, 4, 4}, {1, 4, 2, 2}}
	return g
}

func TestValidate(t *testing.T) {
	if err := everyKind().Validate(); err != nil {
		t.Fatal(err)
	}
	node := func(kind Kind, f func(*Node)) func(*Graph) {
		return func(g *Graph) {
			for i := range g.Nodes {
				if g.Nodes[i].Kind == kind {
					f(&g.Nodes[i])
					return
				}
			}
		}
	}
	for _, c := range []struct {
		name, want string
		spoil      func(*Graph)
	}{
		{"no input", "the graph has no input", func(g *Graph) { g.Inputs = nil }},
		{"shape of an input", "ONNX shape [1 2 4 5] has 40 elements, tensor 0 has 32", func(g *Graph) { g.InputShapes[0][3] = 5 }},
		{"output that does not exist", "output 0: tensor 99 does not exist", func(g *Graph) { g.Outputs[0] = 99 }},
		{"input twice", "already an input", func(g *Graph) { g.Inputs, g.InputShapes = []TensorID{0, 0}, [][]int{{32}, {32}} }},
		{"negative extent", "extents must be positive", func(g *Graph) { g.Tensors[5].Shape.Rows = -1 }},
		{"huge extents", "at most 1073741824 elements", func(g *Graph) { g.Tensors[5].Shape = Shape{1 << 20, 1 << 20, 1 << 20} }},
		{"bits", "9 bits: must be 2 to 8", func(g *Graph) { g.Tensors[0].Bits = 9 }},
		{"scale", "scale NaN", func(g *Graph) { g.Tensors[0].Scale = math.NaN() }},
		{"zero point", "zero point 3: must be within [-2, 1]", func(g *Graph) { g.Tensors[1].Bits = 2 }},
		{"constant length", "constant of 3 elements instead of 4", func(g *Graph) { g.Tensors[10].Constant = []int8{1, 2, 3} }},
		{"constant range", "constant element 2 is 3: must be within [-2, 1]", func(g *Graph) { g.Tensors[10].Bits, g.Tensors[10].Constant = 2, []int8{1, 0, 3, 0} }},
		{"order", "input tensor 3 has no value yet", func(g *Graph) { g.Nodes[2], g.Nodes[3] = g.Nodes[3], g.Nodes[2] }},
		{"two writers", "already has a value", func(g *Graph) { g.Nodes[2].Output = 2 }},
		{"kind", "exactly the attributes of the node's kind", func(g *Graph) { g.Nodes[0].Kind = Pool }},
		{"two attributes", "exactly the attributes of the node's kind", node(Table, func(n *Node) { n.Pool = &PoolAttributes{} })},
		{"operand count", "1 inputs instead of 2", node(Binary, func(n *Node) { n.Inputs = n.Inputs[:1] })},
		{"kernel", "must be 1 to 65536", node(Convolution, func(n *Node) { n.Convolution.Stride[0] = 0 })},
		{"padding", "must be 0 to 65536", node(Convolution, func(n *Node) { n.Convolution.PadEnd[0] = -1 })},
		{"window walk", "the window walk gives 3 and 4", node(Convolution, func(n *Node) { n.Convolution.PadEnd[0] = 0 })},
		{"groups", "3 groups must divide", node(Convolution, func(n *Node) { n.Convolution.Groups = 3 })},
		{"weights", "71 weights and 4 biases instead of 72 and 4", node(Convolution, func(n *Node) { n.Convolution.Weights = n.Convolution.Weights[1:] })},
		{"weight range", "must be within [-8, 7]", node(Convolution, func(n *Node) { n.Convolution.WeightBits = 4 })},
		{"weight scales", "2 weight scales: must be 1 or 4", node(Convolution, func(n *Node) { n.Convolution.WeightScale = []float64{1, 1} })},
		{"clamp", "clamp [1, 0]", node(Convolution, func(n *Node) { n.Convolution.Low, n.Convolution.High = 1, 0 })},
		{"overflow", "channel 1: the sum can reach", node(Convolution, func(n *Node) { n.Convolution.Bias[1] = math.MinInt32 + 1 })},
		{"shift 0", "shift 0+0: must be within [1, 62]", node(Convolution, func(n *Node) { n.Convolution.Requantizer.PerLayer.Shift = 0 })},
		{"total shift", "channel 2: shift 50+13: must be within [1, 62]", node(Convolution, func(n *Node) {
			n.Convolution.Requantizer = Requantizer{PerLayer: fixed.Multiplier{M0: 1 << 30, Shift: 50}, ChannelShift: []uint8{0, 12, 13, 0}}
		})},
		{"channel shift", "shift 16 exceeds 15", node(Convolution, func(n *Node) { n.Convolution.Requantizer.ChannelShift = []uint8{0, 16, 0, 0} })},
		{"two requantizers", "exclude a layer multiplier", node(Convolution, func(n *Node) { n.Convolution.Requantizer.PerChannel = make([]fixed.Multiplier, 4) })},
		{"negative multiplier", "multiplier -1", node(Convolution, func(n *Node) { n.Convolution.Requantizer.PerLayer.M0 = -1 })},
		{"maximum changes values", "parameters differ", func(g *Graph) { g.Tensors[2].Zero++ }},
		{"maximum with multipliers", "a maximum has no multipliers", node(Pool, func(n *Node) { n.Pool.Multipliers = make([]fixed.Multiplier, 1) })},
		{"window in the padding", "window 0 of axis 0 lies wholly in the padding", func(g *Graph) {
			g.Nodes[1].Pool.PadBegin, g.Nodes[1].Pool.PadEnd = [2]int{2, 0}, [2]int{-0, 0}
			g.Tensors[2].Shape.Rows = 3
			g.OutputShapes[1] = []int{24}
		}},
		{"average counts", "2 multipliers: must be 1 or 9", func(g *Graph) { g.Nodes[2].Pool.Multipliers = g.Nodes[2].Pool.Multipliers[:2] }},
		{"broadcast", "do not broadcast", func(g *Graph) { g.Tensors[10].Shape, g.Tensors[10].Constant = Shape{1, 1, 2}, []int8{1, 2} }},
		{"binary mode", "binary mode 9 does not exist", node(Binary, func(n *Node) { n.Binary.Mode = 9 })},
		{"table range", "table entry of -127 is 9: must be within [-2, 1]", func(g *Graph) { g.Tensors[5].Bits, g.Nodes[4].Table[1] = 2, 9 }},
		{"exponential", "the exponential of 0", node(Softmax, func(n *Node) { n.Softmax.Exponentials[0]-- })},
		{"rising exponential", "exceeds that of", node(Softmax, func(n *Node) { n.Softmax.Exponentials[7]++; n.Softmax.Exponentials[6] = 0 })},
		{"softmax scale", "is not 2^-8", func(g *Graph) { g.Tensors[6].Scale = 0.5 }},
		{"concat axis", "axis 3: must be 0, 1 or 2", node(Concat, func(n *Node) { n.Concat.Axis = 3 })},
		{"concat extents", "does not fit", node(Concat, func(n *Node) { n.Concat.Axis = 1 })},
		{"concat tables", "1 tables for 2 inputs", node(Concat, func(n *Node) { n.Concat.Tables = n.Concat.Tables[1:] })},
		{"concat values", "input 1: elements are copied but the parameters differ", node(Concat, func(n *Node) { n.Concat.Tables[1] = nil })},
		{"window step", "steps not zero", node(Window, func(n *Node) { n.Window.Step[0] = 0 })},
		{"no permutation", "are no permutation", node(Rearrange, func(n *Node) { n.Rearrange.InputStrides[0] = 5 })},
		{"rearranged elements", "do not cover", node(Rearrange, func(n *Node) { n.Rearrange.Dims[0] = 2 })},
		{"too many loops", "7 dimensions", node(Rearrange, func(n *Node) {
			n.Rearrange.Dims, n.Rearrange.InputStrides = make([]int, 7), make([]int, 7)
		})},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := everyKind()
			c.spoil(g)
			err := g.Validate()
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("error is %v, must contain %q", err, c.want)
			}
			if _, err := NewReference(g); err == nil {
				t.Fatal("NewReference accepts what Validate refuses")
			}
		})
	}
}

// TestSumBound builds the worst sums a channel may have and executes them.
func TestSumBound(t *testing.T) {
	taps := 131072
	in := Shape{taps, 1, 1}
	g := convolutionGraph(rand.New(rand.NewPCG(1, 1)), in, 1, 1, square(1, 1, 0))
	a := g.Nodes[0].Convolution
	for i := range a.Weights {
		a.Weights[i] = 127
	}
	room := int32(math.MaxInt32 - int64(taps)*127*128)
	a.Bias[0] = -room
	a.Requantizer.PerLayer = fixed.Multiplier{M0: 1 << 30, Shift: 54}
	x := slices.Repeat([]int8{-128}, taps)
	if got, want := runOne(t, g, x)[0], requantized(-math.MaxInt32, a.Requantizer.PerLayer, 3, -128, 127); got != want {
		t.Errorf("the largest sum gives %d instead of %d", got, want)
	}
	a.Bias[0]--
	if err := g.Validate(); err == nil {
		t.Error("a sum beyond 32 bits is accepted")
	}
}

func TestText(t *testing.T) {
	const want = `integer graph one convolution rounding half-up-shift
input %0<2x4x4 i8 1*(q-121)> [1 2 4 4]
constant %10<1x1x4 i8 1*(q+0)> [4:b63cfbcd]
%1<4x4x4 i8 1*(q-3)> = convolution(%0) kernel [3 3] stride [1 1] dilation [1 1] pads [1 1] [1 1] groups 1 weights i8 [72:49c92dfa] bias [662 -86 -282 305] multiplier {1073741824 38} clamp [-128, 127] # conv: Conv
%2<4x2x2 i8 1*(q-3)> = pool(%1) maximum kernel [2 2] stride [2 2] dilation [1 1] pads [0 0] [0 0] # maximum: MaxPool
%3<4x4x4 i8 1*(q+0)> = pool(%1) average kernel [3 3] stride [1 1] dilation [1 1] pads [1 1] [1 1] multipliers [{1073741824 31} {1073741824 31} {1073741824 31} {1073741824 31} {1073741824 31} {1073741824 31} {1073741824 31} {1073741824 31} +1] # average: AveragePool
%4<4x4x4 i8 1*(q+0)> = binary(%1, %3) add {A:1048576 B:-1048576 Shift:21} clamp [-128, 127] # sum: Add
%5<4x4x4 i8 1*(q+0)> = table(%4) [256:0d968558] # table: Tanh
%6<4x4x4 i8 0.00390625*(q+128)> = softmax(%5) output shift 8 # softmax: Softmax
%7<8x4x4 i8 1*(q+0)> = concat(%5, %6) axis 0 table 1 [256:0d968558] # concat: Concat
%8<4x3x4 i8 1*(q+0)> = window(%7) start [0 1 3] step [2 1 -1] fill 0 # window: Slice
%9<3x4x4 i8 1*(q+0)> = rearrange(%8) dims [3 4 4] strides [4 1 12] # rearrange: Transpose
%11<3x4x4 i8 1*(q+0)> = binary(%9, %10) multiply {1073741824 31} clamp [-128, 127] # product: Mul
output %11 [1 3 4 4]
output %2 [1 4 2 2]
`
	got := everyKind().String()
	if got != want {
		t.Errorf("text is\n%s\ninstead of\n%s", got, want)
	}
	if again := everyKind().String(); again != got {
		t.Error("the text is not stable")
	}
}
