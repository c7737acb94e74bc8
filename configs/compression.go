package configs

import "path"

// SearchedRegisters stands for a number of registers that is searched: none or
// one. Two are taken only if asked for, since finding codes for them takes 256
// times as long and gains the last percent or so.
const SearchedRegisters = searchedRegisters

// Compression says which weights are pruned, and how the rest is stored in
// DRAM. The fields from Taps on hold for all layers; those of a CompressionRule
// can differ from layer to layer, see For.
type Compression struct {
	Scheme         CompressionScheme `toml:"scheme"`         // codec of the weight streams
	Sparsity       float64           `toml:"sparsity"`       // share of the weights of a layer pruned by magnitude; 0 prunes nothing
	Pruning        PruningScope      `toml:"pruning"`        // what shares a threshold of magnitude, or the form of the mask
	Rank           int               `toml:"rank"`           // components of a mask, LowRankPruning only
	Mask           string            `toml:"mask"`           // folder of .npy masks in place of Sparsity, or empty
	Trained        string            `toml:"trained"`        // folder of trained codes, xor-fractional only, or empty
	MaskFormat     MaskFormat        `toml:"mask_format"`    // how masks are stored
	Representation Representation    `toml:"representation"` // of weights cut into bit planes
	Inputs         int               `toml:"n_in"`           // bits of a code; 0: searched
	Outputs        int               `toml:"n_out"`          // bits of a slice; 0: searched
	Registers      int               `toml:"n_s"`            // codes before that enter the network too, xor-sequential only; -1: searched
	Taps           int               `toml:"taps"`           // inputs of each output, xor-fractional only
	Planes         int               `toml:"planes"`         // binary planes of a weight, xor-fractional only
	Networks       int               `toml:"networks"`       // random networks tried, the best is taken
	Seed           int               `toml:"seed"`           // of the random networks
	Layers         []CompressionRule `toml:"layer"`          // overrides by layer name
}

// CompressionRule overrides compression for the layers its pattern matches.
// What a rule does not give is the zero value and leaves what holds otherwise.
// Where 0 means something (prune nothing, search, no registers), the field is
// a pointer: nil is not given, a pointer to 0 is 0. Scheme NoCompression is not
// the zero value, so a rule can leave layers uncompressed.
type CompressionRule struct {
	Match     string            `toml:"match"`    // pattern of path.Match on the whole layer name; * stops at /
	Scheme    CompressionScheme `toml:"scheme"`   // or 0
	Sparsity  *float64          `toml:"sparsity"` // or nil
	Inputs    *int              `toml:"n_in"`     // bits, or nil
	Outputs   *int              `toml:"n_out"`    // bits, or nil
	Registers *int              `toml:"n_s"`      // codes, or nil
	Planes    int               `toml:"planes"`   // planes, or 0
}

// LayerCompression is what holds for one layer.
type LayerCompression struct {
	Scheme    CompressionScheme // codec of the weight stream
	Sparsity  float64           // share of weights pruned by magnitude; 0 prunes nothing
	Inputs    int               // bits of a code; 0: searched
	Outputs   int               // bits of a slice; 0: searched
	Registers int               // codes before that enter the network too, -1: searched; 0 unless Scheme is XORSequential
	Planes    int               // binary planes of a weight; 0 unless Scheme is XORFractional
}

// For is the compression of the layer with this name: the general keys,
// overridden by each matching rule in order, so later rules win key by key.
// Spec.CheckCompression tells whether the result makes sense.
func (c *Compression) For(layer string) LayerCompression { return c.settled(len(c.Layers), layer) }

// settled is For with the first rules only.
func (c *Compression) settled(rules int, layer string) LayerCompression {
	result := c.before(rules, layer)
	result.settle()
	return result
}

// before is what the first rules leave, with keys of other schemes.
func (c *Compression) before(rules int, layer string) LayerCompression {
	result := LayerCompression{c.Scheme, c.Sparsity, c.Inputs, c.Outputs, c.Registers, c.Planes}
	for i := range c.Layers[:rules] {
		rule := &c.Layers[i]
		if matched, _ := path.Match(rule.Match, layer); matched {
			rule.override(&result)
		}
	}
	return result
}

// settle clears the keys of other schemes.
func (c *LayerCompression) settle() {
	if c.Scheme != XORSequential {
		c.Registers = 0
	}
	if c.Scheme != XORFractional {
		c.Planes = 0
	}
}

// override stores what the rule gives.
func (r *CompressionRule) override(c *LayerCompression) {
	if r.Scheme != 0 {
		c.Scheme = r.Scheme
	}
	if r.Planes != 0 {
		c.Planes = r.Planes
	}
	if r.Sparsity != nil {
		c.Sparsity = *r.Sparsity
	}
	for _, given := range []struct{ from, into *int }{
		{r.Inputs, &c.Inputs}, {r.Outputs, &c.Outputs}, {r.Registers, &c.Registers},
	} {
		if given.from != nil {
			*given.into = *given.from
		}
	}
}
