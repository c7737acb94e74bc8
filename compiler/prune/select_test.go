package prune

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/npusim/npusim/compiler/graph"
	"github.com/npusim/npusim/isa/xorcode"
)

// sorted prunes by sorting: the definition of Select over several tensors.
func sorted(tensors [][]float32, count int) []xorcode.Plane {
	type place struct{ tensor, index int }
	var all []place
	masks := make([]xorcode.Plane, len(tensors))
	for t, scores := range tensors {
		masks[t] = xorcode.NewPlane(len(scores))
		for i := range scores {
			all = append(all, place{t, i})
			masks[t].Set(i, true)
		}
	}
	slices.SortStableFunc(all, func(a, b place) int {
		return cmp.Compare(tensors[a.tensor][a.index], tensors[b.tensor][b.index])
	})
	for _, p := range all[:count] {
		masks[p.tensor].Set(p.index, false)
	}
	return masks
}

// drawLayers draws tensors whose magnitudes often tie.
func drawLayers(t *rapid.T) []Layer {
	random := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
	values := []float32{0, float32(math.Copysign(0, -1)), 1e-45, 1e-40, 0.5, -0.5, 1, -1, 3e38, math.MaxFloat32}
	fine := rapid.Bool().Draw(t, "fine")
	layers := make([]Layer, rapid.IntRange(1, 4).Draw(t, "layers"))
	for l := range layers {
		n := rapid.IntRange(0, 200).Draw(t, "weights")
		layers[l] = Layer{Name: string(rune('a' + l)), Shape: []int{n}, Weights: make([]float32, n)}
		for i := range n {
			layers[l].Weights[i] = values[random.IntN(len(values))]
			if fine {
				layers[l].Weights[i] = float32(random.NormFloat64())
			}
		}
	}
	return layers
}

func TestMagnitudeIsSorting(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		layers := drawLayers(t)
		sparsity := rapid.SampledFrom([]float64{0, 0.1, 0.29, 0.5, 0.9, 0.999, rapid.Float64Range(0, 0.999).Draw(t, "any")}).Draw(t, "sparsity")
		var scores [][]float32
		n := 0
		for _, l := range layers {
			s, err := Magnitudes(l.Weights)
			if err != nil {
				t.Fatal(err)
			}
			scores = append(scores, s)
			n += len(s)
		}
		check := func(got, want []xorcode.Plane) {
			for l := range want {
				if got[l].Len() != want[l].Len() || !slices.Equal(got[l].Words, want[l].Words) {
					t.Fatalf("layer %d of %d: mask %x, want %x", l, len(want), got[l].Words, want[l].Words)
				}
			}
		}
		global, err := Magnitude(layers, sparsity, Global)
		if err != nil {
			t.Fatal(err)
		}
		count := max(0, min(int(math.Round(sparsity*float64(n))), n-1))
		check(global, sorted(scores, count))
		each, err := Magnitude(layers, sparsity, PerLayer)
		if err != nil {
			t.Fatal(err)
		}
		for l := range layers {
			m := len(scores[l])
			count := max(0, min(int(math.Round(sparsity*float64(m))), m-1))
			check(each[l:l+1], sorted(scores[l:l+1], count))
		}
	})
}

func TestPruningErrors(t *testing.T) {
	bad := []Layer{{Name: "good", Weights: []float32{1, 2}}, {Name: "block/conv", Weights: []float32{1, float32(math.Inf(-1))}}}
	for _, c := range []struct {
		layers   []Layer
		sparsity float64
		scope    Scope
		want     string
	}{
		{bad, 0.5, Global, "layer block/conv: prune: weight 1 is -Inf"},
		{bad[:1], 1, Global, "sparsity 1,"},
		{bad[:1], -0.1, PerLayer, "sparsity -0.1,"},
		{bad[:1], math.NaN(), PerLayer, "sparsity NaN,"},
		{nil, 2, PerLayer, "sparsity 2,"},
		{bad[:1], 0.5, InvalidScope, "no scope"},
	} {
		if _, err := Magnitude(c.layers, c.sparsity, c.scope); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want an error with %q", err, c.want)
		}
	}
	for _, s := range []float32{-1, float32(math.NaN()), float32(math.Inf(1))} {
		if _, err := Select([]float32{0, s}, 0.5); err == nil || !strings.Contains(err.Error(), "score 1 of tensor 0") {
			t.Errorf("score %g: %v", s, err)
		}
	}
	if err := Apply(make([]float32, 3), xorcode.NewPlane(4)); err == nil {
		t.Error("a mask of another length is applied")
	}
}

