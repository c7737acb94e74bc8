package xorcode

import "math/bits"

// generator is splitmix64 (Steele, Lea, Flood 2014). Networks are known by
// their seeds in stored streams, so the generator must never change; that is
// why it is not taken from a library.
type generator uint64

// next gives 64 random bits.
func (g *generator) next() uint64 {
	*g += 0x9e3779b97f4a7c15
	z := uint64(*g)
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// below gives a number in 0..n-1, n >= 1, by the high half of a product. Its
// bias is below n/2^64.
func (g *generator) below(n int) int {
	high, _ := bits.Mul64(g.next(), uint64(n))
	return int(high)
}

// row draws a set of exactly taps of the inputs, each set equally likely.
func (g *generator) row(inputs, taps int) uint64 {
	var row uint64
	// Floyd's sampling: one draw for each tap.
	for j := inputs - taps; j < inputs; j++ {
		tap := uint64(1) << g.below(j+1)
		if row&tap != 0 {
			tap = 1 << j
		}
		row |= tap
	}
	return row
}
