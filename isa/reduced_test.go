//go:build !race

package isa

// reduced makes the heavy tests smaller where they would run too long.
const reduced = false
