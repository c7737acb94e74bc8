package ops

import (
	"fmt"
	"math"

	"github.com/npusim/npusim/compiler/graph"
	"github.com/npusim/npusim/compiler/onnx"
)

// importCast folds casts of constants among float32, int32, int64 and bool,
// and passes on a value that has the type already. Floats lose their fraction
// on the way to integers; what does not fit the integer type is an error.
func importCast(n *node) error {
	if err := n.arity(1, 1); err != nil {
		return err
	}
	if n.source.Attribute("to") == nil {
		return n.invalid("attribute to is missing")
	}
	to := onnx.ElementType(n.intAttribute("to", 0))
	const supported = "float32, int32, int64 and bool"
	if n.opset >= 19 {
		n.inert("saturate") // only for casts to 8-bit floats
	}
	if n.opset >= 24 {
		n.inert("round_mode") // only for casts to float8e8m0
	}
	if n.err != nil {
		return n.err
	}
	kind, err := elementType(to)
	if err != nil {
		return n.unsupported(supported, "cast to %v", to)
	}
	v := n.value(0)
	if v.Type == kind && (v.Constant == nil || kind != graph.Int64) {
		return n.emit(graph.Identity, nil, []graph.ValueID{n.input(0)}, v.Shape)
	}
	c := v.Constant
	if c == nil {
		return n.unsupported("casts of constants, and of float32 to itself", "cast of %v to %v at run time", v.Type, to)
	}
	if err := n.im.chargeFold(graph.Elements(c.Shape), int64(graph.Elements(c.Shape))); err != nil {
		return n.invalid("%v", err)
	}
	out := &graph.Tensor{Shape: c.Shape, Type: kind}
	for _, f := range c.Floats {
		i := int64(0)
		if kind == graph.Bool {
			if f != 0 {
				i = 1
			}
		} else if i, err = truncate(float64(f), to); err != nil {
			return n.invalid("%v", err)
		}
		out.Ints = append(out.Ints, i)
	}
	for _, i := range c.Ints {
		switch kind {
		case graph.Float32:
			out.Floats = append(out.Floats, float32(i))
			continue
		case graph.Bool:
			if i != 0 {
				i = 1
			}
		default:
			if to == onnx.Int32 && i != int64(int32(i)) {
				return n.invalid("%d does not fit in INT32", i)
			}
		}
		out.Ints = append(out.Ints, i)
	}
	return n.emitConstant(out)
}

// truncate takes the integer part.
func truncate(f float64, to onnx.ElementType) (int64, error) {
	limit := 0x1p63
	if to == onnx.Int32 {
		limit = 0x1p31
	}
	t := math.Trunc(f)
	if !(t >= -limit && t < limit) { // also NaN
		return 0, fmt.Errorf("%v does not fit in %v", f, to)
	}
	return int64(t), nil
}
