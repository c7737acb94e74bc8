package main

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/npusim/npusim/compiler/shapes"
	"github.com/npusim/npusim/configs"
	"github.com/npusim/npusim/reports"
)

func newConfigs() *cobra.Command {
	var keys, schema bool
	cmd := &cobra.Command{
		Use:   "configs [NAME|FILE]",
		Short: "List the presets, or print a configuration",
		Long: `Without an argument, list the embedded presets: whole configurations, and the
memories that dram.preset names. With the name of a preset of either kind, print
it as TOML with the sources of its values; with a configuration file, which may
be a .cfg file of SCALE-Sim, print all keys as they result from it.

--schema prints the form of configuration files as JSON Schema. Editors with
TOML support (taplo, Even Better TOML) check and complete a file whose first
line is "#:schema npusim.schema.json", the path as seen from the file.`,
		Example: `  npusim configs
  npusim configs edge
  npusim configs lpddr4x-4266
  npusim configs --keys
  npusim configs --schema`,
		Args:              atMost(1),
		ValidArgsFunction: presetArgument,
	}
	cmd.Flags().BoolVar(&keys, "keys", false, "print the table of all keys with units, bounds and defaults, as Markdown")
	cmd.Flags().BoolVar(&schema, "schema", false, "print the JSON Schema of configuration files, for editors")
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		switch {
		case keys && schema:
			return usagef("--keys and --schema exclude each other")
		case keys && len(args) > 0:
			return usagef("--keys takes no argument")
		case schema && len(args) > 0:
			return usagef("--schema takes no argument")
		case schema:
			return printText(configs.Schema())
		case keys:
			return printText(configs.KeysMarkdown())
		case len(args) == 0:
			return answer(listPresets)
		}
		if text, ok := configs.MemorySource(args[0]); ok {
			return printText(text)
		}
		if text, ok := configs.PresetSource(args[0]); ok {
			return printText(text)
		}
		spec, err := shapes.Load(args[0], nil)
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
	names, directive := presetNames(cmd, args, prefix)
	for _, m := range configs.MemoryPresets() {
		if strings.HasPrefix(m.Name, prefix) {
			names, directive = append(names, cobra.CompletionWithDesc(m.Name, m.Description)), cobra.ShellCompDirectiveNoFileComp
		}
	}
	return names, directive
}

// printText prints a text that ends with a line feed.
func printText(text string) error {
	return answer(func(w io.Writer) error {
		_, err := io.WriteString(w, text)
		return err
	})
}

// listPresets prints a row a preset of configurations, then of memories.
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
		rows = append(rows, wrapLast([]string{
			preset.Name,
			count(spec.MACArray.Rows * spec.MACArray.Columns),
			count(spec.NPU.ClockMHz),
			count(spec.NPU.ActivationBufferKiB),
			count(spec.NPU.WeightBufferKiB),
			count(spec.NPU.AccumulatorBufferKiB),
			memory,
			strconv.FormatFloat(spec.DRAM.PeakGBPerS(), 'g', 4, 64),
			preset.Description,
		}, descriptionColumns)...)
	}
	if err := reports.Table(w, reports.DetectStyle(os.Stdout), columns, rows); err != nil {
		return err
	}
	fmt.Fprintln(w)
	return listMemories(w)
}

// listMemories prints a row a memory preset; all figures are of one channel.
func listMemories(w io.Writer) error {
	columns := []reports.Column{
		{Name: "memory preset"},
		{Name: "a channel", Unit: "GB/s", Number: true},
		{Name: "latency", Unit: "ns", Number: true},
		{Name: "burst", Unit: "B", Number: true},
		{Name: "energy", Unit: "pJ/bit", Number: true},
		{Name: "description"},
	}
	var rows [][]string
	figure := func(x float64) string { return strconv.FormatFloat(x, 'g', 4, 64) }
	for _, m := range configs.MemoryPresets() {
		rows = append(rows, wrapLast([]string{
			m.Name, figure(m.BandwidthGBPerS), figure(m.LatencyNS), count(m.BurstBytes), figure(m.EnergyPJPerBit), m.Description,
		}, descriptionColumns)...)
	}
	return reports.Table(w, reports.DetectStyle(os.Stdout), columns, rows)
}

// descriptionColumns is the width of descriptions.
const descriptionColumns = 42
