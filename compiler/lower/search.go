package lower

import (
	"fmt"
	"slices"
	"strings"

	"github.com/npusim/npusim/compiler/integer"
	"github.com/npusim/npusim/isa"
)

// traffic is what the loops of a tiling move.
type traffic struct {
	bytes     int64
	transfers int64
	edge      int64 // bytes before the first and after the last computation
	serial    bool  // some operand has one slot for many tiles, so nothing overlaps
}

// loadedOnce is what every operand moves once.
func (p *shape) loadedOnce(v *tiling) *onceOver {
	o := &p.once
	if o.of == v.tile() {
		return o
	}
	*o = onceOver{of: v.tile(), operands: o.operands[:0]}
	for i := range p.layouts {
		var t operandTraffic
		if !p.resident[i] {
			t.bytes, t.boxes = p.operandTraffic(i, v)
		}
		o.operands = append(o.operands, t)
	}
	if p.lookup {
		o.codes = p.codeBytes(v)
	}
	return o
}

// traffic follows the reuse of slots: a slot set that holds every tile an
// operand needs loads each once; otherwise the cyclic walk finds nothing.
func (p *shape) traffic(v *tiling) traffic {
	var t traffic
	channelTiles, pixelTiles, inputTiles := p.tiles(v)
	n := p.s.anchor
	loaded := p.loadedOnce(v)
	for i := range p.layouts {
		if p.resident[i] {
			continue
		}
		once, boxes := loaded.operands[i].bytes, loaded.operands[i].boxes
		times := int64(1)
		if p.array && i == 0 {
			distinct := pixelTiles * inputTiles // between two visits of the same tile
			if !v.weightsOuter {
				distinct = inputTiles
			}
			if distinct > v.inputSlots {
				times = int64(channelTiles)
				switch {
				case v.held > 0:
					times = int64(p.passes(v))
				case p.grouped:
					times = int64(channelTiles / n.Convolution.Groups)
				}
			}
		}
		t.bytes += once * times
		t.transfers += boxes * times
		t.edge += once / max(1, boxes)
		if v.slots(i) == 1 && boxes*times > 1 {
			t.serial = true
		}
	}
	t.bytes += p.tableBytes
	t.transfers += p.tableLoads
	t.edge += p.tableBytes
	if n.Kind == integer.Convolution {
		weights, loads := p.weightTotal, int64(1)
		if p.lookup {
			weights = loaded.codes
			if p.rowScaleBytes(1) == 0 {
				loads = 2 // keys and scales
			}
		}
		tiles := channelTiles * inputTiles
		times := int64(1)
		if v.weightsOuter && inputTiles > v.weightSlots || !v.weightsOuter && tiles > v.weightSlots {
			times = int64(pixelTiles)
		}
		parameterTimes := int64(1)
		if !v.weightsOuter && channelTiles > v.parameterSlots {
			parameterTimes = int64(pixelTiles)
		}
		parameters, parameterLoads := int64(isa.ParameterBytes(p.output.Channels, multiplierMode(n.Convolution))), int64(1)
		if scales := p.rowScaleBytes(p.output.Channels); scales > 0 {
			parameters, parameterLoads = parameters+int64(scales), 2
		}
		t.bytes += weights*times + parameters*parameterTimes
		t.transfers += int64(tiles)*times*loads + int64(channelTiles)*parameterTimes*parameterLoads
		t.edge += weights/int64(tiles) + parameters/int64(channelTiles)
		if v.weightSlots == 1 && int64(tiles)*times > 1 {
			t.serial = true
		}
	}
	if !p.outStays {
		stores := int64(channelTiles * pixelTiles)
		if p.grouped {
			stores = int64(pixelTiles)
		}
		bytes := int64(p.outLayout.bytes())
		if p.nest != nil { // its tiles may be narrow
			tile := box{c: v.channels, h0: v.rows, h: v.rows, w0: v.columns, w: v.columns} // the place of a neighbour
			bytes = tile.burstBytes(&p.outLayout, p.t.BurstBytes) * stores
		}
		t.bytes += bytes
		t.transfers += stores
		t.edge += bytes / stores
		if v.outputSlots == 1 && stores > 1 {
			t.serial = true
		}
	}
	return t
}

