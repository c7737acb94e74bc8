// Package lowertest draws machines and builds programs for property tests and
// benchmarks of the packages that run programs: random specifications, lowering
// that follows the sizes an error asks for, and a network of MobileNetV1's
// shapes with random weights.
package lowertest

import (
	"errors"
	"fmt"
	"math/rand/v2"

	"github.com/npusim/npusim/compiler/integer"
	"github.com/npusim/npusim/compiler/lower"
	"github.com/npusim/npusim/configs"
	"github.com/npusim/npusim/isa"
)

// Spec draws a machine: shape and options of the array, scratchpads, channel
// blocks, ports, DMA and memory.
func Spec(r *rand.Rand) (*configs.Spec, error) {
	pick := func(values ...int) int { return values[r.IntN(len(values))] }
	burst := pick(16, 32, 64)
	sets := []string{
		"dram.tier=linear", "dram.efficiency=1", // with a bandwidth and a burst of its own
		fmt.Sprintf("mac_array.rows=%d", pick(4, 8, 16, 32)),
		fmt.Sprintf("mac_array.columns=%d", pick(4, 8, 16, 32)),
		fmt.Sprintf("mac_array.overlap_weight_load=%t", r.IntN(2) == 0),
		fmt.Sprintf("mac_array.overlap_drain=%t", r.IntN(2) == 0),
		"mac_array.per_channel_multiplier=true",
		fmt.Sprintf("npu.channel_block=%d", pick(8, 16, 32)),
		fmt.Sprintf("npu.activation_buffer_kib=%d", pick(8, 24, 64, 256, 1024)),
		fmt.Sprintf("npu.weight_buffer_kib=%d", pick(4, 16, 32, 64, 256)),
		fmt.Sprintf("npu.accumulator_buffer_kib=%d", pick(4, 16, 64)),
		fmt.Sprintf("npu.activation_bytes_per_cycle=%d", pick(4, 32, 128)),
		fmt.Sprintf("npu.clock_mhz=%d", pick(100, 333, 500, 1000, 1700)),
		fmt.Sprintf("dma.outstanding_requests=%d", pick(1, 4, 16)),
		fmt.Sprintf("dma.setup_cycles=%d", pick(0, 1, 16)),
		fmt.Sprintf("dma.request_bytes=%d", pick(64, 128, 256)),
		fmt.Sprintf("dma.alignment_bytes=%d", pick(16, 64)),
		fmt.Sprintf("dram.burst_bytes=%d", burst),
		fmt.Sprintf("dram.latency_ns=%d", pick(0, 20, 100)),
		fmt.Sprintf("dram.bandwidth_gb_per_s=%d", pick(1, 8, 25, 100)),
	}
	if r.IntN(2) == 0 {
		sets = append(sets, "mac_array.dataflow=output-stationary")
	}
	return configs.Load("edge", sets)
}

// Options draws lowering options: sometimes without residency, sometimes with
// tiles held small.
func Options(r *rand.Rand) lower.Options {
	o := lower.Options{NoResidency: r.IntN(3) == 0}
	if r.IntN(2) == 0 {
		o.MaxTile = lower.Limit{Channels: r.IntN(40), Rows: r.IntN(8), Columns: r.IntN(8), InputChannels: r.IntN(40)}
	}
	return o
}

// Limits are the scratchpads of a machine.
func Limits(spec *configs.Spec) isa.Limits {
	return isa.Limits{
		Activation:  uint64(spec.NPU.ActivationBufferBytes()),
		Weight:      uint64(spec.NPU.WeightBufferBytes()),
		Accumulator: uint64(spec.NPU.AccumulatorBufferBytes()),
		Tables:      uint64(spec.LUTGEMM.TableSlots()),
	}
}

// Lower lowers a network; where a layer does not fit, it enlarges the
// scratchpads to the sizes that the error states, which must be enough for
// that layer. It returns the machine that the program is for.
func Lower(g *integer.Graph, spec *configs.Spec, options lower.Options) (*isa.Program, *configs.Spec, error) {
	blamed := map[string]bool{}
	for {
		p, err := lower.Lower(g, lower.NewTarget(spec), options)
		var small *lower.TooSmallError
		switch {
		case err == nil:
			return p, spec, nil
		case !errors.As(err, &small):
			return nil, nil, err
		case blamed[small.Layer]:
			return nil, nil, fmt.Errorf("layer %s does not fit the sizes it asked for: %w", small.Layer, err)
		}
		blamed[small.Layer] = true
		spec, err = spec.With(
			fmt.Sprintf("npu.activation_buffer_kib=%d", max(spec.NPU.ActivationBufferKiB, small.ActivationKiB)),
			fmt.Sprintf("npu.weight_buffer_kib=%d", max(spec.NPU.WeightBufferKiB, small.WeightKiB)),
			fmt.Sprintf("npu.accumulator_buffer_kib=%d", max(spec.NPU.AccumulatorBufferKiB, small.AccumulatorKiB)))
		if err != nil {
			return nil, nil, err
		}
	}
}
