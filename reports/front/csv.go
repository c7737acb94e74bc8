package front

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"io"
	"math"
	"strconv"
)

// WriteFrontCSV writes the points on the front, the best by the first objective
// first: id, a column an axis, a column an objective.
func WriteFrontCSV(w io.Writer, e *Exploration) error {
	return e.writeCSV(w, "front", e.members(), false)
}

// WritePointsCSV writes every point in the given order, with its status. Cells
// of objectives that a point does not have are empty.
func WritePointsCSV(w io.Writer, e *Exploration) error {
	all := make([]int, len(e.Points))
	for i := range all {
		all[i] = i
	}
	return e.writeCSV(w, "points", all, true)
}

func (e *Exploration) writeCSV(w io.Writer, what string, list []int, status bool) error {
	if err := e.Check(); err != nil {
		return err
	}
	header := []string{"id"}
	for i := range e.Axes {
		header = append(header, e.Axes[i].Name)
	}
	for i := range e.Objectives {
		header = append(header, e.Objectives[i].Name)
	}
	if status {
		header = append(header, "status", "on_front", "reason")
	}
	header = append(header, "report")
	records := [][]string{header}
	for _, i := range list {
		p := &e.Points[i]
		record := []string{strconv.FormatInt(p.ID, 10)}
		for axis, v := range p.Values {
			record = append(record, e.Axes[axis].Values[v].Label)
		}
		for o := range e.Objectives {
			cell := ""
			if o < len(p.Objectives) && !math.IsNaN(p.Objectives[o]) {
				cell = strconv.FormatFloat(p.Objectives[o], 'g', -1, 64)
			}
			record = append(record, cell)
		}
		if status {
			record = append(record, p.Status.String(), strconv.FormatBool(p.OnFront), p.Reason)
		}
		records = append(records, append(record, p.Report))
	}
	var b bytes.Buffer
	if err := csv.NewWriter(&b).WriteAll(records); err != nil {
		return fmt.Errorf("CSV of %s: %w", what, err)
	}
	_, err := w.Write(b.Bytes())
	return err
}
