package binarycode

import "math/rand/v2"

// randomMatrix draws a valid matrix with sums that fit int32, and a layout of it.
func randomMatrix(random *rand.Rand, maxRows, maxColumns int) (*Matrix, Layout) {
	l := Layout{
		Mu:       MinKeyBits + random.IntN(MaxKeyBits-MinKeyBits+1),
		TileRows: 1 + random.IntN(12),
		TileKeys: 1 + random.IntN(9),
		Format:   []ScaleFormat{FixedScales, HalfScales}[random.IntN(2)],
	}
	s := &l.Shape
	s.Rows, s.Columns = 1+random.IntN(maxRows), 1+random.IntN(maxColumns)
	s.Group = s.Columns
	if g := l.Mu * (1 + random.IntN(6)); g < s.Columns && random.IntN(3) > 0 {
		s.Group = g
	}
	for left := s.Rows; left > 0; {
		r := Range{Rows: 1 + random.IntN(left), Planes: 1 + random.IntN(MaxPlanes), Shared: random.IntN(4) == 0}
		s.Ranges, left = append(s.Ranges, r), left-r.Rows
	}
	m := &Matrix{
		Shape: *s, Format: l.Format, Exponent: int8(random.Uint32()),
		Bits: make([]uint64, s.Words()), Scales: make([]uint16, s.Scales()), Shifts: make([]uint8, s.Rows),
	}
	for _, span := range s.Spans() {
		for r := span.Row; r < span.Row+span.Rows; r++ {
			m.Shifts[r] = uint8(random.IntN(MaxShift + 1))
			if span.Shared {
				m.Shifts[r] = m.Shifts[span.Row]
			}
			for plane := range span.Planes {
				words := span.Plane(m.Bits, r, plane)
				for j := range s.Columns {
					words[j/64] |= uint64(random.IntN(2)) << (j % 64)
				}
			}
		}
	}
	for i := range m.Scales {
		limit := min(MaxMantissa, (1<<31-1-1<<20)/(LargestInput*MaxPlanes*s.Columns))
		if m.Format == HalfScales {
			// With the largest shift still within the limit.
			m.Scales[i] = HalfFromFloat((random.Float64()*2 - 1) * float64(limit-16) / (1 << MaxShift))
		} else {
			m.Scales[i] = uint16(int16(random.IntN(2*limit+1) - limit))
		}
	}
	return m, l
}

// randomInputs draws inputs within +-LargestInput, often at the ends.
func randomInputs(random *rand.Rand, n int) []int16 {
	u := make([]int16, n)
	for i := range u {
		switch random.IntN(4) {
		case 0:
			u[i] = LargestInput
		case 1:
			u[i] = -LargestInput
		default:
			u[i] = int16(random.IntN(2*LargestInput+1) - LargestInput)
		}
	}
	return u
}

func randomBias(random *rand.Rand, n int) []int32 {
	bias := make([]int32, n)
	for i := range bias {
		bias[i] = int32(random.IntN(1<<20)) - 1<<19
	}
	return bias
}
