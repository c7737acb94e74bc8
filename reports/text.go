package reports

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/npusim/npusim/npu/evaluate"
)

// indent stands before every line below a heading.
const indent = "  "

// trafficClasses are the known keys of DRAM bytes by class, in the order of
// tables and plots.
var trafficClasses = []string{"weights", "corrections", "masks", "scales", "activations", "metadata"}

// withoutCodes leaves out the classes that only coded weights have, where
// nothing of them moved.
func withoutCodes(classes []string, moved func(class string) bool) []string {
	return slices.DeleteFunc(slices.Clone(classes), func(class string) bool {
		return (class == "corrections" || class == "masks" || class == "scales") && !moved(class)
	})
}

// WriteText writes the summary of a run that people read: headed sections of
// aligned figures with their units, then what bounds the network and the
// notes. It makes one write.
func WriteText(w io.Writer, r *evaluate.Result, style Style) error {
	t := &textWriter{style: style}
	t.title(r)
	t.accuracy(r)
	t.timing(r)
	t.dram(r)
	t.banks(&r.DRAM)
	t.compression(r)
	t.scratchpads(r)
	t.energy(r)
	t.area(r.AreaMM2)
	t.stalls(r)
	t.bound(r)
	t.layers(r)
	t.notes(r)
	t.host(r)
	if t.err != nil {
		return fmt.Errorf("text report of %s: %w", r.Model.Name, t.err)
	}
	_, err := io.WriteString(w, t.b.String())
	return err
}

// textWriter gathers the report.
type textWriter struct {
	b     strings.Builder
	style Style
	err   error
}

// fact is a labelled figure and, in words, what it means.
type fact struct{ label, value, remark string }

func (t *textWriter) section(heading string) {
	if t.b.Len() > 0 {
		t.b.WriteString("\n")
	}
	t.b.WriteString(t.style.heading(printable(heading)) + "\n")
}

// facts writes one line a fact: labels and values in columns of their own.
func (t *textWriter) facts(facts []fact) {
	labels, values := 0, 0
	for _, f := range facts {
		labels = max(labels, width(printable(f.label)))
		if f.remark != "" {
			values = max(values, width(printable(f.value)))
		}
	}
	for _, f := range facts {
		label, value := printable(f.label), printable(f.value)
		line := indent + label + strings.Repeat(" ", labels-width(label)) + "  " + value
		if f.remark != "" {
			line += strings.Repeat(" ", values-width(value)) + "  " + printable(f.remark)
		}
		t.b.WriteString(line + "\n")
	}
}

func (t *textWriter) table(columns []Column, rows [][]string, footer ...[]string) {
	text, err := formatTable(t.style, indent, columns, rows, footer)
	if err != nil && t.err == nil {
		t.err = err
	}
	t.b.WriteString(text)
}

// textColumns is how wide running text gets.
const textColumns = 98

