package integer

import (
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/npusim/npusim/isa"
	"github.com/npusim/npusim/isa/fixed"
	"pgregory.net/rapid"
)

// requantized is the requantization formula with big integers: the reference
// of the reference.
func requantized(sum int64, m fixed.Multiplier, zero, low, high int8) int8 {
	v := new(big.Int).Mul(big.NewInt(sum), big.NewInt(int64(m.M0)))
	v.Add(v, new(big.Int).Lsh(big.NewInt(1), uint(m.Shift)-1))
	v.Rsh(v, uint(m.Shift)) // rounds towards minus infinity
	v.Add(v, big.NewInt(int64(zero)))
	return int8(min(max(v.Int64(), int64(low)), int64(high)))
}

func drawGeometry(t *rapid.T) Geometry {
	var g Geometry
	for axis := range g.Kernel {
		g.Kernel[axis] = rapid.IntRange(1, 4).Draw(t, "kernel")
		g.Stride[axis] = rapid.IntRange(1, 3).Draw(t, "stride")
		g.Dilation[axis] = rapid.IntRange(1, 2).Draw(t, "dilation")
		g.PadBegin[axis] = rapid.IntRange(0, 3).Draw(t, "pad")
		g.PadEnd[axis] = rapid.IntRange(0, 3).Draw(t, "pad")
	}
	return g
}

func drawShape(t *rapid.T) Shape {
	return Shape{rapid.IntRange(1, 6).Draw(t, "channels"), rapid.IntRange(1, 7).Draw(t, "rows"), rapid.IntRange(1, 7).Draw(t, "columns")}
}

func drawRNG(t *rapid.T) *rand.Rand {
	return rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 7))
}

// at reads element (c, h, w).
func at(data []int8, s Shape, c, h, w int) int8 { return data[(c*s.Rows+h)*s.Columns+w] }

// each calls f for every element of a shape.
func each(s Shape, f func(c, h, w int)) {
	for c := range s.Channels {
		for h := range s.Rows {
			for w := range s.Columns {
				f(c, h, w)
			}
		}
	}
}

// runOne executes a graph of one node.
func runOne(t rapid.TB, g *Graph, inputs ...[]int8) []int8 {
	t.Helper()
	r, err := NewReference(g)
	if err != nil {
		t.Fatal(err)
	}
	first := slices.Clone(r.Run(inputs)[g.Outputs[0]])
	if !slices.Equal(first, r.Run(inputs)[g.Outputs[0]]) {
		t.Fatal("a second run of the same buffers differs")
	}
	return first
}

// oneNode is a graph of one node whose inputs are graph inputs.
func oneNode(n Node, out Tensor, in ...Tensor) *Graph {
	g := &Graph{Name: "one node", Rounding: "half-up-shift"}
	for i, tensor := range in {
		g.Tensors = append(g.Tensors, tensor)
		g.Inputs = append(g.Inputs, TensorID(i))
		g.InputShapes = append(g.InputShapes, []int{tensor.Shape.Elements()})
		n.Inputs = append(n.Inputs, TensorID(i))
	}
	n.Output = TensorID(len(in))
	g.Tensors = append(g.Tensors, out)
	g.Nodes = []Node{n}
	g.Outputs = []TensorID{n.Output}
	g.OutputShapes = [][]int{{out.Shape.Elements()}}
	return g
}

func plain(s Shape, zero int8) Tensor {
	return Tensor{Name: "t", Shape: s, Bits: 8, Scale: 1, Zero: zero, FloatValue: -1}
}

