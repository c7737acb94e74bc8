package compare

import (
	"fmt"
	"io"
	"strings"

	"github.com/npusim/npusim/reports"
)

// Widths of what comes from files, in columns of a terminal.
const (
	labelColumns   = 24
	layerColumns   = 36
	settingColumns = 28
)

// WriteText writes the comparison that people read. It makes one write.
func WriteText(w io.Writer, c *Comparison, style reports.Style) error {
	t := &textWriter{style: style}
	t.reports(c)
	t.settings(c)
	t.figures(c)
	t.layers(c)
	t.verdicts(c)
	if t.err != nil {
		return t.err
	}
	_, err := io.WriteString(w, t.b.String())
	return err
}

type textWriter struct {
	b     strings.Builder
	style reports.Style
	err   error
}

func (t *textWriter) section(title string) {
	if t.b.Len() > 0 {
		t.b.WriteString("\n")
	}
	t.b.WriteString(t.style.Heading(title) + "\n")
}

func (t *textWriter) table(columns []reports.Column, rows [][]string) {
	if err := reports.Table(&t.b, t.style, columns, rows); err != nil && t.err == nil {
		t.err = err
	}
}

func (t *textWriter) reports(c *Comparison) {
	t.section(fmt.Sprintf("%s compared with %s", c.others(), c.Reports[0].shortLabel()))
	columns := []reports.Column{{Name: "report"}, {Name: "model"}, {Name: "model hash"}, {Name: "configuration"}, {Name: "machine"}, {Name: "configuration hash"}, {Name: "written by"}}
	var rows [][]string
	for _, r := range c.Reports {
		m, config := &r.Result.Model, &r.Result.Config
		rows = append(rows, []string{r.shortLabel(), reports.Shorten(m.Name, labelColumns), digits(m.SHA256), reports.Shorten(config.Name, labelColumns),
			digits(config.MachineHash), digits(config.ConfigHash), reports.Shorten(r.Result.Tool, labelColumns)})
	}
	t.table(columns, rows)
	for _, sentence := range c.Sentences() {
		t.b.WriteString(sentence + "\n")
	}
}

// digits are the first digits of a hash.
func digits(hash string) string {
	if hash == "" {
		return "-"
	}
	return hash[:min(len(hash), 12)]
}

func (r *Report) shortLabel() string {
	return reports.Shorten(reports.Printable(r.Label), labelColumns)
}

// others names the reports after the first.
func (c *Comparison) others() string {
	var labels []string
	for _, r := range c.Reports[1:] {
		labels = append(labels, r.shortLabel())
	}
	return strings.Join(labels, ", ")
}

// Sentences say what the reports have in common and what not.
func (c *Comparison) Sentences() []string {
	var list []string
	if c.Differs.Model {
		list = append(list, "THE MODELS DIFFER: figures of different networks stand side by side.")
	} else {
		list = append(list, "The model is the same.")
	}
	switch {
	case c.Differs.Machine:
		list = append(list, "The machines differ: other units or scratchpads, and so another program.")
	case c.Differs.Configuration:
		list = append(list, "The machine is the same; the configurations differ.")
	default:
		list = append(list, "Machine and configuration are the same.")
	}
	if c.Differs.Configuration && c.Settings == nil {
		list = append(list, "Which keys differ is not known: not every report holds a configuration that this version reads.")
	}
	if c.Differs.Data {
		list = append(list, "ACCURACY WAS JUDGED ON DIFFERENT SAMPLES: "+c.samples()+".")
	}
	if c.Differs.Tool {
		list = append(list, "The reports were written by different versions of npusim.")
	}
	return list
}

// samples says what the accuracy of each report was judged on.
func (c *Comparison) samples() string {
	var list []string
	for _, r := range c.Reports {
		if a := r.Result.Accuracy; a != nil {
			list = append(list, fmt.Sprintf("%s of %s in %s", reports.Count(int64(a.Samples)), reports.Shorten(reports.Printable(a.Data), layerColumns), r.shortLabel()))
		}
	}
	return strings.Join(list, ", ")
}

