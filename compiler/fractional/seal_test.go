package fractional

import (
	"context"
	"testing"

	solve "github.com/npusim/npusim/compiler/binarycode"
	"github.com/npusim/npusim/isa/fractionalcode"
)

// TestSeal: signs out of networks are those of the codes; with as many inputs as
// outputs a network that loses nothing comes near the free codes; the fewer inputs,
// the larger the error.
func TestSeal(t *testing.T) {
	const rows, columns, mu = 10, 203, 8
	w := normal(rows, columns, 3)
	free, err := solve.Quantize(context.Background(), w, rows, columns, solve.Options{Method: solve.Alternating, Planes: 2, Group: 80})
	if err != nil {
		t.Fatal(err)
	}
	bound, err := free.Error(w, nil)
	if err != nil {
		t.Fatal(err)
	}
	before := bound.Normalized() * 0.99
	for _, inputs := range []int{14, 12, 8} {
		var networks []fractionalcode.Network
		for plane := range 2 {
			n, err := fractionalcode.Draw(inputs, 16, fractionalcode.Generator{Taps: 2, Seed: uint64(plane)})
			if err != nil {
				t.Fatal(err)
			}
			networks = append(networks, n)
		}
		var last *solve.Matrix
		for _, workers := range []int{1, 3} {
			m, s, err := Seal(context.Background(), w, rows, columns, SealOptions{Mu: mu, Group: 80, Networks: networks, Workers: workers})
			if err != nil {
				t.Fatal(err)
			}
			if bits, err := s.Signs(&m.Shape); err != nil || len(bits) != len(m.Bits) {
				t.Fatal(err)
			}
			if last != nil {
				for i := range m.Bits {
					if m.Bits[i] != last.Bits[i] {
						t.Fatal("the number of workers changes the codes")
					}
				}
			}
			last = m
		}
		e, err := last.Error(w, nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%d of 16 bits: error %.4f, free %.4f", inputs, e.Normalized(), bound.Normalized())
		if e.Normalized() < before || e.Normalized() > 0.7 {
			t.Errorf("%d of 16 bits: error %.4f after %.4f", inputs, e.Normalized(), before)
		}
		before = e.Normalized()
	}
	if _, _, err := Seal(context.Background(), w, rows, columns, SealOptions{Mu: mu}); err == nil {
		t.Error("no networks")
	}
}
