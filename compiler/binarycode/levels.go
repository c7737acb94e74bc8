package binarycode

import (
	"cmp"
	"math"
	"slices"
)

// maxLevels is the number of magnitudes that four planes give.
const maxLevels = 1 << (maxPlanes - 1)

// levels are the magnitudes that scales give, ascending: one of each pair of a
// code and its complement, the one whose value is not negative.
type levels struct {
	planes int
	count  int // 2^(planes-1)
	value  [maxLevels]float64
	code   [maxLevels]uint8 // bit i is the sign of plane i for a positive weight
	// A weight takes level k if the bits of its magnitude are above exactly k of
	// the first count-1 bounds: the float32 at or below the midpoints.
	bound [maxLevels - 1]int64
}

// newLevels lists the levels of scales that are not negative.
func newLevels(alpha [maxPlanes]float64, planes int) levels {
	l := levels{planes: planes, count: 1 << (planes - 1)}
	type level struct {
		value float64
		code  uint8
	}
	var all [maxLevels]level
	for k := range l.count {
		code := uint8(k)<<1 | 1 // plane 0 positive, its complement is the other of the pair
		v := signed(alpha, planes, code)
		if v < 0 {
			v, code = -v, ^code&(1<<planes-1)
		}
		all[k] = level{v, code}
	}
	slices.SortFunc(all[:l.count], func(a, b level) int {
		return cmp.Or(cmp.Compare(a.value, b.value), cmp.Compare(a.code, b.code))
	})
	for k, v := range all[:l.count] {
		l.value[k], l.code[k] = v.value, v.code
	}
	for k := range l.bound {
		l.bound[k] = math.MaxInt64 // never
		if k+1 < l.count {
			middle := l.value[k] + (l.value[k+1]-l.value[k])/2
			b := float32(middle)
			if float64(b) > middle {
				b = math.Nextafter32(b, 0)
			}
			l.bound[k] = int64(math.Float32bits(b))
		}
	}
	return l
}

// signed is the sum of scales with the signs of a code.
func signed(alpha [maxPlanes]float64, planes int, code uint8) float64 {
	var v float64
	for i := range planes {
		if code>>i&1 != 0 {
			v += alpha[i]
		} else {
			v -= alpha[i]
		}
	}
	return v
}

// index is the level nearest to a weight, its lower one on a tie.
func (l *levels) index(w float32) int {
	// Magnitudes order as their bits do. A difference below 0 has its top bit set.
	magnitude := int64(math.Float32bits(w) &^ (1 << 31))
	switch l.planes {
	case 1:
		return 0
	case 2:
		return int(uint64(l.bound[0]-magnitude) >> 63)
	case 3:
		return int(uint64(l.bound[0]-magnitude)>>63 + uint64(l.bound[1]-magnitude)>>63 + uint64(l.bound[2]-magnitude)>>63)
	}
	above := uint64(0)
	for _, b := range l.bound {
		above += uint64(b-magnitude) >> 63
	}
	return int(above)
}

// nearest is the code of the level nearest to a weight.
func (l *levels) nearest(w float32) uint8 {
	code := l.code[l.index(w)]
	if w < 0 {
		return ^code & (1<<l.planes - 1)
	}
	return code
}
