package dram

// firstReady is FR-FCFS over a read and a write buffer, one of which is
// served at a time. Of the buffer's requests the oldest goes first among those
// whose next command (activate, precharge, read or write) can issue now. A
// request that has opened its row moves to the active list, which comes before
// everything, so that no row is opened in vain; a bank is not closed while it
// has an active request. Refreshes that are due come next; while one waits,
// only active requests go on.
type firstReady struct {
	engine
	pool          pool
	reads, writes bankLists
	readChoices   choices
	writeChoices  choices
	look          outlook
	rankBanks     [][]bankWord
	groupShift    uint    // of a bank's number
	active        []int32 // in the order in which rows were opened
	activeInBank  []int32
	activeDue     Clock // a clock before which no active request can issue
	activeInRank  []int32
	writeMode     bool
	high, low     float64 // requests in the write buffer
	lastUse       []Clock // of the row of a bank, for TimeoutRow

	dual bool // row and column commands have a bus each
	// eager steps at every clock after an offer or a command. Else the next
	// step is when something can issue or the buffer to serve changes.
	eager bool

	// Two-command activates: banks whose second command has not gone yet.
	split   bool
	opening []openingRow
	// The data clock (DataClockTail).
	dataClockUntil Clock
	synchronized   int32 // request that goes next, after the synchronizing command
}

// openingRow is a bank between the two commands that open its row.
type openingRow struct {
	request  int32
	deadline Clock
}

func newFirstReady(s *Standard, c *Controller) *firstReady {
	f := &firstReady{
		engine: newEngine(s, c), pool: newPool(c.ReadEntries + c.WriteEntries),
		high: c.WriteHigh * float64(c.WriteEntries), low: c.WriteLow * float64(c.WriteEntries),
		dual: s.CommandBus.Dual, split: s.CommandBus.ActivateCommands == 2, synchronized: none,
	}
	f.reads, f.writes = newBankLists(&f.pool, int(f.banks)), newBankLists(&f.pool, int(f.banks))
	for r := range int(s.Organization.Ranks) {
		f.rankBanks = append(f.rankBanks, wordsOf(r*int(f.banksPerRank), (r+1)*int(f.banksPerRank)))
	}
	f.groupShift = uint(log2(s.Organization.BanksPerGroup))
	f.reads.column, f.writes.column = Read, Write
	f.readChoices, f.writeChoices = newChoices(int(f.banks)), newChoices(int(f.banks))
	f.activeInBank = make([]int32, f.banks)
	f.activeInRank = make([]int32, s.Organization.Ranks)
	f.lastUse = make([]Clock, f.banks)
	f.refresh.next-- // at the end of the interval's last clock
	f.eager = f.dual || f.split || c.DataClockTail > 0 || c.RowPolicy == TimeoutRow
	return f
}

func (f *firstReady) accepts(a *Address, burst uint64, write bool) bool {
	if f.room(write) {
		return true
	}
	if f.writes.size == 0 {
		return false
	}
	bank := f.bankOf(a)
	return f.writes.count[bank] > 0 && f.writes.find(bank, burst) != none
}

func (f *firstReady) room(write bool) bool {
	if write {
		return f.writes.size < f.config.WriteEntries
	}
	return f.reads.size < f.config.ReadEntries
}

func (f *firstReady) offer(now Clock, a *Address, burst, id uint64, write bool) bool {
	bank := f.bankOf(a)
	buffered := none
	if f.writes.count[bank] > 0 {
		buffered = f.writes.find(bank, burst)
	}
	switch {
	case buffered != none && write:
		f.mergeWrite(&f.pool, buffered, id)
		return true
	case buffered != none:
		f.forwardRead(now, id)
		return true
	case !f.room(write):
		return false
	}
	i := f.pool.take()
	f.sequence++
	f.pool.requests[i] = pending{id: id, burst: burst, sequence: f.sequence, arrival: now, address: *a, bank: bank, write: write, merged: none}
	l, c := &f.reads, &f.readChoices
	if write {
		f.stats.Writes++
		l, c = &f.writes, &f.writeChoices
	} else {
		f.stats.Reads++
		f.readsOpen++
	}
	l.push(i, f.openRow[bank] == a.Row)
	f.choose(l, c, bank)
	switch {
	case f.eager:
		f.next = now
	case len(f.refresh.waiting) > 0:
	case f.changesBuffer():
		f.next = now
	case write == f.writeMode:
		f.next = min(f.next, max(c.dueOf(bank), now))
	}
	return true
}

