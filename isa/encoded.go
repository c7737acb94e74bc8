package isa

import (
	"github.com/npusim/npusim/isa/weightmask"
	"github.com/npusim/npusim/isa/xorcode"
)

// WeightCodec names the code of encoded weights.
type WeightCodec uint8

// Weight codecs: package xorcode has the first two.
const (
	InvalidWeightCodec WeightCodec = iota
	BlockCodec                     // a network per slice, patches
	SequentialCodec                // shift registers before the network, corrections
	FractionalCodec                // trained codes: nothing to correct
)

// WeightRepresentation says what the bit planes of encoded weights mean.
type WeightRepresentation uint8

// Weight representations.
const (
	InvalidWeightRepresentation WeightRepresentation = iota
	TwosComplement                                   // plane Bits-1 is the sign
	SignMagnitude                                    // plane Bits-1 is the sign, 1 for negative
	ScaledSigns                                      // sum over the planes of +-scale[plane][channel], 1 for +
)

// WeightOrder is the order in which the bits of a plane give the weights of a
// tile. Tiles lie in the weight buffer in streaming order; the decryption units
// write in any of these, counting channels, inputs and kernel cells.
type WeightOrder uint8

// Weight orders, the outermost index first.
const (
	InvalidWeightOrder WeightOrder = iota
	StreamingOrder                 // cell, input, channel
	ChannelMajorOrder              // channel, input, cell: a tensor as it is trained
	InputMajorOrder                // input, cell, channel: the same, channels innermost
)

// MaskFormat says how the places of pruned weights are stored.
type MaskFormat uint8

// Mask formats: package weightmask describes them.
const (
	InvalidMaskFormat MaskFormat = iota
	NoMask                       // no weight is pruned
	RawMask                      // a bit a weight, 1 for kept
	RunLengthMask                // one block of Rice-coded runs
	LowRankMask                  // Boolean product of two thin matrices
)

// EncodedWeights describes the load of a tile of weights that stay coded in
// DRAM. Its stream is, one part after another, each of whole bytes: the codes
// plane by plane, the corrections, the mask, and the scales (ScaledSigns: one
// int8 a plane and channel, channels innermost; weight i belongs to channel
// i % Channels). Every tile decodes on its own: the registers of the
// sequential code start at zero.
//
// A program has one network for all tiles of a code, as the machine has: a tile
// uses the part of its first Outputs rows and first Inputs * (Registers+1)
// columns. Layers that were trained in the fractional code keep the slices that
// they were trained with: the first Skip bits of each plane belong to weights
// before the tile, and Order says where the others go.
//
// What the time of decoding depends on besides sizes stands here as counts:
// Patches, and Stalls, the cycles that the decryption units wait because their
// buffers of corrections run empty on the machine that the program is for.
type EncodedWeights struct {
	Layer           uint16               `isa:"layer,u16" doc:"row of the layer table"`
	Codec           WeightCodec          `isa:"codec,u8" doc:"1 block, 2 sequential, 3 fractional"`
	Representation  WeightRepresentation `isa:"representation,u8" doc:"1 two's complement, 2 sign and magnitude, 3 scaled signs"`
	Bits            uint8                `isa:"bits,u8" doc:"bit planes of a weight, 1 to 8"`
	Registers       uint8                `isa:"registers,u8" doc:"sequential: earlier codes that the network sees, 0 to 2"`
	Inverted        uint8                `isa:"inverted,u8" doc:"a bit a plane: its bits are stored inverted"`
	Mask            MaskFormat           `isa:"mask,u8" doc:"1 none, 2 raw, 3 run-length, 4 low-rank"`
	Order           WeightOrder          `isa:"order,u8" doc:"of the bits of a plane: 1 streaming, 2 channel-major, 3 input-major"`
	Network         uint16               `isa:"network,u16" doc:"row of the network table; fractional: of plane 0, the planes' networks follow"`
	Inputs          uint8                `isa:"inputs,u8" doc:"bits of a code; the network has at least registers + 1 times as many inputs"`
	Outputs         uint16               `isa:"outputs,u16" doc:"bits of a slice: the outputs of the network that are used, from the first on"`
	Skip            uint16               `isa:"skip,u16" doc:"bits of the first slice that are not of this tile, fractional only"`
	Cells           uint16               `isa:"cells,u16" doc:"kernel cells of a weight tile, for the order of its weights"`
	Elements        uint32               `isa:"elements,u32" doc:"weights of the tile"`
	Kept            uint32               `isa:"kept,u32" doc:"weights that are not pruned"`
	Channels        uint32               `isa:"channels,u32" doc:"output channels of the tile, which divide the weights"`
	CodeBytes       uint32               `isa:"code_bytes,u32" doc:"bytes of the codes"`
	CorrectionBytes uint32               `isa:"correction_bytes,u32" doc:"bytes of patches or corrections"`
	MaskBytes       uint32               `isa:"mask_bytes,u32" doc:"bytes of the mask"`
	ScaleBytes      uint32               `isa:"scale_bytes,u32" doc:"bytes of the scales"`
	Patches         uint32               `isa:"patches,u32" doc:"bits that are put right after decoding"`
	Stalls          uint32               `isa:"stalls,u32" doc:"cycles that the decryption units wait for corrections"`
}

