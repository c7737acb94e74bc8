package kernel

import "fmt"

// MultiplyAccumulate does acc[c] += x[c]*w[c] over channels. x and w have at
// least the length of acc.
func MultiplyAccumulate(acc []int32, x, w []int8) {
	checkMatrix("MultiplyAccumulate: x", len(x), 1, len(acc), 0)
	checkMatrix("MultiplyAccumulate: w", len(w), 1, len(acc), 0)
	multiplyAccumulate(acc, x[:len(acc)], w[:len(acc)])
}

// DepthwiseRow adds the taps of a depthwise convolution to a row of results:
//
//	acc[p*accStride+c] += sum over t of x[p*xStride+offsets[t]+c] * w[t*channels+c]
//
// for pixels values of p and channels values of c; offsets (none negative) say
// where the input of a tap lies relative to the first channel of the pixel's
// first tap. Strides and offsets are in elements. Padding has to stand in x.
func DepthwiseRow(pixels, channels int, acc []int32, accStride int, x []int8, xStride int, offsets []int, w []int8) {
	checkResult("DepthwiseRow: acc", len(acc), pixels, channels, accStride)
	checkMatrix("DepthwiseRow: w", len(w), len(offsets), channels, channels)
	if pixels == 0 || channels == 0 || len(offsets) == 0 {
		return
	}
	furthest := 0
	for _, o := range offsets {
		if o < 0 || o > len(x) {
			panic(fmt.Sprintf("kernel: DepthwiseRow: offset %d outside 0..%d", o, len(x)))
		}
		furthest = max(furthest, o)
	}
	checkMatrix("DepthwiseRow: x", len(x)-furthest, pixels, channels, xStride)
	depthwiseRow(pixels, channels, acc, accStride, x, xStride, offsets, w)
}

func multiplyAccumulatePortable(acc []int32, x, w []int8) {
	x, w = x[:len(acc)], w[:len(acc)]
	for c := range acc {
		acc[c] += int32(x[c]) * int32(w[c])
	}
}

// depthwiseRowPortable works on the channels from first on.
func depthwiseRowPortable(pixels, first, channels int, acc []int32, accStride int, x []int8, xStride int, offsets []int, w []int8) {
	for p := range pixels {
		row := acc[p*accStride:][first:channels]
		for t, o := range offsets {
			multiplyAccumulatePortable(row, x[p*xStride+o:][first:channels], w[t*channels:][first:channels])
		}
	}
}
