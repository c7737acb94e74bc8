package onnx

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"google.golang.org/protobuf/encoding/protowire"
)

func TestDecodeFaults(t *testing.T) {
	attribute := func(w wire) wire { return modelOfNode(wire(nil).text(4, "Op").bytes(5, w)) }
	input := func(kind wire) wire {
		return modelOf(wire(nil).bytes(11, wire(nil).text(1, "x").bytes(2, kind)))
	}
	shape := func(dim wire) wire {
		return input(wire(nil).bytes(1, wire(nil).varint(1, 1).bytes(2, wire(nil).bytes(1, nil).bytes(1, dim))))
	}
	const place = "model.graph.node[0].attribute[0]"
	for _, c := range []struct {
		name, place string
		wire        wire
		says        string
	}{
		{"empty file", "model", nil, "no graph (field 7)"},
		{"text file", "model", wire("hello, world"), "byte 2: field 13 has wire type 4, which ONNX does not use"},
		{"lfs pointer", "", wire("version https://git-lfs.github.com/spec/v1\n"), "Git LFS pointer"},
		{"field 0", "model", wire{0x00}, "malformed bytes where a field tag should be"},
		{"group", "model", wire{0x0b, 0x0c}, "wire type 3, which ONNX does not use"},
		{"open tag", "model", wire{0x80}, "byte 0: truncated where a field tag should be"},
		{"open varint", "model", wire{0x08, 0x80}, "byte 0: truncated in field 1"},
		{"long length", "model", wire{0x08, 0x01, 0x3a, 0xff, 0xff, 0xff, 0xff, 0x0f}, "byte 2: truncated: field 7 has 4294967295 bytes, but only 0 follow"},
		{"ir_version", "model", wire(nil).text(1, "8"), "ir_version (field 1) is length-delimited on the wire, must be varint"},
		{"producer", "model", wire(nil).bytes(2, []byte{0xff}), "producer_name is not valid UTF-8"},
		{"two graphs", "model", modelOf(nil).bytes(7, nil), "graph (field 7) occurs twice"},
		{"graph number", "model", wire(nil).varint(7, 1), "must be length-delimited"},
		{"sparse initializer", "model.graph", modelOf(wire(nil).bytes(15, nil)), "sparse_initializer"},
		{"unnamed initializer", "model.graph.initializer[0]", modelOfWeight(wire(nil).varint(2, 1).bytes(9, floatBytes(1))), "initializer without a name"},
		{"1e12 elements", "model.graph.initializer[0]", modelOfWeight(tensorWire(Float, 1e6, 1e6)), `tensor "w": dims [1000000 1000000] ask for more than`},
		{"no op_type", "model.graph.node[0]", modelOfNode(wire(nil).text(3, "n")), `node "n" has no op_type`},
		{"bad name", "model.graph.node[1]", modelOf(wire(nil).bytes(1, wire(nil).text(4, "A")).bytes(1, wire(nil).bytes(3, []byte("a\x80")))), "name is not valid UTF-8"},
		{"bad input", "model.graph.node[0]", modelOfNode(wire(nil).varint(1, 1)), "input (field 1) is varint"},
		{"unnamed attribute", place, attribute(wire(nil).varint(3, 1)), "attribute without a name"},
		{"attribute of nothing", place, attribute(wire(nil).text(1, "a")), "neither type nor value"},
		{"unknown attribute type", place, attribute(wire(nil).text(1, "a").varint(20, 15)), "type 15, the last one known is 14"},
		{"two values", place, attribute(wire(nil).text(1, "a").varint(3, 1).fixed32(2, 1)), "a value of type INT and one of type FLOAT"},
		{"type and value differ", place, attribute(wire(nil).text(1, "a").varint(3, 1).varint(20, 1)), "of type FLOAT, but its value is of type INT"},
		{"no tensor", place, attribute(wire(nil).text(1, "a").varint(20, 4)), "of type TENSOR, but has no value"},
		{"two tensors", place, attribute(wire(nil).bytes(5, tensorWire(Float, 0)).bytes(5, nil)), "t (field 5) occurs twice"},
		{"tensor in attribute", place + ".t", attribute(wire(nil).text(1, "a").bytes(5, tensorWire(Float))), "0 bytes of data"},
		{"reference", place, attribute(wire(nil).text(1, "a").text(21, "b")), "ref_attr_name"},
		{"float on the wire", place, attribute(wire(nil).text(1, "a").varint(2, 1)), "f (field 2) is varint on the wire, must be 32-bit"},
		{"floats on the wire", place, attribute(wire(nil).text(1, "a").bytes(7, make([]byte, 3))), "multiple of 4"},
		{"ints on the wire", place, attribute(wire(nil).text(1, "a").bytes(8, []byte{1, 0x80})), "truncated in packed ints"},
		{"graph on the wire", place, attribute(wire(nil).text(1, "a").varint(6, 1)), "GRAPH (field 6) is varint"},
		{"unnamed value", "model.graph.output[0]", modelOf(wire(nil).bytes(12, nil)), "value without a name"},
		{"two types", "model.graph.input[0].type", input(wire(nil).bytes(4, nil).bytes(1, nil)), "occurs twice"},
		{"negative size", "model.graph.input[0].type.tensor_type.shape.dim[1]", shape(wire(nil).varint(1, -1)), "dim_value is -1, must not be negative"},
		{"bad dim_param", "model.graph.input[0].type.tensor_type.shape.dim[1]", shape(wire(nil).bytes(2, []byte{0xc0})), "dim_param is not valid UTF-8"},
		{"rank", "model.graph.input[0].type.tensor_type.shape", input(wire(nil).bytes(1, wire(nil).bytes(2, bytes.Repeat([]byte{0x0a, 0}, 65)))), "more than 64 dimensions"},
		{"opset", "model.opset_import[1]", modelOf(nil).bytes(8, nil).bytes(8, wire(nil).text(2, "x")), "version (field 2)"},
		{"called function", "model.graph.node[0]",
			modelOfNode(wire(nil).text(3, "n").text(4, "Gelu").text(7, "custom")).bytes(25, wire(nil).text(1, "Gelu").text(10, "custom")),
			`"n" calls the function "custom"."Gelu" of the model`},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, err := Decode(c.wire, "m.onnx")
			if err == nil {
				t.Fatalf("decoded to %+v", m)
			}
			wantFault(t, err, c.place, c.says, "m.onnx: ")
		})
	}
}

