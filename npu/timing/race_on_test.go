//go:build race

package timing_test

// raceEnabled makes tests smaller under the race detector.
const raceEnabled = true
