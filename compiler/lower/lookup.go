package lower

import (
	"encoding/binary"
	"fmt"

	"github.com/npusim/npusim/compiler/integer"
	"github.com/npusim/npusim/isa"
	"github.com/npusim/npusim/isa/binarycode"
)

// Convolutions with binary codes run on the LUT-GEMM unit. They are cut like
// those on the array; a weight tile is a block of keys with its scales.

// checkCodes refuses codes that the machine cannot multiply.
func (l *lowering) checkCodes() error {
	for i := range l.graph.Nodes {
		n := &l.graph.Nodes[i]
		if n.Kind != integer.Convolution || n.Convolution.Codes == nil {
			continue
		}
		shape, mu := &n.Convolution.Codes.Shape, int(l.target.Cost.Mu)
		if s := n.Convolution.Sealed; s != nil {
			if err := l.checkSealed(s, mu); err != nil {
				return fmt.Errorf("layer %s: %w", n.Name, err)
			}
			l.addNetworks(s.Networks)
		}
		row := 0
		for _, r := range shape.Ranges[:len(shape.Ranges)-1] {
			if row += r.Rows; row%l.target.ChannelBlock != 0 {
				return fmt.Errorf("layer %s: a cluster of outputs ends at %d, which is no multiple of npu.channel_block = %d", n.Name, row, l.target.ChannelBlock)
			}
		}
		switch {
		case l.target.Cost.QueryLanes == 0:
			return fmt.Errorf("layer %s has binary codes: lut_gemm.lanes must be at least 1", n.Name)
		case shape.Group < shape.Columns && shape.Group%mu != 0:
			return fmt.Errorf("layer %s: %d weights share scales, which is no multiple of lut_gemm.mu = %d", n.Name, shape.Group, mu)
		}
	}
	return nil
}

// codes are those of the anchor, nil if it has none.
func (p *shape) codes() *binarycode.Matrix { return p.s.anchor.Convolution.Codes }

// codeTile is the part of a tile's descriptor that says how its codes lie.
func (p *shape) codeTile(outputs, inputs span) isa.LookupTile {
	a := p.s.anchor.Convolution
	s := &a.Codes.Shape
	t := isa.LookupTile{InputChannels: uint32(inputs.size), OutputChannels: uint32(outputs.size), Mu: uint8(p.t.Cost.Mu), Planes: uint8(p.planesAt(outputs.start)), Window: isa.Window{KernelRows: uint16(a.Kernel[0]), KernelColumns: uint16(a.Kernel[1])}}
	if s.Group < s.Columns {
		t.Group = uint32(s.Group)
		t.GroupOffset = uint32(inputs.start * p.cells() % s.Group)
	}
	return t
}

// clusters are the output channels that have a number of planes in common; all of
// them unless the layer has binary codes.
func (p *shape) clusters() []span {
	if p.parts == nil {
		p.parts = []span{{0, p.output.Channels}}
		if p.lookup {
			p.parts = p.parts[:0]
			for _, s := range p.codes().Shape.Spans() {
				p.parts = append(p.parts, span{s.Row, s.Rows})
			}
		}
	}
	return p.parts
}

// planesAt is the number of planes of an output channel.
func (p *shape) planesAt(channel int) int {
	ranges := p.codes().Shape.Ranges
	for channel >= ranges[0].Rows && len(ranges) > 1 {
		channel -= ranges[0].Rows
		ranges = ranges[1:]
	}
	return ranges[0].Planes
}

// codeTileBytes is the room of a slot for the codes of a tile. Scales of groups
// lie behind the keys; those of whole rows lie with the parameters, because all
// tiles of the rows share them.
func (p *shape) codeTileBytes(v *tiling) int {
	t := p.codeTile(span{0, v.channels}, span{0, v.inputChannels})
	t.Planes = uint8(p.codes().Shape.MostPlanes())
	if t.Group == 0 {
		return p.t.align(t.KeyBytes())
	}
	if v.inputChannels < p.reduction {
		t.GroupOffset = t.Group - uint32(t.Mu) // the most groups that a tile may touch
	}
	return p.t.align(t.KeyBytes()) + p.t.align(t.ScaleBytes())
}

// rowScaleBytes is the size of the scales of some rows, if whole rows have
// them, else 0.
func (p *shape) rowScaleBytes(rows int) int {
	if !p.lookup {
		return 0
	}
	if s := &p.codes().Shape; s.Group == s.Columns {
		return 2 * s.MostPlanes() * rows
	}
	return 0
}

