package binarycode

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

// The container's header: a fixed part, the ranges, four checksums.
const (
	magic         = "NBC1"
	version       = 1
	fixedBytes    = 36
	rangeBytes    = 8
	checksumBytes = 16
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func headerBytes(ranges int) int { return fixedBytes + ranges*rangeBytes + checksumBytes }

// Encode writes the container (see the package comment).
func (p *Packed) Encode() ([]byte, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	l := &p.Layout
	header := headerBytes(len(l.Shape.Ranges))
	out := make([]byte, 0, header+len(p.Keys)+len(p.Scales)+len(p.Shifts))
	out = append(out, magic...)
	out = binary.LittleEndian.AppendUint16(out, version)
	out = append(out, uint8(l.Mu), uint8(l.Format), uint8(p.Exponent), 0, 0, 0)
	for _, v := range []int{l.Shape.Rows, l.Shape.Columns, l.Shape.Group, l.TileRows, l.TileKeys, len(l.Shape.Ranges)} {
		out = binary.LittleEndian.AppendUint32(out, uint32(v))
	}
	for _, r := range l.Shape.Ranges {
		out = binary.LittleEndian.AppendUint32(out, uint32(r.Rows))
		shared := uint8(0)
		if r.Shared {
			shared = 1
		}
		out = append(out, uint8(r.Planes), shared, 0, 0)
	}
	for _, stream := range [][]byte{p.Keys, p.Scales, p.Shifts} {
		out = binary.LittleEndian.AppendUint32(out, crc32.Checksum(stream, castagnoli))
	}
	out = binary.LittleEndian.AppendUint32(out, crc32.Checksum(out, castagnoli))
	out = append(out, p.Keys...)
	out = append(out, p.Scales...)
	return append(out, p.Shifts...), nil
}

// Decode reads a container. The streams are parts of data, which must not change
// afterwards. It checks all of the header, lengths and checksums; Unpack checks
// the streams' contents.
func Decode(data []byte) (*Packed, error) {
	if len(data) < fixedBytes || string(data[:4]) != magic {
		return nil, fmt.Errorf("not a matrix in binary codes: the file must start with %q and a header of %d bytes or more", magic, headerBytes(1))
	}
	if v := binary.LittleEndian.Uint16(data[4:]); v != version {
		return nil, fmt.Errorf("version %d: must be %d", v, version)
	}
	word := func(at int) int { return int(binary.LittleEndian.Uint32(data[at:])) }
	ranges := word(32)
	if ranges > (len(data)-fixedBytes)/rangeBytes || headerBytes(ranges) > len(data) {
		return nil, fmt.Errorf("%d row ranges: the file ends in the header", ranges)
	}
	header := headerBytes(ranges)
	if err := checksum("header", data[:header-4], word(header-4)); err != nil {
		return nil, err
	}
	p := &Packed{Exponent: int8(data[8]), Layout: Layout{
		Shape:    Shape{Rows: word(12), Columns: word(16), Group: word(20), Ranges: make([]Range, ranges)},
		Mu:       int(data[6]),
		TileRows: word(24),
		TileKeys: word(28),
		Format:   ScaleFormat(data[7]),
	}}
	reserved := data[9] | data[10] | data[11]
	for i := range ranges {
		at := fixedBytes + i*rangeBytes
		shared := data[at+5]
		reserved |= shared&^1 | data[at+6] | data[at+7]
		p.Layout.Shape.Ranges[i] = Range{Rows: word(at), Planes: int(data[at+4]), Shared: shared == 1}
	}
	if reserved != 0 {
		return nil, errors.New("header: reserved bytes are not 0")
	}
	if err := p.Layout.Validate(); err != nil {
		return nil, fmt.Errorf("header: %w", err)
	}
	sizes := p.Layout.Sizes()
	if have := int64(len(data) - header); have != sizes.Total() {
		return nil, fmt.Errorf("%d bytes after the header, its layout has %d", have, sizes.Total())
	}
	rest := data[header:]
	p.Keys, rest = rest[:sizes.Keys:sizes.Keys], rest[sizes.Keys:]
	p.Scales, p.Shifts = rest[:sizes.Scales:sizes.Scales], rest[sizes.Scales:]
	for i, stream := range [][]byte{p.Keys, p.Scales, p.Shifts} {
		if err := checksum([]string{"keys", "scales", "shifts"}[i], stream, word(header-checksumBytes+4*i)); err != nil {
			return nil, err
		}
	}
	return p, nil
}

func checksum(name string, data []byte, want int) error {
	if got := crc32.Checksum(data, castagnoli); got != uint32(want) {
		return fmt.Errorf("%s: checksum is %#08x, must be %#08x", name, got, uint32(want))
	}
	return nil
}
