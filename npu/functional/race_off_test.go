//go:build !race

package functional_test

// raceEnabled makes tests smaller under the race detector.
const raceEnabled = false
