package reports

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/npusim/npusim/npu/explore/expression"
	"github.com/npusim/npusim/npu/explore/outcome"
)

// explorationForm is the answer of npusim explore --format json. Keys are only
// ever added.
type explorationForm struct {
	Points     int             `json:"points"` // done + failed
	Done       int             `json:"done"`
	Failed     int             `json:"failed"`
	Reused     int             `json:"reused"`     // of points, from an earlier run
	Infeasible int             `json:"infeasible"` // of done, with a constraint that is not met
	Front      []frontForm     `json:"front"`
	Host       explorationHost `json:"host"`
}

type frontForm struct {
	ID         int64              `json:"id"`
	Config     map[string]any     `json:"config"`
	Objectives map[string]float64 `json:"objectives"`
}

type explorationHost struct {
	WallSeconds float64 `json:"wall_seconds"`
}

// WriteExplorationJSON writes what an exploration has found, the front in order
// of its points.
func WriteExplorationJSON(w io.Writer, e *outcome.Exploration) error {
	c := &e.Counts
	form := explorationForm{Points: c.Points, Done: c.Done, Failed: c.Failed, Reused: c.Reused, Infeasible: c.Infeasible,
		Front: []frontForm{}, Host: explorationHost{e.WallSeconds}}
	for _, i := range e.Front {
		p := &e.Points[i]
		f := frontForm{ID: p.ID, Config: map[string]any{}, Objectives: map[string]float64{}}
		for _, s := range e.Settings(p) {
			f.Config[s.Key] = plainValue(s.Value)
		}
		for k, o := range e.Sweep.Objectives {
			f.Objectives[o.Expression] = p.Objectives[k]
		}
		form.Front = append(form.Front, f)
	}
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(form); err != nil {
		return fmt.Errorf("JSON report of sweep %s: %w", e.Sweep.Name, err)
	}
	_, err := w.Write(b.Bytes())
	return err
}

// plainValue is a value as JSON has it.
func plainValue(v outcome.Value) any {
	switch v.Kind {
	case expression.Number:
		return v.Number
	case expression.Truth:
		return v.Truth
	}
	return v.Text
}

// frontRows is how many points of a front the text shows.
const frontRows = 40

// WriteExplorationText writes what an exploration has found for people: counts,
// the first reasons of failed points, and the front sorted by the first
// objective.
func WriteExplorationText(w io.Writer, style Style, e *outcome.Exploration) error {
	c, s := &e.Counts, &e.Sweep
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", style.heading(printable(fmt.Sprintf("Sweep %s on %s", s.Name, s.Base))))
	fmt.Fprintf(&b, "  Space     %s points on %d axes, strategy %s\n", Count(s.SpacePoints), len(s.Axes), s.Strategy)
	fmt.Fprintf(&b, "  Points    %s: %s done, %s", Count(int64(c.Points)), Count(int64(c.Done)), Count(int64(c.Failed)))
	b.WriteString(" failed")
	if c.Reused > 0 {
		fmt.Fprintf(&b, "; %s from an earlier run", Count(int64(c.Reused)))
	}
	b.WriteByte('\n')
	if c.Infeasible > 0 {
		fmt.Fprintf(&b, "            %s of those done do not meet a constraint\n", Count(int64(c.Infeasible)))
	}
	if len(s.Rungs) > 1 {
		for i, rung := range s.Rungs {
			fmt.Fprintf(&b, "  Rung %d    %s points: %s", i+1, Count(onRung(e, i)), printable(rung))
			if i < len(e.Dropped) && e.Dropped[i] > 0 {
				fmt.Fprintf(&b, "; %s of its front had no room on the next", Count(int64(e.Dropped[i])))
			}
			b.WriteByte('\n')
		}
	}
	writeReasons(&b, style, e)
	if err := writeFront(&b, style, e); err != nil {
		return err
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// onRung counts the points of a rung.
func onRung(e *outcome.Exploration, rung int) int64 {
	n := int64(0)
	for i := range e.Points {
		if e.Points[i].Rung == rung {
			n++
		}
	}
	return n
}

// writeReasons writes the most common reasons of failure, each with a point.
func writeReasons(b *strings.Builder, style Style, e *outcome.Exploration) {
	const most = 3
	type reason struct {
		text  string
		id    int64
		count int
	}
	var list []reason
	place := map[string]int{}
	for i := range e.Points {
		p := &e.Points[i]
		if p.Status != outcome.Failed {
			continue
		}
		at, ok := place[p.Reason]
		if !ok {
			at = len(list)
			place[p.Reason] = at
			list = append(list, reason{p.Reason, p.ID, 0})
		}
		list[at].count++
	}
	for i, r := range list {
		if i == most {
			fmt.Fprintf(b, "            and %s other reasons\n", Count(int64(len(list)-most)))
			break
		}
		fmt.Fprintf(b, "  %s    %s, as point %d: %s\n", style.alarm("Failed"), Count(int64(r.count)), r.id, printable(r.text))
	}
}

// writeFront writes the table of the front.
func writeFront(b *strings.Builder, style Style, e *outcome.Exploration) error {
	s := &e.Sweep
	if len(e.Front) == 0 {
		b.WriteString("\nNo point was evaluated in full and meets every constraint: there is no front.\n")
		return nil
	}
	fmt.Fprintf(b, "\n%s\n", style.heading(fmt.Sprintf("Pareto front: %s of the points that meet every constraint", Count(int64(len(e.Front))))))
	columns := []Column{{Name: "point", Number: true}}
	for _, o := range s.Objectives {
		unit := "least"
		if o.Maximize {
			unit = "most"
		}
		columns = append(columns, Column{Name: o.Expression, Unit: unit, Number: true})
	}
	for i := range s.Axes {
		columns = append(columns, Column{Name: s.Axes[i].Name, Number: s.Axes[i].Ordered})
	}
	order := sortedFront(e)
	var rows [][]string
	for _, i := range order[:min(len(order), frontRows)] {
		p := &e.Points[i]
		row := []string{strconv.FormatInt(p.ID, 10)}
		for _, x := range p.Objectives {
			row = append(row, fiveDigits(x))
		}
		for k := range s.Axes {
			row = append(row, s.Axes[k].Label(p.Indices[k]))
		}
		rows = append(rows, row)
	}
	text, err := formatTable(style, "  ", columns, rows, nil)
	if err != nil {
		return err
	}
	b.WriteString(text)
	if more := len(order) - frontRows; more > 0 {
		fmt.Fprintf(b, "  and %s more\n", Count(int64(more)))
	}
	return nil
}

// fiveDigits is a number with at most five significant digits, whole ones in full.
func fiveDigits(x float64) string {
	if x == float64(int64(x)) {
		return Count(int64(x))
	}
	return strconv.FormatFloat(x, 'g', 5, 64)
}

// sortedFront orders the front by the first objective, best first.
func sortedFront(e *outcome.Exploration) []int {
	order := slices.Clone(e.Front)
	slices.SortStableFunc(order, func(a, b int) int {
		first, second := &e.Points[a], &e.Points[b]
		for k, o := range e.Sweep.Objectives {
			by := cmp.Compare(first.Objectives[k], second.Objectives[k])
			if o.Maximize {
				by = -by
			}
			if by != 0 {
				return by
			}
		}
		return 0
	})
	return order
}
