package kernel

import "github.com/npusim/npusim/isa/fixed"

// RequantizeRow turns the int32 sums of a row of channels into int8 elements,
// as fixed.Requantize does one by one:
//
//	dst[c] = clamp(zero + ((acc[c]*multiplier[c] + 2^(shift[c]-1)) >> shift[c]), low, high)
//
// dst gives the number of channels; the other slices have at least its length.
// Shifts are fixed.MinShift to fixed.MaxShift and low <= high; otherwise the
// results are unspecified.
func RequantizeRow(dst []int8, acc, multiplier []int32, shift []uint8, zero, low, high int8) {
	n := len(dst)
	checkMatrix("RequantizeRow: acc", len(acc), 1, n, 0)
	checkMatrix("RequantizeRow: multiplier", len(multiplier), 1, n, 0)
	checkMatrix("RequantizeRow: shift", len(shift), 1, n, 0)
	requantizeRow(dst, acc[:n], multiplier[:n], shift[:n], zero, low, high)
}

func requantizeRowPortable(dst []int8, acc, multiplier []int32, shift []uint8, zero, low, high int8) {
	acc, multiplier, shift = acc[:len(dst)], multiplier[:len(dst)], shift[:len(dst)]
	for c := range dst {
		dst[c] = fixed.Requantize(acc[c], multiplier[c], shift[c], zero, low, high)
	}
}
