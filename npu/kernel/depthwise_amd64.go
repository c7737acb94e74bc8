package kernel

func multiplyAccumulate(acc []int32, x, w []int8) {
	if blocks := len(acc) / 16; blocks > 0 && active != formPortable {
		multiplyAccumulate16(&acc[0], &x[0], &w[0], blocks)
		acc, x, w = acc[16*blocks:], x[16*blocks:], w[16*blocks:]
	}
	multiplyAccumulatePortable(acc, x, w)
}

// depthwiseTaps is the number of taps whose weights are interleaved together.
const depthwiseTaps = 32

func depthwiseRow(pixels, channels int, acc []int32, accStride int, x []int8, xStride int, offsets []int, w []int8) {
	done := 0
	if active != formPortable {
		done = channels / 16 * 16
	}
	for t := 0; t < len(offsets) && done > 0; t += depthwiseTaps {
		depthwiseRowAVX2(pixels, channels, acc, accStride, x, xStride, offsets[t:min(t+depthwiseTaps, len(offsets))], w[t*channels:])
	}
	if done < channels {
		depthwiseRowPortable(pixels, done, channels, acc, accStride, x, xStride, offsets, w)
	}
}

// depthwiseRowAVX2 adds up to depthwiseTaps taps to the full blocks of 16
// channels.
func depthwiseRowAVX2(pixels, channels int, acc []int32, accStride int, x []int8, xStride int, offsets []int, w []int8) {
	var places [depthwiseTaps]int
	var pairs [depthwiseTaps * 16]int16
	taps := copy(places[:], offsets)
	if taps%2 != 0 {
		places[taps] = places[taps-1] // opposite weights of zero
	}
	for c := 0; c+16 <= channels; c += 16 {
		if taps > 1 {
			packPairs(&pairs[0], &w[c], channels, taps/2)
		}
		if taps%2 != 0 {
			var strip [2 * 16]int8
			copy(strip[:16], w[(taps-1)*channels+c:])
			packPairs(&pairs[(taps-1)*16], &strip[0], 16, 1)
		}
		depthwisePairs16(pixels, &acc[c], 4*accStride, &x[c], xStride, &places[0], (taps+1)/2, &pairs[0])
	}
}
