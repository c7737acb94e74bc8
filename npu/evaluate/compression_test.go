package evaluate_test

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"github.com/npusim/npusim/compiler/compress"
	"github.com/npusim/npusim/compiler/integer"
	"github.com/npusim/npusim/compiler/integer/integertest"
	"github.com/npusim/npusim/compiler/lower"
	"github.com/npusim/npusim/compiler/prune"
	"github.com/npusim/npusim/isa"
	"github.com/npusim/npusim/isa/xorcode"
	"github.com/npusim/npusim/npu/evaluate"
	"github.com/npusim/npusim/npu/timing"
)

// pruneAtRandom makes a share of the weights of every convolution zero.
func pruneAtRandom(g *integer.Graph, r *rand.Rand) {
	for i := range g.Nodes {
		if g.Nodes[i].Kind != integer.Convolution {
			continue
		}
		share := r.Float64()
		weights := g.Nodes[i].Convolution.Weights
		for k := range weights {
			if r.Float64() < share {
				weights[k] = 0
			}
		}
	}
}

// pruneToProducts makes the masks of some convolutions Boolean products, stored
// outputs first or last, and gives the products by layer.
func pruneToProducts(g *integer.Graph, r *rand.Rand) map[string]*prune.Product {
	products := map[string]*prune.Product{}
	for i := range g.Nodes {
		n := &g.Nodes[i]
		if n.Kind != integer.Convolution || r.IntN(4) == 0 {
			continue
		}
		weights, outputs := n.Convolution.Weights, len(n.Convolution.Bias)
		p := &prune.Product{Rows: outputs, Cols: len(weights) / outputs}
		for range r.IntN(4) {
			c := prune.Component{Rows: xorcode.NewPlane(p.Rows), Cols: xorcode.NewPlane(p.Cols)}
			for _, side := range []xorcode.Plane{c.Rows, c.Cols} {
				for k := range side.Len() {
					side.Set(k, r.IntN(2) == 0)
				}
			}
			p.Components = append(p.Components, c)
		}
		mask := p.Mask()
		for k := range weights {
			if !mask.Get(k) {
				weights[k] = 0
			}
		}
		if r.IntN(2) == 0 {
			p = p.Transposed()
		}
		products[n.Name] = p
	}
	return products
}

// TestEncodedWeightsSameTensors: networks whose weights stay coded in DRAM
// give the tensors of the reference, for any code, machine and tiling, and
// survive the container and the text form.
func TestEncodedWeightsSameTensors(t *testing.T) {
	networks := 120
	if testing.Short() || raceEnabled {
		networks = 12
	}
	coded, lowRank := 0, 0
	for seed := range uint64(networks) {
		r := rand.New(rand.NewPCG(seed, 7))
		g := integertest.Random(seed, 6)
		products := map[string]*prune.Product(nil)
		if seed%2 == 0 {
			pruneAtRandom(g, r)
		} else {
			products = pruneToProducts(g, r)
		}
		pick := func(values ...string) string { return values[r.IntN(len(values))] }
		spec := randomSpec(t, r)
		sets := []string{"compression.scheme=" + pick("xor-block", "xor-sequential"), "compression.representation=" + pick("sign-magnitude", "twos-complement"),
			"compression.mask_format=" + pick("smallest", "raw", "run-length", "low-rank"), "compression.pruning=low-rank", "compression.networks=2", fmt.Sprintf("compression.n_s=%d", r.IntN(2)),
			fmt.Sprintf("xor.units=%d", 1+r.IntN(6)), fmt.Sprintf("xor.patch_buffer=%d", 1+r.IntN(5))}
		if r.IntN(2) == 0 {
			sets = append(sets, "compression.n_in=5", fmt.Sprintf("compression.n_out=%d", 6+r.IntN(40)))
		}
		spec, err := spec.With(sets...)
		if err != nil {
			t.Fatal(err)
		}
		encoder, err := compress.New(g, spec, compress.Options{Workers: 1, Products: products})
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		options := lower.Options{NoResidency: r.IntN(3) == 0, Encoder: encoder}
		if encoder == nil { // no convolution
			options.Encoder = nil
		}
		p, spec := lowerOrGrow(t, g, spec, options)
		if err := isa.Verify(p, limits(spec)); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		data, err := p.Encode()
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if p, err = isa.Decode(data, "again"); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		for _, d := range p.Descriptors {
			if tile, ok := d.(*isa.EncodedWeights); ok {
				coded++
				if tile.Mask == isa.LowRankMask {
					lowRank++
				}
			}
		}
		reference, err := integer.NewReference(g)
		if err != nil {
			t.Fatal(err)
		}
		input := [][]int8{integertest.Input(g, g.Inputs[0], r)}
		want := reference.Run(input)
		if err := compare(p, spec, g, input, want, rand.New(rand.NewPCG(seed, 3))); err != nil {
			t.Errorf("seed %d: %v", seed, err)
		}
		result, err := timing.Run(p, spec)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		var classes int64
		for _, n := range result.Total.BytesByClass {
			classes += n
		}
		if classes != result.Total.ReadBytes+result.Total.WrittenBytes || classes != result.Memory.ReadBytes+result.Memory.WrittenBytes {
			t.Errorf("seed %d: classes sum to %d bytes, %d were moved", seed, classes, result.Total.ReadBytes+result.Total.WrittenBytes)
		}
	}
	if coded < networks/2 || lowRank < networks/8 {
		t.Errorf("only %d tiles of %d networks were coded, %d with low-rank masks", coded, networks, lowRank)
	}
}

