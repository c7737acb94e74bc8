package onnx

import (
	"errors"
	"fmt"
	"io"
	"math"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
)

const (
	// maxFileBytes bounds a file with its external data; protobuf itself has
	// the same limit.
	maxFileBytes = math.MaxInt32
	// maxItems bounds the number of nodes, attributes, tensors, value infos,
	// dimensions, names and strings together, so that a hostile file of small
	// messages cannot fill the memory. Published networks have thousands.
	maxItems = 1 << 22
)

// decoder holds what the decoding of one file shares.
type decoder struct {
	file     string
	place    []step // the message being decoded, from the root on
	items    int    // see maxItems
	external *externalData
}

// step is one element of a message path. Index is -1 for singular fields.
type step struct {
	field string
	index int
}

func (d *decoder) enter(field string, index int) { d.place = append(d.place, step{field, index}) }
func (d *decoder) leave()                        { d.place = d.place[:len(d.place)-1] }

// fault makes the error for the current place.
func (d *decoder) fault(offset int, format string, arguments ...any) *Error {
	var place []byte
	for i, s := range d.place {
		if i > 0 {
			place = append(place, '.')
		}
		place = append(place, s.field...)
		if s.index >= 0 {
			place = fmt.Appendf(place, "[%d]", s.index)
		}
	}
	return &Error{File: d.file, Place: string(place), Offset: int64(offset), Rule: fmt.Sprintf(format, arguments...)}
}

// noOffset is the offset of faults that are of no particular byte.
const noOffset = -1

// count charges one item against maxItems.
func (d *decoder) count(offset int) error {
	d.items++
	if d.items > maxItems {
		return d.fault(offset, "more than %d nodes, attributes, tensors, dimensions and names in one file", maxItems)
	}
	return nil
}

// message is the encoding of one message and how far it has been read.
type message struct {
	data  []byte
	start int // offset of data in the file
	next  int // index of the next field in data
}

// field is one field of a message.
type field struct {
	number  protowire.Number
	wire    protowire.Type
	scalar  uint64 // of varint and fixed-width fields
	bytes   []byte // of length-delimited fields
	offset  int    // of the tag in the file
	content int    // of the first byte after tag and length, in the file
}

// message gives the content of a length-delimited field as a message.
func (f *field) message() message { return message{data: f.bytes, start: f.content} }

// read takes the next field; ok is false at the end of the message.
func (d *decoder) read(m *message) (f field, ok bool, err error) {
	rest := m.data[m.next:]
	if len(rest) == 0 {
		return field{}, false, nil
	}
	f.offset = m.start + m.next
	number, wire, n := protowire.ConsumeTag(rest)
	if n < 0 {
		return field{}, false, d.fault(f.offset, "%s where a field tag should be", wireFault(n))
	}
	f.number, f.wire, f.content = number, wire, f.offset+n
	rest = rest[n:]
	size := 0
	switch wire {
	case protowire.VarintType:
		f.scalar, size = protowire.ConsumeVarint(rest)
	case protowire.Fixed32Type:
		var v uint32
		v, size = protowire.ConsumeFixed32(rest)
		f.scalar = uint64(v)
	case protowire.Fixed64Type:
		f.scalar, size = protowire.ConsumeFixed64(rest)
	case protowire.BytesType:
		length, n := protowire.ConsumeVarint(rest)
		if n < 0 {
			return field{}, false, d.fault(f.offset, "%s in the length of field %d", wireFault(n), number)
		}
		if length > uint64(len(rest)-n) {
			return field{}, false, d.fault(f.offset, "truncated: field %d has %d bytes, but only %d follow in its message", number, length, len(rest)-n)
		}
		f.content += n
		f.bytes, size = rest[n:n+int(length):n+int(length)], n+int(length)
	default:
		return field{}, false, d.fault(f.offset, "field %d has wire type %d, which ONNX does not use", number, wire)
	}
	if size < 0 {
		return field{}, false, d.fault(f.offset, "%s in field %d", wireFault(size), number)
	}
	m.next = f.content - m.start
	if wire == protowire.BytesType {
		m.next += len(f.bytes)
	} else {
		m.next += size
	}
	return f, true, nil
}

