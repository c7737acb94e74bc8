// Package functional executes a program bit for bit: every transfer moves the
// real bytes between simulated DRAM regions and scratchpads, every tile
// operation reads and writes those scratchpads, and the queues of the units
// run concurrently as far as their semaphores let them. It is the proof that
// lowering, allocation and addressing are right; there is no second path.
//
// Modelled: contents of DRAM, scratchpads and accumulators, semaphores, loops,
// decryption of encoded weights, all arithmetic. Not modelled: time (package
// timing does that on the same instructions).
package functional

import (
	"fmt"
	"math/rand/v2"

	"github.com/npusim/npusim/isa"
)

// Engine is a program prepared for execution. It is immutable; each goroutine
// runs it on a State of its own.
type Engine struct {
	program *isa.Program
	streams [isa.NumUnits]*isa.Stream
	limits  isa.Limits
	decoded map[encodedTile][]int8
	// Tables in the table buffer are 2^tableShift entries apart: room for those of
	// the widest keys.
	tableShift uint8
}

// maxRegionBytes bounds the memory of a State.
const maxRegionBytes = 4 << 30

// New prepares a program after verifying it against the scratchpads, so that
// execution cannot leave its memory.
func New(p *isa.Program, limits isa.Limits) (*Engine, error) {
	if err := isa.Verify(p, limits); err != nil {
		return nil, err
	}
	if p.ShapeOnly {
		return nil, fmt.Errorf("program %s was made from layer shapes alone: it has no weights, so it can be timed but not executed", p.Name)
	}
	if p.Rounding != isa.HalfUpShift {
		return nil, fmt.Errorf("program %s uses rounding mode %d: this version executes half-up-shift only", p.Name, p.Rounding)
	}
	var total uint64
	for _, bytes := range p.RegionBytes {
		total += min(bytes, maxRegionBytes+1)
	}
	if total > maxRegionBytes {
		return nil, fmt.Errorf("program %s takes more than %d GiB of DRAM: too much to execute on this host", p.Name, maxRegionBytes>>30)
	}
	tableShift := uint8(0)
	for i, d := range p.Descriptors {
		var n int
		switch t := d.(type) {
		case *isa.ConvolutionTile:
			n = workingBytes(&t.Window, t.InputChannels, t.OutputChannels)
		case *isa.LookupTile:
			n = lookupBytes(t)
			tableShift = max(tableShift, t.Mu)
		}
		if n > maxWorkingBytes {
			return nil, fmt.Errorf("program %s, descriptor d%d: the tile with its padding takes %d bytes of working memory, the engine gives at most %d", p.Name, i, n, maxWorkingBytes)
		}
	}
	e := &Engine{program: p, limits: limits, tableShift: tableShift}
	for u := isa.Unit(1); int(u) < isa.NumUnits; u++ {
		s, err := isa.NewStream(p.Code[u])
		if err != nil {
			return nil, fmt.Errorf("unit %s: %w", u, err)
		}
		e.streams[u] = s
	}
	if err := e.decodeWeights(); err != nil {
		return nil, err
	}
	return e, nil
}

// Completed is a tile that a compute instruction has just finished.
type Completed struct {
	Unit        isa.Unit
	Index       int // of the instruction in its section
	Instruction *isa.Instruction
	Descriptor  isa.Descriptor
	Record      isa.TraceRecord
	// At returns an element of the tile, indices relative to the record.
	At func(channel, row, column int) int8
	// Extent of the tile.
	Channels, Rows, Columns int
}

// Observer is called after each compute instruction that completes a tile.
type Observer func(*Completed) error

// State is the memory of one simulated machine.
type State struct {
	engine      *Engine
	dram        [isa.NumSpaces][]byte
	buffer      [isa.NumSpaces][]int8 // scratchpads of bytes
	accumulator []int32
	tables      []int16 // of the LUT-GEMM unit, those that stay
	semaphores  []uint32
	queues      [isa.NumUnits]queue
	scratch     scratch

	// Observe, if set, sees every completed tile; it slows execution down.
	Observe Observer
	// Order, if set, picks the next unit at random instead of in turn: a
	// correct program gives the same bytes.
	Order *rand.Rand
}

