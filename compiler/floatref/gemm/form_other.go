//go:build !amd64

package gemm

func best() form { return formPortable }

func multiply(m, n, k int, a []float32, lda int, b []float32, ldb int, c []float32, ldc int, add bool) {
	multiplyPortable(m, n, k, a, lda, b, ldb, c, ldc, add)
}
