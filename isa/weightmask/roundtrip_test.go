package weightmask_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"

	"github.com/npusim/npusim/compiler/prune"
	"github.com/npusim/npusim/isa/weightmask"
	"github.com/npusim/npusim/isa/xorcode"
)

// Exact formats give every mask back, whole and by blocks, and their sizes are
// what the format says.
func TestExactFormats(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows, cols := rapid.IntRange(1, 40).Draw(t, "rows"), rapid.IntRange(1, 200).Draw(t, "cols")
		mask := drawMask(t, rows*cols)
		block := weightmask.BlockStep * rapid.IntRange(1, 40).Draw(t, "block / 64")
		raw, err := prune.EncodeRaw(mask, rows, cols)
		if err != nil {
			t.Fatal(err)
		}
		if want := weightmask.HeaderBytes + (rows*cols+7)/8; len(raw) != want {
			t.Fatalf("raw mask of %d bytes, want %d", len(raw), want)
		}
		runs, err := prune.EncodeRunLength(mask, rows, cols, block)
		if err != nil {
			t.Fatal(err)
		}
		if bound := len(raw) + (weightmask.IndexEntryBytes+1)*((rows*cols+block-1)/block); len(runs) > bound {
			t.Fatalf("run-length mask of %d bytes, bound %d", len(runs), bound)
		}
		for _, stream := range [][]byte{raw, runs} {
			checkStream(t, stream, mask, rows, cols)
		}
		smaller, err := prune.EncodeSmaller(mask, rows, cols)
		if err != nil {
			t.Fatal(err)
		}
		checkStream(t, smaller, mask, rows, cols)
		if len(smaller) > len(raw) {
			t.Fatalf("the smaller of two is %d bytes, raw %d", len(smaller), len(raw))
		}
	})
}

// Low-rank masks are what the definition says, at every odd size.
func TestLowRankDefinition(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		stream, mask, h := drawFactors(t)
		checkStream(t, stream, mask, h.Rows, h.Cols)
	})
}

// checkStream decodes a stream whole and part by part over noise.
func checkStream(t *rapid.T, stream []byte, mask xorcode.Plane, rows, cols int) {
	s, err := weightmask.Open(stream)
	if err != nil {
		t.Fatal(err)
	}
	if s.Rows != rows || s.Cols != cols || s.Kept != mask.Count() {
		t.Fatalf("header %+v for %d x %d weights, %d kept", s.Header, rows, cols, mask.Count())
	}
	if s.Bytes().Total() != len(stream) {
		t.Fatalf("%+v make %d bytes, the stream has %d", s.Bytes(), s.Bytes().Total(), len(stream))
	}
	whole, err := s.Decode()
	if err != nil {
		t.Fatal(err)
	}
	if !equal(whole, mask) {
		t.Fatalf("the %v mask came back different", s.Format)
	}
	// Parts in a scattered order cover the mask and touch nothing else.
	parts := mask.Clone()
	for i := range parts.Len() {
		parts.Set(i, i%3 == 0)
	}
	seen := xorcode.NewPlane(mask.Len())
	n := s.Tiles()
	for i := range n {
		part := (i*7 + 3) % n
		if n%7 == 0 {
			part = n - 1 - i
		}
		before := parts.Clone()
		if err := s.DecodeTile(part, parts); err != nil {
			t.Fatal(err)
		}
		inside := xorcode.NewPlane(mask.Len())
		p := s.Tile(part)
		for r := range p.Rows {
			for c := range p.Cols {
				at := (p.Row+r)*cols + p.Col + c
				if seen.Get(at) {
					t.Fatalf("weight %d lies in two parts", at)
				}
				seen.Set(at, true)
				inside.Set(at, true)
			}
		}
		for w := range parts.Words {
			if (parts.Words[w]^mask.Words[w])&inside.Words[w] != 0 || (parts.Words[w]^before.Words[w])&^inside.Words[w] != 0 {
				t.Fatalf("part %d of a %v mask is wrong at word %d", part, s.Format, w)
			}
		}
	}
	if seen.Count() != mask.Len() {
		t.Fatalf("%d parts cover %d of %d weights", n, seen.Count(), mask.Len())
	}
}

// Offsets of tiles are the sizes of the tiles before.
func TestLowRankOffsets(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		_, _, h := drawFactors(t)
		at := 0
		for i, tile := range h.LowRankTiles() {
			if got := h.LowRankOffset(i); got != at {
				t.Fatalf("tile %d of %+v begins at bit %d, want %d", i, h, got, at)
			}
			at += h.Rank * (tile.Rows + tile.Cols)
		}
		if got := h.LowRankBits(); got != at {
			t.Fatalf("%+v takes %d bits, want %d", h, got, at)
		}
	})
}

// entropy of a bit of probability p, in bits.
func entropy(p float64) float64 {
	if p <= 0 || p >= 1 {
		return 0
	}
	return -p*math.Log2(p) - (1-p)*math.Log2(1-p)
}

// Run-length masks of Bernoulli weights stay within 4.3 % of the entropy of
// their actual density at every sparsity, apart from what the blocks cost, and
// never below it by more than what knowing the count saves.
func TestRunLengthEntropy(t *testing.T) {
	const n = 1 << 18
	random := rand.New(rand.NewPCG(11, 12))
	for _, sparsity := range []float64{0.01, 0.05, 0.1, 0.2, 0.3, 0.38, 0.5, 0.6, 0.62, 0.7, 0.787, 0.8, 0.887, 0.9, 0.91, 0.95, 0.99, 0.999} {
		mask := bernoulli(random, n, 1-sparsity)
		h := entropy(float64(mask.Count()) / n)
		stream := must(prune.EncodeRunLength(mask, 512, n/512, prune.BlockWeights))
		s := must(weightmask.Open(stream))
		blocks := float64(s.Tiles()) / n
		// A block costs its parameter and, on average, half a byte of filling
		// and half a codeword more for the run that its end cuts short.
		code := float64(8*s.Bytes().Code)/n - blocks*(8+7+16)
		if code > 1.043*h {
			t.Errorf("sparsity %g: %.4f bits a weight, entropy %.4f", sparsity, code, h)
		}
		if total := float64(8*s.Bytes().Code) / n; total < h-math.Log2(n)/n {
			t.Errorf("sparsity %g: %.5f bits a weight are below the entropy of %.5f", sparsity, total, h)
		}
	}
}

// The decoders of masks allocate nothing.
func TestDecodeDoesNotAllocate(t *testing.T) {
	for _, stream := range samples() {
		s := must(weightmask.Open(stream))
		mask := xorcode.NewPlane(s.Weights())
		if n := testing.AllocsPerRun(10, func() {
			if err := s.DecodeInto(mask); err != nil {
				t.Fatal(err)
			}
			if err := s.DecodeTile(s.Tiles()-1, mask); err != nil {
				t.Fatal(err)
			}
		}); n != 0 {
			t.Errorf("%v: %g allocations", s.Format, n)
		}
	}
}