func (t *textWriter) settings(c *Comparison) {
	if len(c.Settings) == 0 {
		return
	}
	t.section("Configuration keys that differ")
	columns := []reports.Column{{Name: "key"}}
	for _, r := range c.Reports {
		columns = append(columns, reports.Column{Name: r.shortLabel()})
	}
	var rows [][]string
	for _, d := range c.Settings {
		row := []string{d.Key}
		for _, value := range d.Values {
			if value == "" {
				value = "-"
			}
			row = append(row, reports.Shorten(value, settingColumns))
		}
		rows = append(rows, row)
	}
	t.table(columns, rows)
}

// sideBySide appends a column for the first report and two for each other.
func (c *Comparison) sideBySide(columns []reports.Column, unit string) []reports.Column {
	for i, r := range c.Reports {
		columns = append(columns, reports.Column{Name: r.shortLabel(), Unit: unit, Number: true})
		if i > 0 {
			columns = append(columns, reports.Column{Name: "change", Number: true})
		}
	}
	return columns
}

func (t *textWriter) figures(c *Comparison) {
	t.section("Figures")
	columns := c.sideBySide([]reports.Column{{Name: "figure"}, {Name: "unit"}}, "")
	var rows [][]string
	for i := range c.Figures {
		f := &c.Figures[i]
		row := []string{f.Title, f.Unit}
		for r, v := range f.Values {
			row = append(row, f.kind.text(v))
			if r > 0 {
				row = append(row, f.kind.changeText(f.Values[0], v))
			}
		}
		rows = append(rows, row)
	}
	t.table(columns, rows)
}

func (t *textWriter) layers(c *Comparison) {
	t.section("Cycles by layer")
	columns := c.sideBySide([]reports.Column{{Name: "layer"}}, "cycles")
	columns = append(columns, reports.Column{Name: "bound"}, reports.Column{Name: "remark"})
	var rows [][]string
	for i := range c.Layers {
		l := &c.Layers[i]
		row := []string{reports.Shorten(reports.Printable(l.Name), layerColumns)}
		for r := range l.Cells {
			row = append(row, wholeNumber.text(l.cycles(r)))
			if r > 0 {
				row = append(row, wholeNumber.changeText(l.cycles(0), l.cycles(r)))
			}
		}
		rows = append(rows, append(row, l.bounds(), l.remark(c)))
	}
	t.table(columns, rows)
}

// cycles of the layer in a report.
func (l *Layer) cycles(report int) Value {
	if cell := l.Cells[report]; cell != nil {
		return Value{Number: float64(cell.Cycles)}
	}
	return Value{Absent: true}
}

// bounds of the layer in all reports in turn, one if they agree.
func (l *Layer) bounds() string {
	var list []string
	same := true
	for _, cell := range l.Cells {
		bound := "-"
		if cell != nil {
			bound = reports.BoundShort(cell.Bound)
		}
		list = append(list, bound)
		same = same && bound == list[0]
	}
	if same {
		return list[0]
	}
	if len(list) == 2 {
		return list[0] + " → " + list[1]
	}
	return strings.Join(list, ", ")
}

// remark says in which reports the layer is new, gone or called otherwise.
func (l *Layer) remark(c *Comparison) string {
	var list []string
	for r := range l.Cells {
		status := l.Status(r)
		switch {
		case r == 0 || status == "":
			continue
		case len(c.Reports) > 2:
			status += " in " + c.Reports[r].shortLabel()
		}
		list = append(list, reports.Shorten(reports.Printable(status), layerColumns+labelColumns))
	}
	return strings.Join(list, ", ")
}

func (t *textWriter) verdicts(c *Comparison) {
	if len(c.Verdicts) == 0 {
		return
	}
	t.section("Gates")
	columns := []reports.Column{{Name: "fails if"}, {Name: "report"}, {Name: "first", Number: true}, {Name: "value", Number: true}, {Name: "change", Number: true}, {Name: "result"}}
	var rows [][]string
	for i := range c.Verdicts {
		v := &c.Verdicts[i]
		first, change, result := "", "", "passed"
		if !v.First.Absent {
			first, change = number(v.First.Number), v.change()
		}
		if v.Tripped {
			result = "TRIPPED"
		}
		rows = append(rows, []string{v.Gate.Text, v.Report.shortLabel(), first, number(v.Value), change, result})
	}
	t.table(columns, rows)
}
