package bitplane

import (
	"fmt"

	"github.com/npusim/npusim/isa/xorcode"
)

// Assemble is the inverse of [Split] under a mask: dst[i] becomes the weight
// that the planes hold at bit i where keep has bit i, and 0 elsewhere. The
// number of planes is the width of the weights. Planes and mask have as many
// bits as dst has weights.
func Assemble(dst []int8, planes []xorcode.Plane, keep xorcode.Plane, r Representation) error {
	if err := r.check(len(planes)); err != nil {
		return err
	}
	for j, p := range planes {
		if p.Len() != len(dst) || len(p.Words) != xorcode.Words(len(dst)) {
			return fmt.Errorf("bit planes: plane %d has %d bits for %d weights", j, p.Len(), len(dst))
		}
	}
	if keep.Len() != len(dst) || len(keep.Words) != xorcode.Words(len(dst)) {
		return fmt.Errorf("bit planes: the mask has %d bits for %d weights", keep.Len(), len(dst))
	}
	var b block
	for w, kept := range keep.Words {
		part := dst[64*w : min(64*w+64, len(dst))]
		if kept == 0 {
			clear(part)
			continue
		}
		for j := range planes {
			b[j] = planes[j].Words[w]
		}
		b.assemble(len(planes), r)
		for j := range b {
			b[j] &= kept
		}
		b.toBytes()
		b.store(part)
	}
	return nil
}

// assemble turns the low planes of the representation into planes of two's
// complement bytes.
func (b *block) assemble(width int, r Representation) {
	switch r {
	case TwosComplement:
		for j := width; j < 8; j++ {
			b[j] = b[width-1]
		}
	case SignMagnitude:
		sign := b[width-1]
		for j := width - 1; j < 8; j++ {
			b[j] = 0
		}
		b.negate(sign)
	case BinaryCode:
		sign := ^b[0]
		b[0] = ^uint64(0)
		for j := 1; j < 8; j++ {
			b[j] = sign
		}
	}
}