func TestConvolutionEqualsItsFormula(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rng := drawRNG(t)
		geometry := drawGeometry(t)
		groups := rapid.IntRange(1, 3).Draw(t, "groups")
		in := drawShape(t)
		in.Channels *= groups
		if rows, columns := geometry.outputExtents(in); rows < 1 || columns < 1 {
			t.Skip("the kernel does not fit")
		}
		outputs := groups * rapid.IntRange(1, 6).Draw(t, "outputs")
		g := convolutionGraph(rng, in, outputs, groups, geometry)
		a := g.Nodes[0].Convolution
		a.Low, a.High = -100, 90
		switch rapid.IntRange(0, 2).Draw(t, "requantizer") {
		case 1:
			a.Requantizer.ChannelShift = make([]uint8, outputs)
			for m := range outputs {
				a.Requantizer.ChannelShift[m] = uint8(rng.IntN(16))
			}
		case 2:
			a.Requantizer = Requantizer{PerChannel: make([]fixed.Multiplier, outputs)}
			for m := range outputs {
				a.Requantizer.PerChannel[m] = fixed.Multiplier{M0: 1<<30 + rng.Int32N(1<<30), Shift: uint8(30 + rng.IntN(20))}
			}
		}
		x := randomBytes(rng, in.Elements(), 127)
		got := runOne(t, g, x)
		source, target := &g.Tensors[0], &g.Tensors[1]
		groupIn, groupOut := in.Channels/groups, outputs/groups
		each(target.Shape, func(m, oy, ox int) {
			sum := int64(a.Bias[m])
			for i := range groupIn {
				for ky := range geometry.Kernel[0] {
					for kx := range geometry.Kernel[1] {
						y := oy*geometry.Stride[0] - geometry.PadBegin[0] + ky*geometry.Dilation[0]
						z := ox*geometry.Stride[1] - geometry.PadBegin[1] + kx*geometry.Dilation[1]
						q := source.Zero
						if y >= 0 && y < in.Rows && z >= 0 && z < in.Columns {
							q = at(x, in, m/groupOut*groupIn+i, y, z)
						}
						w := a.Weights[((m*groupIn+i)*geometry.Kernel[0]+ky)*geometry.Kernel[1]+kx]
						sum += int64(w) * int64(q)
					}
				}
			}
			want := requantized(sum, a.Requantizer.ChannelMultiplier(m), target.Zero, a.Low, a.High)
			if y := at(got, target.Shape, m, oy, ox); y != want {
				t.Fatalf("output (%d,%d,%d) is %d instead of %d", m, oy, ox, y, want)
			}
		})
	})
}

func TestPoolEqualsItsFormula(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rng := drawRNG(t)
		geometry := drawGeometry(t)
		in := drawShape(t)
		rows, columns := geometry.outputExtents(in)
		if rows < 1 || columns < 1 {
			t.Skip("the kernel does not fit")
		}
		a := &PoolAttributes{Geometry: geometry, Average: rapid.Bool().Draw(t, "average")}
		if a.Average {
			counts := geometry.Kernel[0] * geometry.Kernel[1]
			if rapid.Bool().Draw(t, "one count") {
				counts = 1
			}
			for range counts {
				a.Multipliers = append(a.Multipliers, fixed.Multiplier{M0: 1<<30 + rng.Int32N(1<<30), Shift: uint8(31 + rng.IntN(4))})
			}
		}
		zero := int8(rng.IntN(256) - 128)
		g := oneNode(Node{Name: "pool", Op: "Pool", Kind: Pool, Pool: a}, plain(Shape{in.Channels, rows, columns}, zero), plain(in, zero))
		if err := g.Validate(); err != nil {
			t.Skipf("a window lies in the padding: %v", err)
		}
		x := randomBytes(rng, in.Elements(), 127)
		got := runOne(t, g, x)
		each(g.Tensors[1].Shape, func(c, oy, ox int) {
			var cells []int64
			for ky := range geometry.Kernel[0] {
				for kx := range geometry.Kernel[1] {
					y := oy*geometry.Stride[0] - geometry.PadBegin[0] + ky*geometry.Dilation[0]
					z := ox*geometry.Stride[1] - geometry.PadBegin[1] + kx*geometry.Dilation[1]
					if y >= 0 && y < in.Rows && z >= 0 && z < in.Columns {
						cells = append(cells, int64(at(x, in, c, y, z)))
					}
				}
			}
			var want int8
			if a.Average {
				var sum int64
				for _, q := range cells {
					sum += q - int64(zero)
				}
				m := a.Multipliers[0]
				if len(a.Multipliers) > 1 {
					m = a.Multipliers[len(cells)-1]
				}
				want = requantized(sum, m, zero, -128, 127)
			} else {
				want = int8(slices.Max(cells))
			}
			if y := at(got, g.Tensors[1].Shape, c, oy, ox); y != want {
				t.Fatalf("output (%d,%d,%d) is %d instead of %d", c, oy, ox, y, want)
			}
		})
	})
}

