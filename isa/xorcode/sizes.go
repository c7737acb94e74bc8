package xorcode

import "math/bits"

// Sizes says where the bits of a coded stream go. Total is exactly the size of
// its binary form.
type Sizes struct {
	Codes          Bits // fixed-rate inputs of the network
	PatchCounts    Bits // block code: patches of each slice, with the width fields
	PatchPositions Bits // block code: outputs to flip
	Corrections    Bits // sequential code: positions, flags and ends of vectors
	Network        Bits // matrix, or its seed
	Header         Bits // header, table of sections, checksums, padding to bytes
}

// Values is what has to be read for the weights: all but network and header.
func (s Sizes) Values() Bits {
	return s.Codes + s.PatchCounts + s.PatchPositions + s.Corrections
}

// Total is the sum of all parts.
func (s Sizes) Total() Bits {
	return s.Values() + s.Network + s.Header
}

// PositionBits is the width of a patch position among that many outputs:
// ceil(log2 outputs).
func PositionBits(outputs int) int {
	return bits.Len(uint(outputs - 1))
}

// slicesOf is the number of slices of outputs bits that hold weights bits.
func slicesOf(weights, outputs int) int {
	return (weights + outputs - 1) / outputs
}
