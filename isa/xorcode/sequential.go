package xorcode

import "fmt"

// Limits of the sequential code. The work of its encoder grows as
// 2^(n_in (n_s+1)).
const (
	MaxSymbolBits = 8
	MaxRegisters  = 2
)

// Corrections are listed for vectors of VectorBits decoded bits: each as a flag
// of 1 and a position of 9 bits, then a flag of 0 for the end of the vector.
const (
	VectorBits         = 512
	vectorPositionBits = 9
	correctionBits     = 1 + vectorPositionBits
)

// Sequential is a tensor of one or more bit planes in the sequential code. A
// plane of Weights bits is cut into slices of n_out = Network.Outputs bits, the
// last one partly used. Code x_t has SymbolBits bits (n_in), and slice t is the
// outputs of the network for [x_t; x_(t-1); ...; x_(t-n_s)], x_t in the lowest
// inputs: the decoder keeps the n_s = Registers codes before in registers.
//
// The registers are reset to zero every PartSlices slices, so that every part
// decodes by itself, on any of several units. That takes no bits of its own,
// but the first n_s slices of a part have fewer codes to choose from and need
// more corrections.
type Sequential struct {
	Network    *Network // (Registers+1) x SymbolBits inputs
	Seed       uint64   // the network is SpreadNetwork of this seed if BySeed
	BySeed     bool     // the binary form carries the seed in place of the matrix
	SymbolBits int      // 1..MaxSymbolBits
	Registers  int      // 0..MaxRegisters
	PartSlices int      // 0: the whole plane is one part
	Weights    int      // bits of a plane
	Planes     []SequentialPlane
}

// SequentialPlane is one coded plane:
//
//   - Codes: SymbolBits a slice;
//   - Corrections: for every vector of VectorBits bits of a part (its last
//     vector may be shorter) the bits that come out wrong, in rising order;
//   - Inverted: all decoded bits are to be inverted, before the corrections.
//
// There is no index. Codes are at a fixed rate; where the corrections of a part
// begin is found by one pass over them ([SequentialDecoder.Corrections]), and a
// machine that decodes tiles by themselves gets it with each tile.
type SequentialPlane struct {
	Codes       Bitstream
	Corrections Bitstream
	Inverted    bool
}

// Slices is the number of slices of a plane.
func (q *Sequential) Slices() int { return slicesOf(q.Weights, q.Network.Outputs) }

// AppendVector adds the corrections of one vector: positions 0..511, rising.
func (p *SequentialPlane) AppendVector(positions []int) {
	for _, position := range positions {
		p.Corrections.Append(uint64(position)<<1|1, correctionBits)
	}
	p.Corrections.Append(0, 1)
}

// header gives what the sequential code keeps in the common header.
func (q *Sequential) header() *header {
	h := &header{codec: CodecSequential, planes: len(q.Planes), inputs: q.SymbolBits, registers: q.Registers,
		outputs: q.Network.Outputs, part: q.PartSlices, weights: q.Weights, network: q.Network, seed: q.Seed, bySeed: q.BySeed}
	for i := range q.Planes {
		if q.Planes[i].Inverted && i < MaxPlanes {
			h.inverted |= 1 << i
		}
	}
	return h
}

// sections lists the streams of all planes as the binary form keeps them.
func (q *Sequential) sections() []*Bitstream {
	list := make([]*Bitstream, 0, 2*len(q.Planes))
	for i := range q.Planes {
		list = append(list, &q.Planes[i].Codes, &q.Planes[i].Corrections)
	}
	return list
}

// Validate checks parameters and every plane completely.
func (q *Sequential) Validate() error {
	if err := q.check(); err != nil {
		return fmt.Errorf("xor-sequential: %w", err)
	}
	for i := range q.Planes {
		if _, err := q.decoder(nil, i); err != nil {
			return fmt.Errorf("xor-sequential: plane %d: %w", i, err)
		}
	}
	return nil
}

