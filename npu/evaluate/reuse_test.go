package evaluate_test

import (
	"testing"

	"github.com/npusim/npusim/npu/evaluate"
)

// TestReuse: what a layer touches once is never more than what it moves, the
// regions of all layers add up to the compulsory traffic, and the array's
// cycles by layer are those that the timing engine counted for the unit.
func TestReuse(t *testing.T) {
	for _, sets := range [][]string{
		nil,
		{"npu.activation_buffer_kib=4", "npu.accumulator_buffer_kib=4"},
		{"npu.weight_buffer_kib=4", "npu.activation_buffer_kib=4", "npu.activation_bytes_per_cycle=4"},
		{"compression.scheme=xor-sequential", "compression.sparsity=0.7"},
	} {
		r := run(t, evaluate.Options{Model: glyphModel, Spec: load(t, "edge", sets...), TimingOnly: true})
		var compulsory, spilled int64
		var array evaluate.UnitStalls
		for i := range r.Layers {
			l := &r.Layers[i]
			u := l.Reuse
			read, written := u.WeightBytes+u.InputBytes+u.SpillReadBytes, u.OutputBytes+u.SpillWriteBytes
			if read > l.DRAMReadBytes || written > l.DRAMWriteBytes {
				t.Errorf("%v: %s moves %d B and %d B, fewer than the %d B and %d B that it touches", sets, l.Name, l.DRAMReadBytes, l.DRAMWriteBytes, read, written)
			}
			if bursts := u.WeightBurstBytes + u.ActivationBurstBytes; bursts < read+written || bursts > l.DRAMReadBytes+l.DRAMWriteBytes {
				t.Errorf("%v: %s moves %d B and %d B, and touches %d B in bursts of %d B in all", sets, l.Name, l.DRAMReadBytes, l.DRAMWriteBytes, read+written, bursts)
			}
			if (u.PortCycles > 0) != (u.NarrowPort != "") {
				t.Errorf("%v: %s loses %d cycles to port %q", sets, l.Name, u.PortCycles, u.NarrowPort)
			}
			compulsory += u.WeightBytes + u.InputBytes + u.OutputBytes
			spilled += u.SpillReadBytes + u.SpillWriteBytes
			array.Busy, array.Fill, array.Drain, array.Bank = array.Busy+u.StreamCycles, array.Fill+u.FillCycles, array.Drain+u.DrainCycles, array.Bank+u.PortCycles
		}
		// Layers may share a table in the weights region, which then counts for each.
		if d := compulsory - r.DRAM.CompulsoryBytes; d < 0 || d > r.DRAM.CompulsoryBytes/50 {
			t.Errorf("%v: layers touch %d B of weights, inputs and outputs, the network %d B", sets, compulsory, r.DRAM.CompulsoryBytes)
		}
		if small := sets != nil && sets[0] != "compression.scheme=xor-sequential"; small != (spilled > 0) {
			t.Errorf("%v: %d B spilled", sets, spilled)
		}
		s := r.Stalls["mac"]
		if got := (evaluate.UnitStalls{Busy: s.Busy, Fill: s.Fill, Drain: s.Drain, Bank: s.Bank}); got != array {
			t.Errorf("%v: the array spends %+v, its layers %+v", sets, got, array)
		}
	}
}
