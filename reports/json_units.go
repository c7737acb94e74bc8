package reports

import (
	"fmt"

	"github.com/npusim/npusim/npu/evaluate"
)

// maximumRangeSteps bounds the widths of channels of a summary that is read.
const maximumRangeSteps = 1 << 10

// occupancy refuses activity of units that no run can have.
func (c *checker) occupancy(o *evaluate.Occupancy, cycles int64) {
	if o == nil {
		return
	}
	const key = "occupancy"
	if o.IntervalCycles < 1 || o.IntervalCycles > largestCount {
		c.fail("key %q is %d, must be 1 to 2^53", key+".interval_cycles", o.IntervalCycles)
		return
	}
	needed := (min(cycles, largestCount) + o.IntervalCycles - 1) / o.IntervalCycles
	for _, unit := range keys(evaluate.Units, o.ActiveCycles) {
		name, list := key+".active_cycles."+unit, o.ActiveCycles[unit]
		if !c.short(name, len(list), maximumStretches) {
			return
		}
		if int64(len(list)) != needed {
			c.fail("key %q has %d stretches of %d cycles, %d cycles need %d", name, len(list), o.IntervalCycles, cycles, needed)
			return
		}
		for i, n := range list {
			if n < 0 || n > o.IntervalCycles {
				c.fail("key %q is %d, must be 0 to the %d cycles of a stretch", fmt.Sprintf("%s[%d]", name, i), n, o.IntervalCycles)
				return
			}
		}
	}
}

// weightRanges refuses counts of channels that no layer can have.
func (c *checker) weightRanges(key string, w *evaluate.WeightRanges) {
	if w == nil {
		return
	}
	c.count(key+".dead_channels", int64(w.DeadChannels))
	channels := [2]int{}
	for i, list := range [][]int{w.Before, w.After} {
		name := key + "." + []string{"channels_before_shift", "channels_after_shift"}[i]
		if !c.short(name, len(list), maximumRangeSteps) {
			return
		}
		for j, n := range list {
			if n < 0 || n > maximumChannels {
				c.fail("key %q is %d, must be 0 to %d", fmt.Sprintf("%s[%d]", name, j), n, maximumChannels)
				return
			}
			channels[i] += n
		}
	}
	if w.After != nil && channels[0] != channels[1] {
		c.fail("key %q sums to %d channels, but %q to %d: the file was changed after the run",
			key+".channels_after_shift", channels[1], key+".channels_before_shift", channels[0])
	}
}

// maximumChannels bounds the channels of a layer in a summary that is read.
const maximumChannels = 1 << 30
