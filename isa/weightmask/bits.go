package weightmask

import "encoding/binary"

// readBits gives count bits from bit at onwards, count 1..64, the first as bit
// 0. Bits past the end are zero.
func readBits(data []byte, at, count int) uint64 {
	from, shift := at>>3, at&7
	var low, high uint64
	if from+9 <= len(data) {
		low, high = binary.LittleEndian.Uint64(data[from:]), uint64(data[from+8])
	} else {
		for i, b := range data[min(from, len(data)):] {
			if i < 8 {
				low |= uint64(b) << (8 * i)
			} else {
				high = uint64(b)
				break
			}
		}
	}
	// A shift of 64 bits gives 0 in Go, so an aligned read takes no high byte.
	return (low>>shift | high<<(64-shift)) & (^uint64(0) >> (64 - count))
}

// orBits sets the bits of value, count 1..64 of them, from bit at onwards.
// value has no bits past count, and all bits lie in words.
func orBits(words []uint64, at, count int, value uint64) {
	word, shift := at>>6, at&63
	words[word] |= value << shift
	if shift+count > 64 {
		words[word+1] |= value >> (64 - shift)
	}
}

// setBits sets count bits from bit at onwards.
func setBits(words []uint64, at, count int) {
	for count > 0 {
		shift := at & 63
		n := min(count, 64-shift)
		words[at>>6] |= ^uint64(0) >> (64 - n) << shift
		at, count = at+n, count-n
	}
}

// clearBits clears count bits from bit at onwards.
func clearBits(words []uint64, at, count int) {
	for count > 0 {
		shift := at & 63
		n := min(count, 64-shift)
		words[at>>6] &^= ^uint64(0) >> (64 - n) << shift
		at, count = at+n, count-n
	}
}
