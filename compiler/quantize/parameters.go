package quantize

import (
	"math"

	"github.com/npusim/npusim/compiler/integer"
	"github.com/npusim/npusim/isa/fixed"
)

// smallestSpan is the width of range below which a tensor counts as constant
// zero, far under anything float32 arithmetic resolves.
const smallestSpan = 1e-30

// parameters chooses scale and zero point of an asymmetric tensor of some
// bits: scale = span/(2^bits-1), the zero point rounded so that 0 is exact.
// The scale is at least minimum.
func parameters(r Range, bits uint8, minimum float64) (scale float64, zero int8) {
	low, high := min(r.Low, 0), max(r.High, 0)
	first, last := fixed.Range(bits)
	if high-low < smallestSpan {
		return math.Max(1, minimum), 0
	}
	scale = math.Max((high-low)/float64(int(1)<<bits-1), minimum)
	zero = int8(fixed.Clamp(int64(math.Round(float64(first)-low/scale)), int64(first), int64(last)))
	return scale, zero
}

// step is the element of a tensor nearest to a real value, halves away from
// zero.
func step(x float64, t *integer.Tensor) int8 {
	low, high := fixed.Range(t.Bits)
	r := math.Round(x/t.Scale) + float64(t.Zero)
	return int8(math.Min(math.Max(r, float64(low)), float64(high)))
}

// toReal is the value an element stands for.
func toReal(q int8, t *integer.Tensor) float64 {
	return t.Scale * float64(int(q)-int(t.Zero))
}

// representable is the range of real values of a tensor.
func representable(t *integer.Tensor) Range {
	low, high := fixed.Range(t.Bits)
	return Range{toReal(low, t), toReal(high, t)}
}

// functionTable tabulates a function from the elements of one tensor to those
// of another.
func functionTable(in, out *integer.Tensor, f func(float64) float64) *[256]int8 {
	table := new([256]int8)
	for i := range table {
		table[i] = step(f(toReal(int8(i-128), in)), out)
	}
	return table
}

// conversionTable requantizes, or is nil if the parameters are equal.
func conversionTable(in, out *integer.Tensor) *[256]int8 {
	if in.Scale == out.Scale && in.Zero == out.Zero && in.Bits <= out.Bits {
		return nil
	}
	return functionTable(in, out, func(x float64) float64 { return x })
}
