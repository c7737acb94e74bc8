package lower

import (
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/npusim/npusim/compiler/integer"
	"github.com/npusim/npusim/compiler/integer/integertest"
	"github.com/npusim/npusim/configs"
)

// TestCandidateSizes: sizes fall, are whole units (or the whole axis), keep the
// limit and reach down to one unit or a 4096th.
func TestCandidateSizes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		extent, unit, limit := rapid.IntRange(1, 5000).Draw(t, "extent"), rapid.IntRange(1, 32).Draw(t, "unit"), rapid.IntRange(0, 100).Draw(t, "limit")
		list := candidateSizes(extent, unit, limit)
		largest := extent
		if limit > 0 && limit < extent {
			largest = min(extent, max(unit, limit/unit*unit))
		}
		if list[0] != largest {
			t.Fatalf("the first size is %d, want %d: %v", list[0], largest, list)
		}
		for i, size := range list {
			if size < 1 || size > extent || size%unit != 0 && size != extent || i > 0 && size >= list[i-1] {
				t.Fatalf("sizes %v of %d in units of %d", list, extent, unit)
			}
		}
		if smallest := list[len(list)-1]; smallest > unit && smallest > ceilDivide(ceilDivide(largest, 4096), unit)*unit {
			t.Fatalf("the smallest size is %d: %v", smallest, list)
		}
	})
}

// TestWindow against a walk over every kernel cell.
func TestWindow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := func(what string, low, high int) int { return rapid.IntRange(low, high).Draw(t, what) }
		out := span{n("start", 0, 10), n("size", 1, 6)}
		kernel, stride, dilation, pad, extent := n("kernel", 1, 5), n("stride", 1, 4), n("dilation", 1, 4), n("pad", 0, 20), n("extent", 1, 20)
		in, origin := window(out, kernel, stride, dilation, pad, extent)
		low, high := extent, -1
		for o := out.start; o < out.start+out.size; o++ {
			for k := range kernel {
				if i := o*stride - pad + k*dilation; i >= 0 && i < extent {
					low, high = min(low, i), max(high, i)
				}
			}
		}
		if in.start < 0 || in.size < 1 || in.start+in.size > extent {
			t.Fatalf("%+v does not lie in %d", in, extent)
		}
		if high >= 0 && (in.start > low || in.start+in.size <= high) {
			t.Fatalf("%+v leaves out part of %d to %d", in, low, high)
		}
		// No more than lies between the first and the last cell.
		first, last := out.start*stride-pad, (out.start+out.size-1)*stride-pad+(kernel-1)*dilation
		if high >= 0 && (in.start < first || in.start+in.size-1 > last) {
			t.Fatalf("%+v reaches beyond the window from %d to %d", in, first, last)
		}
		if in.start+origin != first {
			t.Fatalf("the window starts at %d, origin %d in %+v", first, origin, in)
		}
	})
}

// TestStrided against the indices one by one.
func TestStrided(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := func(what string, low, high int) int { return rapid.IntRange(low, high).Draw(t, what) }
		out, start, step, extent := span{n("first", 0, 10), n("size", 1, 6)}, n("start", -30, 30), n("step", -4, 4), n("extent", 1, 20)
		in := strided(out, start, step, extent)
		if in.start < 0 || in.size < 1 || in.start+in.size > extent {
			t.Fatalf("%+v does not lie in %d", in, extent)
		}
		low, high := extent, -1
		for o := out.start; o < out.start+out.size; o++ {
			if i := start + o*step; i >= 0 && i < extent {
				low, high = min(low, i), max(high, i)
			}
		}
		if high >= 0 && (in.start > low || in.start+in.size <= high) {
			t.Fatalf("%+v leaves out part of %d to %d", in, low, high)
		}
	})
}

