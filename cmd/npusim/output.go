package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/npusim/npusim/isa"
	"github.com/npusim/npusim/reports"
)

// addOutput adds -o, --output.
func addOutput(cmd *cobra.Command, path *string, meaning, extension string) {
	cmd.Flags().StringVarP(path, "output", "o", "", meaning)
	complete(cmd, "output", cobra.FixedCompletions([]string{extension}, cobra.ShellCompDirectiveFilterFileExt))
}

// checkProgramOutput refuses, before any work, the absence of an output
// program, one that npusim run would not take, and what checkOutput refuses.
func checkProgramOutput(output, input string) error {
	if output == "" {
		return usagef("needs -o PROGRAM.npu")
	}
	if !strings.EqualFold(filepath.Ext(output), ".npu") {
		return usagef("--output %s: the name of a program ends in .npu", output)
	}
	return checkOutput(output, input)
}

// writeProgram encodes a program into a file, which appears whole or not at
// all.
func writeProgram(path string, p *isa.Program) error {
	data, err := p.Encode()
	if err != nil {
		return err
	}
	return writeFile(path, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
}

// checkOutput refuses, before any work, an output that cannot be written or
// that would replace the input.
func checkOutput(output, input string) error {
	if output == "" {
		return usagef("--output: the name of a file is missing")
	}
	folder, err := os.Stat(filepath.Dir(output))
	if err != nil {
		return usagef("--output %s: folder %s: %w", output, filepath.Dir(output), reports.WithoutPath(err))
	}
	if !folder.IsDir() {
		return usagef("--output %s: %s is not a directory", output, filepath.Dir(output))
	}
	info, err := os.Stat(output)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return usagef("--output %s: %w", output, reports.WithoutPath(err))
	}
	if !info.Mode().IsRegular() {
		return usagef("--output %s: it exists and is not a regular file", output)
	}
	if in, err := os.Stat(input); err == nil && os.SameFile(in, info) {
		return usagef("--output %s: this is the input", output)
	}
	return nil
}

// writeFile writes a file that appears whole or not at all. Errors name it, not
// the temporary file beside it.
func writeFile(path string, write func(w io.Writer) error) error {
	if err := writeTemporary(path, write); err != nil {
		return fmt.Errorf("%s: cannot be written: %w", path, reports.WithoutPath(err))
	}
	return nil
}

func writeTemporary(path string, write func(w io.Writer) error) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*.tmp")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	b := bufio.NewWriter(f)
	if err = write(b); err == nil {
		err = b.Flush()
	}
	if err == nil {
		err = f.Chmod(0o644) // temporary files are private
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
