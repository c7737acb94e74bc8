package timing

import (
	"github.com/npusim/npusim/isa"
	"github.com/npusim/npusim/memsim"
	"github.com/npusim/npusim/npu/cost"
)

// transferQueue is the state of a DMA unit. Its transfers issue in order; a
// transfer may issue while earlier ones wait for their data.
type transferQueue struct {
	issuing     bool // a transfer whose requests are not all out
	class       isa.TensorClass
	parts       []part // of that transfer's stream if it is encoded
	issue       runCursor
	decoders    int64 // cycle from which the decryption units are free
	ready       int64 // cycle from which the current transfer may issue
	outstanding int   // requests in flight
	inFlight    []command
	first       uint64 // number of inFlight[0]
	active      int64  // start of the current busy interval, -1 if idle
	layer       int    // of the latest transfer
}

// command is a transfer whose data is on the way.
type command struct {
	outstanding int
	issued      bool // all requests are out
	layer       int
	decoding    cost.Decoding // of encoded weights
	arriving    int64         // cycle from which they are decoded, -1 before anything has arrived
	usable      int64         // cycle at which decoded weights are in the buffer, 0 before that is known
	signals     []uint32      // to give when it and all earlier ones are complete
}

// runCursor cuts a transfer into requests: contiguous runs in DRAM, merged
// where they touch, split at multiples of the largest request.
type runCursor struct {
	base               uint64
	block, row         int
	offset             int64 // within the current stretch
	blocks, rows       int
	run                int64
	rowStep, blockStep uint64
}

func newRunCursor(t *isa.Transfer, base uint64) runCursor {
	c := runCursor{base: base, blocks: int(t.Blocks), rows: int(t.Rows), run: int64(t.RunBytes()),
		rowStep: uint64(t.DRAMRowStride), blockStep: uint64(t.DRAMBlockStride)}
	if c.rows > 1 && c.rowStep == uint64(c.run) {
		c.run, c.rows = c.run*int64(c.rows), 1
	}
	if c.rows == 1 && c.blocks > 1 && c.blockStep == uint64(c.run) {
		c.run, c.blocks = c.run*int64(c.blocks), 1
	}
	return c
}

// peek is the next request: at most largest bytes, ending at a multiple of
// largest so that later requests are aligned.
func (c *runCursor) peek(largest int64) (address uint64, bytes int64) {
	address = c.base + uint64(c.block)*c.blockStep + uint64(c.row)*c.rowStep + uint64(c.offset)
	bytes = min(c.run-c.offset, largest-int64(address%uint64(largest)))
	return address, bytes
}

// advance consumes a request and reports whether the transfer is complete.
func (c *runCursor) advance(bytes int64) bool {
	if c.offset += bytes; c.offset < c.run {
		return false
	}
	c.offset = 0
	if c.row++; c.row < c.rows {
		return false
	}
	c.row = 0
	c.block++
	return c.block == c.blocks
}

// A request identifier holds the unit, the class and the bytes of the request
// and the number of its command, from the highest bits down. Commands number
// fewer than requests, of which maxRequests bounds the count; a request moves
// at most dma.request_bytes and two bursts, below 2^21.
const (
	unitShift   = 56
	classShift  = 53
	movedShift  = 32
	classMask   = 1<<(unitShift-classShift) - 1
	movedMask   = 1<<(classShift-movedShift) - 1
	commandMask = 1<<movedShift - 1
)

// stepTransfers runs the queue of a DMA unit from now.
func (e *engine) stepTransfers(u isa.Unit) {
	q := &e.units[u]
	t := &q.transfer
	e.retire(u)
	for {
		if t.issuing {
			if !e.issueOne(u) {
				return
			}
			continue
		}
		if !q.pending && !q.cursor.Next(&q.next) {
			q.done = true
			e.settle(u, Finished)
			return
		}
		q.pending = false
		in := q.next.Instruction
		switch in.Op {
		case isa.Wait:
			if !e.take(in.Count) {
				q.pending = true
				e.settle(u, e.waitCause(u, in.Count))
				return
			}
		case isa.Signal:
			if n := len(t.inFlight); n > 0 {
				t.inFlight[n-1].signals = append(t.inFlight[n-1].signals, in.Count)
			} else {
				e.signal(in.Count)
			}
		default:
			e.begin(u, in)
		}
	}
}

