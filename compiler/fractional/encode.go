package fractional

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/npusim/npusim/isa/fractionalcode"
	"github.com/npusim/npusim/isa/xorcode"
)

// Result is an encoded tensor.
type Result struct {
	Code  *fractionalcode.Code
	Error Error
	// Rounds are the errors after each round of bits and scales; they never rise.
	Rounds []Error
	// Exact says whether the bits of all planes were chosen together, the best
	// there are for the scales.
	Exact bool
}

// Encoder encodes tensors, or tiles of one, with the same networks. Making it
// takes some 10 ms, in which it plans the search. It may be used by several
// goroutines.
type Encoder struct {
	networks []fractionalcode.Network
	plan     *plan
}

// NewEncoder plans the search for networks, one a plane and all of the same
// shape. Effort is that of Options.
func NewEncoder(networks []fractionalcode.Network, effort int) (*Encoder, error) {
	e, err := newEncoder(networks, &Options{Effort: effort})
	if err != nil {
		return nil, fmt.Errorf("fractional code: %w", err)
	}
	return e, nil
}

func newEncoder(networks []fractionalcode.Network, o *Options) (*Encoder, error) {
	matrices, err := matricesOf(networks)
	if err != nil {
		return nil, err
	}
	if o.Effort < 0 {
		return nil, fmt.Errorf("effort %d: must not be negative", o.Effort)
	}
	effort := o.Effort
	if effort == 0 {
		effort = DefaultEffort
	}
	return &Encoder{networks: slices.Clone(networks), plan: newPlan(matrices, effort)}, nil
}

// Encode finds codes and float32 scales for a tensor [channels][rest], with one
// plane for each network. The networks must have the same shape.
func Encode(ctx context.Context, weights []float32, channels int, networks []fractionalcode.Network, o Options) (*Result, error) {
	e, err := newEncoder(networks, &o)
	if err != nil {
		return nil, fmt.Errorf("fractional code: %w", err)
	}
	return e.Encode(ctx, weights, channels, o)
}

// Encode finds codes and float32 scales for a tensor [channels][rest]. The
// effort is that of NewEncoder.
func (e *Encoder) Encode(ctx context.Context, weights []float32, channels int, o Options) (*Result, error) {
	result, err := e.encode(ctx, weights, channels, o)
	if err != nil {
		return nil, fmt.Errorf("fractional code: %w", err)
	}
	return result, nil
}

func (e *Encoder) encode(ctx context.Context, weights []float32, channels int, o Options) (*Result, error) {
	if err := checkTensor(weights, channels); err != nil {
		return nil, err
	}
	if err := o.complete(len(weights), channels); err != nil {
		return nil, err
	}
	s := e.solver(weights, channels, &o)
	sample := newSample(s, s.outputs(), startSlices)
	factors, _, err := sample.start(ctx, e.plan, startRatios[:], startRounds, o.Workers)
	if err != nil {
		return nil, err
	}
	scales := make([]float64, len(factors))
	for channel := range channels {
		for i, f := range factors {
			scales[i] = float64(float32(f * sample.rms[channel]))
		}
		s.setScales(channel, scales)
	}
	trace, err := s.alternate(ctx, o.Rounds)
	if err != nil {
		return nil, err
	}
	return &Result{Code: s.code(e.networks), Error: trace[len(trace)-1], Rounds: trace, Exact: e.plan.exact}, nil
}

// solver prepares the solution for a tensor with complete options.
func (e *Encoder) solver(weights []float32, channels int, o *Options) *solver {
	return newSolver(e.plan, arrange(weights, channels, o.Order), o.arrangedImportance(len(weights), channels), channels, o.Order == fractionalcode.ChannelMinor, o.Workers)
}

// matricesOf checks the networks of a code.
func matricesOf(networks []fractionalcode.Network) ([]*xorcode.Network, error) {
	if len(networks) < 1 || len(networks) > fractionalcode.MaxPlanes {
		return nil, fmt.Errorf("%d networks: must be 1..%d, one a plane", len(networks), fractionalcode.MaxPlanes)
	}
	list := make([]*xorcode.Network, len(networks))
	for i, n := range networks {
		if n.Matrix == nil {
			return nil, fmt.Errorf("network %d is missing", i)
		}
		if err := n.Matrix.Validate(); err != nil {
			return nil, fmt.Errorf("network %d: %w", i, err)
		}
		if n.Matrix.Inputs != networks[0].Matrix.Inputs || n.Matrix.Outputs != networks[0].Matrix.Outputs {
			return nil, fmt.Errorf("network %d is %d x %d, network 0 %d x %d: must be alike", i, n.Matrix.Outputs, n.Matrix.Inputs, networks[0].Matrix.Outputs, networks[0].Matrix.Inputs)
		}
		list[i] = n.Matrix
	}
	return list, nil
}

