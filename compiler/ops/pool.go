package ops

import (
	"slices"

	"github.com/npusim/npusim/compiler/graph"
)

func importMaxPool(n *node) error {
	if err := n.arity(1, 1); err != nil {
		return err
	}
	if n.opset >= 8 {
		n.inert("storage_order") // numbers the cells of Indices, which is refused
	}
	n.onlyOutputs(1, "the pooled output alone")
	return importPool(n, graph.MaxPool, &graph.PoolAttributes{}, 10)
}

func importAveragePool(n *node) error {
	if err := n.arity(1, 1); err != nil {
		return err
	}
	a := &graph.PoolAttributes{}
	if n.opset >= 7 {
		a.CountIncludePad = n.boolAttribute("count_include_pad", false)
	}
	return importPool(n, graph.AveragePool, a, 19)
}

// importPool translates what both have in common; dilations came at the opset
// stated, ceil_mode at 10.
func importPool(n *node, op graph.Op, a *graph.PoolAttributes, dilationsSince int) error {
	if err := n.nonEmptySpatial(0); err != nil {
		return err
	}
	x := n.shape(0)
	if n.source.Attribute("kernel_shape") == nil {
		return n.invalid("attribute kernel_shape is missing")
	}
	if n.opset < dilationsSince && n.source.Attribute("dilations") != nil {
		return n.unsupported("", "attribute dilations before opset %d", dilationsSince)
	}
	a.Kernel = n.sizesAttribute("kernel_shape", len(x)-2, 1, 1)
	ceilMode := n.opset >= 10 && n.boolAttribute("ceil_mode", false)
	if n.err != nil {
		return n.err
	}
	axes := n.window(x[2:], a.Kernel, ceilMode)
	if n.err != nil {
		return n.err
	}
	var out []int
	a.Strides, a.Dilations, a.PadBegin, a.PadEnd, a.CeilExtra, out = pieces(axes)
	y := append([]int{x[0], x[1]}, out...)
	if _, err := checkShape(y); err != nil {
		return n.invalid("output: %v", err)
	}
	for i := range axes {
		if err := axes[i].checkTaps(); err != nil {
			return n.invalid("spatial axis %d: %v", i, err)
		}
	}
	return n.emit(op, a, []graph.ValueID{n.input(0)}, y)
}

func importGlobalAveragePool(n *node) error {
	if err := n.arity(1, 1); err != nil {
		return err
	}
	if err := n.nonEmptySpatial(0); err != nil {
		return err
	}
	y := slices.Clone(n.shape(0))
	for i := range y[2:] {
		y[2+i] = 1
	}
	return n.emit(graph.GlobalAveragePool, nil, []graph.ValueID{n.input(0)}, y)
}

// taps lists for each position of a window along an axis the first input cell
// it covers, how many cells it covers, and how many cells including those of
// the stated padding.
type taps struct {
	first, count, padded []int
}

func (a axis) taps() taps {
	var t taps
	for o := range a.out {
		start := o*a.stride - a.begin
		first := firstTap(start, a.dilation)
		last := min(a.kernel, (a.in-1-start)/a.dilation+1)                 // first tap past the input
		padded := min(a.kernel, (a.in+a.end-a.extra-1-start)/a.dilation+1) // first tap past the padding
		t.first = append(t.first, start+first*a.dilation)
		t.count = append(t.count, last-first)
		t.padded = append(t.padded, padded)
	}
	return t
}

// pooling is the bound shape of a pooling node.
type pooling struct {
	planes        int
	rows, columns axis
	y, x          taps
}

func bindPooling(g *graph.Graph, n *graph.Node) pooling {
	a := n.Attributes.(*graph.PoolAttributes)
	x, y := shapeOf(g, n, 0), resultShape(g, n, 0)
	p := pooling{planes: x[0] * x[1]}
	p.rows, p.columns = twoAxes(x[2:], y[2:], a.Kernel, a.Strides, a.Dilations, a.PadBegin, a.PadEnd, a.CeilExtra)
	p.y, p.x = p.rows.taps(), p.columns.taps()
	return p
}

func bindMaxPool(g *graph.Graph, n *graph.Node) Kernel {
	p := bindPooling(g, n)
	return Kernel{Run: func(out, in [][]float32, _ []float32) {
		result := out[0]
		for plane := range p.planes {
			x := in[0][plane*p.rows.in*p.columns.in:]
			for oy := range p.rows.out {
				for ox := range p.columns.out {
					first := p.y.first[oy]*p.columns.in + p.x.first[ox]
					best := x[first]
					for ky := range p.y.count[oy] {
						line := x[first+ky*p.rows.dilation*p.columns.in:]
						for kx := range p.x.count[ox] {
							best = max(best, line[kx*p.columns.dilation])
						}
					}
					result[0] = best
					result = result[1:]
				}
			}
		}
	}}
}

func bindAveragePool(g *graph.Graph, n *graph.Node) Kernel {
	p := bindPooling(g, n)
	counted := n.Attributes.(*graph.PoolAttributes).CountIncludePad
	return Kernel{Run: func(out, in [][]float32, _ []float32) {
		result := out[0]
		for plane := range p.planes {
			x := in[0][plane*p.rows.in*p.columns.in:]
			for oy := range p.rows.out {
				for ox := range p.columns.out {
					first := p.y.first[oy]*p.columns.in + p.x.first[ox]
					sum := 0.0
					for ky := range p.y.count[oy] {
						line := x[first+ky*p.rows.dilation*p.columns.in:]
						for kx := range p.x.count[ox] {
							sum += float64(line[kx*p.columns.dilation])
						}
					}
					cells := p.y.count[oy] * p.x.count[ox]
					if counted {
						cells = p.y.padded[oy] * p.x.padded[ox]
					}
					result[0] = float32(sum / float64(cells))
					result = result[1:]
				}
			}
		}
	}}
}

func bindGlobalAveragePool(g *graph.Graph, n *graph.Node) Kernel {
	x := shapeOf(g, n, 0)
	cells := graph.Elements(x[2:])
	return Kernel{Run: func(out, in [][]float32, _ []float32) {
		for i := range out[0] {
			sum := 0.0
			for _, v := range in[0][i*cells:][:cells] {
				sum += float64(v)
			}
			out[0][i] = float32(sum / float64(cells))
		}
	}}
}
