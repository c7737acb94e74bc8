package compare

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/npusim/npusim/npu/evaluate"
	"github.com/npusim/npusim/reports"
)

//go:embed page.html
var pageText string

// page is the template of the HTML form. Package html/template escapes every
// name by where it stands.
var page = template.Must(template.New("compare").Parse(pageText))

// Parts of the page.
type (
	pageData struct {
		Title     string
		Colors    []pageColor
		Reports   []pageReport
		Sentences []string
		Cards     []pageCard
		Settings  []Difference
		Charts    []pageChart
		Figures   []pageRow
		Layers    []pageRow
		Gates     []pageGate
		Columns   []pageColumn // of the reports in both tables
	}
	pageColor  struct{ Index, Light, Dark template.CSS }
	pageReport struct {
		Index                                               int
		Label, Path, Model, ModelHash, Config, Machine, All string
		Tool                                                string
	}
	pageCard struct {
		Title, Unit string
		Lines       []pageLine
	}
	pageLine struct {
		Index                      int
		Label, Value, Change, Mood string
	}
	pageColumn struct {
		Index  int
		Name   string
		Change bool
	}
	pageCell struct {
		Text, Sort, Mood string
	}
	pageRow struct {
		Name, Detail, Unit, Op, Bound, Remark string
		Part                                  bool // of the figure above
		Cells                                 []pageCell
	}
	pageGate struct {
		Text, Report, First, Value, Change string
		Tripped                            bool
	}
)

// WriteHTML writes the comparison as one page that needs no other file and no
// network.
func WriteHTML(w io.Writer, c *Comparison) error {
	p := pageData{Title: c.others() + " compared with " + c.Reports[0].shortLabel(), Sentences: c.Sentences(), Settings: c.Settings, Charts: charts(c)}
	colors := reports.SeriesColors()
	for i, r := range c.Reports {
		index := strconv.Itoa(i)
		p.Colors = append(p.Colors, pageColor{template.CSS(index), template.CSS(colors[i].Light), template.CSS(colors[i].Dark)})
		m, config := &r.Result.Model, &r.Result.Config
		p.Reports = append(p.Reports, pageReport{i, r.Label, r.Path, m.Name, digits(m.SHA256), config.Name, digits(config.MachineHash), digits(config.ConfigHash), r.Result.Tool})
		p.Columns = append(p.Columns, pageColumn{i, r.shortLabel(), false})
		if i > 0 {
			p.Columns = append(p.Columns, pageColumn{i, "change", true})
		}
	}
	p.cards(c)
	for i := range c.Figures {
		f := &c.Figures[i]
		name := strings.TrimLeft(f.Title, " ")
		p.Figures = append(p.Figures, pageRow{Name: name, Detail: f.Key, Unit: f.Unit, Part: name != f.Title, Cells: cells(f.Values, f.kind, f.Better)})
	}
	better := LowerIsBetter
	if c.Differs.Model {
		better = Neutral
	}
	for i := range c.Layers {
		l := &c.Layers[i]
		row := pageRow{Name: l.Name, Op: firstCell(l).Op, Bound: l.bounds(), Remark: l.remark(c)}
		row.Cells = append(cells(l.values(layerCycles), wholeNumber, better), cells(l.values(layerBytes), wholeNumber, better)...)
		p.Layers = append(p.Layers, row)
	}
	p.gates(c)
	if err := page.Execute(w, p); err != nil {
		return fmt.Errorf("page of the comparison: %w", err)
	}
	return nil
}

// cells are the values side by side with their changes.
func cells(values []Value, k kind, better Direction) []pageCell {
	var list []pageCell
	for r, v := range values {
		list = append(list, pageCell{Text: k.text(v), Sort: sortKey(v)})
		if r > 0 {
			list = append(list, changeCell(values[0], v, k, better))
		}
	}
	return list
}

// sortKey is what a script sorts by; empty for what is absent.
func sortKey(v Value) string {
	if v.Absent {
		return ""
	}
	return strconv.FormatFloat(v.Number, 'g', -1, 64)
}

func changeCell(first, v Value, k kind, better Direction) pageCell {
	c := pageCell{Text: k.changeText(first, v)}
	if first.Absent || v.Absent {
		return c
	}
	change := percentChange(first.Number, v.Number)
	c.Sort = sortKey(Value{Number: math.Max(math.Min(change, math.MaxFloat64), -math.MaxFloat64)})
	c.Mood = mood(better, v.Number-first.Number)
	return c
}

func mood(better Direction, difference float64) string {
	return [...]string{"worse", "", "better"}[good(better, difference)+1]
}

// cardKeys are the figures that stand on cards.
var cardKeys = []string{"timing.cycles", "timing.latency_ms", "dram.read_bytes", "energy_uj.total", "timing.mac_utilization", "accuracy.npu_top1"}