// TestInputBoxHoldsWhatIsRead: changing an element of an operand outside the
// box of a random part of the output changes nothing in that part; and the
// slots the search reserves hold every box.
func TestInputBoxHoldsWhatIsRead(t *testing.T) {
	networks := uint64(300)
	if testing.Short() {
		networks = 40
	}
	for seed := range networks {
		g := integertest.Random(seed, 1)
		n := &g.Nodes[0]
		r := rand.New(rand.NewPCG(seed, 10))
		reference, err := integer.NewReference(g)
		if err != nil {
			t.Fatal(err)
		}
		input := [][]int8{integertest.Input(g, g.Inputs[0], r)}
		before := slices.Clone(reference.Run(input)[n.Output])
		out := g.Tensors[n.Output].Shape
		part := randomBox(r, out)
		if n.Kind == integer.Rearrange {
			part = randomTile(r, newNest(n.Rearrange, g.Tensors[n.Inputs[0]].Shape, out), 1)
		}
		if n.Kind == integer.Softmax {
			part.c0, part.c = 0, out.Channels
		}
		for operand, id := range n.Inputs {
			if id != g.Inputs[0] {
				continue
			}
			in := g.Tensors[id].Shape
			need := inputBox(g, n, operand, part)
			if n.Kind == integer.Convolution && !isDepthwise(g, n) {
				need.c0, need.c = 0, in.Channels // the caller's business
			}
			if n.Kind == integer.Concat && len(n.Inputs) > 1 {
				continue // the input serves as several operands
			}
			if n.Kind == integer.Binary && n.Inputs[0] == n.Inputs[1] && operand == 1 {
				continue
			}
			changed := slices.Clone(input[0])
			for c := range in.Channels {
				for h := range in.Rows {
					for w := range in.Columns {
						if !need.holds(c, h, w) {
							q := &changed[(c*in.Rows+h)*in.Columns+w]
							*q = -1 - *q // stays in range for any width
						}
					}
				}
			}
			after := reference.Run([][]int8{changed})[n.Output]
			for c := part.c0; c < part.c0+part.c; c++ {
				for h := part.h0; h < part.h0+part.h; h++ {
					for w := part.w0; w < part.w0+part.w; w++ {
						if i := (c*out.Rows+h)*out.Columns + w; before[i] != after[i] {
							t.Fatalf("seed %d: output (%d, %d, %d) of %+v changes with elements outside %+v\n%s", seed, c, h, w, part, need, g)
						}
					}
				}
			}
		}
	}
}

func randomBox(r *rand.Rand, s integer.Shape) box {
	axis := func(extent int) (int, int) {
		start := r.IntN(extent)
		return start, 1 + r.IntN(extent-start)
	}
	var b box
	b.c0, b.c = axis(s.Channels)
	b.h0, b.h = axis(s.Rows)
	b.w0, b.w = axis(s.Columns)
	return b
}

func (b box) holds(c, h, w int) bool {
	return c >= b.c0 && c < b.c0+b.c && h >= b.h0 && h < b.h0+b.h && w >= b.w0 && w < b.w0+b.w
}

// TestSlotsHoldEveryBox: what extents reserves for an operand is enough for the
// box of every tile, grown to whole channel blocks.
func TestSlotsHoldEveryBox(t *testing.T) {
	spec, err := configs.Load("edge", nil)
	if err != nil {
		t.Fatal(err)
	}
	networks := uint64(400)
	if testing.Short() {
		networks = 50
	}
	for seed := range networks {
		g := integertest.Random(seed, 5)
		l := &lowering{graph: g, target: NewTarget(spec)}
		l.target.ChannelBlock = []int{8, 16, 32}[seed%3]
		if l.steps, err = fuse(g); err != nil {
			t.Fatal(err)
		}
		l.lifetimes()
		r := rand.New(rand.NewPCG(seed, 11))
		for _, s := range l.steps {
			p := l.shape(s)
			v := tiling{rows: 1 + r.IntN(p.output.Rows), columns: 1 + r.IntN(p.output.Columns)}
			sizes := candidateSizes(p.output.Channels, l.target.ChannelBlock, 0)
			v.channels = sizes[r.IntN(len(sizes))]
			if p.array {
				v.inputChannels = 1 + r.IntN(p.reduction)
			}
			if p.grouped {
				v.channels = 1 + r.IntN(p.group)
			}
			if s.anchor.Kind == integer.Softmax {
				v.channels = p.output.Channels
			}
			if s.anchor.Kind == integer.Rearrange {
				v.channels, v.rows, v.columns = randomSizes(r, p.nest, l.target.ChannelBlock)
			}
			channels := split(p.output.Channels, v.channels)
			if p.grouped {
				channels = []span{{0, p.output.Channels}}
			}
			for _, c := range channels {
				for _, h := range split(p.output.Rows, v.rows) {
					for _, w := range split(p.output.Columns, v.columns) {
						tile := box{c.start, c.size, h.start, h.size, w.start, w.size}
						for i := range s.reads {
							for _, b := range p.boxes(l, &v, i, tile) {
								if b.empty() {
									continue
								}
								a := b.aligned(&p.layouts[i])
								ec, eh, ew := p.extents(i, &v)
								if a.c > ec || a.h > eh || a.w > ew {
									t.Fatalf("seed %d, layer %s, operand %d: tile %+v reads %+v, the slot holds %d x %d x %d\n%s", seed, s.name(), i, tile, a, ec, eh, ew, g)
								}
							}
						}
					}
				}
			}
		}
	}
}

// boxes are the parts of an operand that a tile reads.
func (p *shape) boxes(l *lowering, v *tiling, operand int, tile box) []box {
	n := p.s.anchor
	if operand >= len(n.Inputs) {
		return []box{broadcast(tile, p.layouts[operand].shape(), p.output)}
	}
	b := inputBox(l.graph, n, operand, tile)
	if !p.array {
		return []box{b}
	}
	var list []box
	for g := range n.Convolution.Groups {
		for _, k := range split(p.reduction, v.inputChannels) {
			b.c0, b.c = g*p.reduction+k.start, k.size
			list = append(list, b)
		}
	}
	return list
}

