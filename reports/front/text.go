package front

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/npusim/npusim/reports"
)

// shownFront bounds the rows of the front in text; front.csv has all.
const shownFront = 100

// members are the points on the front, the best by the first objective first.
func (e *Exploration) members() []int {
	var list []int
	for i := range e.Points {
		if e.Points[i].OnFront {
			list = append(list, i)
		}
	}
	slices.SortStableFunc(list, func(a, b int) int {
		for o := range e.Objectives {
			x, y := e.Points[a].Objectives[o], e.Points[b].Objectives[o]
			if e.Objectives[o].Maximize {
				x, y = y, x
			}
			if c := cmp.Compare(x, y); c != 0 {
				return c
			}
		}
		return cmp.Compare(e.Points[a].ID, e.Points[b].ID)
	})
	return list
}

// WriteText writes the front and the sensitivity of the objectives as tables.
func WriteText(w io.Writer, e *Exploration, style reports.Style) error {
	if err := e.Check(); err != nil {
		return err
	}
	members := e.members()
	if _, err := fmt.Fprintf(w, "%s\n\n", e.summary(len(members))); err != nil {
		return err
	}
	columns := []reports.Column{{Name: "Point", Number: true}}
	for i := range e.Axes {
		columns = append(columns, reports.Column{Name: shortened(e.Axes[i].Name), Number: e.Axes[i].Ordered})
	}
	for _, o := range e.Objectives {
		columns = append(columns, reports.Column{Name: shortened(o.Name), Unit: o.direction(), Number: true})
	}
	var rows [][]string
	for _, i := range members[:min(len(members), shownFront)] {
		p := &e.Points[i]
		row := []string{strconv.FormatInt(p.ID, 10)}
		for axis, v := range p.Values {
			row = append(row, shortened(e.Axes[axis].Values[v].Label))
		}
		for _, x := range p.Objectives {
			row = append(row, figure(x))
		}
		rows = append(rows, row)
	}
	if err := reports.Table(w, style, columns, rows); err != nil {
		return err
	}
	if len(members) > shownFront {
		if _, err := fmt.Fprintf(w, "%s more in front.csv.\n", reports.Count(int64(len(members)-shownFront))); err != nil {
			return err
		}
	}
	return e.writeSensitivity(w, style)
}

// summary counts the points.
func (e *Exploration) summary(front int) string {
	text := fmt.Sprintf("%s points, %s on the Pareto front", reports.Count(int64(len(e.Points))), reports.Count(int64(front)))
	if n := e.count(Infeasible); n > 0 {
		text += fmt.Sprintf(", %s miss a constraint", reports.Count(int64(n)))
	}
	if n := e.count(Failed); n > 0 {
		text += fmt.Sprintf(", %s failed", reports.Count(int64(n)))
	}
	return text
}

// direction says what is good.
func (o *Objective) direction() string {
	if o.Maximize {
		return "max"
	}
	return "min"
}

// shortened keeps a column narrow.
func shortened(s string) string { return reports.Shorten(s, 32) }

// figure writes a value for readers: whole numbers whole, others with five
// significant digits.
func figure(x float64) string {
	switch {
	case math.IsNaN(x) || math.IsInf(x, 0):
		return "-"
	case x == math.Trunc(x) && math.Abs(x) < 1e15:
		return reports.Count(int64(x))
	}
	return strconv.FormatFloat(x, 'g', 5, 64)
}

// writeSensitivity writes what share of each objective's variance each axis
// explains alone.
func (e *Exploration) writeSensitivity(w io.Writer, style reports.Style) error {
	shares := e.Sensitivity()
	if len(e.Axes) == 0 {
		return nil
	}
	var b strings.Builder
	b.WriteString("\nShare of an objective's variance that an axis explains alone, in percent:\n\n")
	columns := []reports.Column{{Name: "Axis"}}
	for _, o := range e.Objectives {
		columns = append(columns, reports.Column{Name: shortened(o.Name), Unit: "%", Number: true})
	}
	var rows [][]string
	for axis := range e.Axes {
		row := []string{shortened(e.Axes[axis].Name)}
		for o := range e.Objectives {
			text := "-"
			if s := shares[axis][o]; !math.IsNaN(s) {
				text = strconv.FormatFloat(100*s, 'f', 1, 64)
			}
			row = append(row, text)
		}
		rows = append(rows, row)
	}
	if err := reports.Table(&b, style, columns, rows); err != nil {
		return err
	}
	_, err := io.WriteString(w, b.String())
	return err
}
