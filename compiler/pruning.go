package compiler

import (
	"context"
	"fmt"
	"slices"

	"github.com/npusim/npusim/compiler/compress"
	"github.com/npusim/npusim/compiler/graph"
	"github.com/npusim/npusim/compiler/prune"
	"github.com/npusim/npusim/compiler/transform"
	"github.com/npusim/npusim/configs"
	"github.com/npusim/npusim/isa/xorcode"
)

// pruneNetwork prunes the weights as they were trained, before anything is
// folded into them, or puts those of trained codes in their place, and rewrites
// the changed network anew. The network that the float reference runs keeps all
// weights of the model.
func pruneNetwork(_ context.Context, c *Compilation) error {
	c.Pruned = c.Network
	o := &c.Options.Spec.Compression
	layers := prune.Layers(c.Graph)
	masks, products, err := masksOf(layers, o)
	if err != nil {
		return err
	}
	c.Products = products
	if o.Trained != "" {
		if c.Trained, err = trainedCodes(o.Trained, layers, o); err != nil {
			return err
		}
	}
	if masks == nil && len(c.Trained) == 0 {
		return nil
	}
	pruned := *c.Graph
	pruned.Values = slices.Clone(c.Graph.Values)
	for i := range layers {
		l := &layers[i]
		tensor := *pruned.Values[l.Value].Constant
		if code := c.Trained[l.Name]; code != nil {
			tensor.Floats, err = trainedWeights(c.Graph, l, code)
		} else if masks != nil && masks[i] != nil {
			tensor.Floats = slices.Clone(tensor.Floats)
			err = prune.Apply(tensor.Floats, *masks[i])
		}
		if err != nil {
			return fmt.Errorf("layer %s: %w", l.Name, err)
		}
		pruned.Values[l.Value].Constant = &tensor
	}
	c.Pruned, err = transform.Run(&pruned)
	return err
}

// looksForProducts tells whether the factors of imported masks are of use.
func looksForProducts(o *configs.Compression) bool {
	any, _ := coded(o)
	return any && (o.MaskFormat == configs.SmallestMask || o.MaskFormat == configs.LowRankMask)
}

// importedMasks reads the masks of a folder, and looks for their factors.
func importedMasks(layers []prune.Layer, o *configs.Compression) ([]*xorcode.Plane, map[string]*prune.Product, error) {
	masks, err := prune.ReadMasks(o.Mask, layers)
	if err != nil || !looksForProducts(o) {
		return masks, nil, err
	}
	products := map[string]*prune.Product{}
	for i := range layers {
		if masks[i] == nil {
			continue
		}
		rows, cols := layers[i].Matrix()
		if p := prune.ExactProduct(*masks[i], rows, cols); p != nil {
			products[layers[i].Name] = p
		}
	}
	return masks, products, nil
}

// masksOf gives a keep mask for each layer that is pruned; nil if none is. The
// masks that are Boolean products stand beside them by the name of the layer.
func masksOf(layers []prune.Layer, o *configs.Compression) ([]*xorcode.Plane, map[string]*prune.Product, error) {
	if o.Mask != "" {
		return importedMasks(layers, o)
	}
	masks := make([]*xorcode.Plane, len(layers))
	bySparsity := map[float64][]int{}
	var order []float64
	for i := range layers {
		s := o.For(layers[i].Name).Sparsity
		if s == 0 {
			continue
		}
		if bySparsity[s] == nil {
			order = append(order, s)
		}
		bySparsity[s] = append(bySparsity[s], i)
	}
	if len(order) == 0 {
		return nil, nil, nil
	}
	scope := prune.PerLayer
	if o.Pruning == configs.GlobalPruning {
		scope = prune.Global
	}
	products := map[string]*prune.Product{}
	for _, s := range order {
		var group []prune.Layer
		for _, i := range bySparsity[s] {
			group = append(group, layers[i])
		}
		if o.Pruning == configs.LowRankPruning {
			fitted, err := prune.FitLayers(group, s, o.Rank)
			if err != nil {
				return nil, nil, err
			}
			for k, i := range bySparsity[s] {
				mask := fitted[k].Mask()
				masks[i], products[layers[i].Name] = &mask, fitted[k]
			}
			continue
		}
		found, err := prune.Magnitude(group, s, scope)
		if err != nil {
			return nil, nil, err
		}
		for k, i := range bySparsity[s] {
			masks[i] = &found[k]
		}
	}
	return masks, products, nil
}

// compressWeights plans the codes of the quantized weights; lowering makes them
// tile by tile.
func compressWeights(_ context.Context, c *Compilation) error {
	e, err := compress.New(c.Quantized, c.Options.Spec, compress.Options{Workers: c.Options.Workers, Cache: c.Options.Cache, Trained: c.Trained, Products: c.Products})
	if e != nil {
		c.Encoder = e
	}
	return err
}

// Sparsity is the share of a float layer's weights that are zero, for reports.
func Sparsity(g *graph.Graph) float64 {
	var zeros, all int
	for _, l := range prune.Layers(g) {
		all += len(l.Weights)
		for _, w := range l.Weights {
			if w == 0 {
				zeros++
			}
		}
	}
	if all == 0 {
		return 0
	}
	return float64(zeros) / float64(all)
}
