package main

import (
	"io"

	"github.com/spf13/cobra"

	"github.com/npusim/npusim/isa"
)

func newDisasm() *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use:   "disasm PROGRAM.npu [-o FILE.npuasm]",
		Short: "Print the text form of a program",
		Long: `Print the text form of a program: all tables, the code of each unit, and the
weights in base64. npusim asm turns it back into the same file.`,
		Example: `  npusim compile testdata/glyphs/glyphs.onnx --data testdata/glyphs/glyphs.toml -o glyphs.npu
  npusim disasm glyphs.npu
  npusim disasm glyphs.npu -o glyphs.npuasm`,
		Args:              oneArgument("PROGRAM.npu"),
		ValidArgsFunction: files("npu"),
	}
	addOutput(cmd, &output, "`file` to write instead of standard output", "npuasm")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		toFile := cmd.Flags().Changed("output")
		if toFile {
			if err := checkOutput(output, args[0]); err != nil {
				return err
			}
		}
		program, err := isa.ReadFile(args[0])
		if err != nil {
			return usage(err)
		}
		write := func(w io.Writer) error { return isa.Disassemble(w, program) }
		if toFile {
			return writeFile(output, write)
		}
		return answer(write)
	}
	return cmd
}
