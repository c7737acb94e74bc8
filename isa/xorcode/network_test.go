package xorcode

import (
	"fmt"
	"math/bits"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestNetworksNeverChange: stored streams know networks by seed.
func TestNetworksNeverChange(t *testing.T) {
	if got, want := RandomNetwork(8, 6, 1).Rows, []uint64{0x91, 0xbe, 0xf8, 0x71, 0x71, 0xc3}; !slices.Equal(got, want) {
		t.Errorf("random network of seed 1: rows %#x, want %#x", got, want)
	}
	if got, want := RandomNetwork(64, 2, 0).Rows, []uint64{0xe220a8397b1dcdaf, 0x6e789e6aa1b965f4}; !slices.Equal(got, want) {
		t.Errorf("random network of seed 0: rows %#x, want the first values of splitmix64, %#x", got, want)
	}
	m, err := TapNetwork(8, 5, 2, 1)
	if err != nil {
		t.Fatal(err)
	}
	if want := []uint64{0x28, 0x48, 0x50, 0x42, 0x14}; !slices.Equal(m.Rows, want) {
		t.Errorf("network of 2 taps of seed 1: rows %#x, want %#x", m.Rows, want)
	}
}

func TestRandomNetwork(t *testing.T) {
	for seed := range uint64(200) {
		inputs := int(1 + seed%64)
		m := RandomNetwork(inputs, 300, seed)
		if err := m.Validate(); err != nil {
			t.Fatal(err)
		}
		if slices.Contains(m.Rows, 0) {
			t.Fatalf("seed %d: a row of zeros", seed)
		}
	}
	taps := 0
	for _, row := range RandomNetwork(64, 1024, 5).Rows {
		taps += bits.OnesCount64(row)
	}
	if taps < 32*1024-640 || taps > 32*1024+640 { // five deviations
		t.Errorf("%d taps of 65536: probability is not 1/2", taps)
	}
}

// TestTapNetwork: rows are distinct while they can be; two taps leave a rank of
// at most inputs-1, because complementing all inputs changes nothing.
func TestTapNetwork(t *testing.T) {
	rank := 0
	for seed := range uint64(200) {
		m, err := TapNetwork(8, 60, 2, seed)
		if err != nil {
			t.Fatal(err)
		}
		seen := map[uint64]int{}
		for i, row := range m.Rows {
			if bits.OnesCount64(row) != 2 {
				t.Fatalf("seed %d: row %d taps %#x", seed, i, row)
			}
			seen[row]++
			if rounds := i/28 + 1; seen[row] > rounds {
				t.Fatalf("seed %d: row %d is there %d times although 28 pairs exist", seed, i, seen[row])
			}
		}
		small, err := TapNetwork(8, 20, 2, seed)
		if err != nil {
			t.Fatal(err)
		}
		rank += small.Rank()
		if small.Rank() > 7 || small.XORGates() != 20 {
			t.Fatalf("seed %d: rank %d, %d gates", seed, small.Rank(), small.XORGates())
		}
	}
	if mean := float64(rank) / 200; mean < 6.95 {
		t.Errorf("mean rank %.2f of 8 inputs and 20 outputs of 2 taps, want nearly 7", mean)
	}
	for _, taps := range []int{0, 9} {
		if _, err := TapNetwork(8, 20, taps, 1); fmt.Sprint(err) != fmt.Sprintf("xor network: taps = %d: must be 1..8, the inputs", taps) {
			t.Errorf("%d taps: %v", taps, err)
		}
	}
}

func TestRankAndGates(t *testing.T) {
	m, err := NewNetwork(4, 5, []uint64{0b0011, 0b0110, 0b0101, 0b1111, 0})
	if err != nil {
		t.Fatal(err)
	}
	if m.Rank() != 3 || m.XORGates() != 1+1+1+3 {
		t.Errorf("rank %d, %d gates, want 3 and 6", m.Rank(), m.XORGates())
	}
	if full := RandomNetwork(20, 188, 1); full.Rank() != 20 {
		t.Errorf("rank %d of 20 inputs and 188 random outputs", full.Rank())
	}
}

// TestTableIsTheNetwork, and both are linear.
func TestTableIsTheNetwork(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		inputs := rapid.IntRange(1, MaxInputs).Draw(t, "inputs")
		outputs := rapid.IntRange(1, MaxOutputs).Draw(t, "outputs")
		m := RandomNetwork(inputs, outputs, rapid.Uint64().Draw(t, "seed"))
		table := NewTable(m)
		x, y := rapid.Uint64().Draw(t, "x")&lowMask(inputs), rapid.Uint64().Draw(t, "y")&lowMask(inputs)
		var a, b, both, looked [MaxOutputs / 64]uint64
		m.Apply(x, a[:])
		m.Apply(y, b[:])
		m.Apply(x^y, both[:])
		table.Apply(x, looked[:Words(outputs)])
		for w := range a {
			if looked[w] != a[w] || both[w] != a[w]^b[w] {
				t.Fatalf("word %d: network %x, table %x, sum %x of %x and %x", w, a[w], looked[w], both[w], a[w], b[w])
			}
		}
	})
}

