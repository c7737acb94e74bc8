//go:build race

package main

// raceEnabled makes tests smaller under the race detector.
const raceEnabled = true
