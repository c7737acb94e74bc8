package codecstudy

import (
	"errors"
	"fmt"
	"math"
	"runtime"

	"github.com/npusim/npusim/compiler/codec"
	"github.com/npusim/npusim/isa/fractionalcode"
	"github.com/npusim/npusim/isa/xorcode"
)

// Codec is a way to code weights.
type Codec uint8

const (
	InvalidCodec Codec = iota
	Block              // slices on their own, with patches
	Sequential         // shift registers before the network, with corrections
	Fractional         // fitted to what the network can give; loses precision
	codecEnd
)

var codecNames = [codecEnd]string{InvalidCodec: "invalid", Block: "xor-block", Sequential: "xor-sequential", Fractional: "xor-fractional"}

func (c Codec) String() string {
	if c < codecEnd {
		return codecNames[c]
	}
	return fmt.Sprintf("Codec(%d)", uint8(c))
}

// Codecs are the names of all codecs.
func Codecs() []string { return codecNames[Block:] }

// CodecOf is the codec of a name, InvalidCodec if there is none.
func CodecOf(name string) Codec {
	for c := Block; c < codecEnd; c++ {
		if codecNames[c] == name {
			return c
		}
	}
	return InvalidCodec
}

// Mask is how the mask of pruned weights is stored.
type Mask uint8

const (
	InvalidMask  Mask = iota
	SmallestMask      // raw or run-length, whichever is smaller
	RawMask
	RunLengthMask
	LowRankMask // pruned to fit: the format decides which weights stay
	maskEnd
)

var maskNames = [maskEnd]string{InvalidMask: "invalid", SmallestMask: "smallest", RawMask: "raw", RunLengthMask: "run-length", LowRankMask: "low-rank"}

func (m Mask) String() string {
	if m < maskEnd {
		return maskNames[m]
	}
	return fmt.Sprintf("Mask(%d)", uint8(m))
}

// Masks are the names of all ways to store a mask.
func Masks() []string { return maskNames[SmallestMask:] }

// MaskOf is the way of a name, InvalidMask if there is none.
func MaskOf(name string) Mask {
	for m := SmallestMask; m < maskEnd; m++ {
		if maskNames[m] == name {
			return m
		}
	}
	return InvalidMask
}

// Defaults of Options.
const (
	DefaultNetworks = 16
	DefaultMaskBits = 0.19 // what a published total of 0.28 leaves beside values of 0.09 bits a weight
	DefaultTaps     = 2
)

// MaxNetworks bounds the choice among random networks.
const MaxNetworks = 4096

// Options are the parameters of a study. Each is called here as on the command
// line.
type Options struct {
	Codec     Codec
	Inputs    int // n-in
	Outputs   int // n-out; 0: searched for the least bits (not Fractional)
	Registers int // n-s; Sequential only
	Planes    int // of signs; Fractional only: 1 or more
	Taps      int // inputs of every output; Fractional only; 0: half of them on average
	Exact     bool
	// Sparsity is the share of weights to prune: by a Bernoulli mask where there
	// are only bits, otherwise by magnitude.
	Sparsity float64
	Mask     Mask
	MaskBits float64 // most bits a weight that a low-rank mask may take
	Networks int     // random networks of which the best on a sample is taken
	Seed     uint64  // of the first network, and of random material
	Workers  int     // goroutines; 0: one a processor
	// Progress is told of stages and their steps; a total of 0 is unknown. It may
	// be nil.
	Progress func(stage string, done, total int)
}

// DefaultOptions are those of a codec.
func DefaultOptions(c Codec) Options {
	o := Options{Codec: c, Mask: SmallestMask, MaskBits: DefaultMaskBits, Networks: DefaultNetworks}
	switch c {
	case Sequential:
		o.Registers = 1
	case Fractional:
		o.Planes, o.Taps = 1, DefaultTaps
	}
	return o
}

