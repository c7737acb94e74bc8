package ops_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/npusim/npusim/compiler/floatref"
	"github.com/npusim/npusim/compiler/graph"
	"github.com/npusim/npusim/compiler/onnx"
	"github.com/npusim/npusim/compiler/ops"
)

// operand is an input of a node under test. Without a name it is absent.
type operand struct {
	dims    []int64
	floats  []float32
	ints    []int64
	bools   bool // ints are booleans
	fed     bool // at run time, else an initializer
	present bool
}

// dims makes a shape.
func dims(d ...int64) []int64 { return append([]int64{}, d...) }

// x is a float input fed at run time, w a float initializer, k an integer one.
func x(shape []int64, v ...float32) operand {
	return operand{dims: shape, floats: v, fed: true, present: true}
}
func w(shape []int64, v ...float32) operand { return operand{dims: shape, floats: v, present: true} }
func k(shape []int64, v ...int64) operand   { return operand{dims: shape, ints: v, present: true} }
func truth(shape []int64, v ...int64) operand {
	return operand{dims: shape, ints: v, bools: true, present: true}
}

// list is a one-dimensional integer initializer.
func list(v ...int64) operand { return k(dims(int64(len(v))), v...) }

// count is an input of the values first, first+1, ... fed at run time.
func count(first float32, shape ...int64) operand {
	n := int64(1)
	for _, d := range shape {
		n *= d
	}
	o := operand{dims: shape, fed: true, present: true}
	for i := range n {
		o.floats = append(o.floats, first+float32(i))
	}
	return o
}

var absent = operand{}

func intAttribute(name string, v int64) onnx.Attribute {
	return onnx.Attribute{Name: name, Type: onnx.IntAttribute, I: v}
}
func floatAttribute(name string, v float32) onnx.Attribute {
	return onnx.Attribute{Name: name, Type: onnx.FloatAttribute, F: v}
}
func stringAttribute(name, v string) onnx.Attribute {
	return onnx.Attribute{Name: name, Type: onnx.StringAttribute, S: []byte(v)}
}
func intsAttribute(name string, v ...int64) onnx.Attribute {
	return onnx.Attribute{Name: name, Type: onnx.IntsAttribute, Ints: v}
}
func floatsAttribute(name string, v ...float32) onnx.Attribute {
	return onnx.Attribute{Name: name, Type: onnx.FloatsAttribute, Floats: v}
}
func tensorAttribute(name string, t onnx.Tensor) onnx.Attribute {
	return onnx.Attribute{Name: name, Type: onnx.TensorAttribute, T: &t}
}

// info is a float graph input.
func info(name string, shape ...int64) onnx.ValueInfo {
	v := onnx.ValueInfo{Name: name, Type: onnx.Float, HasShape: true}
	for _, d := range shape {
		v.Shape = append(v.Shape, onnx.Dimension{Value: d, Empty: d == 0})
	}
	return v
}

func boolTensor(name string, shape []int64, v []int64) onnx.Tensor {
	t := onnx.Tensor{Name: name, Type: onnx.Bool, Dims: shape}
	for _, b := range v {
		t.Raw = append(t.Raw, byte(b))
	}
	return t
}

// model wraps a graph.
func model(opset int, g onnx.Graph) *onnx.Model {
	return &onnx.Model{Path: "test.onnx", Opsets: []onnx.Opset{{Version: int64(opset)}}, Graph: g}
}

// oneNode makes a model of a single node with outputs y0, y1, ...
func oneNode(opset int, operator string, outputs int, operands []operand, attributes []onnx.Attribute) (*onnx.Model, [][]float32) {
	n := onnx.Node{Name: "node", OpType: operator, Attributes: attributes}
	var g onnx.Graph
	var data [][]float32
	for i, o := range operands {
		name := fmt.Sprintf("x%d", i)
		switch {
		case !o.present:
			name = ""
		case o.fed:
			g.Inputs = append(g.Inputs, info(name, o.dims...))
			data = append(data, o.floats)
		case o.bools:
			g.Initializers = append(g.Initializers, boolTensor(name, o.dims, o.ints))
		case o.ints != nil:
			g.Initializers = append(g.Initializers, onnx.NewIntTensor(name, o.dims, o.ints))
		default:
			g.Initializers = append(g.Initializers, onnx.NewFloatTensor(name, o.dims, o.floats))
		}
		n.Inputs = append(n.Inputs, name)
	}
	for i := range outputs {
		name := fmt.Sprintf("y%d", i)
		n.Outputs = append(n.Outputs, name)
		g.Outputs = append(g.Outputs, onnx.ValueInfo{Name: name})
	}
	g.Nodes = []onnx.Node{n}
	return model(opset, g), data
}

// execute imports and runs a model; constant outputs are given as they are.
func execute(t *testing.T, m *onnx.Model, data [][]float32) []*graph.Tensor {
	t.Helper()
	g, err := ops.Import(m)
	if err != nil {
		t.Fatal(err)
	}
	e, err := floatref.New(g, floatref.Options{})
	if err != nil {
		t.Fatal(err)
	}
	results, err := e.Run(data)
	if err != nil {
		t.Fatal(err)
	}
	var tensors []*graph.Tensor
	for i, id := range g.Outputs {
		v := &g.Values[id]
		tensor := &graph.Tensor{Shape: v.Shape, Type: v.Type, Floats: results[i]}
		if v.Constant != nil {
			tensor.Ints = v.Constant.Ints
		}
		tensors = append(tensors, tensor)
	}
	return tensors
}

// check compares a result with hand-computed values, exact but for rounding in
// the last places.
func check(t *testing.T, got *graph.Tensor, want operand) {
	t.Helper()
	shape := []int64{}
	for _, d := range got.Shape {
		shape = append(shape, int64(d))
	}
	if !slices.Equal(shape, want.dims) {
		t.Fatalf("shape %v, want %v", shape, want.dims)
	}
	if want.floats == nil {
		if got.Type == graph.Float32 && len(got.Floats) > 0 || !slices.Equal(got.Ints, want.ints) {
			t.Fatalf("%v values %v, want %v", got.Type, got.Ints, want.ints)
		}
		return
	}
	if len(got.Floats) != len(want.floats) {
		t.Fatalf("%d values, want %d", len(got.Floats), len(want.floats))
	}
	for i, v := range got.Floats {
		difference := math.Abs(float64(v) - float64(want.floats[i]))
		if v != want.floats[i] && !(difference <= 2e-6*math.Max(1, math.Abs(float64(want.floats[i])))) {
			t.Fatalf("element %d is %v, want %v\n got %v\nwant %v", i, v, want.floats[i], got.Floats, want.floats)
		}
	}
}
