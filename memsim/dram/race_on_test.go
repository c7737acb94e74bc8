//go:build race

package dram

// raceEnabled says that tests run some ten times slower.
const raceEnabled = true
