package xorcode

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math/bits"
)

// Codec names a format of coded weights.
type Codec uint8

const (
	CodecInvalid    Codec = iota
	CodecBlock            // xor-block
	CodecSequential       // xor-sequential
)

var codecNames = [...]string{
	CodecInvalid:    "invalid",
	CodecBlock:      "xor-block",
	CodecSequential: "xor-sequential",
}

func (c Codec) String() string {
	if int(c) < len(codecNames) {
		return codecNames[c]
	}
	return fmt.Sprintf("codec %d", uint8(c))
}

// Limits of every stream.
const (
	MaxPlanes  = 32
	MaxWeights = 1 << 36 // bits of one plane
)

// Binary form of a coded stream, numbers little-endian:
//
//	 0  magic "XORW"
//	 4  version, 2 (1 drew the networks of the sequential code in another way)
//	 5  codec
//	 6  planes, 1..MaxPlanes
//	 7  1 if the network is a random one known by its seed, 2 if it is a section
//	 8  n_in: bits of a code
//	 9  n_s: codes before the present one that the network taps
//	10  n_out: bits of a slice (2 bytes)
//	12  slices of a part that decodes by itself (4 bytes), 0: the whole plane
//	16  weights: bits of a plane (8 bytes)
//	24  seed of the network (8 bytes), 0 if the network is a section
//	32  plane p is stored inverted if bit p is set (4 bytes)
//	36  sections (4 bytes)
//	40  table of sections: length in bits (8 bytes), CRC-32C of its bytes (4 bytes)
//	    CRC-32C of all before (4 bytes)
//	    sections, each from a byte on
const (
	streamMagic   = "XORW"
	streamVersion = 2
	headerBytes   = 40
	sectionBytes  = 12
	checksumBytes = 4
	seedBits      = Bits(64)
)

// networkForm says how a stream carries its network.
type networkForm uint8

const (
	networkInvalid networkForm = iota
	networkSeed
	networkMatrix
)

// header is what both codecs keep in front of their sections.
type header struct {
	codec     Codec
	planes    int
	inputs    int
	registers int
	outputs   int
	part      int
	weights   int
	inverted  uint32
	network   *Network
	seed      uint64
	bySeed    bool
}

// validate checks all but the network.
func (h *header) validate() error {
	if h.planes < 1 || h.planes > MaxPlanes {
		return fmt.Errorf("planes = %d: must be 1..%d", h.planes, MaxPlanes)
	}
	if h.weights < 0 || h.weights > MaxWeights {
		return fmt.Errorf("weights = %d: must be 0..%d", h.weights, MaxWeights)
	}
	if h.inverted>>h.planes != 0 {
		return fmt.Errorf("plane %d of %d is marked inverted", bits.Len32(h.inverted)-1, h.planes)
	}
	return CheckShape(h.inputs*(h.registers+1), h.outputs)
}

// drawn is the network that the seed stands for.
func (h *header) drawn() *Network {
	if h.codec == CodecSequential {
		return SpreadNetwork(h.inputs, h.registers, h.outputs, h.seed)
	}
	return RandomNetwork(h.inputs*(h.registers+1), h.outputs, h.seed)
}

// marshal puts header, table and sections together.
func (h *header) marshal(sections []*Bitstream) ([]byte, error) {
	if err := h.network.Validate(); err != nil {
		return nil, err
	}
	form, seed := networkSeed, h.seed
	if h.bySeed {
		if !h.network.Equal(h.drawn()) {
			return nil, fmt.Errorf("the network is not the random one of seed %d", h.seed)
		}
	} else {
		form, seed = networkMatrix, 0
		data, err := h.network.MarshalBinary()
		if err != nil {
			return nil, err
		}
		matrix := &Bitstream{Length: Bits(8 * len(data)), Bytes: data}
		sections = append([]*Bitstream{matrix}, sections...)
	}
	data := make([]byte, 0, headerBytes+sectionBytes*len(sections)+checksumBytes)
	data = append(data, streamMagic...)
	data = append(data, streamVersion, byte(h.codec), byte(h.planes), byte(form), byte(h.inputs), byte(h.registers))
	data = binary.LittleEndian.AppendUint16(data, uint16(h.outputs))
	data = binary.LittleEndian.AppendUint32(data, uint32(h.part))
	data = binary.LittleEndian.AppendUint64(data, uint64(h.weights))
	data = binary.LittleEndian.AppendUint64(data, seed)
	data = binary.LittleEndian.AppendUint32(data, h.inverted)
	data = binary.LittleEndian.AppendUint32(data, uint32(len(sections)))
	for _, s := range sections {
		data = binary.LittleEndian.AppendUint64(data, uint64(s.Length))
		data = binary.LittleEndian.AppendUint32(data, crc32.Checksum(s.Bytes, castagnoli))
	}
	data = binary.LittleEndian.AppendUint32(data, crc32.Checksum(data, castagnoli))
	for _, s := range sections {
		data = append(data, s.Bytes...)
	}
	return data, nil
}

