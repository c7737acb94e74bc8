package main

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/npusim/npusim/compiler/verify"
)

func newVerify() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "verify MODEL.onnx|DIR [flags]",
		Short: "Run the float reference on ONNX test sets",
		Long: `Run the float reference on the test sets beside a model, or on every test case in
a folder and below, and compare the outputs. A test case is a folder in the
layout of the ONNX backend tests:

  model.onnx
  test_data_set_0/input_0.pb  input_1.pb ...  output_0.pb ...

The exit status is 1 if a case failed; cases with operators or types that are
not supported are counted apart.`,
		Example: `  npusim verify testdata/cases
  npusim verify testdata/cases/depthwise/model.onnx --format json`,
		Args: oneArgument("MODEL.onnx or DIR"),
	}
	format := addFormat(cmd)
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		report, err := verify.Run(args[0])
		if err != nil {
			return usage(err)
		}
		err = answer(func(w io.Writer) error {
			if format.value == "json" {
				encoder := json.NewEncoder(w)
				encoder.SetEscapeHTML(false)
				encoder.SetIndent("", "  ")
				return encoder.Encode(report)
			}
			_, err := io.WriteString(w, report.String())
			return err
		})
		if err == nil && report.Failed > 0 {
			err = fmt.Errorf("%d of %d cases failed", report.Failed, len(report.Cases))
		}
		return err
	}
	return cmd
}
