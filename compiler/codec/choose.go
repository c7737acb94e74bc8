package codec

import (
	"fmt"

	"github.com/npusim/npusim/isa/xorcode"
)

// Random networks differ: the best of 16 needs about a tenth fewer corrections
// than the median, at n_s = 2 as well as at n_s = 0.
const defaultCandidates = 16

// Slices that candidates are compared on unless the options say otherwise.
const (
	defaultBlockSample      = 8192
	defaultSequentialSample = 1024
)

// ChooseOptions say which random networks to compare on which sample.
type ChooseOptions struct {
	Candidates   int    // networks of seeds Seed, Seed+1, ...; 0: 16
	Seed         uint64 // of the first candidate
	SampleSlices int    // slices to encode with each; 0: 8192 (block), 1024 (sequential)
	Workers      int    // goroutines; 0: as many as processors
}

// Choice is the best of several random networks.
type Choice struct {
	Network *xorcode.Network
	Seed    uint64
	Costs   []xorcode.Bits // of every candidate: what the values of the sample take
}

// Choose compares networks drawn from several seeds by what they cost on a
// sample, which cost encodes, in several goroutines. The first of equals is the
// best.
func Choose(draw func(seed uint64) *xorcode.Network, o ChooseOptions, cost func(m *xorcode.Network) (xorcode.Bits, error)) (*Choice, error) {
	if o.Candidates < 0 || o.SampleSlices < 0 {
		return nil, fmt.Errorf("choice of a network: %d candidates on %d slices: must not be negative", o.Candidates, o.SampleSlices)
	}
	if o.Candidates == 0 {
		o.Candidates = defaultCandidates
	}
	out := &Choice{Costs: make([]xorcode.Bits, o.Candidates)}
	failures := make([]error, o.Candidates)
	inParallel(o.Workers, o.Candidates, func() struct{} { return struct{}{} }, func(_ struct{}, i int) {
		out.Costs[i], failures[i] = cost(draw(o.Seed + uint64(i)))
	})
	best := 0
	for i, err := range failures {
		if err != nil {
			return nil, fmt.Errorf("choice of a network: seed %d: %w", o.Seed+uint64(i), err)
		}
		if out.Costs[i] < out.Costs[best] {
			best = i
		}
	}
	out.Seed = o.Seed + uint64(best)
	out.Network = draw(out.Seed)
	return out, nil
}

// ChooseBlock finds the best of several random networks for the block code. The
// network, seed and workers of the encoder's options are not read.
func ChooseBlock(targets []Target, inputs, outputs int, encoder BlockOptions, o ChooseOptions) (*Choice, error) {
	if o.SampleSlices == 0 {
		o.SampleSlices = defaultBlockSample
	}
	if err := xorcode.CheckShape(inputs, outputs); err != nil {
		return nil, fmt.Errorf("xor-block: %w", err)
	}
	sample, err := sampleOf(targets, outputs, o.SampleSlices)
	if err != nil {
		return nil, fmt.Errorf("xor-block: %w", err)
	}
	draw := func(seed uint64) *xorcode.Network { return xorcode.RandomNetwork(inputs, outputs, seed) }
	return Choose(draw, o, func(m *xorcode.Network) (xorcode.Bits, error) {
		out, err := EncodeBlock([]Target{sample}, BlockOptions{Network: m, Exact: encoder.Exact, Workers: 1})
		if err != nil {
			return 0, err
		}
		return out.Sizes().Values(), nil
	})
}

// ChooseSequential finds the best of several random networks with that many
// outputs for the sequential code. The network, seed and workers of the
// encoder's options are not read.
func ChooseSequential(targets []Target, outputs int, encoder SequentialOptions, o ChooseOptions) (*Choice, error) {
	if err := xorcode.CheckSequentialShape(encoder.SymbolBits, encoder.Registers, outputs); err != nil {
		return nil, fmt.Errorf("xor-sequential: %w", err)
	}
	if o.SampleSlices == 0 {
		o.SampleSlices = defaultSequentialSample
	}
	sample, err := sampleOf(targets, outputs, o.SampleSlices)
	if err != nil {
		return nil, fmt.Errorf("xor-sequential: %w", err)
	}
	encoder.BySeed, encoder.Workers = false, 1
	draw := func(seed uint64) *xorcode.Network {
		return xorcode.SpreadNetwork(encoder.SymbolBits, encoder.Registers, outputs, seed)
	}
	return Choose(draw, o, func(m *xorcode.Network) (xorcode.Bits, error) {
		candidate := encoder
		candidate.Network = m
		out, err := EncodeSequential([]Target{sample}, candidate)
		if err != nil {
			return 0, err
		}
		return out.Sizes().Values(), nil
	})
}

// sampleRuns is the number of places that a sample is taken from.
const sampleRuns = 8

// sampleOf takes runs of whole slices from evenly spaced places of all planes,
// or all whole slices if there are no more than wanted.
func sampleOf(targets []Target, outputs, slices int) (Target, error) {
	if err := checkTargets(targets); err != nil {
		return Target{}, err
	}
	if err := xorcode.CheckShape(1, outputs); err != nil {
		return Target{}, err
	}
	if slices < 0 {
		return Target{}, fmt.Errorf("sample of %d slices: must not be negative", slices)
	}
	perPlane := targets[0].Bits.Len() / outputs
	all := perPlane * len(targets)
	if all <= slices || all < sampleRuns {
		return wholeSlices(targets, outputs, perPlane), nil
	}
	run := max(slices/sampleRuns, 1)
	sample := Target{Bits: xorcode.NewPlane(sampleRuns * run * outputs), Care: xorcode.NewPlane(sampleRuns * run * outputs)}
	for i := range sampleRuns {
		first := i * (all - run) / (sampleRuns - 1)
		for k := range run {
			t := targets[(first+k)/perPlane]
			copySlice(sample, (i*run+k)*outputs, t, (first+k)%perPlane*outputs, outputs)
		}
	}
	return sample, nil
}

// wholeSlices puts the full slices of all planes one after another; planes
// shorter than a slice are taken as they are.
func wholeSlices(targets []Target, outputs, perPlane int) Target {
	if perPlane == 0 {
		return targets[0]
	}
	bits := perPlane * outputs
	sample := Target{Bits: xorcode.NewPlane(bits * len(targets)), Care: xorcode.NewPlane(bits * len(targets))}
	for i, t := range targets {
		copySlice(sample, i*bits, t, 0, bits)
	}
	return sample
}

// copySlice copies count bits from bit from of a target to bit at of another.
func copySlice(to Target, at int, t Target, from, count int) {
	for i := range count {
		to.Bits.Set(at+i, t.Bits.Get(from+i))
		to.Care.Set(at+i, t.Care.Get(from+i))
	}
}
