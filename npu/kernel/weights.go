package kernel

// panelWidth is the number of columns that the SIMD forms work on together.
const panelWidth = 16

// Weights is an int8 matrix B of K rows (input depth) and N columns (output
// channels), laid out for the form of Multiply in use. It refers to the buffer
// it was packed into and may be shared between goroutines.
type Weights struct {
	k, n  int
	form  form
	panel int     // words from one panel of columns to the next
	words []int64 // the panels
}

// PackedLen returns the length of the buffer, in 64-bit words, that Pack needs
// for K x N weights on this machine.
func PackedLen(k, n int) int {
	panels, panel := panelShape(active, k, n)
	return panels*panel + alignmentWords
}

// Pack lays out the K x N matrix b, whose element [p][j] is b[p*ldb+j], in
// buffer, which has at least PackedLen(k, n) words.
func Pack(k, n int, b []int8, ldb int, buffer []int64) Weights {
	checkMatrix("Pack: b", len(b), k, n, ldb)
	panels, panel := panelShape(active, k, n)
	start := alignment(buffer)
	w := Weights{k: k, n: n, form: active, panel: panel, words: buffer[start : start+panels*panel]}
	if k > 0 && n > 0 {
		pack(w, b, ldb)
	}
	return w
}

// Rows returns K, the depth of the product.
func (w Weights) Rows() int { return w.k }

// Columns returns N, the number of results of a row.
func (w Weights) Columns() int { return w.n }

// Multiply adds the product of A (M x K int8, element [i][p] is a[i*lda+p]) and
// the packed weights (K x N) to C (M x N int32, element [i][j] is c[i*ldc+j]).
// Rows of A may overlap (lda < K), as those of a sliding window do. Columns of
// C beyond N are left alone.
func Multiply(m int, a []int8, lda int, w Weights, c []int32, ldc int) {
	checkMatrix("Multiply: a", len(a), m, w.k, lda)
	checkResult("Multiply: c", len(c), m, w.n, ldc)
	if m == 0 || w.n == 0 || w.k == 0 {
		return
	}
	multiply(m, a, lda, w, c, ldc)
}
