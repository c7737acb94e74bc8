package dram

import "math/bits"

// bankQueues moves one request per clock from the read buffer, or while writes
// drain from the write buffer, to the command queue of its bank. The queues
// are served round robin, one command per clock (HBM: a second one of the
// other bus), each giving the command of its first request that can go. A row
// is closed for the first request of a queue only, when the queue holds no hit
// or RowHitCap hits were served. A rank that is due for refresh is closed and
// refreshed as soon as possible; its queues wait meanwhile.
type bankQueues struct {
	engine
	pool          pool
	queues        bankLists
	full          []uint64   // banks whose queue is full, a bit each
	reads, writes bankLists  // buffered
	readAt        burstTable // reads that have not issued
	writeAt       burstTable // writes that have not issued
	turn          int32      // bank whose queue was looked at last
	draining      int        // writes still to move
	dual          bool

	// A bank is awake if its queue may give a command now; bankDue is when one
	// may that is not, and due when the first of them may.
	awake   []uint64 // a bit each
	bankDue []Clock
	due     Clock
}

func newBankQueues(s *Standard, c *Controller) *bankQueues {
	q := &bankQueues{
		engine: newEngine(s, c), pool: newPool(c.ReadEntries + c.WriteEntries),
		readAt: newBurstTable(64), writeAt: newBurstTable(64), dual: s.CommandBus.Dual,
	}
	q.queues, q.reads, q.writes = newBankLists(&q.pool, int(q.banks)), newBankLists(&q.pool, int(q.banks)), newBankLists(&q.pool, int(q.banks))
	words := len(q.queues.occupied)
	q.full, q.awake = make([]uint64, words), make([]uint64, words)
	q.bankDue, q.due = make([]Clock, q.banks), forever
	q.refresh.groups = true
	q.refresh.next--
	return q
}

func (q *bankQueues) accepts(_ *Address, _ uint64, write bool) bool { return q.room(write) }

func (q *bankQueues) room(write bool) bool {
	if write {
		return q.writes.size < q.config.WriteEntries
	}
	return q.reads.size < q.config.ReadEntries
}

func (q *bankQueues) offer(now Clock, a *Address, burst, id uint64, write bool) bool {
	if !q.room(write) {
		return false
	}
	buffered := q.writeAt.get(burst)
	switch {
	case buffered != none && write:
		q.mergeWrite(&q.pool, buffered, id)
		return true
	case buffered != none:
		q.forwardRead(now, id)
		return true
	}
	q.next = now
	i := q.pool.take()
	r := &q.pool.requests[i]
	q.sequence++
	*r = pending{id: id, burst: burst, sequence: q.sequence, arrival: now, address: *a, bank: q.bankOf(a), write: write, next: none, merged: none}
	if write {
		q.stats.Writes++
		q.writeAt.put(burst, i)
		q.writes.push(i, false)
		return true
	}
	q.stats.Reads++
	q.readsOpen++
	if first := q.readAt.get(burst); first != none {
		q.stats.MergedReads++
		r.merged, q.pool.requests[first].merged = q.pool.requests[first].merged, i
		return true
	}
	q.readAt.put(burst, i)
	q.reads.push(i, false)
	return true
}

func (q *bankQueues) step(now Clock) {
	q.wake = forever
	if q.refresh.next <= now {
		q.refresh.due(now)
	}
	q.note(q.refresh.next)
	var order *refreshOrder
	if len(q.refresh.waiting) > 0 {
		order = &q.refresh.waiting[0]
	}
	cmd := InvalidCommand
	if order != nil {
		if cmd = q.advanceRefresh(order, now); cmd == order.command {
			q.refresh.finish()
			order = nil
		}
	}
	if cmd == InvalidCommand {
		cmd = q.serveQueues(now, order, InvalidCommand)
	}
	issued := cmd != InvalidCommand
	if issued && q.dual {
		q.serveQueues(now, order, cmd)
	}
	if q.schedule() || issued {
		q.wake = now + 1
	}
	q.next = q.wake
}

