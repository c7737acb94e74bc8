package configs

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// Widest codes that the encoders search, in bits: the sequential one visits
// 2^(n_in * (n_s + 1)) paths a slice, 2^24 at most, the fractional one every
// code.
const (
	maxSequentialInputs = 8
	maxFractionalInputs = 20
)

// codeRule is a relation between the keys of compression that hold for one
// layer, and keys of the machine.
type codeRule struct {
	keys    []string // names in [compression] or [[compression.layer]]
	machine []string // full keys of the hardware
	check   func(s *Spec, c *LayerCompression) string
}

var codeRules = []codeRule{
	{
		keys: []string{"scheme"}, machine: []string{"xor.units"},
		check: func(s *Spec, c *LayerCompression) string {
			if c.Scheme == NoCompression || s.XOR.Units > 0 {
				return ""
			}
			return fmt.Sprintf(`compression.scheme = %q needs decryption units, of which xor.units = 0 gives none: set xor.units, or the scheme to "none"`, c.Scheme)
		},
	},
	{
		keys: []string{"n_in", "n_out", "scheme"},
		check: func(_ *Spec, c *LayerCompression) string {
			if c.Scheme != XORFractional || (c.Inputs == 0) == (c.Outputs == 0) {
				return ""
			}
			given, other, value := "n_in", "n_out", c.Inputs
			if c.Inputs == 0 {
				given, other, value = "n_out", "n_in", c.Outputs
			}
			return fmt.Sprintf("%s = %d is given without %s: n_in / n_out is the rate of xor-fractional, which no search can find; give both, or neither", given, value, other)
		},
	},
	{
		keys: []string{"n_in", "n_out", "scheme"},
		check: func(_ *Spec, c *LayerCompression) string {
			if c.Scheme != XORBlock && c.Scheme != XORSequential || c.Outputs == 0 || c.Inputs < c.Outputs {
				return ""
			}
			return fmt.Sprintf("n_in = %d must be below n_out = %d: a code as long as the weights saves nothing", c.Inputs, c.Outputs)
		},
	},
	{
		keys: []string{"n_in", "scheme"},
		check: func(_ *Spec, c *LayerCompression) string {
			most := maxCodeInputs
			switch c.Scheme {
			case XORSequential:
				most = maxSequentialInputs
			case XORFractional:
				most = maxFractionalInputs
			}
			if c.Scheme == NoCompression || c.Inputs <= most {
				return ""
			}
			return fmt.Sprintf("n_in must be at most %d for %q, which searches all codes, not %d", most, c.Scheme, c.Inputs)
		},
	},
	{
		keys: []string{"n_in", "n_s", "scheme"}, machine: []string{"xor.max_inputs"},
		check: func(s *Spec, c *LayerCompression) string {
			if inputs := c.Inputs * (max(c.Registers, 0) + 1); c.Scheme != NoCompression && inputs > s.XOR.MaxInputs {
				return fmt.Sprintf("the network has %d inputs, n_in * (n_s + 1), more than xor.max_inputs = %d", inputs, s.XOR.MaxInputs)
			}
			return ""
		},
	},
	{
		keys: []string{"n_out", "scheme"}, machine: []string{"xor.max_outputs"},
		check: func(s *Spec, c *LayerCompression) string {
			if c.Scheme == NoCompression || c.Outputs <= s.XOR.MaxOutputs {
				return ""
			}
			return fmt.Sprintf("n_out = %d is more than xor.max_outputs = %d", c.Outputs, s.XOR.MaxOutputs)
		},
	},
	{
		keys: []string{"n_in", "taps", "scheme"},
		check: func(s *Spec, c *LayerCompression) string {
			inputs := c.Inputs
			if inputs == 0 {
				inputs = maxFractionalInputs
			}
			if taps := s.Compression.Taps; c.Scheme == XORFractional && taps > inputs {
				return fmt.Sprintf("taps = %d is more than the network has inputs, %d", taps, inputs)
			}
			return ""
		},
	},
	{
		keys: []string{"sparsity", "mask"},
		check: func(s *Spec, c *LayerCompression) string {
			if c.Sparsity == 0 || s.Compression.Mask == "" {
				return ""
			}
			return "compression.sparsity and compression.mask exclude each other: prune by magnitude or by masks"
		},
	},
	{
		keys: []string{"sparsity", "mask", "scheme"},
		check: func(s *Spec, c *LayerCompression) string {
			switch {
			case c.Scheme != XORFractional:
				return ""
			case c.Sparsity > 0:
				return fmt.Sprintf(`"xor-fractional" has no mask: compression.sparsity must be 0, not %g`, c.Sparsity)
			case s.Compression.Mask != "":
				return `"xor-fractional" has no mask: compression.mask must be empty`
			}
			return ""
		},
	},
}

