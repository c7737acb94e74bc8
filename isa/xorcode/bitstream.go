package xorcode

import (
	"encoding/binary"
	"fmt"
)

// Bits is a size in bits.
type Bits int64

// PerWeight is the size a weight; 0 if there are no weights.
func (b Bits) PerWeight(weights int) float64 {
	if weights == 0 {
		return 0
	}
	return float64(b) / float64(weights)
}

// Bitstream is a string of bits: bit i is bit i%8 of Bytes[i/8]. It has as many
// bytes as it needs, and the bits of the last byte past the length are zero.
// The zero value is the empty string.
type Bitstream struct {
	Length Bits
	Bytes  []byte
}

// Validate checks the number of bytes and the unused bits of the last one.
func (s *Bitstream) Validate() error {
	if s.Length < 0 || int64(len(s.Bytes)) != int64(s.Length+7)/8 {
		return fmt.Errorf("%d bytes hold %d bits", len(s.Bytes), s.Length)
	}
	if used := s.Length % 8; used != 0 && s.Bytes[len(s.Bytes)-1]>>used != 0 {
		return fmt.Errorf("a bit past the length of %d bits is set", s.Length)
	}
	return nil
}

// Append adds the count lowest bits of value, the least first. Count is 0..64,
// and value has no bits set above.
func (s *Bitstream) Append(value uint64, count int) {
	for count > 0 {
		used := int(s.Length & 7)
		if used == 0 {
			s.Bytes = append(s.Bytes, 0)
		}
		s.Bytes[len(s.Bytes)-1] |= byte(value << used)
		taken := min(8-used, count)
		value >>= taken
		count -= taken
		s.Length += Bits(taken)
	}
}

// AppendStream adds all bits of another string.
func (s *Bitstream) AppendStream(other *Bitstream) {
	if s.Length&7 == 0 {
		s.Bytes = append(s.Bytes, other.Bytes...)
		s.Length += other.Length
		return
	}
	for at := Bits(0); at < other.Length; at += 32 {
		count := int(min(32, other.Length-at))
		s.Append(other.At(at, count), count)
	}
}

// At reads count bits from bit at onwards, the first as bit 0. Count is 0..64;
// bits past the end read as zero.
func (s *Bitstream) At(at Bits, count int) uint64 {
	if count > 56 {
		return s.At(at, 32) | s.At(at+32, count-32)<<32
	}
	first := int(at >> 3)
	var word uint64
	if first+8 <= len(s.Bytes) {
		word = binary.LittleEndian.Uint64(s.Bytes[first:])
	} else {
		for i := first; i < len(s.Bytes); i++ {
			word |= uint64(s.Bytes[i]) << (8 * (i - first))
		}
	}
	return word >> (at & 7) & lowMask(count)
}
