package dataset

import (
	"fmt"
	"math/rand/v2"
)

// Random fills dst with sample i of a seeded standard-normal data set, for
// networks that are run without data. A sample depends on seed and i alone,
// not on the samples drawn before, so workers may take them in any order.
// dst must have as many elements as shape; anything else panics.
func Random(shape []int, seed uint64, i int, dst []float32) {
	if n, ok := elementCount(shape, 4); !ok || n != len(dst) {
		panic(fmt.Sprintf("dataset: random sample of shape %s into %d values", shapeString(shape), len(dst)))
	}
	source := rand.New(rand.NewPCG(seed, mix(uint64(i))))
	for k := range dst {
		dst[k] = float32(source.NormFloat64())
	}
}

// mix is the SplitMix64 finalizer. Neighbouring samples would otherwise start
// their generators from neighbouring states.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
