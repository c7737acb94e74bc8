package xorcode

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestOrigin: a network and its parts are drawn again from their origins; what
// was changed, or is part of what cannot be drawn by itself, is not.
func TestOrigin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seed, outputs := rapid.Uint64().Draw(t, "seed"), rapid.IntRange(1, 300).Draw(t, "outputs")
		inputs := rapid.IntRange(NestedInputs, MaxInputs).Draw(t, "inputs")
		nested, err := NestedNetwork(inputs, outputs, seed)
		if err != nil {
			t.Fatal(err)
		}
		taps, err := TapNetwork(inputs, outputs, rapid.IntRange(1, 3).Draw(t, "taps"), seed)
		if err != nil {
			t.Fatal(err)
		}
		code := rapid.IntRange(1, MaxSymbolBits).Draw(t, "code")
		spread := SpreadNetwork(code, MaxRegisters, outputs, seed)
		fewer := rapid.IntRange(1, outputs).Draw(t, "fewer outputs")
		for _, n := range []*Network{RandomNetwork(inputs, outputs, seed), nested, taps, spread} {
			if !n.Drawn() || !n.Part(n.Inputs, fewer).Drawn() {
				t.Fatalf("%+v, or its first %d outputs, cannot be drawn again", n.Origin, fewer)
			}
			if r := rapid.IntRange(0, outputs-1).Draw(t, "row"); r >= 0 {
				n.Rows[r] ^= 1
				if n.Drawn() {
					t.Fatalf("%+v: a changed row %d goes unnoticed", n.Origin, r)
				}
				n.Rows[r] ^= 1
			}
		}
		for registers := range MaxRegisters {
			if part := spread.Part(code*(registers+1), fewer); !part.Drawn() || part.Origin.Parameter != uint8(registers) {
				t.Fatalf("%d registers of %+v cannot be drawn by themselves", registers, spread.Origin)
			}
		}
		if least := rapid.IntRange(NestedInputs, inputs).Draw(t, "fewer inputs"); !nested.Part(least, fewer).Drawn() {
			t.Fatalf("%d inputs of %d cannot be drawn by themselves", least, inputs)
		}
		if part := taps.Part(inputs-1, outputs); part.Drawn() {
			t.Fatalf("taps on some of the inputs are drawn as %+v", part.Origin)
		}
	})
}

func TestOriginErrors(t *testing.T) {
	for _, c := range []struct {
		origin          Origin
		inputs, outputs int
		want            string
	}{
		{Origin{Draw: Given}, 8, 8, "given cannot be drawn"},
		{Origin{Draw: drawEnd}, 8, 8, "Draw(5) cannot be drawn"},
		{Origin{Draw: Random}, 65, 8, "inputs = 65"},
		{Origin{Draw: Random}, 8, 0, "outputs = 0"},
		{Origin{Draw: Random, Parameter: 1}, 8, 8, "parameter 1"},
		{Origin{Draw: Nested, Parameter: 1}, 8, 8, "parameter 1"},
		{Origin{Draw: Nested}, 7, 8, "must be 8..64"},
		{Origin{Draw: Spread, Parameter: 1}, 7, 8, "7 inputs for 1 registers"},
		{Origin{Draw: Spread}, 9, 8, "n_in = 9"},
		{Origin{Draw: Spread, Parameter: 255}, 64, 8, "64 inputs for 255 registers"},
		{Origin{Draw: Taps}, 8, 8, "taps = 0"},
		{Origin{Draw: Taps, Parameter: 9}, 8, 8, "taps = 9"},
	} {
		if _, err := c.origin.Network(c.inputs, c.outputs); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v of %d inputs and %d outputs: %v, want %q", c.origin, c.inputs, c.outputs, err, c.want)
		}
	}
}
