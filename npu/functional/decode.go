package functional

import (
	"fmt"
	"unsafe"

	"github.com/npusim/npusim/isa"
	"github.com/npusim/npusim/isa/binarycode"
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
		if d.Instruction.Op != isa.LoadEncoded && d.Instruction.Op != isa.LoadSealed {
			continue
		}
		tile := encodedTile{d.Offsets[0], d.Instruction.Descriptor}
		if e.decoded[tile] != nil {
			continue
		}
		size, decode := e.decoder(tile)
		if total += uint64(size); total > maxRegionBytes {
			return fmt.Errorf("program %s decodes to more than %d GiB of weights: too much to execute on this host", p.Name, maxRegionBytes>>30)
		}
		weights := make([]int8, size)
		if err := decode(weights); err != nil {
			layer := p.Layers[p.Descriptors[tile.descriptor].LayerIndex()].Name
			return fmt.Errorf("program %s: unit %s, instruction %d (%s) of layer %q: %w", p.Name, isa.LoadDMA, d.Index, d.Instruction.Op, layer, err)
		}
		e.decoded[tile] = weights
	}
	return nil
}

// decoder is the number of bytes that a tile decodes to, and how.
func (e *Engine) decoder(tile encodedTile) (size int, decode func(into []int8) error) {
	p := e.program
	if t, is := p.Descriptors[tile.descriptor].(*isa.SealedKeys); is {
		return t.KeyBytes(), func(into []int8) error {
			bytes := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(into))), len(into))
			return binarycode.Unseal(bytes, p.Constants[tile.offset:][:t.CodeBytes], int(t.Rows), int(t.Keys), int(t.Mu), p.Networks[t.Network:][:t.Planes])
		}
	}
	t := p.Descriptors[tile.descriptor].(*isa.EncodedWeights)
	return int(t.Elements), func(into []int8) error {
		return weighttile.Decode(into, t, p.Networks, p.Constants[tile.offset:][:t.StreamBytes()])
	}
}

// loadEncoded writes decoded weights to the weight buffer.
func (s *State) loadEncoded(d *isa.Dynamic) {
	copy(s.buffer[isa.WeightBuffer][d.Offsets[1]:], s.engine.decoded[encodedTile{d.Offsets[0], d.Instruction.Descriptor}])
}
