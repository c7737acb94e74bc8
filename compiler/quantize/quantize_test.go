package quantize

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/npusim/npusim/compiler/graph"
	"github.com/npusim/npusim/compiler/integer"
	"github.com/npusim/npusim/compiler/transform"
	"github.com/npusim/npusim/compiler/transform/graphtest"
	"github.com/npusim/npusim/configs"
)

type window = graphtest.Window

func pair(a, b int) []int { return []int{a, b} }

// convert quantizes a built graph at 8 bits with shifts.
func convert(t testing.TB, b *graphtest.Builder, outputs ...graph.ValueID) (*integer.Graph, *Report, *transform.Network) {
	t.Helper()
	return convertWith(t, b.Output(outputs...), b.Inputs(4), settings(configs.PerLayerShift, configs.MinMax))
}

// kinds lists the kinds of the nodes.
func kinds(g *integer.Graph) string {
	var list []string
	for i := range g.Nodes {
		list = append(list, g.Nodes[i].Kind.String())
	}
	return strings.Join(list, " ")
}

func TestReLU6FusesAsExactClamp(t *testing.T) {
	b := graphtest.New(1)
	x := b.Conv(b.Input(1, 2, 4, 4), 3, 1, window{Kernel: pair(3, 3)}, true)
	x = b.Binary(graph.Mul, b.BatchNorm(x), b.Constant(nil, 20))
	g, _, n := convert(t, b, b.Clip(x, 0, 6))
	if kinds(g) != "convolution" {
		t.Fatalf("nodes are %s", kinds(g))
	}
	node, out := &g.Nodes[0], &g.Tensors[g.Outputs[0]]
	if node.Name != "Conv_0" || node.Op != "Conv+BatchNormalization+Mul+Clip" || !slices.Equal(node.Sources, []string{"Conv_0", "BatchNormalization_1", "Mul_2", "Clip_3"}) {
		t.Errorf("node is %q, %q, from %v", node.Name, node.Op, node.Sources)
	}
	if node.MACs != 3*2*2*2*9 {
		t.Errorf("%d multiply-accumulates", node.MACs)
	}
	if lowest, highest := toReal(node.Convolution.Low, out), toReal(node.Convolution.High, out); lowest != 0 || math.Abs(highest-6) > 1e-6 {
		t.Errorf("clamps at %g and %g", lowest, highest)
	}
	if n.Graph.Value(graph.ValueID(out.FloatValue)).Name != "v_Clip_3" {
		t.Errorf("the tensor stands for %q", n.Graph.Value(graph.ValueID(out.FloatValue)).Name)
	}
}

// TestClampWithinTheRange: bounds that are not the ends of the range.
func TestClampWithinTheRange(t *testing.T) {
	b := graphtest.New(1)
	x := b.Binary(graph.Add, b.Input(1, 2, 3, 3), b.Input(1, 2, 3, 3))
	g, _, _ := convert(t, b, b.Clip(x, 0.5, 1))
	a, out := g.Nodes[0].Binary, &g.Tensors[g.Outputs[0]]
	if a.Low != step(0.5, out) || a.Low == -128 || math.Abs(toReal(a.High, out)-1) > out.Scale/2 {
		t.Errorf("clamp is [%d, %d], scale %g, zero %d", a.Low, a.High, out.Scale, out.Zero)
	}
}

func TestActivationsStayWhereTheyCannotFuse(t *testing.T) {
	b := graphtest.New(1)
	x := b.Conv(b.Input(1, 2, 4, 4), 2, 1, window{Kernel: pair(1, 1)}, true)
	r := b.Unary(graph.Relu, nil, x) // x has another reader
	g, _, _ := convert(t, b, b.Binary(graph.Add, x, r), b.Pool(graph.AveragePool, r, window{Kernel: pair(2, 2)}, false))
	if kinds(g) != "convolution table binary pool" {
		t.Errorf("nodes are %s", kinds(g))
	}
}

