package evaluate_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/npusim/npusim/compiler/integer"
	"github.com/npusim/npusim/compiler/integer/integertest"
	"github.com/npusim/npusim/compiler/lower"
	"github.com/npusim/npusim/configs"
	"github.com/npusim/npusim/isa"
	"github.com/npusim/npusim/isa/binarycode"
	"github.com/npusim/npusim/isa/fixed"
	"github.com/npusim/npusim/npu/evaluate"
	"github.com/npusim/npusim/npu/timing"
)

// withLookup draws a LUT-GEMM unit for a machine.
func withLookup(t *testing.T, spec *configs.Spec, r *rand.Rand, mu int) *configs.Spec {
	t.Helper()
	pick := func(values ...int) int { return values[r.IntN(len(values))] }
	spec, err := spec.With(fmt.Sprintf("lut_gemm.mu=%d", mu), fmt.Sprintf("lut_gemm.lanes=%d", pick(1, 8, 64)),
		fmt.Sprintf("lut_gemm.tables=%d", pick(1, 3, 16, 64)), fmt.Sprintf("lut_gemm.ports=%d", pick(1, 2)),
		fmt.Sprintf("lut_gemm.symmetry=%t", r.IntN(2) == 0), fmt.Sprintf("lut_gemm.scale_lanes=%d", pick(1, 4)))
	if err != nil {
		t.Fatal(err)
	}
	return spec
}

// TestAnyTilingOfCodes: networks with binary codes give the tensors of the
// integer reference, which multiplies directly, for every tile size, key width,
// group and order of execution.
func TestAnyTilingOfCodes(t *testing.T) {
	networks := 120
	if testing.Short() || raceEnabled {
		networks = 20
	}
	lookups, held, sealed := 0, 0, 0
	for seed := range uint64(networks) {
		r := rand.New(rand.NewPCG(seed, 7))
		mu := 2 + r.IntN(9)
		g := integertest.RandomCoded(seed, 6, mu)
		if err := g.Validate(); err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, g)
		}
		reference, err := integer.NewReference(g)
		if err != nil {
			t.Fatal(err)
		}
		input := [][]int8{integertest.Input(g, g.Inputs[0], r)}
		want := reference.Run(input)
		for variant := range 2 {
			spec := withLookup(t, randomSpec(t, r), r, mu)
			options := lower.Options{NoResidency: r.IntN(3) == 0, HoldTables: r.IntN(2) == 0}
			if variant > 0 {
				options.MaxTile = lower.Limit{Channels: r.IntN(40), Rows: r.IntN(8), Columns: r.IntN(8), InputChannels: r.IntN(40)}
			}
			p, spec := lowerOrGrow(t, g, spec, options)
			p = again(t, p, variant > 0)
			for _, order := range []*rand.Rand{nil, r} {
				if err := compare(p, spec, g, input, want, order); err != nil {
					t.Fatalf("seed %d variant %d, random order %t: %v\n%s", seed, variant, order != nil, err, g)
				}
			}
			timed, err := timing.Run(p, spec)
			if err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			if len(p.Code[isa.LookupGEMM]) > 0 {
				lookups++
				if timed.Total.LookupQueries == 0 {
					t.Fatalf("seed %d: no queries were counted", seed)
				}
			}
			if len(p.Code[isa.TableBuilder]) > 0 {
				held++
			}
			if timed.Total.DecodedSlices > 0 {
				sealed++
			}
		}
	}
	if lookups < networks/2 || held < networks/8 || sealed < networks/8 {
		t.Errorf("only %d of %d programs have look-ups, %d tables that stay, %d sealed keys", lookups, 2*networks, held, sealed)
	}
}

// again sends a program through the container or the text form.
func again(t *testing.T, p *isa.Program, text bool) *isa.Program {
	t.Helper()
	if text {
		var b strings.Builder
		if err := isa.Disassemble(&b, p); err != nil {
			t.Fatal(err)
		}
		q, err := isa.Assemble(b.String(), "again")
		if err != nil {
			t.Fatal(err)
		}
		return q
	}
	data, err := p.Encode()
	if err != nil {
		t.Fatal(err)
	}
	q, err := isa.Decode(data, "again")
	if err != nil {
		t.Fatal(err)
	}
	return q
}

