package cost

import (
	"github.com/npusim/npusim/isa"
	"github.com/npusim/npusim/isa/xorcode"
)

// Decoding is the time and the work of the decryption units on one tile of
// encoded weights.
type Decoding struct {
	// Cycles the units are occupied: a slice a unit and cycle and the stalls
	// for corrections, or the write port of the weight buffer if that is slower.
	Cycles  int64
	Latency int64 // from the last code to the last weight, on top
	Slices  int64
	// XOR gates evaluated (networks, corrections and mask) and bits of
	// flip-flops clocked (codes and shift registers).
	GateEvaluations, RegisterBits int64
}

// Decode is the closed form of a load_encoded. Networks is the program's
// table, which fits the descriptor.
func (m *Machine) Decode(t *isa.EncodedWeights, networks []*xorcode.Network) Decoding {
	var d Decoding
	elements, slices := int64(t.Elements), int64(t.PlaneSlices())
	for k := range int(t.Bits) {
		n := networks[t.NetworkOf(k)]
		d.Slices += slices
		d.GateEvaluations += slices * int64(n.PartGates(t.Columns(), int(t.Outputs)))
		d.RegisterBits += slices * int64(t.Columns())
	}
	// A correction flips a bit, the mask is an AND a bit, of the same size.
	d.GateEvaluations += int64(t.Patches)
	if t.Mask != isa.NoMask {
		d.GateEvaluations += elements * int64(t.Bits)
	}
	d.GateEvaluations += elements * maskProductGates(t)
	d.Cycles = max(ceilDivide(d.Slices, max(m.DecryptionUnits, 1))+int64(t.Stalls), ceilDivide(elements, m.WeightPort))
	d.Latency = m.DecryptionLatency + int64(t.Registers)
	return d
}

// maskProductGates are the gates that make the bit of a weight in a low-rank
// mask, counted as XOR gates: an AND for each component and ORs that join them.
// As many of them stand side by side as the write port takes weights, so that
// the product never is what the units wait for; the buffers that hold the factors
// of a tile are not modelled, nor the gates in the area.
func maskProductGates(t *isa.EncodedWeights) int64 {
	if t.Mask != isa.LowRankMask {
		return 0
	}
	h := t.LowRankMaskHeader()
	return 2*int64(h.Rank) - 1
}

// Unseal is the closed form of a load_sealed: a slice a unit and cycle, or the
// write port of the weight buffer.
func (m *Machine) Unseal(t *isa.SealedKeys, networks []*xorcode.Network) Decoding {
	d := Decoding{Slices: int64(t.Slices(networks[t.Network])), Latency: m.DecryptionLatency}
	for k := range int64(t.Planes) {
		n := networks[int64(t.Network)+k]
		slices := d.Slices / int64(t.Planes)
		d.GateEvaluations += slices * int64(n.XORGates())
		d.RegisterBits += slices * int64(n.Inputs)
	}
	d.Cycles = max(ceilDivide(d.Slices, max(m.DecryptionUnits, 1)), ceilDivide(int64(t.KeyBytes()), m.WeightPort))
	return d
}

// CorrectionStalls is how long the decryption units wait for corrections in
// all, in cycles: corrections[i] are those of slice i, slices go to the units in
// turn, and all units wait while one does. Each unit's buffer takes up
// CorrectionsPerCycle a cycle and holds CorrectionBuffer; a slice leaves when
// its corrections are there.
func (m *Machine) CorrectionStalls(corrections []int) int64 {
	units := int(max(m.DecryptionUnits, 1))
	held := make([]int64, units)
	var stalls int64
	for first := 0; first < len(corrections); first += units {
		wait := int64(0)
		group := corrections[first:min(first+units, len(corrections))]
		for u := range held {
			held[u] = min(held[u]+m.CorrectionsPerCycle, m.CorrectionBuffer)
			if u < len(group) && int64(group[u]) > held[u] {
				wait = max(wait, ceilDivide(int64(group[u])-held[u], m.CorrectionsPerCycle))
			}
		}
		for u := range held {
			needed := int64(0)
			if u < len(group) {
				needed = int64(group[u])
			}
			// More corrections than the buffer holds pass through it.
			held[u] = min(max(held[u]+wait*m.CorrectionsPerCycle-needed, 0), m.CorrectionBuffer)
		}
		stalls += wait
	}
	return stalls
}
