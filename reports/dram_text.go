package reports

import (
	"fmt"
	"io"
)

// WriteDRAMText writes the summary of a trace that people read. It makes one
// write.
func WriteDRAMText(w io.Writer, r *DRAMResult, style Style) error {
	t := &textWriter{style: style}
	t.dramMemory(r)
	t.dramTime(r)
	t.dramRows(r)
	t.dramLatency(r)
	t.dramEnergy(r)
	t.dramHost(r)
	if t.err != nil {
		return fmt.Errorf("text report of %s: %w", r.Trace, t.err)
	}
	_, err := io.WriteString(w, t.b.String())
	return err
}

func (t *textWriter) dramMemory(r *DRAMResult) {
	m := &r.Memory
	t.section(r.Trace + " on " + m.Name)
	standard := m.Standard
	if m.Channels > 1 {
		standard += fmt.Sprintf(", %d channels", m.Channels)
	}
	order := "FR-FCFS over a read and a write buffer"
	if m.bankQueues {
		order = "command queues of banks in turn"
	}
	t.facts([]fact{
		{"Standard", standard, fmt.Sprintf("a clock of the command bus is %s ps", Count(m.ClockPS))},
		{"Address map", m.AddressMap, "from the most significant field down"},
		{"Scheduling", order, fmt.Sprintf("offered %s a clock at most", counted(int64(m.IssueWidth), "request"))},
	})
}

func (t *textWriter) dramTime(r *DRAMResult) {
	t.section("Requests and time")
	end := "every read has returned, every write was accepted"
	if r.PendingWrites > 0 {
		end += fmt.Sprintf("; %s still buffered", counted(r.PendingWrites, "write"))
	}
	reads, writes := "", ""
	if r.ForwardedReads > 0 || r.MergedReads > 0 {
		reads = fmt.Sprintf("%s forwarded from buffered writes, %s merged with another read", Count(r.ForwardedReads), Count(r.MergedReads))
	}
	if r.MergedWrites > 0 {
		writes = fmt.Sprintf("%s merged with a buffered write", Count(r.MergedWrites))
	}
	t.facts([]fact{
		{"Requests", Count(r.Requests), fmt.Sprintf("of %d bytes, a burst each", r.Memory.RequestBytes)},
		{"Reads", Count(r.Reads), reads},
		{"Writes", Count(r.Writes), writes},
		{"Cycles", Count(r.Cycles), end},
		{"Time", dramTime(r.TimeNS), ""},
		{"Achieved", decimal(r.AchievedGBPerS, 3) + " GB/s", percent(r.AchievedGBPerS, r.PeakGBPerS) + " % of the peak of " + decimal(r.PeakGBPerS, 3) + " GB/s"},
	})
}

// counted is a number of things in words.
func counted(n int64, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return Count(n) + " " + thing
}

// dramTime writes nanoseconds with four significant digits.
func dramTime(ns float64) string {
	switch {
	case ns < 1e3:
		return significant(ns, 4) + " ns"
	case ns < 1e6:
		return significant(ns/1e3, 4) + " µs"
	}
	return significant(ns/1e6, 4) + " ms"
}

func (t *textWriter) dramRows(r *DRAMResult) {
	t.section("Rows")
	hits, total := "requests that found their row open when first scheduled", r.RowHits+r.RowMisses+r.RowConflicts
	misses := "no row was open"
	if r.Memory.bankQueues {
		hits, misses = "reads and writes after the first of an opened row", "the first of every opened row"
	}
	facts := []fact{
		{"Hits", Count(r.RowHits), percent(float64(r.RowHits), float64(total)) + " %, " + hits},
		{"Misses", Count(r.RowMisses), misses},
	}
	if !r.Memory.bankQueues {
		facts = append(facts, fact{"Conflicts", Count(r.RowConflicts), "another row was open"})
	}
	facts = append(facts,
		fact{"Activates", Count(r.Activates), "commands that opened a row"},
		fact{"Refreshes", Count(r.Refreshes), "commands"})
	if f, ok := busiestBank(r.Banks); ok {
		facts = append(facts, f)
	}
	t.facts(facts)
}

func (t *textWriter) dramLatency(r *DRAMResult) {
	if r.Reads == 0 {
		return
	}
	t.section("Read latency, from acceptance to the data")
	ns := func(cycles float64) string { return decimal(cycles*float64(r.Memory.ClockPS)/1e3, 1) }
	q := &r.ReadLatencyCycles
	rows := [][]string{{"average", decimal(r.AverageReadLatencyCycles, 1), ns(r.AverageReadLatencyCycles)}}
	for _, row := range []struct {
		name   string
		cycles int64
	}{{"50 % within", q.P50}, {"90 % within", q.P90}, {"95 % within", q.P95}, {"99 % within", q.P99}, {"longest", q.Max}} {
		rows = append(rows, []string{row.name, Count(row.cycles), ns(float64(row.cycles))})
	}
	t.table([]Column{{Name: "reads"}, {Name: "latency", Unit: "cycles", Number: true}, {Name: "latency", Unit: "ns", Number: true}}, rows)
}

func (t *textWriter) dramEnergy(r *DRAMResult) {
	heading := "Energy"
	if r.EnergyEstimated {
		heading = "Energy (estimate)"
	}
	t.section(heading)
	e := &r.EnergyByCause
	names := []string{"activate and precharge", "read", "write", "refresh", "background"}
	parts := []float64{e.Activate, e.Read, e.Write, e.Refresh, e.Background}
	shares := percentages(parts)
	var rows [][]string
	for i, name := range names {
		rows = append(rows, []string{name, decimal(parts[i], 1), shares[i]})
	}
	whole := "100.0"
	if r.EnergyNJ == 0 {
		whole = "-"
	}
	t.table([]Column{{Name: "cause"}, {Name: "energy", Unit: "nJ", Number: true}, {Name: "share", Unit: "%", Number: true}},
		rows, []string{"total", decimal(r.EnergyNJ, 1), whole})
	if r.Memory.EnergySource != "" {
		t.paragraph("", "Source: "+r.Memory.EnergySource)
	}
}

func (t *textWriter) dramHost(r *DRAMResult) {
	h := &r.Host
	t.section("Simulation")
	text := fmt.Sprintf("%s s: reading the trace %s s, simulation %s s", decimal(h.WallSeconds, 2), decimal(h.ReadSeconds, 2), decimal(h.SimulateSeconds, 2))
	if h.SimulateSeconds >= 0.01 {
		text += fmt.Sprintf(", %s requests/s", significant(float64(r.Requests)/h.SimulateSeconds, 3))
	}
	t.paragraph("", text)
}
