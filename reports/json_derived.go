package reports

import (
	"math"

	"github.com/npusim/npusim/npu/evaluate"
)

// derivedTolerance is the relative difference that a figure may have from what
// it is worked out from: a summary holds every digit.
const derivedTolerance = 1e-9

// derived refuses figures that do not follow from the counts that they are
// worked out from, and shares that no run can have. Summaries that do not tell
// the clock are not checked for time.
func (c *checker) derived(r *evaluate.Result) {
	if c.fault != nil {
		return
	}
	c.atMost("timing.mac_utilization", r.Timing.MACUtilization, 1)
	if t := &r.Timing; t.ClockMHz > 0 && t.Cycles > 0 {
		ms := float64(t.Cycles) / (1e3 * float64(t.ClockMHz))
		c.follows("timing.latency_ms", t.LatencyMS, ms, "timing.cycles and timing.clock_mhz")
		c.follows("timing.inferences_per_second", t.InferencesPerSecond, 1e3/ms, "timing.latency_ms")
		c.follows("dram.achieved_gb_per_s", r.DRAM.AchievedGBPerS, float64(r.DRAM.ReadBytes+r.DRAM.WriteBytes)/(1e6*ms), "dram.read_bytes, dram.write_bytes and timing.latency_ms")
	}
	if a := r.Accuracy; a != nil {
		for i, x := range []*float64{a.FloatTop1, a.NPUTop1, a.Agreement} {
			if x != nil {
				c.atMost("accuracy."+[]string{"float_top1", "npu_top1", "agreement"}[i], *x, 1)
			}
		}
		if a.Cosine != nil && !(math.Abs(*a.Cosine) <= 1+derivedTolerance) {
			c.fail("key %q is %g, must be -1 to 1", "accuracy.cosine", *a.Cosine)
		}
	}
	if a := r.AreaMM2; a != nil {
		c.parts("the parts of area_mm2", []float64{a.MAC, a.Requantize, a.Vector, a.Scratchpad, a.LUT, a.XOR, a.Overhead}, "area_mm2.total", a.Total)
	}
}

// follows fails unless a figure is what others make it.
func (c *checker) follows(key string, x, want float64, others string) {
	if !(math.Abs(x-want) <= derivedTolerance*math.Max(math.Abs(x), math.Abs(want))) {
		c.fail("key %q is %g, but %s make it %g: the file was changed after the run", key, x, others, want)
	}
}
