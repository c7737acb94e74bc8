package codec

import (
	"testing"

	"github.com/npusim/npusim/isa/xorcode"
	"pgregory.net/rapid"
)

// drawTargets makes planes of any length, from all pruned to unpruned, some
// with bits of one kind only.
func drawTargets(t *rapid.T) []Target {
	weights := rapid.IntRange(0, 3000).Draw(t, "weights")
	sparsity := rapid.SampledFrom([]float64{0, 0.3, 0.7, 0.9, 0.99, 1}).Draw(t, "sparsity")
	targets := make([]Target, rapid.IntRange(1, 3).Draw(t, "planes"))
	for i := range targets {
		targets[i] = randomTarget(weights, sparsity, rapid.Uint64().Draw(t, "seed"))
		if rapid.IntRange(0, 3).Draw(t, "skew") == 0 {
			for k := range targets[i].Bits.Words {
				targets[i].Bits.Words[k] = targets[i].Care.Words[k]
			}
		}
	}
	return targets
}

// stream is what both codes have in common for the property.
type stream interface {
	MarshalBinary() ([]byte, error)
	UnmarshalBinary(data []byte) error
	Decode(plane int) (xorcode.Plane, error)
	Sizes() xorcode.Sizes
}

// checkStream: the binary form has the size that is accounted for, and what is
// read back from it gives every care bit.
func checkStream(t *rapid.T, targets []Target, written, read stream) {
	data, err := written.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	if got := xorcode.Bits(8 * len(data)); got != written.Sizes().Total() {
		t.Fatalf("%d bits written, %d accounted for: %+v", got, written.Sizes().Total(), written.Sizes())
	}
	if err := read.UnmarshalBinary(data); err != nil {
		t.Fatal(err)
	}
	for i, target := range targets {
		decoded, err := read.Decode(i)
		if err != nil {
			t.Fatal(err)
		}
		if err := Verify(target, decoded); err != nil {
			t.Fatalf("plane %d: %v", i, err)
		}
	}
}

func TestBlockIsLossless(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		targets := drawTargets(t)
		o := BlockOptions{Seed: rapid.Uint64().Draw(t, "network"), BySeed: rapid.Bool().Draw(t, "by seed")}
		inputs := rapid.IntRange(1, xorcode.MaxInputs).Draw(t, "inputs")
		outputs := rapid.OneOf(rapid.IntRange(1, 200), rapid.IntRange(1, xorcode.MaxOutputs)).Draw(t, "outputs")
		o.Exact = inputs <= 8 && rapid.Bool().Draw(t, "exact")
		o.Network = xorcode.RandomNetwork(inputs, outputs, o.Seed)
		b, err := EncodeBlock(targets, o)
		if err != nil {
			t.Fatal(err)
		}
		checkStream(t, targets, b, new(xorcode.Block))
		weights := targets[0].Bits.Len()
		for i := range targets {
			whole, err := b.Decode(i)
			if err != nil {
				t.Fatal(err)
			}
			d, err := b.Decoder(i)
			if err != nil {
				t.Fatal(err)
			}
			first := rapid.IntRange(0, d.Slices()).Draw(t, "first slice")
			count := rapid.IntRange(0, d.Slices()-first).Draw(t, "slices")
			into := make([]uint64, xorcode.Words(count*outputs))
			bits := d.Decode(first, count, into)
			if want := min(count*outputs, weights-first*outputs); bits != max(want, 0) {
				t.Fatalf("%d bits of slices %d+%d, want %d", bits, first, count, want)
			}
			samePart(t, whole, first*outputs, into, bits)
			if all := d.Patches(0, first) + d.Patches(first, count) + d.Patches(first+count, d.Slices()-first-count); all != d.Patches(0, d.Slices()) {
				t.Fatal("patches of ranges do not add up")
			}
		}
	})
}

func TestSequentialIsLossless(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		targets := drawTargets(t)
		o := SequentialOptions{Seed: rapid.Uint64().Draw(t, "network"), BySeed: rapid.Bool().Draw(t, "by seed"), Inverting: rapid.Bool().Draw(t, "inverting"),
			SymbolBits: rapid.IntRange(1, 8).Draw(t, "n_in"), Registers: rapid.IntRange(0, 2).Draw(t, "n_s")}
		outputs := rapid.IntRange(1, 200).Draw(t, "outputs")
		if o.Registers == 2 { // the work grows as 2^(3 n_in)
			o.SymbolBits = min(o.SymbolBits, 5)
			outputs = max(outputs, 20)
		}
		o.PartSlices = rapid.OneOf(rapid.Just(0), rapid.IntRange(1, 100)).Draw(t, "part")
		o.Window = rapid.SampledFrom([]int{0, 8, 9, 50}).Draw(t, "window")
		o.Network = xorcode.SpreadNetwork(o.SymbolBits, o.Registers, outputs, o.Seed)
		q, err := EncodeSequential(targets, o)
		if err != nil {
			t.Fatal(err)
		}
		checkStream(t, targets, q, new(xorcode.Sequential))
		for i := range targets {
			whole, err := q.Decode(i)
			if err != nil {
				t.Fatal(err)
			}
			d, err := q.Decoder(i)
			if err != nil {
				t.Fatal(err)
			}
			first := rapid.IntRange(0, d.Parts()).Draw(t, "first part")
			count := rapid.IntRange(0, d.Parts()-first).Draw(t, "parts")
			into := make([]uint64, xorcode.Words(count*d.PartSlices()*outputs))
			bits := d.Decode(first, count, into)
			samePart(t, whole, first*d.PartSlices()*outputs, into, bits)
		}
	})
}

// samePart: bits decoded from a range are those of the whole plane from bit at
// on.
func samePart(t *rapid.T, whole xorcode.Plane, at int, into []uint64, bits int) {
	for i := range bits {
		if whole.Get(at+i) != (into[i/64]>>(i%64)&1 != 0) {
			t.Fatalf("bit %d decodes differently by itself", at+i)
		}
	}
}
