package xorcode

// Table is a network as table lookups: one table for every 8 inputs, whose
// entries are XORed together. It computes what [Network.Apply] does, several
// times as fast, and takes ceil(inputs/8) x 256 x ceil(outputs/64) words.
type Table struct {
	inputs, words int
	entries       []uint64 // [group of inputs][value of the group][word]
}

// NewTable prepares the lookups of a valid network.
func NewTable(m *Network) *Table {
	t := &Table{inputs: m.Inputs, words: Words(m.Outputs)}
	groups := (m.Inputs + 7) / 8
	t.entries = make([]uint64, groups*256*t.words)
	for input := range m.Inputs {
		group := t.entries[input/8*256*t.words:][:256*t.words]
		column := make([]uint64, t.words)
		for r, row := range m.Rows {
			column[r/64] |= row >> input & 1 << (r % 64)
		}
		bit := 1 << (input % 8)
		for value := range bit {
			for w := range column {
				group[(bit+value)*t.words+w] = group[value*t.words+w] ^ column[w]
			}
		}
	}
	return t
}

// Apply sets into, of [Words](outputs) words, to the outputs for the input x,
// whose bits past the inputs are zero.
func (t *Table) Apply(x uint64, into []uint64) {
	at := int(x&255) * t.words
	copy(into, t.entries[at:at+t.words])
	for group := 256; group*8 < t.inputs*256; group += 256 {
		x >>= 8
		at := (group + int(x&255)) * t.words
		for w, word := range t.entries[at : at+t.words] {
			into[w] ^= word
		}
	}
}

// place XORs count bits of value, the first as bit 0 of value[0], into the bits
// of into from bit at onwards. Bits of value past count are ignored.
func place(value []uint64, count int, into []uint64, at int) {
	word, shift := at>>6, at&63
	for _, v := range value {
		if count < 64 {
			v &= lowMask(count)
		}
		into[word] ^= v << shift
		if high := v >> 1 >> (63 - shift); high != 0 {
			into[word+1] ^= high
		}
		word++
		count -= 64
		if count <= 0 {
			return
		}
	}
}
