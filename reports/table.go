package reports

import (
	"fmt"
	"io"
	"strings"
)

// Column heads a column of a table.
type Column struct {
	Name   string
	Unit   string // shown below the name if any column has one
	Number bool   // aligned right
}

// Table writes rows below headed columns, two spaces apart, each as wide as
// its widest cell. Cells are made printable; a row may be shorter than
// columns, never longer. Footer rows, totals for example, stand below a rule.
func Table(w io.Writer, style Style, columns []Column, rows [][]string, footer ...[]string) error {
	text, err := formatTable(style, "", columns, rows, footer)
	if err != nil {
		return err
	}
	_, err = io.WriteString(w, text)
	return err
}

// formatTable returns the text of a table, every line after indent.
func formatTable(style Style, indent string, columns []Column, rows, footer [][]string) (string, error) {
	const gap = "  "
	names, units := make([]string, len(columns)), make([]string, len(columns))
	widths := make([]int, len(columns))
	hasUnits := false
	for i, c := range columns {
		names[i], units[i] = printable(c.Name), printable(c.Unit)
		widths[i] = max(width(names[i]), width(units[i]))
		hasUnits = hasUnits || c.Unit != ""
	}
	groups := [2][][]string{}
	for g, group := range [2][][]string{rows, footer} {
		for r, row := range group {
			if len(row) > len(columns) {
				return "", fmt.Errorf("table row %d has %d cells, the table %d columns", r, len(row), len(columns))
			}
			cells := make([]string, len(columns))
			for i, cell := range row {
				cells[i] = printable(cell)
				widths[i] = max(widths[i], width(cells[i]))
			}
			groups[g] = append(groups[g], cells)
		}
	}

	line := func(cells []string) string {
		var b strings.Builder
		for i, cell := range cells {
			if i > 0 {
				b.WriteString(gap)
			}
			padding := strings.Repeat(" ", widths[i]-width(cell))
			if columns[i].Number {
				b.WriteString(padding + cell)
			} else {
				b.WriteString(cell + padding)
			}
		}
		return strings.TrimRight(b.String(), " ")
	}
	rule := func() string {
		bars := make([]string, len(columns))
		for i := range bars {
			bars[i] = strings.Repeat("─", widths[i])
		}
		return strings.Join(bars, gap)
	}

	var b strings.Builder
	b.WriteString(indent + style.heading(line(names)) + "\n")
	if hasUnits {
		b.WriteString(indent + line(units) + "\n")
	}
	b.WriteString(indent + rule() + "\n")
	for _, row := range groups[0] {
		b.WriteString(indent + line(row) + "\n")
	}
	if len(groups[1]) > 0 {
		b.WriteString(indent + rule() + "\n")
	}
	for _, row := range groups[1] {
		b.WriteString(indent + line(row) + "\n")
	}
	return b.String(), nil
}
