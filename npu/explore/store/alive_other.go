//go:build !unix

package store

// isRunning cannot tell; claims end when there is no sign of life.
func isRunning(int) bool { return true }
