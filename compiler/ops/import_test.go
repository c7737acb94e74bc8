package ops_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/npusim/npusim/compiler/graph"
	"github.com/npusim/npusim/compiler/onnx"
	"github.com/npusim/npusim/compiler/ops"
)

// op makes a node from names.
func op(name, operator string, inputs, outputs []string, attributes ...onnx.Attribute) onnx.Node {
	return onnx.Node{Name: name, OpType: operator, Inputs: inputs, Outputs: outputs, Attributes: attributes}
}

func names(n ...string) []string { return n }

func output(name string) []onnx.ValueInfo { return []onnx.ValueInfo{{Name: name}} }

// network is a small model with all that an exporter leaves in one: a symbolic
// batch, a shape chain, a dead branch, unsorted, unnamed and equally named
// nodes, an initializer that is declared as an input.
func network() *onnx.Model {
	batch := info("image", 0, 1, 4, 4)
	batch.Shape[0] = onnx.Dimension{Parameter: "N"}
	return model(13, onnx.Graph{
		Name:   "network",
		Inputs: []onnx.ValueInfo{batch, info("weights", 2, 1, 3, 3)},
		Initializers: []onnx.Tensor{
			onnx.NewFloatTensor("weights", dims(2, 1, 3, 3), make([]float32, 18)),
			onnx.NewFloatTensor("head", dims(3, 8), make([]float32, 24)),
			onnx.NewFloatTensor("unused", dims(1), []float32{float32(math.NaN())}),
			onnx.NewIntTensor("zero", dims(), []int64{0}),
			onnx.NewIntTensor("axes", dims(1), []int64{0}),
			onnx.NewIntTensor("rest", dims(1), []int64{-1}),
		},
		Nodes: []onnx.Node{
			op("layer", "Gemm", names("flat", "head"), names("logits"), intAttribute("transB", 1)),
			op("layer", "Conv", names("image", "weights"), names("features"), intsAttribute("strides", 2, 2), stringAttribute("auto_pad", "SAME_UPPER")),
			op("", "Relu", names("features"), names("active")),
			op("shape", "Shape", names("active"), names("sizes")),
			op("batch", "Gather", names("sizes", "zero"), names("size"), intAttribute("axis", 0)),
			op("lift", "Unsqueeze", names("size", "axes"), names("first")),
			op("join", "Concat", names("first", "rest"), names("target"), intAttribute("axis", 0)),
			op("flatten", "Reshape", names("active", "target"), names("flat")),
			op("dead", "NoSuchOperator", names("active"), names("nothing")),
		},
		Outputs: output("logits"),
	})
}

func TestImportNetwork(t *testing.T) {
	g, err := ops.Import(network())
	if err != nil {
		t.Fatal(err)
	}
	const want = `graph network opset 13
input %image<float32[1 1 4 4]>
%features<float32[1 2 2 2]> = Conv(%image<float32[1 1 4 4]>, @weights<float32[2 1 3 3]>) {Kernel:[3 3] Strides:[2 2] Dilations:[1 1] PadBegin:[0 0] PadEnd:[1 1] Groups:1} # layer
%active<float32[1 2 2 2]> = Relu(%features<float32[1 2 2 2]>) # active
%flat<float32[1 8]> = Reshape(%active<float32[1 2 2 2]>) # flatten
%logits<float32[1 3]> = Gemm(%flat<float32[1 8]>, @head<float32[3 8]>) {Alpha:1 Beta:1 TransposeA:false TransposeB:true} # layer_2
output %logits<float32[1 3]>
`
	if got := g.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if len(g.Values) != 7 {
		t.Errorf("%d values are left, want 7", len(g.Values))
	}
}