func TestParametersAreKept(t *testing.T) {
	b := graphtest.New(1)
	x := b.Conv(b.Input(1, 2, 4, 4), 4, 1, window{Kernel: pair(1, 1)}, true)
	y := b.Pool(graph.MaxPool, x, window{Kernel: pair(2, 2)}, false)
	y = b.Slice(y, []int{0, 1, 0, 0}, []int{1, 1, 2, 1}, []int{1, 2, 2, 3})
	y = b.Pad(y, []int{0, 0, 1, 0}, []int{0, 0, 0, 0}, 0)
	g, _, _ := convert(t, b, b.Transpose(y, 0, 3, 1, 2))
	if kinds(g) != "convolution pool window rearrange" { // one window slices and pads
		t.Fatalf("nodes are %s", kinds(g))
	}
	first := &g.Tensors[g.Nodes[0].Output]
	for i := range g.Nodes {
		if out := &g.Tensors[g.Nodes[i].Output]; out.Scale != first.Scale || out.Zero != first.Zero {
			t.Errorf("%s changes the parameters", g.Nodes[i].Name)
		}
	}
	if w := g.Nodes[2].Window; w.Fill != first.Zero || w.Start != [3]int{1, -2, 0} || w.Step != [3]int{1, 2, 1} {
		t.Errorf("window is %+v, the zero point %d", *w, first.Zero)
	}
}

// TestSliceAndPadStayApart where the walk of the Slice, continued into the
// padding, would find real data.
func TestSliceAndPadStayApart(t *testing.T) {
	for _, c := range []struct {
		starts, steps, shape []int
		begin                []int
		want                 string
	}{
		{[]int{0, 0, 1, 0}, []int{1, 1, 1, 1}, []int{1, 2, 3, 4}, []int{0, 0, 1, 0}, "window window"},
		{[]int{0, 0, 0, 0}, []int{1, 1, 1, 2}, []int{1, 2, 4, 2}, []int{0, 0, 0, 1}, "window"},
		{[]int{0, 0, 1, 0}, []int{1, 1, 1, 1}, []int{1, 2, 3, 4}, []int{0, 1, 0, 0}, "window"},
		{[]int{0, 0, 0, 3}, []int{1, 1, 1, -1}, []int{1, 2, 4, 4}, []int{0, 0, 0, 2}, "window"},
	} {
		b := graphtest.New(1)
		x := b.Pad(b.Slice(b.Input(1, 2, 4, 4), c.starts, c.steps, c.shape), c.begin, []int{0, 0, 0, 0}, 0)
		g, _, _ := convert(t, b, x)
		if kinds(g) != c.want {
			t.Errorf("%+v: nodes are %s", c, kinds(g))
		}
		samples := b.Inputs(1)
		if db := signalToNoise(runFloat(t, b.Graph, samples), runInteger(t, g, samples)); db < 35 {
			t.Errorf("%+v: SQNR is %.1f dB", c, db)
		}
	}
}

func TestPadBeyondTheRange(t *testing.T) {
	b := graphtest.New(1)
	x := b.Input(1, 1, 3, 3)
	g, _, _ := convert(t, b, b.Pad(x, []int{0, 0, 1, 0}, []int{0, 0, 0, 0}, 50))
	out, w := &g.Tensors[g.Outputs[0]], g.Nodes[0].Window
	if w.Table == nil || math.Abs(toReal(w.Fill, out)-50) > out.Scale/2 {
		t.Errorf("fill is %g, table %v", toReal(w.Fill, out), w.Table != nil)
	}
}

func TestConcatCoversItsInputs(t *testing.T) {
	b := graphtest.New(1)
	x := b.Input(1, 2, 3, 3)
	wide := b.Binary(graph.Add, x, x)
	g, _, _ := convert(t, b, b.Concat(1, x, b.Unary(graph.Sigmoid, nil, x), wide), b.Concat(2, x, x))
	var joins []*integer.Node
	for i := range g.Nodes {
		if g.Nodes[i].Kind == integer.Concat {
			joins = append(joins, &g.Nodes[i])
		}
	}
	out := representable(&g.Tensors[joins[0].Output])
	for i, id := range joins[0].Inputs {
		in := representable(&g.Tensors[id])
		slack := g.Tensors[joins[0].Output].Scale
		if in.Low < out.Low-slack || in.High > out.High+slack {
			t.Errorf("input %d of %v is not within %v", i, in, out)
		}
		if joins[0].Concat.Tables[i] == nil && id != joins[0].Inputs[2] {
			t.Errorf("input %d has no table", i)
		}
	}
	if tables := joins[1].Concat.Tables; tables[0] != nil || tables[1] != nil || joins[1].Concat.Axis != 1 {
		t.Error("equal inputs need no tables")
	}
}

