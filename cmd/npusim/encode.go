package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/npusim/npusim/compiler/dataset"
	"github.com/npusim/npusim/npu/evaluate/codecstudy"
	"github.com/npusim/npusim/reports"
)

// encodeFlags are what the command line says of a study.
type encodeFlags struct {
	codec, mask *choice
	npy, random string
	sweep, plot string
	options     codecstudy.Options
}

func newEncode(t *tool) *cobra.Command {
	f := encodeFlags{codec: &choice{allowed: codecstudy.Codecs()}, mask: &choice{value: codecstudy.SmallestMask.String(), allowed: codecstudy.Masks()}}
	cmd := &cobra.Command{
		Use:   "encode --codec CODEC --n-in N --n-out M (--npy FILE | --random COUNT) [flags]",
		Short: "Study a codec of XOR networks on a tensor or on random bits",
		Long: `Encode weights with a codec of XOR networks and print the bits a weight by what
they are for, the share of bits that the code alone gets right beside the
entropy bound, the cost of the mask of pruned weights in every format, and the
rates of encoding and decoding. The code is decoded again and compared.

  xor-block       slices of n-out bits from n-in bits each, with patches
  xor-sequential  the network also sees the n-s codes before; corrections
  xor-fractional  signs fitted to what the network gives, and scales; loses precision

--random takes a number of weights or a matrix such as 4096x9216: one plane of
random bits, each pruned with the probability of --sparsity; for xor-fractional,
normal weights. --npy takes int8 weights, whose zeros are pruned (more by
magnitude with --sparsity); floating-point weights, which are pruned by
magnitude and quantized to int8 with one scale; or bits as bool or uint8.

Without --n-out the one of the least bits is searched. The network is the best
of --networks random ones on a sample. --mask low-rank prunes such that the mask
is, tile by tile, a union of few rectangles, which takes at most --mask-bits a
weight: there the mask decides which weights stay.

--sweep repeats the study over n-in, n-out, n-s or sparsity, and --plot draws
the efficiency and the bits a weight against it.`,
		Example: `  npusim encode --codec xor-block --n-in 20 --n-out 188 --random 200000 --sparsity 0.91
  npusim encode --codec xor-sequential --n-in 8 --random 40000 --sparsity 0.9 --format json
  npusim encode --codec xor-sequential --n-in 8 --random 40000 --sparsity 0.9 --sweep n-s=0:1
  npusim encode --codec xor-block --n-in 16 --random 128x256 --mask low-rank --sparsity 0.9
  npusim encode --codec xor-fractional --n-in 8 --n-out 10 --random 16x512
  npusim encode --codec xor-block --n-in 20 --random 50000 --sweep sparsity=0.6:0.9:0.1 --plot sweep.svg`,
		Args: atMost(0),
	}
	o := &f.options
	flags := cmd.Flags()
	flags.Var(f.codec, "codec", "how weights are coded")
	flags.IntVar(&o.Inputs, "n-in", 0, "bits `N` of a code")
	flags.IntVar(&o.Outputs, "n-out", 0, "bits `M` of a slice, which a code gives; without it, searched")
	flags.IntVar(&o.Registers, "n-s", 0, "shift registers `K`, codes before that the network sees; 1 for xor-sequential")
	flags.StringVar(&f.npy, "npy", "", "tensor, an .npy `file`")
	flags.StringVar(&f.random, "random", "", "`COUNT` of random weights, or ROWSxCOLUMNS")
	flags.Float64Var(&o.Sparsity, "sparsity", 0, "share `S` of weights to prune")
	flags.Uint64Var(&o.Seed, "seed", 0, "seed `K` of the random weights and the first network")
	flags.IntVar(&o.Networks, "networks", codecstudy.DefaultNetworks, "random networks `N` of which the best is taken")
	flags.BoolVar(&o.Exact, "exact", false, "search the fewest patches of every slice (xor-block, n-in up to 20)")
	flags.Var(f.mask, "mask", "how the mask of pruned weights is stored")
	flags.Float64Var(&o.MaskBits, "mask-bits", codecstudy.DefaultMaskBits, "most bits a weight `B` of a low-rank mask")
	flags.IntVar(&o.Planes, "planes", 1, "planes `N` of signs (xor-fractional)")
	flags.IntVar(&o.Taps, "taps", codecstudy.DefaultTaps, "inputs `N` of every output, 0 for half of them (xor-fractional)")
	flags.StringVar(&f.sweep, "sweep", "", "repeat over `PARAMETER=FROM:TO[:STEP]` of "+strings.Join(codecstudy.Parameters(), ", "))
	flags.StringVar(&f.plot, "plot", "", "draw the sweep into an .svg or .png `file`")
	flags.IntVarP(&o.Workers, "workers", "j", 0, "`N` workers; 0 for one a core")
	format := addFormat(cmd)
	complete(cmd, "codec", cobra.FixedCompletions(f.codec.allowed, cobra.ShellCompDirectiveNoFileComp))
	complete(cmd, "mask", cobra.FixedCompletions(f.mask.allowed, cobra.ShellCompDirectiveNoFileComp))
	complete(cmd, "npy", cobra.FixedCompletions([]string{"npy"}, cobra.ShellCompDirectiveFilterFileExt))
	complete(cmd, "plot", cobra.FixedCompletions([]string{"svg", "png"}, cobra.ShellCompDirectiveFilterFileExt))
	complete(cmd, "sweep", sweepNames)

	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		sweep, err := f.check(cmd)
		if err != nil {
			return err
		}
		source, err := f.source()
		if err != nil {
			return err
		}
		o.Progress = t.progress.report
		if sweep != nil {
			result, err := codecstudy.RunSweep(cmd.Context(), source, *o, sweep)
			if err != nil {
				return encodeError(err)
			}
			t.progress.clear()
			return f.answerSweep(t, result, format.value)
		}
		result, err := codecstudy.Run(cmd.Context(), source, *o)
		if err != nil {
			return encodeError(err)
		}
		t.progress.clear()
		return answer(func(w io.Writer) error {
			if format.value == "json" {
				return reports.WriteEncodingJSON(w, result)
			}
			return reports.WriteEncodingText(w, result, reports.DetectStyle(os.Stdout))
		})
	}
	return cmd
}

