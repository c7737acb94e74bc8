//go:build amd64

package kernel

import "unsafe"

// The AVX-512 form adds products in quads with VPDPBUSD. A panel holds 16
// int32 corrections (see packQuads in gen) and then, for each four rows of B,
// 16 columns of four int8.
const (
	quadsCorrection = 4 * panelWidth // bytes
	quadBytes       = 4 * panelWidth
)

func packAVX512(w Weights, b []int8, ldb int) {
	for j := 0; j < w.n; j += panelWidth {
		panel := w.words[j/panelWidth*w.panel:][:w.panel]
		clear(panel[:quadsCorrection/8])
		correction := (*int32)(unsafe.Pointer(&panel[0]))
		done := 0 // quads
		if j+panelWidth <= w.n && w.k >= 4 {
			done = w.k / 4
			packQuads(quadAt(panel, 0), &b[j], ldb, done, correction)
		}
		for ; 4*done < w.k; done++ {
			var strip [4 * panelWidth]int8
			edge(&strip, w, b, ldb, 4*done, j, 4)
			packQuads(quadAt(panel, done), &strip[0], panelWidth, 1, correction)
		}
	}
}

// quadAt returns the address of four rows in a panel.
func quadAt(panel []int64, quad int) *int8 {
	return (*int8)(unsafe.Pointer(&panel[(quadsCorrection+quad*quadBytes)/8]))
}

func multiplyAVX512(m int, a []int8, lda int, w Weights, c []int32, ldc int) {
	for j := 0; j < w.n; j += 2 * panelWidth {
		columns := min(2*panelWidth, w.n-j)
		i := 0
		for _, rows := range [...]int{12, 4, 1} {
			blocks := (m - i) / rows
			if blocks == 0 {
				continue
			}
			multiplyBlocks(rows, blocks, columns, w.k, &a[i*lda], lda,
				(*int8)(unsafe.Pointer(&w.words[j/panelWidth*w.panel])), 8*w.panel, &c[i*ldc+j], 4*ldc)
			i += blocks * rows
		}
	}
}

// multiplyBlocks multiplies blocks of rows with one or two panels; strides are
// in bytes.
func multiplyBlocks(rows, blocks, columns, k int, a *int8, lda int, b *int8, panel int, c *int32, ldc int) {
	last := (columns-1)%panelWidth + 1
	mask := uint32(1)<<last - 1
	if columns > panelWidth {
		switch rows {
		case 12:
			multiplyQuads12x32(blocks, k, a, lda, b, panel, c, ldc, mask)
		case 4:
			multiplyQuads4x32(blocks, k, a, lda, b, panel, c, ldc, mask)
		default:
			multiplyQuads1x32(blocks, k, a, lda, b, panel, c, ldc, mask)
		}
		return
	}
	switch rows {
	case 12:
		multiplyQuads12x16(blocks, k, a, lda, b, panel, c, ldc, mask)
	case 4:
		multiplyQuads4x16(blocks, k, a, lda, b, panel, c, ldc, mask)
	default:
		multiplyQuads1x16(blocks, k, a, lda, b, panel, c, ldc, mask)
	}
}
