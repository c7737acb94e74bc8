package reports

import (
	"math"

	"github.com/npusim/npusim/npu/evaluate"
)

// trafficSteps is the DRAM traffic of an inference in stretches of time.
// Values are floats, because the sums of counts may pass 2^63.
type trafficSteps struct {
	edges       []float64 // cycles at which stretches begin, and the end of the last
	read, write []float64 // bytes
	classes     []string
	byClass     [][]float64 // bytes, by class
	activates   []float64   // nil in memories without banks
	bursts      []float64
}

// hasTraffic tells whether the result says how traffic spreads over time, at a
// clock that floats can count with.
func hasTraffic(r *evaluate.Result) bool {
	o := r.DRAM.OverTime
	return o != nil && o.IntervalCycles > 0 && len(o.ReadBytes) > 0 && hasClock(r)
}

// hasClock tells whether the result has time, at a clock that floats can count
// with.
func hasClock(r *evaluate.Result) bool {
	if r.Timing.Cycles <= 0 {
		return false
	}
	ns := nsPerCycle(r)
	return ns > 1e-6 && ns < 1e12
}

// trafficOf gathers the stretches, neighbours together so that there are at
// most a number of them. A last stretch of less than half the length goes with
// the one before it: the rate in a few cycles says nothing.
func trafficOf(r *evaluate.Result, most int) *trafficSteps {
	o := r.DRAM.OverTime
	n := len(o.ReadBytes)
	together := (n + most - 1) / most
	interval := float64(o.IntervalCycles) * float64(together)
	end := float64(r.Timing.Cycles)
	count := (n + together - 1) / together
	if count > 1 && end-interval*float64(count-1) < interval/2 {
		count--
	}
	t := &trafficSteps{classes: keys(trafficClasses, o.BytesByClass)}
	for i := range count {
		t.edges = append(t.edges, float64(i)*interval)
	}
	t.edges = append(t.edges, math.Max(end, t.edges[count-1]+1))
	gather := func(counts []int64) []float64 {
		sums := make([]float64, count)
		for i, x := range counts {
			sums[min(i/together, count-1)] += float64(x)
		}
		return sums
	}
	t.read, t.write = gather(o.ReadBytes), gather(o.WriteBytes)
	for _, class := range t.classes {
		t.byClass = append(t.byClass, gather(o.BytesByClass[class]))
	}
	if o.Bursts != nil {
		t.activates, t.bursts = gather(o.Activates), gather(o.Bursts)
	}
	return t
}

// cycles is the length of a stretch.
func (t *trafficSteps) cycles(i int) float64 { return t.edges[i+1] - t.edges[i] }

// rates are bytes of stretches in GB/s.
func (t *trafficSteps) rates(bytes []float64, nsPerCycle float64) []float64 {
	list := make([]float64, len(bytes))
	for i, b := range bytes {
		list[i] = b / (t.cycles(i) * nsPerCycle)
	}
	return list
}

// busiest is the stretch with the highest rate in bytes a cycle, reads and
// writes together, the first on a tie.
func (t *trafficSteps) busiest() int {
	best, most := 0, -1.0
	for i := range t.read {
		if rate := (t.read[i] + t.write[i]) / t.cycles(i); rate > most {
			best, most = i, rate
		}
	}
	return best
}

// nsPerCycle is the period of the NPU clock.
func nsPerCycle(r *evaluate.Result) float64 {
	return 1e6 * r.Timing.LatencyMS / float64(r.Timing.Cycles)
}

// rowHits is the share of bursts whose row was open, 0 to 1; false without
// bursts. Rows may be opened for bursts that follow later.
func rowHits(activates, bursts float64) (share float64, ok bool) {
	if bursts <= 0 {
		return 0, false
	}
	return math.Max(0, 1-activates/bursts), true
}

// bankSums are the sums over all banks.
type bankSums struct {
	activates, bursts float64
	busiest           int // of the list; the first on a tie
}

// sumBanks adds up a list of at least one bank.
func sumBanks(banks []evaluate.BankUse) bankSums {
	var s bankSums
	for i := range banks {
		s.activates += float64(banks[i].Activates)
		s.bursts += float64(banks[i].Bursts)
		if banks[i].Bursts > banks[s.busiest].Bursts {
			s.busiest = i
		}
	}
	return s
}

// imbalance is the bursts of the busiest bank by the mean of all; 0 without
// bursts.
func (s *bankSums) imbalance(banks []evaluate.BankUse) float64 {
	if s.bursts == 0 {
		return 0
	}
	return float64(banks[s.busiest].Bursts) / (s.bursts / float64(len(banks)))
}

// nanoseconds writes a time with a unit that suits it and three significant
// digits.
func nanoseconds(ns float64) string {
	unit := timeUnitOf(ns)
	return significant(ns/unit.ns, 3) + " " + unit.symbol
}

// timeUnit is an SI unit of time.
type timeUnit struct {
	ns     float64
	symbol string
}

// timeUnitOf is the largest unit that is at most a time: nanoseconds for less.
func timeUnitOf(ns float64) timeUnit {
	unit := timeUnit{1, "ns"}
	for _, u := range []timeUnit{{1e3, "µs"}, {1e6, "ms"}, {1e9, "s"}} {
		if ns >= u.ns {
			unit = u
		}
	}
	return unit
}
