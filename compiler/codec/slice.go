package codec

import (
	"math/bits"

	"github.com/npusim/npusim/isa/xorcode"
)

// maxWeighed is the largest number of care bits of a slice that the sequential
// encoder weighs; of more, the first ones. Slices hold about n_in care bits, at
// most 8, where the code is of any use. The bound keeps path costs in 7 bits.
const maxWeighed = 40

// codeValues is the number of entries of tables over one code, whatever n_in is.
const codeValues = 256

// sliceView is a slice seen through its care bits: bit j of the words is the
// j-th care bit that is weighed.
type sliceView struct {
	weighed int                                          // care bits
	target  uint64                                       // what they should be
	taps    [xorcode.MaxRegisters + 1][codeValues]uint64 // what code x gives, k codes later
}

// view restricts network and target to the care bits of slice s. Inverted
// targets are those of a plane that is stored inverted.
func (v *sliceView) view(m *xorcode.Network, symbolBits int, t Target, inverted bool, s int) {
	var columns [(xorcode.MaxRegisters + 1) * xorcode.MaxSymbolBits]uint64
	v.weighed, v.target = 0, 0
	begin := s * m.Outputs
	end := min(begin+m.Outputs, t.Bits.Len())
	flip := uint64(0)
	if inverted {
		flip = 1
	}
gather:
	for at := begin; at < end; at += 64 {
		here := min(64, end-at)
		value := t.Bits.Bits(at, here)
		for care := t.Care.Bits(at, here); care != 0; care &= care - 1 {
			if v.weighed == maxWeighed {
				break gather
			}
			bit := bits.TrailingZeros64(care)
			v.target |= (value>>bit&1 ^ flip) << v.weighed
			for row := m.Rows[at-begin+bit]; row != 0; row &= row - 1 {
				columns[bits.TrailingZeros64(row)] |= 1 << v.weighed
			}
			v.weighed++
		}
	}
	for k := range m.Inputs / symbolBits {
		taps := &v.taps[k]
		for i := range symbolBits {
			column, size := columns[k*symbolBits+i], 1<<i
			for x := range size {
				taps[size+x] = taps[x] ^ column
			}
		}
	}
}

// nearest is the code x with the fewest wrong bits at base ^ taps[x], among the
// first values codes; the lowest of equals. Costs come on top.
func nearest(taps *[codeValues]uint64, values int, base uint64, costs []byte) byte {
	best, least := 0, 1<<30
	for x := range values {
		cost := bits.OnesCount64(base ^ taps[x])
		if costs != nil {
			cost += int(costs[x])
		}
		if cost < least {
			best, least = x, cost
		}
	}
	return byte(best)
}

// appendPositions appends the places of the set bits, counted from base.
func appendPositions(positions []int, word uint64, base int) []int {
	for ; word != 0; word &= word - 1 {
		positions = append(positions, base+bits.TrailingZeros64(word))
	}
	return positions
}
