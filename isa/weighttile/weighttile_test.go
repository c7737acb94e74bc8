package weighttile_test

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/npusim/npusim/compiler/codec"
	"github.com/npusim/npusim/compiler/prune"
	"github.com/npusim/npusim/isa"
	"github.com/npusim/npusim/isa/bitplane"
	"github.com/npusim/npusim/isa/weightmask"
	"github.com/npusim/npusim/isa/weighttile"
	"github.com/npusim/npusim/isa/xorcode"
)

// coded is a tile with everything that decoding it takes.
type coded struct {
	weights  []int8
	tile     *isa.EncodedWeights
	networks []*xorcode.Network
	stream   []byte
	bySlice  []int
}

// encode codes weights in one of the lossless codes.
func encode(t testing.TB, weights []int8, bits int, sequential bool, registers, inputs, outputs int, runLength bool) *coded {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	keep := xorcode.NewPlane(len(weights))
	for i, w := range weights {
		keep.Set(i, w != 0)
	}
	planes, err := bitplane.Split(weights, bits, bitplane.SignMagnitude)
	must(err)
	var targets []codec.Target
	for _, p := range planes {
		targets = append(targets, codec.Target{Bits: p, Care: keep})
	}
	c := &coded{weights: weights, tile: &isa.EncodedWeights{Representation: isa.SignMagnitude, Bits: uint8(bits), Elements: uint32(len(weights)), Channels: 1, Cells: 1, Network: 1},
		networks: []*xorcode.Network{xorcode.RandomNetwork(2, 3, 1), xorcode.RandomNetwork(inputs*(registers+1), outputs, 9)}}
	var codes, corrections []byte
	if sequential {
		q, err := codec.EncodeSequential(targets, codec.SequentialOptions{Network: c.networks[1], SymbolBits: inputs, Registers: registers, Inverting: true, Workers: 1})
		must(err)
		codes, corrections, c.bySlice, err = weighttile.Sequential(c.tile, q, nil)
		must(err)
	} else {
		b, err := codec.EncodeBlock(targets, codec.BlockOptions{Network: c.networks[1], Workers: 1})
		must(err)
		codes, corrections, c.bySlice, err = weighttile.Block(c.tile, b, nil)
		must(err)
	}
	var sealed []byte
	if keep.Count() < len(weights) {
		if runLength {
			sealed, err = prune.EncodeRunLength(keep, 1, len(weights), weighttile.MaskBlock(len(weights)))
		} else {
			sealed, err = weightmask.Seal(weightmask.Header{Format: weightmask.Raw, Rows: 1, Cols: len(weights), Kept: keep.Count(),
				BlockWeights: weighttile.MaskBlock(len(weights))}, rawPayload(keep))
		}
		must(err)
	}
	mask, err := weighttile.Mask(c.tile, sealed)
	must(err)
	c.stream = append(append(codes, corrections...), mask...)
	must(c.tile.Validate())
	return c
}

// rawPayload is a mask as a bit a weight.
func rawPayload(keep xorcode.Plane) []byte {
	payload := make([]byte, weightmask.RawBytes(keep.Len()))
	for i := range keep.Len() {
		if keep.Get(i) {
			payload[i/8] |= 1 << (i % 8)
		}
	}
	return payload
}

// drawWeights draws a tile with a share of zeros.
func drawWeights(t *rapid.T, bits int) []int8 {
	high := int8(1)<<(bits-1) - 1
	sparsity := rapid.IntRange(0, 10).Draw(t, "tenths of zeros")
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) int8 {
		if rapid.IntRange(1, 10).Draw(t, "zero") <= sparsity {
			return 0
		}
		return rapid.Int8Range(-high, high).Draw(t, "weight")
	}), 1, 700).Draw(t, "weights")
}

