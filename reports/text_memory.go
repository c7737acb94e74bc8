package reports

import (
	"fmt"

	"github.com/npusim/npusim/npu/evaluate"
)

// busiestStretch says how much higher than on average the bandwidth is where
// it is highest.
func busiestStretch(r *evaluate.Result) []fact {
	if !hasTraffic(r) {
		return nil
	}
	t := trafficOf(r, len(r.DRAM.OverTime.ReadBytes))
	i := t.busiest()
	length := t.cycles(i) * nsPerCycle(r)
	most := (t.read[i] + t.write[i]) / length
	if most == 0 || r.DRAM.AchievedGBPerS <= 0 {
		return nil
	}
	f := fact{"Busiest", significant(most, 3) + " GB/s", fmt.Sprintf("%s times the average, in %s from %s on",
		decimal(most/r.DRAM.AchievedGBPerS, 1), nanoseconds(length), nanoseconds(t.edges[i]*nsPerCycle(r)))}
	if r.DRAM.PeakGBPerS > 0 && most > r.DRAM.PeakGBPerS {
		f.remark += " (requests count when they complete)"
	}
	return []fact{f}
}

// banks writes what only memories with banks know.
func (t *textWriter) banks(d *evaluate.DRAM) {
	if d.Standard == "" && d.Activates == nil && d.ReadLatency == nil && len(d.Banks) == 0 {
		return
	}
	t.section("DRAM banks" + standardSuffix(d))
	var facts []fact
	if d.Activates != nil {
		f := fact{"Activates", Count(*d.Activates), "rows opened"}
		if *d.Activates > 0 && len(d.Banks) > 0 {
			sums := sumBanks(d.Banks)
			f.remark += fmt.Sprintf(", for %s bursts each", significant(sums.bursts/float64(*d.Activates), 3))
		}
		facts = append(facts, f)
	}
	if d.Refreshes != nil {
		facts = append(facts, fact{"Refreshes", Count(*d.Refreshes), "commands"})
	}
	if l := d.ReadLatency; l != nil {
		facts = append(facts,
			fact{"Read latency", nanoseconds(l.AverageNS), fmt.Sprintf("average; p95 %s, p99 %s, longest %s", nanoseconds(l.P95NS), nanoseconds(l.P99NS), nanoseconds(l.MaximumNS))},
			fact{"of it waiting", nanoseconds(queueing(l)), fmt.Sprintf("%s %%, in queues and for rows: beyond the %s of an unloaded row hit", percent(queueing(l), l.AverageNS), nanoseconds(l.UnloadedHitNS))})
	}
	if f, ok := busiestBank(d.Banks); ok {
		facts = append(facts, f)
	}
	t.facts(facts)
	t.memoryEnergy(d.EnergyUJ)
}

func standardSuffix(d *evaluate.DRAM) string {
	if d.Standard == "" {
		return ""
	}
	return ": " + d.Standard
}

// busiestBank says how evenly the banks are used.
func busiestBank(banks []evaluate.BankUse) (fact, bool) {
	if len(banks) == 0 {
		return fact{}, false
	}
	sums := sumBanks(banks)
	if sums.bursts == 0 {
		return fact{}, false
	}
	b := &banks[sums.busiest]
	return fact{"Busiest bank", percent(float64(b.Bursts), sums.bursts) + " %", fmt.Sprintf("of bursts, %s times the mean of %s: channel %d, rank %d, group %d, bank %d",
		decimal(sums.imbalance(banks), 2), counted(int64(len(banks)), "bank"), b.Channel, b.Rank, b.BankGroup, b.Bank)}, true
}

// memoryEnergy is a table of the memory's energy by cause.
func (t *textWriter) memoryEnergy(e *evaluate.DRAMEnergy) {
	if e == nil {
		return
	}
	values := []float64{e.Activate, e.Read, e.Write, e.Refresh, e.Background}
	sum := 0.0
	for _, x := range values {
		sum += x
	}
	shares := percentages(values)
	var rows [][]string
	for i, cause := range []string{"activate, precharge", "read", "write", "refresh", "background"} {
		rows = append(rows, []string{cause, microjoules(values[i]), shares[i]})
	}
	column := Column{Name: "Energy", Unit: "µJ", Number: true}
	if e.Estimated {
		column.Name = "Energy (estimated)"
	}
	t.b.WriteString("\n")
	t.table([]Column{{Name: "Cause"}, column, {Name: "Share", Unit: "%", Number: true}}, rows,
		[]string{"total", microjoules(sum), wholeShare(shares)})
	if e.Source != "" {
		t.paragraph("", "Source: "+e.Source)
	}
}
