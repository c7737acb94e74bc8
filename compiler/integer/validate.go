package integer

import (
	"errors"
	"fmt"
	"math"

	"github.com/npusim/npusim/isa/fixed"
)

// MaxElements bounds a tensor, so that a malformed graph cannot ask for
// unbounded memory and all index arithmetic fits an int.
const MaxElements = 1 << 30

// MaxRearrangeDims is the largest loop nest of a Rearrange, the machine's
// isa.RearrangeDims.
const MaxRearrangeDims = 6

// MaxChannelShift is the largest 4-bit channel shift.
const MaxChannelShift = 15

// Validate checks everything that the executors and lowering rely on: the
// order of the nodes, shapes, ranges of values, tables, shifts, and that no
// sum can leave 32 bits in whatever order it is accumulated.
func (g *Graph) Validate() error {
	known := make([]bool, len(g.Tensors)) // has a value by now
	for i := range g.Tensors {
		if err := g.Tensors[i].validate(); err != nil {
			return fmt.Errorf("tensor %d (%s): %w", i, g.Tensors[i].Name, err)
		}
		known[i] = g.Tensors[i].Constant != nil
	}
	if err := g.validateBoundary("input", g.Inputs, g.InputShapes); err != nil {
		return err
	}
	for i, id := range g.Inputs {
		if known[id] {
			return fmt.Errorf("input %d: tensor %d is a constant or already an input", i, id)
		}
		known[id] = true
	}
	for i := range g.Nodes {
		n := &g.Nodes[i]
		if err := g.validateNode(n, known); err != nil {
			return fmt.Errorf("node %d (%s, %v): %w", i, n.Name, n.Kind, err)
		}
		known[n.Output] = true
	}
	if err := g.validateBoundary("output", g.Outputs, g.OutputShapes); err != nil {
		return err
	}
	for i, id := range g.Outputs {
		if !known[id] {
			return fmt.Errorf("output %d: no node computes tensor %d (%s)", i, id, g.Tensors[id].Name)
		}
	}
	return nil
}

func (g *Graph) validateBoundary(what string, ids []TensorID, shapes [][]int) error {
	if len(ids) == 0 {
		return fmt.Errorf("the graph has no %s", what)
	}
	if len(shapes) != len(ids) {
		return fmt.Errorf("%d %ss have %d ONNX shapes", len(ids), what, len(shapes))
	}
	for i, id := range ids {
		if id < 0 || int(id) >= len(g.Tensors) {
			return fmt.Errorf("%s %d: tensor %d does not exist", what, i, id)
		}
		elements := 1
		for _, extent := range shapes[i] {
			elements *= extent
		}
		if want := g.Tensors[id].Shape.Elements(); elements != want {
			return fmt.Errorf("%s %d: ONNX shape %v has %d elements, tensor %d has %d", what, i, shapes[i], elements, id, want)
		}
	}
	return nil
}

func (t *Tensor) validate() error {
	elements := 1
	for _, extent := range t.Shape.Extents() {
		if extent < 1 || extent > MaxElements/elements {
			return fmt.Errorf("shape %v: extents must be positive with at most %d elements", t.Shape, MaxElements)
		}
		elements *= extent
	}
	if t.Bits < 2 || t.Bits > 8 {
		return fmt.Errorf("%d bits: must be 2 to 8", t.Bits)
	}
	if !(t.Scale > 0) || math.IsInf(t.Scale, 0) {
		return fmt.Errorf("scale %g: must be positive and finite", t.Scale)
	}
	low, high := fixed.Range(t.Bits)
	if t.Zero < low || t.Zero > high {
		return fmt.Errorf("zero point %d: must be within [%d, %d]", t.Zero, low, high)
	}
	if t.Constant != nil {
		if len(t.Constant) != elements {
			return fmt.Errorf("constant of %d elements instead of %d", len(t.Constant), elements)
		}
		for i, q := range t.Constant {
			if q < low || q > high {
				return fmt.Errorf("constant element %d is %d: must be within [%d, %d]", i, q, low, high)
			}
		}
	}
	return nil
}