func TestImportOptions(t *testing.T) {
	symbolic := func() *onnx.Model {
		v := info("x", 1, 1)
		v.Shape = []onnx.Dimension{{Parameter: "N"}, {Parameter: "length"}, {Parameter: "N"}}
		return model(13, onnx.Graph{Inputs: []onnx.ValueInfo{v}, Nodes: []onnx.Node{op("n", "Relu", names("x"), names("y"))}, Outputs: output("y")})
	}
	cases := []struct {
		name    string
		options ops.Options
		want    []int
		message string
	}{
		{"nothing given", ops.Options{}, nil, `input "x": axis 1 has the symbolic size "length", which must be given`},
		{"a dimension", ops.Options{Dimensions: map[string]int{"length": 5}}, []int{1, 5, 1}, ""},
		{"the batch too", ops.Options{Dimensions: map[string]int{"length": 5, "N": 2}}, []int{2, 5, 2}, ""},
		{"the shape", ops.Options{Shapes: map[string][]int{"x": {3, 4, 3}}}, []int{3, 4, 3}, ""},
		{"wrong rank", ops.Options{Shapes: map[string][]int{"x": {3}}}, nil, "has 1 axes, the model states 3"},
		{"unknown input", ops.Options{Shapes: map[string][]int{"z": {3}}}, nil, `a shape is given for "z", which is not an input`},
		{"unknown dimension", ops.Options{Dimensions: map[string]int{"M": 2}}, nil, `dimension "M", which no input`},
		{"unknown constant", ops.Options{Constants: map[string]*graph.Tensor{"z": {}}}, nil, `a constant is given for "z"`},
		{"broken constant", ops.Options{Constants: map[string]*graph.Tensor{"x": {Type: graph.Float32, Shape: []int{2}}}}, nil, "0 elements where shape [2] takes 2"},
		{"absurd", ops.Options{Dimensions: map[string]int{"length": 1_000_000_000_000}}, nil, "has more than 67108864 elements"},
		{"negative", ops.Options{Dimensions: map[string]int{"length": -5}}, nil, "negative size"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			g, err := ops.ImportWith(symbolic(), c.options)
			if c.message != "" {
				checkFault(t, err, false, c.message)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := g.Values[g.Inputs[0]].Shape; !slices.Equal(got, c.want) {
				t.Errorf("shape %v, want %v", got, c.want)
			}
		})
	}
	g, err := ops.ImportWith(symbolic(), ops.Options{Constants: map[string]*graph.Tensor{"x": {Type: graph.Float32, Shape: []int{2}, Floats: []float32{-1, 1}}}})
	if err != nil {
		t.Fatal(err)
	}
	if len(g.Inputs) != 0 || len(g.Nodes) != 0 || !slices.Equal(g.Values[g.Outputs[0]].Constant.Floats, []float32{0, 1}) {
		t.Errorf("a constant input did not fold:\n%v", g)
	}
}

