package kernel

// The portable form keeps two columns in one 64-bit word, low + high<<32, so
// that one multiplication makes two products. The halves of a sum part again
// exactly as long as each fits int32.
const (
	portableWidth = 8 // columns of a panel: four words
	// portableDepth bounds the sums between partings: 2^14 a product.
	portableDepth = 1 << 16
)

func panelShapePortable(k, n int) (panels, words int) {
	return (n + portableWidth - 1) / portableWidth, k * portableWidth / 2
}

func packPortable(w Weights, b []int8, ldb int) {
	for j := 0; j < w.n; j += portableWidth {
		panel := w.words[j/portableWidth*w.panel:][:w.panel]
		columns := min(portableWidth, w.n-j)
		for p := range w.k {
			var row [portableWidth]int64
			for i, v := range b[p*ldb+j:][:columns] {
				row[i] = int64(v)
			}
			words := (*[portableWidth / 2]int64)(panel[p*portableWidth/2:])
			for i := range words {
				words[i] = row[2*i] + row[2*i+1]<<32
			}
		}
	}
}

func multiplyPortable(m int, a []int8, lda int, w Weights, c []int32, ldc int) {
	for j := 0; j < w.n; j += portableWidth {
		panel := w.words[j/portableWidth*w.panel:][:w.panel]
		columns := min(portableWidth, w.n-j)
		for start := 0; start < w.k; start += portableDepth {
			depth := min(portableDepth, w.k-start)
			b := panel[start*portableWidth/2:][:depth*portableWidth/2]
			i := 0
			for ; i+2 <= m; i += 2 {
				a0 := a[i*lda+start:][:depth]
				a1 := a[(i+1)*lda+start:][:depth]
				sum0, sum1 := dot2(a0, a1, b)
				part(c[i*ldc+j:][:columns], &sum0)
				part(c[(i+1)*ldc+j:][:columns], &sum1)
			}
			if i < m {
				sum := dot1(a[i*lda+start:][:depth], b)
				part(c[i*ldc+j:][:columns], &sum)
			}
		}
	}
}

// dot2 multiplies two rows with a panel.
func dot2(a0, a1 []int8, b []int64) (sum0, sum1 [4]int64) {
	var s00, s01, s02, s03, s10, s11, s12, s13 int64
	a1 = a1[:len(a0)]
	for p, v := range a0 {
		x, y := int64(v), int64(a1[p])
		w := (*[4]int64)(b)
		b = b[4:]
		s00 += x * w[0]
		s10 += y * w[0]
		s01 += x * w[1]
		s11 += y * w[1]
		s02 += x * w[2]
		s12 += y * w[2]
		s03 += x * w[3]
		s13 += y * w[3]
	}
	return [4]int64{s00, s01, s02, s03}, [4]int64{s10, s11, s12, s13}
}

// dot1 multiplies one row with a panel.
func dot1(a []int8, b []int64) [4]int64 {
	var s0, s1, s2, s3 int64
	for _, v := range a {
		x := int64(v)
		w := (*[4]int64)(b)
		b = b[4:]
		s0 += x * w[0]
		s1 += x * w[1]
		s2 += x * w[2]
		s3 += x * w[3]
	}
	return [4]int64{s0, s1, s2, s3}
}

// part adds the halves of four words to up to eight results.
func part(c []int32, sum *[4]int64) {
	for j := range c {
		low := int32(sum[j/2])
		if j%2 == 0 {
			c[j] += low
		} else {
			c[j] += int32((sum[j/2] - int64(low)) >> 32)
		}
	}
}
