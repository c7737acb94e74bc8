package ops_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/npusim/npusim/compiler/graph"
	"github.com/npusim/npusim/compiler/onnx"
)

// random fills a tensor with small integers, with which sums are exact in
// whatever order they run.
func random(r *rand.Rand, fed bool, shape ...int64) operand {
	o := operand{dims: shape, fed: fed, present: true, floats: []float32{}}
	n := int64(1)
	for _, d := range shape {
		n *= d
	}
	for range n {
		o.floats = append(o.floats, float32(r.IntN(17)-8))
	}
	return o
}

// between draws from low..high.
func between(r *rand.Rand, low, high int64) int64 { return low + r.Int64N(high-low+1) }

// geometry is a random window on two axes.
type geometry struct{ kernel, stride, dilation, begin, end [2]int64 }

func randomGeometry(r *rand.Rand, size [2]int64) geometry {
	var g geometry
	for i := range size {
		for {
			g.kernel[i], g.stride[i], g.dilation[i] = between(r, 1, 4), between(r, 1, 3), between(r, 1, 3)
			g.begin[i], g.end[i] = r.Int64N(g.kernel[i]), r.Int64N(g.kernel[i])
			if g.dilation[i]*(g.kernel[i]-1) < size[i] { // every window meets the input
				break
			}
		}
	}
	return g
}

func (g geometry) attributes() []onnx.Attribute {
	return with(intsAttribute("kernel_shape", g.kernel[:]...), intsAttribute("strides", g.stride[:]...),
		intsAttribute("dilations", g.dilation[:]...), intsAttribute("pads", g.begin[0], g.begin[1], g.end[0], g.end[1]))
}

// taps calls f with the input cell under each tap of the window at oy, ox;
// inside tells whether the cell is in the input, not in the padding.
func (g geometry) taps(oy, ox int64, size [2]int64, f func(ky, kx, iy, ix int64, inside bool)) {
	for ky := range g.kernel[0] {
		for kx := range g.kernel[1] {
			iy := oy*g.stride[0] + ky*g.dilation[0] - g.begin[0]
			ix := ox*g.stride[1] + kx*g.dilation[1] - g.begin[1]
			f(ky, kx, iy, ix, iy >= 0 && ix >= 0 && iy < size[0] && ix < size[1])
		}
	}
}

// TestConvolutionsAgainstDefinition compares all three forms of convolution
// with the sum that defines it.
func TestConvolutionsAgainstDefinition(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for round := range 150 {
		groups, channels, filters, batch := between(r, 1, 3), between(r, 1, 3), between(r, 1, 3), between(r, 1, 2)
		size := [2]int64{between(r, 1, 9), between(r, 1, 9)}
		g := randomGeometry(r, size)
		if round%5 == 0 {
			g = geometry{kernel: [2]int64{1, 1}, stride: [2]int64{1, 1}, dilation: [2]int64{1, 1}}
		}
		if round%7 == 0 { // more than one tile of unfolded input
			groups, channels, filters, batch, size = 1, 20, 2, 1, [2]int64{40, 40}
			g = geometry{kernel: [2]int64{3, 3}, stride: [2]int64{1, 1}, dilation: [2]int64{1, 1}, begin: [2]int64{1, 1}, end: [2]int64{1, 1}}
		}
		if round%3 == 0 {
			channels = 1
		}
		image := random(r, true, batch, groups*channels, size[0], size[1])
		weights := random(r, false, groups*filters, channels, g.kernel[0], g.kernel[1])
		bias := random(r, false, groups*filters)
		m, data := oneNode(13, "Conv", 1, in(image, weights, bias), append(g.attributes(), intAttribute("group", groups)))
		got := execute(t, m, data)[0]
		i := 0
		for b := range batch {
			for f := range groups * filters {
				for oy := range int64(got.Shape[2]) {
					for ox := range int64(got.Shape[3]) {
						want := bias.floats[f]
						for c := range channels {
							plane := (b*groups*channels + f/filters*channels + c) * size[0] * size[1]
							g.taps(oy, ox, size, func(ky, kx, iy, ix int64, inside bool) {
								if inside {
									want += image.floats[plane+iy*size[1]+ix] * weights.floats[((f*channels+c)*g.kernel[0]+ky)*g.kernel[1]+kx]
								}
							})
						}
						if got.Floats[i] != want {
							t.Fatalf("round %d, %+v: element %d is %v, want %v", round, g, i, got.Floats[i], want)
						}
						i++
					}
				}
			}
		}
		if i != len(got.Floats) {
			t.Fatalf("round %d: %d elements, want %d", round, len(got.Floats), i)
		}
	}
}

