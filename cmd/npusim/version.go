package main

import (
	"fmt"
	"runtime"
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
		Long: `Print the version of the module, that of Go, and the kernels in use. The integer
kernels give the same bits in every form.`,
		Example:           `  npusim version`,
		Args:              atMost(0),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(*cobra.Command, []string) error {
			return printText(strings.Join(versionLines(), "\n") + "\n")
		},
	}
}

func versionLines() []string {
	return []string{
		"npusim  " + evaluate.Version(),
		fmt.Sprintf("go      %s %s/%s", runtime.Version(), runtime.GOOS, runtime.GOARCH),
		fmt.Sprintf("kernels integer %s, float %s", kernel.Implementation(), gemm.Implementation()),
	}
}
