package evaluate_test

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/npusim/npusim/isa/binarycode"
	"github.com/npusim/npusim/npu/evaluate"
)

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
		if c := r.Compression; c.Weights < 20_000 || c.Kept < c.Weights*9/10 || len(c.Storages) != 0 {
			t.Errorf("%d weights, %d not zero, compared with %d formats for zeros, which binary codes have not", c.Weights, c.Kept, len(c.Storages))
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

// TestClustersOfRows: the rows of an embedding in four clusters take the bits of
// the mixed-precision translation model: 4 planes of the first, 1 of the last, each
// cluster twice as long as the one before (arXiv 2009.07453).
func TestClustersOfRows(t *testing.T) {
	model := filepath.Join(t.TempDir(), "embedding.csv")
	if err := os.WriteFile(model, []byte("Layer,M,N,K\nembedding,1,32768,512\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	for ratio, want := range map[int]float64{1: 2.5, 2: 1.7333, 4: 1.3176} {
		r := run(t, evaluate.Options{Model: model, Spec: load(t, "mobile", "quantization.weights=binary-coding", "dram.tier=linear",
			fmt.Sprintf(`quantization.layer=[{match="embedding", planes=4, row_clusters=4, row_ratio=%d.0}]`, ratio))})
		bits := 8 * float64(r.DRAM.BytesByClass["weights"]) / (32768 * 512)
		if math.Abs(bits/want-1) > 0.002 {
			t.Errorf("ratio %d: %.4f bits a weight, want %.4f", ratio, bits, want)
		}
		if scales := 2 * want * 32768; math.Abs(float64(r.DRAM.BytesByClass["scales"])/scales-1) > 0.01 {
			t.Errorf("ratio %d: %d bytes of scales, want %.0f", ratio, r.DRAM.BytesByClass["scales"], scales)
		}
	}
}

// TestClustersAndTernary: clusters of outputs and ternary codes from the
// configuration are bit-exact, and what they say; pruning is warned of.
func TestClustersAndTernary(t *testing.T) {
	compiled := func(sets ...string) (*evaluate.Result, []*binarycode.Matrix) {
		spec := load(t, "edge", append([]string{"quantization.weights=binary-coding", "npu.channel_block=8"}, sets...)...)
		options := evaluate.Options{Model: glyphModel, Data: glyphData, Samples: samples(20), Spec: spec}
		r := run(t, options)
		if !*r.Accuracy.BitExact {
			t.Errorf("%v: not bit-exact", sets)
		}
		c, err := evaluate.Compile(context.Background(), options)
		if err != nil {
			t.Fatal(err)
		}
		var codes []*binarycode.Matrix
		for i := range c.Quantized.Nodes {
			if a := c.Quantized.Nodes[i].Convolution; a != nil && a.Codes != nil {
				codes = append(codes, a.Codes)
			}
		}
		return r, codes
	}
	clustered := 0
	_, codes := compiled("quantization.planes=4", `quantization.layer=[{match="*/*", row_clusters=3, row_ratio=1.5}]`)
	for _, m := range codes {
		for i, r := range m.Shape.Ranges {
			if r.Planes != m.Shape.Ranges[0].Planes-i {
				t.Errorf("ranges %+v", m.Shape.Ranges)
			}
		}
		if len(m.Shape.Ranges) == 3 {
			clustered++
		}
	}
	if clustered == 0 {
		t.Error("no layer has clusters")
	}
	r, codes := compiled("quantization.planes=2", "quantization.solver=ternary", "compression.sparsity=0.2")
	for _, m := range codes {
		for i := 0; i < len(m.Scales); i += 2 {
			if m.Scales[i] != m.Scales[i+1] {
				t.Fatalf("scales %d and %d of a ternary code", m.Scales[i], m.Scales[i+1])
			}
		}
	}
	if notes := strings.Join(r.Notes, "\n"); len(codes) == 0 || !strings.Contains(notes, "Pruning and binary codes do not go together") {
		t.Errorf("%d layers, notes %s", len(codes), notes)
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
