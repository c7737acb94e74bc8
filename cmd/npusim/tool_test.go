package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/npusim/npusim/configs"
	"github.com/npusim/npusim/configs/strict"
	"github.com/npusim/npusim/npu/evaluate"
)

func TestExitStatus(t *testing.T) {
	boom := errors.New("boom")
	for _, c := range []struct {
		name    string
		running bool
		err     error
		status  int
		message string
	}{
		{"done", true, nil, exitDone, ""},
		{"failed", true, boom, exitFailed, "npusim run: boom\n"},
		{"command line", false, boom, exitUsage, "npusim run: boom\n"},
		{"our usage", true, fmt.Errorf("more: %w", usage(boom)), exitUsage, "npusim run: more: boom\n"},
		{"their usage", true, fmt.Errorf("more: %w", &evaluate.UsageError{Err: boom}), exitUsage, "npusim run: more: boom\n"},
		{"interrupted", true, fmt.Errorf("layer 3: %w", context.Canceled), exitInterrupted, "npusim run: interrupted\n"},
		{"faults", true, usage(strict.Faults{{File: "a.toml", Line: 1, Rule: "x"}, {File: "a.toml", Line: 22, Rule: "y"}}), exitUsage,
			"npusim run: 2 faults:\n  a.toml:1     x\n  a.toml:22    y\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var stderr strings.Builder
			tool := &tool{command: "npusim run", running: c.running}
			if status := tool.guard(&stderr, func() error { return c.err }); status != c.status {
				t.Errorf("status %d, want %d", status, c.status)
			}
			if stderr.String() != c.message {
				t.Errorf("message %q, want %q", stderr.String(), c.message)
			}
		})
	}
}

// TestPanic: a panic is an internal error with its stage, the version and the
// stack, and never counts as the user's.
func TestPanic(t *testing.T) {
	var stderr strings.Builder
	tool := &tool{command: "npusim run", running: true}
	tool.progress.start(true, false)
	status := tool.guard(&stderr, func() error {
		tool.progress.report("execute", 1, 10)
		var list []int
		_ = list[len(stderr.String())]
		return nil
	})
	if status != exitFailed {
		t.Errorf("status %d, want %d", status, exitFailed)
	}
	for _, want := range []string{
		"npusim run: internal error in stage execute: ", "index out of range", "Please report it", "kernels integer ", "tool_test.go:",
	} {
		if !strings.Contains(stderr.String(), want) {
			t.Errorf("message has no %q:\n%s", want, stderr.String())
		}
	}
}

// TestVerbs: every verb explains itself and has an example.
func TestVerbs(t *testing.T) {
	const want = "run explore compile asm disasm verify dram encode configs ops export-shapes report compare explain completion version help"
	var names []string
	root := newRoot(&tool{})
	root.InitDefaultHelpCmd()
	if root.Example == "" {
		t.Error("npusim --help has no example")
	}
	for _, verb := range root.Commands() {
		if verb.HasSubCommands() {
			t.Errorf("%s has verbs of its own, which this test does not see", verb.Name())
		}
		names = append(names, verb.Name())
		if verb.Short == "" || verb.Long == "" || verb.Example == "" || verb.RunE == nil || verb.Args == nil {
			t.Errorf("%s lacks a part", verb.Name())
		}
		if strings.HasSuffix(verb.Short, ".") {
			t.Errorf("%s: the short description ends with a full stop", verb.Name())
		}
		for line := range strings.Lines(verb.Long + "\n" + verb.Example) {
			if len(line) > 105 {
				t.Errorf("%s: line of %d characters: %s", verb.Name(), len(line), line)
			}
		}
	}
	if got := strings.Join(names, " "); got != want {
		t.Errorf("verbs are %s, want %s", got, want)
	}
}

// TestSettingsCompletion: keys are completed by their beginning, and every
// value that is completed is valid.
func TestSettingsCompletion(t *testing.T) {
	completed := 0
	keys, directive := settings(nil, nil, "quantization.calib")
	if len(keys) != 1 || !strings.HasPrefix(keys[0], "quantization.calibration=\t") {
		t.Errorf("quantization.calib is completed to %q", keys)
	}
	if directive&cobra.ShellCompDirectiveNoSpace == 0 {
		t.Error("a space follows the key")
	}
	keys, _ = settings(nil, nil, "")
	for _, key := range keys {
		key, _, _ = strings.Cut(key, "\t")
		values, _ := settings(nil, nil, key)
		if key == "dram.controller=" { // whose keys are completed first
			var inner []string
			for _, begin := range values {
				begin, _, _ = strings.Cut(begin, "\t")
				more, _ := settings(nil, nil, begin)
				inner = append(inner, more...)
			}
			values = inner
		}
		for _, value := range values {
			value, _, _ = strings.Cut(value, "\t")
			completed++
			sets := []string{value}
			if value == "quantization.weights=per-channel" {
				sets = append(sets, "mac_array.per_channel_multiplier=true")
			}
			if value == "quantization.solver=ternary" {
				sets = append(sets, "quantization.planes=2")
			}
			if value == "compression.mask_format=low-rank" {
				sets = append(sets, "compression.pruning=low-rank")
			}
			if strings.HasPrefix(value, "dram.preset=") {
				sets = append(sets, "dma.request_bytes=256") // a multiple of every burst
			}
			if _, err := configs.Load(defaultConfig, sets); err != nil {
				t.Errorf("%s: %v", value, err)
			}
		}
	}
	if completed < 60 {
		t.Errorf("only %d values are completed", completed)
	}
}
