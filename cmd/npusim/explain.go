package main

import (
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/npusim/npusim/configs"
	"github.com/npusim/npusim/configs/strict"
	"github.com/npusim/npusim/reports"
	"github.com/npusim/npusim/reports/compare"
	"github.com/npusim/npusim/reports/explain"
)

func newExplain() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "explain [KEY] [flags]",
		Short: "Explain a key of configurations or results",
		Long: `Explain a key of configurations or of results: unit, meaning, formula or rule,
and for configurations the default, what is allowed, and the values of the
presets. Without KEY, list all keys. KEY may be a pattern (dram.*), a section
(timing), or the last part of a key (mac_utilization); in keys of results names
may stand for themselves (stalls.mac.busy, layers[stem/conv].cycles).`,
		Example: `  npusim explain timing.cycles
  npusim explain mac_array.rows
  npusim explain "energy_uj.*"
  npusim explain stalls.mac.semaphore --format json
  npusim explain`,
		Args:              atMost(1),
		ValidArgsFunction: explainedKeys,
	}
	format := addFormat(cmd)
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		sections, err := explainedSections()
		if err != nil {
			return err
		}
		write := explain.WriteList
		if len(args) > 0 {
			if sections, err = explain.Find(sections, args[0], strict.Nearest); err != nil {
				return usage(err)
			}
			if !explain.Many(sections) {
				write = explain.WriteEntries
			}
		}
		return answer(func(w io.Writer) error {
			if format.value == "json" {
				return explain.WriteJSON(w, sections)
			}
			return write(w, sections, reports.DetectStyle(os.Stdout))
		})
	}
	return cmd
}

// explainedSections are configurations, section by section, and the forms of
// results.
func explainedSections() ([]explain.Section, error) {
	presets := configs.Presets()
	values := make([]map[string]string, len(presets))
	for i, p := range presets {
		spec, err := configs.Load(p.Name, nil)
		if err != nil {
			return nil, err
		}
		values[i] = map[string]string{}
		for _, v := range spec.Values() {
			values[i][v.Path] = v.Value
		}
	}
	var sections []explain.Section
	for _, key := range configs.Keys() {
		name, _, in := strings.Cut(key.Path, ".")
		title := "Configuration [" + name + "]"
		if !in {
			name, title = "configuration", "Configuration"
		}
		if n := len(sections); n == 0 || sections[n-1].Name != name {
			sections = append(sections, explain.Section{Name: name, Title: title})
		}
		e := explain.Entry{Key: key.Path, Type: key.TypeName(), Unit: key.Unit, Meaning: key.Meaning, Range: key.Range(), Allowed: key.Choices(), Default: key.Default}
		if key.Required() {
			e.Default = "required"
		}
		for i, p := range presets {
			if value, ok := values[i][key.Path]; ok {
				e.Presets = append(e.Presets, explain.PresetValue{Preset: p.Name, Value: value})
			}
		}
		last := &sections[len(sections)-1]
		last.Entries = append(last.Entries, e)
	}
	return append(append(sections, explain.Results()...), compare.Explained()), nil
}

// explainedKeys completes a key to explain.
func explainedKeys(_ *cobra.Command, args []string, prefix string) ([]string, cobra.ShellCompDirective) {
	sections, err := explainedSections()
	if err != nil || len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var list []string
	for _, s := range sections {
		for i := range s.Entries {
			if e := &s.Entries[i]; strings.HasPrefix(e.Key, prefix) {
				list = append(list, cobra.CompletionWithDesc(e.Key, e.Meaning))
			}
		}
	}
	return list, cobra.ShellCompDirectiveNoFileComp
}