// What is recognised without being decoded.
func TestDecodeRecognised(t *testing.T) {
	attribute := func(number int32, kind int64) []byte {
		w := wire(nil).text(1, "a")
		if kind > 0 {
			w = w.varint(20, kind)
		}
		return w.bytes(protowire.Number(number), []byte{1, 2, 3})
	}
	node := wire(nil).text(4, "If").text(6, "documentation").text(7, "ai.onnx")
	kinds := []struct {
		number int32
		kind   AttributeType
	}{{6, GraphAttribute}, {10, TensorsAttribute}, {11, GraphsAttribute}, {14, TypeAttribute}, {15, TypesAttribute}, {22, SparseTensorAttribute}, {23, SparseTensorsAttribute}}
	for _, k := range kinds {
		node = node.bytes(5, attribute(k.number, int64(k.kind))).bytes(5, attribute(k.number, 0))
	}
	value := func(number int32) []byte {
		return wire(nil).text(1, "x").bytes(2, wire(nil).bytes(protowire.Number(number), nil))
	}
	graph := wire(nil).bytes(1, node).bytes(14, nil).
		bytes(11, value(4)).bytes(11, value(5)).bytes(11, value(7)).bytes(11, value(8)).bytes(11, value(9)).
		bytes(11, wire(nil).text(1, "d").bytes(2, wire(nil).bytes(1, wire(nil).bytes(2, wire(nil).bytes(1, wire(nil).varint(1, 3).text(2, "n").text(3, "DATA_BATCH"))))))
	model := wire(nil).bytes(7, graph).bytes(20, nil).bytes(25, wire(nil).text(1, "Unused").text(10, "custom")).
		bytes(8, wire(nil).text(1, "ai.onnx").varint(2, 12)).bytes(8, wire(nil).varint(2, 13)).bytes(8, wire(nil).text(1, "ai.onnx.ml").varint(2, 99)).
		varint(1000, 1)
	m, err := Decode(model, "m.onnx")
	if err != nil {
		t.Fatal(err)
	}
	for i, a := range m.Graph.Nodes[0].Attributes {
		if want := kinds[i/2].kind; a.Type != want {
			t.Errorf("attribute %d has type %v, want %v", i, a.Type, want)
		}
	}
	for i, want := range []ValueKind{SequenceValue, MapValue, OpaqueValue, SparseTensorValue, OptionalValue, TensorValue} {
		if got := m.Graph.Inputs[i].Kind; got != want {
			t.Errorf("input %d is a %v, want %v", i, got, want)
		}
	}
	if got, want := m.Graph.Inputs[5].Shape, []Dimension{{Parameter: "n"}}; !cmp.Equal(got, want) {
		t.Errorf("of dim_value and dim_param the last one must count: %+v", got)
	}
	if m.Opset() != 13 || len(m.Opsets) != 3 {
		t.Errorf("opset %d of %v", m.Opset(), m.Opsets)
	}
	if err := WriteModel(new(bytes.Buffer), m); err == nil {
		t.Error("a graph attribute was written")
	}
}