func TestFixedRanges(t *testing.T) {
	b := graphtest.New(1)
	x := b.Input(1, 4, 1, 1)
	g, _, _ := convert(t, b, b.Unary(graph.Sigmoid, nil, x), b.Softmax(x, 1))
	sigmoid, softmax := &g.Tensors[g.Outputs[0]], &g.Tensors[g.Outputs[1]]
	if sigmoid.Scale != 1.0/255 || sigmoid.Zero != -128 {
		t.Errorf("sigmoid has scale %g, zero %d", sigmoid.Scale, sigmoid.Zero)
	}
	if softmax.Scale != 1.0/256 || softmax.Zero != -128 {
		t.Errorf("softmax has scale %g, zero %d", softmax.Scale, softmax.Zero)
	}
}

func TestViewsAreFree(t *testing.T) {
	b := graphtest.New(1)
	x := b.Node(graph.GlobalAveragePool, nil, []graph.ValueID{b.Input(1, 4, 3, 3)}, []int{1, 4, 1, 1})[0]
	y := b.Gemm(b.Reshape(x, 1, 4), 5, graph.GemmAttributes{Alpha: 1, Beta: 1})
	g, _, _ := convert(t, b, b.Reshape(y, 5))
	if kinds(g) != "pool convolution" {
		t.Errorf("nodes are %s", kinds(g))
	}
	if fmt.Sprint(g.OutputShapes, g.InputShapes) != "[[5]] [[1 4 3 3]]" {
		t.Errorf("shapes are %v and %v", g.OutputShapes, g.InputShapes)
	}
}

func TestRearrangements(t *testing.T) {
	for _, c := range []struct {
		name, want string
		build      func(b *graphtest.Builder, x graph.ValueID) graph.ValueID
	}{
		{"shuffle is one", "rearrange", func(b *graphtest.Builder, x graph.ValueID) graph.ValueID {
			x = b.Transpose(b.Reshape(x, 1, 2, 3, 4, 4), 0, 2, 1, 3, 4)
			return b.Reshape(x, 1, 6, 4, 4)
		}},
		{"flattening moves data", "rearrange", func(b *graphtest.Builder, x graph.ValueID) graph.ValueID {
			return b.Reshape(x, 1, 96)
		}},
		{"there and back is nothing but a copy", "window", func(b *graphtest.Builder, x graph.ValueID) graph.ValueID {
			return b.Reshape(b.Reshape(x, 1, 96), 1, 6, 4, 4)
		}},
		{"an order that must become real in between", "rearrange rearrange", func(b *graphtest.Builder, x graph.ValueID) graph.ValueID {
			x = b.Transpose(x, 0, 2, 1, 3)    // 4x6x4
			x = b.Reshape(x, 1, 3, 8, 4)      // cuts across the 6
			return b.Transpose(x, 0, 3, 2, 1) //
		}},
		{"space to depth", "rearrange", func(b *graphtest.Builder, x graph.ValueID) graph.ValueID {
			x = b.Transpose(b.Reshape(x, 1, 6, 2, 2, 2, 2), 0, 1, 3, 5, 2, 4)
			return b.Reshape(x, 1, 24, 2, 2)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := graphtest.New(1)
			y := c.build(b, b.Input(1, 6, 4, 4))
			samples := b.Inputs(1)
			g, _, _ := convertWith(t, b.Output(y), samples, settings(configs.PerLayer, configs.MinMax))
			if kinds(g) != c.want {
				t.Errorf("nodes are %s instead of %s", kinds(g), c.want)
			}
			want := runFloat(t, b.Graph, samples)[0]
			got := runInteger(t, g, samples)[0]
			in := &g.Tensors[g.Inputs[0]]
			for i := range want {
				if d := math.Abs(float64(got[i] - want[i])); d > 1.01*in.Scale {
					t.Fatalf("element %d is %g instead of %g", i, got[i], want[i])
				}
			}
		})
	}
}

// TestOutputsAreResults: outputs that are inputs, constants or listed twice
// are copied.
func TestOutputsAreResults(t *testing.T) {
	b := graphtest.New(1)
	x := b.Input(1, 2, 3, 3)
	y := b.Unary(graph.Relu, nil, x)
	g, _, _ := convert(t, b, x, y, y)
	if kinds(g) != "table window window" || len(g.Outputs) != 3 {
		t.Fatalf("nodes are %s, outputs %v", kinds(g), g.Outputs)
	}
	seen := map[integer.TensorID]bool{g.Inputs[0]: true}
	for _, id := range g.Outputs {
		if seen[id] {
			t.Errorf("tensor %d is an output twice or an input", id)
		}
		seen[id] = true
	}
}