// codedProduct is a network of one product with binary codes.
func codedProduct(rows, columns, planes int, shapeOnly bool) *integer.Graph {
	m := &binarycode.Matrix{Shape: binarycode.Shape{Rows: rows, Columns: columns, Group: columns, Ranges: []binarycode.Range{{Rows: rows, Planes: planes}}}}
	a := &integer.ConvolutionAttributes{Geometry: integer.Geometry{Kernel: [2]int{1, 1}, Stride: [2]int{1, 1}, Dilation: [2]int{1, 1}},
		Groups: 1, WeightBits: uint8(planes), Codes: m, WeightScale: []float64{1}, Low: -128, High: 127}
	multiplier, err := fixed.NewMultiplier(1e-5)
	if err != nil {
		panic(err)
	}
	a.Requantizer = integer.Requantizer{PerLayer: multiplier, ChannelShift: []uint8{}}
	if !shapeOnly {
		r := rand.New(rand.NewPCG(1, uint64(rows)))
		m.Format = binarycode.FixedScales
		m.Bits = make([]uint64, m.Shape.Words())
		for i := range m.Bits {
			m.Bits[i] = r.Uint64()
		}
		for range m.Shape.Scales() {
			m.Scales = append(m.Scales, uint16(r.IntN(500)))
		}
		m.Shifts, a.Bias = make([]uint8, rows), make([]int32, rows)
		a.Requantizer.ChannelShift = m.Shifts
	}
	tensor := func(name string, channels int) integer.Tensor {
		return integer.Tensor{Name: name, Shape: integer.Shape{Channels: channels, Rows: 1, Columns: 1}, Bits: 8, Scale: 1, Zero: 5, FloatValue: -1}
	}
	return &integer.Graph{Name: "product", Rounding: "half-up-shift", ShapeOnly: shapeOnly,
		Tensors: []integer.Tensor{tensor("x", columns), tensor("y", rows)},
		Nodes: []integer.Node{{Name: "product", Op: "Gemm", Sources: []string{"product"}, Kind: integer.Convolution, Inputs: []integer.TensorID{0},
			Output: 1, MACs: int64(rows) * int64(columns), Convolution: a}},
		Inputs: []integer.TensorID{0}, Outputs: []integer.TensorID{1}, InputShapes: [][]int{{1, columns}}, OutputShapes: [][]int{{1, rows}}}
}

// TestOperationsOfProducts: additions that build tables and queries over the
// multiply-accumulates of the dense product, counted while programs run, at keys
// of 8 bits, without symmetry, for one column, on the shipped presets: their weight
// buffers hold a small part of the keys, and yet tables are built once (arXiv
// 2005.09904: planes/8 + 256/(8 rows)).
func TestOperationsOfProducts(t *testing.T) {
	for _, test := range []struct {
		size, planes int
		want         float64
	}{{1024, 1, 0.157}, {4096, 1, 0.133}, {4096, 3, 0.383}} {
		for _, preset := range []string{"edge", "mobile", "mobile-6k"} {
			spec, err := configs.Load(preset, []string{"lut_gemm.symmetry=false"})
			if err != nil {
				t.Fatal(err)
			}
			g := codedProduct(test.size, test.size, test.planes, true)
			if err := g.Validate(); err != nil {
				t.Fatal(err)
			}
			p, err := lower.Lower(g, lower.NewTarget(spec), lower.Options{})
			if err != nil {
				t.Fatal(err)
			}
			if err := isa.Verify(p, limits(spec)); err != nil {
				t.Fatal(err)
			}
			timed, err := timing.Run(p, spec)
			if err != nil {
				t.Fatal(err)
			}
			w := &timed.Total
			got := float64(w.LookupBuilds+w.LookupQueries) / float64(g.Nodes[0].MACs)
			t.Logf("%d x %d, %d planes on %s: %d additions, %d queries, %d scalings: ratio %.4f; %d cycles, %d bytes read",
				test.size, test.size, test.planes, preset, w.LookupBuilds, w.LookupQueries, w.LookupScales, got, timed.Cycles, w.ReadBytes)
			if math.Abs(got/test.want-1) > 0.02 {
				t.Errorf("%d x %d, %d planes on %s: ratio %.4f, published %.3f", test.size, test.size, test.planes, preset, got, test.want)
			}
			if w.MACs != 0 {
				t.Errorf("%d multiply-accumulates on the array", w.MACs)
			}
		}
	}
}