func (f *firstReady) step(now Clock) {
	f.wake = forever
	if f.refresh.next <= now {
		f.refresh.due(now)
	}
	f.note(f.refresh.next)
	if f.eager {
		if f.stepEager(now) {
			f.wake = now + 1
		}
	} else {
		f.pick(now, true, true)
		if len(f.refresh.waiting) == 0 && f.changesBuffer() {
			f.wake = now + 1
		}
	}
	f.next = max(f.wake, now+1)
}

// stepEager is a step of controllers that look at every clock after a command.
func (f *firstReady) stepEager(now Clock) bool {
	issued := false
	switch {
	case f.dual:
		issued = f.pick(now, true, false)
		if f.pick(now, false, true) {
			issued = true
		}
	case f.split || f.config.DataClockTail > 0:
		issued = f.stepSplit(now)
	default:
		issued = f.pick(now, true, true)
	}
	if !issued && f.config.RowPolicy == TimeoutRow && len(f.refresh.waiting) == 0 {
		issued = f.closeIdle(now)
	}
	return issued
}

// pick issues one command of the column bus, the row bus or either.
func (f *firstReady) pick(now Clock, column, row bool) bool {
	if column {
		if i := f.bestActive(now); i != none {
			f.access(i, now)
			if len(f.refresh.waiting) > 0 || f.look.choices == nil {
				f.wake = now + 1
			} else {
				f.lookAhead()
			}
			return true
		}
	}
	if len(f.refresh.waiting) > 0 {
		if row && f.advanceRefresh(now) {
			f.wake = now + 1
			return true
		}
		return false
	}
	i, cmd := f.best(now, column, row, row)
	if i == none {
		return false
	}
	f.serve(i, cmd, now)
	f.lookAhead()
	return true
}

// bestActive finds the active request that goes next.
func (f *firstReady) bestActive(now Clock) int32 {
	if f.activeDue > now {
		f.note(f.activeDue)
		return none
	}
	best, arrival, due := none, forever, forever
	for _, i := range f.active {
		r := &f.pool.requests[i]
		if r.arrival >= arrival {
			due = now // not looked at
			continue
		}
		kind := columnBound(r.write)
		at := f.bound[kind][r.bank]
		if at <= now {
			at = f.device.Earliest(boundCommand[kind], &r.address)
			f.bound[kind][r.bank] = at
		}
		if at <= now {
			best, arrival = i, r.arrival
		}
		due = min(due, at)
	}
	f.activeDue = due
	if best == none {
		f.note(due)
	}
	return best
}

func columnCommand(write bool) Command {
	if write {
		return Write
	}
	return Read
}

func columnBound(write bool) int {
	if write {
		return boundWrite
	}
	return boundRead
}

// advanceRefresh issues the refresh that waited longest, or the precharge
// that it needs.
func (f *firstReady) advanceRefresh(now Clock) bool {
	order := &f.refresh.waiting[0]
	a := &order.address
	cmd := order.command
	if cmd == RefreshAllBank {
		if f.device.OpenBanks(a.Rank) > 0 {
			if f.activeInRank[a.Rank] > 0 {
				return false // their steps come first and are noted
			}
			cmd = PrechargeAll
		}
	} else if f.openRow[order.bank] >= 0 {
		if f.activeInBank[order.bank] > 0 {
			return false
		}
		cmd = Precharge
	}
	if t := f.device.Earliest(cmd, a); t > now {
		f.note(t)
		return false
	}
	f.issue(cmd, a, order.bank, now)
	switch cmd {
	case PrechargeAll:
		for b := a.Rank * f.banksPerRank; b < (a.Rank+1)*f.banksPerRank; b++ {
			f.reads.rowClosed(b)
			f.writes.rowClosed(b)
			f.changed(b)
		}
	case Precharge:
		f.reads.rowClosed(order.bank)
		f.writes.rowClosed(order.bank)
		f.changed(order.bank)
	case RefreshPerBank:
		f.changed(order.bank)
		f.refresh.finish()
	default:
		f.refresh.finish()
	}
	return true
}

// changesBuffer says whether the other buffer is to be served from now on.
func (f *firstReady) changesBuffer() bool {
	if f.writeMode {
		return f.reads.size != 0 && (f.writes.size == 0 || float64(f.writes.size) < f.low)
	}
	return float64(f.writes.size) > f.high || f.reads.size == 0
}

