package quantize

import (
	"math"
	"slices"
	"testing"

	"github.com/npusim/npusim/compiler/integer"
	"github.com/npusim/npusim/configs"
	"github.com/npusim/npusim/isa/fixed"
	"pgregory.net/rapid"
)

func TestParametersOfKnownRanges(t *testing.T) {
	for _, c := range []struct {
		r       Range
		bits    uint8
		minimum float64
		scale   float64
		zero    int8
	}{
		{Range{0, 6}, 8, 0, 6.0 / 255, -128},     // what a ReLU6 gives
		{Range{-1, 1}, 8, 0, 2.0 / 255, -1},      // -0.5, halves away from zero
		{Range{-6, 0}, 8, 0, 6.0 / 255, 127},     // all negative
		{Range{2, 4}, 8, 0, 4.0 / 255, -128},     // widened to 0
		{Range{-1, 3}, 2, 0, 4.0 / 3, -1},        // -2 + 0.75
		{Range{0, 0}, 8, 0, 1, 0},                // never anything but 0
		{Range{0, 1e-31}, 8, 0, 1, 0},            // nothing float32 resolves
		{Range{0, 0}, 8, 7, 7, 0},                // the finest step allowed
		{Range{0, 1}, 8, 0.5, 0.5, -128},         // likewise
		{Range{0, 1e30}, 8, 0, 1e30 / 255, -128}, // large
		{Range{-1e-20, 0}, 4, 0, 1e-20 / 15, 7},  // small
		{Range{-128, 127}, 8, 0, 1, 0},           // the identity
		{Range{-300, -200}, 8, 0, 300.0 / 255, 127},
	} {
		scale, zero := parameters(c.r, c.bits, c.minimum)
		if math.Abs(scale-c.scale) > 1e-12*c.scale || zero != c.zero {
			t.Errorf("range %v, %d bits: scale %g, zero %d instead of %g, %d", c.r, c.bits, scale, zero, c.scale, c.zero)
		}
	}
}

// TestParametersCoverTheRange: 0 is exact and every value of the range is
// within half a step of an element, a step at the ends, where the zero point
// was rounded.
func TestParametersCoverTheRange(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := Range{-rapid.Float64Range(0, 1e3).Draw(t, "low"), rapid.Float64Range(1e-3, 1e3).Draw(t, "high")}
		tensor := &integer.Tensor{Bits: uint8(rapid.IntRange(2, 8).Draw(t, "bits"))}
		tensor.Scale, tensor.Zero = parameters(r, tensor.Bits, 0)
		if x := toReal(step(0, tensor), tensor); x != 0 {
			t.Fatalf("0 becomes %g", x)
		}
		x := rapid.Float64Range(r.Low, r.High).Draw(t, "value")
		have := representable(tensor)
		bound := 0.5000001 * tensor.Scale
		if x < have.Low || x > have.High {
			bound *= 2
		}
		if d := math.Abs(toReal(step(x, tensor), tensor) - x); d > bound {
			t.Fatalf("%g is off by %g steps", x, d/tensor.Scale)
		}
		for q := have.Low; q < have.High; q += tensor.Scale {
			if e := step(q, tensor); math.Abs(toReal(e, tensor)-q) > 1e-9*(1+math.Abs(q)) {
				t.Fatalf("element value %g does not survive", q)
			}
		}
	})
}

func TestConversionTable(t *testing.T) {
	a := &integer.Tensor{Bits: 8, Scale: 0.5, Zero: 10}
	b := &integer.Tensor{Bits: 8, Scale: 0.25, Zero: -20}
	table := conversionTable(a, b)
	for q := -128; q < 128; q++ {
		want := min(max(2*(q-10)-20, -128), 127)
		if got := table[q+128]; int(got) != want {
			t.Fatalf("%d becomes %d instead of %d", q, got, want)
		}
	}
	if conversionTable(a, a) != nil {
		t.Error("equal parameters need no table")
	}
	narrow := *a
	narrow.Bits = 4
	if conversionTable(a, &narrow) == nil {
		t.Error("fewer bits need a table")
	}
}

