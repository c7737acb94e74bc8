package evaluate_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/npusim/npusim/compiler"
	"github.com/npusim/npusim/compiler/dataset"
	"github.com/npusim/npusim/compiler/fractional"
	"github.com/npusim/npusim/compiler/graph"
	"github.com/npusim/npusim/compiler/integer"
	"github.com/npusim/npusim/compiler/integer/integertest"
	"github.com/npusim/npusim/compiler/lower"
	"github.com/npusim/npusim/compiler/onnx"
	"github.com/npusim/npusim/compiler/prune"
	"github.com/npusim/npusim/isa"
	"github.com/npusim/npusim/isa/fractionalcode"
	"github.com/npusim/npusim/isa/xorcode"
	"github.com/npusim/npusim/npu/evaluate"
)

// weightLayers are the layers of a model with weights, output channels first.
func weightLayers(t *testing.T, model string) []prune.Layer {
	t.Helper()
	m, err := onnx.Read(model)
	if err != nil {
		t.Fatal(err)
	}
	c, err := compiler.Import(context.Background(), m)
	if err != nil {
		t.Fatal(err)
	}
	layers := prune.Layers(c.Graph)
	for i := range layers {
		l := &layers[i]
		for _, n := range c.Graph.Nodes {
			if gemm, is := n.Attributes.(*graph.GemmAttributes); n.Name == l.Name && (n.Op == graph.MatMul || is && !gemm.TransposeB) {
				rows, cols := l.Matrix()
				transposed := make([]float32, len(l.Weights))
				for k, w := range l.Weights {
					transposed[k%cols*rows+k/cols] = w
				}
				l.Shape, l.Weights = []int{cols, rows}, transposed
			}
		}
	}
	return layers
}

