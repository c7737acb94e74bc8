package weightmask_test

import (
	"math/bits"
	"strings"
	"testing"

	"github.com/npusim/npusim/isa/weightmask"
	"github.com/npusim/npusim/isa/xorcode"
)

// Every flipped bit and every missing byte is noticed.
func TestCorruptionIsCaught(t *testing.T) {
	for _, stream := range samples() {
		for bit := range 8 * len(stream) {
			bad := append([]byte(nil), stream...)
			bad[bit/8] ^= 1 << (bit % 8)
			if _, err := weightmask.Open(bad); err == nil {
				t.Fatalf("format %d: flipping bit %d goes unnoticed", stream[5], bit)
			}
		}
		for n := range stream {
			if _, err := weightmask.Open(stream[:n]); err == nil {
				t.Fatalf("format %d: the first %d of %d bytes pass as a stream", stream[5], n, len(stream))
			}
		}
		if _, err := weightmask.Open(append(append([]byte(nil), stream...), 0)); err == nil {
			t.Fatalf("format %d: a byte too many goes unnoticed", stream[5])
		}
	}
}

// A changed payload under fresh checksums is refused or is another mask of as
// many kept weights; the unchanged header catches most.
func TestChangedPayload(t *testing.T) {
	for _, stream := range samples() {
		s := must(weightmask.Open(stream))
		payload := stream[weightmask.HeaderBytes:]
		refused := 0
		for bit := range 8 * len(payload) {
			bad := append([]byte(nil), payload...)
			bad[bit/8] ^= 1 << (bit % 8)
			again, err := weightmask.Open(must(weightmask.Seal(s.Header, bad)))
			if err != nil {
				refused++
				continue
			}
			mask, err := again.Decode()
			if err != nil {
				refused++
			} else if mask.Count() != s.Kept {
				t.Fatalf("%v: bit %d makes a mask of %d kept weights, header %d", s.Format, bit, mask.Count(), s.Kept)
			}
		}
		if refused < 4*len(payload) {
			t.Errorf("%v: %d of %d changed payloads were refused", s.Format, refused, 8*len(payload))
		}
	}
}

