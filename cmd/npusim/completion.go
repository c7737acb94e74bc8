package main

import (
	"bytes"
	"fmt"

	"github.com/spf13/cobra"
)

// shells are those that completion scripts are made for.
var shells = []string{"bash", "zsh", "fish", "powershell"}

func newCompletion() *cobra.Command {
	return &cobra.Command{
		Use:   "completion bash|zsh|fish|powershell",
		Short: "Print a script that completes npusim in a shell",
		Long: `Print a script that makes a shell complete npusim: verbs, flags, files, presets,
memories, keys of --set with the values they may take, keys of --fail-if and of
npusim explain. bash needs the package bash-completion.

  bash        source <(npusim completion bash), in ~/.bashrc
  zsh         npusim completion zsh > "${fpath[1]}/_npusim"
  fish        npusim completion fish > ~/.config/fish/completions/npusim.fish
  powershell  npusim completion powershell | Out-String | Invoke-Expression`,
		Example: `  npusim completion bash
  npusim completion zsh`,
		Args:              oneArgument("the shell"),
		ValidArgsFunction: cobra.FixedCompletions(shells, cobra.ShellCompDirectiveNoFileComp),
		RunE: func(cmd *cobra.Command, args []string) error {
			shell := choice{allowed: shells}
			if err := shell.Set(args[0]); err != nil {
				return usagef("%s: %w", args[0], err)
			}
			var script bytes.Buffer
			root := cmd.Root()
			var err error
			switch shell.value {
			case "bash":
				err = root.GenBashCompletionV2(&script, true)
			case "zsh":
				err = root.GenZshCompletion(&script)
			case "fish":
				err = root.GenFishCompletion(&script, true)
			case "powershell":
				err = root.GenPowerShellCompletionWithDesc(&script)
			}
			if err != nil {
				return fmt.Errorf("script for %s: %w", shell.value, err)
			}
			return printText(script.String())
		},
	}
}
