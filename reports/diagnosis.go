package reports

import (
	"cmp"
	"math"
	"slices"

	"github.com/npusim/npusim/npu/evaluate"
)

// Loss is a cause to which cycles of an inference go. The losses of a network
// partition its cycles.
type Loss uint8

// Losses.
const (
	InvalidLoss    Loss = iota
	FullRate            // none: the multiplications at the array's peak rate
	IdleCells           // operands stream through the array, but not every cell multiplies
	FillAndDrain        // the array only loads weights, fills or empties its pipeline
	NarrowPort          // the array waits for a scratchpad port
	VectorWork          // only the vector unit works
	LookupWork          // the LUT-GEMM unit works
	LookupOverhead      // the LUT-GEMM unit only builds tables or waits for a port
	SpillWaits          // waits for DRAM that moves intermediate tensors
	ReloadWaits         // waits for DRAM that brings mostly what it brought before
	StreamWaits         // waits for DRAM that moves weights, inputs and outputs, mostly once
	DecodeWaits         // waits for coded weights, which arrive faster than they are decoded
	SetUp               // nothing moves: set-up and synchronization
	lossEnd
)

// NumLosses bounds tables indexed by Loss.
const NumLosses = int(lossEnd)

// lossNames are the words for losses and the bound whose colour they have.
var lossNames = [NumLosses]struct{ name, bound string }{
	InvalidLoss:    {"invalid", ""},
	FullRate:       {"multiplying at the array's peak rate", "mac"},
	IdleCells:      {"streaming with idle array cells", "mac"},
	FillAndDrain:   {"array fill and drain", "pipeline"},
	NarrowPort:     {"scratchpad port too narrow", "pipeline"},
	VectorWork:     {"vector unit alone", "vector"},
	LookupWork:     {"LUT-GEMM unit", "lookup"},
	LookupOverhead: {"LUT-GEMM unit builds tables or waits for a port", "lookup"},
	SpillWaits:     {"DRAM: intermediate tensors", "dram"},
	ReloadWaits:    {"DRAM: the same bytes again", "dram"},
	StreamWaits:    {"DRAM: weights, inputs, outputs", "dram"},
	DecodeWaits:    {"decoding of coded weights", "dram"},
	SetUp:          {"set-up and synchronization", "latency"},
}

func (l Loss) String() string { return lossNames[l].name }

// Bound is the bound of the layer table that the loss is part of.
func (l Loss) Bound() string { return lossNames[l].bound }

// Finding is what one loss costs the network, and the layer that shows it best.
type Finding struct {
	Loss   Loss
	Cycles int64   // of all layers
	Share  float64 // of all cycles, 0 to 1
	// Gain is about the most that removing the loss could save, in cycles, layer
	// by layer: what the layer loses, as far as the peak bandwidth lets its bytes
	// through faster. Of FullRate: what twice as many cells could save. It is
	// exact for the schedule at hand; a changed machine gets another one, which
	// on our own network saved up to 7 % more.
	Gain   int64
	Layer  int   // index of the layer that loses most
	Lost   int64 // cycles of that layer
	Title  string
	Proof  []string // sentences with the measured counters
	Change string   // what to try; empty for FullRate
}

// machine is what the words need to know of the hardware; zero where the
// result does not tell.
type machine struct {
	rows, columns     int
	overlapWeightLoad bool
	outputStationary  bool // dataflow of the array
	idealDRAM         bool // memory without latency
	clockMHz          float64
	peak              float64 // DRAM, bytes a cycle
}

func machineOf(r *evaluate.Result) machine {
	var m machine
	m.rows, m.columns, _ = arrayShape(r.Config.TOML)
	m.overlapWeightLoad = setting(r.Config.TOML, "mac_array", "overlap_weight_load") == "true"
	m.outputStationary = setting(r.Config.TOML, "mac_array", "dataflow") == `"output-stationary"`
	m.idealDRAM = setting(r.Config.TOML, "dram", "tier") == `"ideal"`
	if r.Timing.Cycles > 0 && r.Timing.LatencyMS > 0 {
		m.clockMHz = 1e3 / nsPerCycle(r)
		m.peak = r.DRAM.PeakGBPerS * nsPerCycle(r)
	}
	return m
}

func (m *machine) cells() float64 { return float64(m.rows) * float64(m.columns) }

