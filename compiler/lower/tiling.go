package lower

import (
	"github.com/npusim/npusim/compiler/integer"
	"github.com/npusim/npusim/isa"
	"github.com/npusim/npusim/npu/cost"
)

// tiling is a way to cut a step into tiles.
type tiling struct {
	channels, rows, columns int // of an output tile
	inputChannels           int // of a weight tile, for convolutions on the array
	weightsOuter            bool
	inputSlots              int // tiles of the first read operand that the buffer holds at a time
	otherSlots              int // of every other read operand
	outputSlots             int
	weightSlots             int
	parameterSlots          int
	// held, unless 0, is the number of output channels whose sums wait in the
	// accumulators while tables that are built once serve all of them.
	held int
}

// need is the room a tiling takes in each scratchpad, in bytes.
type need struct{ activation, weight, accumulator int }

// slots is the number of tiles of a read operand that the buffer holds.
func (v *tiling) slots(operand int) int {
	if operand == 0 {
		return v.inputSlots
	}
	return v.otherSlots
}

// tile is what the sizes of all tiles follow from.
func (v *tiling) tile() tileExtents {
	return tileExtents{v.channels, v.rows, v.columns, v.inputChannels, v.held}
}

type tileExtents struct{ channels, rows, columns, inputChannels, held int }

func (n need) fits(c need) bool {
	return n.activation <= c.activation && n.weight <= c.weight && n.accumulator <= c.accumulator
}

// estimate is what a tiling costs by the cost model.
type estimate struct {
	cycles int64
	bytes  int64 // DRAM traffic
}

// counted is a tile size and how often it occurs along an axis; perhaps never.
type counted struct{ size, count int }

func sizes(extent, size int) [2]counted {
	list := [2]counted{{size, extent / size}}
	if rest := extent % size; rest > 0 {
		list[1] = counted{rest, 1}
	}
	return list
}

// shape gathers the facts about a step that every candidate tiling shares.
type shape struct {
	g         *integer.Graph
	t         *Target
	s         *step
	output    integer.Shape
	array     bool // a convolution on the array or by look-up, depthwise excluded
	lookup    bool // by look-up, on the LUT-GEMM unit
	depthwise bool
	grouped   bool // array convolution with groups: output tiles hold all channels
	reduction int  // input channels of a group
	group     int  // output channels of a group
	layouts   []layout
	resident  []bool // of each read operand
	outLayout layout
	outStays  bool  // the output tensor is kept on chip
	nest      *nest // of a Rearrange

	// The outcome of compute, rooms, onceOver and loads for the tile extents asked
	// for last: the search asks again for every number of slots.
	computed computed
	room     room
	once     onceOver
	loaded   nestTraffic
	parts    []span // clusters, once they are known
	// Bytes of the weights in DRAM, coded or not.
	weightTotal int64
	encoder     WeightEncoder
	// Tables of the anchor and its followers: bytes in the weight buffer, bytes
	// that are loaded, loads.
	tables                 int
	tableBytes, tableLoads int64
}

// computed is the time of array and vector unit.
type computed struct {
	of            tileExtents
	array, vector int64
}

// room is the size of one slot of each operand, in bytes.
type room struct {
	of                          tileExtents
	operands                    []int
	output, weights, parameters int
	accumulator                 int // of the partial sums
}

// onceOver is what loading everything once moves.
type onceOver struct {
	of       tileExtents
	operands []operandTraffic
	codes    int64 // bytes of binary codes
}

// operandTraffic is the bytes of loading every distinct box of an operand once,
// halos included, and the number of boxes.
type operandTraffic struct{ bytes, boxes int64 }

