package dram

// stepSplit is a step for memories whose rows take two commands to open or
// whose data clock must be started: commands that only occupy the command bus.
// The second activate command goes when nothing else can, at the latest at its
// deadline; until then no other row is begun. The synchronizing command
// reserves the next clock for the access that needs it.
func (f *firstReady) stepSplit(now Clock) bool {
	if i := f.synchronized; i != none {
		f.synchronized = none
		f.accessAny(i, now)
		return true
	}
	if k := f.nextOpening(); k >= 0 && f.opening[k].deadline <= now {
		f.finishOpening(k)
		return true
	}
	i := f.bestActive(now)
	cmd := Read // the direction is that of the request
	if i == none {
		if len(f.refresh.waiting) == 0 {
			i, cmd = f.best(now, true, true, len(f.opening) == 0)
		} else if !f.isOpening(&f.refresh.waiting[0]) && f.advanceRefresh(now) {
			return true
		}
	}
	if i == none {
		k := f.nextOpening()
		if k >= 0 {
			f.finishOpening(k)
		}
		return k >= 0
	}
	switch {
	case !cmd.IsColumn():
		f.serve(i, cmd, now)
	case f.config.DataClockTail == 0 || now < f.dataClockUntil:
		f.accessAny(i, now)
	default:
		if k := f.nextOpening(); k >= 0 && f.opening[k].deadline <= now+1 {
			f.finishOpening(k) // the synchronization would take its last clock
			return true
		}
		f.stats.Synchronizations++
		f.synchronized = i
	}
	return true
}

// accessAny issues the read or write of a request, active or buffered.
func (f *firstReady) accessAny(i int32, now Clock) {
	r := &f.pool.requests[i]
	switch {
	case r.active:
		f.access(i, now)
	case r.write:
		f.serve(i, Write, now)
	default:
		f.serve(i, Read, now)
	}
}

// nextOpening finds the bank whose second activate command is due first, -1
// if there is none.
func (f *firstReady) nextOpening() int {
	best := -1
	for k := range f.opening {
		if best < 0 || f.opening[k].deadline < f.opening[best].deadline {
			best = k
		}
	}
	return best
}

// finishOpening sends the second activate command.
func (f *firstReady) finishOpening(k int) {
	i := f.opening[k].request
	f.opening = append(f.opening[:k], f.opening[k+1:]...)
	r := &f.pool.requests[i]
	f.openRow[r.bank] = r.address.Row
	f.activate(i)
}

// isOpening says whether a refresh concerns a bank that is being opened.
func (f *firstReady) isOpening(order *refreshOrder) bool {
	for k := range f.opening {
		r := &f.pool.requests[f.opening[k].request]
		if order.command == RefreshAllBank && r.address.Rank == order.address.Rank || order.command == RefreshPerBank && r.bank == order.bank {
			return true
		}
	}
	return false
}
