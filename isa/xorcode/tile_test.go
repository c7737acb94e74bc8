package xorcode

import (
	"testing"

	"pgregory.net/rapid"
)

// TestPut and Invert against bit by bit.
func TestPutAndInvert(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 300).Draw(t, "bits")
		at := rapid.IntRange(0, n).Draw(t, "at")
		count := rapid.IntRange(0, n-at).Draw(t, "count")
		words := rapid.SliceOfN(rapid.Uint64(), Words(count), Words(count)+1).Draw(t, "words")
		p, want := NewPlane(n), NewPlane(n)
		for i := range n {
			p.Set(i, i%3 == 0)
			want.Set(i, i%3 == 0)
		}
		for i := range count {
			want.Set(at+i, words[i/64]>>(i%64)&1 != 0)
		}
		p.Put(at, words, count)
		for i := range p.Words {
			if p.Words[i] != want.Words[i] {
				t.Fatalf("%d bits at %d of %d: word %d is %x, want %x", count, at, n, i, p.Words[i], want.Words[i])
			}
		}
		p.Invert()
		for i := range n {
			if p.Get(i) == want.Get(i) {
				t.Fatalf("bit %d is not inverted", i)
			}
		}
		if _, err := PlaneOf(n, p.Words); err != nil {
			t.Fatal(err)
		}
	})
}