func TestDivision(t *testing.T) {
	b := graphtest.New(1)
	x := b.Input(1, 4, 8, 8)
	y := b.Binary(graph.Add, b.Unary(graph.Sigmoid, nil, x), b.Constant([]int{1, 4, 8, 8}, slices.Repeat([]float32{0.5}, 256)...))
	g, _, _ := convert(t, b, b.Binary(graph.Div, x, y))
	samples := b.Inputs(1)
	if db := signalToNoise(runFloat(t, b.Graph, samples), runInteger(t, g, samples)); db < 28 {
		t.Errorf("SQNR is %.1f dB\n%s", db, g)
	}
}

func TestAveragePoolCounts(t *testing.T) {
	for _, c := range []struct {
		count bool
		pad   int
		want  int
	}{{false, 0, 1}, {true, 1, 1}, {false, 1, 9}} {
		b := graphtest.New(1)
		x := b.Pool(graph.AveragePool, b.Input(1, 2, 5, 5), window{Kernel: pair(3, 3), PadBegin: pair(c.pad, c.pad), PadEnd: pair(c.pad, c.pad)}, c.count)
		g, _, _ := convert(t, b, x)
		if got := len(g.Nodes[0].Pool.Multipliers); got != c.want {
			t.Errorf("%+v: %d multipliers", c, got)
		}
	}
}

func TestLayerOverrides(t *testing.T) {
	b := graphtest.New(1)
	x := b.Conv(b.Input(1, 4, 4, 4), 4, 1, window{Kernel: pair(3, 3)}, true)
	x = b.Conv(b.Unary(graph.Relu, nil, x), 4, 1, window{Kernel: pair(2, 2)}, true)
	q := settings(configs.PerLayerShift, configs.MinMax)
	q.Layers = []configs.LayerRule{{Match: "Conv_2", Weights: configs.PerChannel, WeightBits: 4, ActivationBits: 5}}
	g, report, _ := convertWith(t, b.Output(x), b.Inputs(2), q)
	first, second := g.Nodes[0].Convolution, g.Nodes[1].Convolution
	if first.WeightBits != 8 || len(first.Requantizer.ChannelShift) != 4 || len(first.WeightScale) != 1 {
		t.Errorf("the first layer has %d bits", first.WeightBits)
	}
	if second.WeightBits != 4 || len(second.Requantizer.PerChannel) != 4 || len(second.WeightScale) != 4 || g.Tensors[g.Nodes[1].Output].Bits != 5 {
		t.Errorf("the second layer has %d and %d bits", second.WeightBits, g.Tensors[g.Nodes[1].Output].Bits)
	}
	if w := report.Layers[1].Weights; w.Scheme != configs.PerChannel || w.Bits != 4 || w.MinScale > w.MaxScale || w.SQNR < 10 || w.SQNR > 40 {
		t.Errorf("reported as %+v", *w)
	}
	if text := report.String(); strings.Count(text, "\n") != 3 || !strings.Contains(text, "per-channel i4") {
		t.Errorf("report is\n%s", text)
	}
}

// TestDeepNetworksKeepTheirSignal: random residual networks with depthwise and
// pointwise convolutions stay near their float outputs at 8 bits.
func TestDeepNetworksKeepTheirSignal(t *testing.T) {
	for seed := range uint64(6) {
		b := graphtest.New(seed)
		x := b.Conv(b.Input(1, 3, 16, 16), 12, 1, window{Kernel: pair(3, 3), Strides: pair(2, 2), PadBegin: pair(1, 1), PadEnd: pair(1, 1)}, true)
		for range 3 {
			y := b.Clip(b.BatchNorm(b.Conv(x, 24, 1, window{Kernel: pair(1, 1)}, false)), 0, 6)
			y = b.Clip(b.BatchNorm(b.Conv(y, 24, 24, window{Kernel: pair(3, 3), PadBegin: pair(1, 1), PadEnd: pair(1, 1)}, false)), 0, 6)
			x = b.Binary(graph.Add, x, b.BatchNorm(b.Conv(y, 12, 1, window{Kernel: pair(1, 1)}, false)))
		}
		x = b.Node(graph.GlobalAveragePool, nil, []graph.ValueID{x}, []int{1, 12, 1, 1})[0]
		x = b.Gemm(b.Reshape(x, 1, 12), 10, graph.GemmAttributes{Alpha: 1, Beta: 1})
		samples := b.Inputs(16)
		for _, scheme := range []configs.WeightScheme{configs.PerLayer, configs.PerLayerShift, configs.PerChannel} {
			g, _, _ := convertWith(t, graphWith(b, x), samples[:8], settings(scheme, configs.MinMax))
			if db := signalToNoise(runFloat(t, b.Graph, samples[8:]), runInteger(t, g, samples[8:])); db < 20 {
				t.Errorf("seed %d, %v: SQNR of the outputs is %.1f dB", seed, scheme, db)
			}
		}
	}
}

