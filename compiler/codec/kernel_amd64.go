package codec

func bestKernel() kernel {
	if hasAVX2() {
		return avx2Kernel
	}
	return portableKernel
}

var avx2Kernel = kernel{"avx2", func(cells []byte) { spreadAVX2(&cells[0], len(cells)) }, leastSumsAVX2}

// hasAVX2 says whether processor and operating system support AVX2.
func hasAVX2() bool {
	const (
		osxsave, avx = 1 << 27, 1 << 28 // leaf 1, ECX
		avx2         = 1 << 5           // leaf 7, EBX
		stateAVX     = 0x06             // extended control register 0: XMM and YMM state
	)
	if leaves, _, _, _ := cpuid(0, 0); leaves < 7 {
		return false
	}
	if _, _, ecx, _ := cpuid(1, 0); ecx&osxsave == 0 || ecx&avx == 0 {
		return false
	}
	_, ebx, _, _ := cpuid(7, 0)
	state, _ := xgetbv()
	return state&stateAVX == stateAVX && ebx&avx2 != 0
}

func leastSumsAVX2(p *stepper, costs []byte, base uint64, to []byte, stride int) {
	_ = to[(p.values-1)*stride] // the assembly checks no bounds
	from, tables, now, first := &costs[:codeValues][0], &p.distance[0][0][0], &p.now[0], &to[0]
	switch p.groups() {
	case 2:
		leastSums2(from, tables, now, base, p.values, first, stride)
	case 3:
		leastSums3(from, tables, now, base, p.values, first, stride)
	case 4:
		leastSums4(from, tables, now, base, p.values, first, stride)
	case 5:
		leastSums5(from, tables, now, base, p.values, first, stride)
	default: // the transform is for fewer
		leastSumsPortable(p, costs, base, to, stride)
	}
}