// codeBytes is what the codes of all tiles take in DRAM, without alignment.
func (p *shape) codeBytes(v *tiling) (total int64) {
	for _, cluster := range p.clusters() {
		for _, c := range sizes(cluster.size, v.channels) {
			if c.count == 0 {
				continue
			}
			for _, k := range split(p.reduction, v.inputChannels) {
				t := p.codeTile(span{cluster.start, c.size}, k)
				total += int64(c.count) * int64(p.storedKeyBytes(&t))
				if t.Group > 0 {
					total += int64(c.count) * int64(t.ScaleBytes())
				}
			}
		}
	}
	return total
}

// inputUnit is the step of the input channels of a tile: with groups, no key may
// have columns of two of them.
func (p *shape) inputUnit(unit int) int {
	if s := &p.codes().Shape; s.Group == s.Columns && p.s.anchor.Convolution.Sealed == nil {
		return unit
	}
	whole := int(p.t.Cost.Mu)
	whole /= gcd(whole, p.cells())
	return unit / gcd(unit, whole) * whole
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// splitsKeys tells tilings whose cuts of the inputs would need keys with
// columns of two groups, or parts of sealed keys.
func (p *shape) splitsKeys(v *tiling) bool {
	s := &p.codes().Shape
	return (s.Group < s.Columns || p.s.anchor.Convolution.Sealed != nil) && v.inputChannels < p.reduction && v.inputChannels*p.cells()%int(p.t.Cost.Mu) != 0
}

// lookupCycles is the time of an output tile whose first channel is given.
func (p *shape) lookupCycles(v *tiling, first, channels, rows, columns int) (cycles int64) {
	spans := split(p.reduction, v.inputChannels)
	for i, k := range spans {
		t := p.codeTile(span{first, channels}, k)
		t.OutputRows, t.OutputColumns = uint16(rows), uint16(columns)
		t.First, t.Last, t.Mode = i == 0, i == len(spans)-1, multiplierMode(p.s.anchor.Convolution)
		if v.held > 0 {
			cycles += p.t.Cost.QueryTables(&t).Cycles
		} else {
			cycles += p.t.Cost.Lookup(&t).Cycles
		}
	}
	return cycles
}

// fewestBuilds keeps those tilings that build the fewest tables, among the ones
// whose cycles and then bytes are about the least.
func (p *shape) fewestBuilds(list []fitting, bandwidth int64) []fitting {
	about := func(list []fitting, figure func(*fitting) int64) (kept []fitting) {
		least := figure(&list[0])
		for i := range list {
			least = min(least, figure(&list[i]))
		}
		for i := range list {
			if figure(&list[i]) <= least+least*slack/100 {
				kept = append(kept, list[i])
			}
		}
		return kept
	}
	list = about(list, func(f *fitting) int64 { return f.cycles(bandwidth) })
	list = about(list, func(f *fitting) int64 { return f.bytes })
	return about(list, func(f *fitting) int64 {
		channels, _, inputs := p.tiles(&f.tiling)
		if f.held > 0 {
			channels = p.passes(&f.tiling)
		}
		// Of sub-vectors that a cut leaves narrow there is at most one a tile.
		return int64(channels) * (int64(p.reduction*p.cells()) + int64(inputs)*p.t.Cost.Mu/2)
	})
}

// manyTiles of keys make what a step waits for at its start small.
const manyTiles = 64

// spareSlots gives tiles of codes more slots where there is room. Those of keys and
// outputs are small: with two, queries wait for the latency of the DRAM, and for
// stores that stand behind loads of keys. Steps of many tiles
// need not leave half of the weight buffer for another one's.
func (p *shape) spareSlots(c *choice, capacity need) {
	channels, pixels, inputs := p.tiles(&c.tiling)
	widen := func(slots *int, sizes []int, tiles int, room need) {
		for _, n := range sizes {
			before := *slots
			if n = min(n, tiles); n <= before {
				return
			}
			*slots = n
			if wider := p.needs(&c.tiling); wider.fits(room) {
				c.need = wider
				return
			}
			*slots = before
		}
	}
	widen(&c.outputSlots, []int{64, 16, 8, 4, 3}, channels*pixels, capacity)
	if channels*inputs < manyTiles {
		capacity.weight /= 2 // the other half is for another layer
	}
	widen(&c.weightSlots, []int{8, 6, 5, 4, 3}, channels*inputs, capacity)
}

// fetchCodes makes the keys and scales of a tile available in the weight buffer
// and returns where they are, with the descriptor's part about them.
func (x *stepEmission) fetchCodes(c channelTile, inputs span, number int) (keys, scales isa.Address, t isa.LookupTile, err error) {
	t = x.p.codeTile(c.span, inputs)
	column := inputs.start * x.p.cells()
	codes := x.p.codes()
	offset, held := x.weights.take(weightKey{c.number, number})
	keys = at(isa.WeightBuffer, offset)
	if !held {
		if x.s.anchor.Convolution.Sealed != nil {
			err = x.loadSealed(weightKey{c.number, number}, &t, c.start, column, keys)
		} else {
			err = x.loadConstant(weightKey{c.number, number}, isa.WeightClass, t.KeyBytes(), keys, func() []byte { return keyBlock(codes, &t, c.start, column) })
		}
	}
	scales = at(isa.WeightBuffer, offset+uint64(x.l.target.align(t.KeyBytes())))
	scaleKey := weightKey{-1 - c.number, number}
	if t.Group == 0 {
		scaleKey = weightKey{c.number, -2}
		scales.Offset, held = x.rowScales.take(scaleKey)
	}
	if !held && err == nil {
		err = x.loadConstant(scaleKey, isa.ScaleClass, t.ScaleBytes(), scales, func() []byte { return scaleBlock(codes, &t, c.start, column) })
	}
	return keys, scales, t, err
}

// loadConstant loads bytes of the weights region, which are made the first time.
func (x *stepEmission) loadConstant(key weightKey, class isa.TensorClass, size int, to isa.Address, contents func() []byte) error {
	from, known := x.weightAt[key]
	if !known {
		from = x.constant(size, contents)
		x.weightAt[key] = from
	}
	return x.emit(isa.LoadDMA, isa.Load, linearTransfer(x.s.index, class, size, 8), isa.TraceRecord{}, at(isa.Weights, from), to)
}

// spanOf is the row range that a row is in.
func spanOf(m *binarycode.Matrix, row int) binarycode.Span {
	spans := m.Shape.Spans()
	for len(spans) > 1 && row >= spans[1].Row {
		spans = spans[1:]
	}
	return spans[0]
}

// keyBlock packs the signs of a tile, from a row and a column on.
func keyBlock(m *binarycode.Matrix, t *isa.LookupTile, row, column int) []byte {
	block := make([]byte, t.KeyBytes())
	s := spanOf(m, row)
	rowBits := t.Keys() * int(t.Mu)
	for plane := range int(t.Planes) {
		to := block[plane*t.PlaneBytes():]
		for r := range int(t.OutputChannels) {
			signs := s.Plane(m.Bits, row+r, plane)
			for j := range t.Columns() {
				bit := signs[(column+j)/64] >> ((column + j) % 64) & 1
				at := r*rowBits + j
				to[at/8] |= byte(bit) << (at % 8)
			}
		}
	}
	return block
}

// scaleBlock gathers the scales of the groups that a tile has a part of.
func scaleBlock(m *binarycode.Matrix, t *isa.LookupTile, row, column int) []byte {
	block := make([]byte, 0, t.ScaleBytes())
	s := spanOf(m, row)
	first := column / m.Shape.Group
	for g := range t.Groups() {
		for plane := range int(t.Planes) {
			for r := range int(t.OutputChannels) {
				block = binary.LittleEndian.AppendUint16(block, m.Scales[s.ScaleIndex(row+r, first+g)+plane])
			}
		}
	}
	return block
}

// multiply computes an output tile of binary codes from the input under it. The
// tile d has dense weights but is the same otherwise.
func (x *stepEmission) multiply(c channelTile, d *isa.ConvolutionTile, input box, to *target) error {
	spans := split(x.p.reduction, x.v.inputChannels)
	for i, k := range spans {
		weights, scales, t, err := x.fetchCodes(c, k, i)
		if err != nil {
			return err
		}
		input.c0, input.c = k.start, k.size
		source, err := x.fetch(0, input)
		if err != nil {
			return err
		}
		t.Layer, t.Window, t.Input = d.Layer, d.Window, source.view()
		if err := x.emitPart(isa.LookupGEMM, isa.Lookup, &t, &t.Window, i, len(spans), to, at(isa.ActivationBuffer, source.offset), weights, scales); err != nil {
			return err
		}
	}
	return nil
}
