package compiler

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/npusim/npusim/compiler/dataset"
	"github.com/npusim/npusim/compiler/lower"
	"github.com/npusim/npusim/compiler/onnx"
	"github.com/npusim/npusim/configs"
)

// TestReadsTellsAll: whatever key of the configuration is changed, the passes
// make the same network and the same plan as long as Reads says so.
func TestReadsTellsAll(t *testing.T) {
	model, err := onnx.Read("../testdata/glyphs/glyphs.onnx")
	if err != nil {
		t.Fatal(err)
	}
	imported, err := Import(t.Context(), model)
	if err != nil {
		t.Fatal(err)
	}
	bases := [][]string{
		nil,
		{"compression.scheme=xor-block", "compression.sparsity=0.8", "compression.networks=2", "compression.n_in=8", "compression.n_out=32"},
		{"quantization.weights=binary-coding", "lut_gemm.lanes=128", "lut_gemm.use=faster", "quantization.solver=greedy"},
	}
	if testing.Short() {
		bases = bases[:1]
	}
	for _, sets := range bases {
		t.Run(strings.Join(sets, " "), func(t *testing.T) {
			base, err := configs.Load("edge", append(sets, "dram.tier=linear"))
			if err != nil {
				t.Fatal(err)
			}
			network, plan := outcomes(t, imported, base)
			sameNetwork, samePlan, different := 0, 0, 0
			for _, key := range configs.Keys() {
				for _, value := range otherValues(&key) {
					spec, err := base.With(key.Path + "=" + value)
					if err != nil || spec.ConfigHash() == base.ConfigHash() {
						continue
					}
					if Reads(FitPass, spec) != Reads(FitPass, base) {
						different++
						continue
					}
					gotNetwork, gotPlan := outcomes(t, imported, spec)
					sameNetwork++
					if gotNetwork != network {
						t.Errorf("%s = %s changes the network", key.Path, value)
					}
					if Reads(PlanPass, spec) != Reads(PlanPass, base) {
						continue
					}
					samePlan++
					if gotPlan != plan {
						t.Errorf("%s = %s changes the plan", key.Path, value)
					}
				}
			}
			if sameNetwork < 30 || samePlan < 15 || different < 5 {
				t.Errorf("%d other configurations have the same network, %d the same plan, %d neither", sameNetwork, samePlan, different)
			}
		})
	}
}

// outcomes are the quantized network with its codes and its program for some
// bandwidth, as text.
func outcomes(t *testing.T, imported *Compilation, spec *configs.Spec) (network, plan string) {
	t.Helper()
	shape := imported.Graph.Value(imported.Graph.Inputs[0]).Shape
	elements := 1
	for _, d := range shape {
		elements *= d
	}
	c := imported.Branch(Options{Spec: spec, Workers: 1, Calibration: Samples{Count: 2, Load: func(i int) ([][]float32, error) {
		x := make([]float32, elements)
		dataset.Random(shape, 1, i, x)
		return [][]float32{x}, nil
	}}})
	if err := c.Run(context.Background(), FitPass); err != nil {
		t.Fatal(err)
	}
	options := lower.Options{ShapeOnly: true}
	network = c.Report.String() + c.Quantized.String()
	for i := range c.Quantized.Nodes {
		if a := c.Quantized.Nodes[i].Convolution; a != nil {
			network += fmt.Sprint(a.Weights, a.Bias, a.Requantizer)
		}
	}
	if c.Encoder != nil {
		network += fmt.Sprint(c.Encoder.Layers())
		options.Encoder = c.Encoder
	}
	target := lower.NewTarget(spec)
	target.MilliBytesPerCycle = 4000
	p, err := lower.Lower(c.Quantized, target, options)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range p.Descriptors {
		plan += fmt.Sprintf("%T %+v\n", d, d)
	}
	return network, plan + fmt.Sprint(p.Code, p.Semaphores, p.RegionBytes, p.Buffers)
}

// otherValues are some that a key may have.
func otherValues(key *configs.Key) []string {
	switch {
	case key.Type == "boolean":
		return []string{"true", "false"}
	case strings.Contains(key.Type, " | "):
		return strings.Split(key.Type, " | ")
	case key.Type == "integer", key.Type == "number":
		return []string{"3", "64", "0.25"}
	}
	return nil
}

// TestReadsOfProducts: what a mask is pruned to fit, and whether its factors are
// of use, is part of what the passes read; otherwise the rank is not.
func TestReadsOfProducts(t *testing.T) {
	reads := func(sets ...string) string {
		spec, err := configs.Load("edge", append([]string{"compression.sparsity=0.5"}, sets...))
		if err != nil {
			t.Fatal(err)
		}
		return Reads(PrunePass, spec)
	}
	for _, c := range []struct {
		a, b []string
		same bool
	}{
		{[]string{"compression.rank=2"}, []string{"compression.rank=3"}, true},
		{[]string{"compression.rank=2", "compression.pruning=low-rank"}, []string{"compression.rank=3", "compression.pruning=low-rank"}, false},
		{[]string{"compression.pruning=layer"}, []string{"compression.pruning=low-rank"}, false},
		{[]string{"compression.sparsity=0.0", "compression.mask=.", "compression.scheme=xor-block"}, []string{"compression.sparsity=0.0", "compression.mask=."}, false},
	} {
		if (reads(c.a...) == reads(c.b...)) != c.same {
			t.Errorf("%q and %q: %s and %s", c.a, c.b, reads(c.a...), reads(c.b...))
		}
	}
}
