package fractional

import (
	"cmp"
	"math"
	"math/bits"
	"slices"

	"github.com/npusim/npusim/isa/xorcode"
)

// reliability finds a good code of a slice for one plane where the trellis would
// take too long (dense networks with many more outputs than inputs). It takes
// the outputs in the order of how much their sign matters, gives as many of them
// as the rank allows the sign they want, and then flips one or two of those at a
// time as long as the cost falls: ordered statistics decoding (Fossorier, Lin
// 1995) followed by a local search. The result need not be the best.
type reliability struct {
	network *xorcode.Network
	columns []uint64 // [input][word], the outputs that an input flips

	order   []int
	basis   []uint64  // [generator][word]
	inputs  []uint64  // by generator
	gain    []float64 // by output: cost of 0 less cost of 1
	signs   []float64 // by output: 1 for 1, -1 for 0
	flip    []float64 // by generator: change of cost
	outputs []uint64
}

func newReliability(m *xorcode.Network) *reliability {
	words := xorcode.Words(m.Outputs)
	r := &reliability{network: m, columns: make([]uint64, m.Inputs*words)}
	for j := range m.Inputs {
		for k, row := range m.Rows {
			r.columns[j*words+k>>6] |= row >> j & 1 << (k & 63)
		}
	}
	r.order = make([]int, m.Outputs)
	r.basis = make([]uint64, m.Inputs*words)
	r.inputs = make([]uint64, m.Inputs)
	r.gain = make([]float64, m.Outputs)
	r.signs = make([]float64, m.Outputs)
	r.flip = make([]float64, m.Inputs)
	r.outputs = make([]uint64, words)
	return r
}

func bitOf(word []uint64, i int) bool { return word[i>>6]>>(i&63)&1 != 0 }

// search finds an input for costs by output and level (0 or 1); outputs from
// used on cost nothing.
func (r *reliability) search(costs []float64, used int) uint64 {
	words := len(r.outputs)
	for i := range r.gain {
		r.gain[i], r.order[i] = 0, i
		if i < used {
			r.gain[i] = costs[2*i] - costs[2*i+1]
		}
	}
	slices.SortStableFunc(r.order, func(a, b int) int { return cmp.Compare(math.Abs(r.gain[b]), math.Abs(r.gain[a])) })
	rank := r.reduce()
	// The first rank independent outputs take the sign they want.
	input := uint64(0)
	clear(r.outputs)
	at := 0
	for _, output := range r.order {
		if at == rank {
			break
		}
		g := r.basis[at*words:][:words]
		if !bitOf(g, output) {
			continue // depends on the outputs before it
		}
		if bitOf(r.outputs, output) != (r.gain[output] > 0) {
			input ^= r.inputs[at]
			for w := range g {
				r.outputs[w] ^= g[w]
			}
		}
		at++
	}
	return input ^ r.improve(rank)
}

// reduce makes basis a reduced echelon form for the outputs in order: generator
// i alone has a 1 at the i-th independent output. It returns their number.
func (r *reliability) reduce() int {
	words, inputs := len(r.outputs), r.network.Inputs
	copy(r.basis, r.columns)
	for j := range r.inputs {
		r.inputs[j] = 1 << j
	}
	rank := 0
	for _, output := range r.order {
		if rank == inputs {
			break
		}
		pivot := rank
		for pivot < inputs && !bitOf(r.basis[pivot*words:], output) {
			pivot++
		}
		if pivot == inputs {
			continue
		}
		r.inputs[pivot], r.inputs[rank] = r.inputs[rank], r.inputs[pivot]
		for w := range words {
			r.basis[pivot*words+w], r.basis[rank*words+w] = r.basis[rank*words+w], r.basis[pivot*words+w]
		}
		for j := range inputs {
			if j != rank && bitOf(r.basis[j*words:], output) {
				r.inputs[j] ^= r.inputs[rank]
				for w := range words {
					r.basis[j*words+w] ^= r.basis[rank*words+w]
				}
			}
		}
		rank++
	}
	return rank
}

// improve flips generators, one or two at a time and the best first, as long as
// that lowers the cost, and returns what the flips add to the input.
func (r *reliability) improve(rank int) (input uint64) {
	words := len(r.outputs)
	// A step lowers the cost by more than rounding, and there are finitely many
	// outputs; the bound keeps the time of one slice in check.
	for range 4 * rank {
		for i := range r.signs {
			r.signs[i] = -1
			if bitOf(r.outputs, i) {
				r.signs[i] = 1
			}
		}
		scale := 0.0
		for j := range rank {
			r.flip[j] = r.change(r.basis[j*words:][:words], nil)
			scale = max(scale, math.Abs(r.flip[j]))
		}
		best, first, second := -1e-12*scale, -1, -1
		for j := range rank {
			if r.flip[j] < best {
				best, first, second = r.flip[j], j, -1
			}
			for k := range j {
				// Outputs that both flip stay as they are.
				if both := r.flip[j] + r.flip[k] - 2*r.change(r.basis[j*words:][:words], r.basis[k*words:][:words]); both < best {
					best, first, second = both, j, k
				}
			}
		}
		if first < 0 {
			break
		}
		for _, g := range []int{first, second} {
			if g >= 0 {
				input ^= r.inputs[g]
				for w := range words {
					r.outputs[w] ^= r.basis[g*words+w]
				}
			}
		}
	}
	return input
}

// change is by how much the cost rises if the outputs in a, and in b unless it
// is nil, flip.
func (r *reliability) change(a, b []uint64) float64 {
	sum := 0.0
	for w, word := range a {
		if b != nil {
			word &= b[w]
		}
		for ; word != 0; word &= word - 1 {
			i := 64*w + bits.TrailingZeros64(word)
			sum += r.signs[i] * r.gain[i]
		}
	}
	return sum
}
