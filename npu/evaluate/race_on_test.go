//go:build race

package evaluate_test

// raceEnabled makes tests smaller under the race detector.
const raceEnabled = true
