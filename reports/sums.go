package reports

import (
	"fmt"
	"math"

	"github.com/npusim/npusim/npu/evaluate"
)

// energyTolerance is the relative difference that sums of energies may have:
// a summary holds every digit, so only the order of additions differs.
const energyTolerance = 1e-9

// sums refuses a summary whose parts do not sum to their totals: some figure
// was changed after the run. Parts that are absent are not checked.
func (c *checker) sums(r *evaluate.Result) {
	if c.fault != nil {
		return // sums of impossible counts could overflow
	}
	c.layerSums(r)
	c.trafficSums(&r.DRAM)
	c.energySums(r)
	for _, unit := range keys(evaluate.Units, r.Stalls) {
		s := r.Stalls[unit]
		c.total("stalls."+unit, []int64{s.Busy, s.Fill, s.Drain, s.Bank, s.DRAM, s.Semaphore, s.Finished}, "timing.cycles", r.Timing.Cycles)
		if o := r.Occupancy; o != nil && o.ActiveCycles[unit] != nil {
			c.total("occupancy.active_cycles."+unit, o.ActiveCycles[unit], "stalls."+unit+" at work", s.Busy+s.Fill+s.Drain+s.Bank)
		}
	}
}

// layerSums checks layers against their own parts and against the totals.
func (c *checker) layerSums(r *evaluate.Result) {
	var cycles, macs, read, written []int64
	classes := map[string][]int64{}
	split := true // every layer has its bytes by class
	for i := range r.Layers {
		l := &r.Layers[i]
		key := fmt.Sprintf("layers[%d]", i)
		cycles, macs, read, written = append(cycles, l.Cycles), append(macs, l.MACs), append(read, l.DRAMReadBytes), append(written, l.DRAMWriteBytes)
		if l.CyclesByBound != nil {
			c.total(key+".cycles_by_bound", values(l.CyclesByBound), key+".cycles", l.Cycles)
		}
		if l.BytesByClass == nil {
			split = false
			continue
		}
		c.total(key+".bytes_by_class", values(l.BytesByClass), fmt.Sprintf("%s.dram_read_bytes + %s.dram_write_bytes", key, key), l.DRAMReadBytes+l.DRAMWriteBytes)
		for class, bytes := range l.BytesByClass { // each class has a list of its own
			classes[class] = append(classes[class], bytes)
		}
	}
	c.total("layers[].cycles", cycles, "timing.cycles", r.Timing.Cycles)
	c.total("layers[].macs", macs, "model.macs", r.Model.MACs)
	c.total("layers[].dram_read_bytes", read, "dram.read_bytes", r.DRAM.ReadBytes)
	c.total("layers[].dram_write_bytes", written, "dram.write_bytes", r.DRAM.WriteBytes)
	if !split || r.DRAM.BytesByClass == nil {
		return
	}
	for _, class := range keys(trafficClasses, r.DRAM.BytesByClass) {
		c.total("layers[].bytes_by_class."+class, classes[class], "dram.bytes_by_class."+class, r.DRAM.BytesByClass[class])
	}
}

// trafficSums checks the splits of the DRAM traffic.
func (c *checker) trafficSums(d *evaluate.DRAM) {
	if d.BytesByClass != nil {
		c.total("dram.bytes_by_class", values(d.BytesByClass), "dram.read_bytes + dram.write_bytes", d.ReadBytes+d.WriteBytes)
	}
	if o := d.OverTime; o != nil {
		c.total("dram.over_time.read_bytes", o.ReadBytes, "dram.read_bytes", d.ReadBytes)
		c.total("dram.over_time.write_bytes", o.WriteBytes, "dram.write_bytes", d.WriteBytes)
		if d.BytesByClass != nil {
			for _, class := range keys(trafficClasses, o.BytesByClass) {
				c.total("dram.over_time.bytes_by_class."+class, o.BytesByClass[class], "dram.bytes_by_class."+class, d.BytesByClass[class])
			}
		}
	}
	if l := d.ReadLatency; l != nil {
		var bursts []int64
		for _, b := range l.Histogram {
			bursts = append(bursts, b.Bursts)
		}
		c.total("dram.read_latency.histogram[].bursts", bursts, "dram.read_latency.bursts", l.Bursts)
	}
}

// energySums checks energy by cause and by layer.
func (c *checker) energySums(r *evaluate.Result) {
	e := &r.EnergyUJ
	c.parts("the parts of energy_uj", []float64{e.MAC, e.Requantize, e.Vector, e.Scratchpad, e.DRAM, e.LUT, e.XOR, e.Static}, "energy_uj.total", e.Total)
	layers := make([]float64, len(r.Layers))
	for i := range r.Layers {
		layers[i] = r.Layers[i].EnergyUJ
	}
	c.parts("layers[].energy_uj", layers, "energy_uj.total", e.Total)
	if d := r.DRAM.EnergyUJ; d != nil {
		c.parts("the parts of dram.energy_uj", []float64{d.Activate, d.Read, d.Write, d.Refresh, d.Background}, "energy_uj.dram", e.DRAM)
	}
}

// total fails unless the parts, each 0 to 2^53, sum to a total.
func (c *checker) total(parts string, list []int64, whole string, total int64) {
	sum := int64(0)
	for _, n := range list {
		if sum += n; sum > math.MaxInt64/2 {
			break // far above any total; the next addition could overflow
		}
	}
	if sum != total {
		c.fail("key %q sums to %d, but %q is %d: the file was changed after the run", parts, sum, whole, total)
	}
}

// parts is total for figures that are no counts.
func (c *checker) parts(names string, list []float64, whole string, total float64) {
	sum := 0.0
	for _, x := range list {
		sum += x
	}
	if !(math.Abs(sum-total) <= energyTolerance*math.Max(sum, total)) {
		c.fail("key %q sums to %g, but %q is %g: the file was changed after the run", names, sum, whole, total)
	}
}

// values are those of a map, in the order of the keys.
func values(m map[string]int64) []int64 {
	list := make([]int64, 0, len(m))
	for _, key := range keys(nil, m) {
		list = append(list, m[key])
	}
	return list
}
