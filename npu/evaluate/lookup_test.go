package evaluate_test

import (
	"context"
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
			options := lower.Options{NoResidency: r.IntN(3) == 0}
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

// TestGlyphsInBinaryCodes: more planes come nearer to the float network, all of
// them bit for bit as the integer reference says; the books balance; depthwise
// layers stay on the array, and a note says so.
func TestGlyphsInBinaryCodes(t *testing.T) {
	before := math.Inf(-1)
	for planes := 1; planes <= 4; planes++ {
		spec := load(t, "edge", "quantization.weights=binary-coding", fmt.Sprintf("quantization.planes=%d", planes))
		r := run(t, evaluate.Options{Model: glyphModel, Data: glyphData, Samples: samples(200), Spec: spec})
		checkSums(t, fmt.Sprint(planes), r)
		if a := r.Accuracy; !*a.BitExact || *a.SQNRDB <= before {
			t.Errorf("%d planes: bit-exact %t, %.1f dB after %.1f dB", planes, *a.BitExact, *a.SQNRDB, before)
		}
		before = *r.Accuracy.SQNRDB
		o := &r.Operations
		if o.LUTQueries == 0 || o.LUTBuildAdds == 0 || o.LUTScaleMACs == 0 || r.EnergyUJ.LUT <= 0 || r.Stalls["lookup_gemm"].Busy == 0 {
			t.Errorf("%d planes: operations %+v, energy %+v", planes, o, r.EnergyUJ)
		}
		if notes := strings.Join(r.Notes, "\n"); !strings.Contains(notes, "its channels have groups") || o.MAC == 0 {
			t.Errorf("%d planes: %d multiply-accumulates of depthwise layers, notes %s", planes, o.MAC, notes)
		}
	}
	if before < 10 { // 13.4 dB with 8 bits
		t.Errorf("4 planes: %.1f dB", before)
	}
}

// TestSealedKeys: planes that come out of XOR networks take fewer bytes, each
// layer of the LUT-GEMM unit as many as its codes, and are bit-exact; a machine
// without decryption units refuses them.
func TestSealedKeys(t *testing.T) {
	sets := []string{"quantization.weights=binary-coding", "quantization.planes=4", "quantization.group=32"}
	options := evaluate.Options{Model: glyphModel, Data: glyphData, Samples: samples(60)}
	options.Spec = load(t, "edge", sets...)
	free := run(t, options)
	rule := `compression.layer=[{match="*/pointwise", scheme="xor-fractional", n_in=%d, n_out=16}]`
	before, noise := free.DRAM.BytesByClass["weights"], *free.Accuracy.SQNRDB
	for _, inputs := range []int{14, 10} {
		options.Spec = load(t, "edge", append(sets, fmt.Sprintf(rule, inputs))...)
		r := run(t, options)
		checkSums(t, fmt.Sprint(inputs), r)
		if !*r.Accuracy.BitExact || r.Operations.XORSlices == 0 || r.DRAM.BytesByClass["weights"] >= before || *r.Accuracy.SQNRDB >= noise {
			t.Errorf("%d of 16 bits: bit-exact %t, %d slices, %d bytes after %d, %.1f dB after %.1f", inputs, *r.Accuracy.BitExact, r.Operations.XORSlices,
				r.DRAM.BytesByClass["weights"], before, *r.Accuracy.SQNRDB, noise)
		}
		coded := 0
		for _, l := range r.Compression.Layers {
			if l.Scheme != "xor-fractional" {
				continue
			}
			coded++
			if bits := float64(l.CodeBytes) / float64(l.PlainBytes); math.Abs(bits/(float64(inputs)/16)-1) > 0.03 {
				t.Errorf("layer %s: %d bytes of codes for %d of keys, n_in/n_out is %.3f", l.Name, l.CodeBytes, l.PlainBytes, float64(inputs)/16)
			}
		}
		if coded == 0 {
			t.Error("no layer is coded")
		}
		before, noise = r.DRAM.BytesByClass["weights"], *r.Accuracy.SQNRDB
	}
	for _, wrong := range []struct{ set, text string }{
		{`compression.layer=[{match="*/pointwise", scheme="xor-fractional", n_in=10, n_out=20}]`, "20 outputs of a network for keys of 8 bits"},
		{`compression.layer=[{match="*/pointwise", scheme="xor-fractional", n_in=20, n_out=24}]`, "must be 8 times a divisor of 16"},
	} {
		options.Spec = load(t, "edge", append(sets, wrong.set)...)
		if _, err := evaluate.Run(context.Background(), options); err == nil || !strings.Contains(err.Error(), wrong.text) {
			t.Errorf("%s: %v", wrong.set, err)
		}
	}
}

// TestAverageBits: planes are shared out within the average, and better than
// evenly; layers of their own stay as told.
func TestAverageBits(t *testing.T) {
	coded := func(sets ...string) (bits, weights float64, planes map[int]bool) {
		spec := load(t, "edge", append([]string{"quantization.weights=binary-coding"}, sets...)...)
		c, err := evaluate.Compile(context.Background(), evaluate.Options{Model: glyphModel, Data: glyphData, Spec: spec})
		if err != nil {
			t.Fatal(err)
		}
		planes = map[int]bool{}
		for i := range c.Quantized.Nodes {
			a := c.Quantized.Nodes[i].Convolution
			if a == nil || a.Codes == nil {
				continue
			}
			n := float64(a.Codes.Shape.Rows) * float64(a.Codes.Shape.Columns)
			weights += n
			bits += float64(a.Codes.Shape.SignBits()) + 16*float64(a.Codes.Shape.Scales())
			planes[int(a.WeightBits)] = true
		}
		return bits, weights, planes
	}
	bits, weights, planes := coded("quantization.average_bits=3.5")
	if average := bits / weights; average > 3.5 || average < 3 || len(planes) < 2 {
		t.Errorf("%.2f bits a weight, planes %v", average, planes)
	}
	if _, _, planes := coded("quantization.planes=2", `quantization.layer=[{match="*", planes=1}, {match="*/*", planes=1}]`); len(planes) != 1 || !planes[1] {
		t.Errorf("planes %v, told are 1", planes)
	}
	if _, err := evaluate.Compile(context.Background(), evaluate.Options{Model: glyphModel, Data: glyphData,
		Spec: load(t, "edge", "quantization.weights=binary-coding", "quantization.average_bits=1")}); err == nil || !strings.Contains(err.Error(), "quantization.average_bits = 1") {
		t.Errorf("no room for any plane: %v", err)
	}
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

// TestFasterUnit: of a network of small convolutions none is faster by look-up,
// unless the MAC array is small; each that stays on the array is noted.
func TestFasterUnit(t *testing.T) {
	lookups := func(sets ...string) (planes, notes int, cycles int64) {
		spec := load(t, "edge", append([]string{"quantization.weights=binary-coding"}, sets...)...)
		r := run(t, evaluate.Options{Model: glyphModel, Data: glyphData, TimingOnly: true, Spec: spec})
		for _, l := range r.Layers {
			if l.WeightBits == 3 {
				planes++
			}
		}
		for _, n := range r.Notes {
			if strings.Contains(n, "cycles on the MAC array") {
				notes++
			}
		}
		return planes, notes, r.Timing.Cycles
	}
	all, _, slow := lookups()
	chosen, noted, fast := lookups("lut_gemm.use=faster")
	if chosen+noted != all || noted == 0 || fast > slow {
		t.Errorf("%d layers by look-up of %d, %d notes; %d cycles, %d if all are", chosen, all, noted, fast, slow)
	}
	small := []string{"mac_array.rows=2", "mac_array.columns=2"}
	_, _, slow = lookups(small...)
	chosen, noted, fast = lookups(append(small, "lut_gemm.use=faster")...)
	if chosen == 0 || chosen+noted != all || fast > slow {
		t.Errorf("2 x 2 MACs: %d layers by look-up of %d, %d notes; %d cycles, %d if all are", chosen, all, noted, fast, slow)
	}
}

// TestWeightBoundProducts: matrix-vector products of a large language model's
// shapes; the less bandwidth, the nearer the gain of 3 planes over int8 and over a
// format of 16 bits comes to the ratio of the bits. 16 bits are int8 with twice the
// inputs: the same bytes, which an array of 8 bits multiplies one after the other.
func TestWeightBoundProducts(t *testing.T) {
	directory := t.TempDir()
	write := func(name, layers string) string {
		path := filepath.Join(directory, name)
		if err := os.WriteFile(path, []byte("Layer,M,N,K\n"+layers), 0o666); err != nil {
			t.Fatal(err)
		}
		return path
	}
	bytes := write("products.csv", "attention,1,4096,4096\nfeed_forward,1,11008,4096\n")
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

// TestUncodedShapes: layer shapes that cannot have codes, or are faster without,
// are noted.
func TestUncodedShapes(t *testing.T) {
	model := filepath.Join(t.TempDir(), "layers.csv")
	const layers = "Layer,IFMAP Height,IFMAP Width,Filter Height,Filter Width,Channels,Num Filter,Strides\nConv,16,16,3,3,16,16,1\nDP,16,16,3,3,16,1,1\nWide,1,1,1,1,1024,1024,1\n"
	if err := os.WriteFile(model, []byte(layers), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		use  string
		bits []int // by layer
	}{{"always", []int{3, 8, 3}}, {"faster", []int{8, 8, 3}}} {
		r := run(t, evaluate.Options{Model: model, Spec: load(t, "edge", "quantization.weights=binary-coding", "lut_gemm.use="+test.use)})
		notes := strings.Join(r.Notes, "\n")
		for i, l := range r.Layers {
			noted := strings.Contains(notes, "Layer "+l.Name+" has integer weights of 8 bits")
			if l.WeightBits != test.bits[i] || noted != (l.WeightBits == 8) {
				t.Errorf("%s: layer %s has %d bits, want %d; noted %t", test.use, l.Name, l.WeightBits, test.bits[i], noted)
			}
		}
	}
}