// TestCodesChangeNothing: the code of the weights changes bytes and time, no
// output bit; the books balance.
func TestCodesChangeNothing(t *testing.T) {
	run := func(sets ...string) *evaluate.Result {
		spec := load(t, "edge", append([]string{"compression.sparsity=0.8", "compression.pruning=global"}, sets...)...)
		return run(t, evaluate.Options{Model: glyphModel, Data: glyphData, Samples: 100, CheckAll: true, Spec: spec})
	}
	plain := run()
	if plain.Compression == nil || plain.Compression.Kept*4 > plain.Compression.Weights {
		t.Fatalf("pruned to 0.8: %+v", plain.Compression)
	}
	for _, scheme := range []string{"xor-block", "xor-sequential"} {
		coded := run("compression.scheme=" + scheme)
		checkSums(t, scheme, coded)
		a, b := plain.Accuracy, coded.Accuracy
		if !*b.BitExact || *a.NPUTop1 != *b.NPUTop1 || *a.SQNRDB != *b.SQNRDB {
			t.Errorf("%s: accuracy %+v, %+v without the code", scheme, b, a)
		}
		c := coded.Compression
		stored := c.CodeBytes + c.CorrectionBytes + c.MaskBytes + c.StoredPlainBytes
		if stored >= c.PlainBytes*6/10 || coded.Program.WeightBytes >= plain.Program.WeightBytes {
			t.Errorf("%s: %d bytes of %d plain ones, region of %d against %d", scheme, stored, c.PlainBytes, coded.Program.WeightBytes, plain.Program.WeightBytes)
		}
		var decode, code, correction, mask, plainTiles int64
		for i := range coded.Layers {
			decode += coded.Layers[i].Reuse.DecodeCycles
		}
		if decode != c.DecodeCycles {
			t.Errorf("%s: layers decode for %d cycles, the inference for %d", scheme, decode, c.DecodeCycles)
		}
		for _, l := range c.Layers {
			code, correction, mask, plainTiles = code+l.CodeBytes, correction+l.CorrectionBytes, mask+l.MaskBytes, plainTiles+l.StoredPlainBytes
		}
		if code != c.CodeBytes || correction != c.CorrectionBytes || mask != c.MaskBytes || plainTiles != c.StoredPlainBytes {
			t.Errorf("%s: layers do not sum to the total", scheme)
		}
		if c.Decryption == nil || c.Decryption.Networks != 1 || c.NetworkBytes == 0 {
			t.Errorf("%s: %d bytes of networks, units %+v", scheme, c.NetworkBytes, c.Decryption)
		}
		if coded.Operations.XORSlices == 0 || coded.EnergyUJ.XOR <= 0 || c.DecodeCycles == 0 {
			t.Errorf("%s: nothing was decoded: %+v", scheme, coded.Operations)
		}
		if coded.DRAM.ReadBytes >= plain.DRAM.ReadBytes {
			t.Errorf("%s: %d bytes read, %d plain", scheme, coded.DRAM.ReadBytes, plain.DRAM.ReadBytes)
		}
	}
}

// TestUnprunedStaysPlain: where the coded form is not smaller, weights stay
// plain, and the result says so.
func TestUnprunedStaysPlain(t *testing.T) {
	r := run(t, evaluate.Options{Model: glyphModel, Spec: load(t, "edge", "compression.scheme=xor-block"), TimingOnly: true})
	for _, l := range r.Compression.Layers {
		if l.Scheme != "none" || !strings.Contains(l.Reason, "plain") {
			t.Errorf("layer %s: %+v", l.Name, l)
		}
	}
	if r.Operations.XORSlices != 0 {
		t.Errorf("%d slices decoded", r.Operations.XORSlices)
	}
}

