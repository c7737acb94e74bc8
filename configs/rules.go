package configs

import (
	"fmt"
	"math/bits"
)

// rule is a relation between keys. It is checked only when all its keys have
// acceptable values by themselves; the fault blames the key that was set last.
type rule struct {
	keys  []string
	check func(s *Spec) string // what is wrong, or empty
}

// accumulatorBytes is the size of a partial sum.
const accumulatorBytes = 4

var rules = []rule{
	{
		[]string{"npu.channel_block"},
		func(s *Spec) string {
			return multiple("channels", s.NPU.ChannelBlock, 8, "")
		},
	},
	{
		[]string{"npu.weight_buffer_kib", "mac_array.rows", "mac_array.columns"},
		func(s *Spec) string {
			return holds("weight", s.NPU.WeightBufferBytes(), int64(s.MACArray.Rows)*int64(s.MACArray.Columns),
				"the weights of one array load (rows x columns bytes)")
		},
	},
	{
		[]string{"npu.activation_buffer_kib", "mac_array.rows", "npu.channel_block"},
		func(s *Spec) string {
			return holds("activation", s.NPU.ActivationBufferBytes(), int64(s.MACArray.Rows)*int64(s.NPU.ChannelBlock),
				"one channel block for every row (rows x channel_block bytes)")
		},
	},
	{
		[]string{"npu.accumulator_buffer_kib", "mac_array.rows", "mac_array.columns", "mac_array.dataflow"},
		func(s *Spec) string {
			need, what := int64(s.MACArray.Columns), "a partial sum for every column (columns x 4 bytes)"
			if s.MACArray.Dataflow == OutputStationary {
				need *= int64(s.MACArray.Rows)
				what = "the results of one fold (rows x columns x 4 bytes)"
			}
			return holds("accumulator", s.NPU.AccumulatorBufferBytes(), need*accumulatorBytes, what)
		},
	},
	{
		[]string{"dram.burst_bytes"},
		func(s *Spec) string { return powerOfTwo(s.DRAM.BurstBytes) },
	},
	{
		[]string{"dma.alignment_bytes"},
		func(s *Spec) string { return powerOfTwo(s.DMA.AlignmentBytes) },
	},
	{
		[]string{"dma.request_bytes", "dram.burst_bytes"},
		func(s *Spec) string {
			return multiple("request_bytes", s.DMA.RequestBytes, s.DRAM.BurstBytes, "dram.burst_bytes")
		},
	},
	{
		[]string{"dma.request_bytes", "dma.alignment_bytes"},
		func(s *Spec) string {
			return multiple("request_bytes", s.DMA.RequestBytes, s.DMA.AlignmentBytes, "dma.alignment_bytes")
		},
	},
	{
		[]string{"quantization.weights", "mac_array.per_channel_multiplier", "lut_gemm.lanes"},
		func(s *Spec) string { return unitFor(s, s.Quantization.Weights) },
	},
	{
		[]string{"quantization.group", "lut_gemm.mu"},
		func(s *Spec) string {
			return multiple("group", s.Quantization.Group, s.LUTGEMM.Mu, "lut_gemm.mu")
		},
	},
	{
		[]string{"quantization.solver", "quantization.planes"},
		func(s *Spec) string {
			if s.Quantization.Solver == TernarySolver && s.Quantization.Planes != 2 {
				return fmt.Sprintf("the solver \"ternary\" takes quantization.planes = 2, not %d", s.Quantization.Planes)
			}
			return ""
		},
	},
	{
		[]string{"quantization.solver", "quantization.weights", "compression.scheme"},
		func(s *Spec) string {
			if q := &s.Quantization; q.Weights == BinaryCoding && s.Compression.Scheme == XORFractional && q.Solver != AlternatingSolver {
				return fmt.Sprintf("signs that XOR networks make are searched for with their scales: the solver must be \"alternating\", not %q", q.Solver)
			}
			return ""
		},
	},
	{
		[]string{"quantization.percentile"},
		func(s *Spec) string {
			if s.Quantization.Percentile > 50 {
				return ""
			}
			return "must be above 50: smaller ones would cut half of the values"
		},
	},
}

// holds checks the size of a scratchpad.
func holds(name string, size, need int64, what string) string {
	if size >= need {
		return ""
	}
	return fmt.Sprintf("the %s buffer of %d bytes must hold %s: %d bytes", name, size, what, need)
}

func powerOfTwo(x int) string {
	if bits.OnesCount(uint(x)) == 1 {
		return ""
	}
	return fmt.Sprintf("must be a power of two, not %d", x)
}

func multiple(what string, x, of int, key string) string {
	if x%of == 0 {
		return ""
	}
	if key != "" {
		key += " = "
	}
	return fmt.Sprintf("%s must be a multiple of %s%d, not %d", what, key, of, x)
}

// unitFor checks that the hardware can carry out a weight scheme.
func unitFor(s *Spec, weights WeightScheme) string {
	if weights == BinaryCoding && s.LUTGEMM.Lanes == 0 {
		return fmt.Sprintf("%q weights need lut_gemm.lanes of at least 1: the machine must have a unit that multiplies them", weights)
	}
	if weights != PerChannel || s.MACArray.PerChannelMultiplier {
		return ""
	}
	return fmt.Sprintf("%q weights need mac_array.per_channel_multiplier = true: the hardware must hold a multiplier for every channel", weights)
}

// rule checks one relation.
func (v *validator) rule(r *rule) {
	blamed, rank := r.keys[0], -1
	for _, key := range r.keys {
		if v.broken(key) {
			return
		}
		if place, ok := v.loader.origins[key]; ok && place.rank > rank {
			blamed, rank = key, place.rank
		}
	}
	if wrong := r.check(v.spec); wrong != "" {
		v.fault(blamed, "", "%s", wrong)
	}
}