// TestTablesBuiltAgain: accumulators for a third of the outputs make three passes,
// each of which builds the tables again, and not one more. All is bit-exact.
func TestTablesBuiltAgain(t *testing.T) {
	g := codedProduct(1536, 1024, 2, false)
	reference, err := integer.NewReference(g)
	if err != nil {
		t.Fatal(err)
	}
	input := [][]int8{integertest.Input(g, 0, rand.New(rand.NewPCG(6, 5)))}
	want := reference.Run(input)
	for _, test := range []struct{ kib, passes int64 }{{6, 1}, {2, 3}} {
		spec, err := configs.Load("edge", []string{fmt.Sprintf("npu.accumulator_buffer_kib=%d", test.kib)})
		if err != nil {
			t.Fatal(err)
		}
		p, err := lower.Lower(g, lower.NewTarget(spec), lower.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if err := compare(p, spec, g, input, want, nil); err != nil {
			t.Fatal(err)
		}
		timed, err := timing.Run(p, spec)
		if err != nil {
			t.Fatal(err)
		}
		if builds := timed.Total.LookupBuilds; builds != test.passes*128*134 || len(p.Code[isa.TableBuilder]) == 0 {
			t.Errorf("%d KiB: %d additions build tables, want those of %d passes: %d", test.kib, builds, test.passes, test.passes*128*134)
		}
	}
}

// TestProductBits: an exact product through look-up tables, large enough for
// many tiles, on the machine of the preset.
func TestProductBits(t *testing.T) {
	spec, err := configs.Load("edge", nil)
	if err != nil {
		t.Fatal(err)
	}
	g := codedProduct(512, 2048, 3, false)
	reference, err := integer.NewReference(g)
	if err != nil {
		t.Fatal(err)
	}
	input := [][]int8{integertest.Input(g, 0, rand.New(rand.NewPCG(5, 5)))}
	want := reference.Run(input)
	p, err := lower.Lower(g, lower.NewTarget(spec), lower.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := compare(p, spec, g, input, want, nil); err != nil {
		t.Fatal(err)
	}
}

// TestWeightBoundProducts: matrix-vector products of a large language model's
// shapes; the less bandwidth, the nearer the gain of 3 planes over int8 and over a
// format of 16 bits comes to the ratio of the bits. 16 bits are int8 with twice the
// inputs: the same bytes, which an array of 8 bits multiplies one after the other.
func TestWeightBoundProducts(t *testing.T) {
	if raceEnabled {
		t.Skip("one goroutine and many cycles: too long with the race detector, which has nothing to find here")
	}
	directory := t.TempDir()
	write := func(name, layers string) string {
		path := filepath.Join(directory, name)
		if err := os.WriteFile(path, []byte("Layer,M,N,K\n"+layers), 0o666); err != nil {
			t.Fatal(err)
		}
		return path
	}
	bytes := filepath.Join("..", "..", "testdata", "shapes", "llm.csv")
	words := write("words.csv", "attention,1,4096,8192\nfeed_forward,1,11008,8192\n")
	var before [2]float64
	for _, bandwidth := range []int{200, 25, 8, 2} {
		timed := func(model, weights string) *evaluate.Result {
			return run(t, evaluate.Options{Model: model, Spec: load(t, "mobile", "quantization.weights="+weights,
				"dram.tier=linear", "dram.channels=1", fmt.Sprintf("dram.bandwidth_gb_per_s=%d", bandwidth))})
		}
		coded := timed(bytes, "binary-coding")
		if peak := coded.Scratchpad.PeakBytes["table_buffer"]; peak == 0 || peak > coded.Scratchpad.CapacityBytes["table_buffer"] {
			t.Errorf("the tables take %d bytes", peak)
		}
		for i, format := range []struct {
			bits  float64
			dense *evaluate.Result
		}{{8, timed(bytes, "per-layer")}, {16, timed(words, "per-layer")}} {
			checkSums(t, "integers", format.dense)
			gain := float64(format.dense.Timing.Cycles) / float64(coded.Timing.Cycles)
			moved := float64(format.dense.DRAM.ReadBytes) / float64(coded.DRAM.ReadBytes)
			t.Logf("%d GB/s: %d cycles with %g bits, %d with 3 planes: %.3f times as fast, bytes %.3f, bits %.3f",
				bandwidth, format.dense.Timing.Cycles, format.bits, coded.Timing.Cycles, gain, moved, format.bits/3)
			if moved > format.bits/3 || moved < 0.99*format.bits/3 {
				t.Errorf("%d GB/s: the bytes differ by %.3f, the bits by %.3f", bandwidth, moved, format.bits/3)
			}
			if gain < before[i]*0.995 || bandwidth == 2 && math.Abs(gain/(format.bits/3)-1) > 0.01 {
				t.Errorf("%d GB/s: %.3f times as fast as %g bits, %.3f with more bandwidth", bandwidth, gain, format.bits, before[i])
			}
			before[i] = gain
		}
	}
}

// TestMoreOfTheUnitHardlySlower: four times the tables, lanes, ports, adders, scale lanes
// or bandwidth makes compiled products faster or leaves them as they are. Less than
// 6 % may be lost where the compiler takes the tiling with the fewest tables built
// among those that it estimates about as fast, and where larger sets of tables are
// waited for longer at the start of a tile.
func TestMoreOfTheUnitHardlySlower(t *testing.T) {
	directory := t.TempDir()
	for name, layers := range map[string]string{
		"classifier": "fc,1,1000,1280\n", "odd": "a,7,130,333\nb,49,257,100\n", "autoencoder": "a,1,128,640\nb,1,128,128\nc,1,8,128\nd,1,640,128\n"} {
		model := filepath.Join(directory, name+".csv")
		if err := os.WriteFile(model, []byte("Layer,M,N,K\n"+layers), 0o666); err != nil {
			t.Fatal(err)
		}
		for _, key := range []string{"lut_gemm.tables=%d", "lut_gemm.lanes=%d", "lut_gemm.ports=%d", "lut_gemm.adders=%d", "lut_gemm.scale_lanes=%d", "dram.channels=%d"} {
			least := int64(math.MaxInt64)
			for size := 1; size <= 256; size *= 4 {
				if size > 64 && strings.Contains(key, "ports") || size > 16 && strings.Contains(key, "channels") {
					break
				}
				cycles := run(t, evaluate.Options{Model: model, Spec: load(t, "edge", "quantization.weights=binary-coding", fmt.Sprintf(key, size))}).Timing.Cycles
				if cycles/100*94 > least {
					t.Errorf("%s, %s: %d cycles, %d with less", name, fmt.Sprintf(key, size), cycles, least)
				}
				least = min(least, cycles)
			}
		}
	}
}
