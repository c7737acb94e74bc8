package fixed

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
)

// The functions here are the specification on integers of any size: a
// quotient of n and d rounds half up, which is floor((2n + d) / 2d), and is
// clamped after the zero point.

func bigHalfUp(n, d *big.Int) *big.Int {
	two := big.NewInt(2)
	numerator := new(big.Int).Add(new(big.Int).Mul(two, n), d)
	// For a positive denominator big's Euclidean division is the floor.
	return numerator.Div(numerator, new(big.Int).Mul(two, d))
}

func power(shift uint8) *big.Int { return new(big.Int).Lsh(big.NewInt(1), uint(shift)) }

func product(factors ...int64) *big.Int {
	p := big.NewInt(1)
	for _, f := range factors {
		p.Mul(p, big.NewInt(f))
	}
	return p
}

func bigClamp(v *big.Int, zero, low, high int8) int8 {
	v = new(big.Int).Add(v, big.NewInt(int64(zero)))
	switch {
	case v.Cmp(big.NewInt(int64(low))) < 0:
		return low
	case v.Cmp(big.NewInt(int64(high))) > 0:
		return high
	}
	return int8(v.Int64())
}

// sums are int32 values where rounding and overflow could go wrong.
func sums(random *rand.Rand, n int) []int32 {
	list := []int32{0, 1, -1, 2, -2, math.MaxInt32, math.MinInt32, math.MaxInt32 - 1, math.MinInt32 + 1, 1 << 30, -(1 << 30)}
	for range n {
		list = append(list, int32(random.Uint32())>>random.IntN(32))
	}
	return list
}

func multipliers(random *rand.Rand, n int) []int32 {
	list := []int32{0, 1, 1 << 30, 1<<30 + 1, math.MaxInt32}
	for range n {
		list = append(list, int32(random.Uint32()>>1)>>random.IntN(31))
	}
	return list
}

func clamps(random *rand.Rand) (zero, low, high int8) {
	a, b := int8(random.Uint32()), int8(random.Uint32())
	return int8(random.Uint32()), min(a, b), max(a, b)
}

func TestScaleSmallExhaustive(t *testing.T) {
	limit := int64(1 << 11)
	if testing.Short() {
		limit = 1 << 7
	}
	// Powers of two for every tie, and odd multipliers of few bits.
	for _, m0 := range []int32{1, 3, 5, 7, 1 << 4, 1<<4 + 1, 1 << 8} {
		for shift := uint8(1); shift <= 15; shift++ {
			for x := -limit; x <= limit; x++ {
				// floor((2*x*m0 + 2^shift) / 2^(shift+1)), in range of int64 by far.
				n, d := 2*x*int64(m0)+1<<shift, int64(1)<<(shift+1)
				want := n / d
				if n%d < 0 {
					want--
				}
				if got := Scale(x, m0, shift); got != want {
					t.Fatalf("Scale(%d, %d, %d) = %d, want %d", x, m0, shift, got, want)
				}
			}
		}
	}
}

func TestScaleAndRequantizeAgainstBigIntegers(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	for _, m0 := range multipliers(random, 20) {
		for shift := uint8(MinShift); shift <= MaxShift; shift++ {
			for _, x := range sums(random, 30) {
				want := bigHalfUp(product(int64(x), int64(m0)), power(shift))
				if got := Scale(int64(x), m0, shift); !want.IsInt64() || got != want.Int64() {
					t.Fatalf("Scale(%d, %d, %d) = %d, want %s", x, m0, shift, got, want)
				}
				zero, low, high := clamps(random)
				if got := Requantize(x, m0, shift, zero, low, high); got != bigClamp(want, zero, low, high) {
					t.Fatalf("Requantize(%d, %d, %d, %d, %d, %d) = %d, want %d", x, m0, shift, zero, low, high, got, bigClamp(want, zero, low, high))
				}
			}
		}
	}
}

// TestHalfUpShiftEqualsTFLiteSingleRounding: TFLite's single-rounding build
// computes (x*m + 2^(30-e)) >> (31-e) for a left shift e, wherever the result
// fits 32 bits.
func TestHalfUpShiftEqualsTFLiteSingleRounding(t *testing.T) {
	random := rand.New(rand.NewPCG(2, 1))
	tflite := func(x, multiplier int32, e int) int64 {
		total := 31 - e
		return (int64(x)*int64(multiplier) + int64(1)<<(total-1)) >> total
	}
	compared := 0
	for e := -31; e <= 30; e++ {
		for _, m := range multipliers(random, 20) {
			for _, x := range sums(random, 100) {
				want := tflite(x, m, e)
				if want != int64(int32(want)) {
					continue // out of TFLite's range
				}
				compared++
				if got := Scale(int64(x), m, uint8(31-e)); got != want {
					t.Fatalf("Scale(%d, %d, %d) = %d, TFLite %d", x, m, 31-e, got, want)
				}
			}
		}
	}
	if compared < 100000 {
		t.Errorf("only %d results were in range", compared)
	}
}

