package kernel

import (
	"slices"
	"testing"
)

// product is a case of Multiply with the results by definition.
type product struct {
	m, n, k, lda, ldb, ldc int
	a, b                   []int8
	c, want                []int32
}

// extent is the length of a matrix whose last row ends where its elements do.
func extent(rows, columns, stride int) int {
	if rows == 0 || columns == 0 {
		return 0
	}
	return (rows-1)*stride + columns
}

func (p *product) define() {
	p.want = slices.Clone(p.c)
	for i := range p.m {
		for j := range p.n {
			for q := range p.k {
				p.want[i*p.ldc+j] += int32(p.a[i*p.lda+q]) * int32(p.b[q*p.ldb+j])
			}
		}
	}
}

func newProduct(seed uint64, m, n, k, slackA, slackB, slackC int) *product {
	r := newRandom(seed)
	p := &product{m: m, n: n, k: k, lda: k + slackA, ldb: n + slackB, ldc: n + slackC}
	p.a = randomBytes(r, extent(m, k, p.lda))
	p.b = randomBytes(r, extent(k, n, p.ldb))
	p.c = randomSums(r, extent(m, n, p.ldc))
	p.define()
	return p
}

func (p *product) run(t *testing.T) {
	t.Helper()
	r := newRandom(1)
	c, checkC := guarded(r, p.c)
	buffer, checkBuffer := guarded(r, make([]int64, PackedLen(p.k, p.n)))
	for i := range buffer {
		buffer[i] = -1 // packing must not rely on zeros
	}
	weights := Pack(p.k, p.n, p.b, p.ldb, buffer)
	if weights.Rows() != p.k || weights.Columns() != p.n {
		t.Fatalf("weights are %d x %d, want %d x %d", weights.Rows(), weights.Columns(), p.k, p.n)
	}
	Multiply(p.m, p.a, p.lda, weights, c, p.ldc)
	for i := range c {
		if c[i] != p.want[i] {
			t.Fatalf("m=%d n=%d k=%d lda=%d ldb=%d ldc=%d: element (%d,%d) is %d, want %d",
				p.m, p.n, p.k, p.lda, p.ldb, p.ldc, i/p.ldc, i%p.ldc, c[i], p.want[i])
		}
	}
	checkC(t)
	checkBuffer(t)
}

func TestMultiplySmallShapes(t *testing.T) {
	var cases []*product
	for _, m := range []int{0, 1, 2, 3, 6, 12, 17} {
		for _, n := range []int{0, 1, 15, 16, 17, 32, 33} {
			for _, k := range []int{0, 1, 2, 3, 4, 5, 8, 27} {
				cases = append(cases, newProduct(uint64(len(cases)), m, n, k, 0, 0, 0))
			}
		}
	}
	eachForm(t, func(t *testing.T) {
		for _, p := range cases {
			p.run(t)
		}
	})
}

func TestMultiplyRandomShapes(t *testing.T) {
	r := newRandom(2)
	var cases []*product
	for i := range rounds(150) {
		k := r.IntN(60)
		if i%8 == 0 {
			k = r.IntN(700) // beyond one pass of the AVX2 form
		}
		cases = append(cases, newProduct(uint64(i), r.IntN(60), r.IntN(80), k, r.IntN(4), r.IntN(4), r.IntN(4)))
	}
	eachForm(t, func(t *testing.T) {
		for _, p := range cases {
			p.run(t)
		}
	})
}

// TestMultiplyExtremes drives every sum to the ends: all products at
// (-128)*(-128), at (-128)*127 and beyond int32, where every form wraps.
func TestMultiplyExtremes(t *testing.T) {
	for _, depth := range []int{2000, 1<<17 + 3} {
		if depth > 2000 && testing.Short() {
			continue
		}
		for _, weight := range []int8{-128, 127} {
			p := &product{m: 3, n: 18, k: depth, lda: depth, ldb: 18, ldc: 18}
			p.a = slices.Repeat([]int8{-128}, p.m*p.k)
			p.b = slices.Repeat([]int8{weight}, p.k*p.n)
			p.c = slices.Repeat([]int32{1 << 30}, p.m*p.n)
			p.want = slices.Repeat([]int32{int32(int64(1<<30) - 128*int64(weight)*int64(depth))}, p.m*p.n)
			eachForm(t, p.run)
		}
	}
}

