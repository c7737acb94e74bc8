package configs

import (
	"fmt"
	"slices"
	"strings"

	"github.com/npusim/npusim/configs/strict"
)

// enumeration is the set of texts of one enumerated key. The position of a
// name is its value; position 0 is invalid and has no name.
type enumeration struct {
	names []string // names[0] is empty
	later []string // names that exist but that this version does not support
}

// quoted lists the supported names for a message.
func (e *enumeration) quoted() string {
	quoted := make([]string, 0, len(e.names))
	for _, name := range e.names[1:] {
		quoted = append(quoted, fmt.Sprintf("%q", name))
	}
	return strings.Join(quoted, ", ")
}

// parse finds the value of a text.
func (e *enumeration) parse(text []byte) (uint8, error) {
	name := string(text)
	if i := slices.Index(e.names, name); i > 0 {
		return uint8(i), nil
	}
	if slices.Contains(e.later, name) {
		return 0, &strict.ValueError{
			Rule: fmt.Sprintf("%q is known but not supported by this version; supported: %s", name, e.quoted()),
		}
	}
	return 0, &strict.ValueError{
		Rule:    fmt.Sprintf("must be one of %s", e.quoted()),
		Nearest: strict.Nearest(name, slices.Concat(e.names[1:], e.later)),
	}
}

// text is the name of a value.
func (e *enumeration) text(value uint8) string {
	if value == 0 || int(value) >= len(e.names) {
		return fmt.Sprintf("invalid(%d)", value)
	}
	return e.names[value]
}

// enumerated is implemented by every enumerated type.
type enumerated interface{ enumeration() *enumeration }

// Dataflow says which operand stays in the cells of the MAC array.
type Dataflow uint8

// Dataflows.
const (
	WeightStationary Dataflow = iota + 1
	OutputStationary
)

var dataflows = enumeration{names: []string{
	WeightStationary: "weight-stationary",
	OutputStationary: "output-stationary",
}}

// Tier says how faithfully the time of memory is modelled.
type Tier uint8

// Tiers.
const (
	IdealTier  Tier = iota + 1 // peak bandwidth, no latency
	LinearTier                 // latency, bandwidth, whole bursts
	BankTier                   // banks, rows, refresh and a controller's queues
)

var tiers = enumeration{
	names: []string{IdealTier: "ideal", LinearTier: "linear", BankTier: "bank"},
}

// WeightScheme says how the channels of a layer share weight scales.
type WeightScheme uint8

// Weight schemes.
const (
	PerLayer      WeightScheme = iota + 1 // one scale a layer
	PerLayerShift                         // one scale a layer, a 4-bit shift a channel
	PerChannel                            // one scale a channel
	BinaryCoding                          // sums of planes of signs, each times a scale
)

var weightSchemes = enumeration{
	names: []string{PerLayer: "per-layer", PerLayerShift: "per-layer-shift", PerChannel: "per-channel", BinaryCoding: "binary-coding"},
}

// CodeSolver is how signs and scales of binary codes are found.
type CodeSolver uint8

// Code solvers.
const (
	GreedySolver      CodeSolver = iota + 1 // one plane after the other
	AlternatingSolver                       // scales and signs in turn, until neither changes
	TernarySolver                           // two planes with one scale: the best of -a, 0, a
)

var codeSolvers = enumeration{names: []string{GreedySolver: "greedy", AlternatingSolver: "alternating", TernarySolver: "ternary"}}

// LookupUse says for which layers with binary codes the LUT-GEMM unit is used.
type LookupUse uint8

// Uses of the LUT-GEMM unit.
const (
	AlwaysLookup LookupUse = iota + 1 // all that can have binary codes
	FasterLookup                      // those that integer weights make slower
)

var lookupUses = enumeration{names: []string{AlwaysLookup: "always", FasterLookup: "faster"}}

// Rounding is how requantization rounds.
type Rounding uint8

// Roundings.
const (
	HalfUpShift Rounding = iota + 1 // add half, then shift arithmetically
)

var roundings = enumeration{
	names: []string{HalfUpShift: "half-up-shift"},
	later: []string{"tflite-single", "tflite-double", "half-even-f32"},
}

// Calibration is how the ranges of activations are chosen from samples.
type Calibration uint8

// Calibrations.
const (
	MinMax     Calibration = iota + 1 // smallest to largest value seen
	Percentile                        // quantization.percentile percent of the values seen
)

var calibrations = enumeration{
	names: []string{MinMax: "min-max", Percentile: "percentile"},
	later: []string{"mse"},
}

func (d Dataflow) enumeration() *enumeration     { return &dataflows }
func (t Tier) enumeration() *enumeration         { return &tiers }
func (w WeightScheme) enumeration() *enumeration { return &weightSchemes }
func (s CodeSolver) enumeration() *enumeration   { return &codeSolvers }
func (u LookupUse) enumeration() *enumeration    { return &lookupUses }
func (r Rounding) enumeration() *enumeration     { return &roundings }
func (c Calibration) enumeration() *enumeration  { return &calibrations }

func (d Dataflow) String() string     { return dataflows.text(uint8(d)) }
func (t Tier) String() string         { return tiers.text(uint8(t)) }
func (w WeightScheme) String() string { return weightSchemes.text(uint8(w)) }
func (s CodeSolver) String() string   { return codeSolvers.text(uint8(s)) }
func (u LookupUse) String() string    { return lookupUses.text(uint8(u)) }
func (r Rounding) String() string     { return roundings.text(uint8(r)) }
func (c Calibration) String() string  { return calibrations.text(uint8(c)) }

// MarshalText gives the name used in TOML.
func (d Dataflow) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// MarshalText gives the name used in TOML.
func (t Tier) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// MarshalText gives the name used in TOML.
func (w WeightScheme) MarshalText() ([]byte, error) { return []byte(w.String()), nil }

// MarshalText gives the name used in TOML.
func (s CodeSolver) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// MarshalText gives the name used in TOML.
func (u LookupUse) MarshalText() ([]byte, error) { return []byte(u.String()), nil }

// MarshalText gives the name used in TOML.
func (r Rounding) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// MarshalText gives the name used in TOML.
func (c Calibration) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText reads the name used in TOML.
func (d *Dataflow) UnmarshalText(text []byte) (err error) {
	*(*uint8)(d), err = dataflows.parse(text)
	return err
}

// UnmarshalText reads the name used in TOML.
func (t *Tier) UnmarshalText(text []byte) (err error) {
	*(*uint8)(t), err = tiers.parse(text)
	return err
}

// UnmarshalText reads the name used in TOML.
func (w *WeightScheme) UnmarshalText(text []byte) (err error) {
	*(*uint8)(w), err = weightSchemes.parse(text)
	return err
}

// UnmarshalText reads the name used in TOML.
func (s *CodeSolver) UnmarshalText(text []byte) (err error) {
	*(*uint8)(s), err = codeSolvers.parse(text)
	return err
}

// UnmarshalText reads the name used in TOML.
func (u *LookupUse) UnmarshalText(text []byte) (err error) {
	*(*uint8)(u), err = lookupUses.parse(text)
	return err
}

// UnmarshalText reads the name used in TOML.
func (r *Rounding) UnmarshalText(text []byte) (err error) {
	*(*uint8)(r), err = roundings.parse(text)
	return err
}

// UnmarshalText reads the name used in TOML.
func (c *Calibration) UnmarshalText(text []byte) (err error) {
	*(*uint8)(c), err = calibrations.parse(text)
	return err
}
