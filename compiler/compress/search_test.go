package compress

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/npusim/npusim/compiler/integer"
	"github.com/npusim/npusim/compiler/lower"
	"github.com/npusim/npusim/configs"
	"github.com/npusim/npusim/isa"
	"github.com/npusim/npusim/isa/xorcode"
)

// layersOf is a network of unconnected layers, one a sparsity.
func layersOf(side int, sparsities ...float64) *integer.Graph {
	g := network("fc0", side, side, sparsities[0])
	for i, s := range sparsities[1:] {
		g.Nodes = append(g.Nodes, network(fmt.Sprintf("fc%d", i+1), side, side, s).Nodes[0])
	}
	return g
}

// TestParts: with less of everything the same seed gives a part of the network,
// and no output without a tap.
func TestParts(t *testing.T) {
	for _, f := range []*family{{scheme: configs.XORBlock}, {scheme: configs.XORSequential}} {
		whole := f.draw(8, 0, 200, 7)
		if f.scheme == configs.XORBlock {
			whole = f.draw(64, 0, 200, 7)
		}
		for _, inputs := range f.candidateInputs() {
			n := f.draw(inputs, 0, 90, 7)
			if !n.Equal(whole.Part(inputs, 90)) || slices.Contains(n.Rows, 0) || n.Validate() != nil {
				t.Errorf("%s with %d inputs is no part of the whole, or has outputs without a tap", f.scheme, inputs)
			}
		}
	}
}

// TestOneNetwork: all layers of a code use parts of one network, whose table
// counts once; each has n_out of its own, and rules may give layers registers.
func TestOneNetwork(t *testing.T) {
	for _, scheme := range []string{"xor-block", "xor-sequential"} {
		side := 96
		if testing.Short() {
			side = 48
		}
		g := layersOf(side, 0.9, 0.6, 0, 0.8)
		e := plan(t, g, Options{Workers: 1}, "compression.scheme="+scheme, "compression.networks=3",
			`compression.layer=[{match="fc1", n_s=0}, {match="fc3", n_s=1}]`)
		if len(e.Networks()) != 1 {
			t.Fatalf("%s: %d networks", scheme, len(e.Networks()))
		}
		n := e.Networks()[0]
		outputs, registers := 0, 0
		different := map[int]bool{}
		for i, l := range e.Layers() {
			if i == 2 {
				if l.Coded {
					t.Errorf("%s: dense weights are coded", scheme)
				}
				continue
			}
			if !l.Coded {
				t.Fatalf("%s: %+v", scheme, l)
			}
			different[l.Outputs] = true
			outputs, registers = max(outputs, l.Outputs), max(registers, l.Registers)
			if l.Inputs*(l.Registers+1) > n.Inputs || l.Seed != e.Layers()[0].Seed {
				t.Errorf("%s: %+v on a network of %d inputs", scheme, l, n.Inputs)
			}
			a := g.Nodes[i].Convolution
			d, stream, err := e.Tile(l.Name, lower.TilePlace{}, a.Weights, len(a.Bias)) // which proves that it decodes
			if err != nil || d == nil || len(stream) >= len(a.Weights) {
				t.Errorf("%s: layer %s: %d bytes, %v", scheme, l.Name, len(stream), err)
			}
		}
		if n.Outputs != outputs || len(different) < 2 {
			t.Errorf("%s: a network of %d outputs, layers use %v", scheme, n.Outputs, different)
		}
		if scheme == "xor-sequential" && (e.Layers()[1].Registers != 0 || e.Layers()[3].Registers != 1 || n.Inputs != 8*(registers+1)) {
			t.Errorf("registers %d and %d, %d inputs", e.Layers()[1].Registers, e.Layers()[3].Registers, n.Inputs)
		}
	}
}

// TestLeastBits: no choice of n_in and of an n_out for each layer, with the
// table of the network that it needs, takes fewer bits than the plan.
func TestLeastBits(t *testing.T) {
	for _, sparsities := range [][]float64{{0.9, 0.5}, {0.95, 0.85}, {0.3, 0.1}, {0.97, 0}} {
		for _, side := range []int{24, 80} {
			g := layersOf(side, sparsities...)
			s := spec(t, "compression.scheme=xor-block", "compression.networks=1")
			e, err := New(g, s, Options{Workers: 1})
			if err != nil {
				t.Fatal(err)
			}
			layers := []*layerCode{e.order[0], e.order[1]}
			f := &family{scheme: configs.XORBlock, layers: layers}
			got := 0.0
			table := 0
			for _, n := range e.Networks() {
				table += 8 * isa.NetworkBytes(n)
			}
			for i, l := range layers {
				prepareAgain(t, e, l, g.Nodes[i].Convolution, s)
				perWeight := 8.0
				if l.report.Coded {
					c, err := e.try(f, l, l.report.Inputs, l.report.Outputs, 0, l.report.Seed)
					if err != nil {
						t.Fatal(err)
					}
					perWeight = c.total() + l.mask
				}
				got += perWeight * float64(l.report.Weights)
			}
			least := math.Inf(1)
			var lists [2][]*candidate // nil is plain
			for i, l := range layers {
				lists[i] = append(lists[i], nil)
				for _, inputs := range []int{8, 16, 32, 64} {
					for _, outputs := range candidateOutputs(l, inputs, s) {
						c, err := e.try(f, l, inputs, outputs, 0, 1)
						if err != nil {
							t.Fatal(err)
						}
						if e.refusal(l, c, s) == "" {
							lists[i] = append(lists[i], c)
						}
					}
				}
			}
			for _, a := range lists[0] {
				for _, b := range lists[1] {
					bits := 0.0
					for i, c := range []*candidate{a, b} {
						if c == nil {
							bits += 8 * float64(layers[i].report.Weights)
							continue
						}
						bits += (c.total() + layers[i].mask) * float64(layers[i].report.Weights)
					}
					if a != nil || b != nil { // inputs, draw, outputs, parameter, reserved, seed
						bits += 8 * (1 + 1 + 2 + 1 + 3 + 8)
					}
					least = min(least, bits)
				}
			}
			if total := got + float64(table); math.Abs(total-least) > 1e-6*least {
				t.Errorf("sparsities %v of %d x %d: %.1f bits, %.1f are possible", sparsities, side, side, total, least)
			}
		}
	}
}

