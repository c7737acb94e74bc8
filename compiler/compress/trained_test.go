package compress

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/npusim/npusim/compiler/fractional"
	"github.com/npusim/npusim/compiler/integer"
	"github.com/npusim/npusim/compiler/lower"
	"github.com/npusim/npusim/isa/fractionalcode"
)

// trainedCode draws codes and scales as if they had been trained.
func trainedCode(t *testing.T, shape []int, order fractionalcode.Order, planes, inputs, outputs int) *fractional.Imported {
	t.Helper()
	r := rand.New(rand.NewPCG(9, 2))
	weights := 1
	for _, d := range shape {
		weights *= d
	}
	code := &fractionalcode.Code{Weights: weights, Channels: shape[0], Order: order, Planes: make([]fractionalcode.Plane, planes)}
	for p := range code.Planes {
		n, err := fractionalcode.Draw(inputs, outputs, fractionalcode.Generator{Taps: 2, Seed: uint64(p)})
		if err != nil {
			t.Fatal(err)
		}
		code.Planes[p].Network = n
		for range shape[0] {
			code.Planes[p].Scales = append(code.Planes[p].Scales, float32(1+r.Float64())/float32(1+p))
		}
	}
	for p := range code.Planes {
		for range code.Slices() {
			code.Planes[p].Codes.Append(r.Uint64()>>(64-inputs), inputs)
		}
	}
	return &fractional.Imported{Code: code, Shape: shape}
}

// quantized are the weights of a code with a factor for each channel, negative
// for some, rounded to int8.
func quantized(t *testing.T, code *fractionalcode.Code) []int8 {
	t.Helper()
	values, err := code.Floats()
	if err != nil {
		t.Fatal(err)
	}
	weights := make([]int8, len(values))
	for i, w := range values {
		c := code.Channel(i)
		factor := []float64{40, -30, 25.5}[c%3]
		weights[code.TensorIndex(i)] = int8(math.Round(factor * float64(w)))
	}
	return weights
}

// TestTrainedTiles: tiles whose weights lie together in the order of the code
// take its slices, wherever in a slice they begin; others stay plain and say
// which order would do.
func TestTrainedTiles(t *testing.T) {
	const outputs, inputs, cells = 12, 10, 3
	for _, order := range []fractionalcode.Order{fractionalcode.ChannelMajor, fractionalcode.ChannelMinor} {
		found := trainedCode(t, []int{outputs, inputs, 1, cells}, order, 2, 5, 7)
		g := network("conv", inputs, outputs, 0)
		a := g.Nodes[0].Convolution
		a.Kernel, a.Weights = [2]int{1, cells}, quantized(t, found.Code)
		folder := t.TempDir() // the configuration names one; the codes are given
		s := spec(t, "compression.scheme=xor-fractional", "compression.trained="+folder)
		e, err := New(g, s, Options{Trained: map[string]*fractional.Imported{"conv": found}})
		if err != nil {
			t.Fatal(err)
		}
		fitter := e.NewFitter(g, nil)
		if !e.Fits() || fitter.NeedsTiles() {
			t.Error("trained codes replace weights and need no tiles for that")
		}
		a.Weights = fitter.weights["conv"]
		tile := func(p lower.TilePlace) bool {
			weights := tileOf(a, p)
			d, stream, err := e.Tile("conv", p, weights, p.OutputCount) // proves that it decodes
			if err != nil {
				t.Fatalf("%s, %+v: %v", order, p, err)
			}
			if d != nil && (d.StreamBytes() != len(stream) || d.Validate() != nil) {
				t.Errorf("%s, %+v: %d bytes, %v", order, p, len(stream), d.Validate())
			}
			return d != nil
		}
		major := order == fractionalcode.ChannelMajor
		for _, c := range []struct {
			place lower.TilePlace
			coded bool
		}{
			{lower.TilePlace{Outputs: 0, OutputCount: outputs, Inputs: 0, InputCount: inputs}, true},
			{lower.TilePlace{Outputs: 4, OutputCount: 5, Inputs: 0, InputCount: inputs}, major},
			{lower.TilePlace{Outputs: 0, OutputCount: outputs, Inputs: 3, InputCount: 4}, !major},
			{lower.TilePlace{Outputs: 2, OutputCount: 3, Inputs: 3, InputCount: 4}, false},
		} {
			if got := tile(c.place); got != c.coded {
				t.Errorf("%s, %+v: coded is %t", order, c.place, got)
			}
		}
		l := e.Layers()[0]
		if want := map[bool]string{true: "tiles with all input channels", false: "tiles with all output channels"}[major]; l.Tiles != 4 || l.PlainTiles != 2 || !strings.Contains(l.TilesPlain, want) {
			t.Errorf("%s: %+v", order, l)
		}
		// Weights that are not those of the code.
		a.Weights = slices.Clone(a.Weights)
		a.Weights[5], a.Weights[20] = 100, -100
		if _, err := New(g, s, Options{Trained: map[string]*fractional.Imported{"conv": found}}); err == nil || !strings.Contains(err.Error(), "not those of the code times a factor") {
			t.Errorf("%s: other weights: %v", order, err)
		}
	}
}

// tileOf gathers a tile in streaming order.
func tileOf(a *integer.ConvolutionAttributes, p lower.TilePlace) []int8 {
	cells := a.Kernel[0] * a.Kernel[1]
	inputs := len(a.Weights) / len(a.Bias) / cells
	var tile []int8
	for cell := range cells {
		for in := p.Inputs; in < p.Inputs+p.InputCount; in++ {
			for out := p.Outputs; out < p.Outputs+p.OutputCount; out++ {
				tile = append(tile, a.Weights[(out*inputs+in)*cells+cell])
			}
		}
	}
	return tile
}

// TestChannelScales: scales that sum to more than int8 weights reach are
// replaced by others that give the same weights.
func TestChannelScales(t *testing.T) {
	for _, c := range []struct {
		values   []float64
		patterns []uint8
		want     []int
		fits     bool
	}{
		{[]float64{60.2, 40.4}, []uint8{0, 1, 2, 3}, []int{60, 40}, true},
		{[]float64{200, 150}, []uint8{1, 2}, []int{50, 0}, true},               // never alike: the difference
		{[]float64{-200, 150}, []uint8{0, 3}, []int{-50, 0}, true},             // never opposite
		{[]float64{100, 100, 80}, []uint8{3, 5, 6}, []int{100, 100, 80}, true}, // no other scales, but no weight is beyond
		{[]float64{63.7, 63.3}, []uint8{0, 3}, []int{127, 0}, true},
		{[]float64{300, 20}, []uint8{0, 1, 2, 3}, nil, false},
	} {
		s := &channelScales{values: slices.Clone(c.values), patterns: c.patterns}
		if s.sum() > fractionalcode.MaxSum {
			s.shorten()
		}
		got, fits := s.round()
		if fits != c.fits || fits && len(got) != len(c.want) {
			t.Errorf("%v: %v, %t", c.values, got, fits)
			continue
		}
		for _, pattern := range c.patterns {
			if fits && signedSum(got, pattern) != signedSum(c.want, pattern) {
				t.Errorf("%v with signs %b: %d, want %d (scales %v)", c.values, pattern, signedSum(got, pattern), signedSum(c.want, pattern), got)
			}
		}
	}
}
