package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/npusim/npusim/configs/strict"
	"github.com/npusim/npusim/npu/explore"
	"github.com/npusim/npusim/npu/explore/export"
	"github.com/npusim/npusim/npu/explore/outcome"
	"github.com/npusim/npusim/npu/explore/sweep"
	"github.com/npusim/npusim/reports"
	"github.com/npusim/npusim/reports/front"
)

// pointsFile is the table that every exploration leaves in its directory.
const pointsFile = "points.csv"

// Points of the front with a report directory, unless the command line says
// otherwise, and at most.
const (
	defaultReports = 4
	maxReports     = 100
)

// exploreFlags are what the command line says of an exploration.
type exploreFlags struct {
	options   explore.Options
	overrides sweep.Overrides
	best      string
	exports   []string
	reports   int
	format    *choice
}

func newExplore(t *tool) *cobra.Command {
	var f exploreFlags
	cmd := &cobra.Command{
		Use:   "explore SWEEP.toml --out DIR [flags]",
		Short: "Explore a design space and keep every result",
		Long: `Evaluate the points of a design space and print the Pareto front. SWEEP.toml names
a base configuration, networks and data, axes (any configuration keys),
constraints, objectives (any keys of npusim run --format json, or arithmetic with
them), and a strategy: grid, random, nsga2 or successive-halving. See
configs/sweeps for examples.

Results go to results.sqlite in DIR as they come; at the end points.csv, the front
as table and plots, and explore.html, a page to look around in, stand beside it,
and reports/ holds report directories, as of npusim run --out, of points of the
front that differ most.
Running the command again goes on where it stopped, after an interrupt, a crash
or a kill; several processes may work on one DIR. A point that cannot be
evaluated is a row with its reason; the exit status is then 1.

With a DIR instead of a sweep, print what is recorded there and write the files
anew, for a sweep that was interrupted, too; or with --best print the
configuration of the point that a query asks for, "[minimize|maximize]
EXPRESSION [where CONDITION]", as TOML that npusim run --config reproduces.`,
		Example: `  npusim explore configs/sweeps/quick.toml --out explored
  npusim explore explored --best "energy_uj.total where accuracy.npu_top1 >= 0.9"
  npusim explore explored --reports 10 --export points.parquet --format json`,
		Args:              oneArgument("SWEEP.toml or DIR"),
		ValidArgsFunction: files("toml"),
	}
	o := &f.options
	flags := cmd.Flags()
	flags.StringVarP(&o.Folder, "out", "o", "", "`directory` of the results; one that holds some is continued")
	flags.IntVarP(&o.Workers, "workers", "j", 0, "`N` points at once; 0 for one a core")
	flags.StringVar(&f.overrides.Model, "model", "", "network, instead of the one that the sweep names")
	flags.StringVarP(&f.overrides.Data, "data", "d", "", "data set, a TOML `file`, instead of the one that the sweep names")
	flags.BoolVar(&o.RetryFailed, "retry-failed", false, "try points again that failed before")
	flags.StringVar(&f.best, "best", "", "print the configuration that a `query` asks for; with a DIR")
	flags.StringArrayVar(&f.exports, "export", nil, "write all points to a .csv or .parquet `file`; may be repeated")
	flags.IntVar(&f.reports, "reports", defaultReports, "report directories of `N` points of the front; with a DIR none but those there are, unless given")
	f.format = addFormat(cmd)
	complete(cmd, "out", directory)
	complete(cmd, "model", cobra.FixedCompletions([]string{"onnx", "npu", "csv"}, cobra.ShellCompDirectiveFilterFileExt))
	complete(cmd, "data", cobra.FixedCompletions([]string{"toml"}, cobra.ShellCompDirectiveFilterFileExt))
	complete(cmd, "export", cobra.FixedCompletions([]string{"csv", "parquet"}, cobra.ShellCompDirectiveFilterFileExt))

	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		info, err := os.Stat(args[0])
		if err != nil {
			return usage(err)
		}
		if err := f.check(cmd, args[0], info.IsDir()); err != nil {
			return err
		}
		if info.IsDir() {
			if !cmd.Flags().Changed("reports") {
				f.reports = 0
			}
			return f.recorded(cmd.Context(), t, args[0])
		}
		return f.run(cmd.Context(), t, args[0])
	}
	return cmd
}

