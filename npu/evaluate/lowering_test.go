package evaluate_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/npusim/npusim/compiler/integer"
	"github.com/npusim/npusim/compiler/integer/integertest"
	"github.com/npusim/npusim/compiler/lower"
	"github.com/npusim/npusim/configs"
	"github.com/npusim/npusim/isa"
	"github.com/npusim/npusim/npu/functional"
	"github.com/npusim/npusim/npu/timing"
)

// randomSpec draws a machine: array shape, dataflow, scratchpads, blocks.
func randomSpec(t *testing.T, r *rand.Rand) *configs.Spec {
	t.Helper()
	pick := func(values ...int) int { return values[r.IntN(len(values))] }
	sets := []string{
		fmt.Sprintf("mac_array.rows=%d", pick(4, 8, 16, 32)),
		fmt.Sprintf("mac_array.columns=%d", pick(4, 8, 16, 32)),
		fmt.Sprintf("mac_array.overlap_weight_load=%t", r.IntN(2) == 0),
		"mac_array.per_channel_multiplier=true",
		fmt.Sprintf("npu.channel_block=%d", pick(8, 16, 32)),
		fmt.Sprintf("npu.activation_buffer_kib=%d", pick(8, 24, 64, 256, 1024)),
		fmt.Sprintf("npu.weight_buffer_kib=%d", pick(4, 16, 32, 64, 256)),
		fmt.Sprintf("npu.accumulator_buffer_kib=%d", pick(4, 16, 64)),
		fmt.Sprintf("dma.outstanding_requests=%d", pick(1, 4, 16)),
	}
	if r.IntN(2) == 0 {
		sets = append(sets, "mac_array.dataflow=output-stationary")
	}
	spec, err := configs.Load("edge", sets)
	if err != nil {
		t.Fatal(err)
	}
	return spec
}

func limits(spec *configs.Spec) isa.Limits {
	return isa.Limits{
		Activation:  uint64(spec.NPU.ActivationBufferBytes()),
		Weight:      uint64(spec.NPU.WeightBufferBytes()),
		Accumulator: uint64(spec.NPU.AccumulatorBufferBytes()),
		Tables:      uint64(spec.LUTGEMM.TableSlots()),
	}
}

// lowerOrGrow lowers a network; where a layer does not fit, it follows the
// sizes that the error states, which must be enough for that layer.
func lowerOrGrow(t *testing.T, g *integer.Graph, spec *configs.Spec, options lower.Options) (*isa.Program, *configs.Spec) {
	t.Helper()
	blamed := map[string]bool{}
	for {
		p, err := lower.Lower(g, lower.NewTarget(spec), options)
		var small *lower.TooSmallError
		switch {
		case err == nil:
			return p, spec
		case !errors.As(err, &small) || blamed[small.Layer]:
			t.Fatalf("%s: %v\n%s", g.Name, err, g)
		}
		blamed[small.Layer] = true
		spec, err = spec.With(
			fmt.Sprintf("npu.activation_buffer_kib=%d", max(spec.NPU.ActivationBufferKiB, small.ActivationKiB)),
			fmt.Sprintf("npu.weight_buffer_kib=%d", max(spec.NPU.WeightBufferKiB, small.WeightKiB)),
			fmt.Sprintf("npu.accumulator_buffer_kib=%d", max(spec.NPU.AccumulatorBufferKiB, small.AccumulatorKiB)))
		if err != nil {
			t.Fatal(err)
		}
	}
}

// compare runs a program and compares every completed tile with the reference.
func compare(p *isa.Program, spec *configs.Spec, g *integer.Graph, input [][]int8, want [][]int8, order *rand.Rand) error {
	engine, err := functional.New(p, limits(spec))
	if err != nil {
		return err
	}
	state := engine.NewState()
	state.Order = order
	state.Observe = func(c *functional.Completed) error {
		tensor := &g.Tensors[c.Record.Tensor]
		for ch := range c.Channels {
			for h := range c.Rows {
				for w := range c.Columns {
					z, y, x := int(c.Record.Channel)+ch, int(c.Record.Row)+h, int(c.Record.Column)+w
					expected := want[c.Record.Tensor][(z*tensor.Shape.Rows+y)*tensor.Shape.Columns+x]
					if got := c.At(ch, h, w); got != expected {
						return fmt.Errorf("tensor %s (%d,%d,%d): got %d, want %d", tensor.Name, z, y, x, got, expected)
					}
				}
			}
		}
		return nil
	}
	outputs, err := state.Run(input, nil)
	if err != nil {
		return err
	}
	for i, id := range g.Outputs {
		for k := range outputs[i] {
			if outputs[i][k] != want[id][k] {
				return fmt.Errorf("output %s element %d: got %d, want %d", g.Tensors[id].Name, k, outputs[i][k], want[id][k])
			}
		}
	}
	return nil
}

// TestAnyTilingSameTensors: every tile size, dataflow, scratchpad size and
// order of execution gives the tensors of the integer reference.
func TestAnyTilingSameTensors(t *testing.T) {
	networks := 200
	if testing.Short() || raceEnabled {
		networks = 25
	}
	for seed := range uint64(networks) {
		g := integertest.Random(seed, 8)
		if err := g.Validate(); err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, g)
		}
		reference, err := integer.NewReference(g)
		if err != nil {
			t.Fatal(err)
		}
		r := rand.New(rand.NewPCG(seed, 2))
		input := [][]int8{integertest.Input(g, g.Inputs[0], r)}
		want := reference.Run(input)
		for variant := range 3 {
			spec := randomSpec(t, r)
			options := lower.Options{NoResidency: r.IntN(3) == 0}
			if variant > 0 {
				options.MaxTile = lower.Limit{Channels: r.IntN(40), Rows: r.IntN(8), Columns: r.IntN(8), InputChannels: r.IntN(40)}
			}
			p, spec := lowerOrGrow(t, g, spec, options)
			if err := compare(p, spec, g, input, want, nil); err != nil {
				t.Fatalf("seed %d variant %d: %v\n%s", seed, variant, err, g)
			}
			if err := compare(p, spec, g, input, want, r); err != nil {
				t.Fatalf("seed %d variant %d, random order: %v\n%s", seed, variant, err, g)
			}
			if _, err := timing.Run(p, spec); err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
		}
	}
}
