package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/npusim/npusim/memsim"
	"github.com/npusim/npusim/memsim/dram"
	"github.com/npusim/npusim/reports"
)

// dramTraces are the files that a run's DRAM requests go to, one a form. They
// grow under temporary names while the program is timed and appear whole, at
// the end.
type dramTraces struct {
	folder  string
	files   []*os.File
	writers []*dram.TraceWriter
	names   []string
}

// traceName is the file of a form in the report directory.
func traceName(form dram.TraceForm) string {
	return "dram_requests." + form.String() + ".trace"
}

// open makes the files, which are written to by what it returns.
func (t *dramTraces) open(memory *dram.Memory) (func(memsim.Picoseconds, memsim.Request), error) {
	if err := os.MkdirAll(t.folder, 0o755); err != nil {
		return nil, fmt.Errorf("report directory: %w", err)
	}
	for form := dram.TraceForm(1); int(form) < dram.NumTraceForms; form++ {
		name := filepath.Join(t.folder, traceName(form))
		f, err := os.CreateTemp(t.folder, "."+traceName(form)+".*.tmp")
		if err != nil {
			return nil, fmt.Errorf("%s: cannot be written: %w", name, reports.WithoutPath(err))
		}
		t.files, t.names = append(t.files, f), append(t.names, name)
		w, err := dram.NewTraceWriter(f, memory, form)
		if err != nil {
			return nil, err
		}
		t.writers = append(t.writers, w)
	}
	return func(at memsim.Picoseconds, r memsim.Request) {
		for _, w := range t.writers {
			w.Write(at, r)
		}
	}, nil
}

// finish gives the files their names.
func (t *dramTraces) finish() error {
	for i, f := range t.files {
		err := t.writers[i].Flush()
		if err == nil {
			err = f.Chmod(0o644) // temporary files are private
		}
		if err = errors.Join(err, f.Close()); err != nil {
			return fmt.Errorf("%s: cannot be written: %w", t.names[i], reports.WithoutPath(err))
		}
	}
	for i, f := range t.files {
		if err := os.Rename(f.Name(), t.names[i]); err != nil {
			return fmt.Errorf("%s: cannot be written: %w", t.names[i], reports.WithoutPath(err))
		}
	}
	t.files = nil
	return nil
}

// removeTraces removes the traces of an earlier run from a report directory.
func removeTraces(folder string) error {
	for form := dram.TraceForm(1); int(form) < dram.NumTraceForms; form++ {
		if err := os.Remove(filepath.Join(folder, traceName(form))); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("report directory %s: %w", folder, err)
		}
	}
	return nil
}

// discard removes what finish has not renamed.
func (t *dramTraces) discard() {
	for _, f := range t.files {
		_ = f.Close() // it may be closed already, and is going to be removed
		_ = os.Remove(f.Name())
	}
}
