package lower

import (
	"fmt"

	"github.com/npusim/npusim/compiler/integer"
	"github.com/npusim/npusim/isa"
	"github.com/npusim/npusim/isa/xorcode"
)

// TilePlace is the part of a layer's weights that a tile holds: output channels,
// and input channels within their group.
type TilePlace struct{ Outputs, OutputCount, Inputs, InputCount int }

// WeightEncoder codes the weight tiles of layers for the decryption units. It
// may be called from several goroutines.
type WeightEncoder interface {
	// Tile codes a tile of a layer's weights in streaming order, whose channels
	// are innermost. A nil descriptor leaves the tile plain. Layer of the
	// descriptor is up to the caller.
	Tile(layer string, place TilePlace, weights []int8, channels int) (*isa.EncodedWeights, []byte, error)
	// Estimate is what a tile of so many weights will about be, for planning; nil
	// where it stays plain. Its CodeBytes are exact.
	Estimate(layer string, elements, channels int) *isa.EncodedWeights
	// Networks is the table that the descriptors name rows of.
	Networks() []*xorcode.Network
}

// weightBytes is about what the weights of a convolution take in DRAM.
func (p *shape) weightBytes(n *integer.Node) int64 {
	elements := int(n.Convolution.WeightElements(p.layouts[0].channels, p.output.Channels))
	if p.encoder != nil {
		if t := p.encoder.Estimate(n.Name, elements, p.output.Channels); t != nil {
			return int64(t.StreamBytes())
		}
	}
	return int64(isa.PackedBytes(elements, int(n.Convolution.WeightBits)))
}

// encodedTile is a weight tile in DRAM.
type encodedTile struct {
	descriptor *isa.EncodedWeights
	from       uint64
}

// encode stores a coded weight tile; descriptor is nil if it stays plain.
func (x *stepEmission) encode(c channelTile, inputs span, elements int) (encodedTile, error) {
	encoder := x.l.options.Encoder
	if encoder == nil {
		return encodedTile{}, nil
	}
	name := x.s.anchor.Name
	if x.l.options.ShapeOnly {
		d := encoder.Estimate(name, elements, c.size)
		if d == nil {
			return encodedTile{}, nil
		}
		d.Layer = uint16(x.s.index)
		return encodedTile{d, x.constant(d.StreamBytes(), nil)}, nil
	}
	d, stream, err := encoder.Tile(name, TilePlace{c.start, c.size, inputs.start, inputs.size}, weightTile(x.s.anchor.Convolution, c.span, inputs), c.size)
	if err != nil || d == nil {
		return encodedTile{}, err
	}
	if d.StreamBytes() != len(stream) {
		return encodedTile{}, fmt.Errorf("a coded tile of %d bytes has a descriptor of %d", len(stream), d.StreamBytes())
	}
	d.Layer = uint16(x.s.index)
	return encodedTile{d, x.constant(len(stream), func() []byte { return stream })}, nil
}
