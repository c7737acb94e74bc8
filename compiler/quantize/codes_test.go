package quantize

import (
	"context"
	"math"
	"strings"
	"testing"

	"github.com/npusim/npusim/compiler/graph"
	"github.com/npusim/npusim/compiler/integer"
	"github.com/npusim/npusim/compiler/transform"
	"github.com/npusim/npusim/compiler/transform/graphtest"
	"github.com/npusim/npusim/configs"
)

// codedSettings asks for binary codes everywhere.
func codedSettings(planes, group int) *configs.Quantization {
	q := settings(configs.BinaryCoding, configs.MinMax)
	q.Planes, q.Group, q.Solver = planes, group, configs.AlternatingSolver
	return q
}

// twoConvolutions is a network of a convolution and a depthwise one.
func twoConvolutions() (*graphtest.Builder, graph.ValueID) {
	b := graphtest.New(3)
	x := b.Conv(b.Input(1, 8, 6, 6), 24, 1, window{Kernel: pair(3, 3)}, true)
	return b, b.Conv(x, 24, 24, window{Kernel: pair(3, 3)}, true)
}

// TestCodesReplaceWeights: codes stand for the float weights with an error that
// falls with planes and with groups; a depthwise convolution stays dense, and
// the report says why.
func TestCodesReplaceWeights(t *testing.T) {
	before := 0.0
	for _, form := range [][2]int{{1, 0}, {2, 0}, {3, 0}, {4, 0}, {4, 24}} {
		b, x := twoConvolutions()
		g, report, n := convertWith(t, b.Output(x), b.Inputs(4), codedSettings(form[0], form[1]))
		a := g.Nodes[0].Convolution
		if a.Codes == nil || a.Weights != nil || int(a.WeightBits) != form[0] || g.Nodes[1].Convolution.Codes != nil {
			t.Fatalf("planes %d, group %d: the layers are\n%s", form[0], form[1], g)
		}
		w := report.Layers[0].Weights
		if w.Scheme != configs.BinaryCoding || w.SQNR <= before || w.Uncoded != "" {
			t.Errorf("planes %d, group %d: %+v after %.1f dB", form[0], form[1], w, before)
		}
		before = w.SQNR
		if w := report.Layers[1].Weights; w.Scheme != configs.PerLayerShift || !strings.Contains(w.Uncoded, "groups") {
			t.Errorf("the depthwise layer: %+v", w)
		}
		if form[0] == 4 && codesNoise(t, n, g) > 0.03 {
			t.Errorf("planes 4, group %d: error %.4f of the weights", form[1], codesNoise(t, n, g))
		}
	}
}

// codesNoise is the squared error of the first layer's integer weights, as the
// requantizer sees them, over the squares of the float weights.
func codesNoise(t *testing.T, n *transform.Network, g *integer.Graph) float64 {
	t.Helper()
	a := g.Nodes[0].Convolution
	float := n.Graph.Value(n.Graph.Nodes[0].Inputs[1]).Constant.Floats
	scales, err := a.Codes.Mantissas()
	if err != nil {
		t.Fatal(err)
	}
	span := a.Codes.Shape.Spans()[0]
	columns := a.Codes.Shape.Columns
	var noise, signal float64
	for i, w := range float {
		r, j := i/columns, i%columns
		value := 0.0
		for plane := range span.Planes {
			sign := float64(2*int(span.Plane(a.Codes.Bits, r, plane)[j/64]>>(j%64)&1) - 1)
			value += sign * float64(scales[span.ScaleIndex(r, j/a.Codes.Shape.Group)+plane])
		}
		d := float64(w) - math.Ldexp(value, -int(a.Codes.Exponent)-int(a.Codes.Shifts[r]))
		noise += d * d
		signal += float64(w) * float64(w)
	}
	return noise / signal
}

// TestBiasTakesOverTheMean: with constant inputs, a coded layer gives the
// outputs of the float layer whatever its codes lose.
func TestBiasTakesOverTheMean(t *testing.T) {
	b, x := twoConvolutions()
	g := b.Output(x)
	n, err := transform.Run(g)
	if err != nil {
		t.Fatal(err)
	}
	inputs := b.Inputs(4)
	q := codedSettings(1, 0)
	c, err := Calibrate(n, q, len(inputs), 1, func(i int) ([][]float32, error) { return inputs[i], nil })
	if err != nil {
		t.Fatal(err)
	}
	plain, _, err := Quantize(n, c, q)
	if err != nil {
		t.Fatal(err)
	}
	name := plain.Nodes[0].Name
	moments := Moments{Mean: make([]float64, 8), Square: make([]float64, 8)}
	for i := range moments.Mean {
		moments.Mean[i], moments.Square[i] = 20, 400
	}
	moved, _, err := QuantizeCoded(context.Background(), n, c, q, Coding{Moments: map[string]Moments{name: moments}})
	if err != nil {
		t.Fatal(err)
	}
	float := n.Graph.Value(n.Graph.Nodes[0].Inputs[1]).Constant.Floats
	in := &moved.Tensors[moved.Nodes[0].Inputs[0]]
	want := func(r int) float64 { // in real units, without the bias
		sum := 0.0
		for _, w := range float[r*72 : (r+1)*72] {
			sum += float64(w) * 20 * in.Scale
		}
		return sum
	}
	biases := n.Graph.Value(n.Graph.Nodes[0].Inputs[2]).Constant.Floats
	of := func(g *integer.Graph, r int) float64 { // output for inputs of 20 steps above zero
		a := g.Nodes[0].Convolution
		scales, err := a.Codes.Mantissas()
		if err != nil {
			t.Fatal(err)
		}
		sum := int64(a.Bias[r])
		for j := range 72 {
			sum += int64(scales[r]) * 20 * int64(2*int(a.Codes.Bits[2*r+j/64]>>(j%64)&1)-1)
		}
		return math.Ldexp(float64(sum), -int(a.Codes.Exponent)-int(a.Codes.Shifts[r])) * in.Scale
	}
	for r := range 24 {
		if d := math.Abs(of(moved, r) - want(r) - float64(biases[r])); d > 1e-2*math.Abs(want(r))+1e-3 {
			t.Errorf("channel %d: off by %g of %g with the mean taken over", r, d, want(r))
		}
	}
}

