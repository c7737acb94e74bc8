// Package weighttile is the stream of one tile of encoded weights, as
// load_encoded reads it from DRAM: codes, corrections, mask and scales, laid
// out after an isa.EncodedWeights descriptor, and its decoder. The codes are
// those of packages xorcode and fractionalcode without their headers, which the
// descriptor stands for; every part is of whole bytes:
//
//   - codes: plane by plane, each filled up to a byte;
//   - corrections: plane by plane, each filled up to a byte. Block code: the
//     patch counts, then the positions. Sequential code: the vectors;
//   - mask: a raw mask, or the payload of a run-length mask of one row (package
//     weightmask), its blocks as large as they may be, or that of a low-rank mask
//     with a row for every input and kernel cell and a column for every channel;
//   - scales: one int8 a plane and channel, channels innermost.
//
// The package models bits, not time (package npu/cost). Checksums are those of
// the program's sections; a stream that contradicts its descriptor is an error.
package weighttile

import (
	"fmt"
	"math"

	"github.com/npusim/npusim/isa"
	"github.com/npusim/npusim/isa/bitplane"
	"github.com/npusim/npusim/isa/weightmask"
	"github.com/npusim/npusim/isa/xorcode"
)

// MaskBlock is the number of weights of a block of a tile's run-length mask.
func MaskBlock(elements int) int {
	return min((elements+weightmask.BlockStep-1)/weightmask.BlockStep*weightmask.BlockStep, weightmask.MaxBlockWeights)
}

// Decode gives the weights of a tile. Into has t.Elements weights, the stream
// t.StreamBytes() bytes; the descriptor is valid and fits the networks.
func Decode(into []int8, t *isa.EncodedWeights, networks []*xorcode.Network, stream []byte) error {
	if len(into) != int(t.Elements) || len(stream) != t.StreamBytes() {
		return fmt.Errorf("encoded weights: %d weights and %d bytes, the descriptor has %d and %d", len(into), len(stream), t.Elements, t.StreamBytes())
	}
	codes, rest := stream[:t.CodeBytes], stream[t.CodeBytes:]
	corrections, rest := rest[:t.CorrectionBytes], rest[t.CorrectionBytes:]
	mask, scales := rest[:t.MaskBytes], rest[t.MaskBytes:]
	var planes []xorcode.Plane
	patches := 0
	for k := range int(t.Bits) {
		n := networks[t.NetworkOf(k)].Part(t.Columns(), int(t.Outputs))
		plane, err := decodePlane(t, k, n, &codes, &corrections, &patches)
		if err != nil {
			return fmt.Errorf("encoded weights: plane %d: %w", k, err)
		}
		planes = append(planes, plane)
	}
	switch {
	case len(codes) > 0 || len(corrections) > 0:
		return fmt.Errorf("encoded weights: %d bytes of codes and %d of corrections are left over", len(codes), len(corrections))
	case patches != int(t.Patches):
		return fmt.Errorf("encoded weights: %d corrections, the descriptor states %d", patches, t.Patches)
	}
	if t.Representation == isa.ScaledSigns {
		return scaleSigns(into, t, planes, scales)
	}
	keep, err := decodeMask(t, mask)
	if err != nil {
		return fmt.Errorf("encoded weights: %w", err)
	}
	representation := bitplane.TwosComplement
	if t.Representation == isa.SignMagnitude {
		representation = bitplane.SignMagnitude
	}
	return bitplane.Assemble(into, planes, keep, representation)
}

// decodePlane takes the codes and corrections of a plane off.
func decodePlane(t *isa.EncodedWeights, k int, n *xorcode.Network, codes, corrections *[]byte, patches *int) (xorcode.Plane, error) {
	elements := int(t.Elements)
	slices, inputs := t.PlaneSlices(), int(t.Inputs)
	code, err := takeBits(codes, xorcode.Bits(slices*inputs))
	if err != nil {
		return xorcode.Plane{}, fmt.Errorf("codes: %w", err)
	}
	inverted := t.Inverted>>k&1 != 0
	var plane xorcode.Plane
	switch t.Codec {
	case isa.SequentialCodec:
		length, count := sequentialCorrections(*corrections, elements)
		q := &xorcode.Sequential{Network: n, SymbolBits: inputs, Registers: int(t.Registers), Weights: elements,
			Planes: []xorcode.SequentialPlane{{Codes: code, Inverted: inverted}}}
		if q.Planes[0].Corrections, err = takeBits(corrections, length); err != nil {
			return plane, fmt.Errorf("corrections: %w", err)
		}
		*patches += count
		return q.Decode(0)
	case isa.BlockCodec:
		counts, positions, count := blockPatches(*corrections, slices, n.Outputs)
		both, err := takeBits(corrections, counts+positions)
		if err != nil {
			return plane, fmt.Errorf("patches: %w", err)
		}
		*patches += count
		b := &xorcode.Block{Network: n, Weights: elements, Planes: []xorcode.BlockPlane{{
			Codes: code, Counts: part(&both, 0, counts), Positions: part(&both, counts, positions)}}}
		if plane, err = b.Decode(0); err != nil {
			return plane, err
		}
	default:
		plane = decodeFractional(t, n, &code)
	}
	if inverted {
		plane.Invert()
	}
	return plane, nil
}

