package fractional

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/npusim/npusim/isa/fractionalcode"
	"github.com/npusim/npusim/isa/xorcode"
)

// drawn draws networks of consecutive seeds.
func drawn(t testing.TB, inputs, outputs, taps, planes int, seed uint64) (networks []fractionalcode.Network, matrices []*xorcode.Network) {
	t.Helper()
	for p := range planes {
		n, err := fractionalcode.Draw(inputs, outputs, fractionalcode.Generator{Taps: taps, Seed: seed + uint64(p)})
		if err != nil {
			t.Fatal(err)
		}
		networks, matrices = append(networks, n), append(matrices, n.Matrix)
	}
	return networks, matrices
}

func upTo(n int) (list []int) {
	for i := range n {
		list = append(list, i)
	}
	return list
}

// costOf is what some inputs cost, by definition.
func costOf(networks []*xorcode.Network, costs []float64, used int, inputs []uint64) float64 {
	sum := 0.0
	y := make([]uint64, xorcode.Words(networks[0].Outputs))
	levels := make([]int, used)
	for p, m := range networks {
		m.Apply(inputs[p], y)
		for r := range levels {
			if bitOf(y, r) {
				levels[r] |= 1 << p
			}
		}
	}
	for r, level := range levels {
		sum += costs[r<<len(networks)|level]
	}
	return sum
}

// leastCost tries all inputs.
func leastCost(networks []*xorcode.Network, costs []float64, used int) float64 {
	best := math.Inf(1)
	inputs, width := make([]uint64, len(networks)), networks[0].Inputs
	for v := range uint64(1) << (width * len(networks)) {
		for p := range inputs {
			inputs[p] = v >> (p * width) & (1<<width - 1)
		}
		best = min(best, costOf(networks, costs, used, inputs))
	}
	return best
}

func randomCosts(random *rand.Rand, n int) []float64 {
	costs := make([]float64, n)
	for i := range costs {
		costs[i] = random.NormFloat64()
	}
	return costs
}

// TestTrellisIsExact compares the trellis with all inputs, for one to three
// planes, taps of any number and partly used slices.
func TestTrellisIsExact(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 5))
	for trial := range 300 {
		planes := 1 + random.IntN(3)
		inputs, outputs := 1+random.IntN(12/planes), 1+random.IntN(24)
		_, networks := drawn(t, inputs, outputs, random.IntN(inputs+1), planes, uint64(trial*10))
		order, work := bestOrder(networks, upTo(planes))
		tr := newTrellis(networks, upTo(planes), order)
		if float64(tr.work) != work {
			t.Fatalf("work is %d, foretold %g", tr.work, work)
		}
		used := 1 + random.IntN(outputs)
		costs := randomCosts(random, outputs<<planes)
		var v viterbi
		v.grow(tr)
		x := make([]uint64, planes)
		found := v.search(tr, costs, used, x)
		best := leastCost(networks, costs, used)
		if own := costOf(networks, costs, used, x); math.Abs(found-best) > 1e-9 || math.Abs(own-best) > 1e-9 {
			t.Fatalf("trial %d (%d of %d, %d planes): cost %g, of the inputs %g, the best is %g", trial, inputs, outputs, planes, found, own, best)
		}
	}
}

// TestMinimalSpan: the basis spans the codewords of the network, and its starts
// and its ends differ.
func TestMinimalSpan(t *testing.T) {
	random := rand.New(rand.NewPCG(6, 6))
	for trial := range 200 {
		inputs, outputs := 1+random.IntN(20), 1+random.IntN(150)
		_, list := drawn(t, inputs, outputs, random.IntN(min(inputs, 4)+1), 1, uint64(trial))
		m := list[0]
		order := random.Perm(outputs)
		basis := minimalSpan(m, order)
		if len(basis) != m.Rank() {
			t.Fatalf("%d generators, the rank is %d", len(basis), m.Rank())
		}
		from, to := map[int]bool{}, map[int]bool{}
		y := make([]uint64, xorcode.Words(outputs))
		for _, g := range basis {
			if from[g.from] || to[g.to] || g.from > g.to {
				t.Fatalf("a generator starts at %d and ends at %d like another", g.from, g.to)
			}
			from[g.from], to[g.to] = true, true
			m.Apply(g.input, y)
			for at, r := range order {
				if bitOf(y, r) != g.at(at) || g.at(at) && (at < g.from || at > g.to) {
					t.Fatalf("the generator is not the codeword of its input at %d", at)
				}
			}
		}
	}
}

// TestWorkOfTwoTaps: the usual networks are searched exactly within the default
// effort, and far below the 2^rank of trying all codewords.
func TestWorkOfTwoTaps(t *testing.T) {
	for _, c := range []struct {
		inputs, outputs, planes int
		most                    float64 // log2 of the work for a slice, mean of 5
	}{{8, 20, 1, 8}, {12, 20, 1, 8}, {16, 20, 1, 7.5}, {20, 20, 1, 7}, {10, 10, 1, 6}, {64, 64, 1, 12}, {8, 20, 2, 13.5}, {12, 20, 2, 13}, {20, 20, 2, 10}} {
		sum := 0.0
		for seed := range uint64(5) {
			_, networks := drawn(t, c.inputs, c.outputs, 2, c.planes, 10*seed)
			_, work := bestOrder(networks, upTo(c.planes))
			if work > DefaultEffort*float64(c.outputs) {
				t.Errorf("%+v, seed %d: work %g is beyond the default effort", c, seed, work)
			}
			sum += math.Log2(work) / 5
		}
		if sum > c.most {
			t.Errorf("%+v: work 2^%.2f", c, sum)
		}
	}
}

// TestReliability: the heuristic search is never better than all inputs, says
// the truth about its outputs, and finds the best nearly always.
func TestReliability(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 7))
	trials, hits := 300, 0
	for trial := range trials {
		inputs := 1 + random.IntN(10)
		outputs := inputs + random.IntN(80)
		_, networks := drawn(t, inputs, outputs, random.IntN(min(inputs, 3)+1), 1, uint64(trial))
		used := outputs - random.IntN(outputs/2+1)
		costs := randomCosts(random, 2*outputs)
		best := leastCost(networks, costs, used)
		found := costOf(networks, costs, used, []uint64{newReliability(networks[0]).search(costs, used)})
		if found < best-1e-9 {
			t.Fatalf("trial %d: cost %g, below the least %g", trial, found, best)
		}
		if found < best+1e-9 {
			hits++
		}
	}
	t.Logf("best found %d times in %d", hits, trials)
	if hits < trials*8/10 {
		t.Errorf("best found only %d times in %d", hits, trials)
	}
}
