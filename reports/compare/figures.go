package compare

import (
	"math"
	"strings"

	"github.com/npusim/npusim/reports"
)

// Direction says which way a figure gets better.
type Direction uint8

// Directions.
const (
	Neutral Direction = iota + 1
	LowerIsBetter
	HigherIsBetter
)

var directionNames = [...]string{Neutral: "neutral", LowerIsBetter: "lower", HigherIsBetter: "higher"}

// MarshalText gives the name used in JSON.
func (d Direction) MarshalText() ([]byte, error) { return []byte(directionNames[d]), nil }

// kind is how a figure is written and how it differs.
type kind uint8

const (
	wholeNumber kind = iota + 1 // with commas; differs in percent
	quantity                    // four digits; differs in percent
	share                       // of 1, shown in percent; differs in points
	decibel                     // differs in dB
)

// figureRow is a row of the table of figures.
type figureRow struct {
	key, title, unit string
	kind             kind
	better           Direction
}

// figureRows are the main figures in the order of the table; keys that end in a
// dot stand for everything below them.
var figureRows = []figureRow{
	{"accuracy.npu_top1", "NPU top-1", "%", share, HigherIsBetter},
	{"accuracy.float_top1", "Float top-1", "%", share, HigherIsBetter},
	{"accuracy.agreement", "Agreement with float", "%", share, HigherIsBetter},
	{"accuracy.sqnr_db", "Output SQNR", "dB", decibel, HigherIsBetter},
	{"timing.cycles", "Cycles", "cycles", wholeNumber, LowerIsBetter},
	{"timing.latency_ms", "Latency", "ms", quantity, LowerIsBetter},
	{"timing.inferences_per_second", "Throughput", "inferences/s", quantity, HigherIsBetter},
	{"timing.mac_utilization", "MAC utilization", "%", share, HigherIsBetter},
	{"dram.read_bytes", "DRAM read", "B", wholeNumber, LowerIsBetter},
	{"dram.write_bytes", "DRAM written", "B", wholeNumber, LowerIsBetter},
	{"dram.bytes_by_class.", "DRAM of ", "B", wholeNumber, LowerIsBetter},
	{"dram.achieved_gb_per_s", "DRAM achieved", "GB/s", quantity, Neutral},
	{"dram.peak_gb_per_s", "DRAM peak", "GB/s", quantity, Neutral},
	{"dram.row_hit_rate", "Row hits", "%", share, HigherIsBetter},
	{"dram.read_latency.average_ns", "Read latency", "ns", quantity, LowerIsBetter},
	{"energy_uj.total", "Energy", "µJ", quantity, LowerIsBetter},
	{"energy_uj.mac", "  MAC array", "µJ", quantity, LowerIsBetter},
	{"energy_uj.requantize", "  Requantizer", "µJ", quantity, LowerIsBetter},
	{"energy_uj.vector", "  Vector unit", "µJ", quantity, LowerIsBetter},
	{"energy_uj.lut", "  LUT-GEMM unit", "µJ", quantity, LowerIsBetter},
	{"energy_uj.xor", "  Decryption", "µJ", quantity, LowerIsBetter},
	{"energy_uj.scratchpad", "  Scratchpads", "µJ", quantity, LowerIsBetter},
	{"energy_uj.dram", "  DRAM", "µJ", quantity, LowerIsBetter},
	{"energy_uj.static", "  Static", "µJ", quantity, LowerIsBetter},
	{"area_mm2.total", "Area", "mm²", quantity, LowerIsBetter},
	{"program.instructions", "Instructions", "", wholeNumber, LowerIsBetter},
	{"program.code_bytes", "Code", "B", wholeNumber, LowerIsBetter},
	{"program.weight_bytes", "Weights region", "B", wholeNumber, LowerIsBetter},
	{"program.weight_bits_per_weight", "Bits a weight", "bits", quantity, LowerIsBetter},
	{"scratchpad.peak_bytes.", "Peak of ", "B", wholeNumber, Neutral},
	{"model.macs", "MACs of the network", "", wholeNumber, Neutral},
	{"model.parameters", "Parameters", "", wholeNumber, Neutral},
}

