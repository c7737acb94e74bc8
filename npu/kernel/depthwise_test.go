package kernel

import (
	"slices"
	"testing"
)

func TestMultiplyAccumulate(t *testing.T) {
	eachForm(t, func(t *testing.T) {
		r := newRandom(1)
		for n := range 70 {
			x, w := randomBytes(r, n), randomBytes(r, n)
			sums := randomSums(r, n)
			acc, check := guarded(r, sums)
			MultiplyAccumulate(acc, x, w)
			for c := range acc {
				if want := sums[c] + int32(x[c])*int32(w[c]); acc[c] != want {
					t.Fatalf("%d channels: channel %d is %d, want %d", n, c, acc[c], want)
				}
			}
			check(t)
		}
		mustPanic(t, "short x", func() { MultiplyAccumulate(make([]int32, 20), make([]int8, 19), make([]int8, 20)) })
		mustPanic(t, "short w", func() { MultiplyAccumulate(make([]int32, 20), make([]int8, 20), make([]int8, 19)) })
	})
}

// TestDepthwiseRow compares random rows, with taps in any order and number,
// with the definition.
func TestDepthwiseRow(t *testing.T) {
	eachForm(t, func(t *testing.T) {
		r := newRandom(2)
		for range rounds(300) {
			pixels, channels, taps := r.IntN(7), r.IntN(50), r.IntN(12)
			if r.IntN(10) == 0 {
				taps = r.IntN(80)
			}
			accStride, xStride := channels+r.IntN(3), r.IntN(60)
			offsets := make([]int, taps)
			furthest := 0
			for i := range offsets {
				offsets[i] = r.IntN(200)
				furthest = max(furthest, offsets[i])
			}
			x := randomBytes(r, furthest+extent(pixels, channels, xStride))
			w := randomBytes(r, taps*channels)
			sums := randomSums(r, extent(pixels, channels, accStride))
			want := slices.Clone(sums)
			for p := range pixels {
				for i, o := range offsets {
					for c := range channels {
						want[p*accStride+c] += int32(x[p*xStride+o+c]) * int32(w[i*channels+c])
					}
				}
			}
			acc, check := guarded(r, sums)
			DepthwiseRow(pixels, channels, acc, accStride, x, xStride, offsets, w)
			if !slices.Equal(acc, want) {
				t.Fatalf("%d pixels, %d channels, %d taps, strides %d and %d: wrong result", pixels, channels, taps, accStride, xStride)
			}
			check(t)
		}
	})
}

func TestDepthwiseRowRejectsShortSlices(t *testing.T) {
	acc, x, w := make([]int32, 3*16), make([]int8, 4*16), make([]int8, 2*16)
	offsets := []int{0, 16}
	eachForm(t, func(t *testing.T) {
		DepthwiseRow(3, 16, acc, 16, x, 16, offsets, w)
		mustPanic(t, "short acc", func() { DepthwiseRow(3, 16, acc[1:], 16, x, 16, offsets, w) })
		mustPanic(t, "short x", func() { DepthwiseRow(3, 16, acc, 16, x[1:], 16, offsets, w) })
		mustPanic(t, "short w", func() { DepthwiseRow(3, 16, acc, 16, x, 16, offsets, w[1:]) })
		mustPanic(t, "negative offset", func() { DepthwiseRow(3, 16, acc, 16, x, 16, []int{0, -1}, w) })
		mustPanic(t, "absurd offset", func() { DepthwiseRow(3, 16, acc, 16, x, 16, []int{0, 1 << 62}, w) })
	})
}

func TestDepthwiseRowDoesNotAllocate(t *testing.T) {
	acc, x, w := make([]int32, 3*16), make([]int8, 5*16), make([]int8, 3*16)
	offsets := []int{0, 16, 32}
	eachForm(t, func(t *testing.T) {
		if n := testing.AllocsPerRun(10, func() { DepthwiseRow(3, 16, acc, 16, x, 16, offsets, w) }); n != 0 {
			t.Errorf("%v allocations", n)
		}
	})
}
