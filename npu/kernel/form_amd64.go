package kernel

import "golang.org/x/sys/cpu"

// best returns the fastest form that processor and operating system support.
func best() form {
	x := &cpu.X86
	switch {
	case x.HasAVX2 && x.HasAVX512F && x.HasAVX512DQ && x.HasAVX512BW && x.HasAVX512VL && x.HasAVX512VNNI:
		return formAVX512
	case x.HasAVX2:
		return formAVX2
	}
	return formPortable
}
