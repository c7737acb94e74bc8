package binarycode

import (
	"context"
	"fmt"
	"math"

	"github.com/npusim/npusim/isa/binarycode"
)

// FrequencyRanges cuts the rows of an embedding, sorted by falling frequency, into
// one range for each number of planes, each ratio times as long as the one before
// it: range i holds rows * ratio^i / (1 + ratio + ratio^2 + ...) rows, its end rounded
// to the nearest row. Ranges that come out empty are left out. AlignedRanges rounds
// to multiples of step rows instead.
func FrequencyRanges(rows int, planes []int, ratio float64) ([]binarycode.Range, error) {
	return AlignedRanges(rows, 1, planes, ratio)
}

// AlignedRanges is FrequencyRanges with ranges that end at multiples of step rows.
func AlignedRanges(rows, step int, planes []int, ratio float64) ([]binarycode.Range, error) {
	if rows < 1 || rows > binarycode.MaxRows || len(planes) == 0 || len(planes) > rows || !(ratio > 0 && ratio <= 1024) {
		return nil, fmt.Errorf("frequency ranges: %d rows, %d ranges, ratio %g: must be 1 to %d rows, 1 to as many ranges, a ratio above 0 and at most 1024", rows, len(planes), ratio, binarycode.MaxRows)
	}
	var whole float64
	for i := range planes {
		whole += math.Pow(ratio, float64(i))
	}
	var ranges []binarycode.Range
	var part float64
	row := 0
	for i, p := range planes {
		if p < 1 || p > binarycode.MaxPlanes {
			return nil, fmt.Errorf("frequency ranges: %d planes: must be 1 to %d", p, binarycode.MaxPlanes)
		}
		part += math.Pow(ratio, float64(i))
		end := min(step*int(math.Round(float64(rows)*part/whole/float64(step))), rows)
		if i == len(planes)-1 {
			end = rows
		}
		if end > row {
			ranges = append(ranges, binarycode.Range{Rows: end - row, Planes: p})
		}
		row = end
	}
	return ranges, nil
}

// Part counts the bits of part of a model.
type Part struct {
	Weights  int64 // in matrices
	SignBits int64 // of matrices in binary codes
	Scales   int64
	Floats   int64 // values that stay float32 and are no weights: biases, normalization
}

// CountMatrix is the part of one matrix in binary codes.
func CountMatrix(s *binarycode.Shape) Part {
	return Part{Weights: int64(s.Rows) * int64(s.Columns), SignBits: s.SignBits(), Scales: int64(s.Scales())}
}

// Add is both parts together, the second n times.
func (p Part) Add(other Part, n int64) Part {
	return Part{p.Weights + n*other.Weights, p.SignBits + n*other.SignBits, p.Scales + n*other.Scales, p.Floats + n*other.Floats}
}

// SignBitsPerWeight leaves scales and floats out.
func (p Part) SignBitsPerWeight() float64 { return float64(p.SignBits) / float64(p.Weights) }

// Bits is the size of weights, scales of some bits each, and floats.
func (p Part) Bits(scaleBits int) int64 {
	return p.SignBits + int64(scaleBits)*p.Scales + 32*p.Floats
}

// Compression is how many times smaller the part is than in float32.
func (p Part) Compression(scaleBits int) float64 {
	return 32 * float64(p.Weights+p.Floats) / float64(p.Bits(scaleBits))
}

// Curve quantizes a matrix (or rows of one) with each number of planes up to
// MaxPlanes, or with the 2 of Ternary, and returns bits, of signs and 16-bit
// scales, and squared error of each: the choices of an Item. The options' Planes
// and Ranges are not used.
func Curve(ctx context.Context, weights []float32, rows, columns int, o Options) ([]Choice, error) {
	first, last := 1, binarycode.MaxPlanes
	if o.Method == Ternary {
		first, last = 2, 2
	}
	var choices []Choice
	for o.Ranges, o.Planes = nil, first; o.Planes <= last; o.Planes++ {
		m, err := Quantize(ctx, weights, rows, columns, o)
		if err != nil {
			return nil, err
		}
		e, err := m.Error(weights, o.Importance)
		if err != nil {
			return nil, err
		}
		count := CountMatrix(&m.Shape)
		choices = append(choices, Choice{Bits: count.Bits(16), Loss: e.Squared})
	}
	return choices, nil
}
