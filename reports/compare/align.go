package compare

import (
	"slices"

	"github.com/npusim/npusim/npu/evaluate"
)

// Layer is a row of the layer table: a layer in all reports that have it.
type Layer struct {
	Name  string            // in the first report that has it
	Cells []*evaluate.Layer // one a report; nil where the report has no such layer
	// Renamed says for each report that the layer has another name than Name
	// there and was found by its place, operator and MACs.
	Renamed []bool
}

// Status says how a layer of a report stands to the first report.
func (l *Layer) Status(report int) string {
	switch {
	case l.Cells[report] == nil && l.Cells[0] == nil:
		return ""
	case l.Cells[report] == nil:
		return "removed"
	case l.Cells[0] == nil:
		return "added"
	case l.Renamed[report]:
		return "renamed " + l.Cells[report].Name
	}
	return ""
}

// identity tells layers of the same name apart by their number among them.
type identity struct {
	name   string
	number int
}

// align puts the layers of all reports into rows: first by name, then, where
// names differ, layers of the same operator and number of MACs between the same
// neighbours, in order. The rows follow the first report; what only others have
// stands after the layer that it follows there.
func align(list []*Report) []Layer {
	var rows []Layer
	for r, report := range list {
		rows = alignReport(rows, report.Result.Layers, r, len(list))
	}
	return rows
}

// alignReport adds report r, one of n.
func alignReport(rows []Layer, layers []evaluate.Layer, r, n int) []Layer {
	row := matchNames(rows, layers)
	matchPlaces(rows, layers, row)
	added := make([][]Layer, len(rows)+1) // by the row that they follow, from 1; 0: none
	after := 0
	for i := range layers {
		if at := row[i]; at >= 0 {
			rows[at].Cells[r] = &layers[i]
			rows[at].Renamed[r] = layers[i].Name != rows[at].Name
			after = at + 1
			continue
		}
		l := Layer{Name: layers[i].Name, Cells: make([]*evaluate.Layer, n), Renamed: make([]bool, n)}
		l.Cells[r] = &layers[i]
		added[after] = append(added[after], l)
	}
	all := slices.Clone(added[0])
	for i := range rows {
		all = append(append(all, rows[i]), added[i+1]...)
	}
	return all
}

// matchNames finds the row of each layer by the names that the row has in any
// report; -1 where there is none.
func matchNames(rows []Layer, layers []evaluate.Layer) []int {
	known := map[identity]int{}
	for r := range cellCount(rows) {
		number := map[string]int{}
		for i := range rows {
			if cell := rows[i].Cells[r]; cell != nil {
				id := identity{cell.Name, number[cell.Name]}
				number[cell.Name]++
				if _, taken := known[id]; !taken {
					known[id] = i
				}
			}
		}
	}
	number := map[string]int{}
	used := map[int]bool{}
	row := make([]int, len(layers))
	for i := range layers {
		id := identity{layers[i].Name, number[layers[i].Name]}
		number[id.name]++
		row[i] = -1
		if at, ok := known[id]; ok && !used[at] {
			row[i], used[at] = at, true
		}
	}
	return row
}

func cellCount(rows []Layer) int {
	if len(rows) == 0 {
		return 0
	}
	return len(rows[0].Cells)
}

// place is where a layer without a partner stands and what it does.
type place struct {
	after int // row of the partner of the layer before it, -1 at the start
	op    string
	macs  int64
}

// matchPlaces finds rows for layers whose names are not known.
func matchPlaces(rows []Layer, layers []evaluate.Layer, row []int) {
	matched := make([]bool, len(rows))
	for _, at := range row {
		if at >= 0 {
			matched[at] = true
		}
	}
	free := map[place][]int{}
	before := -1
	for i := range rows {
		if matched[i] {
			before = i
			continue
		}
		l := firstCell(&rows[i])
		p := place{before, l.Op, l.MACs}
		free[p] = append(free[p], i)
	}
	before = -1
	for i := range layers {
		if row[i] >= 0 {
			before = row[i]
			continue
		}
		p := place{before, layers[i].Op, layers[i].MACs}
		if list := free[p]; len(list) > 0 {
			row[i], free[p] = list[0], list[1:]
		}
	}
}

func firstCell(l *Layer) *evaluate.Layer {
	for _, cell := range l.Cells {
		if cell != nil {
			return cell
		}
	}
	return &evaluate.Layer{}
}
