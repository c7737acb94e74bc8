package fractional

import "github.com/npusim/npusim/isa/xorcode"

// plan says which planes are chosen together and how, for given networks. It is
// read only and shared by all workers.
type plan struct {
	networks []*xorcode.Network
	tables   []*xorcode.Table
	// first is gone through once, planes that it has not reached yet counting as
	// absent; cycle is gone through in every round.
	first, cycle []block
	exact        bool // all planes together, exactly
}

// block is planes that are chosen together, with all others fixed.
type block struct {
	planes  []int
	trellis *trellis // nil: one plane, by reliability
}

// newPlan takes all planes together if the effort allows it; else one after the
// other at first and then in pairs; else one by one.
func newPlan(networks []*xorcode.Network, effort int) *plan {
	p := &plan{networks: networks}
	all := make([]int, len(networks))
	for i, m := range networks {
		all[i] = i
		p.tables = append(p.tables, xorcode.NewTable(m))
	}
	limit := float64(effort) * float64(networks[0].Outputs)
	if b, ok := newBlock(networks, all, limit); ok {
		p.first, p.cycle, p.exact = []block{b}, []block{b}, true
		return p
	}
	for i := range networks {
		b, _ := newBlock(networks, []int{i}, limit)
		p.first = append(p.first, b)
	}
	for i := range networks {
		for j := range i {
			if b, ok := newBlock(networks, []int{j, i}, limit); ok {
				p.cycle = append(p.cycle, b)
			}
		}
	}
	if want := len(networks) * (len(networks) - 1) / 2; len(p.cycle) < max(want, 1) {
		p.cycle = append(p.cycle, p.first...)
	}
	return p
}

// newBlock prepares the trellis of some planes, unless it takes more work than
// the limit.
func newBlock(networks []*xorcode.Network, planes []int, limit float64) (block, bool) {
	order, work := bestOrder(networks, planes)
	if work > limit {
		return block{planes: planes}, false
	}
	return block{planes: planes, trellis: newTrellis(networks, planes, order)}, true
}

// chooser is the memory of one worker.
type chooser struct {
	plan    *plan
	viterbi viterbi
	reliant map[*xorcode.Network]*reliability // looked up only
	costs   []float64
	inputs  []uint64
	outputs []uint64
	trial   []uint8
}

func newChooser(p *plan) *chooser {
	outputs := p.networks[0].Outputs
	c := &chooser{plan: p, reliant: map[*xorcode.Network]*reliability{}}
	widest := 1
	for _, list := range [][]block{p.first, p.cycle} {
		for _, b := range list {
			widest = max(widest, len(b.planes))
			if b.trellis != nil {
				c.viterbi.grow(b.trellis)
			} else if m := p.networks[b.planes[0]]; c.reliant[m] == nil {
				c.reliant[m] = newReliability(m)
			}
		}
	}
	c.costs = make([]float64, outputs<<widest)
	c.inputs = make([]uint64, widest)
	c.outputs = make([]uint64, xorcode.Words(outputs))
	c.trial = make([]uint8, outputs)
	return c
}

// choose finds the inputs of the block's planes for the costs in c.costs. It
// writes them to codes and their outputs to levels (by output, bit by plane). A
// search that is not exact keeps the codes there are unless it finds better
// ones, if there are any yet.
func (c *chooser) choose(b *block, levels []uint8, codes []uint64, first bool) {
	used := len(levels)
	if b.trellis != nil {
		c.viterbi.search(b.trellis, c.costs, used, c.inputs)
		for j, p := range b.planes {
			c.place(p, c.inputs[j], levels)
			codes[p] = c.inputs[j]
		}
		return
	}
	p := b.planes[0]
	input := c.reliant[c.plan.networks[p]].search(c.costs, used)
	trial := c.trial[:used]
	copy(trial, levels)
	c.place(p, input, trial)
	if !first {
		was, is := 0.0, 0.0
		for r := range levels {
			was += c.costs[2*r+int(levels[r]>>p&1)]
			is += c.costs[2*r+int(trial[r]>>p&1)]
		}
		if was <= is {
			return
		}
	}
	copy(levels, trial)
	codes[p] = input
}

// place sets bit plane of the levels to the outputs for an input.
func (c *chooser) place(plane int, input uint64, levels []uint8) {
	c.plan.tables[plane].Apply(input, c.outputs)
	for r := range levels {
		levels[r] = levels[r]&^(1<<plane) | uint8(c.outputs[r>>6]>>(r&63)&1)<<plane
	}
}