// prepareAgain takes the sample of a layer that planning has dropped.
func prepareAgain(t *testing.T, e *Encoder, l *layerCode, a *integer.ConvolutionAttributes, s *configs.Spec) {
	t.Helper()
	if err := e.prepare(l, a, int64(len(a.Weights)), s); err != nil {
		t.Fatal(err)
	}
}

// TestGivenSizes: n_in alone leaves n_out to the search, and n_out alone n_in.
func TestGivenSizes(t *testing.T) {
	for _, c := range []struct {
		scheme, set     string
		inputs, outputs int
	}{
		{"xor-block", "compression.n_in=20", 20, 0}, {"xor-sequential", "compression.n_in=6", 6, 0},
		{"xor-block", "compression.n_out=70", 0, 70}, {"xor-sequential", "compression.n_out=12", 8, 12},
	} {
		l := plan(t, network("fc", 128, 128, 0.85), Options{}, "compression.scheme="+c.scheme, c.set, "compression.networks=2").Layers()[0]
		if !l.Coded || c.inputs > 0 && l.Inputs != c.inputs || c.outputs > 0 && l.Outputs != c.outputs || l.Inputs >= l.Outputs {
			t.Errorf("%s %s: %+v", c.scheme, c.set, l)
		}
	}
	few := &family{scheme: configs.XORSequential, layers: []*layerCode{{asked: configs.LayerCompression{Outputs: 6}}}}
	if got := few.candidateInputs(); !slices.Equal(got, []int{8, 5}) {
		t.Errorf("n_in for n_out = 6: %v", got)
	}
}

// TestRegistersSearched: left open, n_s is 0 or 1, whichever takes fewer bits.
func TestRegistersSearched(t *testing.T) {
	seen := [2]bool{}
	for _, side := range []int{8, 16, 128} {
		for _, sparsity := range []float64{0.5, 0.9} {
			layer := func(sets ...string) Layer {
				sets = append(sets, "compression.scheme=xor-sequential", "compression.networks=2")
				g := network("fc", side, side, sparsity)
				e := plan(t, g, Options{}, sets...)
				tile(t, e, g)
				return e.Layers()[0]
			}
			best, found := [2]Layer{layer("compression.n_s=0"), layer("compression.n_s=1")}, layer()
			want := 0
			if best[1].Bytes() < best[0].Bytes() {
				want = 1
			}
			if found.Coded && (found.Registers != want || found.Bytes() != best[want].Bytes()) {
				t.Errorf("%d x %d at %g: n_s %d with %d bytes, n_s 0 takes %d, n_s 1 %d", side, side, sparsity, found.Registers, found.Bytes(), best[0].Bytes(), best[1].Bytes())
			}
			if found.Coded {
				seen[found.Registers] = true
			}
		}
	}
	if !seen[0] || !seen[1] {
		t.Errorf("n_s 0 and 1 are best somewhere, found %v", seen)
	}
}

// TestRows: networks that are part of others share their row.
func TestRows(t *testing.T) {
	e := new(Encoder)
	small, large, wide := xorcode.SpreadNetwork(8, 0, 20, 3), xorcode.SpreadNetwork(8, 0, 50, 3), xorcode.SpreadNetwork(8, 1, 30, 3)
	if e.row(small) != 0 || e.row(large) != 0 || e.row(small) != 0 || e.row(wide) != 1 || e.row(xorcode.SpreadNetwork(8, 0, 30, 3)) != 0 || e.row(xorcode.SpreadNetwork(8, 0, 30, 4)) != 2 {
		t.Errorf("%d rows", len(e.networks))
	}
	if len(e.networks) != 3 || e.networks[0] != large {
		t.Errorf("%d networks, the first with %d outputs", len(e.networks), e.networks[0].Outputs)
	}
}

// TestSmallSlices: an n_out of 8 and less, which needs an n_in below that of
// nested rows, alone and on the network that a wider layer needs.
func TestSmallSlices(t *testing.T) {
	for outputs := 2; outputs <= 9; outputs++ {
		for _, scheme := range []string{"xor-block", "xor-sequential"} {
			for _, sets := range [][]string{{fmt.Sprintf("compression.n_out=%d", outputs)}, {fmt.Sprintf(`compression.layer=[{match="fc0", n_out=%d}]`, outputs)}} {
				g := layersOf(32, 0.97, 0.8)
				e := plan(t, g, Options{Workers: 1}, append(sets, "compression.scheme="+scheme, "compression.networks=2")...)
				for i, l := range e.Layers() {
					a := g.Nodes[i].Convolution
					if l.Coded && i == 0 && (l.Outputs != outputs || l.Inputs >= outputs) {
						t.Errorf("%s with %v: %+v", scheme, sets, l)
					}
					if _, _, err := e.Tile(l.Name, lower.TilePlace{}, a.Weights, len(a.Bias)); err != nil { // which proves that it decodes
						t.Errorf("%s with %v, layer %s: %v", scheme, sets, l.Name, err)
					}
				}
				if outputs == 4 && !e.Layers()[0].Coded {
					t.Errorf("%s with %v: %+v", scheme, sets, e.Layers()[0])
				}
			}
		}
	}
}
