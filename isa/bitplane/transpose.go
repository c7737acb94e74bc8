package bitplane

// block is 64 weights: word j is bit j of every weight, or bytes 8j..8j+7 of
// the weights, depending on which side of a transposition it is.
type block [8]uint64

// toBytes turns eight planes of 64 bits into 64 bytes of eight bits, and back:
// the permutation is its own inverse up to the order of its two halves.
func (b *block) toBytes() {
	b.exchangeBytes()
	for j, x := range b {
		b[j] = transpose8(x)
	}
}

// toPlanes is the inverse of toBytes.
func (b *block) toPlanes() {
	for j, x := range b {
		b[j] = transpose8(x)
	}
	b.exchangeBytes()
}

// exchangeBytes moves byte g of word j to byte j of word g, by swapping
// quarters, eighths and sixteenths of the 8 x 8 square.
func (b *block) exchangeBytes() {
	for j := range 4 {
		t := (b[j]>>32 ^ b[j+4]) & 0x00000000ffffffff
		b[j+4] ^= t
		b[j] ^= t << 32
	}
	for _, j := range [4]int{0, 1, 4, 5} {
		t := (b[j]>>16 ^ b[j+2]) & 0x0000ffff0000ffff
		b[j+2] ^= t
		b[j] ^= t << 16
	}
	for j := 0; j < 8; j += 2 {
		t := (b[j]>>8 ^ b[j+1]) & 0x00ff00ff00ff00ff
		b[j+1] ^= t
		b[j] ^= t << 8
	}
}

// transpose8 moves bit i of byte j to bit j of byte i.
func transpose8(x uint64) uint64 {
	t := (x ^ x>>7) & 0x00aa00aa00aa00aa
	x ^= t ^ t<<7
	t = (x ^ x>>14) & 0x0000cccc0000cccc
	x ^= t ^ t<<14
	t = (x ^ x>>28) & 0x00000000f0f0f0f0
	return x ^ t ^ t<<28
}

// load reads up to 64 weights; absent ones are 0.
func (b *block) load(values []int8) {
	if len(values) < 64 {
		*b = block{}
		for i, v := range values {
			b[i>>3] |= uint64(uint8(v)) << (8 * (i & 7))
		}
		return
	}
	for j := range b {
		v := values[8*j : 8*j+8 : 8*j+8]
		b[j] = uint64(uint8(v[0])) | uint64(uint8(v[1]))<<8 | uint64(uint8(v[2]))<<16 | uint64(uint8(v[3]))<<24 |
			uint64(uint8(v[4]))<<32 | uint64(uint8(v[5]))<<40 | uint64(uint8(v[6]))<<48 | uint64(uint8(v[7]))<<56
	}
}

// store writes up to 64 weights.
func (b *block) store(values []int8) {
	if len(values) < 64 {
		for i := range values {
			values[i] = int8(b[i>>3] >> (8 * (i & 7)))
		}
		return
	}
	for j, x := range b {
		v := values[8*j : 8*j+8 : 8*j+8]
		v[0], v[1], v[2], v[3] = int8(x), int8(x>>8), int8(x>>16), int8(x>>24)
		v[4], v[5], v[6], v[7] = int8(x>>32), int8(x>>40), int8(x>>48), int8(x>>56)
	}
}

// negate replaces the weights whose bit is set in sign by their negatives in
// two's complement: v becomes (v xor s) + s, added plane by plane.
func (b *block) negate(sign uint64) {
	carry := sign
	for j, x := range b {
		x ^= sign
		b[j] = x ^ carry
		carry &= x
	}
}
