package weighttile_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/npusim/npusim/compiler/codec"
	"github.com/npusim/npusim/compiler/prune"
	"github.com/npusim/npusim/isa"
	"github.com/npusim/npusim/isa/bitplane"
	"github.com/npusim/npusim/isa/weighttile"
	"github.com/npusim/npusim/isa/xorcode"
)

// encodeProduct codes a tile of random weights whose mask is a product, some of
// the kept ones zero, in streaming order: rows by channels.
func encodeProduct(t testing.TB, seed uint64, rows, channels, rank int) *coded {
	t.Helper()
	random := rand.New(rand.NewPCG(seed, 11))
	p := &prune.Product{Rows: rows, Cols: channels}
	for range rank {
		c := prune.Component{Rows: xorcode.NewPlane(rows), Cols: xorcode.NewPlane(channels)}
		for _, side := range []xorcode.Plane{c.Rows, c.Cols} {
			for i := range side.Len() {
				side.Set(i, random.IntN(2) == 0)
			}
		}
		p.Components = append(p.Components, c)
	}
	keep, weights := p.Mask(), make([]int8, rows*channels)
	for i := range weights {
		if keep.Get(i) {
			weights[i] = int8(random.IntN(15) - 7)
		}
	}
	planes, err := bitplane.Split(weights, 4, bitplane.SignMagnitude)
	if err != nil {
		t.Fatal(err)
	}
	var targets []codec.Target
	for _, plane := range planes {
		targets = append(targets, codec.Target{Bits: plane, Care: keep})
	}
	c := &coded{weights: weights, networks: []*xorcode.Network{xorcode.RandomNetwork(6, 20, 9)},
		tile: &isa.EncodedWeights{Representation: isa.SignMagnitude, Bits: 4, Elements: uint32(len(weights)), Channels: uint32(channels), Cells: 1}}
	b, err := codec.EncodeBlock(targets, codec.BlockOptions{Network: c.networks[0], Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	codes, corrections, bySlice, err := weighttile.Block(c.tile, b, nil)
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := p.Encode()
	if err != nil {
		t.Fatal(err)
	}
	mask, err := weighttile.Mask(c.tile, sealed)
	if err != nil {
		t.Fatal(err)
	}
	c.stream, c.bySlice = append(append(codes, corrections...), mask...), bySlice
	if err := c.tile.Validate(); err != nil {
		t.Fatal(err)
	}
	return c
}

// TestLowRankRoundTrip: tiles with a low-rank mask decode to their weights, and
// the mask takes a bit for each component and side.
func TestLowRankRoundTrip(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		rows, channels := rapid.IntRange(4, 60).Draw(r, "rows"), rapid.IntRange(4, 40).Draw(r, "channels")
		rank := rapid.IntRange(1, min(rows, channels)).Draw(r, "rank")
		c := encodeProduct(t, rapid.Uint64().Draw(r, "seed"), rows, channels, rank)
		if want := (rank*(rows+channels) + 7) / 8; c.tile.Mask != isa.LowRankMask || int(c.tile.MaskBytes) != want {
			r.Fatalf("mask %v of %d bytes, want %d", c.tile.Mask, c.tile.MaskBytes, want)
		}
		if h := c.tile.LowRankMaskHeader(); h.Rank != rank {
			r.Fatalf("rank %d, want %d", h.Rank, rank)
		}
		got := make([]int8, len(c.weights))
		if err := weighttile.Decode(got, c.tile, c.networks, c.stream); err != nil {
			r.Fatal(err)
		}
		if !slices.Equal(got, c.weights) {
			r.Fatal("other weights are decoded")
		}
	})
}

// TestLowRankFaults: sizes that no rank gives are refused, and so is a stream
// whose product keeps another number of weights.
func TestLowRankFaults(t *testing.T) {
	for _, test := range []struct {
		want   string
		change func(d *isa.EncodedWeights)
	}{
		{"a mask of 30 x 16 weights and rank 3 takes 18", func(d *isa.EncodedWeights) { d.MaskBytes++ }},
		{"rank 0", func(d *isa.EncodedWeights) { d.MaskBytes = 0 }},
		{"rank 17 for tiles of 30 x 16, 1 to 16", func(d *isa.EncodedWeights) { d.MaskBytes = (17*46 + 7) / 8 }},
		{"its sides must sum to at least 8", func(d *isa.EncodedWeights) { d.Elements, d.Channels, d.Kept, d.MaskBytes = 12, 4, 0, 1 }},
		{"1 to 1073741824 are possible", func(d *isa.EncodedWeights) { d.Elements, d.Channels, d.MaskBytes = 1<<31, 1<<15, 1<<20 }},
	} {
		d := *encodeProduct(t, 1, 30, 16, 3).tile
		test.change(&d)
		if err := d.Validate(); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("want %q: %v", test.want, err)
		}
	}
	c := encodeProduct(t, 1, 30, 16, 3)
	c.tile.Kept--
	if err := weighttile.Decode(make([]int8, 480), c.tile, c.networks, c.stream); err == nil || !strings.Contains(err.Error(), "kept") {
		t.Errorf("a product of another count: %v", err)
	}
}

// FuzzLowRank: no descriptor or stream crashes the decoder, and what is taken
// keeps as many weights as stated.
func FuzzLowRank(f *testing.F) {
	c := encodeProduct(f, 2, 30, 16, 3)
	f.Add(c.stream, c.tile.Elements, c.tile.Channels, c.tile.MaskBytes, c.tile.Kept)
	f.Add(c.stream, uint32(480), uint32(1), uint32(60), uint32(3))
	f.Add(c.stream, uint32(1<<31), uint32(1<<15), uint32(1<<30), uint32(0))
	f.Add(c.stream[:3], uint32(12), uint32(4), uint32(1), uint32(0))
	f.Fuzz(func(t *testing.T, stream []byte, elements, channels, maskBytes, kept uint32) {
		d := *c.tile
		d.Elements, d.Channels, d.MaskBytes, d.Kept = elements, channels, maskBytes, kept
		if d.Validate() != nil || d.StreamBytes() != len(stream) || elements > 1<<16 {
			return
		}
		got := make([]int8, elements)
		if weighttile.Decode(got, &d, c.networks, stream) != nil {
			return
		}
		nonzero := 0
		for _, w := range got {
			if w != 0 {
				nonzero++
			}
		}
		if nonzero > int(kept) {
			t.Errorf("%d weights are not zero, %d are kept", nonzero, kept)
		}
	})
}
