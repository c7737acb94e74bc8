package lower

import (
	"fmt"

	"github.com/npusim/npusim/compiler/integer"
	"github.com/npusim/npusim/isa"
)

// emission collects the instructions of a program in sequential order, one
// flat list a unit; loops and semaphore instructions come at the end.
type emission struct {
	l           *lowering
	scratch     *scratch
	trace       [isa.NumUnits][]isa.TraceRecord
	descriptors []isa.Descriptor
	transfers   map[isa.Transfer]uint32 // index of a descriptor value
	tiles       map[isa.ConvolutionTile]uint32
	others      map[any]uint32
	constants   []byte // stays empty if shapes alone count
	constantAt  map[integer.TensorID]uint64
	accesses    []isa.Access

	constantBytes uint64
	peakTables    uint64 // of the table buffer
	instructions  int    // without waits and signals
}

func at(space isa.Space, offset uint64) isa.Address { return isa.Address{Space: space, Offset: offset} }

func describe[K comparable](e *emission, index map[K]uint32, value K, d isa.Descriptor) uint32 {
	if i, ok := index[value]; ok {
		return i
	}
	i := uint32(len(e.descriptors))
	index[value] = i
	e.descriptors = append(e.descriptors, d)
	return i
}

// descriptor returns the index of a descriptor, sharing equal ones.
func (e *emission) descriptor(d isa.Descriptor) uint32 {
	switch v := d.(type) {
	case *isa.Transfer:
		return describe(e, e.transfers, *v, d)
	case *isa.ConvolutionTile:
		return describe(e, e.tiles, *v, d)
	case *isa.PoolTile:
		return describe[any](e, e.others, *v, d)
	case *isa.BinaryTile:
		return describe[any](e, e.others, *v, d)
	case *isa.ElementwiseTile:
		return describe[any](e, e.others, *v, d)
	case *isa.CopyTile:
		return describe[any](e, e.others, *v, d)
	case *isa.RearrangeTile:
		return describe[any](e, e.others, *v, d)
	case *isa.EncodedWeights:
		return describe[any](e, e.others, *v, d)
	case *isa.LookupTile:
		return describe[any](e, e.others, *v, d)
	case *isa.SealedKeys:
		return describe[any](e, e.others, *v, d)
	}
	return describe[any](e, e.others, d, d)
}

// emit appends an instruction; done, for compute units, is the tile it
// completes.
func (e *emission) emit(unit isa.Unit, op isa.Opcode, d isa.Descriptor, done isa.TraceRecord, operands ...isa.Address) error {
	if e.instructions++; e.instructions > MaxInstructions {
		return errTooLong
	}
	in := isa.Instruction{Op: op, Descriptor: e.descriptor(d)}
	dynamic := isa.Dynamic{Instruction: &in}
	for k, o := range operands {
		in.Operands[k] = o
		dynamic.Offsets[k] = o.Offset
	}
	e.accesses = isa.Accesses(e.accesses[:0], &dynamic, d)
	waits, err := e.scratch.tracker.add(unit, e.accesses)
	if err != nil {
		return err
	}
	e.scratch.code[unit] = append(e.scratch.code[unit], in)
	e.scratch.waits[unit] = append(e.scratch.waits[unit], waits)
	if unit != isa.LoadDMA && unit != isa.StoreDMA {
		e.trace[unit] = append(e.trace[unit], done)
	}
	return nil
}

// constant reserves bytes at the end of the weights region, aligned, and
// returns where. The contents are made only if they are to be stored.
func (e *emission) constant(size int, contents func() []byte) uint64 {
	alignment := uint64(e.l.target.Alignment)
	offset := (e.constantBytes + alignment - 1) / alignment * alignment
	e.constantBytes = offset + uint64(size)
	if !e.l.options.ShapeOnly {
		e.constants = append(e.constants, make([]byte, offset-uint64(len(e.constants)))...)
		e.constants = append(e.constants, contents()...)
	}
	return offset
}

// address is where a tensor lies in DRAM.
func (e *emission) address(id integer.TensorID) (isa.Address, error) {
	l := e.l
	t := &l.graph.Tensors[id]
	switch {
	case t.Constant != nil:
		offset, ok := e.constantAt[id]
		if !ok {
			layout := l.layout(id)
			offset = e.constant(layout.bytes(), func() []byte { return l.packTensor(id) })
			e.constantAt[id] = offset
		}
		return at(isa.Weights, offset), nil
	case l.inputAt[id] != nowhere:
		return at(isa.Input, l.inputAt[id]), nil
	case l.outputAt[id] != nowhere:
		return at(isa.Output, l.outputAt[id]), nil
	case l.scratchAt[id] != nowhere:
		return at(isa.Scratch, l.scratchAt[id]), nil
	}
	return isa.Address{}, fmt.Errorf("tensor %s has no place in DRAM", t.Name)
}

// slotSet is a number of equal buffers for the tiles of one operand, filled in
// turn; a tile that is still there is not loaded again.
type slotSet struct {
	base  uint64
	bytes int
	keys  []any
	next  int
}

func newSlotSet(base uint64, bytes, count int) *slotSet {
	return &slotSet{base: base, bytes: bytes, keys: make([]any, count)}
}

// take returns the slot of a key and whether it holds it already.
func (s *slotSet) take(key any) (offset uint64, held bool) {
	for i, k := range s.keys {
		if k != nil && k == key {
			return s.base + uint64(i*s.bytes), true
		}
	}
	i := s.next
	s.next = (s.next + 1) % len(s.keys)
	s.keys[i] = key
	return s.base + uint64(i*s.bytes), false
}