func TestImportRefusesBrokenGraphs(t *testing.T) {
	one := []onnx.ValueInfo{info("x", 1)}
	cases := []struct {
		name        string
		change      func(*onnx.Model)
		unsupported bool
		message     string
	}{
		{"cycle", func(m *onnx.Model) {
			m.Graph.Nodes = []onnx.Node{op("a", "Add", names("x", "c_out"), names("a_out")), op("b", "Relu", names("a_out"), names("b_out")), op("c", "Relu", names("b_out"), names("c_out")), op("d", "Relu", names("c_out"), names("y"))}
		}, false, `cycle: each of the nodes "b", "c", "a" reads`},
		{"self loop", func(m *onnx.Model) {
			m.Graph.Nodes = []onnx.Node{op("a", "Relu", names("y"), names("y"))}
		}, false, `cycle: each of the nodes "a"`},
		{"missing initializer", func(m *onnx.Model) {
			m.Graph.Nodes[0].Inputs[0] = "gone"
		}, false, `node "n" (Relu): its input 0, "gone", is not defined`},
		{"undefined output", func(m *onnx.Model) { m.Graph.Outputs = output("gone") }, false, `output "gone": is not defined`},
		{"no output", func(m *onnx.Model) { m.Graph.Outputs = nil }, false, "the graph has no output"},
		{"value made twice", func(m *onnx.Model) {
			m.Graph.Nodes = append(m.Graph.Nodes, op("o", "Relu", names("x"), names("y")))
		}, false, `node "o" (Relu): its output "y" is an output of node "n" (Relu) too`},
		{"output overwrites input", func(m *onnx.Model) {
			m.Graph.Nodes = append(m.Graph.Nodes, op("o", "Relu", names("y"), names("x")))
		}, false, `its output "x" is a graph input or initializer too`},
		{"input declared twice", func(m *onnx.Model) { m.Graph.Inputs = append(m.Graph.Inputs, info("x", 1)) }, false, `input "x": is declared twice`},
		{"unnamed input", func(m *onnx.Model) { m.Graph.Inputs = append(m.Graph.Inputs, info("", 1)) }, false, "input 1: has no name"},
		{"initializer twice", func(m *onnx.Model) {
			t := onnx.NewIntTensor("i", dims(), []int64{0})
			m.Graph.Initializers = []onnx.Tensor{t, t}
		}, false, `initializer "i": is defined twice`},
		{"unnamed initializer", func(m *onnx.Model) {
			m.Graph.Initializers = []onnx.Tensor{onnx.NewIntTensor("", dims(), []int64{0})}
		}, false, "initializer 0: has no name"},
		{"no opset", func(m *onnx.Model) { m.Opsets = []onnx.Opset{{Domain: "com.example", Version: 1}} }, false, "imports no operator set"},
		{"domain", func(m *onnx.Model) { m.Graph.Nodes[0].Domain = "com.microsoft" }, true, `operator domain "com.microsoft"`},
		{"absurd input", func(m *onnx.Model) { m.Graph.Inputs[0] = info("x", 1_000_000, 1_000_000) }, false, `input "x": shape [1000000 1000000] has more than`},
		{"huge size", func(m *onnx.Model) { m.Graph.Inputs[0] = info("x", 1<<40) }, false, "axis 0 has size 1099511627776"},
		{"negative size", func(m *onnx.Model) { m.Graph.Inputs[0] = info("x", 1, -1) }, false, "axis 1 has size -1"},
		{"unknown size", func(m *onnx.Model) { m.Graph.Inputs[0].Shape = make([]onnx.Dimension, 2) }, false, "axis 1 has no stated size"},
		{"no shape", func(m *onnx.Model) { m.Graph.Inputs[0].HasShape = false }, false, "the model states no shape"},
		{"type", func(m *onnx.Model) { m.Graph.Inputs[0].Type = onnx.Float16 }, true, `input "x" has element type FLOAT16`},
		{"kind", func(m *onnx.Model) { m.Graph.Inputs[0].Kind = onnx.SequenceValue }, true, `input "x" has the kind sequence`},
		{"integers at run time", func(m *onnx.Model) { m.Graph.Inputs[0].Type = onnx.Int64 }, true, "computes with type int64 at run time"},
		{"large output", func(m *onnx.Model) {
			m.Graph.Inputs[0] = info("x", 1, 100, 1000, 1000)
			m.Graph.Nodes = []onnx.Node{op("n", "Relu", names("x"), names("y"))}
		}, false, `input "x": shape [1 100 1000 1000] has more than 67108864 elements`},
		{"absurd output", func(m *onnx.Model) {
			m.Graph.Inputs[0] = info("x", 1<<20, 1)
			m.Graph.Nodes = []onnx.Node{op("t", "Transpose", names("x"), names("x_t")), op("n", "Add", names("x", "x_t"), names("y"))}
		}, false, `node "n" (Add, opset 13): output "y": shape [1048576 1048576] has more than`},
		{"sum of all tensors", func(m *onnx.Model) {
			m.Graph.Inputs[0] = info("x", 1<<26)
			m.Graph.Nodes = nil
			last := "x"
			for i := range 70 {
				next := fmt.Sprint("r", i)
				m.Graph.Nodes = append(m.Graph.Nodes, op("", "Relu", names(last), names(next)))
				last = next
			}
			m.Graph.Outputs = output(last)
		}, false, "more than 4294967296 elements in sum"},
		{"folding without end", func(m *onnx.Model) {
			m.Graph.Initializers = []onnx.Tensor{onnx.NewIntTensor("shape", dims(2), []int64{1 << 11, 1 << 11})}
			m.Graph.Nodes = []onnx.Node{
				op("a", "ConstantOfShape", names("shape"), names("ones")), op("n", "MatMul", names("ones", "ones"), names("y"))}
		}, false, "constant folding takes more than"},
		{"NaN weight", func(m *onnx.Model) {
			m.Graph.Initializers = []onnx.Tensor{onnx.NewFloatTensor("w", dims(2), []float32{1, float32(math.NaN())})}
			m.Graph.Nodes = []onnx.Node{op("n", "Mul", names("x", "w"), names("y"))}
		}, false, `node "n" (Mul): tensor "w" holds NaN at element 1`},
		{"infinity from folding", func(m *onnx.Model) {
			m.Graph.Initializers = []onnx.Tensor{onnx.NewFloatTensor("w", dims(1), []float32{3e38})}
			m.Graph.Nodes = []onnx.Node{op("s", "Add", names("w", "w"), names("sum")), op("n", "Mul", names("x", "sum"), names("y"))}
		}, false, `node "n" (Mul): tensor "sum" holds +Inf at element 0`},
		{"tensor of too few bytes", func(m *onnx.Model) {
			m.Graph.Initializers = []onnx.Tensor{{Name: "w", Type: onnx.Float, Dims: dims(2), Raw: make([]byte, 4)}}
			m.Graph.Nodes = []onnx.Node{op("n", "Mul", names("x", "w"), names("y"))}
		}, false, `node "n" (Mul, opset 13): input 1, "w": tensor "w": 4 bytes of data`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			m := model(13, onnx.Graph{Inputs: slices.Clone(one), Nodes: []onnx.Node{op("n", "Relu", names("x"), names("y"))}, Outputs: output("y")})
			c.change(m)
			_, err := ops.Import(m)
			checkFault(t, err, c.unsupported, c.message)
		})
	}
}

