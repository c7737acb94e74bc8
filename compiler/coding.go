package compiler

import (
	"context"
	"fmt"
	"math"

	solve "github.com/npusim/npusim/compiler/binarycode"
	"github.com/npusim/npusim/compiler/integer"
	"github.com/npusim/npusim/compiler/lower"
	"github.com/npusim/npusim/compiler/quantize"
	"github.com/npusim/npusim/configs"
	"github.com/npusim/npusim/isa/binarycode"
)

// prepareCodes gathers what binary coding needs from the network with integer
// weights: the moments that weigh its errors, and which layers are faster as
// they are.
func prepareCodes(ctx context.Context, c *Compilation, coding *quantize.Coding) error {
	spec := c.Options.Spec
	g, _, err := quantize.Quantize(c.Pruned, c.Calibration, quantize.Dense(&spec.Quantization))
	if err != nil {
		return err
	}
	found, err := inputMoments(ctx, c, g)
	if err != nil {
		return err
	}
	coding.Moments = make(map[string]quantize.Moments, len(found))
	for name, m := range found { // each on its own
		coding.Moments[name] = quantize.Moments(m)
	}
	if coding.Sealing, err = sealings(g, spec); err != nil {
		return err
	}
	if spec.LUTGEMM.Use == configs.AlwaysLookup {
		return nil
	}
	target := lower.NewTarget(spec)
	coding.Dense = map[string]string{}
	for i := range g.Nodes {
		n := &g.Nodes[i]
		if n.Kind != integer.Convolution || n.Convolution.Groups > 1 {
			continue
		}
		ranges, err := expectedRanges(spec, n.Name, g.Tensors[n.Output].Shape.Channels)
		if err != nil {
			return fmt.Errorf("layer %s: %w", n.Name, err)
		}
		array, lookup := lower.CompareLookup(g, n, target, ranges, spec.Quantization.Group)
		if array <= lookup {
			coding.Dense[n.Name] = fmt.Sprintf("about %d cycles on the MAC array, %d on the LUT-GEMM unit", array, lookup)
		}
	}
	return nil
}

// expectedRanges are the ranges of outputs that codes of a layer will have. Where
// planes are shared out among layers, the average stands for what it will get.
func expectedRanges(spec *configs.Spec, name string, outputs int) ([]binarycode.Range, error) {
	q := &spec.Quantization
	rule := q.ForLayer(name)
	switch {
	case rule.RowClusters > 1:
		return solve.AlignedRanges(outputs, spec.NPU.ChannelBlock, rule.ClusterPlanes(), rule.RowRatio)
	case q.Solver == configs.TernarySolver:
		rule.Planes = 2
	case q.AverageBits > 0:
		rule.Planes = min(max(int(math.Round(q.AverageBits)), 1), binarycode.MaxPlanes)
	}
	return []binarycode.Range{{Rows: outputs, Planes: rule.Planes}}, nil
}

// Networks of sealed keys where the configuration leaves n_in and n_out to the
// compiler: four rows share a code, of 7/8 bits a sign.
const (
	defaultSealedRows = 4
	defaultSealedRate = 0.875
)

// sealings are the networks of layers with binary codes whose scheme is
// xor-fractional.
func sealings(g *integer.Graph, spec *configs.Spec) (map[string]quantize.Sealing, error) {
	list := map[string]quantize.Sealing{}
	for i := range g.Nodes {
		n := &g.Nodes[i]
		c := spec.Compression.For(n.Name)
		if n.Kind != integer.Convolution || c.Scheme != configs.XORFractional || spec.Quantization.ForLayer(n.Name).Weights != configs.BinaryCoding {
			continue
		}
		s := quantize.Sealing{Mu: spec.LUTGEMM.Mu, Inputs: c.Inputs, Outputs: c.Outputs, Taps: spec.Compression.Taps, Seed: uint64(spec.Compression.Seed)}
		if s.Outputs == 0 {
			s.Outputs = defaultSealedRows * s.Mu
			s.Inputs = int(defaultSealedRate * float64(s.Outputs))
		}
		if err := binarycode.CheckSealing(s.Outputs, s.Mu, spec.NPU.ChannelBlock); err != nil {
			return nil, fmt.Errorf("layer %s: compression.n_out = %d: %w", n.Name, s.Outputs, err)
		}
		if s.Inputs > spec.XOR.MaxInputs || s.Outputs > spec.XOR.MaxOutputs {
			return nil, fmt.Errorf("layer %s: a network of %d inputs and %d outputs: the machine has xor.max_inputs = %d and xor.max_outputs = %d",
				n.Name, s.Inputs, s.Outputs, spec.XOR.MaxInputs, spec.XOR.MaxOutputs)
		}
		list[n.Name] = s
	}
	return list, nil
}