// operandTraffic is the bytes of loading every distinct box of an operand
// once, halos included, and the number of boxes.
func (p *shape) operandTraffic(operand int, v *tiling) (bytes, boxes int64) {
	l := &p.layouts[operand]
	n := p.s.anchor
	pixels := func(out int, size int, kernel, stride, dilation, pad, extent int) (total, count int64) {
		for start := 0; start < out; start += size {
			in, _ := window(span{start, min(size, out-start)}, kernel, stride, dilation, pad, extent)
			total += int64(in.size)
			count++
		}
		return total, count
	}
	var geometry *integer.Geometry
	switch {
	case operand >= len(n.Inputs):
	case n.Kind == integer.Convolution:
		geometry = &n.Convolution.Geometry
	case n.Kind == integer.Pool:
		geometry = &n.Pool.Geometry
	}
	channelTiles, pixelTiles, inputTiles := p.tiles(v)
	if n.Kind == integer.Window && operand == 0 {
		return p.windowTraffic(v), int64(channelTiles * pixelTiles)
	}
	if n.Kind == integer.Rearrange && operand == 0 {
		t := p.loads(v)
		return t.bytes, t.boxes
	}
	if geometry == nil {
		c, h, w := p.extents(operand, v)
		if c == l.channels && h == l.rows && w == l.columns {
			return int64(l.bytes()), 1
		}
		return int64(l.bytes()), int64(channelTiles * pixelTiles)
	}
	g := geometry
	rows, rowTiles := pixels(p.output.Rows, v.rows, g.Kernel[0], g.Stride[0], g.Dilation[0], g.PadBegin[0], l.rows)
	columns, columnTiles := pixels(p.output.Columns, v.columns, g.Kernel[1], g.Stride[1], g.Dilation[1], g.PadBegin[1], l.columns)
	bytes = rows * columns * int64(l.pixelBytes()) * int64(l.blocks())
	if columnTiles > 1 { // short runs waste part of a burst each
		bytes += rows * columnTiles * int64(l.blocks()) * int64(p.t.BurstBytes/2)
	}
	boxes = rowTiles * columnTiles
	if p.array {
		return bytes, boxes * int64(inputTiles)
	}
	return bytes, boxes * int64(channelTiles)
}

// windowTraffic is the bytes of loading the input of every tile of a slice or
// pad: the axes are cut independently.
func (p *shape) windowTraffic(v *tiling) int64 {
	l, w := &p.layouts[0], p.s.anchor.Window
	total := func(axis, extent, size, inputs int) (sum int) {
		for _, s := range split(extent, size) {
			in := strided(s, w.Start[axis], w.Step[axis], inputs)
			if axis == 0 { // whole channel blocks
				in.size = ceilDivide(in.start+in.size, l.block) - in.start/l.block
			}
			sum += in.size
		}
		return sum
	}
	return int64(total(0, p.output.Channels, v.channels, l.channels)) * int64(total(1, p.output.Rows, v.rows, l.rows)) *
		int64(total(2, p.output.Columns, v.columns, l.columns)) * int64(l.pixelBytes())
}

// fitting is a tiling with all that its estimate follows from, whatever the
// bandwidth.
type fitting struct {
	tiling
	need          need
	array, vector int64 // cycles
	setUp         int64 // cycles of all transfers
	bytes, edge   int64 // as of traffic
	serial        bool
}

func (p *shape) fitting(v tiling, n need) fitting {
	array, vector := p.compute(&v)
	t := p.traffic(&v)
	return fitting{v, n, array, vector, t.transfers * int64(p.t.TransferCycles), t.bytes, t.edge, t.serial}
}

// cycles estimates the time at a bandwidth: computation overlaps transfers
// unless a single slot keeps them apart.
func (f *fitting) cycles(milliBytesPerCycle int64) int64 {
	moving := f.bytes*1000/milliBytesPerCycle + f.setUp
	if f.serial {
		return f.array + f.vector + moving
	}
	return max(f.array, f.vector, moving) + min(f.edge*1000/milliBytesPerCycle, moving)
}

// candidateSizes are the tile extents worth trying on an axis: the axis cut
// into n equal parts, in steps of unit, at most limit.
func candidateSizes(extent, unit, limit int) []int {
	var list []int
	if limit > 0 && limit < extent {
		extent = min(extent, max(limit/unit*unit, unit))
	}
	for _, parts := range []int{1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24, 28, 32, 40, 48, 56, 64, 96, 112, 128, 192, 256, 512, 1024, 2048, 4096} {
		size := ceilDivide(ceilDivide(extent, parts), unit) * unit
		if size > extent {
			size = extent
		}
		if len(list) == 0 || size < list[len(list)-1] {
			list = append(list, size)
		}
		if size <= unit {
			break
		}
	}
	return list
}

