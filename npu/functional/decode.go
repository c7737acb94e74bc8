package functional

import (
	"fmt"

	"github.com/npusim/npusim/isa"
	"github.com/npusim/npusim/isa/weighttile"
)

// encodedTile is a tile of encoded weights as a program loads it.
type encodedTile struct {
	offset     uint64 // in the weights region
	descriptor uint32
}

// decodeWeights sends every tile of encoded weights through the decryption
// units once. The weights region never changes, so each later load of a tile
// brings the same bytes. A stream that contradicts its descriptor is an error
// that names the instruction.
func (e *Engine) decodeWeights() error {
	p := e.program
	stream := e.streams[isa.LoadDMA]
	if stream == nil || len(p.Networks) == 0 || len(p.Code[isa.LoadDMA]) == 0 {
		return nil
	}
	e.decoded = map[encodedTile][]int8{}
	cursor := stream.Cursor()
	var d isa.Dynamic
	var total uint64
	for cursor.Next(&d) {
		if d.Instruction.Op != isa.LoadEncoded {
			continue
		}
		tile := encodedTile{d.Offsets[0], d.Instruction.Descriptor}
		if e.decoded[tile] != nil {
			continue
		}
		t := p.Descriptors[tile.descriptor].(*isa.EncodedWeights)
		if total += uint64(t.Elements); total > maxRegionBytes {
			return fmt.Errorf("program %s decodes to more than %d GiB of weights: too much to execute on this host", p.Name, maxRegionBytes>>30)
		}
		weights := make([]int8, t.Elements)
		if err := weighttile.Decode(weights, t, p.Networks, p.Constants[tile.offset:][:t.StreamBytes()]); err != nil {
			return fmt.Errorf("program %s: unit %s, instruction %d (%s) of layer %q: %w", p.Name, isa.LoadDMA, d.Index, d.Instruction.Op, p.Layers[t.Layer].Name, err)
		}
		e.decoded[tile] = weights
	}
	return nil
}

// loadEncoded writes decoded weights to the weight buffer.
func (s *State) loadEncoded(d *isa.Dynamic) {
	copy(s.buffer[isa.WeightBuffer][d.Offsets[1]:], s.engine.decoded[encodedTile{d.Offsets[0], d.Instruction.Descriptor}])
}
