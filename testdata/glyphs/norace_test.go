//go:build !race

package glyphs_test

// raceEnabled tells tests to take fewer samples.
const raceEnabled = false