// check completes the options and refuses what cannot be studied, before any
// work.
func (f *encodeFlags) check(cmd *cobra.Command) (*codecstudy.Sweep, error) {
	given := cmd.Flags().Changed
	o := &f.options
	switch {
	case f.codec.value == "":
		return nil, usagef("--codec is missing: %s", strings.Join(f.codec.allowed, ", "))
	case given("npy") && given("random"):
		return nil, usagef("--npy and --random exclude each other")
	case !given("npy") && !given("random"):
		return nil, usagef("--npy FILE or --random COUNT is missing")
	case o.Workers > maxWorkers:
		return nil, usagef("--workers %d: must be 0 to %d", o.Workers, maxWorkers)
	case given("mask-bits") && f.mask.value != codecstudy.LowRankMask.String():
		return nil, usagef("--mask-bits %g: only --mask low-rank has a choice of its size", o.MaskBits)
	case given("plot") && !given("sweep"):
		return nil, usagef("--plot needs --sweep: it draws figures against a parameter")
	}
	o.Codec, o.Mask = codecstudy.CodecOf(f.codec.value), codecstudy.MaskOf(f.mask.value)
	defaults := codecstudy.DefaultOptions(o.Codec)
	for _, d := range []struct {
		flag  string
		value *int
		byNow int
	}{{"n-s", &o.Registers, defaults.Registers}, {"planes", &o.Planes, defaults.Planes}, {"taps", &o.Taps, defaults.Taps}} {
		if !given(d.flag) {
			*d.value = d.byNow
		}
	}
	if given("n-out") && o.Outputs == 0 {
		return nil, usagef("--n-out 0: must be 1 or more")
	}
	var sweep *codecstudy.Sweep
	if given("sweep") {
		var err error
		if sweep, err = codecstudy.ParseSweep(f.sweep); err != nil {
			return nil, usagef("--%w", err)
		}
		if given(sweep.Parameter) {
			return nil, usagef("--%s and --sweep %s exclude each other", sweep.Parameter, f.sweep)
		}
	}
	swept := func(parameter string) bool { return sweep != nil && sweep.Parameter == parameter }
	if !given("n-in") && !swept(codecstudy.SweepInputs) {
		return nil, usagef("--n-in is missing: bits of a code")
	}
	err := o.Check
	if sweep != nil {
		err = func() error { return sweep.Check(*o) }
	}
	if err := err(); err != nil {
		return nil, usagef("--%w", err)
	}
	return sweep, f.checkPlot()
}

// checkPlot refuses a plot that could not be written.
func (f *encodeFlags) checkPlot() error {
	if f.plot == "" {
		return nil
	}
	switch strings.ToLower(filepath.Ext(f.plot)) {
	case ".svg", ".png":
	default:
		return usagef("--plot %s: the name of a plot ends in .svg or .png", f.plot)
	}
	if info, err := os.Stat(filepath.Dir(f.plot)); err != nil || !info.IsDir() {
		return usagef("--plot %s: there is no folder %s", f.plot, filepath.Dir(f.plot))
	}
	if info, err := os.Stat(f.plot); err == nil && !info.Mode().IsRegular() {
		return usagef("--plot %s: it exists and is not a regular file", f.plot)
	}
	return nil
}

// source reads or names the material.
func (f *encodeFlags) source() (*codecstudy.Source, error) {
	if f.npy == "" {
		s, err := codecstudy.RandomSource(f.random)
		if err != nil {
			return nil, usagef("--%w", err)
		}
		return s, nil
	}
	array, err := dataset.ReadNPY(f.npy)
	if err != nil {
		return nil, usage(err)
	}
	s, err := codecstudy.ArraySource(f.npy, array)
	return s, usage(err)
}

// encodeError tells errors of the arguments from those of the work.
func encodeError(err error) error {
	var argument *codecstudy.UsageError
	if errors.As(err, &argument) {
		return usagef("--%w", err)
	}
	return err
}

// answerSweep prints a sweep and draws it.
func (f *encodeFlags) answerSweep(t *tool, result *codecstudy.SweepResult, format string) error {
	if f.plot != "" {
		plot := reports.EncodingSweep(result)
		write := plot.WriteSVG
		if strings.EqualFold(filepath.Ext(f.plot), ".png") {
			write = plot.WritePNG
		}
		if err := writeFile(f.plot, write); err != nil {
			return err
		}
		t.note("plot written to %s", f.plot)
	}
	return answer(func(w io.Writer) error {
		if format == "json" {
			return reports.WriteSweepJSON(w, result)
		}
		return reports.WriteSweepText(w, result, reports.DetectStyle(os.Stdout))
	})
}

// sweepNames completes the parameter of a sweep.
func sweepNames(_ *cobra.Command, _ []string, prefix string) ([]string, cobra.ShellCompDirective) {
	var list []string
	for _, name := range codecstudy.Parameters() {
		if begin := name + "="; strings.HasPrefix(begin, prefix) {
			list = append(list, cobra.CompletionWithDesc(begin, fmt.Sprintf("%sFROM:TO:STEP", begin)))
		}
	}
	return list, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
}
