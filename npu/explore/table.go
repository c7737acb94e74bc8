package explore

import (
	"maps"
	"slices"

	"github.com/npusim/npusim/npu/explore/expression"
	"github.com/npusim/npusim/npu/explore/figures"
	"github.com/npusim/npusim/npu/explore/outcome"
	"github.com/npusim/npusim/npu/explore/store"
)

// Column of a table of points.
type Column struct {
	Name string
	Kind expression.Kind
}

// WallSecondsColumn is the last column, and the only one that differs when the
// same sweep is explored again.
const WallSecondsColumn = "wall_seconds"

// leading are the columns before the axes.
var leading = []Column{{"id", expression.Number}, {"rung", expression.Number}, {"status", expression.Text}, {"reason", expression.Text},
	{"front", expression.Truth}, {"feasible", expression.Truth}, {"violation", expression.Number}}

// Table is every point of an archive with all its figures, a row a point, by ID
// and then by rung. Columns are what a point is (id, rung, status, ...), the
// keys of the axes, objectives that are no plain figures, the figures, and
// version, seed and wall_seconds.
type Table struct {
	Columns []Column
	archive *Archive
	place   map[string]int // of a column
}

// Table lists the columns, for which it reads all figures once.
func (a *Archive) Table() (*Table, error) {
	kinds := map[string]expression.Kind{}
	err := a.eachRow(func(row *store.Row, results [][]figures.Figure) error {
		for i, list := range results {
			for _, f := range list {
				kinds[a.column(i, f.Key)] = f.Value.Kind
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	t := &Table{archive: a, place: map[string]int{}}
	t.add(leading...)
	for i := range a.sweep.Axes {
		axis := &a.sweep.Axes[i]
		for k, key := range axis.Keys {
			t.add(Column{key, axis.Values[0][k].Kind})
		}
	}
	for _, o := range a.Exploration.Sweep.Objectives {
		if _, ok := kinds[o.Expression]; !ok {
			t.add(Column{o.Expression, expression.Number})
		}
	}
	for _, key := range slices.Sorted(maps.Keys(kinds)) {
		t.add(Column{key, kinds[key]})
	}
	t.add(Column{"version", expression.Text}, Column{"seed", expression.Number}, Column{WallSecondsColumn, expression.Number})
	return t, nil
}

// column is the name of a figure of a model.
func (a *Archive) column(model int, key string) string {
	if len(a.sweep.Models) == 1 {
		return key
	}
	return a.sweep.Models[model].Name + "." + key
}

// add appends columns whose name is new: a key of an axis goes before a figure
// of the same name.
func (t *Table) add(columns ...Column) {
	for _, c := range columns {
		if _, taken := t.place[c.Name]; !taken {
			t.place[c.Name] = len(t.Columns)
			t.Columns = append(t.Columns, c)
		}
	}
}

// Each visits the rows. A cell without a value is of kind Invalid. The slice is
// used again for the next row.
func (t *Table) Each(visit func(cells []expression.Value) error) error {
	a := t.archive
	cells := make([]expression.Value, len(t.Columns))
	set := func(name string, v expression.Value) {
		if at, ok := t.place[name]; ok {
			cells[at] = v
		}
	}
	next := 0
	return a.eachRow(func(row *store.Row, results [][]figures.Figure) error {
		for next < len(a.Exploration.Points) && before(&a.Exploration.Points[next], row) {
			next++
		}
		if next == len(a.Exploration.Points) || a.Exploration.Points[next].ID != row.ID || a.Exploration.Points[next].Rung != row.Rung {
			return nil // recorded after the archive was opened
		}
		p := &a.Exploration.Points[next]
		clear(cells)
		for i, list := range results { // first, so that what a point is goes over them
			for _, f := range list {
				set(a.column(i, f.Key), f.Value)
			}
		}
		set("id", expression.NumberOf(float64(p.ID)))
		set("rung", expression.NumberOf(float64(p.Rung)))
		set("status", expression.TextOf(p.Status.String()))
		set("reason", expression.TextOf(p.Reason))
		set("front", expression.TruthOf(p.OnFront))
		set("feasible", expression.TruthOf(p.Feasible()))
		if p.Status == outcome.Done {
			set("violation", expression.NumberOf(p.Violation))
			for i, o := range a.Exploration.Sweep.Objectives {
				set(o.Expression, expression.NumberOf(p.Objectives[i]))
			}
		}
		for _, setting := range a.Exploration.Settings(p) {
			set(setting.Key, setting.Value)
		}
		set("version", expression.TextOf(a.Exploration.Sweep.Version))
		set("seed", expression.NumberOf(float64(a.Exploration.Sweep.Seed)))
		set(WallSecondsColumn, expression.NumberOf(p.Seconds))
		return visit(cells)
	})
}

func before(p *outcome.Point, row *store.Row) bool {
	return p.ID < row.ID || p.ID == row.ID && p.Rung < row.Rung
}

// eachRow visits rows with their figures, none for failed points.
func (a *Archive) eachRow(visit func(*store.Row, [][]figures.Figure) error) error {
	return a.store.Each(a.key, func(row *store.Row) error {
		var results [][]figures.Figure
		if row.Status == outcome.Done {
			var err error
			if results, err = a.rowFigures(row); err != nil {
				return err
			}
		}
		return visit(row, results)
	})
}
