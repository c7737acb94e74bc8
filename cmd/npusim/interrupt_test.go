//go:build unix

package main

import (
	"bufio"
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestInterrupt: a signal during the execution ends a run with 128 plus its
// number, without an answer and without files.
func TestInterrupt(t *testing.T) {
	t.Setenv("GORACE", quickExit)
	for _, c := range []struct {
		signal syscall.Signal
		status int
	}{{syscall.SIGINT, 130}, {syscall.SIGTERM, 143}} {
		t.Run(c.signal.String(), func(t *testing.T) {
			folder := t.TempDir()
			// Far more samples than the test waits for.
			cmd := exec.Command("npusim", "run", "-v", filepath.Join(root, "testdata", "glyphs", "glyphs.onnx"),
				"--samples", "1000000", "--out", filepath.Join(folder, "report"))
			var stdout bytes.Buffer
			cmd.Stdout = &stdout
			stderr, err := cmd.StderrPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			var last string
			for lines := bufio.NewScanner(stderr); lines.Scan(); {
				last = lines.Text()
				if strings.Contains(last, "name=execute") {
					if err := cmd.Process.Signal(c.signal); err != nil {
						t.Fatal(err)
					}
				}
			}
			var exit *exec.ExitError
			if err := cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != c.status {
				t.Errorf("%v, want exit status %d", err, c.status)
			}
			if last != "npusim run: interrupted" {
				t.Errorf("last message %q", last)
			}
			if stdout.Len() > 0 {
				t.Errorf("standard output: %s", stdout.Bytes())
			}
			if entries, err := os.ReadDir(folder); err != nil || len(entries) > 0 {
				t.Errorf("left behind: %v, %v", entries, err)
			}
		})
	}
}