// TestEqualNames numbers nodes of one name, around names that look numbered.
func TestEqualNames(t *testing.T) {
	m := model(13, onnx.Graph{Inputs: []onnx.ValueInfo{info("v0", 1)}, Outputs: output("v6")})
	for i, name := range []string{"a", "a_2", "a", "a", "a_2", ""} {
		m.Graph.Nodes = append(m.Graph.Nodes, op(name, "Relu", names(fmt.Sprint("v", i)), names(fmt.Sprint("v", i+1))))
	}
	g, err := ops.Import(m)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for i := range g.Nodes {
		got = append(got, g.Nodes[i].Name)
	}
	if want := names("a", "a_2", "a_3", "a_4", "a_2_2", "v6"); !slices.Equal(got, want) {
		t.Errorf("names %v, want %v", got, want)
	}
}

// TestManyEqualNames would not end if numbering were quadratic.
func TestManyEqualNames(t *testing.T) {
	m := model(13, onnx.Graph{Inputs: []onnx.ValueInfo{info("x", 1)}})
	const nodes = 100_000
	for i := range nodes {
		m.Graph.Nodes = append(m.Graph.Nodes, op("same", "Relu", names("x"), names(fmt.Sprint(i))))
		m.Graph.Outputs = append(m.Graph.Outputs, onnx.ValueInfo{Name: fmt.Sprint(i)})
	}
	g, err := ops.Import(m)
	if err != nil {
		t.Fatal(err)
	}
	if last := g.Nodes[nodes-1].Name; last != fmt.Sprint("same_", nodes) {
		t.Errorf("the last node is named %s", last)
	}
}

// TestInfinityAsBound accepts infinities where they mean no bound, and as fill.
func TestInfinityAsBound(t *testing.T) {
	infinity := float32(math.Inf(1))
	m, data := oneNode(13, "Clip", 1, in(vector(-1, 2), w(dims(), 0), w(dims(), infinity)), nil)
	check(t, execute(t, m, data)[0], vectorOf(0, 2))
	m, data = oneNode(13, "Pad", 1, in(vector(1), list(1, 0), w(dims(), -infinity)), nil)
	check(t, execute(t, m, data)[0], vectorOf(-infinity, 1))
}

// TestOutputsWithoutNodes covers outputs that are inputs or constants.
func TestOutputsWithoutNodes(t *testing.T) {
	m := model(13, onnx.Graph{Inputs: []onnx.ValueInfo{info("x", 2)},
		Initializers: []onnx.Tensor{onnx.NewIntTensor("k", dims(1), []int64{7})},
		Outputs:      []onnx.ValueInfo{{Name: "x"}, {Name: "k"}, {Name: "x"}}})
	got := execute(t, m, [][]float32{{1, 2}})
	check(t, got[0], vectorOf(1, 2))
	check(t, got[1], integers(dims(1), 7))
	check(t, got[2], vectorOf(1, 2))
}

func TestRows(t *testing.T) {
	rows := ops.Rows()
	for i, r := range rows {
		if i > 0 && rows[i-1].Operator >= r.Operator {
			t.Errorf("%s does not follow %s", r.Operator, rows[i-1].Operator)
		}
		if r.MinOpset < 1 || r.MaxOpset < 21 || r.MinOpset > r.MaxOpset || r.RunsOn.String() == "invalid" {
			t.Errorf("row %s: opsets %d to %d on %v", r.Operator, r.MinOpset, r.MaxOpset, r.RunsOn)
		}
	}
}

func TestConstantOperands(t *testing.T) {
	m := model(13, onnx.Graph{
		Inputs:  []onnx.ValueInfo{info("x", 1), info("shape", 1), info("low", 1)},
		Nodes:   []onnx.Node{op("c", "Clip", names("x", "low"), names("c")), op("r", "Reshape", names("c", "shape"), names("y"))},
		Outputs: output("y"),
	})
	if got := ops.ConstantOperands(m); !slices.Equal(got, names("low", "shape")) {
		t.Errorf("got %v", got)
	}
}
