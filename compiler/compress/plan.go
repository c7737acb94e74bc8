package compress

import (
	"fmt"

	"github.com/npusim/npusim/compiler/codec"
	"github.com/npusim/npusim/compiler/fractional"
	"github.com/npusim/npusim/compiler/integer"
	"github.com/npusim/npusim/compiler/prune"
	"github.com/npusim/npusim/configs"
	"github.com/npusim/npusim/isa/binarycode"
	"github.com/npusim/npusim/isa/bitplane"
	"github.com/npusim/npusim/isa/weightmask"
	"github.com/npusim/npusim/npu/cost"
)

// Options of planning.
type Options struct {
	Workers int    // goroutines of an encoder; 0 is one a processor
	Cache   *Cache // of codes that take long to find; may be nil
	// Trained has the codes of compression.trained by layer. The weights of those
	// layers are the ones that the codes give, times a factor for each channel.
	Trained map[string]*fractional.Imported
	// Products has the masks that are Boolean products by layer: of the weights
	// as a matrix of the first axis by the rest.
	Products map[string]*prune.Product
}

// New plans the codes of all layers of a network. It returns nil if the
// configuration asks for none. A network of layer shapes has no weights: random
// ones with the sparsity of the configuration stand in.
func New(g *integer.Graph, spec *configs.Spec, options Options) (*Encoder, error) {
	e := &Encoder{machine: cost.NewMachine(spec), options: options, maskFormat: spec.Compression.MaskFormat, layers: map[string]*layerCode{}}
	var families []*family
	for i := range g.Nodes {
		n := &g.Nodes[i]
		if n.Kind != integer.Convolution {
			continue
		}
		asked := spec.Compression.For(n.Name)
		l := &layerCode{asked: asked, representation: bitplane.SignMagnitude, report: Layer{Name: n.Name, Scheme: asked.Scheme, Bits: int(n.Convolution.WeightBits)}}
		e.layers[n.Name] = l
		e.order = append(e.order, l)
		if asked.Scheme == configs.NoCompression {
			l.report.Reason = "its scheme is none"
			l.count(n.Convolution.Weights, int64(len(n.Convolution.Weights)))
			continue
		}
		if err := spec.CheckCompression(n.Name); err != nil {
			return nil, err
		}
		total := n.Convolution.WeightElements(g.Tensors[n.Inputs[0]].Shape.Channels, g.Tensors[n.Output].Shape.Channels)
		families = join(families, l)
		if n.Convolution.Codes != nil {
			l.report.Reason = "stays plain: its weights are keys of binary codes"
			l.report.Weights, l.report.Kept = total, total
			l.sealed(n.Convolution.Sealed, total)
			continue
		}
		if spec.Compression.Trained != "" && asked.Scheme == configs.XORFractional {
			if err := e.planTrained(l, n.Convolution, total, spec); err != nil {
				return nil, fmt.Errorf("trained code of layer %s: %w", n.Name, err)
			}
			continue
		}
		f := familyOf(families, l)
		f.layers = append(f.layers, l)
		e.findProduct(l, n.Convolution, g.Tensors[n.Output].Shape.Channels, total, spec)
		if err := e.prepare(l, n.Convolution, total, spec); err != nil {
			return nil, fmt.Errorf("code of layer %s: %w", n.Name, err)
		}
	}
	if len(families) == 0 {
		return nil, nil
	}
	for _, f := range families {
		plan := e.plan
		if f.scheme == configs.XORFractional {
			plan = e.planFractional
		}
		if err := plan(f, spec); err != nil {
			return nil, fmt.Errorf("%s: %w", f.scheme, err)
		}
	}
	for _, l := range e.order {
		l.sample, l.targets = nil, nil
	}
	return e, nil
}

// sealed notes binary codes whose keys have codes already, found with the scales.
func (l *layerCode) sealed(s *binarycode.Sealed, weights int64) {
	if s == nil {
		return
	}
	n := s.Networks[0]
	l.report.Coded, l.report.Reason = true, ""
	l.report.Inputs, l.report.Outputs, l.report.Planes = n.Inputs, n.Outputs, len(s.Networks)
	l.report.PlainBytes = (weights*int64(len(s.Networks)) + 7) / 8
	for _, codes := range s.Codes {
		l.report.CodeBytes += int64(len(codes)*n.Inputs+7) / 8
	}
}

// family is the layers that share a network: those of one scheme whose
// configuration gives the same n_in, or leaves it to the search. (The networks
// of the fractional code are given whole by n_in and n_out.)
type family struct {
	scheme          configs.CompressionScheme
	inputs, outputs int // asked for; 0: searched
	layers          []*layerCode
}

// familyOf finds the family of a layer; nil if there is none yet.
func familyOf(families []*family, l *layerCode) *family {
	for _, f := range families {
		if f.scheme == l.asked.Scheme && f.inputs == l.asked.Inputs && (f.scheme != configs.XORFractional || f.outputs == l.asked.Outputs) {
			return f
		}
	}
	return nil
}

// join adds the family of a layer unless it is there.
func join(families []*family, l *layerCode) []*family {
	if familyOf(families, l) != nil {
		return families
	}
	return append(families, &family{scheme: l.asked.Scheme, inputs: l.asked.Inputs, outputs: l.asked.Outputs})
}

// count takes down how many weights there are in all and, after those that are
// known, how many are not zero.
func (l *layerCode) count(weights []int8, total int64) {
	l.report.Weights = total
	if len(weights) > 0 {
		l.report.Kept = total * int64(kept(weights).Count()) / int64(len(weights))
	}
}

// prepare takes the sample of a layer that its code is searched on.
func (e *Encoder) prepare(l *layerCode, a *integer.ConvolutionAttributes, total int64, spec *configs.Spec) error {
	if spec.Compression.Representation == configs.TwosComplement {
		l.representation = bitplane.TwosComplement
	}
	weights := a.Weights
	if len(weights) == 0 {
		weights = standIn(int(min(total, 1<<16)), int(a.WeightBits), l.asked.Sparsity, uint64(spec.Compression.Seed))
	}
	l.count(weights, total)
	for _, w := range weights {
		if w == -1<<(a.WeightBits-1) { // has no magnitude of that many bits
			l.representation = bitplane.TwosComplement
			break
		}
	}
	l.sample = take(weights)
	if l.report.Scheme == configs.XORFractional {
		l.kept = 1
		return nil
	}
	keep := kept(l.sample)
	sealed, err := sealMask(keep, spec.Compression.MaskFormat)
	if err != nil {
		return err
	}
	if sealed != nil {
		s, err := weightmask.Open(sealed)
		if err != nil {
			return err
		}
		l.rawMask = s.Format == weightmask.Raw
		l.otherMask = 8 * float64(len(sealed)-weightmask.HeaderBytes) / float64(len(l.sample))
		l.mask = l.otherMask
		if bits := l.productBits(); bits > 0 && (bits < l.mask || e.maskFormat == configs.LowRankMask) {
			l.mask = bits
			if l.product != nil {
				keep = kept(take(l.product.marks(len(weights))))
			}
		}
	}
	l.kept = float64(keep.Count()) / float64(len(l.sample))
	l.targets, err = targetsOf(l.sample, keep, l.report.Bits, l.representation)
	return err
}

// density is the share of care bits of the sample.
func density(targets []codec.Target) float64 {
	return max(float64(targets[0].Care.Count())/float64(targets[0].Care.Len()), 1e-3)
}