func TestNetworkBinary(t *testing.T) {
	for _, shape := range [][2]int{{1, 1}, {8, 20}, {9, 1024}, {64, 640}} {
		m := RandomNetwork(shape[0], shape[1], 3)
		data, err := m.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		var read Network
		if err := read.UnmarshalBinary(data); err != nil || !read.Equal(m) {
			t.Fatalf("%v: %v", shape, err)
		}
		for cut := range len(data) {
			if read.UnmarshalBinary(data[:cut]) == nil {
				t.Fatalf("%v: %d of %d bytes are taken", shape, cut, len(data))
			}
		}
		r := rand.New(rand.NewPCG(1, 2))
		for range 300 {
			broken := slices.Clone(data)
			broken[r.IntN(len(data))] ^= 1 << r.IntN(8)
			if read.UnmarshalBinary(broken) == nil {
				t.Fatalf("%v: a flipped bit is taken", shape)
			}
		}
	}
}

func TestNewNetworkRefuses(t *testing.T) {
	for _, c := range []struct {
		inputs, outputs int
		rows            []uint64
		want            string
	}{
		{0, 1, []uint64{0}, "xor network: inputs = 0: must be 1..64"},
		{65, 1, []uint64{0}, "xor network: inputs = 65: must be 1..64"},
		{4, 0, nil, "xor network: outputs = 0: must be 1..1024"},
		{4, 1025, make([]uint64, 1025), "xor network: outputs = 1025: must be 1..1024"},
		{4, 2, []uint64{1}, "xor network: 1 rows for 2 outputs"},
		{4, 2, []uint64{1, 0x13}, "xor network: row 1 taps input 4 of 4 inputs"},
	} {
		if _, err := NewNetwork(c.inputs, c.outputs, c.rows); fmt.Sprint(err) != c.want {
			t.Errorf("got %v, want %s", err, c.want)
		}
	}
}

func FuzzNetwork(f *testing.F) {
	for _, m := range []*Network{RandomNetwork(8, 3, 1), RandomNetwork(64, 2, 1)} {
		data, err := m.MarshalBinary()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data, true)
	}
	f.Fuzz(func(t *testing.T, data []byte, sealed bool) {
		if sealed {
			data = seal(data)
		}
		var m Network
		if m.UnmarshalBinary(data) != nil {
			return
		}
		again, err := m.MarshalBinary()
		if err != nil || string(again) != string(data) {
			t.Fatalf("%v: %x is written as %x", err, data, again)
		}
	})
}

// TestSpreadNetwork: within each code, rows tap sets of their own, none empty,
// until all sets have been used; the same seed gives the same network for ever.
func TestSpreadNetwork(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		bits, registers := rapid.IntRange(1, 8).Draw(t, "n_in"), rapid.IntRange(0, 2).Draw(t, "n_s")
		m := SpreadNetwork(bits, registers, rapid.IntRange(1, 300).Draw(t, "n_out"), rapid.Uint64().Draw(t, "seed"))
		if err := m.Validate(); err != nil {
			t.Fatal(err)
		}
		for code := range registers + 1 {
			uses := make([]int, 1<<bits)
			for _, row := range m.Rows {
				uses[row>>(code*bits)&(1<<bits-1)]++
			}
			least, most := len(m.Rows), 0
			for _, n := range uses[1:] {
				least, most = min(least, n), max(most, n)
			}
			if uses[0] != 0 || most > least+1 {
				t.Fatalf("code %d: %d rows tap nothing, sets are used %d to %d times", code, uses[0], least, most)
			}
		}
	})
	rapid.Check(t, func(t *rapid.T) {
		bits, registers, outputs := rapid.IntRange(1, 8).Draw(t, "n_in"), rapid.IntRange(0, 2).Draw(t, "n_s"), rapid.IntRange(1, 300).Draw(t, "n_out")
		fewer, less := rapid.IntRange(0, registers).Draw(t, "n_s of the part"), rapid.IntRange(1, outputs).Draw(t, "n_out of the part")
		seed := rapid.Uint64().Draw(t, "seed")
		part := SpreadNetwork(bits, registers, outputs, seed).Part(bits*(fewer+1), less)
		if !part.Equal(SpreadNetwork(bits, fewer, less, seed)) {
			t.Fatal("a part of the network is not the network of fewer outputs and registers")
		}
		wide := rapid.IntRange(1, 64).Draw(t, "inputs")
		if whole := RandomNetwork(wide, outputs, seed); !whole.Part(wide, less).Equal(RandomNetwork(wide, less, seed)) || whole.Part(wide, outputs) != whole ||
			whole.PartGates(wide, less) != RandomNetwork(wide, less, seed).XORGates() {
			t.Fatal("a part of a random network is not the network of fewer outputs")
		}
	})
	if got, want := SpreadNetwork(8, 1, 3, 1).Rows, SpreadNetwork(8, 1, 3, 1).Rows; !slices.Equal(got, want) {
		t.Errorf("%x, then %x", got, want)
	}
}
