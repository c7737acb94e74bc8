//go:build !amd64

package kernel

func requantizeRow(dst []int8, acc, multiplier []int32, shift []uint8, zero, low, high int8) {
	requantizeRowPortable(dst, acc, multiplier, shift, zero, low, high)
}
