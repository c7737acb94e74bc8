package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/npusim/npusim/configs"
	"github.com/npusim/npusim/configs/strict"
	"github.com/npusim/npusim/memsim/dram/options"
	"github.com/npusim/npusim/reports/compare"
)

// oneArgument wants exactly one argument, called name in messages.
func oneArgument(name string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return fmt.Errorf("%s is missing; see %s --help", name, cmd.CommandPath())
		}
		return atMost(1)(cmd, args)
	}
}

// atMost refuses arguments beyond the first n.
func atMost(n int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) > n {
			return fmt.Errorf("unexpected argument %q; see %s --help", args[n], cmd.CommandPath())
		}
		return nil
	}
}

// files completes an argument with files of these extensions.
func files(extensions ...string) cobra.CompletionFunc {
	return func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return extensions, cobra.ShellCompDirectiveFilterFileExt
	}
}

// directory completes an argument with a folder.
func directory(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return nil, cobra.ShellCompDirectiveFilterDirs
}

// severalReports wants two reports or more.
func severalReports(cmd *cobra.Command, args []string) error {
	if len(args) < compare.LeastReports {
		return fmt.Errorf("reports are missing: A and B at least; see %s --help", cmd.CommandPath())
	}
	if len(args) > compare.MostReports {
		return fmt.Errorf("%d reports can be compared at once, not %d; see %s --help", compare.MostReports, len(args), cmd.CommandPath())
	}
	return nil
}

// directories completes every argument with a folder.
func directories(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return nil, cobra.ShellCompDirectiveFilterDirs
}

// gateKeys completes the key of a gate: those of the first report where it is
// given already, layers by their names.
func gateKeys(_ *cobra.Command, args []string, prefix string) ([]string, cobra.ShellCompDirective) {
	keys := compare.NumericKeys()
	if len(args) > 0 {
		if report, err := compare.Read(args[0], strict.Nearest); err == nil {
			keys = report.Keys()
		}
	}
	const layers = "layers["
	var list []string
	for _, key := range keys {
		switch {
		case !strings.HasPrefix(key, prefix) || strings.Contains(key, "[]") || strings.Contains(key, "<"):
		case strings.HasPrefix(key, layers) && !strings.HasPrefix(prefix, layers):
			if !slices.Contains(list, layers) {
				list = append(list, layers)
			}
		default:
			list = append(list, key)
		}
	}
	return list, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
}

// choice is a flag whose value is one of a few names.
type choice struct {
	value   string
	allowed []string
}

func (c *choice) String() string { return c.value }
func (c *choice) Type() string   { return strings.Join(c.allowed, "|") }

func (c *choice) Set(value string) error {
	if slices.Contains(c.allowed, value) {
		c.value = value
		return nil
	}
	hint := ""
	if nearest := strict.Nearest(value, c.allowed); nearest != "" {
		hint = fmt.Sprintf("; did you mean %s?", nearest)
	}
	return fmt.Errorf("must be %s%s", strings.Join(c.allowed, " or "), hint)
}

// addFormat adds --format text|json, text unless given.
func addFormat(cmd *cobra.Command) *choice {
	c := &choice{value: "text", allowed: []string{"text", "json"}}
	cmd.Flags().Var(c, "format", "form of the answer")
	complete(cmd, "format", cobra.FixedCompletions(c.allowed, cobra.ShellCompDirectiveNoFileComp))
	return c
}

// complete registers the completion of a flag that exists.
func complete(cmd *cobra.Command, flag string, f cobra.CompletionFunc) {
	if err := cmd.RegisterFlagCompletionFunc(flag, f); err != nil {
		panic(err)
	}
}

// presetNames completes the name of a configuration: presets, then files.
func presetNames(_ *cobra.Command, _ []string, prefix string) ([]string, cobra.ShellCompDirective) {
	var names []string
	for _, p := range configs.Presets() {
		if strings.HasPrefix(p.Name, prefix) {
			names = append(names, cobra.CompletionWithDesc(p.Name, p.Description))
		}
	}
	if len(names) > 0 {
		return names, cobra.ShellCompDirectiveNoFileComp
	}
	return []string{"toml", "cfg"}, cobra.ShellCompDirectiveFilterFileExt
}

// settings completes --set: the key first, then the names it may take.
func settings(_ *cobra.Command, _ []string, prefix string) ([]string, cobra.ShellCompDirective) {
	var list []string
	for _, key := range configs.Keys() {
		if !strings.Contains(key.Path, ".") || strings.Contains(key.Path, "[]") {
			continue // labels and lists: not for the command line
		}
		begin := key.Path + "="
		if strings.HasPrefix(prefix, begin) {
			return settingValues(&key, prefix)
		}
		if strings.HasPrefix(begin, prefix) {
			list = append(list, cobra.CompletionWithDesc(begin, key.Meaning))
		}
	}
	return list, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
}

// settingValues completes what follows the equals sign of a setting.
func settingValues(key *configs.Key, prefix string) ([]string, cobra.ShellCompDirective) {
	begin := key.Path + "="
	directive := cobra.ShellCompDirectiveNoFileComp
	values := key.Choices()
	switch key.Path {
	case "dram.preset":
		for _, m := range configs.MemoryPresets() {
			values = append(values, cobra.CompletionWithDesc(m.Name, m.Description))
		}
	case "dram.controller":
		keys := slices.DeleteFunc(options.Keys(), func(k options.Key) bool { return !k.InRuns() })
		values, directive = controllerCompletion(keys, strings.TrimPrefix(prefix, begin))
	}
	var list []string
	for _, value := range values {
		if strings.HasPrefix(begin+value, prefix) {
			list = append(list, begin+value)
		}
	}
	return list, directive
}
