package main

import (
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/npusim/npusim/reports"
)

// summaryFile is the file of a report directory that holds the whole result.
const summaryFile = "summary.json"

func newReport() *cobra.Command {
	return &cobra.Command{
		Use:   "report DIR",
		Short: "Render a report directory again",
		Long: `Render a report directory again from its summary.json: tables and plots are
written anew, and the summary is printed. A summary.json whose parts do not sum
to their totals is refused.`,
		Example: `  npusim run testdata/glyphs/glyphs.onnx --data testdata/glyphs/glyphs.toml --samples 100 --out report
  npusim report report`,
		Args:              oneArgument("DIR"),
		ValidArgsFunction: directory,
		RunE: func(_ *cobra.Command, args []string) error {
			result, err := reports.ReadJSON(filepath.Join(args[0], summaryFile))
			if err != nil {
				return usage(err)
			}
			if err := reports.WriteDirectory(args[0], result); err != nil {
				return err
			}
			return answer(func(w io.Writer) error {
				return reports.WriteText(w, result, reports.DetectStyle(os.Stdout))
			})
		},
	}
}
