package compare_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/npusim/npusim/configs/strict"
	"github.com/npusim/npusim/reports"
	"github.com/npusim/npusim/reports/compare"
)

func summary(t testing.TB) string {
	t.Helper()
	var b bytes.Buffer
	if err := reports.WriteJSON(&b, consistent(result([]string{"x", "y"}, []int64{1, 2}))); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestStrict: what decoding lets pass is refused, with file and key.
func TestStrict(t *testing.T) {
	valid := summary(t)
	for _, c := range []struct{ old, new, want string }{
		{`"cycles": 3`, `"cylces": 3`, `unknown key "timing.cylces"; did you mean cycles?`},
		{`"cycles": 3`, `"Cycles": 3`, `unknown key "timing.Cycles"; did you mean cycles?`},
		{`"cycles": 3`, `"cycles": 3, "cycles": 4`, `key "timing.cycles" stands there twice`},
		{`"cycles": 3,`, ``, `key "timing.cycles" is missing`},
		{`"cycles": 3`, `"cycles": null`, `key "timing.cycles" is null`},
		{`"cycles": 3`, `"cycles": "3"`, `key "timing.cycles": a JSON string`},
		{`"cycles": 3`, `"cycles": -3`, `key "timing.cycles" is -3, must be 0 to 2^53`},
		{`"cycles": 3`, `"cycles": 4`, `the file was changed after the run`},
		{`"schema": 1`, `"schema": 2`, "schema is 2, this program reads schema 1"},
		{`      "op": "Conv",`, ``, `key "layers[].op" is missing in 1 of 2 places`},
		{`"busy": 3`, `"busy": 3, "idle": 1`, `unknown key "stalls.mac.idle"`},
		{`"weights": 1000`, `"weights": 1000, "weights": 1`, `key "dram.bytes_by_class.weights" stands there twice`},
	} {
		text := strings.Replace(valid, c.old, c.new, 1)
		if text == valid {
			t.Fatalf("%s is not in the summary", c.old)
		}
		path := filepath.Join(t.TempDir(), "summary.json")
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		_, err := compare.Read(path, strict.Nearest)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), path) {
			t.Errorf("%s: error %v, want %q with the file", c.new, err, c.want)
		}
	}
}

// TestOlder: a key that a summary has nowhere is absent, not 0.
func TestOlder(t *testing.T) {
	text := summary(t)
	for _, key := range []string{`"mac_utilization": 0`, `"compulsory_bytes": 0`} {
		i := strings.Index(text, key)
		if i < 0 {
			t.Fatalf("%s is not in the summary", key)
		}
		before := strings.TrimRight(text[:i], " \n")
		rest := text[i+len(key):]
		if strings.HasPrefix(rest, ",") {
			rest = rest[1:]
		} else {
			before = strings.TrimSuffix(before, ",")
		}
		text = before + rest
	}
	path := filepath.Join(t.TempDir(), "summary.json")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	list, err := compare.Load([]string{path, path}, strict.Nearest)
	if err != nil {
		t.Fatal(err)
	}
	g, err := compare.ParseGate("dram.compulsory_bytes > 1")
	if err != nil {
		t.Fatal(err)
	}
	if err := compare.New(list).Judge([]compare.Gate{g}, strict.Nearest); err == nil || !strings.Contains(err.Error(), "is absent") {
		t.Errorf("error %v, want that the key is absent", err)
	}
}

// FuzzRead: whatever a file holds, reading ends with a report that can be
// rendered or with an error that names the file.
func FuzzRead(f *testing.F) {
	valid := summary(f)
	for _, seed := range []string{valid, "", "{}", "[]", "null", `{"schema":1}`, strings.Repeat("[", 2000), strings.Replace(valid, "layers", "layer", 1),
		strings.Replace(valid, `"x"`, `"]["`, 1), valid[:len(valid)/2]} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		path := filepath.Join(t.TempDir(), "summary.json")
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		list, err := compare.Load([]string{path, path}, strict.Nearest)
		if err != nil {
			if !strings.Contains(err.Error(), path) {
				t.Errorf("the error does not name the file: %v", err)
			}
			return
		}
		var out bytes.Buffer
		c := compare.New(list)
		for _, write := range []func() error{
			func() error { return compare.WriteJSON(&out, c) },
			func() error { return compare.WriteCSV(&out, c) },
			func() error { return compare.WriteHTML(&out, c) },
			func() error { return compare.WriteText(&out, c, reports.Style{}) },
		} {
			if err := write(); err != nil {
				t.Error(err)
			}
		}
	})
}

// FuzzGate: no text of a gate does more than fail.
func FuzzGate(f *testing.F) {
	for _, seed := range []string{"timing.cycles > +2%", "layers[x].cycles<1", "layers[x]>1", "a..b == .5", "[]>=1", "layers[]].cycles != 1e9", "stalls.mac.busy > 1"} {
		f.Add(seed)
	}
	path := filepath.Join(f.TempDir(), "summary.json")
	if err := os.WriteFile(path, []byte(summary(f)), 0o644); err != nil {
		f.Fatal(err)
	}
	list, err := compare.Load([]string{path, path}, strict.Nearest)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		g, err := compare.ParseGate(text)
		if err != nil {
			return
		}
		c := compare.New(list)
		if c.Judge([]compare.Gate{g}, strict.Nearest) == nil && len(c.Verdicts) != 1 {
			t.Errorf("%q: %d verdicts", text, len(c.Verdicts))
		}
	})
}
