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
// then the neighbours of the best, at smaller and smaller distances.
var (
	outputShares = []float64{0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 1, 1.05}
	refinements  = []float64{0.025, 0.0125}
)

// searchOutputs finds the n_out with the least bits on a sample, with one
// network. Two registers are judged by one: their best sizes are the same.
func searchOutputs(ctx context.Context, targets []codec.Target, o *Options) (int, error) {
	sample := sampleOf(targets, searchBits)
	density := float64(sample.Care.Count()) / float64(sample.Care.Len())
	limit := float64(xorcode.MaxOutputs)
	if density > 0 {
		limit = min(limit, float64(o.Inputs)/density)
	}
	judged := *o
	judged.Registers = min(o.Registers, 1)
	judged.Progress = nil
	tried := map[int]bool{}
	best, least, bestShare := 0, 0.0, 0.0
	total, done := len(outputShares)+2*len(refinements), 0
	try := func(share float64) error {
		o.report("search for n-out", done, total)
		done++
		outputs := min(max(int(math.Round(share*limit)), o.Inputs+1), xorcode.MaxOutputs)
		if tried[outputs] {
			return nil
		}
		tried[outputs] = true
		network := xorcode.RandomNetwork(o.Inputs*(judged.Registers+1), outputs, o.Seed)
		var values xorcode.Bits
		if o.Codec == Block {
			b, err := encodeBlock(ctx, []codec.Target{sample}, network, o.Seed, &judged)
			if err != nil {
				return err
			}
			values = b.Sizes().Values()
		} else {
			q, err := encodeSequential(ctx, []codec.Target{sample}, network, o.Seed, &judged)
			if err != nil {
				return err
			}
			values = q.Sizes().Values()
		}
		if cost := values.PerWeight(sample.Bits.Len()); best == 0 || cost < least {
			best, least, bestShare = outputs, cost, share
		}
		return nil
	}
	for _, share := range outputShares {
		if err := try(share); err != nil {
			return 0, err
		}
	}
	for _, step := range refinements {
		around := bestShare
		for _, share := range []float64{around - step, around + step} {
			if err := try(share); err != nil {
				return 0, err
			}
		}
	}
	return best, nil
}

// choose finds the best of several random networks on a sample, as many at a
// time as there are workers.
func choose(ctx context.Context, targets []codec.Target, outputs int, o *Options) (*xorcode.Network, uint64, error) {
	inputs := o.Inputs * (o.Registers + 1)
	if o.Networks == 1 {
		return xorcode.RandomNetwork(inputs, outputs, o.Seed), o.Seed, nil
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
	return xorcode.RandomNetwork(inputs, outputs, seed), seed, nil
}

// exactSample is the number of slices that networks are compared on where each
// takes up to 2^n_in steps.
const exactSample = 1 << 11

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
