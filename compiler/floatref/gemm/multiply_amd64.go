package gemm

const (
	// panelElements is the size of a packed panel of B: 16 KiB, so that it
	// stays in the first-level cache while rows of A pass by.
	panelElements = 4096
	maxWidth      = 32 // columns of a tile
	maxRows       = 12 // rows of a tile
)

func multiply(m, n, k int, a []float32, lda int, b []float32, ldb int, c []float32, ldc int, add bool) {
	switch active {
	case formAVX512:
		// A last strip of up to 16 columns would leave half of a wide tile idle.
		wide := n
		if n%32 <= 16 {
			wide = n - n%32
		}
		if wide > 0 {
			multiplyTiles(32, 12, m, wide, k, a, lda, b, ldb, c, ldc, add)
		}
		if wide < n {
			multiplyTiles(16, 6, m, n-wide, k, a, lda, b[wide:], ldb, c[wide:], ldc, add)
		}
	case formAVX2:
		multiplyTiles(16, 6, m, n, k, a, lda, b, ldb, c, ldc, add)
	default:
		multiplyPortable(m, n, k, a, lda, b, ldb, c, ldc, add)
	}
}

// multiplyTiles walks over strips of width columns, slices of the depth and
// blocks of up to height rows.
func multiplyTiles(width, height, m, n, k int, a []float32, lda int, b []float32, ldb int, c []float32, ldc int, add bool) {
	var panel [panelElements]float32
	sliceDepth := panelElements / width
	for j := 0; j < n; j += width {
		columns := min(width, n-j)
		for start := 0; start < k; start += sliceDepth {
			depth := min(sliceDepth, k-start)
			// A strip that serves one block of rows only is read in place.
			strip, stride := &b[start*ldb+j], ldb
			if m > height || columns < width {
				pack(width, depth, columns, &panel, b[start*ldb+j:], ldb)
				strip, stride = &panel[0], width
			}
			goOn := add || start > 0
			for i := 0; i < m; {
				rows := tileRows(width, m-i)
				left, results := &a[i*lda+start], c[i*ldc+j:]
				if columns == width {
					multiplyTile(width, rows, depth, left, 4*lda, strip, 4*stride, &results[0], 4*ldc, goOn)
				} else {
					multiplyEdge(width, rows, depth, columns, left, 4*lda, strip, results, ldc, goOn)
				}
				i += rows
			}
		}
	}
}

// pack copies a strip of B to a dense panel, with zeros up to the full width.
func pack(width, depth, columns int, panel *[panelElements]float32, b []float32, ldb int) {
	switch {
	case columns < width:
		for p := range depth {
			row := panel[p*width:][:width]
			clear(row[copy(row, b[p*ldb:][:columns]):])
		}
	case width == 32:
		copyPanelAVX512(depth, &panel[0], &b[0], 4*ldb)
	default:
		copyPanelAVX2(depth, &panel[0], &b[0], 4*ldb)
	}
}

// multiplyEdge computes a tile of which only some columns belong to C.
func multiplyEdge(width, rows, depth, columns int, a *float32, lda int, b *float32, c []float32, ldc int, add bool) {
	var tile [maxRows * maxWidth]float32
	if add {
		for r := range rows {
			copy(tile[r*width:][:columns], c[r*ldc:])
		}
	}
	multiplyTile(width, rows, depth, a, lda, b, 4*width, &tile[0], 4*width, add)
	for r := range rows {
		copy(c[r*ldc:], tile[r*width:][:columns])
	}
}

// tileRows returns the largest block of rows with a kernel among those left.
func tileRows(width, left int) int {
	switch {
	case width == 32 && left >= 12:
		return 12
	case width == 32 && left >= 8:
		return 8
	case width == 16 && left >= 6:
		return 6
	case left >= 4:
		return 4
	case left >= 2:
		return 2
	}
	return 1
}

// multiplyTile calls the kernel of a tile; strides are in bytes.
func multiplyTile(width, rows, k int, a *float32, lda int, b *float32, ldb int, c *float32, ldc int, add bool) {
	if width == 32 {
		switch rows {
		case 12:
			multiply12x32AVX512(k, a, lda, b, ldb, c, ldc, add)
		case 8:
			multiply8x32AVX512(k, a, lda, b, ldb, c, ldc, add)
		case 4:
			multiply4x32AVX512(k, a, lda, b, ldb, c, ldc, add)
		case 2:
			multiply2x32AVX512(k, a, lda, b, ldb, c, ldc, add)
		default:
			multiply1x32AVX512(k, a, lda, b, ldb, c, ldc, add)
		}
		return
	}
	switch rows {
	case 6:
		multiply6x16AVX2(k, a, lda, b, ldb, c, ldc, add)
	case 4:
		multiply4x16AVX2(k, a, lda, b, ldb, c, ldc, add)
	case 2:
		multiply2x16AVX2(k, a, lda, b, ldb, c, ldc, add)
	default:
		multiply1x16AVX2(k, a, lda, b, ldb, c, ldc, add)
	}
}
