package binarycode

import "math"

// HalfFromFloat is the IEEE binary16 nearest to x, halves to even; beyond the
// range it is infinite.
func HalfFromFloat(x float64) uint16 {
	var sign uint16
	if math.Signbit(x) {
		sign = 1 << 15
	}
	x = math.Abs(x)
	switch {
	case math.IsNaN(x):
		return sign | 0x7e00
	case x >= 65520: // halfway from the largest number to 2^16
		return sign | 0x7c00
	case x < 0x1p-14: // subnormal; rounding up to 2^-14 gives its code
		return sign | uint16(math.RoundToEven(x*0x1p24))
	}
	fraction, exponent := math.Frexp(x) // fraction in [0.5, 1)
	significand := uint16(math.RoundToEven(fraction * (1 << 11)))
	// A significand that rounds up to 2^11 carries into the exponent.
	return sign | uint16(exponent+14-1)<<10 + significand
}

// HalfFloat is the value of an IEEE binary16.
func HalfFloat(h uint16) float64 {
	exponent, fraction := int(h>>10&31), float64(h&0x3ff)
	var x float64
	switch exponent {
	case 0:
		x = math.Ldexp(fraction, -24)
	case 31:
		x = math.Inf(1)
		if fraction != 0 {
			return math.NaN()
		}
	default:
		x = math.Ldexp(fraction+1024, exponent-25)
	}
	if h>>15 != 0 {
		return -x
	}
	return x
}

// HalfMantissa is round(h * 2^shift), halves away from zero, as the load path
// computes it on integers, and whether it is within MaxMantissa; it is not for
// infinities and NaN.
func HalfMantissa(h uint16, shift uint8) (mantissa int16, ok bool) {
	exponent, significand := int(h>>10&31), int64(h&0x3ff)
	switch exponent {
	case 31:
		return 0, false
	case 0:
		exponent = 1
	default:
		significand |= 1 << 10
	}
	// |h| = significand * 2^(exponent-25)
	if up := exponent - 25 + int(shift); up >= 0 {
		significand <<= min(up, 40)
	} else {
		down := -up // at most 24
		significand = (significand + int64(1)<<(down-1)) >> down
	}
	if significand > MaxMantissa {
		return 0, false
	}
	if h>>15 != 0 {
		significand = -significand
	}
	return int16(significand), true
}
