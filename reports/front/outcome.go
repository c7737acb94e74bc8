package front

import (
	"encoding/json"
	"fmt"
	"math"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/npusim/npusim/npu/explore/expression"
	"github.com/npusim/npusim/npu/explore/outcome"
	"github.com/npusim/npusim/reports"
)

// mostWhole bounds the points of the front whose whole configuration the page
// holds; that of others is put together from the common part and their axes.
const mostWhole = 500

// Of is what an exploration has found, ready to be rendered: the points of the
// last rung, and those that failed before. The source gives configurations.
func Of(found *outcome.Exploration, source outcome.Source) (*Exploration, error) {
	s := &found.Sweep
	e := &Exploration{Name: s.Name, Facts: facts(found)}
	if s.Base != "" {
		e.Name += " on " + s.Base
	}
	for i := range s.Axes {
		e.Axes = append(e.Axes, axisOf(&s.Axes[i]))
	}
	for _, o := range s.Objectives {
		e.Objectives = append(e.Objectives, Objective{o.Expression, o.Maximize})
	}
	last := max(len(s.Rungs)-1, 0)
	failed := map[int64]bool{}
	whole := 0
	for i := range found.Points {
		p := &found.Points[i]
		q := Point{ID: p.ID, Values: p.Indices, Objectives: p.Objectives, Status: Feasible, OnFront: p.OnFront, Reason: p.Reason}
		switch {
		case p.Status == outcome.Failed:
			if failed[p.ID] {
				continue
			}
			failed[p.ID] = true
			q.Status, q.Objectives, q.OnFront = Failed, nil, false
		case p.Rung != last:
			continue
		case !p.Feasible():
			q.Status, q.OnFront = Infeasible, false
		}
		if q.Status != Failed && e.Base == "" || q.OnFront && whole < mostWhole {
			d, err := source.Details(p)
			if err != nil {
				return nil, fmt.Errorf("configuration of point %d: %w", p.ID, err)
			}
			if e.Base == "" {
				e.Base, e.Command = e.common(d.TOML), d.Command
			}
			if q.OnFront {
				q.TOML = d.TOML
				for m, folder := range d.Reports {
					r := Report{Folder: folder}
					if len(d.Reports) > 1 {
						r.Model = s.Models[m].Name
					}
					q.Reports = append(q.Reports, r)
				}
				whole++
			}
		}
		e.Points = append(e.Points, q)
	}
	return e, e.Check()
}

// facts are what a reader must know of a sweep.
func facts(found *outcome.Exploration) []string {
	s := &found.Sweep
	list := []string{fmt.Sprintf("strategy %s, seed %d", s.Strategy, s.Seed), reports.Count(s.SpacePoints) + " points in the space"}
	for i := range s.Models {
		m := &s.Models[i]
		text := m.Name
		if m.File != "" && len(s.Models) == 1 { // which has no name but that of its file
			text = filepath.Base(m.File)
		}
		switch {
		case m.Timing:
			text += ", timed only"
		case m.Samples > 0:
			text += fmt.Sprintf(", %d samples", m.Samples)
		default:
			text += ", all samples"
		}
		list = append(list, text)
	}
	for _, c := range s.Constraints {
		list = append(list, "constraint "+c)
	}
	if n := len(s.Rungs); n > 1 {
		list = append(list, fmt.Sprintf("the last of %d rungs is shown", n))
	}
	if found.Interrupted {
		list = append(list, "interrupted before the strategy was through")
	}
	return list
}

func axisOf(a *outcome.Axis) Axis {
	axis := Axis{Name: a.Name, Keys: a.Keys, Ordered: a.Ordered}
	for v := range a.Values {
		value := AxisValue{Label: a.Label(v)}
		for _, x := range a.Values[v] {
			value.Literals = append(value.Literals, literal(x))
		}
		axis.Values = append(axis.Values, value)
	}
	return axis
}

// literal is a value as TOML has it. A text that is a list already stays one.
func literal(v outcome.Value) string {
	switch {
	case v.Kind == expression.Number && v.Number == math.Trunc(v.Number) && math.Abs(v.Number) < 1e15:
		return strconv.FormatFloat(v.Number, 'f', -1, 64)
	case v.Kind != expression.Text:
		return v.String()
	case strings.HasPrefix(v.Text, "["):
		return v.Text
	}
	quoted, err := json.Marshal(v.Text) // a JSON string is a TOML string
	if err != nil {
		return strconv.Quote(v.Text)
	}
	return string(quoted)
}

// common is a configuration without the keys of the axes: what all points have
// in common.
func (e *Exploration) common(toml string) string {
	moved := map[string]bool{}
	for i := range e.Axes {
		for _, key := range e.Axes[i].Keys {
			moved[key] = true
		}
	}
	var b strings.Builder
	section, list := "", false
	for _, line := range strings.Split(toml, "\n") {
		trimmed := strings.TrimSpace(line)
		if strings.HasPrefix(trimmed, "[") {
			section, list = strings.Trim(trimmed, "[] "), strings.HasPrefix(trimmed, "[[")
		}
		key, _, isKey := strings.Cut(trimmed, "=")
		path := strings.TrimSpace(key)
		if section != "" {
			path = section + "." + path
		}
		if isKey && !list && !strings.HasPrefix(trimmed, "#") && moved[path] {
			continue
		}
		b.WriteString(line + "\n")
	}
	return strings.TrimRight(b.String(), "\n") + "\n"
}
