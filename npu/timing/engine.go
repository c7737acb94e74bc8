package timing

import (
	"fmt"
	"math"
	"math/bits"

	"github.com/npusim/npusim/configs"
	"github.com/npusim/npusim/isa"
	"github.com/npusim/npusim/memsim"
	"github.com/npusim/npusim/npu/cost"
)

const never = int64(math.MaxInt64)

// maxRequests bounds the time that a hostile program can take: descriptors may
// ask for 2^40 bytes one by one.
const maxRequests = 1 << 31

// engine is one run of the clock.
type engine struct {
	program  *isa.Program
	machine  *cost.Machine
	memory   memsim.Memory
	clockMHz int64
	dma      configs.DMA
	base     [isa.NumSpaces]uint64 // physical address of each DRAM region

	units      [isa.NumUnits]unit
	wake       [isa.NumUnits]int64 // cycle at which a unit has something to do
	semaphores []uint32
	waiter     []isa.Unit // of each semaphore
	blocked    []bool     // whether its waiter waits now
	retry      [isa.NumUnits]bool
	now        int64
	instant    memsim.Picoseconds // of now
	requests   int64

	operations []operation // by descriptor
	layers     []Layer
	timeline   [isa.NumUnits][]Interval
	overTime   TrafficOverTime
	finished   []memsim.Completion
	observe    func(memsim.Picoseconds, memsim.Request) // may be nil
	record     *recorder                                // nil unless asked for
}

// operation is the cost of the operation that a descriptor was last used with.
type operation struct {
	op   isa.Opcode // or 0
	cost cost.Operation
}

// unit is the state of a queue.
type unit struct {
	cursor   isa.Cursor
	next     isa.Dynamic
	pending  bool  // next waits for a semaphore
	done     bool  // halted
	since    int64 // start of the stretch not yet accounted
	state    Cause // of that stretch
	causes   [NumCauses]int64
	transfer transferQueue // DMA units only
}

// Run times a program on a machine. The program must have been verified.
func Run(p *isa.Program, spec *configs.Spec) (*Result, error) {
	memory, err := NewMemory(spec)
	if err != nil {
		return nil, err
	}
	return RunOn(p, spec, memory, nil)
}

// NewMemory builds the memory of a validated Spec.
func NewMemory(spec *configs.Spec) (memsim.Memory, error) { return newMemory(&spec.DRAM) }

// RunOn times a program against a given memory. Observe, if set, is told of
// every request that the memory accepts, in order, with the time.
func RunOn(p *isa.Program, spec *configs.Spec, memory memsim.Memory, observe func(memsim.Picoseconds, memsim.Request)) (*Result, error) {
	return run(p, spec, memory, observe, nil)
}

// Record is RunOn with a Recording in the Result.
func Record(p *isa.Program, spec *configs.Spec, memory memsim.Memory, observe func(memsim.Picoseconds, memsim.Request)) (*Result, error) {
	return run(p, spec, memory, observe, newRecorder(p, spec.LUTGEMM.TableBytes()))
}

func run(p *isa.Program, spec *configs.Spec, memory memsim.Memory, observe func(memsim.Picoseconds, memsim.Request), record *recorder) (*Result, error) {
	e := &engine{
		observe: observe, record: record, overTime: newTrafficOverTime(),
		program: p, machine: cost.NewMachine(spec), memory: memory, clockMHz: int64(spec.NPU.ClockMHz), dma: spec.DMA,
		semaphores: make([]uint32, len(p.Semaphores)), waiter: make([]isa.Unit, len(p.Semaphores)), blocked: make([]bool, len(p.Semaphores)),
		operations: make([]operation, len(p.Descriptors)), layers: make([]Layer, len(p.Layers)),
	}
	if err := e.placeRegions(spec.DRAM.CapacityBytes()); err != nil {
		return nil, err
	}
	for i, s := range p.Semaphores {
		e.semaphores[i], e.waiter[i] = s.Initial, s.Waiter
	}
	for u := range e.units {
		e.wake[u] = never
		e.units[u].done = true
		e.units[u].state = Finished
		if len(p.Code[u]) == 0 {
			continue
		}
		stream, err := isa.NewStream(p.Code[u])
		if err != nil {
			return nil, fmt.Errorf("unit %s: %w", isa.Unit(u), err)
		}
		e.units[u].done = false
		e.units[u].state = Busy
		e.units[u].cursor = stream.Cursor()
		e.wake[u] = 0
	}
	if err := e.loop(); err != nil {
		return nil, err
	}
	return e.result(), nil
}

