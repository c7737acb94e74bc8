package fractional

import (
	"context"
	"math"
	"sync"
	"sync/atomic"

	"github.com/npusim/npusim/isa/fractionalcode"
)

// solver is a tensor with the codes and scales that it has so far. All arrays of
// weights are in the order of the code.
type solver struct {
	plan       *plan
	channels   int
	minor      bool // order channel-minor
	weights    []float32
	importance []float32 // nil: all alike
	workers    int

	scales []float64 // [channel][plane], values of float32
	values []float64 // [channel][level]: sum of the scales with their signs
	levels []uint8   // by weight: bit p is the sign of plane p
	codes  []uint64  // [slice][plane]
	errors []float64 // by channel
	energy []float64 // by channel
}

func newSolver(p *plan, weights, importance []float32, channels int, minor bool, workers int) *solver {
	planes, outputs := len(p.networks), p.networks[0].Outputs
	s := &solver{plan: p, channels: channels, minor: minor, weights: weights, importance: importance, workers: workers}
	s.scales = make([]float64, channels*planes)
	s.values = make([]float64, channels<<planes)
	s.levels = make([]uint8, len(weights))
	s.codes = make([]uint64, (len(weights)+outputs-1)/outputs*planes)
	s.errors = make([]float64, channels)
	s.energy = make([]float64, channels)
	return s
}

func (s *solver) planes() int  { return len(s.plan.networks) }
func (s *solver) outputs() int { return s.plan.networks[0].Outputs }
func (s *solver) slices() int  { return len(s.codes) / s.planes() }

func (s *solver) importanceOf(i int) float64 {
	if s.importance == nil {
		return 1
	}
	return float64(s.importance[i])
}

// parallel calls do for 0..count-1, each by one worker, which got its memory
// from begin.
func parallel[T any](ctx context.Context, workers, count int, begin func() T, do func(T, int)) error {
	var next atomic.Int64
	var group sync.WaitGroup
	for range min(workers, count) {
		group.Go(func() {
			own := begin()
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= count {
					return
				}
				do(own, i)
			}
		})
	}
	group.Wait()
	return ctx.Err()
}

// Weights or channels that a worker takes at once.
const (
	slicesAtOnce   = 64
	channelsAtOnce = 64
)

// setScales sets the scales of a channel to the nearest float32 and their sums.
func (s *solver) setScales(channel int, scales []float64) {
	planes := s.planes()
	copy(s.scales[channel*planes:], scales)
	values := s.values[channel<<planes:][:1<<planes]
	for level := range values {
		values[level] = levelValue(scales, level)
	}
}

// levelValue is the sum of the scales with the signs of a level.
func levelValue(scales []float64, level int) float64 {
	sum := 0.0
	for p, a := range scales {
		if level>>p&1 == 0 {
			a = -a
		}
		sum += a
	}
	return sum
}

// chooseBits finds the bits of all slices for the scales there are.
func (s *solver) chooseBits(ctx context.Context, first bool) error {
	chunks := (s.slices() + slicesAtOnce - 1) / slicesAtOnce
	return parallel(ctx, s.workers, chunks, func() *chooser { return newChooser(s.plan) }, func(c *chooser, chunk int) {
		for k := chunk * slicesAtOnce; k < min(s.slices(), (chunk+1)*slicesAtOnce); k++ {
			s.chooseSlice(c, k, first)
		}
	})
}

func (s *solver) chooseSlice(c *chooser, k int, first bool) {
	from := k * s.outputs()
	to := min(from+s.outputs(), len(s.weights))
	codes := s.codes[k*s.planes():][:s.planes()]
	blocks := s.plan.cycle
	known := 1<<s.planes() - 1 // planes that have bits
	if first {
		blocks, known = s.plan.first, 0
	}
	for i := range blocks {
		b := &blocks[i]
		own := 0
		for _, p := range b.planes {
			own |= 1 << p
		}
		if len(b.planes) == s.planes() {
			s.allCosts(c, from, to)
		} else {
			s.blockCosts(c, b, from, to, known&^own)
		}
		c.choose(b, s.levels[from:to], codes, first)
		known |= own
	}
}

// allCosts fills in the costs of a slice for all planes at once.
func (s *solver) allCosts(c *chooser, from, to int) {
	planes := s.planes()
	rest := len(s.weights) / s.channels
	for i := from; i < to; i++ {
		channel := i / rest
		if s.minor {
			channel = i % s.channels
		}
		w, importance := float64(s.weights[i]), s.importanceOf(i)
		costs := c.costs[(i-from)<<planes:][:1<<planes]
		for level, v := range s.values[channel<<planes:][:1<<planes] {
			costs[level] = importance * (w - v) * (w - v)
		}
	}
}

// blockCosts fills in the costs of a slice for the planes of a block; known says
// which others count.
func (s *solver) blockCosts(c *chooser, b *block, from, to, known int) {
	planes, width := s.planes(), len(b.planes)
	rest := len(s.weights) / s.channels
	for i := from; i < to; i++ {
		channel := i / rest
		if s.minor {
			channel = i % s.channels
		}
		scales := s.scales[channel*planes:][:planes]
		w, importance := float64(s.weights[i]), s.importanceOf(i)
		for p, a := range scales {
			if known>>p&1 == 0 {
				continue
			}
			if s.levels[i]>>p&1 == 0 {
				a = -a
			}
			w -= a
		}
		costs := c.costs[(i-from)<<width:][:1<<width]
		for level := range costs {
			d := w
			for j, p := range b.planes {
				if level>>j&1 == 0 {
					d += scales[p]
				} else {
					d -= scales[p]
				}
			}
			costs[level] = importance * d * d
		}
	}
}

