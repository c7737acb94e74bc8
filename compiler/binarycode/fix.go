package binarycode

import (
	"fmt"
	"math"
	"slices"

	"github.com/npusim/npusim/isa/binarycode"
	"github.com/npusim/npusim/isa/fixed"
)

// FixOptions say what fixed-point scales must leave room for.
type FixOptions struct {
	Format binarycode.ScaleFormat
	// InputBound is the largest |x - zero| of an input, binarycode.InputBound of
	// its zero point; 0 for that of any zero point, 255.
	InputBound int
	// Bias is, by row, the real bias over the scale of the inputs; nil for none.
	Bias []float64
	// OutputRatio is the scale of the inputs over that of the outputs. With it,
	// Fix chooses the requantizer's multiplier too and keeps its shift in range.
	OutputRatio float64
}

// Fixed is a matrix with the machine's scales, and what making them cost.
type Fixed struct {
	*binarycode.Matrix
	Bias []int32 // by row: round(Bias * 2^(Exponent+shift)), nil without
	// Multiplier stands for OutputRatio * 2^-Exponent; the requantizer of a row
	// adds the row's shift to its shift.
	Multiplier fixed.Multiplier
	// MantissaBits is the smallest width that a row's largest mantissa has, over
	// the rows that are not all 0.
	MantissaBits int
	// SumLimited counts rows whose mantissas are narrower than 15 bits so that
	// their sums fit int32, ShiftLimited those that are narrower still because
	// their shift would exceed 15 otherwise.
	SumLimited, ShiftLimited int
}

// Exponents that a header holds.
const minExponent, maxExponent = math.MinInt8, math.MaxInt8

// Fix makes integer scales. Each row gets the largest power of two at which its
// mantissas fit 15 bits, its sums int32, for every input within the bound, and the
// requantizer's shift its limit. Exponent is the smallest of them, Shifts what a row has above it, at most 15.
func (m *Matrix) Fix(o FixOptions) (*Fixed, error) {
	if err := m.validate(); err != nil {
		return nil, err
	}
	if o.InputBound == 0 {
		o.InputBound = binarycode.LargestInput
	}
	switch {
	case o.Format != binarycode.FixedScales && o.Format != binarycode.HalfScales:
		return nil, fmt.Errorf("fixed-point scales: format %d: must be %d or %d", o.Format, binarycode.FixedScales, binarycode.HalfScales)
	case o.InputBound < 1 || o.InputBound > binarycode.LargestInput:
		return nil, fmt.Errorf("fixed-point scales: input bound %d: must be 1 to %d", o.InputBound, binarycode.LargestInput)
	case o.Bias != nil && len(o.Bias) != m.Shape.Rows:
		return nil, fmt.Errorf("fixed-point scales: %d biases for %d rows", len(o.Bias), m.Shape.Rows)
	case !(o.OutputRatio >= 0 && o.OutputRatio <= math.MaxFloat32):
		return nil, fmt.Errorf("fixed-point scales: ratio of input to output scale is %g: must be 0 or more and at most %g", o.OutputRatio, math.MaxFloat32)
	}
	rows, reach := make([]rowScales, m.Shape.Rows), reaches(&m.Shape, o.InputBound)
	exponent, any := math.MaxInt, false
	for _, s := range m.Shape.Spans() {
		common := math.MaxInt // of a range that shares
		for r := s.Row; r < s.Row+s.Rows; r++ {
			row := &rows[r]
			row.reach, row.half = reach, o.Format == binarycode.HalfScales
			if err := row.gather(m, &s, r, &o); err != nil {
				return nil, err
			}
			row.choosePower(largestPower(o.OutputRatio))
			common = min(common, row.power)
			if !row.empty() {
				exponent, any = min(exponent, row.power), true
			}
		}
		for r := s.Row; s.Shared && r < s.Row+s.Rows; r++ {
			rows[r].power = common
		}
	}
	if !any {
		exponent = 0
	}
	if exponent < minExponent || exponent > maxExponent {
		return nil, fmt.Errorf("fixed-point scales: exponent %d is outside %d to %d: the weights are too large or too small", exponent, minExponent, maxExponent)
	}
	f := m.fixAt(rows, exponent, &o)
	if o.OutputRatio > 0 {
		var err error
		if f.Multiplier, err = fixed.NewMultiplier(math.Ldexp(o.OutputRatio, -exponent)); err != nil {
			return nil, fmt.Errorf("fixed-point scales: requantizer: %w", err)
		}
	}
	return f, nil
}

// largestPower is the largest Exponent + shift of a row at which the requantizer's
// shift, 31 less the exponent of ratio * 2^-Exponent, and the row's shift stay
// within its limit.
func largestPower(ratio float64) int {
	if ratio == 0 {
		return math.MaxInt32
	}
	_, exponent := math.Frexp(ratio)
	return fixed.MaxShift - 31 + exponent
}

// validate checks lengths and scales.
func (m *Matrix) validate() error {
	if err := m.Shape.Validate(); err != nil {
		return err
	}
	if len(m.Bits) != m.Shape.Words() || len(m.Scales) != m.Shape.Scales() {
		return fmt.Errorf("%d words and %d scales, the shape has %d and %d", len(m.Bits), len(m.Scales), m.Shape.Words(), m.Shape.Scales())
	}
	for i, a := range m.Scales {
		if !(a >= 0 && a <= math.MaxFloat32) {
			return fmt.Errorf("scale %d is %g: must be finite and not negative", i, a)
		}
	}
	return nil
}

