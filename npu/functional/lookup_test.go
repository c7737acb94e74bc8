package functional_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/npusim/npusim/isa"
)

// TestLookup cuts the input channels of a product of binary codes into one or
// two instructions that hand their sums on in the accumulators, for keys of any
// width, groups and places of the tile in its first group.
func TestLookup(t *testing.T) {
	checkAll(t, func(t *rapid.T) {
		b := newBench(t, isa.LookupGEMM)
		w := drawWindow(t)
		inputs, outputs := rapid.IntRange(1, 12).Draw(t, "inputs"), rapid.IntRange(1, 12).Draw(t, "outputs")
		parts := rapid.IntRange(1, min(2, inputs)).Draw(t, "parts")
		d := drawConvolution(t, &w, outputs)
		in := drawPlace(t, "input", 0, inputs, w.inputRows, w.inputColumns)
		out := drawPlace(t, "output", bufferBytes/2, outputs, w.outputRows, w.outputColumns)
		const parameters, scales = 12 << 10, 8 << 10
		biases, multipliers, shifts := b.parameterBlock(t, parameters, outputs, &d)
		planes := rapid.IntRange(1, 4).Draw(t, "planes")
		cells := w.kernel[0] * w.kernel[1]
		first := func(part int) int { return part * inputs / parts }
		tiles := make([]isa.LookupTile, parts)
		keysAt, scalesAt := make([]int, parts), make([]int, parts)
		nextTable := 0
		nextKey, nextScale := rapid.IntRange(0, 9).Draw(t, "keys"), scales
		for k := range parts {
			tile := &tiles[k]
			mu := rapid.IntRange(2, 10).Draw(t, "mu")
			*tile = isa.LookupTile{InputChannels: uint32(first(k+1) - first(k)), OutputChannels: uint32(outputs), Mu: uint8(mu), Planes: uint8(planes), Window: d.Window}
			tile.First, tile.Last, tile.Output = k == 0, k == parts-1, isa.View{Block: 1}
			if keys := rapid.IntRange(0, 4).Draw(t, "group"); keys > 0 {
				tile.Group = uint32(keys * mu)
				tile.GroupOffset = uint32(mu * rapid.IntRange(0, keys-1).Draw(t, "group offset"))
			}
			from := in
			from.base += (int(in.ChannelOffset) + first(k)) / int(in.Block) * int(in.BlockStride)
			from.ChannelOffset = uint16((int(in.ChannelOffset) + first(k)) % int(in.Block))
			tile.Input = from.View
			keysAt[k], scalesAt[k] = nextKey, nextScale
			nextKey += tile.KeyBytes()
			nextScale += tile.ScaleBytes()
			if nextKey > scales || nextScale > parameters {
				t.Skip("the codes do not fit the bench")
			}
			for i := scalesAt[k]; i < nextScale; i += 2 { // small enough for sums of 32 bits
				b.constants[i+1] = int8(b.constants[i+1]) >> 5
			}
			operands := []isa.Address{activation(from.base), weight(keysAt[k]), {}, {}, {}, weight(scalesAt[k])}
			if tile.First || tile.Last {
				operands[2] = weight(parameters)
			}
			if !tile.First || !tile.Last {
				operands[3] = isa.Address{Space: isa.AccumulatorBuffer}
			}
			if tile.Last {
				tile.Output = out.View
				operands[4] = activation(out.base)
			}
			if rapid.Bool().Draw(t, "held") {
				tables := isa.Address{Space: isa.TableBuffer, Offset: uint64(nextTable)}
				nextTable += tile.Tables() + rapid.IntRange(0, 2).Draw(t, "tables apart")
				b.build(tile, operands[0], tables)
				operands[0] = tables
				b.add(isa.QueryTables, tile, operands...)
				continue
			}
			b.add(isa.Lookup, tile, operands...)
		}

		// bit reads a sign, column by column, from the keys of a row.
		bit := func(k, plane, row, column int) int64 {
			tile := &tiles[k]
			at := row*tile.Keys()*int(tile.Mu) + column
			return int64(uint8(b.constants[keysAt[k]+plane*tile.PlaneBytes()+at/8]) >> (at % 8) & 1)
		}
		scale := func(k, group, plane, row int) int64 {
			at := scalesAt[k] + 2*((group*planes+plane)*outputs+row)
			return int64(int16(uint16(uint8(b.constants[at])) | uint16(uint8(b.constants[at+1]))<<8))
		}
		want := slices.Clone(b.memory)
		for o := range outputs {
			for h := range w.outputRows {
				for x := range w.outputColumns {
					sum := biases[o]
					for k := range parts {
						for j := range tiles[k].Columns() {
							u := int64(0) // padding
							if iy, ix, inside := w.inside(h, x, j%cells/w.kernel[1], j%w.kernel[1]); inside {
								u = int64(b.memory[in.at(first(k)+j/cells, iy, ix)]) - int64(d.PadValue)
							}
							group := 0
							if tiles[k].Group > 0 {
								group = (int(tiles[k].GroupOffset) + j) / int(tiles[k].Group)
							}
							for plane := range planes {
								sum += (2*bit(k, plane, o, j) - 1) * u * scale(k, group, plane, o)
							}
						}
					}
					want[out.at(o, h, x)] = requantize(sum, multipliers[o], shifts[o], d.Zero, d.Low, d.High)
				}
			}
		}
		b.expect(t, want)
	})
}
