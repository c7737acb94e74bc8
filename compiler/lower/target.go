package lower

import (
	"github.com/npusim/npusim/configs"
	"github.com/npusim/npusim/npu/cost"
)

// Target is what lowering needs to know of a machine.
type Target struct {
	Cost              cost.Machine
	ActivationBuffer  int // bytes
	WeightBuffer      int // bytes
	AccumulatorBuffer int // bytes
	ChannelBlock      int // channels
	Alignment         int // bytes, of tensors and weight tiles in DRAM and of tiles in scratchpads
	TransferCycles    int // set-up of a transfer
	// MilliBytesPerCycle is the peak DRAM bandwidth seen from the NPU clock,
	// in thousandths of a byte. It weighs candidates, nothing else: a program
	// runs on any memory.
	MilliBytesPerCycle int64
	BurstBytes         int
	Spec               *configs.Spec // for the record: its machine hash and text stand in the program
}

// NewTarget reads a validated Spec.
func NewTarget(spec *configs.Spec) *Target {
	const kib = 1024
	return &Target{
		Cost:               *cost.NewMachine(spec),
		ActivationBuffer:   int(spec.NPU.ActivationBufferKiB) * kib,
		WeightBuffer:       int(spec.NPU.WeightBufferKiB) * kib,
		AccumulatorBuffer:  int(spec.NPU.AccumulatorBufferKiB) * kib,
		ChannelBlock:       int(spec.NPU.ChannelBlock),
		Alignment:          int(spec.DMA.AlignmentBytes),
		TransferCycles:     int(spec.DMA.SetupCycles),
		MilliBytesPerCycle: max(1, int64(spec.DRAM.PeakGBPerS()*1e6/float64(spec.NPU.ClockMHz))),
		BurstBytes:         int(spec.DRAM.BurstBytes),
		Spec:               spec,
	}
}

// Plan is what the tiles, places and instructions of a network depend on, but
// for the bandwidth. It is comparable.
type Plan struct {
	Cost                                                cost.Machine
	ActivationBuffer, WeightBuffer, AccumulatorBuffer   int
	ChannelBlock, Alignment, TransferCycles, BurstBytes int
}

// Plan leaves out bandwidth and labels.
func (t *Target) Plan() Plan {
	return Plan{t.Cost, t.ActivationBuffer, t.WeightBuffer, t.AccumulatorBuffer, t.ChannelBlock, t.Alignment, t.TransferCycles, t.BurstBytes}
}
