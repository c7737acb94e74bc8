package compiler

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/npusim/npusim/compiler/fractional"
	"github.com/npusim/npusim/compiler/graph"
	"github.com/npusim/npusim/compiler/prune"
	"github.com/npusim/npusim/configs"
)

// trainedSuffix ends the name of an artefact that is one file.
const trainedSuffix = ".npz"

// trainedCodes reads what training left of the layers of the fractional code:
// for layer L the file L.npz or the folder L, with the special characters of L
// written as in the names of mask files. Package fractional says what is in
// them. Whatever else the folder has of that kind is an error, so that no code
// goes unused by a slip of a name.
func trainedCodes(folder string, layers []prune.Layer, o *configs.Compression) (map[string]*fractional.Imported, error) {
	byFile := make(map[string]*prune.Layer, len(layers))
	for i := range layers {
		byFile[strings.TrimSuffix(prune.FileName(layers[i].Name), ".npy")] = &layers[i]
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	codes := map[string]*fractional.Imported{}
	for _, e := range entries {
		path := filepath.Join(folder, e.Name())
		name, isFile := strings.CutSuffix(e.Name(), trainedSuffix)
		if !isFile && !e.IsDir() {
			continue
		}
		l := byFile[name]
		switch {
		case l == nil:
			return nil, fmt.Errorf("%s: no layer has this code; that of layer L is L%s or the folder L, with %% and two hexadecimal digits for / and other special characters", path, trainedSuffix)
		case codes[l.Name] != nil:
			return nil, fmt.Errorf("%s: layer %s has a code already, in the folder %s", path, l.Name, name)
		case o.For(l.Name).Scheme != configs.XORFractional:
			return nil, fmt.Errorf("%s: compression.scheme of layer %s is %q: trained codes are of %q", path, l.Name, o.For(l.Name).Scheme, configs.XORFractional)
		}
		if codes[l.Name], err = fractional.Import(path); err != nil {
			return nil, fmt.Errorf("code of layer %s: %w", l.Name, err)
		}
	}
	return codes, nil
}

// trainedWeights are the weights that a code gives, as the tensor of a layer is
// stored.
func trainedWeights(g *graph.Graph, l *prune.Layer, code *fractional.Imported) ([]float32, error) {
	transposed, err := inputsFirst(g, l)
	if err != nil {
		return nil, err
	}
	shape := l.Shape
	if transposed {
		shape = []int{l.Shape[1], l.Shape[0]}
	}
	if matrix := []int{shape[0], len(l.Weights) / shape[0]}; !slices.Equal(code.Shape, shape) && !slices.Equal(code.Shape, matrix) {
		return nil, fmt.Errorf("the code is of shape %v, the weights, output channels first, of %v", code.Shape, shape)
	}
	decoded, err := code.Code.Floats()
	if err != nil {
		return nil, err
	}
	weights := make([]float32, len(decoded))
	for i, w := range decoded {
		at := code.Code.TensorIndex(i)
		if transposed {
			at = at%shape[1]*shape[0] + at/shape[1]
		}
		weights[at] = w
	}
	return weights, nil
}

// inputsFirst tells whether a weight tensor has its output channels last.
func inputsFirst(g *graph.Graph, l *prune.Layer) (bool, error) {
	for i := range g.Nodes {
		n := &g.Nodes[i]
		operand := slices.Index(n.Inputs, l.Value)
		if n.Name != l.Name || operand < 0 {
			continue
		}
		if n.Op == graph.Conv && len(l.Shape) > 1 {
			return false, nil
		}
		if operand != 1 || len(l.Shape) != 2 {
			return false, fmt.Errorf("trained codes are for convolutions and for matrices on the right of a product, not for operand %d of shape %v of %s", operand, l.Shape, n.Op)
		}
		gemm, is := n.Attributes.(*graph.GemmAttributes)
		return !is || !gemm.TransposeB, nil
	}
	return false, fmt.Errorf("no operator has these weights")
}
