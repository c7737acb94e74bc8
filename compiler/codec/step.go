package codec

import "encoding/binary"

// Costs are bytes below 128, so that eight of them are compared at once in a
// 64-bit word.
const (
	each  = 0x0101010101010101 // a byte of 1 in every place
	highs = 0x8080808080808080
)

// smaller is the minimum of each byte, all below 128.
func smaller(a, b uint64) uint64 {
	notLess := (a | highs) - b // high bits: a >= b
	notLess &= highs
	mask := notLess - notLess>>7 | notLess
	return b&mask | a&^mask
}

func load(b []byte) uint64     { return binary.LittleEndian.Uint64(b) }
func store(b []byte, v uint64) { binary.LittleEndian.PutUint64(b, v) }

// The step works over all values of the care bits if there are at most
// maxTransformed; fewer than minTransformed are taken as that many.
const (
	minTransformed = 5
	maxTransformed = 12
)

// stepper computes one step of the trellis: for every code x,
//
//	min over codes z of  costs[z] + popcount(base ^ now[x] ^ old[z]).
//
// With few care bits it does so over all 2^c values of the care bits: the costs
// are put where old[z] points, spread to neighbours at one more for each bit (a
// distance transform, bit by bit), and read where base ^ now[x] points. That
// takes c 2^c additions in place of 2^16. With more care bits it adds up, for
// every pair of codes, distances from tables of eight care bits each.
type stepper struct {
	weighed int
	values  int
	now     *[codeValues]uint64
	old     *[codeValues]uint64
	kernel  kernel
	spread  []byte // 2^c costs
	// distance[g][v][z] is the number of bits in which v and bits 8g..8g+7 of
	// old[z] differ.
	distance [(maxWeighed + 7) / 8][256][codeValues]byte
}

func newStepper(k kernel) *stepper {
	return &stepper{kernel: k, spread: make([]byte, 1<<maxTransformed)}
}

// prepare sets the slice of the following minima. Tables of fewer than 256
// codes are not read beyond values.
func (p *stepper) prepare(v *sliceView, now, old *[codeValues]uint64, values int) {
	p.weighed, p.values, p.now, p.old = v.weighed, values, now, old
	if v.weighed > maxTransformed {
		p.fillDistances()
	}
}

// fillDistances makes the tables: the rows with bit k set differ from those
// without by one, up or down.
func (p *stepper) fillDistances() {
	for g := range p.groups() {
		table := &p.distance[g]
		width := min(8, p.weighed-8*g)
		var up [8][codeValues]byte // 1 where old[z] has bit k clear
		for z := range codeValues {
			part := p.old[z] >> (8 * g)
			count := byte(0)
			for k := range width {
				set := byte(part >> k & 1)
				up[k][z] = set ^ 1
				count += set
			}
			table[0][z] = count
		}
		for k := range width {
			for v := range 1 << k {
				to, from := table[1<<k+v][:], table[v][:]
				for z := 0; z < codeValues; z += 8 {
					plus := load(up[k][z:])
					store(to[z:], load(from[z:])+plus-(plus^each))
				}
			}
		}
	}
}

// groups is the number of tables in use.
func (p *stepper) groups() int { return (p.weighed + 7) / 8 }

// minima writes the costs of codes x to to[x*stride].
func (p *stepper) minima(costs []byte, base uint64, to []byte, stride int) {
	if p.weighed <= maxTransformed {
		p.transform(costs, base, to, stride)
		return
	}
	p.kernel.leastSums(p, costs, base, to, stride)
}

// transform is the step over all values of the care bits.
func (p *stepper) transform(costs []byte, base uint64, to []byte, stride int) {
	const far = 126 // leaves room for one more
	size := 1 << max(p.weighed, minTransformed)
	spread := p.spread[:size]
	for i := 0; i < size; i += 8 {
		store(spread[i:], far*each)
	}
	old := p.old[:p.values]
	for z, at := range old {
		if cell := &spread[at&uint64(size-1)]; costs[z] < *cell {
			*cell = costs[z]
		}
	}
	p.kernel.spread(spread)
	for x, at := range p.now[:p.values] {
		to[x*stride] = spread[(base^at)&uint64(size-1)]
	}
}

// normalize subtracts the least of the costs, a multiple of eight of them or
// fewer than eight, from all.
func normalize(costs []byte) {
	least := byte(127)
	i := 0
	if len(costs) >= 8 {
		word := uint64(127 * each)
		for ; i+8 <= len(costs); i += 8 {
			word = smaller(word, load(costs[i:]))
		}
		word = smaller(word, word>>32)
		word = smaller(word, word>>16)
		least = byte(smaller(word, word>>8))
	}
	for _, cost := range costs[i:] {
		least = min(least, cost)
	}
	if least == 0 {
		return
	}
	for i = 0; i+8 <= len(costs); i += 8 {
		store(costs[i:], load(costs[i:])-uint64(least)*each)
	}
	for ; i < len(costs); i++ {
		costs[i] -= least
	}
}
