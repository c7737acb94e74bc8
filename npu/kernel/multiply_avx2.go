//go:build amd64

package kernel

import "unsafe"

// The AVX2 form widens both sides to int16 and adds products in pairs with
// VPMADDWD. A panel holds, for each pair of rows of B, 16 columns of two
// int16.
const (
	pairBytes = 2 * panelWidth * 2
	// pairsDepth is the depth of one pass; the generator knows it as the
	// distance between widened rows.
	pairsDepth = 256
	pairsRows  = 6
)

func packAVX2(w Weights, b []int8, ldb int) {
	for j := 0; j < w.n; j += panelWidth {
		panel := w.words[j/panelWidth*w.panel:][:w.panel]
		done := 0 // pairs
		if j+panelWidth <= w.n && w.k >= 2 {
			done = w.k / 2
			packPairs(pairsAt(panel, 0), &b[j], ldb, done)
		}
		for ; 2*done < w.k; done++ {
			var strip [4 * panelWidth]int8
			edge(&strip, w, b, ldb, 2*done, j, 2)
			packPairs(pairsAt(panel, done), &strip[0], panelWidth, 1)
		}
	}
}

// pairsAt returns the address of a pair of rows in a panel.
func pairsAt(panel []int64, pair int) *int16 {
	return (*int16)(unsafe.Pointer(&panel[pair*(pairBytes/8)]))
}

func multiplyAVX2(m int, a []int8, lda int, w Weights, c []int32, ldc int) {
	var wide [pairsRows * pairsDepth]int16
	for start := 0; start < w.k; start += pairsDepth {
		depth := min(pairsDepth, w.k-start)
		for i := 0; i < m; {
			rows := 1
			switch {
			case m-i >= pairsRows:
				rows = pairsRows
			case m-i >= 2:
				rows = 2
			}
			for r := range rows {
				widen(wide[r*pairsDepth:][:pairsDepth], a[(i+r)*lda+start:][:depth])
			}
			multiplyRows(rows, (depth+1)/2, &wide, start/2, w, c[i*ldc:], ldc)
			i += rows
		}
	}
}

// widen sign-extends a row, with a zero after an odd depth.
func widen(dst []int16, src []int8) {
	if n := len(src); n >= 16 {
		widenRow(&dst[0], &src[0], n/16)
		if n%16 != 0 { // the last 16 once more, overlapping
			widenRow(&dst[n-16], &src[n-16], 1)
		}
	} else {
		for i, v := range src {
			dst[i] = int16(v)
		}
	}
	if len(src) < len(dst) {
		dst[len(src)] = 0
	}
}

// multiplyRows multiplies 1, 2 or 6 widened rows with pairs rows of each
// panel, from pair first on.
func multiplyRows(rows, pairs int, wide *[pairsRows * pairsDepth]int16, first int, w Weights, c []int32, ldc int) {
	for j := 0; j < w.n; j += panelWidth {
		b := pairsAt(w.words[j/panelWidth*w.panel:][:w.panel], first)
		if j+panelWidth <= w.n {
			multiplyTile(rows, pairs, &wide[0], b, &c[j], 4*ldc)
			continue
		}
		var tile [pairsRows * panelWidth]int32
		multiplyTile(rows, pairs, &wide[0], b, &tile[0], 4*panelWidth)
		for r := range rows {
			results := c[r*ldc+j:][:w.n-j]
			for x, v := range tile[r*panelWidth:][:len(results)] {
				results[x] += v
			}
		}
	}
}

func multiplyTile(rows, pairs int, a, b *int16, c *int32, ldc int) {
	switch rows {
	case 6:
		multiplyPairs6x16(pairs, a, b, c, ldc)
	case 2:
		multiplyPairs2x16(pairs, a, b, c, ldc)
	default:
		multiplyPairs1x16(pairs, a, b, c, ldc)
	}
}
