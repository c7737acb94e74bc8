package binarycode

import (
	"errors"
	"fmt"
	"math"
)

// Importance weighs errors by what they do to outputs. Nil, or one without
// fields, counts all columns alike.
type Importance struct {
	// Columns is the importance of each input column, such as its mean squared
	// activation: not negative, finite.
	Columns []float64
	// Moment is the second moment of the inputs, E[x x'], Columns x Columns,
	// symmetric with a diagonal that is not negative. If present it takes the
	// place of Columns. Memory and time grow with the square of the columns.
	Moment []float64
}

// validate checks the lengths and values for a matrix of some columns.
func (i *Importance) validate(columns int) error {
	switch {
	case i == nil:
		return nil
	case i.Moment != nil && i.Columns != nil:
		return errors.New("importance: both column weights and a second moment are given")
	case i.Columns != nil && len(i.Columns) != columns:
		return fmt.Errorf("importance: %d column weights for %d columns", len(i.Columns), columns)
	case i.Moment != nil && len(i.Moment) != columns*columns:
		return fmt.Errorf("importance: second moment has %d elements, must be %d x %d", len(i.Moment), columns, columns)
	}
	for j, h := range i.Columns {
		if !(h >= 0 && h <= math.MaxFloat32) {
			return fmt.Errorf("importance of column %d is %g: must be 0 or more and at most %g", j, h, math.MaxFloat32)
		}
	}
	if i.Moment == nil {
		return nil
	}
	for j := range columns {
		for k := range j {
			if h := i.Moment[j*columns+k]; h != i.Moment[k*columns+j] || !(math.Abs(h) <= math.MaxFloat32) {
				return fmt.Errorf("second moment of columns %d and %d is %g and %g: must be equal and finite", j, k, h, i.Moment[k*columns+j])
			}
		}
		if h := i.Moment[j*columns+j]; !(h >= 0 && h <= math.MaxFloat32) {
			return fmt.Errorf("second moment of column %d is %g: must be 0 or more and at most %g", j, h, math.MaxFloat32)
		}
	}
	return nil
}

// columns is the importance of each column, the diagonal of a second moment, or
// nil for all alike.
func (i *Importance) columns(n int) []float64 {
	if i == nil || i.Moment == nil {
		if i == nil {
			return nil
		}
		return i.Columns
	}
	diagonal := make([]float64, n)
	for j := range diagonal {
		diagonal[j] = i.Moment[j*n+j]
	}
	return diagonal
}

// norm is the weighted square of a row.
func (i *Importance) norm(e []float64) float64 {
	var sum float64
	switch {
	case i != nil && i.Moment != nil:
		for j, v := range e {
			if v != 0 {
				sum += float64(v * dot(i.Moment[j*len(e):(j+1)*len(e)], e))
			}
		}
	case i != nil && i.Columns != nil:
		for j, v := range e {
			sum += float64(float64(v*v) * i.Columns[j])
		}
	default:
		for _, v := range e {
			sum += float64(v * v)
		}
	}
	return sum
}

// dot is a product of two vectors, in four sums of fixed order.
func dot(a, b []float64) float64 {
	var s0, s1, s2, s3 float64
	b = b[:len(a)]
	j := 0
	for ; j+4 <= len(a); j += 4 {
		s0 += float64(a[j] * b[j])
		s1 += float64(a[j+1] * b[j+1])
		s2 += float64(a[j+2] * b[j+2])
		s3 += float64(a[j+3] * b[j+3])
	}
	for ; j < len(a); j++ {
		s0 += float64(a[j] * b[j])
	}
	return s0 + s1 + (s2 + s3)
}

// Moments gathers the second moment of input vectors. The zero value with
// Columns set is ready.
type Moments struct {
	Columns int
	// Full gathers the whole matrix, else the diagonal only. Set it before Add.
	Full bool

	samples int
	sums    []float64
}

// Add counts one input vector (Columns values, the real ones that the weights
// are multiplied with).
func (m *Moments) Add(x []float32) error {
	n := m.Columns
	if len(x) != n {
		return fmt.Errorf("input of %d values for %d columns", len(x), n)
	}
	for j, v := range x {
		if f := float64(v); math.IsNaN(f) || math.IsInf(f, 0) {
			return fmt.Errorf("input %d is %g: must be finite", j, f)
		}
	}
	if m.sums == nil {
		m.sums = make([]float64, n)
		if m.Full {
			m.sums = make([]float64, n*n)
		}
	}
	m.samples++
	if !m.Full {
		for j, v := range x {
			m.sums[j] += float64(float64(v) * float64(v))
		}
		return nil
	}
	for j, v := range x {
		if v == 0 {
			continue
		}
		row := m.sums[j*n : j*n+j+1]
		for k := range row {
			row[k] += float64(float64(v) * float64(x[k]))
		}
	}
	return nil
}

// Importance is the mean over the vectors so far.
func (m *Moments) Importance() (*Importance, error) {
	if m.samples == 0 {
		return nil, errors.New("second moment of no inputs")
	}
	mean := make([]float64, len(m.sums))
	for j, v := range m.sums {
		mean[j] = v / float64(m.samples)
	}
	if !m.Full {
		return &Importance{Columns: mean}, nil
	}
	n := m.Columns
	for j := range n {
		for k := range j {
			mean[k*n+j] = mean[j*n+k]
		}
	}
	return &Importance{Moment: mean}, nil
}
