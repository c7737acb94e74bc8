package gemm

import (
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"testing"
)

// eachForm runs a test with every form that this machine supports.
func eachForm(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	defer func(f form) { active = f }(active)
	for f := formPortable; f <= best(); f++ {
		active = f
		t.Run(f.String(), test)
	}
}

func rounds(n int) int {
	if testing.Short() {
		return n / 5
	}
	return n
}

func newRandom(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 0)) }

// randomMatrix draws values of widely different size, so that another order of
// summation or a fused operation shows in the bits.
func randomMatrix(r *rand.Rand, n int) []float32 {
	s := make([]float32, n)
	for i := range s {
		s[i] = float32(math.Ldexp(r.NormFloat64(), r.IntN(12)-6))
	}
	return s
}

// product is a case with the results by definition.
type product struct {
	m, n, k, lda, ldb, ldc int
	a, b, c                []float32
	multiplied, added      []float32 // results of Multiply and MultiplyAdd on c
}

func extent(rows, columns, stride int) int {
	if rows == 0 || columns == 0 {
		return 0
	}
	return (rows-1)*stride + columns
}

func (p *product) define() {
	p.multiplied, p.added = slices.Clone(p.c), slices.Clone(p.c)
	for i := range p.m {
		for j := range p.n {
			sum, total := float32(0), p.c[i*p.ldc+j]
			for q := range p.k {
				term := float32(p.a[i*p.lda+q] * p.b[q*p.ldb+j])
				sum += term
				total += term
			}
			p.multiplied[i*p.ldc+j], p.added[i*p.ldc+j] = sum, total
		}
	}
}

func newProduct(seed uint64, m, n, k, slackA, slackB, slackC int) *product {
	r := newRandom(seed)
	p := &product{m: m, n: n, k: k, lda: k + slackA, ldb: n + slackB, ldc: n + slackC}
	p.a = randomMatrix(r, extent(m, k, p.lda))
	p.b = randomMatrix(r, extent(k, n, p.ldb))
	p.c = randomMatrix(r, extent(m, n, p.ldc))
	p.define()
	return p
}

func sameBits(x, y float32) bool {
	return math.Float32bits(x) == math.Float32bits(y) || x != x && y != y
}

func (p *product) run(t *testing.T) {
	t.Helper()
	p.compare(t, "Multiply", Multiply, p.multiplied)
	p.compare(t, "MultiplyAdd", MultiplyAdd, p.added)
}

func (p *product) compare(t *testing.T, name string, multiply func(m, n, k int, a []float32, lda int, b []float32, ldb int, c []float32, ldc int), want []float32) {
	t.Helper()
	// The result lies between guards, which a store out of bounds would hit.
	const guard = 100
	whole := slices.Repeat([]float32{12345}, len(p.c)+2*guard)
	c := whole[guard : guard+len(p.c) : guard+len(p.c)]
	copy(c, p.c)
	multiply(p.m, p.n, p.k, p.a, p.lda, p.b, p.ldb, c, p.ldc)
	for i := range c {
		if !sameBits(c[i], want[i]) {
			t.Fatalf("%s m=%d n=%d k=%d lda=%d ldb=%d ldc=%d: element (%d,%d) is %x, want %x",
				name, p.m, p.n, p.k, p.lda, p.ldb, p.ldc, i/p.ldc, i%p.ldc, c[i], want[i])
		}
	}
	for i := range guard {
		if whole[i] != 12345 || whole[len(whole)-1-i] != 12345 {
			t.Fatalf("%s m=%d n=%d k=%d: element beside C was overwritten", name, p.m, p.n, p.k)
		}
	}
}

