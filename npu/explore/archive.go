package explore

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/npusim/npusim/npu/evaluate"
	"github.com/npusim/npusim/npu/explore/expression"
	"github.com/npusim/npusim/npu/explore/figures"
	"github.com/npusim/npusim/npu/explore/outcome"
	"github.com/npusim/npusim/npu/explore/store"
	"github.com/npusim/npusim/npu/explore/sweep"
)

// Archive reads what explorations of a directory have recorded. It needs none of
// the files that the sweep names, but for Reports.
type Archive struct {
	// Exploration is the sweep with its recorded points; none counts as reused.
	Exploration *outcome.Exploration

	folder string
	store  *store.Store
	sweep  *sweep.Sweep
	key    string
}

// OpenArchive opens the directory of an exploration: the sweep that was worked
// on last, or that of a key, which Run gives.
func OpenArchive(folder, key string) (*Archive, error) {
	s, err := store.OpenExisting(folder)
	if err != nil {
		return nil, &evaluate.UsageError{Err: err}
	}
	a, err := newArchive(s, key)
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	a.folder = folder
	return a, nil
}

func newArchive(s *store.Store, key string) (*Archive, error) {
	entry, err := s.Find(key)
	if err != nil {
		return nil, &evaluate.UsageError{Err: err}
	}
	restored, err := sweep.Restore(entry.Saved)
	if err != nil {
		return nil, fmt.Errorf("the sweep in the store cannot be read by this version: %w", err)
	}
	a := &Archive{Exploration: &outcome.Exploration{Key: entry.Key}, store: s, sweep: restored, key: entry.Key}
	// What points are read by comes from the sweep itself; the words beside it
	// add what only the run knew.
	a.Exploration.Sweep = restored.Describe()
	a.Exploration.Sweep.Version = entry.Description.Version
	for i := range min(len(a.Exploration.Sweep.Models), len(entry.Description.Models)) {
		a.Exploration.Sweep.Models[i].SHA256 = entry.Description.Models[i].SHA256
	}
	err = s.Each(entry.Key, func(row *store.Row) error {
		if row.ID < 0 || row.ID >= restored.SpacePoints || row.Rung < 0 || row.Rung > restored.Final() ||
			row.Status == outcome.Done && len(row.Objectives) != len(restored.Objectives) {
			return fmt.Errorf("point %d, rung %d, is none of the sweep", row.ID, row.Rung)
		}
		a.Exploration.Points = append(a.Exploration.Points, point(restored, row, false))
		return nil
	})
	if err != nil {
		return nil, err
	}
	summarize(a.Exploration, restored)
	a.Exploration.Recorded = len(a.Exploration.Points)
	return a, nil
}

// Writable tells whether files can be written into the directory.
func (a *Archive) Writable() bool { return !a.store.ReadOnly() }

// Close closes the store.
func (a *Archive) Close() error { return a.store.Close() }

// Details of a point, as outcome.Source.
func (a *Archive) Details(p *outcome.Point) (*outcome.Details, error) {
	var d outcome.Details
	results, err := a.figures(store.Point{ID: p.ID, Rung: p.Rung})
	if err != nil {
		return nil, err
	}
	for i, list := range results {
		d.Figures = append(d.Figures, outcome.Figures{Model: a.sweep.Models[i].Name, Figures: list})
	}
	if d.TOML, err = a.sweep.TOML(p.Indices, p.Rung); err != nil {
		d.TOML = "" // a point that failed because its keys contradict each other
	}
	d.Command = strings.Join(a.commands(p, "CONFIG"), "\n")
	d.Reports, err = a.reports(p)
	return &d, err
}

// figures of a point, by model; none if it failed.
func (a *Archive) figures(p store.Point) ([][]figures.Figure, error) {
	row, err := a.store.Row(a.key, p)
	if err != nil || row == nil || row.Status == outcome.Failed {
		return nil, err
	}
	return a.rowFigures(row)
}

func (a *Archive) rowFigures(row *store.Row) ([][]figures.Figure, error) {
	if len(row.Evaluations) != len(a.sweep.Models) {
		return nil, fmt.Errorf("point %d refers to %d evaluations, the sweep has %d models", row.ID, len(row.Evaluations), len(a.sweep.Models))
	}
	results := make([][]figures.Figure, len(row.Evaluations))
	for i, hash := range row.Evaluations {
		var err error
		if results[i], err = a.store.Evaluation(hash); err != nil {
			return nil, err
		}
		if results[i] == nil {
			return nil, fmt.Errorf("the evaluation of point %d is missing", row.ID)
		}
	}
	return results, nil
}

