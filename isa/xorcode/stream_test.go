package xorcode

import (
	"encoding/binary"
	"hash/crc32"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// made is a stream with what its planes decode to.
type made struct {
	stream interface {
		MarshalBinary() ([]byte, error)
		UnmarshalBinary(data []byte) error
		Decode(plane int) (Plane, error)
		Sizes() Sizes
	}
	planes []Plane
}

// flips chooses some of n places, rising.
func flips(r *rand.Rand, n int, probability float64) []int {
	var list []int
	for i := range n {
		if r.Float64() < probability {
			list = append(list, i)
		}
	}
	return list
}

// makeBlock makes a stream of random codes and patches; the planes are computed
// from the definition.
func makeBlock(r *rand.Rand, inputs, outputs, weights, planes int, bySeed bool) (*Block, []Plane) {
	b := &Block{Network: RandomNetwork(inputs, outputs, 7), Seed: 7, BySeed: bySeed, Weights: weights}
	var want []Plane
	for range planes {
		var p BlockPlane
		plane := NewPlane(weights)
		var counts []int
		slice := make([]uint64, Words(outputs))
		for s := range b.Slices() {
			code := r.Uint64() & lowMask(inputs)
			p.Codes.Append(code, inputs)
			b.Network.Apply(code, slice)
			used := min(outputs, weights-s*outputs)
			for i := range used {
				plane.Set(s*outputs+i, slice[i/64]>>(i%64)&1 != 0)
			}
			positions := flips(r, used, 0.02)
			for _, i := range positions {
				p.Positions.Append(uint64(i), PositionBits(outputs))
				plane.Set(s*outputs+i, !plane.Get(s*outputs+i))
			}
			counts = append(counts, len(positions))
		}
		for block := range slices.Chunk(counts, BlockSlices) {
			width := 0
			for slices.Max(block)>>width != 0 {
				width++
			}
			p.Counts.Append(uint64(width), 4)
			for _, count := range block {
				p.Counts.Append(uint64(count), width)
			}
		}
		b.Planes = append(b.Planes, p)
		want = append(want, plane)
	}
	return b, want
}

// makeSequential is makeBlock for the sequential code.
func makeSequential(r *rand.Rand, q Sequential, outputs, planes int) (*Sequential, []Plane) {
	q.Network, q.Seed = SpreadNetwork(q.SymbolBits, q.Registers, outputs, 7), 7
	part := q.PartSlices
	if part == 0 {
		part = max(q.Slices(), 1)
	}
	var want []Plane
	for i := range planes {
		p := SequentialPlane{Inverted: i%2 != 0}
		plane := NewPlane(q.Weights)
		slice := make([]uint64, Words(outputs))
		var code, before, earlier uint64
		for s := range q.Slices() {
			earlier, before, code = before, code, r.Uint64()&lowMask(q.SymbolBits)
			if s%part == 0 {
				before, earlier = 0, 0
			}
			p.Codes.Append(code, q.SymbolBits)
			q.Network.Apply(code|before<<q.SymbolBits|earlier<<(2*q.SymbolBits), slice)
			for k := s * outputs; k < min((s+1)*outputs, q.Weights); k++ {
				bit := k - s*outputs
				plane.Set(k, slice[bit/64]>>(bit%64)&1 != 0 != p.Inverted)
			}
		}
		for begin := 0; begin < q.Weights; begin += part * outputs {
			end := min(begin+part*outputs, q.Weights)
			for at := begin; at < end; at += VectorBits {
				positions := flips(r, min(VectorBits, end-at), 0.01)
				p.AppendVector(positions)
				for _, k := range positions {
					plane.Set(at+k, !plane.Get(at+k))
				}
			}
		}
		q.Planes = append(q.Planes, p)
		want = append(want, plane)
	}
	return &q, want
}

// drawStream makes a stream of either codec.
func drawStream(t *rapid.T) made {
	r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
	weights, planes := rapid.IntRange(0, 20000).Draw(t, "weights"), rapid.IntRange(1, 3).Draw(t, "planes")
	outputs := rapid.IntRange(1, 300).Draw(t, "outputs")
	bySeed := rapid.Bool().Draw(t, "by seed")
	if rapid.Bool().Draw(t, "block") {
		b, want := makeBlock(r, rapid.IntRange(1, MaxInputs).Draw(t, "inputs"), outputs, weights, planes, bySeed)
		return made{b, want}
	}
	q, want := makeSequential(r, Sequential{SymbolBits: rapid.IntRange(1, 8).Draw(t, "n_in"), Registers: rapid.IntRange(0, 2).Draw(t, "n_s"),
		PartSlices: rapid.IntRange(0, 50).Draw(t, "part"), Weights: weights, BySeed: bySeed}, outputs, planes)
	return made{q, want}
}

// TestDecodeIsTheDefinition: also after a way through the binary form, whose
// size is the one accounted for.
func TestDecodeIsTheDefinition(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := drawStream(t)
		data, err := m.stream.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		if total := m.stream.Sizes().Total(); total != Bits(8*len(data)) {
			t.Fatalf("%d bits written, %d accounted for", 8*len(data), total)
		}
		if err := m.stream.UnmarshalBinary(data); err != nil {
			t.Fatal(err)
		}
		for i, want := range m.planes {
			got, err := m.stream.Decode(i)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(got.Words, want.Words) {
				t.Fatalf("plane %d decodes to something else", i)
			}
		}
	})
}