// TestLayersToldToStayDense keep integer weights, with the reason told.
func TestLayersToldToStayDense(t *testing.T) {
	b, x := twoConvolutions()
	n, err := transform.Run(b.Output(x))
	if err != nil {
		t.Fatal(err)
	}
	inputs := b.Inputs(4)
	q := codedSettings(2, 0)
	q.AverageBits = 2.5
	c, err := Calibrate(n, q, len(inputs), 1, func(i int) ([][]float32, error) { return inputs[i], nil })
	if err != nil {
		t.Fatal(err)
	}
	g, report, err := QuantizeCoded(context.Background(), n, c, q, Coding{Dense: map[string]string{n.Graph.Nodes[0].Name: "slow"}})
	if err != nil {
		t.Fatal(err)
	}
	if g.Nodes[0].Convolution.Codes != nil || report.Layers[0].Weights.Uncoded != "slow" {
		t.Errorf("%+v", report.Layers[0].Weights)
	}
	if dense := Dense(q); dense.Weights != configs.PerLayerShift || UsesCodes(dense) || !UsesCodes(q) {
		t.Errorf("dense form: %+v", dense)
	}
}

// TestAverageBits: the planes of three layers are those of least loss within the
// budget, scales counted, of all 64 ways; a layer with clusters of outputs keeps
// its own and leaves the others what remains.
func TestAverageBits(t *testing.T) {
	convert := func(q *configs.Quantization) (*integer.Graph, *Report) {
		b := graphtest.New(3)
		x := b.Conv(b.Input(1, 8, 6, 6), 24, 1, window{Kernel: pair(3, 3)}, true)
		x = b.Conv(x, 32, 1, window{Kernel: pair(1, 1)}, true)
		g, report, _ := convertWith(t, b.Output(b.Conv(x, 10, 1, window{Kernel: pair(1, 1)}, true)), b.Inputs(4), q)
		return g, report
	}
	// used is the bits of signs and scales; losses are those of the layers.
	used := func(g *integer.Graph) (bits, weights int64) {
		for i := range g.Nodes {
			s := &g.Nodes[i].Convolution.Codes.Shape
			bits, weights = bits+s.SignBits()+16*int64(s.Scales()), weights+int64(s.Rows)*int64(s.Columns)
		}
		return bits, weights
	}
	var bits [4][3]int64
	var losses [4][3]float64
	var weights int64
	for planes := range 4 {
		g, report := convert(codedSettings(planes+1, 0))
		_, weights = used(g)
		for i := range 3 {
			s := &g.Nodes[i].Convolution.Codes.Shape
			bits[planes][i] = s.SignBits() + 16*int64(s.Scales())
			losses[planes][i] = math.Pow(10, -report.Layers[i].Weights.SQNR/10)
		}
	}
	for _, average := range []float64{1.7, 2.2, 2.9, 3.6, 4.4} {
		least, want := math.Inf(1), [3]int{}
		for k := range 64 {
			p := [3]int{k & 3, k >> 2 & 3, k >> 4}
			if float64(bits[p[0]][0]+bits[p[1]][1]+bits[p[2]][2]) > average*float64(weights) {
				continue
			}
			if loss := losses[p[0]][0] + losses[p[1]][1] + losses[p[2]][2]; loss < least {
				least, want = loss, p
			}
		}
		q := codedSettings(3, 0)
		q.AverageBits = average
		g, _ := convert(q)
		for i, p := range want {
			if got := g.Nodes[i].Convolution.Codes.Shape.MostPlanes(); got != p+1 {
				t.Errorf("%g bits: layer %d has %d planes, the least loss has %d", average, i, got, p+1)
			}
		}
		if b, _ := used(g); float64(b) > average*float64(weights) {
			t.Errorf("%g bits: %d bits for %d weights", average, b, weights)
		}
		name := g.Nodes[0].Name
		q.Layers = []configs.LayerRule{{Match: name, Planes: 2, RowClusters: 2, RowRatio: 2}}
		g, _ = convert(q)
		if r := g.Nodes[0].Convolution.Codes.Shape.Ranges; len(r) != 2 || r[0].Planes != 2 || r[1].Planes != 1 {
			t.Errorf("%g bits: the clusters are %+v", average, r)
		}
		if b, _ := used(g); float64(b) > average*float64(weights) {
			t.Errorf("%g bits with clusters: %d bits for %d weights", average, b, weights)
		}
	}
}
