package reports

import (
	"fmt"
	"io"
	"math"

	"github.com/npusim/npusim/npu/evaluate"
	"github.com/npusim/npusim/reports/page"
)

// pageRows bounds the layer table of the page; layers.csv has all of them.
const pageRows = 1000

// The page tells the first findings, after a few only those that matter.
const (
	pageFindings = 6
	fewFindings  = 2
	smallShare   = 0.01
)

// WritePage writes the report as one HTML file that needs nothing else. The
// charts over time need the recording of the run; without one the page says so.
func WritePage(w io.Writer, r *evaluate.Result) error {
	p := &page.Page{
		Title:    printable(r.Model.Name) + " on " + printable(r.Config.Name) + " - npusim",
		Heading:  printable(r.Model.Name) + " on " + printable(r.Config.Name),
		Subtitle: pageSubtitle(r),
		Cards:    pageCards(r),
		Units:    pageUnits(r),
		Accuracy: pageAccuracy(r),
		NoSQNR:   missingSQNR(r),
		Notes:    printableAll(r.Notes),
		Machine:  pageMachine(r),
		Settings: printableLines(r.Config.TOML),
		Colors:   pageColors(),
		Data:     pageData(r),
	}
	p.Bound, _ = boundSentences(r)
	if p.Bound == "" {
		p.Bound = "nothing to judge"
	}
	for i, f := range Diagnose(r) {
		if i >= pageFindings || i >= fewFindings && f.Share < smallShare {
			break
		}
		p.Findings = append(p.Findings, page.Finding{
			Title: f.Title, Color: pageColor(f.Loss.Bound()), Cause: f.Loss.String(), Share: percent(f.Share, 1), Proof: f.Proof, Change: f.Change, Layer: f.Layer,
		})
	}
	p.Losses = pageLosses(r)
	p.Columns, p.Rows = pageTable(r)
	if len(p.Rows) < len(r.Layers) {
		p.LeftOut = fmt.Sprintf("The %s layers with most cycles of %s are listed; layers.csv has all.", Count(int64(len(p.Rows))), Count(int64(len(r.Layers))))
	}
	return page.Write(w, p)
}

// pageLosses is the partition of the cycles in the order of the causes, so that
// neighbours in the bar belong together.
func pageLosses(r *evaluate.Result) []page.Part {
	findings := Diagnose(r)
	var parts []page.Part
	var cycles []float64
	for loss := Loss(1); int(loss) < NumLosses; loss++ {
		for _, f := range findings {
			if f.Loss == loss {
				parts = append(parts, page.Part{Name: loss.String(), Color: pageColor(loss.Bound()), Percent: 100 * f.Share, Hatch: loss == IdleCells || loss == NarrowPort || loss == LookupOverhead || loss == SpillWaits || loss == DecodeWaits})
				cycles = append(cycles, float64(f.Cycles))
			}
		}
	}
	for i, text := range percentages(cycles) {
		parts[i].Text = text
	}
	return parts
}

func pageSubtitle(r *evaluate.Result) []string {
	list := []string{
		counted(r.Model.Parameters, "parameter"), counted(r.Model.MACs, "MAC") + " an inference", counted(int64(len(r.Layers)), "layer"),
	}
	if rows, columns, ok := arrayShape(r.Config.TOML); ok {
		list = append(list, fmt.Sprintf("%dx%d MAC array", rows, columns))
	}
	if m := machineOf(r); m.clockMHz > 0 {
		list = append(list, significant(m.clockMHz, 4)+" MHz")
	}
	if r.DRAM.PeakGBPerS > 0 {
		memory := significant(r.DRAM.PeakGBPerS, 3) + " GB/s"
		if r.DRAM.Standard != "" {
			memory = printable(r.DRAM.Standard) + ", " + memory
		}
		list = append(list, memory)
	}
	for _, change := range r.Config.Changes {
		list = append(list, "set "+Shorten(printable(change), 80))
	}
	return list
}