func (g *Graph) validateNode(n *Node, known []bool) error {
	want := 1
	switch n.Kind {
	case Binary:
		want = 2
	case Concat:
		want = max(1, len(n.Inputs))
	}
	if len(n.Inputs) != want {
		return fmt.Errorf("%d inputs instead of %d", len(n.Inputs), want)
	}
	for _, id := range n.Inputs {
		if id < 0 || int(id) >= len(g.Tensors) || !known[id] {
			return fmt.Errorf("input tensor %d has no value yet", id)
		}
	}
	if id := n.Output; id < 0 || int(id) >= len(g.Tensors) || known[id] {
		return fmt.Errorf("output tensor %d does not exist or already has a value", id)
	}
	present := [NumKinds]bool{
		Convolution: n.Convolution != nil, Pool: n.Pool != nil, Binary: n.Binary != nil, Table: n.Table != nil,
		Softmax: n.Softmax != nil, Concat: n.Concat != nil, Window: n.Window != nil, Rearrange: n.Rearrange != nil,
	}
	for kind := InvalidKind; kind < kindEnd; kind++ {
		if present[kind] != (kind == n.Kind) || n.Kind == InvalidKind {
			return errors.New("exactly the attributes of the node's kind must be present")
		}
	}
	in, out := &g.Tensors[n.Inputs[0]], &g.Tensors[n.Output]
	switch n.Kind {
	case Convolution:
		return n.Convolution.validate(in, out, g.ShapeOnly)
	case Pool:
		return n.Pool.validate(in, out)
	case Binary:
		return n.Binary.validate(in, &g.Tensors[n.Inputs[1]], out)
	case Table:
		if in.Shape != out.Shape {
			return fmt.Errorf("shapes %v and %v differ", in.Shape, out.Shape)
		}
		return validateTable(n.Table, in, out)
	case Softmax:
		return n.Softmax.validate(in, out)
	case Concat:
		return g.validateConcat(n)
	case Window:
		return n.Window.validate(in, out)
	default:
		return n.Rearrange.validate(in, out)
	}
}

// sameValues tells whether elements of two tensors mean the same real value,
// so that copying them is right.
func sameValues(a, b *Tensor) error {
	if a.Scale != b.Scale || a.Zero != b.Zero || a.Bits > b.Bits {
		return fmt.Errorf("elements are copied but the parameters differ: %d bits, scale %g, zero %d against %d bits, scale %g, zero %d",
			a.Bits, a.Scale, a.Zero, b.Bits, b.Scale, b.Zero)
	}
	return nil
}

// validateTable checks the entries that elements of the input can reach.
func validateTable(table *[256]int8, in, out *Tensor) error {
	first, last := fixed.Range(in.Bits)
	low, high := fixed.Range(out.Bits)
	for q := int(first); q <= int(last); q++ {
		if y := table[q+128]; y < low || y > high {
			return fmt.Errorf("table entry of %d is %d: must be within [%d, %d]", q, y, low, high)
		}
	}
	return nil
}

func validateMultiplier(m fixed.Multiplier, extraShift uint8) error {
	if m.M0 < 0 {
		return fmt.Errorf("multiplier %d: must not be negative", m.M0)
	}
	if s := int(m.Shift) + int(extraShift); m.Shift < fixed.MinShift || s > fixed.MaxShift {
		return fmt.Errorf("shift %d+%d: must be within [%d, %d]", m.Shift, extraShift, fixed.MinShift, fixed.MaxShift)
	}
	return nil
}

func validateClamp(low, high int8, out *Tensor) error {
	if first, last := fixed.Range(out.Bits); low > high || low < first || high > last {
		return fmt.Errorf("clamp [%d, %d]: must be an interval within [%d, %d]", low, high, first, last)
	}
	return nil
}

// validate checks a window walk from in to out.
func (g *Geometry) validate(in, out Shape) error {
	for axis := range g.Kernel {
		for _, extent := range []int{g.Kernel[axis], g.Stride[axis], g.Dilation[axis]} {
			if extent < 1 || extent > 1<<16 {
				return fmt.Errorf("kernel %v, stride %v, dilation %v: must be 1 to 65536", g.Kernel, g.Stride, g.Dilation)
			}
		}
		for _, pad := range []int{g.PadBegin[axis], g.PadEnd[axis]} {
			if pad < 0 || pad > 1<<16 {
				return fmt.Errorf("padding %v, %v: must be 0 to 65536", g.PadBegin, g.PadEnd)
			}
		}
	}
	if rows, columns := g.paddedExtents(in); rows*columns > MaxElements/in.Channels {
		return fmt.Errorf("input of %v with padding %v, %v exceeds %d elements", in, g.PadBegin, g.PadEnd, MaxElements)
	}
	if rows, columns := g.outputExtents(in); rows != out.Rows || columns != out.Columns {
		return fmt.Errorf("output has %d rows and %d columns; the window walk gives %d and %d", out.Rows, out.Columns, rows, columns)
	}
	return nil
}
