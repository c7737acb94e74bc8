package binarycode

import "fmt"

// Product is the product of a matrix with vectors by definition: the integer
// reference that look-up tables must equal. Its methods may run at once.
type Product struct {
	matrix    *Matrix
	mantissas []int16
	spans     []Span
}

// NewProduct prepares products with m, which must not change afterwards.
func NewProduct(m *Matrix) (*Product, error) {
	if err := m.Validate(); err != nil {
		return nil, err
	}
	mantissas, err := m.Mantissas()
	if err != nil {
		return nil, err
	}
	return &Product{m, mantissas, m.Shape.Spans()}, nil
}

// Subtract writes x - zero, the inputs of a product.
func Subtract(dst []int16, x []int8, zero int8) {
	for i, v := range x {
		dst[i] = int16(v) - int16(zero)
	}
}

// PlaneSum is the exact sum S of the inputs of a group with the signs of one
// plane of a row; u has Columns inputs.
func (p *Product) PlaneSum(row, plane, group int, u []int16) int32 {
	s := p.span(row)
	bits := s.Plane(p.matrix.Bits, row, plane)
	from, to := p.matrix.Shape.GroupColumns(group)
	return signedSum(bits, u, from, to)
}

func signedSum(bits []uint64, u []int16, from, to int) int32 {
	var sum int32
	for j := from; j < to; j++ {
		// 0 or -1: the two's complement of the input where the bit is 0.
		flip := int32(bits[j>>6]>>(j&63)&1) - 1
		sum += int32(u[j])&^flip - int32(u[j])&flip
	}
	return sum
}

func (p *Product) span(row int) *Span {
	for i := range p.spans {
		if s := &p.spans[i]; row >= s.Row && row < s.Row+s.Rows {
			return s
		}
	}
	panic(fmt.Sprintf("row %d of a matrix of %d rows", row, p.matrix.Shape.Rows))
}

// Accumulate adds the product with u (Columns inputs, zero point subtracted) to
// acc (Rows sums, which start as biases).
func (p *Product) Accumulate(acc []int32, u []int16) {
	shape := &p.matrix.Shape
	for i := range p.spans {
		s := &p.spans[i]
		for r := s.Row; r < s.Row+s.Rows; r++ {
			for g := range shape.Groups() {
				from, to := shape.GroupColumns(g)
				at := s.ScaleIndex(r, g)
				for plane, a := range p.mantissas[at : at+s.Planes] {
					acc[r] += int32(a) * signedSum(s.Plane(p.matrix.Bits, r, plane), u, from, to)
				}
			}
		}
	}
}

// Weights writes the integer weights of a row, sum over planes of mantissa times
// sign, so that acc = bias + sum of weight times input. dst has Columns elements.
func (p *Product) Weights(dst []int32, row int) {
	s := p.span(row)
	clear(dst)
	for g := range p.matrix.Shape.Groups() {
		from, to := p.matrix.Shape.GroupColumns(g)
		at := s.ScaleIndex(row, g)
		for plane, a := range p.mantissas[at : at+s.Planes] {
			bits := s.Plane(p.matrix.Bits, row, plane)
			for j := from; j < to; j++ {
				if bits[j>>6]>>(j&63)&1 != 0 {
					dst[j] += int32(a)
				} else {
					dst[j] -= int32(a)
				}
			}
		}
	}
}