// TestRoundTrip: every tile decodes to its weights, and the corrections by
// slice are those that the descriptor counts.
func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		bits := rapid.IntRange(2, 8).Draw(r, "bits")
		weights := drawWeights(r, bits)
		inputs := rapid.IntRange(1, 6).Draw(r, "n_in")
		c := encode(t, weights, bits, rapid.Bool().Draw(r, "sequential"), rapid.IntRange(0, 1).Draw(r, "n_s"), inputs, rapid.IntRange(inputs, 90).Draw(r, "n_out"), rapid.Bool().Draw(r, "runs"))
		got := make([]int8, len(weights))
		if err := weighttile.Decode(got, c.tile, c.networks, c.stream); err != nil {
			r.Fatal(err)
		}
		for i := range got {
			if got[i] != weights[i] {
				r.Fatalf("weight %d: %d, want %d", i, got[i], weights[i])
			}
		}
		sum, all := 0, c.tile.Slices()
		for _, n := range c.bySlice {
			sum += n
		}
		if counted, err := weighttile.Corrections(c.tile, c.stream); err != nil || !slices.Equal(counted, c.bySlice) {
			r.Fatalf("corrections counted %v, laid out %v: %v", counted, c.bySlice, err)
		}
		if sum != int(c.tile.Patches) || len(c.bySlice) != all {
			r.Fatalf("%d corrections in %d slices, the descriptor has %d in %d", sum, len(c.bySlice), c.tile.Patches, all)
		}
	})
}

// sample is a tile for the tests of faults.
func sample(t testing.TB, sequential bool) *coded {
	weights := make([]int8, 300)
	for i := range weights {
		if i%3 == 0 {
			weights[i] = int8(i*37%255 - 127)
		}
	}
	return encode(t, weights, 8, sequential, 1, 5, 17, true)
}

// TestFaultyStreams: what contradicts the descriptor is an error that says so.
func TestFaultyStreams(t *testing.T) {
	for _, sequential := range []bool{false, true} {
		for _, test := range []struct {
			name, want string
			change     func(c *coded)
		}{
			{"short stream", "the descriptor has", func(c *coded) { c.stream = c.stream[:len(c.stream)-1] }},
			{"corrections miscounted", "the descriptor states", func(c *coded) { c.tile.Patches++ }},
			{"corrections cut", "encoded weights", func(c *coded) {
				c.stream = append(c.stream[:c.tile.CodeBytes:c.tile.CodeBytes], c.stream[c.tile.CodeBytes+5:]...)
				c.tile.CorrectionBytes -= 5
			}},
			{"corrections left over", "left over", func(c *coded) {
				at := c.tile.CodeBytes + c.tile.CorrectionBytes
				c.stream = append(append(append([]byte(nil), c.stream[:at]...), 0), c.stream[at:]...)
				c.tile.CorrectionBytes++
			}},
			{"kept miscounted", "kept", func(c *coded) { c.tile.Kept-- }},
		} {
			c := sample(t, sequential)
			test.change(c)
			if _, err := weighttile.Corrections(c.tile, c.stream); (err == nil) != (test.want == "kept") {
				t.Errorf("%s, sequential %t: corrections are counted with %v", test.name, sequential, err)
			}
			err := weighttile.Decode(make([]int8, len(c.weights)), c.tile, c.networks, c.stream)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%s, sequential %t: %v", test.name, sequential, err)
			}
		}
	}
}

// TestScaledSigns: by hand, two planes and two channels.
func TestScaledSigns(t *testing.T) {
	identity, err := xorcode.NewNetwork(4, 4, []uint64{1, 2, 4, 8})
	if err != nil {
		t.Fatal(err)
	}
	tile := &isa.EncodedWeights{Codec: isa.FractionalCodec, Representation: isa.ScaledSigns, Bits: 2, Mask: isa.NoMask, Elements: 4, Kept: 4, Channels: 2,
		Order: isa.StreamingOrder, Inputs: 4, Outputs: 4, Cells: 1,
		CodeBytes: 2, ScaleBytes: 4}
	stream := []byte{0b0101, 0b0011, 100, 50, 20, 7} // planes, then scales [plane][channel]
	got := make([]int8, 4)
	if err := weighttile.Decode(got, tile, []*xorcode.Network{identity, identity}, stream); err != nil {
		t.Fatal(err)
	}
	for i, want := range []int8{100 + 20, -50 + 7, 100 - 20, -50 - 7} {
		if got[i] != want {
			t.Errorf("weight %d: %d, want %d", i, got[i], want)
		}
	}
	stream[2] = 110
	if err := weighttile.Decode(got, tile, []*xorcode.Network{identity, identity}, stream); err == nil || !strings.Contains(err.Error(), "beyond 127") {
		t.Errorf("scales that overflow: %v", err)
	}
}

