package onnx

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
)

// message builders: fields in any form, right or wrong

type wire []byte

func (w wire) varint(number protowire.Number, values ...int64) wire {
	for _, v := range values {
		w = appendVarint(w, number, v)
	}
	return w
}

func (w wire) packed(number protowire.Number, values ...int64) wire {
	var b []byte
	for _, v := range values {
		b = protowire.AppendVarint(b, uint64(v))
	}
	return appendBytes(w, number, b)
}

func (w wire) bytes(number protowire.Number, content []byte) wire {
	return appendBytes(w, number, content)
}

func (w wire) text(number protowire.Number, s string) wire { return appendBytes(w, number, []byte(s)) }

func (w wire) fixed32(number protowire.Number, values ...float32) wire {
	for _, v := range values {
		w = protowire.AppendFixed32(protowire.AppendTag(w, number, protowire.Fixed32Type), math.Float32bits(v))
	}
	return w
}

func (w wire) fixed64(number protowire.Number, values ...float64) wire {
	for _, v := range values {
		w = protowire.AppendFixed64(protowire.AppendTag(w, number, protowire.Fixed64Type), math.Float64bits(v))
	}
	return w
}

func floatBytes(values ...float32) []byte {
	var b []byte
	for _, v := range values {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	return b
}

func doubleBytes(values ...float64) []byte {
	var b []byte
	for _, v := range values {
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(v))
	}
	return b
}

// tensorWire is the start of a TensorProto: name w, type, dimensions.
func tensorWire(kind ElementType, dims ...int64) wire {
	return wire(nil).varint(1, dims...).varint(2, int64(kind)).text(8, "w")
}

// modelOf wraps a graph, graphOf a node or an initializer.
func modelOf(graph wire) wire        { return wire(nil).varint(1, 8).bytes(7, graph) }
func modelOfNode(node wire) wire     { return modelOf(wire(nil).bytes(1, node)) }
func modelOfWeight(weight wire) wire { return modelOf(wire(nil).bytes(5, weight)) }

// smallModel has every kind of thing that WriteModel can write.
func smallModel() *Model {
	bias := NewFloatTensor("bias", []int64{2}, []float32{0.5, -1})
	value := NewIntTensor("", nil, []int64{-7})
	return &Model{
		IRVersion: 8, Producer: "npusim",
		Opsets: []Opset{{"", 13}, {"com.example", 1}},
		Graph: Graph{
			Name: "small",
			Nodes: []Node{
				{Name: "conv", OpType: "Conv", Inputs: []string{"x", "w", "bias"}, Outputs: []string{"y"}, Attributes: []Attribute{
					{Name: "strides", Type: IntsAttribute, Ints: []int64{1, -2}},
					{Name: "group", Type: IntAttribute, I: 1},
					{Name: "auto_pad", Type: StringAttribute, S: []byte("VALID")},
				}},
				{OpType: "Odd", Domain: "com.example", Inputs: []string{"y", "", "z"}, Outputs: []string{"out"}, Attributes: []Attribute{
					{Name: "alpha", Type: FloatAttribute, F: 0.25},
					{Name: "scales", Type: FloatsAttribute, Floats: []float32{1, 2}},
					{Name: "keys", Type: StringsAttribute, Strings: [][]byte{[]byte("a"), {}}},
					{Name: "value", Type: TensorAttribute, T: &value},
					{Name: "none", Type: IntsAttribute},
				}},
			},
			Initializers: []Tensor{
				NewFloatTensor("w", []int64{2, 1, 1, 1}, []float32{1, 2}), bias,
				{Name: "words", Type: String, Dims: []int64{2}, Text: [][]byte{[]byte("up"), []byte("down")}},
				{Name: "empty", Type: Float16, Dims: []int64{0, 3}},
			},
			Inputs: []ValueInfo{{Name: "x", Type: Float, HasShape: true, Shape: []Dimension{
				{Parameter: "batch"}, {Value: 1}, {}, {Empty: true},
			}}},
			Outputs:    []ValueInfo{{Name: "out", Type: Float}},
			ValueInfos: []ValueInfo{{Name: "y", Type: Float, HasShape: true}, {Name: "z"}},
		},
	}
}

func encode(t testing.TB, m *Model) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := WriteModel(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// wantFault checks that err is an *Error at that place which says all parts.
func wantFault(t *testing.T, err error, place string, parts ...string) {
	t.Helper()
	fault, ok := errors.AsType[*Error](err)
	if !ok {
		t.Fatalf("got error %v (%T), want an *Error", err, err)
	}
	if fault.Place != place {
		t.Errorf("place %q, want %q (%v)", fault.Place, place, err)
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error %q does not say %q", err, part)
		}
	}
}
