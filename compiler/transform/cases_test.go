package transform_test

import (
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/npusim/npusim/compiler/graph"
	"github.com/npusim/npusim/compiler/transform"
	"github.com/npusim/npusim/compiler/transform/graphtest"
)

var update = flag.Bool("update", false, "rewrite the golden files in testdata")

type window = graphtest.Window

func pair(a, b int) []int { return []int{a, b} }

// cases are small networks whose transformed text stands in testdata, one for
// each rewriting.
var cases = []struct {
	name  string
	build func(b *graphtest.Builder) graph.ValueID
}{
	{"batch-norm-after-grouped-conv", func(b *graphtest.Builder) graph.ValueID {
		x := b.Conv(b.Input(1, 4, 5, 5), 6, 2, window{Kernel: pair(3, 3), PadBegin: pair(1, 1), PadEnd: pair(1, 1)}, true)
		return b.Unary(graph.Relu, nil, b.BatchNorm(x))
	}},
	{"batch-norm-of-shared-conv", func(b *graphtest.Builder) graph.ValueID {
		x := b.Conv(b.Input(1, 2, 3, 3), 3, 1, window{Kernel: pair(1, 1)}, false)
		return b.Binary(graph.Add, x, b.Unary(graph.Sigmoid, nil, b.BatchNorm(x)))
	}},
	{"affine-chain", func(b *graphtest.Builder) graph.ValueID {
		x := b.Conv(b.Input(1, 2, 3, 3), 3, 1, window{Kernel: pair(1, 1)}, false)
		x = b.Binary(graph.Mul, x, b.Random(1, 2, 3, 1, 1))
		x = b.Binary(graph.Sub, b.Constant(nil, 6), x)
		return b.Binary(graph.Div, x, b.Constant([]int{1}, 4))
	}},
	{"input-normalization", func(b *graphtest.Builder) graph.ValueID {
		x := b.Binary(graph.Div, b.Binary(graph.Sub, b.Input(1, 3, 4, 4), b.Random(0, 1, 3, 1, 1)), b.Random(1, 2, 3, 1, 1))
		return b.Conv(x, 2, 1, window{Kernel: pair(3, 3)}, true)
	}},
	{"input-normalization-before-padding", func(b *graphtest.Builder) graph.ValueID {
		x := b.Binary(graph.Sub, b.Input(1, 3, 4, 4), b.Random(0, 1, 3, 1, 1))
		return b.Conv(x, 2, 1, window{Kernel: pair(3, 3), PadBegin: pair(1, 1), PadEnd: pair(1, 1)}, true)
	}},
	{"scale-before-padding", func(b *graphtest.Builder) graph.ValueID {
		x := b.Binary(graph.Mul, b.Input(1, 4, 4, 4), b.Random(1, 2, 4, 1, 1))
		return b.Conv(x, 4, 2, window{Kernel: pair(3, 3), PadBegin: pair(1, 1), PadEnd: pair(1, 1)}, false)
	}},
	{"spatial-constant", func(b *graphtest.Builder) graph.ValueID {
		return b.Binary(graph.Add, b.Input(1, 2, 3, 4), b.Random(-1, 1, 3, 4))
	}},
	{"classifier", func(b *graphtest.Builder) graph.ValueID {
		x := b.Node(graph.GlobalAveragePool, nil, []graph.ValueID{b.Input(1, 4, 3, 3)}, []int{1, 4, 1, 1})[0]
		return b.Gemm(b.Reshape(x, 1, 4), 5, graph.GemmAttributes{Alpha: 1, Beta: 1, TransposeB: true})
	}},
	{"flattened-image", func(b *graphtest.Builder) graph.ValueID {
		return b.Gemm(b.Reshape(b.Input(1, 2, 3, 4), 1, 24), 5, graph.GemmAttributes{Alpha: 0.5, Beta: 3})
	}},
	{"gemm-of-rows", func(b *graphtest.Builder) graph.ValueID {
		x := b.Gemm(b.Input(3, 4), 5, graph.GemmAttributes{Alpha: 1, Beta: 1})
		return b.Binary(graph.Add, x, b.Random(-1, 1, 5))
	}},
	{"gemm-of-columns", func(b *graphtest.Builder) graph.ValueID {
		return b.Gemm(b.Input(4, 3), 5, graph.GemmAttributes{Alpha: 1, Beta: 1, TransposeA: true, TransposeB: true})
	}},
	{"gemm-with-full-addend", func(b *graphtest.Builder) graph.ValueID {
		x := b.Input(3, 4)
		return b.Node(graph.Gemm, &graph.GemmAttributes{Alpha: 1, Beta: 2}, []graph.ValueID{x, b.Random(-1, 1, 4, 2), b.Random(-1, 1, 3, 2)}, []int{3, 2})[0]
	}},
	{"matmul-of-tokens", func(b *graphtest.Builder) graph.ValueID {
		x := b.Binary(graph.Add, b.MatMul(b.Input(1, 5, 4), 6), b.Random(-1, 1, 6))
		return b.Binary(graph.Add, b.Random(-1, 1, 3), b.MatMul(b.Unary(graph.Relu, nil, x), 3))
	}},
	{"matmul-with-constant-first", func(b *graphtest.Builder) graph.ValueID {
		return b.Node(graph.MatMul, nil, []graph.ValueID{b.Random(-1, 1, 3, 4), b.Input(1, 4, 5)}, []int{1, 3, 5})[0]
	}},
	{"matmul-of-vectors", func(b *graphtest.Builder) graph.ValueID {
		x := b.Node(graph.MatMul, nil, []graph.ValueID{b.Input(4), b.Random(-1, 1, 4, 6)}, []int{6})[0]
		return b.Node(graph.MatMul, nil, []graph.ValueID{b.Random(-1, 1, 6), b.Reshape(x, 6, 1)}, []int{1})[0]
	}},
	{"one-dimensional", func(b *graphtest.Builder) graph.ValueID {
		x := b.Conv(b.Input(1, 3, 8), 4, 1, window{Kernel: []int{3}, Strides: []int{2}, PadBegin: []int{1}, PadEnd: []int{1}}, false)
		x = b.Unary(graph.Relu, nil, b.BatchNorm(x))
		x = b.Pool(graph.MaxPool, x, window{Kernel: []int{2}}, false)
		return b.ReduceMean(x, false, 2)
	}},
	{"mean-over-channels", func(b *graphtest.Builder) graph.ValueID {
		x := b.Input(1, 3, 4, 5)
		return b.Binary(graph.Mul, b.ReduceMean(x, true, 1), b.ReduceMean(x, true, 1, 2, 3))
	}},
	{"pads", func(b *graphtest.Builder) graph.ValueID {
		x := b.Pad(b.Input(1, 2, 5, 5), []int{0, 0, 0, 0}, []int{0, 0, 1, 1}, 0)
		x = b.Unary(graph.Relu, nil, b.Conv(x, 2, 1, window{Kernel: pair(3, 3), Strides: pair(2, 2)}, false))
		x = b.Pool(graph.MaxPool, b.Pad(x, []int{0, 0, 1, 0}, []int{0, 0, 0, 1}, 0), window{Kernel: pair(2, 2)}, false)
		x = b.Pool(graph.AveragePool, b.Pad(x, []int{0, 0, 1, 1}, []int{0, 0, 1, 1}, 0), window{Kernel: pair(3, 3)}, false)
		return b.Pool(graph.MaxPool, b.Pad(x, []int{0, 0, 1, 1}, []int{0, 0, 1, 1}, float32(math.Inf(-1))), window{Kernel: pair(3, 3)}, false)
	}},
	{"pads-that-stay", func(b *graphtest.Builder) graph.ValueID {
		x := b.Pad(b.Input(1, 2, 5, 5), []int{0, 1, 0, 0}, []int{0, 0, 1, 1}, 0)
		x = b.Conv(x, 2, 1, window{Kernel: pair(3, 3)}, false)
		x = b.Conv(b.Pad(x, []int{0, 0, 1, 1}, []int{0, 0, 0, 0}, 1), 2, 1, window{Kernel: pair(3, 3)}, false)
		return b.Pool(graph.MaxPool, b.Pad(x, []int{0, 0, 1, 1}, []int{0, 0, 0, 0}, 0), window{Kernel: pair(2, 2)}, false)
	}},
	{"average-with-ceiling", func(b *graphtest.Builder) graph.ValueID {
		x := b.Pool(graph.AveragePool, b.Input(1, 2, 4, 4), window{Kernel: pair(3, 3), Strides: pair(2, 2), PadBegin: pair(1, 1), PadEnd: pair(2, 2)}, true)
		b.Graph.Nodes[0].Attributes.(*graph.PoolAttributes).CeilExtra = pair(1, 1)
		return x
	}},
	{"relu-after-max-pool", func(b *graphtest.Builder) graph.ValueID {
		x := b.Conv(b.Input(1, 2, 4, 4), 3, 1, window{Kernel: pair(1, 1)}, false)
		return b.Clip(b.Unary(graph.Relu, nil, b.Pool(graph.MaxPool, x, window{Kernel: pair(2, 2)}, false)), -1, 6)
	}},
	{"shuffle", func(b *graphtest.Builder) graph.ValueID {
		x := b.Reshape(b.Input(1, 6, 2, 2), 1, 2, 3, 2, 2)
		x = b.Unary(graph.Relu, nil, b.Reshape(b.Transpose(x, 0, 2, 1, 3, 4), 1, 6, 2, 2))
		return b.Transpose(b.Transpose(x, 0, 2, 3, 1), 0, 3, 1, 2)
	}},
	{"split-and-gate", func(b *graphtest.Builder) graph.ValueID {
		x := b.Unary(graph.Identity, nil, b.Input(1, 4, 2, 3))
		parts := b.Node(graph.Split, &graph.SplitAttributes{Axis: 1, Sizes: []int{2, 2}}, []graph.ValueID{x}, []int{1, 2, 2, 3}, []int{1, 2, 2, 3})
		return b.Binary(graph.Mul, parts[0], b.Unary(graph.Sigmoid, nil, b.Reshape(b.ReduceMean(parts[1], false, 2, 3), 1, 2, 1, 1)))
	}},
	{"old-softmax", func(b *graphtest.Builder) graph.ValueID {
		return b.Unary(graph.Softmax, &graph.AxisAttributes{Axis: 1, Flatten: true}, b.Input(1, 2, 3, 2))
	}},
	{"softmax-of-tokens", func(b *graphtest.Builder) graph.ValueID {
		return b.MatMul(b.Softmax(b.MatMul(b.Input(1, 5, 4), 6), 2), 3)
	}},
	{"softmax-over-rows", func(b *graphtest.Builder) graph.ValueID {
		return b.Softmax(b.Input(1, 2, 3, 4), 2)
	}},
	{"large-pools", func(b *graphtest.Builder) graph.ValueID {
		x := b.Conv(b.Input(1, 2, 36, 40), 3, 1, window{Kernel: pair(1, 1)}, false)
		return b.Node(graph.GlobalAveragePool, nil, []graph.ValueID{x}, []int{1, 3, 1, 1})[0]
	}},
}

