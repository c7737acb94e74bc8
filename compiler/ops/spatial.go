package ops

import (
	"fmt"

	"github.com/npusim/npusim/compiler/graph"
)

// axis is a window sliding along one spatial axis, in elements.
type axis struct {
	in, out          int // sizes of input and output
	kernel           int
	stride, dilation int
	begin, end       int // pads; end includes extra
	extra            int // cells of end that only ceil_mode added
}

// span is the distance from the first tap of a window to past its last.
func (a axis) span() int { return (a.kernel-1)*a.dilation + 1 }

// window reads the attributes that convolutions and pools share and settles
// pads and output sizes of all spatial axes. kernel is the known kernel shape.
//
// Output sizes follow ONNX: SAME pads so that out = ceil(in/stride), the odd
// cell at the end (SAME_UPPER) or at the beginning (SAME_LOWER); VALID does
// not pad; NOTSET takes the pads attribute. ceil_mode lets the last window
// pass the padded end unless it would start in the end pads. (This rule
// entered the text with opset 22 but runtimes have always applied it.)
func (n *node) window(in, kernel []int, ceilMode bool) []axis {
	count := len(in)
	strides := n.sizesAttribute("strides", count, 1, 1)
	dilations := n.sizesAttribute("dilations", count, 1, 1)
	pads := n.sizesAttribute("pads", 2*count, 0, 0)
	auto := n.stringAttribute("auto_pad", "NOTSET")
	switch auto {
	case "NOTSET":
	case "SAME_UPPER", "SAME_LOWER", "VALID":
		for _, p := range pads {
			if p != 0 {
				n.fail(n.invalid("attributes pads and auto_pad %s exclude each other", auto))
			}
		}
	default:
		n.fail(n.invalid("attribute auto_pad is %s, must be NOTSET, SAME_UPPER, SAME_LOWER or VALID", quote(auto)))
	}
	axes := make([]axis, count)
	for i := range axes {
		a := axis{in: in[i], kernel: kernel[i], stride: strides[i], dilation: dilations[i], begin: pads[i], end: pads[count+i]}
		if auto == "SAME_UPPER" || auto == "SAME_LOWER" {
			a.out = (a.in + a.stride - 1) / a.stride
			total := max((a.out-1)*a.stride+a.span()-a.in, 0)
			a.begin, a.end = total/2, total-total/2
			if auto == "SAME_LOWER" {
				a.begin, a.end = a.end, a.begin
			}
		} else {
			room := a.in + a.begin + a.end - a.span()
			if room < 0 {
				n.fail(n.invalid("spatial axis %d: a window of %d cells does not fit in %d padded ones", i, a.span(), a.in+a.begin+a.end))
				return axes
			}
			a.out = room/a.stride + 1
			// VALID has no use for ceil_mode: its formula gives the same size.
			if ceilMode && auto == "NOTSET" && room%a.stride != 0 && a.out*a.stride < a.in+a.begin {
				a.out++
				a.extra = (a.out-1)*a.stride + a.span() - (a.in + a.begin + a.end)
				a.end += a.extra
			}
		}
		axes[i] = a
	}
	return axes
}

// nonEmptySpatial checks that an input has a batch, channels and one or two
// spatial axes, none of them empty.
func (n *node) nonEmptySpatial(i int) error {
	shape := n.shape(i)
	if len(shape) < 3 {
		return n.invalid("input %d has shape %v, must be [N, C, spatial axes]", i, shape)
	}
	if len(shape) > 4 {
		return n.unsupported("1 or 2 spatial axes", "input %d with %d spatial axes", i, len(shape)-2)
	}
	return n.nonEmpty(i)
}

// nonEmpty refuses tensors without elements among the given inputs.
func (n *node) nonEmpty(inputs ...int) error {
	for _, i := range inputs {
		if n.has(i) && graph.Elements(n.shape(i)) == 0 {
			return n.invalid("input %d, %s, has the shape %v without elements", i, quote(n.value(i).Name), n.shape(i))
		}
	}
	return nil
}

// checkTaps makes sure that every window covers at least one cell of the input.
func (a axis) checkTaps() error {
	for o := range a.out {
		first := firstTap(o*a.stride-a.begin, a.dilation)
		if position := o*a.stride - a.begin + first*a.dilation; first >= a.kernel || position >= a.in {
			return fmt.Errorf("the window at position %d lies in the padding altogether", o)
		}
	}
	return nil
}

// firstTap is the first tap of a window starting at start that is not before 0.
func firstTap(start, dilation int) int {
	if start >= 0 {
		return 0
	}
	return (-start + dilation - 1) / dilation
}

// pieces gives the fields of the axes as lists, as the attribute structs hold
// them, and the output sizes.
func pieces(axes []axis) (strides, dilations, begin, end, extra, out []int) {
	for _, a := range axes {
		strides, dilations = append(strides, a.stride), append(dilations, a.dilation)
		begin, end, extra = append(begin, a.begin), append(end, a.end), append(extra, a.extra)
		out = append(out, a.out)
	}
	return
}

// twoAxes puts an axis of one cell before a single spatial axis, so that
// kernels have rows and columns always.
func twoAxes(in, out, kernel, strides, dilations, begin, end, extra []int) (rows, columns axis) {
	get := func(i int) axis {
		if i < 0 {
			return axis{in: 1, out: 1, kernel: 1, stride: 1, dilation: 1}
		}
		a := axis{in: in[i], out: out[i], kernel: kernel[i], stride: strides[i], dilation: dilations[i], begin: begin[i], end: end[i]}
		if extra != nil {
			a.extra = extra[i]
		}
		return a
	}
	return get(len(in) - 2), get(len(in) - 1)
}
