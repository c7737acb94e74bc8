package kernel

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/npusim/npusim/isa/fixed"
)

// requantizeBig is the definition on integers of unlimited size.
func requantizeBig(acc, multiplier int32, shift uint8, zero, low, high int8) int8 {
	x := new(big.Int).Mul(big.NewInt(int64(acc)), big.NewInt(int64(multiplier)))
	x.Add(x, new(big.Int).Lsh(big.NewInt(1), uint(shift-1)))
	x.Rsh(x, uint(shift)) // rounds towards minus infinity
	x.Add(x, big.NewInt(int64(zero)))
	if x.Cmp(big.NewInt(int64(low))) < 0 {
		return low
	}
	if x.Cmp(big.NewInt(int64(high))) > 0 {
		return high
	}
	return int8(x.Int64())
}

type requantizeCase struct {
	acc, multiplier []int32
	shift           []uint8
	zero, low, high int8
}

// newRequantizeCase draws channels whose results mostly fall within the clamp
// or beside it, with ties and the ends of every range among them.
func newRequantizeCase(r *rand.Rand, n int) requantizeCase {
	q := requantizeCase{make([]int32, n), make([]int32, n), make([]uint8, n), int8(r.Uint32()), -128, 127}
	if r.IntN(2) == 0 {
		a, b := int8(r.Uint32()), int8(r.Uint32())
		q.low, q.high = min(a, b), max(a, b)
	}
	ends := []int32{math.MinInt32, math.MinInt32 + 1, -1, 0, 1, 1 << 30, math.MaxInt32 - 1, math.MaxInt32}
	for i := range n {
		q.shift[i] = uint8(fixed.MinShift + r.IntN(fixed.MaxShift-fixed.MinShift+1))
		q.multiplier[i] = int32(r.Uint32()) >> r.IntN(32)
		switch r.IntN(4) {
		case 0:
			q.acc[i] = ends[r.IntN(len(ends))]
			q.multiplier[i] = ends[r.IntN(len(ends))]
		case 1: // ties: an odd multiple of half an output step
			s := 1 + r.IntN(30)
			q.shift[i], q.multiplier[i], q.acc[i] = uint8(s), 1<<(s-1), int32(2*r.IntN(300)-299)
		case 2: // results of some tens
			s := 20 + r.IntN(40)
			scale := math.Ldexp(1, s) / float64(1+r.Int32N(1<<30))
			q.shift[i], q.multiplier[i] = uint8(s), int32(1+r.Int32N(1<<30))
			q.acc[i] = int32(min(max(scale*float64(r.IntN(300)-150), math.MinInt32), math.MaxInt32))
		default:
			q.acc[i] = int32(r.Uint32()) >> r.IntN(32)
		}
	}
	return q
}

func (q requantizeCase) run(t *testing.T, r *rand.Rand) {
	t.Helper()
	dst, check := guarded(r, make([]int8, len(q.acc)))
	RequantizeRow(dst, q.acc, q.multiplier, q.shift, q.zero, q.low, q.high)
	for c := range dst {
		want := requantizeBig(q.acc[c], q.multiplier[c], q.shift[c], q.zero, q.low, q.high)
		if dst[c] != want {
			t.Fatalf("channel %d of %d: acc %d, multiplier %d, shift %d, zero %d, clamp %d..%d: %d, want %d",
				c, len(dst), q.acc[c], q.multiplier[c], q.shift[c], q.zero, q.low, q.high, dst[c], want)
		}
	}
	check(t)
}

func TestRequantizeRow(t *testing.T) {
	eachForm(t, func(t *testing.T) {
		r := newRandom(1)
		for range rounds(10) {
			for n := range 45 {
				newRequantizeCase(r, n).run(t, r)
			}
		}
	})
}

// TestRequantizeEveryShift crosses the shifts with the ends of the factors.
func TestRequantizeEveryShift(t *testing.T) {
	ends := []int32{math.MinInt32, -1 << 30, -3, -2, -1, 0, 1, 2, 3, 1 << 30, math.MaxInt32}
	q := requantizeCase{zero: -7, low: -100, high: 90}
	for s := fixed.MinShift; s <= fixed.MaxShift; s++ {
		for _, a := range ends {
			for _, m := range ends {
				q.acc, q.multiplier, q.shift = append(q.acc, a), append(q.multiplier, m), append(q.shift, uint8(s))
			}
		}
	}
	eachForm(t, func(t *testing.T) { q.run(t, newRandom(2)) })
}

func TestRequantizeRejectsShortSlices(t *testing.T) {
	dst, sums, shift := make([]int8, 9), make([]int32, 9), make([]uint8, 9)
	eachForm(t, func(t *testing.T) {
		mustPanic(t, "short acc", func() { RequantizeRow(dst, sums[:8], sums, shift, 0, -128, 127) })
		mustPanic(t, "short multiplier", func() { RequantizeRow(dst, sums, sums[:8], shift, 0, -128, 127) })
		mustPanic(t, "short shift", func() { RequantizeRow(dst, sums, sums, shift[:8], 0, -128, 127) })
	})
}