// sum is what the weights of one level of a channel add to its least squares.
type sum struct{ importance, weighted float64 }

// chooseScales finds the least-squares scales of every channel for the bits
// there are. Where that does not lower the channel's error, the scales stay.
func (s *solver) chooseScales(ctx context.Context, keep bool) error {
	chunks := (s.channels + channelsAtOnce - 1) / channelsAtOnce
	levels := 1 << s.planes()
	begin := func() []sum { return make([]sum, channelsAtOnce*levels) }
	return parallel(ctx, s.workers, chunks, begin, func(sums []sum, chunk int) {
		from := chunk * channelsAtOnce
		to := min(from+channelsAtOnce, s.channels)
		clear(sums)
		s.gather(sums, from, to)
		for channel := from; channel < to; channel++ {
			s.fit(channel, sums[(channel-from)*levels:][:levels], keep)
		}
	})
}

// gather adds up the weights of channels from..to-1 by level, and their energy.
func (s *solver) gather(sums []sum, from, to int) {
	planes, rest := s.planes(), len(s.weights)/s.channels
	clear(s.energy[from:to])
	add := func(i, channel int) {
		w, importance := float64(s.weights[i]), s.importanceOf(i)
		own := &sums[(channel-from)<<planes+int(s.levels[i])]
		own.importance += importance
		own.weighted += importance * w
		s.energy[channel] += importance * w * w
	}
	if s.minor {
		for k := range rest {
			for channel := from; channel < to; channel++ {
				add(k*s.channels+channel, channel)
			}
		}
		return
	}
	for channel := from; channel < to; channel++ {
		for i := channel * rest; i < (channel+1)*rest; i++ {
			add(i, channel)
		}
	}
}

// fit finds the scales of one channel.
func (s *solver) fit(channel int, sums []sum, keep bool) {
	planes := s.planes()
	old := s.scales[channel*planes:][:planes]
	s.errors[channel] = channelError(s.energy[channel], sums, old)
	if keep {
		return
	}
	var scales [fractionalcode.MaxPlanes]float64
	leastSquares(sums, scales[:planes])
	for p := range planes {
		scales[p] = float64(float32(scales[p]))
	}
	if e := channelError(s.energy[channel], sums, scales[:planes]); e < s.errors[channel] {
		s.errors[channel] = e
		s.setScales(channel, scales[:planes])
	}
}

// channelError is the squared error of a channel with some scales.
func channelError(energy float64, sums []sum, scales []float64) float64 {
	for level, own := range sums {
		v := levelValue(scales, level)
		energy += v * (own.importance*v - 2*own.weighted)
	}
	return max(energy, 0)
}

// leastSquares solves the normal equations of a channel. Planes whose signs are
// those of the planes before, or the opposite, get 0.
func leastSquares(sums []sum, scales []float64) {
	var a [fractionalcode.MaxPlanes][fractionalcode.MaxPlanes + 1]float64
	planes := len(scales)
	for level, own := range sums {
		for i := range planes {
			for j := range planes {
				if (level>>i^level>>j)&1 == 0 {
					a[i][j] += own.importance
				} else {
					a[i][j] -= own.importance
				}
			}
			if level>>i&1 == 0 {
				a[i][planes] -= own.weighted
			} else {
				a[i][planes] += own.weighted
			}
		}
	}
	total := a[0][0]
	var free [fractionalcode.MaxPlanes]bool
	for i := range planes {
		// All pivots start as the sum of importance; one that has all but vanished
		// stands for a plane that depends on those before.
		if a[i][i] <= 1e-9*total {
			free[i] = true
			continue
		}
		for r := i + 1; r < planes; r++ {
			f := a[r][i] / a[i][i]
			for j := i; j <= planes; j++ {
				a[r][j] -= f * a[i][j]
			}
		}
	}
	for i := planes - 1; i >= 0; i-- {
		scales[i] = 0
		if free[i] {
			continue
		}
		x := a[i][planes]
		for j := i + 1; j < planes; j++ {
			x -= a[i][j] * scales[j]
		}
		if x /= a[i][i]; math.Abs(x) <= math.MaxFloat32 {
			scales[i] = x
		}
	}
}

// total is the error of all channels.
func (s *solver) total() Error {
	var e Error
	for channel := range s.channels {
		e.Squared += s.errors[channel]
		e.Energy += s.energy[channel]
	}
	return e
}

// settled is the share by which a round must lower the error to be followed by
// another.
const settled = 1e-4

// alternate chooses bits and scales in turns until nothing changes any more, and
// returns the error after each turn.
func (s *solver) alternate(ctx context.Context, rounds int) ([]Error, error) {
	var trace []Error
	for round := range rounds {
		if err := s.chooseBits(ctx, round == 0); err != nil {
			return nil, err
		}
		if err := s.chooseScales(ctx, false); err != nil {
			return nil, err
		}
		trace = append(trace, s.total())
		if n := len(trace); n > 1 && trace[n-2].Squared-trace[n-1].Squared <= settled*trace[n-2].Squared {
			break
		}
	}
	return trace, nil
}
