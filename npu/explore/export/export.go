// Package export writes the points of an exploration as tables for other
// programs: CSV, and Parquet for data frames. Numbers are float64 in both;
// cells without a value are empty in CSV and null in Parquet.
package export

import (
	"bufio"
	"encoding/csv"
	"io"
	"slices"
	"strconv"

	"github.com/parquet-go/parquet-go"

	"github.com/npusim/npusim/npu/explore"
	"github.com/npusim/npusim/npu/explore/expression"
)

// CSV writes a table with a line of column names, as RFC 4180 has it but for
// line feeds alone. Numbers are in their shortest form that reads back the same.
func CSV(w io.Writer, t *explore.Table) error {
	out := csv.NewWriter(w)
	line := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		line[i] = c.Name
	}
	if err := out.Write(line); err != nil {
		return err
	}
	err := t.Each(func(cells []expression.Value) error {
		for i, v := range cells {
			line[i] = cell(v)
		}
		return out.Write(line)
	})
	if err != nil {
		return err
	}
	out.Flush()
	return out.Error()
}

// cell is a value as CSV has it. Whole numbers are written without exponent.
func cell(v expression.Value) string {
	const exact = 1 << 53
	switch {
	case v.Kind == expression.Text:
		return v.Text
	case v.Kind == expression.Number && v.Number == float64(int64(v.Number)) && v.Number < exact && v.Number > -exact:
		return strconv.FormatInt(int64(v.Number), 10)
	case v.Kind == expression.Invalid:
		return ""
	}
	return v.String()
}

// rowGroup is how many rows are held before they are written.
const rowGroup = 4096

// Parquet writes a table. Columns stand in alphabetical order, all of them
// optional.
func Parquet(w io.Writer, t *explore.Table) error {
	group := parquet.Group{}
	for _, c := range t.Columns {
		node := parquet.String()
		switch c.Kind {
		case expression.Number:
			node = parquet.Leaf(parquet.DoubleType)
		case expression.Truth:
			node = parquet.Leaf(parquet.BooleanType)
		}
		group[c.Name] = parquet.Compressed(parquet.Optional(node), &parquet.Snappy)
	}
	order := make([]int, len(t.Columns)) // of the file: by name
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		if t.Columns[a].Name < t.Columns[b].Name {
			return -1
		}
		return 1
	})
	buffered := bufio.NewWriter(w)
	out := parquet.NewWriter(buffered, parquet.NewSchema("points", group), parquet.MaxRowsPerRowGroup(rowGroup))
	row := make(parquet.Row, len(order))
	err := t.Each(func(cells []expression.Value) error {
		for at, from := range order {
			definition := 1
			value := parquet.NullValue()
			switch v := cells[from]; {
			case v.Kind != t.Columns[from].Kind:
				definition = 0
			case v.Kind == expression.Number:
				value = parquet.DoubleValue(v.Number)
			case v.Kind == expression.Truth:
				value = parquet.BooleanValue(v.Truth)
			default:
				value = parquet.ByteArrayValue([]byte(v.Text))
			}
			row[at] = value.Level(0, definition, at)
		}
		_, err := out.WriteRows([]parquet.Row{row})
		return err
	})
	if err != nil {
		return err
	}
	if err := out.Close(); err != nil {
		return err
	}
	return buffered.Flush()
}
