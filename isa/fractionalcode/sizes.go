package fractionalcode

import "github.com/npusim/npusim/isa/xorcode"

// Sizes says where the bits of a code go. Total is exactly the size of its
// binary form.
type Sizes struct {
	Codes         xorcode.Bits // planes * slices * n_in
	Scales        xorcode.Bits // 32 a plane and channel
	IntegerScales xorcode.Bits // 8 a plane and channel, if there
	Steps         xorcode.Bits // 32 each, if there
	Networks      xorcode.Bits // matrices, or their seeds
	Header        xorcode.Bits // header, checksums, padding to bytes
}

// Trained is what training leaves to store: codes and float32 scales.
func (s *Sizes) Trained() xorcode.Bits { return s.Codes + s.Scales }

// Total is the sum of all parts.
func (s *Sizes) Total() xorcode.Bits {
	return s.Codes + s.Scales + s.IntegerScales + s.Steps + s.Networks + s.Header
}

// Compression is how many times smaller than float32 that many weights are in
// a size.
func Compression(weights int, size xorcode.Bits) float64 {
	return 32 * float64(weights) / float64(size)
}

// Rate is the bits of code a weight, planes * n_in / n_out; the last slice of a
// tensor adds up to n_out - 1 unused bits.
func Rate(planes, inputs, outputs int) float64 {
	return float64(planes*inputs) / float64(outputs)
}

// Sizes accounts for every bit of the binary form.
func (c *Code) Sizes() Sizes {
	var s Sizes
	codeBytes := xorcode.Bits(0)
	for p := range c.Planes {
		codes := &c.Planes[p].Codes
		s.Codes += codes.Length
		codeBytes += xorcode.Bits(len(codes.Bytes))
	}
	s.Scales = xorcode.Bits(32 * len(c.Planes) * c.Channels)
	if c.Integer != nil {
		s.IntegerScales = xorcode.Bits(8 * len(c.Integer.Scales))
		s.Steps = xorcode.Bits(32 * len(c.Integer.Steps))
	}
	s.Networks = xorcode.Bits(8 * c.networkBytes())
	s.Header = 8*xorcode.Bits(headerBytes+checksumBytes*(c.sections()+1)) + 8*codeBytes - s.Codes
	return s
}
