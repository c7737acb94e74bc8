package binarycode

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestPackByHand: the bytes of a small matrix, written out.
func TestPackByHand(t *testing.T) {
	// 3 rows of 7 columns, keys of 3 bits, tiles of 2 rows by 2 keys; rows 0 and 1
	// have two planes, row 2 one.
	l := Layout{
		Shape: Shape{Rows: 3, Columns: 7, Group: 6, Ranges: []Range{{Rows: 2, Planes: 2}, {Rows: 1, Planes: 1}}},
		Mu:    3, TileRows: 2, TileKeys: 2, Format: FixedScales,
	}
	m := &Matrix{
		Shape: l.Shape, Format: FixedScales, Exponent: -3,
		Bits: []uint64{
			0b1_010_001, 0b0_111_100, // row 0: planes 0 and 1, keys from right to left
			0b0_110_011, 0b1_000_101, // row 1
			0b1_101_110, // row 2
		},
		// row, group, plane
		Scales: []uint16{0x0101, 0x0202, 0x0303, 0x0404, 0x1101, 0x1202, 0x1303, 0x1404, 0x2101, 0x2303},
		Shifts: []uint8{1, 2, 15},
	}
	p, err := Pack(m, l)
	if err != nil {
		t.Fatal(err)
	}
	keys := []byte{
		0b11_010_001, 0b0000_110_0, // column tile 0: plane 0 of rows 0 and 1
		0b01_111_100, 0b0000_000_1, // plane 1
		0b00_101_110, // row 2
		0b00_000_001, // column tile 1, one key wide: plane 0
		0b00_001_000, // plane 1
		0b00_000_001, // row 2
	}
	if !bytes.Equal(p.Keys, keys) {
		t.Errorf("keys  %08b\nwant  %08b", p.Keys, keys)
	}
	scales := []uint16{
		0x0101, 0x1101, 0x0202, 0x1202, 0x2101, // group 0: planes of rows 0 and 1, row 2
		0x0303, 0x1303, 0x0404, 0x1404, 0x2303,
	}
	for i, want := range scales {
		if got := binary.LittleEndian.Uint16(p.Scales[2*i:]); got != want {
			t.Errorf("scale %d of the stream is %#04x, want %#04x", i, got, want)
		}
	}
	if want := []byte{0x21, 0x0f}; !bytes.Equal(p.Shifts, want) {
		t.Errorf("shifts %x, want %x", p.Shifts, want)
	}
	want := Sizes{Header: 36 + 2*8 + 16, Keys: 8, Scales: 20, Shifts: 2, Weights: 21, Signs: 35}
	if diff := cmp.Diff(want, l.Sizes()); diff != "" {
		t.Errorf("sizes (-want +got):\n%s", diff)
	}
	encoded, err := p.Encode()
	if err != nil {
		t.Fatal(err)
	}
	sizes := l.Sizes()
	if int64(len(encoded)) != sizes.Header+sizes.Total() {
		t.Errorf("the container has %d bytes, counted %d", len(encoded), sizes.Header+sizes.Total())
	}
}

// TestSharedScales: a range that shares has one scale for a group and plane.
func TestSharedScales(t *testing.T) {
	s := Shape{Rows: 100, Columns: 64, Group: 16, Ranges: []Range{{Rows: 60, Planes: 3, Shared: true}, {Rows: 40, Planes: 2}}}
	if got, want := s.Scales(), 4*(3+40*2); got != want {
		t.Errorf("%d scales, want %d", got, want)
	}
	if got, want := s.SignBits(), int64(64*(60*3+40*2)); got != want {
		t.Errorf("%d signs, want %d", got, want)
	}
}

func TestPackRoundTrip(t *testing.T) {
	random := rand.New(rand.NewPCG(6, 1))
	cases := 1000
	if testing.Short() {
		cases = 200
	}
	for range cases {
		m, l := randomMatrix(random, 50, 200)
		p, err := Pack(m, l)
		if err != nil {
			t.Fatal(err)
		}
		var end int64
		for tile := range l.Tiles() {
			if tile.Offset != end {
				t.Fatalf("%+v: tile %+v starts at %d, want %d", l, tile, tile.Offset, end)
			}
			end += int64(tile.Planes) * tile.PlaneBytes
		}
		if sizes := l.Sizes(); end != sizes.Keys || sizes.Keys*8 < sizes.Signs {
			t.Fatalf("%+v: tiles end at %d, sizes are %+v", l, end, sizes)
		}
		data, err := p.Encode()
		if err != nil {
			t.Fatal(err)
		}
		q, err := Decode(data)
		if err != nil {
			t.Fatal(err)
		}
		back, err := q.Unpack()
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(m, back); diff != "" {
			t.Fatalf("%+v (-packed +unpacked):\n%s", l, diff)
		}
	}
}

// TestDecodeRefuses: every single changed byte, and every prefix.
func TestDecodeRefuses(t *testing.T) {
	data := container(t, 7)
	for i := range data {
		bad := bytes.Clone(data)
		bad[i] ^= 0x41
		if _, err := Decode(bad); err == nil {
			t.Errorf("byte %d changed: no error", i)
		}
		if _, err := Decode(data[:i]); err == nil {
			t.Errorf("cut to %d bytes: no error", i)
		}
	}
	if _, err := Decode(append(bytes.Clone(data), 0)); err == nil {
		t.Error("a byte after the end: no error")
	}
}

