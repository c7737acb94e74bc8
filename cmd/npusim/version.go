package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	"github.com/npusim/npusim/compiler/floatref/gemm"
	"github.com/npusim/npusim/npu/evaluate"
	"github.com/npusim/npusim/npu/kernel"
)

func newVersion() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version, that of Go, and the kernels in use",
		Long: `Print the version of the module, the commit it was built from if that is known,
the version of Go, and the kernels in use. The integer kernels give the same
bits in every form.`,
		Example:           `  npusim version`,
		Args:              atMost(0),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(*cobra.Command, []string) error {
			return printText(strings.Join(versionLines(), "\n") + "\n")
		},
	}
}

func versionLines() []string {
	lines := []string{"npusim  " + evaluate.Version()}
	if revision := revision(); revision != "" {
		lines = append(lines, "commit  "+revision)
	}
	return append(lines,
		fmt.Sprintf("go      %s %s/%s", runtime.Version(), runtime.GOOS, runtime.GOARCH),
		fmt.Sprintf("kernels integer %s, float %s", kernel.Implementation(), gemm.Implementation()),
	)
}

// revision is the commit that the binary was built from, empty if the build
// does not know.
func revision() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	settings := map[string]string{}
	for _, s := range info.Settings {
		settings[s.Key] = s.Value
	}
	text := settings["vcs.revision"]
	if text != "" && settings["vcs.time"] != "" {
		text += " of " + settings["vcs.time"]
	}
	if text != "" && settings["vcs.modified"] == "true" {
		text += ", with changes"
	}
	return text
}
