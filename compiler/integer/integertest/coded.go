package integertest

import (
	"fmt"

	"github.com/npusim/npusim/compiler/integer"
	"github.com/npusim/npusim/isa/binarycode"
	"github.com/npusim/npusim/isa/fixed"
	"github.com/npusim/npusim/isa/xorcode"
)

// coded appends a convolution with random binary codes, scales as large as the
// sums allow now and then.
func (b *builder) coded(in integer.TensorID, g integer.Geometry, out integer.Shape) {
	t := b.g.Tensors[in]
	columns := t.Shape.Channels * g.Kernel[0] * g.Kernel[1]
	planes := 1 + b.r.IntN(binarycode.MaxPlanes)
	group := columns
	if keys := (columns - 1) / b.mu; keys > 0 && b.r.IntN(2) == 0 {
		group = b.mu * (1 + b.r.IntN(keys))
	}
	ranges := []binarycode.Range{{Rows: out.Channels, Planes: planes}}
	if b.r.IntN(4) == 0 { // clusters end at multiples of any channel block
		out.Channels = 33 + b.r.IntN(60)
		ranges = []binarycode.Range{{Rows: 32, Planes: planes}, {Rows: out.Channels - 32, Planes: 1 + b.r.IntN(planes)}}
	}
	m := &binarycode.Matrix{Shape: binarycode.Shape{Rows: out.Channels, Columns: columns, Group: group, Ranges: ranges}, Format: binarycode.FixedScales, Exponent: int8(b.r.IntN(20))}
	m.Bits = make([]uint64, m.Shape.Words())
	words := m.Shape.PlaneWords()
	for i := range m.Bits {
		m.Bits[i] = b.r.Uint64()
		if rest := columns % 64; rest > 0 && i%words == words-1 {
			m.Bits[i] &= 1<<rest - 1
		}
	}
	var sealed *binarycode.Sealed
	if len(ranges) == 1 && b.r.IntN(3) == 0 {
		sealed = b.sealed(m)
	}
	// With these sums stay below 2^31 less the bias.
	limit := min(binarycode.MaxMantissa, (1<<31-30000)/(binarycode.LargestInput*planes*columns))
	if b.r.IntN(2) == 0 {
		limit = 1 + b.r.IntN(min(limit, 100))
	}
	for range m.Shape.Scales() {
		m.Scales = append(m.Scales, uint16(int16(b.r.IntN(2*limit+1)-limit)))
	}
	for range out.Channels {
		m.Shifts = append(m.Shifts, uint8(b.r.IntN(binarycode.MaxShift+1)))
	}
	outBits := b.bits()
	a := &integer.ConvolutionAttributes{Geometry: g, Groups: 1, WeightBits: uint8(planes), Codes: m, Sealed: sealed, WeightScale: []float64{1}}
	for range out.Channels {
		a.Bias = append(a.Bias, int32(b.r.IntN(20001)-10000))
	}
	a.Low, a.High = b.clamp(outBits)
	multiplier, err := fixed.NewMultiplier(100 / (float64(columns) * 30 * float64(limit)) * 16)
	if err != nil {
		panic(fmt.Sprintf("integertest: %v", err))
	}
	for r, shift := range m.Shifts {
		m.Shifts[r] = min(shift, fixed.MaxShift-multiplier.Shift)
	}
	a.Requantizer = integer.Requantizer{PerLayer: multiplier, ChannelShift: m.Shifts}
	b.add(integer.Node{Kind: integer.Convolution, Inputs: []integer.TensorID{in}, Convolution: a, MACs: int64(out.Elements()) * int64(columns)}, out, outBits)
}

// sealed draws codes of XOR networks for keys of one, two or four rows, and gives
// the matrix their signs.
func (b *builder) sealed(m *binarycode.Matrix) *binarycode.Sealed {
	slice := 1 << b.r.IntN(3)
	s := &binarycode.Sealed{Mu: b.mu}
	keys := (m.Shape.Columns + b.mu - 1) / b.mu
	inputs := 1 + b.r.IntN(slice*b.mu)
	for range m.Shape.Ranges[0].Planes {
		s.Networks = append(s.Networks, xorcode.RandomNetwork(inputs, slice*b.mu, uint64(b.r.IntN(4))))
		codes := make([]uint64, (m.Shape.Rows+slice-1)/slice*keys)
		for i := range codes {
			codes[i] = b.r.Uint64() >> (64 - inputs)
		}
		s.Codes = append(s.Codes, codes)
	}
	var err error
	if m.Bits, err = s.Signs(&m.Shape); err != nil {
		panic(fmt.Sprintf("integertest: %v", err))
	}
	return s
}
