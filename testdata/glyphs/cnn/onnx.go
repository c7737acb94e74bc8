package cnn

import (
	"fmt"
	"strings"

	"github.com/npusim/npusim/compiler/onnx"
)

const (
	opset     = 13
	irVersion = 7 // of ONNX 1.8, the first release with opset 13
)

// ONNX gives the model as an ONNX graph with unfused normalization: input
// "image" [1,1,24,24], output "logits" [1,Classes].
func (m *Model) ONNX() *onnx.Model {
	w := &graphWriter{graph: onnx.Graph{
		Name:    "glyphs",
		Inputs:  []onnx.ValueInfo{floatValue("image", 1, 1, Size, Size)},
		Outputs: []onnx.ValueInfo{floatValue("logits", 1, int64(m.Classes))},
	}}
	w.graph.Initializers = append(w.graph.Initializers,
		onnx.NewFloatTensor("relu6/low", nil, []float32{0}),
		onnx.NewFloatTensor("relu6/high", nil, []float32{clipAt}))

	x := w.unit("stem/conv", &m.Stem, "image", kernel, 1)
	x = w.node("Relu", "stem/relu", []string{x})
	for i := range m.Blocks {
		b, block := &m.Blocks[i], fmt.Sprintf("block%d/", i+1)
		skip := x
		x = w.unit(block+"depthwise", &b.Depthwise, x, kernel, b.Depthwise.In)
		x = w.node("Clip", block+"depthwise_relu6", []string{x, "relu6/low", "relu6/high"})
		x = w.unit(block+"pointwise", &b.Pointwise, x, 1, 1)
		if b.Residual {
			x = w.node("Add", block+"add", []string{x, skip})
		}
		x = w.node("Relu", block+"relu", []string{x})
	}
	x = w.node("GlobalAveragePool", "pool", []string{x})
	x = w.node("Flatten", "flatten", []string{x}, intAttribute("axis", 1))
	w.tensor("classifier/weight", m.Weights, int64(m.Classes), int64(m.channels()))
	w.tensor("classifier/bias", m.Bias, int64(m.Classes))
	w.node("Gemm", "classifier", []string{x, "classifier/weight", "classifier/bias"}, intAttribute("transB", 1))
	last := &w.graph.Nodes[len(w.graph.Nodes)-1]
	last.Outputs = []string{"logits"}
	return &onnx.Model{
		IRVersion: irVersion, Producer: "npusim testdata/glyphs/generate",
		Opsets: []onnx.Opset{{Version: opset}}, Graph: w.graph,
	}
}

// graphWriter appends nodes; the output of a node has the node's name.
type graphWriter struct{ graph onnx.Graph }

func (w *graphWriter) node(op, name string, inputs []string, attributes ...onnx.Attribute) string {
	w.graph.Nodes = append(w.graph.Nodes, onnx.Node{
		Name: name, OpType: op, Inputs: inputs, Outputs: []string{name}, Attributes: attributes,
	})
	return name
}

func (w *graphWriter) tensor(name string, values []float32, dims ...int64) {
	w.graph.Initializers = append(w.graph.Initializers, onnx.NewFloatTensor(name, dims, values))
}

// unit appends the convolution of that name and its normalization.
func (w *graphWriter) unit(name string, u *Unit, x string, edge, groups int) string {
	pad, stride := int64(edge/2), int64(u.Stride)
	w.tensor(name+"/weight", u.Weights, int64(u.Out), int64(u.In/groups), int64(edge), int64(edge))
	x = w.node("Conv", name, []string{x, name + "/weight"},
		intsAttribute("dilations", 1, 1), intAttribute("group", int64(groups)),
		intsAttribute("kernel_shape", int64(edge), int64(edge)),
		intsAttribute("pads", pad, pad, pad, pad), intsAttribute("strides", stride, stride))
	inputs := []string{x}
	for _, v := range u.Norm.vectors() {
		w.tensor(normName(name)+"/"+v.name, *v.values, int64(u.Out))
		inputs = append(inputs, normName(name)+"/"+v.name)
	}
	return w.node("BatchNormalization", normName(name), inputs,
		onnx.Attribute{Name: "epsilon", Type: onnx.FloatAttribute, F: u.Norm.Epsilon})
}

