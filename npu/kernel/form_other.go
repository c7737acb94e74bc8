//go:build !amd64

package kernel

func best() form { return formPortable }
