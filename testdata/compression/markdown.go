package main

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// table is a Markdown table whose columns are also aligned as plain text.
type table struct {
	columns []column
	rows    [][]string
}

// column heads a column; its unit stands in the name.
type column struct {
	name   string
	number bool // aligned right
}

func text(name string) column   { return column{name, false} }
func number(name string) column { return column{name, true} }

// add appends a row: a cell for every column.
func (t *table) add(cells ...any) {
	row := make([]string, len(cells))
	for i, c := range cells {
		row[i] = fmt.Sprint(c)
	}
	t.rows = append(t.rows, row)
}

// write prints title, table and the notes below it.
func (t *table) write(w io.Writer, title string, notes ...string) error {
	widths := make([]int, len(t.columns))
	heads := make([]string, len(t.columns))
	for i, c := range t.columns {
		heads[i], widths[i] = c.name, max(utf8.RuneCountInString(c.name), 3)
	}
	for _, row := range t.rows {
		if len(row) != len(t.columns) {
			return fmt.Errorf("%s: a row has %d cells, the table %d columns", title, len(row), len(t.columns))
		}
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "## %s\n\n", title)
	line := func(cells []string) {
		for i, cell := range cells {
			padding := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			if t.columns[i].number {
				b.WriteString("| " + padding + cell + " ")
			} else {
				b.WriteString("| " + cell + padding + " ")
			}
		}
		b.WriteString("|\n")
	}
	line(heads)
	for i, c := range t.columns {
		rule := strings.Repeat("-", widths[i])
		if c.number {
			rule = rule[1:] + ":"
		}
		b.WriteString("| " + rule + " ")
	}
	b.WriteString("|\n")
	for _, row := range t.rows {
		line(row)
	}
	for _, note := range notes {
		b.WriteString("\n" + note + "\n")
	}
	b.WriteString("\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// decimal formats a number with so many decimals.
func decimal(decimals int, x float64) string { return fmt.Sprintf("%.*f", decimals, x) }

// times formats how many times smaller a figure is than another.
func times(before, after float64) string {
	if after == 0 {
		return "-"
	}
	return decimal(2, before/after)
}