// Kind implements Descriptor.
func (*EncodedWeights) Kind() DescriptorKind { return EncodedKind }

// LayerIndex implements Descriptor.
func (t *EncodedWeights) LayerIndex() int { return int(t.Layer) }

// StreamBytes is the length of the stream in DRAM.
func (t *EncodedWeights) StreamBytes() int {
	return int(t.CodeBytes) + int(t.CorrectionBytes) + int(t.MaskBytes) + int(t.ScaleBytes)
}

// PlaneSlices is the number of slices of a plane; Outputs must not be 0.
func (t *EncodedWeights) PlaneSlices() int {
	return (int(t.Skip) + int(t.Elements) + int(t.Outputs) - 1) / int(t.Outputs)
}

// Slices is the number of slices of all planes.
func (t *EncodedWeights) Slices() int { return int(t.Bits) * t.PlaneSlices() }

// Columns is the number of network inputs that the tile uses: the bits of a
// code, and those of the codes in the registers.
func (t *EncodedWeights) Columns() int { return int(t.Inputs) * (int(t.Registers) + 1) }

// NetworkOf is the row of the network table for a plane.
func (t *EncodedWeights) NetworkOf(plane int) int {
	if t.Codec == FractionalCodec {
		return int(t.Network) + plane
	}
	return int(t.Network)
}

// Class is the traffic class of a byte of the stream.
func (t *EncodedWeights) Class(at int) TensorClass {
	at -= int(t.CodeBytes)
	if at < 0 {
		return WeightClass
	}
	if at -= int(t.CorrectionBytes); at < 0 {
		return CorrectionClass
	}
	if at -= int(t.MaskBytes); at < 0 {
		return MaskClass
	}
	return MetadataClass
}

// LowRankMaskHeader describes the mask of a tile as the Boolean product of a
// matrix of its rows, which are inputs and kernel cells in streaming order, and
// one of its columns, which are its output channels. Sides beyond the largest
// that package weightmask knows are cut into pieces with factors of their own.
// Rank is the one that takes MaskBytes. Channels must not be 0 and no more than
// Elements.
func (t *EncodedWeights) LowRankMaskHeader() weightmask.Header {
	rows, columns := int(t.Elements/t.Channels), int(t.Channels)
	h := weightmask.Header{Format: weightmask.LowRank, Rows: rows, Cols: columns, Kept: int(t.Kept),
		TileRows: min(rows, weightmask.MaxTileSide), TileCols: min(columns, weightmask.MaxTileSide), Rank: 1}
	h.Rank = 8 * int(t.MaskBytes) / h.LowRankBits()
	return h
}

// LeastLowRankSides is the least sum of the sides of a low-rank mask: with fewer
// bits a component, several ranks would take the same number of bytes.
const LeastLowRankSides = 8