// Value is a figure of one report.
type Value struct {
	Number float64
	Absent bool // the report does not have it
}

// Figure is one main figure of all reports.
type Figure struct {
	Key    string
	Title  string // indented by two spaces where it is part of the figure above
	Unit   string // as shown
	Better Direction
	Values []Value // one a report, in the unit of the key

	kind kind
}

// figures gathers the main figures that some report has and that are not 0 in
// all of them.
func figures(list []*Report) []Figure {
	var rows []Figure
	add := func(row figureRow) {
		f := Figure{Key: row.key, Title: row.title, Unit: row.unit, Better: row.better, kind: row.kind}
		useful := false
		for _, r := range list {
			x, err := r.number(row.key, noSuggestion)
			f.Values = append(f.Values, Value{x, err != nil})
			useful = useful || err == nil && x != 0
		}
		if useful {
			rows = append(rows, f)
		}
	}
	for _, row := range figureRows {
		prefix, below := strings.CutSuffix(row.key, ".")
		if !below {
			add(row)
			continue
		}
		for _, name := range namesBelow(list, prefix) {
			each := row
			each.key, each.title = row.key+name, row.title+strings.ReplaceAll(name, "_", " ")
			add(each)
		}
	}
	return rows
}

func noSuggestion(string, []string) string { return "" }

// namesBelow lists the keys of a map of the results, sorted.
func namesBelow(list []*Report, key string) []string {
	maps := make([]map[string]int64, len(list))
	for i, r := range list {
		switch key {
		case "dram.bytes_by_class":
			maps[i] = r.Result.DRAM.BytesByClass
		case "scratchpad.peak_bytes":
			maps[i] = r.Result.Scratchpad.PeakBytes
		}
	}
	return sortedNames(maps...)
}

// Change is the difference of a report's figure from that of the first; ok is
// false where one of them is absent.
func (f *Figure) Change(report int) (difference float64, ok bool) {
	a, b := f.Values[0], f.Values[report]
	return b.Number - a.Number, !a.Absent && !b.Absent
}

// percentChange is 100 (b - a) / |a|: infinite if only a is 0, and 0 if both are.
func percentChange(a, b float64) float64 {
	if a == b {
		return 0
	}
	return 100 * (b - a) / math.Abs(a)
}

// text writes a value in the unit that is shown.
func (k kind) text(v Value) string {
	switch {
	case v.Absent:
		return "-"
	case k == wholeNumber:
		return reports.Count(int64(v.Number))
	case k == share:
		return reports.Significant(100*v.Number, 4)
	}
	return reports.Significant(v.Number, 4)
}

// changeText writes a difference as people compare such figures.
func (k kind) changeText(a, b Value) string {
	switch d := b.Number - a.Number; {
	case a.Absent || b.Absent:
		return "-"
	case d == 0:
		return "="
	case k == share:
		return signed(100*d, 2) + " pt"
	case k == decibel:
		return signed(d, 2) + " dB"
	default:
		return percentText(percentChange(a.Number, b.Number))
	}
}

// percentText writes a change in percent, and as a factor where it is large.
func percentText(percent float64) string {
	switch {
	case percent == 0:
		return "0 %"
	case math.IsInf(percent, 0):
		return "from 0"
	case percent >= 999.95:
		return "x " + reports.Significant(1+percent/100, 3)
	}
	return signed(percent, 1) + " %"
}

// good tells whether a change of a figure is for the better (1), the worse (-1)
// or neither.
func good(better Direction, difference float64) int {
	switch {
	case better == Neutral || difference == 0:
		return 0
	case (difference > 0) == (better == HigherIsBetter):
		return 1
	}
	return -1
}
