// Package verify runs the float reference on ONNX test cases and compares.
//
// A test case is a folder with one model and one or more test sets, in the
// layout of the ONNX backend tests and of the ONNX model zoo:
//
//	model.onnx
//	test_data_set_0/input_0.pb  input_1.pb ...  output_0.pb ...
//
// Inputs stand in the order of the graph inputs that no initializer provides,
// outputs in the order of the graph outputs.
//
// Compared are all elements of all outputs, with the tolerance that the ONNX
// backend tests use: |got - want| <= 1e-7 + 1e-3*|want|; NaN equals NaN, an
// infinity the same infinity; shapes, integers and booleans must be the same.
// Every test set gets its own import: inputs that are not float32, and inputs
// that an operator takes as an operand known at compile time (the shape of a
// Reshape, the bounds of a Clip), become constants of the graph with the
// values of the test set. So a case of shape arithmetic may fold altogether.
//
// A case is unsupported if its model, or the type of its data, is outside of
// what package ops supports; it has failed if a result differs, or if a file
// is broken.
package verify

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/npusim/npusim/compiler/onnx"
	"github.com/npusim/npusim/compiler/ops"
)

// Tolerances of the ONNX backend tests.
const (
	RelativeTolerance = 1e-3
	AbsoluteTolerance = 1e-7
)

// Status is how a case ended.
type Status string

// Statuses.
const (
	Passed      Status = "passed"
	Failed      Status = "failed"
	Unsupported Status = "unsupported"
)

// Case is one test case. Name is its folder relative to the searched one, with
// slashes; Detail is why it did not pass.
type Case struct {
	Name   string `json:"name"`
	Status Status `json:"status"`
	Detail string `json:"detail"`
}

// Report is the result of a run, cases in order of their names.
type Report struct {
	Passed      int    `json:"passed"`
	Failed      int    `json:"failed"`
	Unsupported int    `json:"unsupported"`
	Cases       []Case `json:"cases"`
}

// Run verifies one model against the test sets beside it, or all test cases in
// a folder and below. It is an error if there is none.
func Run(path string) (Report, error) {
	info, err := os.Stat(path)
	if err != nil {
		return Report{}, err
	}
	var report Report
	if !info.IsDir() {
		sets, err := testSets(filepath.Dir(path))
		if err != nil {
			return Report{}, err
		}
		if len(sets) == 0 {
			return Report{}, fmt.Errorf("%s: no test_data_set_* folder beside the model", path)
		}
		absolute, err := filepath.Abs(path)
		if err != nil {
			return Report{}, err
		}
		report.add(runCase(filepath.Base(filepath.Dir(absolute)), path, sets))
		return report, nil
	}
	cases, err := findCases(path)
	if err != nil {
		return Report{}, err
	}
	if len(cases) == 0 {
		return Report{}, fmt.Errorf("%s: no test case found: a case is a folder with one .onnx file and test_data_set_* folders", path)
	}
	for _, c := range cases {
		report.add(runCase(c.name, c.model, c.sets))
	}
	return report, nil
}

func (r *Report) add(c Case) {
	r.Cases = append(r.Cases, c)
	switch c.Status {
	case Passed:
		r.Passed++
	case Failed:
		r.Failed++
	case Unsupported:
		r.Unsupported++
	}
}

// String is the text form: cases that did not pass, then the counts.
func (r Report) String() string {
	var b strings.Builder
	for _, c := range r.Cases {
		if c.Status != Passed {
			fmt.Fprintf(&b, "%-11s %s: %s\n", c.Status, c.Name, c.Detail)
		}
	}
	fmt.Fprintf(&b, "%d passed, %d failed, %d unsupported\n", r.Passed, r.Failed, r.Unsupported)
	return b.String()
}

// testCase is a folder to verify.
type testCase struct {
	name, model string
	sets        []string
}

// findCases walks a folder; cases come by name. Symbolic links are not followed.
func findCases(root string) ([]testCase, error) {
	var cases []testCase
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.IsDir() {
			return err
		}
		sets, err := testSets(path)
		if err != nil || len(sets) == 0 {
			return err
		}
		models, err := filepath.Glob(filepath.Join(escape(path), "*.onnx"))
		if err != nil || len(models) == 0 {
			return err
		}
		model := models[0]
		if preferred := filepath.Join(path, "model.onnx"); slices.Contains(models, preferred) {
			model = preferred
		} else if len(models) > 1 {
			return fmt.Errorf("%s: %d .onnx files beside the test sets and none is model.onnx", path, len(models))
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		if name == "." {
			if absolute, err := filepath.Abs(path); err == nil {
				name = filepath.Base(absolute)
			}
		}
		cases = append(cases, testCase{name: filepath.ToSlash(name), model: model, sets: sets})
		return filepath.SkipDir
	})
	slices.SortFunc(cases, func(a, b testCase) int { return strings.Compare(a.name, b.name) })
	return cases, err
}

// testSets lists the test_data_set_* folders in a folder, by number.
func testSets(folder string) ([]string, error) {
	return numbered(folder, "test_data_set_", "")
}

// runCase verifies one model against its test sets.
func runCase(name, path string, sets []string) Case {
	c := Case{Name: name, Status: Passed}
	fail := func(err error, set string) Case {
		var unsupported *ops.UnsupportedError
		c.Status, c.Detail = Failed, err.Error()
		if errors.As(err, &unsupported) {
			c.Status = Unsupported
		} else if set != "" {
			c.Detail = filepath.Base(set) + ": " + c.Detail
		}
		return c
	}
	model, err := onnx.Read(path)
	if err != nil {
		return fail(err, "")
	}
	if err := ops.Check(model); err != nil {
		return fail(err, "")
	}
	for _, set := range sets {
		if err := runSet(model, set); err != nil {
			return fail(err, set)
		}
	}
	return c
}

// escape makes Glob take a path literally.
func escape(path string) string {
	var b strings.Builder
	for _, r := range path {
		if strings.ContainsRune(`*?[\`, r) && filepath.Separator == '/' {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}