// begin starts a transfer: set-up first, then requests.
func (e *engine) begin(u isa.Unit, in *isa.Instruction) {
	q := &e.units[u]
	t := &q.transfer
	t.parts = t.parts[:0]
	var decoding cost.Decoding
	var d *isa.Transfer
	var encoded *isa.EncodedWeights
	decoded := int64(0) // bytes that come out of the decryption units
	switch of := e.program.Descriptors[in.Descriptor].(type) {
	case *isa.Transfer:
		d = of
	case *isa.EncodedWeights:
		encoded = of
		d = &isa.Transfer{Layer: of.Layer, Class: isa.WeightClass, Bits: 8, Group: 1, Run: uint32(of.StreamBytes()), Rows: 1, Blocks: 1}
		decoding = e.machine.Decode(of, e.program.Networks)
	case *isa.SealedKeys:
		d = &isa.Transfer{Layer: of.Layer, Class: isa.WeightClass, Bits: 8, Group: 1, Run: of.CodeBytes, Rows: 1, Blocks: 1}
		decoding = e.machine.Unseal(of, e.program.Networks)
		decoded = int64(of.KeyBytes())
	}
	dram := 0
	if u == isa.StoreDMA {
		dram = 1
	}
	base := e.base[in.Operands[dram].Space] + q.next.Offsets[dram]
	t.issuing, t.class, t.issue, t.ready = true, d.Class, newRunCursor(d, base), e.now+int64(e.dma.SetupCycles)
	t.layer = d.LayerIndex()
	t.inFlight = append(t.inFlight, command{layer: t.layer, decoding: decoding, arriving: -1})
	w := &e.layers[t.layer].Work
	buffer := int64(d.Blocks) * int64(d.Rows) * int64(d.Run)
	if encoded != nil {
		t.split(encoded, base)
		decoded = int64(encoded.Elements)
		w.Corrections += int64(encoded.Patches)
	}
	if decoded > 0 {
		buffer = decoded
		w.DecodedSlices += decoding.Slices
		w.DecodingCycles += decoding.Cycles
		w.GateEvaluations += decoding.GateEvaluations
		w.RegisterBits += decoding.RegisterBits
	}
	if e.record != nil {
		e.record.begin(u, &q.next, e.program.Descriptors[in.Descriptor], d.Class, buffer, e.now)
	}
	if u == isa.StoreDMA || in.Operands[1].Space == isa.ActivationBuffer {
		w.ActivationBufferBytes += buffer
	} else {
		w.WeightBufferBytes += buffer
	}
	e.account(u, e.now, Busy)
	e.startActivity(u)
}

// issueOne sends the next request of the current transfer and reports whether
// the queue can go on this cycle.
func (e *engine) issueOne(u isa.Unit) bool {
	t := &e.units[u].transfer
	if e.now < t.ready {
		e.wake[u] = min(e.wake[u], t.ready)
		return false
	}
	if t.outstanding >= e.dma.OutstandingRequests {
		return false // a completion wakes the unit
	}
	issue, class := &t.issue, t.class
	if len(t.parts) > 0 {
		p := t.nextPart()
		issue, class = &p.cursor, p.class
	}
	address, bytes := issue.peek(int64(e.dma.RequestBytes))
	number := t.first + uint64(len(t.inFlight)) - 1
	request := memsim.Request{Address: address, Bytes: uint32(bytes), Write: u == isa.StoreDMA}
	moved := e.memory.Moved(request)
	request.ID = uint64(u)<<unitShift | uint64(class)<<classShift | uint64(moved)<<movedShift | number
	if !e.memory.Submit(e.instant, request) {
		e.retry[u] = true
		return false
	}
	if e.observe != nil {
		e.observe(e.time(e.now), request)
	}
	e.requests++
	if e.record != nil {
		e.record.moved(u, moved)
	}
	w := &e.layers[t.layer].Work
	w.Requests++
	w.BytesByClass[class] += moved
	if request.Write {
		w.WrittenBytes += moved
	} else {
		w.ReadBytes += moved
	}
	t.outstanding++
	c := &t.inFlight[len(t.inFlight)-1]
	c.outstanding++
	t.ready = e.now + 1 // one request a cycle
	if issue.advance(bytes) && t.lastPart() {
		c.issued = true
		t.issuing = false
	}
	return true
}