type queue struct {
	cursor   isa.Cursor
	next     isa.Dynamic
	pending  bool // next holds an instruction that waits
	finished bool
	computed int // compute instructions executed, the index of the trace
}

// NewState allocates a machine.
func (e *Engine) NewState() *State {
	s := &State{engine: e, semaphores: make([]uint32, len(e.program.Semaphores))}
	for space := isa.Input; space <= isa.State; space++ {
		s.dram[space] = make([]byte, e.program.RegionBytes[space])
	}
	s.dram[isa.Weights] = e.program.Constants // shared: nothing writes there
	s.buffer[isa.ActivationBuffer] = make([]int8, e.room(isa.ActivationBuffer, e.limits.Activation))
	s.buffer[isa.WeightBuffer] = make([]int8, e.room(isa.WeightBuffer, e.limits.Weight))
	s.accumulator = make([]int32, e.room(isa.AccumulatorBuffer, e.limits.Accumulator)/4)
	if len(e.program.Code[isa.TableBuilder]) > 0 {
		s.tables = make([]int16, e.room(isa.TableBuffer, e.limits.Tables)<<e.tableShift)
	}
	return s
}

// room is how much of a scratchpad the program touches: the peak it states,
// which verification holds it to, or all of it.
func (e *Engine) room(space isa.Space, capacity uint64) uint64 {
	if peak := e.program.Buffers[space]; peak > 0 {
		return min(capacity, (peak+3)&^3)
	}
	return capacity
}

// Run executes the program once. inputs and outputs are elements in (channel,
// row, column) order, one slice a binding; outputs may be nil slices to be
// allocated.
func (s *State) Run(inputs [][]int8, outputs [][]int8) (result [][]int8, err error) {
	p := s.engine.program
	if len(inputs) != len(p.Inputs) {
		return nil, fmt.Errorf("program %s takes %d inputs, got %d", p.Name, len(p.Inputs), len(inputs))
	}
	for i := range p.Inputs {
		if err := s.writeBinding(&p.Inputs[i], inputs[i]); err != nil {
			return nil, err
		}
	}
	for i := range s.semaphores {
		s.semaphores[i] = p.Semaphores[i].Initial
	}
	for u := range s.queues {
		s.queues[u] = queue{finished: true}
		if s.engine.streams[u] != nil && len(p.Code[u]) > 0 {
			s.queues[u] = queue{cursor: s.engine.streams[u].Cursor()}
		}
	}
	if err := s.schedule(); err != nil {
		return nil, err
	}
	for i := range p.Outputs {
		var out []int8
		if i < len(outputs) {
			out = outputs[i]
		}
		result = append(result, s.readBinding(&p.Outputs[i], out))
	}
	return result, nil
}

// schedule runs the queues until all have finished.
func (s *State) schedule() error {
	for {
		progress, left := false, false
		start := 0
		if s.Order != nil {
			start = s.Order.IntN(isa.NumUnits)
		}
		for k := range isa.NumUnits {
			u := isa.Unit((start + k) % isa.NumUnits)
			q := &s.queues[u]
			if q.finished {
				continue
			}
			limit := 1 << 62
			if s.Order != nil {
				limit = 1 + s.Order.IntN(8)
			}
			moved, err := s.advance(u, limit)
			if err != nil {
				return err
			}
			progress = progress || moved
			left = left || !q.finished
		}
		if !left {
			return nil
		}
		if !progress {
			return fmt.Errorf("program %s is deadlocked", s.engine.program.Name)
		}
	}
}

