package binarycode

import (
	"fmt"
	"math"
)

// Limits of the fixed-point scales and of the inputs.
const (
	MaxMantissa  = 1<<15 - 1 // magnitude of a mantissa
	MaxShift     = 15        // shift of a row, 4 bits
	LargestInput = 255       // magnitude of x - z for any zero point
)

// ScaleFormat says how scales are stored.
type ScaleFormat uint8

// Scale formats, 16 bits each.
const (
	InvalidScales ScaleFormat = iota
	FixedScales               // int16 mantissas
	HalfScales                // IEEE binary16
	scaleFormatEnd
)

var scaleFormatNames = [scaleFormatEnd]string{InvalidScales: "invalid", FixedScales: "fixed-point", HalfScales: "binary16"}

func (f ScaleFormat) String() string {
	if f < scaleFormatEnd {
		return scaleFormatNames[f]
	}
	return "invalid"
}

// Matrix is a matrix in binary codes as the machine sees it.
type Matrix struct {
	Shape Shape
	// Bits holds the signs by row, plane and column: bit column%64 of word
	// column/64 of Span.Plane, 1 for +1. Bits after the last column are 0.
	Bits []uint64
	// Scales holds, by row (or range that shares), group and plane, the bits of
	// the scale as Format says: alpha = a * 2^-(Exponent+shift) for a mantissa a,
	// h * 2^-Exponent for a binary16 h.
	Format   ScaleFormat
	Scales   []uint16
	Exponent int8
	Shifts   []uint8 // by row, 0 to MaxShift, equal in a range that shares
}

// InputBound is the largest |x - zero| of an int8 x.
func InputBound(zero int8) int { return max(127-int(zero), 128+int(zero)) }

// Validate returns the first rule that the matrix breaks.
func (m *Matrix) Validate() error {
	if err := m.Shape.Validate(); err != nil {
		return err
	}
	switch {
	case len(m.Bits) != m.Shape.Words():
		return fmt.Errorf("%d words of bits, the shape has %d", len(m.Bits), m.Shape.Words())
	case len(m.Scales) != m.Shape.Scales():
		return fmt.Errorf("%d scales, the shape has %d", len(m.Scales), m.Shape.Scales())
	case len(m.Shifts) != m.Shape.Rows:
		return fmt.Errorf("%d shifts, the shape has %d rows", len(m.Shifts), m.Shape.Rows)
	case m.Format <= InvalidScales || m.Format >= scaleFormatEnd:
		return fmt.Errorf("scale format %d: must be %d (fixed-point) or %d (binary16)", m.Format, FixedScales, HalfScales)
	}
	if tail := m.Shape.Columns % 64; tail != 0 {
		words := m.Shape.PlaneWords()
		for at := words - 1; at < len(m.Bits); at += words {
			if m.Bits[at]>>tail != 0 {
				return fmt.Errorf("bits after column %d are not 0 in word %d", m.Shape.Columns-1, at)
			}
		}
	}
	for _, s := range m.Shape.Spans() {
		for r := s.Row; r < s.Row+s.Rows; r++ {
			if m.Shifts[r] > MaxShift {
				return fmt.Errorf("row %d has a shift of %d: must be 0 to %d", r, m.Shifts[r], MaxShift)
			}
			if s.Shared && m.Shifts[r] != m.Shifts[s.Row] {
				return fmt.Errorf("row %d has a shift of %d: its range shares scales and starts with %d", r, m.Shifts[r], m.Shifts[s.Row])
			}
		}
	}
	_, err := m.Mantissas()
	return err
}

// Mantissas returns the integer scales, in the order of Scales. It fails on a
// scale outside +-MaxMantissa. The shape and lengths must be valid.
func (m *Matrix) Mantissas() ([]int16, error) {
	mantissas := make([]int16, len(m.Scales))
	groups := m.Shape.Groups()
	for _, s := range m.Shape.Spans() {
		for set := range s.scaleRows() {
			from := s.ScaleIndex(s.Row+set, 0)
			for i := from; i < from+groups*s.Planes; i++ {
				a, ok := mantissa(m.Format, m.Scales[i], m.Shifts[s.Row+set])
				if !ok {
					return nil, fmt.Errorf("scale %d (row %d, bits %#04x) is beyond +-%d in fixed point", i, s.Row+set, m.Scales[i], MaxMantissa)
				}
				mantissas[i] = a
			}
		}
	}
	return mantissas, nil
}

// mantissa is the integer scale of stored bits.
func mantissa(format ScaleFormat, bits uint16, shift uint8) (a int16, ok bool) {
	if format == HalfScales {
		return HalfMantissa(bits, shift)
	}
	return int16(bits), bits != 1<<15
}

// CheckSums proves that no sum of inputs within +-bound overflows an int32
// accumulator that starts from its bias, in whatever order it is added. A nil
// bias is 0.
func (m *Matrix) CheckSums(bias []int32, bound int) error {
	mantissas, err := m.Mantissas()
	if err != nil {
		return err
	}
	if bias != nil && len(bias) != m.Shape.Rows {
		return fmt.Errorf("%d biases for %d rows", len(bias), m.Shape.Rows)
	}
	if bound < 0 || bound > LargestInput {
		return fmt.Errorf("input bound %d: must be 0 to %d", bound, LargestInput)
	}
	for _, s := range m.Shape.Spans() {
		for r := s.Row; r < s.Row+s.Rows; r++ {
			// At most 2^15 * 255 * 4 * 2^20 in all: far below 2^63.
			var sum int64
			for g := range m.Shape.Groups() {
				from, to := m.Shape.GroupColumns(g)
				at := s.ScaleIndex(r, g)
				for _, a := range mantissas[at : at+s.Planes] {
					sum += int64(max(a, -a)) * int64(to-from) * int64(bound)
				}
			}
			if bias != nil {
				b := int64(bias[r])
				sum += max(b, -b)
			}
			if sum > math.MaxInt32 {
				return fmt.Errorf("the sum of row %d may reach %d: it must fit int32", r, sum)
			}
		}
	}
	return nil
}
