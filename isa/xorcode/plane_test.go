package xorcode

import (
	"testing"

	"pgregory.net/rapid"
)

func TestPlane(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 300).Draw(t, "bits")
		p := NewPlane(n)
		set := map[int]bool{}
		for _, i := range rapid.SliceOf(rapid.IntRange(0, n-1)).Draw(t, "set") {
			p.Set(i, true)
			set[i] = true
		}
		for _, i := range rapid.SliceOf(rapid.IntRange(0, n-1)).Draw(t, "cleared") {
			p.Set(i, false)
			delete(set, i)
		}
		if p.Len() != n || p.Count() != len(set) {
			t.Fatalf("%d of %d bits are set, want %d of %d", p.Count(), p.Len(), len(set), n)
		}
		at, count := rapid.IntRange(0, n+70).Draw(t, "at"), rapid.IntRange(0, 64).Draw(t, "count")
		word := p.Bits(at, count)
		for i := range 64 {
			if want := i < count && set[at+i]; (word>>i&1 != 0) != want {
				t.Fatalf("bits %d+%d are %x: bit %d is wrong", at, count, word, i)
			}
		}
		if q, err := PlaneOf(n, p.Clone().Words); err != nil || q.Count() != p.Count() {
			t.Fatal(err)
		}
	})
	if _, err := PlaneOf(65, []uint64{0, 2}); err == nil {
		t.Error("a bit past the end is taken")
	}
	if _, err := PlaneOf(65, []uint64{0}); err == nil {
		t.Error("one word for 65 bits is taken")
	}
}

func TestBitstream(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s, tail, whole Bitstream
		var values []uint64
		var widths []int
		for range rapid.IntRange(0, 20).Draw(t, "fields") {
			width := rapid.IntRange(0, 64).Draw(t, "width")
			value := rapid.Uint64().Draw(t, "value") & lowMask(width)
			values, widths = append(values, value), append(widths, width)
			into := &s
			if len(values) > 10 {
				into = &tail
			}
			into.Append(value, width)
			whole.Append(value, width)
		}
		s.AppendStream(&tail)
		if err := s.Validate(); err != nil {
			t.Fatal(err)
		}
		if s.Length != whole.Length || string(s.Bytes) != string(whole.Bytes) {
			t.Fatalf("%d bits %x in two pieces, %d bits %x in one", s.Length, s.Bytes, whole.Length, whole.Bytes)
		}
		at := Bits(0)
		for i, width := range widths {
			if got := s.At(at, width); got != values[i] {
				t.Fatalf("field %d of %d bits is %x, want %x", i, width, got, values[i])
			}
			at += Bits(width)
		}
		if s.At(s.Length, 64) != 0 || s.At(s.Length+1000, 64) != 0 {
			t.Fatal("bits past the end are not zero")
		}
	})
}
