package ops

import (
	"github.com/npusim/npusim/compiler/graph"
	"github.com/npusim/npusim/compiler/onnx"
)

// importConstant translates Constant. Forms other than a dense tensor came at
// opset 12.
func importConstant(n *node) error {
	if err := n.arity(0, 0); err != nil {
		return err
	}
	if len(n.source.Attributes) != 1 {
		return n.invalid("has %d attributes, must have one value", len(n.source.Attributes))
	}
	a := &n.source.Attributes[0]
	t := &graph.Tensor{Shape: []int{}, Type: graph.Float32}
	forms := map[string]onnx.AttributeType{"value": onnx.TensorAttribute}
	if n.opset >= 12 {
		forms["value_float"], forms["value_floats"] = onnx.FloatAttribute, onnx.FloatsAttribute
		forms["value_int"], forms["value_ints"] = onnx.IntAttribute, onnx.IntsAttribute
	}
	kind, ok := forms[a.Name]
	if !ok {
		return n.unsupported("value, value_float, value_floats, value_int, value_ints (all but value from opset 12 on)", "attribute %s", quote(a.Name))
	}
	if n.attribute(a.Name, kind) == nil {
		return n.err
	}
	switch a.Name {
	case "value":
		var err error
		if t, err = constantTensor(a.T); err != nil {
			return n.tensorFault("attribute value", err)
		}
	case "value_float":
		t.Floats = []float32{a.F}
	case "value_floats":
		t.Floats, t.Shape = a.Floats, []int{len(a.Floats)}
	case "value_int":
		t.Ints, t.Type = []int64{a.I}, graph.Int64
	case "value_ints":
		t.Ints, t.Type, t.Shape = a.Ints, graph.Int64, []int{len(a.Ints)}
	}
	return n.emitConstant(t)
}

// importConstantOfShape fills a shape with one value, float 0 by default.
func importConstantOfShape(n *node) error {
	if err := n.arity(1, 1); err != nil {
		return err
	}
	list := n.constantInts(0, "shape")
	value := &graph.Tensor{Type: graph.Float32, Floats: []float32{0}}
	if a := n.attribute("value", onnx.TensorAttribute); a != nil {
		var err error
		if value, err = constantTensor(a.T); err != nil {
			return n.tensorFault("attribute value", err)
		}
	}
	if n.err != nil {
		return n.err
	}
	if len(value.Floats)+len(value.Ints) != 1 {
		return n.invalid("attribute value has shape %v, must be one element", value.Shape)
	}
	t, err := n.filled(list, value)
	if err != nil {
		return err
	}
	return n.emitConstant(t)
}

// filled makes a tensor of one repeated value, after checking its size.
func (n *node) filled(list []int64, value *graph.Tensor) (*graph.Tensor, error) {
	shape, err := n.shapeFrom(list)
	if err != nil {
		return nil, err
	}
	t := &graph.Tensor{Shape: shape, Type: value.Type}
	elements := graph.Elements(shape)
	if value.Type == graph.Float32 {
		t.Floats = make([]float32, elements)
		for i := range t.Floats {
			t.Floats[i] = value.Floats[0]
		}
	} else {
		t.Ints = make([]int64, elements)
		for i := range t.Ints {
			t.Ints[i] = value.Ints[0]
		}
	}
	return t, nil
}

// shapeFrom checks a shape for a constant that is about to be allocated.
func (n *node) shapeFrom(list []int64) ([]int, error) {
	shape := make([]int, len(list))
	for i, d := range list {
		if d < 0 || d > maxAttribute {
			return nil, n.invalid("shape %v has the size %d", list, d)
		}
		shape[i] = int(d)
	}
	elements, err := checkConstantShape(shape)
	if err == nil {
		err = n.im.chargeFold(elements, 0)
	}
	if err != nil {
		return nil, n.invalid("%v", err)
	}
	return shape, nil
}
