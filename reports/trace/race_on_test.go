//go:build race

package trace_test

// raceEnabled makes tests smaller under the race detector.
const raceEnabled = true
