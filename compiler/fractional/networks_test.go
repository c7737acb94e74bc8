package fractional

import (
	"context"
	"strings"
	"testing"

	"github.com/npusim/npusim/isa/fractionalcode"
)

// TestChooseNetworks: the choice does not depend on the number of workers, is
// known by its seeds, and fits better than the average of single tries.
func TestChooseNetworks(t *testing.T) {
	const channels = 5
	rest := 600
	if testing.Short() || reduced {
		rest = 200
	}
	weights := normal(channels, rest, 1)
	n := NetworkOptions{Planes: 2, Inputs: 16, Outputs: 20, Taps: 2, Seed: 40}
	var chosen [2][]fractionalcode.Network
	for i, workers := range []int{1, 4} {
		var err error
		if chosen[i], err = ChooseNetworks(context.Background(), weights, channels, n, Options{Workers: workers}); err != nil {
			t.Fatal(err)
		}
	}
	for p := range chosen[0] {
		g := chosen[0][p].Generator
		if *g != *chosen[1][p].Generator || g.Taps != 2 || g.Seed < 40 || g.Seed >= 40+2*DefaultTries || g.Seed%2 != uint64(p) {
			t.Errorf("plane %d: %+v with one worker, %+v with four", p, g, chosen[1][p].Generator)
		}
	}
	best := mustEncode(t, weights, channels, chosen[0], Options{}).Error.Normalized()
	mean := 0.0
	for try := range uint64(DefaultTries) {
		networks, _ := drawn(t, 16, 20, 2, 2, 40+2*try)
		mean += mustEncode(t, weights, channels, networks, Options{}).Error.Normalized() / DefaultTries
	}
	t.Logf("error %.4f, mean of single tries %.4f", best, mean)
	if best >= mean {
		t.Errorf("error %g of the chosen networks, %g on average of all", best, mean)
	}
	n.Tries = 1
	first, err := ChooseNetworks(context.Background(), weights, channels, n, Options{})
	if err != nil || first[0].Generator.Seed != 40 || first[1].Generator.Seed != 41 {
		t.Errorf("one try: %+v, %v", first, err)
	}
}

func TestNetworkRules(t *testing.T) {
	weights := normal(2, 30, 1)
	for name, c := range map[string]struct {
		change func(n *NetworkOptions)
		want   string
	}{
		"no planes": {func(n *NetworkOptions) { n.Planes = 0 }, "planes = 0"},
		"planes":    {func(n *NetworkOptions) { n.Planes = 9 }, "planes = 9"},
		"inputs":    {func(n *NetworkOptions) { n.Inputs = 65 }, "inputs = 65"},
		"outputs":   {func(n *NetworkOptions) { n.Outputs = 0 }, "outputs = 0"},
		"taps":      {func(n *NetworkOptions) { n.Taps = 9 }, "taps = 9"},
		"few taps":  {func(n *NetworkOptions) { n.Taps = -1 }, "taps = -1"},
		"tries":     {func(n *NetworkOptions) { n.Tries = -1 }, "-1 tries"},
	} {
		n := NetworkOptions{Planes: 1, Inputs: 8, Outputs: 20, Taps: 2}
		c.change(&n)
		if _, err := ChooseNetworks(context.Background(), weights, 2, n, Options{}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", name, err, c.want)
		}
	}
}
