package integer

import (
	"math/rand/v2"
	"testing"

	"github.com/npusim/npusim/isa/fixed"
)

// convolutionGraph is a graph of one random convolution.
func convolutionGraph(rng *rand.Rand, in Shape, outputs, groups int, g Geometry) *Graph {
	rows, columns := g.outputExtents(in)
	taps := in.Channels / groups * g.Kernel[0] * g.Kernel[1]
	a := &ConvolutionAttributes{
		Geometry: g, Groups: groups, WeightBits: 8,
		Weights: randomBytes(rng, outputs*taps, 127), WeightScale: []float64{1}, Bias: make([]int32, outputs),
		Requantizer: Requantizer{PerLayer: fixed.Multiplier{M0: 1 << 30, Shift: 38}},
		Low:         -128, High: 127,
	}
	for m := range a.Bias {
		a.Bias[m] = rng.Int32N(2001) - 1000
	}
	return &Graph{
		Name: "one convolution", Rounding: "half-up-shift",
		Tensors: []Tensor{
			{Name: "x", Shape: in, Bits: 8, Scale: 1, Zero: int8(rng.IntN(256) - 128), FloatValue: -1},
			{Name: "y", Shape: Shape{outputs, rows, columns}, Bits: 8, Scale: 1, Zero: 3, FloatValue: -1},
		},
		Nodes:  []Node{{Name: "conv", Op: "Conv", Kind: Convolution, Inputs: []TensorID{0}, Output: 1, Convolution: a}},
		Inputs: []TensorID{0}, Outputs: []TensorID{1},
		InputShapes:  [][]int{{1, in.Channels, in.Rows, in.Columns}},
		OutputShapes: [][]int{{1, outputs, rows, columns}},
	}
}

// randomBytes are uniform in [-limit, limit].
func randomBytes(rng *rand.Rand, n, limit int) []int8 {
	data := make([]int8, n)
	for i := range data {
		data[i] = int8(rng.IntN(2*limit+1) - limit)
	}
	return data
}

func square(kernel, stride, pad int) Geometry {
	return Geometry{Kernel: [2]int{kernel, kernel}, Stride: [2]int{stride, stride}, Dilation: [2]int{1, 1},
		PadBegin: [2]int{pad, pad}, PadEnd: [2]int{pad, pad}}
}

func BenchmarkConvolution(b *testing.B) {
	for _, c := range []struct {
		name            string
		in              Shape
		outputs, groups int
		geometry        Geometry
	}{
		{"pointwise", Shape{256, 14, 14}, 256, 1, square(1, 1, 0)},
		{"3x3", Shape{64, 28, 28}, 64, 1, square(3, 1, 1)},
		{"depthwise3x3", Shape{128, 56, 56}, 128, 128, square(3, 1, 1)},
		{"dense", Shape{1024, 1, 1}, 1000, 1, square(1, 1, 0)},
	} {
		b.Run(c.name, func(b *testing.B) {
			rng := rand.New(rand.NewPCG(1, 2))
			g := convolutionGraph(rng, c.in, c.outputs, c.groups, c.geometry)
			r, err := NewReference(g)
			if err != nil {
				b.Fatal(err)
			}
			x := [][]int8{randomBytes(rng, c.in.Elements(), 127)}
			macs := g.Tensors[1].Shape.Elements() * len(g.Nodes[0].Convolution.Weights) / c.outputs
			for b.Loop() {
				r.Run(x)
			}
			b.ReportMetric(float64(macs)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GMAC/s")
		})
	}
}
