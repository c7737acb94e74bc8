package compress

import (
	"fmt"
	"slices"

	"github.com/npusim/npusim/compiler/codec"
	"github.com/npusim/npusim/configs"
	"github.com/npusim/npusim/isa"
	"github.com/npusim/npusim/isa/xorcode"
)

// candidate is a code of a layer with what it costs on the sample, in bits a
// weight without the mask.
type candidate struct {
	inputs, outputs, registers  int
	codes, corrections, patches float64
}

func (c *candidate) total() float64 { return c.codes + c.corrections }

// familyPlan is a network for all layers of a family: each layer uses as many of
// its inputs and outputs as suit it.
type familyPlan struct {
	chosen []*candidate // by layer, nil: it stays plain
	bits   float64      // of all layers, masks and the network table
}

// Shares of the entropy limit n_in / (1 - S) that are tried for n_out.
var outputShares = []float64{0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 1}

// plan decides on the network of a family and on the code of each of its layers,
// for the least bits in all. The sizes are searched with the first random
// network, then other networks of these sizes are tried.
func (e *Encoder) plan(f *family, spec *configs.Spec) error {
	var best *familyPlan
	seed := uint64(spec.Compression.Seed)
	for _, registers := range f.candidateRegisters() {
		p, err := e.sizes(f, registers, seed, spec)
		if err != nil {
			return err
		}
		if best == nil || p.bits < best.bits {
			best = p
		}
	}
	first := best.chosen
	for k := 1; k < spec.Compression.Networks && !allPlain(first); k++ {
		p := &familyPlan{chosen: make([]*candidate, len(f.layers))}
		for i, c := range first {
			if c == nil {
				continue
			}
			again, err := e.try(f, f.layers[i], c.inputs, c.outputs, c.registers, uint64(spec.Compression.Seed)+uint64(k))
			if err != nil {
				return err
			}
			if e.refusal(f.layers[i], again, spec) == "" {
				p.chosen[i] = again
			}
		}
		if p.bits = f.bits(p); p.bits < best.bits {
			best, seed = p, uint64(spec.Compression.Seed)+uint64(k)
		}
	}
	e.settle(f, best, seed, spec)
	return nil
}

func allPlain(chosen []*candidate) bool {
	return !slices.ContainsFunc(chosen, func(c *candidate) bool { return c != nil })
}

// leastInputs is the least n_in that is tried unless one is asked for.
const leastInputs = xorcode.NestedInputs

// candidateInputs lists the n_in that are tried.
func (f *family) candidateInputs() []int {
	if f.inputs > 0 {
		return []int{f.inputs}
	}
	list := []int{leastInputs, 16, 32, xorcode.MaxInputs}
	if f.scheme == configs.XORSequential {
		list = []int{xorcode.MaxSymbolBits}
	}
	for _, l := range f.layers { // an n_out that is given may need a smaller one
		if n := l.asked.Outputs; n > 1 && n <= list[0] && !slices.Contains(list, n-1) {
			list = append(list, n-1)
		}
	}
	return list
}

// candidateRegisters lists the n_s that are tried for layers that leave it open.
func (f *family) candidateRegisters() []int {
	for _, l := range f.layers {
		if l.asked.Registers == configs.SearchedRegisters {
			return []int{0, 1}
		}
	}
	return []int{0}
}

// sizes finds the best n_in and n_out of each layer for a seed: those that take
// the least bits in all, with the network that must have as many inputs and
// outputs as the layers that use most. Layers of the sequential code share n_in,
// by which the registers are laid out.
func (e *Encoder) sizes(f *family, registers int, seed uint64, spec *configs.Spec) (*familyPlan, error) {
	usable := make([][]*candidate, len(f.layers))
	limits := []int{0}
	for i, l := range f.layers {
		own := l.asked.Registers
		if own == configs.SearchedRegisters {
			own = registers
		}
		for _, inputs := range f.candidateInputs() {
			if inputs*(own+1) > spec.XOR.MaxInputs {
				continue
			}
			for _, outputs := range candidateOutputs(l, inputs, spec) {
				c, err := e.try(f, l, inputs, outputs, own, seed)
				if err != nil {
					return nil, fmt.Errorf("layer %s: %w", l.report.Name, err)
				}
				if l.best == nil || c.total() < l.best.total() {
					l.best = c
				}
				if e.refusal(l, c, spec) == "" {
					usable[i] = append(usable[i], c)
					limits = append(limits, outputs)
				}
			}
		}
	}
	slices.Sort(limits)
	limits = slices.Compact(limits)
	var best *familyPlan
	for _, inputs := range f.candidateInputs() {
		for _, limit := range limits {
			p := &familyPlan{chosen: make([]*candidate, len(f.layers))}
			for i := range usable {
				for _, c := range usable[i] {
					fits := c.outputs <= limit && (c.inputs == inputs || c.inputs < inputs && f.scheme == configs.XORBlock)
					if fits && (p.chosen[i] == nil || c.total() < p.chosen[i].total()) {
						p.chosen[i] = c
					}
				}
			}
			if p.bits = f.bits(p); best == nil || p.bits < best.bits {
				best = p
			}
		}
	}
	return best, nil
}