// normName is the name of the normalization after a convolution.
func normName(convolution string) string {
	if stem, ok := strings.CutSuffix(convolution, "/conv"); ok {
		return stem + "/norm"
	}
	return convolution + "_norm"
}

// namedVector is one of the parameters of a normalization, in ONNX order.
type namedVector struct {
	name   string
	values *[]float32
}

func (b *BatchNorm) vectors() [4]namedVector {
	return [...]namedVector{
		{"scale", &b.Gamma}, {"bias", &b.Beta}, {"mean", &b.Mean}, {"variance", &b.Variance},
	}
}

// FromONNX takes the parameters back from a graph that ONNX made. The graph
// must have exactly the nodes that ONNX would write for them.
func FromONNX(file *onnx.Model) (*Model, error) {
	byName := map[string]*onnx.Tensor{}
	for i := range file.Graph.Initializers {
		byName[file.Graph.Initializers[i].Name] = &file.Graph.Initializers[i]
	}
	var fault error
	read := func(name string, to *[]float32) {
		t := byName[name]
		if t == nil {
			fault = fmt.Errorf("initializer %q is missing", name)
			return
		}
		values, err := t.Floats()
		if err != nil {
			fault = err
			return
		}
		*to = values
	}
	var bias []float32
	read("classifier/bias", &bias)
	if fault != nil {
		return nil, fault
	}
	m := NewModel(len(bias), 0)
	m.Bias = bias
	read("classifier/weight", &m.Weights)
	for _, u := range m.Units() {
		read(u.Name+"/weight", &u.Weights)
		for _, v := range u.Norm.vectors() {
			read(normName(u.Name)+"/"+v.name, v.values)
		}
	}
	if fault != nil {
		return nil, fault
	}
	return m, m.sameGraph(file)
}

// sameGraph checks that writing the model again gives the same graph.
func (m *Model) sameGraph(file *onnx.Model) error {
	want := m.ONNX().Graph
	if len(file.Graph.Nodes) != len(want.Nodes) || len(file.Graph.Initializers) != len(want.Initializers) {
		return fmt.Errorf("%d nodes and %d initializers, want %d and %d", len(file.Graph.Nodes),
			len(file.Graph.Initializers), len(want.Nodes), len(want.Initializers))
	}
	for i := range want.Nodes {
		if got, want := fmt.Sprint(file.Graph.Nodes[i]), fmt.Sprint(want.Nodes[i]); got != want {
			return fmt.Errorf("node %d is %s, want %s", i, got, want)
		}
	}
	for i := range want.Initializers {
		got, want := &file.Graph.Initializers[i], &want.Initializers[i]
		if got.Name != want.Name || fmt.Sprint(got.Dims) != fmt.Sprint(want.Dims) {
			return fmt.Errorf("initializer %d is %s %v, want %s %v", i, got.Name, got.Dims, want.Name, want.Dims)
		}
	}
	return nil
}

func floatValue(name string, dims ...int64) onnx.ValueInfo {
	v := onnx.ValueInfo{Name: name, Type: onnx.Float, HasShape: true}
	for _, d := range dims {
		v.Shape = append(v.Shape, onnx.Dimension{Value: d})
	}
	return v
}

func intAttribute(name string, value int64) onnx.Attribute {
	return onnx.Attribute{Name: name, Type: onnx.IntAttribute, I: value}
}

func intsAttribute(name string, values ...int64) onnx.Attribute {
	return onnx.Attribute{Name: name, Type: onnx.IntsAttribute, Ints: values}
}