// splitUnit cuts "12.9 µs" into figure and unit.
func splitUnit(label, text, remark string) page.Card {
	for i, c := range text {
		if c == ' ' {
			return page.Card{Label: label, Value: text[:i], Unit: text[i+1:], Remark: remark}
		}
	}
	return page.Card{Label: label, Value: text, Remark: remark}
}

func pageCards(r *evaluate.Result) []page.Card {
	d := &r.DRAM
	total := d.ReadBytes + d.WriteBytes
	cards := []page.Card{
		splitUnit("Latency", latency(r.Timing.LatencyMS), Count(r.Timing.Cycles)+" cycles, one cold inference"),
		{Label: "Throughput", Value: significant(r.Timing.InferencesPerSecond, 4), Unit: "inferences/s", Remark: "one after another, weights loaded each time"},
		{Label: "MAC utilization", Value: decimal(100*r.Timing.MACUtilization, 1), Unit: "%", Remark: "of the array's peak over all cycles"},
	}
	traffic := splitUnit("DRAM traffic", Bytes(total), fmt.Sprintf("%s read, %s written", Bytes(d.ReadBytes), Bytes(d.WriteBytes)))
	if d.CompulsoryBytes > 0 {
		traffic.Remark += fmt.Sprintf("; %s times the compulsory %s", decimal(float64(total)/float64(d.CompulsoryBytes), 2), Bytes(d.CompulsoryBytes))
	}
	bandwidth := page.Card{Label: "DRAM bandwidth", Value: significant(d.AchievedGBPerS, 3), Unit: "GB/s", Remark: "on average"}
	if d.PeakGBPerS > 0 {
		bandwidth.Remark += fmt.Sprintf(", %s %% of the peak of %s GB/s", percent(d.AchievedGBPerS, d.PeakGBPerS), significant(d.PeakGBPerS, 3))
	}
	if d.RowHitRate != nil {
		bandwidth.Remark += fmt.Sprintf("; %s %% row hits", decimal(100**d.RowHitRate, 1))
	}
	energy := page.Card{Label: "Energy (estimated)", Value: significant(r.EnergyUJ.Total, 3), Unit: "µJ", Remark: "an inference"}
	if r.EnergyUJ.Total > 0 {
		energy.Remark += fmt.Sprintf(", %s %% of it DRAM", percent(r.EnergyUJ.DRAM, r.EnergyUJ.Total))
	}
	cards = append(cards, traffic, bandwidth, energy)
	if a := r.Accuracy; a != nil {
		cards = append(cards, accuracyCard(a))
	}
	for _, name := range keys(scratchpadOrder, r.Scratchpad.PeakBytes) {
		peak, capacity := r.Scratchpad.PeakBytes[name], r.Scratchpad.CapacityBytes[name]
		if peak == 0 {
			continue
		}
		card := page.Card{Label: title(spaced(name)), Value: KiB(peak), Unit: "KiB", Remark: "highest use"}
		if capacity > 0 {
			card.Remark += fmt.Sprintf(", %s %% of %s KiB", percent(float64(peak), float64(capacity)), KiB(capacity))
		}
		cards = append(cards, card)
	}
	return cards
}

// scratchpadOrder is that of the way of the data.
var scratchpadOrder = []string{"activation_buffer", "weight_buffer", "table_buffer", "accumulator_buffer"}

func accuracyCard(a *evaluate.Accuracy) page.Card {
	samples := fmt.Sprintf("%s %s", Count(int64(a.Samples)), plural(a.Samples, "sample"))
	switch {
	case a.NPUTop1 != nil && a.FloatTop1 != nil:
		return page.Card{Label: "Top-1", Value: decimal(100**a.NPUTop1, 2), Unit: "%", Remark: fmt.Sprintf("float %s %%, %s", decimal(100**a.FloatTop1, 2), samples)}
	case a.NPUTop1 != nil:
		return page.Card{Label: "Top-1", Value: decimal(100**a.NPUTop1, 2), Unit: "%", Remark: samples}
	case a.SQNRDB != nil:
		return page.Card{Label: "Output SQNR", Value: decimal(*a.SQNRDB, 1), Unit: "dB", Remark: "against float, " + samples}
	}
	return page.Card{Label: "Executed", Value: Count(int64(a.Samples)), Unit: plural(a.Samples, "sample"), Remark: "nothing to compare with"}
}

