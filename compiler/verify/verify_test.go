package verify_test

import (
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/npusim/npusim/compiler/onnx"
	"github.com/npusim/npusim/compiler/verify"
)

// The cases of the ONNX project in shared/data/onnx_node. Every case of a
// supported operator at opset 21 or below passes. Among the unsupported ones
// are operators that have no row, types other than float32, three spatial
// axes, training forms, and Gather, Max, Neg and the like on run-time data.
const (
	wantPassed      = 127
	wantUnsupported = 355
)

// TestONNXCases runs all cases of the ONNX project that are at hand.
func TestONNXCases(t *testing.T) {
	folder := os.Getenv("NPUSIM_DATA")
	if folder == "" {
		folder = filepath.Join("..", "..", "..", "shared", "data")
	}
	folder = filepath.Join(folder, "onnx_node")
	if _, err := os.Stat(folder); err != nil {
		t.Skipf("no ONNX test cases: %v; set NPUSIM_DATA to the folder of the data of others, which testdata/DATA.md describes", err)
	}
	report, err := verify.Run(folder)
	if err != nil {
		t.Fatal(err)
	}
	if report.Passed != wantPassed || report.Failed != 0 || report.Unsupported != wantUnsupported {
		t.Errorf("%d passed, %d failed, %d unsupported, want %d, 0, %d", report.Passed, report.Failed, report.Unsupported, wantPassed, wantUnsupported)
	}
	if !slices.IsSortedFunc(report.Cases, func(a, b verify.Case) int { return strings.Compare(a.Name, b.Name) }) {
		t.Error("the cases are not in the order of their names")
	}
	for _, c := range report.Cases {
		if c.Status == verify.Failed {
			t.Errorf("%s: %s", c.Name, c.Detail)
		}
		if c.Status == verify.Unsupported && !strings.Contains(c.Detail, "unsupported: ") {
			t.Errorf("%s is unsupported without a reason: %s", c.Name, c.Detail)
		}
	}
	again, err := verify.Run(folder)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(again.Cases, report.Cases) {
		t.Error("a second run gave another report")
	}
}

// write puts a protobuf message into a file.
func write(t *testing.T, path string, encode func(io.Writer) error) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := encode(f); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

func writeTensor(t *testing.T, path string, tensor onnx.Tensor) {
	t.Helper()
	write(t, path, func(w io.Writer) error { return onnx.WriteTensor(w, &tensor) })
}

// writeModel writes x of [N, 2] times 3, reshaped by the input "shape".
func writeModel(t *testing.T, path, operator string) {
	t.Helper()
	m := &onnx.Model{IRVersion: 8, Opsets: []onnx.Opset{{Version: 13}}, Graph: onnx.Graph{
		Inputs: []onnx.ValueInfo{
			{Name: "x", Type: onnx.Float, HasShape: true, Shape: []onnx.Dimension{{Parameter: "N"}, {Value: 2}}},
			{Name: "shape", Type: onnx.Int64, HasShape: true, Shape: []onnx.Dimension{{Value: 1}}},
		},
		Initializers: []onnx.Tensor{onnx.NewFloatTensor("three", nil, []float32{3})},
		Nodes: []onnx.Node{
			{OpType: operator, Inputs: []string{"x", "three"}, Outputs: []string{"product"}},
			{OpType: "Reshape", Inputs: []string{"product", "shape"}, Outputs: []string{"y"}},
		},
		Outputs: []onnx.ValueInfo{{Name: "y", Type: onnx.Float}, {Name: "shape", Type: onnx.Int64}},
	}}
	write(t, path, func(w io.Writer) error { return onnx.WriteModel(w, m) })
}

// writeSet writes inputs and expected outputs of one test set.
func writeSet(t *testing.T, folder string, x, y []float32) {
	t.Helper()
	writeTensor(t, filepath.Join(folder, "input_0.pb"), onnx.NewFloatTensor("x", []int64{int64(len(x) / 2), 2}, x))
	writeTensor(t, filepath.Join(folder, "input_1.pb"), onnx.NewIntTensor("shape", []int64{1}, []int64{int64(len(x))}))
	writeTensor(t, filepath.Join(folder, "output_0.pb"), onnx.NewFloatTensor("y", []int64{int64(len(y))}, y))
	writeTensor(t, filepath.Join(folder, "output_1.pb"), onnx.NewIntTensor("shape", []int64{1}, []int64{int64(len(x))}))
}

