package codec

import "golang.org/x/sys/cpu"

func bestKernel() kernel {
	if cpu.X86.HasAVX2 {
		return avx2Kernel
	}
	return portableKernel
}

var avx2Kernel = kernel{"avx2", func(cells []byte) { spreadAVX2(&cells[0], len(cells)) }, leastSumsAVX2}

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
