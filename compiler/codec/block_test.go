package codec

import (
	"fmt"
	"math/bits"
	"testing"

	"github.com/npusim/npusim/isa/xorcode"
)

// fewestPatches tries every code for one slice that holds the whole plane.
func fewestPatches(m *xorcode.Network, t Target) int {
	least := t.Bits.Len()
	for code := uint64(0); code>>m.Inputs == 0; code++ {
		wrong := 0
		for i := range t.Bits.Len() {
			if t.Care.Get(i) && (bits.OnesCount64(m.Rows[i]&code)&1 != 0) != t.Bits.Get(i) {
				wrong++
			}
		}
		least = min(least, wrong)
	}
	return least
}

// TestExactSearch finds the fewest patches, with care bits in one word and in
// several, and with networks of low rank.
func TestExactSearch(t *testing.T) {
	for seed := range uint64(40) {
		inputs := int(1 + seed%9)
		outputs := int(30 + 5*seed)
		m := xorcode.RandomNetwork(inputs, outputs, seed)
		if seed%4 == 0 && inputs >= 2 {
			var err error
			if m, err = xorcode.TapNetwork(inputs, outputs, 2, seed); err != nil {
				t.Fatal(err)
			}
		}
		target := randomTarget(outputs, float64(seed%3)*0.3, seed)
		patches := func(exact bool) int {
			b, err := EncodeBlock([]Target{target}, BlockOptions{Network: m, Exact: exact})
			if err != nil {
				t.Fatal(err)
			}
			decoded, err := b.Decode(0)
			if err != nil {
				t.Fatal(err)
			}
			if err := Verify(target, decoded); err != nil {
				t.Fatal(err)
			}
			return b.Patches()
		}
		want := fewestPatches(m, target)
		if got := patches(true); got != want {
			t.Errorf("seed %d: exact search takes %d patches, %d are enough", seed, got, want)
		}
		if got := patches(false); got < want {
			t.Errorf("seed %d: %d patches, fewer than the least of %d", seed, got, want)
		}
	}
}

// TestConsistentSlicesNeedNoPatch: outputs of the network itself have none.
func TestConsistentSlicesNeedNoPatch(t *testing.T) {
	m := xorcode.RandomNetwork(24, 60, 3)
	target := randomTarget(60*100, 0, 9)
	var slice [1]uint64
	for s := range 100 {
		m.Apply(target.Bits.Bits(60*s, 24), slice[:])
		for i := range 60 {
			target.Bits.Set(60*s+i, slice[0]>>i&1 != 0)
		}
	}
	b, err := EncodeBlock([]Target{target}, BlockOptions{Network: m})
	if err != nil {
		t.Fatal(err)
	}
	if b.Patches() != 0 || b.Sizes().PatchPositions != 0 || b.Sizes().PatchCounts != 2*4 {
		t.Errorf("%d patches, %+v", b.Patches(), b.Sizes())
	}
}

// TestWorkersChangeNothing: the streams are the same whatever the number of
// goroutines.
func TestWorkersChangeNothing(t *testing.T) {
	targets := []Target{randomTarget(20011, 0.8, 1), randomTarget(20011, 0.8, 2)}
	var block, sequential []byte
	for _, workers := range []int{1, 3} {
		b, err := EncodeBlock(targets, BlockOptions{Network: xorcode.RandomNetwork(13, 50, 1), Workers: workers})
		if err != nil {
			t.Fatal(err)
		}
		q, err := EncodeSequential(targets, SequentialOptions{Network: xorcode.RandomNetwork(16, 40, 1), SymbolBits: 8, Registers: 1, PartSlices: 37, Workers: workers})
		if err != nil {
			t.Fatal(err)
		}
		blockData, err := b.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		sequentialData, err := q.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		if workers == 1 {
			block, sequential = blockData, sequentialData
		} else if string(block) != string(blockData) || string(sequential) != string(sequentialData) {
			t.Error("streams depend on the number of goroutines")
		}
	}
}

func TestBlockRefusesParameters(t *testing.T) {
	target := []Target{randomTarget(100, 0.5, 1)}
	for _, c := range []struct {
		o    BlockOptions
		want string
	}{
		{BlockOptions{}, "xor-block: no network"},
		{BlockOptions{Network: xorcode.RandomNetwork(21, 200, 1), Exact: true}, "xor-block: n_in = 21: the exact search takes at most 20"},
		{BlockOptions{Network: &xorcode.Network{Inputs: 65, Outputs: 2}}, "xor-block: xor network: inputs = 65: must be 1..64"},
	} {
		if _, err := EncodeBlock(target, c.o); fmt.Sprint(err) != c.want {
			t.Errorf("got %v, want %s", err, c.want)
		}
	}
	if _, err := EncodeBlock(make([]Target, 33), BlockOptions{Network: xorcode.RandomNetwork(8, 16, 1)}); fmt.Sprint(err) != "xor-block: 33 bit planes: must be 1..32" {
		t.Errorf("33 planes: %v", err)
	}
}
