package fractional

import (
	"context"
	"math"
)

// Start values of the scales, over the root mean square of a channel: those of
// plane p are startScale * ratio^p. Ratio 1/2 is what two planes of unbounded
// codes come near; the lower the rate, the more alike planes may be.
const (
	startScale  = 0.8
	startSlices = 512
	startRounds = 8
)

var startRatios = [...]float64{0.7, 0.4}

// sample is some slices of a tensor, with every channel divided by its root mean
// square, so that one set of scales serves all of it.
type sample struct {
	rms        []float64 // by channel of the tensor
	weights    []float32
	importance []float32
}

// newSample takes slices evenly over the tensor of a solver, at most as many as
// given.
func newSample(s *solver, outputs, most int) *sample {
	rest := len(s.weights) / s.channels
	channelOf := func(i int) int {
		if s.minor {
			return i % s.channels
		}
		return i / rest
	}
	out := &sample{rms: make([]float64, s.channels)}
	total := make([]float64, s.channels)
	for i, w := range s.weights {
		channel, importance := channelOf(i), s.importanceOf(i)
		total[channel] += importance
		out.rms[channel] += importance * float64(w) * float64(w)
	}
	for channel := range out.rms {
		if total[channel] > 0 {
			out.rms[channel] = math.Sqrt(out.rms[channel] / total[channel])
		}
	}
	slices := (len(s.weights) + outputs - 1) / outputs
	count := min(slices, most)
	out.weights = make([]float32, count*outputs)
	out.importance = make([]float32, count*outputs) // of the last slice's unused outputs: 0
	for k := range count {
		from := k * slices / count * outputs
		for r := range min(outputs, len(s.weights)-from) {
			i := from + r
			if rms := out.rms[channelOf(i)]; rms > 0 {
				out.weights[k*outputs+r] = float32(float64(s.weights[i]) / rms)
				out.importance[k*outputs+r] = float32(s.importanceOf(i) * rms * rms)
			}
		}
	}
	out.normalize()
	return out
}

// normalize divides the importance by its largest, so that tiny weights do not
// underflow.
func (s *sample) normalize() {
	largest := float32(0)
	for _, v := range s.importance {
		largest = max(largest, v)
	}
	if largest == 0 || math.IsInf(float64(largest), 0) {
		for i := range s.importance {
			s.importance[i] = 1
		}
		return
	}
	for i := range s.importance {
		s.importance[i] /= largest
	}
}

// start finds the scales, one a plane over the root mean square of a channel,
// that fit the sample best after some rounds from each of the start values. It
// returns their error too.
func (s *sample) start(ctx context.Context, p *plan, ratios []float64, rounds, workers int) ([]float64, float64, error) {
	planes := len(p.networks)
	if planes == 1 {
		ratios = ratios[:1]
	}
	var best []float64
	least := math.Inf(1)
	for _, ratio := range ratios {
		try := newSolver(p, s.weights, s.importance, 1, false, workers)
		scales, a := make([]float64, planes), startScale
		for i := range scales {
			scales[i] = a
			a *= ratio
		}
		try.setScales(0, scales)
		trace, err := try.alternate(ctx, rounds)
		if err != nil {
			return nil, 0, err
		}
		if e := trace[len(trace)-1].Squared; best == nil || e < least {
			best, least = append([]float64(nil), try.scales...), e
		}
	}
	return best, least, nil
}
