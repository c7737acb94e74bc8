package codec

import (
	"math/bits"

	"github.com/npusim/npusim/isa/xorcode"
)

// exactSearch finds the code of a slice with the fewest patches by walking
// through all outputs that the network can give on the care bits.
type exactSearch struct {
	network *xorcode.Network
	outputs []int      // of the care bits
	wrong   []uint64   // care bits that the present code gets wrong
	columns [][]uint64 // what each input flips on the care bits
	free    []int      // inputs with independent columns
	reduced []uint64   // scratch of independent
}

func newExactSearch(m *xorcode.Network) *exactSearch {
	e := &exactSearch{network: m, wrong: make([]uint64, xorcode.Words(m.Outputs))}
	for range m.Inputs {
		e.columns = append(e.columns, make([]uint64, len(e.wrong)))
	}
	return e
}

// search improves on a code of the slice begin..end-1 and its patches. It gives
// the first best one in the order of the walk, which starts at the given code,
// and appends its patches to patches[:0].
func (e *exactSearch) search(t Target, begin, end int, code uint64, patches []int) (uint64, []int) {
	e.gather(t, begin, end, code)
	best := code
	if len(e.outputs) <= 64 {
		best = e.walkWord(code, len(patches))
	} else {
		best = e.walkWords(code, len(patches))
	}
	patches = patches[:0]
	for _, output := range e.outputs {
		if t.Bits.Get(begin+output) != (bits.OnesCount64(e.network.Rows[output]&best)&1 != 0) {
			patches = append(patches, output)
		}
	}
	return best, patches
}

// gather restricts network and target to the care bits of the slice.
func (e *exactSearch) gather(t Target, begin, end int, code uint64) {
	e.outputs = e.outputs[:0]
	for i := begin; i < end; i++ {
		if t.Care.Get(i) {
			e.outputs = append(e.outputs, i-begin)
		}
	}
	clear(e.wrong)
	for _, column := range e.columns {
		clear(column)
	}
	for j, output := range e.outputs {
		row := e.network.Rows[output]
		value := uint64(bits.OnesCount64(row&code)) & 1
		if t.Bits.Get(begin + output) {
			value ^= 1
		}
		e.wrong[j/64] |= value << (j % 64)
		for i, column := range e.columns {
			column[j/64] |= row >> i & 1 << (j % 64)
		}
	}
	e.independent()
}

// independent lists inputs whose columns are a basis of all columns: flipping
// the others reaches no outputs that these do not reach.
func (e *exactSearch) independent() {
	words := xorcode.Words(len(e.outputs))
	e.free = e.free[:0]
	e.reduced = e.reduced[:0]
	for i := range e.columns {
		at := len(e.reduced)
		e.reduced = append(e.reduced, e.columns[i][:words]...)
		column := e.reduced[at:]
		for b := 0; b < at; b += words {
			basis := e.reduced[b : b+words]
			if high := highest(basis); column[high/64]>>(high%64)&1 != 0 {
				for w := range column {
					column[w] ^= basis[w]
				}
			}
		}
		if highest(column) < 0 {
			e.reduced = e.reduced[:at]
			continue
		}
		e.free = append(e.free, i)
	}
}

// highest is the highest set bit, -1 if there is none.
func highest(words []uint64) int {
	for w := len(words) - 1; w >= 0; w-- {
		if words[w] != 0 {
			return 64*w + bits.Len64(words[w]) - 1
		}
	}
	return -1
}

// walkWord walks over all codes in Gray order, where each step flips one input,
// with up to 64 care bits, and gives the first one with the fewest wrong bits,
// if that is less than fewest. One patch is the least that is left to find.
func (e *exactSearch) walkWord(code uint64, fewest int) uint64 {
	var columns [64]uint64
	for k, input := range e.free {
		columns[k] = e.columns[input][0]
	}
	wrong, found := e.wrong[0], uint64(0)
	for step := uint64(1); step>>len(e.free) == 0; step++ {
		wrong ^= columns[bits.TrailingZeros64(step)&63]
		if count := bits.OnesCount64(wrong); count < fewest {
			fewest, found = count, step
			if count == 1 {
				break
			}
		}
	}
	return e.codeAt(code, found)
}

// walkWords is walkWord for any number of care bits.
func (e *exactSearch) walkWords(code uint64, fewest int) uint64 {
	found := uint64(0)
	words := xorcode.Words(len(e.outputs))
	for step := uint64(1); step>>len(e.free) == 0; step++ {
		column := e.columns[e.free[bits.TrailingZeros64(step)]]
		count := 0
		for w := range words {
			e.wrong[w] ^= column[w]
			count += bits.OnesCount64(e.wrong[w])
		}
		if count < fewest {
			fewest, found = count, step
			if count == 1 {
				break
			}
		}
	}
	return e.codeAt(code, found)
}

// codeAt is the code after that many steps of the walk.
func (e *exactSearch) codeAt(code, step uint64) uint64 {
	gray := step ^ step>>1
	for k, input := range e.free {
		code ^= gray >> k & 1 << input
	}
	return code
}