func (l *lowering) shape(s *step) *shape {
	p := &shape{g: l.graph, t: l.target, s: s, output: l.graph.Tensors[s.anchor.Output].Shape}
	p.outLayout = l.layout(s.output)
	p.layouts, p.resident = make([]layout, 0, len(s.reads)), make([]bool, 0, len(s.reads))
	for _, id := range s.reads {
		p.layouts = append(p.layouts, l.layout(id))
		p.resident = append(p.resident, l.resident[id])
	}
	p.outStays = l.resident[s.output]
	for _, t := range s.tables {
		p.tables += l.target.align(len(t))
		if len(t) > 0 {
			p.tableBytes += int64(len(t))
			p.tableLoads++
		}
	}
	if s.anchor.Kind == integer.Convolution {
		p.depthwise = isDepthwise(l.graph, s.anchor)
		p.array = !p.depthwise
		p.lookup = s.anchor.Convolution.Codes != nil
		groups := s.anchor.Convolution.Groups
		p.grouped = p.array && groups > 1
		p.reduction = p.layouts[0].channels / groups
		p.group = p.output.Channels / groups
		p.encoder = l.options.Encoder
		if !p.lookup {
			p.weightTotal = p.weightBytes(s.anchor)
		}
	}
	if s.anchor.Kind == integer.Rearrange {
		p.nest = newNest(s.anchor.Rearrange, p.layouts[0].shape(), p.output)
	}
	return p
}

// loads is what the tiles of a Rearrange load.
func (p *shape) loads(v *tiling) *nestTraffic {
	if t := &p.loaded; t.channels != v.channels || t.rows != v.rows || t.columns != v.columns {
		p.loaded = p.nest.traffic(v, &p.layouts[0], p.t.BurstBytes)
	}
	return &p.loaded
}

// extents is the largest operand box under an output tile, channels grown to
// whole blocks.
func (p *shape) extents(operand int, v *tiling) (channels, rows, columns int) {
	l := &p.layouts[operand]
	tile := box{0, min(v.channels, p.output.Channels), 0, v.rows, 0, v.columns}
	if p.grouped {
		tile.c = p.output.Channels
	}
	n := p.s.anchor
	if operand >= len(n.Inputs) {
		b := broadcast(tile, l.shape(), p.output)
		return b.c, b.h, b.w
	}
	reach := func(size int, g *integer.Geometry, k int) int {
		return (size-1)*g.Stride[k] + (g.Kernel[k]-1)*g.Dilation[k] + 1
	}
	misaligned := func(c int) int { // channel count of the blocks that c channels may touch
		return min(ceilDivide(c+l.block-1, l.block)*l.block, l.channels)
	}
	b := tile
	switch n.Kind {
	case integer.Convolution:
		g := &n.Convolution.Geometry
		b.h, b.w = reach(v.rows, g, 0), reach(v.columns, g, 1)
		if p.array {
			b.c = v.inputChannels
			if p.grouped || b.c%l.block != 0 {
				b.c = misaligned(b.c)
			}
		}
	case integer.Pool:
		b.h, b.w = reach(v.rows, &n.Pool.Geometry, 0), reach(v.columns, &n.Pool.Geometry, 1)
	case integer.Binary:
		b = broadcast(tile, l.shape(), p.output)
	case integer.Softmax:
		b.c = l.channels
	case integer.Concat:
		if n.Concat.Axis == 0 {
			b.c = misaligned(b.c)
		}
	case integer.Window:
		for axis := range 3 {
			_, extent := b.axis(axis)
			*extent = (*extent-1)*max(n.Window.Step[axis], -n.Window.Step[axis]) + 1
		}
		b.c = misaligned(b.c)
	case integer.Rearrange:
		b = p.loads(v).largest
	}
	return min(b.c, l.channels), min(b.h, l.rows), min(b.w, l.columns)
}

func (l *layout) shape() integer.Shape {
	return integer.Shape{Channels: l.channels, Rows: l.rows, Columns: l.columns}
}

// operandBytes is the size of one slot of an operand.
func (p *shape) operandBytes(operand int, v *tiling) int {
	c, h, w := p.extents(operand, v)
	t := p.layouts[operand].buffered(c, h, w)
	return p.t.align(t.bytes())
}

func (t *Target) align(n int) int { return ceilDivide(n, t.Alignment) * t.Alignment }

func (p *shape) outputBytes(v *tiling) int {
	c := v.channels
	if p.grouped {
		c = p.output.Channels
	}
	t := p.outLayout.buffered(c, v.rows, v.columns)
	return p.t.align(t.bytes())
}