// placeRegions lays the regions one after another in DRAM, each on a 4 KiB
// boundary.
func (e *engine) placeRegions(capacity int64) error {
	var next uint64
	for space := isa.Weights; space <= isa.State; space++ {
		e.base[space] = next
		next += (e.program.RegionBytes[space] + 4095) &^ 4095
	}
	if next > uint64(capacity) {
		return fmt.Errorf("the program takes %d bytes of DRAM, dram.capacity_mib gives %d", next, capacity)
	}
	return nil
}

// loop advances to the next event until every unit has halted and every
// transfer has completed.
func (e *engine) loop() error {
	var asked memsim.Picoseconds // the time whose cycle is known
	var known int64
	for {
		next := never
		for u := range e.wake {
			next = min(next, e.wake[u])
		}
		event := never // of the memory: a completion, or room for a request
		if at, ok := e.memory.Next(); ok {
			if at != asked {
				asked, known = at, e.cycle(at)
			}
			event = max(e.now, known)
		}
		next = min(next, event)
		if next == never {
			break
		}
		if e.requests > maxRequests {
			return fmt.Errorf("program %s makes more than %d DRAM requests: too many to time", e.program.Name, int64(maxRequests))
		}
		e.now, e.instant = next, e.time(next)
		e.finished = e.memory.Advance(e.instant, e.finished[:0])
		for i := range e.finished {
			e.completed(&e.finished[i])
		}
		for u := range e.wake {
			if e.wake[u] <= e.now || (e.retry[u] && event <= e.now) {
				e.retry[u] = false
				e.wake[u] = never
				if isa.Unit(u) == isa.LoadDMA || isa.Unit(u) == isa.StoreDMA {
					e.stepTransfers(isa.Unit(u))
				} else {
					e.stepCompute(isa.Unit(u))
				}
			}
		}
	}
	for u := range e.units {
		if !e.units[u].done {
			return fmt.Errorf("program %s is deadlocked at cycle %d: unit %s waits at instruction %d", e.program.Name, e.now, isa.Unit(u), e.units[u].next.Index)
		}
	}
	return nil
}

// time is the start of a cycle in picoseconds, rounded up so that a request
// never leaves before its cycle.
func (e *engine) time(cycle int64) memsim.Picoseconds {
	high, low := bits.Mul64(uint64(cycle), 1_000_000)
	if high == 0 { // short division
		quotient := low / uint64(e.clockMHz)
		if quotient*uint64(e.clockMHz) < low {
			quotient++
		}
		return memsim.Picoseconds(quotient)
	}
	quotient, remainder := bits.Div64(high, low, uint64(e.clockMHz))
	if remainder > 0 {
		quotient++
	}
	return memsim.Picoseconds(quotient)
}

// cycle is the first cycle that starts at or after a time.
func (e *engine) cycle(t memsim.Picoseconds) int64 {
	high, low := bits.Mul64(uint64(t), uint64(e.clockMHz))
	if high == 0 { // short division
		quotient := int64(low / 1_000_000)
		for e.time(quotient) < t {
			quotient++
		}
		return quotient
	}
	quotient, _ := bits.Div64(high, low, 1_000_000)
	for e.time(int64(quotient)) < t {
		quotient++
	}
	return int64(quotient)
}

// account closes the stretch of a unit up to a cycle and opens the next one.
func (e *engine) account(u isa.Unit, until int64, state Cause) {
	q := &e.units[u]
	if e.record != nil {
		e.record.account(u, q.state, q.since, until)
		if state == DRAM || state == Semaphore {
			e.record.waitsFor[u] = q.next.Instruction.Count
		}
	}
	q.causes[q.state] += until - q.since
	q.since, q.state = until, state
}

// take tries to take a semaphore for a unit's pending wait.
func (e *engine) take(semaphore uint32) bool {
	if e.semaphores[semaphore] == 0 {
		e.blocked[semaphore] = true
		if e.record != nil {
			e.record.Block(int(semaphore), e.now)
		}
		return false
	}
	e.semaphores[semaphore]--
	if e.record != nil {
		e.record.Take(int(semaphore), e.now)
	}
	return true
}

