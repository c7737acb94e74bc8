package codecstudy

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"

	"github.com/npusim/npusim/compiler/dataset"
	"github.com/npusim/npusim/isa/weightmask"
	"github.com/npusim/npusim/isa/xorcode"
)

// Limits of the material. What has a number for each weight, rather than a bit,
// takes 4 bytes of it.
const (
	MaxWeights = weightmask.MaxWeights
	MaxNumbers = 1 << 27
)

// Source is what a study works on: a tensor, or the shape of a random one.
type Source struct {
	Name       string // for people: a file, or what is random
	Shape      []int
	Rows, Cols int // the first axis by everything else
	// One of these, or none: random.
	bits  *xorcode.Plane
	ints  []int8
	reals []float32
}

// Weights is the number of weights.
func (s *Source) Weights() int { return s.Rows * s.Cols }

// Random is whether the material is drawn.
func (s *Source) Random() bool { return s.bits == nil && s.ints == nil && s.reals == nil }

// RandomSource reads a size: a number of weights, such as 200000, or a matrix,
// such as 4096x9216.
func RandomSource(size string) (*Source, error) {
	s := &Source{Name: "random"}
	for part := range strings.SplitSeq(size, "x") {
		n, err := strconv.Atoi(part)
		if err != nil || n < 1 || n > MaxWeights {
			return nil, fmt.Errorf("random %s: must be a count of 1 to %d weights, or rows x columns such as 4096x9216", size, MaxWeights)
		}
		s.Shape = append(s.Shape, n)
	}
	switch len(s.Shape) {
	case 1:
		s.Rows, s.Cols = 1, s.Shape[0]
	case 2:
		s.Rows, s.Cols = s.Shape[0], s.Shape[1]
	default:
		return nil, fmt.Errorf("random %s: has %d dimensions, must have 1 or 2", size, len(s.Shape))
	}
	if s.Rows > MaxWeights/s.Cols {
		return nil, fmt.Errorf("random %s: must have at most %d weights", size, MaxWeights)
	}
	return s, nil
}

// ArraySource takes an array: int8 weights, floating-point weights, or bits as
// bool, or uint8 of 0 and 1. Name is that of errors and reports.
func ArraySource(name string, a *dataset.Array) (*Source, error) {
	s := &Source{Name: name, Shape: a.Shape, Rows: 1}
	fail := func(format string, arguments ...any) (*Source, error) {
		return nil, fmt.Errorf("%s: %s", name, fmt.Sprintf(format, arguments...))
	}
	n := a.Elements()
	most := MaxNumbers
	if a.Type == dataset.Bool || a.Type == dataset.Uint8 {
		most = MaxWeights
	}
	if n < 1 || n > most {
		return fail("%d elements: must have 1 to %d", n, most)
	}
	if len(a.Shape) > 1 {
		s.Rows = a.Shape[0]
	}
	s.Cols = n / s.Rows
	switch {
	case a.Type == dataset.Int8:
		s.ints = make([]int8, n)
		for i, b := range a.Bytes() {
			s.ints[i] = int8(b)
		}
	case a.Type.IsFloat():
		s.reals = a.Floats()
		for i, x := range s.reals {
			if math.IsNaN(float64(x)) || math.IsInf(float64(x), 0) {
				return fail("element %d is %g, must be finite", i, x)
			}
		}
	case a.Type == dataset.Bool || a.Type == dataset.Uint8:
		plane := xorcode.NewPlane(n)
		for i, b := range a.Bytes() {
			if b > 1 && a.Type == dataset.Uint8 {
				return fail("element %d is %d: elements of uint8 are bits, 0 or 1; weights are int8 or floating-point", i, b)
			}
			if b != 0 {
				plane.Set(i, true)
			}
		}
		s.bits = &plane
	default:
		return fail("elements of %v: must be int8 or floating-point weights, or bits as bool or uint8", a.Type)
	}
	return s, nil
}

// Streams of random numbers of one seed.
const (
	bitStream  = 0x626974
	maskStream = 0x6d61736b
	realStream = 0x7265616c
)

// randomBits draws a plane of fair bits.
func randomBits(n int, seed uint64) xorcode.Plane {
	r := rand.New(rand.NewPCG(seed, bitStream))
	plane := xorcode.NewPlane(n)
	for i := range plane.Words {
		plane.Words[i] = r.Uint64()
	}
	if last := n % 64; last != 0 {
		plane.Words[len(plane.Words)-1] &= 1<<last - 1
	}
	return plane
}

// bernoulliMask prunes each weight with the probability of the sparsity. What a
// lower sparsity prunes of the same seed, a higher one prunes too.
func bernoulliMask(n int, sparsity float64, seed uint64) xorcode.Plane {
	r := rand.New(rand.NewPCG(seed, maskStream))
	keep := xorcode.NewPlane(n)
	for i := range n {
		if r.Float64() >= sparsity {
			keep.Set(i, true)
		}
	}
	return keep
}

// randomReals draws normal numbers of mean 0 and deviation 1.
func randomReals(n int, seed uint64) []float32 {
	r := rand.New(rand.NewPCG(seed, realStream))
	list := make([]float32, n)
	for i := range list {
		list[i] = float32(r.NormFloat64())
	}
	return list
}

// matrix is the shape that a low-rank mask cuts into tiles. A random vector is
// folded to be as square as its length allows.
func (s *Source) matrix() (rows, cols int, err error) {
	rows, cols = s.Rows, s.Cols
	if s.Random() && len(s.Shape) == 1 {
		n := s.Weights()
		for d := 1; d*d <= n; d++ {
			if n%d == 0 {
				rows, cols = d, n/d
			}
		}
	}
	if rows < minSide || cols < minSide {
		return 0, 0, fmt.Errorf("mask low-rank: a matrix of %d x %d: must have %d rows and columns at least", rows, cols, minSide)
	}
	return rows, cols, nil
}

// minSide is the least side of a matrix whose low-rank mask could be smaller
// than the matrix.
const minSide = 8

// numbers refuses what would take a number for each of too many weights.
func (s *Source) numbers(what string) error {
	if s.Weights() > MaxNumbers {
		return fmt.Errorf("%s: %d weights: must be at most %d", what, s.Weights(), MaxNumbers)
	}
	return nil
}
