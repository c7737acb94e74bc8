// Package transform rewrites a float graph into the few forms that the
// integer graph knows, without changing the function it computes (beyond
// float32 rounding).
//
// The result still is a float graph that the float reference executes, so
// ranges are calibrated on, and signal-to-noise ratios taken against, exactly
// the values that the machine computes. Afterwards every activation is
// [1, channels, rows, columns] except between a graph boundary and its first
// or last reshape and inside chains of Reshape and Transpose, and the nodes
// are: Conv (two spatial axes, constant weights), MaxPool, AveragePool, the
// activations, Add/Sub/Mul/Div, Softmax, Concat, Slice, Pad, Reshape and
// Transpose.
package transform

import (
	"fmt"

	"github.com/npusim/npusim/compiler/graph"
)

// Origin is a node of the imported graph that a transformed node stands for.
type Origin struct {
	Name string
	Op   graph.Op
	MACs int64 // multiply-accumulates of that node
}

// Network is a graph under transformation with the origin of its nodes.
type Network struct {
	Graph *graph.Graph
	// Origins lists, for a node name, the imported nodes it computes, in
	// execution order. Inserted helpers (reshapes) have none.
	Origins map[string][]Origin
}

// Pass is one rewriting step.
type Pass struct {
	Name    string
	Purpose string
	apply   func(*Network) error
}

// Passes in the order they run. A pass may appear again after one that makes
// new work for it.
var Passes = []Pass{
	{"check-constants", "refuse NaN and infinite constants", checkConstants},
	{"remove-identities", "drop Identity and Dropout", removeIdentities},
	{"split-to-slices", "one Slice for each output of Split", splitToSlices},
	{"products-to-convolutions", "Gemm and MatMul with constant weights become 1x1 convolutions", productsToConvolutions},
	{"four-axes", "every activation becomes [1, channels, rows, columns]", fourAxes},
	{"merge-rearrangements", "merge and drop Reshape and Transpose", mergeRearrangements},
	{"reductions-to-pools", "GlobalAveragePool and ReduceMean become AveragePool or Conv", reductionsToPools},
	{"affine-to-convolutions", "BatchNormalization and constant Add, Sub, Mul, Div fold into the convolution before, else become depthwise 1x1 convolutions", affineToConvolutions},
	{"fold-affine-forward", "depthwise 1x1 convolutions that stand for affine maps fold into the convolution after", foldAffineForward},
	{"fold-pads", "constant Pad folds into the convolution or pool after", foldPads},
	{"explicit-pool-pads", "AveragePool that counts padding beside ceil_mode cells gets an explicit Pad", explicitPoolPads},
	{"split-large-pools", "a pool over more than 1,024 cells becomes one over rows and one over columns", splitLargePools},
	{"activations-first", "Relu, Clip and tables move before Reshape, Transpose and MaxPool", activationsFirst},
	{"merge-rearrangements", "merge and drop Reshape and Transpose", mergeRearrangements},
	{"merge-clamps", "Relu and Clip in sequence become one Clip", mergeClamps},
	{"flatten-to-kernels", "a product after a flattened image becomes a convolution over the whole image", flattenToKernels},
	{"check-constants", "refuse NaN and infinite constants", checkConstants},
}

// Run applies every pass to a copy of g. An error names the pass, the node,
// its operator and the supported forms.
func Run(g *graph.Graph) (*Network, error) {
	n := NewNetwork(g)
	for _, pass := range Passes {
		if err := n.Apply(pass); err != nil {
			return nil, err
		}
	}
	return n, nil
}

// NewNetwork copies a graph; its constants and attributes are shared and stay
// unchanged.
func NewNetwork(g *graph.Graph) *Network {
	c := *g
	c.Values = append([]graph.Value(nil), g.Values...)
	c.Nodes = append([]graph.Node(nil), g.Nodes...)
	c.Inputs = append([]graph.ValueID(nil), g.Inputs...)
	c.Outputs = append([]graph.ValueID(nil), g.Outputs...)
	n := &Network{Graph: &c, Origins: make(map[string][]Origin, len(g.Nodes))}
	for i := range g.Nodes {
		node := &g.Nodes[i]
		n.Origins[node.Name] = []Origin{{node.Name, node.Op, g.NodeMACs(i)}}
	}
	return n
}

// Apply runs one pass.
func (n *Network) Apply(pass Pass) error {
	if err := pass.apply(n); err != nil {
		return fmt.Errorf("%s: %w", pass.Name, err)
	}
	return nil
}

// nodeError is an error about a node.
func nodeError(node *graph.Node, format string, arguments ...any) error {
	return fmt.Errorf("node %q (%v): %s", node.Name, node.Op, fmt.Sprintf(format, arguments...))
}
