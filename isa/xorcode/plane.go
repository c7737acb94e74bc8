package xorcode

import (
	"fmt"
	"math/bits"
)

// Plane is a vector of bits: bit i is bit i%64 of Words[i/64]. Bits of the last
// word past the length are zero, which every function here keeps and
// [PlaneOf] establishes. A Plane shares its words when copied.
type Plane struct {
	length int
	Words  []uint64
}

// Words is the number of 64-bit words that hold n bits.
func Words(n int) int {
	return (n + 63) / 64
}

// NewPlane makes a plane of n zero bits, n >= 0.
func NewPlane(n int) Plane {
	return Plane{length: n, Words: make([]uint64, Words(n))}
}

// PlaneOf makes a plane of n bits over the given words, which it keeps. It
// refuses a wrong number of words and set bits past the length.
func PlaneOf(n int, words []uint64) (Plane, error) {
	if n < 0 || len(words) != Words(n) {
		return Plane{}, fmt.Errorf("bit plane: %d words for %d bits", len(words), n)
	}
	if n%64 != 0 && words[len(words)-1]>>(n%64) != 0 {
		return Plane{}, fmt.Errorf("bit plane: a bit past the length of %d is set", n)
	}
	return Plane{length: n, Words: words}, nil
}

// Len is the number of bits.
func (p Plane) Len() int { return p.length }

// Get says whether bit i is set, i in 0..Len-1.
func (p Plane) Get(i int) bool { return p.Words[i>>6]>>(i&63)&1 != 0 }

// Set sets bit i to value, i in 0..Len-1.
func (p Plane) Set(i int, value bool) {
	if value {
		p.Words[i>>6] |= 1 << (i & 63)
	} else {
		p.Words[i>>6] &^= 1 << (i & 63)
	}
}

// Count is the number of set bits.
func (p Plane) Count() int {
	count := 0
	for _, word := range p.Words {
		count += bits.OnesCount64(word)
	}
	return count
}

// Clone is a copy with words of its own.
func (p Plane) Clone() Plane {
	return Plane{length: p.length, Words: append([]uint64(nil), p.Words...)}
}

// Bits gives count bits from bit at onwards, count 0..64, the first as bit 0.
// Bits past the end of the plane are zero.
func (p Plane) Bits(at, count int) uint64 {
	word, shift := at>>6, at&63
	if word >= len(p.Words) {
		return 0
	}
	value := p.Words[word] >> shift
	if shift != 0 && word+1 < len(p.Words) {
		value |= p.Words[word+1] << (64 - shift)
	}
	return value & lowMask(count)
}
