package compare

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strconv"

	"github.com/npusim/npusim/npu/evaluate"
	"github.com/npusim/npusim/reports"
)

// Schema is the version of the JSON form.
const Schema = 1

// jsonReport and what follows are the JSON form. Lists of values have one a
// report; null stands for what a report does not have, and for the change from
// 0 in percent.
type jsonReport struct {
	Label       string         `json:"label"`
	Path        string         `json:"path"`
	Tool        string         `json:"tool,omitempty"`
	Model       evaluate.Model `json:"model"`
	Config      string         `json:"config"`
	MachineHash string         `json:"machine_hash"`
	ConfigHash  string         `json:"config_hash"`
}

type jsonFigure struct {
	Key           string     `json:"key"`
	Better        Direction  `json:"better"`
	Values        []*float64 `json:"values"`
	Difference    []*float64 `json:"difference"`
	ChangePercent []*float64 `json:"change_percent"`
}

type jsonLayer struct {
	Name          string     `json:"name"`
	Status        []string   `json:"status"` // empty, added, removed, or renamed with the new name
	Op            string     `json:"op"`
	Cycles        []*float64 `json:"cycles"`
	ChangePercent []*float64 `json:"cycles_change_percent"`
	DRAMBytes     []*float64 `json:"dram_bytes"`
	EnergyUJ      []*float64 `json:"energy_uj"`
	Bound         []string   `json:"bound"`
}

type jsonGate struct {
	FailIf  string   `json:"fail_if"`
	Key     string   `json:"key"`
	Report  string   `json:"report"`
	First   *float64 `json:"first"` // null where only the value counts
	Value   float64  `json:"value"`
	Tripped bool     `json:"tripped"`
}

type jsonForm struct {
	Schema   int          `json:"schema"`
	Reports  []jsonReport `json:"reports"`
	Differs  Differs      `json:"differs"`
	Settings []Difference `json:"settings"`
	Figures  []jsonFigure `json:"figures"`
	Layers   []jsonLayer  `json:"layers"`
	Gates    []jsonGate   `json:"gates"`
	Tripped  int          `json:"tripped"`
}

// WriteJSON writes the comparison indented, keys in the order of the struct,
// with a line feed at the end.
func WriteJSON(w io.Writer, c *Comparison) error {
	form := jsonForm{Schema: Schema, Differs: c.Differs, Settings: append([]Difference{}, c.Settings...),
		Reports: []jsonReport{}, Figures: []jsonFigure{}, Layers: []jsonLayer{}, Gates: []jsonGate{}}
	for _, r := range c.Reports {
		config := &r.Result.Config
		form.Reports = append(form.Reports, jsonReport{r.Label, r.Path, r.Result.Tool, r.Result.Model, config.Name, config.MachineHash, config.ConfigHash})
	}
	for i := range c.Figures {
		f := &c.Figures[i]
		values, differences, changes := jsonValues(f.Values)
		form.Figures = append(form.Figures, jsonFigure{f.Key, f.Better, values, differences, changes})
	}
	for i := range c.Layers {
		l := &c.Layers[i]
		row := jsonLayer{Name: l.Name, Op: firstCell(l).Op}
		row.Cycles, _, row.ChangePercent = jsonValues(l.values(layerCycles))
		row.DRAMBytes, _, _ = jsonValues(l.values(layerBytes))
		row.EnergyUJ, _, _ = jsonValues(l.values(layerEnergy))
		for r, cell := range l.Cells {
			bound := ""
			if cell != nil {
				bound = cell.Bound
			}
			row.Status, row.Bound = append(row.Status, l.Status(r)), append(row.Bound, bound)
		}
		form.Layers = append(form.Layers, row)
	}
	for i := range c.Verdicts {
		v := &c.Verdicts[i]
		gate := jsonGate{FailIf: v.Gate.Text, Key: v.Gate.Key, Report: v.Report.Label, Value: v.Value, Tripped: v.Tripped}
		if !v.First.Absent {
			gate.First = &v.First.Number
		}
		form.Gates = append(form.Gates, gate)
		if v.Tripped {
			form.Tripped++
		}
	}
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(form); err != nil {
		return fmt.Errorf("JSON of the comparison: %w", err)
	}
	_, err := w.Write(b.Bytes())
	return err
}

