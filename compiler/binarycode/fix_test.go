package binarycode

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/npusim/npusim/isa/binarycode"
	"github.com/npusim/npusim/isa/fixed"
)

// TestFix: for random matrices of widely spread rows, both formats: sums are
// proven to fit, the worst input reaches no further, and every sum is within the
// stated bound of the real one.
func TestFix(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	cases := 300
	if testing.Short() {
		cases = 60
	}
	for i := range cases {
		rows, columns := 1+random.IntN(20), 1+random.IntN(300)
		w := gaussian(random, rows*columns)
		spread := random.Float64() * 12
		for j := range w {
			w[j] *= float32(math.Exp2(-spread * float64(j/columns) / float64(rows)))
		}
		if random.IntN(4) == 0 {
			clear(w[:columns]) // a dead row
		}
		o := Options{Method: Alternating, Group: 1 + random.IntN(columns)}
		for left := rows; left > 0; {
			r := binarycode.Range{Rows: 1 + random.IntN(left), Planes: 1 + random.IntN(4), Shared: random.IntN(4) == 0}
			o.Ranges, left = append(o.Ranges, r), left-r.Rows
		}
		m := mustQuantize(t, w, rows, columns, o)
		zero := int8(random.Uint32())
		f := FixOptions{Format: []binarycode.ScaleFormat{binarycode.FixedScales, binarycode.HalfScales}[i%2], InputBound: binarycode.InputBound(zero), Bias: make([]float64, rows)}
		for r := range f.Bias {
			f.Bias[r] = random.NormFloat64() * 100
		}
		fixed, err := m.Fix(f)
		if err != nil {
			t.Fatal(err)
		}
		if err := fixed.Validate(); err != nil {
			t.Fatal(err)
		}
		if err := fixed.CheckSums(fixed.Bias, f.InputBound); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(fixed.Bits, m.Bits) {
			t.Fatal("signs changed")
		}
		checkSums(t, random, m, fixed, f, zero)
	}
}

// checkSums compares integer sums with real ones.
func checkSums(t *testing.T, random *rand.Rand, m *Matrix, fixed *Fixed, f FixOptions, zero int8) {
	t.Helper()
	product, err := binarycode.NewProduct(fixed.Matrix)
	if err != nil {
		t.Fatal(err)
	}
	x, u := make([]int8, m.Shape.Columns), make([]int16, m.Shape.Columns)
	for j := range x {
		x[j] = int8(random.Uint32())
	}
	binarycode.Subtract(u, x, zero)
	acc := slices.Clone(fixed.Bias)
	product.Accumulate(acc, u)
	for _, s := range m.Shape.Spans() {
		for r := s.Row; r < s.Row+s.Rows; r++ {
			unit := math.Ldexp(1, -int(fixed.Exponent)-int(fixed.Shifts[r]))
			real, bound := f.Bias[r], unit/2
			for g := range m.Shape.Groups() {
				for i, a := range m.Scales[s.ScaleIndex(r, g):][:s.Planes] {
					sum := float64(product.PlaneSum(r, i, g, u))
					real += float64(a) * sum
					bound += unit / 2 * math.Abs(sum)
					if f.Format == binarycode.HalfScales {
						bound += (float64(a)*0x1p-11 + math.Ldexp(1, -25-int(fixed.Exponent))) * math.Abs(sum)
					}
				}
			}
			if off := math.Abs(float64(acc[r])*unit - real); off > bound*(1+1e-9)+1e-9*math.Abs(real) {
				t.Fatalf("row %d: sum %g, want %g within %g", r, float64(acc[r])*unit, real, bound)
			}
		}
	}
}

// TestFixPrecision: what is left of mantissas for wide rows, and that rounding
// them is far below the error of the codes.
func TestFixPrecision(t *testing.T) {
	for _, c := range []struct{ columns, planes, bits int }{{64, 1, 15}, {4096, 4, 9}, {11008, 3, 8}} {
		const rows = 8
		w := gaussian(rand.New(rand.NewPCG(2, 1)), rows*c.columns)
		m := mustQuantize(t, w, rows, c.columns, Options{Method: Alternating, Planes: c.planes})
		fixed, err := m.Fix(FixOptions{Format: binarycode.FixedScales})
		if err != nil {
			t.Fatal(err)
		}
		if fixed.MantissaBits < c.bits {
			t.Errorf("%d columns, %d planes: mantissas of %d bits, want %d", c.columns, c.planes, fixed.MantissaBits, c.bits)
		}
		product, err := binarycode.NewProduct(fixed.Matrix)
		if err != nil {
			t.Fatal(err)
		}
		weights, coded := make([]int32, c.columns), make([]float32, rows*c.columns)
		m.Dequantize(coded)
		var rounding, energy float64
		for r := range rows {
			product.Weights(weights, r)
			unit := math.Ldexp(1, -int(fixed.Exponent)-int(fixed.Shifts[r]))
			for j, v := range weights {
				d := float64(v)*unit - float64(coded[r*c.columns+j])
				rounding += d * d
				energy += float64(w[r*c.columns+j]) * float64(w[r*c.columns+j])
			}
		}
		codes := mustError(t, m, w, nil).Normalized()
		decibels := 10 * math.Log10(codes/(rounding/energy))
		t.Logf("%d columns, %d planes: %d bits, rounding %.1f dB below the codes' error", c.columns, c.planes, fixed.MantissaBits, decibels)
		if decibels < 20 {
			t.Errorf("%d columns, %d planes: rounding of scales is only %.1f dB below the error of codes", c.columns, c.planes, decibels)
		}
	}
}

