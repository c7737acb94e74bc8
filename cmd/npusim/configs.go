package main

import (
	"fmt"
	"io"
	"os"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/npusim/npusim/configs"
	"github.com/npusim/npusim/reports"
)

func newConfigs() *cobra.Command {
	var keys bool
	cmd := &cobra.Command{
		Use:   "configs [NAME|FILE]",
		Short: "List the presets, or print a configuration",
		Long: `Without an argument, list the embedded presets. With the name of a preset, print
it as TOML with the sources of its values; with a configuration file, print all
keys as they result from it.`,
		Example: `  npusim configs
  npusim configs edge
  npusim configs --keys`,
		Args:              atMost(1),
		ValidArgsFunction: presetArgument,
	}
	cmd.Flags().BoolVar(&keys, "keys", false, "print the table of all keys with units, bounds and defaults, as Markdown")
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		switch {
		case keys && len(args) > 0:
			return usagef("--keys takes no argument")
		case keys:
			return printText(configs.KeysMarkdown())
		case len(args) == 0:
			return answer(listPresets)
		}
		if text, ok := configs.PresetSource(args[0]); ok {
			return printText(text)
		}
		spec, err := configs.Load(args[0], nil)
		if err != nil {
			return usage(err)
		}
		return printText(spec.TOML())
	}
	return cmd
}

func presetArgument(cmd *cobra.Command, args []string, prefix string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return presetNames(cmd, args, prefix)
}

// printText prints a text that ends with a line feed.
func printText(text string) error {
	return answer(func(w io.Writer) error {
		_, err := io.WriteString(w, text)
		return err
	})
}

// listPresets prints a row a preset.
func listPresets(w io.Writer) error {
	columns := []reports.Column{
		{Name: "preset"},
		{Name: "MACs", Number: true},
		{Name: "clock", Unit: "MHz", Number: true},
		{Name: "activations", Unit: "KiB", Number: true},
		{Name: "weights", Unit: "KiB", Number: true},
		{Name: "accumulators", Unit: "KiB", Number: true},
		{Name: "DRAM"},
		{Name: "peak", Unit: "GB/s", Number: true},
		{Name: "description"},
	}
	var rows [][]string
	for _, preset := range configs.Presets() {
		spec, err := configs.Load(preset.Name, nil)
		if err != nil {
			return fmt.Errorf("preset %s: %w", preset.Name, err)
		}
		memory := spec.DRAM.Preset
		if memory == "" {
			memory = "own figures"
		}
		rows = append(rows, []string{
			preset.Name,
			count(spec.MACArray.Rows * spec.MACArray.Columns),
			count(spec.NPU.ClockMHz),
			count(spec.NPU.ActivationBufferKiB),
			count(spec.NPU.WeightBufferKiB),
			count(spec.NPU.AccumulatorBufferKiB),
			memory,
			strconv.FormatFloat(spec.DRAM.PeakGBPerS(), 'g', 4, 64),
			preset.Description,
		})
	}
	return reports.Table(w, reports.DetectStyle(os.Stdout), columns, rows)
}
