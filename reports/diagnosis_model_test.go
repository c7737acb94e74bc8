package reports_test

import (
	"context"
	"testing"

	"github.com/npusim/npusim/configs"
	"github.com/npusim/npusim/npu/evaluate"
	"github.com/npusim/npusim/reports"
)

// timed times the network of this repository on the preset edge with settings.
func timed(t *testing.T, settings ...string) *evaluate.Result {
	t.Helper()
	spec, err := configs.Load("edge", settings)
	if err != nil {
		t.Fatal(err)
	}
	r, err := evaluate.Run(context.Background(), evaluate.Options{Model: "../testdata/glyphs/glyphs.onnx", Spec: spec, TimingOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestGainIsReal: taking a cause away saves cycles, and not more than it is
// said to cost, but for the change of schedule that comes with it.
func TestGainIsReal(t *testing.T) {
	base := timed(t)
	findings := map[reports.Loss]reports.Finding{}
	for _, f := range reports.Diagnose(base) {
		findings[f.Loss] = f
	}
	for _, c := range []struct {
		loss     reports.Loss
		settings []string
	}{
		{reports.NarrowPort, []string{"npu.activation_bytes_per_cycle=1024"}},
		{reports.VectorWork, []string{"vector.lanes=1024", "vector.table_lanes=1024"}},
		{reports.StreamWaits, []string{"dram.tier=ideal"}},
		{reports.FullRate, []string{"mac_array.rows=32"}},
		{reports.FullRate, []string{"mac_array.columns=32", "npu.accumulator_bytes_per_cycle=128", "npu.weight_bytes_per_cycle=32"}},
	} {
		f, ok := findings[c.loss]
		if !ok {
			t.Errorf("nothing is lost to %s", c.loss)
			continue
		}
		saved := base.Timing.Cycles - timed(t, c.settings...).Timing.Cycles
		if saved <= 0 || float64(saved) > 1.1*float64(f.Gain) {
			t.Errorf("%v saves %d cycles of the %d that %s costs", c.settings, saved, f.Gain, c.loss)
		}
		t.Logf("%v: saves %d cycles; %s: at most about %d", c.settings, saved, c.loss, f.Gain)
	}
	// Tensors spill from a small activation buffer, not from that of the preset.
	small := timed(t, "npu.activation_buffer_kib=4")
	spills := func(r *evaluate.Result) (cycles int64) {
		for _, f := range reports.Diagnose(r) {
			if f.Loss == reports.SpillWaits {
				cycles += f.Cycles
			}
		}
		return cycles
	}
	if spills(small) == 0 || spills(base) != 0 {
		t.Errorf("spills cost %d cycles with a small activation buffer, %d with a large one", spills(small), spills(base))
	}
}
