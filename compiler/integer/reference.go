package integer

import (
	"fmt"

	"github.com/npusim/npusim/isa/fixed"
)

// Reference executes a quantized graph on whole tensors with direct loops. It
// is the specification that the machine's tiled execution must equal bit for
// bit, so it shares nothing with lowering or the engines but the scalar
// formulas of isa/fixed.
//
// A Reference holds the buffers of one execution: use one a goroutine.
type Reference struct {
	graph   *Graph
	tensors [][]int8

	padded []int8  // input image of a convolution with its padding
	patch  []int32 // receptive field of one output pixel
	lookup []uint32

	codes map[*Node][]int32 // integer weights of binary codes
}

// NewReference validates the graph and allocates every tensor.
func NewReference(g *Graph) (*Reference, error) {
	if err := g.Validate(); err != nil {
		return nil, err
	}
	if g.ShapeOnly {
		return nil, fmt.Errorf("network %s has layer shapes alone: there are no weights to execute it with", g.Name)
	}
	r := &Reference{graph: g, tensors: make([][]int8, len(g.Tensors)), codes: map[*Node][]int32{}}
	for i := range g.Tensors {
		r.tensors[i] = g.Tensors[i].Constant
	}
	var padded, patch, channels int
	for i := range g.Nodes {
		n := &g.Nodes[i]
		out := &g.Tensors[n.Output]
		r.tensors[n.Output] = make([]int8, out.Shape.Elements())
		in := g.Tensors[n.Inputs[0]].Shape
		switch n.Kind {
		case Convolution:
			a := n.Convolution
			rows, columns := a.paddedExtents(in)
			padded = max(padded, in.Channels*rows*columns)
			patch = max(patch, in.Channels/a.Groups*a.Kernel[0]*a.Kernel[1])
			if a.Codes != nil {
				weights, err := codedWeights(a.Codes)
				if err != nil {
					return nil, fmt.Errorf("node %s: %w", n.Name, err)
				}
				r.codes[n] = weights
			}
		case Softmax:
			channels = max(channels, in.Channels)
		}
	}
	r.padded = make([]int8, padded)
	r.patch = make([]int32, patch)
	r.lookup = make([]uint32, channels)
	return r, nil
}

// Run executes the graph on one sample and returns every tensor in (channel,
// row, column) order, indexed by TensorID. The slices are valid until the next
// Run; those of graph inputs are the caller's. It panics unless there is one
// input slice of the right length for each graph input.
func (r *Reference) Run(inputs [][]int8) [][]int8 {
	g := r.graph
	if len(inputs) != len(g.Inputs) {
		panic(fmt.Sprintf("integer: %d inputs for a graph of %d", len(inputs), len(g.Inputs)))
	}
	for i, id := range g.Inputs {
		if want := g.Tensors[id].Shape.Elements(); len(inputs[i]) != want {
			panic(fmt.Sprintf("integer: input %q has %d elements instead of %d", g.Tensors[id].Name, len(inputs[i]), want))
		}
		r.tensors[id] = inputs[i]
	}
	for i := range g.Nodes {
		n := &g.Nodes[i]
		switch n.Kind {
		case Convolution:
			r.convolution(n)
		case Pool:
			r.pool(n)
		case Binary:
			r.binary(n)
		case Table:
			in, out := r.tensors[n.Inputs[0]], r.tensors[n.Output]
			for k, q := range in {
				out[k] = n.Table[int(q)+128]
			}
		case Softmax:
			r.softmax(n)
		case Concat:
			r.concat(n)
		case Window:
			r.window(n)
		case Rearrange:
			r.rearrange(n)
		}
	}
	return r.tensors
}

// outputExtents is the size of the image a window walk produces.
func (g *Geometry) outputExtents(in Shape) (rows, columns int) {
	extent := func(size, axis int) int {
		span := g.Dilation[axis]*(g.Kernel[axis]-1) + 1
		room := size + g.PadBegin[axis] + g.PadEnd[axis] - span
		if room < 0 {
			return 0
		}
		return room/g.Stride[axis] + 1
	}
	return extent(in.Rows, 0), extent(in.Columns, 1)
}

