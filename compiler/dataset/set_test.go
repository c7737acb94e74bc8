package dataset

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// writeFiles fills a new folder. Values are text, []byte or *Array (as .npy).
func writeFiles(t testing.TB, files map[string]any) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		var err error
		switch content := content.(type) {
		case string:
			err = os.WriteFile(path, []byte(content), 0o644)
		case []byte:
			err = os.WriteFile(path, content, 0o644)
		case *Array:
			err = WriteNPY(path, content)
		default:
			t.Fatalf("%s: content of type %T", name, content)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// counting makes an array whose elements count up from start.
func counting(t testing.TB, typ ElementType, start int64, shape ...int) *Array {
	t.Helper()
	n, _ := elementCount(shape, 1)
	values := make([]int64, n)
	floats := make([]float32, n)
	for i := range values {
		values[i] = start + int64(i)
		floats[i] = float32(values[i])
	}
	var a *Array
	var err error
	if typ == Float32 {
		a, err = FromFloats(shape, floats)
	} else {
		a, err = FromInts(shape, typ, values)
	}
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// openText opens a set whose description is text, with x.npy of 4 samples
// [2,3] and y.npy of 4 labels beside it, and more files if wanted.
func openText(t testing.TB, text string, more map[string]any) (*Set, error) {
	t.Helper()
	files := map[string]any{
		"set.toml": text,
		"x.npy":    counting(t, Uint8, 0, 4, 2, 3),
		"y.npy":    counting(t, Int64, 0, 4),
	}
	for name, content := range more {
		files[name] = content
	}
	set, err := Open(filepath.Join(writeFiles(t, files), "set.toml"))
	if err == nil {
		t.Cleanup(func() { set.Close() })
	}
	return set, err
}

func mustOpen(t testing.TB, text string, more map[string]any) *Set {
	t.Helper()
	set, err := openText(t, text, more)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func mustRead(t testing.TB, set *Set, shape []int, i int) []float32 {
	t.Helper()
	r, err := set.Reader(shape)
	if err != nil {
		t.Fatal(err)
	}
	dst := make([]float32, r.Elements())
	if err := r.Read(i, dst); err != nil {
		t.Fatal(err)
	}
	return dst
}

func TestSetDefaults(t *testing.T) {
	set := mustOpen(t, `inputs = "x.npy"`, nil)
	all := []int{0, 1, 2, 3}
	if set.Len() != 4 || !slices.Equal(set.Evaluation(), all) || !slices.Equal(set.Calibration(), all) {
		t.Errorf("%d samples, evaluation %v, calibration %v", set.Len(), set.Evaluation(), set.Calibration())
	}
	if _, ok := set.Label(0); ok || set.Metric() != None {
		t.Errorf("without labels: has a label %v, metric %v", ok, set.Metric())
	}
	if got, want := mustRead(t, set, []int{1, 2, 3}, 1), []float32{6, 7, 8, 9, 10, 11}; !slices.Equal(got, want) {
		t.Errorf("sample 1 is %v, want %v", got, want)
	}
}

func TestSetLabelsAndSlices(t *testing.T) {
	csvForms := map[string]string{
		"file,label": "file,label\na,3\nb,2\nc,1\nd,0\n",
		"label":      "label\n3\n2\n1\n0\n",
		"no header":  "3\n2\n1\n0\n",
		"both":       "a,3\r\nb,2\r\nc,1\r\n\r\nd,0",
	}
	for name, text := range csvForms {
		set := mustOpen(t, `
			inputs = "x.npy"
			labels = "y.csv"
			calibration = ":2"
			evaluation = "1:"`, map[string]any{"y.csv": text})
		for i := range 4 {
			if label, ok := set.Label(i); !ok || label != 3-i {
				t.Errorf("%s: label %d is %d (%v), want %d", name, i, label, ok, 3-i)
			}
		}
		if _, ok := set.Label(4); ok {
			t.Error("there is a label beyond the last sample")
		}
		if set.Metric() != Top1 {
			t.Errorf("metric %v, want top1 where there are labels", set.Metric())
		}
		if !slices.Equal(set.Calibration(), []int{0, 1}) || !slices.Equal(set.Evaluation(), []int{1, 2, 3}) {
			t.Errorf("calibration %v, evaluation %v", set.Calibration(), set.Evaluation())
		}
	}
}

func TestSetFromArchive(t *testing.T) {
	archive := zipFile(t, zipEntry{"images.npy", 8, smallNPY(5, 6)}, zipEntry{"classes.npy", 8, smallNPY(1, 0)})
	set := mustOpen(t, `
		inputs = "d.npz"
		key = "images"
		labels = "d.npz"
		labels_key = "classes"`, map[string]any{"d.npz": archive})
	if label, _ := set.Label(0); set.Len() != 2 || label != 1 {
		t.Errorf("%d samples, first label %d", set.Len(), label)
	}
	if got := mustRead(t, set, []int{1}, 1); got[0] != 6 {
		t.Errorf("sample 1 is %v, want 6", got)
	}
}

func TestOpenRefusesWhatIsNoFile(t *testing.T) {
	write := func(name string) string {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, []byte("data"), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for _, path := range []string{t.TempDir(), write("x.npy"), write("Y.CSV")} {
		if _, err := Open(path); !errors.Is(err, errData) || !strings.HasPrefix(err.Error(), path+": ") {
			t.Errorf("%s: error %v", path, err)
		}
	}
	if _, err := Open(filepath.Join(t.TempDir(), "none.npy")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("absent file: error %v", err)
	}
	big := filepath.Join(t.TempDir(), "big.toml")
	if err := os.WriteFile(big, make([]byte, maxDescriptionBytes+1), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(big); err == nil || !strings.Contains(err.Error(), "above the limit") {
		t.Errorf("large file: error %v", err)
	}
}

func TestSetWithSeveralInputs(t *testing.T) {
	set := mustOpen(t, `
		metric = "binary"
		reference = "y.npy"
		threshold = 0.25
		[[input]]
		name = "frames"
		file = "x.npy"
		scale = 2
		[[input]]
		name = "offset"
		zeros = true
		[[input]]
		name = "h"
		zeros = true
		state = true`, nil)
	if want := []string{"frames", "offset", "h"}; !slices.Equal(set.Inputs(), want) {
		t.Errorf("inputs %q, want %q", set.Inputs(), want)
	}
	if _, err := set.Reader([]int{1, 2, 3}); err == nil || !strings.Contains(err.Error(), `3 inputs ("frames", "offset", "h")`) {
		t.Errorf("one reader for several inputs: error %v", err)
	}
	for _, c := range []struct {
		name  string
		shape []int
		want  []float32
	}{{"frames", []int{1, 2, 3}, []float32{12, 14, 16, 18, 20, 22}}, {"offset", []int{2, 2}, []float32{0, 0, 0, 0}}} {
		r, err := set.ReaderFor(c.name, c.shape)
		if err != nil {
			t.Fatal(err)
		}
		dst := []float32{9, 9, 9, 9, 9, 9}[:r.Elements()]
		if err := r.Read(1, dst); err != nil || !slices.Equal(dst, c.want) {
			t.Errorf("%s: sample 1 is %v (%v), want %v", c.name, dst, err, c.want)
		}
	}
	if _, err := set.ReaderFor("h", []int{1, 1, 128}); err == nil || !strings.Contains(err.Error(), "not supported by this version") {
		t.Errorf("carried state: error %v", err)
	}
	if _, err := set.ReaderFor("g", []int{1}); err == nil || !strings.Contains(err.Error(), `no input "g"; there are "frames"`) {
		t.Errorf("unknown input: error %v", err)
	}
	if set.Metric() != Binary || set.Metric().Supported() == nil || NextToken.Supported() == nil {
		t.Errorf("metric %v, supported: %v", set.Metric(), set.Metric().Supported())
	}
	if Top1.Supported() != nil || None.Supported() != nil {
		t.Error("top1 and none must be supported")
	}
	if reference, threshold := set.Reference(); threshold != 0.25 || reference.Elements() != 4 {
		t.Errorf("reference %v at threshold %v", reference, threshold)
	}
}
