package dram

import (
	"cmp"
	"math/bits"
	"slices"
)

// streamer plays the part of a replay in which a full buffer holds nothing but
// hits and is refilled with hits: the oldest request goes at every step, so
// that neither buffers nor device need to be consulted. It gives what the
// controller gives, request by request, and stops where the controller might
// do anything else.
type streamer struct {
	f    *firstReady
	ring []pending
	last []Clock // of the latest access to each bank, -1 if none
	used []int32 // banks with one
	// The latest access in each bank group and rank, and how long the next one
	// must wait for it.
	groupLast, rankLast []Clock
	inGroup             []int32 // requests of the ring
	entry               []Clock // per bank: when the device takes an access
	delay               [2]streamDelay
	// After a run too short to be worth the trouble some chances are let go.
	pause, skipped int
}

// streamDelay is what one access delays another of the same direction by.
type streamDelay struct {
	usable                   bool
	rank, sibling, set, bank Clock
	least                    Clock // the next access, wherever it goes
}

// newStreamer returns nil if the controller does not allow it.
func newStreamer(s scheduler) *streamer {
	f, ok := s.(*firstReady)
	if !ok || f.eager || f.config.RowPolicy != OpenRow {
		return nil
	}
	o := &f.standard.Organization
	t := &streamer{
		f: f, last: make([]Clock, f.banks), entry: make([]Clock, f.banks),
		groupLast: make([]Clock, o.Ranks*o.BankGroups), rankLast: make([]Clock, o.Ranks),
		inGroup: make([]int32, o.Ranks*o.BankGroups),
	}
	for k, c := range []Command{Read, Write} {
		r := f.device.compiled
		d := &t.delay[k]
		*d = streamDelay{len(r.windows[c]) == 0, after(r.rank[c], c), after(r.otherRanks[c], c), after(r.bankGroup[c], c), after(r.bank[c], c), 0}
		d.least = max(d.rank, 1)
		if o.Ranks > 1 {
			d.least = max(min(d.rank, d.sibling), 1)
		}
	}
	return t
}

// after is what a list of delays says about a command, 0 if nothing.
func after(list []delay, c Command) Clock {
	for _, d := range list {
		if d.before == c {
			return d.clocks
		}
	}
	return 0
}

// ready says whether the controller is in a state that the streamer plays.
func (t *streamer) ready(write bool) bool {
	f := t.f
	l, other, entries := &f.reads, &f.writes, f.config.ReadEntries
	if write {
		l, other, entries = &f.writes, &f.reads, f.config.WriteEntries
	}
	if t.skipped < t.pause {
		t.skipped++
		return false
	}
	return l.size == entries && l.size >= 2 && l.hitSize == l.size && other.size == 0 && f.writeMode == write &&
		len(f.active) == 0 && len(f.refresh.waiting) == 0 && !f.changesBuffer() && t.inOrder(l)
}

// inOrder says whether the oldest request of a buffer of hits goes next: no
// other one can go before it can.
func (t *streamer) inOrder(l *bankLists) bool {
	f := t.f
	oldest, sequence := none, uint64(1)<<63
	first, oneGroup := int32(-1), true
	for w, word := range l.occupied {
		for ; word != 0; word &= word - 1 {
			bank := int32(w<<6 + bits.TrailingZeros64(word))
			if group := bank >> f.groupShift; first < 0 {
				first = group
			} else if group != first {
				oneGroup = false
			}
			if s := f.pool.requests[l.head[bank]].sequence; s < sequence {
				oldest, sequence = l.head[bank], s
			}
		}
	}
	return oneGroup || f.device.Earliest(l.column, &f.pool.requests[oldest].address) <= f.floor(l.column)
}

