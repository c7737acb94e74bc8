package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/npusim/npusim/npu/evaluate"
	"github.com/npusim/npusim/reports"
)

func newRun(t *tool) *cobra.Command {
	var options evaluate.Options
	var spec specification
	var folder string
	var traced bool
	var others also
	cmd := &cobra.Command{
		Use:   "run MODEL [flags]",
		Short: "Compile a network, execute and time it, compare it with float",
		Long: `Compile an ONNX network (or load a compiled .npu program), execute it bit for
bit, time it, compare it with the float network, and print the summary.

Without --data the inputs are random numbers from --seed, and figures tell how
near the integers come to the float network, not how often it is right. A .npu
program runs with the configuration it was compiled with unless --config or
--set say otherwise, and has float figures only if --model names the ONNX file
it was compiled from.

A .csv file of layer shapes, in SCALE-Sim's topology form, is timed without
weights or data: convolutions as "name, IFMAP height, IFMAP width, filter
height, filter width, channels, num filter, strides", or matrix products as
"name, M, N, K". Its machine may come from a SCALE-Sim .cfg file.

The report directory holds trace.json, which ui.perfetto.dev opens. --also adds
files for other tools: scalesim/ with the three reports of SCALE-Sim, vela/ with
a summary and a per-layer table like those of Arm's Vela, and annotated.onnx, a
copy of the model with cycles and bytes at its nodes, which Netron shows.

With --dram-trace the report directory holds every burst that was asked of the
DRAM, in order, so that other simulators can check ours:
dram_requests.dramsim3.trace ("0xADDRESS READ|WRITE CLOCK", which npusim dram
reads too), .ramulator_loadstore.trace ("LD|ST 0xADDRESS") and
.ramulator_readwrite.trace ("R|W channel,rank,bank group,bank,row,column").`,
		Example: `  npusim run testdata/glyphs/glyphs.onnx --data testdata/glyphs/glyphs.toml
  npusim run testdata/glyphs/glyphs.onnx --config mobile --timing-only
  npusim run testdata/glyphs/glyphs.onnx --data testdata/glyphs/glyphs.toml \
      --samples 100 --set quantization.weights=per-layer --out out/report
  npusim run testdata/shapes/resnet50.csv --config scalesim-32x32
  npusim run testdata/glyphs/glyphs.onnx --timing-only --out out/report --dram-trace
  npusim run testdata/glyphs/glyphs.onnx --timing-only --out out/report --also scalesim,vela,onnx`,
		Args:              oneArgument("MODEL"),
		ValidArgsFunction: files("onnx", "npu", "csv"),
	}
	flags := cmd.Flags()
	spec.register(cmd, defaultConfig+", or that of the .npu program")
	addInputFlags(cmd, &options)
	flags.IntVarP(&options.Samples, "samples", "n", 0, "`N` evaluation samples; 0 for all, or 16 random ones")
	flags.BoolVar(&options.CheckAll, "check-all", false, "compare every sample with the integer reference, not 16")
	flags.BoolVar(&options.TimingOnly, "timing-only", false, "time the program without executing it")
	flags.StringVar(&options.FloatModel, "model", "", "ONNX `file` that a .npu program was compiled from")
	flags.StringVarP(&folder, "out", "o", "", "write the report `directory` too")
	flags.BoolVar(&traced, "dram-trace", false, "write the DRAM requests into the report directory, as traces for DRAMsim3 and Ramulator 2")
	others.register(cmd)
	format := addFormat(cmd)
	complete(cmd, "model", cobra.FixedCompletions([]string{"onnx"}, cobra.ShellCompDirectiveFilterFileExt))
	complete(cmd, "out", directory)

	cmd.RunE = func(cmd *cobra.Command, args []string) (err error) {
		options.Model, options.Changes, options.Record = args[0], spec.sets, folder != ""
		options.Progress, options.Codes = t.progress.report, codeCache()
		if err := checkInputFlags(&options); err != nil {
			return err
		}
		if err := checkComparison(&options); err != nil {
			return err
		}
		if info, err := os.Stat(folder); err == nil && !info.IsDir() {
			return usagef("--out %s: it is a file; a directory belongs there", folder)
		}
		if err := others.check(folder, options.Model); err != nil {
			return err
		}
		if options.Spec, err = spec.load(options.Model); err != nil {
			return err
		}
		traces := dramTraces{folder: folder}
		defer traces.discard()
		if traced {
			if folder == "" {
				return usagef("--dram-trace needs --out: the traces are written into the report directory")
			}
			options.Requests = traces.open
		}
		result, err := evaluate.Run(cmd.Context(), options)
		if err != nil {
			return err
		}
		t.progress.clear()
		if folder != "" {
			if err := reports.WriteDirectory(folder, result); err != nil {
				return err
			}
			if err := traces.finish(); err != nil {
				return err
			}
			if !traced { // those of an earlier run tell of another machine
				if err := removeTraces(folder); err != nil {
					return err
				}
			}
			if err := others.write(folder, options.Model, result); err != nil {
				return err
			}
			t.note("report written to %s", folder)
		}
		return answer(func(w io.Writer) error {
			if format.value == "json" {
				return reports.WriteJSON(w, result)
			}
			return reports.WriteText(w, result, reports.DetectStyle(os.Stdout))
		})
	}
	return cmd
}

// checkComparison refuses --check-all where there is nothing to compare.
func checkComparison(o *evaluate.Options) error {
	if !o.CheckAll {
		return nil
	}
	if o.TimingOnly {
		return usagef("--timing-only and --check-all exclude each other")
	}
	switch strings.ToLower(filepath.Ext(o.Model)) {
	case ".npu":
		return usagef("--check-all: a .npu program alone has no integer reference to compare with; run the ONNX model itself")
	case ".csv":
		return usagef("--check-all: layer shapes are timed, not executed; there is nothing to compare")
	}
	return nil
}

// addInputFlags adds the flags about inputs and workers that compiling and
// running share.
func addInputFlags(cmd *cobra.Command, o *evaluate.Options) {
	flags := cmd.Flags()
	flags.StringVarP(&o.Data, "data", "d", "", "data set, a TOML `file`; without it, seeded random inputs")
	flags.Uint64Var(&o.Seed, "seed", 0, "seed `K` of random inputs")
	flags.IntVarP(&o.Workers, "workers", "j", 0, "`N` workers; 0 for one a core")
	complete(cmd, "data", cobra.FixedCompletions([]string{"toml"}, cobra.ShellCompDirectiveFilterFileExt))
}

// Bounds of what the command line may ask for: each worker has buffers of its
// own, and something is kept of each sample.
const (
	maxWorkers = 1024
	maxSamples = 1_000_000
)

func checkInputFlags(o *evaluate.Options) error {
	if o.Workers < 0 || o.Workers > maxWorkers {
		return usagef("--workers %d: must be 0 to %d", o.Workers, maxWorkers)
	}
	if o.Samples < 0 || o.Samples > maxSamples {
		return usagef("--samples %d: must be 0 to %d", o.Samples, maxSamples)
	}
	return nil
}
