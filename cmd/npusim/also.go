package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/npusim/npusim/compiler/onnx"
	"github.com/npusim/npusim/npu/evaluate"
	"github.com/npusim/npusim/reports"
	"github.com/npusim/npusim/reports/interoperability"
)

// Forms of other tools that a run also writes.
const (
	scaleSimForm = "scalesim"
	velaForm     = "vela"
	onnxForm     = "onnx"
)

var alsoForms = []string{scaleSimForm, velaForm, onnxForm}

// annotatedFile is the copy of the model in a report directory.
const annotatedFile = "annotated.onnx"

// also is what --also asks for.
type also struct{ forms []string }

func (a *also) register(cmd *cobra.Command) {
	cmd.Flags().StringSliceVar(&a.forms, "also", nil, "write the `forms` of other tools into the report directory: scalesim, vela, onnx")
	complete(cmd, "also", cobra.FixedCompletions(alsoForms, cobra.ShellCompDirectiveNoFileComp))
}

func (a *also) asks(form string) bool { return slices.Contains(a.forms, form) }

// check refuses, before any work, what cannot be written.
func (a *also) check(folder, model string) error {
	for _, form := range a.forms {
		if !slices.Contains(alsoForms, form) {
			return usagef("--also %s: must be of %s, separated by commas", form, strings.Join(alsoForms, ", "))
		}
	}
	if len(a.forms) > 0 && folder == "" {
		return usagef("--also needs --out: the files are written into the report directory")
	}
	if !a.asks(onnxForm) {
		return nil
	}
	if !strings.EqualFold(filepath.Ext(model), ".onnx") {
		return usagef("--also onnx: %s is no ONNX model that could be annotated", model)
	}
	data, err := os.ReadFile(model)
	if err != nil {
		return nil // the run says so
	}
	if _, err := onnx.Read(model); err != nil {
		return nil // the run says so
	}
	if _, err := annotate(data, model, nil); err != nil {
		return usagef("--also onnx: %w", err)
	}
	return nil
}

// write writes what is asked for, and removes what an earlier run wrote of the
// other forms.
func (a *also) write(folder, model string, r *evaluate.Result) error {
	if err := a.files(scaleSimForm, filepath.Join(folder, "scalesim"), interoperability.ScaleSimFiles, r); err != nil {
		return err
	}
	if err := a.files(velaForm, filepath.Join(folder, "vela"), interoperability.VelaFiles(r), r); err != nil {
		return err
	}
	path := filepath.Join(folder, annotatedFile)
	if !a.asks(onnxForm) {
		return remove(path)
	}
	data, err := os.ReadFile(model)
	if err != nil {
		return err
	}
	if hash := sha256.Sum256(data); hex.EncodeToString(hash[:]) != r.Model.SHA256 {
		return fmt.Errorf("%s has changed during the run: no annotated copy is written", model)
	}
	copied, err := annotate(data, model, interoperability.NodeProperties(r))
	if err != nil {
		return err
	}
	return writeFile(path, func(w io.Writer) error {
		_, err := io.Copy(w, bytes.NewReader(copied))
		return err
	})
}

// files writes the files of a form into a folder, or removes them.
func (a *also) files(form, folder string, files []interoperability.File, r *evaluate.Result) error {
	if err := removeEarlier(folder, files, a.asks(form)); err != nil {
		return err
	}
	if !a.asks(form) {
		_ = os.Remove(folder) // only if it is empty
		return nil
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return fmt.Errorf("report directory: %w", err)
	}
	for _, f := range files {
		if err := writeFile(filepath.Join(folder, f.Name), func(w io.Writer) error { return f.Write(w, r) }); err != nil {
			return err
		}
	}
	return nil
}

// removeEarlier removes what an earlier run wrote into a folder: files of the
// same names, unless they are replaced, and those of other networks and
// configurations, which end as one of them does.
func removeEarlier(folder string, files []interoperability.File, replaced bool) error {
	entries, err := os.ReadDir(folder)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("report directory: %w", err)
	}
	for _, entry := range entries {
		for _, f := range files {
			same := entry.Name() == f.Name
			ours := same || f.Pattern != "" && matches(f.Pattern, entry.Name())
			if !ours || same && replaced || entry.IsDir() {
				continue
			}
			if err := remove(filepath.Join(folder, entry.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

// matches tells whether a name has the form of a pattern that is valid.
func matches(pattern, name string) bool {
	ok, _ := filepath.Match(pattern, name)
	return ok
}

// remove removes a file if it is there.
func remove(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s of an earlier run: %w", path, reports.WithoutPath(err))
	}
	return nil
}

// annotate puts properties at the nodes of a model. Names that several nodes
// have say nothing of any of them.
func annotate(data []byte, model string, properties map[string][]interoperability.Property) ([]byte, error) {
	named := map[string]int{}
	return onnx.Annotate(data, model, interoperability.PropertyPrefix, func(index int, n *onnx.Node) []onnx.Property {
		name := n.Name
		for _, output := range n.Outputs {
			if name == "" {
				name = output
			}
		}
		if named[name]++; named[name] > 1 {
			return nil
		}
		var list []onnx.Property
		for _, p := range properties[name] {
			list = append(list, onnx.Property(p))
		}
		return list
	})
}
