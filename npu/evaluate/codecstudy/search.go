package codecstudy

import (
	"context"
	"math"

	"github.com/npusim/npusim/compiler/codec"
	"github.com/npusim/npusim/isa/xorcode"
)

// searchBits is the size of the sample that n_out is searched on.
const searchBits = 1 << 18

// Shares of n_in / (1 - sparsity), the entropy limit, that are tried for n_out;
// then the neighbours of the best, at smaller and smaller distances. Two
// registers are judged by one at first, which takes a hundredth of the time;
// their best n_out is the same or a little larger.
var (
	outputShares = []float64{0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 1, 1.05}
	refinements  = []float64{0.025, 0.0125}
	twoRegisters = []float64{0, 0.025, 0.05, 0.075}
)

// searchOutputs finds the n_out with the least bits on a sample, with one
// network.
func searchOutputs(ctx context.Context, targets []codec.Target, o *Options) (int, error) {
	s := newOutputSearch(ctx, targets, o, min(o.Registers, 1), searchBits)
	s.steps = len(outputShares) + 2*len(refinements)
	if o.Registers > 1 {
		s.steps += len(twoRegisters)
	}
	for _, share := range outputShares {
		s.try(share)
	}
	for _, step := range refinements {
		around := s.share
		s.try(around - step)
		s.try(around + step)
	}
	if o.Registers > 1 {
		around, done, steps := s.share, s.done, s.steps
		if s.fault != nil {
			return 0, s.fault
		}
		s = newOutputSearch(ctx, targets, o, o.Registers, searchBits/2)
		s.done, s.steps = done, steps
		for _, step := range twoRegisters {
			s.try(around + step)
		}
	}
	return s.outputs, s.fault
}

// outputSearch is a search for n_out with the best found so far.
type outputSearch struct {
	ctx     context.Context
	options *Options // of the study
	judged  Options  // of what is tried
	sample  codec.Target
	limit   float64 // n_in / (1 - sparsity)

	tried        map[int]bool
	outputs      int // 0: none yet
	share, least float64
	done, steps  int
	fault        error // the first; nothing is tried after it
}

func newOutputSearch(ctx context.Context, targets []codec.Target, o *Options, registers, bits int) *outputSearch {
	s := &outputSearch{ctx: ctx, options: o, judged: *o, sample: sampleOf(targets, bits), limit: xorcode.MaxOutputs, tried: map[int]bool{}}
	s.judged.Registers, s.judged.Progress = registers, nil
	if care := s.sample.Care.Count(); care > 0 {
		s.limit = min(s.limit, float64(o.Inputs)*float64(s.sample.Care.Len())/float64(care))
	}
	return s
}

// try encodes the sample with an n_out of a share of the limit.
func (s *outputSearch) try(share float64) {
	if s.fault != nil {
		return
	}
	s.options.report("search for n-out", s.done, s.steps)
	s.done++
	outputs := min(max(int(math.Round(share*s.limit)), s.judged.Inputs+1), xorcode.MaxOutputs)
	if s.tried[outputs] {
		return
	}
	s.tried[outputs] = true
	cost, err := s.cost(outputs)
	if err != nil {
		s.fault = err
		return
	}
	if s.outputs == 0 || cost < s.least {
		s.outputs, s.least, s.share = outputs, cost, share
	}
}

// cost is the bits a weight of the sample.
func (s *outputSearch) cost(outputs int) (float64, error) {
	o := &s.judged
	network := draw(o, outputs, o.Seed)
	n := s.sample.Bits.Len()
	if o.Codec == Block {
		b, err := encodeBlock(s.ctx, []codec.Target{s.sample}, network, o.Seed, o)
		if err != nil {
			return 0, err
		}
		return b.Sizes().Values().PerWeight(n), nil
	}
	q, err := encodeSequential(s.ctx, []codec.Target{s.sample}, network, o.Seed, o)
	if err != nil {
		return 0, err
	}
	return q.Sizes().Values().PerWeight(n), nil
}

// choose finds the best of several random networks on a sample, as many at a
// time as there are workers.
func choose(ctx context.Context, targets []codec.Target, outputs int, o *Options) (*xorcode.Network, uint64, error) {
	inputs := o.Inputs * (o.Registers + 1)
	if o.Networks == 1 {
		return draw(o, outputs, o.Seed), o.Seed, nil
	}
	best, least := 0, xorcode.Bits(0)
	for first := 0; first < o.Networks; {
		if err := ctx.Err(); err != nil {
			return nil, 0, err
		}
		o.report("choice of a network", first, o.Networks)
		c := codec.ChooseOptions{Candidates: min(o.workers(), o.Networks-first), Seed: o.Seed + uint64(first), Workers: o.Workers}
		var choice *codec.Choice
		var err error
		if o.Codec == Block {
			if o.Exact {
				c.SampleSlices = exactSample
			}
			choice, err = codec.ChooseBlock(targets, inputs, outputs, codec.BlockOptions{Exact: o.Exact}, c)
		} else {
			if o.Registers < 2 {
				c.SampleSlices = sequentialSample
			}
			choice, err = codec.ChooseSequential(targets, outputs, codec.SequentialOptions{SymbolBits: o.Inputs, Registers: o.Registers, Inverting: true}, c)
		}
		if err != nil {
			return nil, 0, err
		}
		for i, cost := range choice.Costs {
			if first+i == 0 || cost < least {
				best, least = first+i, cost
			}
		}
		first += len(choice.Costs)
	}
	seed := o.Seed + uint64(best)
	return draw(o, outputs, seed), seed, nil
}

// draw is the network of a seed.
func draw(o *Options, outputs int, seed uint64) *xorcode.Network {
	if o.Codec == Sequential {
		return xorcode.SpreadNetwork(o.Inputs, o.Registers, outputs, seed)
	}
	return xorcode.RandomNetwork(o.Inputs, outputs, seed)
}

// exactSample is the number of slices that networks are compared on where each
// takes up to 2^n_in steps.
const exactSample = 1 << 11

// sequentialSample is the same for the sequential code where it is fast: networks
// differ by little.
const sequentialSample = 1 << 14

// sampleRuns is the number of places of a plane that a sample is taken from.
const sampleRuns = 8

// sampleOf takes runs of bits from evenly spaced places of all planes, or
// everything if that is no more than wanted.
func sampleOf(targets []codec.Target, bits int) codec.Target {
	n := targets[0].Bits.Len()
	run := bits / sampleRuns / len(targets)
	runs := sampleRuns
	if run*sampleRuns >= n {
		run, runs = n, 1
	}
	sample := codec.Target{Bits: xorcode.NewPlane(run * runs * len(targets)), Care: xorcode.NewPlane(run * runs * len(targets))}
	at := 0
	for _, t := range targets {
		for k := range runs {
			from := k * (n - run) / max(runs-1, 1)
			part := cut(t, from, from+run)
			sample.Bits.Put(at, part.Bits.Words, run)
			sample.Care.Put(at, part.Care.Words, run)
			at += run
		}
	}
	return sample
}
