package binarycode

import (
	"fmt"

	"github.com/npusim/npusim/isa/xorcode"
)

// Sealed are the signs of a matrix as codes from which XOR networks, one a plane,
// make them: fractions of a bit a sign (Lee et al., NeurIPS 2020, arXiv
// 2009.04126). A slice of a network's outputs is a key of Mu columns in each of
// SliceRows rows, row by row innermost: output j*SliceRows + r is column j of row
// r. So any tile that starts at a multiple of both decodes on its own. Outputs
// beyond the last row or column of a matrix are left out.
type Sealed struct {
	Networks []*xorcode.Network // of each plane, all with as many inputs and outputs
	Mu       int
	// Codes of each plane: for each SliceRows rows one a key. Nil in a network of
	// layer shapes alone.
	Codes [][]uint64
}

// SliceRows is the number of rows that share a code.
func (s *Sealed) SliceRows() int { return s.Networks[0].Outputs / s.Mu }

// CheckSealing tells what is wrong with networks for keys of mu bits.
func CheckSealing(outputs, mu, alignment int) error {
	if outputs < mu || outputs%mu != 0 || alignment%(outputs/mu) != 0 {
		return fmt.Errorf("%d outputs of a network for keys of %d bits: must be %d times a divisor of %d", outputs, mu, mu, alignment)
	}
	return nil
}

// Tile is the stream of some rows and keys, plane by plane, each filled up to a
// byte. Row and key are the first ones, row a multiple of SliceRows. The matrix has
// keysPerRow keys a row.
func (s *Sealed) Tile(row, rows, key, keys, keysPerRow int) []byte {
	var stream []byte
	for plane := range s.Codes {
		var bits xorcode.Bitstream
		for g := row / s.SliceRows(); g*s.SliceRows() < row+rows; g++ {
			for _, code := range s.Codes[plane][g*keysPerRow+key:][:keys] {
				bits.Append(code, s.Networks[plane].Inputs)
			}
		}
		stream = append(stream, bits.Bytes...)
	}
	return stream
}

// SealedBytes is the size of the stream of a tile.
func SealedBytes(rows, keys, planes, mu int, n *xorcode.Network) int {
	slices := ceilDivide(rows, n.Outputs/mu) * keys
	return planes * ceilDivide(slices*n.Inputs, 8)
}

// Unseal writes the keys of a tile: for each plane, from a byte on, for each row
// and key, mu bits. Its networks have the same inputs and outputs, the latter a
// multiple of mu; the stream has SealedBytes bytes.
func Unseal(into, stream []byte, rows, keys, mu int, networks []*xorcode.Network) error {
	if want := SealedBytes(rows, keys, len(networks), mu, networks[0]); len(stream) != want {
		return fmt.Errorf("sealed keys: %d bytes, must be %d", len(stream), want)
	}
	clear(into)
	planeBytes, from := ceilDivide(rows*keys*mu, 8), len(stream)/len(networks)
	for plane, n := range networks {
		group := n.Outputs / mu
		part := stream[plane*from:][:from]
		codes := xorcode.Bitstream{Length: xorcode.Bits(ceilDivide(rows, group) * keys * n.Inputs), Bytes: part}
		if err := codes.Validate(); err != nil {
			return fmt.Errorf("sealed keys: plane %d: %w", plane, err)
		}
		to := into[plane*planeBytes:][:planeBytes]
		table, slice := xorcode.NewTable(n), make([]uint64, xorcode.Words(n.Outputs))
		at := xorcode.Bits(0)
		for first := 0; first < rows; first += group {
			for key := range keys {
				table.Apply(codes.At(at, n.Inputs), slice)
				at += xorcode.Bits(n.Inputs)
				for j := range mu {
					for r := range min(group, rows-first) {
						output := j*group + r
						place := ((first+r)*keys+key)*mu + j
						to[place/8] |= byte(slice[output/64]>>(output%64)&1) << (place % 8)
					}
				}
			}
		}
	}
	return nil
}

// Signs are the bits of a matrix of one row range, as in Matrix, that the networks
// make.
func (s *Sealed) Signs(shape *Shape) ([]uint64, error) {
	keys := ceilDivide(shape.Columns, s.Mu)
	span := shape.Spans()[0]
	if len(s.Codes) != span.Planes || len(s.Networks) != span.Planes {
		return nil, fmt.Errorf("sealed keys: %d planes of codes and %d networks for %d planes", len(s.Codes), len(s.Networks), span.Planes)
	}
	for plane, codes := range s.Codes {
		n := s.Networks[plane]
		if err := CheckSealing(n.Outputs, s.Mu, n.Outputs/s.Mu); err != nil {
			return nil, err
		}
		if n.Inputs != s.Networks[0].Inputs || n.Outputs != s.Networks[0].Outputs {
			return nil, fmt.Errorf("sealed keys: network %d is %d x %d, network 0 %d x %d", plane, n.Outputs, n.Inputs, s.Networks[0].Outputs, s.Networks[0].Inputs)
		}
		if len(codes) != ceilDivide(shape.Rows, s.SliceRows())*keys {
			return nil, fmt.Errorf("sealed keys: %d codes for %d rows of %d keys", len(codes), shape.Rows, keys)
		}
	}
	into := make([]byte, span.Planes*ceilDivide(shape.Rows*keys*s.Mu, 8))
	if err := Unseal(into, s.Tile(0, shape.Rows, 0, keys, keys), shape.Rows, keys, s.Mu, s.Networks); err != nil {
		return nil, err
	}
	bits := make([]uint64, shape.Words())
	planeBytes := len(into) / span.Planes
	for plane := range span.Planes {
		for r := range shape.Rows {
			signs := span.Plane(bits, r, plane)
			for j := range shape.Columns {
				at := r*keys*s.Mu + j
				signs[j/64] |= uint64(into[plane*planeBytes+at/8]>>(at%8)&1) << (j % 64)
			}
		}
	}
	return bits, nil
}

// Check proves that the networks make the signs of a matrix of one row range.
func (s *Sealed) Check(m *Matrix) error {
	bits, err := s.Signs(&m.Shape)
	if err != nil {
		return err
	}
	for i := range bits {
		if bits[i] != m.Bits[i] {
			return fmt.Errorf("sealed keys: word %d of the signs is %#x, the codes give %#x", i, m.Bits[i], bits[i])
		}
	}
	return nil
}
