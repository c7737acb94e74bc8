package lower

import "github.com/npusim/npusim/isa"

// Products of few pixels by many output channels build each table once: the
// tables of a block of input channels stay in the table buffer until all output
// channels have queried them, while the sums of those wait in the accumulators.
// If these do not hold all of them, the output channels take several passes.

// holdsTables tells whether tilings with tables that stay are worth trying. Codes
// that fit the weight buffer beside those of another layer are loaded while the
// layer before computes: then a single tile builds its tables once as well, and
// nothing waits for the first of several tiles.
func (l *lowering) holdsTables(p *shape, capacity need) bool {
	whole := tiling{channels: p.output.Channels, inputChannels: p.reduction}
	return l.options.HoldTables || len(l.steps) == 1 || 2*p.codeTileBytes(&whole) > capacity.weight
}

// heldTilings are the tilings with tables that stay. Blocks of input channels
// fill the tables, or a half or a quarter of them so that less is waited for at
// the start; passes are the largest that capacity allows.
func (p *shape) heldTilings(capacity need, limit Limit, channelSizes, rowSizes, columnSizes []int) []tiling {
	var list []tiling
	for _, columns := range columnSizes {
		for _, rows := range rowSizes {
			pixels, before := rows*columns, 0
			for _, part := range []int{1, 2, 4} {
				inputs := p.heldInputs(int(p.t.Cost.Tables)/pixels/part, limit.InputChannels)
				if inputs == 0 || inputs == before {
					continue
				}
				before = inputs
				for _, channels := range channelSizes {
					tiles := p.channelTileCount(channels)
					if inputs < p.reduction {
						most := capacity.accumulator / (4 * channels * pixels)
						if most == 0 {
							continue
						}
						tiles = ceilDivide(tiles, ceilDivide(tiles, most))
					}
					list = append(list, tiling{channels: channels, rows: rows, columns: columns, inputChannels: inputs, held: tiles * channels})
				}
			}
		}
	}
	return list
}

// heldInputs is the most input channels that a number of tables serves, or 0.
func (p *shape) heldInputs(tables, limit int) int {
	unit := p.inputUnit(p.t.ChannelBlock)
	inputs := tables * int(p.t.Cost.Mu) / p.cells()
	if limit > 0 {
		inputs = min(inputs, max(limit, unit))
	}
	if inputs >= p.reduction {
		return p.reduction
	}
	return inputs / unit * unit
}

// passes is how often the tables of a pixel are built.
func (p *shape) passes(v *tiling) int {
	return ceilDivide(p.channelTileCount(v.channels), v.held/v.channels)
}

// besideBuilds is the time of queries with that of the builds beside them: the
// first one is waited for.
func (p *shape) besideBuilds(v *tiling, queries int64) int64 {
	var builds, first int64
	for _, h := range sizes(p.output.Rows, v.rows) {
		for _, w := range sizes(p.output.Columns, v.columns) {
			for _, k := range sizes(p.reduction, v.inputChannels) {
				times := int64(h.count) * int64(w.count) * int64(k.count)
				if times == 0 {
					continue
				}
				t := p.codeTile(span{0, 1}, span{0, k.size})
				t.OutputRows, t.OutputColumns = uint16(h.size), uint16(w.size)
				cycles := p.t.Cost.BuildTables(&t).Cycles
				builds += cycles * times * int64(p.passes(v))
				first = max(first, cycles)
			}
		}
	}
	return max(builds, queries) + first
}

// heldBlock is what one set of tables serves.
type heldBlock struct {
	pixels   box
	channels []channelTile // of a pass
	inputs   span
	number   int // of the inputs
}

// heldBlocks lists the blocks in their order: pixels, passes, input channels.
func (x *stepEmission) heldBlocks() []heldBlock {
	var list []heldBlock
	channels, tiles := x.channelTiles(), x.v.held/x.v.channels
	for _, h := range split(x.p.output.Rows, x.v.rows) {
		for _, w := range split(x.p.output.Columns, x.v.columns) {
			for first := 0; first < len(channels); first += tiles {
				for i, k := range split(x.p.reduction, x.v.inputChannels) {
					list = append(list, heldBlock{box{0, x.p.output.Channels, h.start, h.size, w.start, w.size}, channels[first:min(first+tiles, len(channels))], k, i})
				}
			}
		}
	}
	return list
}

// heldProducts emits a step with tables that stay. The next tables are built
// while those before are queried.
func (x *stepEmission) heldProducts() error {
	blocks := x.heldBlocks()
	for i := -1; i < len(blocks); i++ {
		if i+1 < len(blocks) {
			if err := x.buildTables(&blocks[i+1], i+1); err != nil {
				return err
			}
		}
		if i < 0 {
			continue
		}
		for _, c := range blocks[i].channels {
			if err := x.queryTables(&blocks[i], i, c); err != nil {
				return err
			}
		}
	}
	return nil
}

// tablesAt is where the tables of a block lie: one set is built while the other
// is queried.
func (x *stepEmission) tablesAt(block int) isa.Address {
	return at(isa.TableBuffer, uint64(block%2)*uint64(x.p.t.Cost.Tables))
}

// buildTables loads the input of a block and builds its tables.
func (x *stepEmission) buildTables(k *heldBlock, number int) error {
	d, input := x.windowTile(k.pixels)
	input.c0, input.c = k.inputs.start, k.inputs.size
	source, err := x.fetch(0, input)
	if err != nil {
		return err
	}
	t := x.p.codeTile(span{0, 1}, k.inputs)
	t.Layer, t.Window = d.Layer, d.Window
	t.Input, t.Output, t.Group, t.GroupOffset, t.Planes = source.view(), isa.View{Block: 1}, 0, 0, 1
	tables := x.tablesAt(number)
	x.peakTables = max(x.peakTables, tables.Offset+uint64(t.Tables()))
	return x.emit(isa.TableBuilder, isa.BuildTables, &t, isa.TraceRecord{Tensor: isa.NoTensor}, at(isa.ActivationBuffer, source.offset), tables)
}

// queryTables adds what the tables of a block give to the sums of a tile of
// output channels, and stores those after the last block.
func (x *stepEmission) queryTables(k *heldBlock, number int, c channelTile) error {
	parameters, err := x.fetchParameters(c)
	if err != nil {
		return err
	}
	weights, scales, t, err := x.fetchCodes(c, k.inputs, k.number)
	if err != nil {
		return err
	}
	b := k.pixels
	b.c0, b.c = c.start, c.size
	d, _ := x.windowTile(b)
	t.Layer, t.Window, t.Input = d.Layer, d.Window, isa.View{Block: 1}
	to := target{b: b, parameters: parameters, sums: 4 * uint64(b.h*b.w*(c.start-k.channels[0].start))}
	parts := ceilDivide(x.p.reduction, x.v.inputChannels)
	if k.number == parts-1 {
		to.p = x.targetPlace(b)
	}
	if err := x.emitPart(isa.LookupGEMM, isa.QueryTables, &t, &t.Window, k.number, parts, &to, x.tablesAt(number), weights, scales); err != nil {
		return err
	}
	if k.number < parts-1 {
		return nil
	}
	return x.finish(b, to.p)
}
