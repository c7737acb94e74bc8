package evaluate

import (
	"github.com/npusim/npusim/isa"
	"github.com/npusim/npusim/npu/timing"
)

// occupancyStretches is the number of stretches that an inference is divided
// into: enough for the width of a plot.
const occupancyStretches = 400

// occupancy spreads the timeline of the units that have stalls over stretches
// of the inference; nil for an inference without time.
func occupancy(s Stalls, t *timing.Result) *Occupancy {
	if t.Cycles <= 0 {
		return nil
	}
	o := &Occupancy{IntervalCycles: (t.Cycles + occupancyStretches - 1) / occupancyStretches, ActiveCycles: map[string][]int64{}}
	n := (t.Cycles + o.IntervalCycles - 1) / o.IntervalCycles
	for u := isa.Unit(1); int(u) < isa.NumUnits; u++ {
		if _, ok := s[u.String()]; !ok {
			continue
		}
		active := make([]int64, n)
		done := int64(0) // intervals of one unit follow one another; none counts twice
		for _, interval := range t.Timeline[u] {
			start, end := max(interval.Start, done), min(interval.End, t.Cycles)
			for i := start / o.IntervalCycles; start < end; i++ {
				stop := min((i+1)*o.IntervalCycles, end)
				active[i] += stop - start
				start = stop
			}
			done = max(done, end)
		}
		o.ActiveCycles[u.String()] = active
	}
	return o
}

// weightRanges are those of the layers quantized in this run, by name.
func (j *job) weightRanges() map[string]*WeightRanges {
	if j.compilation == nil || j.compilation.Report == nil {
		return nil
	}
	byName := map[string]*WeightRanges{}
	for i := range j.compilation.Report.Layers {
		l := &j.compilation.Report.Layers[i]
		if l.Weights != nil && l.Weights.Ranges != nil {
			r := l.Weights.Ranges
			byName[l.Name] = &WeightRanges{Before: r.Before, After: r.After, DeadChannels: r.Dead}
		}
	}
	return byName
}
