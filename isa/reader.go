package isa

import (
	"encoding/binary"
	"fmt"
)

// reader takes values off a section. After the first fault every call returns
// zero values, so that callers check err once.
type reader struct {
	data   []byte
	at     int
	err    error
	failed int // offset in the section of what broke the rule
}

func (r *reader) fail(format string, arguments ...any) {
	r.failAt(r.at, fmt.Errorf(format, arguments...))
}

func (r *reader) failAt(offset int, err error) {
	if r.err == nil {
		r.err, r.failed = err, offset
	}
}

// more tells whether another record follows.
func (r *reader) more() bool { return r.err == nil && r.at < len(r.data) }

// take returns the next n bytes, nil after a fault.
func (r *reader) take(n int) []byte {
	if r.err == nil && n > len(r.data)-r.at {
		r.fail("%d bytes are needed, %d are left", n, len(r.data)-r.at)
	}
	if r.err != nil {
		return nil
	}
	b := r.data[r.at : r.at+n]
	r.at += n
	return b
}

func (r *reader) u8() uint8 {
	if b := r.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (r *reader) u16() uint16 {
	if b := r.take(2); b != nil {
		return binary.LittleEndian.Uint16(b)
	}
	return 0
}

func (r *reader) u32() uint32 {
	if b := r.take(4); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

func (r *reader) u64() uint64 {
	if b := r.take(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

// count reads a u32 number of records of at least size bytes each and refuses
// one that the rest of the section cannot hold.
func (r *reader) count(what string, size int) int {
	start := r.at
	n := r.u32()
	if r.err == nil && uint64(n)*uint64(size) > uint64(len(r.data)-r.at) {
		r.failAt(start, fmt.Errorf("%d %s do not fit the %d bytes left", n, what, len(r.data)-r.at))
	}
	if r.err != nil {
		return 0
	}
	return int(n)
}

// text reads a u32 length and that many bytes.
func (r *reader) text() string { return string(r.take(r.count("bytes of text", 1))) }

func appendText(data []byte, s string) []byte {
	data = binary.LittleEndian.AppendUint32(data, uint32(len(s)))
	return append(data, s...)
}