// TestEncodedProgramAlone: a compiled program with coded weights runs without
// its model, and a flipped bit of its codes is noticed.
func TestEncodedProgramAlone(t *testing.T) {
	spec := load(t, "edge", "compression.scheme=xor-sequential", "compression.sparsity=0.7")
	options := evaluate.Options{Model: glyphModel, Spec: spec, Samples: 4}
	compiled, err := evaluate.Compile(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "coded.npu")
	if err := compiled.Program.WriteFile(path); err != nil {
		t.Fatal(err)
	}
	alone := run(t, evaluate.Options{Model: path, Samples: 4})
	whole := run(t, options)
	if alone.Timing != whole.Timing {
		t.Errorf("alone %+v, from the model %+v", alone.Timing, whole.Timing)
	}
	for _, c := range []struct {
		want   string
		change func(d *isa.EncodedWeights)
	}{
		{"the descriptor states", func(d *isa.EncodedWeights) { d.Patches++ }},
		{"stalls is", func(d *isa.EncodedWeights) { d.Stalls++ }},
	} {
		broken := *compiled.Program
		for i, d := range broken.Descriptors {
			if tile, ok := d.(*isa.EncodedWeights); ok && tile.Patches > tile.Stalls {
				changed := *tile
				c.change(&changed)
				broken.Descriptors = append([]isa.Descriptor(nil), broken.Descriptors...)
				broken.Descriptors[i] = &changed
				break
			}
		}
		if err := broken.WriteFile(path); err != nil {
			t.Fatal(err)
		}
		for _, timingOnly := range []bool{true, false} {
			if _, err := evaluate.Run(t.Context(), evaluate.Options{Model: path, Samples: 4, TimingOnly: timingOnly}); err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "load_encoded") {
				t.Errorf("a descriptor that contradicts its stream: %v, want %q", err, c.want)
			}
		}
	}
}

// TestShapesWithCodes: layer shapes are timed with random weights in place of
// the ones they do not have, and say so.
func TestShapesWithCodes(t *testing.T) {
	model := "../../testdata/shapes/resnet50.csv"
	plain := timeOn(t, model, "mobile", "linear")
	coded := timeOn(t, model, "mobile", "linear", "compression.scheme=xor-block", "compression.sparsity=0.9")
	if coded.DRAM.BytesByClass["weights"]*4 > plain.DRAM.BytesByClass["weights"] || coded.DRAM.BytesByClass["masks"] == 0 {
		t.Errorf("bytes %v, plain %v", coded.DRAM.BytesByClass, plain.DRAM.BytesByClass)
	}
	c := coded.Compression
	var layers, plain8 int64
	for _, l := range c.Layers {
		layers += l.CodeBytes + l.CorrectionBytes + l.MaskBytes + l.StoredPlainBytes
		plain8 += l.PlainBytes
		if l.PlainBytes != l.Weights || l.Scheme == "xor-block" && (l.CodeBytes == 0 || l.MaskBytes == 0 || l.BitsPerWeight > 4) {
			t.Errorf("layer %s: %+v", l.Name, l)
		}
	}
	if stored := c.CodeBytes + c.CorrectionBytes + c.MaskBytes + c.StoredPlainBytes; stored != layers || plain8 != c.PlainBytes || stored*3 > plain8 || c.NetworkBytes == 0 {
		t.Errorf("%d bytes of %d, layers sum to %d of %d, %d for the network", stored, c.PlainBytes, layers, plain8, c.NetworkBytes)
	}
	if !strings.Contains(strings.Join(coded.Notes, "\n"), "Random weights") {
		t.Errorf("the notes do not tell of random weights: %q", coded.Notes)
	}
}

// TestFractionalCode: the code replaces weights by ones that it can give, the
// integer reference runs those, and more planes bring the network closer to the
// plain one.
func TestFractionalCode(t *testing.T) {
	plain := run(t, evaluate.Options{Model: glyphModel, Data: glyphData, Samples: 100, Spec: load(t, "edge")})
	previous := -100.0
	for _, planes := range []int{1, 3} {
		r := run(t, evaluate.Options{Model: glyphModel, Data: glyphData, Samples: 100, CheckAll: true,
			Spec: load(t, "edge", "compression.scheme=xor-fractional", fmt.Sprintf("compression.planes=%d", planes), "compression.networks=2")})
		checkSums(t, fmt.Sprintf("%d planes", planes), r)
		if !*r.Accuracy.BitExact {
			t.Errorf("%d planes: %s", planes, r.Accuracy.Divergence)
		}
		if *r.Accuracy.SQNRDB < previous || *r.Accuracy.SQNRDB > *plain.Accuracy.SQNRDB+1 {
			t.Errorf("%d planes: %.1f dB, %.1f with fewer, %.1f plain", planes, *r.Accuracy.SQNRDB, previous, *plain.Accuracy.SQNRDB)
		}
		previous = *r.Accuracy.SQNRDB
		if r.Program.WeightBytes >= plain.Program.WeightBytes {
			t.Errorf("%d planes: %d bytes of weights, %d plain", planes, r.Program.WeightBytes, plain.Program.WeightBytes)
		}
		for _, l := range r.Compression.Layers {
			if l.Scheme == "xor-fractional" && (l.Planes != planes || l.Error <= 0 || l.Error > 0.6) {
				t.Errorf("%d planes: layer %+v", planes, l)
			}
		}
	}
}