// arrange puts a tensor [channels][rest] into the order of the code.
func arrange(tensor []float32, channels int, order fractionalcode.Order) []float32 {
	if order == fractionalcode.ChannelMajor {
		return tensor
	}
	rest := len(tensor) / channels
	out := make([]float32, len(tensor))
	for channel := range channels {
		for k, v := range tensor[channel*rest:][:rest] {
			out[k*channels+channel] = v
		}
	}
	return out
}

// arrangedImportance is the importance of each weight in the order of the code.
func (o *Options) arrangedImportance(weights, channels int) []float32 {
	if o.Importance == nil {
		return nil
	}
	if len(o.Importance) == weights {
		return arrange(o.Importance, channels, o.Order)
	}
	out := make([]float32, 0, weights)
	for i := range weights {
		column := i % len(o.Importance)
		if o.Order == fractionalcode.ChannelMinor {
			column = i / channels
		}
		out = append(out, o.Importance[column])
	}
	return out
}

// code is the code that the solver has found.
func (s *solver) code(networks []fractionalcode.Network) *fractionalcode.Code {
	order := fractionalcode.ChannelMajor
	if s.minor {
		order = fractionalcode.ChannelMinor
	}
	c := &fractionalcode.Code{Weights: len(s.weights), Channels: s.channels, Order: order}
	planes := s.planes()
	for p, n := range networks {
		plane := fractionalcode.Plane{Network: n, Scales: make([]float32, s.channels)}
		for k := range s.slices() {
			plane.Codes.Append(s.codes[k*planes+p], n.Matrix.Inputs)
		}
		for channel := range plane.Scales {
			plane.Scales[channel] = float32(s.scales[channel*planes+p])
		}
		c.Planes = append(c.Planes, plane)
	}
	return c
}

// Measure is the error of the code's real weights against a tensor
// [channels][rest]; importance is that of Options.
func Measure(weights []float32, c *fractionalcode.Code, importance []float32) (Error, error) {
	values, err := c.Floats()
	if err != nil {
		return Error{}, fmt.Errorf("fractional code: %w", err)
	}
	return measure(weights, c, importance, func(i, _ int) float64 { return float64(values[i]) })
}

// MeasureIntegers is the error of the code's int8 weights times their steps.
func MeasureIntegers(weights []float32, c *fractionalcode.Code, importance []float32) (Error, error) {
	values, err := c.Integers()
	if err != nil {
		return Error{}, fmt.Errorf("fractional code: %w", err)
	}
	return measure(weights, c, importance, func(i, channel int) float64 { return float64(values[i]) * float64(c.Integer.Step(channel)) })
}

func measure(weights []float32, c *fractionalcode.Code, importance []float32, value func(i, channel int) float64) (e Error, err error) {
	if len(weights) != c.Weights {
		return e, fmt.Errorf("fractional code: %d weights, the code has %d", len(weights), c.Weights)
	}
	if err := checkTensor(weights, c.Channels); err != nil {
		return e, fmt.Errorf("fractional code: %w", err)
	}
	o := Options{Order: c.Order, Importance: importance}
	if err := o.complete(c.Weights, c.Channels); err != nil {
		return e, fmt.Errorf("fractional code: %w", err)
	}
	arranged, by := arrange(weights, c.Channels, c.Order), o.arrangedImportance(c.Weights, c.Channels)
	for i, w := range arranged {
		d, scale := float64(w)-value(i, c.Channel(i)), 1.0
		if by != nil {
			scale = float64(by[i])
		}
		e.Squared += scale * d * d
		e.Energy += scale * float64(w) * float64(w)
	}
	if math.IsInf(e.Energy, 0) {
		return e, fmt.Errorf("fractional code: the weights are too large to measure")
	}
	return e, nil
}