// check checks the parameters.
func (q *Sequential) check() error {
	if q.Network == nil {
		return fmt.Errorf("no network")
	}
	if err := CheckSequentialShape(q.SymbolBits, q.Registers, q.Network.Outputs); err != nil {
		return err
	}
	if err := q.Network.Validate(); err != nil {
		return err
	}
	if want := q.SymbolBits * (q.Registers + 1); q.Network.Inputs != want {
		return fmt.Errorf("the network has %d inputs, n_in = %d and n_s = %d need %d", q.Network.Inputs, q.SymbolBits, q.Registers, want)
	}
	if q.PartSlices < 0 || q.PartSlices > 1<<31-1 {
		return fmt.Errorf("slices of a part = %d: must be 0..%d", q.PartSlices, 1<<31-1)
	}
	return q.header().validate()
}

// CheckSequentialShape says whether the sequential code has these parameters.
func CheckSequentialShape(symbolBits, registers, outputs int) error {
	if symbolBits < 1 || symbolBits > MaxSymbolBits {
		return fmt.Errorf("n_in = %d: must be 1..%d", symbolBits, MaxSymbolBits)
	}
	if registers < 0 || registers > MaxRegisters {
		return fmt.Errorf("n_s = %d: must be 0..%d", registers, MaxRegisters)
	}
	if outputs < 1 || outputs > MaxOutputs {
		return fmt.Errorf("n_out = %d: must be 1..%d", outputs, MaxOutputs)
	}
	return nil
}

// Sizes accounts for every bit of the binary form. The flags of inversion stand
// in the header.
func (q *Sequential) Sizes() Sizes {
	s := q.header().sizes(q.sections())
	for i := range q.Planes {
		s.Codes += q.Planes[i].Codes.Length
		s.Corrections += q.Planes[i].Corrections.Length
	}
	return s
}

// MarshalBinary gives the binary form, with a checksum a section.
func (q *Sequential) MarshalBinary() ([]byte, error) {
	if err := q.Validate(); err != nil {
		return nil, err
	}
	data, err := q.header().marshal(q.sections())
	if err != nil {
		return nil, fmt.Errorf("xor-sequential: %w", err)
	}
	return data, nil
}

// UnmarshalBinary reads the binary form and checks all of it: checksums,
// lengths and corrections. The planes alias data. On an error the stream is
// left as it was.
func (q *Sequential) UnmarshalBinary(data []byte) error {
	h, sections, err := readHeader(data, CodecSequential, 2)
	if err != nil {
		return fmt.Errorf("xor-sequential: %w", err)
	}
	read := Sequential{Network: h.network, Seed: h.seed, BySeed: h.bySeed, SymbolBits: h.inputs, Registers: h.registers,
		PartSlices: h.part, Weights: h.weights, Planes: make([]SequentialPlane, h.planes)}
	for i := range read.Planes {
		read.Planes[i] = SequentialPlane{Codes: sections[2*i], Corrections: sections[2*i+1], Inverted: h.inverted>>i&1 != 0}
	}
	if err := read.Validate(); err != nil {
		return err
	}
	*q = read
	return nil
}

// Decode gives all bits of a plane. Bits that were don't-care are arbitrary.
func (q *Sequential) Decode(plane int) (Plane, error) {
	d, err := q.Decoder(plane)
	if err != nil {
		return Plane{}, err
	}
	out := NewPlane(q.Weights)
	d.Decode(0, d.Parts(), out.Words)
	return out, nil
}

// Decoder prepares the decoding of a plane, 0..len(Planes)-1, and checks its
// streams.
func (q *Sequential) Decoder(plane int) (*SequentialDecoder, error) {
	if err := q.check(); err != nil {
		return nil, fmt.Errorf("xor-sequential: %w", err)
	}
	if plane < 0 || plane >= len(q.Planes) {
		return nil, fmt.Errorf("xor-sequential: plane %d of %d", plane, len(q.Planes))
	}
	d, err := q.decoder(NewTable(q.Network), plane)
	if err != nil {
		return nil, fmt.Errorf("xor-sequential: plane %d: %w", plane, err)
	}
	return d, nil
}
