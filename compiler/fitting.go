package compiler

import (
	"context"
	"slices"

	"github.com/npusim/npusim/compiler/compress"
	"github.com/npusim/npusim/compiler/integer"
	"github.com/npusim/npusim/compiler/lower"
	"github.com/npusim/npusim/isa/fixed"
)

// fittingSamples bounds the calibration samples whose activations weigh the
// errors of the fractional code.
const fittingSamples = 8

// fitWeights replaces the weights of layers with the fractional code by ones
// that the code gives. Unless all codes are trained, the network is lowered once
// for the shapes of the tiles, which decode one by one.
func fitWeights(ctx context.Context, c *Compilation) error {
	if c.Encoder == nil || !c.Encoder.Fits() {
		return nil
	}
	moments, err := inputMoments(ctx, c, c.Quantized)
	if err != nil {
		return err
	}
	c.Quantized, c.Encoder = withOwnWeights(c.Quantized), c.Encoder.Fresh()
	fitter := c.Encoder.NewFitter(c.Quantized, moments)
	if fitter.NeedsTiles() {
		options := c.lowering()
		options.Encoder = fitter
		if _, err := lower.Best(c.Quantized, lower.NewTarget(c.Options.Spec), options, c.Options.Judge); err != nil {
			return err
		}
	}
	return fitter.Apply()
}

// withOwnWeights is a network whose convolutions can be given other weights.
func withOwnWeights(g *integer.Graph) *integer.Graph {
	own := *g
	own.Nodes = slices.Clone(g.Nodes)
	for i := range own.Nodes {
		if n := &own.Nodes[i]; n.Convolution != nil {
			a := *n.Convolution
			n.Convolution = &a
		}
	}
	return &own
}

// inputMoments runs calibration samples through a quantized network and
// gathers the moments of the inputs of each convolution, by channel.
func inputMoments(ctx context.Context, c *Compilation, g *integer.Graph) (map[string]compress.Moments, error) {
	reference, err := integer.NewReference(g)
	if err != nil {
		return nil, err
	}
	moments := map[string]compress.Moments{}
	samples := min(c.Options.Calibration.Count, fittingSamples)
	for s := range samples {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		inputs, err := c.Options.Calibration.Load(s)
		if err != nil {
			return nil, err
		}
		quantized := make([][]int8, len(g.Inputs))
		for i, id := range g.Inputs {
			t := &g.Tensors[id]
			low, high := fixed.Range(t.Bits)
			for _, x := range inputs[i] {
				quantized[i] = append(quantized[i], fixed.Quantize(x, t.Scale, t.Zero, low, high))
			}
		}
		values := reference.Run(quantized)
		for i := range g.Nodes {
			n := &g.Nodes[i]
			if n.Kind != integer.Convolution {
				continue
			}
			t := &g.Tensors[n.Inputs[0]]
			m, ok := moments[n.Name]
			if !ok {
				m = compress.Moments{Mean: make([]float64, t.Shape.Channels), Square: make([]float64, t.Shape.Channels)}
				moments[n.Name] = m
			}
			pixels := t.Shape.Rows * t.Shape.Columns
			for ch := range t.Shape.Channels {
				for _, q := range values[n.Inputs[0]][ch*pixels : (ch+1)*pixels] {
					d := float64(q) - float64(t.Zero)
					m.Mean[ch] += d / float64(pixels*samples)
					m.Square[ch] += d * d / float64(pixels*samples)
				}
			}
		}
	}
	return moments, nil
}
