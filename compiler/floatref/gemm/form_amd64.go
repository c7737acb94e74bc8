package gemm

import "golang.org/x/sys/cpu"

// best returns the fastest form that processor and operating system support.
func best() form {
	switch {
	case cpu.X86.HasAVX2 && cpu.X86.HasAVX512F:
		return formAVX512
	case cpu.X86.HasAVX2:
		return formAVX2
	}
	return formPortable
}
