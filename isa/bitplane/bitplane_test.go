package bitplane_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/npusim/npusim/isa/bitplane"
	"github.com/npusim/npusim/isa/xorcode"
)

// cases are all representations with all widths.
func cases() (list []struct {
	r    bitplane.Representation
	bits int
}) {
	for _, r := range []bitplane.Representation{bitplane.TwosComplement, bitplane.SignMagnitude, bitplane.BinaryCode} {
		for bits := 1; bits <= bitplane.MaxBits; bits++ {
			if (bits == 1) == (r == bitplane.BinaryCode) {
				list = append(list, struct {
					r    bitplane.Representation
					bits int
				}{r, bits})
			}
		}
	}
	return list
}

// bitOf is the definition of the representations, a bit of one weight.
func bitOf(r bitplane.Representation, v int8, plane, width int) bool {
	switch r {
	case bitplane.SignMagnitude:
		if plane == width-1 {
			return v < 0
		}
		return max(int(v), -int(v))>>plane&1 != 0
	case bitplane.BinaryCode:
		return v > 0
	default:
		return int(v)>>plane&1 != 0
	}
}

func full(n int) xorcode.Plane {
	p := xorcode.NewPlane(n)
	for i := range n {
		p.Set(i, true)
	}
	return p
}

func randomPlane(random *rand.Rand, n int) xorcode.Plane {
	p := xorcode.NewPlane(n)
	for i := range n {
		p.Set(i, random.IntN(2) == 0)
	}
	return p
}

// Every weight that a representation holds survives, and its bits are those of
// the definition.
func TestEveryWeight(t *testing.T) {
	for _, c := range cases() {
		var values []int8
		low, high := c.r.Range(c.bits)
		for v := low; v <= high; v++ {
			if c.r != bitplane.BinaryCode || v != 0 {
				values = append(values, int8(v))
			}
		}
		planes, err := bitplane.Split(values, c.bits, c.r)
		if err != nil {
			t.Fatal(err)
		}
		if len(planes) != c.bits {
			t.Fatalf("%v: %d planes for %d bits", c.r, len(planes), c.bits)
		}
		for j, p := range planes {
			for i, v := range values {
				if want := bitOf(c.r, v, j, c.bits); p.Get(i) != want {
					t.Errorf("%v of %d bits: bit %d of %d is %v", c.r, c.bits, j, v, p.Get(i))
				}
			}
		}
		got := make([]int8, len(values))
		if err := bitplane.Assemble(got, planes, full(len(values)), c.r); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got, values) {
			t.Errorf("%v of %d bits: %d came back as %d", c.r, c.bits, values, got)
		}
	}
}

// Weights outside the range are refused, by their place.
func TestRange(t *testing.T) {
	for _, c := range cases() {
		low, high := c.r.Range(c.bits)
		for v := -128; v < 128; v++ {
			fits := v >= low && v <= high && (c.r != bitplane.BinaryCode || v != 0)
			values := []int8{int8(high), int8(low), int8(v), int8(high)}
			_, err := bitplane.Split(values, c.bits, c.r)
			if fits != (err == nil) {
				t.Errorf("%v of %d bits: weight %d gives %v", c.r, c.bits, v, err)
			}
			if err != nil && !strings.Contains(err.Error(), "weight 2 is ") {
				t.Errorf("%v does not name the place", err)
			}
		}
	}
}

// Whatever stands in the planes at pruned weights, they read as 0 and the kept
// ones exactly.
func TestRoundTripUnderMask(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := rapid.SampledFrom(cases()).Draw(t, "case")
		n := rapid.IntRange(0, 300).Draw(t, "weights")
		random := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		low, high := c.r.Range(c.bits)
		values := make([]int8, n)
		for i := range values {
			values[i] = int8(low + random.IntN(high-low+1))
			if c.r == bitplane.BinaryCode {
				values[i] = int8(2*random.IntN(2) - 1)
			}
		}
		planes, err := bitplane.Split(values, c.bits, c.r)
		if err != nil {
			t.Fatal(err)
		}
		keep := randomPlane(random, n)
		for _, p := range planes {
			noise := randomPlane(random, n)
			for w := range p.Words {
				p.Words[w] ^= noise.Words[w] &^ keep.Words[w]
			}
		}
		got := make([]int8, n)
		for i := range got {
			got[i] = 99
		}
		if err := bitplane.Assemble(got, planes, keep, c.r); err != nil {
			t.Fatal(err)
		}
		for i, v := range values {
			if !keep.Get(i) {
				v = 0
			}
			if got[i] != v {
				t.Fatalf("%v of %d bits: weight %d of %d is %d, want %d", c.r, c.bits, i, n, got[i], v)
			}
		}
	})
}

