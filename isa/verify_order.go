package isa

// Bounds of the ordering proof, far above what compiled programs need. They
// keep the time and memory of verifying a hostile program finite.
const (
	maxPendingCredits = 1 << 20 // vector clocks waiting at one semaphore
	maxLiveAccesses   = 1 << 21
	maxAccessCompares = 1 << 28
	maxRepeats        = 1 << 12 // faults of pairs of instructions that are reported already
	firstPruneAt      = 1 << 10
	readers, writers  = 0, 1 // halves of a history
)

// vectorClock counts, for each queue, how many of its memory instructions are
// known to be complete.
type vectorClock [NumUnits]uint32

func (c *vectorClock) join(other *vectorClock) {
	for u := range c {
		c[u] = max(c[u], other[u])
	}
}

// queue is the state of one unit in the untimed execution.
type queue struct {
	unit    Unit
	cursor  Cursor
	current Dynamic
	held    bool // current is a wait that found no credit
	done    bool
	clock   vectorClock
}

// credits is the state of a semaphore: those from before the start, which
// order nothing, then one vector clock for each pending signal.
type credits struct {
	initial uint32
	pending []vectorClock
	head    int
}

// liveAccess is an access that some queue may not know to be complete.
type liveAccess struct {
	set   StridedSet
	time  uint32 // in the clock of its queue
	index int32  // static instruction
}

// history holds the live accesses of one queue to one space in time order,
// reads and writes apart.
type history [2][]liveAccess

type pair struct {
	unit, other   Unit
	index, second int32
}

// ordering executes all queues without time. Because each semaphore has one
// signaller and one waiter, which credit a wait takes, and therefore the
// outcome, does not depend on the order in which queues are tried.
type ordering struct {
	*verifier
	queues    [NumUnits]queue
	credits   []credits
	histories [NumUnits][NumSpaces]history
	pruneAt   [NumUnits][NumSpaces][2]int
	uses      [NumUnits][NumSpaces][2]bool // whether any instruction of a unit reads or writes a space
	built     []uint8                      // bits of a key of each table that has been built, 0 before
	live      int
	compares  int64
	reported  map[pair]bool // looked up, never walked
	repeats   int
	stopped   bool
}

func (v *verifier) order() {
	o := &ordering{verifier: v, credits: make([]credits, len(v.p.Semaphores)), reported: map[pair]bool{}}
	for i := range o.credits {
		o.credits[i].initial = v.p.Semaphores[i].Initial
	}
	for u := range o.queues {
		q := &o.queues[u]
		q.unit, q.done = Unit(u), v.streams[u] == nil
		if q.done {
			continue
		}
		q.cursor = v.streams[u].Cursor()
		for i := range v.touched[u] {
			for k := range v.touched[u][i] {
				a := &v.touched[u][i][k]
				o.uses[u][a.Space][half(a.Write)] = true
			}
		}
		for s := range o.pruneAt[u] {
			o.pruneAt[u][s] = [2]int{firstPruneAt, firstPruneAt}
		}
	}
	for progress := true; progress && !o.stopped; {
		progress = false
		for u := range o.queues {
			if o.run(&o.queues[u]) {
				progress = true
			}
		}
	}
	if !o.stopped {
		o.finish()
	}
}

func half(write bool) int {
	if write {
		return writers
	}
	return readers
}

// run executes a queue until it halts or finds no credit and tells whether it
// got anywhere.
func (o *ordering) run(q *queue) (progress bool) {
	for !q.done && !o.stopped {
		if !q.held && !q.cursor.Next(&q.current) {
			q.done = true
			return true
		}
		in := q.current.Instruction
		switch in.Op {
		case Wait:
			if q.held = !o.take(&o.credits[in.Count], q); q.held {
				return progress
			}
		case Signal:
			c := &o.credits[in.Count]
			if len(c.pending)-c.head >= maxPendingCredits {
				o.fail(q.unit, q.current.Index, "more than %d credits of s%d wait to be taken", maxPendingCredits, in.Count)
				o.stopped = true
				return true
			}
			c.pending = append(c.pending, q.clock)
		default:
			o.access(q)
		}
		progress = true
	}
	return progress
}