func TestSmallShapes(t *testing.T) {
	var cases []*product
	for _, m := range []int{0, 1, 2, 3, 6, 7, 12, 27} {
		for _, n := range []int{0, 1, 4, 15, 16, 17, 31, 32, 33} {
			for _, k := range []int{0, 1, 2, 3, 27} {
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

func TestRandomShapes(t *testing.T) {
	r := newRandom(1)
	var cases []*product
	for i := range rounds(100) {
		k := r.IntN(50)
		if i%5 == 0 {
			k = r.IntN(600) // several slices of the depth
		}
		cases = append(cases, newProduct(uint64(i), r.IntN(40), r.IntN(70), k, r.IntN(4), r.IntN(4), r.IntN(4)))
	}
	eachForm(t, func(t *testing.T) {
		for _, p := range cases {
			p.run(t)
		}
	})
}

// TestSpecialValues mixes zeros of both signs, infinities, NaN, subnormal
// numbers and the largest ones: none is skipped or flushed.
func TestSpecialValues(t *testing.T) {
	values := []float32{
		0, float32(math.Copysign(0, -1)), 1, -1,
		math.SmallestNonzeroFloat32, -1e-40, 1e-30, math.MaxFloat32, -math.MaxFloat32,
		float32(math.Inf(1)), float32(math.Inf(-1)), float32(math.NaN()),
	}
	r := newRandom(2)
	var cases []*product
	for i := range rounds(100) {
		p := newProduct(uint64(i), 1+r.IntN(14), 1+r.IntN(40), 1+r.IntN(6), 0, 0, 0)
		count := len(values) - r.IntN(4) // with and without the values that spread
		for _, s := range [][]float32{p.a, p.b, p.c} {
			for i := range s {
				s[i] = values[r.IntN(count)]
			}
		}
		p.define()
		cases = append(cases, p)
	}
	eachForm(t, func(t *testing.T) {
		for _, p := range cases {
			p.run(t)
		}
	})
}

// TestSplitDepth checks that slices of the depth give the bits of the whole.
func TestSplitDepth(t *testing.T) {
	p := newProduct(3, 15, 37, 400, 1, 2, 3)
	eachForm(t, func(t *testing.T) {
		for _, split := range []int{1, 128, 211, 399} {
			c := slices.Clone(p.c)
			Multiply(p.m, p.n, split, p.a, p.lda, p.b, p.ldb, c, p.ldc)
			MultiplyAdd(p.m, p.n, p.k-split, p.a[split:], p.lda, p.b[split*p.ldb:], p.ldb, c, p.ldc)
			if !slices.Equal(c, p.multiplied) {
				t.Errorf("split at %d changes the result", split)
			}
		}
	})
}

// TestSharedSource multiplies a matrix with itself, and with overlapping rows.
func TestSharedSource(t *testing.T) {
	const size = 35
	p := newProduct(4, size, size, size, 0, 0, 0)
	p.b = p.a
	p.define()
	eachForm(t, p.run)

	p = newProduct(5, 20, 40, 30, 0, 0, 0)
	p.lda, p.ldb = 1, 2 // a sliding window on either side
	p.define()
	eachForm(t, p.run)
}

// TestErrorBound compares with sums in float64.
func TestErrorBound(t *testing.T) {
	p := newProduct(6, 9, 50, 900, 0, 0, 0)
	c := make([]float32, len(p.c))
	Multiply(p.m, p.n, p.k, p.a, p.lda, p.b, p.ldb, c, p.ldc)
	unit := float64(p.k) * math.Ldexp(1, -24)
	for i := range p.m {
		for j := range p.n {
			var sum, magnitude float64
			for q := range p.k {
				term := float64(p.a[i*p.lda+q]) * float64(p.b[q*p.ldb+j])
				sum += term
				magnitude += math.Abs(term)
			}
			if e := math.Abs(float64(c[i*p.ldc+j]) - sum); e > unit/(1-unit)*magnitude {
				t.Fatalf("element (%d,%d) is off by %g, bound %g", i, j, e, unit/(1-unit)*magnitude)
			}
		}
	}
}

func TestRejectsShortSlices(t *testing.T) {
	mustPanic := func(t *testing.T, name string, f func()) {
		t.Helper()
		defer func() {
			if recover() == nil {
				t.Errorf("%s: no panic", name)
			}
		}()
		f()
	}
	p := newProduct(7, 5, 7, 9, 0, 0, 0)
	eachForm(t, func(t *testing.T) {
		mustPanic(t, "short A", func() { Multiply(5, 7, 9, p.a[1:], 9, p.b, 7, p.c, 7) })
		mustPanic(t, "short B", func() { Multiply(5, 7, 9, p.a, 9, p.b[1:], 7, p.c, 7) })
		mustPanic(t, "short C", func() { MultiplyAdd(5, 7, 9, p.a, 9, p.b, 7, p.c[1:], 7) })
		mustPanic(t, "negative depth", func() { Multiply(5, 7, -1, p.a, 9, p.b, 7, p.c, 7) })
		mustPanic(t, "overlapping results", func() { Multiply(5, 7, 9, p.a, 9, p.b, 7, p.c, 6) })
		mustPanic(t, "absurd stride", func() { Multiply(5, 7, 9, p.a, 1<<62, p.b, 7, p.c, 7) })
	})
}

func TestDoesNotAllocate(t *testing.T) {
	p := newProduct(8, 13, 40, 30, 0, 0, 0)
	eachForm(t, func(t *testing.T) {
		if n := testing.AllocsPerRun(10, func() { Multiply(p.m, p.n, p.k, p.a, p.lda, p.b, p.ldb, p.c, p.ldc) }); n != 0 {
			t.Errorf("%v allocations", n)
		}
	})
}

// TestEnvironment starts this test again with NPUSIM_PORTABLE set.
func TestEnvironment(t *testing.T) {
	if os.Getenv("NPUSIM_PORTABLE") == "1" {
		if Implementation() != "portable" {
			t.Fatalf("NPUSIM_PORTABLE=1 uses %s", Implementation())
		}
		return
	}
	if got := Implementation(); got != best().String() {
		t.Fatalf("uses %s, want %s", got, best())
	}
	command := exec.Command(os.Args[0], "-test.run=^TestEnvironment$")
	command.Env = append(os.Environ(), "NPUSIM_PORTABLE=1")
	if output, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
}
