package weighttile

import (
	"fmt"

	"github.com/npusim/npusim/isa"
	"github.com/npusim/npusim/isa/weightmask"
	"github.com/npusim/npusim/isa/xorcode"
)

// Block lays out the codes and corrections of a block code whose planes all
// have t.Elements weights, and states them in the descriptor. Corrections of a
// slice, over all planes in turn, are appended to bySlice.
func Block(t *isa.EncodedWeights, b *xorcode.Block, bySlice []int) (codes, corrections []byte, _ []int, err error) {
	t.Codec, t.Registers, t.Inverted, t.Patches = isa.BlockCodec, 0, 0, 0
	t.Order, t.Inputs, t.Outputs = isa.StreamingOrder, uint8(b.Network.Inputs), uint16(b.Network.Outputs)
	for k := range b.Planes {
		p := &b.Planes[k]
		codes = append(codes, p.Codes.Bytes...)
		both := xorcode.Bitstream{}
		both.AppendStream(&p.Counts)
		both.AppendStream(&p.Positions)
		corrections = append(corrections, both.Bytes...)
		d, err := b.Decoder(k)
		if err != nil {
			return nil, nil, nil, err
		}
		for s := range d.Slices() {
			n := d.Patches(s, 1)
			bySlice = append(bySlice, n)
			t.Patches += uint32(n)
		}
	}
	t.CodeBytes, t.CorrectionBytes = uint32(len(codes)), uint32(len(corrections))
	return codes, corrections, bySlice, nil
}

// Sequential does what Block does for a sequential code of one part.
func Sequential(t *isa.EncodedWeights, q *xorcode.Sequential, bySlice []int) (codes, corrections []byte, _ []int, err error) {
	t.Codec, t.Registers, t.Inverted, t.Patches = isa.SequentialCodec, uint8(q.Registers), 0, 0
	t.Order, t.Inputs, t.Outputs = isa.StreamingOrder, uint8(q.SymbolBits), uint16(q.Network.Outputs)
	if q.PartSlices != 0 && q.PartSlices < q.Slices() {
		return nil, nil, nil, fmt.Errorf("encoded weights: parts of %d slices in a tile of %d: a tile is one part", q.PartSlices, q.Slices())
	}
	for k := range q.Planes {
		p := &q.Planes[k]
		codes = append(codes, p.Codes.Bytes...)
		corrections = append(corrections, p.Corrections.Bytes...)
		if p.Inverted {
			t.Inverted |= 1 << k
		}
		counts := make([]int, q.Slices())
		at := xorcode.Bits(0)
		for vector := 0; vector < q.Weights; vector += xorcode.VectorBits {
			for ; p.Corrections.At(at, 1) != 0; at += xorcode.CorrectionBits {
				position := vector + int(p.Corrections.At(at+1, xorcode.CorrectionBits-1))
				counts[position/q.Network.Outputs]++
				t.Patches++
			}
			at++
		}
		bySlice = append(bySlice, counts...)
	}
	t.CodeBytes, t.CorrectionBytes = uint32(len(codes)), uint32(len(corrections))
	return codes, corrections, bySlice, nil
}

// Mask lays out a mask stream and states it in the descriptor: one row of
// t.Elements weights, raw or run-length in blocks of MaskBlock, or a low-rank
// one of t.Elements / t.Channels rows and t.Channels columns in pieces as large
// as they may be. Nil stands for a mask that keeps everything.
func Mask(t *isa.EncodedWeights, sealed []byte) ([]byte, error) {
	if sealed == nil {
		t.Mask, t.MaskBytes, t.Kept = isa.NoMask, 0, t.Elements
		return nil, nil
	}
	s, err := weightmask.Open(sealed)
	if err != nil {
		return nil, err
	}
	payload := sealed[weightmask.HeaderBytes:]
	t.MaskBytes, t.Kept = uint32(len(payload)), uint32(s.Kept)
	if s.Format == weightmask.LowRank {
		if want := t.LowRankMaskHeader(); s.Header != want {
			return nil, fmt.Errorf("encoded weights: a low-rank mask of %d x %d weights and rank %d in pieces of %d x %d for a tile of %d x %d",
				s.Rows, s.Cols, s.Rank, s.TileRows, s.TileCols, want.Rows, want.Cols)
		}
		t.Mask = isa.LowRankMask
		return payload, nil
	}
	if s.Weights() != int(t.Elements) || s.BlockWeights != MaskBlock(int(t.Elements)) {
		return nil, fmt.Errorf("encoded weights: a mask of %d weights in blocks of %d for a tile of %d", s.Weights(), s.BlockWeights, t.Elements)
	}
	switch s.Format {
	case weightmask.Raw:
		t.Mask = isa.RawMask
	case weightmask.RunLength:
		t.Mask = isa.RunLengthMask
	default:
		return nil, fmt.Errorf("encoded weights: the machine has no masks of format %s", s.Format)
	}
	return payload, nil
}