// jsonValues gives values, differences from the first, and those in percent.
func jsonValues(values []Value) (list, differences, changes []*float64) {
	for _, v := range values {
		var number, difference, change *float64
		if !v.Absent {
			number = &v.Number
		}
		if first := values[0]; !v.Absent && !first.Absent {
			d, p := v.Number-first.Number, percentChange(first.Number, v.Number)
			difference = &d
			if !math.IsInf(p, 0) {
				change = &p
			}
		}
		list, differences, changes = append(list, number), append(differences, difference), append(changes, change)
	}
	return list, differences, changes
}

// Figures of a layer.
func layerCycles(l *evaluate.Layer) float64      { return float64(l.Cycles) }
func layerMACs(l *evaluate.Layer) float64        { return float64(l.MACs) }
func layerUtilization(l *evaluate.Layer) float64 { return l.Utilization }
func layerRead(l *evaluate.Layer) float64        { return float64(l.DRAMReadBytes) }
func layerWritten(l *evaluate.Layer) float64     { return float64(l.DRAMWriteBytes) }
func layerBytes(l *evaluate.Layer) float64       { return float64(l.DRAMReadBytes + l.DRAMWriteBytes) }
func layerEnergy(l *evaluate.Layer) float64      { return l.EnergyUJ }

// values of a figure of the layer in all reports.
func (l *Layer) values(of func(*evaluate.Layer) float64) []Value {
	list := make([]Value, len(l.Cells))
	for r, cell := range l.Cells {
		list[r].Absent = cell == nil
		if cell != nil {
			list[r].Number = of(cell)
		}
	}
	return list
}

// layerColumnsCSV are the figures of layers in the CSV form.
var layerColumnsCSV = []struct {
	key, unit string
	of        func(*evaluate.Layer) float64
}{
	{"cycles", "cycles", layerCycles}, {"macs", "", layerMACs}, {"utilization", "", layerUtilization},
	{"dram_read_bytes", "bytes", layerRead}, {"dram_write_bytes", "bytes", layerWritten}, {"energy_uj", "uJ", layerEnergy},
}

// unitsCSV are the units of the keys themselves, where those shown are others.
var unitsCSV = map[string]string{"%": "", "µJ": "uJ", "B": "bytes", "mm²": "mm2"}

// WriteCSV writes a row a figure, then a row a layer and figure, with the
// numbers of the summaries. Cells of what a report does not have are empty.
func WriteCSV(w io.Writer, c *Comparison) error {
	header := []string{"kind", "layer", "status", "key", "unit"}
	for i, r := range c.Reports {
		header = append(header, r.Label)
		if i > 0 {
			header = append(header, "change_percent "+r.Label)
		}
	}
	records := [][]string{header}
	add := func(kind, layer, status, key, unit string, values []Value) {
		record := []string{kind, layer, status, key, unit}
		numbers, _, changes := jsonValues(values)
		for i := range numbers {
			record = append(record, cell(numbers[i]))
			if i > 0 {
				record = append(record, cell(changes[i]))
			}
		}
		records = append(records, record)
	}
	for i := range c.Figures {
		f := &c.Figures[i]
		unit, ok := unitsCSV[f.Unit]
		if !ok {
			unit = f.Unit
		}
		add("figure", "", "", f.Key, unit, f.Values)
	}
	for i := range c.Layers {
		l := &c.Layers[i]
		for _, column := range layerColumnsCSV {
			add("layer", l.Name, l.remark(c), column.key, column.unit, l.values(column.of))
		}
	}
	out := csv.NewWriter(w)
	if err := out.WriteAll(records); err != nil {
		return fmt.Errorf("CSV of the comparison: %w", err)
	}
	return nil
}

func cell(x *float64) string {
	if x == nil {
		return ""
	}
	return strconv.FormatFloat(*x, 'f', -1, 64)
}

// WriteDirectory writes compare.html and compare.csv; files of other names are
// left alone. Each appears whole or not at all.
func WriteDirectory(dir string, c *Comparison) error {
	return reports.WriteFiles(dir, []reports.File{
		{Name: "compare.html", Write: func(w io.Writer) error { return WriteHTML(w, c) }},
		{Name: "compare.csv", Write: func(w io.Writer) error { return WriteCSV(w, c) }},
	})
}
