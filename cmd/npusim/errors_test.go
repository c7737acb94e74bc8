package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestPlain(t *testing.T) {
	missing := &fs.PathError{Op: "stat", Path: "a.toml", Err: syscall.ENOENT}
	denied := &fs.PathError{Op: "open", Path: "b.toml", Err: syscall.EACCES}
	for _, c := range []struct {
		err  error
		want string
	}{
		{errors.New("stat of the art"), "stat of the art"},
		{missing, "a.toml: no such file"},
		{fmt.Errorf("set: %w", missing), "set: a.toml: no such file"},
		{fmt.Errorf("%w, then %w", missing, denied), "a.toml: no such file, then b.toml: permission denied"},
		{&os.LinkError{Op: "rename", Old: "x.123.tmp", New: "x", Err: syscall.EPERM}, "x: operation not permitted"},
		{errors.New("m.onnx: cannot be read: no such file or directory"), "m.onnx: no such file"},
	} {
		if got := plain(c.err); got != c.want {
			t.Errorf("plain(%v) = %q, want %q", c.err, got, c.want)
		}
	}
}

// TestWriteFileErrors name the file that was asked for and leave no other one.
func TestWriteFileErrors(t *testing.T) {
	folder := t.TempDir()
	nothing := func(io.Writer) error { return nil }
	fails := func(io.Writer) error { return errors.New("no more ink") }
	if err := os.MkdirAll(filepath.Join(folder, "taken", "x"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		write func(io.Writer) error
		want  string
	}{
		{"absent/a.npu", nothing, "cannot be written: "},
		{"taken", nothing, "cannot be written: "},
		{"a.npu", fails, "no more ink"},
	} {
		path := filepath.Join(folder, filepath.FromSlash(c.name))
		err := writeFile(path, c.write)
		if err == nil || !strings.HasPrefix(err.Error(), path+": ") || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), ".tmp") {
			t.Errorf("%s: error %v", c.name, err)
		}
	}
	if entries, err := os.ReadDir(folder); err != nil || len(entries) != 1 {
		t.Errorf("the folder holds %v, %v", entries, err)
	}
}