// signal gives a semaphore and wakes its waiter.
func (e *engine) signal(semaphore uint32) {
	e.semaphores[semaphore]++
	if e.record != nil {
		e.record.Signal(int(semaphore), e.now)
	}
	if e.blocked[semaphore] {
		e.blocked[semaphore] = false
		e.wake[e.waiter[semaphore]] = e.now
	}
}

// waitCause is what a unit waits for at a semaphore.
func (e *engine) waitCause(u isa.Unit, semaphore uint32) Cause {
	from := e.program.Semaphores[semaphore].Signaller
	transfers := func(v isa.Unit) bool { return v == isa.LoadDMA || v == isa.StoreDMA }
	if transfers(from) && !transfers(u) {
		return DRAM
	}
	return Semaphore
}

// stepCompute runs the queue of a computing unit from now.
func (e *engine) stepCompute(u isa.Unit) {
	q := &e.units[u]
	for {
		if !q.pending && !q.cursor.Next(&q.next) {
			q.done = true
			e.account(u, e.now, Finished)
			return
		}
		q.pending = false
		in := q.next.Instruction
		switch in.Op {
		case isa.Wait:
			if !e.take(in.Count) {
				q.pending = true
				e.account(u, e.now, e.waitCause(u, in.Count))
				return
			}
		case isa.Signal:
			e.signal(in.Count)
		default:
			e.account(u, e.now, Busy)
			e.compute(u, in)
			return
		}
	}
}

// compute charges one tile operation.
func (e *engine) compute(u isa.Unit, in *isa.Instruction) {
	q := &e.units[u]
	d := e.program.Descriptors[in.Descriptor]
	known := &e.operations[in.Descriptor]
	if known.op != in.Op {
		*known = operation{in.Op, e.machine.Of(in.Op, d)}
	}
	o := &known.cost
	end := e.now + o.Cycles
	if e.record != nil {
		e.record.operation(u, &q.next, d, o, e.now)
	}
	q.causes[Busy] += o.Compute
	q.causes[Fill] += o.Fill
	q.causes[Drain] += o.Drain
	q.causes[Bank] += o.Bank
	q.since = end
	layer := d.LayerIndex()
	streaming := e.now + o.Fill
	e.busy(u, Interval{e.now, streaming, int32(layer), true})
	e.busy(u, Interval{streaming, streaming + o.Compute, int32(layer), false})
	e.busy(u, Interval{streaming + o.Compute, end, int32(layer), true})
	e.layers[layer].End = max(e.layers[layer].End, end)
	w := &e.layers[layer].Work
	w.MACs += o.MACs
	w.Requantizations += o.Requantizations
	if channelMultipliers(d) {
		w.ChannelRequantizations += o.Requantizations
	}
	w.VectorOperations += o.VectorOperations
	w.TableLookups += o.TableLookups
	w.LookupBuilds += o.LookupBuilds
	w.LookupQueries += o.LookupQueries
	w.LookupScales += o.LookupScales
	w.ActivationBufferBytes += o.ActivationRead + o.ActivationWritten
	w.WeightBufferBytes += o.WeightRead
	w.AccumulatorBytes += o.AccumulatorRead + o.AccumulatorWrite
	e.wake[u] = end
}

// channelMultipliers tells tiles that requantize with a multiplier a channel.
func channelMultipliers(d isa.Descriptor) bool {
	switch t := d.(type) {
	case *isa.ConvolutionTile:
		return t.Mode == isa.ChannelMultiplier
	case *isa.LookupTile:
		return t.Mode == isa.ChannelMultiplier
	}
	return false
}

// busy records an interval on the timeline, joining it to the one before.
func (e *engine) busy(u isa.Unit, i Interval) {
	if i.End <= i.Start {
		return
	}
	line := e.timeline[u]
	if n := len(line); n > 0 && line[n-1].End >= i.Start && line[n-1].Layer == i.Layer && line[n-1].Overhead == i.Overhead {
		line[n-1].End = max(line[n-1].End, i.End)
		return
	}
	e.timeline[u] = append(line, i)
}