// readHeader reads header and sections of a stream of the given codec, which
// keeps perPlane sections for each plane. The sections alias data.
func readHeader(data []byte, codec Codec, perPlane int) (*header, []Bitstream, error) {
	if len(data) < headerBytes+checksumBytes || string(data[:4]) != streamMagic {
		return nil, nil, errors.New("no stream of coded weights: magic or header is missing")
	}
	if data[4] != streamVersion {
		return nil, nil, fmt.Errorf("version %d, this program reads version %d", data[4], streamVersion)
	}
	if Codec(data[5]) != codec {
		return nil, nil, fmt.Errorf("codec is %v, want %v", Codec(data[5]), codec)
	}
	form := networkForm(data[7])
	if form != networkSeed && form != networkMatrix {
		return nil, nil, fmt.Errorf("network form %d: must be %d (seed) or %d (matrix)", form, networkSeed, networkMatrix)
	}
	weights := binary.LittleEndian.Uint64(data[16:])
	if weights > MaxWeights {
		return nil, nil, fmt.Errorf("weights = %d: must be 0..%d", weights, MaxWeights)
	}
	h := &header{
		codec: codec, planes: int(data[6]), inputs: int(data[8]), registers: int(data[9]),
		outputs: int(binary.LittleEndian.Uint16(data[10:])), part: int(binary.LittleEndian.Uint32(data[12:])),
		weights: int(weights), seed: binary.LittleEndian.Uint64(data[24:]), inverted: binary.LittleEndian.Uint32(data[32:]),
		bySeed: form == networkSeed,
	}
	if err := h.validate(); err != nil {
		return nil, nil, err
	}
	want := h.planes * perPlane
	if !h.bySeed {
		want++
	}
	if count := binary.LittleEndian.Uint32(data[36:]); int64(count) != int64(want) {
		return nil, nil, fmt.Errorf("%d sections, %d planes have %d", count, h.planes, want)
	}
	sections, err := readSections(data, want)
	if err != nil {
		return nil, nil, err
	}
	if h.bySeed {
		h.network = h.drawn()
		return h, sections, nil
	}
	if h.seed != 0 {
		return nil, nil, errors.New("a stream with a matrix has a seed as well")
	}
	h.network = new(Network)
	if err := h.network.UnmarshalBinary(sections[0].Bytes); err != nil {
		return nil, nil, err
	}
	if h.network.Inputs != h.inputs*(h.registers+1) || h.network.Outputs != h.outputs {
		return nil, nil, fmt.Errorf("the network has %d inputs and %d outputs, the stream needs %d and %d",
			h.network.Inputs, h.network.Outputs, h.inputs*(h.registers+1), h.outputs)
	}
	return h, sections[1:], nil
}

// readSections reads the table of sections and what it describes.
func readSections(data []byte, count int) ([]Bitstream, error) {
	table := headerBytes + count*sectionBytes
	if len(data) < table+checksumBytes {
		return nil, fmt.Errorf("cut off in the table of sections, at byte %d", len(data))
	}
	if crc32.Checksum(data[:table], castagnoli) != binary.LittleEndian.Uint32(data[table:]) {
		return nil, errors.New("checksum of the header does not match")
	}
	sections := make([]Bitstream, count)
	rest := data[table+checksumBytes:]
	for i := range sections {
		entry := data[headerBytes+i*sectionBytes:]
		length := binary.LittleEndian.Uint64(entry)
		if length > 8*uint64(len(rest)) {
			return nil, fmt.Errorf("section %d of %d is cut off: %d of %d bits are there", i+1, count, 8*len(rest), length)
		}
		size := int(length+7) / 8
		s := Bitstream{Length: Bits(length), Bytes: rest[:size:size]}
		if crc32.Checksum(s.Bytes, castagnoli) != binary.LittleEndian.Uint32(entry[8:]) {
			return nil, fmt.Errorf("section %d of %d: checksum does not match", i+1, count)
		}
		if err := s.Validate(); err != nil {
			return nil, fmt.Errorf("section %d of %d: %w", i+1, count, err)
		}
		sections[i] = s
		rest = rest[size:]
	}
	if len(rest) != 0 {
		return nil, fmt.Errorf("%d bytes after the last section", len(rest))
	}
	return sections, nil
}

// sizes counts network and header, with the padding of the given sections.
func (h *header) sizes(sections []*Bitstream) Sizes {
	count, network := len(sections), seedBits
	head := Bits(8*(headerBytes+checksumBytes)) - seedBits
	if !h.bySeed {
		count++
		network = Bits(8 * (networkHeader + h.network.Outputs*((h.network.Inputs+7)/8) + checksumBytes))
		head += seedBits
	}
	head += Bits(8 * sectionBytes * count)
	for _, s := range sections {
		head += Bits(8*len(s.Bytes)) - s.Length
	}
	return Sizes{Network: network, Header: head}
}
