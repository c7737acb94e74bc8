package binarycode

import (
	"math"

	"github.com/npusim/npusim/isa/binarycode"
)

// momentScratch is the memory of refine.
type momentScratch struct {
	coded    []float64 // w'
	gradient []float64 // H (w - w')
	lost     []float64
	product  [maxPlanes][]float64 // H restricted to the group's columns, times a plane's signs
	codes    []uint8
	best     []uint8
}

func (s *momentScratch) size(n int) {
	if len(s.coded) == n {
		return
	}
	s.coded, s.gradient, s.lost = make([]float64, n), make([]float64, n), make([]float64, n)
	s.codes, s.best = make([]uint8, n), make([]uint8, n)
	for i := range s.product {
		s.product[i] = make([]float64, n)
	}
}

// momentRounds bounds the rounds of refine, each of some Planes * Columns^2 steps
// a row.
const momentRounds = 20

// refine lowers (w - w')' H (w - w') of a row from the solution for the diagonal
// of H. Each round solves the scales of each group with all else fixed, then
// chooses the code of each column with all else fixed: the level nearest to
// w' + gradient/H[j][j]. It keeps the best round.
func (q *quantizer) refine(s *binarycode.Span, row int, scratch *momentScratch) {
	shape := &q.result.Shape
	n, groups := shape.Columns, shape.Groups()
	scratch.size(n)
	r := &refinement{momentScratch: scratch, shape: shape, moment: q.moment, planes: s.Planes, weights: q.weights[row*n : (row+1)*n]}
	r.alpha = make([][maxPlanes]float64, groups)
	scales := q.result.Scales[s.ScaleIndex(row, 0):][:groups*s.Planes]
	for j := range n {
		r.codes[j] = 0
		for plane := range s.Planes {
			r.codes[j] |= uint8(s.Plane(q.result.Bits, row, plane)[j>>6]>>(j&63)&1) << plane
		}
	}
	r.load(scales)
	best := r.loss()
	bestScales := make([]float32, len(scales))
	improved := false
	for range min(q.options.Rounds, momentRounds) {
		changed := 0
		for g := range groups {
			r.solveScales(g)
			changed += r.chooseCodes(g)
		}
		// What counts is the error with the scales that are kept.
		rounded := make([]float32, len(scales))
		for g := range groups {
			for i := range s.Planes {
				rounded[g*s.Planes+i] = float32(r.alpha[g][i])
			}
		}
		r.load(rounded)
		loss := r.loss()
		if loss < best {
			best, improved = loss, true
			copy(bestScales, rounded)
			copy(r.best, r.codes)
		}
		if changed == 0 || !(loss <= best) {
			break
		}
	}
	if !improved {
		return
	}
	copy(scales, bestScales)
	for plane := range s.Planes {
		words := s.Plane(q.result.Bits, row, plane)
		clear(words)
		for j, c := range r.best {
			words[j>>6] |= uint64(c>>plane&1) << (j & 63)
		}
	}
	r.flipNegative(q, s, row)
}

// refinement is one row's.
type refinement struct {
	*momentScratch
	shape   *binarycode.Shape
	moment  []float64
	planes  int
	weights []float32
	alpha   [][maxPlanes]float64 // by group
}

// load takes scales and brings w' and the gradient in line with them.
func (r *refinement) load(scales []float32) {
	n := r.shape.Columns
	for g := range r.alpha {
		for i := range r.planes {
			r.alpha[g][i] = float64(scales[g*r.planes+i])
		}
		from, to := r.shape.GroupColumns(g)
		for j := from; j < to; j++ {
			r.coded[j] = signed(r.alpha[g], r.planes, r.codes[j])
			r.lost[j] = float64(r.weights[j]) - r.coded[j]
		}
	}
	for j := range n {
		r.gradient[j] = dot(r.moment[j*n:(j+1)*n], r.lost)
	}
}

// loss is the error of the row right after load.
func (r *refinement) loss() float64 { return dot(r.lost, r.gradient) }

// solveScales solves B'HB delta = B'H(w - w') for the change of a group's scales.
func (r *refinement) solveScales(g int) {
	n := r.shape.Columns
	from, to := r.shape.GroupColumns(g)
	for i := range r.planes {
		signs := r.lost[:to-from]
		for j := from; j < to; j++ {
			signs[j-from] = float64(int(r.codes[j]>>i&1)*2 - 1)
		}
		for k := range n {
			r.product[i][k] = dot(r.moment[k*n+from:k*n+to], signs)
		}
	}
	var e normalEquations
	for j := from; j < to; j++ {
		for i := range r.planes {
			sign := float64(int(r.codes[j]>>i&1)*2 - 1)
			e.right[i] += float64(sign * r.gradient[j])
			for k := range r.planes {
				e.matrix[i][k] += float64(sign * r.product[k][j])
			}
		}
	}
	delta := e.solve(r.planes)
	for i := range r.planes {
		r.alpha[g][i] += delta[i]
		for k, v := range r.product[i] {
			r.gradient[k] -= float64(delta[i] * v)
		}
	}
	for j := from; j < to; j++ {
		r.coded[j] = signed(r.alpha[g], r.planes, r.codes[j])
	}
}

// chooseCodes chooses the code of each column of a group, one after the other,
// and returns how many changed.
func (r *refinement) chooseCodes(g int) (changed int) {
	n := r.shape.Columns
	from, to := r.shape.GroupColumns(g)
	var value [2 * maxLevels]float64
	for code := range 1 << r.planes {
		value[code] = signed(r.alpha[g], r.planes, uint8(code))
	}
	for j := from; j < to; j++ {
		h := r.moment[j*n+j]
		if h == 0 {
			continue
		}
		target := r.coded[j] + r.gradient[j]/h
		best, distance := r.codes[j], math.Abs(target-value[r.codes[j]])
		for code, v := range value[:1<<r.planes] {
			if d := math.Abs(target - v); d < distance {
				best, distance = uint8(code), d
			}
		}
		if best == r.codes[j] {
			continue
		}
		step := value[best] - r.coded[j]
		r.codes[j], r.coded[j] = best, value[best]
		column := r.moment[j*n : (j+1)*n]
		for k, v := range column {
			r.gradient[k] -= float64(step * v)
		}
		changed++
	}
	return changed
}

// flipNegative makes the kept scales of a row positive: a negative one is the
// positive one with all signs of its plane turned.
func (r *refinement) flipNegative(q *quantizer, s *binarycode.Span, row int) {
	for g := range r.alpha {
		from, to := r.shape.GroupColumns(g)
		at := s.ScaleIndex(row, g)
		for i := range r.planes {
			if q.result.Scales[at+i] >= 0 {
				continue
			}
			q.result.Scales[at+i] = -q.result.Scales[at+i]
			words := s.Plane(q.result.Bits, row, i)
			for j := from; j < to; j++ {
				words[j>>6] ^= 1 << (j & 63)
			}
		}
	}
}