// TestRequantize: real outputs, from real inputs and biases, against the bytes of
// the whole integer path, for rows that differ by up to 2^20.
func TestRequantize(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 1))
	const rows, columns = 24, 200
	for _, format := range []binarycode.ScaleFormat{binarycode.FixedScales, binarycode.HalfScales} {
		for _, ratio := range []float64{0.4, 3e-5, 700} {
			w := gaussian(random, rows*columns)
			for j := range w {
				w[j] *= float32(math.Exp2(-20 * float64(j/columns) / rows))
			}
			m := mustQuantize(t, w, rows, columns, Options{Method: Alternating, Planes: 3, Group: 50})
			const zeroIn, zeroOut = -7, 12
			o := FixOptions{Format: format, InputBound: binarycode.InputBound(zeroIn), Bias: make([]float64, rows), OutputRatio: ratio}
			for r := range o.Bias {
				o.Bias[r] = random.NormFloat64() * 20
			}
			f, err := m.Fix(o)
			if err != nil {
				t.Fatal(err)
			}
			product, err := binarycode.NewProduct(f.Matrix)
			if err != nil {
				t.Fatal(err)
			}
			tight := 0.0
			coded := make([]float32, rows*columns)
			m.Dequantize(coded)
			for range 20 {
				x, u := make([]int8, columns), make([]int16, columns)
				for j := range x {
					x[j] = int8(random.Uint32())
				}
				binarycode.Subtract(u, x, zeroIn)
				acc := slices.Clone(f.Bias)
				product.Accumulate(acc, u)
				for r, sum := range acc {
					shift := f.Multiplier.Shift + f.Shifts[r]
					if shift > fixed.MaxShift {
						t.Fatalf("row %d: shift %d", r, shift)
					}
					unit := math.Ldexp(1, -int(f.Exponent)-int(f.Shifts[r]))
					real, rounding := o.Bias[r], unit/2
					for j, v := range u {
						real += float64(coded[r*columns+j]) * float64(v)
					}
					at := m.Shape.Spans()[0].ScaleIndex(r, 0)
					for k, a := range m.Scales[at : at+4*3] { // 4 groups, 3 planes
						s := math.Abs(float64(product.PlaneSum(r, k%3, k/3, u)))
						rounding += s * unit / 2
						if format == binarycode.HalfScales {
							rounding += s * (float64(a)*0x1p-11 + math.Ldexp(1, -25-int(f.Exponent)))
						}
					}
					// Float32 weights and the multiplier are good to 2^-20 at least.
					bound := 0.5 + ratio*rounding + ratio*0x1p-20*(255*columns*math.Exp2(-20*float64(r)/rows)*5+math.Abs(real))
					tight = max(tight, bound)
					y := fixed.Requantize(sum, f.Multiplier.M0, shift, zeroOut, -128, 127)
					want := math.Min(math.Max(real*ratio+zeroOut, -128), 127)
					if math.Abs(float64(y)-want) > bound {
						t.Fatalf("%v, ratio %g, row %d: %d, want %g within %g", format, ratio, r, y, want, bound)
					}
				}
			}
			if ratio < 1e-3 && tight > 0.51 {
				t.Errorf("%v, ratio %g: outputs may be off by %g", format, ratio, tight)
			}
		}
	}
}

func TestFixErrors(t *testing.T) {
	m := mustQuantize(t, []float32{1, -2, 3, 4}, 2, 2, Options{Method: Greedy, Planes: 1})
	for name, o := range map[string]FixOptions{
		"format": {},
		"bound":  {Format: binarycode.FixedScales, InputBound: 256},
		"ratio":  {Format: binarycode.FixedScales, OutputRatio: -1},
		"steep":  {Format: binarycode.FixedScales, OutputRatio: 0x1p100},
		"biases": {Format: binarycode.FixedScales, Bias: make([]float64, 3)},
		"NaN":    {Format: binarycode.FixedScales, Bias: []float64{0, math.NaN()}},
		"huge":   {Format: binarycode.FixedScales, Bias: []float64{0x1p127, 0x1p126}, InputBound: 300},
	} {
		if _, err := m.Fix(o); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	m.Scales[0] = float32(math.Inf(1))
	if _, err := m.Fix(FixOptions{Format: binarycode.FixedScales}); err == nil {
		t.Error("an infinite scale: no error")
	}
	tiny := mustQuantize(t, []float32{1e-42, 1e-42}, 1, 2, Options{Method: Greedy, Planes: 1})
	if f, err := tiny.Fix(FixOptions{Format: binarycode.FixedScales}); err == nil {
		t.Errorf("scales of 1e-42: exponent %d", f.Exponent)
	}
	zero := mustQuantize(t, make([]float32, 6), 2, 3, Options{Method: Alternating, Planes: 2})
	if f, err := zero.Fix(FixOptions{Format: binarycode.HalfScales}); err != nil || f.Exponent != 0 || f.Validate() != nil {
		t.Errorf("a matrix of zeros: %v", err)
	}
}