// TestMultiplyOverlappingRows multiplies the windows of a one-dimensional
// convolution: rows of A overlap.
func TestMultiplyOverlappingRows(t *testing.T) {
	for lda := range 3 {
		p := newProduct(uint64(lda), 0, 20, 40, 0, 0, 0)
		p.m, p.lda = 29, lda
		r := newRandom(3)
		p.a = randomBytes(r, extent(p.m, p.k, p.lda))
		p.c = randomSums(r, extent(p.m, p.n, p.ldc))
		p.define()
		eachForm(t, p.run)
	}
}

// TestMultiplySplitDepth adds the product up over two slices of the depth.
func TestMultiplySplitDepth(t *testing.T) {
	p := newProduct(4, 25, 40, 75, 2, 1, 3)
	eachForm(t, func(t *testing.T) {
		for _, split := range []int{1, 16, 37, 74} {
			c := slices.Clone(p.c)
			low := Pack(split, p.n, p.b, p.ldb, make([]int64, PackedLen(split, p.n)))
			high := Pack(p.k-split, p.n, p.b[split*p.ldb:], p.ldb, make([]int64, PackedLen(p.k-split, p.n)))
			Multiply(p.m, p.a, p.lda, low, c, p.ldc)
			Multiply(p.m, p.a[split:], p.lda, high, c, p.ldc)
			if !slices.Equal(c, p.want) {
				t.Errorf("split at %d: wrong result", split)
			}
		}
	})
}

// TestPackAnyAlignment packs into buffers at every offset from a cache line.
func TestPackAnyAlignment(t *testing.T) {
	p := newProduct(5, 5, 33, 9, 0, 0, 0)
	eachForm(t, func(t *testing.T) {
		for offset := range 9 {
			buffer := make([]int64, offset+PackedLen(p.k, p.n))[offset:]
			c := slices.Clone(p.c)
			Multiply(p.m, p.a, p.lda, Pack(p.k, p.n, p.b, p.ldb, buffer), c, p.ldc)
			if !slices.Equal(c, p.want) {
				t.Errorf("offset %d: wrong result", offset)
			}
		}
	})
}

func TestMultiplyRejectsShortSlices(t *testing.T) {
	eachForm(t, func(t *testing.T) {
		p := newProduct(6, 5, 7, 9, 0, 0, 0)
		buffer := make([]int64, PackedLen(9, 7))
		w := Pack(9, 7, p.b, 7, buffer)
		mustPanic(t, "short b", func() { Pack(9, 7, p.b[1:], 7, buffer) })
		mustPanic(t, "short buffer", func() { Pack(9, 7, p.b, 7, make([]int64, PackedLen(9, 7)/2)) })
		mustPanic(t, "negative depth", func() { Pack(-1, 7, p.b, 7, buffer) })
		mustPanic(t, "short a", func() { Multiply(5, p.a[1:], 9, w, p.c, 7) })
		mustPanic(t, "short c", func() { Multiply(5, p.a, 9, w, p.c[1:], 7) })
		mustPanic(t, "negative rows", func() { Multiply(-1, p.a, 9, w, p.c, 7) })
		mustPanic(t, "overlapping results", func() { Multiply(5, p.a, 9, w, p.c, 6) })
		mustPanic(t, "absurd stride", func() { Multiply(5, p.a, 1<<62, w, p.c, 7) })
	})
}

func TestMultiplyDoesNotAllocate(t *testing.T) {
	p := newProduct(7, 13, 40, 30, 0, 0, 0)
	eachForm(t, func(t *testing.T) {
		buffer := make([]int64, PackedLen(p.k, p.n))
		if n := testing.AllocsPerRun(10, func() {
			Multiply(p.m, p.a, p.lda, Pack(p.k, p.n, p.b, p.ldb, buffer), p.c, p.ldc)
		}); n != 0 {
			t.Errorf("%v allocations", n)
		}
	})
}
