package fractional

import (
	"context"
	"fmt"

	"github.com/npusim/npusim/isa/fractionalcode"
)

// DefaultTries is how many sets of networks ChooseNetworks draws, if not told.
const DefaultTries = 16

// NetworkOptions say which networks are drawn.
type NetworkOptions struct {
	Planes  int
	Inputs  int // n_in
	Outputs int // n_out
	Taps    int // inputs of every output; 0 for half of them on average
	// Seed and those after it draw the networks: plane p of try t has the seed
	// Seed + t*Planes + p.
	Seed  uint64
	Tries int // sets to draw, 0 for DefaultTries
}

// Slices, start values and rounds on which a set of networks is judged: enough
// to tell good sets from bad ones, since all are judged on the same weights.
const (
	trySlices = 256
	tryRounds = 5
)

var tryRatios = [...]float64{0.6}

// ChooseNetworks draws sets of networks, one a plane, and returns that which fits
// a sample of a tensor [channels][rest] best.
func ChooseNetworks(ctx context.Context, weights []float32, channels int, n NetworkOptions, o Options) ([]fractionalcode.Network, error) {
	best, err := chooseNetworks(ctx, weights, channels, n, o)
	if err != nil {
		return nil, fmt.Errorf("fractional code: %w", err)
	}
	return best, nil
}

func chooseNetworks(ctx context.Context, weights []float32, channels int, n NetworkOptions, o Options) ([]fractionalcode.Network, error) {
	if err := checkTensor(weights, channels); err != nil {
		return nil, err
	}
	if err := o.complete(len(weights), channels); err != nil {
		return nil, err
	}
	if n.Planes < 1 || n.Planes > fractionalcode.MaxPlanes {
		return nil, fmt.Errorf("planes = %d: must be 1..%d", n.Planes, fractionalcode.MaxPlanes)
	}
	if n.Tries < 0 {
		return nil, fmt.Errorf("%d tries: must not be negative", n.Tries)
	}
	if n.Tries == 0 {
		n.Tries = DefaultTries
	}
	tries := make([][]fractionalcode.Network, n.Tries)
	for t := range tries {
		for p := range n.Planes {
			drawn, err := fractionalcode.Draw(n.Inputs, n.Outputs, fractionalcode.Generator{Taps: n.Taps, Seed: n.Seed + uint64(t*n.Planes+p)})
			if err != nil {
				return nil, err
			}
			tries[t] = append(tries[t], drawn)
		}
	}
	if n.Tries == 1 {
		return tries[0], nil
	}
	whole := &solver{channels: channels, minor: o.Order == fractionalcode.ChannelMinor,
		weights: arrange(weights, channels, o.Order), importance: o.arrangedImportance(len(weights), channels)}
	sample := newSample(whole, n.Outputs, trySlices)
	results, failures := make([]float64, n.Tries), make([]error, n.Tries)
	err := parallel(ctx, o.Workers, n.Tries, func() struct{} { return struct{}{} }, func(_ struct{}, t int) {
		matrices, err := matricesOf(tries[t])
		if err == nil {
			_, results[t], err = sample.start(ctx, newPlan(matrices, o.Effort), tryRatios[:], tryRounds, 1)
		}
		failures[t] = err
	})
	if err != nil {
		return nil, err
	}
	best := 0
	for t := range tries {
		if failures[t] != nil {
			return nil, failures[t]
		}
		if results[t] < results[best] {
			best = t
		}
	}
	return tries[best], nil
}
