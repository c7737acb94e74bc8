//go:build !race

package lower_test

// raceEnabled makes tests smaller under the race detector.
const raceEnabled = false