// TestUnpackRefuses: contents with right checksums that no Pack writes.
func TestUnpackRefuses(t *testing.T) {
	shape := Shape{Rows: 3, Columns: 7, Group: 7, Ranges: []Range{{Rows: 3, Planes: 1}}}
	l := Layout{Shape: shape, Mu: 4, TileRows: 3, TileKeys: 1, Format: FixedScales}
	for _, c := range []struct {
		name   string
		change func(p *Packed)
		want   string
	}{
		{"tail column", func(p *Packed) { p.Keys[2] |= 8 }, "bits after the last column are not 0 in row 0, plane 0"},
		{"tail of a plane", func(p *Packed) { p.Keys[1] |= 0x80 }, "bits after row 2 of plane 0 are not 0 at byte 1"},
		{"tail shift", func(p *Packed) { p.Shifts[1] |= 0x10 }, "after row 2"},
		{"scale", func(p *Packed) { p.Scales[1] = 0x80 }, "beyond"},
		{"keys length", func(p *Packed) { p.Keys = p.Keys[1:] }, "keys: 3 bytes, the layout has 4"},
		{"layout", func(p *Packed) { p.Layout.Mu = 11 }, "keys of 11 bits"},
	} {
		m := &Matrix{Shape: shape, Format: FixedScales, Bits: make([]uint64, 3), Scales: make([]uint16, 3), Shifts: make([]uint8, 3)}
		p, err := Pack(m, l)
		if err != nil {
			t.Fatal(err)
		}
		c.change(p)
		if _, err := p.Unpack(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want an error with %q", c.name, err, c.want)
		}
	}
}

func TestValidate(t *testing.T) {
	good := func() *Layout {
		return &Layout{Shape: Shape{Rows: 4, Columns: 32, Group: 16, Ranges: []Range{{Rows: 4, Planes: 2}}}, Mu: 8, TileRows: 4, TileKeys: 2, Format: HalfScales}
	}
	if err := good().Validate(); err != nil {
		t.Fatal(err)
	}
	for want, change := range map[string]func(l *Layout){
		"0 rows":                   func(l *Layout) { l.Shape.Rows = 0 },
		"columns: must be 1 to":    func(l *Layout) { l.Shape.Columns = MaxColumns + 1 },
		"group of 33 columns":      func(l *Layout) { l.Shape.Group = 33 },
		"no row range":             func(l *Layout) { l.Shape.Ranges = nil },
		"range 0 has 5 planes":     func(l *Layout) { l.Shape.Ranges[0].Planes = 5 },
		"range 0 has 5 rows":       func(l *Layout) { l.Shape.Ranges[0].Rows = 5 },
		"row ranges hold 3 rows":   func(l *Layout) { l.Shape.Ranges[0].Rows = 3 },
		"keys of 1 bits":           func(l *Layout) { l.Mu = 1 },
		"multiple of the 10 bits":  func(l *Layout) { l.Mu = 10 },
		"tile of 0 rows":           func(l *Layout) { l.TileRows = 0 },
		"tile of 0 sub-vectors":    func(l *Layout) { l.TileKeys = 0 },
		"scale format 0":           func(l *Layout) { l.Format = InvalidScales },
		"range 1 has 1 rows: must": func(l *Layout) { l.Shape.Ranges = append(l.Shape.Ranges, Range{Rows: 1, Planes: 1}) },
	} {
		l := good()
		change(l)
		if err := l.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want an error with %q", err, want)
		}
	}
}

func container(t testing.TB, seed uint64) []byte {
	m, l := randomMatrix(rand.New(rand.NewPCG(seed, 1)), 8, 40)
	p, err := Pack(m, l)
	if err != nil {
		t.Fatal(err)
	}
	data, err := p.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// FuzzDecode: no panic, and what is taken has exactly one form.
func FuzzDecode(f *testing.F) {
	for seed := range uint64(6) {
		f.Add(container(f, seed), false)
	}
	f.Add([]byte(magic), true)
	f.Fuzz(func(t *testing.T, data []byte, fix bool) {
		if fix {
			data = fixChecksums(bytes.Clone(data))
		}
		p, err := Decode(data)
		if err != nil {
			return
		}
		m, err := p.Unpack()
		if err != nil {
			return
		}
		q, err := Pack(m, p.Layout)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := q.Encode(); err != nil || !bytes.Equal(again, data) {
			t.Fatalf("encoded again: %v\n%x\n%x", err, data, again)
		}
	})
}

// fixChecksums makes checksums right where lengths allow it, so that fuzzing gets
// past them.
func fixChecksums(data []byte) []byte {
	if len(data) < fixedBytes {
		return data
	}
	ranges := int(binary.LittleEndian.Uint32(data[32:]))
	if ranges > 64 || headerBytes(ranges) > len(data) {
		return data
	}
	header := headerBytes(ranges)
	put := func(at int, part []byte) { binary.LittleEndian.PutUint32(data[at:], crc32.Checksum(part, castagnoli)) }
	put(header-4, data[:header-4])
	l := Layout{Mu: int(data[6]), Format: ScaleFormat(data[7])}
	word := func(at int) int { return int(binary.LittleEndian.Uint32(data[at:])) }
	l.Shape = Shape{Rows: word(12), Columns: word(16), Group: word(20)}
	l.TileRows, l.TileKeys = word(24), word(28)
	for i := range ranges {
		at := fixedBytes + i*rangeBytes
		l.Shape.Ranges = append(l.Shape.Ranges, Range{Rows: word(at), Planes: int(data[at+4]), Shared: data[at+5] == 1})
	}
	if l.Validate() != nil {
		return data
	}
	sizes := l.Sizes()
	if int64(len(data)-header) != sizes.Total() {
		return data
	}
	body := data[header:]
	put(header-16, body[:sizes.Keys])
	put(header-12, body[sizes.Keys:sizes.Keys+sizes.Scales])
	put(header-8, body[sizes.Keys+sizes.Scales:])
	put(header-4, data[:header-4])
	return data
}
