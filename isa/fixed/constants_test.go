package fixed

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
)

// exactValue is a float64 as an exact rational.
func exactValue(x float64) *big.Rat { return new(big.Rat).SetFloat64(x) }

func TestNewMultiplierErrors(t *testing.T) {
	for _, scale := range []float64{math.NaN(), math.Inf(1), -1e-9, 1 << 29} {
		if m, err := NewMultiplier(scale); err == nil {
			t.Errorf("NewMultiplier(%g) = %+v, want an error", scale, m)
		}
	}
}

func TestNewMultiplierBounds(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	scales := []float64{1, 0.5, 2, 1 << 28, math.Nextafter(1<<29, 0), math.Nextafter(1, 0), math.Nextafter(0.5, 1), math.Ldexp(1, -32), 5e-324}
	for range 20000 {
		scales = append(scales, math.Ldexp(0.5+random.Float64()/2, random.IntN(29+70)-69))
	}
	for _, scale := range scales {
		m, err := NewMultiplier(scale)
		if err != nil {
			t.Fatalf("NewMultiplier(%g): %v", scale, err)
		}
		if m.M0 < 0 || m.Shift < MinShift || m.Shift > MaxShift {
			t.Fatalf("NewMultiplier(%g) = %+v is out of range", scale, m)
		}
		stored := new(big.Rat).SetFrac(product(int64(m.M0)), power(m.Shift))
		difference := stored.Sub(stored, exactValue(scale))
		difference.Abs(difference)
		bound := exactValue(math.Ldexp(1, -62))
		if scale >= math.Ldexp(1, -32) {
			if m.M0 < 1<<30 {
				t.Fatalf("NewMultiplier(%g) = %+v is not normalized", scale, m)
			}
			bound = exactValue(math.Ldexp(scale, -31))
		}
		if difference.Cmp(bound) > 0 {
			d, _ := difference.Float64()
			t.Fatalf("NewMultiplier(%g) = %+v is off by %g", scale, m, d)
		}
		if value, _ := exactValue(scale).Float64(); math.Abs(m.Value()-value) > math.Ldexp(scale, -31)+math.Ldexp(1, -62) {
			t.Fatalf("Value of %+v is %g, want %g", m, m.Value(), value)
		}
	}
	if m, err := NewMultiplier(0); err != nil || m.M0 != 0 || Scale(12345, m.M0, m.Shift) != 0 {
		t.Errorf("NewMultiplier(0) = %+v, %v", m, err)
	}
}

func TestNewAddFactorsBound(t *testing.T) {
	for _, bad := range [][2]float64{{math.NaN(), 1}, {1, math.NaN()}, {1 << 20, 0}, {0, math.Inf(-1)}} {
		if f, err := NewAddFactors(bad[0], bad[1]); err == nil {
			t.Errorf("NewAddFactors(%g, %g) = %+v, want an error", bad[0], bad[1], f)
		}
	}
	if f, err := NewAddFactors(0, 0); err != nil || Add(100, 100, f, 3, -128, 127) != 3 {
		t.Errorf("NewAddFactors(0, 0) = %+v, %v", f, err)
	}
	random := rand.New(rand.NewPCG(2, 2))
	for range 100000 {
		scaleA := math.Ldexp(0.5+random.Float64()/2, random.IntN(12)-8)
		scaleB := math.Ldexp(random.Float64()*2-1, random.IntN(12)-8)
		f, err := NewAddFactors(scaleA, scaleB)
		if err != nil {
			t.Fatal(err)
		}
		a, b := int32(random.IntN(511)-255), int32(random.IntN(511)-255)
		exact := scaleA*float64(a) + scaleB*float64(b) // within 2^-40 of the real sum
		if math.Abs(exact) > 120 {
			continue // clamped
		}
		bound := 0.5 + 2*255*math.Ldexp(math.Max(scaleA, math.Abs(scaleB)), -22) + 1e-9
		if e := math.Abs(float64(Add(a, b, f, 0, -128, 127)) - exact); e > bound {
			t.Fatalf("%g*%d + %g*%d: error %g above %g", scaleA, a, scaleB, b, e, bound)
		}
	}
}

// bigExp is exp(-x) to 200 bits, by its Taylor series on x/2^k.
func bigExp(x float64) *big.Float {
	const precision, halvings = 256, 12
	y := new(big.Float).SetPrec(precision).SetFloat64(x)
	y.SetMantExp(y, -halvings)
	sum, term := new(big.Float).SetPrec(precision).SetInt64(1), new(big.Float).SetPrec(precision).SetInt64(1)
	for i := int64(1); i < 60; i++ {
		term.Mul(term, y).Quo(term, new(big.Float).SetInt64(i))
		sum.Add(sum, term)
	}
	for range halvings {
		sum.Mul(sum, sum)
	}
	return sum.Quo(new(big.Float).SetPrec(precision).SetInt64(1), sum)
}

func TestSoftmaxTable(t *testing.T) {
	for _, scale := range []float64{1e-6, 0.01, 0.0625, 0.1234, 1, 7.5} {
		table := SoftmaxTable(scale)
		if table[0] != 1<<ExponentialBits {
			t.Errorf("scale %g: E[0] = %d", scale, table[0])
		}
		for d := range table {
			exact := bigExp(scale * float64(d))
			exact.SetMantExp(exact, ExponentialBits)
			off, _ := exact.Sub(exact, new(big.Float).SetInt64(int64(table[d]))).Float64()
			if math.Abs(off) > 0.5+1e-6 {
				t.Errorf("scale %g: E[%d] = %d is off by %g", scale, d, table[d], off)
			}
		}
	}
}

