//go:build race

package fractional

// reduced leaves the heaviest cases out where they would run too long.
const reduced = true