func TestUntypedAttributes(t *testing.T) {
	node := wire(nil).text(4, "Op").
		bytes(5, wire(nil).text(1, "f").fixed32(2, 1.5)).
		bytes(5, wire(nil).text(1, "i").varint(3, -4)).
		bytes(5, wire(nil).text(1, "s").text(4, "SAME")).
		bytes(5, wire(nil).text(1, "fs").fixed32(7, 1, 2).bytes(7, floatBytes(3))).
		bytes(5, wire(nil).text(1, "is").varint(8, 1, -2).packed(8, 3)).
		bytes(5, wire(nil).text(1, "ip").packed(8, 1, -2)).
		bytes(5, wire(nil).text(1, "ss").text(9, "a").text(9, "b")).
		bytes(5, wire(nil).text(1, "zero").varint(20, 2)) // proto3: i = 0 left out
	m, err := Decode(modelOfNode(node), "m.onnx")
	if err != nil {
		t.Fatal(err)
	}
	want := []Attribute{
		{Name: "f", Type: FloatAttribute, F: 1.5},
		{Name: "i", Type: IntAttribute, I: -4},
		{Name: "s", Type: StringAttribute, S: []byte("SAME")},
		{Name: "fs", Type: FloatsAttribute, Floats: []float32{1, 2, 3}},
		{Name: "is", Type: IntsAttribute, Ints: []int64{1, -2, 3}},
		{Name: "ip", Type: IntsAttribute, Ints: []int64{1, -2}},
		{Name: "ss", Type: StringsAttribute, Strings: [][]byte{[]byte("a"), []byte("b")}},
		{Name: "zero", Type: IntAttribute},
	}
	if diff := cmp.Diff(want, m.Graph.Nodes[0].Attributes, cmpopts.EquateEmpty()); diff != "" {
		t.Error(diff)
	}
	n := &m.Graph.Nodes[0]
	if a := n.Attribute("i"); a != &n.Attributes[1] {
		t.Errorf("Attribute(i) gives %+v", a)
	}
	if a := n.Attribute("absent"); a != nil {
		t.Errorf("Attribute(absent) gives %+v", a)
	}
}

func TestReadFaults(t *testing.T) {
	dir := t.TempDir()
	absent := filepath.Join(dir, "absent.onnx")
	_, err := Read(absent)
	wantFault(t, err, "", absent+": cannot be read")
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v does not wrap os.ErrNotExist", err)
	}
	_, err = Read(dir)
	wantFault(t, err, "", "not a regular file")
	_, err = ReadTensor(dir)
	wantFault(t, err, "", "not a regular file")
	// A sparse file of 2 GiB takes no room on the disk and must take none in memory.
	huge := filepath.Join(dir, "huge.onnx")
	if err := os.WriteFile(huge, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(huge, maxFileBytes+1); err != nil {
		t.Skipf("no sparse files here: %v", err)
	}
	_, err = Read(huge)
	wantFault(t, err, "", "2147483648 bytes, the limit is 2147483647")
}

func TestReadGivesPathAndHash(t *testing.T) {
	data := encode(t, smallModel())
	path := filepath.Join(t.TempDir(), "small.onnx")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	m, err := Read(path)
	if err != nil {
		t.Fatal(err)
	}
	if m.Path != path || m.SHA256 != sha256.Sum256(data) {
		t.Errorf("path %s, hash %x", m.Path, m.SHA256)
	}
}
