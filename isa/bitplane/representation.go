package bitplane

import "fmt"

// Representation says what the bits of a weight mean.
type Representation uint8

// Representations of weights of b bits.
const (
	InvalidRepresentation Representation = iota
	// TwosComplement holds -2^(b-1) .. 2^(b-1)-1; plane b-1 is the sign.
	TwosComplement
	// SignMagnitude holds -(2^(b-1)-1) .. 2^(b-1)-1 as b-1 planes of magnitude
	// and the sign, 1 for negative, as plane b-1. A negative zero reads as 0
	// and is never written.
	SignMagnitude
	// BinaryCode holds -1 and +1 in a single plane, 1 for +1. A binary code
	// of q levels is q such planes with a scale each.
	BinaryCode
	representationEnd
)

// Bits that a weight may have where its representation leaves the choice.
const (
	MinBits = 2
	MaxBits = 8
)

// representations holds what differs between them: the name and the number of
// planes.
var representations = [representationEnd]struct {
	name     string
	min, max int
}{
	InvalidRepresentation: {name: "invalid"},
	TwosComplement:        {"two's complement", MinBits, MaxBits},
	SignMagnitude:         {"sign-magnitude", MinBits, MaxBits},
	BinaryCode:            {"binary code", 1, 1},
}

func (r Representation) String() string {
	if r < representationEnd {
		return representations[r].name
	}
	return fmt.Sprintf("Representation(%d)", uint8(r))
}

// check refuses unknown representations and widths.
func (r Representation) check(bits int) error {
	if r == InvalidRepresentation || r >= representationEnd {
		return fmt.Errorf("bit planes: %v is no representation", r)
	}
	if row := representations[r]; bits < row.min || bits > row.max {
		return fmt.Errorf("bit planes: %d bits in %v, %d to %d are possible", bits, r, row.min, row.max)
	}
	return nil
}

// Range is the smallest and largest weight of b bits. A binary code holds
// nothing in between.
func (r Representation) Range(bits int) (low, high int) {
	switch r {
	case TwosComplement:
		return -1 << (bits - 1), 1<<(bits-1) - 1
	case SignMagnitude:
		return 1 - 1<<(bits-1), 1<<(bits-1) - 1
	case BinaryCode:
		return -1, 1
	}
	return 0, 0
}
