package onnx

import (
	"bytes"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

// sameModel compares what is encoded. Floats are compared by their bits.
func sameModel(want, got *Model) string {
	return cmp.Diff(want, got, cmpopts.EquateEmpty(), cmpopts.IgnoreFields(Model{}, "Path", "SHA256"),
		cmp.Comparer(func(a, b float32) bool { return math.Float32bits(a) == math.Float32bits(b) }),
		// Weights as a whole, since cmp looks at every byte; EquateEmpty has the empty ones.
		cmp.FilterValues(func(a, b []byte) bool { return len(a)+len(b) > 0 }, cmp.Comparer(bytes.Equal)))
}

func TestWriteSmallModel(t *testing.T) {
	want := smallModel()
	got, err := Decode(encode(t, want), "small.onnx")
	if err != nil {
		t.Fatal(err)
	}
	if diff := sameModel(want, got); diff != "" {
		t.Error(diff)
	}
}

// Property: decoding an encoded model gives the model back, and encoding that
// gives the same bytes.
func TestWriteReadIdentity(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := drawModel(t)
		var first, second bytes.Buffer
		if err := WriteModel(&first, want); err != nil {
			t.Fatal(err)
		}
		got, err := Decode(first.Bytes(), "drawn.onnx")
		if err != nil {
			t.Fatal(err)
		}
		if diff := sameModel(want, got); diff != "" {
			t.Fatal(diff)
		}
		if err := WriteModel(&second, got); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(first.Bytes(), second.Bytes()) {
			t.Fatal("encoding a second time gives other bytes")
		}
		for i := range want.Graph.Initializers {
			first.Reset()
			if err := WriteTensor(&first, &want.Graph.Initializers[i]); err != nil {
				t.Fatal(err)
			}
			tensor, err := DecodeTensor(first.Bytes(), "drawn.pb")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(&want.Graph.Initializers[i], tensor, cmpopts.EquateEmpty()); diff != "" {
				t.Fatal(diff)
			}
		}
	})
}

func drawModel(t *rapid.T) *Model {
	list := func(label string) int { return rapid.IntRange(0, 3).Draw(t, label) }
	m := &Model{IRVersion: rapid.Int64().Draw(t, "ir_version"), Producer: rapid.String().Draw(t, "producer")}
	for range list("opsets") {
		m.Opsets = append(m.Opsets, Opset{rapid.String().Draw(t, "domain"), rapid.Int64().Draw(t, "version")})
	}
	m.Graph.Name = rapid.String().Draw(t, "graph")
	for range list("nodes") {
		n := Node{Name: rapid.String().Draw(t, "node"), OpType: drawName(t), Domain: rapid.String().Draw(t, "domain")}
		n.Inputs = rapid.SliceOfN(rapid.String(), 0, 3).Draw(t, "inputs")
		n.Outputs = rapid.SliceOfN(rapid.String(), 0, 3).Draw(t, "outputs")
		for range list("attributes") {
			n.Attributes = append(n.Attributes, drawAttribute(t))
		}
		m.Graph.Nodes = append(m.Graph.Nodes, n)
	}
	for range list("initializers") {
		w := drawTensor(t)
		w.Name = drawName(t)
		m.Graph.Initializers = append(m.Graph.Initializers, w)
	}
	for _, values := range []*[]ValueInfo{&m.Graph.Inputs, &m.Graph.Outputs, &m.Graph.ValueInfos} {
		for range list("values") {
			*values = append(*values, drawValue(t))
		}
	}
	return m
}

func drawName(t *rapid.T) string { return rapid.StringN(1, 20, -1).Draw(t, "name") }

