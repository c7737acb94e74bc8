package main

import (
	"io"

	"github.com/spf13/cobra"

	"github.com/npusim/npusim/compiler"
	"github.com/npusim/npusim/compiler/onnx"
	"github.com/npusim/npusim/compiler/shapes"
)

func newExportShapes(t *tool) *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use:   "export-shapes MODEL.onnx -o FILE.csv",
		Short: "Write the layer shapes of a model, for SCALE-Sim",
		Long: `Write the convolutions and matrix products of an ONNX model as layer shapes in
SCALE-Sim's topology form, which npusim run times too. Rows have no padding: the
input of a layer gets the extents that give its output, so that cycles of the
MAC array, multiply-accumulates and weights are those of the model. Depthwise
layers end in _DP, which is how SCALE-Sim tells them; of other grouped layers
every group is a row. All other operators are left out.`,
		Example: `  npusim export-shapes testdata/glyphs/glyphs.onnx -o glyphs.csv
  npusim run glyphs.csv --config scalesim-32x32`,
		Args:              oneArgument("MODEL.onnx"),
		ValidArgsFunction: files("onnx"),
	}
	addOutput(cmd, &output, "`FILE.csv` to write", "csv")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if output == "" {
			return usagef("needs -o FILE.csv")
		}
		if err := checkOutput(output, args[0]); err != nil {
			return err
		}
		model, err := onnx.Read(args[0])
		if err != nil {
			return usage(err)
		}
		c, err := compiler.Import(cmd.Context(), model)
		if err != nil {
			return usage(err)
		}
		topology, notes, err := shapes.FromGraph(c.Network.Graph)
		if err != nil {
			return usagef("%s: %w", args[0], err)
		}
		if err := writeFile(output, func(w io.Writer) error { return shapes.Write(w, topology) }); err != nil {
			return err
		}
		for _, note := range notes {
			t.note("%s", note)
		}
		t.note("%d layers written to %s", len(topology.Layers), output)
		return nil
	}
	return cmd
}
