package fractional

import (
	"context"
	"fmt"
	"math"

	"github.com/npusim/npusim/isa/fractionalcode"
	"github.com/npusim/npusim/isa/xorcode"
)

// smallestStep is the least step: with it float32 has its full precision.
const smallestStep = 0x1p-126

// Steps are the smallest steps at which the int8 weights of all the codes stay
// within +-127: one a channel, or one for all. The codes are parts of one layer
// with the same channels, such as its tiles along the input. Channels whose
// scales are all 0 get a step of 1.
func Steps(codes []*fractionalcode.Code, perChannel bool) ([]float32, error) {
	if len(codes) == 0 {
		return nil, fmt.Errorf("fractional code: steps of no codes")
	}
	steps := make([]float32, codes[0].Channels)
	for i, c := range codes {
		if err := c.Validate(); err != nil {
			return nil, fmt.Errorf("code %d: %w", i, err)
		}
		if c.Channels != len(steps) {
			return nil, fmt.Errorf("fractional code: code %d has %d channels, code 0 has %d", i, c.Channels, len(steps))
		}
		for channel := range steps {
			steps[channel] = max(steps[channel], float32(largestSum(c, channel)/fractionalcode.MaxSum))
		}
	}
	if !perChannel {
		for _, s := range steps[1:] {
			steps[0] = max(steps[0], s)
		}
		steps = steps[:1]
	}
	for i := range steps {
		if steps[i] == 0 {
			steps[i] = 1
		}
		steps[i] = max(steps[i], smallestStep)
	}
	return steps, nil
}

// largestSum is the largest weight of a channel.
func largestSum(c *fractionalcode.Code, channel int) float64 {
	sum := 0.0
	for p := range c.Planes {
		sum += math.Abs(float64(c.Planes[p].Scales[channel]))
	}
	return sum
}

// FixScales gives a code its integer form: scales rounded to multiples of the
// steps, one step or one a channel. Where rounding up would take a sum beyond
// 127, the scales that were rounded up most go down instead.
func FixScales(c *fractionalcode.Code, steps []float32) error {
	if err := c.Validate(); err != nil {
		return err
	}
	planes, channels := len(c.Planes), c.Channels
	n := &fractionalcode.Integer{Scales: make([]int8, planes*channels), Steps: append([]float32(nil), steps...)}
	if len(steps) != 1 && len(steps) != channels {
		return fmt.Errorf("fractional code: %d steps: must be 1, or one for each of %d channels", len(steps), channels)
	}
	for i, s := range steps {
		if !(s > 0 && s <= math.MaxFloat32) {
			return fmt.Errorf("fractional code: step %d is %g: must be positive and finite", i, s)
		}
	}
	for channel := range channels {
		step := float64(n.Step(channel))
		// A step of Steps is rounded to float32, so the sum may be a little above.
		if sum := largestSum(c, channel) / step; sum > fractionalcode.MaxSum+0.5 {
			return fmt.Errorf("fractional code: the scales of channel %d sum to %.4g steps of %g: must be within %d", channel, sum, step, fractionalcode.MaxSum)
		}
		var rounded [fractionalcode.MaxPlanes]float64 // magnitudes
		total := 0.0
		for p := range planes {
			rounded[p] = math.Round(math.Abs(float64(c.Planes[p].Scales[channel])) / step)
			total += rounded[p]
		}
		for ; total > fractionalcode.MaxSum; total-- {
			most, excess := 0, math.Inf(-1)
			for p := range planes {
				if e := rounded[p] - math.Abs(float64(c.Planes[p].Scales[channel]))/step; rounded[p] > 0 && e > excess {
					most, excess = p, e
				}
			}
			rounded[most]--
		}
		for p := range planes {
			n.Scales[p*channels+channel] = int8(math.Copysign(rounded[p], float64(c.Planes[p].Scales[channel])))
		}
	}
	c.Integer = n
	return nil
}