// TestBrokenStreamsAreRefused: every truncation and every flipped bit.
func TestBrokenStreamsAreRefused(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	block, _ := makeBlock(r, 12, 50, 3000, 2, false)
	sequential, _ := makeSequential(r, Sequential{SymbolBits: 5, Registers: 2, PartSlices: 20, Weights: 3000, BySeed: true}, 30, 2)
	for _, m := range []made{{stream: block}, {stream: sequential}} {
		data, err := m.stream.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		for cut := range len(data) {
			if m.stream.UnmarshalBinary(data[:cut]) == nil {
				t.Fatalf("%d of %d bytes are taken", cut, len(data))
			}
		}
		if m.stream.UnmarshalBinary(append(slices.Clone(data), 0)) == nil {
			t.Fatal("a byte too many is taken")
		}
		for bit := range 8 * len(data) {
			broken := slices.Clone(data)
			broken[bit/8] ^= 1 << (bit % 8)
			if m.stream.UnmarshalBinary(broken) == nil {
				t.Fatalf("bit %d flipped is taken", bit)
			}
		}
	}
}

// TestFaultsAreNamed: what checksums cannot see is found by bounds.
func TestFaultsAreNamed(t *testing.T) {
	newBlock := func() *Block {
		b, _ := makeBlock(rand.New(rand.NewPCG(5, 6)), 8, 40, 3990, 1, true)
		return b
	}
	newSequential := func() *Sequential {
		q, _ := makeSequential(rand.New(rand.NewPCG(5, 6)), Sequential{SymbolBits: 8, Registers: 1, PartSlices: 25, Weights: 3990}, 40, 1)
		return q
	}
	vectors := func(positions ...int) SequentialPlane {
		p := newSequential().Planes[0]
		p.Corrections = Bitstream{}
		p.AppendVector(positions)
		return p
	}
	for _, c := range []struct {
		want  string
		check func() error
	}{
		{"xor-block: no network", func() error { return new(Block).Validate() }},
		{"xor-block: planes = 0: must be 1..32", func() error { b := newBlock(); b.Planes = nil; return b.Validate() }},
		{"xor-block: weights = -1: must be 0..", func() error { b := newBlock(); b.Weights = -1; return b.Validate() }},
		{"xor-block: plane 0: codes: 800 bits, 101 slices of n_in = 8 have 808", func() error { b := newBlock(); b.Weights = 4001; return b.Validate() }},
		{"xor-block: plane 0: patch counts: cut off at bit 0 in the block of slice 0", func() error {
			b := newBlock()
			b.Planes[0].Counts = Bitstream{}
			return b.Validate()
		}},
		{"xor-block: plane 0: patch counts: slice 0 has 127 patches for 40 bits", func() error {
			b := newBlock()
			b.Planes[0].Counts = Bitstream{}
			b.Planes[0].Counts.Append(7, 4)
			for range 64 {
				b.Planes[0].Counts.Append(127, 7)
			}
			return b.Validate()
		}},
		{"xor-block: plane 0: patch positions: cut off at bit 0 in slice", func() error {
			b := newBlock()
			b.Planes[0].Positions = Bitstream{}
			return b.Validate()
		}},
		{"xor-block: plane 0: patch positions: slice 99 flips bit 30 after bit -1 of 30", func() error {
			b := newBlock()
			b.Planes[0].Counts, b.Planes[0].Positions = Bitstream{}, Bitstream{}
			b.Planes[0].Counts.Append(0, 4)
			b.Planes[0].Counts.Append(1, 4)
			b.Planes[0].Counts.Append(1<<35, 36)
			b.Planes[0].Positions.Append(30, 6)
			return b.Validate()
		}},
		{"the network is not the random one of seed 8", func() error {
			b := newBlock()
			b.Seed = 8
			_, err := b.MarshalBinary()
			return err
		}},
		{"xor-block: plane 1 of 1", func() error { _, err := newBlock().Decode(1); return err }},
		{"xor-sequential: no network", func() error { return new(Sequential).Validate() }},
		{"xor-sequential: n_s = 3: must be 0..2", func() error { q := newSequential(); q.Registers = 3; return q.Validate() }},
		{"xor-sequential: the network has 16 inputs, n_in = 4 and n_s = 1 need 8", func() error { q := newSequential(); q.SymbolBits = 4; return q.Validate() }},
		{"xor-sequential: slices of a part = -1", func() error { q := newSequential(); q.PartSlices = -1; return q.Validate() }},
		{"xor-sequential: plane 0: corrections: part 0: vector 1: cut off at bit 11", func() error {
			q := newSequential()
			q.Planes[0] = vectors(5)
			return q.Validate()
		}},
		{"xor-sequential: plane 0: corrections: part 0: vector 0: bit 5 after bit 6 of 512", func() error {
			q := newSequential()
			q.Planes[0] = vectors(6, 5)
			return q.Validate()
		}},
		{"xor-sequential: plane 0: corrections: part 0: vector 0: bit 101 after bit -1 of 100", func() error {
			q := newSequential()
			q.Weights = 100
			q.Planes[0] = vectors(101)
			q.Planes[0].Codes = Bitstream{Length: 24, Bytes: make([]byte, 3)}
			return q.Validate()
		}},
		{"codec is xor-block, want xor-sequential", func() error {
			data, err := newBlock().MarshalBinary()
			if err != nil {
				return err
			}
			return new(Sequential).UnmarshalBinary(data)
		}},
	} {
		if err := c.check(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want %s", err, c.want)
		}
	}
}