// graphWith sets the only output of the graph under construction.
func graphWith(b *graphtest.Builder, x graph.ValueID) *graph.Graph {
	b.Graph.Outputs = []graph.ValueID{x}
	return b.Graph
}

// TestSpreadFiltersCollapseAndRecover shrinks depthwise filter c by
// 2^-(c mod 12): one scale a layer loses the narrow filters, shifts keep all.
func TestSpreadFiltersCollapseAndRecover(t *testing.T) {
	const channels = 24
	b := graphtest.New(5)
	x := b.Conv(b.Input(1, channels, 8, 8), channels, channels, window{Kernel: pair(3, 3)}, false)
	weights := b.Graph.Value(b.Graph.Nodes[0].Inputs[1]).Constant.Floats
	for i := range weights {
		weights[i] = float32(math.Ldexp(float64(weights[i]), -(i / 9 % 12)))
	}
	samples := b.Inputs(8)
	for _, c := range []struct {
		scheme      configs.WeightScheme
		least, most float64 // dB of the worst filter
	}{{configs.PerLayer, -1, 1}, {configs.PerLayerShift, 30, 50}, {configs.PerChannel, 36, 60}} {
		g, _, _ := convertWith(t, graphWith(b, x), samples, settings(c.scheme, configs.MinMax))
		a := g.Nodes[0].Convolution
		l := &layerWeights{weights: weights, channels: channels, bits: 8}
		q := &quantizedWeights{weights: a.Weights, scales: a.WeightScale, requantizer: a.Requantizer}
		worst := math.Inf(1)
		for m := range channels {
			worst = math.Min(worst, channelSQNR(l, q, m))
		}
		if worst < c.least || worst > c.most {
			t.Errorf("%v: the worst filter has %.1f dB instead of %g to %g", c.scheme, worst, c.least, c.most)
		}
	}
}

