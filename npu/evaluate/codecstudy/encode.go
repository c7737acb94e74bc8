package codecstudy

import (
	"context"

	"github.com/npusim/npusim/compiler/codec"
	"github.com/npusim/npusim/isa/xorcode"
)

// Planes are encoded a stretch of slices at a time, so that progress can be
// told and work be interrupted. The streams are those of one call.
const (
	// blockStretch is a whole number of blocks of patch counts.
	blockStretch = 1 << 14
	// shortPart and longPart are how many slices of the sequential code follow
	// each other before its registers are reset: few enough to encode parts in
	// parallel, and so many that the weaker code at a reset does not matter. The
	// code with two registers takes so long that parts fit the encoder's window.
	shortPart = 1 << 10
	longPart  = 1 << 14
)

// partSlices is the length of a part of the sequential code.
func partSlices(registers int) int {
	if registers > 1 {
		return shortPart
	}
	return longPart
}

// encodeBlock encodes all planes with the block code.
func encodeBlock(ctx context.Context, targets []codec.Target, network *xorcode.Network, seed uint64, o *Options) (*xorcode.Block, error) {
	out := &xorcode.Block{Network: network, Seed: seed, BySeed: true, Weights: targets[0].Bits.Len(), Planes: make([]xorcode.BlockPlane, len(targets))}
	stretch := blockStretch
	if o.Exact {
		stretch /= 16
	}
	err := eachStretch(ctx, targets, network.Outputs, stretch, o, func(plane int, part codec.Target) error {
		b, err := codec.EncodeBlock([]codec.Target{part}, codec.BlockOptions{Network: network, Exact: o.Exact, Workers: o.Workers})
		if err != nil {
			return err
		}
		to, from := &out.Planes[plane], &b.Planes[0]
		to.Codes.AppendStream(&from.Codes)
		to.Counts.AppendStream(&from.Counts)
		to.Positions.AppendStream(&from.Positions)
		return nil
	})
	return out, err
}

// encodeSequential encodes all planes with the sequential code. A plane whose
// care bits have more ones than zeros is stored inverted.
func encodeSequential(ctx context.Context, targets []codec.Target, network *xorcode.Network, seed uint64, o *Options) (*xorcode.Sequential, error) {
	out := &xorcode.Sequential{Network: network, Seed: seed, BySeed: true, SymbolBits: o.Inputs, Registers: o.Registers, PartSlices: partSlices(o.Registers),
		Weights: targets[0].Bits.Len(), Planes: make([]xorcode.SequentialPlane, len(targets))}
	straight := make([]codec.Target, len(targets)) // of mostly zeros
	for i, t := range targets {
		straight[i] = t
		if moreOnes(t) {
			bits := t.Bits.Clone()
			bits.Invert()
			straight[i].Bits, out.Planes[i].Inverted = bits, true
		}
	}
	stretch := partSlices(o.Registers) * o.workers()
	err := eachStretch(ctx, straight, network.Outputs, stretch, o, func(plane int, part codec.Target) error {
		q, err := codec.EncodeSequential([]codec.Target{part}, codec.SequentialOptions{Network: network, SymbolBits: o.Inputs,
			Registers: o.Registers, PartSlices: partSlices(o.Registers), Workers: o.Workers})
		if err != nil {
			return err
		}
		out.Planes[plane].Codes.AppendStream(&q.Planes[0].Codes)
		out.Planes[plane].Corrections.AppendStream(&q.Planes[0].Corrections)
		return nil
	})
	return out, err
}

// eachStretch visits stretches of slices of all planes.
func eachStretch(ctx context.Context, targets []codec.Target, outputs, stretch int, o *Options, visit func(plane int, part codec.Target) error) error {
	slices := (targets[0].Bits.Len() + outputs - 1) / outputs
	total := slices * len(targets)
	o.report("encode", 0, total)
	for plane, t := range targets {
		for first := 0; first < slices; first += stretch {
			if err := ctx.Err(); err != nil {
				return err
			}
			last := min(first+stretch, slices)
			if err := visit(plane, cut(t, first*outputs, min(last*outputs, t.Bits.Len()))); err != nil {
				return err
			}
			o.report("encode", plane*slices+last, total)
		}
	}
	return nil
}

// cut copies bits from..to-1 of a target.
func cut(t codec.Target, from, to int) codec.Target {
	return codec.Target{Bits: cutPlane(t.Bits, from, to), Care: cutPlane(t.Care, from, to)}
}

func cutPlane(p xorcode.Plane, from, to int) xorcode.Plane {
	part := xorcode.NewPlane(to - from)
	for i := range part.Words {
		at := from + 64*i
		part.Words[i] = p.Bits(at, min(64, to-at))
	}
	return part
}

// moreOnes says whether ones outnumber zeros among the care bits.
func moreOnes(t codec.Target) bool {
	ones := xorcode.NewPlane(t.Bits.Len())
	for i, care := range t.Care.Words {
		ones.Words[i] = t.Bits.Words[i] & care
	}
	return 2*ones.Count() > t.Care.Count()
}