// commands run every model on a configuration as the sweep does.
func (a *Archive) commands(p *outcome.Point, config string) []string {
	rung := &a.sweep.Rungs[p.Rung]
	var list []string
	for i := range a.sweep.Models {
		m := &a.sweep.Models[i]
		words := []string{"npusim run", shellWord(m.File), "--config", shellWord(config)}
		if m.Data != "" {
			words = append(words, "--data", shellWord(m.Data))
		} else {
			words = append(words, fmt.Sprintf("--seed %d", a.sweep.Seed))
		}
		switch {
		case rung.TimingOnly:
			words = append(words, "--timing-only")
		case rung.Samples > 0:
			words = append(words, fmt.Sprintf("--samples %d", rung.Samples))
		case m.Samples > 0:
			words = append(words, fmt.Sprintf("--samples %d", m.Samples))
		}
		list = append(list, strings.Join(words, " "))
	}
	return list
}

// shellWord quotes a word for a POSIX shell where it needs it.
func shellWord(word string) string {
	word = filepath.ToSlash(word)
	plain := !strings.ContainsFunc(word, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_./+=:@%", r))
	})
	if plain && word != "" {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

// Winner is the answer to a query.
type Winner struct {
	Point outcome.Point
	Value float64
	TOML  string // configuration with comments that say where it comes from
}

// Best finds the point that a query asks for, "[minimize|maximize] EXPRESSION
// [where CONDITION]", among those that were evaluated in full and meet the
// constraints of the sweep; of equals the one with the lowest ID.
func (a *Archive) Best(query string) (*Winner, error) {
	goal, err := expression.ParseGoal(query)
	if err == nil {
		err = a.check(goal)
	}
	if err != nil {
		return nil, &evaluate.UsageError{Err: fmt.Errorf("--best %q: %w", query, err)}
	}
	var best *Winner
	candidates := 0
	for i := range a.Exploration.Points {
		p := &a.Exploration.Points[i]
		if p.Rung != a.sweep.Final() || !p.Feasible() {
			continue
		}
		candidates++
		value, ok, err := a.value(goal, p)
		if err != nil {
			return nil, fmt.Errorf("point %d: %w", p.ID, err)
		}
		if ok && (best == nil || goal.Maximize && value > best.Value || !goal.Maximize && value < best.Value) {
			best = &Winner{Point: *p, Value: value}
		}
	}
	if best == nil {
		return nil, fmt.Errorf("--best %q: none of the %d points that meet the constraints of the sweep fits", query, candidates)
	}
	best.TOML, err = a.sweep.TOML(best.Point.Indices, best.Point.Rung, a.comments(goal, best)...)
	return best, err
}

// check refuses names and kinds that the sweep does not know.
func (a *Archive) check(goal *expression.Goal) error {
	faults := a.sweep.Check(goal.Value, expression.Number)
	if goal.Where != nil {
		faults = append(faults, a.sweep.Check(goal.Where, expression.Truth)...)
	}
	if len(faults) == 0 {
		return nil
	}
	if nearest := a.sweep.Nearest(faults[0].Name); nearest != "" {
		return fmt.Errorf("%w (did you mean %s?)", faults[0], nearest)
	}
	return faults[0]
}

// value is that of a goal at a point, and whether the point meets its
// condition. Where a figure does not apply, it does not.
func (a *Archive) value(goal *expression.Goal, p *outcome.Point) (float64, bool, error) {
	results, err := a.figures(store.Point{ID: p.ID, Rung: p.Rung})
	if err != nil {
		return 0, false, err
	}
	spec := a.sweep.Base
	if a.sweep.MovesMemory() {
		if spec, err = a.sweep.Spec(p.Indices, p.Rung); err != nil {
			return 0, false, err
		}
	}
	values := a.sweep.Lookup(p.Indices, spec, lookup(a.sweep, results))
	if goal.Where != nil {
		met, err := goal.Where.Evaluate(values)
		if err != nil || !met.Truth {
			return 0, false, nil
		}
	}
	value, err := goal.Value.Number(values)
	return value, err == nil, nil
}

// comments say where a winner comes from and what it reached.
func (a *Archive) comments(goal *expression.Goal, w *Winner) []string {
	d := &a.Exploration.Sweep
	list := []string{
		fmt.Sprintf("Point %d of the sweep %s: %s", w.Point.ID, d.Name, goal),
		fmt.Sprintf("%s = %s", goal.Value, expression.NumberOf(w.Value)),
	}
	for i, o := range d.Objectives {
		if o.Expression != goal.Value.String() {
			list = append(list, fmt.Sprintf("%s = %s", o.Expression, expression.NumberOf(w.Point.Objectives[i])))
		}
	}
	list = append(list, "Run it again, with this file in place of CONFIG:")
	for _, command := range a.commands(&w.Point, "CONFIG") {
		list = append(list, "  "+command)
	}
	return list
}