// tiles counts the tiles along the loops of a tiling: output channels,
// pixels, input channels.
func (p *shape) tiles(v *tiling) (channels, pixels, inputs int) {
	pixels = ceilDivide(p.output.Rows, v.rows) * ceilDivide(p.output.Columns, v.columns)
	inputs = 1
	channels = ceilDivide(p.output.Channels, v.channels)
	if p.array {
		channels = p.s.anchor.Convolution.Groups * p.channelTileCount(v.channels)
		inputs = ceilDivide(p.reduction, v.inputChannels)
	}
	return channels, pixels, inputs
}

// channelTileCount is the number of tiles of a group's output channels.
func (p *shape) channelTileCount(channels int) (count int) {
	if p.grouped {
		return ceilDivide(p.group, channels)
	}
	for _, c := range p.clusters() {
		count += ceilDivide(c.size, channels)
	}
	return count
}

// cells is the number of kernel cells of a convolution.
func (p *shape) cells() int {
	k := p.s.anchor.Convolution.Kernel
	return k[0] * k[1]
}

func (p *shape) weightTileBytes(v *tiling) int {
	if p.lookup {
		return p.codeTileBytes(v)
	}
	n := p.cells() * v.channels
	if p.array {
		n *= v.inputChannels
	}
	return p.t.align(n)
}

func (p *shape) parameterTileBytes(v *tiling) int {
	return p.t.align(isa.ParameterBytes(v.channels, multiplierMode(p.s.anchor.Convolution)))
}

func multiplierMode(c *integer.ConvolutionAttributes) isa.MultiplierMode {
	switch {
	case c.Requantizer.PerChannel != nil:
		return isa.ChannelMultiplier
	case c.Requantizer.ChannelShift != nil:
		return isa.ChannelShift
	}
	return isa.LayerMultiplier
}

// rooms are the sizes of the slots.
func (p *shape) rooms(v *tiling) *room {
	r := &p.room
	if r.of == v.tile() {
		return r
	}
	*r = room{of: v.tile(), operands: r.operands[:0]}
	for i := range p.layouts {
		bytes := 0
		if !p.resident[i] {
			bytes = p.operandBytes(i, v)
		}
		r.operands = append(r.operands, bytes)
	}
	if !p.outStays {
		r.output = p.outputBytes(v)
	}
	if p.array || p.depthwise {
		r.weights = p.weightTileBytes(v)
		r.parameters = p.parameterTileBytes(v) + p.t.align(p.rowScaleBytes(v.channels))
	}
	if p.array {
		_, _, inputs := p.tiles(v)
		pixels := v.rows * v.columns
		switch {
		case v.held > 0 && inputs == 1: // sums go from tables to the requantizer
		case v.held > 0:
			r.accumulator = 4 * min(v.held, p.output.Channels) * pixels
		case inputs > 1:
			r.accumulator = 4 * v.channels * pixels
		case p.lookup:
			t := p.codeTile(span{0, v.channels}, span{0, v.inputChannels})
			r.accumulator = int(p.t.Cost.LookupSums(int64(v.channels), int64(t.Keys()), int64(pixels)))
		case !p.t.Cost.OutputStationary && p.cells()*p.reduction > int(p.t.Cost.Rows):
			// Partial sums of one column fold wait there between row folds.
			r.accumulator = 4 * min(v.channels, int(p.t.Cost.Columns)) * pixels
		}
	}
	return r
}

// needs is the room a tiling takes.
func (p *shape) needs(v *tiling) need {
	r := p.rooms(v)
	n := need{activation: v.outputSlots * r.output, weight: p.tables + v.weightSlots*r.weights + v.parameterSlots*r.parameters, accumulator: r.accumulator}
	for i, bytes := range r.operands {
		n.activation += v.slots(i) * bytes
	}
	return n
}