// take gives a queue the next credit of a semaphore with what it tells.
func (o *ordering) take(c *credits, q *queue) bool {
	switch {
	case c.initial > 0:
		c.initial--
		return true
	case c.head == len(c.pending):
		return false
	}
	q.clock.join(&c.pending[c.head])
	if c.head++; c.head == len(c.pending) {
		c.pending, c.head = c.pending[:0], 0
	} else if c.head >= firstPruneAt && 2*c.head > len(c.pending) {
		c.pending, c.head = append(c.pending[:0], c.pending[c.head:]...), 0
	}
	return true
}

// access checks what the current instruction of a queue touches.
func (o *ordering) access(q *queue) {
	q.clock[q.unit]++
	touched := o.touched[q.unit][q.current.Index]
	for k := range touched {
		a := &touched[k]
		set := o.placed(q, a)
		capacity := o.capacity(a.Space)
		if set.Base > capacity || set.End() > capacity || set.End() < set.Base {
			o.report(q, int32(q.current.Index), q.unit, "%s operand %s touches %ss %#x to %#x of %s, which has %#x",
				q.current.Instruction.Op, operandName(q.current.Instruction, a.Operand), addressed(a.Space), set.Base, set.End(), a.Space, capacity)
			continue
		}
		if peak := o.p.Buffers[a.Space]; peak != 0 && set.End() > peak {
			o.report(q, int32(q.current.Index), q.unit, "%s operand %s touches %s up to %s %#x, beyond the stated peak of %#x",
				q.current.Instruction.Op, operandName(q.current.Instruction, a.Operand), a.Space, addressed(a.Space), set.End(), peak)
			continue
		}
		if a.Write {
			o.checkInPlace(q, a, &set)
		}
		if a.Space == TableBuffer {
			o.tables(q, a, &set)
		}
		o.compare(q, a, &set)
		o.record(q, a, &set)
		if o.stopped {
			return
		}
	}
}

// placed is what an operand touches now.
func (o *ordering) placed(q *queue, a *Access) StridedSet {
	set := a.Set
	set.Base += q.current.Offsets[a.Operand]
	return set
}

func operandName(in *Instruction, k int) string { return Instructions[in.Op].Operands[k].Name }

// checkInPlace refuses an instruction whose result overlaps what it reads,
// unless it works element by element in place.
func (o *ordering) checkInPlace(q *queue, write *Access, set *StridedSet) {
	in := q.current.Instruction
	touched := o.touched[q.unit][q.current.Index]
	for k := range touched {
		read := &touched[k]
		if read.Write || read.Space != write.Space || read.Operand == write.Operand {
			continue
		}
		other := o.placed(q, read)
		if !o.overlap(q, set, &other) {
			continue
		}
		if inPlace(in.Op, o.p.Descriptors[in.Descriptor], read.Operand) && q.current.Offsets[read.Operand] == q.current.Offsets[write.Operand] {
			continue
		}
		o.report(q, int32(q.current.Index), q.unit, "%s writes its %s over its %s",
			in.Op, operandName(in, write.Operand), operandName(in, read.Operand))
	}
}

// inPlace tells whether an instruction may write its output exactly over an
// operand: each element is read before it is written and never again.
func inPlace(op Opcode, d Descriptor, operand int) bool {
	switch t := d.(type) {
	case *BinaryTile:
		return operand == 0 && t.A == t.Output && !t.RepeatAChannels || operand == 1 && t.B == t.Output && !t.RepeatBChannels
	case *ElementwiseTile:
		return op == Table && operand == 0 && t.Input == t.Output
	}
	return false
}

// compare looks for accesses of other queues that this one neither knows to
// be complete nor may overlap.
func (o *ordering) compare(q *queue, a *Access, set *StridedSet) {
	for u := range o.histories {
		if Unit(u) == q.unit {
			continue
		}
		known := q.clock[u]
		for kind, list := range o.histories[u][a.Space] {
			if kind == readers && !a.Write {
				continue
			}
			for i := len(list) - 1; i >= 0 && list[i].time > known; i-- {
				overlap := o.overlap(q, set, &list[i].set)
				if o.stopped {
					return
				}
				if !overlap {
					continue
				}
				verb := [2]string{"reads", "writes"}
				o.report(q, list[i].index, Unit(u), "%s operand %s %s %ss %#x to %#x of %s, which %s instruction %d (%s) %s in no defined order",
					q.current.Instruction.Op, operandName(q.current.Instruction, a.Operand), verb[half(a.Write)], addressed(a.Space),
					set.Base, set.End(), a.Space, Unit(u), list[i].index, o.p.Code[u][list[i].index].Op, verb[kind])
				if o.stopped {
					return
				}
			}
		}
	}
}

