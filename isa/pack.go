package isa

// Pack writes elements of bits (2 to 8) one after another, lowest bits first,
// in two's complement, and returns the bytes used: PackedBytes(len(src), bits).
// Unused bits of the last byte are zero. Every element must be in range.
func Pack(dst []byte, src []int8, bits int) int {
	if bits == 8 {
		for i, v := range src {
			dst[i] = byte(v)
		}
		return len(src)
	}
	mask := uint32(1)<<bits - 1
	var held uint32
	width, n := 0, 0
	for _, v := range src {
		held |= uint32(v) & mask << width
		for width += bits; width >= 8; width -= 8 {
			dst[n] = byte(held)
			held >>= 8
			n++
		}
	}
	if width > 0 {
		dst[n] = byte(held)
		n++
	}
	return n
}

// Unpack is the inverse of Pack: it fills dst from PackedBytes(len(dst), bits)
// bytes of src, extending the sign.
func Unpack(dst []int8, src []byte, bits int) {
	if bits == 8 {
		for i := range dst {
			dst[i] = int8(src[i])
		}
		return
	}
	var held uint32
	width, n := 0, 0
	for i := range dst {
		if width < bits {
			held |= uint32(src[n]) << width
			width += 8
			n++
		}
		dst[i] = int8(held<<(8-bits)) >> (8 - bits)
		held >>= bits
		width -= bits
	}
}