// Run-length payloads of 70 weights in blocks of 64, right and wrong ones.
func TestRunLengthFaults(t *testing.T) {
	raw := []byte{weightmask.RawBlock, 1, 0, 0, 0, 0, 0, 0, 0}
	cases := []struct {
		name   string
		blocks [2][]byte
		want   string
	}{
		{"right", [2][]byte{raw, {weightmask.RawBlock, 0}}, ""},
		{"kind", [2][]byte{{0x40}, {weightmask.RawBlock, 0}}, "unknown kind"},
		{"raw with a parameter", [2][]byte{{weightmask.RawBlock | 1, 1, 0, 0, 0, 0, 0, 0, 0}, {weightmask.RawBlock, 0}}, "unknown kind"},
		{"raw too short", [2][]byte{raw[:8], {weightmask.RawBlock, 0}}, "follow"},
		{"raw past its end", [2][]byte{raw, {weightmask.RawBlock, 0x40}}, "follow"},
		{"run past the block", [2][]byte{raw, {0, 0x80}}, "longer"},
		{"run without end", [2][]byte{raw, {0, 0}}, "longer"},
		{"code without end", [2][]byte{{0, 0}, {weightmask.RawBlock, 0}}, "within a run"},
		{"code cut in a run's low bits", [2][]byte{{3, 0x80}, {weightmask.RawBlock, 0}}, "within a run"},
		{"run that ends with the block", [2][]byte{raw, {0, 0x40}}, ""},
		{"bits after the last run", [2][]byte{raw, {0, 0xc0}}, "follow"},
		{"bytes after the last run", [2][]byte{raw, {0, 0x40, 0}}, "follow"},
	}
	for _, c := range cases {
		h := weightmask.Header{Format: weightmask.RunLength, Rows: 7, Cols: 10, Kept: 1, BlockWeights: 64}
		payload := append([]byte{0, 0, 0, 0, byte(len(c.blocks[0])), 0, 0, 0}, c.blocks[0]...)
		s, err := weightmask.Open(must(weightmask.Seal(h, append(payload, c.blocks[1]...))))
		if err == nil {
			_, err = s.Decode()
		}
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}

func TestImpossibleHeaders(t *testing.T) {
	exact := weightmask.Header{Format: weightmask.Raw, Rows: 4, Cols: 5, BlockWeights: 64}
	tiled := weightmask.Header{Format: weightmask.LowRank, Rows: 4, Cols: 5, TileRows: 3, TileCols: 4, Rank: 2}
	cases := []struct {
		name   string
		change func() weightmask.Header
	}{
		{"format", func() weightmask.Header { h := exact; h.Format = 9; return h }},
		{"0 x 5 weights", func() weightmask.Header { h := exact; h.Rows = 0; return h }},
		{"weights", func() weightmask.Header { h := exact; h.Rows, h.Cols = 1<<20, 1<<20; return h }},
		{"21 of 20", func() weightmask.Header { h := exact; h.Kept = 21; return h }},
		{"blocks of 65", func() weightmask.Header { h := exact; h.BlockWeights = 65; return h }},
		{"blocks of 131072", func() weightmask.Header { h := exact; h.BlockWeights = 1 << 17; return h }},
		{"no tiles", func() weightmask.Header { h := exact; h.Rank = 1; return h }},
		{"tiles of 3 x 5000", func() weightmask.Header { h := tiled; h.TileCols = 5000; return h }},
		{"rank 4", func() weightmask.Header { h := tiled; h.Rank = 4; return h }},
		{"rank 0", func() weightmask.Header { h := tiled; h.Rank = 0; return h }},
		{"no blocks", func() weightmask.Header { h := tiled; h.BlockWeights = 64; return h }},
	}
	for _, c := range cases {
		if _, err := weightmask.Seal(c.change(), nil); err == nil || !strings.Contains(err.Error(), c.name) {
			t.Errorf("got %v, want an error with %q", err, c.name)
		}
	}
}

func TestWrongPlane(t *testing.T) {
	s := must(weightmask.Open(samples()[0]))
	if err := s.DecodeInto(xorcode.NewPlane(s.Weights() - 1)); err == nil {
		t.Error("a plane that is too short is taken")
	}
	if err := s.DecodeTile(s.Tiles(), xorcode.NewPlane(s.Weights())); err == nil {
		t.Error("a part past the end is decoded")
	}
}

// naive decodes run-length payloads weight by weight, after the text of the
// format. ok is false where it is not well-formed.
func naive(s *weightmask.Stream, payload []byte) (mask xorcode.Plane, ok bool) {
	mask = xorcode.NewPlane(s.Weights())
	table, code := payload[:4*s.Tiles()], payload[4*s.Tiles():]
	for b := range s.Tiles() {
		tile := s.Tile(b)
		from, to := int(table[4*b])|int(table[4*b+1])<<8, len(code)
		if b+1 < s.Tiles() {
			to = int(table[4*b+4]) | int(table[4*b+5])<<8
		}
		block := code[from+1 : to]
		at, end := 0, 8*len(block)
		bit := func() int {
			if at++; at > end {
				return 0
			}
			return int(block[(at-1)/8]) >> ((at - 1) % 8) & 1
		}
		tag := code[from]
		weight, last := tile.Col, tile.Col+tile.Cols
		switch {
		case tag == weightmask.RawBlock:
			for ; weight < last; weight++ {
				mask.Set(weight, bit() == 1)
			}
		case tag < weightmask.RawBlock:
			kept := tag&weightmask.RunsOfKept != 0
			for weight < last {
				run := 0
				for bit() == 0 {
					if run++; at > end {
						return mask, false
					}
				}
				run <<= tag & 15
				for i := range tag & 15 {
					run += bit() << i
				}
				for ; run > 0 && weight < last; run-- {
					mask.Set(weight, kept)
					weight++
				}
				if run > 0 {
					return mask, false
				}
				if weight < last {
					mask.Set(weight, !kept)
					weight++
				}
			}
		default:
			return mask, false
		}
		if at > end || end-at > 7 {
			return mask, false
		}
		for at < end {
			if bit() == 1 {
				return mask, false
			}
		}
	}
	return mask, mask.Count() == s.Kept
}

// FuzzRunLength: the decoder takes what the text of the format allows, nothing
// else, and means the same.
func FuzzRunLength(f *testing.F) {
	for _, stream := range samples() {
		if s := must(weightmask.Open(stream)); s.Format == weightmask.RunLength {
			f.Add(uint16(s.Weights()), uint8(s.BlockWeights/64), stream[weightmask.HeaderBytes:])
		}
	}
	f.Add(uint16(64), uint8(1), []byte{0, 0, 0, 0, 0x0f, 0, 1, 0})
	f.Fuzz(func(t *testing.T, weights uint16, block uint8, payload []byte) {
		if weights == 0 || block == 0 || len(payload) > 1<<15 {
			return
		}
		h := weightmask.Header{Format: weightmask.RunLength, Rows: 1, Cols: int(weights), BlockWeights: 64 * int(block)}
		count := 0
		for _, b := range payload[min(len(payload), 8):] {
			count += bits.OnesCount8(b)
		}
		h.Kept = min(count, int(weights))
		s, err := weightmask.Open(must(weightmask.Seal(h, payload)))
		if err != nil {
			return
		}
		// The number of kept weights is whatever the payload gives.
		mask, _ := naive(s, payload)
		s.Kept = mask.Count()
		want, ok := naive(s, payload)
		got, err := s.Decode()
		if ok != (err == nil) {
			t.Fatalf("decoder says %v, the text of the format %v", err, ok)
		}
		if ok && !equal(got, want) {
			t.Fatal("the decoder reads another mask than the text of the format says")
		}
	})
}

// FuzzOpen: no stream makes a decoder fail other than by an error.
func FuzzOpen(f *testing.F) {
	for _, stream := range samples() {
		s := must(weightmask.Open(stream))
		f.Add(stream[5], uint32(s.Rows), uint32(s.Cols), uint32(s.Kept), uint32(s.BlockWeights+s.TileRows), uint16(s.TileCols), uint16(s.Rank), stream[weightmask.HeaderBytes:])
	}
	f.Fuzz(func(t *testing.T, format uint8, rows, cols, kept, block uint32, tileCols, rank uint16, payload []byte) {
		h := weightmask.Header{Format: weightmask.Format(format), Rows: int(rows), Cols: int(cols), Kept: int(kept), BlockWeights: int(block)}
		if h.Format == weightmask.LowRank {
			h.BlockWeights, h.TileRows, h.TileCols, h.Rank = 0, int(block), int(tileCols), int(rank)
		}
		if h.Weights() > 1<<20 {
			return
		}
		stream, err := weightmask.Seal(h, payload)
		if err != nil {
			return
		}
		s, err := weightmask.Open(stream)
		if err != nil {
			return
		}
		if mask, err := s.Decode(); err == nil && mask.Count() != s.Kept {
			t.Fatalf("%d weights kept, header %d", mask.Count(), s.Kept)
		}
	})
}

// FuzzBytes: bytes of any kind open or do not.
func FuzzBytes(f *testing.F) {
	for _, stream := range samples() {
		f.Add(stream)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if s, err := weightmask.Open(data); err == nil && s.Bytes().Total() != len(data) {
			t.Fatalf("%+v for %d bytes", s.Bytes(), len(data))
		}
	})
}
