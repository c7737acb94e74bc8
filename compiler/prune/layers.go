package prune

import (
	"fmt"
	"math"

	"github.com/npusim/npusim/compiler/graph"
	"github.com/npusim/npusim/isa/xorcode"
)

// Layer is a weight tensor that can be pruned.
type Layer struct {
	Name    string        // of the first node that uses it
	Value   graph.ValueID // of the tensor
	Shape   []int
	Weights []float32 // the tensor itself, row-major, not a copy
}

// Matrix is the tensor as rows x columns: the first axis, usually the output
// channels, by everything else.
func (l *Layer) Matrix() (rows, cols int) {
	if len(l.Shape) == 0 {
		return 1, 1
	}
	return l.Shape[0], graph.Elements(l.Shape[1:])
}

// Layers are the weight tensors of all convolutions, depthwise ones among them,
// and of all matrix products with a constant operand, in the order of the
// nodes. Biases and constants of other operators are no weights. A tensor that
// several nodes use is listed once.
func Layers(g *graph.Graph) []Layer {
	var layers []Layer
	seen := make([]bool, len(g.Values))
	for n := range g.Nodes {
		node := &g.Nodes[n]
		var operands []graph.ValueID // that may be weights
		switch node.Op {
		case graph.Conv:
			operands = node.Inputs[1:2]
		case graph.Gemm, graph.MatMul:
			operands = node.Inputs[:2]
		}
		for _, id := range operands {
			if id == graph.None || seen[id] {
				continue
			}
			if c := g.Value(id).Constant; c != nil && c.Type == graph.Float32 && len(c.Floats) > 0 {
				seen[id] = true
				layers = append(layers, Layer{node.Name, id, c.Shape, c.Floats})
			}
		}
	}
	return layers
}

// Scope says over what a sparsity is reached.
type Scope uint8

// Scopes of a sparsity.
const (
	InvalidScope Scope = iota
	// PerLayer prunes every layer to the sparsity.
	PerLayer
	// Global prunes the smallest weights of all layers together; layers come
	// out with sparsities of their own, and one may lose all its weights.
	Global
)

// Magnitude prunes the weights of smallest magnitude and gives a keep mask for
// each layer. Of equal ones the lower index goes first, and of equal ones in
// several layers that of the earlier layer.
func Magnitude(layers []Layer, sparsity float64, scope Scope) ([]xorcode.Plane, error) {
	if _, err := Pruned(0, sparsity); err != nil {
		return nil, err
	}
	scores := make([][]float32, len(layers))
	for i := range layers {
		var err error
		if scores[i], err = Magnitudes(layers[i].Weights); err != nil {
			return nil, fmt.Errorf("layer %s: %w", layers[i].Name, err)
		}
	}
	switch scope {
	case Global:
		return selectOver(scores, sparsity)
	case PerLayer:
		masks := make([]xorcode.Plane, len(layers))
		for i := range layers {
			var err error
			if masks[i], err = Select(scores[i], sparsity); err != nil {
				return nil, fmt.Errorf("layer %s: %w", layers[i].Name, err)
			}
		}
		return masks, nil
	}
	return nil, fmt.Errorf("prune: %d is no scope", scope)
}

// Magnitudes are the absolute values of weights, the usual scores. A weight
// that is not finite is an error.
func Magnitudes(weights []float32) ([]float32, error) {
	scores := make([]float32, len(weights))
	for i, w := range weights {
		scores[i] = math.Float32frombits(scoreKey(w))
		if !(scores[i] <= math.MaxFloat32) {
			return nil, fmt.Errorf("prune: weight %d is %g; weights to prune are finite", i, w)
		}
	}
	return scores, nil
}

// Apply sets pruned weights to 0. The mask has a bit for every weight.
func Apply(weights []float32, keep xorcode.Plane) error {
	if keep.Len() != len(weights) {
		return fmt.Errorf("prune: a mask of %d bits for %d weights", keep.Len(), len(weights))
	}
	for w, word := range keep.Words {
		part := weights[64*w : min(64*w+64, len(weights))]
		switch word {
		case 0:
			clear(part)
		case ^uint64(0):
		default:
			for i := range part {
				if word>>i&1 == 0 {
					part[i] = 0
				}
			}
		}
	}
	return nil
}