// Refit chooses the bits of a code anew for the scales that it has, the integer
// ones if there are any, and returns a code with the same scales whose error
// against the tensor [channels][rest] is not larger. The order is the code's.
func Refit(ctx context.Context, weights []float32, c *fractionalcode.Code, o Options) (*fractionalcode.Code, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	networks := make([]fractionalcode.Network, len(c.Planes))
	for p := range networks {
		networks[p] = c.Planes[p].Network
	}
	e, err := newEncoder(networks, &o)
	if err != nil {
		return nil, fmt.Errorf("fractional code: %w", err)
	}
	return e.Refit(ctx, weights, c, o)
}

// Refit is as the function Refit, for a code with the encoder's networks. The
// effort is that of NewEncoder.
func (e *Encoder) Refit(ctx context.Context, weights []float32, c *fractionalcode.Code, o Options) (*fractionalcode.Code, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	refitted, err := e.refit(ctx, weights, c, o)
	if err != nil {
		return nil, fmt.Errorf("fractional code: %w", err)
	}
	return refitted, nil
}

// refit is Refit for a valid code.
func (e *Encoder) refit(ctx context.Context, weights []float32, c *fractionalcode.Code, o Options) (*fractionalcode.Code, error) {
	if len(c.Planes) != len(e.networks) {
		return nil, fmt.Errorf("%d planes, the encoder has %d networks", len(c.Planes), len(e.networks))
	}
	for p := range c.Planes {
		if !c.Planes[p].Network.Matrix.Equal(e.networks[p].Matrix) {
			return nil, fmt.Errorf("plane %d has another network than the encoder", p)
		}
	}
	if len(weights) != c.Weights {
		return nil, fmt.Errorf("%d weights, the code has %d", len(weights), c.Weights)
	}
	if err := checkTensor(weights, c.Channels); err != nil {
		return nil, err
	}
	o.Order = c.Order
	if err := o.complete(c.Weights, c.Channels); err != nil {
		return nil, err
	}
	s := e.solver(weights, c.Channels, &o)
	if err := s.load(c); err != nil {
		return nil, err
	}
	if err := s.chooseScales(ctx, true); err != nil {
		return nil, err
	}
	for last := s.total().Squared; ; {
		if err := s.chooseBits(ctx, false); err != nil {
			return nil, err
		}
		if err := s.chooseScales(ctx, true); err != nil {
			return nil, err
		}
		now := s.total().Squared
		if last-now <= settled*last {
			break
		}
		last = now
	}
	out := s.code(e.networks)
	for p := range out.Planes {
		out.Planes[p].Network = c.Planes[p].Network
		out.Planes[p].Scales = append([]float32(nil), c.Planes[p].Scales...)
	}
	if n := c.Integer; n != nil {
		out.Integer = &fractionalcode.Integer{Scales: append([]int8(nil), n.Scales...), Steps: append([]float32(nil), n.Steps...)}
	}
	return out, nil
}

// load takes codes and scales from a code.
func (s *solver) load(c *fractionalcode.Code) error {
	planes := s.planes()
	for p := range c.Planes {
		plane, err := c.Plane(p)
		if err != nil {
			return err
		}
		for i := range s.levels {
			if plane.Get(i) {
				s.levels[i] |= 1 << p
			}
		}
		inputs := c.Inputs()
		for k := range s.slices() {
			s.codes[k*planes+p] = c.Planes[p].Codes.At(xorcode.Bits(k)*xorcode.Bits(inputs), inputs)
		}
	}
	scales := make([]float64, planes)
	for channel := range s.channels {
		for p := range scales {
			scales[p] = float64(c.Planes[p].Scales[channel])
			if n := c.Integer; n != nil {
				scales[p] = float64(n.Scales[p*s.channels+channel]) * float64(n.Step(channel))
			}
		}
		s.setScales(channel, scales)
	}
	return nil
}
