//go:build !amd64

package kernel

const alignmentWords = 0

func alignment([]int64) int { return 0 }

func panelShape(_ form, k, n int) (panels, words int) { return panelShapePortable(k, n) }

func pack(w Weights, b []int8, ldb int) { packPortable(w, b, ldb) }

func multiply(m int, a []int8, lda int, w Weights, c []int32, ldc int) {
	multiplyPortable(m, a, lda, w, c, ldc)
}