// advanceRefresh issues a refresh or a precharge that it needs.
func (q *bankQueues) advanceRefresh(order *refreshOrder, now Clock) Command {
	a := order.address
	first, last := order.bank, order.bank+1
	if order.command == RefreshAllBank {
		first = a.Rank * q.banksPerRank
		last = first + q.banksPerRank
	}
	closed := true
	for bank := first; bank < last; bank++ {
		if q.openRow[bank] < 0 {
			continue
		}
		closed = false
		at := q.addressOf(bank)
		if q.ready(boundPrecharge, bank, &at, now) {
			q.issue(Precharge, &at, bank, now)
			q.queues.rowClosed(bank)
			q.changed(bank)
			return Precharge
		}
	}
	if !closed {
		return InvalidCommand
	}
	if t := q.device.Earliest(order.command, &a); t > now {
		q.note(t)
		return InvalidCommand
	}
	q.issue(order.command, &a, order.bank, now)
	return order.command
}

// changed says that a queue or its bank may give another command than before.
func (q *bankQueues) changed(bank int32) { q.awake[bank>>6] |= 1 << (bank & 63) }

// waits says whether a bank's queue stands still for a refresh.
func (q *bankQueues) waits(bank int32, order *refreshOrder) bool {
	if order == nil {
		return false
	}
	if order.command == RefreshAllBank {
		return bank/q.banksPerRank == order.address.Rank
	}
	return bank == order.bank
}

// serveQueues finds the next queue in turn with a command that can go, and
// issues it. With two command buses and a first command, the second one found
// is issued only if it is for the other bus.
func (q *bankQueues) serveQueues(now Clock, order *refreshOrder, first Command) Command {
	if q.queues.size == 0 {
		return InvalidCommand
	}
	if q.due <= now {
		q.wakeBanks(now)
	}
	start := q.turn + 1
	if start == q.banks {
		start = 0
	}
	// Two passes over the occupied banks: from start up, then those below it.
	for pass := range 2 {
		for w, word := range q.awake {
			if word &= q.queues.occupied[w]; word == 0 {
				continue
			}
			below := q.below(w, start)
			if pass == 0 {
				word &^= below
			} else {
				word &= below
			}
			for ; word != 0; word &= word - 1 {
				bank := int32(w<<6 + bits.TrailingZeros64(word))
				if q.waits(bank, order) {
					continue
				}
				i, cmd, due := q.firstReady(bank, now)
				if i == none {
					q.bankDue[bank] = due
					q.due = min(q.due, due)
					q.awake[w] &^= 1 << (bank & 63)
					continue
				}
				q.turn = bank
				if first != InvalidCommand && cmd.IsColumn() == first.IsColumn() {
					return InvalidCommand
				}
				q.serve(i, cmd, now)
				q.changed(bank)
				return cmd
			}
		}
	}
	q.note(q.due)
	return InvalidCommand
}

// wakeBanks finds the banks that are due, without branches that depend on them:
// they would be guessed wrong.
func (q *bankQueues) wakeBanks(now Clock) {
	soonest := forever
	for w, awake := range q.awake {
		for word := q.queues.occupied[w] &^ awake; word != 0; word &= word - 1 {
			bank := w<<6 + bits.TrailingZeros64(word)
			due := q.bankDue[bank]
			late := uint64(now-due) >> 63
			awake |= (1 - late) << (bank & 63)
			soonest = min(soonest, due|forever*Clock(1-late))
		}
		q.awake[w] = awake
	}
	q.due = soonest
}

// below is the mask of the banks of a word that are less than a bank.
func (q *bankQueues) below(word int, bank int32) uint64 {
	k := int(bank) - word<<6
	if k <= 0 {
		return 0
	}
	if k >= 64 {
		return ^uint64(0)
	}
	return 1<<k - 1
}

