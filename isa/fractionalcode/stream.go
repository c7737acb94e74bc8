package fractionalcode

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"

	"github.com/npusim/npusim/isa/xorcode"
)

// Binary form, numbers little-endian:
//
//	 0  magic "XORF"
//	 4  version, 1
//	 5  planes, 1..MaxPlanes
//	 6  order
//	 7  1 if there is an integer form, else 0
//	 8  n_in
//	 9  0
//	10  n_out (2 bytes)
//	12  channels (4 bytes)
//	16  weights (8 bytes)
//	24  steps of the integer form (4 bytes): 0, 1 or channels
//	28  bytes of the networks (4 bytes)
//	32  CRC-32C of every section (4 bytes each)
//	    CRC-32C of all before
//	    sections, one after another:
//	      networks: for each plane 1, taps (1 byte), seed (8 bytes);
//	                or 2, the rows of the matrix with ceil(n_in/8) bytes each
//	      codes, for each plane a section: n_in bits a slice, padded to a byte
//	      scales: float32 [plane][channel]
//	      integer form, if there: int8 [plane][channel], float32 steps
const (
	magic         = "XORF"
	version       = 1
	headerBytes   = 32
	checksumBytes = 4
	seedBytes     = 10
)

// Forms of a network in the binary form.
const (
	seedForm   = 1
	matrixForm = 2
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// sections is the number of sections of the binary form.
func (c *Code) sections() int { return sectionCount(len(c.Planes), c.Integer != nil) }

func sectionCount(planes int, integer bool) int {
	if integer {
		return planes + 3
	}
	return planes + 2
}

func (c *Code) networkBytes() int {
	size := 0
	for p := range c.Planes {
		if n := &c.Planes[p].Network; n.Generator != nil {
			size += seedBytes
		} else {
			size += 1 + n.Matrix.Outputs*rowBytes(n.Matrix.Inputs)
		}
	}
	return size
}

func rowBytes(inputs int) int { return (inputs + 7) / 8 }

// MarshalBinary gives the binary form.
func (c *Code) MarshalBinary() ([]byte, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	list := make([][]byte, 0, c.sections())
	list = append(list, c.appendNetworks(nil))
	var scales []byte
	for p := range c.Planes {
		list = append(list, c.Planes[p].Codes.Bytes)
		scales = appendFloats(scales, c.Planes[p].Scales)
	}
	list = append(list, scales)
	integer, steps := byte(0), 0
	if n := c.Integer; n != nil {
		integer, steps = 1, len(n.Steps)
		data := make([]byte, 0, len(n.Scales)+4*len(n.Steps))
		for _, s := range n.Scales {
			data = append(data, byte(s))
		}
		list = append(list, appendFloats(data, n.Steps))
	}
	size := headerBytes + checksumBytes*(len(list)+1)
	for _, s := range list {
		size += len(s)
	}
	data := make([]byte, 0, size)
	data = append(data, magic...)
	data = append(data, version, byte(len(c.Planes)), byte(c.Order), integer, byte(c.Inputs()), 0)
	data = binary.LittleEndian.AppendUint16(data, uint16(c.Outputs()))
	data = binary.LittleEndian.AppendUint32(data, uint32(c.Channels))
	data = binary.LittleEndian.AppendUint64(data, uint64(c.Weights))
	data = binary.LittleEndian.AppendUint32(data, uint32(steps))
	data = binary.LittleEndian.AppendUint32(data, uint32(len(list[0])))
	for _, s := range list {
		data = binary.LittleEndian.AppendUint32(data, crc32.Checksum(s, castagnoli))
	}
	data = binary.LittleEndian.AppendUint32(data, crc32.Checksum(data, castagnoli))
	for _, s := range list {
		data = append(data, s...)
	}
	return data, nil
}

func (c *Code) appendNetworks(data []byte) []byte {
	var word [8]byte
	for p := range c.Planes {
		n := &c.Planes[p].Network
		if g := n.Generator; g != nil {
			data = append(data, seedForm, byte(g.Taps))
			data = binary.LittleEndian.AppendUint64(data, g.Seed)
			continue
		}
		data = append(data, matrixForm)
		for _, row := range n.Matrix.Rows {
			binary.LittleEndian.PutUint64(word[:], row)
			data = append(data, word[:rowBytes(n.Matrix.Inputs)]...)
		}
	}
	return data
}

func appendFloats(data []byte, values []float32) []byte {
	for _, v := range values {
		data = binary.LittleEndian.AppendUint32(data, math.Float32bits(v))
	}
	return data
}

func readFloats(data []byte, into []float32) {
	for i := range into {
		into[i] = math.Float32frombits(binary.LittleEndian.Uint32(data[4*i:]))
	}
}

// UnmarshalBinary reads the binary form and checks all of it. The codes alias
// data. On an error the code is left as it was.
func (c *Code) UnmarshalBinary(data []byte) error {
	read, err := unmarshal(data)
	if err != nil {
		return fmt.Errorf("xor-fractional: %w", err)
	}
	if err := read.Validate(); err != nil {
		return err
	}
	*c = *read
	return nil
}

func unmarshal(data []byte) (*Code, error) {
	if len(data) < headerBytes+checksumBytes || string(data[:4]) != magic {
		return nil, errors.New("no stream of fractional codes: magic or header is missing")
	}
	if data[4] != version {
		return nil, fmt.Errorf("version %d, this program reads version %d", data[4], version)
	}
	planes, order, integer := int(data[5]), Order(data[6]), data[7]
	inputs, outputs := int(data[8]), int(binary.LittleEndian.Uint16(data[10:]))
	channels := int64(binary.LittleEndian.Uint32(data[12:]))
	weights := binary.LittleEndian.Uint64(data[16:])
	steps := int64(binary.LittleEndian.Uint32(data[24:]))
	networks := int64(binary.LittleEndian.Uint32(data[28:]))
	if weights > MaxWeights {
		return nil, fmt.Errorf("weights = %d: must be 1..%d", weights, MaxWeights)
	}
	if err := checkExtent(int(weights), int(channels), order, planes); err != nil {
		return nil, err
	}
	if err := xorcode.CheckShape(inputs, outputs); err != nil {
		return nil, err
	}
	if integer > 1 || data[9] != 0 {
		return nil, fmt.Errorf("flags %d and reserved byte %d: must be 0 or 1, and 0", integer, data[9])
	}
	if (integer == 1) != (steps != 0) || steps > 1 && steps != channels {
		return nil, fmt.Errorf("%d steps of the integer form: must be 0 without it, else 1 or the %d channels", steps, channels)
	}
	code := &Code{Weights: int(weights), Channels: int(channels), Order: order, Planes: make([]Plane, planes)}
	length := xorcode.Bits(slicesOf(code.Weights, outputs)) * xorcode.Bits(inputs)
	sizes := []int64{networks}
	for range planes {
		sizes = append(sizes, int64(length+7)/8)
	}
	sizes = append(sizes, 4*int64(planes)*channels)
	if integer == 1 {
		sizes = append(sizes, int64(planes)*channels+4*steps)
	}
	sections, err := readSections(data, sizes)
	if err != nil {
		return nil, err
	}
	if err := code.readNetworks(sections[0], inputs, outputs); err != nil {
		return nil, err
	}
	for p := range code.Planes {
		plane := &code.Planes[p]
		plane.Codes = xorcode.Bitstream{Length: length, Bytes: sections[1+p]}
		plane.Scales = make([]float32, channels)
		readFloats(sections[1+planes][4*p*code.Channels:], plane.Scales)
	}
	if integer == 1 {
		section := sections[2+planes]
		code.Integer = &Integer{Scales: make([]int8, planes*code.Channels), Steps: make([]float32, steps)}
		for i := range code.Integer.Scales {
			code.Integer.Scales[i] = int8(section[i])
		}
		readFloats(section[len(code.Integer.Scales):], code.Integer.Steps)
	}
	return code, nil
}

// readSections checks the checksums and cuts the data into sections of the
// given sizes, which must take all of it.
func readSections(data []byte, sizes []int64) ([][]byte, error) {
	table := headerBytes + checksumBytes*len(sizes)
	if len(data) < table+checksumBytes {
		return nil, fmt.Errorf("cut off in the table of checksums, at byte %d", len(data))
	}
	if crc32.Checksum(data[:table], castagnoli) != binary.LittleEndian.Uint32(data[table:]) {
		return nil, errors.New("checksum of the header does not match")
	}
	rest := data[table+checksumBytes:]
	list := make([][]byte, len(sizes))
	for i, size := range sizes {
		if size > int64(len(rest)) {
			return nil, fmt.Errorf("section %d of %d is cut off: %d of %d bytes are there", i+1, len(sizes), len(rest), size)
		}
		list[i], rest = rest[:size:size], rest[size:]
		if crc32.Checksum(list[i], castagnoli) != binary.LittleEndian.Uint32(data[headerBytes+checksumBytes*i:]) {
			return nil, fmt.Errorf("checksum of section %d of %d does not match", i+1, len(sizes))
		}
	}
	if len(rest) != 0 {
		return nil, fmt.Errorf("%d bytes after the last section", len(rest))
	}
	return list, nil
}

func (c *Code) readNetworks(data []byte, inputs, outputs int) error {
	width := rowBytes(inputs)
	for p := range c.Planes {
		n := &c.Planes[p].Network
		switch {
		case len(data) >= seedBytes && data[0] == seedForm:
			n.Generator = &Generator{Taps: int(data[1]), Seed: binary.LittleEndian.Uint64(data[2:])}
			var err error
			if n.Matrix, err = n.Generator.Network(inputs, outputs); err != nil {
				return fmt.Errorf("plane %d: %w", p, err)
			}
			data = data[seedBytes:]
		case len(data) >= 1+outputs*width && data[0] == matrixForm:
			rows := make([]uint64, outputs)
			for r := range rows {
				var word [8]byte
				copy(word[:], data[1+r*width:][:width])
				rows[r] = binary.LittleEndian.Uint64(word[:])
			}
			var err error
			if n.Matrix, err = xorcode.NewNetwork(inputs, outputs, rows); err != nil {
				return fmt.Errorf("plane %d: %w", p, err)
			}
			data = data[1+outputs*width:]
		default:
			return fmt.Errorf("network of plane %d: form %d (seed) or %d (matrix) with all its bytes is missing", p, seedForm, matrixForm)
		}
	}
	if len(data) != 0 {
		return fmt.Errorf("%d bytes after the last network", len(data))
	}
	return nil
}