// lowRankRules holds a low-rank mask to the bounds of its format and to the
// bytes that its factors take.
func (t *EncodedWeights) lowRankRules(r *rules) {
	if t.Mask != LowRankMask || t.Channels == 0 || t.Elements < t.Channels {
		return // the others are refused already
	}
	h := t.LowRankMaskHeader()
	r.require(h.Rows+h.Cols >= LeastLowRankSides, "a low-rank mask of %d x %d weights, its sides must sum to at least %d", h.Rows, h.Cols, LeastLowRankSides)
	if err := h.Check(); err != nil {
		r.require(false, "mask_bytes is %d: low-rank %v", t.MaskBytes, err)
		return
	}
	bytes := (h.LowRankBits() + 7) / 8
	r.require(int(t.MaskBytes) == bytes, "mask_bytes is %d, a mask of %d x %d weights and rank %d takes %d", t.MaskBytes, h.Rows, h.Cols, h.Rank, bytes)
}

// maxRegisters bounds the shift registers of the sequential code.
const maxRegisters = 2

// Validate implements Descriptor.
func (t *EncodedWeights) Validate() error {
	var r rules
	r.enum("codec", weightCodecNames[:], uint8(t.Codec))
	r.enum("representation", weightRepresentationNames[:], uint8(t.Representation))
	r.enum("mask", maskFormatNames[:], uint8(t.Mask))
	r.require(t.Bits >= 1 && t.Bits <= 8, "bits is %d, must be 1 to 8", t.Bits)
	r.require(t.Bits >= 2 || t.Representation == ScaledSigns, "bits is 1, must be at least 2 unless the representation is scaled_signs")
	r.require(t.Registers <= maxRegisters && (t.Registers == 0 || t.Codec == SequentialCodec), "registers is %d, must be 0 to %d, and 0 unless the codec is sequential", t.Registers, maxRegisters)
	r.require(t.Inverted>>t.Bits == 0, "inverted is %#x, has bits beyond the %d planes", t.Inverted, t.Bits)
	r.enum("order", weightOrderNames[:], uint8(t.Order))
	r.require(t.Inputs >= 1 && t.Columns() <= xorcode.MaxInputs, "inputs is %d, must be 1 to %d, with the registers", t.Inputs, xorcode.MaxInputs)
	r.require(t.Outputs >= 1 && t.Outputs <= xorcode.MaxOutputs, "outputs is %d, must be 1 to %d", t.Outputs, xorcode.MaxOutputs)
	r.require(t.Skip == 0 || t.Skip < t.Outputs, "skip is %d, must be below outputs %d", t.Skip, t.Outputs)
	r.require(t.Codec == FractionalCodec || t.Skip == 0 && t.Order == StreamingOrder, "skip and order are of the fractional code only")
	r.require(t.Cells >= 1 && (t.Channels == 0 || t.Elements/t.Channels%max(uint32(t.Cells), 1) == 0), "cells is %d, must be at least 1 and divide elements %d over channels %d", t.Cells, t.Elements, t.Channels)
	r.positive("elements", uint64(t.Elements))
	r.positive("channels", uint64(t.Channels))
	r.positive("code_bytes", uint64(t.CodeBytes))
	r.require(t.Channels == 0 || t.Elements%t.Channels == 0, "elements %d is not a multiple of channels %d", t.Elements, t.Channels)
	r.require(t.Stalls <= t.Patches, "stalls is %d, at most one for each of the %d patches", t.Stalls, t.Patches)
	r.require(t.Kept <= t.Elements, "kept is %d of %d elements", t.Kept, t.Elements)
	r.require(t.Mask != NoMask || t.Kept == t.Elements && t.MaskBytes == 0, "mask none goes with all weights kept and no bytes")
	r.require(t.Mask != RawMask || t.MaskBytes == (t.Elements+7)/8, "mask_bytes is %d, a raw mask of %d weights takes %d", t.MaskBytes, t.Elements, (t.Elements+7)/8)
	t.lowRankRules(&r)
	scales := uint64(0)
	if t.Representation == ScaledSigns {
		scales = uint64(t.Bits) * uint64(t.Channels)
	}
	r.require(uint64(t.ScaleBytes) == scales, "scale_bytes is %d, must be %d", t.ScaleBytes, scales)
	r.require((t.Codec == FractionalCodec) == (t.Representation == ScaledSigns), "the fractional code and scaled signs go together")
	r.require(t.Codec != FractionalCodec || t.CorrectionBytes == 0 && t.Patches == 0 && t.Stalls == 0, "the fractional code has no corrections")
	r.span("stream bytes", uint64(t.StreamBytes()))
	return r.err
}
