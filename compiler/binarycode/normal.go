package binarycode

import (
	"math"

	"github.com/npusim/npusim/isa/binarycode"
)

const maxPlanes = binarycode.MaxPlanes

// normalEquations is a symmetric system of up to four scales,
// (B'HB) alpha = B'Hw.
type normalEquations struct {
	matrix [maxPlanes][maxPlanes]float64
	right  [maxPlanes]float64
}

// solve returns a least-squares solution by elimination with complete pivoting.
// Where planes depend on each other, so that many solutions are as good, the
// scales of the dependent ones are 0.
func (n normalEquations) solve(planes int) (alpha [maxPlanes]float64) {
	var order [maxPlanes]int
	for i := range order {
		order[i] = i
	}
	var largest float64
	for i := range planes {
		largest = math.Max(largest, n.matrix[i][i])
	}
	rank := 0
	for ; rank < planes; rank++ {
		// The largest element of what is left of a positive semidefinite matrix
		// is on its diagonal.
		best := rank
		for i := rank + 1; i < planes; i++ {
			if n.matrix[order[i]][order[i]] > n.matrix[order[best]][order[best]] {
				best = i
			}
		}
		order[rank], order[best] = order[best], order[rank]
		p := order[rank]
		if !(n.matrix[p][p] > 1e-12*largest) {
			break
		}
		for _, r := range order[rank+1 : planes] {
			f := n.matrix[r][p] / n.matrix[p][p]
			for _, c := range order[rank+1 : planes] {
				n.matrix[r][c] -= float64(f * n.matrix[p][c])
			}
			n.right[r] -= float64(f * n.right[p])
		}
	}
	for i := rank - 1; i >= 0; i-- {
		p := order[i]
		sum := n.right[p]
		for _, c := range order[i+1 : rank] {
			sum -= float64(n.matrix[p][c] * alpha[c])
		}
		alpha[p] = sum / n.matrix[p][p]
	}
	return alpha
}
