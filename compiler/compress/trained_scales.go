package compress

import (
	"fmt"
	"math"

	"github.com/npusim/npusim/isa/fractionalcode"
	"github.com/npusim/npusim/isa/xorcode"
)

// integerScales finds the int8 scales [plane][channel] with which a code comes
// closest to quantized weights [channels][rest]: its own times a factor a
// channel, for quantization and what was folded into the weights. It returns the
// weights that they give, [channels][rest].
//
// The weights of a channel reach 127 at most, but the scales of a code may sum
// to more where no weight has all signs alike: then other scales that give the
// same weights are looked for.
func integerScales(code *fractionalcode.Code, quantized []int8) (scales, weights []int8, err error) {
	planes := make([]xorcode.Plane, len(code.Planes))
	for p := range planes {
		if planes[p], err = code.Plane(p); err != nil {
			return nil, nil, err
		}
	}
	patterns := make([]uint8, code.Weights) // [channels][rest], a bit a plane
	for i := range patterns {
		for p := range planes {
			if planes[p].Get(i) {
				patterns[code.TensorIndex(i)] |= 1 << p
			}
		}
	}
	scales, weights = make([]int8, len(planes)*code.Channels), make([]int8, code.Weights)
	rest := code.Weights / code.Channels
	for c := range code.Channels {
		own := patterns[c*rest:][:rest]
		s := newChannelScales(code, c, own, quantized[c*rest:][:rest])
		if s.sum() > fractionalcode.MaxSum {
			s.shorten()
		}
		rounded, fits := s.round()
		if !fits {
			return nil, nil, fmt.Errorf("no int8 scales give the weights of channel %d, whose own would be %.1f steps", c, s.values)
		}
		for p, v := range rounded {
			scales[p*code.Channels+c] = int8(v)
		}
		for k, pattern := range own {
			weights[c*rest+k] = int8(signedSum(rounded, pattern))
		}
	}
	return scales, weights, nil
}

// channelScales are the scales of a channel in steps of its int8 weights, and
// the patterns of signs that its weights have.
type channelScales struct {
	values   []float64 // by plane
	patterns []uint8   // each once, rising
}

func newChannelScales(code *fractionalcode.Code, channel int, patterns []uint8, quantized []int8) *channelScales {
	s := &channelScales{values: make([]float64, len(code.Planes))}
	for p := range s.values {
		s.values[p] = float64(code.Planes[p].Scales[channel])
	}
	var product, square float64
	var seen [1 << fractionalcode.MaxPlanes]bool
	for k, pattern := range patterns {
		w := signedSum(s.values, pattern)
		product += w * float64(quantized[k])
		square += w * w
		seen[pattern] = true
	}
	for pattern, is := range seen {
		if is {
			s.patterns = append(s.patterns, uint8(pattern))
		}
	}
	for p := range s.values {
		if square > 0 {
			s.values[p] *= product / square
		} else {
			s.values[p] = 0 // all weights are zero
		}
	}
	return s
}

// signedSum is a weight: the sum of the scales, minus where the pattern has 0.
func signedSum[T int | float64](scales []T, pattern uint8) T {
	var sum T
	for p, v := range scales {
		if pattern>>p&1 == 0 {
			v = -v
		}
		sum += v
	}
	return sum
}

func (s *channelScales) sum() float64 {
	sum := 0.0
	for _, v := range s.values {
		sum += math.Abs(v)
	}
	return sum
}

// shorten replaces the scales by those of the least sum of magnitudes that give
// the same weights. Such scales are zero but for planes whose signs are linearly
// independent, so that all sets of planes are tried.
func (s *channelScales) shorten() {
	wanted := make([]float64, len(s.patterns))
	reach := 0.0
	for i, pattern := range s.patterns {
		wanted[i] = signedSum(s.values, pattern)
		reach = max(reach, math.Abs(wanted[i]))
	}
	best, least := s.values, s.sum()
	for set := range 1 << len(s.values) {
		values := s.solve(uint(set), wanted)
		if values == nil {
			continue
		}
		candidate := &channelScales{values: values, patterns: s.patterns}
		same := true
		for i, pattern := range s.patterns {
			same = same && math.Abs(signedSum(values, pattern)-wanted[i]) <= 1e-6*(reach+1)
		}
		if sum := candidate.sum(); same && sum < least-1e-9 {
			best, least = values, sum
		}
	}
	s.values = best
}

// solve finds the least-squares scales of a set of planes; nil if their signs are
// not independent.
func (s *channelScales) solve(set uint, wanted []float64) []float64 {
	var planes []int
	for p := range s.values {
		if set>>p&1 != 0 {
			planes = append(planes, p)
		}
	}
	n := len(planes)
	a := make([][]float64, n) // normal equations, right-hand side last
	for i := range a {
		a[i] = make([]float64, n+1)
		for k, pattern := range s.patterns {
			sign := signOf(pattern, planes[i])
			for j := range planes {
				a[i][j] += sign * signOf(pattern, planes[j])
			}
			a[i][n] += sign * wanted[k]
		}
	}
	for i := range a {
		pivot := i
		for k := i + 1; k < n; k++ {
			if math.Abs(a[k][i]) > math.Abs(a[pivot][i]) {
				pivot = k
			}
		}
		if a[i], a[pivot] = a[pivot], a[i]; math.Abs(a[i][i]) < 1e-9 {
			return nil
		}
		for k := range a {
			if k == i {
				continue
			}
			f := a[k][i] / a[i][i]
			for j := i; j <= n; j++ {
				a[k][j] -= f * a[i][j]
			}
		}
	}
	values := make([]float64, len(s.values))
	for i, p := range planes {
		values[p] = a[i][n] / a[i][i]
	}
	return values
}

func signOf(pattern uint8, plane int) float64 {
	return float64(int(pattern>>plane&1)*2 - 1)
}

// round gives integer scales; where rounding takes a weight beyond 127, the
// scale that was rounded most towards it steps back. It does not fit if a scale
// or a weight stays beyond.
func (s *channelScales) round() (rounded []int, fits bool) {
	rounded = make([]int, len(s.values))
	for p, v := range s.values {
		v = math.Round(v)
		if math.Abs(v) > fractionalcode.MaxSum+1 {
			return nil, false
		}
		rounded[p] = int(min(max(v, -fractionalcode.MaxSum), fractionalcode.MaxSum))
	}
	for range 4 * len(rounded) {
		beyond := -1
		for i, pattern := range s.patterns {
			if sum := signedSum(rounded, pattern); max(sum, -sum) > fractionalcode.MaxSum {
				beyond = i
				break
			}
		}
		if beyond < 0 {
			return rounded, true
		}
		pattern := s.patterns[beyond]
		direction := 1.0
		if signedSum(rounded, pattern) < 0 {
			direction = -1
		}
		most, excess := 0, math.Inf(-1)
		for p := range rounded {
			if e := direction * signOf(pattern, p) * (float64(rounded[p]) - s.values[p]); e > excess {
				most, excess = p, e
			}
		}
		rounded[most] -= int(direction * signOf(pattern, most))
	}
	return nil, false
}
