//go:build unix

package store

import (
	"errors"
	"syscall"
)

// isRunning tells whether this host has a process of that number.
func isRunning(pid int) bool {
	err := syscall.Kill(pid, 0)
	return err == nil || errors.Is(err, syscall.EPERM)
}
