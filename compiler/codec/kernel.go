package codec

//go:generate go -C gen run . -out ../step_kernel_amd64.s -stubs ../step_kernel_amd64.go -pkg codec

import "os"

// kernel is one form of the two loops that take nearly all time of the
// sequential encoder. All forms give the same costs.
type kernel struct {
	name string
	// spread is the distance transform: it lowers each of 2^c costs, 32 at
	// least, to the least of what any other costs plus one for each bit in
	// which their numbers differ.
	spread func(cells []byte)
	// leastSums is stepper.minima by the tables of distances.
	leastSums func(p *stepper, costs []byte, base uint64, to []byte, stride int)
}

var portableKernel = kernel{"portable", spreadPortable, leastSumsPortable}

// fastestKernel is the form in use. NPUSIM_PORTABLE=1 in the environment forces
// the portable one.
var fastestKernel = func() kernel {
	if os.Getenv("NPUSIM_PORTABLE") == "1" {
		return portableKernel
	}
	return bestKernel()
}()

func leastSumsPortable(p *stepper, costs []byte, base uint64, to []byte, stride int) {
	for x, now := range p.now[:p.values] {
		to[x*stride] = p.leastSum(costs, base^now)
	}
}

// leastSum is the minimum over z of costs[z] and the distances of the groups of
// value.
func (p *stepper) leastSum(costs []byte, value uint64) byte {
	var sums [codeValues]byte
	copy(sums[:], costs)
	for g := range p.groups() {
		row := &p.distance[g][value>>(8*g)&255]
		for z := 0; z < codeValues; z += 8 {
			store(sums[z:], load(sums[z:])+load(row[z:]))
		}
	}
	least := load(sums[:])
	for z := 8; z < codeValues; z += 8 {
		least = smaller(least, load(sums[z:]))
	}
	least = smaller(least, least>>32)
	least = smaller(least, least>>16)
	return byte(smaller(least, least>>8))
}

func spreadPortable(cells []byte) {
	spreadWords(cells)
	for half := 8; half < len(cells); half *= 2 {
		spreadHalves(cells, half)
	}
}

// spreadWords lets neighbours in the three lowest bits, which lie in one word,
// cost at most one more.
func spreadWords(spread []byte) {
	for i := 0; i+8 <= len(spread); i += 8 {
		w := load(spread[i:])
		w = smaller(w, (w>>8&0x00ff00ff00ff00ff|w&0x00ff00ff00ff00ff<<8)+each)
		w = smaller(w, (w>>16&0x0000ffff0000ffff|w&0x0000ffff0000ffff<<16)+each)
		w = smaller(w, (w>>32|w<<32)+each)
		store(spread[i:], w)
	}
}

// spreadHalves lets neighbours that are half apart cost at most one more.
func spreadHalves(spread []byte, half int) {
	for begin := 0; begin < len(spread); begin += 2 * half {
		low, high := spread[begin:begin+half], spread[begin+half:begin+2*half]
		for i := 0; i+8 <= len(low) && i+8 <= len(high); i += 8 {
			a, b := load(low[i:]), load(high[i:])
			store(low[i:], smaller(a, b+each))
			store(high[i:], smaller(b, a+each))
		}
	}
}
