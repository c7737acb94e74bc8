package codecstudy

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/npusim/npusim/compiler/fractional"
	"github.com/npusim/npusim/isa/fractionalcode"
)

// fractional studies the fractional code: signs of trained bits and a scale for
// every plane and row, fitted to the weights. It loses precision.
func (r *Result) fractional(ctx context.Context, s *Source, o *Options) error {
	if err := s.numbers("codec " + o.Codec.String()); err != nil {
		return &UsageError{err}
	}
	weights := r.realWeights(s, o)
	signs := 0
	for _, w := range weights {
		if w != 0 {
			signs++
		}
	}
	r.CareBits, r.Planes, r.Taps = int64(signs), o.Planes, o.Taps
	r.Notes = append(r.Notes, "fitted, not trained: training finds better codes; efficiency is the share of signs that come out right")

	began := time.Now()
	o.report("choice of a network", 0, 0)
	networks, err := fractional.ChooseNetworks(ctx, weights, s.Rows, fractional.NetworkOptions{Planes: o.Planes, Inputs: o.Inputs, Outputs: o.Outputs,
		Taps: o.Taps, Seed: o.Seed, Tries: o.Networks}, fractional.Options{Workers: o.Workers})
	if err != nil {
		return err
	}
	r.Host.ChooseSeconds = time.Since(began).Seconds()
	if g := networks[0].Generator; g != nil {
		r.NetworkSeed = g.Seed
	}
	began = time.Now()
	o.report("encode", 0, 0)
	result, err := fractional.Encode(ctx, weights, s.Rows, networks, fractional.Options{Workers: o.Workers})
	if err != nil {
		return err
	}
	bits := float64(r.Weights) * float64(r.Planes)
	r.Host.EncodeSeconds = time.Since(began).Seconds()
	r.EncodeRate = bits / r.Host.EncodeSeconds
	r.Exact = result.Exact

	data, err := result.Code.MarshalBinary()
	if err != nil {
		return err
	}
	code := new(fractionalcode.Code)
	if err := code.UnmarshalBinary(data); err != nil {
		return fmt.Errorf("the stream cannot be read back: %w", err)
	}
	sizes := code.Sizes()
	r.StreamBytes, r.Slices = int64(len(data)), int64(code.Slices())
	r.BitsPerWeight.Code = sizes.Codes.PerWeight(len(weights))
	r.BitsPerWeight.Scale = sizes.Scales.PerWeight(len(weights))
	decoded, err := code.Floats()
	if err != nil {
		return err
	}
	r.compare(weights, decoded)
	return r.measureDecoding(ctx, bits, func() error {
		_, err := code.Floats()
		return err
	})
}

// realWeights are those of a source; of bits, -1 and +1.
func (r *Result) realWeights(s *Source, o *Options) []float32 {
	switch {
	case s.Random():
		r.Material = fmt.Sprintf("normal random weights, seed %d", o.Seed)
		return randomReals(s.Weights(), o.Seed)
	case s.reals != nil:
		r.Material = "floating-point weights"
		return s.reals
	}
	weights := make([]float32, s.Weights())
	if s.ints != nil {
		r.Material = "int8 weights"
		for i, w := range s.ints {
			weights[i] = float32(w)
		}
		return weights
	}
	r.Material = "bits as weights of -1 and +1"
	for i := range weights {
		weights[i] = -1
		if s.bits.Get(i) {
			weights[i] = 1
		}
	}
	return weights
}

// compare sets decoded weights beside those wanted.
func (r *Result) compare(want, got []float32) {
	right, squared, energy := 0, 0.0, 0.0
	for i, w := range want {
		if w != 0 && (w > 0) == (got[i] > 0) && got[i] != 0 {
			right++
		}
		d := float64(w) - float64(got[i])
		squared += d * d
		energy += float64(w) * float64(w)
	}
	r.Sparsity = 0 // nothing is masked
	r.Corrections = 0
	r.Efficiency = 1
	if r.CareBits > 0 {
		r.Efficiency = float64(right) / float64(r.CareBits)
	}
	r.Lossless = squared == 0
	if squared > 0 && energy > 0 {
		sqnr := 10 * math.Log10(energy/squared)
		r.SQNRDB = &sqnr
	}
}