// A sign without magnitude is no weight of its own.
func TestNegativeZero(t *testing.T) {
	planes := []xorcode.Plane{xorcode.NewPlane(3), xorcode.NewPlane(3), full(3)}
	got := []int8{5, 5, 5}
	if err := bitplane.Assemble(got, planes, full(3), bitplane.SignMagnitude); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got, []int8{0, 0, 0}) {
		t.Errorf("negative zeros read as %d", got)
	}
}

func TestErrors(t *testing.T) {
	two := []xorcode.Plane{xorcode.NewPlane(65), xorcode.NewPlane(65)}
	faults := []struct {
		name string
		err  error
	}{
		{"2 bits in binary code", bitplane.Assemble(make([]int8, 65), two, full(65), bitplane.BinaryCode)},
		{"is no representation", bitplane.Assemble(make([]int8, 65), two, full(65), bitplane.InvalidRepresentation)},
		{"is no representation", bitplane.Assemble(make([]int8, 65), two, full(65), 77)},
		{"1 bits in two's complement", bitplane.Assemble(make([]int8, 65), two[:1], full(65), bitplane.TwosComplement)},
		{"plane 0 has 65 bits for 64 weights", bitplane.Assemble(make([]int8, 64), two, full(64), bitplane.SignMagnitude)},
		{"the mask has 64 bits for 65 weights", bitplane.Assemble(make([]int8, 65), two, full(64), bitplane.SignMagnitude)},
	}
	_, err := bitplane.Split(nil, 9, bitplane.TwosComplement)
	faults = append(faults, struct {
		name string
		err  error
	}{"9 bits in two's complement", err})
	for _, f := range faults {
		if f.err == nil || !strings.Contains(f.err.Error(), f.name) {
			t.Errorf("got %v, want an error with %q", f.err, f.name)
		}
	}
}

// Reports weights x planes a second as Mbit/s (one bit a weight and plane).
func BenchmarkAssemble(b *testing.B) {
	benchmark(b, func(values []int8, planes []xorcode.Plane, keep xorcode.Plane, r bitplane.Representation) error {
		return bitplane.Assemble(values, planes, keep, r)
	})
}

func BenchmarkSplit(b *testing.B) {
	benchmark(b, func(values []int8, planes []xorcode.Plane, _ xorcode.Plane, r bitplane.Representation) error {
		_, err := bitplane.Split(values, len(planes), r)
		return err
	})
}

// benchmark runs f on 2^20 weights of which a tenth is kept.
func benchmark(b *testing.B, f func([]int8, []xorcode.Plane, xorcode.Plane, bitplane.Representation) error) {
	const n = 1 << 20
	random := rand.New(rand.NewPCG(3, 4))
	for _, c := range cases() {
		if c.bits != 8 && c.bits != 4 && c.bits != 1 {
			continue
		}
		b.Run(strings.ReplaceAll(c.r.String(), " ", "-")+"/"+string(rune('0'+c.bits)), func(b *testing.B) {
			low, high := c.r.Range(c.bits)
			values := make([]int8, n)
			keep := xorcode.NewPlane(n)
			for i := range values {
				values[i] = int8(low + random.IntN(high-low+1) | 1)
				keep.Set(i, random.IntN(10) == 0)
			}
			planes, err := bitplane.Split(values, c.bits, c.r)
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				if err := f(values, planes, keep, c.r); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(n)*float64(c.bits)*float64(b.N)/b.Elapsed().Seconds()/1e6, "Mbit/s")
		})
	}
}