// FuzzDecode: no stream crashes the decoder; one that is taken has the counts
// of its descriptor.
func FuzzDecode(f *testing.F) {
	for _, sequential := range []bool{false, true} {
		c := sample(f, sequential)
		f.Add(sequential, c.stream, 0, byte(0))
		f.Add(sequential, c.stream, 7, byte(1))
		f.Add(sequential, c.stream, len(c.stream)-3, byte(0x80))
		f.Add(sequential, c.stream, int(c.tile.CodeBytes)+1, byte(0xff))
	}
	f.Fuzz(func(t *testing.T, sequential bool, stream []byte, at int, flip byte) {
		c := sample(t, sequential)
		if len(stream) != len(c.stream) {
			return
		}
		changed := append([]byte(nil), stream...)
		if at >= 0 && at < len(changed) {
			changed[at] ^= flip
		}
		counted, miscounted := weighttile.Corrections(c.tile, changed)
		got := make([]int8, len(c.weights))
		if err := weighttile.Decode(got, c.tile, c.networks, changed); err != nil {
			return
		}
		if miscounted != nil || len(counted) != c.tile.Slices() {
			t.Errorf("a stream that decodes has no corrections to count: %v", miscounted)
		}
		kept := 0
		for _, w := range got {
			if w != 0 {
				kept++
			}
		}
		if kept > int(c.tile.Kept) { // a kept weight may read as zero
			t.Errorf("%d weights are not zero, %d are kept", kept, c.tile.Kept)
		}
	})
}

// TestFractionalOrders: the bits after the skipped ones go where the order says:
// by the definition, with networks of which a part is used.
func TestFractionalOrders(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		channels, inputs, cells := rapid.IntRange(1, 6).Draw(t, "channels"), rapid.IntRange(1, 5).Draw(t, "inputs"), rapid.IntRange(1, 4).Draw(t, "cells")
		columns, outputs := rapid.IntRange(1, 7).Draw(t, "n_in"), rapid.IntRange(1, 20).Draw(t, "n_out")
		n := xorcode.RandomNetwork(columns+rapid.IntRange(0, 3).Draw(t, "more inputs"), outputs+rapid.IntRange(0, 5).Draw(t, "more outputs"), rapid.Uint64().Draw(t, "seed"))
		tile := &isa.EncodedWeights{Codec: isa.FractionalCodec, Representation: isa.ScaledSigns, Bits: 1, Mask: isa.NoMask, Channels: uint32(channels), ScaleBytes: uint32(channels),
			Elements: uint32(channels * inputs * cells), Kept: uint32(channels * inputs * cells), Inputs: uint8(columns), Outputs: uint16(outputs), Cells: uint16(cells),
			Order: isa.WeightOrder(rapid.IntRange(1, 3).Draw(t, "order")), Skip: uint16(rapid.IntRange(0, outputs-1).Draw(t, "skip"))}
		var codes xorcode.Bitstream
		var bits []bool
		for range tile.PlaneSlices() {
			code := rapid.Uint64Range(0, 1<<columns-1).Draw(t, "code")
			codes.Append(code, columns)
			var slice [1]uint64
			n.Part(columns, outputs).Apply(code, slice[:])
			for k := range outputs {
				bits = append(bits, slice[0]>>k&1 != 0)
			}
		}
		tile.CodeBytes = uint32(len(codes.Bytes))
		stream := codes.Bytes
		for c := range channels {
			stream = append(stream, byte(c+1))
		}
		if err := tile.Validate(); err != nil {
			t.Fatal(err)
		}
		got := make([]int8, tile.Elements)
		if err := weighttile.Decode(got, tile, []*xorcode.Network{n}, stream); err != nil {
			t.Fatal(err)
		}
		i := int(tile.Skip)
		take := func(cell, input, channel int) {
			want := int8(-channel - 1)
			if bits[i] {
				want = -want
			}
			if at := (cell*inputs+input)*channels + channel; got[at] != want {
				t.Fatalf("cell %d, input %d, channel %d: %d, want %d", cell, input, channel, got[at], want)
			}
			i++
		}
		switch tile.Order {
		case isa.StreamingOrder:
			nested(cells, inputs, channels, take)
		case isa.ChannelMajorOrder:
			nested(channels, inputs, cells, func(channel, input, cell int) { take(cell, input, channel) })
		case isa.InputMajorOrder:
			nested(inputs, cells, channels, func(input, cell, channel int) { take(cell, input, channel) })
		}
	})
}

// nested counts three indices, the last one fastest.
func nested(a, b, c int, visit func(i, j, k int)) {
	for i := range a {
		for j := range b {
			for k := range c {
				visit(i, j, k)
			}
		}
	}
}