// chooseBuffer decides between reads and writes.
func (f *firstReady) chooseBuffer() (*bankLists, *choices) {
	if f.changesBuffer() {
		f.writeMode = !f.writeMode
	}
	if f.writeMode {
		return &f.writes, &f.writeChoices
	}
	return &f.reads, &f.readChoices
}

// serve issues the next command of a buffered request.
func (f *firstReady) serve(i int32, cmd Command, now Clock) {
	r := &f.pool.requests[i]
	if !r.classified {
		r.classified = true
		switch cmd {
		case Precharge:
			f.stats.RowConflicts++
		case Activate:
			f.stats.RowMisses++
		default:
			f.stats.RowHits++
		}
	}
	l := &f.reads
	if r.write {
		l = &f.writes
	}
	switch cmd {
	case Precharge:
		f.issue(Precharge, &r.address, r.bank, now)
		f.reads.rowClosed(r.bank)
		f.writes.rowClosed(r.bank)
		f.changed(r.bank)
	case Activate:
		f.issue(Activate, &r.address, r.bank, now)
		r.activates++
		l.remove(i, false)
		if f.split {
			f.openRow[r.bank] = rowOpening
			f.changed(r.bank)
			f.opening = append(f.opening, openingRow{i, now + f.config.SecondActivateWithin})
			return
		}
		f.activate(i)
	default:
		l.remove(i, true)
		f.finishAccess(i, now)
	}
}

// activate puts a request whose row is open now on the active list.
func (f *firstReady) activate(i int32) {
	r := &f.pool.requests[i]
	f.reads.recount(r.bank, r.address.Row)
	f.writes.recount(r.bank, r.address.Row)
	r.active = true
	f.active = append(f.active, i)
	f.activeInBank[r.bank]++
	f.activeInRank[r.address.Rank]++
	f.changed(r.bank)
	due := f.device.Earliest(columnCommand(r.write), &r.address)
	f.activeDue = min(f.activeDue, due)
	f.note(due)
}

// access issues the read or write of an active request.
func (f *firstReady) access(i int32, now Clock) {
	r := &f.pool.requests[i]
	for k, other := range f.active {
		if other == i {
			copy(f.active[k:], f.active[k+1:])
			f.active = f.active[:len(f.active)-1]
			break
		}
	}
	f.activeInBank[r.bank]--
	f.activeInRank[r.address.Rank]--
	f.finishAccess(i, now)
	f.activeDue = forever
	if len(f.active) > 0 {
		f.activeDue = min(f.floor(Read), f.floor(Write))
		f.note(f.activeDue)
	}
}

// finishAccess issues the read or write of a request that has left its list.
func (f *firstReady) finishAccess(i int32, now Clock) {
	r := &f.pool.requests[i]
	cmd := Read
	if r.write {
		cmd = Write
	}
	if f.config.RowPolicy == ClosedRow && f.reads.hits[r.bank] == 0 && f.writes.hits[r.bank] == 0 && f.activeInBank[r.bank] == 0 {
		cmd += ReadAutoPrecharge - Read
	}
	f.issue(cmd, &r.address, r.bank, now)
	f.changed(r.bank)
	f.lastUse[r.bank] = now
	if tail := f.config.DataClockTail; tail > 0 {
		latency := f.standard.Timing.CL
		if r.write {
			latency = f.standard.Timing.CWL
		}
		f.dataClockUntil = max(f.dataClockUntil, now+latency+f.standard.Timing.Burst+tail)
	}
	if r.write {
		f.completeWrite(&f.pool, i, now)
		return
	}
	f.completeRead(r.id, r.arrival, now+f.readLatency, r.activates, 1)
	f.pool.release(i)
}

// closeIdle precharges a bank whose row nobody has used for RowTimeout.
func (f *firstReady) closeIdle(now Clock) bool {
	for bank := range f.banks {
		if f.openRow[bank] < 0 || f.activeInBank[bank] > 0 || f.reads.hits[bank] > 0 || f.writes.hits[bank] > 0 {
			continue
		}
		if t := f.lastUse[bank] + f.config.RowTimeout; t > now {
			f.note(t)
			continue
		}
		a := f.addressOf(bank)
		if f.ready(boundPrecharge, bank, &a, now) {
			f.issue(Precharge, &a, bank, now)
			f.changed(bank)
			return true
		}
	}
	return false
}