// compute is the time of the array and of the vector unit over all tiles.
func (p *shape) compute(v *tiling) (array, vector int64) {
	if p.computed.of == v.tile() {
		return p.computed.array, p.computed.vector
	}
	m := &p.t.Cost
	clusters, groups := p.clusters(), int64(1)
	if p.grouped {
		clusters, groups = []span{{0, p.group}}, int64(p.s.anchor.Convolution.Groups)
	}
	for _, h := range sizes(p.output.Rows, v.rows) {
		for _, w := range sizes(p.output.Columns, v.columns) {
			for _, cluster := range clusters {
				for _, c := range sizes(cluster.size, v.channels) {
					times := int64(h.count) * int64(w.count) * int64(c.count) * groups
					if times == 0 {
						continue
					}
					a, x := p.tile(m, v, cluster.start, c.size, h.size, w.size)
					array += times * a
					vector += times * x
				}
			}
		}
	}
	if v.held > 0 {
		array = p.besideBuilds(v, array)
	}
	p.computed = computed{v.tile(), array, vector}
	return array, vector
}

// tile is the time of the anchor and the followers on one output tile from a
// channel on.
func (p *shape) tile(m *cost.Machine, v *tiling, first, channels, rows, columns int) (array, vector int64) {
	n := p.s.anchor
	geometry := func() isa.ConvolutionTile {
		g := &n.Convolution.Geometry
		return isa.ConvolutionTile{
			OutputChannels: uint32(channels), Window: isa.Window{OutputRows: uint16(rows), OutputColumns: uint16(columns),
				KernelRows: uint16(g.Kernel[0]), KernelColumns: uint16(g.Kernel[1]), StrideColumns: uint16(g.Stride[1]),
				First: true, Last: true, Mode: multiplierMode(n.Convolution),
			},
		}
	}
	switch {
	case p.depthwise:
		t := geometry()
		array = m.Depthwise(&t).Cycles
	case p.lookup:
		array = p.lookupCycles(v, first, channels, rows, columns)
	case p.array:
		spans := ceilDivide(p.reduction, v.inputChannels)
		t := geometry()
		charge := func(times, inputs int, first, last bool) {
			if times > 0 {
				t.InputChannels, t.First, t.Last = uint32(inputs), first, last
				array += int64(times) * m.Convolution(&t).Cycles
			}
		}
		charge(min(1, spans-1), v.inputChannels, true, false)
		charge(spans-2, v.inputChannels, false, false)
		charge(1, p.reduction-(spans-1)*v.inputChannels, spans == 1, true)
	case n.Kind == integer.Pool:
		g := &n.Pool.Geometry
		vector = m.Pool(&isa.PoolTile{Mode: poolMode(n.Pool), Channels: uint32(channels), OutputRows: uint16(rows), OutputColumns: uint16(columns),
			KernelRows: uint16(g.Kernel[0]), KernelColumns: uint16(g.Kernel[1])}).Cycles
	case n.Kind == integer.Softmax:
		vector = m.Softmax(&isa.ElementwiseTile{Channels: uint32(channels), Rows: uint16(rows), Columns: uint16(columns)}).Cycles
	case n.Kind == integer.Concat, n.Kind == integer.Window:
		vector = m.Copy(&isa.CopyTile{Channels: uint32(channels), Rows: uint16(rows), Columns: uint16(columns), UseTable: copiesThroughTable(n)}).Cycles
	case n.Kind == integer.Rearrange:
		vector = m.Rearrange(&isa.RearrangeTile{OutputChannels: uint32(channels), OutputRows: uint16(rows), OutputColumns: uint16(columns)}).Cycles
	default:
		vector = follow(m, n, channels, rows, columns)
	}
	for _, f := range p.s.followers {
		vector += follow(m, f, channels, rows, columns)
	}
	return array, vector
}

// copiesThroughTable tells copies that requantize, of any input.
func copiesThroughTable(n *integer.Node) bool {
	if n.Kind == integer.Window {
		return n.Window.Table != nil
	}
	for _, t := range n.Concat.Tables {
		if t != nil {
			return true
		}
	}
	return false
}

// follow is the time of a Binary or Table on a tile.
func follow(m *cost.Machine, n *integer.Node, channels, rows, columns int) int64 {
	if n.Kind == integer.Table {
		return m.Table(&isa.ElementwiseTile{Channels: uint32(channels), Rows: uint16(rows), Columns: uint16(columns)}).Cycles
	}
	return m.Binary(&isa.BinaryTile{Mode: binaryMode(n.Binary.Mode), Channels: uint32(channels), Rows: uint16(rows), Columns: uint16(columns)}).Cycles
}
