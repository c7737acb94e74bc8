// Package timing runs a program against time: the same instruction stream
// that package functional executes goes through unit occupancy, semaphores and
// a memory model. It never reads tensor bytes, so a program is timed once
// however many samples run.
//
// Modelled: in-order queues; the closed-form time of each tile operation
// (package cost); transfers cut into requests, issued at most one a cycle by
// each DMA unit with a bounded number outstanding; a set-up time a transfer;
// the memory behind them (package memsim). Not modelled: instruction fetch,
// contention for scratchpad ports between units, clock domain crossings other
// than rounding up to NPU cycles. Control instructions take no time.
//
// Every cycle of every unit has one Cause, so the causes of a unit sum to the
// total. Units: NPU cycles, bytes, picoseconds.
package timing

import (
	"github.com/npusim/npusim/isa"
	"github.com/npusim/npusim/memsim"
	"github.com/npusim/npusim/memsim/dram"
	"github.com/npusim/npusim/npu/recording"
)

// Cause is what a unit does, or why it does nothing, in a cycle.
type Cause uint8

// Causes.
const (
	InvalidCause Cause = iota
	Busy               // operands stream, or data is on the way
	Fill               // the array loads weights or fills its pipeline, the LUT-GEMM unit builds tables
	Drain              // the array empties its pipeline
	Bank               // a scratchpad port is too narrow for the operation
	DRAM               // waits for a transfer between DRAM and scratchpad
	Semaphore          // waits for another computing unit, or a DMA unit for a free buffer
	Finished           // nothing left to do
	causeEnd
)

// NumCauses bounds tables indexed by Cause.
const NumCauses = int(causeEnd)

var causeNames = [NumCauses]string{InvalidCause: "invalid", Busy: "busy", Fill: "fill", Drain: "drain", Bank: "bank",
	DRAM: "dram", Semaphore: "semaphore", Finished: "finished"}

func (c Cause) String() string { return causeNames[c] }

// Bound is what a cycle of a layer's window goes to: the first of these that
// is active.
type Bound uint8

// Bounds.
const (
	InvalidBound  Bound = iota
	ArrayBound          // operands stream through the MAC array
	LookupBound         // tables of the LUT-GEMM unit are queried
	VectorBound         // the vector unit works
	PipelineBound       // array or LUT-GEMM unit only fill, drain or wait for a port
	DRAMBound           // data moves, nothing computes
	LatencyBound        // nothing moves: set-up, synchronization
	boundEnd
)

// NumBounds bounds tables indexed by Bound.
const NumBounds = int(boundEnd)

var boundNames = [NumBounds]string{InvalidBound: "invalid", ArrayBound: "mac", LookupBound: "lookup", VectorBound: "vector", PipelineBound: "pipeline", DRAMBound: "dram", LatencyBound: "latency"}

func (b Bound) String() string { return boundNames[b] }

// Work counts what was done, for energy and reports.
type Work struct {
	MACs                                int64
	Requantizations                     int64
	ChannelRequantizations              int64 // of those, with a multiplier of the channel
	VectorOperations, TableLookups      int64
	ActivationBufferBytes               int64 // through the ports, read and written
	WeightBufferBytes, AccumulatorBytes int64
	ReadBytes, WrittenBytes             int64 // over the DRAM bus
	BytesByClass                        [isa.NumClasses]int64
	Requests                            int64
	// Rows opened and commands executed for the requests; only a memory with
	// banks counts them.
	RowActivates, ReadBursts, WriteBursts int64
	// Of the LUT-GEMM unit: additions that build tables, entries read and added,
	// sums multiplied by scales and added.
	LookupBuilds, LookupQueries, LookupScales int64
	// Of the decryption units.
	DecodedSlices, DecodingCycles, Corrections int64
	GateEvaluations, RegisterBits              int64
}

func (w *Work) add(o *Work) {
	w.MACs += o.MACs
	w.Requantizations += o.Requantizations
	w.ChannelRequantizations += o.ChannelRequantizations
	w.VectorOperations += o.VectorOperations
	w.TableLookups += o.TableLookups
	w.ActivationBufferBytes += o.ActivationBufferBytes
	w.WeightBufferBytes += o.WeightBufferBytes
	w.AccumulatorBytes += o.AccumulatorBytes
	w.ReadBytes += o.ReadBytes
	w.WrittenBytes += o.WrittenBytes
	w.Requests += o.Requests
	w.RowActivates += o.RowActivates
	w.ReadBursts += o.ReadBursts
	w.WriteBursts += o.WriteBursts
	w.LookupBuilds += o.LookupBuilds
	w.LookupQueries += o.LookupQueries
	w.LookupScales += o.LookupScales
	w.DecodedSlices += o.DecodedSlices
	w.DecodingCycles += o.DecodingCycles
	w.Corrections += o.Corrections
	w.GateEvaluations += o.GateEvaluations
	w.RegisterBits += o.RegisterBits
	for c := range w.BytesByClass {
		w.BytesByClass[c] += o.BytesByClass[c]
	}
}

// Layer is the share of a row of the layer table. Layers overlap in time; the
// window of a layer ends when its last instruction completes and begins where
// the window before it ended, so the windows sum to the total.
type Layer struct {
	Start, End int64 // cycles
	ByBound    [NumBounds]int64
	Work       Work
}

// Cycles is the length of the layer's window.
func (l *Layer) Cycles() int64 { return l.End - l.Start }

// Bound is what most of the window goes to; the earlier one on a tie.
func (l *Layer) Bound() Bound {
	best := ArrayBound
	for b := ArrayBound; int(b) < NumBounds; b++ {
		if l.ByBound[b] > l.ByBound[best] {
			best = b
		}
	}
	return best
}

// Interval is a stretch of time in which a unit was busy for a layer.
// Of an operation on the array, the fill counts as its beginning and drain and
// port waits as its end.
type Interval struct {
	Start, End int64 // cycles
	Layer      int32
	Overhead   bool // the array fills, drains or waits for a port
}

// Result is the outcome of timing one inference, cold: nothing is in the
// scratchpads at the start.
type Result struct {
	Cycles   int64
	Causes   [isa.NumUnits][NumCauses]int64
	Layers   []Layer
	Total    Work
	Timeline [isa.NumUnits][]Interval
	Memory   memsim.Counters
	OverTime TrafficOverTime
	Banks    *Banks // nil for a memory without banks

	Recording *recording.Recording // nil unless made by Record
}

// Banks is what a memory with banks has done until the end of the inference.
type Banks struct {
	Standard *dram.Standard
	Stats    dram.Stats
}