// TestBinaryIsNearTheRealResult compares with real arithmetic under the error
// bounds that isa/fixed states.
func TestBinaryIsNearTheRealResult(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rng := drawRNG(t)
		shape := drawShape(t)
		p, q := shape, shape
		for axis, extents := range [3][2]*int{{&p.Channels, &q.Channels}, {&p.Rows, &q.Rows}, {&p.Columns, &q.Columns}} {
			if k := rapid.IntRange(0, 3).Draw(t, "repeat"); k < 2 && shape.Extents()[axis] > 1 {
				*extents[k] = 1
			}
		}
		x, y, out := plain(p, int8(rng.IntN(256)-128)), plain(q, int8(rng.IntN(256)-128)), plain(shape, int8(rng.IntN(100)-50))
		x.Scale, y.Scale, out.Scale = 0.01+rng.Float64(), 0.01+rng.Float64(), 0.5+rng.Float64()
		a := &BinaryAttributes{Mode: BinaryMode(rapid.IntRange(int(Add), int(Divide)).Draw(t, "mode")), Low: -120, High: 110}
		var err error
		bound := 0.5 + 1e-3
		switch a.Mode {
		case Add:
			a.Factors, err = fixed.NewAddFactors(x.Scale/out.Scale, -y.Scale/out.Scale)
		case Multiply:
			a.Multiplier, err = fixed.NewMultiplier(x.Scale * y.Scale / out.Scale)
		case Divide:
			a.Multiplier, err = fixed.NewMultiplier(x.Scale / (y.Scale * out.Scale))
		}
		if err != nil {
			t.Fatal(err)
		}
		g := oneNode(Node{Name: "binary", Op: "Sub", Kind: Binary, Binary: a}, out, x, y)
		u, v := randomBytes(rng, p.Elements(), 127), randomBytes(rng, q.Elements(), 127)
		got := runOne(t, g, u, v)
		each(shape, func(c, h, w int) {
			s := x.Scale * float64(int(at(u, p, c%p.Channels, h%p.Rows, w%p.Columns))-int(x.Zero))
			r := y.Scale * float64(int(at(v, q, c%q.Channels, h%q.Rows, w%q.Columns))-int(y.Zero))
			var want float64
			switch a.Mode {
			case Add:
				want = s - r
			case Multiply:
				want = s * r
			case Divide:
				want = s / r
				if s == 0 && r == 0 {
					want = 0
				}
			}
			want = math.Min(math.Max(want/out.Scale+float64(out.Zero), -120), 110)
			if d := math.Abs(float64(at(got, shape, c, h, w)) - want); d > bound {
				t.Fatalf("%v of %g and %g: %d instead of %g steps", a.Mode, s, r, at(got, shape, c, h, w), want)
			}
		})
	})
}

func TestTableAndSoftmax(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rng := drawRNG(t)
		in := plain(drawShape(t), 5)
		in.Scale = 0.001 + 0.2*rng.Float64()
		x := randomBytes(rng, in.Shape.Elements(), 127)

		table := [256]int8(randomBytes(rng, 256, 127))
		got := runOne(t, oneNode(Node{Name: "table", Op: "Tanh", Kind: Table, Table: &table}, plain(in.Shape, 0), in), x)
		for i, q := range x {
			if got[i] != table[int(q)+128] {
				t.Fatalf("table of %d is %d instead of %d", q, got[i], table[int(q)+128])
			}
		}

		out := plain(in.Shape, -128)
		out.Scale = 1.0 / 256
		a := &SoftmaxAttributes{Exponentials: fixed.SoftmaxTable(in.Scale), OutputShift: 8}
		got = runOne(t, oneNode(Node{Name: "softmax", Op: "Softmax", Kind: Softmax, Softmax: a}, out, in), x)
		s := in.Shape
		each(s, func(c, h, w int) {
			var sum float64
			for k := range s.Channels {
				sum += math.Exp(in.Scale * float64(at(x, s, k, h, w)))
			}
			want := math.Min(256*math.Exp(in.Scale*float64(at(x, s, c, h, w)))/sum-128, 127)
			if d := math.Abs(float64(at(got, s, c, h, w)) - want); d > 0.5+256*float64(s.Channels)/(1<<21)+1e-9 {
				t.Fatalf("softmax is %d instead of %g steps", at(got, s, c, h, w), want)
			}
		})
	})
}