// choice is the outcome of a search.
type choice struct {
	tiling
	need     need
	estimate estimate
}

// slack is how much slower than the fastest tiling one with less DRAM traffic
// may be, in percent: the estimates are not better than that.
const slack = 2

// search finds the tiling of a step with the lowest estimated cycles, then
// DRAM bytes, that fits capacity. If none fits, least is the smallest room
// among the tilings tried.
func (l *lowering) search(s *step, capacity need) (best choice, least need, ok bool) {
	found := l.tilings(s, capacity)
	if len(found.list) == 0 {
		return choice{}, found.least, false
	}
	bandwidth := l.target.MilliBytesPerCycle
	if s.anchor.Kind == integer.Convolution && s.anchor.Convolution.Codes != nil {
		p := l.shape(s)
		best = fastest(p.fewestBuilds(found.list, bandwidth), bandwidth)
		p.spareSlots(&best, capacity)
		return best, need{}, true
	}
	return fastest(found.list, bandwidth), need{}, true
}

// fastest is the tiling with the least traffic among those about as fast as the
// fastest.
func fastest(list []fitting, bandwidth int64) (best choice) {
	least := list[0].cycles(bandwidth)
	for i := range list[1:] {
		least = min(least, list[1+i].cycles(bandwidth))
	}
	limit := least + least*slack/100
	best.estimate.bytes = 1<<63 - 1
	for i := range list {
		f := &list[i]
		if f.bytes > best.estimate.bytes {
			continue
		}
		cycles := f.cycles(bandwidth)
		if cycles <= limit && (f.bytes < best.estimate.bytes || cycles < best.estimate.cycles) {
			best = choice{f.tiling, f.need, estimate{cycles, f.bytes}}
		}
	}
	return best
}

// tilings are those of a step that fit a capacity, in the order they are
// tried. If there is none, least is the smallest room among the ones tried.
type tilings struct {
	list  []fitting
	least need
}

// enumerate tries the tilings of a step.
func (l *lowering) enumerate(s *step, capacity need) *tilings {
	p := l.shape(s)
	list := l.memo.tried[:0]
	least := need{1 << 62, 1 << 62, 1 << 62}
	var leastOver int64 = 1 << 62
	limit := l.options.MaxTile
	channelUnit := l.target.ChannelBlock
	channelExtent := p.output.Channels
	if p.grouped {
		channelExtent, channelUnit = p.group, 1
	}
	// Axes that cannot be cut keep one candidate.
	channelSizes := candidateSizes(channelExtent, channelUnit, limit.Channels)
	rowSizes := candidateSizes(p.output.Rows, 1, limit.Rows)
	columnSizes := candidateSizes(p.output.Columns, 1, limit.Columns)
	inputSizes := []int{0}
	nests := []bool{false}
	switch {
	case s.anchor.Kind == integer.Rearrange:
		channelSizes = p.nest.sizes(0, channelUnit, limit.Channels)
		rowSizes, columnSizes = p.nest.sizes(1, 1, limit.Rows), p.nest.sizes(2, 1, limit.Columns)
	case s.anchor.Kind == integer.Softmax:
		channelSizes = []int{p.output.Channels}
	case p.array:
		unit := l.target.ChannelBlock
		if p.grouped {
			unit = 1
		}
		if p.lookup {
			unit = p.inputUnit(unit)
		}
		inputSizes = candidateSizes(p.reduction, unit, limit.InputChannels)
		// Parts of a block load the whole block: only where nothing else fits.
		for part := unit / 2; part >= 1 && part < p.reduction; part /= 2 {
			inputSizes = append(inputSizes, part)
		}
		nests = []bool{true, false}
		if p.grouped {
			nests = []bool{false}
		}
	}
	considered := false
	consider := func(v tiling) bool {
		considered = true
		n := p.needs(&v)
		if n.fits(capacity) {
			list = append(list, p.fitting(v, n))
			return true
		}
		over := int64(max(0, n.activation-capacity.activation)) + int64(max(0, n.weight-capacity.weight)) + int64(max(0, n.accumulator-capacity.accumulator))
		if over < leastOver {
			least, leastOver = n, over
		}
		return false
	}
	for _, columns := range columnSizes {
		// Narrow tiles cost halos and short runs: cut columns only when whole rows do not fit.
		if len(list) > 0 {
			break
		}
		for _, inputs := range inputSizes {
			if len(list) > 0 && inputs*p.cells() < 4*int(l.target.Cost.Rows) {
				break
			}
			for _, rows := range rowSizes {
				for _, channels := range channelSizes {
					for _, weightsOuter := range nests {
						v := tiling{channels: channels, rows: rows, columns: columns, inputChannels: inputs, weightsOuter: weightsOuter}
						if p.lookup && p.splitsKeys(&v) || p.nest != nil && considered && p.tooManyTiles(&v) {
							continue
						}
						p.slots(v, consider)
					}
				}
			}
		}
	}
	if p.lookup && l.holdsTables(p, capacity) {
		others := len(list)
		for _, v := range p.heldTilings(capacity, limit, channelSizes, rowSizes, columnSizes) {
			p.slots(v, consider)
		}
		if l.options.HoldTables && len(list) > others {
			list = list[others:]
		}
	}
	l.memo.tried = list[:0]
	return &tilings{slices.Clone(list), least}
}