// advance runs a queue until it blocks, finishes or has executed limit
// instructions.
func (s *State) advance(u isa.Unit, limit int) (moved bool, err error) {
	q := &s.queues[u]
	for range limit {
		if !q.pending && !q.cursor.Next(&q.next) {
			q.finished = true
			return true, nil
		}
		q.pending = false
		in := q.next.Instruction
		switch in.Op {
		case isa.Wait:
			if s.semaphores[in.Count] == 0 {
				q.pending = true
				return moved, nil
			}
			s.semaphores[in.Count]--
		case isa.Signal:
			s.semaphores[in.Count]++
		default:
			if err := s.execute(u, q); err != nil {
				return true, fmt.Errorf("unit %s, instruction %d (%s): %w", u, q.next.Index, in.Op, err)
			}
		}
		moved = true
	}
	return moved, nil
}

// execute runs one instruction and reports the tile it completed.
func (s *State) execute(u isa.Unit, q *queue) error {
	d := &q.next
	descriptor := s.engine.program.Descriptors[d.Instruction.Descriptor]
	var out *isa.View
	var extent [3]int
	operand := 2
	switch t := descriptor.(type) {
	case *isa.Transfer:
		if d.Instruction.Op == isa.Load {
			s.load(d, t)
		} else {
			s.store(d, t)
		}
		return nil
	case *isa.EncodedWeights, *isa.SealedKeys:
		s.loadEncoded(d)
		return nil
	case *isa.ConvolutionTile:
		if d.Instruction.Op == isa.Depthwise {
			s.depthwise(d, t)
			operand = 3
		} else {
			s.convolution(d, t)
			operand = 4
		}
		out, extent = &t.Output, [3]int{int(t.OutputChannels), int(t.OutputRows), int(t.OutputColumns)}
	case *isa.LookupTile:
		if d.Instruction.Op == isa.BuildTables {
			s.buildTables(d, t)
			q.computed++ // completes no tile of a tensor
			return nil
		}
		if d.Instruction.Op == isa.QueryTables {
			s.queryTables(d, t)
		} else {
			s.lookup(d, t)
		}
		operand = 4
		out, extent = &t.Output, [3]int{int(t.OutputChannels), int(t.OutputRows), int(t.OutputColumns)}
	case *isa.PoolTile:
		s.pool(d, t)
		out, extent = &t.Output, [3]int{int(t.Channels), int(t.OutputRows), int(t.OutputColumns)}
	case *isa.BinaryTile:
		s.binary(d, t)
		out, extent = &t.Output, [3]int{int(t.Channels), int(t.Rows), int(t.Columns)}
	case *isa.ElementwiseTile:
		if d.Instruction.Op == isa.Softmax {
			s.softmax(d, t)
		} else {
			s.table(d, t)
		}
		out, extent = &t.Output, [3]int{int(t.Channels), int(t.Rows), int(t.Columns)}
	case *isa.CopyTile:
		s.copyTile(d, t)
		out, extent = &t.Output, [3]int{int(t.Channels), int(t.Rows), int(t.Columns)}
	case *isa.RearrangeTile:
		s.rearrange(d, t)
		operand = 1
		out, extent = &t.Output, [3]int{int(t.OutputChannels), int(t.OutputRows), int(t.OutputColumns)}
	default:
		return fmt.Errorf("descriptor %d has no meaning here", d.Instruction.Descriptor)
	}
	index := q.computed
	q.computed++
	trace := s.engine.program.Trace[u]
	if s.Observe == nil || index >= len(trace) || trace[index].Tensor == isa.NoTensor {
		return nil
	}
	base := d.Offsets[operand]
	return s.Observe(&Completed{
		Unit: u, Index: d.Index, Instruction: d.Instruction, Descriptor: descriptor, Record: trace[index],
		Channels: extent[0], Rows: extent[1], Columns: extent[2],
		At: func(channel, row, column int) int8 {
			return s.buffer[isa.ActivationBuffer][int(base)+out.Offset(channel, row, column)]
		},
	})
}
