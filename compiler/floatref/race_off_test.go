//go:build !race

package floatref_test

const raceDetector = false
