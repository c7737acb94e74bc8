package bitplane

import (
	"fmt"
	"math/bits"

	"github.com/npusim/npusim/isa/xorcode"
)

// Split cuts weights into planes of one bit a weight, plane 0 the lowest bit.
// A weight outside the range of the representation is an error that names its
// place; so -128 does not fit sign-magnitude, and neither 0 nor 2 a binary
// code, whose pruned weights may stand as either of -1 and +1.
func Split(values []int8, width int, r Representation) ([]xorcode.Plane, error) {
	if err := r.check(width); err != nil {
		return nil, err
	}
	planes := make([]xorcode.Plane, width)
	for j := range planes {
		planes[j] = xorcode.NewPlane(len(values))
	}
	var b block
	for w := range xorcode.Words(len(values)) {
		part := values[64*w : min(64*w+64, len(values))]
		present := ^uint64(0) >> (64 - len(part))
		b.load(part)
		b.toPlanes()
		if bad := b.split(width, r) & present; bad != 0 {
			i := 64*w + bits.TrailingZeros64(bad)
			low, high := r.Range(width)
			return nil, fmt.Errorf("bit planes: weight %d is %d, %v of %d bits holds %s", i, values[i], r, width, rangeText(r, low, high))
		}
		for j := range planes {
			planes[j].Words[w] = b[j] & present
		}
	}
	return planes, nil
}

func rangeText(r Representation, low, high int) string {
	if r == BinaryCode {
		return "-1 and +1"
	}
	return fmt.Sprintf("%d to %d", low, high)
}

// split turns planes of two's complement bytes into the low planes of the
// representation, and tells which weights do not fit.
func (b *block) split(width int, r Representation) (bad uint64) {
	sign := b[7]
	switch r {
	case TwosComplement:
		for _, x := range b[width-1 : 7] {
			bad |= x ^ sign
		}
	case SignMagnitude:
		b.negate(sign)
		for _, x := range b[width-1:] {
			bad |= x
		}
		b[width-1] = sign
	case BinaryCode:
		// +1 is 00000001 and -1 is 11111111.
		bad = ^b[0]
		for _, x := range b[1:7] {
			bad |= x ^ sign
		}
		b[0] = ^sign
	}
	return bad
}
