package front

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
)

// WriteFrontCSV writes the points on the front, the best by the first objective
// first: id, a column an axis, a column an objective, and the report directories
// if there are some, with a blank between. Objectives that a point does not have are empty.
func WriteFrontCSV(w io.Writer, e *Exploration) error {
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
	records := [][]string{append(header, "report")}
	for _, i := range e.members() {
		p := &e.Points[i]
		record := []string{strconv.FormatInt(p.ID, 10)}
		for axis, v := range p.Values {
			record = append(record, e.Axes[axis].Values[v].Label)
		}
		for _, x := range p.Objectives {
			record = append(record, cell(x))
		}
		var folders []string
		for _, r := range p.Reports {
			folders = append(folders, r.Folder)
		}
		records = append(records, append(record, strings.Join(folders, " ")))
	}
	return writeRecords(w, "the front", records)
}

// WriteSensitivityCSV writes the share of each objective's variance that each
// axis explains alone, 0 to 1; cells without a share are empty.
func WriteSensitivityCSV(w io.Writer, e *Exploration) error {
	if err := e.Check(); err != nil {
		return err
	}
	records := [][]string{{"axis", "objective", "share_fraction"}}
	shares := e.Sensitivity()
	for i := range e.Axes {
		for o := range e.Objectives {
			records = append(records, []string{e.Axes[i].Name, e.Objectives[o].Name, cell(shares[i][o])})
		}
	}
	return writeRecords(w, "sensitivity", records)
}

func cell(x float64) string {
	if math.IsNaN(x) {
		return ""
	}
	return strconv.FormatFloat(x, 'g', -1, 64)
}

func writeRecords(w io.Writer, what string, records [][]string) error {
	var b bytes.Buffer
	if err := csv.NewWriter(&b).WriteAll(records); err != nil {
		return fmt.Errorf("CSV of %s: %w", what, err)
	}
	_, err := w.Write(b.Bytes())
	return err
}
