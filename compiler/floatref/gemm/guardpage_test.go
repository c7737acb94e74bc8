//go:build linux

package gemm

import (
	"syscall"
	"testing"
	"unsafe"
)

// beforeGuardPage returns a copy of s that ends at a page which may not be
// touched, so that a read beyond it ends the test.
func beforeGuardPage(t *testing.T, s []float32) []float32 {
	t.Helper()
	size, page := 4*len(s), syscall.Getpagesize()
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
	if len(s) == 0 {
		return nil
	}
	inner := unsafe.Slice((*float32)(unsafe.Pointer(&region[length-size])), len(s))
	copy(inner, s)
	return inner
}

// TestNoReadBeyondSlices ends every matrix at a guard page.
func TestNoReadBeyondSlices(t *testing.T) {
	eachForm(t, func(t *testing.T) {
		r := newRandom(1)
		for i := range rounds(60) {
			p := newProduct(uint64(i), 1+r.IntN(30), 1+r.IntN(70), 1+r.IntN(40), 0, 0, 0)
			p.a, p.b = beforeGuardPage(t, p.a), beforeGuardPage(t, p.b)
			c := beforeGuardPage(t, p.c)
			MultiplyAdd(p.m, p.n, p.k, p.a, p.lda, p.b, p.ldb, c, p.ldc)
			for i := range c {
				if !sameBits(c[i], p.added[i]) {
					t.Fatalf("m=%d n=%d k=%d: element %d is %x, want %x", p.m, p.n, p.k, i, c[i], p.added[i])
				}
			}
		}
	})
}