// TestChannelShiftWithinHalfStep: for every k the result of the shared M0
// with shift n+k is within 0.5 of the exact value, and reaches 0.5.
func TestChannelShiftWithinHalfStep(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 1))
	m, err := NewMultiplier(0.0037)
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range []uint8{0, 3, 7, 15} {
		// Against the factor as stored, exactly: |2*y*2^s - 2*x*M0| <= 2^s.
		largest := new(big.Int)
		for range 200000 {
			x := int64(int32(random.Uint32()) >> 4)
			difference := product(Scale(x, m.M0, m.Shift+k))
			difference.Lsh(difference, uint(m.Shift+k)).Sub(difference, product(x, int64(m.M0))).Abs(difference)
			if difference.Cmp(largest) > 0 {
				largest.Set(difference)
			}
		}
		steps, _ := new(big.Rat).SetFrac(largest, power(m.Shift+k)).Float64()
		if steps > 0.5 || steps < 0.499 {
			t.Errorf("k = %d: the largest error is %g steps, want 0.5", k, steps)
		}
		// Against the real factor: plus what rounding M0 costs.
		for range 10000 {
			x := int32(random.Uint32()) >> 4
			exact := float64(x) * math.Ldexp(0.0037, -int(k))
			bound := 0.5 + math.Abs(float64(x))*math.Ldexp(1, -int(m.Shift+k)-1) + 1e-9
			if e := math.Abs(float64(Scale(int64(x), m.M0, m.Shift+k)) - exact); e > bound {
				t.Fatalf("k = %d, sum %d: error %g above %g", k, x, e, bound)
			}
		}
	}
}

func TestAddAgainstBigIntegers(t *testing.T) {
	random := rand.New(rand.NewPCG(4, 1))
	for range 50000 {
		f := AddFactors{int32(random.Uint32()), int32(random.Uint32()), uint8(MinShift + random.IntN(MaxShift))}
		a, b := int32(random.IntN(511)-255), int32(random.IntN(511)-255)
		zero, low, high := clamps(random)
		sum := product(int64(a), int64(f.A))
		want := bigClamp(bigHalfUp(sum.Add(sum, product(int64(b), int64(f.B))), power(f.Shift)), zero, low, high)
		if got := Add(a, b, f, zero, low, high); got != want {
			t.Fatalf("Add(%d, %d, %+v, %d, %d, %d) = %d, want %d", a, b, f, zero, low, high, got, want)
		}
	}
}

func TestMultiplyAgainstBigIntegers(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 1))
	for _, m0 := range multipliers(random, 10) {
		for shift := uint8(MinShift); shift <= MaxShift; shift++ {
			for range 100 {
				a, b := int32(random.IntN(511)-255), int32(random.IntN(511)-255)
				zero, low, high := clamps(random)
				want := bigClamp(bigHalfUp(product(int64(a), int64(b), int64(m0)), power(shift)), zero, low, high)
				if got := Multiply(a, b, Multiplier{m0, shift}, zero, low, high); got != want {
					t.Fatalf("Multiply(%d, %d, %d, %d) = %d, want %d", a, b, m0, shift, got, want)
				}
			}
		}
	}
}

func TestDivideAgainstBigIntegers(t *testing.T) {
	random := rand.New(rand.NewPCG(6, 1))
	check := func(a, b, m0 int32, shift uint8) {
		zero, low, high := clamps(random)
		numerator, denominator := product(int64(a), int64(m0)), product(int64(b))
		if b < 0 {
			numerator.Neg(numerator)
			denominator.Neg(denominator)
		}
		want := bigClamp(bigHalfUp(numerator, denominator.Mul(denominator, power(shift))), zero, low, high)
		if got := Divide(a, b, Multiplier{m0, shift}, zero, low, high); got != want {
			t.Fatalf("Divide(%d, %d, %d, %d, %d, %d, %d) = %d, want %d", a, b, m0, shift, zero, low, high, got, want)
		}
	}
	for _, m0 := range multipliers(random, 4) {
		for shift := uint8(MinShift); shift <= MaxShift; shift++ {
			for range 300 {
				check(int32(random.IntN(511)-255), int32(random.IntN(255)+1), m0, shift)
				check(int32(random.IntN(511)-255), -int32(random.IntN(255)+1), m0, shift)
			}
		}
	}
	// Exhaustive with a factor of 1: every quotient and every tie of bytes.
	for a := int32(-255); a <= 255; a++ {
		for b := int32(-255); b <= 255; b++ {
			if b != 0 {
				check(a, b, 1<<30, 30)
			}
		}
	}
}

func TestDivideByZero(t *testing.T) {
	m := Multiplier{1 << 30, 30}
	for _, test := range []struct {
		a    int32
		want int8
	}{{5, 100}, {-5, -90}, {0, 7}} {
		if got := Divide(test.a, 0, m, 7, -90, 100); got != test.want {
			t.Errorf("Divide(%d, 0) = %d, want %d", test.a, got, test.want)
		}
	}
	if got := Divide(0, 0, m, 120, -90, 100); got != 100 {
		t.Errorf("0/0 is not clamped: %d", got)
	}
}
