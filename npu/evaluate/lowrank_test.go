package evaluate_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"github.com/npusim/npusim/compiler/prune"
	"github.com/npusim/npusim/isa"
	"github.com/npusim/npusim/isa/xorcode"
	"github.com/npusim/npusim/npu/evaluate"
)

// maskFormats counts the weight tiles of a program by the format of their mask.
func maskFormats(p *isa.Program) map[isa.MaskFormat]int {
	count := map[isa.MaskFormat]int{}
	for _, d := range p.Descriptors {
		if t, ok := d.(*isa.EncodedWeights); ok {
			count[t.Mask]++
		}
	}
	return count
}

// TestLowRankPruning: layers are pruned to the sparsity, coded and plain programs
// give the same tensors, and factors take fewer bytes than the masks they give.
func TestLowRankPruning(t *testing.T) {
	run := func(sets ...string) *evaluate.Result {
		spec := load(t, "edge", append([]string{"compression.sparsity=0.7", "compression.pruning=low-rank", "compression.rank=6"}, sets...)...)
		return run(t, evaluate.Options{Model: glyphModel, Data: glyphData, Samples: 40, CheckAll: true, Spec: spec})
	}
	plain, runs, low := run(), run("compression.scheme=xor-block", "compression.mask_format=run-length"), run("compression.scheme=xor-block", "compression.mask_format=low-rank")
	for _, r := range []*evaluate.Result{plain, runs, low} {
		if c := r.Compression; !*r.Accuracy.BitExact || *r.Accuracy.NPUTop1 != *plain.Accuracy.NPUTop1 || *r.Accuracy.SQNRDB != *plain.Accuracy.SQNRDB || math.Abs(float64(c.Kept)/float64(c.Weights)-0.3) > 0.02 {
			t.Errorf("%s: %d of %d weights are kept, accuracy %+v", c.Scheme, c.Kept, c.Weights, r.Accuracy)
		}
		checkSums(t, r.Compression.Scheme, r)
	}
	a, b := runs.Compression, low.Compression
	if 2*b.MaskBytes > a.MaskBytes || low.DRAM.BytesByClass["masks"] >= runs.DRAM.BytesByClass["masks"] || b.MaskBytes == 0 {
		t.Errorf("masks of %d bytes as factors, %d as runs", b.MaskBytes, a.MaskBytes)
	}
	if low.EnergyUJ.XOR <= runs.EnergyUJ.XOR {
		t.Errorf("the gates of the product take no energy: %g uJ, %g without", low.EnergyUJ.XOR, runs.EnergyUJ.XOR)
	}
}

// TestImportedProducts: the factors of an imported mask are found where it has
// few components; a mask without structure is stored in another format.
func TestImportedProducts(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for _, structured := range []bool{true, false} {
		folder := t.TempDir()
		for _, l := range weightLayers(t, glyphModel) {
			rows, cols := l.Matrix()
			mask := xorcode.NewPlane(rows * cols)
			for i := range mask.Len() {
				inProduct := i/cols%3 == 0 && i%cols%2 == 0 || i/cols%4 == 1 && i%cols%5 < 2
				mask.Set(i, structured && inProduct || !structured && random.IntN(3) == 0)
			}
			if err := prune.WriteMask(filepath.Join(folder, prune.FileName(l.Name)), mask, l.Shape); err != nil {
				t.Fatal(err)
			}
		}
		for _, format := range []string{"smallest", "low-rank", "raw"} {
			spec := load(t, "edge", "compression.scheme=xor-block", "compression.networks=2", "compression.mask="+folder, "compression.mask_format="+format)
			options := evaluate.Options{Model: glyphModel, Spec: spec, Samples: 2}
			compiled, err := evaluate.Compile(t.Context(), options)
			if err != nil {
				t.Fatal(err)
			}
			name := fmt.Sprintf("structured %t, format %s", structured, format)
			if low := maskFormats(compiled.Program)[isa.LowRankMask]; (low > 0) != (structured && format != "raw") {
				t.Errorf("%s: %d tiles with low-rank masks", name, low)
			}
			if r := run(t, options); !*r.Accuracy.BitExact {
				t.Errorf("%s: %s", name, r.Accuracy.Divergence)
			}
		}
	}
}

// TestLowRankShapes: layer shapes are timed with masks of the size that pruning
// to fit would give.
func TestLowRankShapes(t *testing.T) {
	masks := func(sets ...string) int64 {
		r := timeOn(t, "../../testdata/shapes/resnet50.csv", "mobile", "linear", append(sets, "compression.scheme=xor-block", "compression.sparsity=0.9", "compression.networks=2")...)
		return r.DRAM.BytesByClass["masks"]
	}
	if free, low := masks(), masks("compression.pruning=low-rank", "compression.rank=2"); low == 0 || low >= free {
		t.Errorf("%d bytes of low-rank masks, %d of others", low, free)
	}
}
