package onnx

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// WriteModel encodes a model, its tensors as raw_data. Decoding the result
// gives the model back but for Path and SHA256; what could not be read again
// is an error before anything is written, and so are attributes and value
// infos of a kind that is not decoded. It keeps about three copies of the
// weights while it runs.
func WriteModel(w io.Writer, m *Model) error {
	var e encoder
	data := e.model(m)
	if e.err != nil {
		return fmt.Errorf("encoding model %s: %w", quote(m.Path), e.err)
	}
	if _, err := Decode(data, "encoded model"); err != nil {
		return fmt.Errorf("encoding model %s: %w", quote(m.Path), err)
	}
	_, err := w.Write(data)
	return err
}

// WriteTensor encodes a tensor as ReadTensor reads it, under the same rules.
func WriteTensor(w io.Writer, t *Tensor) error {
	var e encoder
	data := e.tensor(t)
	if e.err != nil {
		return fmt.Errorf("encoding: %w", e.err)
	}
	if _, err := DecodeTensor(data, "encoded tensor"); err != nil {
		return fmt.Errorf("encoding: %w", err)
	}
	_, err := w.Write(data)
	return err
}

// encoder builds messages as byte slices and keeps the first error.
type encoder struct{ err error }

func (e *encoder) fail(format string, arguments ...any) {
	if e.err == nil {
		e.err = fmt.Errorf(format, arguments...)
	}
}

func appendBytes(b []byte, number protowire.Number, content []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(b, number, protowire.BytesType), content)
}

// appendText leaves out the empty string, which absence means as well.
func appendText(b []byte, number protowire.Number, s string) []byte {
	if s == "" {
		return b
	}
	return protowire.AppendString(protowire.AppendTag(b, number, protowire.BytesType), s)
}

func appendVarint(b []byte, number protowire.Number, v int64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(b, number, protowire.VarintType), uint64(v))
}

func (e *encoder) model(m *Model) []byte {
	var b []byte
	if m.IRVersion != 0 {
		b = appendVarint(b, 1, m.IRVersion)
	}
	b = appendText(b, 2, m.Producer)
	b = appendBytes(b, 7, e.graph(&m.Graph))
	for _, o := range m.Opsets {
		opset := appendText(nil, 1, o.Domain)
		b = appendBytes(b, 8, appendVarint(opset, 2, o.Version))
	}
	return b
}

func (e *encoder) graph(g *Graph) []byte {
	var b []byte
	for i := range g.Nodes {
		b = appendBytes(b, 1, e.node(&g.Nodes[i]))
	}
	b = appendText(b, 2, g.Name)
	for i := range g.Initializers {
		b = appendBytes(b, 5, e.tensor(&g.Initializers[i]))
	}
	for i := range g.Inputs {
		b = appendBytes(b, 11, e.valueInfo(&g.Inputs[i]))
	}
	for i := range g.Outputs {
		b = appendBytes(b, 12, e.valueInfo(&g.Outputs[i]))
	}
	for i := range g.ValueInfos {
		b = appendBytes(b, 13, e.valueInfo(&g.ValueInfos[i]))
	}
	return b
}

func (e *encoder) node(n *Node) []byte {
	var b []byte
	for _, s := range n.Inputs {
		b = appendBytes(b, 1, []byte(s))
	}
	for _, s := range n.Outputs {
		b = appendBytes(b, 2, []byte(s))
	}
	b = appendText(b, 3, n.Name)
	b = appendText(b, 4, n.OpType)
	for i := range n.Attributes {
		b = appendBytes(b, 5, e.attribute(&n.Attributes[i]))
	}
	return appendText(b, 7, n.Domain)
}

func (e *encoder) attribute(a *Attribute) []byte {
	b := appendText(nil, 1, a.Name)
	switch a.Type {
	case FloatAttribute:
		b = protowire.AppendFixed32(protowire.AppendTag(b, 2, protowire.Fixed32Type), math.Float32bits(a.F))
	case IntAttribute:
		b = appendVarint(b, 3, a.I)
	case StringAttribute:
		b = appendBytes(b, 4, a.S)
	case TensorAttribute:
		if a.T == nil {
			e.fail("attribute %s of type %v has no tensor", quote(a.Name), a.Type)
			return nil
		}
		b = appendBytes(b, 5, e.tensor(a.T))
	case FloatsAttribute:
		if len(a.Floats) > 0 {
			packed := make([]byte, 0, 4*len(a.Floats))
			for _, v := range a.Floats {
				packed = binary.LittleEndian.AppendUint32(packed, math.Float32bits(v))
			}
			b = appendBytes(b, 7, packed)
		}
	case IntsAttribute: // one by one, as onnx.proto declares them
		for _, v := range a.Ints {
			b = appendVarint(b, 8, v)
		}
	case StringsAttribute:
		for _, s := range a.Strings {
			b = appendBytes(b, 9, s)
		}
	default:
		e.fail("attribute %s is of type %v, whose value is not decoded and cannot be written", quote(a.Name), a.Type)
	}
	return appendVarint(b, 20, int64(a.Type))
}

func (e *encoder) valueInfo(v *ValueInfo) []byte {
	b := appendText(nil, 1, v.Name)
	if v.Kind != TensorValue {
		e.fail("value %s is a %v, whose type is not decoded and cannot be written", quote(v.Name), v.Kind)
		return nil
	}
	if v.Type == Undefined && !v.HasShape {
		return b
	}
	var tensorType []byte
	if v.Type != Undefined {
		tensorType = appendVarint(nil, 1, int64(v.Type))
	}
	if v.HasShape {
		var shape []byte
		for _, d := range v.Shape {
			var dim []byte
			switch {
			case d.Parameter != "":
				dim = appendText(nil, 2, d.Parameter)
			case d.Known():
				dim = appendVarint(nil, 1, d.Value)
			}
			shape = appendBytes(shape, 1, dim)
		}
		tensorType = appendBytes(tensorType, 2, shape)
	}
	return appendBytes(b, 2, appendBytes(nil, 1, tensorType))
}

func (e *encoder) tensor(t *Tensor) []byte {
	var b []byte
	for _, v := range t.Dims {
		b = appendVarint(b, 1, v)
	}
	b = appendVarint(b, 2, int64(t.Type))
	for _, s := range t.Text {
		b = appendBytes(b, 6, s)
	}
	b = appendText(b, 8, t.Name)
	if t.Type != String || len(t.Raw) > 0 {
		b = appendBytes(b, 9, t.Raw)
	}
	return b
}
