//go:build race

package prune

// raceEnabled makes data tests smaller: the race detector slows them tenfold.
const raceEnabled = true
