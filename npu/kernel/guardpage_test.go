//go:build linux

package kernel

import (
	"syscall"
	"testing"
	"unsafe"
)

// beforeGuardPage returns n elements that end at a page which may not be
// touched, so that a read beyond them ends the test.
func beforeGuardPage[T any](t *testing.T, n int) []T {
	t.Helper()
	var element T
	size := n * int(unsafe.Sizeof(element))
	page := syscall.Getpagesize()
	length := (size + page - 1) / page * page
	region, err := syscall.Mmap(-1, 0, length+page, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Munmap(region); err != nil {
			t.Error(err)
		}
	})
	if err := syscall.Mprotect(region[length:], syscall.PROT_NONE); err != nil {
		t.Fatal(err)
	}
	if n == 0 {
		return nil
	}
	return unsafe.Slice((*T)(unsafe.Pointer(&region[length-size])), n)
}

// TestNoReadBeyondSlices ends every source and destination at a guard page.
func TestNoReadBeyondSlices(t *testing.T) {
	eachForm(t, func(t *testing.T) {
		r := newRandom(1)
		for range rounds(60) {
			m, n, k := 1+r.IntN(20), 1+r.IntN(40), 1+r.IntN(40)
			a, b := beforeGuardPage[int8](t, m*k), beforeGuardPage[int8](t, k*n)
			copy(a, randomBytes(r, m*k))
			copy(b, randomBytes(r, k*n))
			p := &product{m: m, n: n, k: k, lda: k, ldb: n, ldc: n, a: a, b: b, c: make([]int32, m*n)}
			p.define()
			c := beforeGuardPage[int32](t, m*n)
			Multiply(m, a, k, Pack(k, n, b, n, beforeGuardPage[int64](t, PackedLen(k, n))), c, n)
			for i := range c {
				if c[i] != p.want[i] {
					t.Fatalf("m=%d n=%d k=%d: element %d is %d, want %d", m, n, k, i, c[i], p.want[i])
				}
			}

			x, w, acc := beforeGuardPage[int8](t, n+k), beforeGuardPage[int8](t, 3*n), beforeGuardPage[int32](t, n)
			copy(x, randomBytes(r, n+k))
			copy(w, randomBytes(r, 3*n))
			DepthwiseRow(1, n, acc, n, x, n, []int{k, 0, k}, w)
			MultiplyAccumulate(acc, x[k:], w[2*n:])
			dst, shift := beforeGuardPage[int8](t, n), beforeGuardPage[uint8](t, n)
			for i := range shift {
				shift[i] = uint8(1 + r.IntN(62))
			}
			RequantizeRow(dst, acc, acc, shift, 3, -128, 127)
			for i := range dst {
				sum := int32(x[k+i])*(int32(w[i])+2*int32(w[2*n+i])) + int32(x[i])*int32(w[n+i])
				if acc[i] != sum {
					t.Fatalf("channel %d sums to %d, want %d", i, acc[i], sum)
				}
				if want := requantizeBig(sum, sum, shift[i], 3, -128, 127); dst[i] != want {
					t.Fatalf("requantized channel %d is %d, want %d", i, dst[i], want)
				}
			}
		}
	})
}
