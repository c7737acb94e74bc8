package xorcode

import "fmt"

// BlockSlices is the number of slices whose patch counts share one width.
const BlockSlices = 64

// countWidthBits is the size of the field that gives the width of the patch
// counts of a block: widths 0..15.
const countWidthBits = 4

// Block is a tensor of one or more bit planes in the block code. A plane of
// Weights bits is cut into slices of Network.Outputs bits, the last one partly
// used. Slice k is the outputs of the network for code k, with some of them
// flipped.
type Block struct {
	Network *Network
	Seed    uint64 // the network is RandomNetwork of this seed if BySeed
	BySeed  bool   // the binary form carries the seed in place of the matrix
	Weights int    // bits of a plane
	Planes  []BlockPlane
}

// BlockPlane is one coded plane:
//
//   - Codes: Network.Inputs bits a slice;
//   - Counts: for every BlockSlices slices (the last block may have fewer) a
//     width of 4 bits, then the number of patches of each slice in that width;
//   - Positions: the outputs to flip, [PositionBits] each, rising within a
//     slice, all slices one after another.
//
// There is no index. Codes are at a fixed rate; where the counts and positions
// of a block of slices begin is found by one pass over the counts
// ([BlockDecoder.Cursor]), and a machine that decodes tiles by themselves gets
// it with each tile.
type BlockPlane struct {
	Codes     Bitstream
	Counts    Bitstream
	Positions Bitstream
}

// Slices is the number of slices of a plane.
func (b *Block) Slices() int { return slicesOf(b.Weights, b.Network.Outputs) }

// header gives what the block code keeps in the common header.
func (b *Block) header() *header {
	return &header{codec: CodecBlock, planes: len(b.Planes), inputs: b.Network.Inputs, outputs: b.Network.Outputs,
		weights: b.Weights, network: b.Network, seed: b.Seed, bySeed: b.BySeed}
}

// sections lists the streams of all planes as the binary form keeps them.
func (b *Block) sections() []*Bitstream {
	list := make([]*Bitstream, 0, 3*len(b.Planes))
	for i := range b.Planes {
		p := &b.Planes[i]
		list = append(list, &p.Codes, &p.Counts, &p.Positions)
	}
	return list
}

// Validate checks parameters and every plane completely.
func (b *Block) Validate() error {
	if err := b.check(); err != nil {
		return fmt.Errorf("xor-block: %w", err)
	}
	return nil
}

func (b *Block) check() error {
	if b.Network == nil {
		return fmt.Errorf("no network")
	}
	if err := b.Network.Validate(); err != nil {
		return err
	}
	if err := b.header().validate(); err != nil {
		return err
	}
	for i := range b.Planes {
		if _, err := newBlockDecoder(nil, b.Network, b.Weights, &b.Planes[i]); err != nil {
			return fmt.Errorf("plane %d: %w", i, err)
		}
	}
	return nil
}

// Sizes accounts for every bit of the binary form.
func (b *Block) Sizes() Sizes {
	s := b.header().sizes(b.sections())
	for i := range b.Planes {
		s.Codes += b.Planes[i].Codes.Length
		s.PatchCounts += b.Planes[i].Counts.Length
		s.PatchPositions += b.Planes[i].Positions.Length
	}
	return s
}

// Patches is the number of patches of all planes.
func (b *Block) Patches() int {
	patches := 0
	if width := PositionBits(b.Network.Outputs); width > 0 {
		for i := range b.Planes {
			patches += int(b.Planes[i].Positions.Length) / width
		}
		return patches
	}
	for i := range b.Planes { // one output: a position takes no bits
		if d, err := b.Decoder(i); err == nil {
			patches += d.total
		}
	}
	return patches
}

// MarshalBinary gives the binary form, with a checksum a section.
func (b *Block) MarshalBinary() ([]byte, error) {
	if err := b.Validate(); err != nil {
		return nil, err
	}
	data, err := b.header().marshal(b.sections())
	if err != nil {
		return nil, fmt.Errorf("xor-block: %w", err)
	}
	return data, nil
}

// UnmarshalBinary reads the binary form and checks all of it: checksums,
// lengths, counts and positions. The planes alias data. On an error the stream
// is left as it was.
func (b *Block) UnmarshalBinary(data []byte) error {
	h, sections, err := readHeader(data, CodecBlock, 3)
	if err != nil {
		return fmt.Errorf("xor-block: %w", err)
	}
	if h.registers != 0 || h.part != 0 || h.inverted != 0 {
		return fmt.Errorf("xor-block: n_s = %d, part = %d, inverted = %#x: must all be 0", h.registers, h.part, h.inverted)
	}
	read := Block{Network: h.network, Seed: h.seed, BySeed: h.bySeed, Weights: h.weights, Planes: make([]BlockPlane, h.planes)}
	for i := range read.Planes {
		read.Planes[i] = BlockPlane{Codes: sections[3*i], Counts: sections[3*i+1], Positions: sections[3*i+2]}
	}
	if err := read.Validate(); err != nil {
		return err
	}
	*b = read
	return nil
}

// Decode gives all bits of a plane. Bits that were don't-care are arbitrary.
func (b *Block) Decode(plane int) (Plane, error) {
	d, err := b.Decoder(plane)
	if err != nil {
		return Plane{}, err
	}
	out := NewPlane(b.Weights)
	d.Decode(0, d.Slices(), out.Words)
	return out, nil
}

// Decoder prepares the decoding of a plane, 0..len(Planes)-1, and checks its
// streams.
func (b *Block) Decoder(plane int) (*BlockDecoder, error) {
	if plane < 0 || plane >= len(b.Planes) {
		return nil, fmt.Errorf("xor-block: plane %d of %d", plane, len(b.Planes))
	}
	d, err := NewBlockDecoder(b.Network, b.Weights, &b.Planes[plane])
	if err != nil {
		return nil, fmt.Errorf("plane %d: %w", plane, err)
	}
	return d, nil
}