// completed handles the completion of a request.
func (e *engine) completed(done *memsim.Completion) {
	u := isa.Unit(done.ID >> unitShift)
	t := &e.units[u].transfer
	t.outstanding--
	of := &t.inFlight[done.ID&commandMask-t.first]
	of.outstanding--
	w := &e.layers[of.layer].Work
	w.RowActivates += int64(done.Activates)
	if u == isa.StoreDMA {
		w.WriteBursts += int64(done.Bursts)
	} else {
		w.ReadBursts += int64(done.Bursts)
	}
	e.overTime.add(e.now, isa.TensorClass(done.ID>>classShift&classMask), u == isa.StoreDMA, int64(done.ID>>movedShift&movedMask), done)
	if of.decoding.Cycles > 0 {
		if of.arriving < 0 {
			of.arriving = max(e.now, t.decoders)
		}
		// The units keep pace with what arrives, or fall behind.
		finish := max(e.now, of.arriving+of.decoding.Cycles)
		t.decoders = max(t.decoders, finish)
		of.usable = finish + of.decoding.Latency
	}
	e.retire(u)
	if t.issuing {
		e.wake[u] = min(e.wake[u], max(e.now, t.ready))
		return
	}
}

// part is one of the streams of encoded weights: codes, corrections, mask or
// scales. They are fetched side by side, each in proportion to its size, so that
// decoding keeps pace.
type part struct {
	class  isa.TensorClass
	bytes  int64
	cursor runCursor
	done   bool
}

// split sets up the parts of an encoded tile at an address.
func (t *transferQueue) split(d *isa.EncodedWeights, base uint64) {
	for _, p := range [...]struct {
		class isa.TensorClass
		bytes uint32
	}{{isa.WeightClass, d.CodeBytes}, {isa.CorrectionClass, d.CorrectionBytes}, {isa.MaskClass, d.MaskBytes}, {isa.MetadataClass, d.ScaleBytes}} {
		if p.bytes == 0 {
			continue
		}
		t.parts = append(t.parts, part{class: p.class, bytes: int64(p.bytes), cursor: newRunCursor(&isa.Transfer{Bits: 8, Group: 1, Run: p.bytes, Rows: 1, Blocks: 1}, base)})
		base += uint64(p.bytes)
	}
}

// nextPart is the one of which the smallest share has been asked for.
func (t *transferQueue) nextPart() *part {
	var next *part
	for i := range t.parts {
		p := &t.parts[i]
		if p.cursor.offset < p.bytes && !p.done && (next == nil || p.cursor.offset*next.bytes < next.cursor.offset*p.bytes) {
			next = p
		}
	}
	return next
}

// lastPart notes the parts that have ended and tells whether all have; a plain
// transfer has none.
func (t *transferQueue) lastPart() bool {
	all := true
	for i := range t.parts {
		p := &t.parts[i]
		p.done = p.cursor.block == p.cursor.blocks
		all = all && p.done
	}
	return all
}

// retire takes the transfers off that are complete, in order, and gives their
// signals. Encoded weights are complete when they are decoded; the units take
// the tiles in turn.
func (e *engine) retire(u isa.Unit) {
	t := &e.units[u].transfer
	for len(t.inFlight) > 0 && t.inFlight[0].issued && t.inFlight[0].outstanding == 0 {
		c := &t.inFlight[0]
		if c.usable > e.now {
			e.wake[u] = min(e.wake[u], c.usable)
			return
		}
		e.layers[c.layer].End = max(e.layers[c.layer].End, e.now)
		if e.record != nil {
			e.record.complete(u, e.now)
		}
		for _, s := range c.signals {
			e.signal(s)
		}
		t.inFlight = t.inFlight[1:]
		t.first++
	}
	if len(t.inFlight) == 0 && !t.issuing {
		e.rest(u)
	}
}

// settle notes that a DMA unit cannot go on; while data is in flight it still
// counts as busy.
func (e *engine) settle(u isa.Unit, cause Cause) {
	q := &e.units[u]
	if len(q.transfer.inFlight) > 0 {
		return
	}
	e.account(u, e.now, cause)
	e.stopActivity(u)
}

// rest notes that the last data in flight has arrived.
func (e *engine) rest(u isa.Unit) {
	q := &e.units[u]
	cause := Finished
	if q.pending {
		cause = e.waitCause(u, q.next.Instruction.Count)
	} else if !q.done {
		return // the queue goes on this cycle
	}
	e.account(u, e.now, cause)
	e.stopActivity(u)
}

// startActivity and stopActivity bound the intervals of the timeline in which
// a DMA unit moves data.
func (e *engine) startActivity(u isa.Unit) {
	if t := &e.units[u].transfer; t.active == 0 {
		t.active = e.now + 1 // stored plus one: zero is idle
	}
}

func (e *engine) stopActivity(u isa.Unit) {
	t := &e.units[u].transfer
	if t.active > 0 {
		e.busy(u, Interval{Start: t.active - 1, End: e.now, Layer: int32(t.layer)})
		t.active = 0
	}
}
