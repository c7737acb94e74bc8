package main

import (
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/npusim/npusim/configs"
	"github.com/npusim/npusim/configs/strict"
	"github.com/npusim/npusim/reports"
	"github.com/npusim/npusim/reports/compare"
)

func newCompare(t *tool) *cobra.Command {
	var folder string
	var failIf []string
	cmd := &cobra.Command{
		Use:   "compare A B [C...] [flags]",
		Short: "Set reports side by side, and fail where a figure got worse",
		Long: `Set two or more reports side by side: report directories of npusim run --out, or
their summary.json. Differences are those from the first report, layers are
aligned by name, and what the configurations differ in is listed. With --out
the directory gets compare.html, one page that works offline, and compare.csv.

--fail-if makes a gate for scripts: KEY OPERATOR [+|-]NUMBER[%]. With a percent
sign it judges the change from the first report in percent, with a sign alone
the difference from it, without both the value itself. Operators are
< <= > >= == !=. KEY is a path of summary.json; npusim explain lists them.

  --fail-if "timing.cycles > +2%"              over 2 % more cycles than in the first
  --fail-if "accuracy.npu_top1 < -0.005"       over half a point less accurate
  --fail-if "layers[stem/conv].cycles > 1000"  more than 1000 cycles in a layer
  --fail-if "accuracy.bit_exact != 1"          not bit-exact

The status is 1 if a gate tripped, and 2 for reports that cannot be compared or
keys that they do not have.`,
		Example: `  npusim run testdata/glyphs/glyphs.onnx --timing-only --quiet --out out/edge
  npusim run testdata/glyphs/glyphs.onnx --timing-only --quiet --config mobile --out out/mobile
  npusim compare out/edge out/mobile --out out/comparison
  npusim compare out/edge out/mobile --format json \
      --fail-if "timing.cycles>+2%" --fail-if "dram.read_bytes>+0"`,
		Args:              severalReports,
		ValidArgsFunction: directories,
	}
	cmd.Flags().StringArrayVar(&failIf, "fail-if", nil, "fail if this `condition` holds for a report after the first; may be repeated")
	cmd.Flags().StringVarP(&folder, "out", "o", "", "write compare.html and compare.csv into a `directory`")
	format := addFormat(cmd)
	complete(cmd, "fail-if", gateKeys)
	complete(cmd, "out", directory)

	cmd.RunE = func(_ *cobra.Command, args []string) error {
		gates := make([]compare.Gate, len(failIf))
		for i, text := range failIf {
			var err error
			if gates[i], err = compare.ParseGate(text); err != nil {
				return usagef("--fail-if %w", err)
			}
		}
		if info, err := os.Stat(folder); err == nil && !info.IsDir() {
			return usagef("--out %s: it is a file; a directory belongs there", folder)
		}
		list, err := compare.Load(args, strict.Nearest)
		if err != nil {
			return usage(err)
		}
		for _, r := range list {
			r.Settings = settingsOf(r)
		}
		comparison := compare.New(list)
		if err := comparison.Judge(gates, strict.Nearest); err != nil {
			return usagef("--fail-if %w", err)
		}
		if folder != "" {
			if err := compare.WriteDirectory(folder, comparison); err != nil {
				return err
			}
			t.note("comparison written to %s", folder)
		}
		if err := answer(func(w io.Writer) error {
			if format.value == "json" {
				return compare.WriteJSON(w, comparison)
			}
			return compare.WriteText(w, comparison, reports.DetectStyle(os.Stdout))
		}); err != nil {
			return err
		}
		return comparison.Err()
	}
	return cmd
}

// settingsOf reads the configuration that a report carries; nil if there is
// none, or one of another version.
func settingsOf(r *compare.Report) []compare.Setting {
	spec, err := configs.Parse(r.Path+" (its configuration)", r.Result.Config.TOML)
	if err != nil {
		return nil
	}
	var list []compare.Setting
	for _, v := range spec.Values() {
		list = append(list, compare.Setting{Key: v.Path, Value: v.Value})
	}
	return list
}
