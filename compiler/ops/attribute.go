package ops

import "github.com/npusim/npusim/compiler/onnx"

// attribute finds an attribute and checks its type; nil if it is absent or
// faulty. The row has read it then.
func (n *node) attribute(name string, want onnx.AttributeType) *onnx.Attribute {
	n.read[name] = true
	a := n.source.Attribute(name)
	if a == nil {
		return nil
	}
	if a.Type != want {
		n.fail(n.invalid("attribute %s has type %v, must be %v", name, a.Type, want))
		return nil
	}
	return a
}

// intAttribute reads an integer; absent gives the default.
func (n *node) intAttribute(name string, absent int64) int64 {
	if a := n.attribute(name, onnx.IntAttribute); a != nil {
		return a.I
	}
	return absent
}

// boolAttribute reads an integer that must be 0 or 1.
func (n *node) boolAttribute(name string, absent bool) bool {
	a := n.attribute(name, onnx.IntAttribute)
	if a == nil {
		return absent
	}
	if a.I != 0 && a.I != 1 {
		n.fail(n.invalid("attribute %s is %d, must be 0 or 1", name, a.I))
	}
	return a.I == 1
}

func (n *node) floatAttribute(name string, absent float32) float32 {
	a := n.attribute(name, onnx.FloatAttribute)
	if a == nil {
		return absent
	}
	if !finite(a.F) {
		n.fail(n.invalid("attribute %s is %v, must be finite", name, a.F))
		return absent
	}
	return a.F
}

func (n *node) stringAttribute(name, absent string) string {
	if a := n.attribute(name, onnx.StringAttribute); a != nil {
		return string(a.S)
	}
	return absent
}

// intsAttribute reads a list of integers, nil if it is absent.
func (n *node) intsAttribute(name string) []int64 {
	if a := n.attribute(name, onnx.IntsAttribute); a != nil {
		if a.Ints == nil {
			return []int64{}
		}
		return a.Ints
	}
	return nil
}

// sizesAttribute reads a list of count integers in min..maxAttribute; absent
// gives that many defaults.
func (n *node) sizesAttribute(name string, count int, min, absent int) []int {
	sizes := make([]int, count)
	for i := range sizes {
		sizes[i] = absent
	}
	list := n.intsAttribute(name)
	if list == nil {
		return sizes
	}
	if len(list) != count {
		n.fail(n.invalid("attribute %s has %d entries, must have %d", name, len(list), count))
		return sizes
	}
	for i, v := range list {
		if v < int64(min) || v > maxAttribute {
			n.fail(n.invalid("attribute %s[%d] is %d, must be %d to %d", name, i, v, min, maxAttribute))
			return sizes
		}
		sizes[i] = int(v)
	}
	return sizes
}

// axis makes an axis non-negative; a fault gives 0.
func (n *node) axis(axis int64, rank int) int {
	if axis < -int64(rank) || axis >= int64(rank) {
		n.fail(n.invalid("axis %d is outside of a tensor of %d axes", axis, rank))
		return 0
	}
	if axis < 0 {
		axis += int64(rank)
	}
	return int(axis)
}

// axes makes a list of axes non-negative and refuses a repeated one.
func (n *node) axes(list []int64, rank int) []int {
	seen := make([]bool, rank)
	var axes []int
	for _, a := range list {
		axis := n.axis(a, rank)
		if n.err != nil {
			return axes
		}
		if seen[axis] {
			n.fail(n.invalid("axes %v name axis %d twice", list, axis))
			return axes
		}
		seen[axis] = true
		axes = append(axes, axis)
	}
	return axes
}

// inert marks an attribute as read that has no effect on inference.
func (n *node) inert(name string) { n.read[name] = true }