// firstReady finds the first request of a queue whose next command can go, or
// else a clock before which none can.
func (q *bankQueues) firstReady(bank int32, now Clock) (int32, Command, Clock) {
	head := q.queues.head[bank]
	requests := q.pool.requests
	open := q.openRow[bank]
	if open < 0 {
		due := q.device.Earliest(Activate, &requests[head].address)
		if due <= now {
			return head, Activate, due
		}
		return none, InvalidCommand, due
	}
	soonest := forever
	if requests[head].address.Row != open {
		if q.queues.hits[bank] == 0 || q.config.RowHitCap > 0 && q.rowUses[bank] >= int32(q.config.RowHitCap) {
			soonest = q.device.Earliest(Precharge, &requests[head].address)
			if soonest <= now {
				return head, Precharge, soonest
			}
		}
	}
	if q.queues.hits[bank] == 0 {
		return none, InvalidCommand, soonest
	}
	var asked [2]bool // reads, writes: found not ready
	for i := head; i != none; i = requests[i].next {
		r := &requests[i]
		if r.address.Row != open {
			continue
		}
		cmd, which := Read, 0
		if r.write {
			cmd, which = Write, 1
		}
		if asked[which] {
			continue
		}
		if due := q.device.Earliest(cmd, &r.address); due > now {
			soonest = min(soonest, due)
			asked[which] = true
			if asked[1-which] {
				break
			}
			continue
		}
		if r.write && q.readBefore(i) {
			continue
		}
		return i, cmd, now
	}
	return none, InvalidCommand, soonest
}

// readBefore says whether a read of the same burst stands before a write.
func (q *bankQueues) readBefore(i int32) bool {
	write := &q.pool.requests[i]
	for j := write.previous; j != none; j = q.pool.requests[j].previous {
		if r := &q.pool.requests[j]; !r.write && r.burst == write.burst {
			return true
		}
	}
	return false
}

// serve issues a command of a queue.
func (q *bankQueues) serve(i int32, cmd Command, now Clock) {
	r := &q.pool.requests[i]
	bank := r.bank
	switch cmd {
	case Activate:
		q.issue(Activate, &r.address, bank, now)
		r.activates++
		q.queues.recount(bank, r.address.Row)
		return
	case Precharge:
		q.issue(Precharge, &r.address, bank, now)
		q.queues.rowClosed(bank)
		return
	}
	if q.rowUses[bank] > 0 {
		q.stats.RowHits++
	} else {
		q.stats.RowMisses++
	}
	if q.config.RowPolicy == ClosedRow {
		cmd += ReadAutoPrecharge - Read
	}
	q.issue(cmd, &r.address, bank, now)
	q.queues.remove(i, true)
	if q.config.RowPolicy == ClosedRow {
		q.queues.rowClosed(bank)
	}
	q.full[bank>>6] &^= 1 << (bank & 63)
	if r.write {
		q.writeAt.remove(r.burst)
		q.completeWrite(&q.pool, i, now)
		return
	}
	q.readAt.remove(r.burst)
	for bursts := int32(1); i != none; bursts = 0 {
		r := &q.pool.requests[i]
		q.completeRead(r.id, r.arrival, now+q.readLatency, r.activates, bursts)
		next := r.merged
		q.pool.release(i)
		i = next
	}
}

// schedule moves one request to its command queue.
func (q *bankQueues) schedule() bool {
	if q.draining == 0 && (q.writes.size >= q.config.WriteEntries || q.writes.size > q.config.IdleWrites && q.queues.size == 0) {
		q.draining = q.writes.size
	}
	if q.draining > 0 {
		return q.move(&q.writes)
	}
	return q.move(&q.reads)
}

// move takes the oldest request of a buffer whose command queue has room.
func (q *bankQueues) move(l *bankLists) bool {
	oldest, sequence := none, uint64(1)<<63
	for w, occupied := range l.occupied {
		for word := occupied &^ q.full[w]; word != 0; word &= word - 1 {
			i := l.head[w<<6+bits.TrailingZeros64(word)]
			if s := q.pool.requests[i].sequence; s < sequence {
				oldest, sequence = i, s
			}
		}
	}
	if oldest == none {
		return false
	}
	r := &q.pool.requests[oldest]
	if r.write {
		if read := q.readAt.get(r.burst); read != none {
			// The read of the same burst goes first. DRAMsim3 does not
			// come back to the reads if it is still buffered: it hangs.
			q.draining = 0
			return q.pool.requests[read].active || q.move(&q.reads)
		}
		q.draining--
	}
	l.remove(oldest, false)
	r.active = true
	q.queues.push(oldest, q.openRow[r.bank] == r.address.Row)
	q.changed(r.bank)
	if q.queues.count[r.bank] >= int32(q.config.BankEntries) {
		q.full[r.bank>>6] |= 1 << (r.bank & 63)
	}
	return true
}