// Check returns the first rule that the options break.
func (o *Options) Check() error {
	if o.Codec <= InvalidCodec || o.Codec >= codecEnd {
		return fmt.Errorf("codec %d is none", uint8(o.Codec))
	}
	if err := o.checkNetwork(); err != nil {
		return err
	}
	if err := o.checkByCodec(); err != nil {
		return err
	}
	switch {
	case math.IsNaN(o.Sparsity) || o.Sparsity < 0 || o.Sparsity >= 1:
		return fmt.Errorf("sparsity %g: must be 0 to below 1", o.Sparsity)
	case o.Mask <= InvalidMask || o.Mask >= maskEnd:
		return fmt.Errorf("mask %d is none", uint8(o.Mask))
	case o.Mask == LowRankMask && o.Sparsity == 0:
		return errors.New("mask low-rank: it decides which weights are pruned, so a sparsity above 0 is needed")
	case !(o.MaskBits > 0 && o.MaskBits <= 1):
		return fmt.Errorf("mask-bits %g: must be above 0 and at most 1", o.MaskBits)
	case o.Networks < 1 || o.Networks > MaxNetworks:
		return fmt.Errorf("networks %d: must be 1 to %d", o.Networks, MaxNetworks)
	case o.Workers < 0:
		return fmt.Errorf("workers %d: must be 0 or more", o.Workers)
	}
	return nil
}

// checkNetwork checks the shape of the network.
func (o *Options) checkNetwork() error {
	most := xorcode.MaxInputs
	if o.Codec == Sequential {
		most = xorcode.MaxSymbolBits
	}
	switch {
	case o.Inputs < 1 || o.Inputs > most:
		return fmt.Errorf("n-in %d: must be 1 to %d for %v", o.Inputs, most, o.Codec)
	case o.Outputs < 0 || o.Outputs > xorcode.MaxOutputs:
		return fmt.Errorf("n-out %d: must be 1 to %d", o.Outputs, xorcode.MaxOutputs)
	case o.Codec == Fractional && o.Outputs == 0:
		return fmt.Errorf("n-out is missing: %v has no best one, more outputs mean fewer bits and larger errors", o.Codec)
	case o.Codec == Fractional && o.Inputs > o.Outputs:
		return fmt.Errorf("n-in %d: must not be above n-out %d: the code would be larger than its bits", o.Inputs, o.Outputs)
	case o.Codec != Fractional && o.Outputs > 0 && o.Inputs >= o.Outputs:
		return fmt.Errorf("n-in %d: must be below n-out %d: the code would be no smaller than its bits", o.Inputs, o.Outputs)
	}
	return nil
}

// checkByCodec refuses what a codec does not have.
func (o *Options) checkByCodec() error {
	switch {
	case o.Codec == Sequential && (o.Registers < 0 || o.Registers > xorcode.MaxRegisters):
		return fmt.Errorf("n-s %d: must be 0 to %d", o.Registers, xorcode.MaxRegisters)
	case o.Codec != Sequential && o.Registers != 0:
		return fmt.Errorf("n-s %d: %v has no registers", o.Registers, o.Codec)
	case o.Exact && o.Codec != Block:
		return fmt.Errorf("exact: %v has no search for the fewest patches", o.Codec)
	case o.Exact && o.Inputs > codec.MaxExactInputs:
		return fmt.Errorf("exact: n-in %d: must be at most %d for a search of all codes", o.Inputs, codec.MaxExactInputs)
	case o.Codec != Fractional && o.Planes != 0:
		return fmt.Errorf("planes %d: %v has those of the tensor", o.Planes, o.Codec)
	case o.Codec != Fractional && o.Taps != 0:
		return fmt.Errorf("taps %d: %v has random networks of half of the inputs", o.Taps, o.Codec)
	case o.Codec != Fractional:
		return nil
	case o.Planes < 1 || o.Planes > fractionalcode.MaxPlanes:
		return fmt.Errorf("planes %d: must be 1 to %d", o.Planes, fractionalcode.MaxPlanes)
	case o.Taps < 0 || o.Taps > o.Inputs:
		return fmt.Errorf("taps %d: must be 0 to n-in, %d", o.Taps, o.Inputs)
	case o.Sparsity != 0:
		return fmt.Errorf("sparsity %g: %v codes every weight, none is pruned", o.Sparsity, o.Codec)
	case o.Mask != SmallestMask:
		return fmt.Errorf("mask %v: %v codes every weight, none is pruned", o.Mask, o.Codec)
	}
	return nil
}

func (o *Options) report(stage string, done, total int) {
	if o.Progress != nil {
		o.Progress(stage, done, total)
	}
}

func (o *Options) workers() int {
	if o.Workers > 0 {
		return o.Workers
	}
	return runtime.GOMAXPROCS(0)
}
