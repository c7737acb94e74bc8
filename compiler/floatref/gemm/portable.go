package gemm

// The portable form works on tiles of 2 x 4 results over slices of the depth,
// whose strip of B it copies to a dense panel.
const (
	portableWidth = 4
	portableDepth = 256
)

func multiplyPortable(m, n, k int, a []float32, lda int, b []float32, ldb int, c []float32, ldc int, add bool) {
	var panel [portableDepth * portableWidth]float32
	for j := 0; j < n; j += portableWidth {
		columns := min(portableWidth, n-j)
		for start := 0; start < k; start += portableDepth {
			depth := min(portableDepth, k-start)
			for p := range depth {
				copy(panel[p*portableWidth:][:portableWidth], b[(start+p)*ldb+j:][:columns])
			}
			strip := panel[:depth*portableWidth]
			goOn := add || start > 0
			i := 0
			for ; i+2 <= m; i += 2 {
				c0, c1 := c[i*ldc+j:][:columns], c[(i+1)*ldc+j:][:columns]
				var sum0, sum1 [portableWidth]float32
				if goOn {
					copy(sum0[:], c0)
					copy(sum1[:], c1)
				}
				dot2(a[i*lda+start:][:depth], a[(i+1)*lda+start:][:depth], strip, &sum0, &sum1)
				copy(c0, sum0[:])
				copy(c1, sum1[:])
			}
			if i < m {
				c0 := c[i*ldc+j:][:columns]
				var sum [portableWidth]float32
				if goOn {
					copy(sum[:], c0)
				}
				dot1(a[i*lda+start:][:depth], strip, &sum)
				copy(c0, sum[:])
			}
		}
	}
}

// dot2 adds the products of two rows with a panel. The conversions forbid the
// compiler to fuse multiplication and addition.
func dot2(a0, a1, b []float32, sum0, sum1 *[portableWidth]float32) {
	s00, s01, s02, s03 := sum0[0], sum0[1], sum0[2], sum0[3]
	s10, s11, s12, s13 := sum1[0], sum1[1], sum1[2], sum1[3]
	a1 = a1[:len(a0)]
	for p, x := range a0 {
		y := a1[p]
		w := (*[portableWidth]float32)(b)
		b = b[portableWidth:]
		s00 += float32(x * w[0])
		s10 += float32(y * w[0])
		s01 += float32(x * w[1])
		s11 += float32(y * w[1])
		s02 += float32(x * w[2])
		s12 += float32(y * w[2])
		s03 += float32(x * w[3])
		s13 += float32(y * w[3])
	}
	*sum0 = [portableWidth]float32{s00, s01, s02, s03}
	*sum1 = [portableWidth]float32{s10, s11, s12, s13}
}

// dot1 adds the products of one row with a panel.
func dot1(a, b []float32, sum *[portableWidth]float32) {
	s0, s1, s2, s3 := sum[0], sum[1], sum[2], sum[3]
	for _, x := range a {
		w := (*[portableWidth]float32)(b)
		b = b[portableWidth:]
		s0 += float32(x * w[0])
		s1 += float32(x * w[1])
		s2 += float32(x * w[2])
		s3 += float32(x * w[3])
	}
	*sum = [portableWidth]float32{s0, s1, s2, s3}
}
