package xorcode

// The sizes of fields, for those who take the streams of a plane apart without
// being told their lengths.
const (
	CountWidthBits = countWidthBits // of the block code: width of the counts of a block of slices
	CorrectionBits = correctionBits // of the sequential code: a flag and a position
)

// Put sets count bits of the plane from bit at onwards to those of words, from
// its bit 0 on. Bits past the end of the plane must not be among them.
func (p Plane) Put(at int, words []uint64, count int) {
	for done := 0; done < count; {
		bit := (at + done) % 64
		n := min(64-bit, count-done)
		value := words[done/64] >> (done % 64)
		if left := 64 - done%64; left < n {
			n = left
		}
		word := &p.Words[(at+done)/64]
		mask := lowMask(n) << bit
		*word = *word&^mask | value<<bit&mask
		done += n
	}
}

// Invert inverts all bits of the plane.
func (p Plane) Invert() {
	for i := range p.Words {
		p.Words[i] = ^p.Words[i]
	}
	if n := p.Len(); n%64 != 0 {
		p.Words[len(p.Words)-1] &= lowMask(n % 64)
	}
}
