package evaluate_test

import (
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/npusim/npusim/compiler/onnx"
	"github.com/npusim/npusim/npu/evaluate"
)

// network is a small ONNX model under construction.
type network struct {
	opset int64
	graph onnx.Graph
	rng   *rand.Rand
}

func newNetwork(opset int64, input ...int64) *network {
	n := &network{opset: opset, rng: rand.New(rand.NewPCG(1, 2))}
	x := onnx.ValueInfo{Name: "x", Kind: onnx.TensorValue, Type: onnx.Float, HasShape: true}
	for _, d := range input {
		x.Shape = append(x.Shape, onnx.Dimension{Value: d})
	}
	n.graph.Name = "forms"
	n.graph.Inputs = []onnx.ValueInfo{x}
	return n
}

// weights adds normal weights, scaled so that a sum over inputs keeps its size.
func (n *network) weights(name string, inputs float64, dims ...int64) string {
	elements := int64(1)
	for _, d := range dims {
		elements *= d
	}
	data := make([]float32, elements)
	for i := range data {
		data[i] = float32(n.rng.NormFloat64() / math.Sqrt(inputs))
	}
	n.graph.Initializers = append(n.graph.Initializers, onnx.NewFloatTensor(name, dims, data))
	return name
}

func (n *network) node(operator, output string, inputs []string, attributes ...onnx.Attribute) {
	n.graph.Nodes = append(n.graph.Nodes, onnx.Node{Name: output, OpType: operator, Inputs: inputs, Outputs: []string{output}, Attributes: attributes})
}

func intAttribute(name string, v int64) onnx.Attribute {
	return onnx.Attribute{Name: name, Type: onnx.IntAttribute, I: v}
}

func intsAttribute(name string, v ...int64) onnx.Attribute {
	return onnx.Attribute{Name: name, Type: onnx.IntsAttribute, Ints: v}
}

// write stores the model with its last node's output as the output.
func (n *network) write(t *testing.T) string {
	t.Helper()
	last := n.graph.Nodes[len(n.graph.Nodes)-1].Outputs[0]
	n.graph.Outputs = []onnx.ValueInfo{{Name: last, Kind: onnx.TensorValue, Type: onnx.Float}}
	path := filepath.Join(t.TempDir(), "forms.onnx")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := onnx.WriteModel(f, &onnx.Model{IRVersion: 8, Opsets: []onnx.Opset{{Version: n.opset}}, Graph: n.graph}); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestForms runs operators whose form the machine does not have as it stands:
// softmax over any axis, and pools over windows that no scratchpad holds.
func TestForms(t *testing.T) {
	for _, c := range []struct {
		name  string
		least float64 // dB against float
		build func() *network
		long  bool
	}{
		{"softmax of tokens", 25, func() *network {
			n := newNetwork(13, 1, 12, 16)
			n.node("MatMul", "scores", []string{"x", n.weights("w", 16, 16, 40)})
			n.node("Softmax", "y", []string{"scores"}, intAttribute("axis", -1))
			return n
		}, false},
		{"softmax over rows", 25, func() *network {
			n := newNetwork(13, 1, 3, 10, 7)
			n.node("Softmax", "y", []string{"x"}, intAttribute("axis", 2))
			return n
		}, false},
		{"softmax over columns", 25, func() *network {
			n := newNetwork(13, 1, 3, 10, 7)
			n.node("Softmax", "y", []string{"x"}, intAttribute("axis", 3))
			return n
		}, false},
		{"flattened softmax", 25, func() *network {
			n := newNetwork(11, 1, 3, 10, 7)
			n.node("Softmax", "y", []string{"x"}, intAttribute("axis", 1))
			return n
		}, false},
		{"flattened softmax of rows", 25, func() *network {
			n := newNetwork(11, 1, 3, 10, 7)
			n.node("Softmax", "y", []string{"x"}, intAttribute("axis", 2))
			return n
		}, false},
		{"softmax of 1000 classes", 27, func() *network {
			n := newNetwork(13, 1, 64)
			n.node("Gemm", "scores", []string{"x", n.weights("w", 64, 64, 1000)})
			n.node("Softmax", "y", []string{"scores"})
			return n
		}, false},
		{"squeeze and excitation of a large image", 32, func() *network {
			n := newNetwork(13, 1, 32, 112, 112)
			n.node("Relu", "r", []string{"x"})
			n.node("GlobalAveragePool", "mean", []string{"r"})
			n.node("Conv", "squeeze", []string{"mean", n.weights("w1", 32, 8, 32, 1, 1)})
			n.node("Relu", "middle", []string{"squeeze"})
			n.node("Conv", "excite", []string{"middle", n.weights("w2", 8, 32, 8, 1, 1)})
			n.node("Sigmoid", "gate", []string{"excite"})
			n.node("Mul", "y", []string{"r", "gate"})
			return n
		}, true},
		{"mean of a larger image", 30, func() *network {
			n := newNetwork(13, 1, 20, 300, 300)
			n.node("Conv", "c", []string{"x", n.weights("w", 20, 20, 20, 1, 1)})
			n.node("Relu", "r", []string{"c"})
			n.node("GlobalAveragePool", "y", []string{"r"})
			return n
		}, true},
		{"large windows that walk", 30, func() *network {
			n := newNetwork(13, 1, 4, 90, 80)
			n.node("AveragePool", "a", []string{"x"}, intsAttribute("kernel_shape", 40, 40), intsAttribute("strides", 3, 2), intsAttribute("pads", 3, 2, 1, 7))
			n.node("MaxPool", "y", []string{"x"}, intsAttribute("kernel_shape", 50, 30), intsAttribute("strides", 2, 5), intsAttribute("pads", 3, 2, 1, 7))
			return n
		}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.long && (testing.Short() || raceEnabled) {
				t.Skip("a large image takes too long with the race detector or -short")
			}
			r := run(t, evaluate.Options{Model: c.build().write(t), Spec: load(t, "edge"), Samples: 2, CheckAll: true, Seed: 1})
			a := r.Accuracy
			if !*a.BitExact {
				t.Errorf("not bit-exact: %s", a.Divergence)
			}
			if a.SQNRDB == nil {
				t.Fatal("no noise figure")
			}
			if *a.SQNRDB < c.least {
				t.Errorf("%.1f dB against float, want at least %g", *a.SQNRDB, c.least)
			}
			t.Logf("%.1f dB, %d cycles, %d layers", *a.SQNRDB, r.Timing.Cycles, len(r.Layers))
		})
	}
}