// rowScales is what decides the power of two of a row.
type rowScales struct {
	largest float64   // scale
	total   float64   // bound of the sum: input bound * scale * columns of its group, and the bias
	bias    float64   // real bias over the scale of the inputs
	reach   []float64 // by group: input bound * columns
	half    bool      // scales pass through binary16
	alpha   []float32 // by group and plane
	planes  int
	power   int // mantissa = alpha * 2^power
	limited bool
}

func (row *rowScales) empty() bool { return row.largest == 0 && row.bias == 0 }

func (row *rowScales) gather(m *Matrix, s *binarycode.Span, r int, o *FixOptions) error {
	if o.Bias != nil {
		row.bias = o.Bias[r]
		if !(math.Abs(row.bias) <= math.MaxFloat32) {
			return fmt.Errorf("fixed-point scales: bias of row %d is %g: must be at most %g", r, row.bias, math.MaxFloat32)
		}
	}
	at := s.ScaleIndex(r, 0)
	row.planes, row.alpha = s.Planes, m.Scales[at:at+m.Shape.Groups()*s.Planes]
	row.total = math.Abs(row.bias)
	for i, a := range row.alpha {
		row.largest = math.Max(row.largest, float64(a))
		row.total += float64(float64(a) * row.reach[i/s.Planes])
	}
	return nil
}

func reaches(s *binarycode.Shape, bound int) []float64 {
	reach := make([]float64, s.Groups())
	for g := range reach {
		from, to := s.GroupColumns(g)
		reach[g] = float64((to - from) * bound)
	}
	return reach
}

// choosePower finds the largest power at which nothing overflows. Rows of nothing
// take the largest of all.
func (row *rowScales) choosePower(largest int) {
	row.power = math.MaxInt
	if row.empty() {
		return
	}
	// At 2^15 > largest*2^power the mantissa may just round up to 2^15; at
	// 2^31 > total*2^power roundings may add up to too much.
	byMantissa := 1 << 30
	if row.largest > 0 {
		byMantissa = 14 - math.Ilogb(row.largest)
		if row.mantissa(row.largest, byMantissa) > binarycode.MaxMantissa {
			byMantissa--
		}
	}
	row.power = min(byMantissa, 30-math.Ilogb(row.total))
	for !row.fits() {
		row.power--
	}
	row.limited = row.power < byMantissa
	row.power = min(row.power, largest)
}

// fits tells whether rounded mantissas and bias keep every sum within int32. All
// terms are integers below 2^53.
func (row *rowScales) fits() bool {
	sum := math.Abs(math.Round(math.Ldexp(row.bias, row.power)))
	for i, a := range row.alpha {
		sum += float64(row.mantissa(float64(a), row.power) * row.reach[i/row.planes])
	}
	return sum <= math.MaxInt32
}

// mantissa is that of a scale, or the largest that rounding to binary16 first may
// give: off by 2^-11 of it, or where it is subnormal by 2^-25 before a shift of at
// most 15.
func (row *rowScales) mantissa(alpha float64, power int) float64 {
	a := math.Ldexp(alpha, power)
	if row.half {
		a += float64(a*0x1p-11) + 0x1p-10
	}
	return math.Round(a)
}

// fixAt makes the matrix once the powers are known.
func (m *Matrix) fixAt(rows []rowScales, exponent int, o *FixOptions) *Fixed {
	f := &Fixed{MantissaBits: 15, Matrix: &binarycode.Matrix{
		Shape: m.Shape, Bits: slices.Clone(m.Bits), Format: o.Format, Exponent: int8(exponent),
		Scales: make([]uint16, len(m.Scales)), Shifts: make([]uint8, m.Shape.Rows),
	}}
	f.Shape.Ranges = slices.Clone(m.Shape.Ranges)
	if o.Bias != nil {
		f.Bias = make([]int32, len(rows))
	}
	for _, s := range m.Shape.Spans() {
		for r := s.Row; r < s.Row+s.Rows; r++ {
			row := &rows[r]
			shift := 0
			if row.power != math.MaxInt {
				shift = min(row.power-exponent, binarycode.MaxShift)
				f.count(row, exponent+shift)
			}
			f.Shifts[r] = uint8(shift)
			if o.Bias != nil {
				f.Bias[r] = int32(math.Round(math.Ldexp(row.bias, exponent+shift)))
			}
			at := s.ScaleIndex(r, 0)
			for i, a := range row.alpha {
				if o.Format == binarycode.HalfScales {
					f.Scales[at+i] = binarycode.HalfFromFloat(math.Ldexp(float64(a), exponent))
				} else {
					f.Scales[at+i] = uint16(math.Round(math.Ldexp(float64(a), exponent+shift)))
				}
			}
		}
	}
	return f
}

// count keeps the statistics of a row at the power it got.
func (f *Fixed) count(row *rowScales, power int) {
	if row.largest == 0 {
		return
	}
	f.MantissaBits = min(f.MantissaBits, max(0, math.Ilogb(row.largest)+power+1))
	switch {
	case power < row.power:
		f.ShiftLimited++
	case row.limited:
		f.SumLimited++
	}
}