func TestErrors(t *testing.T) {
	nan := float32(math.NaN())
	for _, c := range []struct {
		name, want string
		build      func(b *graphtest.Builder) graph.ValueID
		settings   func(q *configs.Quantization)
		sample     []float32
	}{
		{name: "reflection", want: `node "Pad_0" (Pad): mode reflect: supported is mode constant`, build: func(b *graphtest.Builder) graph.ValueID {
			x := b.Pad(b.Input(1, 1, 3, 3), []int{0, 0, 1, 1}, []int{0, 0, 1, 1}, 0)
			b.Graph.Nodes[0].Attributes.(*graph.PadAttributes).Mode = graph.PadReflect
			return x
		}},
		{name: "NaN input", want: `graph input "in0" holds NaN or an infinity`, sample: []float32{1, nan},
			build: func(b *graphtest.Builder) graph.ValueID { return b.Unary(graph.Relu, nil, b.Input(1, 2)) }},
		{name: "division by zero", want: `node "Div_0" (Div): its float output "v_Div_0" holds NaN or an infinity`, sample: []float32{0, 1},
			build: func(b *graphtest.Builder) graph.ValueID {
				return b.Binary(graph.Div, b.Constant([]int{1, 2}, 1, 1), b.Input(1, 2))
			}},
		{name: "16 bits", want: "activation_bits = 16: must be 2 to 8", settings: func(q *configs.Quantization) { q.ActivationBits = 16 },
			build: func(b *graphtest.Builder) graph.ValueID { return b.Unary(graph.Relu, nil, b.Input(1, 2)) }},
		{name: "rounding", want: "supported is half-up-shift", settings: func(q *configs.Quantization) { q.Rounding = 0 },
			build: func(b *graphtest.Builder) graph.ValueID { return b.Unary(graph.Relu, nil, b.Input(1, 2)) }},
		{name: "weight scheme", want: `node "Conv_0" (Conv): weight scheme`, settings: func(q *configs.Quantization) { q.Weights = 0 },
			build: func(b *graphtest.Builder) graph.ValueID {
				return b.Conv(b.Input(1, 1, 2, 2), 1, 1, window{Kernel: pair(1, 1)}, false)
			}},
		{name: "override bits", want: `node "Relu_0" (Relu): activation_bits = 12: must be 2 to 8`,
			settings: func(q *configs.Quantization) {
				q.Layers = []configs.LayerRule{{Match: "Relu*", ActivationBits: 12}}
			},
			build: func(b *graphtest.Builder) graph.ValueID { return b.Unary(graph.Relu, nil, b.Input(1, 2)) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := graphtest.New(1)
			g := b.Output(c.build(b))
			n, err := transform.Run(g)
			if err != nil {
				t.Fatal(err)
			}
			q := settings(configs.PerLayer, configs.MinMax)
			if c.settings != nil {
				c.settings(q)
			}
			sample := b.Inputs(1)[0]
			if c.sample != nil {
				sample = [][]float32{c.sample}
			}
			calibration, err := Calibrate(n, q, 1, 1, func(int) ([][]float32, error) { return sample, nil })
			if err == nil {
				_, _, err = Quantize(n, calibration, q)
			}
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("error is %v, must contain %q", err, c.want)
			}
		})
	}
	b := graphtest.New(1)
	// What transform.Run refuses already must not reach the arithmetic either.
	n, err := transform.Run(b.Output(b.Conv(b.Input(1, 1, 2, 2), 1, 1, window{Kernel: pair(1, 1)}, true)))
	if err != nil {
		t.Fatal(err)
	}
	for operand, want := range []string{1: "weights", 2: "bias"} {
		if operand == 0 {
			continue
		}
		q := settings(configs.PerLayer, configs.MinMax)
		calibration, err := Calibrate(n, q, 1, 1, func(int) ([][]float32, error) { return b.Inputs(1)[0], nil })
		if err != nil {
			t.Fatal(err)
		}
		v := n.Graph.Value(n.Graph.Nodes[0].Inputs[operand])
		kept := v.Constant
		v.Constant = nil
		if _, _, err := Quantize(n, calibration, q); err == nil || !strings.Contains(err.Error(), `node "Conv_0" (Conv): `+want) || !strings.Contains(err.Error(), "have to be constants") {
			t.Errorf("%s at run time: error is %v", want, err)
		}
		v.Constant = kept
	}
	b = graphtest.New(1)
	n, err = transform.Run(b.Output(b.Unary(graph.Relu, nil, b.Input(1, 2))))
	if err != nil {
		t.Fatal(err)
	}
	q := settings(configs.PerLayer, configs.MinMax)
	if _, _, err := Quantize(n, NewCalibration(n.Graph, q.Calibration), q); err == nil || !strings.Contains(err.Error(), `value "in0" has no calibrated range`) {
		t.Errorf("without samples the error is %v", err)
	}
	if _, err := Calibrate(n, q, 0, 1, nil); err == nil {
		t.Error("calibration without samples is accepted")
	}
	failure := fmt.Errorf("no such file")
	if _, err := Calibrate(n, q, 3, 2, func(int) ([][]float32, error) { return nil, failure }); err != failure {
		t.Errorf("the loader's error becomes %v", err)
	}
}

// TestWorkersDoNotMatter: the same samples give the same graph.
func TestWorkersDoNotMatter(t *testing.T) {
	b := graphtest.New(3)
	x := b.Conv(b.Input(1, 2, 6, 6), 4, 1, window{Kernel: pair(3, 3)}, true)
	n, err := transform.Run(b.Output(b.Unary(graph.Relu, nil, x)))
	if err != nil {
		t.Fatal(err)
	}
	samples := b.Inputs(9)
	q := settings(configs.PerLayerShift, configs.Percentile)
	q.Percentile = 95
	var texts []string
	for workers := 1; workers <= 3; workers++ {
		c, err := Calibrate(n, q, len(samples), workers, func(i int) ([][]float32, error) { return samples[i], nil })
		if err != nil {
			t.Fatal(err)
		}
		g, _, err := Quantize(n, c, q)
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, g.String())
	}
	if texts[0] != texts[1] || texts[0] != texts[2] {
		t.Errorf("graphs differ:\n%s\n%s", texts[0], texts[1])
	}
}
