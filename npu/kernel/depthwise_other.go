//go:build !amd64

package kernel

func multiplyAccumulate(acc []int32, x, w []int8) { multiplyAccumulatePortable(acc, x, w) }

func depthwiseRow(pixels, channels int, acc []int32, accStride int, x []int8, xStride int, offsets []int, w []int8) {
	depthwiseRowPortable(pixels, 0, channels, acc, accStride, x, xStride, offsets, w)
}