// overlap compares two sets within the bound on work.
func (o *ordering) overlap(q *queue, s, t *StridedSet) bool {
	o.compares++
	apart := s.Base >= t.End() || t.Base >= s.End()
	if !apart {
		o.compares += int64(min(s.Count, t.Count))
	}
	if o.compares > maxAccessCompares {
		o.fail(q.unit, q.current.Index, "the order of accesses cannot be proven within %d comparisons: too much of the program is unsynchronized", maxAccessCompares)
		o.stopped = true
		return false
	}
	return !apart && s.Overlaps(t)
}

// record keeps an access for as long as some other queue may conflict with it.
func (o *ordering) record(q *queue, a *Access, set *StridedSet) {
	if !o.shared(q.unit, a) {
		return
	}
	kind := half(a.Write)
	list := append(o.histories[q.unit][a.Space][kind], liveAccess{*set, q.clock[q.unit], int32(q.current.Index)})
	o.live++
	if prune := &o.pruneAt[q.unit][a.Space][kind]; len(list) > *prune {
		known := o.knownToAll(q.unit, a)
		first := 0
		for first < len(list) && list[first].time <= known {
			first++
		}
		o.live -= first
		list = append(list[:0], list[first:]...)
		*prune = 2*len(list) + firstPruneAt
	}
	o.histories[q.unit][a.Space][kind] = list
	if o.live > maxLiveAccesses {
		o.fail(q.unit, q.current.Index, "more than %d accesses are in flight without synchronization", maxLiveAccesses)
		o.stopped = true
	}
}

// shared tells whether another unit has any instruction that could conflict
// with an access.
func (o *ordering) shared(unit Unit, a *Access) bool {
	for u := range o.uses {
		if Unit(u) != unit && (o.uses[u][a.Space][writers] || a.Write && o.uses[u][a.Space][readers]) {
			return true
		}
	}
	return false
}

// knownToAll is the time up to which every queue that could still conflict
// knows the accesses of a unit.
func (o *ordering) knownToAll(unit Unit, a *Access) uint32 {
	known := ^uint32(0)
	for u := range o.queues {
		q := &o.queues[u]
		if q.unit != unit && !q.done && (o.uses[u][a.Space][writers] || a.Write && o.uses[u][a.Space][readers]) {
			known = min(known, q.clock[unit])
		}
	}
	return known
}

// report adds a fault of the current instruction of q, once for each pair of
// static instructions, and stops when the list is full.
func (o *ordering) report(q *queue, second int32, other Unit, format string, arguments ...any) {
	key := pair{q.unit, other, int32(q.current.Index), second}
	if o.reported[key] {
		o.repeats++
		o.stopped = o.repeats > maxRepeats
		return
	}
	o.reported[key] = true
	o.fail(q.unit, q.current.Index, format, arguments...)
	o.stopped = o.stopped || o.more
}

// finish checks that all queues halted and left the semaphores as they were.
func (o *ordering) finish() {
	deadlock := false
	for u := range o.queues {
		q := &o.queues[u]
		if q.done {
			continue
		}
		deadlock = true
		n := q.current.Instruction.Count
		o.fail(q.unit, q.current.Index, "deadlock: waits for ever on s%d, signalled by %s", n, o.p.Semaphores[n].Signaller)
	}
	if deadlock {
		return
	}
	for i := range o.credits {
		c := &o.credits[i]
		left := uint64(c.initial) + uint64(len(c.pending)-c.head)
		if initial := uint64(o.p.Semaphores[i].Initial); left != initial {
			o.failTable("s%d (%s to %s) ends with %d credits, must end with the initial %d",
				i, o.p.Semaphores[i].Signaller, o.p.Semaphores[i].Waiter, left, initial)
		}
	}
}
