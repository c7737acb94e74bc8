//go:build linux

package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// onTerminal runs npusim with a terminal for standard output and standard error
// and returns what they show.
func onTerminal(t *testing.T, folder string, environment []string, args ...string) string {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("no pseudo-terminal to test on, which a mounted /dev/pts gives: %v", err)
	}
	defer master.Close()
	if err := unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Skipf("no pseudo-terminal to test on, which a mounted /dev/pts gives: %v", err)
	}
	number, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Skipf("no pseudo-terminal to test on, which a mounted /dev/pts gives: %v", err)
	}
	slave, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("no pseudo-terminal to test on, which a mounted /dev/pts gives: %v", err)
	}
	defer slave.Close()
	cmd := exec.Command("npusim", args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = folder, slave, slave
	cmd.Env = append(append(os.Environ(), "NO_COLOR=", "CLICOLOR_FORCE=", "TERM=xterm", "GORACE="+quickExit), environment...)
	shown := make(chan string)
	go func() {
		var b bytes.Buffer
		_, _ = io.Copy(&b, master) // ends with an error when the last writer is gone
		shown <- b.String()
	}()
	err = cmd.Run()
	if closed := slave.Close(); closed != nil {
		t.Error(closed)
	}
	text := <-shown
	if err != nil {
		t.Errorf("npusim %s: %v\n%s", strings.Join(args, " "), err, text)
	}
	return text
}

// TestColour: every verb that prints headings or tables colours them on a
// terminal and where it is forced, and nowhere else; what is for programs never
// has any.
func TestColour(t *testing.T) {
	if testing.Short() {
		t.Skip("runs every verb four times; run without -short")
	}
	folder := t.TempDir()
	if err := setUp(folder); err != nil {
		t.Fatal(err)
	}
	const glyphs, bold = "testdata/glyphs/glyphs.onnx", "\x1b[1m"
	prepare := exec.Command("npusim", "run", glyphs, "--timing-only", "--quiet", "--out", "report")
	prepare.Dir = folder
	if out, err := prepare.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	type colourCase struct {
		line     string
		coloured bool
	}
	cases := []colourCase{
		{"run " + glyphs + " --timing-only", true},
		{"run " + glyphs + " --timing-only --format json", false},
		{"compile " + glyphs + " -o glyphs.npu", true},
		{"disasm glyphs.npu -o glyphs.npuasm", false},
		{"asm glyphs.npuasm -o again.npu", false},
		{"export-shapes " + glyphs + " -o glyphs.csv", false},
		{"verify testdata/cases", false},
		{"explore configs/sweeps/quick.toml --out explored", true},
		{"dram testdata/dram/triad.trc --dram ddr4-2400", true},
		{"encode --codec xor-block --n-in 8 --n-out 16 --random 2000 --sparsity 0.8", true},
		{"encode --codec xor-block --n-in 8 --n-out 16 --random 2000 --sweep sparsity=0.5:0.6:0.1", true},
		{"configs", true},
		{"configs edge", false},
		{"configs --schema", false},
		{"ops", true},
		{"report report", true},
		{"compare report report", true},
		{"compare report report --format json", false},
		{"explain", true},
		{"explain timing.cycles", true},
		{"explain timing.cycles --format json", false},
		{"completion bash", false},
		{"version", false},
		{"help run", false},
	}
	root := newRoot(&tool{})
	root.InitDefaultHelpCmd()
	for _, verb := range root.Commands() {
		if !slices.ContainsFunc(cases, func(c colourCase) bool { return strings.HasPrefix(c.line+" ", verb.Name()+" ") }) {
			t.Errorf("%s is not among the cases", verb.Name())
		}
	}
	for _, c := range cases {
		t.Run(strings.ReplaceAll(c.line, "/", "-"), func(t *testing.T) {
			args := strings.Fields(c.line)
			if text := onTerminal(t, folder, nil, args...); strings.Contains(text, bold) != c.coloured {
				t.Errorf("on a terminal: coloured %v, want %v:\n%.2000s", !c.coloured, c.coloured, text)
			}
			plains := [][]string{{"NO_COLOR=1", "CLICOLOR_FORCE=1"}, {"NO_COLOR=1"}, {"TERM=dumb"}}
			slow := strings.HasPrefix(c.line, "report ") // it draws all plots; its text is that of run
			if slow {
				plains = plains[:1]
			}
			for _, plain := range plains {
				if text := onTerminal(t, folder, plain, args...); strings.Contains(text, bold) {
					t.Errorf("%v: coloured all the same", plain)
				}
			}
			if slow {
				return
			}
			for force, coloured := range map[string]bool{"1": c.coloured, "0": false, "": false} {
				cmd := exec.Command("npusim", args...)
				cmd.Dir, cmd.Env = folder, append(os.Environ(), "NO_COLOR=", "CLICOLOR_FORCE="+force, "TERM=xterm")
				out, err := cmd.Output()
				if err != nil {
					t.Fatal(err)
				}
				if bytes.Contains(out, []byte(bold)) != coloured {
					t.Errorf("into a pipe, CLICOLOR_FORCE=%q: coloured %v, want %v", force, !coloured, coloured)
				}
			}
		})
	}
}

// TestNoProgressWithoutTerminal: standard error of a run into a file holds no
// status line.
func TestNoProgressWithoutTerminal(t *testing.T) {
	folder := t.TempDir()
	if err := setUp(folder); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("npusim", "run", "testdata/glyphs/glyphs.onnx", "--data", "testdata/glyphs/glyphs.toml", "--out", filepath.Join(folder, "out"))
	var stderr bytes.Buffer
	cmd.Dir, cmd.Stderr = folder, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	if strings.ContainsAny(stderr.String(), "\r\x1b") {
		t.Errorf("standard error has a status line: %q", stderr.String())
	}
}

// TestShellsTakeTheScripts: shells that are there find no fault in the
// completion scripts.
func TestShellsTakeTheScripts(t *testing.T) {
	tried := 0
	for _, shell := range []string{"bash", "zsh", "fish"} {
		path, err := exec.LookPath(shell)
		if err != nil {
			continue
		}
		tried++
		script, err := exec.Command("npusim", "completion", shell).Output()
		if err != nil {
			t.Fatal(err)
		}
		check := exec.Command(path, "-n")
		check.Stdin = bytes.NewReader(script)
		if out, err := check.CombinedOutput(); err != nil || len(out) > 0 {
			t.Errorf("%s -n: %v: %s", shell, err, out)
		}
	}
	if tried == 0 {
		t.Skip("none of bash, zsh, fish is there to complete in: install one (Debian packages of these names)")
	}
}
