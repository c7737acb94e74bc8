package compress

import (
	"encoding/binary"
	"math/rand/v2"

	"github.com/npusim/npusim/isa/weightmask"
	"github.com/npusim/npusim/isa/xorcode"
)

// Sizes of the samples that parameters are searched on, in weights.
const (
	sampleWeights = 1 << 14
	sampleRuns    = 8 // stretches that a sample is put together of
)

// take puts a sample together from stretches all over the weights.
func take(weights []int8) []int8 {
	if len(weights) <= sampleWeights {
		return weights
	}
	var sample []int8
	for k := range sampleRuns {
		from := k * (len(weights) - sampleWeights/sampleRuns) / (sampleRuns - 1)
		sample = append(sample, weights[from:from+sampleWeights/sampleRuns]...)
	}
	return sample
}

// standIn draws weights of a width: zeros at the sparsity, the rest normal with
// a standard deviation of a quarter of the range.
func standIn(n, bits int, sparsity float64, seed uint64) []int8 {
	r := rand.New(rand.NewPCG(seed, 1))
	high := 1<<(bits-1) - 1
	weights := make([]int8, n)
	for i := range weights {
		if r.Float64() < sparsity {
			continue
		}
		w := int(r.NormFloat64() * float64(high) / 4)
		weights[i] = int8(min(max(w, -high), high))
		if weights[i] == 0 {
			weights[i] = 1 // pruning leaves no small ones
		}
	}
	return weights
}

// encodeRaw codes a mask of one row as a bit a weight.
func encodeRaw(keep xorcode.Plane, n, block int) ([]byte, error) {
	var payload []byte
	for _, word := range keep.Words {
		payload = binary.LittleEndian.AppendUint64(payload, word)
	}
	return weightmask.Seal(weightmask.Header{Format: weightmask.Raw, Rows: 1, Cols: n, Kept: keep.Count(), BlockWeights: block}, payload[:weightmask.RawBytes(n)])
}