// paddedExtents is the size of an input image with its padding.
func (g *Geometry) paddedExtents(in Shape) (rows, columns int) {
	return in.Rows + g.PadBegin[0] + g.PadEnd[0], in.Columns + g.PadBegin[1] + g.PadEnd[1]
}

// pool computes maxima or averages of windows; cells outside the input never
// count.
func (r *Reference) pool(n *Node) {
	a := n.Pool
	source, target := &r.graph.Tensors[n.Inputs[0]], &r.graph.Tensors[n.Output]
	in, out := r.tensors[n.Inputs[0]], r.tensors[n.Output]
	low, high := fixed.Range(target.Bits)
	size := source.Shape
	zero := int64(source.Zero)
	next := 0
	for c := 0; c < size.Channels; c++ {
		plane := in[c*size.Rows*size.Columns:]
		for oy := 0; oy < target.Shape.Rows; oy++ {
			firstY, lastY := windowRange(oy, 0, &a.Geometry, size.Rows)
			for ox := 0; ox < target.Shape.Columns; ox++ {
				firstX, lastX := windowRange(ox, 1, &a.Geometry, size.Columns)
				var sum, count int64
				maximum := int8(-128)
				for y := firstY; y < lastY; y += a.Dilation[0] {
					for x := firstX; x < lastX; x += a.Dilation[1] {
						q := plane[y*size.Columns+x]
						sum += int64(q) - zero
						maximum = max(maximum, q)
						count++
					}
				}
				if !a.Average {
					out[next] = maximum
				} else {
					m := a.Multipliers[0]
					if len(a.Multipliers) > 1 {
						m = a.Multipliers[count-1]
					}
					out[next] = fixed.Requantize(int32(sum), m.M0, m.Shift, target.Zero, low, high)
				}
				next++
			}
		}
	}
}

// windowRange is the half-open range of input indices under the kernel of
// output index o, walked in steps of the dilation and clipped to the input.
func windowRange(o, axis int, g *Geometry, size int) (first, end int) {
	first = o*g.Stride[axis] - g.PadBegin[axis]
	end = min(first+g.Dilation[axis]*(g.Kernel[axis]-1)+1, size)
	for first < 0 {
		first += g.Dilation[axis]
	}
	return first, end
}

// binary applies a two-operand formula; an operand extent of 1 repeats.
func (r *Reference) binary(n *Node) {
	a := n.Binary
	first, second := &r.graph.Tensors[n.Inputs[0]], &r.graph.Tensors[n.Inputs[1]]
	target := &r.graph.Tensors[n.Output]
	x, y, out := r.tensors[n.Inputs[0]], r.tensors[n.Inputs[1]], r.tensors[n.Output]
	xStrides, yStrides := broadcastStrides(first.Shape), broadcastStrides(second.Shape)
	next := 0
	for c := 0; c < target.Shape.Channels; c++ {
		for h := 0; h < target.Shape.Rows; h++ {
			xi, yi := c*xStrides[0]+h*xStrides[1], c*yStrides[0]+h*yStrides[1]
			for w := 0; w < target.Shape.Columns; w++ {
				p := int32(x[xi]) - int32(first.Zero)
				q := int32(y[yi]) - int32(second.Zero)
				switch a.Mode {
				case Add:
					out[next] = fixed.Add(p, q, a.Factors, target.Zero, a.Low, a.High)
				case Multiply:
					out[next] = fixed.Multiply(p, q, a.Multiplier, target.Zero, a.Low, a.High)
				case Divide:
					out[next] = fixed.Divide(p, q, a.Multiplier, target.Zero, a.Low, a.High)
				}
				next++
				xi += xStrides[2]
				yi += yStrides[2]
			}
		}
	}
}