func TestCases(t *testing.T) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			b := graphtest.New(1)
			g := b.Output(c.build(b))
			n, err := transform.Run(g)
			if err != nil {
				t.Fatal(err)
			}
			sameFunction(t, g, n.Graph, b.Inputs(3))
			var text strings.Builder
			fmt.Fprintf(&text, "before\n%s\nafter\n%s\norigins\n", g, n.Graph)
			for i := range n.Graph.Nodes {
				name := n.Graph.Nodes[i].Name
				fmt.Fprintf(&text, "%s:", name)
				for _, origin := range n.Origins[name] {
					fmt.Fprintf(&text, " %s", origin.Name)
				}
				fmt.Fprintln(&text)
			}
			path := filepath.Join("testdata", c.name+".txt")
			if *update {
				if err := os.MkdirAll("testdata", 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(text.String()), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(string(want), text.String()); d != "" {
				t.Errorf("text differs (-want +got), -update rewrites it:\n%s", d)
			}
		})
	}
}

func TestErrors(t *testing.T) {
	nan := float32(math.NaN())
	for _, c := range []struct {
		name  string
		want  string
		build func(b *graphtest.Builder) graph.ValueID
	}{
		{"NaN weight", `node "Mul_0" (Mul): element 1 of constant "c1" is NaN`, func(b *graphtest.Builder) graph.ValueID {
			return b.Binary(graph.Mul, b.Input(1, 2), b.Constant([]int{2}, 1, nan))
		}},
		{"integers", `is int64; only float32 values`, func(b *graphtest.Builder) graph.ValueID {
			x := b.Input(1, 2)
			b.Graph.Value(x).Type = graph.Int64
			return b.Unary(graph.Relu, nil, x)
		}},
		{"batch", `node "Conv_0" (Conv): shape [2 3 4 4] with a batch (axis 0) of 2 has no (channels, rows, columns) form: supported are a batch of 1`, func(b *graphtest.Builder) graph.ValueID {
			return b.Conv(b.Input(2, 3, 4, 4), 1, 1, window{Kernel: pair(1, 1)}, false)
		}},
		{"batch of lines", `node "Conv_0" (Conv): input of shape [2 3 4] has a batch (axis 0) of 2: supported are shapes [1, channels, columns]`, func(b *graphtest.Builder) graph.ValueID {
			return b.Conv(b.Input(2, 3, 4), 1, 1, window{Kernel: []int{1}}, false)
		}},
		{"five axes", `node "Relu_1" (Relu): shape [1 2 2 2 2] with 5 axes has no (channels, rows, columns) form`, func(b *graphtest.Builder) graph.ValueID {
			return b.Unary(graph.Relu, nil, b.Transpose(b.Input(1, 2, 2, 2, 2), 0, 2, 1, 3, 4))
		}},
		{"product of activations", `node "MatMul_0" (MatMul): both operands, "in0" and "in1", are computed at run time: weights have to be constants; supported are products of an activation and a constant matrix`, func(b *graphtest.Builder) graph.ValueID {
			return b.Node(graph.MatMul, nil, []graph.ValueID{b.Input(1, 2, 3), b.Input(1, 3, 4)}, []int{1, 2, 4})[0]
		}},
		{"stack of matrices", `constant of shape [2 3 4]: supported are`, func(b *graphtest.Builder) graph.ValueID {
			return b.Node(graph.MatMul, nil, []graph.ValueID{b.Input(2, 2, 3), b.Random(0, 1, 2, 3, 4)}, []int{2, 2, 4})[0]
		}},
		{"constant first in Gemm", `node "Gemm_0" (Gemm): the first operand, "c0", is a constant; supported are`, func(b *graphtest.Builder) graph.ValueID {
			return b.Node(graph.Gemm, &graph.GemmAttributes{Alpha: 1}, []graph.ValueID{b.Random(0, 1, 2, 3), b.Input(3, 4)}, []int{2, 4})[0]
		}},
		{"softmax of a batch", `node "Softmax_0" (Softmax): shape [2 2 3 4] with a batch (axis 0) of 2 has no`, func(b *graphtest.Builder) graph.ValueID {
			return b.Softmax(b.Input(2, 2, 3, 4), 3)
		}},
		{"pad of a batch", `node "Pad_0" (Pad): shape [2 3 5 5] with a batch (axis 0) of 2 has no (channels, rows, columns) form: supported are a batch of 1`, func(b *graphtest.Builder) graph.ValueID {
			return b.Pad(b.Input(2, 3, 4, 4), []int{0, 0, 0, 0}, []int{0, 0, 1, 1}, 0)
		}},
		{"weights at run time", `node "Conv_0" (Conv): weights "in1" are computed at run time: weights and biases have to be constants`, func(b *graphtest.Builder) graph.ValueID {
			x := b.Conv(b.Input(1, 2, 3, 3), 2, 1, window{Kernel: pair(1, 1)}, true)
			b.Graph.Nodes[0].Inputs[1] = b.Input(2, 2, 1, 1)
			return x
		}},
		{"biases at run time", `biases "in1" are computed at run time`, func(b *graphtest.Builder) graph.ValueID {
			x := b.Conv(b.Input(1, 2, 3, 3), 2, 1, window{Kernel: pair(1, 1)}, true)
			b.Graph.Nodes[0].Inputs[2] = b.Input(2)
			return x
		}},
		{"Gemm with weights at run time", `node "Gemm_0" (Gemm): the second operand, "in1", is computed at run time: weights have to be constants`, func(b *graphtest.Builder) graph.ValueID {
			return b.Node(graph.Gemm, &graph.GemmAttributes{Alpha: 1}, []graph.ValueID{b.Input(2, 3), b.Input(3, 4)}, []int{2, 4})[0]
		}},
		{"batch norm at run time", `scale, bias, mean and variance must be constants`, func(b *graphtest.Builder) graph.ValueID {
			x := b.BatchNorm(b.Input(1, 2, 3, 3))
			b.Graph.Nodes[0].Inputs[1] = b.Input(2)
			return x
		}},
		{"negative variance", `which float32 cannot hold`, func(b *graphtest.Builder) graph.ValueID {
			x := b.BatchNorm(b.Input(1, 1, 3, 3))
			b.Graph.Nodes[0].Inputs[4] = b.Constant([]int{1}, -5)
			return x
		}},
		{"batch norm of rows", `node "BatchNormalization_0" (BatchNormalization): input of shape [3 2]: supported are shapes [1, channels, ...]`, func(b *graphtest.Builder) graph.ValueID {
			return b.BatchNorm(b.Input(3, 2))
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := graphtest.New(1)
			g := b.Output(c.build(b))
			if _, err := transform.Run(g); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("error is %v, must contain %q", err, c.want)
			}
		})
	}
}
