package onnx

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// externalWire is a Float tensor of 2 elements with these external_data pairs.
func externalWire(pairs ...string) wire {
	w := tensorWire(Float, 2).varint(14, 1)
	for i := 0; i < len(pairs); i += 2 {
		w = w.bytes(13, wire(nil).text(1, pairs[i]).text(2, pairs[i+1]))
	}
	return w
}

// modelFolder makes dir/model/ with data files of 12 floats, the numbers from
// 0 on, inside and outside of it, and links to both.
func modelFolder(t *testing.T) string {
	t.Helper()
	base := t.TempDir()
	dir := filepath.Join(base, "model")
	var numbers []float32
	for i := range 12 {
		numbers = append(numbers, float32(i))
	}
	for _, d := range []string{dir, filepath.Join(dir, "sub")} {
		if err := os.Mkdir(d, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{filepath.Join(base, "outside.bin"), filepath.Join(dir, "w.bin"), filepath.Join(dir, "sub", "w.bin")} {
		if err := os.WriteFile(name, floatBytes(numbers...), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if runtime.GOOS != "windows" { // where links need privileges
		for link, target := range map[string]string{
			"escape.bin": filepath.Join("..", "outside.bin"), "absolute.bin": filepath.Join(base, "outside.bin"),
			"inside.bin": "w.bin", "up": "..",
		} {
			if err := os.Symlink(target, filepath.Join(dir, link)); err != nil {
				t.Fatal(err)
			}
		}
	}
	return dir
}

func readExternal(t *testing.T, dir string, w wire) (*Model, error) {
	t.Helper()
	path := filepath.Join(dir, "m.onnx")
	if err := os.WriteFile(path, modelOfWeight(w), 0o600); err != nil {
		t.Fatal(err)
	}
	return Read(path)
}

func TestExternalData(t *testing.T) {
	dir := modelFolder(t)
	for _, c := range []struct {
		name string
		wire wire
		want []float32
	}{
		{"all keys", externalWire("location", "w.bin", "offset", "16", "length", "8", "checksum", "0"), []float32{4, 5}},
		{"start of the file", externalWire("location", "w.bin", "length", "8"), []float32{0, 1}},
		{"rest of the file", externalWire("location", "w.bin", "offset", "40"), []float32{10, 11}},
		{"subfolder", externalWire("location", "sub/w.bin", "offset", "4", "length", "8"), []float32{1, 2}},
		{"dots inside", externalWire("location", "sub/../w.bin", "length", "8"), []float32{0, 1}},
	} {
		m, err := readExternal(t, dir, c.wire)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		got, err := m.Graph.Initializers[0].Floats()
		if diff := cmp.Diff(c.want, got); err != nil || diff != "" {
			t.Errorf("%s: %v\n%s", c.name, err, diff)
		}
	}
	if runtime.GOOS != "windows" {
		if _, err := readExternal(t, dir, externalWire("location", "inside.bin", "length", "8")); err != nil {
			t.Errorf("link inside the folder: %v", err)
		}
	}
	// The same for a tensor file and for a tensor in an attribute.
	path := filepath.Join(dir, "t.pb")
	if err := os.WriteFile(path, externalWire("location", "w.bin", "length", "8"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadTensor(path); err != nil {
		t.Error(err)
	}
	node := wire(nil).text(4, "Constant").bytes(5, wire(nil).text(1, "value").bytes(5, externalWire("location", "w.bin", "length", "8")))
	path = filepath.Join(dir, "constant.onnx")
	if err := os.WriteFile(path, modelOfNode(node), 0o600); err != nil {
		t.Fatal(err)
	}
	m, err := Read(path)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := m.Graph.Nodes[0].Attribute("value").T.Floats(); err != nil || got[1] != 1 {
		t.Errorf("%v, %v", got, err)
	}
}

func TestExternalFaults(t *testing.T) {
	dir := modelFolder(t)
	base := filepath.Dir(dir)
	const stay = "must be relative and stay inside the model's folder"
	for _, c := range []struct {
		name string
		wire wire
		says string
	}{
		{"no location", externalWire("offset", "0"), "without a location"},
		{"parent", externalWire("location", "../outside.bin", "length", "8"), stay},
		{"parent in the middle", externalWire("location", "sub/../../outside.bin", "length", "8"), stay},
		{"absolute", externalWire("location", filepath.Join(base, "outside.bin"), "length", "8"), stay},
		{"absolute but inside", externalWire("location", filepath.Join(dir, "w.bin"), "length", "8"), stay},
		{"link out", externalWire("location", "escape.bin", "length", "8"), "path escapes from parent"},
		{"absolute link out", externalWire("location", "absolute.bin", "length", "8"), "path escapes from parent"},
		{"folder link out", externalWire("location", "up/outside.bin", "length", "8"), "path escapes from parent"},
		{"absent", externalWire("location", "none.bin", "length", "8"), "none.bin"},
		{"folder", externalWire("location", "sub", "length", "8"), "not a regular file"},
		{"the folder itself", externalWire("location", ".", "length", "8"), "not a regular file"},
		{"negative offset", externalWire("location", "w.bin", "offset", "-4", "length", "8"), `offset "-4" must be a number from 0 on`},
		{"offset is a word", externalWire("location", "w.bin", "offset", "four", "length", "8"), `offset "four"`},
		{"huge offset", externalWire("location", "w.bin", "offset", "9223372036854775807", "length", "8"), "48 bytes, too few for 8 at offset 9223372036854775807"},
		{"past the end", externalWire("location", "w.bin", "offset", "44", "length", "8"), "too few for 8 at offset 44"},
		{"length and dims differ", externalWire("location", "w.bin", "length", "12"), `length "12" must be the 8 bytes that dims [2] of FLOAT take`},
		{"no length", externalWire("location", "w.bin"), "48 bytes from offset 0 on where dims [2] of FLOAT take 8"},
		{"data inside as well", externalWire("location", "w.bin", "length", "8").bytes(9, floatBytes(1, 2)), "external, but has data"},
		{"strings", wire(nil).varint(1, 1).varint(2, 8).varint(14, 1), "strings can only stand in string_data"},
		{"huge", wire(nil).varint(1, MaxElements).varint(2, 1).varint(14, 1).bytes(13, wire(nil).text(1, "location").text(2, "w.bin")), "too few"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if strings.Contains(c.name, "link") && runtime.GOOS == "windows" {
				t.Skip("symbolic links need a privilege on Windows: run the tests with it, or on another system")
			}
			_, err := readExternal(t, dir, c.wire)
			wantFault(t, err, "model.graph.initializer[0]", c.says)
		})
	}
}

// Many tensors may show the same bytes; together they stay within the limit.
func TestExternalTotal(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "m.onnx")
	if err := os.WriteFile(filepath.Join(dir, "w.bin"), make([]byte, 8), 0o600); err != nil {
		t.Fatal(err)
	}
	data := modelOfWeight(externalWire("location", "w.bin"))
	d := &decoder{file: path, external: &externalData{folder: dir, taken: maxFileBytes - 7}}
	defer d.external.close()
	_, err := decodeModel(data, d)
	wantFault(t, err, "model.graph.initializer[0]", "exceeds 2147483647 bytes")
}