// candidateOutputs lists the n_out that are tried for a layer.
func candidateOutputs(l *layerCode, inputs int, spec *configs.Spec) []int {
	if n := l.asked.Outputs; n > 0 {
		if n <= inputs {
			return nil
		}
		return []int{n}
	}
	var list []int
	for _, share := range outputShares {
		n := min(int(share*float64(inputs)/density(l.targets)), spec.XOR.MaxOutputs, xorcode.MaxOutputs)
		if n > inputs/2 && !slices.Contains(list, n) {
			list = append(list, n)
		}
	}
	return list
}

// shape is the network that a plan needs: no outputs if it needs none.
func (p *familyPlan) shape() (inputs, registers, outputs int) {
	for _, c := range p.chosen {
		if c != nil {
			inputs, registers, outputs = max(inputs, c.inputs), max(registers, c.registers), max(outputs, c.outputs)
		}
	}
	return inputs, registers, outputs
}

// bits is what all layers take under a plan, with masks and the network table.
func (f *family) bits(p *familyPlan) float64 {
	sum := 0.0
	for i, l := range f.layers {
		perWeight := float64(l.report.Bits)
		if c := p.chosen[i]; c != nil {
			perWeight = c.total() + l.mask
		}
		sum += perWeight * float64(l.report.Weights)
	}
	if _, _, outputs := p.shape(); outputs > 0 {
		sum += 8 * isa.DrawnNetworkBytes
	}
	return sum
}

// settle draws the network and puts the codes of a plan down.
func (e *Encoder) settle(f *family, p *familyPlan, seed uint64, spec *configs.Spec) {
	row := 0
	if inputs, registers, outputs := p.shape(); outputs > 0 {
		row = e.row(f.draw(inputs, registers, outputs, seed))
	}
	for i, l := range f.layers {
		c := p.chosen[i]
		if c == nil {
			l.report.Registers = max(l.asked.Registers, 0)
			l.report.Reason = e.whyPlain(l, p, spec)
			continue
		}
		l.report.Coded, l.network = true, row
		l.report.Inputs, l.report.Outputs, l.report.Registers, l.report.Seed = c.inputs, c.outputs, c.registers, seed
		l.corrections, l.patches = c.corrections, c.patches
	}
}

// draw makes the network of a family for a seed. Fewer inputs, registers or
// outputs give a part of the same network: for the block code with any n_in, the
// first inputs are drawn by themselves, so that no output is without a tap where
// a layer uses only these.
func (f *family) draw(inputs, registers, outputs int, seed uint64) *xorcode.Network {
	switch {
	case f.scheme == configs.XORSequential:
		return xorcode.SpreadNetwork(inputs, registers, outputs, seed)
	case f.inputs > 0:
		return xorcode.RandomNetwork(inputs, outputs, seed)
	case inputs < xorcode.NestedInputs: // for an n_out that is given and small
		return xorcode.RandomNetwork(xorcode.NestedInputs, outputs, seed).Part(inputs, outputs)
	}
	n, err := xorcode.NestedNetwork(inputs, outputs, seed)
	if err != nil {
		panic(err) // the search tries no shape that it refuses
	}
	return n
}

