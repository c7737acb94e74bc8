package binarycode

import (
	"fmt"

	"github.com/npusim/npusim/isa/binarycode"
)

// Matrix is a matrix in binary codes with real scales.
type Matrix struct {
	Shape  binarycode.Shape
	Bits   []uint64  // as in binarycode.Matrix
	Scales []float32 // by row (or range that shares), group and plane; not negative
}

// Dequantize writes the weights that the codes stand for, Rows x Columns.
func (m *Matrix) Dequantize(dst []float32) {
	n := m.Shape.Columns
	for _, s := range m.Shape.Spans() {
		for r := s.Row; r < s.Row+s.Rows; r++ {
			m.row(dst[r*n:(r+1)*n], &s, r)
		}
	}
}

func (m *Matrix) row(dst []float32, s *binarycode.Span, r int) {
	clear(dst)
	for g := range m.Shape.Groups() {
		from, to := m.Shape.GroupColumns(g)
		at := s.ScaleIndex(r, g)
		for plane, alpha := range m.Scales[at : at+s.Planes] {
			bits := s.Plane(m.Bits, r, plane)
			for j := from; j < to; j++ {
				if bits[j>>6]>>(j&63)&1 != 0 {
					dst[j] += alpha
				} else {
					dst[j] -= alpha
				}
			}
		}
	}
}

// Error is a squared error with what it is relative to.
type Error struct {
	Squared float64 // sum of importance * (w - w')^2, or (w - w')' H (w - w')
	Energy  float64 // the same of w
}

// Normalized is Squared / Energy, 0 for an error of nothing.
func (e Error) Normalized() float64 {
	if e.Squared == 0 {
		return 0
	}
	return e.Squared / e.Energy
}

// Error measures the error against the float matrix. A nil importance counts
// all columns alike.
func (m *Matrix) Error(weights []float32, importance *Importance) (Error, error) {
	n := m.Shape.Columns
	if len(weights) != m.Shape.Rows*n {
		return Error{}, fmt.Errorf("%d weights, the shape has %d x %d", len(weights), m.Shape.Rows, n)
	}
	if err := importance.validate(n); err != nil {
		return Error{}, err
	}
	var total Error
	coded, lost, whole := make([]float32, n), make([]float64, n), make([]float64, n)
	for _, s := range m.Shape.Spans() {
		for r := s.Row; r < s.Row+s.Rows; r++ {
			m.row(coded, &s, r)
			for j, w := range weights[r*n : (r+1)*n] {
				whole[j], lost[j] = float64(w), float64(w)-float64(coded[j])
			}
			total.Squared += importance.norm(lost)
			total.Energy += importance.norm(whole)
		}
	}
	return total, nil
}