// wireFault says what protowire found wrong.
func wireFault(code int) string {
	err := protowire.ParseError(code)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return "truncated"
	}
	return "malformed bytes"
}

var wireNames = [...]string{
	protowire.VarintType: "varint", protowire.Fixed64Type: "64-bit", protowire.BytesType: "length-delimited",
	protowire.StartGroupType: "group start", protowire.EndGroupType: "group end", protowire.Fixed32Type: "32-bit",
}

// want checks the wire type of a field that has only one.
func (d *decoder) want(f *field, name string, wire protowire.Type) error {
	if f.wire != wire {
		return d.fault(f.offset, "%s (field %d) is %s on the wire, must be %s", name, f.number, wireNames[f.wire], wireNames[wire])
	}
	return nil
}

// integer reads a singular varint.
func (d *decoder) integer(f *field, name string, to *int64) error {
	*to = int64(f.scalar)
	return d.want(f, name, protowire.VarintType)
}

// enum reads a singular varint of 32 bits, from which protobuf drops the rest.
func (d *decoder) enum(f *field, name string, to *ElementType) error {
	*to = ElementType(int32(f.scalar))
	return d.want(f, name, protowire.VarintType)
}

// text reads a string, which must be UTF-8.
func (d *decoder) text(f *field, name string, to *string) error {
	if err := d.want(f, name, protowire.BytesType); err != nil {
		return err
	}
	if !utf8.Valid(f.bytes) {
		return d.fault(f.offset, "%s is not valid UTF-8: %s", name, quote(string(f.bytes[:min(len(f.bytes), 80)])))
	}
	*to = string(f.bytes)
	return nil
}

// texts reads one entry of a repeated string.
func (d *decoder) texts(f *field, name string, to *[]string) error {
	if err := d.count(f.offset); err != nil {
		return err
	}
	var s string
	if err := d.text(f, name, &s); err != nil {
		return err
	}
	*to = append(*to, s)
	return nil
}

// repeatedIntegers reads a repeated varint, packed or not.
func (d *decoder) repeatedIntegers(f *field, name string, to *[]int64) error {
	if f.wire != protowire.BytesType {
		*to = append(*to, int64(f.scalar))
		return d.want(f, name, protowire.VarintType)
	}
	if *to == nil {
		*to = make([]int64, 0, varints(f.bytes))
	}
	return d.packed(f, name, func(v uint64) error {
		*to = append(*to, int64(v))
		return nil
	})
}

// varints counts the varints that the bytes of a packed field hold.
func varints(packed []byte) int {
	n := 0
	for _, b := range packed {
		if b < 0x80 { // last byte of a varint
			n++
		}
	}
	return n
}

// packed calls use for every varint of a packed field.
func (d *decoder) packed(f *field, name string, use func(v uint64) error) error {
	for at := 0; at < len(f.bytes); {
		v, n := protowire.ConsumeVarint(f.bytes[at:])
		if n < 0 {
			return d.fault(f.content+at, "%s in packed %s", wireFault(n), name)
		}
		if err := use(v); err != nil {
			return err
		}
		at += n
	}
	return nil
}

// occurrences counts the fields of m by number, as far as m is well-formed.
func (d *decoder) occurrences(m message) (counts [32]int) {
	for {
		f, ok, err := d.read(&m)
		if err != nil || !ok {
			return counts
		}
		if int(f.number) < len(counts) {
			counts[f.number]++
		}
	}
}

// room makes a list with room for count messages found in that many bytes, so
// that it does not grow by copying. least is the length of the shortest valid
// message with its tag: where there are shorter ones the list is not made to
// hold them, as reading will stop at the first.
func room[T any](count, bytes, least int) []T {
	if count == 0 {
		return nil
	}
	return make([]T, 0, min(count, bytes/least, maxItems))
}
