package transform_test

import (
	"fmt"
	"testing"

	"github.com/npusim/npusim/compiler/graph"
	"github.com/npusim/npusim/compiler/transform"
	"github.com/npusim/npusim/compiler/transform/graphtest"
)

// TestSoftmaxForms runs Softmax over every axis of every shape that has a
// layout, in both forms, and checks that it ends up over the channels.
func TestSoftmaxForms(t *testing.T) {
	for _, shape := range [][]int{{6}, {1, 6}, {5, 6}, {1, 1}, {1, 5, 6}, {4, 5, 6}, {4, 1, 6}, {4, 5, 1}, {1, 1, 6}, {1, 3, 4, 5}, {1, 1, 4, 5},
		{1, 3, 1, 5}, {1, 3, 4, 1}, {1, 6, 1, 1}, {1, 1, 1, 6}, {1, 1, 3, 4, 5}} {
		for axis := range shape {
			for _, flatten := range []bool{false, true} {
				t.Run(fmt.Sprintf("%v axis %d flatten %v", shape, axis, flatten), func(t *testing.T) {
					b := graphtest.New(1)
					x := b.Unary(graph.Tanh, nil, b.Input(shape...))
					x = b.Unary(graph.Softmax, &graph.AxisAttributes{Axis: axis, Flatten: flatten}, x)
					g := b.Output(x, b.Unary(graph.LeakyRelu, &graph.LeakyReluAttributes{Alpha: 0.5}, x))
					n, err := transform.Run(g)
					if err != nil {
						t.Fatal(err)
					}
					sameFunction(t, g, n.Graph, b.Inputs(2))
					for i := range n.Graph.Nodes {
						node := &n.Graph.Nodes[i]
						if a, ok := node.Attributes.(*graph.AxisAttributes); ok && (a.Axis != 1 || a.Flatten || len(n.Graph.Value(node.Inputs[0]).Shape) != 4) {
							t.Errorf("not over the channels of four axes:\n%s", n.Graph)
						}
					}
				})
			}
		}
	}
}

// TestSoftmaxBeyondColumns has more elements before the axis than one axis of
// the machine holds.
func TestSoftmaxBeyondColumns(t *testing.T) {
	b := graphtest.New(1)
	g := b.Output(b.Softmax(b.Input(1, 200, 200, 3), 3))
	n, err := transform.Run(g)
	if err != nil {
		t.Fatal(err)
	}
	sameFunction(t, g, n.Graph, b.Inputs(1))
	for i := range n.Graph.Nodes {
		if shape := n.Graph.Value(n.Graph.Nodes[i].Outputs[0]).Shape; max(shape[2], shape[3]) > 200 {
			t.Errorf("shape %v:\n%s", shape, n.Graph)
		}
	}
}

// TestLargePools splits large windows of every kind and leaves the others.
func TestLargePools(t *testing.T) {
	for _, c := range []struct {
		name   string
		parts  int
		rows   int
		column int
		w      window
	}{
		{"whole image", 2, 33, 32, window{Kernel: pair(33, 32)}},
		{"at the limit", 1, 32, 32, window{Kernel: pair(32, 32)}},
		{"strides", 2, 50, 47, window{Kernel: pair(40, 30), Strides: pair(3, 2)}},
		{"padding", 2, 40, 40, window{Kernel: pair(36, 37), Strides: pair(4, 2), PadBegin: pair(5, 3), PadEnd: pair(2, 8)}},
		{"dilations", 2, 80, 36, window{Kernel: pair(35, 33), Dilations: pair(2, 1), PadBegin: pair(7, 0), PadEnd: pair(0, 4)}},
		{"line that stays", 1, 1, 4096, window{Kernel: pair(1, 4096)}},
		{"line", 2, 1, 5000, window{Kernel: pair(1, 5000)}},
		{"line with a rest", 2, 1, 9500, window{Kernel: pair(1, 5000), Strides: pair(1, 9000)}},
		{"column", 2, 4100, 1, window{Kernel: pair(4100, 1)}},
		{"walking line", 2, 2, 9007, window{Kernel: pair(1, 6000), Strides: pair(1, 1000)}},
		{"walking line without a divisor", 1, 1, 6100, window{Kernel: pair(1, 6000), Strides: pair(1, 7)}},
		{"prime line", 1, 1, 4099, window{Kernel: pair(1, 4099)}},
		{"padded line", 1, 1, 5000, window{Kernel: pair(1, 5000), PadBegin: pair(0, 1)}},
		{"line and rows", 3, 2, 5000, window{Kernel: pair(2, 5000)}},
		{"longest line", 2, 1, 32767, window{Kernel: pair(1, 32767)}},
	} {
		for _, op := range []graph.Op{graph.AveragePool, graph.MaxPool} {
			for _, counted := range []bool{false, op == graph.AveragePool} {
				t.Run(fmt.Sprintf("%s %v %v", c.name, op, counted), func(t *testing.T) {
					b := graphtest.New(1)
					g := b.Output(b.Pool(op, b.Input(1, 2, c.rows, c.column), c.w, counted))
					n, err := transform.Run(g)
					if err != nil {
						t.Fatal(err)
					}
					sameFunction(t, g, n.Graph, b.Inputs(1))
					if len(n.Graph.Nodes) != c.parts {
						t.Errorf("%d parts instead of %d:\n%s", len(n.Graph.Nodes), c.parts, n.Graph)
					}
				})
			}
		}
	}
}

// TestLargeMeans takes means over large axes, the channels among them.
func TestLargeMeans(t *testing.T) {
	for _, axes := range [][]int{{2, 3}, {1, 2, 3}, {1, 2}, {1, 3}, {1}} {
		b := graphtest.New(1)
		g := b.Output(b.ReduceMean(b.Input(1, 3, 1030, 40), true, axes...))
		n, err := transform.Run(g)
		if err != nil {
			t.Fatal(err)
		}
		sameFunction(t, g, n.Graph, b.Inputs(1))
		for i := range n.Graph.Nodes {
			if a, ok := n.Graph.Nodes[i].Attributes.(*graph.ConvAttributes); ok && a.Kernel[0]*a.Kernel[1] > 1024 {
				t.Errorf("mean over %v: a window of %v is left", axes, a.Kernel)
			}
		}
	}
}
