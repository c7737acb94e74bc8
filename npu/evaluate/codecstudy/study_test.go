package codecstudy

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/npusim/npusim/compiler/codec"
	"github.com/npusim/npusim/compiler/dataset"
	"github.com/npusim/npusim/isa/bitplane"
	"github.com/npusim/npusim/isa/xorcode"
)

// options are quick ones.
func options(c Codec, inputs, outputs int, sparsity float64) Options {
	o := DefaultOptions(c)
	o.Inputs, o.Outputs, o.Sparsity, o.Networks, o.Seed = inputs, outputs, sparsity, 2, 1
	return o
}

func randomSource(t *testing.T, size string) *Source {
	t.Helper()
	s, err := RandomSource(size)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func array(t *testing.T, kind dataset.ElementType, shape []int, bytes []byte) *dataset.Array {
	t.Helper()
	a, err := dataset.FromBytes(shape, kind, bytes)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func arraySource(t *testing.T, a *dataset.Array) *Source {
	t.Helper()
	s, err := ArraySource("w.npy", a)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// int8Source has normal weights with some of the largest and smallest.
func int8Source(t *testing.T, rows, cols int, minimum bool) *Source {
	t.Helper()
	r := rand.New(rand.NewPCG(5, 6))
	data := make([]byte, rows*cols)
	for i := range data {
		data[i] = byte(int8(max(-127, min(127, r.NormFloat64()*30))))
	}
	if minimum {
		data[len(data)/2] = 0x80
	}
	return arraySource(t, array(t, dataset.Int8, []int{rows, cols}, data))
}

func run(t *testing.T, s *Source, o Options) *Result {
	t.Helper()
	r, err := Run(t.Context(), s, o)
	if err != nil {
		t.Fatal(err)
	}
	checkLaws(t, r)
	return r
}

// checkLaws holds what is true of every lossless result.
func checkLaws(t *testing.T, r *Result) {
	t.Helper()
	b := &r.BitsPerWeight
	near := func(what string, got, want float64) {
		t.Helper()
		if math.Abs(got-want) > 1e-12*math.Max(1, math.Abs(want)) {
			t.Errorf("%s is %g, want %g", what, got, want)
		}
	}
	near("total", b.Total, b.Code+b.Patch+b.Correction)
	near("memory_reduction", r.MemoryReduction, 1-b.Total/float64(r.Planes))
	near("memory_reduction_with_mask", r.MemoryReductionWithMask, 1-(b.Total+b.Mask)/float64(r.Planes))
	near("entropy bound", r.EntropyBound, float64(r.CareBits)/float64(r.Weights))
	near("code", b.Code, float64(r.Planes)*float64(r.Slices)*float64(r.Inputs)/float64(r.Weights))
	near("slices", float64(r.Slices), math.Ceil(float64(r.Weights)/float64(r.Outputs)))
	if !r.Lossless {
		t.Error("not lossless")
	}
	if r.CareBits > 0 {
		near("efficiency", r.Efficiency, 1-float64(r.Corrections)/float64(r.CareBits))
	}
	near("care bits", float64(r.CareBits), math.Round(float64(r.Planes)*float64(r.Weights)*(1-r.Sparsity)))
	if r.EncodeRate <= 0 || r.DecodeRate <= 0 || math.IsInf(r.DecodeRate, 0) {
		t.Errorf("rates are %g and %g", r.EncodeRate, r.DecodeRate)
	}
	if streamBits := 8 * float64(r.StreamBytes); streamBits < b.Total*float64(r.Weights) {
		t.Errorf("the stream has %g bits, its parts %g", streamBits, b.Total*float64(r.Weights))
	}
	for _, m := range r.MaskSizes {
		near("mask "+m.Format, m.BitsPerWeight, 8*float64(m.Bytes)/float64(r.Weights))
	}
}

// TestEfficiency: published and measured efficiencies of random bits, a little
// below those of large samples and many networks.
func TestEfficiency(t *testing.T) {
	size := "100000"
	if testing.Short() {
		size = "20000"
	}
	for _, c := range []struct {
		codec                      Codec
		inputs, outputs, registers int
		sparsity, efficiency, bits float64
	}{
		{Sequential, 8, 80, 0, 0.9, 0.925, 0.18},
		{Sequential, 8, 80, 1, 0.9, 0.980, 0.125},
		{Sequential, 8, 26, 1, 0.7, 0.984, 0.36},
		{Block, 20, 188, 0, 0.91, 0.965, 0.145},
		{Block, 64, 640, 0, 0.91, 0.985, 0.120},
	} {
		o := options(c.codec, c.inputs, c.outputs, c.sparsity)
		o.Registers = c.registers
		r := run(t, randomSource(t, size), o)
		if r.Efficiency < c.efficiency || r.BitsPerWeight.Total > c.bits || r.BitsPerWeight.Total < r.EntropyBound {
			t.Errorf("%v n_in %d n_out %d n_s %d: efficiency %g, %g bits a weight, bound %g", c.codec, c.inputs, c.outputs, c.registers,
				r.Efficiency, r.BitsPerWeight.Total, r.EntropyBound)
		}
		if math.Abs(r.Sparsity-c.sparsity) > 0.01 || r.MaskFormat != "run-length" && c.sparsity > 0.8 {
			t.Errorf("sparsity %g, mask %s", r.Sparsity, r.MaskFormat)
		}
	}
}

// TestLosslessEverywhere: sizes that divide nothing, all and nothing pruned, all
// kinds of tensors.
func TestLosslessEverywhere(t *testing.T) {
	zeros := arraySource(t, array(t, dataset.Int8, []int{3, 50}, make([]byte, 150)))
	bits := make([]byte, 777)
	for i := range bits {
		bits[i] = byte(i*i/3) & 1
	}
	floats, err := dataset.FromFloats([]int{6, 5, 11}, randomReals(330, 3))
	if err != nil {
		t.Fatal(err)
	}
	scalar, err := dataset.FromFloats(nil, []float32{-2})
	if err != nil {
		t.Fatal(err)
	}
	sources := []*Source{randomSource(t, "1"), randomSource(t, "1001"), randomSource(t, "17x19"), zeros,
		int8Source(t, 9, 37, false), int8Source(t, 9, 37, true), arraySource(t, array(t, dataset.Bool, []int{777}, bits)),
		arraySource(t, array(t, dataset.Uint8, []int{7, 111}, bits)), arraySource(t, floats), arraySource(t, scalar)}
	for _, s := range sources {
		sparsities := []float64{0, 0.6, 0.95}
		if testing.Short() {
			sparsities = sparsities[1:2]
		}
		for _, sparsity := range sparsities {
			for _, c := range []Codec{Block, Sequential} {
				r := run(t, s, options(c, 7, 23, sparsity))
				if s == zeros && (r.CareBits != 0 || r.Efficiency != 1) {
					t.Errorf("nothing to encode: %d care bits, efficiency %g", r.CareBits, r.Efficiency)
				}
				if s.ints != nil && s != zeros && r.Planes != 8 {
					t.Errorf("%d planes", r.Planes)
				}
			}
		}
	}
	if r := run(t, int8Source(t, 9, 37, true), options(Block, 7, 23, 0)); r.Representation != bitplane.TwosComplement.String() || len(r.Notes) != 1 {
		t.Errorf("-128 in %s", r.Representation)
	}
}

// TestStretchesAreOneStream: what is encoded piece by piece is what one call
// gives.
func TestStretchesAreOneStream(t *testing.T) {
	n := 5*blockStretch*9/4 + 11
	targets := []codec.Target{{Bits: randomBits(n, 1), Care: bernoulliMask(n, 0.5, 1)}, {Bits: bernoulliMask(n, 0.2, 4), Care: bernoulliMask(n, 0.8, 2)}}
	o := options(Block, 4, 9, 0)
	network := xorcode.RandomNetwork(4, 9, 3)
	got, err := encodeBlock(t.Context(), targets, network, 3, &o)
	if err != nil {
		t.Fatal(err)
	}
	want, err := codec.EncodeBlock(targets, codec.BlockOptions{Network: network, Seed: 3, BySeed: true})
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Error("the block code differs")
	}
	o = options(Sequential, 4, 9, 0)
	o.Workers = 2
	network = xorcode.SpreadNetwork(4, 1, 9, 3)
	gotSequential, err := encodeSequential(t.Context(), targets, network, 3, &o)
	if err != nil {
		t.Fatal(err)
	}
	wantSequential, err := codec.EncodeSequential(targets, codec.SequentialOptions{Network: network, Seed: 3, BySeed: true, SymbolBits: 4, Registers: 1,
		PartSlices: partSlices(1), Inverting: true})
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(gotSequential, wantSequential) {
		t.Error("the sequential code differs")
	}
	if !gotSequential.Planes[1].Inverted {
		t.Error("the plane of many ones is not inverted")
	}
}

// TestDeterminism: results but for times depend neither on the run nor on the
// number of workers.
func TestDeterminism(t *testing.T) {
	for _, c := range []Codec{Block, Sequential, Fractional} {
		o := options(c, 6, 0, 0.8)
		if c == Fractional {
			o.Outputs, o.Sparsity = 8, 0
		}
		o.Networks = 5
		var first *Result
		for _, workers := range []int{1, 3, 3} {
			o.Workers = workers
			r, err := Run(t.Context(), randomSource(t, "64x100"), o)
			if err != nil {
				t.Fatal(err)
			}
			r.Host, r.EncodeRate, r.DecodeRate = Host{}, 0, 0
			if first == nil {
				first = r
			}
			if !reflect.DeepEqual(r, first) {
				t.Errorf("%v: %+v and %+v", c, r, first)
			}
		}
		o.Seed++
		other, err := Run(t.Context(), randomSource(t, "64x100"), o)
		if err != nil {
			t.Fatal(err)
		}
		if other.Corrections == first.Corrections && other.Efficiency == first.Efficiency && other.CareBits == first.CareBits && c != Fractional {
			t.Errorf("%v: another seed gives the same", c)
		}
	}
}

// TestMoreNetworksAreNoWorse on the sample, which here is everything.
func TestMoreNetworksAreNoWorse(t *testing.T) {
	o := options(Block, 8, 60, 0.9)
	o.Networks = 1
	one := run(t, randomSource(t, "6000"), o)
	o.Networks = 12
	best := run(t, randomSource(t, "6000"), o)
	if one.NetworkSeed != o.Seed || best.NetworkSeed < o.Seed || best.NetworkSeed >= o.Seed+12 {
		t.Errorf("seeds %d and %d", one.NetworkSeed, best.NetworkSeed)
	}
	if best.BitsPerWeight.Total > one.BitsPerWeight.Total {
		t.Errorf("the best of 12 takes %g bits a weight, the first %g", best.BitsPerWeight.Total, one.BitsPerWeight.Total)
	}
}

func TestExactIsNoWorse(t *testing.T) {
	o := options(Block, 8, 80, 0.9)
	o.Networks = 1
	greedy := run(t, randomSource(t, "20000"), o)
	o.Exact = true
	exact := run(t, randomSource(t, "20000"), o)
	if !exact.Exact || exact.Corrections >= greedy.Corrections {
		t.Errorf("%d patches, %d without the search", exact.Corrections, greedy.Corrections)
	}
}

// TestSearchedOutputs: the n_out that is found is about as good as its
// neighbours.
func TestSearchedOutputs(t *testing.T) {
	source := randomSource(t, "60000")
	o := options(Block, 20, 0, 0.9)
	found := run(t, source, o)
	if !found.Searched || found.Outputs < 140 || found.Outputs > 200 {
		t.Errorf("n_out %d for n_in 20 at a sparsity of 0.9", found.Outputs)
	}
	for _, outputs := range []int{found.Outputs * 3 / 4, found.Outputs * 5 / 4} {
		o.Outputs = outputs
		if r := run(t, source, o); r.BitsPerWeight.Total < found.BitsPerWeight.Total {
			t.Errorf("n_out %d takes %g bits a weight, %d only %g", found.Outputs, found.BitsPerWeight.Total, outputs, r.BitsPerWeight.Total)
		}
	}
}

// TestLowRankMask: the mask decides what stays, is smaller than any exact form,
// and its weights are zero where it says so.
func TestLowRankMask(t *testing.T) {
	sources := []*Source{int8Source(t, 48, 64, false), randomSource(t, "64x96"), randomSource(t, "4096")}
	if testing.Short() {
		sources = sources[:1]
	}
	for _, s := range sources {
		o := options(Block, 12, 90, 0.9)
		o.Mask, o.MaskBits = LowRankMask, 0.25
		r := run(t, s, o)
		if r.MaskFormat != "low-rank" || len(r.MaskSizes) != 3 || r.LowRank == nil {
			t.Fatalf("mask %s of %v", r.MaskFormat, r.MaskSizes)
		}
		// The header takes 40 bytes more than the bound.
		if most := o.MaskBits + 8*41/float64(r.Weights); r.BitsPerWeight.Mask > most || r.BitsPerWeight.Mask >= r.MaskSizes[1].BitsPerWeight {
			t.Errorf("%g bits a weight", r.BitsPerWeight.Mask)
		}
		if r.Sparsity < 0.9-1/float64(r.Weights) || r.Sparsity > 0.93 || r.LowRank.KeptShare > r.LowRank.Unstructured || r.LowRank.KeptShare <= 1-r.Sparsity {
			t.Errorf("sparsity %g, %+v", r.Sparsity, *r.LowRank)
		}
	}
}

// TestFractional: error and size of fitted signs, and bits that fit exactly.
func TestFractional(t *testing.T) {
	o := options(Fractional, 8, 10, 0)
	r, err := Run(t.Context(), randomSource(t, "16x256"), o)
	if err != nil {
		t.Fatal(err)
	}
	b := &r.BitsPerWeight
	if r.SQNRDB == nil || *r.SQNRDB < 2 || *r.SQNRDB > 4.4 || r.Lossless { // one bit a weight reaches 4.4 dB
		t.Errorf("result is %+v", r)
	}
	if math.Abs(b.Code-0.8) > 0.01 || math.Abs(b.Scale-32.0/256) > 1e-9 || b.Mask != 0 || r.Efficiency < 0.8 {
		t.Errorf("bits are %+v, %g of the signs", *b, r.Efficiency)
	}
	o.Planes = 2
	two, err := Run(t.Context(), randomSource(t, "16x256"), o)
	if err != nil {
		t.Fatal(err)
	}
	if *two.SQNRDB <= *r.SQNRDB {
		t.Errorf("two planes reach %g dB, one %g", *two.SQNRDB, *r.SQNRDB)
	}
}

// TestSweep: a row a value, each what a study of its own gives; nothing runs if
// a value is not possible.
func TestSweep(t *testing.T) {
	source := randomSource(t, "4000")
	o := options(Block, 10, 0, 0)
	sweep, err := ParseSweep("sparsity=0.7:0.9:0.1")
	if err != nil {
		t.Fatal(err)
	}
	stages := map[string]bool{}
	o.Progress = func(stage string, done, total int) {
		stages[stage] = true
		if total > 0 && done > total {
			t.Errorf("%s: %d of %d", stage, done, total)
		}
	}
	result, err := RunSweep(t.Context(), source, o, sweep)
	if err != nil {
		t.Fatal(err)
	}
	if len(result.Rows) != 3 || !stages["1 of 3: search for n-out"] || !stages["3 of 3: encode"] {
		t.Errorf("%d rows, stages %v", len(result.Rows), stages)
	}
	for i, row := range result.Rows {
		o.Sparsity, o.Progress = row.Value, nil
		alone := run(t, source, o)
		row.Host, row.EncodeRate, row.DecodeRate = alone.Host, alone.EncodeRate, alone.DecodeRate
		if !reflect.DeepEqual(&row.Result, alone) {
			t.Errorf("row %d is %+v, alone %+v", i, row.Result, alone)
		}
		if i > 0 && row.BitsPerWeight.Total >= result.Rows[i-1].BitsPerWeight.Total {
			t.Errorf("pruning more does not make the code smaller: %g after %g", row.BitsPerWeight.Total, result.Rows[i-1].BitsPerWeight.Total)
		}
	}
	for _, text := range []string{"n-in=60:80:8", "n-s=0:1", "n-out=0:4", "sparsity=0.8:1:0.1"} {
		sweep, err := ParseSweep(text)
		if err != nil {
			t.Fatal(err)
		}
		var argument *UsageError
		if _, err := RunSweep(t.Context(), source, o, sweep); !errors.As(err, &argument) {
			t.Errorf("%s gives %v, want a usage error", text, err)
		}
	}
}

// TestInterrupted: work ends where its context does.
func TestInterrupted(t *testing.T) {
	for _, c := range []Codec{Block, Sequential} {
		ctx, cancel := context.WithCancel(t.Context())
		o := options(c, 8, 0, 0.9)
		calls := 0
		o.Progress = func(string, int, int) {
			if calls++; calls == 4 {
				cancel()
			}
		}
		if _, err := Run(ctx, randomSource(t, "1000000"), o); !errors.Is(err, context.Canceled) {
			t.Errorf("%v gives %v", c, err)
		}
		cancel()
	}
}