func TestConcatWindowRearrange(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rng := drawRNG(t)
		s := drawShape(t)
		x := randomBytes(rng, s.Elements(), 127)
		table := [256]int8(randomBytes(rng, 256, 127))

		axis := rapid.IntRange(0, 2).Draw(t, "axis")
		second := s.Extents()
		second[axis] = rapid.IntRange(1, 3).Draw(t, "extent")
		r := Shape{second[0], second[1], second[2]}
		joined := s.Extents()
		joined[axis] += second[axis]
		out := Shape{joined[0], joined[1], joined[2]}
		y := randomBytes(rng, r.Elements(), 127)
		got := runOne(t, oneNode(Node{Name: "concat", Op: "Concat", Kind: Concat, Concat: &ConcatAttributes{Axis: axis, Tables: []*[256]int8{nil, &table}}},
			plain(out, 3), plain(s, 3), plain(r, 9)), x, y)
		each(out, func(c, h, w int) {
			index := [3]int{c, h, w}
			var want int8
			if first := s.Extents()[axis]; index[axis] < first {
				want = at(x, s, c, h, w)
			} else {
				index[axis] -= first
				want = table[int(at(y, r, index[0], index[1], index[2]))+128]
			}
			if at(got, out, c, h, w) != want {
				t.Fatalf("concat (%d,%d,%d) is %d instead of %d", c, h, w, at(got, out, c, h, w), want)
			}
		})

		a := &WindowAttributes{Fill: 77}
		if rapid.Bool().Draw(t, "table") {
			a.Table = &table
		}
		for k := range a.Start {
			a.Start[k] = rapid.IntRange(-3, 6).Draw(t, "start")
			a.Step[k] = rapid.SampledFrom([]int{-2, -1, 1, 2, 3}).Draw(t, "step")
		}
		out = drawShape(t)
		got = runOne(t, oneNode(Node{Name: "window", Op: "Slice", Kind: Window, Window: a}, plain(out, 3), plain(s, 3)), x)
		each(out, func(c, h, w int) {
			ic, ih, iw := a.Start[0]+c*a.Step[0], a.Start[1]+h*a.Step[1], a.Start[2]+w*a.Step[2]
			want := int8(77)
			if ic >= 0 && ic < s.Channels && ih >= 0 && ih < s.Rows && iw >= 0 && iw < s.Columns {
				if want = at(x, s, ic, ih, iw); a.Table != nil {
					want = table[int(want)+128]
				}
			}
			if at(got, out, c, h, w) != want {
				t.Fatalf("window (%d,%d,%d) is %d instead of %d", c, h, w, at(got, out, c, h, w), want)
			}
		})

		order := rapid.Permutation([]int{0, 1, 2}).Draw(t, "order")
		extents, strides := s.Extents(), [3]int{s.Rows * s.Columns, s.Columns, 1}
		p := &RearrangeAttributes{}
		for _, k := range order {
			p.Dims, p.InputStrides = append(p.Dims, extents[k]), append(p.InputStrides, strides[k])
		}
		out = Shape{p.Dims[0], p.Dims[1], p.Dims[2]}
		got = runOne(t, oneNode(Node{Name: "rearrange", Op: "Transpose", Kind: Rearrange, Rearrange: p}, plain(out, 3), plain(s, 3)), x)
		each(out, func(c, h, w int) {
			var index [3]int
			index[order[0]], index[order[1]], index[order[2]] = c, h, w
			if want := at(x, s, index[0], index[1], index[2]); at(got, out, c, h, w) != want {
				t.Fatalf("rearrange (%d,%d,%d) is %d instead of %d", c, h, w, at(got, out, c, h, w), want)
			}
		})
	})
}

func TestBoundary(t *testing.T) {
	tensor := Tensor{Shape: Shape{1, 1, 8}, Bits: 4, Scale: 0.5, Zero: -2}
	nan := float32(math.NaN())
	from := []float32{0, 0.25, -0.25, 100, -100, 1.2, nan, float32(math.Inf(1))}
	to := make([]int8, len(from))
	tensor.Quantize(to, from)
	if want := []int8{-2, -1, -3, 7, -8, 0, -2, 7}; !slices.Equal(to, want) {
		t.Errorf("quantized to %v instead of %v", to, want)
	}
	back := make([]float32, len(to))
	tensor.Dequantize(back, to)
	if want := []float32{0, 0.5, -0.5, 4.5, -3, 1, 0, 4.5}; !slices.Equal(back, want) {
		t.Errorf("dequantized to %v instead of %v", back, want)
	}
}

func TestLimitsAgreeWithTheMachine(t *testing.T) {
	if MaxRearrangeDims != isa.RearrangeDims {
		t.Errorf("MaxRearrangeDims is %d, the machine has %d", MaxRearrangeDims, isa.RearrangeDims)
	}
}

func TestRunRefusesWrongInputs(t *testing.T) {
	g := convolutionGraph(rand.New(rand.NewPCG(1, 1)), Shape{2, 3, 3}, 2, 1, square(1, 1, 0))
	r, err := NewReference(g)
	if err != nil {
		t.Fatal(err)
	}
	for _, inputs := range [][][]int8{nil, {make([]int8, 17)}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("no panic for %d inputs", len(inputs))
				}
			}()
			r.Run(inputs)
		}()
	}
}
