package lower

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/npusim/npusim/compiler/integer"
)

// item is a stretch of memory that is live from one step to another.
type item struct {
	size        int
	first, last int // steps, inclusive
	offset      int // result
}

// pack gives every item an offset such that items live at the same time do
// not share a byte: largest first, each at the lowest offset that is free. It
// returns the bytes in use.
func pack(items []*item) int {
	order := slices.Clone(items)
	slices.SortStableFunc(order, func(a, b *item) int { return cmp.Compare(b.size, a.size) })
	peak := 0
	var placed []*item // ascending offset
	for _, it := range order {
		it.offset = 0
		for _, other := range placed {
			if other.last < it.first || it.last < other.first {
				continue
			}
			if other.offset >= it.offset+it.size {
				break
			}
			it.offset = max(it.offset, other.offset+other.size)
		}
		at, _ := slices.BinarySearchFunc(placed, it, func(a, b *item) int { return cmp.Compare(a.offset, b.offset) })
		placed = slices.Insert(placed, at, it)
		peak = max(peak, it.offset+it.size)
	}
	return peak
}

// plan decides what stays on chip and how every step is tiled.
func (l *lowering) plan() error {
	full := l.capacity(-1)
	l.choices = make([]choice, len(l.steps))
	for i, s := range l.steps {
		best, least, ok := l.search(s, full)
		if !ok {
			return tooSmall(s, least, full)
		}
		l.choices[i] = best
	}
	if !l.options.NoResidency {
		l.keepOnChip()
	}
	return l.placeBuffers()
}

// capacity is the room a step has: the scratchpads less the resident tensors
// that live through it. Step -1 has all of it.
func (l *lowering) capacity(step int) need {
	c := need{l.target.ActivationBuffer, l.target.WeightBuffer, l.target.AccumulatorBuffer}
	if step < 0 {
		return c
	}
	for id, stays := range l.resident {
		if stays && l.made[id] <= step && step <= l.lastUse[id] {
			c.activation -= l.bufferedBytes(integer.TensorID(id))
		}
	}
	return c
}

// bufferedBytes is the size of a whole tensor in the activation buffer.
func (l *lowering) bufferedBytes(id integer.TensorID) int {
	layout := l.layout(id)
	t := layout.buffered(layout.channels, layout.rows, layout.columns)
	return l.target.align(t.bytes())
}

// keepOnChip goes through the tensors in the order they are made and keeps
// each where that lowers the estimated cycles of the steps it lives through,
// or the DRAM traffic at equal cycles.
func (l *lowering) keepOnChip() {
	for _, s := range l.steps {
		id := s.output
		if l.lastUse[id] <= s.index || l.isOutput(id) {
			continue
		}
		from, to := s.index, l.lastUse[id]
		l.resident[id] = true
		trial := make([]choice, 0, to-from+1)
		fits := true
		var before, after estimate
		for k := from; k <= to && fits; k++ {
			var c choice
			c, _, fits = l.search(l.steps[k], l.capacity(k))
			trial = append(trial, c)
			before.cycles += l.choices[k].estimate.cycles
			before.bytes += l.choices[k].estimate.bytes
			after.cycles += c.estimate.cycles
			after.bytes += c.estimate.bytes
		}
		if !fits || after.cycles > before.cycles || after.cycles == before.cycles && after.bytes >= before.bytes {
			l.resident[id] = false
			continue
		}
		copy(l.choices[from:], trial)
	}
}

// areas are the addresses of a step's slot sets in the scratchpads.
type areas struct {
	inputs     []uint64 // of each read operand that is not resident
	output     uint64
	weights    uint64
	parameters uint64
	rowScales  uint64 // of binary codes, as many slots as of parameters
	tables     uint64
}

