package fractional

import (
	"math"
	"math/rand/v2"

	"github.com/npusim/npusim/isa/xorcode"
)

// trellis finds the best codes of a slice for one or more planes at once, exactly
// and without trying all inputs: it visits the outputs in an order of its own,
// keeps one best partial solution for each combination of the generators that
// are active (have begun but not ended), and forgets a generator where it ends.
// That is Viterbi's algorithm on the minimal trellis of the code. A network of
// few taps has few active generators in a good order: 3 to 6 for 20 outputs of
// two taps, whatever the inputs.
type trellis struct {
	planes []int // of the code, lowest bit of a level first
	steps  []step
	inputs [][]uint64 // by plane of the trellis and generator, the input it stands for
	work   int        // states visited for a slice
	states int        // most at once
	ends   int        // decisions to remember
}

// step is the visit of one output.
type step struct {
	output int
	starts []member
	levels []uint8 // by state: bit j is the output of plane j of the trellis
	ends   []ending
}

// member is a generator of a plane.
type member struct{ plane, index int }

// ending is the end of a generator, whose coefficient is bit slot of the state.
type ending struct {
	member
	slot int
}

// newTrellis prepares the trellis of some planes for outputs in the given order.
func newTrellis(networks []*xorcode.Network, planes, order []int) *trellis {
	t := &trellis{planes: planes, inputs: make([][]uint64, len(planes))}
	bases := make([][]generator, len(planes))
	for j, p := range planes {
		bases[j] = minimalSpan(networks[p], order)
		for _, g := range bases[j] {
			t.inputs[j] = append(t.inputs[j], g.input)
		}
	}
	var active []member // by slot
	for at, output := range order {
		s := step{output: output}
		for j := range bases {
			for i := range bases[j] {
				if bases[j][i].from == at {
					s.starts = append(s.starts, member{j, i})
				}
			}
		}
		active = append(active, s.starts...)
		s.levels = make([]uint8, 1<<len(active))
		for slot, a := range active {
			if bases[a.plane][a.index].at(at) {
				for state := range s.levels {
					s.levels[state] ^= uint8(state>>slot&1) << a.plane
				}
			}
		}
		t.work += len(s.levels)
		t.states = max(t.states, len(s.levels))
		for slot := len(active) - 1; slot >= 0; slot-- {
			if a := active[slot]; bases[a.plane][a.index].to == at {
				s.ends = append(s.ends, ending{a, slot})
				active = append(active[:slot:slot], active[slot+1:]...)
				t.ends += 1 << len(active)
			}
		}
		t.steps = append(t.steps, s)
	}
	return t
}

// trellisWork is the work of the trellis of some planes, without building it.
func trellisWork(networks []*xorcode.Network, planes, order []int) float64 {
	change := make([]int, len(order)+1)
	for _, p := range planes {
		for _, g := range minimalSpan(networks[p], order) {
			change[g.from]++
			change[g.to+1]--
		}
	}
	work, active := 0.0, 0
	for _, c := range change[:len(order)] {
		active += c
		work += math.Ldexp(1, active)
	}
	return work
}

// orderProposals bounds how many orders of the outputs are tried, times outputs.
const orderProposals = 30_000

// bestOrder searches an order of the outputs in which the trellis of some planes
// takes little work: from the natural order, single outputs move to random
// places as long as that does not cost more. It returns the work too.
func bestOrder(networks []*xorcode.Network, planes []int) ([]int, float64) {
	outputs := networks[planes[0]].Outputs
	order := make([]int, outputs)
	for i := range order {
		order[i] = i
	}
	best := trellisWork(networks, planes, order)
	random := rand.New(rand.NewPCG(1, 1))
	trial := make([]int, outputs)
	for range orderProposals / outputs {
		from, to := random.IntN(outputs), random.IntN(outputs)
		if from == to {
			continue
		}
		copy(trial, order)
		moved := trial[from]
		copy(trial[from:], trial[from+1:])
		copy(trial[to+1:], trial[to:outputs-1])
		trial[to] = moved
		if work := trellisWork(networks, planes, trial); work <= best {
			best = work
			order, trial = trial, order
		}
	}
	return order, best
}

// viterbi is the memory of a search through trellises.
type viterbi struct {
	costs     []float64
	decisions []uint8
}

// grow makes room for a trellis.
func (v *viterbi) grow(t *trellis) {
	if len(v.costs) < t.states {
		v.costs = make([]float64, t.states)
	}
	if len(v.decisions) < t.ends {
		v.decisions = make([]uint8, t.ends)
	}
}

// search finds the inputs of least total cost. costs has, for each output,
// 2^planes costs by level; outputs from used on cost nothing. It writes one
// input word a plane of the trellis and returns the cost.
func (v *viterbi) search(t *trellis, costs []float64, used int, inputs []uint64) float64 {
	state := v.costs
	state[0] = 0
	width := len(t.planes)
	live, decided := 1, 0
	for i := range t.steps {
		s := &t.steps[i]
		for range s.starts {
			copy(state[live:2*live], state[:live])
			live *= 2
		}
		if s.output < used {
			own := costs[s.output<<width:][:1<<width]
			levels := s.levels[:live]
			for k := range levels {
				state[k] += own[levels[k]]
			}
		}
		for _, e := range s.ends {
			live /= 2
			eliminate(state[:2*live], v.decisions[decided:][:live], e.slot)
			decided += live
		}
	}
	clear(inputs[:width])
	// Backwards the state is known after each end, and the decision restores it
	// before.
	at := 0
	for i := len(t.steps) - 1; i >= 0; i-- {
		s := &t.steps[i]
		for k := len(s.ends) - 1; k >= 0; k-- {
			e := &s.ends[k]
			decided -= live
			live *= 2
			bit := int(v.decisions[decided+at])
			low := at & (1<<e.slot - 1)
			at = (at-low)<<1 | bit<<e.slot | low
			if bit != 0 {
				inputs[e.plane] ^= t.inputs[e.plane][e.index]
			}
		}
		live >>= len(s.starts)
		at &= live - 1
	}
	return state[0]
}

// eliminate keeps, of every two states that differ in the bit of a slot only,
// the cheaper one; among equals the one with a 0.
func eliminate(state []float64, decisions []uint8, slot int) {
	low := 1 << slot
	out := 0
	for base := 0; base < len(state); base += 2 * low {
		for i := base; i < base+low; i++ {
			zero, one := state[i], state[i+low]
			decision := uint8(0)
			if one < zero {
				zero, decision = one, 1
			}
			state[out], decisions[out] = zero, decision
			out++
		}
	}
}