// maskRules are relations of masks that hold for all layers alike.
var maskRules = []rule{
	{[]string{"compression.mask_format", "compression.pruning", "compression.mask"}, func(s *Spec) string {
		c := &s.Compression
		if c.MaskFormat != LowRankMask || c.Pruning == LowRankPruning || c.Mask != "" {
			return ""
		}
		return `compression.mask_format = "low-rank" needs masks that were pruned to fit: compression.pruning = "low-rank", or those of compression.mask`
	}},
}

// CheckCompression says what is wrong with the compression of the layer with
// this name. Load checks the general keys and every rule, the latter as if its
// pattern were the name of a layer; only a layer that patterns match which do
// not match each other can still be faulty.
func (s *Spec) CheckCompression(layer string) error {
	c := s.Compression.For(layer)
	for i := range codeRules {
		if wrong := codeRules[i].check(s, &c); wrong != "" {
			return errors.New(wrong)
		}
	}
	return nil
}

// maxCompressionRules bounds the rules, each of which is tried on all others.
const maxCompressionRules = 1000

// compression checks the relations of codes, for the general keys and for what
// each rule makes of them.
func (v *validator) compression() {
	c := &v.spec.Compression
	general := c.settled(0, "")
	for i := range codeRules {
		relation := &codeRules[i]
		v.rule(&rule{relation.paths(nil, ""), func(s *Spec) string { return relation.check(s, &general) }})
	}
	const list = "compression.layer"
	for i := range maskRules {
		v.rule(&maskRules[i])
	}
	if len(c.Layers) > maxCompressionRules {
		v.refuse(list, "must be at most %d tables, not %d", maxCompressionRules, len(c.Layers))
		return
	}
	var broken []string // keys without an acceptable value in some rule so far
	for n, row := range v.spec.rows(list) {
		prefix := rowPrefix(list, n)
		var given []string
		forEachGiven(list, row, func(key *Key, _ reflect.Value) { given = append(given, key.name()) })
		for _, key := range codeKeys {
			if v.broken(prefix + key) {
				broken = append(broken, key)
			}
		}
		before := c.settled(n, c.Layers[n].Match)
		after := c.before(n, c.Layers[n].Match)
		c.Layers[n].override(&after)
		after.settle()
		for i := range codeRules {
			relation := &codeRules[i]
			paths := relation.paths(given, prefix)
			if !strings.HasPrefix(paths[0], prefix) || slices.ContainsFunc(relation.keys, func(key string) bool { return slices.Contains(broken, key) }) {
				continue // the rule has no part in it, or it cannot be judged
			}
			v.rule(&rule{paths, func(s *Spec) string {
				wrong := relation.check(s, &after)
				if wrong == relation.check(s, &before) {
					return "" // no fault, or one that is reported already
				}
				return wrong
			}})
		}
	}
}

// codeKeys are the keys of a rule that relations go by.
var codeKeys = []string{"scheme", "sparsity", "n_in", "n_out", "n_s", "planes"}

// paths are the full keys of the relation: those that a rule gives, which come
// first, in the table with that prefix, the others in [compression].
func (r *codeRule) paths(given []string, prefix string) []string {
	var own, others []string
	for _, key := range r.keys {
		if slices.Contains(given, key) {
			own = append(own, prefix+key)
		} else {
			others = append(others, "compression."+key)
		}
	}
	return slices.Concat(own, others, r.machine)
}