// TestPercentile compares the histogram with sorted data.
func TestPercentile(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 400).Draw(t, "count")
		scale := math.Ldexp(1, rapid.IntRange(-90, 90).Draw(t, "exponent"))
		data := make([]float32, n)
		for i := range data {
			data[i] = float32(scale * rapid.Float64Range(-1, 3).Draw(t, "value"))
		}
		percent := rapid.Float64Range(50, 100).Draw(t, "percent")
		s := &statistics{histogram: new(histogram)}
		if !s.observe(data) {
			t.Fatal("finite data refused")
		}
		got := s.histogram.central(percent, s)
		sorted := slices.Sorted(slices.Values(data))
		tail := int(float64(n) * (100 - percent) / 200)
		low, high := float64(sorted[tail]), float64(sorted[n-1-tail])
		width := math.Ldexp(1.0/histogramBins, s.histogram.exponent)
		if math.Abs(got.Low-low) > width || math.Abs(got.High-high) > width {
			t.Fatalf("%g %% is %v instead of [%g, %g], bins of %g", percent, got, low, high, width)
		}
		inside := 0
		for _, x := range data {
			if float64(x) >= got.Low && float64(x) <= got.High {
				inside++
			}
		}
		if float64(inside) < float64(n)*percent/100-1e-9 {
			t.Fatalf("only %d of %d values are inside", inside, n)
		}
	})
}

// TestStatisticsDoNotDependOnOrder spreads data over merged parts.
func TestStatisticsDoNotDependOnOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		whole := &statistics{histogram: new(histogram)}
		parts := []*statistics{{histogram: new(histogram)}, {histogram: new(histogram)}, {histogram: new(histogram)}}
		for range rapid.IntRange(1, 12).Draw(t, "chunks") {
			exponent := rapid.IntRange(-140, 120).Draw(t, "exponent")
			chunk := make([]float32, rapid.IntRange(0, 5).Draw(t, "length"))
			for i := range chunk {
				chunk[i] = float32(math.Ldexp(rapid.Float64Range(-1, 1).Draw(t, "value"), exponent))
			}
			whole.observe(chunk)
			parts[rapid.IntRange(0, 2).Draw(t, "part")].observe(chunk)
		}
		merged := &statistics{histogram: new(histogram)}
		for _, i := range rapid.Permutation([]int{0, 1, 2}).Draw(t, "order") {
			merged.merge(parts[i])
		}
		if merged.low != whole.low || merged.high != whole.high || merged.count != whole.count || *merged.histogram != *whole.histogram {
			t.Fatalf("merged parts differ from the whole")
		}
	})
}

// TestRequantizeLaw: the fixed-point path differs from the real rescale by at
// most half a step plus what the 31-bit multiplier loses, at every shift.
func TestRequantizeLaw(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		scale := math.Ldexp(rapid.Float64Range(0.5, 1).Draw(t, "fraction"), rapid.IntRange(-16, 0).Draw(t, "exponent"))
		m, err := fixed.NewMultiplier(scale)
		if err != nil {
			t.Fatal(err)
		}
		k := uint8(rapid.IntRange(0, integer.MaxChannelShift).Draw(t, "shift"))
		sum := rapid.Int32Range(-1<<24, 1<<24).Draw(t, "sum")
		exact := float64(sum) * math.Ldexp(scale, -int(k))
		got := float64(fixed.Scale(int64(sum), m.M0, m.Shift+k))
		bound := 0.5 + math.Abs(exact)*math.Ldexp(1, -31) + 1e-9
		if d := math.Abs(got - exact); d > bound {
			t.Fatalf("%d * %g >> %d is %g instead of %g, off by %g", sum, scale, k, got, exact, d)
		}
	})
}

func TestSettings(t *testing.T) {
	for _, c := range []struct {
		weights, activations int
		rounding             configs.Rounding
		ok                   bool
	}{
		{8, 8, configs.HalfUpShift, true},
		{2, 2, configs.HalfUpShift, true},
		{1, 8, configs.HalfUpShift, false},
		{9, 8, configs.HalfUpShift, false},
		{8, 16, configs.HalfUpShift, false},
		{8, 8, 0, false},
	} {
		if err := checkSettings(c.weights, c.activations, c.rounding); (err == nil) != c.ok {
			t.Errorf("%+v: error is %v", c, err)
		}
	}
}
