package main

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/npusim/npusim/reports"
	"github.com/npusim/npusim/reports/trace"
)

// Files of a report directory that hold the whole result: what a run came to,
// and what happened in it.
const (
	summaryFile = "summary.json"
	traceFile   = "trace.json"
)

func newReport() *cobra.Command {
	return &cobra.Command{
		Use:   "report DIR",
		Short: "Render a report directory again",
		Long: `Render a report directory again from its summary.json and, if it is there,
its trace.json: page, tables, plots and trace are written anew, and the summary is
printed. A summary.json whose parts do not sum to their totals is refused.`,
		Example: `  npusim run testdata/glyphs/glyphs.onnx --data testdata/glyphs/glyphs.toml \
      --samples 100 --out out/report
  npusim report out/report`,
		Args:              oneArgument("DIR"),
		ValidArgsFunction: directory,
		RunE: func(_ *cobra.Command, args []string) error {
			result, err := reports.ReadJSON(filepath.Join(args[0], summaryFile))
			if err != nil {
				return usage(err)
			}
			result.Recording, err = trace.Read(filepath.Join(args[0], traceFile), result)
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
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