// TestPoolsAgainstDefinition compares the pools with a walk over all taps;
// ceil_mode is on where a coin says so, with the size computed as PyTorch does.
func TestPoolsAgainstDefinition(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for round := range 300 {
		size := [2]int64{between(r, 1, 9), between(r, 1, 9)}
		g := randomGeometry(r, size)
		ceil, counted := int64(r.IntN(2)), int64(r.IntN(2))
		image := random(r, true, 1, 2, size[0], size[1])
		attributes := append(g.attributes(), intAttribute("ceil_mode", ceil))
		if windowInPadding(g, size, ceil == 1) {
			continue
		}
		m, data := oneNode(19, "MaxPool", 1, in(image), attributes)
		highest := execute(t, m, data)[0]
		m, data = oneNode(19, "AveragePool", 1, in(image), append(attributes, intAttribute("count_include_pad", counted)))
		average := execute(t, m, data)[0]
		shape := [2]int64{outputSize(g, size, 0, ceil == 1), outputSize(g, size, 1, ceil == 1)}
		if int64(highest.Shape[2]) != shape[0] || int64(highest.Shape[3]) != shape[1] {
			t.Fatalf("round %d, %+v, ceil %d of %v: shape %v, want %v", round, g, ceil, size, highest.Shape, shape)
		}
		i := 0
		for c := range int64(2) {
			for oy := range shape[0] {
				for ox := range shape[1] {
					top, sum, cells := math.Inf(-1), 0.0, 0
					g.taps(oy, ox, size, func(_, _, iy, ix int64, inside bool) {
						if inside {
							v := float64(image.floats[(c*size[0]+iy)*size[1]+ix])
							top, sum = max(top, v), sum+v
						}
						if inside || counted == 1 && iy < size[0]+g.end[0] && ix < size[1]+g.end[1] {
							cells++
						}
					})
					if highest.Floats[i] != float32(top) || average.Floats[i] != float32(sum/float64(cells)) {
						t.Fatalf("round %d, %+v: element %d: maximum %v, want %v; average %v, want %v/%d", round, g, i, highest.Floats[i], top, average.Floats[i], sum, cells)
					}
					i++
				}
			}
		}
	}
}

// outputSize is PyTorch's pooling_output_shape.
func outputSize(g geometry, size [2]int64, axis int, ceil bool) int64 {
	room := size[axis] + g.begin[axis] + g.end[axis] - g.dilation[axis]*(g.kernel[axis]-1) - 1
	if ceil {
		room += g.stride[axis] - 1
	}
	n := room/g.stride[axis] + 1
	if ceil && (n-1)*g.stride[axis] >= size[axis]+g.begin[axis] {
		n--
	}
	return n
}

func windowInPadding(g geometry, size [2]int64, ceil bool) bool {
	for oy := range outputSize(g, size, 0, ceil) {
		for ox := range outputSize(g, size, 1, ceil) {
			meets := false
			g.taps(oy, ox, size, func(_, _, _, _ int64, inside bool) { meets = meets || inside })
			if !meets {
				return true
			}
		}
	}
	return false
}

// TestBroadcastAgainstDefinition compares subtraction of random shapes with
// index arithmetic.
func TestBroadcastAgainstDefinition(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for range 300 {
		out := make([]int64, 1+r.IntN(5))
		for i := range out {
			out[i] = between(r, 1, 3)
		}
		narrow := func() []int64 {
			shape := append([]int64{}, out[r.IntN(len(out)+1):]...)
			for i := range shape {
				if r.IntN(3) == 0 {
					shape[i] = 1
				}
			}
			return shape
		}
		a, b := random(r, true, narrow()...), random(r, true, narrow()...)
		m, data := oneNode(13, "Sub", 1, in(a, b), nil)
		got := execute(t, m, data)[0]
		for i := range got.Floats {
			want := at(a, got, i) - at(b, got, i)
			if got.Floats[i] != want {
				t.Fatalf("%v - %v: element %d is %v, want %v", a.dims, b.dims, i, got.Floats[i], want)
			}
		}
	}
}

// at is the element of o that broadcasts to element i of t.
func at(o operand, t *graph.Tensor, i int) float32 {
	offset, step := 0, 1
	for axis := len(t.Shape) - 1; axis >= 0; axis-- {
		index := i % t.Shape[axis]
		i /= t.Shape[axis]
		if own := axis - (len(t.Shape) - len(o.dims)); own >= 0 {
			if o.dims[own] != 1 {
				offset += index * step
			}
			step *= int(o.dims[own])
		}
	}
	return o.floats[offset]
}