func TestSoftmaxElementAgainstBigIntegers(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 2))
	for range 50000 {
		e := uint32(random.IntN(1<<ExponentialBits + 1))
		sum := uint64(1<<ExponentialBits) + random.Uint64N(1<<uint(random.IntN(40)))
		shift := uint8(random.IntN(31))
		zero, low, high := clamps(random)
		n := product(int64(e))
		n.Lsh(n, uint(shift)).Add(n, new(big.Int).SetUint64(sum/2))
		want := bigClamp(n.Div(n, new(big.Int).SetUint64(sum)), zero, low, high)
		if got := SoftmaxElement(e, sum, shift, zero, low, high); got != want {
			t.Fatalf("SoftmaxElement(%d, %d, %d, %d, %d, %d) = %d, want %d", e, sum, shift, zero, low, high, got, want)
		}
	}
}

// TestSoftmaxBound compares a whole softmax with real numbers.
func TestSoftmaxBound(t *testing.T) {
	random := rand.New(rand.NewPCG(4, 2))
	for _, n := range []int{1, 2, 10, 100, 1000} {
		for range 200 {
			scale := math.Ldexp(0.5+random.Float64()/2, random.IntN(8)-6)
			table := SoftmaxTable(scale)
			q, largest := make([]int, n), -128
			for i := range q {
				q[i] = random.IntN(256) - 128
				largest = max(largest, q[i])
			}
			var sum uint64
			var real float64
			for _, v := range q {
				sum += uint64(table[largest-v])
				real += math.Exp(-scale * float64(largest-v))
			}
			const shift = 7 // results stay in range of int8 unless one channel has it all
			bound := 0.5 + float64(n)*math.Ldexp(1, shift-21) + 1e-9
			for _, v := range q {
				exact := math.Exp(-scale*float64(largest-v)) / real * (1 << shift)
				if e := math.Abs(float64(SoftmaxElement(table[largest-v], sum, shift, -1, -128, 127)) + 1 - exact); e > bound {
					t.Fatalf("%d channels, scale %g: error %g above %g", n, scale, e, bound)
				}
			}
		}
	}
}

func TestQuantize(t *testing.T) {
	inf := float32(math.Inf(1))
	for _, test := range []struct {
		x     float32
		scale float64
		zero  int8
		want  int8
	}{
		{0, 0.1, 3, 3}, {1, 0.5, 0, 2}, {0.25, 0.5, 0, 1}, {-0.25, 0.5, 0, -1}, {0.75, 0.5, 0, 2}, {-0.75, 0.5, 0, -2},
		{0.2499, 0.5, 0, 0}, {1000, 0.5, 0, 100}, {-1000, 0.5, 0, -90}, {inf, 1, 0, 100}, {-inf, 1, 0, -90},
		{float32(math.NaN()), 1, 5, 5}, {math.MaxFloat32, 1e-300, 0, 100}, {-math.MaxFloat32, 1e-300, 0, -90},
	} {
		if got := Quantize(test.x, test.scale, test.zero, -90, 100); got != test.want {
			t.Errorf("Quantize(%g, %g, %d) = %d, want %d", test.x, test.scale, test.zero, got, test.want)
		}
	}
	// Within half a step, and a fixed point of the way there and back.
	random := rand.New(rand.NewPCG(5, 2))
	for range 100000 {
		scale := math.Ldexp(0.5+random.Float64()/2, random.IntN(20)-15)
		zero := int8(random.IntN(21) - 10)
		x := float32((random.Float64()*2 - 1) * 100 * scale)
		q := Quantize(x, scale, zero, -128, 127)
		if e := math.Abs(scale*float64(int(q)-int(zero)) - float64(x)); e > scale*(0.5+1e-12) {
			t.Fatalf("Quantize(%g, %g, %d) = %d is off by %g steps", x, scale, zero, q, e/scale)
		}
		if again := Quantize(Dequantize(q, scale, zero), scale, zero, -128, 127); again != q {
			t.Fatalf("Quantize(Dequantize(%d)) = %d for scale %g", q, again, scale)
		}
	}
}

func TestRange(t *testing.T) {
	for bits, want := range map[uint8][2]int8{2: {-2, 1}, 3: {-4, 3}, 4: {-8, 7}, 5: {-16, 15}, 6: {-32, 31}, 7: {-64, 63}, 8: {-128, 127}} {
		if low, high := Range(bits); low != want[0] || high != want[1] {
			t.Errorf("Range(%d) = %d, %d, want %v", bits, low, high, want)
		}
	}
}

func TestClamp(t *testing.T) {
	for _, test := range [][4]int64{{5, 0, 3, 3}, {-5, 0, 3, 0}, {2, 0, 3, 2}, {math.MinInt64, -1, 1, -1}, {math.MaxInt64, -1, 1, 1}} {
		if got := Clamp(test[0], test[1], test[2]); got != test[3] {
			t.Errorf("Clamp(%d, %d, %d) = %d, want %d", test[0], test[1], test[2], got, test[3])
		}
	}
}
