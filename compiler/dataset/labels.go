package dataset

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
)

// labelTable is a labels file: one class a sample, and for image folders the
// file of each sample.
type labelTable struct {
	files  []string // nil unless the table has a file column
	lines  []int    // line of each row in the CSV file
	labels []int
}

// parseLabelCSV reads rows "file,label", or "label" alone, with or without
// that header. Labels are class numbers from 0.
func parseLabelCSV(r io.Reader) (labelTable, error) {
	reader := csv.NewReader(r)
	reader.ReuseRecord = true
	reader.TrimLeadingSpace = true
	var t labelTable
	for first := true; ; first = false {
		row, err := reader.Read()
		if err == io.EOF {
			break
		}
		if err != nil {
			return t, err
		}
		line, _ := reader.FieldPos(0)
		if first {
			row[0] = strings.TrimPrefix(row[0], "\ufeff") // byte order mark of spreadsheets
			if header := strings.Join(row, ","); header == "file,label" || header == "label" {
				continue
			}
		}
		if len(row) > 2 {
			return t, fmt.Errorf("line %d has %d columns; a row is file,label or label", line, len(row))
		}
		text := strings.TrimSpace(row[len(row)-1])
		label, err := strconv.ParseInt(text, 10, 32)
		if err != nil || label < 0 {
			return t, fmt.Errorf("line %d: label %q is not a class number from 0 to %d", line, text, math.MaxInt32)
		}
		if len(row) == 2 {
			if row[0] == "" {
				return t, fmt.Errorf("line %d: the file name is empty", line)
			}
			t.files = append(t.files, row[0])
		}
		t.lines = append(t.lines, line)
		t.labels = append(t.labels, int(label))
	}
	if len(t.labels) == 0 {
		return t, errors.New("the file has no rows")
	}
	return t, nil
}

// labelsOf takes the classes out of an array of shape [samples] or
// [samples,1].
func labelsOf(a *Array) ([]int, error) {
	if len(a.Shape) != 1 && !(len(a.Shape) == 2 && a.Shape[1] == 1) {
		return nil, fmt.Errorf("labels of shape %s; expected one class number a sample, [samples]", shapeString(a.Shape))
	}
	if a.IsFloat() || a.Type == Bool {
		return nil, fmt.Errorf("labels are %v; expected an integer type", a.Type)
	}
	labels := make([]int, a.Elements())
	for i := range labels {
		v := a.IntAt(i)
		if v < 0 || v > math.MaxInt32 {
			return nil, fmt.Errorf("label %d of sample %d is not a class number from 0 to %d", v, i, math.MaxInt32)
		}
		labels[i] = int(v)
	}
	return labels, nil
}
