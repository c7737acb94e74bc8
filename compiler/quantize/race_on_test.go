//go:build race

package quantize

// raceEnabled makes data tests smaller: the race detector slows them tenfold.
const raceEnabled = true
