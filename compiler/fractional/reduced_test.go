//go:build !race

package fractional

const reduced = false