// decodeFractional decodes the slices of a plane, leaves out what is not of the
// tile, and puts the bits into streaming order.
func decodeFractional(t *isa.EncodedWeights, n *xorcode.Network, code *xorcode.Bitstream) xorcode.Plane {
	elements, skip := int(t.Elements), int(t.Skip)
	whole := xorcode.NewPlane(skip + elements)
	table, slice := xorcode.NewTable(n), make([]uint64, xorcode.Words(n.Outputs))
	for s := range t.PlaneSlices() {
		table.Apply(code.At(xorcode.Bits(s*n.Inputs), n.Inputs), slice)
		whole.Put(s*n.Outputs, slice, min(n.Outputs, skip+elements-s*n.Outputs))
	}
	if skip == 0 && t.Order == isa.StreamingOrder {
		return whole
	}
	plane := xorcode.NewPlane(elements)
	for i := range elements {
		plane.Set(Place(t, i), whole.Get(skip+i))
	}
	return plane
}

// Place is where bit i of a tile's planes, after those that are skipped, stands
// in streaming order. Cells divide the weights of a channel.
func Place(t *isa.EncodedWeights, i int) int {
	channels, cells := int(t.Channels), int(t.Cells)
	inputs := int(t.Elements) / channels / cells
	var channel, input, cell int
	switch t.Order {
	case isa.ChannelMajorOrder:
		channel, input, cell = i/(inputs*cells), i/cells%inputs, i%cells
	case isa.InputMajorOrder:
		channel, input, cell = i%channels, i/channels/cells, i/channels%cells
	default:
		return i
	}
	return (cell*inputs+input)*channels + channel
}

// takeBits takes the bytes of a bit string off.
func takeBits(data *[]byte, length xorcode.Bits) (xorcode.Bitstream, error) {
	n := int((length + 7) / 8)
	if n > len(*data) {
		return xorcode.Bitstream{}, fmt.Errorf("%d bytes are needed, %d are left", n, len(*data))
	}
	s := xorcode.Bitstream{Length: length, Bytes: (*data)[:n:n]}
	*data = (*data)[n:]
	return s, s.Validate()
}

// part copies a piece of a bit string.
func part(s *xorcode.Bitstream, from, length xorcode.Bits) xorcode.Bitstream {
	var p xorcode.Bitstream
	for at := xorcode.Bits(0); at < length; at += 64 {
		n := int(min(64, length-at))
		p.Append(s.At(from+at, n), n)
	}
	return p
}

// blockPatches finds how many bits of counts and of positions begin the
// patches of a plane. What is cut off reads as zeros and is found out later.
func blockPatches(data []byte, slices, outputs int) (counts, positions xorcode.Bits, patches int) {
	s := xorcode.Bitstream{Length: xorcode.Bits(8 * len(data)), Bytes: data}
	for first := 0; first < slices; first += xorcode.BlockSlices {
		width := int(s.At(counts, xorcode.CountWidthBits))
		counts += xorcode.CountWidthBits
		for range min(xorcode.BlockSlices, slices-first) {
			patches += int(s.At(counts, width))
			counts += xorcode.Bits(width)
		}
	}
	return counts, xorcode.Bits(patches * xorcode.PositionBits(outputs)), patches
}

// sequentialCorrections finds how many bits the corrections of a plane take.
func sequentialCorrections(data []byte, elements int) (length xorcode.Bits, corrections int) {
	s := xorcode.Bitstream{Length: xorcode.Bits(8 * len(data)), Bytes: data}
	for vector := 0; vector < elements; vector += xorcode.VectorBits {
		for s.At(length, 1) != 0 {
			length += xorcode.CorrectionBits
			corrections++
		}
		length++
	}
	return length, corrections
}

// decodeMask gives the weights that are kept.
func decodeMask(t *isa.EncodedWeights, payload []byte) (xorcode.Plane, error) {
	elements := int(t.Elements)
	if t.Mask == isa.NoMask {
		keep := xorcode.NewPlane(elements)
		keep.Invert()
		return keep, nil
	}
	header := weightmask.Header{Format: weightmask.Raw, Rows: 1, Cols: elements, Kept: int(t.Kept), BlockWeights: MaskBlock(elements)}
	switch t.Mask {
	case isa.RunLengthMask:
		header.Format = weightmask.RunLength
	case isa.LowRankMask:
		header = t.LowRankMaskHeader()
	}
	sealed, err := weightmask.Seal(header, payload)
	if err != nil {
		return xorcode.Plane{}, err
	}
	stream, err := weightmask.Open(sealed)
	if err != nil {
		return xorcode.Plane{}, err
	}
	return stream.Decode()
}

// scaleSigns adds up the scales of a channel's planes with the signs of each
// weight.
func scaleSigns(into []int8, t *isa.EncodedWeights, planes []xorcode.Plane, scales []byte) error {
	channels := int(t.Channels)
	for i := range into {
		sum := 0
		for k := range planes {
			s := int(int8(scales[k*channels+i%channels]))
			if !planes[k].Get(i) {
				s = -s
			}
			sum += s
		}
		if max(sum, -sum) > math.MaxInt8 {
			return fmt.Errorf("encoded weights: weight %d, of channel %d, sums to %d, beyond 127", i, i%channels, sum)
		}
		into[i] = int8(sum)
	}
	return nil
}