// lossesOf splits the cycles of a layer.
func lossesOf(l *evaluate.Layer, m *machine) (losses [NumLosses]int64) {
	for bound, cycles := range cyclesByBound(l) { // sums do not depend on the order
		switch bound {
		case "mac":
			useful := cycles
			if cells := m.cells(); cells > 0 {
				useful = min(cycles, int64(float64(l.MACs)/cells))
			}
			losses[FullRate] += useful
			losses[IdleCells] += cycles - useful
		case "pipeline":
			if !onArray(l) {
				losses[LookupOverhead] += cycles
				continue
			}
			port := int64(0)
			if u := l.Reuse; u != nil && u.PortCycles > 0 {
				port = int64(float64(cycles) * float64(u.PortCycles) / float64(u.PortCycles+u.FillCycles+u.DrainCycles))
			}
			losses[NarrowPort] += port
			losses[FillAndDrain] += cycles - port
		case "vector":
			losses[VectorWork] += cycles
		case "lookup":
			losses[LookupWork] += cycles
		case "dram":
			losses[m.dramLoss(l, cycles)] += cycles
		default:
			losses[SetUp] += cycles
		}
	}
	return losses
}

// onArray tells whether the MAC array does the multiplications of a layer, and
// not the LUT-GEMM unit.
func onArray(l *evaluate.Layer) bool {
	return l.Reuse == nil || l.Reuse.Tiles > 0 || l.CyclesByBound["lookup"] == 0
}

// floor is the number of cycles that the bytes of a layer take at the peak
// bandwidth; 0 where the result does not tell.
func (m *machine) floor(l *evaluate.Layer) int64 {
	if m.peak <= 0 {
		return 0
	}
	return int64(math.Ceil(float64(l.DRAMReadBytes+l.DRAMWriteBytes) / m.peak))
}

// gain bounds what a layer could save without a loss.
func (m *machine) gain(l *evaluate.Layer, loss Loss, lost int64) int64 {
	switch loss {
	case SpillWaits, ReloadWaits, StreamWaits:
		return lost
	case FullRate:
		lost /= 2
	}
	return min(lost, max(0, l.Cycles-m.floor(l)))
}

// dramLoss is what a layer's waits for DRAM count as: decoding if that takes
// longer than the bytes do and could fill half of the waits, intermediate
// tensors if they are most of what it moves, and what it moves again if that is
// most of it.
func (m *machine) dramLoss(l *evaluate.Layer, waits int64) Loss {
	u := l.Reuse
	if u == nil {
		return StreamWaits
	}
	moved := l.DRAMReadBytes + l.DRAMWriteBytes
	weights := weightBytesMoved(l)
	spilled := max(0, moved-weights-u.InputBytes-u.OutputBytes)
	again := weightsAgain(l) + activationsAgain(l)
	switch {
	case u.DecodeCycles > m.floor(l) && 2*u.DecodeCycles > waits:
		return DecodeWaits
	case 2*spilled > moved && u.SpillReadBytes+u.SpillWriteBytes > 0:
		return SpillWaits
	case 2*again > moved:
		return ReloadWaits
	}
	return StreamWaits
}

// weightBytesMoved are the bytes that a layer moves of anything but activations.
func weightBytesMoved(l *evaluate.Layer) int64 {
	return l.DRAMReadBytes + l.DRAMWriteBytes - l.BytesByClass["activations"]
}

// weightsAgain are the bytes of weights that a layer moves beyond each burst
// once.
func weightsAgain(l *evaluate.Layer) int64 {
	return max(0, weightBytesMoved(l)-max(l.Reuse.WeightBytes, l.Reuse.WeightBurstBytes))
}

// activationsAgain is weightsAgain for activations.
func activationsAgain(l *evaluate.Layer) int64 {
	return max(0, l.BytesByClass["activations"]-max(activationBytes(l.Reuse), l.Reuse.ActivationBurstBytes))
}

// activationBytes are the activations that a layer has to move, each byte once.
func activationBytes(u *evaluate.LayerReuse) int64 {
	return u.InputBytes + u.OutputBytes + u.SpillReadBytes + u.SpillWriteBytes
}

// Diagnose says where the cycles of an inference go: the losses sum to the
// cycles of all layers. Those that could save most come first, and work at full
// rate among them by its cycles. It returns nothing for a result without cycles.
func Diagnose(r *evaluate.Result) []Finding {
	m := machineOf(r)
	var findings [NumLosses]Finding
	var total int64
	for i := range r.Layers {
		for loss, cycles := range lossesOf(&r.Layers[i], &m) {
			f := &findings[loss]
			f.Cycles += cycles
			f.Gain += m.gain(&r.Layers[i], Loss(loss), cycles)
			total += cycles
			if cycles > f.Lost {
				f.Layer, f.Lost = i, cycles
			}
		}
	}
	var list []Finding
	for loss := range findings {
		f := findings[loss]
		if f.Cycles == 0 {
			continue
		}
		f.Loss, f.Share = Loss(loss), float64(f.Cycles)/float64(total)
		explain(&f, r, &m)
		list = append(list, f)
	}
	rank := func(f *Finding) int64 {
		if f.Loss == FullRate {
			return f.Cycles
		}
		return f.Gain
	}
	slices.SortStableFunc(list, func(a, b Finding) int { return cmp.Compare(rank(&b), rank(&a)) })
	return list
}