// placeBuffers gives addresses to resident tensors and slot sets. If the
// fragments do not fit although their sum does, the largest resident tensor is
// given up and the steps it lived through are planned again.
func (l *lowering) placeBuffers() error {
	for {
		items, peak := l.activationItems()
		if peak <= l.target.ActivationBuffer {
			l.peakActivation = peak
			l.assign(items)
			break
		}
		victim := -1
		for id, stays := range l.resident {
			if stays && (victim < 0 || l.bufferedBytes(integer.TensorID(id)) > l.bufferedBytes(integer.TensorID(victim))) {
				victim = id
			}
		}
		if victim < 0 {
			return fmt.Errorf("the tile buffers of one step take %d bytes, the activation buffer has %d", peak, l.target.ActivationBuffer)
		}
		l.resident[victim] = false
		for k := l.made[victim]; k <= l.lastUse[victim]; k++ {
			c, least, ok := l.search(l.steps[k], l.capacity(k))
			if !ok {
				return tooSmall(l.steps[k], least, l.capacity(k))
			}
			l.choices[k] = c
		}
	}
	l.placeWeights()
	return nil
}

// activationItems lists resident tensors, then for each step its input slot
// sets and its output slot set, and packs them.
func (l *lowering) activationItems() ([]*item, int) {
	var items []*item
	for id, stays := range l.resident {
		if stays {
			items = append(items, &item{size: l.bufferedBytes(integer.TensorID(id)), first: l.made[id], last: l.lastUse[id]})
		}
	}
	for k, s := range l.steps {
		p := l.shape(s)
		v := &l.choices[k].tiling
		for i := range p.layouts {
			if !p.resident[i] {
				items = append(items, &item{size: v.slots(i) * p.operandBytes(i, v), first: k, last: k})
			}
		}
		if !p.outStays {
			items = append(items, &item{size: v.outputSlots * p.outputBytes(v), first: k, last: k})
		}
	}
	return items, pack(items)
}

// assign hands the packed offsets back in the order activationItems made them.
func (l *lowering) assign(items []*item) {
	next := func() uint64 {
		offset := uint64(items[0].offset)
		items = items[1:]
		return offset
	}
	l.residentAt = make([]uint64, len(l.resident))
	for id, stays := range l.resident {
		if stays {
			l.residentAt[id] = next()
		}
	}
	l.areas = make([]areas, len(l.steps))
	for k, s := range l.steps {
		p := l.shape(s)
		a := &l.areas[k]
		a.inputs = make([]uint64, len(p.layouts))
		for i := range p.layouts {
			if !p.resident[i] {
				a.inputs[i] = next()
			}
		}
		if !p.outStays {
			a.output = next()
		}
	}
}

// placeWeights walks the weight buffer as a ring, so that the weights of the
// next step can load while this one computes.
func (l *lowering) placeWeights() {
	next := 0
	for k, s := range l.steps {
		p := l.shape(s)
		c := &l.choices[k]
		if c.need.weight == 0 {
			continue
		}
		if next+c.need.weight > l.target.WeightBuffer {
			next = 0
		}
		a := &l.areas[k]
		at := next
		a.tables = uint64(at)
		at += p.tables
		if s.anchor.Kind == integer.Convolution {
			a.parameters = uint64(at)
			at += c.tiling.parameterSlots * p.parameterTileBytes(&c.tiling)
			a.rowScales = uint64(at)
			at += c.tiling.parameterSlots * p.t.align(p.rowScaleBytes(c.tiling.channels))
			a.weights = uint64(at)
		}
		next += c.need.weight
		l.peakWeight = max(l.peakWeight, next)
		l.peakAccumulator = max(l.peakAccumulator, c.need.accumulator)
	}
}

// placeScratch gives DRAM offsets to the tensors that leave the chip between
// steps, and returns the size of the region.
func (l *lowering) placeScratch() int {
	var items []*item
	var ids []integer.TensorID
	for _, s := range l.steps {
		id := s.output
		if l.resident[id] || l.isOutput(id) || l.lastUse[id] < 0 {
			continue
		}
		layout := l.layout(id)
		items = append(items, &item{size: l.target.align(layout.bytes()), first: s.index, last: l.lastUse[id]})
		ids = append(ids, id)
	}
	size := pack(items)
	for i, id := range ids {
		l.scratchAt[id] = uint64(items[i].offset)
	}
	return size
}
