package cost_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/npusim/npusim/isa"
	"github.com/npusim/npusim/isa/xorcode"
	"github.com/npusim/npusim/npu/cost"
)

// TestDecodeClosedForm: slices a cycle, stalls, and the port of the buffer.
func TestDecodeClosedForm(t *testing.T) {
	n := xorcode.RandomNetwork(8, 80, 1)
	m := machine()
	m.DecryptionUnits, m.DecryptionLatency, m.WeightPort = 4, 2, 1024
	tile := &isa.EncodedWeights{Codec: isa.BlockCodec, Bits: 8, Mask: isa.RawMask, Elements: 1000, Stalls: 5, Patches: 7, Inputs: 8, Outputs: 80}
	d := m.Decode(tile, []*xorcode.Network{n})
	want := cost.Decoding{Cycles: 8*13/4 + 5, Latency: 2, Slices: 8 * 13, // ceil(1000 / 80) = 13
		GateEvaluations: 8*13*int64(n.XORGates()) + 7 + 8*1000, RegisterBits: 8 * 13 * 8}
	if d != want {
		t.Errorf("got %+v, want %+v", d, want)
	}
	m.WeightPort = 16
	if d := m.Decode(tile, []*xorcode.Network{n}); d.Cycles != 63 { // ceil(1000 / 16)
		t.Errorf("a port of 16 bytes: %d cycles, want 63", d.Cycles)
	}
	product := *tile
	product.Mask, product.Channels, product.MaskBytes = isa.LowRankMask, 20, 3*(50+20)/8+1 // rank 3
	if p := m.Decode(&product, []*xorcode.Network{n}); p.GateEvaluations != want.GateEvaluations+1000*(3+2) || p.Cycles != 63 {
		t.Errorf("a mask of rank 3 takes 3 ANDs and 2 ORs a weight and no cycle: %+v", p)
	}
	planes := []*xorcode.Network{xorcode.RandomNetwork(8, 10, 2), xorcode.RandomNetwork(9, 20, 3)}
	d = m.Decode(&isa.EncodedWeights{Codec: isa.FractionalCodec, Bits: 2, Mask: isa.NoMask, Elements: 100, Inputs: 8, Outputs: 10, Skip: 5}, planes)
	if d.Slices != 11+11 || d.RegisterBits != 22*8 || d.GateEvaluations != 11*int64(planes[0].XORGates()+planes[1].PartGates(8, 10)) {
		t.Errorf("planes with networks of their own, of which a part is used: %+v", d)
	}
}

// TestCorrectionStalls: by hand, one unit that takes up one correction a cycle
// and holds two.
func TestCorrectionStalls(t *testing.T) {
	m := machine()
	m.DecryptionUnits, m.CorrectionsPerCycle, m.CorrectionBuffer = 1, 1, 2
	for _, c := range []struct {
		corrections []int
		want        int64
	}{
		{nil, 0},
		{[]int{0, 0, 0}, 0},
		{[]int{1, 1, 1, 1}, 0},    // one a cycle
		{[]int{0, 2, 0, 2}, 0},    // the buffer evens it out
		{[]int{2}, 1},             // one comes in the first cycle
		{[]int{0, 0, 0, 5}, 3},    // two are held
		{[]int{0, 0, 3, 0, 3}, 2}, // 1 wait, then 1 more: one was held again
		{[]int{3, 3, 3}, 2 + 2 + 2},
	} {
		if got := m.CorrectionStalls(c.corrections); got != c.want {
			t.Errorf("%v: %d cycles, want %d", c.corrections, got, c.want)
		}
	}
}

// TestCorrectionStallsLaws: there is at most a stall a correction (programs are
// held to that), corrections are taken up at the rate of the units at most, and more of a buffer or of a rate is never slower.
func TestCorrectionStallsLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := drawMachine(t)
		m.DecryptionUnits, m.CorrectionsPerCycle, m.CorrectionBuffer = draw(t, "units", 4), draw(t, "rate", 3), draw(t, "buffer", 8)
		corrections := rapid.SliceOfN(rapid.IntRange(0, 12), 0, 40).Draw(t, "corrections")
		stalls := m.CorrectionStalls(corrections)
		var sum int64
		for _, n := range corrections {
			sum += int64(n)
		}
		cycles := (int64(len(corrections))+m.DecryptionUnits-1)/m.DecryptionUnits + stalls
		if stalls < 0 || stalls > sum || sum > cycles*m.DecryptionUnits*m.CorrectionsPerCycle {
			t.Fatalf("%d corrections in %d cycles of %d units at %d a cycle", sum, cycles, m.DecryptionUnits, m.CorrectionsPerCycle)
		}
		larger, faster := *m, *m
		larger.CorrectionBuffer *= 2
		faster.CorrectionsPerCycle *= 2
		if a, b := larger.CorrectionStalls(corrections), faster.CorrectionStalls(corrections); a > stalls || b > stalls {
			t.Fatalf("%d stalls, %d with twice the buffer, %d with twice the rate", stalls, a, b)
		}
		// Slices go to the units in turn, so that only a multiple of the units
		// shares them out anew without giving one unit more.
		doubled := *m
		doubled.DecryptionUnits *= 2
		groups := func(m *cost.Machine) int64 {
			return (int64(len(corrections)) + m.DecryptionUnits - 1) / m.DecryptionUnits
		}
		if more := groups(&doubled) + doubled.CorrectionStalls(corrections); more > groups(m)+stalls {
			t.Fatalf("%d cycles, %d with twice the units", groups(m)+stalls, more)
		}
		longer := append(slices.Clone(corrections), 0, 0, 0, 0)
		if got := m.CorrectionStalls(longer); got < stalls {
			t.Fatalf("%d stalls, %d with slices added", stalls, got)
		}
	})
}
