package binarycode

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestHalfRoundTrip: all 2^16 numbers.
func TestHalfRoundTrip(t *testing.T) {
	for h := range 1 << 16 {
		x := HalfFloat(uint16(h))
		if math.IsNaN(x) {
			if back := HalfFloat(HalfFromFloat(x)); !math.IsNaN(back) {
				t.Errorf("%#04x: NaN becomes %g", h, back)
			}
			continue
		}
		if back := HalfFromFloat(x); back != uint16(h) {
			t.Errorf("%#04x is %g, which becomes %#04x", h, x, back)
		}
	}
	for h, want := range map[uint16]float64{0x3c00: 1, 0x0001: 0x1p-24, 0x0400: 0x1p-14, 0x7bff: 65504, 0xc000: -2, 0x3555: 0.333251953125} {
		if got := HalfFloat(h); got != want {
			t.Errorf("%#04x is %g, want %g", h, got, want)
		}
	}
}

// TestHalfRounding: between neighbours the nearer is taken, halfway the even one.
func TestHalfRounding(t *testing.T) {
	for h := uint16(0); h < 0x7c00; h++ {
		low, high := HalfFloat(h), HalfFloat(h+1)
		if h == 0x7bff {
			high = 65536
		}
		middle, even := (low+high)/2, h+h&1
		for _, c := range []struct {
			x    float64
			want uint16
		}{{middle, even}, {math.Nextafter(middle, 0), h}, {math.Nextafter(middle, high), h + 1}, {-middle, even | 1<<15}} {
			if got := HalfFromFloat(c.x); got != c.want {
				t.Fatalf("%g becomes %#04x, want %#04x", c.x, got, c.want)
			}
		}
	}
}

// TestHalfMantissa: the integer conversion is the rounded real product.
func TestHalfMantissa(t *testing.T) {
	for h := range 1 << 16 {
		for shift := uint8(0); shift <= MaxShift; shift++ {
			exact := math.Round(math.Ldexp(HalfFloat(uint16(h)), int(shift))) // exact: 11 bits
			fits := math.Abs(exact) <= MaxMantissa
			got, ok := HalfMantissa(uint16(h), shift)
			if ok != fits || ok && float64(got) != exact {
				t.Fatalf("%#04x, shift %d: %d, %v, want %g", h, shift, got, ok, exact)
			}
		}
	}
}

func FuzzHalf(f *testing.F) {
	f.Add(1.0)
	f.Add(-6.1e-5)
	f.Add(math.Inf(1))
	f.Fuzz(func(t *testing.T, x float64) {
		y := HalfFloat(HalfFromFloat(x))
		if math.IsNaN(x) != math.IsNaN(y) {
			t.Fatalf("%g becomes %g", x, y)
		}
		if bound := math.Max(0x1p-25, math.Abs(x)*0x1p-11); math.Abs(x) < 65520 && math.Abs(x-y) > bound {
			t.Fatalf("%g becomes %g", x, y)
		}
	})
}

func BenchmarkHalfFromFloat(b *testing.B) {
	random := rand.New(rand.NewPCG(5, 1))
	var sink uint16
	x := random.NormFloat64()
	for b.Loop() {
		sink += HalfFromFloat(x)
	}
	_ = sink
}