func TestRun(t *testing.T) {
	root := t.TempDir()
	in := func(parts ...string) string { return filepath.Join(append([]string{root}, parts...)...) }
	// Two sets of different batches, numbered past 9, in a nested folder.
	writeModel(t, in("b", "good", "anything.onnx"), "Mul")
	writeSet(t, in("b", "good", "test_data_set_2"), []float32{1, 2}, []float32{3, 6})
	writeSet(t, in("b", "good", "test_data_set_10"), []float32{1, 2, 3, 4}, []float32{3, 6, 9, 12.01}) // within 1e-3
	writeModel(t, in("wrong", "model.onnx"), "Mul")
	writeModel(t, in("wrong", "other.onnx"), "Mul")
	writeSet(t, in("wrong", "test_data_set_0"), []float32{1, 2}, []float32{3, 6})
	writeSet(t, in("wrong", "test_data_set_1"), []float32{1, 2}, []float32{3.1, 6.1})
	writeModel(t, in("unknown", "model.onnx"), "Mod")
	writeSet(t, in("unknown", "test_data_set_0"), []float32{1, 2}, []float32{3, 6})
	writeModel(t, in("missing", "model.onnx"), "Mul")
	writeSet(t, in("missing", "test_data_set_0"), []float32{1, 2}, []float32{3, 6})
	if err := os.Remove(in("missing", "test_data_set_0", "input_1.pb")); err != nil {
		t.Fatal(err)
	}
	writeModel(t, in("nooutput", "model.onnx"), "Mul")
	writeSet(t, in("nooutput", "test_data_set_0"), []float32{1, 2}, []float32{3, 6})
	if err := os.Remove(in("nooutput", "test_data_set_0", "output_0.pb")); err != nil {
		t.Fatal(err)
	}
	writeModel(t, in("broken", "model.onnx"), "Mul")
	writeSet(t, in("broken", "test_data_set_0"), []float32{1, 2}, []float32{3, 6})
	if err := os.WriteFile(in("broken", "model.onnx"), []byte{0xff, 0xff}, 0o644); err != nil {
		t.Fatal(err)
	}
	writeModel(t, in("shape", "model.onnx"), "Mul")
	writeSet(t, in("shape", "test_data_set_0"), []float32{1, 2}, []float32{3, 6, 9})
	writeModel(t, in("nosets", "model.onnx"), "Mul")

	report, err := verify.Run(root)
	if err != nil {
		t.Fatal(err)
	}
	want := []struct {
		name, status, detail string
	}{
		{"b/good", "passed", ""},
		{"broken", "failed", "model.onnx"},
		{"missing", "failed", `no file input_1.pb for graph input "shape"`},
		{"nooutput", "failed", "there is no output_0.pb"},
		{"shape", "failed", "test_data_set_0: output 0, \"y\": shape [2], expected [3]"},
		{"unknown", "unsupported", `operator "Mod"`},
		{"wrong", "failed", `test_data_set_1: output 0, "y": 2 of 2 elements differ, first element 0: 3, expected 3.1`},
	}
	if len(report.Cases) != len(want) {
		t.Fatalf("%d cases, want %d: %v", len(report.Cases), len(want), report.Cases)
	}
	for i, c := range report.Cases {
		if c.Name != want[i].name || string(c.Status) != want[i].status || !strings.Contains(c.Detail, want[i].detail) {
			t.Errorf("case %+v, want %+v", c, want[i])
		}
	}
	if report.Passed != 1 || report.Failed != 5 || report.Unsupported != 1 {
		t.Errorf("counts %d, %d, %d", report.Passed, report.Failed, report.Unsupported)
	}
	if text := report.String(); !strings.HasSuffix(text, "1 passed, 5 failed, 1 unsupported\n") || strings.Contains(text, "b/good") || !strings.Contains(text, "unknown: ") {
		t.Errorf("text form:\n%s", text)
	}
	encoded, err := json.Marshal(report)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(string(encoded), `{"passed":1,"failed":5,"unsupported":1,"cases":[{"name":"b/good","status":"passed","detail":""},`) {
		t.Errorf("JSON form: %s", encoded)
	}

	one, err := verify.Run(in("wrong", "other.onnx"))
	if err != nil {
		t.Fatal(err)
	}
	if len(one.Cases) != 1 || one.Cases[0].Name != "wrong" || one.Failed != 1 {
		t.Errorf("one model: %+v", one)
	}
	own, err := verify.Run(in("b", "good"))
	if err != nil {
		t.Fatal(err)
	}
	if len(own.Cases) != 1 || own.Cases[0].Name != "good" || own.Passed != 1 {
		t.Errorf("a case folder itself: %+v", own)
	}
}

func TestRunRefuses(t *testing.T) {
	root := t.TempDir()
	writeModel(t, filepath.Join(root, "a", "model.onnx"), "Mul")
	writeModel(t, filepath.Join(root, "two", "x.onnx"), "Mul")
	writeModel(t, filepath.Join(root, "two", "y.onnx"), "Mul")
	writeSet(t, filepath.Join(root, "two", "test_data_set_0"), []float32{1, 2}, []float32{3, 6})
	for path, message := range map[string]string{
		filepath.Join(root, "a"):               "no test case found",
		filepath.Join(root, "a", "model.onnx"): "no test_data_set_* folder beside the model",
		filepath.Join(root, "gone"):            "gone",
		filepath.Join(root, "two"):             "2 .onnx files",
	} {
		if _, err := verify.Run(path); err == nil || !strings.Contains(err.Error(), message) {
			t.Errorf("%s: error %v, want %q", path, err, message)
		}
	}
}
