package binarycode

import "math"

// block is the weights that share scales: some rows, the columns of a group.
type block struct {
	rows       [][]float32
	importance []float64 // of the columns, nil for all alike
	planes     int
}

// weight is the importance of a column.
func (b *block) weight(j int) float64 {
	if b.importance == nil {
		return 1
	}
	return b.importance[j]
}

// greedyScales takes one plane after the other: the sign of what is left, with the
// mean magnitude of that as its scale. The codes of -w are the complement of
// those of w.
func (b *block) greedyScales() (alpha [maxPlanes]float64) {
	for plane := range b.planes {
		var sum, weight float64
		for _, row := range b.rows {
			for j, w := range row {
				h := b.weight(j)
				left := math.Abs(float64(w))
				for _, a := range alpha[:plane] {
					if left < 0 {
						left += a
					} else {
						left -= a
					}
				}
				sum += float64(h * math.Abs(left))
				weight += h
			}
		}
		if weight > 0 {
			alpha[plane] = sum / weight
		}
	}
	return alpha
}

// greedyCode is the code of a weight by greedy scales.
func greedyCode(w float32, alpha [maxPlanes]float64, planes int) (code uint8) {
	left := math.Abs(float64(w))
	for i, a := range alpha[:planes] {
		if left < 0 {
			left += a
		} else {
			left -= a
			code |= 1 << i
		}
	}
	if w < 0 {
		return ^code & (1<<planes - 1)
	}
	return code
}
