package ops

import (
	"slices"

	"github.com/npusim/npusim/compiler/floatref/gemm"
	"github.com/npusim/npusim/compiler/graph"
)

// importConv translates Conv, which has not changed since opset 1 but for
// types. Weights and bias may be computed at run time.
func importConv(n *node) error {
	if err := n.arity(2, 3); err != nil {
		return err
	}
	if err := n.nonEmptySpatial(0); err != nil {
		return err
	}
	x, w := n.shape(0), n.shape(1)
	if len(w) != len(x) {
		return n.invalid("weights of shape %v for an input of shape %v", w, x)
	}
	if err := n.nonEmpty(1); err != nil {
		return err
	}
	groups := n.intAttribute("group", 1)
	if groups < 1 || int64(x[1]) != groups*int64(w[1]) || int64(w[0])%groups != 0 {
		return n.invalid("%d groups do not divide %d input channels into %d and %d output channels", groups, x[1], w[1], w[0])
	}
	if n.has(2) && !slices.Equal(n.shape(2), w[:1]) {
		return n.invalid("bias of shape %v for %d output channels", n.shape(2), w[0])
	}
	kernel := w[2:]
	if list := n.intsAttribute("kernel_shape"); list != nil {
		if stated := n.sizesAttribute("kernel_shape", len(kernel), 1, 1); n.err == nil && !slices.Equal(stated, kernel) {
			return n.invalid("attribute kernel_shape is %v, the weights have %v", stated, kernel)
		}
	}
	axes := n.window(x[2:], kernel, false)
	if n.err != nil {
		return n.err
	}
	padded := append([]int{}, x...)
	for i, a := range axes {
		padded[2+i] += a.begin + a.end
	}
	if _, err := checkShape(padded); err != nil {
		return n.invalid("the padded input: %v", err)
	}
	a := &graph.ConvAttributes{Kernel: slices.Clone(kernel), Groups: int(groups)}
	var out []int
	a.Strides, a.Dilations, a.PadBegin, a.PadEnd, _, out = pieces(axes)
	return n.emit(graph.Conv, a, []graph.ValueID{n.input(0), n.input(1), n.input(2)}, append([]int{x[0], w[0]}, out...))
}

// convolution is the bound shape of a Conv.
type convolution struct {
	batch, groups     int
	channels, filters int // of one group
	rows, columns     axis
}

// tileElements bounds the unfolded input that one matrix product reads: 1 MiB,
// so that it stays in cache.
const tileElements = 1 << 18

// bindConv chooses between three forms: a matrix product on the input as it
// stands (1x1), windows summed directly (depthwise), and a matrix product on
// unfolded tiles of the input (all else).
func bindConv(g *graph.Graph, n *graph.Node) Kernel {
	a := n.Attributes.(*graph.ConvAttributes)
	x, w, y := shapeOf(g, n, 0), shapeOf(g, n, 1), resultShape(g, n, 0)
	c := convolution{batch: x[0], groups: a.Groups, channels: w[1], filters: w[0] / a.Groups}
	c.rows, c.columns = twoAxes(x[2:], y[2:], a.Kernel, a.Strides, a.Dilations, a.PadBegin, a.PadEnd, nil)
	switch {
	case c.channels == 1 && c.groups > 1:
		return c.depthwise()
	case c.rows.isPoint() && c.columns.isPoint():
		return c.pointwise()
	}
	return c.unfolded()
}

// isPoint tells that every output cell reads the input cell at its position.
func (a axis) isPoint() bool {
	return a.kernel == 1 && a.stride == 1 && a.begin == 0 && a.end == 0
}

func (c convolution) pointwise() Kernel {
	cells := c.rows.out * c.columns.out
	return Kernel{Run: func(out, in [][]float32, _ []float32) {
		x, w, y := in[0], in[1], out[0]
		for block := range c.batch * c.groups {
			group := block % c.groups
			weights := w[group*c.filters*c.channels:]
			part := y[block*c.filters*cells:][:c.filters*cells]
			gemm.Multiply(c.filters, cells, c.channels, weights, c.channels, x[block*c.channels*cells:], cells, part, cells)
			addBias(part, operand(in, 2), group*c.filters, cells)
		}
	}}
}

func (c convolution) unfolded() Kernel {
	cells := c.rows.out * c.columns.out
	depth := c.channels * c.rows.kernel * c.columns.kernel
	tile := min(cells, max(1, tileElements/depth))
	plane := c.rows.in * c.columns.in
	return Kernel{Scratch: depth * tile, Run: func(out, in [][]float32, scratch []float32) {
		x, w, y := in[0], in[1], out[0]
		for block := range c.batch * c.groups {
			group := block % c.groups
			weights := w[group*c.filters*depth:]
			part := y[block*c.filters*cells:][:c.filters*cells]
			for from := 0; from < cells; from += tile {
				count := min(tile, cells-from)
				c.unfold(scratch, x[block*c.channels*plane:][:c.channels*plane], from, count)
				gemm.Multiply(c.filters, count, depth, weights, depth, scratch, count, part[from:], cells)
			}
			addBias(part, operand(in, 2), group*c.filters, cells)
		}
	}}
}

// unfold writes for each channel and tap one row with the input cells that the
// output cells from..from+count read through that tap, 0 in the padding.
func (c convolution) unfold(tile, x []float32, from, count int) {
	row := 0
	for channel := range c.channels {
		plane := x[channel*c.rows.in*c.columns.in:]
		for ky := range c.rows.kernel {
			for kx := range c.columns.kernel {
				line := tile[row*count:][:count]
				row++
				for done := 0; done < count; {
					cell := from + done
					oy, ox := cell/c.columns.out, cell%c.columns.out
					segment := line[done:][:min(c.columns.out-ox, count-done)]
					done += len(segment)
					iy := oy*c.rows.stride - c.rows.begin + ky*c.rows.dilation
					if iy < 0 || iy >= c.rows.in {
						clear(segment)
						continue
					}
					c.columns.gather(segment, plane[iy*c.columns.in:][:c.columns.in], ox, kx)
				}
			}
		}
	}
}

// gather reads through tap k of the windows from position ox on.
func (a axis) gather(out, line []float32, ox, k int) {
	start := k*a.dilation - a.begin + ox*a.stride // may be outside of the line
	if a.stride == 1 {
		low := min(max(0, -start), len(out))
		high := max(low, min(len(out), a.in-start))
		clear(out[:low])
		if high > low {
			copy(out[low:high], line[start+low:])
		}
		clear(out[high:])
		return
	}
	position := start
	for i := range out {
		if uint(position) < uint(len(line)) {
			out[i] = line[position]
		} else {
			out[i] = 0
		}
		position += a.stride
	}
}

// addBias adds bias[first+i] to the i-th of the planes that y consists of.
func addBias(y, bias []float32, first, cells int) {
	if bias == nil {
		return
	}
	for i := 0; i*cells < len(y); i++ {
		b := bias[first+i]
		plane := y[i*cells:][:cells]
		for k := range plane {
			plane[k] += b
		}
	}
}