func (p *pageData) cards(c *Comparison) {
	for _, key := range cardKeys {
		at := slices.IndexFunc(c.Figures, func(f Figure) bool { return f.Key == key })
		if at < 0 {
			continue
		}
		f := &c.Figures[at]
		card := pageCard{Title: f.Title, Unit: f.Unit}
		if strings.EqualFold(card.Title, card.Unit) {
			card.Unit = ""
		}
		for r, v := range f.Values {
			line := pageLine{Index: r, Label: c.Reports[r].shortLabel(), Value: f.kind.text(v)}
			if d, ok := f.Change(r); ok && r > 0 {
				line.Change, line.Mood = f.kind.changeText(f.Values[0], v), mood(f.Better, d)
			}
			card.Lines = append(card.Lines, line)
		}
		p.Cards = append(p.Cards, card)
	}
}

func (p *pageData) gates(c *Comparison) {
	for i := range c.Verdicts {
		v := &c.Verdicts[i]
		g := pageGate{Text: v.Gate.Text, Report: v.Report.Label, Value: number(v.Value), Tripped: v.Tripped}
		if !v.First.Absent {
			g.First, g.Change = number(v.First.Number), v.change()
		}
		p.Gates = append(p.Gates, g)
	}
}

// boundOrder and energyParts are the bars of the charts, in order.
var boundOrder = []string{"mac", "lookup", "vector", "pipeline", "dram", "latency"}

var energyParts = []struct {
	name string
	of   func(*evaluate.Energy) float64
}{
	{"MAC array", func(e *evaluate.Energy) float64 { return e.MAC }},
	{"requantizer", func(e *evaluate.Energy) float64 { return e.Requantize }},
	{"vector unit", func(e *evaluate.Energy) float64 { return e.Vector }},
	{"LUT-GEMM unit", func(e *evaluate.Energy) float64 { return e.LUT }},
	{"decryption", func(e *evaluate.Energy) float64 { return e.XOR }},
	{"scratchpads", func(e *evaluate.Energy) float64 { return e.Scratchpad }},
	{"DRAM", func(e *evaluate.Energy) float64 { return e.DRAM }},
	{"static", func(e *evaluate.Energy) float64 { return e.Static }},
}

// charts are the bars of the page.
func charts(c *Comparison) []pageChart {
	n := len(c.Reports)
	sums := make([]map[string]int64, n)
	classes := make([]map[string]int64, n)
	for r, report := range c.Reports {
		sums[r] = map[string]int64{}
		for i := range report.Result.Layers {
			l := &report.Result.Layers[i]
			for bound, cycles := range l.CyclesByBound { // sums do not depend on the order
				sums[r][bound] += cycles
			}
		}
		classes[r] = report.Result.DRAM.BytesByClass
	}
	var list []pageChart
	add := func(title, unit string, groups []group, wide bool) {
		if len(groups) > 0 {
			list = append(list, draw(title, unit, c.Reports, groups, wide))
		}
	}
	bounds := groupsOf(sums, inOrder(boundOrder, sortedNames(sums...)))
	for i := range bounds {
		bounds[i].name = reports.BoundShort(bounds[i].name)
	}
	add("Cycles by what bounds them", "cycles", bounds, false)
	add("DRAM bytes by class", "B", groupsOf(classes, sortedNames(classes...)), false)
	var energy []group
	for _, part := range energyParts {
		g := group{name: part.name}
		for _, report := range c.Reports {
			g.values = append(g.values, Value{Number: part.of(&report.Result.EnergyUJ)})
		}
		energy = append(energy, g)
	}
	add("Energy by part", "µJ", withoutZeros(energy), false)
	add("Cycles of the largest layers", "cycles", largestLayers(c), true)
	return list
}

// groupsOf makes a group of bars for each name.
func groupsOf(maps []map[string]int64, names []string) []group {
	var list []group
	for _, name := range names {
		g := group{name: strings.ReplaceAll(name, "_", " ")}
		for _, m := range maps {
			x, ok := m[name]
			g.values = append(g.values, Value{float64(x), !ok})
		}
		list = append(list, g)
	}
	return withoutZeros(list)
}

func withoutZeros(list []group) []group {
	return slices.DeleteFunc(list, func(g group) bool {
		return !slices.ContainsFunc(g.values, func(v Value) bool { return v.Number != 0 })
	})
}

// inOrder sorts known names first.
func inOrder(order, names []string) []string {
	var list []string
	for _, name := range order {
		if slices.Contains(names, name) {
			list = append(list, name)
		}
	}
	for _, name := range names {
		if !slices.Contains(order, name) {
			list = append(list, name)
		}
	}
	return list
}

// mostBars is the number of layers that are drawn.
const mostBars = 16

// largestLayers are the layers that take the most cycles in any report, in the
// order of the network.
func largestLayers(c *Comparison) []group {
	most := func(i int) float64 {
		x := 0.0
		for _, v := range c.Layers[i].values(layerCycles) {
			x = max(x, v.Number)
		}
		return x
	}
	order := make([]int, len(c.Layers))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch x, y := most(a), most(b); {
		case x > y:
			return -1
		case x < y:
			return 1
		}
		return 0
	})
	order = order[:min(len(order), mostBars)]
	slices.Sort(order)
	var list []group
	for _, i := range order {
		list = append(list, group{c.Layers[i].Name, c.Layers[i].values(layerCycles)})
	}
	return withoutZeros(list)
}
