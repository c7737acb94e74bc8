package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/npusim/npusim/compiler/ops"
	"github.com/npusim/npusim/reports"
)

func newOps() *cobra.Command {
	return &cobra.Command{
		Use:   "ops",
		Short: "List the supported ONNX operators",
		Long: `List the supported ONNX operators: the opsets of the model for which they hold,
where they run, and what is supported of them. An empty last column means all of
the operator for float32.`,
		Example:           `  npusim ops`,
		Args:              atMost(0),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE:              func(*cobra.Command, []string) error { return answer(listOperators) },
	}
}

// listOperators prints a row an operator.
func listOperators(w io.Writer) error {
	columns := []reports.Column{{Name: "operator"}, {Name: "opsets"}, {Name: "runs on"}, {Name: "limits"}}
	var rows [][]string
	for _, row := range ops.Rows() {
		rows = append(rows, wrapLast([]string{row.Operator, fmt.Sprintf("%d to %d", row.MinOpset, row.MaxOpset), row.RunsOn.String(), row.Limits}, 50)...)
	}
	if err := reports.Table(w, reports.DetectStyle(os.Stdout), columns, rows); err != nil {
		return err
	}
	text := "\nFor all of them:\n"
	for _, limit := range ops.GeneralLimits {
		text += "- " + strings.Join(reports.Wrap(limit, 90), "\n  ") + "\n"
	}
	_, err := io.WriteString(w, text)
	return err
}

// wrapLast breaks the last cell of a row into rows of at most limit columns.
func wrapLast(row []string, limit int) [][]string {
	last := len(row) - 1
	var rows [][]string
	for _, line := range reports.Wrap(row[last], limit) {
		rows = append(rows, append(row[:last:last], line))
		row = make([]string, len(row)) // of the first line only
	}
	return rows
}
