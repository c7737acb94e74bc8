// Package fixed is the integer scalar arithmetic that compiler and machine
// must agree on: requantization, element-wise formulas, averages and softmax.
//
// Every function here is one formula on integers with a stated error bound
// against the real-valued result; nothing in this package uses floating point
// except the functions that choose constants at compile time (Multiplier,
// Quantize, tables). Kernels may compute the same values faster, never
// different ones.
package fixed

import (
	"fmt"
	"math"
)

// Shift limits of the requantizer.
const (
	MinShift = 1
	MaxShift = 62
)

// Multiplier is a positive real factor M0 * 2^-Shift with a 31-bit M0.
type Multiplier struct {
	M0    int32 // in [2^30, 2^31), or 0 for a factor that vanishes
	Shift uint8 // in [MinShift, MaxShift]
}

// NewMultiplier returns the Multiplier nearest to scale, which must be finite,
// not negative and below 2^29. The relative error is at most 2^-31, except for
// scales under 2^-32, whose absolute error is at most 2^-62.
func NewMultiplier(scale float64) (Multiplier, error) {
	if math.IsNaN(scale) || scale < 0 || scale >= 1<<29 {
		return Multiplier{}, fmt.Errorf("scale factor %g is outside [0, 2^29)", scale)
	}
	if scale == 0 {
		return Multiplier{0, MinShift}, nil
	}
	fraction, exponent := math.Frexp(scale) // scale = fraction * 2^exponent, fraction in [0.5, 1)
	m := int64(math.Round(fraction * (1 << 31)))
	shift := 31 - exponent
	if m == 1<<31 {
		m, shift = 1<<30, shift-1
	}
	for shift > MaxShift { // too small to normalize: lose low bits
		m, shift = (m+1)>>1, shift-1
	}
	return Multiplier{int32(m), uint8(shift)}, nil
}

// Value is the real factor.
func (m Multiplier) Value() float64 { return math.Ldexp(float64(m.M0), -int(m.Shift)) }

// Scale multiplies an integer by m0 * 2^-shift and rounds half up
// ("half-up-shift", equal to TFLite's single rounding in range):
//
//	(x*m0 + 2^(shift-1)) >> shift
//
// The product must fit 63 bits, which it does for 32-bit x and 31-bit m0.
func Scale(x int64, m0 int32, shift uint8) int64 {
	return (x*int64(m0) + int64(1)<<(shift-1)) >> shift
}

// Clamp limits v to [low, high].
func Clamp(v, low, high int64) int64 { return min(max(v, low), high) }

// Requantize turns an int32 sum into an output element:
//
//	clamp(zero + ((sum*m0 + 2^(shift-1)) >> shift), low, high)
//
// The error before the clamp is at most 0.5 of an output step plus
// |sum| * 2^(-shift-1) for the rounding of m0.
func Requantize(sum int32, m0 int32, shift uint8, zero, low, high int8) int8 {
	return int8(Clamp(int64(zero)+Scale(int64(sum), m0, shift), int64(low), int64(high)))
}

// AddFactors are the integer factors of an addition: a*A + b*B with a common
// right shift.
type AddFactors struct {
	A, B  int32
	Shift uint8
}

// NewAddFactors returns factors for (scaleA*a + scaleB*b), each scale being
// input step over output step, b's negative for a subtraction. The larger
// factor has 22 significant bits, so with |a|, |b| <= 255 the result is within
// 0.5 + 2*255*2^-22*max(scale) output steps of the exact sum.
func NewAddFactors(scaleA, scaleB float64) (AddFactors, error) {
	largest := math.Max(math.Abs(scaleA), math.Abs(scaleB))
	if math.IsNaN(largest) || largest >= 1<<20 {
		return AddFactors{}, fmt.Errorf("scale factors %g and %g: the larger must be below 2^20", scaleA, scaleB)
	}
	if largest == 0 {
		return AddFactors{0, 0, MinShift}, nil
	}
	_, exponent := math.Frexp(largest)
	shift := min(max(22-exponent, MinShift), MaxShift)
	round := func(scale float64) int32 { return int32(math.RoundToEven(math.Ldexp(scale, shift))) }
	return AddFactors{round(scaleA), round(scaleB), uint8(shift)}, nil
}

