//go:build !amd64

package codec

func bestKernel() kernel { return portableKernel }
