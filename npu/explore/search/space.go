package search

import (
	"fmt"
	"math"
	"math/bits"
)

// Axis is one dimension of a space.
type Axis struct {
	Size    int  // number of values, at least 1
	Ordered bool // neighbouring values are alike, as sizes are and names are not
}

// Space is a product of axes. Points count from 0 to Points()-1, the last axis
// fastest.
type Space []Axis

// MaxPoints bounds a space, so that point numbers are exact as floats, as
// which JSON tools read them.
const MaxPoints = 1 << 53

// Points is the number of points; an error if there are more than MaxPoints.
func (s Space) Points() (int64, error) {
	points := uint64(1)
	for i, axis := range s {
		if axis.Size < 1 {
			return 0, fmt.Errorf("axis %d has no values", i)
		}
		high, low := bits.Mul64(points, uint64(axis.Size))
		if high != 0 || low > MaxPoints {
			return 0, fmt.Errorf("more than %d points", int64(MaxPoints))
		}
		points = low
	}
	return int64(points), nil
}

// Point is the number of the point with these value indices.
func (s Space) Point(indices []int) int64 {
	point := int64(0)
	for i, axis := range s {
		point = point*int64(axis.Size) + int64(indices[i])
	}
	return point
}

// Indices stores the value index of each axis of a point.
func (s Space) Indices(point int64, into []int) {
	for i := len(s) - 1; i >= 0; i-- {
		size := int64(s[i].Size)
		into[i] = int(point % size)
		point /= size
	}
}

// Score is how a point did. Objectives are to be small. Violation is 0 if the
// point meets its constraints, else more; a point without objectives has
// Violation +Inf and is worse than every other.
type Score struct {
	Objectives []float64
	Violation  float64
}

// Failed is the score of a point that could not be evaluated.
func Failed() Score { return Score{Violation: math.Inf(1)} }

// Batch is a set of points to evaluate, which may happen in any order.
type Batch struct {
	Rung   int // of successive halving, from 0; the last rung is the full evaluation
	Points []int64
}

// Strategy proposes batches until it has none. Tell follows each Ask, with the
// scores of the batch in its order.
type Strategy interface {
	Ask() (Batch, bool)
	Tell(scores []Score)
	// Evaluations is how many evaluations all batches together will take at
	// most, 0 if that is not known.
	Evaluations() int64
}

// Allowed tells whether a point may be evaluated at all.
type Allowed func(point int64) bool