func drawAttribute(t *rapid.T) Attribute {
	a := Attribute{Name: drawName(t), Type: rapid.SampledFrom([]AttributeType{
		FloatAttribute, IntAttribute, StringAttribute, TensorAttribute, FloatsAttribute, IntsAttribute, StringsAttribute,
	}).Draw(t, "type")}
	switch a.Type {
	case FloatAttribute:
		a.F = math.Float32frombits(rapid.Uint32().Draw(t, "f"))
	case IntAttribute:
		a.I = rapid.Int64().Draw(t, "i")
	case StringAttribute:
		a.S = rapid.SliceOf(rapid.Byte()).Draw(t, "s")
	case TensorAttribute:
		tensor := drawTensor(t)
		a.T = &tensor
	case FloatsAttribute:
		a.Floats = rapid.SliceOf(rapid.Float32()).Draw(t, "floats")
	case IntsAttribute:
		a.Ints = rapid.SliceOf(rapid.Int64()).Draw(t, "ints")
	case StringsAttribute:
		a.Strings = rapid.SliceOf(rapid.SliceOf(rapid.Byte())).Draw(t, "strings")
	}
	return a
}

func drawTensor(t *rapid.T) Tensor {
	w := Tensor{
		Name: rapid.String().Draw(t, "tensor"),
		Type: ElementType(rapid.Int32Range(1, int32(elementTypeEnd)-1).Draw(t, "data_type")),
		Dims: rapid.SliceOfN(rapid.Int64Range(0, 4), 0, 3).Draw(t, "dims"),
	}
	n, err := w.Elements()
	if err != nil {
		t.Fatal(err)
	}
	if w.Type == String {
		w.Text = rapid.SliceOfN(rapid.SliceOf(rapid.Byte()), n, n).Draw(t, "text")
	} else {
		size := int(w.Type.rawBytes(n))
		w.Raw = rapid.SliceOfN(rapid.Byte(), size, size).Draw(t, "raw")
	}
	return w
}

func drawValue(t *rapid.T) ValueInfo {
	v := ValueInfo{Name: drawName(t), Type: ElementType(rapid.Int32().Draw(t, "elem_type")), HasShape: rapid.Bool().Draw(t, "has shape")}
	for v.HasShape && len(v.Shape) < 5 && rapid.Bool().Draw(t, "one more") {
		v.Shape = append(v.Shape, rapid.OneOf(
			rapid.Just(Dimension{}), rapid.Just(Dimension{Empty: true}),
			rapid.Map(rapid.Int64Min(1), func(n int64) Dimension { return Dimension{Value: n} }),
			rapid.Map(rapid.StringN(1, 8, -1), func(s string) Dimension { return Dimension{Parameter: s} }),
		).Draw(t, "dim"))
	}
	return v
}

func TestWriteFaults(t *testing.T) {
	node := func(a Attribute) *Model {
		return &Model{Graph: Graph{Nodes: []Node{{OpType: "Op", Attributes: []Attribute{a}}}}}
	}
	for _, c := range []struct {
		name  string
		model *Model
		says  string
	}{
		{"graph attribute", node(Attribute{Name: "body", Type: GraphAttribute}), `attribute "body" is of type GRAPH`},
		{"no tensor", node(Attribute{Name: "value", Type: TensorAttribute}), "has no tensor"},
		{"no type", node(Attribute{Name: "value"}), "UNDEFINED"},
		{"sequence", &Model{Graph: Graph{Inputs: []ValueInfo{{Name: "s", Kind: SequenceValue}}}}, `value "s" is a sequence`},
		{"no op_type", &Model{Graph: Graph{Nodes: []Node{{Name: "n"}}}}, "model.graph.node[0]"},
		{"bad name", &Model{Producer: "\xff"}, "not valid UTF-8"},
		{"short tensor", &Model{Graph: Graph{Initializers: []Tensor{NewFloatTensor("w", []int64{2}, []float32{1})}}}, "4 bytes of data"},
		{"negative size", &Model{Graph: Graph{Inputs: []ValueInfo{{Name: "x", HasShape: true, Shape: []Dimension{{Value: -1}}}}}}, "dim_value is -1"},
	} {
		var b bytes.Buffer
		err := WriteModel(&b, c.model)
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: error %v does not say %q", c.name, err, c.says)
		}
		if b.Len() > 0 {
			t.Errorf("%s: %d bytes written", c.name, b.Len())
		}
	}
	short := NewIntTensor("w", []int64{2}, []int64{1})
	if err := WriteTensor(new(bytes.Buffer), &short); err == nil || !strings.Contains(err.Error(), "8 bytes of data where") {
		t.Errorf("short tensor: %v", err)
	}
}