// check refuses flags that do not go together, before any work.
func (f *exploreFlags) check(cmd *cobra.Command, input string, recorded bool) error {
	if f.reports < 0 || f.reports > maxReports {
		return usagef("--reports %d: must be 0 to %d", f.reports, maxReports)
	}
	if f.best == "" && cmd.Flags().Changed("best") {
		return usagef(`--best: the query is missing, such as "energy_uj.total where accuracy.npu_top1 >= 0.9"`)
	}
	if recorded {
		for _, name := range []string{"out", "workers", "model", "data", "retry-failed"} {
			if cmd.Flags().Changed(name) {
				return usagef("--%s goes with a sweep; %s is a directory, whose results are only read", name, input)
			}
		}
		for _, name := range []string{"format", "reports"} {
			if f.best != "" && cmd.Flags().Changed(name) {
				return usagef("--best prints a configuration; --%s has no meaning there", name)
			}
		}
	} else {
		switch {
		case f.best != "":
			return usagef("--best goes with the directory of an exploration; %s is a file", input)
		case f.options.Folder == "":
			return usagef("needs --out DIR for the results")
		case f.options.Workers < 0 || f.options.Workers > maxWorkers:
			return usagef("--workers %d: must be 0 to %d", f.options.Workers, maxWorkers)
		}
		if info, err := os.Stat(f.options.Folder); err == nil && !info.IsDir() {
			return usagef("--out %s: it is a file; a directory belongs there", f.options.Folder)
		}
	}
	for _, file := range f.exports {
		switch strings.ToLower(filepath.Ext(file)) {
		case ".csv", ".parquet":
		default:
			return usagef("--export %s: the name of a table ends in .csv or .parquet", file)
		}
		if info, err := os.Stat(filepath.Dir(file)); err != nil || !info.IsDir() {
			return usagef("--export %s: there is no folder %s", file, filepath.Dir(file))
		}
	}
	return nil
}

// run explores a sweep.
func (f *exploreFlags) run(ctx context.Context, t *tool, path string) error {
	s, err := sweep.Load(path, f.overrides)
	if err != nil {
		return sweepError(err)
	}
	f.options.Progress, f.options.Codes = t.progress.report, codeCache()
	found, err := explore.Run(ctx, s, f.options)
	t.progress.clear()
	if found != nil && found.Interrupted {
		t.note("%d points are kept in %s; the same command goes on", found.Recorded, f.options.Folder)
	}
	if err != nil {
		return err
	}
	for _, line := range found.Shared {
		t.note("%s", line)
	}
	archive, err := explore.OpenArchive(f.options.Folder, found.Key)
	if err != nil {
		return err
	}
	defer archive.Close()
	if err := f.write(ctx, t, archive, f.options.Folder); err != nil {
		return err
	}
	if err := f.print(found); err != nil {
		return err
	}
	if c := found.Counts; c.Failed > 0 {
		return fmt.Errorf("%d of %d points failed; column reason of %s says why", c.Failed, c.Points, filepath.Join(f.options.Folder, pointsFile))
	}
	return nil
}

// write writes what an exploration leaves in its directory.
func (f *exploreFlags) write(ctx context.Context, t *tool, archive *explore.Archive, folder string) error {
	if err := writeTables(archive, append([]string{filepath.Join(folder, pointsFile)}, f.exports...)); err != nil {
		return err
	}
	if err := writeFront(archive, folder); err != nil {
		return err
	}
	f.options.Progress, f.options.Codes = t.progress.report, codeCache()
	written, err := archive.WriteReports(ctx, archive.Representatives(f.reports), f.options, reports.WriteDirectory)
	t.progress.clear()
	if written > 0 { // the page is to lead to them
		t.note("%d reports of points of the front are in %s", written, filepath.Join(folder, explore.ReportsFolder))
		err = errors.Join(err, writeFront(archive, folder))
	}
	return err
}

// recorded answers from what a directory holds.
func (f *exploreFlags) recorded(ctx context.Context, t *tool, folder string) error {
	archive, err := explore.OpenArchive(folder, "")
	if err != nil {
		return err
	}
	defer archive.Close()
	if f.best != "" {
		if err := writeTables(archive, f.exports); err != nil {
			return err
		}
		winner, err := archive.Best(f.best)
		if err != nil {
			return err
		}
		return printText(winner.TOML)
	}
	if archive.Writable() {
		err = f.write(ctx, t, archive, folder)
	} else {
		t.note("%s may not be written; its files are left as they are", folder)
		err = writeTables(archive, f.exports)
	}
	if err != nil {
		return err
	}
	return f.print(archive.Exploration)
}

func (f *exploreFlags) print(e *outcome.Exploration) error {
	return answer(func(w io.Writer) error {
		if f.format.value == "json" {
			return reports.WriteExplorationJSON(w, e)
		}
		return reports.WriteExplorationText(w, reports.DetectStyle(os.Stdout), e)
	})
}

// writeFront writes the front as tables, plots, and a page to look around in.
func writeFront(archive *explore.Archive, folder string) error {
	found, err := front.Of(archive.Exploration, archive)
	if err != nil {
		return err
	}
	list, err := front.Files(found)
	if err != nil {
		return err
	}
	return reports.WriteFiles(folder, list)
}

// writeTables writes all points to files.
func writeTables(archive *explore.Archive, files []string) error {
	if len(files) == 0 {
		return nil
	}
	table, err := archive.Table()
	if err != nil {
		return err
	}
	for _, file := range files {
		write := export.CSV
		if strings.EqualFold(filepath.Ext(file), ".parquet") {
			write = export.Parquet
		}
		if err := writeFile(file, func(w io.Writer) error { return write(w, table) }); err != nil {
			return err
		}
	}
	return nil
}

// sweepError marks faults of a sweep, and files that cannot be read, as the
// user's.
func sweepError(err error) error {
	var faults strict.Faults
	var path *fs.PathError
	if errors.As(err, &faults) || errors.As(err, &path) {
		return usage(err)
	}
	return err
}
