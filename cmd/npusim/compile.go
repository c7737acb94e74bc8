package main

import (
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/npusim/npusim/configs"
	"github.com/npusim/npusim/isa"
	"github.com/npusim/npusim/npu/evaluate"
	"github.com/npusim/npusim/reports"
)

func newCompile(t *tool) *cobra.Command {
	var options evaluate.Options
	var spec specification
	var output string
	cmd := &cobra.Command{
		Use:   "compile MODEL.onnx -o PROGRAM.npu [flags]",
		Short: "Compile a network to a program",
		Long: `Compile an ONNX network to a program and print its size, its footprint in DRAM
and the peak use of the scratchpads. The ranges of activations come from the
calibration samples of --data, or from random inputs without it.`,
		Example: `  npusim compile testdata/glyphs/glyphs.onnx --data testdata/glyphs/glyphs.toml -o glyphs.npu
  npusim run glyphs.npu --data testdata/glyphs/glyphs.toml --model testdata/glyphs/glyphs.onnx`,
		Args:              oneArgument("MODEL.onnx"),
		ValidArgsFunction: files("onnx"),
	}
	spec.register(cmd, defaultConfig)
	addInputFlags(cmd, &options)
	addOutput(cmd, &output, "program `file` to write (required)", "npu")

	cmd.RunE = func(cmd *cobra.Command, args []string) (err error) {
		options.Model = args[0]
		options.Progress, options.Codes = t.progress.report, codeCache()
		if err := checkInputFlags(&options); err != nil {
			return err
		}
		if err := checkProgramOutput(output, args[0]); err != nil {
			return err
		}
		if options.Spec, err = spec.load(options.Model); err != nil {
			return err
		}
		compilation, err := evaluate.Compile(cmd.Context(), options)
		if err != nil {
			return err
		}
		t.progress.clear()
		if err := writeProgram(output, compilation.Program); err != nil {
			return err
		}
		return answer(func(w io.Writer) error {
			if err := writeProgramSize(w, output, compilation.Program, options.Spec); err != nil {
				return err
			}
			_, err := fmt.Fprintf(w, "\n%s\n", calibrated(&options, compilation.Options.Calibration.Count))
			return err
		})
	}
	return cmd
}

// calibrated says where the ranges of the activations come from.
func calibrated(o *evaluate.Options, samples int) string {
	if o.Data != "" {
		return fmt.Sprintf("Ranges of activations: calibrated on %s samples of %s.", count(samples), o.Data)
	}
	return fmt.Sprintf("Ranges of activations: calibrated on %d random inputs. Accuracy on real data will suffer;\ngive samples with --data.", samples)
}

// writeProgramSize prints what a program takes: its file, the code of each
// unit, the regions in DRAM and the scratchpads.
func writeProgramSize(w io.Writer, path string, p *isa.Program, spec *configs.Spec) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	style := reports.DetectStyle(os.Stdout)
	fmt.Fprintf(w, "%s: %s for %s, %s bytes\n\n", path, p.Name, spec.Name, reports.Count(info.Size()))

	var rows [][]string
	var instructions, bytes int
	for u := isa.InvalidUnit + 1; int(u) < isa.NumUnits; u++ {
		if len(p.Code[u]) == 0 {
			continue // the program does not use it
		}
		size := 0
		for i := range p.Code[u] {
			size += isa.InstructionBytes(&p.Code[u][i])
		}
		rows = append(rows, []string{u.String(), count(len(p.Code[u])), count(size)})
		instructions, bytes = instructions+len(p.Code[u]), bytes+size
	}
	columns := []reports.Column{{Name: "code of unit"}, {Name: "instructions", Number: true}, {Name: "bytes", Number: true}}
	if err := reports.Table(w, style, columns, rows, []string{"total", count(instructions), count(bytes)}); err != nil {
		return err
	}

	fmt.Fprintln(w)
	rows = nil
	var footprint uint64
	for s := isa.InvalidSpace + 1; int(s) < isa.NumSpaces; s++ {
		if s.IsDRAM() {
			rows = append(rows, []string{s.String(), reports.Count(int64(p.RegionBytes[s]))})
			footprint += p.RegionBytes[s]
		}
	}
	columns = []reports.Column{{Name: "DRAM region"}, {Name: "bytes", Number: true}}
	if err := reports.Table(w, style, columns, rows, []string{"total", reports.Count(int64(footprint))}); err != nil {
		return err
	}

	fmt.Fprintln(w)
	rows = nil
	for _, b := range []struct {
		space    isa.Space
		capacity int64
	}{
		{isa.ActivationBuffer, spec.NPU.ActivationBufferBytes()},
		{isa.WeightBuffer, spec.NPU.WeightBufferBytes()},
		{isa.AccumulatorBuffer, spec.NPU.AccumulatorBufferBytes()},
	} {
		rows = append(rows, []string{b.space.String(), reports.Count(int64(p.Buffers[b.space])), reports.Count(b.capacity)})
	}
	columns = []reports.Column{{Name: "scratchpad"}, {Name: "peak bytes", Number: true}, {Name: "of bytes", Number: true}}
	return reports.Table(w, style, columns, rows)
}

func count(n int) string { return reports.Count(int64(n)) }
