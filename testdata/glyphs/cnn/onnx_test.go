package cnn

import (
	"bytes"
	"reflect"
	"strings"
	"testing"

	"github.com/npusim/npusim/compiler/onnx"
)

func TestONNXRoundTrip(t *testing.T) {
	m, _, _ := randomModel(1)
	var file bytes.Buffer
	if err := onnx.WriteModel(&file, m.ONNX()); err != nil {
		t.Fatal(err)
	}
	decoded, err := onnx.Decode(file.Bytes(), "memory")
	if err != nil {
		t.Fatal(err)
	}
	back, err := FromONNX(decoded)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(m, back) {
		t.Error("the model changed on its way through ONNX")
	}
}

func TestFromONNXRefusesOtherGraphs(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*onnx.Model)
		want   string
	}{
		{"missing tensor", func(f *onnx.Model) { f.Graph.Initializers = f.Graph.Initializers[:3] }, "missing"},
		{"other stride", func(f *onnx.Model) { f.Graph.Nodes[3].Attribute("strides").Ints[0] = 1 }, "node 3"},
		{"other epsilon", func(f *onnx.Model) { f.Graph.Nodes[1].Attributes[0].F = 1 }, "node 1"},
		{"other shape", func(f *onnx.Model) { f.Graph.Initializers[2].Dims[0] = 8 }, "stem/conv/weight"},
		{"node missing", func(f *onnx.Model) { f.Graph.Nodes = f.Graph.Nodes[1:] }, "nodes"},
	} {
		m, _, _ := randomModel(1)
		file := m.ONNX()
		c.change(file)
		if _, err := FromONNX(file); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one that says %q", c.name, err, c.want)
		}
	}
}
