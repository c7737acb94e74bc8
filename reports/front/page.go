package front

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/npusim/npusim/reports"
)

//go:embed page.html page.css js/*.js
var assets embed.FS

// scripts are the parts of the page's script in their order.
var scripts = []string{"base", "dimensions", "state", "canvas", "scatter", "parallel", "detail", "tables", "start"}

var layout = template.Must(template.New("page.html").ParseFS(assets, "page.html"))

// pageData is what the page's script reads; its JSON keys are those of js.
type pageData struct {
	Name        string                  `json:"name"`
	Base        string                  `json:"base"`
	Command     string                  `json:"command"`
	Axes        []pageAxis              `json:"axes"`
	Objectives  []pageGoal              `json:"objectives"`
	IDs         []string                `json:"ids"`     // as text: scripts have 53 bits
	Status      string                  `json:"status"`  // a letter a point: o on the front, f feasible, i infeasible, x failed
	Values      [][]int                 `json:"values"`  // by axis and point
	Results     [][]*float64            `json:"results"` // by objective and point
	Texts       []string                `json:"texts"`   // that the maps below refer to
	Reasons     map[string]int          `json:"reasons"` // by index of the point
	TOML        map[string]int          `json:"toml"`
	Reports     map[string][]pageReport `json:"reports"`
	Sensitivity [][]*float64            `json:"sensitivity"` // by axis and objective
}

// pageReport is the page of a report, and what it is called.
type pageReport struct {
	Name string `json:"name"`
	Page string `json:"page"`
}

type pageAxis struct {
	Name    string      `json:"name"`
	Keys    []string    `json:"keys"`
	Ordered bool        `json:"ordered"`
	Values  []pageValue `json:"values"`
}

type pageValue struct {
	Label    string   `json:"label"`
	Literals []string `json:"literals"`
}

type pageGoal struct {
	Name     string `json:"name"`
	Maximize bool   `json:"maximize"`
}

// finite is nil for what JSON cannot express.
func finite(x float64) *float64 {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return nil
	}
	return &x
}

// data gathers the points column by column.
func (e *Exploration) data() *pageData {
	d := &pageData{Name: e.Name, Base: e.Base, Command: e.Command, Axes: []pageAxis{}, IDs: []string{}, Texts: []string{}, Reasons: map[string]int{}, TOML: map[string]int{}, Reports: map[string][]pageReport{},
		Values: make([][]int, len(e.Axes)), Results: make([][]*float64, len(e.Objectives)), Sensitivity: [][]*float64{}}
	for i := range e.Axes {
		a := pageAxis{Name: e.Axes[i].Name, Keys: e.Axes[i].Keys, Ordered: e.Axes[i].Ordered, Values: []pageValue{}}
		for _, v := range e.Axes[i].Values {
			a.Values = append(a.Values, pageValue(v))
		}
		d.Axes = append(d.Axes, a)
	}
	for _, o := range e.Objectives {
		d.Objectives = append(d.Objectives, pageGoal(o))
	}
	known := map[string]int{}
	refer := func(to map[string]int, point int, text string) {
		if text == "" {
			return
		}
		index, ok := known[text]
		if !ok {
			index = len(d.Texts)
			known[text], d.Texts = index, append(d.Texts, text)
		}
		to[strconv.Itoa(point)] = index
	}
	var status strings.Builder
	for i := range e.Points {
		p := &e.Points[i]
		d.IDs = append(d.IDs, strconv.FormatInt(p.ID, 10))
		letter := map[Status]byte{Feasible: 'f', Infeasible: 'i', Failed: 'x'}[p.Status]
		if p.OnFront {
			letter = 'o'
		}
		status.WriteByte(letter)
		for axis, v := range p.Values {
			d.Values[axis] = append(d.Values[axis], v)
		}
		for o := range e.Objectives {
			var x *float64
			if p.Status != Failed {
				x = finite(p.Objectives[o])
			}
			d.Results[o] = append(d.Results[o], x)
		}
		refer(d.Reasons, i, p.Reason)
		refer(d.TOML, i, p.TOML)
		for _, r := range p.Reports {
			name := "Report of this point"
			if r.Model != "" {
				name += " with " + r.Model
			}
			d.Reports[strconv.Itoa(i)] = append(d.Reports[strconv.Itoa(i)], pageReport{name, r.Folder + "/report.html"})
		}
	}
	d.Status = status.String()
	for _, shares := range e.Sensitivity() {
		var row []*float64
		for _, s := range shares {
			row = append(row, finite(s))
		}
		d.Sensitivity = append(d.Sensitivity, row)
	}
	return d
}

// card is a figure at the top of the page.
type card struct{ Label, Value string }

// WritePage writes the exploration as one HTML file that needs no network:
// scatter plot, parallel coordinates, sensitivity, front and failures, and the
// configuration of any point.
func WritePage(w io.Writer, e *Exploration) error {
	if err := e.Check(); err != nil {
		return err
	}
	// json.Marshal escapes <, > and &, so nothing in a name ends the element.
	data, err := json.Marshal(e.data())
	if err != nil {
		return fmt.Errorf("data of the page: %w", err)
	}
	style, err := assets.ReadFile("page.css")
	if err != nil {
		return err
	}
	script := "\"use strict\";\n(() => {\n"
	for _, name := range scripts {
		part, err := assets.ReadFile("js/" + name + ".js")
		if err != nil {
			return err
		}
		script += string(part)
	}
	number := func(n int) string { return reports.Count(int64(n)) }
	view := struct {
		Name         string
		Facts        []string
		Cards        []card
		Style        template.CSS
		Data, Script template.JS
	}{Name: e.Name, Facts: e.Facts, Style: template.CSS(style), Data: template.JS(data), Script: template.JS(script + "})();\n")}
	view.Cards = []card{{"Points", number(len(e.Points))}, {"On the Pareto front", number(len(e.members()))}, {"Miss a constraint", number(e.count(Infeasible))}, {"Failed", number(e.count(Failed))}}
	var b bytes.Buffer
	if err := layout.Execute(&b, view); err != nil {
		return err
	}
	_, err = w.Write(b.Bytes())
	return err
}
