package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/npusim/npusim/isa"
)

// maxAssemblyBytes bounds the text that is read: a program with 512 MiB of
// weights in base64 stays below it.
const maxAssemblyBytes = 1 << 30

func newAsm() *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use:   "asm FILE.npuasm -o PROGRAM.npu",
		Short: "Assemble the text form of a program",
		Long: `Assemble the text form of a program, as npusim disasm prints it. Assembling what
was disassembled gives the same program byte for byte. The form is checked here;
that a program cannot deadlock or leave its memories is proven when it runs.`,
		Example: `  npusim compile testdata/glyphs/glyphs.onnx --data testdata/glyphs/glyphs.toml -o glyphs.npu
  npusim disasm glyphs.npu -o glyphs.npuasm
  npusim asm glyphs.npuasm -o again.npu`,
		Args:              oneArgument("FILE.npuasm"),
		ValidArgsFunction: files("npuasm"),
	}
	addOutput(cmd, &output, "program `file` to write (required)", "npu")
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		if err := checkProgramOutput(output, args[0]); err != nil {
			return err
		}
		text, err := readText(args[0])
		if err != nil {
			return usage(err)
		}
		program, err := isa.Assemble(text, args[0])
		if err != nil {
			return usage(onlyHeader(err))
		}
		return writeProgram(output, program)
	}
	return cmd
}

// onlyHeader leaves of the faults of a text that does not begin as a program
// the one that says so: the others follow from it.
func onlyHeader(err error) error {
	var faults *isa.AssemblyError
	if errors.As(err, &faults) && len(faults.Faults) > 1 && strings.HasPrefix(faults.Faults[0].Rule, "the text must start with ") {
		return &isa.AssemblyError{File: faults.File, Faults: faults.Faults[:1]}
	}
	return err
}

// readText reads a text file of bounded size.
func readText(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxAssemblyBytes+1))
	if err != nil {
		return "", err
	}
	if len(data) > maxAssemblyBytes {
		return "", fmt.Errorf("%s: larger than %d bytes", path, maxAssemblyBytes)
	}
	return string(data), nil
}
