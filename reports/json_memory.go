package reports

import (
	"cmp"
	"fmt"

	"github.com/npusim/npusim/npu/evaluate"
)

// Bounds of lists in a summary that is read. Simulations keep below a thousand
// stretches of time and two thousand latency buckets; standards have at most
// 1024 channels of 4096 banks.
const (
	maximumStretches = 1 << 16
	maximumBuckets   = 1 << 14
	maximumBanks     = 1 << 22
	maximumIndex     = 1 << 16 // of a channel, rank, bank group or bank
	maximumLatencyNS = 1e9
)

// memory refuses details of the DRAM traffic that no run can have.
func (c *checker) memory(r *evaluate.Result) {
	d := &r.DRAM
	if d.RowHitRate != nil {
		c.atMost("dram.row_hit_rate", *d.RowHitRate, 1)
	}
	if d.Activates != nil {
		c.count("dram.activates", *d.Activates)
	}
	if d.Refreshes != nil {
		c.count("dram.refreshes", *d.Refreshes)
	}
	if e := d.EnergyUJ; e != nil {
		for i, x := range []float64{e.Activate, e.Read, e.Write, e.Refresh, e.Background} {
			c.amount("dram.energy_uj."+[]string{"activate", "read", "write", "refresh", "background"}[i], x)
		}
	}
	if d.ReadLatency != nil {
		c.readLatency(d.ReadLatency)
	}
	c.banks(d.Banks)
	if d.OverTime != nil {
		c.overTime(d.OverTime, r.Timing.Cycles)
	}
}

func (c *checker) readLatency(l *evaluate.ReadLatency) {
	const key = "dram.read_latency"
	c.count(key+".bursts", l.Bursts)
	for i, x := range []float64{l.AverageNS, l.MedianNS, l.P95NS, l.P99NS, l.MaximumNS, l.UnloadedHitNS, l.UnloadedClosedNS, l.UnloadedOtherNS} {
		c.atMost(key+"."+[]string{"average_ns", "median_ns", "p95_ns", "p99_ns", "maximum_ns", "unloaded_hit_ns", "unloaded_closed_ns", "unloaded_conflict_ns"}[i], x, maximumLatencyNS)
	}
	// Negative where reads are served from buffered writes.
	if q := l.AverageQueueingNS; !(q >= -maximumLatencyNS && q <= maximumLatencyNS) {
		c.fail("key %q is %g, must be -1e9 to 1e9", key+".average_queueing_ns", q)
	}
	if !c.short(key+".histogram", len(l.Histogram), maximumBuckets) {
		return
	}
	end := 0.0
	for i, b := range l.Histogram {
		place := fmt.Sprintf("%s.histogram[%d]", key, i)
		if !(b.FromNS >= end && b.ToNS > b.FromNS && b.ToNS <= 2*maximumLatencyNS) {
			c.fail("key %q goes from %g to %g ns, must begin at %g or later and end after that", place, b.FromNS, b.ToNS, end)
			return
		}
		end = b.ToNS
		c.count(place+".bursts", b.Bursts)
	}
}

func (c *checker) banks(banks []evaluate.BankUse) {
	if !c.short("dram.banks", len(banks), maximumBanks) {
		return
	}
	for i := range banks {
		b := &banks[i]
		place := fmt.Sprintf("dram.banks[%d]", i)
		for j, n := range []int{b.Channel, b.Rank, b.BankGroup, b.Bank} {
			if n < 0 || n >= maximumIndex {
				c.fail("key %q is %d, must be 0 to %d", place+"."+[]string{"channel", "rank", "bank_group", "bank"}[j], n, maximumIndex-1)
			}
		}
		c.count(place+".activates", b.Activates)
		c.count(place+".bursts", b.Bursts)
		if i > 0 && compareBanks(&banks[i-1], b) >= 0 {
			c.fail("key %q does not come after the bank before it", place)
		}
		if c.fault != nil {
			return
		}
	}
}

// compareBanks orders by channel, rank, bank group and bank.
func compareBanks(a, b *evaluate.BankUse) int {
	return cmp.Or(cmp.Compare(a.Channel, b.Channel), cmp.Compare(a.Rank, b.Rank), cmp.Compare(a.BankGroup, b.BankGroup), cmp.Compare(a.Bank, b.Bank))
}

func (c *checker) overTime(o *evaluate.TrafficOverTime, cycles int64) {
	const key = "dram.over_time"
	n := len(o.ReadBytes)
	if !c.short(key+".read_bytes", n, maximumStretches) {
		return
	}
	if o.IntervalCycles < 1 || o.IntervalCycles > largestCount {
		c.fail("key %q is %d, must be 1 to 2^53", key+".interval_cycles", o.IntervalCycles)
		return
	}
	if needed := (cycles + o.IntervalCycles - 1) / o.IntervalCycles; int64(n) != needed {
		c.fail("key %q has %d stretches of %d cycles, %d cycles need %d", key+".read_bytes", n, o.IntervalCycles, cycles, needed)
	}
	list := func(name string, counts []int64) {
		if len(counts) != n {
			c.fail("key %q has %d values, read_bytes has %d", name, len(counts), n)
			return
		}
		for i, x := range counts {
			if x < 0 || x > largestCount {
				c.count(fmt.Sprintf("%s[%d]", name, i), x)
				return
			}
		}
	}
	list(key+".read_bytes", o.ReadBytes)
	list(key+".write_bytes", o.WriteBytes)
	for _, class := range keys(trafficClasses, o.BytesByClass) {
		list(key+".bytes_by_class."+class, o.BytesByClass[class])
	}
	if o.Activates != nil || o.Bursts != nil {
		list(key+".activates", o.Activates)
		list(key+".bursts", o.Bursts)
	}
}
