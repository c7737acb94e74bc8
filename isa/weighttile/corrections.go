package weighttile

import (
	"fmt"

	"github.com/npusim/npusim/isa"
	"github.com/npusim/npusim/isa/xorcode"
)

// Corrections counts the patches or corrections of every slice of a tile, plane
// after plane, without decoding it: what the time of decoding depends on. The
// descriptor is valid and fits its networks. A stream whose corrections do not
// have the length or the number that the descriptor states is an error.
func Corrections(t *isa.EncodedWeights, stream []byte) ([]int, error) {
	if len(stream) != t.StreamBytes() {
		return nil, fmt.Errorf("encoded weights: %d bytes, the descriptor has %d", len(stream), t.StreamBytes())
	}
	data := stream[t.CodeBytes:][:t.CorrectionBytes]
	bySlice := make([]int, t.Slices())
	slices, sum := t.PlaneSlices(), 0
	for k := range int(t.Bits) {
		own := bySlice[k*slices:][:slices]
		s := xorcode.Bitstream{Length: xorcode.Bits(8 * len(data)), Bytes: data}
		var length xorcode.Bits
		switch t.Codec {
		case isa.BlockCodec:
			width := 0
			patches := 0
			for i := range own {
				if i%xorcode.BlockSlices == 0 {
					width = int(s.At(length, xorcode.CountWidthBits))
					length += xorcode.CountWidthBits
				}
				own[i] = int(s.At(length, width))
				length += xorcode.Bits(width)
				patches += own[i]
			}
			length += xorcode.Bits(patches * xorcode.PositionBits(int(t.Outputs)))
			sum += patches
		case isa.SequentialCodec:
			for vector := 0; vector < int(t.Elements); vector += xorcode.VectorBits {
				for ; s.At(length, 1) != 0; length += xorcode.CorrectionBits {
					position := vector + int(s.At(length+1, xorcode.CorrectionBits-1))
					if position >= int(t.Elements) {
						return nil, fmt.Errorf("encoded weights: plane %d: a correction of weight %d of %d", k, position, t.Elements)
					}
					own[position/int(t.Outputs)]++
					sum++
				}
				length++
			}
		}
		if n := int((length + 7) / 8); n <= len(data) {
			data = data[n:]
		} else {
			return nil, fmt.Errorf("encoded weights: plane %d: %d bytes of corrections are needed, %d are left", k, n, len(data))
		}
	}
	switch {
	case len(data) > 0:
		return nil, fmt.Errorf("encoded weights: %d bytes of corrections are left over", len(data))
	case sum != int(t.Patches):
		return nil, fmt.Errorf("encoded weights: %d corrections, the descriptor states %d", sum, t.Patches)
	}
	return bySlice, nil
}
