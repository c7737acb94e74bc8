package transform_test

import (
	"math"
	"testing"

	"github.com/npusim/npusim/compiler/floatref"
	"github.com/npusim/npusim/compiler/graph"
	"github.com/npusim/npusim/compiler/transform"
	"github.com/npusim/npusim/compiler/transform/graphtest"
	"pgregory.net/rapid"
)

// sameFunction executes both graphs on samples and compares every output
// within 1e-5 of its largest element.
func sameFunction(t rapid.TB, before, after *graph.Graph, samples [][][]float32) {
	t.Helper()
	first, err := floatref.New(before, floatref.Options{})
	if err != nil {
		t.Fatalf("before: %v", err)
	}
	second, err := floatref.New(after, floatref.Options{})
	if err != nil {
		t.Fatalf("after: %v\n%s", err, after)
	}
	for _, sample := range samples {
		want, err := first.Run(sample)
		if err != nil {
			t.Fatalf("before: %v", err)
		}
		got, err := second.Run(sample)
		if err != nil {
			t.Fatalf("after: %v", err)
		}
		for i := range want {
			if len(want[i]) != len(got[i]) {
				t.Fatalf("output %d has %d elements instead of %d", i, len(got[i]), len(want[i]))
			}
			largest := 1.0
			for _, x := range want[i] {
				largest = math.Max(largest, math.Abs(float64(x)))
			}
			for j := range want[i] {
				if d := math.Abs(float64(want[i][j] - got[i][j])); !(d <= 1e-5*largest) {
					t.Fatalf("output %d element %d: %g instead of %g\nbefore:\n%s\nafter:\n%s", i, j, got[i][j], want[i][j], before, after)
				}
			}
		}
	}
}

// TestEveryPassKeepsTheFunction runs the passes one by one on random graphs.
func TestEveryPassKeepsTheFunction(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := graphtest.Random(t, 8)
		samples := b.Inputs(2)
		n := transform.NewNetwork(b.Graph)
		text := b.Graph.String()
		for _, pass := range transform.Passes {
			if err := n.Apply(pass); err != nil {
				t.Fatalf("%v\n%s", err, b.Graph)
			}
			sameFunction(t, b.Graph, n.Graph, samples)
		}
		if b.Graph.String() != text {
			t.Fatal("the imported graph was changed")
		}
		for i := range n.Graph.Nodes {
			node := &n.Graph.Nodes[i]
			switch node.Op {
			case graph.Conv, graph.MaxPool, graph.AveragePool, graph.Relu, graph.Clip, graph.LeakyRelu, graph.Sigmoid, graph.HardSigmoid,
				graph.HardSwish, graph.Tanh, graph.Add, graph.Sub, graph.Mul, graph.Div, graph.Softmax, graph.Concat, graph.Slice, graph.Pad,
				graph.Reshape, graph.Transpose:
			default:
				t.Fatalf("%v is left\n%s", node.Op, n.Graph)
			}
		}
	})
}
