package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/npusim/npusim/compiler"
	"github.com/npusim/npusim/compiler/dataset"
	"github.com/npusim/npusim/compiler/floatref"
	"github.com/npusim/npusim/configs"
	"github.com/npusim/npusim/isa/fixed"
	"github.com/npusim/npusim/npu/evaluate"
	"github.com/npusim/npusim/npu/functional"
)

// Samples that sparsities are searched on, and all of them in the reduced form.
const (
	searchSamples = 256
	quickSamples  = 48
)

// study is a network under study with what is known of it.
type study struct {
	*tool
	network
	samples int // evaluation samples that count as all
	floats  evaluate.FloatCache
	known   map[string]*outcome // by pruning, sparsity and samples; never iterated
	shown   []point             // from the first table: the highest that holds, and 0.9
}

// study opens the data set of a network.
func (t *tool) study(n network) (*study, error) {
	set, err := dataset.Open(n.data)
	if err != nil {
		return nil, err
	}
	samples := len(set.Evaluation())
	if err := set.Close(); err != nil {
		return nil, err
	}
	if t.quick {
		samples = min(samples, quickSamples)
	}
	return &study{tool: t, network: n, samples: samples, known: map[string]*outcome{}}, nil
}

// outcome is a run on samples.
type outcome struct {
	result *evaluate.Result
	// Top-1 in percent, or the mean squared error between input and output.
	score, float float64
}

// limit is the most that pruning may cost, in the unit of costOf.
func (s *study) limit() float64 {
	if s.reconstructs {
		return 10
	}
	return 3
}

// costOf is what a run lost against the dense int8 network: points of top-1,
// or percent of the dense reconstruction error.
func (s *study) costOf(o, dense *outcome) float64 {
	if s.reconstructs {
		return 100 * (o.score/dense.score - 1)
	}
	return dense.score - o.score
}

// unit is that of costs.
func (s *study) unit() string {
	if s.reconstructs {
		return "% of MSE"
	}
	return "points"
}

// scoreText formats a score.
func (s *study) scoreText(score float64) string {
	if s.reconstructs {
		return fmt.Sprintf("MSE %.3f", score)
	}
	return fmt.Sprintf("%.2f %%", score)
}

// point is a sparsity with the way to prune to it; step 0 prunes nothing.
type point struct {
	step    int
	pruning string
}

func (p point) String() string {
	if p.step == 0 {
		return "unpruned"
	}
	return decimal(2, sparsity(p.step)) + " " + p.pruning
}

// sets are the settings that prune.
func (p point) sets() []string {
	if p.step == 0 {
		return nil
	}
	return []string{"compression.pruning=" + p.pruning, "compression.sparsity=" + decimal(2, sparsity(p.step))}
}

// pruned runs the plain network at a sparsity, once.
func (s *study) pruned(ctx context.Context, p point, samples int) (*outcome, error) {
	samples = min(samples, s.samples)
	key := fmt.Sprint(p, " ", samples)
	if o := s.known[key]; o != nil {
		return o, nil
	}
	s.say("%s: %v, %d samples", s.name, p, samples)
	o, err := s.execute(ctx, p.sets(), samples)
	if err == nil {
		s.known[key] = o
	}
	return o, err
}

// options of a run on a preset.
func (s *study) options(preset string, sets []string) (evaluate.Options, error) {
	spec, err := configs.Load(preset, sets)
	return evaluate.Options{Model: s.model, Data: s.data, Spec: spec, Workers: s.workers, Float: &s.floats, Codes: s.cache}, err
}

// execute runs samples on the first preset: what it computes depends on no
// preset.
func (s *study) execute(ctx context.Context, sets []string, samples int) (*outcome, error) {
	options, err := s.options(s.presets[0], sets)
	if err != nil {
		return nil, err
	}
	options.Samples = samples
	o := new(outcome)
	if o.result, err = evaluate.Run(ctx, options); err != nil {
		return nil, err
	}
	a := o.result.Accuracy
	if a.BitExact == nil || !*a.BitExact {
		return nil, fmt.Errorf("not bit-exact: %s", a.Divergence)
	}
	if s.reconstructs {
		compilation, err := evaluate.Compile(ctx, options)
		if err != nil {
			return nil, err
		}
		return o, s.reconstruct(compilation, options.Spec, samples, o)
	}
	if a.NPUTop1 == nil || a.FloatTop1 == nil {
		return nil, errors.New("the data set has no labels")
	}
	o.score, o.float = 100**a.NPUTop1, 100**a.FloatTop1
	return o, nil
}

// reconstruct measures the mean squared error between inputs and outputs, of
// the machine and of the float network with all its weights.
func (s *study) reconstruct(c *compiler.Compilation, spec *configs.Spec, samples int, o *outcome) error {
	p := c.Program
	if len(p.Inputs) != 1 || len(p.Outputs) != 1 {
		return fmt.Errorf("%d inputs and %d outputs: a network that reconstructs has one of each", len(p.Inputs), len(p.Outputs))
	}
	engine, err := functional.New(p, compiler.Limits(spec))
	if err != nil {
		return err
	}
	float, err := floatref.New(c.Graph, floatref.Options{})
	if err != nil {
		return err
	}
	set, err := dataset.Open(s.data)
	if err != nil {
		return err
	}
	defer set.Close()
	reader, err := set.Reader(c.Graph.Value(c.Graph.Inputs[0]).Shape)
	if err != nil {
		return err
	}
	in, out := &p.Tensors[p.Inputs[0].Tensor], &p.Tensors[p.Outputs[0].Tensor]
	low, high := fixed.Range(in.Bits)
	x := make([]float32, reader.Elements())
	quantized := [][]int8{make([]int8, len(x))}
	var outputs [][]int8
	machine, floats := engine.NewState(), float.NewState()
	for _, sample := range set.Evaluation()[:samples] {
		if err := reader.Read(sample, x); err != nil {
			return err
		}
		for i, v := range x {
			quantized[0][i] = fixed.Quantize(v, in.Scale, in.Zero, low, high)
		}
		if outputs, err = machine.Run(quantized, outputs); err != nil {
			return err
		}
		real, err := floats.Run([][]float32{x})
		if err != nil {
			return err
		}
		if len(outputs[0]) != len(x) || len(real[0]) != len(x) {
			return fmt.Errorf("%d outputs of %d inputs: that is no reconstruction", len(outputs[0]), len(x))
		}
		for i, v := range x {
			d := float64(fixed.Dequantize(outputs[0][i], out.Scale, out.Zero)) - float64(v)
			f := float64(real[0][i]) - float64(v)
			o.score += d * d
			o.float += f * f
		}
	}
	n := float64(samples) * float64(len(x))
	o.score, o.float = o.score/n, o.float/n
	return nil
}
