package codec

import (
	"math/rand/v2"

	"github.com/npusim/npusim/isa/xorcode"
)

// randomTarget has random bits, each a care bit with probability 1 - sparsity.
func randomTarget(weights int, sparsity float64, seed uint64) Target {
	r := rand.New(rand.NewPCG(seed, 1))
	t := Target{Bits: xorcode.NewPlane(weights), Care: xorcode.NewPlane(weights)}
	for i := range weights {
		t.Bits.Set(i, r.Uint64()&1 != 0)
		t.Care.Set(i, r.Float64() >= sparsity)
	}
	return t
}