// pageUnits are the units with their cycles by cause.
func pageUnits(r *evaluate.Result) []page.Unit {
	var list []page.Unit
	for _, name := range keys(evaluate.Units, r.Stalls) {
		s := r.Stalls[name]
		parts := []page.Part{
			{Name: "busy", Color: "busy", Percent: float64(s.Busy)},
			{Name: "fill, drain", Color: "pipeline", Percent: float64(s.Fill) + float64(s.Drain)},
			{Name: "scratchpad port too narrow", Color: "pipeline", Percent: float64(s.Bank), Hatch: true},
			{Name: "waits for DRAM", Color: "dram", Percent: float64(s.DRAM)},
			{Name: "waits for another unit or a free buffer", Color: "semaphore", Percent: float64(s.Semaphore), Hatch: true},
			{Name: "finished", Color: "finished", Percent: float64(s.Finished)},
		}
		unit := page.Unit{Name: printable(unitName(name))}
		cycles := make([]float64, len(parts))
		total := 0.0
		for i := range parts {
			cycles[i] = parts[i].Percent
			total += cycles[i]
		}
		if total == 0 {
			continue
		}
		for i, text := range percentages(cycles) {
			parts[i].Text, parts[i].Percent = text, 100*cycles[i]/total
			if cycles[i] > 0 {
				unit.Parts = append(unit.Parts, parts[i])
			}
		}
		list = append(list, unit)
	}
	return list
}

// missingSQNR says why no layer has a signal-to-noise ratio; empty if one has.
func missingSQNR(r *evaluate.Result) string {
	for i := range r.Layers {
		if q := r.Layers[i].SQNRDB; q != nil && !math.IsInf(*q, 0) && !math.IsNaN(*q) {
			return ""
		}
	}
	if r.Accuracy == nil {
		return "Nothing was executed: the run was for time only (--timing-only, or layer shapes). Run without it for accuracy and the signal-to-noise ratio of each layer."
	}
	return "There is no float network to compare the layers with: name it with --model."
}

func pageAccuracy(r *evaluate.Result) []page.Fact {
	a := r.Accuracy
	if a == nil {
		return nil
	}
	list := []page.Fact{{Label: "Data", Value: printable(orDash(a.Data)), Remark: fmt.Sprintf("%s %s", Count(int64(a.Samples)), plural(a.Samples, "sample"))}}
	for _, f := range accuracyFacts(a) {
		list = append(list, page.Fact{Label: f.label, Value: printable(f.value), Remark: f.remark})
	}
	if a.BitExact != nil && !*a.BitExact {
		list = append(list, page.Fact{Label: "Bit-exact", Value: "NO", Remark: printable(a.Divergence)})
	}
	return list
}

func pageMachine(r *evaluate.Result) []page.Fact {
	var list []page.Fact
	add := func(label, value, remark string) {
		if value != "" {
			list = append(list, page.Fact{Label: label, Value: printable(value), Remark: remark})
		}
	}
	add("Program", fmt.Sprintf("%s instructions (%s with loops unrolled), code %s, constants %s", Count(r.Program.Instructions), Count(r.Program.DynamicInstructions),
		Bytes(r.Program.CodeBytes), Bytes(r.Program.WeightBytes)), "")
	add("Weights", fmt.Sprintf("%s bits each", significant(r.Program.WeightBitsPerWeight, 3)), "parameters and tables included")
	add("Model file", r.Model.SHA256, "SHA-256")
	add("Machine", r.Config.MachineHash, "hash")
	add("Configuration", r.Config.ConfigHash, "hash")
	add("npusim", r.Tool, "")
	return list
}
