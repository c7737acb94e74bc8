package onnx

import (
	"bytes"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const testPrefix = "npusim."

// noted annotates every node with its place and name.
func noted(t testing.TB, data []byte) []byte {
	t.Helper()
	out, err := Annotate(data, "model.onnx", testPrefix, func(i int, n *Node) []Property {
		return []Property{{testPrefix + "place", fmt.Sprint(i)}, {testPrefix + "name", n.Name}, {testPrefix + "empty", ""}}
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// plain leaves all annotations out again.
func plain(t testing.TB, data []byte) []byte {
	t.Helper()
	out, err := Annotate(data, "model.onnx", testPrefix, func(int, *Node) []Property { return nil })
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestAnnotateKeepsTheRest: what is not an annotation of ours stays byte for
// byte, also fields that nobody knows, at every level.
func TestAnnotateKeepsTheRest(t *testing.T) {
	entry := func(key, value string) wire { return wire(nil).text(1, key).text(2, value) }
	node := wire(nil).text(1, "x").text(4, "Relu").text(99, "unknown").bytes(9, entry("author", "me")).bytes(9, wire(nil)).text(3, "r").fixed32(98, 1).text(2, "y").text(6, "words")
	model := wire(nil).varint(1, 9).text(77, "unknown").bytes(7, wire(nil).bytes(1, node).text(55, "unknown").text(10, "words").text(2, "g")).bytes(8, wire(nil).varint(2, 13)).bytes(14, entry("npusim.kept", "of the model"))
	out := noted(t, model)
	for _, part := range []wire{wire(nil).text(99, "unknown"), wire(nil).text(77, "unknown"), wire(nil).text(55, "unknown"), wire(nil).bytes(9, entry("author", "me")),
		wire(nil).bytes(9, entry("npusim.place", "0")), wire(nil).bytes(9, entry("npusim.name", "r"))} {
		if !bytes.Contains(out, part) {
			t.Errorf("%q is not in the copy %q", part, out)
		}
	}
	if got := plain(t, out); !bytes.Equal(got, model) {
		t.Errorf("without annotations the copy is\n%q, the model is\n%q", got, []byte(model))
	}
	if again := noted(t, out); !bytes.Equal(again, out) {
		t.Error("annotations are not replaced but added")
	}
	small := encode(t, smallModel())
	got, err := Decode(noted(t, small), "copy")
	if err != nil {
		t.Fatal(err)
	}
	want, err := Decode(small, "copy")
	if err != nil {
		t.Fatal(err)
	}
	if diff := sameModel(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestAnnotateRefusesExternalData(t *testing.T) {
	external := wire(nil).text(8, "w").varint(1, 2).varint(2, 1).varint(14, 1).bytes(13, wire(nil).text(1, "location").text(2, "w.bin"))
	_, err := Annotate(modelOfWeight(external), "model.onnx", testPrefix, func(int, *Node) []Property { return nil })
	if err == nil || !strings.Contains(err.Error(), "no annotated copy") || !strings.Contains(err.Error(), "has external data in") {
		t.Errorf("external data gives %v", err)
	}
}

// TestAnnotatedModelPassesTheCheckerOfONNX where Python has it.
func TestAnnotatedModelPassesTheCheckerOfONNX(t *testing.T) {
	python := ""
	for _, name := range []string{"python3", "/usr/bin/python3"} {
		if exec.Command(name, "-c", "import onnx").Run() == nil {
			python = name
			break
		}
	}
	if python == "" {
		t.Skip("the Python package onnx is missing: Debian package python3-onnx, or pip install onnx")
	}
	model, err := readFile(filepath.Join("..", "..", "testdata", "glyphs", "glyphs.onnx"))
	if err != nil {
		t.Fatal(err)
	}
	const check = `
import sys, onnx
m = onnx.ModelProto()
m.ParseFromString(sys.stdin.buffer.read())
onnx.checker.check_model(m, full_check=True)
if hasattr(m.graph.node[0], "metadata_props"):  # since onnx 1.16
    for i, n in enumerate(m.graph.node):
        p = {e.key: e.value for e in n.metadata_props}
        assert p["npusim.place"] == str(i) and p["npusim.name"] == n.name, p
print(len(m.graph.node))
`
	cmd := exec.Command(python, "-c", check)
	cmd.Stdin = bytes.NewReader(noted(t, model))
	out, err := cmd.CombinedOutput()
	if err != nil || strings.TrimSpace(string(out)) == "0" {
		t.Errorf("the checker says %v:\n%s", err, out)
	}
}

func FuzzAnnotate(f *testing.F) {
	f.Add(encode(f, smallModel()))
	f.Add([]byte(modelOfNode(wire(nil).text(4, "Relu").bytes(9, wire(nil).text(1, "npusim.x")).bytes(9, nil))))
	f.Fuzz(func(t *testing.T, data []byte) {
		want, err := Decode(data, "fuzz.onnx")
		if err != nil {
			return
		}
		out, err := Annotate(data, "fuzz.onnx", testPrefix, func(int, *Node) []Property { return []Property{{"npusim.a", "b"}} })
		if err != nil {
			return // entries of nodes may be malformed
		}
		got, err := Decode(out, "fuzz.onnx")
		if err != nil {
			t.Fatal(err)
		}
		if diff := sameModel(want, got); diff != "" {
			t.Fatal(diff)
		}
	})
}
