package transform

import (
	"slices"

	"github.com/npusim/npusim/compiler/graph"
)

// A window and a whole block of channels must fit the scratchpad of the
// machine, so large windows are split.
const (
	largestWindow = 1024 // cells of a window that stays whole if it has rows and columns
	largestLine   = 4096 // cells of a window of one row or column that stays whole
)

// splitLargePools replaces a large pool by one over rows and one over columns,
// and a long line of cells by one over parts of it and one over the parts.
//
// The function stays the same. A window is a rectangle of cells, also once its
// padding is cut away, so the mean (maximum) of the means (maxima) of its
// columns is its mean (maximum). Lines are cut only where no padding makes the
// parts unequal. Quantized, the values in between are rounded to a calibrated
// range of their own: each is off by at most half a step of that range, and so
// is their mean, before the usual half step of the result. A maximum rounds
// nothing in between.
func splitLargePools(n *Network) error {
	return n.rewrite(func(e *editor, node graph.Node) error {
		a, ok := node.Attributes.(*graph.PoolAttributes)
		if !ok || len(node.Outputs) != 1 || a.Kernel[0]*a.Kernel[1] <= largestWindow {
			e.emit(node)
			return nil
		}
		e.splitPool(node, a)
		return nil
	})
}

// splitPool emits a pool in as many parts as it takes.
func (e *editor) splitPool(node graph.Node, a *graph.PoolAttributes) {
	in, out := e.shape(node.Inputs[0]), e.shape(node.Outputs[0])
	between := slices.Clone(in)
	var first, second *graph.PoolAttributes
	suffix := "/rows"
	switch {
	case a.Kernel[0] > 1 && a.Kernel[1] > 1:
		first, second = alongAxis(a, 0), alongAxis(a, 1)
		between[2] = out[2]
	case a.Kernel[0] > largestLine:
		first, second = cutLine(a, 0, in[2], out[2])
		suffix = "/part"
	case a.Kernel[1] > largestLine:
		first, second = cutLine(a, 1, in[3], out[3])
		suffix = "/part"
	}
	if first == nil {
		e.emit(node)
		return
	}
	if suffix == "/part" {
		between = []int{in[0], in[1], in[2] / first.Strides[0], in[3] / first.Strides[1]}
	}
	part := graph.Node{Name: e.unique(node.Name + suffix), Op: node.Op, Inputs: node.Inputs, Attributes: first,
		Outputs: []graph.ValueID{e.value(e.name(node.Outputs[0])+suffix, between)}}
	e.adopt(part.Name, node.Name)
	e.splitPool(part, first)
	node.Inputs, node.Attributes = part.Outputs, second
	e.splitPool(node, second)
}

// alongAxis is the share of one axis in a pool, the other axis untouched.
func alongAxis(a *graph.PoolAttributes, axis int) *graph.PoolAttributes {
	take := func(list []int, other int) []int {
		if list == nil {
			return nil
		}
		taken := []int{other, other}
		taken[axis] = list[axis]
		return taken
	}
	return &graph.PoolAttributes{Kernel: take(a.Kernel, 1), Strides: take(a.Strides, 1), Dilations: take(a.Dilations, 1),
		PadBegin: take(a.PadBegin, 0), PadEnd: take(a.PadEnd, 0), CeilExtra: take(a.CeilExtra, 0), CountIncludePad: a.CountIncludePad}
}

// cutLine cuts windows along one axis into equal parts side by side; nil where
// no length up to largestLine divides both the windows and their distance. The
// extents are those of the axis.
func cutLine(a *graph.PoolAttributes, axis, in, out int) (first, second *graph.PoolAttributes) {
	kernel, stride := a.Kernel[axis], a.Strides[axis]
	if a.PadBegin[axis] != 0 || a.PadEnd[axis] != 0 || a.Dilations[axis] != 1 {
		return nil, nil
	}
	for part := min(largestLine, kernel/2); part > 1; part-- {
		if kernel%part != 0 || out > 1 && stride%part != 0 {
			continue
		}
		first, second = alongAxis(a, axis), alongAxis(a, axis)
		first.Kernel[axis], first.Strides[axis] = part, part
		second.Kernel[axis], second.Strides[axis] = kernel/part, stride/part
		if out == 1 {
			second.Strides[axis] = in / part // nothing but the first window
		}
		return first, second
	}
	return nil, nil
}