// writeTrained writes the code of a layer as training leaves it: a folder of
// arrays.
func writeTrained(t *testing.T, folder string, shape []int, code *fractionalcode.Code) {
	t.Helper()
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	write := func(name string, a *dataset.Array, err error) {
		if err == nil {
			err = dataset.WriteNPY(filepath.Join(folder, name+".npy"), a)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	var dims, matrices, signs []int64
	var alpha []float32
	for _, d := range shape {
		dims = append(dims, int64(d))
	}
	inputs, outputs, planes := code.Inputs(), code.Outputs(), len(code.Planes)
	for p := range code.Planes {
		for _, row := range code.Planes[p].Network.Matrix.Rows {
			for k := range inputs {
				matrices = append(matrices, int64(row>>k&1))
			}
		}
		for k := range code.Slices() * inputs {
			signs = append(signs, 2*int64(code.Planes[p].Codes.At(xorcode.Bits(k), 1))-1)
		}
		alpha = append(alpha, code.Planes[p].Scales...)
	}
	a, err := dataset.FromInts([]int{len(shape)}, dataset.Int64, dims)
	write("shape", a, err)
	a, err = dataset.FromInts([]int{planes, outputs, inputs}, dataset.Uint8, matrices)
	write("matrices", a, err)
	a, err = dataset.FromInts([]int{planes, code.Slices(), inputs}, dataset.Int8, signs)
	write("signs", a, err)
	a, err = dataset.FromFloats([]int{planes, code.Channels}, alpha)
	write("alpha", a, err)
	if code.Order == fractionalcode.ChannelMinor {
		a, err = dataset.FromInts([]int{1}, dataset.Uint8, []int64{1})
		write("channel_minor", a, err)
	}
}

// fitted stands in for training: the code that comes closest to weights.
func fitted(t *testing.T, l *prune.Layer, order fractionalcode.Order, planes, inputs, outputs int, seed uint64) *fractionalcode.Code {
	t.Helper()
	var networks []fractionalcode.Network
	for p := range planes {
		n, err := fractionalcode.Draw(inputs, outputs, fractionalcode.Generator{Taps: 2, Seed: seed + uint64(p)})
		if err != nil {
			t.Fatal(err)
		}
		networks = append(networks, n)
	}
	result, err := fractional.Encode(context.Background(), l.Weights, l.Shape[0], networks, fractional.Options{Order: order, Rounds: 3, Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	return result.Code
}

// TestTrainedCodes: what training left of each layer, in either order, runs as
// it is: the program decodes the trained bits, and gives the tensors of the same
// network with its weights plain.
func TestTrainedCodes(t *testing.T) {
	layers := weightLayers(t, glyphModel)
	for _, c := range []struct {
		order           fractionalcode.Order
		planes          int
		inputs, outputs int
		skipped         int // layer without a code; -1: none
		sets            []string
	}{
		{fractionalcode.ChannelMajor, 2, 9, 10, -1, nil},
		{fractionalcode.ChannelMinor, 2, 8, 13, 0, []string{"quantization.weights=per-layer-shift"}},
		{fractionalcode.ChannelMajor, 3, 7, 20, 1, []string{"quantization.weights=per-channel", "mac_array.per_channel_multiplier=true", "npu.weight_buffer_kib=4"}},
		{fractionalcode.ChannelMinor, 1, 5, 6, -1, []string{"npu.weight_buffer_kib=4"}},
	} {
		if (testing.Short() || raceEnabled) && c.skipped < 0 {
			continue
		}
		what := fmt.Sprintf("%s, %d planes of %d/%d", c.order, c.planes, c.inputs, c.outputs)
		folder := t.TempDir()
		decoded := map[string][]float32{}
		for i := range layers {
			if i == c.skipped {
				continue
			}
			code := fitted(t, &layers[i], c.order, c.planes, c.inputs, c.outputs, uint64(i%2)) // layers share networks
			writeTrained(t, filepath.Join(folder, strings.TrimSuffix(prune.FileName(layers[i].Name), ".npy")), layers[i].Shape, code)
			values, err := code.Floats()
			if err != nil {
				t.Fatal(err)
			}
			tensor := make([]float32, len(values))
			for k, w := range values {
				tensor[code.TensorIndex(k)] = w
			}
			decoded[layers[i].Name] = tensor
		}
		spec := load(t, "edge", append([]string{"compression.scheme=xor-fractional", "compression.trained=" + folder}, c.sets...)...)
		compiled, err := evaluate.Compile(context.Background(), evaluate.Options{Model: glyphModel, Spec: spec, Samples: 4})
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		g := compiled.Quantized
		for i := range g.Nodes {
			n := &g.Nodes[i]
			if want := decoded[n.Name]; n.Kind == integer.Convolution && want != nil {
				checkProportional(t, what+", "+n.Name, n.Convolution.Weights, want, len(n.Convolution.Bias))
			}
		}
		tiles := 0
		for _, d := range compiled.Program.Descriptors {
			if e, is := d.(*isa.EncodedWeights); is {
				tiles++
				if e.Codec != isa.FractionalCodec || int(e.Bits) != c.planes || int(e.Inputs) != c.inputs || int(e.Outputs) != c.outputs || e.Order == isa.StreamingOrder {
					t.Errorf("%s: tile %+v", what, e)
				}
			}
		}
		if tiles == 0 || len(compiled.Program.Networks) > 2*c.planes {
			t.Errorf("%s: %d coded tiles, %d networks", what, tiles, len(compiled.Program.Networks))
		}
		r := rand.New(rand.NewPCG(5, 5))
		reference, err := integer.NewReference(g)
		if err != nil {
			t.Fatal(err)
		}
		input := [][]int8{integertest.Input(g, g.Inputs[0], r)}
		want := reference.Run(input)
		plain, err := lower.Lower(g, lower.NewTarget(spec), lower.Options{})
		if err != nil {
			t.Fatal(err)
		}
		for k, p := range []*isa.Program{compiled.Program, plain} {
			if err := compare(p, spec, g, input, want, rand.New(rand.NewPCG(1, 3))); err != nil {
				t.Errorf("%s: program %d: %v", what, k, err)
			}
		}
		for i, l := range compiled.Encoder.Layers() {
			if i == c.skipped == l.Coded || l.Coded && (l.Planes != c.planes || l.Tiles == 0) {
				t.Errorf("%s: layer %+v", what, l)
			}
			if l.PlainTiles > 0 && l.Coded && l.TilesPlain == "" && 8*float64(c.inputs*c.planes)/float64(c.outputs) < 6*8 {
				t.Logf("%s: %d of %d tiles of %s stay plain", what, l.PlainTiles, l.Tiles, l.Name)
			}
		}
	}
}

// checkProportional holds int8 weights to those of a code, times a factor a
// channel.
func checkProportional(t *testing.T, what string, got []int8, want []float32, channels int) {
	t.Helper()
	rest := len(got) / channels
	for c := range channels {
		var product, a, b float64
		for k := c * rest; k < (c+1)*rest; k++ {
			product += float64(got[k]) * float64(want[k])
			a += float64(got[k]) * float64(got[k])
			b += float64(want[k]) * float64(want[k])
		}
		// Channels that quantization leaves a few steps are coarse.
		if a > 400*float64(rest) && math.Abs(product) < 0.99*math.Sqrt(a*b) {
			t.Errorf("%s, channel %d: the weights are not those of the code: correlation %.3f", what, c, product/math.Sqrt(a*b))
		}
	}
}

// TestTrainedFaults: codes that do not belong to the network are refused by
// name.
func TestTrainedFaults(t *testing.T) {
	layers := weightLayers(t, glyphModel)
	l := &layers[0]
	name := strings.TrimSuffix(prune.FileName(l.Name), ".npy")
	good := fitted(t, l, fractionalcode.ChannelMajor, 1, 5, 6, 1)
	for _, c := range []struct {
		what, want string
		write      func(folder string)
		sets       []string
	}{
		{"a folder of no layer", "no layer has this code", func(folder string) { writeTrained(t, filepath.Join(folder, "other"), l.Shape, good) }, nil},
		{"another shape", "the code is of shape", func(folder string) {
			shape := append([]int(nil), l.Shape...)
			slices.Reverse(shape[1:])
			shape = append(shape, 1)
			writeTrained(t, filepath.Join(folder, name), shape, good)
		}, nil},
		{"another scheme", `compression.scheme of layer`, func(folder string) { writeTrained(t, filepath.Join(folder, name), l.Shape, good) },
			[]string{`compression.layer=[{match="` + l.Name + `", scheme="xor-block"}]`}},
		{"a missing array", `array "alpha" is missing`, func(folder string) {
			writeTrained(t, filepath.Join(folder, name), l.Shape, good)
			if err := os.Remove(filepath.Join(folder, name, "alpha.npy")); err != nil {
				t.Fatal(err)
			}
		}, nil},
		{"an empty file", name + ".npz", func(folder string) {
			if err := os.WriteFile(filepath.Join(folder, name+".npz"), nil, 0o644); err != nil {
				t.Fatal(err)
			}
		}, nil},
		{"two of a layer", "has a code already", func(folder string) {
			writeTrained(t, filepath.Join(folder, name), l.Shape, good)
			if err := os.WriteFile(filepath.Join(folder, name+".npz"), nil, 0o644); err != nil {
				t.Fatal(err)
			}
		}, nil},
		{"too wide for the machine", "xor.max_outputs = 5", func(folder string) { writeTrained(t, filepath.Join(folder, name), l.Shape, good) }, []string{"xor.max_outputs=5"}},
		{"four bits", "need 8 bits", func(folder string) { writeTrained(t, filepath.Join(folder, name), l.Shape, good) }, []string{"quantization.weight_bits=4"}},
	} {
		folder := t.TempDir()
		c.write(folder)
		spec := load(t, "edge", append([]string{"compression.scheme=xor-fractional", "compression.trained=" + folder}, c.sets...)...)
		_, err := evaluate.Compile(context.Background(), evaluate.Options{Model: glyphModel, Spec: spec, Samples: 2})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.what, err)
		}
	}
	spec := load(t, "edge", "compression.scheme=xor-fractional", "compression.trained="+t.TempDir())
	if _, err := evaluate.Run(context.Background(), evaluate.Options{Model: "../../testdata/shapes/resnet50.csv", Spec: spec}); err == nil || !strings.Contains(err.Error(), "no weights that were trained") {
		t.Errorf("layer shapes: %v", err)
	}
}
