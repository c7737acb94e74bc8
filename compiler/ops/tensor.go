package ops

import (
	"errors"
	"fmt"
	"math"

	"github.com/npusim/npusim/compiler/graph"
	"github.com/npusim/npusim/compiler/onnx"
)

// ConstantTensor converts an ONNX tensor of a supported type: FLOAT, INT32,
// INT64 or BOOL.
func ConstantTensor(t *onnx.Tensor) (*graph.Tensor, error) {
	c, err := constantTensor(t)
	if err != nil {
		return nil, fmt.Errorf("tensor %s: %w", quote(t.Name), err)
	}
	return c, nil
}

// constantTensor converts a tensor of a supported type.
func constantTensor(source *onnx.Tensor) (*graph.Tensor, error) {
	t := &graph.Tensor{Shape: make([]int, len(source.Dims))}
	for i, d := range source.Dims {
		t.Shape[i] = int(d)
	}
	if _, err := checkConstantShape(t.Shape); err != nil {
		return nil, err
	}
	var err error
	if t.Type, err = elementType(source.Type); err != nil {
		return nil, err
	}
	if t.Type == graph.Float32 {
		t.Floats, err = source.Floats()
	} else {
		t.Ints, err = source.Ints()
	}
	return t, err
}

// elementType maps the supported ONNX types. int32 counts as int64: shape
// arithmetic does not reach values where they differ.
func elementType(t onnx.ElementType) (graph.ElementType, error) {
	switch t {
	case onnx.Float:
		return graph.Float32, nil
	case onnx.Int64, onnx.Int32:
		return graph.Int64, nil
	case onnx.Bool:
		return graph.Bool, nil
	}
	return graph.InvalidType, typeError(t)
}

// typeError is an element type that is not supported.
type typeError onnx.ElementType

func (e typeError) Error() string { return fmt.Sprintf("element type %v", onnx.ElementType(e)) }

const supportedTypes = "FLOAT, INT32, INT64 and BOOL"

// tensorFault reports a constant that could not be converted.
func (n *node) tensorFault(where string, err error) error {
	if errors.As(err, new(typeError)) {
		return n.unsupported(supportedTypes, "%s: %v", where, err)
	}
	return n.invalid("%s: %v", where, err)
}

// checkConstants refuses NaN and infinities among the constants that nodes
// compute with. Bounds of Clip and values of Pad are attributes by now.
func (im *importer) checkConstants() error {
	g := im.graph
	checked := make([]bool, len(g.Values))
	for i := range g.Nodes {
		n := &g.Nodes[i]
		for _, id := range n.Inputs {
			if id == graph.None || checked[id] || g.Values[id].Constant == nil {
				continue
			}
			checked[id] = true
			for k, v := range g.Values[id].Constant.Floats {
				if !finite(v) {
					return im.invalid(fmt.Sprintf("node %s (%v)", quote(n.Name), n.Op), "tensor %s holds %v at element %d, constants must be finite", quote(g.Values[id].Name), v, k)
				}
			}
		}
	}
	return nil
}

func finite(v float32) bool { return !math.IsNaN(float64(v)) && !math.IsInf(float64(v), 0) }
