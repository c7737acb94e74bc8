package codec

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/npusim/npusim/isa/xorcode"
)

// TestChoose takes the first of the cheapest, whatever the goroutines do.
func TestChoose(t *testing.T) {
	cost := func(m *xorcode.Network) (xorcode.Bits, error) {
		return xorcode.Bits(m.Rows[0] % 3), nil
	}
	draw := func(seed uint64) *xorcode.Network { return xorcode.RandomNetwork(8, 10, seed) }
	for _, workers := range []int{1, 4} {
		c, err := Choose(draw, ChooseOptions{Candidates: 40, Seed: 100, Workers: workers}, cost)
		if err != nil {
			t.Fatal(err)
		}
		least := slices.Min(c.Costs)
		if want := uint64(100 + slices.Index(c.Costs, least)); len(c.Costs) != 40 || c.Seed != want || !c.Network.Equal(xorcode.RandomNetwork(8, 10, want)) {
			t.Errorf("%d workers: seed %d of costs %v, want %d", workers, c.Seed, c.Costs, want)
		}
	}
	broken := errors.New("broken")
	_, err := Choose(draw, ChooseOptions{Seed: 3}, func(*xorcode.Network) (xorcode.Bits, error) { return 0, broken })
	if !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	if _, err := ChooseBlock([]Target{randomTarget(100, 0.5, 1)}, 65, 10, BlockOptions{}, ChooseOptions{}); fmt.Sprint(err) != "xor-block: xor network: inputs = 65: must be 1..64" {
		t.Errorf("got %v", err)
	}
	if _, err := Choose(draw, ChooseOptions{Candidates: -1}, cost); err == nil {
		t.Error("-1 candidates are taken")
	}
}

// TestChosenNetworkIsTheCheapest of those offered, on a sample that is all
// there is.
func TestChosenNetworkIsTheCheapest(t *testing.T) {
	targets := []Target{randomTarget(50*40, 0.8, 1), randomTarget(50*40, 0.8, 2)}
	block, err := ChooseBlock(targets, 10, 50, BlockOptions{}, ChooseOptions{Candidates: 5, Seed: 9})
	if err != nil {
		t.Fatal(err)
	}
	sequential, err := ChooseSequential(targets, 40, SequentialOptions{SymbolBits: 8, Registers: 1}, ChooseOptions{Candidates: 5, Seed: 9})
	if err != nil {
		t.Fatal(err)
	}
	if len(block.Costs) != 5 || block.Costs[block.Seed-9] != slices.Min(block.Costs) {
		t.Errorf("block code: seed %d of costs %v", block.Seed, block.Costs)
	}
	if len(sequential.Costs) != 5 || sequential.Costs[sequential.Seed-9] != slices.Min(sequential.Costs) {
		t.Errorf("sequential code: seed %d of costs %v", sequential.Seed, sequential.Costs)
	}
	for _, targets := range [][]Target{nil, {randomTarget(0, 0, 1)}, {randomTarget(39, 0.5, 1)}} {
		c, err := ChooseBlock(targets, 10, 40, BlockOptions{}, ChooseOptions{Candidates: 2})
		if (err == nil) != (len(targets) > 0) {
			t.Errorf("%d planes: %v, %v", len(targets), c, err)
		}
	}
	if _, err := ChooseSequential(targets, 40, SequentialOptions{SymbolBits: 9}, ChooseOptions{}); fmt.Sprint(err) != "xor-sequential: n_in = 9: must be 1..8" {
		t.Errorf("got %v", err)
	}
}

// TestSampleIsOfThePlanes: runs of slices from all of them, evenly spaced.
func TestSampleIsOfThePlanes(t *testing.T) {
	const outputs = 10
	targets := []Target{randomTarget(outputs*1000+3, 0.5, 1), randomTarget(outputs*1000+3, 0.5, 2)}
	sample, err := sampleOf(targets, outputs, 80)
	if err != nil {
		t.Fatal(err)
	}
	if sample.Bits.Len() != 80*outputs {
		t.Fatalf("%d bits, want 80 slices", sample.Bits.Len())
	}
	for i := range sampleRuns {
		first := i * (2000 - 10) / (sampleRuns - 1)
		for k := range 10 {
			from, at := targets[(first+k)/1000], (first+k)%1000*outputs
			if got := sample.Bits.Bits((10*i+k)*outputs, outputs); got != from.Bits.Bits(at, outputs) {
				t.Fatalf("run %d, slice %d: bits %x", i, k, got)
			}
			if got := sample.Care.Bits((10*i+k)*outputs, outputs); got != from.Care.Bits(at, outputs) {
				t.Fatalf("run %d, slice %d: care bits %x", i, k, got)
			}
		}
	}
}