// stepEmission is the state of emitting one step.
type stepEmission struct {
	*emission
	s          *step
	p          *shape
	v          *tiling
	inputs     []*slotSet
	outputs    *slotSet
	weights    *slotSet
	parameters *slotSet
	rowScales  *slotSet // of binary codes
	tables     []uint64 // offset of the table of the anchor, then of each follower
	weightAt   map[weightKey]uint64
	codedAt    map[weightKey]encodedTile
	outputNext int
}

type weightKey struct{ channels, inputs int } // tile numbers; inputs -1 for parameters

// step emits a step.
func (e *emission) step(s *step) error {
	l := e.l
	c := &l.choices[s.index]
	a := &l.areas[s.index]
	x := &stepEmission{emission: e, s: s, p: l.shape(s), v: &c.tiling, weightAt: map[weightKey]uint64{}, codedAt: map[weightKey]encodedTile{}}
	for i := range s.reads {
		if x.p.resident[i] {
			x.inputs = append(x.inputs, nil)
			continue
		}
		x.inputs = append(x.inputs, newSlotSet(a.inputs[i], x.p.operandBytes(i, x.v), x.v.slots(i)))
	}
	if !x.p.outStays {
		x.outputs = newSlotSet(a.output, x.p.outputBytes(x.v), x.v.outputSlots)
	}
	if s.anchor.Kind == integer.Convolution {
		x.weights = newSlotSet(a.weights, x.p.weightTileBytes(x.v), x.v.weightSlots)
		x.parameters = newSlotSet(a.parameters, x.p.parameterTileBytes(x.v), x.v.parameterSlots)
		x.rowScales = newSlotSet(a.rowScales, x.p.t.align(x.p.rowScaleBytes(x.v.channels)), x.v.parameterSlots)
	}
	if err := x.loadTables(a.tables); err != nil {
		return err
	}
	if s.anchor.Kind == integer.Convolution {
		return x.convolutions()
	}
	return x.tiles()
}

// loadTables brings the tables of the step into the weight buffer.
func (x *stepEmission) loadTables(base uint64) error {
	for _, table := range x.s.tables {
		x.tables = append(x.tables, base)
		if len(table) > 0 {
			from := x.constant(len(table), func() []byte { return table })
			d := linearTransfer(x.s.index, isa.MetadataClass, len(table), 8)
			if err := x.emit(isa.LoadDMA, isa.Load, d, isa.TraceRecord{}, at(isa.Weights, from), at(isa.WeightBuffer, base)); err != nil {
				return err
			}
		}
		base += uint64(x.l.target.align(len(table)))
	}
	return nil
}

// fetch makes a box of a read operand available in the activation buffer.
func (x *stepEmission) fetch(operand int, b box) (place, error) {
	id := x.s.reads[operand]
	l := &x.p.layouts[operand]
	whole := b.aligned(l)
	if x.p.resident[operand] {
		return x.inResident(id, l, b), nil
	}
	offset, held := x.inputs[operand].take(whole)
	t := l.buffered(whole.c, whole.h, whole.w)
	p := place{offset: offset, block: l.block, pixelStride: l.pitch(), rowStride: t.rowStride(), blockStride: t.blockStride()}
	if !held {
		from, err := x.address(id)
		if err != nil {
			return place{}, err
		}
		from.Offset += uint64(l.offset(whole.c0, whole.h0, whole.w0))
		d := transfer(x.s.index, isa.ActivationClass, l, whole, &p)
		if err := x.emit(isa.LoadDMA, isa.Load, d, isa.TraceRecord{}, from, at(isa.ActivationBuffer, offset)); err != nil {
			return place{}, err
		}
	}
	return p.within(whole, b), nil
}

// inResident is the place of a box in a tensor that is kept on chip.
func (x *stepEmission) inResident(id integer.TensorID, l *layout, b box) place {
	t := l.buffered(l.channels, l.rows, l.columns)
	p := place{offset: x.l.residentAt[id], block: l.block, pixelStride: l.pitch(), rowStride: t.rowStride(), blockStride: t.blockStride()}
	return p.within(box{0, l.channels, 0, l.rows, 0, l.columns}, b)
}

// target is where an output box goes: into the resident tensor or the next
// output slot.
func (x *stepEmission) targetPlace(b box) place {
	l := &x.p.outLayout
	if x.p.outStays {
		return x.inResident(x.s.output, l, b)
	}
	offset := x.outputs.base + uint64(x.outputNext*x.outputs.bytes)
	x.outputNext = (x.outputNext + 1) % len(x.outputs.keys)
	t := l.buffered(b.c, b.h, b.w)
	return place{offset: offset, block: l.block, pixelStride: l.pitch(), rowStride: t.rowStride(), blockStride: t.blockStride()}
}

// finish applies the followers to an output tile and stores it.
func (x *stepEmission) finish(b box, p place) error {
	for i, f := range x.s.followers {
		if err := x.follow(i, f, b, p); err != nil {
			return err
		}
	}
	if x.p.outStays {
		return nil
	}
	to, err := x.address(x.s.output)
	if err != nil {
		return err
	}
	to.Offset += uint64(x.p.outLayout.offset(b.c0, b.h0, b.w0))
	d := transfer(x.s.index, isa.ActivationClass, &x.p.outLayout, b, &p)
	return x.emit(isa.StoreDMA, isa.Store, d, isa.TraceRecord{}, at(isa.ActivationBuffer, p.offset), to)
}

// done is the trace record of a tile of a tensor.
func done(id integer.TensorID, b box) isa.TraceRecord {
	return isa.TraceRecord{Tensor: uint32(id), Channel: uint32(b.c0), Row: uint32(b.h0), Column: uint32(b.w0)}
}
