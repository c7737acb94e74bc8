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
	inputSlots              []int // tiles of each read operand that the buffer holds at a time
	outputSlots             int
	weightSlots             int
	parameterSlots          int
	// held, unless 0, is the number of output channels whose sums wait in the
	// accumulators while tables that are built once serve all of them.
	held int
}

// need is the room a tiling takes in each scratchpad, in bytes.
type need struct{ activation, weight, accumulator int }

func (n need) fits(c need) bool {
	return n.activation <= c.activation && n.weight <= c.weight && n.accumulator <= c.accumulator
}

// estimate is what a tiling costs by the cost model.
type estimate struct {
	cycles int64
	bytes  int64 // DRAM traffic
}

// counted is a tile size and how often it occurs along an axis.
type counted struct{ size, count int }

func sizes(extent, size int) []counted {
	list := []counted{{size, extent / size}}
	if rest := extent % size; rest > 0 {
		list = append(list, counted{rest, 1})
	}
	if list[0].count == 0 {
		return list[1:]
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

	computed computed
	loaded   nestTraffic // the outcome of loads for the tile size asked for last
	// Bytes of the weights in DRAM, coded or not.
	weightTotal int64
	encoder     WeightEncoder
	tables      int // bytes of the tables of the anchor and its followers in the weight buffer
}

// computed remembers the outcome of compute for the tile size asked for last:
// the search asks again for every number of slots.
type computed struct {
	channels, rows, columns, inputChannels, held int
	array, vector                                int64
}

func (l *lowering) shape(s *step) *shape {
	p := &shape{g: l.graph, t: l.target, s: s, output: l.graph.Tensors[s.anchor.Output].Shape}
	p.outLayout = l.layout(s.output)
	for _, id := range s.reads {
		p.layouts = append(p.layouts, l.layout(id))
		p.resident = append(p.resident, l.resident[id])
	}
	p.outStays = l.resident[s.output]
	for _, t := range stepTables(s) {
		p.tables += l.target.align(len(t))
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
		channels = p.s.anchor.Convolution.Groups * ceilDivide(p.group, v.channels)
		inputs = ceilDivide(p.reduction, v.inputChannels)
	}
	return channels, pixels, inputs
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

// needs is the room a tiling takes.
func (p *shape) needs(v *tiling) need {
	var n need
	for i := range p.layouts {
		if !p.resident[i] {
			n.activation += v.inputSlots[i] * p.operandBytes(i, v)
		}
	}
	if !p.outStays {
		n.activation += v.outputSlots * p.outputBytes(v)
	}
	n.weight = p.tables
	if p.array || p.depthwise {
		n.weight += v.weightSlots*p.weightTileBytes(v) + v.parameterSlots*(p.parameterTileBytes(v)+p.t.align(p.rowScaleBytes(v.channels)))
	}
	if p.array {
		_, _, inputs := p.tiles(v)
		pixels := v.rows * v.columns
		switch {
		case v.held > 0 && inputs == 1: // sums go from tables to the requantizer
		case v.held > 0:
			n.accumulator = 4 * min(v.held, p.output.Channels) * pixels
		case inputs > 1:
			n.accumulator = 4 * v.channels * pixels
		case p.lookup:
			t := p.codeTile(span{0, v.channels}, span{0, v.inputChannels})
			n.accumulator = int(p.t.Cost.LookupSums(int64(v.channels), int64(t.Keys()), int64(pixels)))
		case !p.t.Cost.OutputStationary && p.cells()*p.reduction > int(p.t.Cost.Rows):
			// Partial sums of one column fold wait there between row folds.
			n.accumulator = 4 * min(v.channels, int(p.t.Cost.Columns)) * pixels
		}
	}
	return n
}

// compute is the time of the array and of the vector unit over all tiles.
func (p *shape) compute(v *tiling) (array, vector int64) {
	if c := &p.computed; c.channels == v.channels && c.rows == v.rows && c.columns == v.columns && c.inputChannels == v.inputChannels && c.held == v.held {
		return c.array, c.vector
	}
	m := &p.t.Cost
	for _, h := range sizes(p.output.Rows, v.rows) {
		for _, w := range sizes(p.output.Columns, v.columns) {
			spatial := int64(h.count) * int64(w.count)
			channelSizes := sizes(p.output.Channels, v.channels)
			groups := int64(1)
			if p.grouped {
				channelSizes, groups = sizes(p.group, v.channels), int64(p.s.anchor.Convolution.Groups)
			}
			for _, c := range channelSizes {
				times := spatial * int64(c.count) * groups
				a, x := p.tile(m, v, c.size, h.size, w.size)
				array += times * a
				vector += times * x
			}
		}
	}
	if v.held > 0 {
		array = p.besideBuilds(v, array)
	}
	p.computed = computed{v.channels, v.rows, v.columns, v.inputChannels, v.held, array, vector}
	return array, vector
}

// tile is the time of the anchor and the followers on one output tile.
func (p *shape) tile(m *cost.Machine, v *tiling, channels, rows, columns int) (array, vector int64) {
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
		array = p.lookupCycles(v, channels, rows, columns)
	case p.array:
		spans := split(p.reduction, v.inputChannels)
		for i, c := range spans {
			t := geometry()
			t.InputChannels = uint32(c.size)
			t.First, t.Last = i == 0, i == len(spans)-1
			array += m.Convolution(&t).Cycles
		}
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
