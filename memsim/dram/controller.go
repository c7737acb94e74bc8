package dram

// scheduler is a controller with its channel. Time forever goes back; step is
// called at every clock that the last call named, and at every clock at which
// requests were offered, after them.
type scheduler interface {
	// offer gives a request to the controller. It is false when the buffer is
	// full; the requester tries again after the next step.
	offer(now Clock, a *Address, burst, id uint64, write bool) bool
	// step issues what can issue at a clock.
	step(now Clock)
	// room says whether the buffer has room for a request.
	room(write bool) bool
	// accepts says whether offer would be true.
	accepts(a *Address, burst uint64, write bool) bool
	base() *engine
}

// newScheduler makes the controller of one channel.
func newScheduler(s *Standard, c *Controller) (scheduler, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if err := checkRefresh(s, c); err != nil {
		return nil, err
	}
	if c.Scheduling == BankQueues {
		return newBankQueues(s, c), nil
	}
	return newFirstReady(s, c), nil
}

// finished is a read whose data the requester has, or a write whose data the
// memory has, at a time, and the commands that it took.
type finished struct {
	id                uint64
	at                Clock
	activates, bursts int32
}

// The commands whose earliest times are remembered per bank.
const (
	boundActivate = iota
	boundPrecharge
	boundRead
	boundWrite
	boundCount
)

var boundCommand = [boundCount]Command{Activate, Precharge, Read, Write}

// rowOpening stands for the row of a bank between the two commands that open it.
const rowOpening = -2

// engine is what both scheduling policies share: the device, the open rows as
// the controller knows them, statistics and completions.
type engine struct {
	standard *Standard
	config   *Controller
	device   *Channel
	stats    Stats
	refresh  refreshTimer

	banks, banksPerRank int32
	openRow             []int32 // per bank, rowClosed or rowOpening if it has none
	rowUses             []int32 // accesses since the row was opened
	use                 []bankCount
	// bound[command][bank] is a time before which the command cannot issue:
	// exact when it was computed, a lower bound later, for commands only ever
	// push it back.
	bound [boundCount][]Clock

	readLatency Clock
	readsOpen   int64 // accepted, command not issued
	wake        Clock // the earliest time noted in this step
	next        Clock // when to step next
	sequence    uint64

	keepDone bool // collect completions
	done     []finished
	lastDone Clock // latest completion of a read
	log      func(Command, Address, Clock)
}

func newEngine(s *Standard, c *Controller) engine {
	o := &s.Organization
	e := engine{
		standard: s, config: c, device: s.NewChannel(),
		refresh: newRefreshTimer(s, c.Refresh),
		banks:   o.Ranks * o.BanksPerRank(), banksPerRank: o.BanksPerRank(),
		readLatency: s.ReadLatency() + c.ReturnClocks,
	}
	e.openRow = make([]int32, e.banks)
	for i := range e.openRow {
		e.openRow[i] = rowClosed
	}
	e.rowUses = make([]int32, e.banks)
	e.use = make([]bankCount, e.banks)
	for i := range e.bound {
		e.bound[i] = make([]Clock, e.banks)
	}
	return e
}

func (e *engine) base() *engine { return e }

// bankOf numbers the banks of a channel.
func (e *engine) bankOf(a *Address) int32 {
	o := &e.standard.Organization
	return (a.Rank*o.BankGroups+a.BankGroup)*o.BanksPerGroup + a.Bank
}

// addressOf is the address of a bank.
func (e *engine) addressOf(bank int32) Address {
	o := &e.standard.Organization
	inRank := bank % e.banksPerRank
	return Address{Rank: bank / e.banksPerRank, BankGroup: inRank / o.BanksPerGroup, Bank: inRank % o.BanksPerGroup}
}

func (e *engine) note(t Clock) {
	if t < e.wake {
		e.wake = t
	}
}

// ready says whether a command can issue to a bank now, and notes the time at
// which it can otherwise.
func (e *engine) ready(kind int, bank int32, a *Address, now Clock) bool {
	b := e.bound[kind][bank]
	if b <= now {
		b = e.device.Earliest(boundCommand[kind], a)
		e.bound[kind][bank] = b
		if b <= now {
			return true
		}
	}
	e.note(b)
	return false
}

// issue sends a command to the device and keeps count.
func (e *engine) issue(cmd Command, a *Address, bank int32, now Clock) {
	e.device.apply(cmd, a, now)
	if e.log != nil {
		e.log(cmd, *a, now)
	}
	switch cmd {
	case Activate:
		e.openRow[bank] = a.Row
		e.use[bank].activates++
	case Read, Write:
		e.rowUses[bank]++
	case ReadAutoPrecharge, WriteAutoPrecharge:
		e.rowUses[bank]++
		e.closeRow(bank)
	case Precharge:
		e.closeRow(bank)
	case PrechargeAll:
		first := a.Rank * e.banksPerRank
		for b := first; b < first+e.banksPerRank; b++ {
			e.closeRow(b)
		}
	}
}

// closeRow notes that a bank has no open row.
func (e *engine) closeRow(bank int32) {
	e.use[bank].bursts += int64(e.rowUses[bank])
	e.openRow[bank], e.rowUses[bank] = rowClosed, 0
}

// bankCount is what a bank has done: rows opened, and the accesses to rows
// that were closed since.
type bankCount struct{ activates, bursts int64 }

// completeRead records a read whose data the requester has at a time, and the
// commands that it took.
func (e *engine) completeRead(id uint64, arrival, at Clock, activates, bursts int32) {
	e.stats.addLatency(at - arrival)
	e.readsOpen--
	if at > e.lastDone {
		e.lastDone = at
	}
	if e.keepDone {
		e.done = append(e.done, finished{id, at, activates, bursts})
	}
}

// completeWrite reports a write command, and the writes merged into it, to a
// requester that wants to know.
func (e *engine) completeWrite(p *pool, i int32, now Clock) {
	at := now + e.standard.Timing.CWL + e.standard.Timing.Burst
	for bursts := int32(1); i != none; bursts = 0 {
		r := &p.requests[i]
		if e.keepDone {
			e.done = append(e.done, finished{r.id, at, r.activates, bursts})
		}
		next := r.merged
		p.release(i)
		i = next
	}
}

// forwardRead answers a read of a burst that is buffered for writing, without
// a command.
func (e *engine) forwardRead(now Clock, id uint64) {
	e.stats.Reads++
	e.stats.ForwardedReads++
	e.readsOpen++
	e.completeRead(id, now, now+e.config.ForwardClocks, 0, 0)
}

// mergeWrite adds a write to a buffered one of the same burst. Only requesters
// that are told of completions need it to be kept.
func (e *engine) mergeWrite(p *pool, into int32, id uint64) {
	e.stats.Writes++
	e.stats.MergedWrites++
	if !e.keepDone {
		return
	}
	i := p.take()
	p.requests[i] = pending{id: id, merged: p.requests[into].merged}
	p.requests[into].merged = i
}