// row is the place of a network in the table. One that is part of another shares
// its row.
func (e *Encoder) row(n *xorcode.Network) int {
	for i, other := range e.networks {
		if other.Inputs >= n.Inputs && other.Outputs >= n.Outputs && other.Part(n.Inputs, n.Outputs).Equal(n) {
			return i
		}
		if n.Inputs >= other.Inputs && n.Outputs >= other.Outputs && n.Part(other.Inputs, other.Outputs).Equal(other) {
			e.networks[i] = n
			return i
		}
	}
	e.networks = append(e.networks, n)
	return len(e.networks) - 1
}

// whyPlain tells why a layer is not coded.
func (e *Encoder) whyPlain(l *layerCode, p *familyPlan, spec *configs.Spec) string {
	if l.best == nil {
		return fmt.Sprintf("stays plain: no network that is tried fits xor.max_inputs = %d and xor.max_outputs = %d", spec.XOR.MaxInputs, spec.XOR.MaxOutputs)
	}
	if refused := e.refusal(l, l.best, spec); refused != "" {
		return refused
	}
	if allPlain(p.chosen) {
		return fmt.Sprintf("stays plain: coded it would take %.2f bits a weight instead of %d, but all layers together save less than the network table takes", l.best.total()+l.mask, l.report.Bits)
	}
	return fmt.Sprintf("stays plain: with a network of its own it would take %.2f bits a weight instead of %d, but not with the one that all layers share", l.best.total()+l.mask, l.report.Bits)
}

// refusal tells why a code is no good for a layer; it is empty if it is.
func (e *Encoder) refusal(l *layerCode, c *candidate, spec *configs.Spec) string {
	total := c.total() + l.mask
	if total >= float64(l.report.Bits) {
		return fmt.Sprintf("stays plain: %.2f bits a weight coded (codes %.2f, corrections %.2f, mask %.2f), %d plain; %.0f %% of its weights are zero",
			total, c.codes, c.corrections, l.mask, l.report.Bits, 100*(1-l.kept))
	}
	return e.slower(l, c, spec)
}

// slower tells why a layer that saves less than a tenth stays plain: the
// decryption units would take longer than the memory does for the plain
// weights. Both are rates, by weight, of the machine's peak bandwidth.
func (e *Encoder) slower(l *layerCode, c *candidate, spec *configs.Spec) string {
	const worthwhile = 0.9
	bits, plain := c.total()+l.mask, float64(l.report.Bits)
	if bits < worthwhile*plain {
		return ""
	}
	perCycle := spec.DRAM.PeakGBPerS() * 1e3 / float64(spec.NPU.ClockMHz) // bytes
	decode := max(plain/float64(c.outputs)/float64(e.machine.DecryptionUnits), 1/float64(e.machine.WeightPort))
	if decode <= plain/8/perCycle {
		return ""
	}
	return fmt.Sprintf("stays plain: it would save %.0f %% of the bytes, but decoding takes %.3f cycles a weight and DRAM %.3f for plain ones", 100*(1-bits/plain), decode, plain/8/perCycle)
}

// try codes the sample. Two registers are judged by one: the search for their
// codes takes 256 times as long, and the best sizes are the same.
func (e *Encoder) try(f *family, l *layerCode, inputs, outputs, registers int, seed uint64) (*candidate, error) {
	weights := float64(l.targets[0].Bits.Len())
	judged := min(registers, 1)
	network := f.draw(inputs, judged, outputs, seed)
	c := &candidate{inputs: inputs, outputs: outputs, registers: registers}
	if l.report.Scheme == configs.XORBlock {
		b, err := codec.EncodeBlock(l.targets, codec.BlockOptions{Network: network, Workers: e.options.Workers})
		if err != nil {
			return nil, err
		}
		s := b.Sizes()
		c.codes, c.corrections, c.patches = float64(s.Codes)/weights, float64(s.PatchCounts+s.PatchPositions)/weights, float64(b.Patches())/weights
		return c, nil
	}
	q, err := e.sequential(l.targets, codec.SequentialOptions{Network: network, SymbolBits: inputs, Registers: judged, Inverting: true, Workers: e.options.Workers})
	if err != nil {
		return nil, err
	}
	errors, err := codec.SequentialErrors(q)
	if err != nil {
		return nil, err
	}
	s := q.Sizes()
	c.codes, c.corrections, c.patches = float64(s.Codes)/weights, float64(s.Corrections)/weights, float64(errors)/weights
	return c, nil
}