// broadcastStrides are the (channel, row, column) strides of a dense tensor,
// 0 where the extent is 1.
func broadcastStrides(s Shape) [3]int {
	strides := [3]int{s.Rows * s.Columns, s.Columns, 1}
	for axis, extent := range s.Extents() {
		if extent == 1 {
			strides[axis] = 0
		}
	}
	return strides
}

// Extents are the extents in (channel, row, column) order.
func (s Shape) Extents() [3]int { return [3]int{s.Channels, s.Rows, s.Columns} }

// softmax normalizes over the channels of each pixel.
func (r *Reference) softmax(n *Node) {
	a := n.Softmax
	target := &r.graph.Tensors[n.Output]
	in, out := r.tensors[n.Inputs[0]], r.tensors[n.Output]
	low, high := fixed.Range(target.Bits)
	channels, pixels := target.Shape.Channels, target.Shape.Rows*target.Shape.Columns
	for p := 0; p < pixels; p++ {
		largest := in[p]
		for c := 1; c < channels; c++ {
			largest = max(largest, in[c*pixels+p])
		}
		var sum uint64
		for c := 0; c < channels; c++ {
			e := a.Exponentials[int(largest)-int(in[c*pixels+p])]
			r.lookup[c] = e
			sum += uint64(e)
		}
		for c := 0; c < channels; c++ {
			out[c*pixels+p] = fixed.SoftmaxElement(r.lookup[c], sum, a.OutputShift, target.Zero, low, high)
		}
	}
}

// concat copies the inputs one after another along an axis.
func (r *Reference) concat(n *Node) {
	a := n.Concat
	target := &r.graph.Tensors[n.Output]
	out := r.tensors[n.Output]
	strides := [3]int{target.Shape.Rows * target.Shape.Columns, target.Shape.Columns, 1}
	start := 0
	for i, id := range n.Inputs {
		in, shape := r.tensors[id], r.graph.Tensors[id].Shape
		next := 0
		for c := 0; c < shape.Channels; c++ {
			for h := 0; h < shape.Rows; h++ {
				o := start*strides[a.Axis] + c*strides[0] + h*strides[1]
				row := in[next : next+shape.Columns]
				next += shape.Columns
				if table := a.Tables[i]; table != nil {
					for w, q := range row {
						out[o+w] = table[int(q)+128]
					}
				} else {
					copy(out[o:], row)
				}
			}
		}
		start += shape.Extents()[a.Axis]
	}
}

// window copies a strided region, filling what lies outside the input.
func (r *Reference) window(n *Node) {
	a := n.Window
	source, target := r.graph.Tensors[n.Inputs[0]].Shape, r.graph.Tensors[n.Output].Shape
	in, out := r.tensors[n.Inputs[0]], r.tensors[n.Output]
	next := 0
	for c := 0; c < target.Channels; c++ {
		ic := a.Start[0] + c*a.Step[0]
		for h := 0; h < target.Rows; h++ {
			ih := a.Start[1] + h*a.Step[1]
			inside := ic >= 0 && ic < source.Channels && ih >= 0 && ih < source.Rows
			for w := 0; w < target.Columns; w++ {
				iw := a.Start[2] + w*a.Step[2]
				q := a.Fill
				if inside && iw >= 0 && iw < source.Columns {
					q = in[(ic*source.Rows+ih)*source.Columns+iw]
					if a.Table != nil {
						q = a.Table[int(q)+128]
					}
				}
				out[next] = q
				next++
			}
		}
	}
}

// rearrange permutes a tensor with an odometer over the loop nest.
func (r *Reference) rearrange(n *Node) {
	a := n.Rearrange
	in, out := r.tensors[n.Inputs[0]], r.tensors[n.Output]
	var index [MaxRearrangeDims]int
	offset := 0
	for next := range out {
		out[next] = in[offset]
		for d := len(a.Dims) - 1; d >= 0; d-- {
			index[d]++
			offset += a.InputStrides[d]
			if index[d] < a.Dims[d] {
				break
			}
			offset -= index[d] * a.InputStrides[d]
			index[d] = 0
		}
	}
}