// play runs while a request that a full buffer refuses waits. It changes the
// time of the replay to the clock at which to go on.
func (t *streamer) play(r *replay) {
	f := t.f
	write := f.writeMode
	cmd, d, l := Read, &t.delay[0], &f.reads
	if write {
		cmd, d, l = Write, &t.delay[1], &f.writes
	}
	if !d.usable {
		return
	}
	now := r.now
	floor := max(f.floor(cmd), now)
	t.take(l, cmd, d.set)
	head, count, issued := 0, len(t.ring), int64(0)
	groupsPerRank, banksPerGroup := f.standard.Organization.BankGroups, f.standard.Organization.BanksPerGroup
	highest := uint64(0)
	if write {
		for i := range t.ring {
			highest = max(highest, t.ring[i].burst)
		}
	}
	previous, previousRank := -forever/2, int32(0)
	for {
		p := &t.ring[head]
		bank := p.bank
		group := bank / banksPerGroup
		rank := p.address.Rank
		at := max(floor, t.entry[bank], t.groupLast[group]+d.set, t.rankLast[rank]+d.rank, t.last[bank]+d.bank)
		if rank != previousRank {
			at = max(at, previous+d.sibling)
		}
		shared := floor
		if t.inGroup[group] == int32(count) {
			shared = max(floor, t.groupLast[group]+d.set)
		}
		if at > shared || at >= f.refresh.next {
			break // another one might go first
		}
		issued++
		previous, previousRank = at, rank
		if t.last[bank] < 0 {
			t.used = append(t.used, bank)
		}
		t.last[bank], t.groupLast[group], t.rankLast[rank] = at, at, at
		t.inGroup[group]--
		f.rowUses[bank]++
		if !p.classified {
			f.stats.RowHits++
		}
		if f.log != nil {
			f.log(cmd, p.address, at)
		}
		if !write {
			f.completeRead(p.id, p.arrival, at+f.readLatency, 0, 1)
		}
		now = at + 1
		floor = at + d.least
		// The request that waits takes the place, if the one after it must
		// wait as well: it goes to the same buffer and merges with nothing.
		request := r.peek()
		if request == nil || request.Write != write || request.Clock > now || r.head+1 == r.tail {
			head++
			count--
			break
		}
		if after := &r.batch[r.head+1]; after.Write != write || write && after.Address>>r.burst <= request.Address>>r.burst {
			head++
			count--
			break
		}
		if !r.mapped {
			r.mapNext(request)
		}
		a := &r.address
		next := (a.Rank*groupsPerRank+a.BankGroup)*banksPerGroup + a.Bank
		if f.openRow[next] != a.Row || write && r.number <= highest {
			head++
			count--
			break
		}
		t.inGroup[next/banksPerGroup]++
		highest = r.number
		f.sequence++
		*p = pending{burst: r.number, sequence: f.sequence, arrival: now, address: *a, bank: next, write: write, merged: none}
		if write {
			f.stats.Writes++
		} else {
			f.stats.Reads++
			f.readsOpen++
		}
		r.accepted, r.any, r.mapped = now, true, false
		r.head++
		if head++; head == len(t.ring) {
			head = 0
		}
	}
	if head == len(t.ring) {
		head = 0
	}
	t.give(l, cmd, head, count, issued)
	t.skipped = 0
	if t.pause = 0; issued < 16 {
		t.pause = 32
	}
	r.now, f.next = max(now, r.now), max(now, r.now)
}

// take empties the buffer into the ring, oldest first, and asks the device
// for the times from which it takes accesses.
func (t *streamer) take(l *bankLists, cmd Command, set Clock) {
	f := t.f
	t.ring, t.used = t.ring[:0], t.used[:0]
	for i := range t.groupLast {
		t.groupLast[i], t.inGroup[i] = f.device.bankGroup[i][cmd&commandMask]-set, 0
	}
	for i := range t.rankLast {
		t.rankLast[i] = -forever / 2
	}
	for bank := range f.banks {
		t.last[bank] = -forever / 2
		a := f.addressOf(bank)
		t.entry[bank] = f.device.Earliest(cmd, &a)
		for i := l.head[bank]; i != none; {
			next := f.pool.requests[i].next
			t.ring = append(t.ring, f.pool.requests[i])
			t.inGroup[bank/f.standard.Organization.BanksPerGroup]++
			l.remove(i, true)
			f.pool.release(i)
			i = next
		}
	}
	slices.SortFunc(t.ring, func(a, b pending) int { return cmp.Compare(a.sequence, b.sequence) })
}

// give puts the ring back into the buffer and the accesses into the device:
// of each bank the last one, in order of time, which leaves it in the state
// that all of them do.
func (t *streamer) give(l *bankLists, cmd Command, head, count int, issued int64) {
	f := t.f
	slices.SortFunc(t.used, func(a, b int32) int { return cmp.Compare(t.last[a], t.last[b]) })
	for _, bank := range t.used {
		a := f.addressOf(bank)
		f.device.update(cmd, &a, t.last[bank])
		f.device.lastIssued = t.last[bank]
	}
	f.device.activity.Commands[cmd] += issued
	for k := range count {
		p := &t.ring[(head+k)%len(t.ring)]
		i := f.pool.take()
		f.pool.requests[i] = *p
		l.push(i, true)
	}
	for bank := range f.banks {
		f.changed(bank)
	}
}
