package timing

import (
	"slices"

	"github.com/npusim/npusim/isa"
	"github.com/npusim/npusim/npu/cost"
	"github.com/npusim/npusim/npu/recording"
)

// recorder tells a recording what the engine does. The engine pays for it only
// where there is one.
type recorder struct {
	*recording.Builder
	program    *isa.Program
	track, pad recorderNumbers
	address    [isa.NumSpaces]int64 // bytes that an address of a space stands for
	waitsFor   [isa.NumUnits]uint32 // semaphore of the wait that a unit is in
	onTheWay   [isa.NumUnits][]recordedTransfer
	ended      [isa.NumUnits]int64 // cycle at which the latest transfer was complete
	accesses   []isa.Access        // reused
}

// recorderNumbers are the numbers of units or spaces in the recording.
type recorderNumbers [max(isa.NumUnits, isa.NumSpaces)]int

// recordedTransfer is a transfer whose data is on the way.
type recordedTransfer struct {
	span   recording.Span
	access isa.Access // of the scratchpad
}

// sums is the class of what lies in the accumulator buffer.
const sums = "sums"

// newRecorder is the recorder of a program; the table buffer is addressed by
// tables, of so many bytes each.
func newRecorder(p *isa.Program, tableBytes int64) *recorder {
	r := &recorder{Builder: &recording.Builder{}, program: p}
	next := 0
	for u := isa.Unit(1); int(u) < isa.NumUnits; u++ {
		r.track[u] = next
		next++
		r.AddTrack(u.String())
	}
	for i := range p.Semaphores {
		s := &p.Semaphores[i]
		r.AddSemaphore(r.track[s.Signaller], r.track[s.Waiter], s.Initial)
	}
	next = 0
	for space := isa.ActivationBuffer; int(space) < isa.NumSpaces; space++ {
		r.pad[space] = next
		next++
		r.address[space] = 1
		if space == isa.TableBuffer {
			r.address[space] = tableBytes
		}
		r.AddScratchpad(space.String(), int64(p.Buffers[space])*r.address[space])
	}
	return r
}

// account hears that a stretch of a unit has ended. Operations are told
// otherwise.
func (r *recorder) account(u isa.Unit, state Cause, since, until int64) {
	length := until - since
	span := recording.Span{Kind: recording.Wait, Start: since, End: until, Begun: since, Layer: -1}
	switch state {
	case DRAM:
		span.Cycles.DRAM = length
	case Semaphore:
		span.Cycles.Semaphore = length
	default:
		return
	}
	span.Semaphore = int(r.waitsFor[u])
	span.For = r.program.Semaphores[span.Semaphore].Signaller.String()
	r.Add(r.track[u], span)
}

// span of an instruction that begins at a cycle.
func (r *recorder) span(in *isa.Dynamic, d isa.Descriptor, now int64) recording.Span {
	return recording.Span{Kind: recording.Operation, Start: now, Begun: now, Layer: d.LayerIndex(),
		Opcode: isa.Instructions[in.Instruction.Op].Name, Descriptor: int(in.Instruction.Descriptor)}
}

// operation hears of an operation of a computing unit, whose end is known.
func (r *recorder) operation(u isa.Unit, in *isa.Dynamic, d isa.Descriptor, o *cost.Operation, now int64) {
	span := r.span(in, d, now)
	span.End = now + o.Cycles
	span.MACs = o.MACs
	span.Ports = recording.Ports{ActivationRead: o.ActivationRead, ActivationWritten: o.ActivationWritten, WeightRead: o.WeightRead}
	span.Cycles = recording.Cycles{Busy: o.Compute, Fill: o.Fill, Drain: o.Drain, Bank: o.Bank}
	r.Begin(r.track[u], 0)
	r.Add(r.track[u], span)
	r.accesses = isa.Accesses(r.accesses[:0], in, d)
	for _, write := range []bool{false, true} { // what is overwritten has been read
		for i := range r.accesses {
			a := &r.accesses[i]
			if a.Space.IsDRAM() || a.Write != write {
				continue
			}
			class := isa.ActivationClass.String()
			if a.Space == isa.AccumulatorBuffer {
				if class = sums; updates(r.accesses, a) {
					continue
				}
			}
			r.touch(a, func(pad int, low, high int64) {
				if write {
					r.Write(pad, low, high, now, span.End, span.Layer, class)
				} else {
					r.Read(pad, low, high, span.End)
				}
			})
		}
	}
}

// updates tells whether a write adds to sums that the same operation reads.
func updates(list []isa.Access, write *isa.Access) bool {
	return slices.ContainsFunc(list, func(a isa.Access) bool { return !a.Write && a.Space == write.Space && a.Set == write.Set })
}

// mostPieces bounds the intervals of an access; of more, what encloses them
// counts.
const mostPieces = 256

// touch visits the intervals of an access, in bytes.
func (r *recorder) touch(a *isa.Access, visit func(pad int, low, high int64)) {
	pad, size := r.pad[a.Space], r.address[a.Space]
	if a.Set.Count > mostPieces {
		visit(pad, int64(a.Set.Base)*size, int64(a.Set.End())*size)
		return
	}
	for i := range a.Set.Count {
		low := int64(a.Set.Base) + int64(i)*int64(a.Set.Stride)
		visit(pad, low*size, (low+int64(a.Set.Length))*size)
	}
}

// begin hears that a transfer begins, of so many bytes in a scratchpad.
func (r *recorder) begin(u isa.Unit, in *isa.Dynamic, d isa.Descriptor, class isa.TensorClass, bytes, now int64) {
	t := recordedTransfer{span: r.span(in, d, now)}
	t.span.Class = class.String()
	r.accesses = isa.Accesses(r.accesses[:0], in, d)
	for i := range r.accesses {
		if a := &r.accesses[i]; !a.Space.IsDRAM() {
			t.access = *a
		}
	}
	ports := &t.span.Ports
	switch {
	case !t.access.Write:
		ports.ActivationRead = bytes
	case t.access.Space == isa.ActivationBuffer:
		ports.ActivationWritten = bytes
	default:
		ports.WeightWritten = bytes
	}
	r.Begin(r.track[u], len(r.onTheWay[u]))
	r.onTheWay[u] = append(r.onTheWay[u], t)
	if t.access.Write {
		r.touch(&t.access, func(pad int, low, high int64) { r.Write(pad, low, high, now, now, t.span.Layer, t.span.Class) })
	}
}

// moved hears of a request of the latest transfer.
func (r *recorder) moved(u isa.Unit, bytes int64) {
	list := r.onTheWay[u]
	list[len(list)-1].span.Bytes += bytes
}

// complete hears that the oldest transfer is complete.
func (r *recorder) complete(u isa.Unit, now int64) {
	t := r.onTheWay[u][0]
	r.onTheWay[u] = r.onTheWay[u][1:]
	t.span.Start, t.span.End = max(t.span.Begun, r.ended[u]), now
	t.span.Cycles.Busy = t.span.Length()
	r.ended[u] = now
	r.Add(r.track[u], t.span)
	r.touch(&t.access, func(pad int, low, high int64) {
		if t.access.Write {
			r.Written(pad, low, high, now)
		} else {
			r.Read(pad, low, high, now)
		}
	})
}
