package kernel

import "unsafe"

const (
	cacheLine = 64 // bytes
	// alignmentWords is the slack that lets the first panel start on a cache
	// line.
	alignmentWords = cacheLine/8 - 1
)

// alignment returns the number of words to skip for the first panel to start
// on a cache line. Speed alone depends on it.
func alignment(buffer []int64) int {
	if active == formPortable {
		return 0
	}
	past := uintptr(unsafe.Pointer(unsafe.SliceData(buffer))) / 8 % (cacheLine / 8)
	return int((cacheLine/8 - past) % (cacheLine / 8))
}

// panelShape returns the number of panels and the words of each.
func panelShape(f form, k, n int) (panels, words int) {
	panels = (n + panelWidth - 1) / panelWidth
	switch f {
	case formAVX512:
		return panels, quadsCorrection/8 + (k+3)/4*(quadBytes/8)
	case formAVX2:
		return panels, (k + 1) / 2 * (pairBytes / 8)
	}
	return panelShapePortable(k, n)
}

func pack(w Weights, b []int8, ldb int) {
	switch w.form {
	case formAVX512:
		packAVX512(w, b, ldb)
	case formAVX2:
		packAVX2(w, b, ldb)
	default:
		packPortable(w, b, ldb)
	}
}

func multiply(m int, a []int8, lda int, w Weights, c []int32, ldc int) {
	switch w.form {
	case formAVX512:
		multiplyAVX512(m, a, lda, w, c, ldc)
	case formAVX2:
		multiplyAVX2(m, a, lda, w, c, ldc)
	default:
		multiplyPortable(m, a, lda, w, c, ldc)
	}
}

// edge copies up to rows x columns weights from row p, column j on into a strip
// of full panel width; what lies outside the matrix is zero.
func edge(strip *[4 * panelWidth]int8, w Weights, b []int8, ldb, p, j, rows int) {
	clear(strip[:])
	columns := min(panelWidth, w.n-j)
	for i := range min(rows, w.k-p) {
		copy(strip[i*panelWidth:][:panelWidth], b[(p+i)*ldb+j:][:columns])
	}
}
