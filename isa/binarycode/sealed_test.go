package binarycode

import (
	"math/rand/v2"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/npusim/npusim/isa/xorcode"
)

// TestSealedTiles: any tile of sealed keys decodes to the same keys as that part
// of the matrix, whose signs are worked out here output by output.
func TestSealedTiles(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		mu, group := rapid.IntRange(2, 10).Draw(t, "mu"), rapid.SampledFrom([]int{1, 2, 4}).Draw(t, "slice rows")
		rows, columns, planes := rapid.IntRange(1, 24).Draw(t, "rows"), rapid.IntRange(1, 60).Draw(t, "columns"), rapid.IntRange(1, 3).Draw(t, "planes")
		inputs := rapid.IntRange(1, mu*group).Draw(t, "inputs")
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		keys := ceilDivide(columns, mu)
		s := &Sealed{Mu: mu}
		m := &Matrix{Shape: Shape{Rows: rows, Columns: columns, Group: columns, Ranges: []Range{{Rows: rows, Planes: planes}}}}
		m.Bits = make([]uint64, m.Shape.Words())
		span := m.Shape.Spans()[0]
		sign := func(plane, row, column int) uint64 { // of the network, by its rows
			g, key := row/group, column/mu
			code := s.Codes[plane][g*keys+key]
			tap := s.Networks[plane].Rows[column%mu*group+row%group] & code
			parity := uint64(0)
			for ; tap != 0; tap &= tap - 1 {
				parity ^= 1
			}
			return parity
		}
		for plane := range planes {
			s.Networks = append(s.Networks, xorcode.RandomNetwork(inputs, mu*group, uint64(plane)))
			codes := make([]uint64, ceilDivide(rows, group)*keys)
			for i := range codes {
				codes[i] = r.Uint64() >> (64 - inputs)
			}
			s.Codes = append(s.Codes, codes)
			for row := range rows {
				for column := range columns {
					span.Plane(m.Bits, row, plane)[column/64] |= sign(plane, row, column) << (column % 64)
				}
			}
		}
		if err := s.Check(m); err != nil {
			t.Fatal(err)
		}
		row := rapid.IntRange(0, (rows-1)/group).Draw(t, "first row") * group
		key := rapid.IntRange(0, keys-1).Draw(t, "first key")
		tileRows, tileKeys := rapid.IntRange(1, rows-row).Draw(t, "tile rows"), rapid.IntRange(1, keys-key).Draw(t, "tile keys")
		stream := s.Tile(row, tileRows, key, tileKeys, keys)
		if want := SealedBytes(tileRows, tileKeys, planes, mu, s.Networks[0]); len(stream) != want {
			t.Fatalf("%d bytes, want %d", len(stream), want)
		}
		planeBytes := ceilDivide(tileRows*tileKeys*mu, 8)
		into := make([]byte, planes*planeBytes)
		if err := Unseal(into, stream, tileRows, tileKeys, mu, s.Networks); err != nil {
			t.Fatal(err)
		}
		for plane := range planes {
			for y := range tileRows {
				for x := range tileKeys * mu {
					at := y*tileKeys*mu + x
					got := uint64(into[plane*planeBytes+at/8] >> (at % 8) & 1)
					if want := sign(plane, row+y, key*mu+x); got != want {
						t.Fatalf("plane %d, row %d, column %d: %d, want %d", plane, row+y, key*mu+x, got, want)
					}
				}
			}
		}
		m.Bits[rapid.IntRange(0, len(m.Bits)-1).Draw(t, "word")] ^= 1
		if err := s.Check(m); err == nil || !strings.Contains(err.Error(), "the codes give") {
			t.Fatalf("a wrong sign: %v", err)
		}
		if err := Unseal(into, stream[1:], tileRows, tileKeys, mu, s.Networks); err == nil {
			t.Fatal("a byte is missing")
		}
	})
}

// FuzzUnseal: any stream gives keys or an error, within the bounds that a
// descriptor allows.
func FuzzUnseal(f *testing.F) {
	f.Add([]byte{1, 2, 3, 4}, uint8(3), uint8(2), uint8(8), uint8(2), uint8(13))
	f.Add([]byte{}, uint8(0), uint8(0), uint8(2), uint8(1), uint8(1))
	f.Add([]byte{0xff}, uint8(1), uint8(1), uint8(2), uint8(4), uint8(8))
	f.Fuzz(func(t *testing.T, stream []byte, rows, keys, mu, group, inputs uint8) {
		width := 2 + int(mu)%9
		outputs := width * (1 + int(group)%8)
		n := xorcode.RandomNetwork(1+int(inputs)%min(outputs, xorcode.MaxInputs), outputs, 1)
		r, k := 1+int(rows), 1+int(keys)
		networks := []*xorcode.Network{n, n}
		want := SealedBytes(r, k, len(networks), width, n)
		err := Unseal(make([]byte, len(networks)*ceilDivide(r*k*width, 8)), stream, r, k, width, networks)
		if err == nil && len(stream) != want {
			t.Fatalf("%d bytes are taken for %d", len(stream), want)
		}
	})
}