// maxNestTiles bounds the tiles of a Rearrange that the search walks for one
// tiling: their boxes follow no formula.
const maxNestTiles = 1 << 14

func (p *shape) tooManyTiles(v *tiling) bool {
	channels, pixels, _ := p.tiles(v)
	return channels*pixels > maxNestTiles
}

// slots tries the buffer counts of a tiling: two of everything, all tiles of
// the weights or of the input, and single buffers where two do not fit.
func (p *shape) slots(v tiling, consider func(tiling) bool) {
	channelTiles, pixelTiles, inputTiles := p.tiles(&v)
	tiles := channelTiles * pixelTiles
	double := func(n int) int { return min(2, n) }
	weightTiles, inputBoxes := channelTiles*inputTiles, pixelTiles*inputTiles
	if !p.array {
		weightTiles, inputBoxes = channelTiles, tiles
	}
	if p.nest != nil && !p.resident[0] {
		inputBoxes = int(p.loads(&v).boxes)
	}
	weightCounts, inputCounts := [2]int{double(weightTiles), weightTiles}, [2]int{double(inputBoxes), inputBoxes}
	if !p.array || p.resident[0] {
		inputCounts[1] = inputCounts[0]
	}
	if p.s.anchor.Kind != integer.Convolution {
		weightCounts = [2]int{}
	}
	build := func(inputs, weights, others int) tiling {
		c := v
		c.inputSlots, c.otherSlots, c.outputSlots = inputs, min(others, tiles), min(others, tiles)
		c.weightSlots = weights
		if p.s.anchor.Kind == integer.Convolution {
			c.parameterSlots = min(others, channelTiles)
			if weights == weightTiles || v.held > 0 { // they serve every block of inputs
				c.parameterSlots = channelTiles
			}
		}
		return c
	}
	found := false
	for i, inputs := range inputCounts {
		for k, weights := range weightCounts {
			if i > 0 && inputs == inputCounts[0] || k > 0 && weights == weightCounts[0] {
				continue
			}
			if consider(build(inputs, weights, 2)) {
				found = true
			}
		}
	}
	if !found {
		consider(build(1, min(1, weightCounts[0]), 1))
	}
}

// TooSmallError says that a layer fits no tiling. Setting each scratchpad to
// at least the stated size makes room for it.
type TooSmallError struct {
	Layer, Op                                   string
	ActivationKiB, WeightKiB, AccumulatorKiB    int // smallest sizes that would do
	haveActivation, haveWeight, haveAccumulator int // KiB
}

func tooSmall(s *step, least, capacity need) error {
	kib := func(bytes int) int { return ceilDivide(bytes, 1024) }
	return &TooSmallError{
		Layer: s.name(), Op: s.operators(),
		ActivationKiB: kib(least.activation), WeightKiB: kib(least.weight), AccumulatorKiB: kib(least.accumulator),
		haveActivation: capacity.activation / 1024, haveWeight: capacity.weight / 1024, haveAccumulator: capacity.accumulator / 1024,
	}
}

func (e *TooSmallError) Error() string {
	var short []string
	add := func(name string, needed, have int) {
		if needed > have {
			short = append(short, fmt.Sprintf("npu.%s_kib = %d (it is %d)", name, needed, have))
		}
	}
	add("activation_buffer", e.ActivationKiB, e.haveActivation)
	add("weight_buffer", e.WeightKiB, e.haveWeight)
	add("accumulator_buffer", e.AccumulatorKiB, e.haveAccumulator)
	return fmt.Sprintf("layer %s (%s) does not fit the scratchpads even in its smallest tiles: it needs at least %s", e.Layer, e.Op, strings.Join(short, " and "))
}