// paragraph writes words broken into lines of at most 98 columns after an
// indent; the first line begins with lead, the others below the text after it.
func (t *textWriter) paragraph(lead, text string) {
	lead = indent + lead
	start := width(lead)
	for i, line := range Wrap(printable(text), textColumns-start) {
		if i > 0 {
			lead = strings.Repeat(" ", start)
		}
		t.b.WriteString(lead + line + "\n")
	}
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func (t *textWriter) accuracy(r *evaluate.Result) {
	a := r.Accuracy
	if a == nil {
		return
	}
	labelled := a.FloatTop1 != nil || a.NPUTop1 != nil
	heading := "Accuracy"
	switch hasFloat := a.Agreement != nil || a.SQNRDB != nil || a.Cosine != nil; {
	case labelled:
	case hasFloat:
		heading = "Fidelity to the float network"
	default:
		heading = "Execution"
	}
	samples := "samples"
	if a.Samples == 1 {
		samples = "sample"
	}
	heading += fmt.Sprintf(": %s, %s %s", orDash(a.Data), Count(int64(a.Samples)), samples)
	if !labelled {
		heading += ", no labels"
	}
	t.section(heading)
	t.facts(accuracyFacts(a))
	if a.BitExact != nil && !*a.BitExact {
		t.b.WriteString(indent + t.style.alarm("NOT BIT-EXACT") + "\n")
		t.paragraph("", a.Divergence)
	}
}

// accuracyFacts are the figures of accuracy that are there.
func accuracyFacts(a *evaluate.Accuracy) []fact {
	var facts []fact
	if a.FloatTop1 != nil {
		facts = append(facts, fact{"Float top-1", decimal(100**a.FloatTop1, 2) + " %", ""})
	}
	if a.NPUTop1 != nil {
		facts = append(facts, fact{"NPU top-1", decimal(100**a.NPUTop1, 2) + " %", ""})
	}
	if a.Top1Difference != nil {
		f := fact{"Difference", signed(100**a.Top1Difference) + " points", ""}
		if i := a.Top1DifferenceInterval; i != nil {
			f.remark = fmt.Sprintf("95 %% interval %s to %s points, paired over the same samples", signed(100*i.Low), signed(100*i.High))
		} else {
			f.remark = "too few samples for an interval"
		}
		facts = append(facts, f)
	}
	if a.Agreement != nil {
		facts = append(facts, fact{"Agreement", decimal(100**a.Agreement, 2) + " %", "samples whose arg-max is that of the float network"})
	}
	if a.SQNRDB != nil {
		facts = append(facts, fact{"Output SQNR", decimal(*a.SQNRDB, 1) + " dB", "signal to quantization noise against float"})
	}
	if a.Cosine != nil {
		facts = append(facts, fact{"Cosine", decimal(*a.Cosine, 5), "of the outputs with float, mean over the samples"})
	}
	switch {
	case a.BitExact == nil:
		facts = append(facts, fact{"Bit-exact", "not checked: a program alone has no integer reference; run the model itself", ""})
	case *a.BitExact:
		facts = append(facts, fact{"Bit-exact", "yes", fmt.Sprintf("every layer of %s checked %s equals the integer reference",
			Count(int64(a.BitExactSamples)), plural(a.BitExactSamples, "sample"))})
	}
	return facts
}

// signed writes x with two decimals and always a sign.
func signed(x float64) string {
	text := decimal(x, 2)
	switch {
	case text == "-0.00" || text == "0.00":
		return "0.00"
	case x > 0:
		return "+" + text
	}
	return text
}

func plural(n int, noun string) string {
	if n == 1 {
		return noun
	}
	return noun + "s"
}

func (t *textWriter) timing(r *evaluate.Result) {
	t.section("Time")
	t.facts([]fact{
		{"Cycles", Count(r.Timing.Cycles), "of the NPU clock"},
		{"Latency", latency(r.Timing.LatencyMS), "one cold inference: nothing on chip at its start"},
		{"Throughput", significant(r.Timing.InferencesPerSecond, 4) + " inferences/s", "one after another: the reciprocal of the latency, weights loaded each time"},
		{"MAC utilization", decimal(100*r.Timing.MACUtilization, 1) + " %", "of the array's peak over all cycles"},
	})
}

func (t *textWriter) dram(r *evaluate.Result) {
	t.section("DRAM traffic of one inference")
	d := r.DRAM
	total := d.ReadBytes + d.WriteBytes
	facts := []fact{
		{"Read", Bytes(d.ReadBytes), ""},
		{"Written", Bytes(d.WriteBytes), ""},
	}
	f := fact{"Total", Bytes(total), ""}
	if d.CompulsoryBytes > 0 {
		f.remark = fmt.Sprintf("%s times the compulsory %s (input, weights and output once each)",
			decimal(float64(total)/float64(d.CompulsoryBytes), 2), Bytes(d.CompulsoryBytes))
	}
	facts = append(facts, f)
	f = fact{"Achieved", significant(d.AchievedGBPerS, 3) + " GB/s", ""}
	if d.PeakGBPerS > 0 {
		f.remark = fmt.Sprintf("%s %% of the peak of %s GB/s", percent(d.AchievedGBPerS, d.PeakGBPerS), significant(d.PeakGBPerS, 3))
	}
	facts = append(append(facts, f), busiestStretch(r)...)
	f = fact{"Requests", Count(d.Requests), ""}
	if d.RowHitRate != nil {
		f.remark = decimal(100**d.RowHitRate, 1) + " % row hits"
	}
	facts = append(facts, f)
	t.facts(facts)

	classes := withoutCodes(keys(trafficClasses, d.BytesByClass), func(class string) bool { return d.BytesByClass[class] > 0 })
	if len(classes) == 0 {
		return
	}
	parts := make([]float64, len(classes))
	var sum int64
	for i, class := range classes {
		parts[i] = float64(d.BytesByClass[class])
		sum += d.BytesByClass[class]
	}
	shares := percentages(parts)
	var rows [][]string
	for i, class := range classes {
		rows = append(rows, []string{class, Count(d.BytesByClass[class]), shares[i]})
	}
	t.b.WriteString("\n")
	t.table([]Column{{"Class", "", false}, {"Traffic", "B", true}, {"Share", "%", true}}, rows,
		[]string{"total", Count(sum), wholeShare(shares)})
}

// wholeShare is what a column of shares sums to.
func wholeShare(shares []string) string {
	if len(shares) == 0 || shares[0] == "-" {
		return "-"
	}
	return "100.0"
}

func (t *textWriter) scratchpads(r *evaluate.Result) {
	names := keys(nil, r.Scratchpad.PeakBytes, r.Scratchpad.CapacityBytes)
	if len(names) == 0 {
		return
	}
	t.section("Scratchpads")
	var rows [][]string
	for _, name := range names {
		capacity, used := "-", "-"
		if c, ok := r.Scratchpad.CapacityBytes[name]; ok {
			capacity = KiB(c)
			used = percent(float64(r.Scratchpad.PeakBytes[name]), float64(c))
		}
		rows = append(rows, []string{name, KiB(r.Scratchpad.PeakBytes[name]), capacity, used})
	}
	t.table([]Column{{"Scratchpad", "", false}, {"Peak", "KiB", true}, {"Capacity", "KiB", true}, {"Used", "%", true}}, rows)
}

func (t *textWriter) energy(r *evaluate.Result) {
	t.section("Energy of one inference")
	e := r.EnergyUJ
	type part struct {
		name       string
		energy     float64
		operations int64 // -1: not counted
	}
	parts := []part{
		{"MAC array", e.MAC, r.Operations.MAC},
		{"requantize", e.Requantize, r.Operations.Requantize},
		{"vector unit", e.Vector, r.Operations.Vector + r.Operations.TableLookups},
		{"scratchpads", e.Scratchpad, -1},
		{"DRAM", e.DRAM, -1},
	}
	if e.LUT > 0 {
		parts = append(parts, part{"LUT-GEMM unit", e.LUT, r.Operations.LUTBuildAdds + r.Operations.LUTQueries + r.Operations.LUTScaleMACs})
	}
	if e.XOR != 0 || r.Operations.XORSlices > 0 {
		parts = append(parts, part{"decryption units", e.XOR, r.Operations.XORSlices})
	}
	parts = append(parts, part{"static", e.Static, -1})
	values := make([]float64, len(parts))
	for i, p := range parts {
		values[i] = p.energy
	}
	shares := percentages(values)
	perMAC := func(energy float64) string {
		if r.Model.MACs == 0 {
			return "-"
		}
		return decimal(energy*1e6/float64(r.Model.MACs), 3)
	}
	var rows [][]string
	for i, p := range parts {
		operations := ""
		if p.operations >= 0 {
			operations = Count(p.operations)
		}
		rows = append(rows, []string{p.name, microjoules(p.energy), shares[i], perMAC(p.energy), operations})
	}
	t.table([]Column{{"Part", "", false}, {"Energy", "µJ", true}, {"Share", "%", true}, {"Per MAC", "pJ", true}, {"Operations", "", true}}, rows,
		[]string{"total", microjoules(e.Total), wholeShare(shares), perMAC(e.Total)})
	if o := &r.Operations; o.LUTQueries > 0 {
		t.paragraph("", fmt.Sprintf("Look-up: in place of %s multiply-accumulates, %s additions build tables, %s entries are read and added, and %s sums are scaled; a table is read %s times an entry.",
			Count(r.Model.MACs-o.MAC), Count(o.LUTBuildAdds), Count(o.LUTQueries), Count(o.LUTScaleMACs), decimal(float64(o.LUTQueries)/float64(max(o.LUTBuildAdds, 1)), 1)))
	}
	if n := r.Operations.XORSlices; n > 0 {
		t.paragraph("", fmt.Sprintf("Decryption units: slices of weight bits decoded; %s bits put right after it.", Count(r.Operations.Corrections)))
	}
}

func (t *textWriter) area(a *evaluate.Area) {
	if a == nil {
		return
	}
	t.section(fmt.Sprintf("Area at %s nm, an estimate", decimal(a.TechnologyNM, 0)))
	parts := []struct {
		name string
		area float64
	}{{"MAC array", a.MAC}, {"requantizers", a.Requantize}, {"vector unit", a.Vector}, {"scratchpads", a.Scratchpad},
		{"LUT-GEMM unit", a.LUT}, {"decryption units", a.XOR}, {"overhead", a.Overhead}}
	values := make([]float64, len(parts))
	for i, p := range parts {
		values[i] = p.area
	}
	shares := percentages(values)
	var rows [][]string
	for i, p := range parts {
		if p.area > 0 {
			rows = append(rows, []string{p.name, decimal(p.area, 4), shares[i]})
		}
	}
	t.table([]Column{{"Part", "", false}, {"Area", "mm²", true}, {"Share", "%", true}}, rows,
		[]string{"total", decimal(a.Total, 4), wholeShare(shares)})
	t.paragraph("", "Overhead is control, wires and all that is not counted, in proportion to the parts; fitted to the areas published for NVDLA. Units that this network does not use count too.")
}

func (t *textWriter) stalls(r *evaluate.Result) {
	units := keys(evaluate.Units, r.Stalls)
	if len(units) == 0 {
		return
	}
	t.section(fmt.Sprintf("What each unit does in the %s cycles (%%)", Count(r.Timing.Cycles)))
	var rows [][]string
	for _, unit := range units {
		s := r.Stalls[unit]
		shares := percentages([]float64{float64(s.Busy), float64(s.Fill), float64(s.Drain), float64(s.Bank),
			float64(s.DRAM), float64(s.Semaphore), float64(s.Finished)})
		rows = append(rows, append([]string{unit}, shares...))
	}
	t.table([]Column{{"Unit", "", false}, {"Busy", "", true}, {"Fill", "", true}, {"Drain", "", true}, {"Bank", "", true},
		{"DRAM", "", true}, {"Semaphore", "", true}, {"Finished", "", true}}, rows)
	t.paragraph("", "Fill and drain: the array's pipeline. Bank: a scratchpad port is too narrow. DRAM: waits for a transfer. "+
		"Semaphore: waits for another unit or a free buffer. Finished: nothing left to do.")
}

func (t *textWriter) notes(r *evaluate.Result) {
	if len(r.Notes) == 0 {
		return
	}
	t.section("Notes")
	for _, note := range r.Notes {
		t.paragraph("- ", note)
	}
}

func (t *textWriter) host(r *evaluate.Result) {
	h := r.Host
	t.section("Simulation")
	parts := ""
	if r.Tool != "" {
		parts = "npusim " + r.Tool + "; "
	}
	parts += fmt.Sprintf("%s s: compile %s s, timing %s s, execution %s s", decimal(h.WallSeconds, 2), decimal(h.CompileSeconds, 2),
		decimal(h.TimingSeconds, 2), decimal(h.ExecuteSeconds, 2))
	if h.PeakMemoryBytes > 0 {
		parts += "; peak memory " + Bytes(h.PeakMemoryBytes)
	}
	if h.Kernels != "" {
		parts += "; kernels " + h.Kernels
	}
	t.paragraph("", parts)
}