// small is one convolution on an image that hardly fits anywhere.
func small(kernel, channels, columns int) *integer.Graph {
	pad := kernel / 2
	out := 16
	g := &integer.Graph{Name: "small", Rounding: "half-up-shift", Inputs: []integer.TensorID{0}, Outputs: []integer.TensorID{1},
		InputShapes: [][]int{{1, channels, columns, columns}}, OutputShapes: [][]int{{1, out, columns, columns}}}
	for i, c := range []int{channels, out} {
		g.Tensors = append(g.Tensors, integer.Tensor{Name: []string{"in", "out"}[i], Shape: integer.Shape{Channels: c, Rows: columns, Columns: columns}, Bits: 8, Scale: 1, FloatValue: -1})
	}
	a := &integer.ConvolutionAttributes{Geometry: integer.Geometry{Kernel: [2]int{kernel, kernel}, Stride: [2]int{1, 1}, Dilation: [2]int{1, 1},
		PadBegin: [2]int{pad, pad}, PadEnd: [2]int{pad, pad}}, Groups: 1, WeightBits: 8, WeightScale: []float64{1},
		Weights: make([]int8, out*channels*kernel*kernel), Bias: make([]int32, out), Low: -128, High: 127}
	a.Requantizer.PerLayer.M0, a.Requantizer.PerLayer.Shift = 1<<30, 31
	g.Nodes = []integer.Node{{Name: "conv", Op: "Conv", Kind: integer.Convolution, Inputs: []integer.TensorID{0}, Output: 1, Convolution: a}}
	return g
}

// TestTooSmall: the error names layer, operator, what is short and a size that
// does.
func TestTooSmall(t *testing.T) {
	spec, err := configs.Load("edge", []string{"npu.activation_buffer_kib=1", "mac_array.rows=4", "mac_array.columns=4", "npu.weight_buffer_kib=1", "npu.accumulator_buffer_kib=1"})
	if err != nil {
		t.Fatal(err)
	}
	g := small(31, 3, 60)
	if err := g.Validate(); err != nil {
		t.Fatal(err)
	}
	_, err = Lower(g, NewTarget(spec), Options{})
	var e *TooSmallError
	if !errors.As(err, &e) {
		t.Fatalf("got %v", err)
	}
	// One row of outputs needs at least 31 rows of input.
	if e.Layer != "conv" || e.Op != "Conv" || e.ActivationKiB < 2 {
		t.Errorf("got %+v", e)
	}
	for _, part := range []string{"layer conv (Conv) does not fit the scratchpads", "npu.activation_buffer_kib = ", "(it is 1)"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q lacks %q", err, part)
		}
	}
	large, err := spec.With("npu.activation_buffer_kib=64", "npu.weight_buffer_kib=64", "npu.accumulator_buffer_kib=64")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Lower(g, NewTarget(large), Options{}); err != nil {
		t.Error(err)
	}
}

// TestAbsurdExtents: what does not fit a descriptor field is refused, not cut.
func TestAbsurdExtents(t *testing.T) {
	spec, err := configs.Load("edge", []string{"npu.activation_buffer_kib=100000", "npu.weight_buffer_kib=100000"})
	if err != nil {
		t.Fatal(err)
	}
	geometry := func(change func(a *integer.Geometry)) error {
		g := small(1, 1, 1)
		change(&g.Nodes[0].Convolution.Geometry)
		_, err := Lower(g, NewTarget(spec), Options{})
		return err
	}
	for name, change := range map[string]func(a *integer.Geometry){
		"stride":   func(a *integer.Geometry) { a.Stride[1] = 1 << 16 },
		"dilation": func(a *integer.Geometry) { a.Dilation[0] = 1 << 16 },
		"kernel":   func(a *integer.Geometry) { a.Kernel[0], a.PadBegin[0] = 1<<16, 1<<16-1 },
		"padding":  func(a *integer.Geometry) { a.PadBegin[0], a.PadEnd[0] = 1<<15, 0 },
	} {
		if err := geometry(change); err == nil || !strings.Contains(err.Error(), "the limits are") {
			t.Errorf("%s: got %v", name, err)
		}
	}
	wide := small(1, 1, 1)
	wide.Tensors[0].Shape.Columns = 1 << 15
	if _, err := Lower(wide, NewTarget(spec), Options{}); err == nil || !strings.Contains(err.Error(), "too large") {
		t.Errorf("columns: got %v", err)
	}
	through := small(1, 1, 1)
	through.Outputs = through.Inputs
	if _, err := Lower(through, NewTarget(spec), Options{}); err == nil || !strings.Contains(err.Error(), "nothing to run") {
		t.Errorf("input as output: got %v", err)
	}
}
