package lower

import (
	"github.com/npusim/npusim/compiler/integer"
)

// isDepthwise tells convolutions whose every channel has a kernel of its own;
// other grouped convolutions run group by group on the array.
func isDepthwise(g *integer.Graph, n *integer.Node) bool {
	if n.Kind != integer.Convolution || n.Convolution.Groups == 1 {
		return false
	}
	channels := g.Tensors[n.Inputs[0]].Shape.Channels
	return n.Convolution.Groups == channels && g.Tensors[n.Output].Shape.Channels == channels
}

// window is the clipped input span under an output span of a sliding window.
func window(out span, kernel, stride, dilation, pad, extent int) (in span, origin int) {
	first := out.start*stride - pad
	last := (out.start+out.size-1)*stride - pad + (kernel-1)*dilation
	low, high := max(first, 0), min(last, extent-1)
	if high < low { // the window lies in the padding altogether: any one row will do
		low = min(max(low, 0), extent-1)
		high = low
	}
	return span{low, high - low + 1}, first - low
}

// strided is the clipped input span under an output span that takes every
// step-th index.
func strided(out span, start, step, extent int) span {
	a := start + out.start*step
	b := start + (out.start+out.size-1)*step
	low, high := max(min(a, b), 0), min(max(a, b), extent-1)
	if high < low {
		low = min(max(low, 0), extent-1)
		high = low
	}
	return span{low, high - low + 1}
}

// inputBox is what the anchor needs of its operand to compute an output box,
// without regard to channel blocks. For convolutions the channel axis is the
// caller's business. A Concat input outside the box gives an empty box. The
// output box of a Rearrange must be a tile of its nest.
func inputBox(g *integer.Graph, n *integer.Node, operand int, out box) box {
	in := g.Tensors[n.Inputs[operand]].Shape
	switch n.Kind {
	case integer.Convolution:
		return slide(&n.Convolution.Geometry, out, in)
	case integer.Pool:
		return slide(&n.Pool.Geometry, out, in)
	case integer.Binary:
		return broadcast(out, in, g.Tensors[n.Output].Shape)
	case integer.Softmax:
		return box{0, in.Channels, out.h0, out.h, out.w0, out.w}
	case integer.Concat:
		start := 0
		for _, earlier := range n.Inputs[:operand] {
			start += axisExtent(g.Tensors[earlier].Shape, n.Concat.Axis)
		}
		part := out
		first, size := part.axis(n.Concat.Axis)
		low := max(*first, start)
		high := min(*first+*size, start+axisExtent(in, n.Concat.Axis))
		*first, *size = low-start, high-low
		return part
	case integer.Window:
		w := n.Window
		c := strided(span{out.c0, out.c}, w.Start[0], w.Step[0], in.Channels)
		h := strided(span{out.h0, out.h}, w.Start[1], w.Step[1], in.Rows)
		x := strided(span{out.w0, out.w}, w.Start[2], w.Step[2], in.Columns)
		return box{c.start, c.size, h.start, h.size, x.start, x.size}
	case integer.Rearrange:
		return newNest(n.Rearrange, in, g.Tensors[n.Output].Shape).inputBox(out)
	}
	return out // Table
}

func slide(geometry *integer.Geometry, out box, in integer.Shape) box {
	h, _ := window(span{out.h0, out.h}, geometry.Kernel[0], geometry.Stride[0], geometry.Dilation[0], geometry.PadBegin[0], in.Rows)
	w, _ := window(span{out.w0, out.w}, geometry.Kernel[1], geometry.Stride[1], geometry.Dilation[1], geometry.PadBegin[1], in.Columns)
	return box{out.c0, out.c, h.start, h.size, w.start, w.size}
}

// broadcast is the part of an operand under an output box, extents of 1
// repeating.
func broadcast(out box, in, whole integer.Shape) box {
	if in.Channels == 1 && whole.Channels != 1 {
		out.c0, out.c = 0, 1
	}
	if in.Rows == 1 && whole.Rows != 1 {
		out.h0, out.h = 0, 1
	}
	if in.Columns == 1 && whole.Columns != 1 {
		out.w0, out.w = 0, 1
	}
	return out
}

// axis points at origin and extent of an axis: 0 channels, 1 rows, 2 columns.
func (b *box) axis(k int) (origin, extent *int) {
	switch k {
	case 0:
		return &b.c0, &b.c
	case 1:
		return &b.h0, &b.h
	}
	return &b.w0, &b.w
}

func axisExtent(s integer.Shape, k int) int { return [3]int{s.Channels, s.Rows, s.Columns}[k] }