// seal gives data right checksums as far as its form allows, so that fuzzing
// gets behind them.
func seal(data []byte) []byte {
	data = slices.Clone(data)
	if len(data) >= networkHeader+checksumBytes && string(data[:4]) == networkMagic {
		body := data[:len(data)-checksumBytes]
		binary.LittleEndian.PutUint32(data[len(body):], crc32.Checksum(body, castagnoli))
	}
	if len(data) < headerBytes+checksumBytes || string(data[:4]) != streamMagic {
		return data
	}
	count := int(binary.LittleEndian.Uint32(data[headerBytes-4:]))
	table := headerBytes + count*sectionBytes
	if count > 200 || table+checksumBytes > len(data) {
		return data
	}
	rest := data[table+checksumBytes:]
	for i := range count {
		entry := data[headerBytes+i*sectionBytes:]
		size := (binary.LittleEndian.Uint64(entry) + 7) / 8
		if size > uint64(len(rest)) {
			break
		}
		binary.LittleEndian.PutUint32(entry[8:], crc32.Checksum(rest[:size], castagnoli))
		rest = rest[size:]
	}
	binary.LittleEndian.PutUint32(data[table:], crc32.Checksum(data[:table], castagnoli))
	return data
}

func FuzzBlock(f *testing.F) {
	r := rand.New(rand.NewPCG(1, 1))
	for _, bySeed := range []bool{false, true} {
		b, _ := makeBlock(r, 9, 30, 500, 2, bySeed)
		fuzzSeed(f, b)
	}
	f.Fuzz(func(t *testing.T, data []byte, sealed bool) {
		fuzzStream(t, data, sealed, new(Block), func(m any) int { return len(m.(*Block).Planes) })
	})
}

func FuzzSequential(f *testing.F) {
	r := rand.New(rand.NewPCG(1, 1))
	for registers := range MaxRegisters + 1 {
		q, _ := makeSequential(r, Sequential{SymbolBits: 4, Registers: registers, PartSlices: 7 * registers, Weights: 700, BySeed: registers > 0}, 20, 2)
		fuzzSeed(f, q)
	}
	f.Fuzz(func(t *testing.T, data []byte, sealed bool) {
		fuzzStream(t, data, sealed, new(Sequential), func(m any) int { return len(m.(*Sequential).Planes) })
	})
}

func fuzzSeed(f *testing.F, stream interface{ MarshalBinary() ([]byte, error) }) {
	data, err := stream.MarshalBinary()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data, true)
}

// fuzzStream: what is taken decodes, and is written as it was read.
func fuzzStream(t *testing.T, data []byte, sealed bool, stream interface {
	MarshalBinary() ([]byte, error)
	UnmarshalBinary(data []byte) error
	Decode(plane int) (Plane, error)
}, planes func(stream any) int) {
	if sealed {
		data = seal(data)
	}
	if stream.UnmarshalBinary(data) != nil {
		return
	}
	for i := range planes(stream) {
		if _, err := stream.Decode(i); err != nil {
			t.Fatalf("plane %d: %v", i, err)
		}
	}
	again, err := stream.MarshalBinary()
	if err != nil || string(again) != string(data) {
		t.Fatalf("%v: %x is written as %x", err, data, again)
	}
}
