package codecstudy

import (
	"fmt"
	"math"
	"slices"

	"github.com/npusim/npusim/compiler/codec"
	"github.com/npusim/npusim/compiler/prune"
	"github.com/npusim/npusim/isa/bitplane"
	"github.com/npusim/npusim/isa/xorcode"
)

// material is what a lossless codec is given: the planes of a tensor and the
// weights that must come out right.
type material struct {
	targets        []codec.Target
	keep           xorcode.Plane
	ints           []int8 // with 0 where pruned; nil for a plane of bits
	representation bitplane.Representation
	what           string // in words
	mask           *maskStudy
	notes          []string
}

// weightBits is the width that floating-point weights are quantized to.
const weightBits = 8

// prepare prunes and quantizes a source and cuts it into planes.
func prepare(s *Source, o *Options) (*material, error) {
	m := &material{mask: &maskStudy{}}
	if o.Mask == LowRankMask {
		if err := s.numbers("mask low-rank"); err != nil {
			return nil, err
		}
	}
	var err error
	switch {
	case s.Random() || s.bits != nil:
		err = m.bits(s, o)
	default:
		err = m.weights(s, o)
	}
	if err != nil {
		return nil, err
	}
	return m, nil
}

// bits takes a plane of bits, whose mask does not depend on them.
func (m *material) bits(s *Source, o *Options) error {
	n := s.Weights()
	plane := xorcode.Plane{}
	if s.Random() {
		plane = randomBits(n, o.Seed)
		m.what = fmt.Sprintf("one plane of random bits, seed %d", o.Seed)
	} else {
		plane = s.bits.Clone()
		m.what = "one plane of bits"
	}
	switch {
	case o.Mask == LowRankMask:
		if err := m.factor(magnitudes(randomReals(n, o.Seed)), s, o); err != nil {
			return err
		}
		m.what += ", pruned as if its weights were normal"
	case o.Sparsity == 0 && !s.Random():
		m.keep = allKept(n)
	default:
		m.keep = bernoulliMask(n, o.Sparsity, o.Seed)
		m.what += ", each pruned at random"
	}
	m.targets = []codec.Target{{Bits: plane, Care: m.keep}}
	return nil
}

// weights takes a tensor of numbers.
func (m *material) weights(s *Source, o *Options) error {
	m.ints = slices.Clone(s.ints)
	reals := s.reals
	if reals == nil {
		m.what = "int8 weights"
		reals = make([]float32, len(s.ints))
		for i, w := range s.ints {
			reals[i] = float32(w)
		}
	}
	m.keep = allKept(len(reals))
	scores := magnitudes(reals)
	switch {
	case o.Mask == LowRankMask:
		if err := m.factor(scores, s, o); err != nil {
			return err
		}
	case o.Sparsity > 0:
		keep, err := prune.Select(scores, o.Sparsity)
		if err != nil {
			return err
		}
		m.keep = keep
	}
	if m.ints == nil {
		m.quantize(reals)
	}
	if o.Sparsity > 0 && o.Mask != LowRankMask {
		m.what += fmt.Sprintf(", pruned by magnitude to %g", o.Sparsity)
	}
	m.representation = bitplane.SignMagnitude
	for i, w := range m.ints {
		switch {
		case !m.keep.Get(i):
			m.ints[i] = 0
		case w == 0 && o.Mask != LowRankMask: // the mask gives the zeros
			m.keep.Set(i, false)
		case w == math.MinInt8:
			m.representation = bitplane.TwosComplement
		}
	}
	planes, err := bitplane.Split(m.ints, weightBits, m.representation)
	if err != nil {
		return err
	}
	for _, p := range planes {
		m.targets = append(m.targets, codec.Target{Bits: p, Care: m.keep})
	}
	if m.representation == bitplane.TwosComplement {
		m.notes = append(m.notes, "-128 occurs, which sign and magnitude of 8 bits do not have: two's complement")
	}
	return nil
}

// quantize rounds to int8 with one scale, by the largest magnitude.
func (m *material) quantize(reals []float32) {
	most := 0.0
	for _, x := range reals {
		most = math.Max(most, math.Abs(float64(x)))
	}
	m.ints = make([]int8, len(reals))
	if most > 0 {
		for i, x := range reals {
			m.ints[i] = int8(math.RoundToEven(float64(x) / most * math.MaxInt8))
		}
	}
	m.what = fmt.Sprintf("floating-point weights, quantized to int8 with one scale, %.4g", most/math.MaxInt8)
}

// factor prunes by scores so that the mask has a low rank.
func (m *material) factor(scores []float32, s *Source, o *Options) error {
	rows, cols, err := s.matrix()
	if err != nil {
		return err
	}
	o.report("low-rank mask", 0, 0)
	shape, err := prune.BestLowRank(scores, rows, cols, o.Sparsity, o.MaskBits)
	if err != nil {
		return fmt.Errorf("mask low-rank of at most %g bits a weight (mask-bits): %w", o.MaskBits, err)
	}
	f, err := prune.Factor(scores, rows, cols, o.Sparsity, shape)
	if err != nil {
		return err
	}
	m.keep, m.mask.factorization = f.Mask, f
	return nil
}

func magnitudes(reals []float32) []float32 {
	list := make([]float32, len(reals))
	for i, x := range reals {
		list[i] = float32(math.Abs(float64(x)))
	}
	return list
}

func allKept(n int) xorcode.Plane {
	keep := xorcode.NewPlane(n)
	keep.Invert()
	return keep
}