func TestApply(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 200).Draw(t, "weights")
		random := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 2))
		density := rapid.SampledFrom([]float64{0, 0.01, 0.5, 1}).Draw(t, "density")
		weights, mask := make([]float32, n), xorcode.NewPlane(n)
		for i := range weights {
			weights[i] = float32(i + 1)
			mask.Set(i, random.Float64() < density)
		}
		if err := Apply(weights, mask); err != nil {
			t.Fatal(err)
		}
		for i, w := range weights {
			if want := float32(i + 1); mask.Get(i) && w != want || !mask.Get(i) && w != 0 {
				t.Fatalf("weight %d of %g is %g under mask bit %v", i, want, w, mask.Get(i))
			}
		}
	})
}

// Layers are the constant operands of convolutions and matrix products, biases
// and shared uses left out.
func TestLayers(t *testing.T) {
	g := &graph.Graph{}
	constant := func(shape ...int) graph.ValueID {
		return g.AddValue(graph.Value{Shape: shape, Type: graph.Float32,
			Constant: &graph.Tensor{Shape: shape, Type: graph.Float32, Floats: make([]float32, graph.Elements(shape))}})
	}
	x := g.AddValue(graph.Value{Name: "x", Shape: []int{1, 4}, Type: graph.Float32})
	conv, bias, dense, left, scale := constant(8, 4, 3, 3), constant(8), constant(4, 6), constant(5, 4), constant(4)
	none := graph.None
	g.Nodes = []graph.Node{
		{Name: "conv", Op: graph.Conv, Inputs: []graph.ValueID{x, conv, bias}},
		{Name: "scale", Op: graph.Mul, Inputs: []graph.ValueID{x, scale}},
		{Name: "dense", Op: graph.Gemm, Inputs: []graph.ValueID{x, dense, none}},
		{Name: "again", Op: graph.Gemm, Inputs: []graph.ValueID{x, dense, bias}},
		{Name: "left", Op: graph.MatMul, Inputs: []graph.ValueID{left, x}},
		{Name: "attention", Op: graph.MatMul, Inputs: []graph.ValueID{x, x}},
	}
	got := Layers(g)
	want := []struct {
		name       string
		value      graph.ValueID
		rows, cols int
	}{{"conv", conv, 8, 36}, {"dense", dense, 4, 6}, {"left", left, 5, 4}}
	if len(got) != len(want) {
		t.Fatalf("%d layers, want %d", len(got), len(want))
	}
	for i, w := range want {
		rows, cols := got[i].Matrix()
		if got[i].Name != w.name || got[i].Value != w.value || rows != w.rows || cols != w.cols || len(got[i].Weights) != rows*cols {
			t.Errorf("layer %d is %s of value %d, %d x %d", i, got[i].Name, got[i].Value, rows, cols)
		}
	}
}

func BenchmarkMagnitude(b *testing.B) {
	random := rand.New(rand.NewPCG(1, 2))
	layers := []Layer{{Name: "layer", Weights: make([]float32, 1<<22)}}
	for i := range layers[0].Weights {
		layers[0].Weights[i] = float32(random.NormFloat64())
	}
	for b.Loop() {
		if _, err := Magnitude(layers, 0.9, PerLayer); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(len(layers[0].Weights))*float64(b.N)/b.Elapsed().Seconds()/1e6, "Mweight/s")
}
