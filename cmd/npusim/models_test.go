package main

import (
	"math"

	"github.com/npusim/npusim/compiler/onnx"
)

// testModels are small models for scripts, most of them faulty, by name. Each
// has the input x and the output y, both [1,4,4,4].
var testModels = map[string]func() *onnx.Model{
	"good": func() *onnx.Model {
		return testModel(node("Relu", "relu", "x", "y"))
	},
	"cyclic": func() *onnx.Model {
		return testModel(node("Add", "first", "x", "b", "a"), node("Relu", "second", "a", "b"), node("Relu", "last", "b", "y"))
	},
	"unsupported": func() *onnx.Model {
		return testModel(node("Erf", "error_function", "x", "y"))
	},
	"foreign": func() *onnx.Model {
		m := testModel(node("Relu", "relu", "x", "y"))
		m.Graph.Nodes[0].Domain = "com.example"
		return m
	},
	"missing-initializer": func() *onnx.Model {
		return testModel(node("Conv", "conv", "x", "weights", "y"))
	},
	"nan": func() *onnx.Model {
		m := testModel(node("Conv", "conv", "x", "weights", "y"))
		w := make([]float32, 4*4)
		w[5] = float32(math.NaN())
		m.Graph.Initializers = []onnx.Tensor{onnx.NewFloatTensor("weights", []int64{4, 4, 1, 1}, w)}
		return m
	},
	"absurd": func() *onnx.Model {
		m := testModel(node("Relu", "relu", "x", "y"))
		m.Graph.Inputs = []onnx.ValueInfo{tensorValue("x", 1, 1_000_000, 1000, 1000)}
		m.Graph.Outputs = []onnx.ValueInfo{tensorValue("y", 1, 1_000_000, 1000, 1000)}
		return m
	},
	"large-kernel": func() *onnx.Model {
		m := testModel(node("Conv", "conv", "x", "weights", "y"))
		w := make([]float32, 4*4*64*64)
		for i := range w {
			w[i] = float32(i%7) - 3
		}
		m.Graph.Inputs = []onnx.ValueInfo{tensorValue("x", 1, 4, 67, 67)}
		m.Graph.Initializers = []onnx.Tensor{onnx.NewFloatTensor("weights", []int64{4, 4, 64, 64}, w)}
		return m
	},
}

func testModel(nodes ...onnx.Node) *onnx.Model {
	return &onnx.Model{
		IRVersion: 7, Opsets: []onnx.Opset{{Version: 13}},
		Graph: onnx.Graph{
			Name: "test", Nodes: nodes,
			Inputs:  []onnx.ValueInfo{tensorValue("x", 1, 4, 4, 4)},
			Outputs: []onnx.ValueInfo{tensorValue("y", 1, 4, 4, 4)},
		},
	}
}

// node takes its inputs and, last, its output.
func node(op, name string, values ...string) onnx.Node {
	last := len(values) - 1
	return onnx.Node{Name: name, OpType: op, Inputs: values[:last], Outputs: values[last:]}
}

func tensorValue(name string, dims ...int64) onnx.ValueInfo {
	v := onnx.ValueInfo{Name: name, Type: onnx.Float, HasShape: true}
	for _, d := range dims {
		v.Shape = append(v.Shape, onnx.Dimension{Value: d})
	}
	return v
}
