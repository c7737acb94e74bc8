package fractional

import (
	"math/bits"

	"github.com/npusim/npusim/isa/xorcode"
)

// generator is a codeword of a network with the input that gives it.
type generator struct {
	input    uint64
	word     []uint64 // bit t is the output that stands at time t
	from, to int      // first and last time of a set bit
}

// add makes g the sum of g and other.
func (g *generator) add(other *generator) {
	g.input ^= other.input
	g.from, g.to = -1, -1
	for i, w := range other.word {
		g.word[i] ^= w
		if w := g.word[i]; w != 0 {
			if g.from < 0 {
				g.from = 64*i + bits.TrailingZeros64(w)
			}
			g.to = 64*i + 63 - bits.LeadingZeros64(w)
		}
	}
}

func (g *generator) at(t int) bool { return g.word[t>>6]>>(t&63)&1 != 0 }

// minimalSpan gives a basis of the codewords of a network whose generators all
// start and all end at different times, for outputs in the order of time given.
// Such a basis has the shortest spans there are, so the fewest generators are
// active at any time (Kschischang, Sorokine 1995). Inputs that add nothing to
// the rank have no part in it.
func minimalSpan(m *xorcode.Network, order []int) []generator {
	words := xorcode.Words(m.Outputs)
	basis := make([]generator, 0, m.Inputs)
	store := make([]uint64, m.Inputs*words)
	starts := make([]int, m.Outputs) // 1 + index of the generator that starts there
	for j := range m.Inputs {
		g := generator{input: 1 << j, word: store[j*words:][:words], from: -1, to: -1}
		for t, r := range order {
			if m.Rows[r]>>j&1 != 0 {
				g.word[t>>6] |= 1 << (t & 63)
				if g.from < 0 {
					g.from = t
				}
				g.to = t
			}
		}
		for g.from >= 0 && starts[g.from] != 0 {
			g.add(&basis[starts[g.from]-1])
		}
		if g.from >= 0 {
			basis = append(basis, g)
			starts[g.from] = len(basis)
		}
	}
	ends := make([]int, m.Outputs) // 1 + index of the generator that ends there
	for i := range basis {
		// Of two that end together the one that starts first is shortened by the
		// other, which leaves its start as it is.
		for k := i; ; {
			to := basis[k].to
			other := ends[to] - 1
			if other < 0 {
				ends[to] = k + 1
				break
			}
			if basis[k].from > basis[other].from {
				ends[to] = k + 1
				k, other = other, k
			}
			basis[k].add(&basis[other])
		}
	}
	return basis
}
