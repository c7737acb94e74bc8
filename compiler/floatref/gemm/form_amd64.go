package gemm

// best returns the fastest form that processor and operating system support.
func best() form {
	const (
		osxsave, avx = 1 << 27, 1 << 28 // leaf 1, ECX
		avx2, avx512 = 1 << 5, 1 << 16  // leaf 7, EBX; AVX-512 F
		// Extended control register 0: XMM and YMM state; mask and ZMM state.
		stateAVX, stateAVX512 = 0x06, 0xe6
	)
	leaves, _, _, _ := cpuid(0, 0)
	if leaves < 7 {
		return formPortable
	}
	_, _, ecx1, _ := cpuid(1, 0)
	if ecx1&osxsave == 0 || ecx1&avx == 0 {
		return formPortable
	}
	_, ebx7, _, _ := cpuid(7, 0)
	state, _ := xgetbv()
	if state&stateAVX != stateAVX || ebx7&avx2 == 0 {
		return formPortable
	}
	if state&stateAVX512 == stateAVX512 && ebx7&avx512 != 0 {
		return formAVX512
	}
	return formAVX2
}
