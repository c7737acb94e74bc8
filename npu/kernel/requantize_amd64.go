package kernel

func requantizeRow(dst []int8, acc, multiplier []int32, shift []uint8, zero, low, high int8) {
	switch blocks := len(dst) / 8; {
	case active == formAVX512 && len(dst) > 0:
		requantizeAVX512(&dst[0], &acc[0], &multiplier[0], &shift[0], len(dst), int64(zero), int64(low), int64(high))
		return
	case active == formAVX2 && blocks > 0:
		requantizeAVX2(&dst[0], &acc[0], &multiplier[0], &shift[0], blocks, int64(zero), int64(low), int64(high))
		done := 8 * blocks
		dst, acc, multiplier, shift = dst[done:], acc[done:], multiplier[done:], shift[done:]
	}
	requantizeRowPortable(dst, acc, multiplier, shift, zero, low, high)
}
