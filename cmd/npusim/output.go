package main

import (
	"bufio"
	"errors"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
)

// addOutput adds -o, --output.
func addOutput(cmd *cobra.Command, path *string, meaning, extension string) {
	cmd.Flags().StringVarP(path, "output", "o", "", meaning)
	complete(cmd, "output", cobra.FixedCompletions([]string{extension}, cobra.ShellCompDirectiveFilterFileExt))
}

// checkOutput refuses, before any work, an output that cannot be written or
// that would replace the input.
func checkOutput(output, input string) error {
	if output == "" {
		return usagef("--output: the name of a file is missing")
	}
	folder, err := os.Stat(filepath.Dir(output))
	if err != nil {
		return usagef("--output %s: %w", output, err)
	}
	if !folder.IsDir() {
		return usagef("--output %s: %s is not a directory", output, filepath.Dir(output))
	}
	info, err := os.Stat(output)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return usagef("--output %s: %w", output, err)
	}
	if !info.Mode().IsRegular() {
		return usagef("--output %s: it exists and is not a regular file", output)
	}
	if in, err := os.Stat(input); err == nil && os.SameFile(in, info) {
		return usagef("--output %s: this is the input", output)
	}
	return nil
}

// writeFile writes a file that appears whole or not at all.
func writeFile(path string, write func(w io.Writer) error) (err error) {
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