// Add computes clamp(zero + ((a*f.A + b*f.B + 2^(s-1)) >> s)); a and b have
// their zero points already subtracted.
func Add(a, b int32, f AddFactors, zero, low, high int8) int8 {
	sum := int64(a)*int64(f.A) + int64(b)*int64(f.B)
	return int8(Clamp(int64(zero)+(sum+int64(1)<<(f.Shift-1))>>f.Shift, int64(low), int64(high)))
}

// Multiply computes clamp(zero + ((a*b*m0 + 2^(s-1)) >> s)).
func Multiply(a, b int32, m Multiplier, zero, low, high int8) int8 {
	return int8(Clamp(int64(zero)+Scale(int64(a)*int64(b), m.M0, m.Shift), int64(low), int64(high)))
}

// Divide computes clamp(zero + q), q being a*m0 / (b * 2^s) rounded half up.
// Division by zero saturates with the sign of a; 0/0 is 0.
func Divide(a, b int32, m Multiplier, zero, low, high int8) int8 {
	if b == 0 {
		switch {
		case a > 0:
			return high
		case a < 0:
			return low
		}
		return int8(Clamp(int64(zero), int64(low), int64(high)))
	}
	numerator := int64(a) * int64(m.M0)
	if b < 0 {
		numerator, b = -numerator, -b
	}
	// A denominator beyond 2^53 exceeds twice any numerator (|a| <= 255,
	// m0 < 2^31), so every such quotient rounds like one at 2^53.
	denominator := int64(b) << min(m.Shift, 45)
	return int8(Clamp(int64(zero)+floorDivide(2*numerator+denominator, 2*denominator), int64(low), int64(high)))
}

func floorDivide(a, b int64) int64 {
	q := a / b
	if a%b != 0 && (a < 0) != (b < 0) {
		q--
	}
	return q
}

// ExponentialBits is the fraction width of softmax tables.
const ExponentialBits = 20

// SoftmaxTable returns E[d] = round(2^20 * exp(-scale*d)) for d = max - q.
func SoftmaxTable(scale float64) (table [256]uint32) {
	for d := range table {
		table[d] = uint32(math.Round(math.Ldexp(math.Exp(-scale*float64(d)), ExponentialBits)))
	}
	return table
}

// SoftmaxElement computes clamp(zero + (e*2^shift + sum/2) / sum) for one
// channel: e its exponential, sum that of all channels (positive, since the
// largest element contributes 2^20). With n channels the error is at most 0.5
// of an output step plus n * 2^(shift-21) steps.
func SoftmaxElement(e uint32, sum uint64, shift uint8, zero, low, high int8) int8 {
	return int8(Clamp(int64(zero)+int64((uint64(e)<<shift+sum/2)/sum), int64(low), int64(high)))
}

// Quantize is the host's conversion of a real value to a step of an
// activation tensor: clamp(round(x/scale) + zero), halves away from zero.
// NaN becomes the zero point.
func Quantize(x float32, scale float64, zero, low, high int8) int8 {
	r := math.Round(float64(x) / scale)
	if math.IsNaN(r) {
		return zero
	}
	// Clamp in floating point first: the conversion of a huge value would not be defined.
	r = math.Min(math.Max(r, -1e6), 1e6)
	return int8(Clamp(int64(zero)+int64(r), int64(low), int64(high)))
}

// Dequantize is the host's conversion back: scale * (q - zero).
func Dequantize(q int8, scale float64, zero int8) float32 {
	return float32(scale * float64(int32(q)-int32(zero)))
}

// Range is the signed range of an element of some bits.
func Range(bits uint8) (low, high int8) {
	return int8(-(int32(1) << (bits - 1))), int8(int32(1)<<(bits-1) - 1)
}
