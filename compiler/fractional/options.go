package fractional

import (
	"fmt"
	"math"
	"runtime"

	"github.com/npusim/npusim/isa/fractionalcode"
)

// Defaults of Options.
const (
	DefaultRounds = 20
	DefaultEffort = 4096
)

// Options say how a tensor is encoded.
type Options struct {
	Order fractionalcode.Order // in which slices are cut; 0 for ChannelMajor
	// Importance weighs errors: one for each weight, or one for each column of
	// the tensor [channels][rest], such as the mean squared activation that it
	// is multiplied with. Not negative, finite; nil counts all alike.
	Importance []float32
	// Rounds bounds how often bits and scales are chosen in turn, 0 for
	// DefaultRounds; it ends before where nothing changes any more.
	Rounds int
	// Effort bounds the exact search: trellis states visited for each weight, 0
	// for DefaultEffort.
	Effort int
	// Workers is the number of goroutines, 0 for one a processor.
	Workers int
}

// complete checks the options for a tensor and fills in the defaults.
func (o *Options) complete(weights, channels int) error {
	if o.Order == fractionalcode.InvalidOrder {
		o.Order = fractionalcode.ChannelMajor
	}
	if o.Rounds == 0 {
		o.Rounds = DefaultRounds
	}
	if o.Effort == 0 {
		o.Effort = DefaultEffort
	}
	if o.Workers == 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	switch {
	case o.Order != fractionalcode.ChannelMajor && o.Order != fractionalcode.ChannelMinor:
		return fmt.Errorf("order %d: must be %d (%v) or %d (%v)", uint8(o.Order), fractionalcode.ChannelMajor, fractionalcode.ChannelMajor, fractionalcode.ChannelMinor, fractionalcode.ChannelMinor)
	case o.Rounds < 0 || o.Effort < 0 || o.Workers < 0:
		return fmt.Errorf("%d rounds, effort %d, %d workers: must not be negative", o.Rounds, o.Effort, o.Workers)
	case o.Importance != nil && len(o.Importance) != weights && len(o.Importance) != weights/channels:
		return fmt.Errorf("%d importances: must be %d, one a column, or %d, one a weight", len(o.Importance), weights/channels, weights)
	}
	for i, v := range o.Importance {
		if !(v >= 0 && v <= math.MaxFloat32) {
			return fmt.Errorf("importance %d is %g: must be finite and not negative", i, v)
		}
	}
	return nil
}

// checkTensor checks a tensor [channels][rest].
func checkTensor(weights []float32, channels int) error {
	if channels < 1 || channels > fractionalcode.MaxChannels {
		return fmt.Errorf("channels = %d: must be 1..%d", channels, fractionalcode.MaxChannels)
	}
	if len(weights) == 0 || len(weights)%channels != 0 {
		return fmt.Errorf("%d weights: must be a positive multiple of the %d channels", len(weights), channels)
	}
	for i, w := range weights {
		if !(math.Abs(float64(w)) <= math.MaxFloat32) {
			return fmt.Errorf("weight %d of channel %d is %g: must be finite", i%(len(weights)/channels), i/(len(weights)/channels), w)
		}
	}
	return nil
}

// Error is a squared error with what it is relative to.
type Error struct {
	Squared float64 // sum of importance * (w - w')^2
	Energy  float64 // sum of importance * w^2
}

// Normalized is Squared / Energy, 0 for an error of nothing.
func (e Error) Normalized() float64 {
	if e.Squared == 0 {
		return 0
	}
	return e.Squared / e.Energy
}
