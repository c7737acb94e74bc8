package dram

import "math/bits"

// The kinds of commands that FirstReady chooses among.
const (
	chooseActivate = iota
	choosePrecharge
	chooseColumn
	chooseKinds
)

// choice is what may go next in a bank for the requests of one buffer: per
// kind of command the request that it is for and a clock before which it
// cannot issue. The clock was exact when it was computed and is a lower bound
// later, for commands only ever push each other back.
type choice struct {
	request [chooseKinds]int32
	due     [chooseKinds]Clock
}

// choices holds a choice per bank.
type choices struct {
	bank []choice
	open [chooseKinds][]uint64 // banks that have a choice of a kind, a bit each
	// due is a clock before which no choice of a kind can issue.
	due [chooseKinds]Clock
}

func newChoices(banks int) choices {
	c := choices{bank: make([]choice, banks)}
	for k := range c.open {
		c.open[k] = make([]uint64, (banks+63)/64)
	}
	return c
}

// choose decides anew what may go next in a bank.
func (f *firstReady) choose(l *bankLists, c *choices, bank int32) {
	word, bit := bank>>6, uint64(1)<<(bank&63)
	c.open[chooseActivate][word] &^= bit
	c.open[choosePrecharge][word] &^= bit
	c.open[chooseColumn][word] &^= bit
	if l.count[bank] == 0 {
		return
	}
	set := func(kind int, request int32) {
		r := &f.pool.requests[request]
		due := f.device.Earliest([chooseKinds]Command{Activate, Precharge, columnCommand(r.write)}[kind], &r.address)
		c.open[kind][word] |= bit
		c.bank[bank].request[kind] = request
		c.bank[bank].due[kind] = due
		c.due[kind] = min(c.due[kind], due)
	}
	open := f.openRow[bank]
	switch {
	case open == rowClosed:
		set(chooseActivate, l.head[bank])
		return
	case open == rowOpening:
		return
	case l.hits[bank] == l.count[bank]:
		set(chooseColumn, l.head[bank])
		return
	}
	other, hit := l.oldest(bank, open, false), none
	if l.hits[bank] > 0 {
		hit = l.oldest(bank, open, true)
		if limit := f.config.RowHitCap; limit > 0 && f.rowUses[bank] >= int32(limit) {
			hit = none
		} else if f.config.KeepRows && l.pool.requests[hit].sequence < l.pool.requests[other].sequence {
			other = none
		}
	}
	if hit != none {
		set(chooseColumn, hit)
	}
	if other != none && f.activeInBank[bank] == 0 { // else its row is still to be used
		set(choosePrecharge, other)
	}
}

// changed looks anew at a bank whose state has changed.
func (f *firstReady) changed(bank int32) {
	if f.reads.size > 0 || f.readChoices.any() {
		f.choose(&f.reads, &f.readChoices, bank)
	}
	if f.writes.size > 0 || f.writeChoices.any() {
		f.choose(&f.writes, &f.writeChoices, bank)
	}
}

// any says whether there is a choice at all.
func (c *choices) any() bool {
	for w := range c.open[0] {
		if c.open[chooseActivate][w]|c.open[choosePrecharge][w]|c.open[chooseColumn][w] != 0 {
			return true
		}
	}
	return false
}

// floor is a clock before which no bank takes a command.
func (f *firstReady) floor(cmd Command) Clock {
	lowest := forever
	for r := range f.device.ranks {
		lowest = min(lowest, f.device.ranks[r][cmd&commandMask])
	}
	return max(lowest, f.device.channel[cmd&commandMask])
}

// outlook is what best has learnt about the choices it did not take.
type outlook struct {
	choices *choices
	command [chooseKinds]Command
}

// best finds the oldest request of the buffer whose next command can issue
// now and is of a kind asked for, and that command.
func (f *firstReady) best(now Clock, column, precharge, activate bool) (int32, Command) {
	l, c := f.chooseBuffer()
	f.look = outlook{c, [chooseKinds]Command{Activate, Precharge, columnCommand(f.writeMode)}}
	if l.size == 0 {
		return none, InvalidCommand
	}
	best, kindOfBest, sequence := none, 0, uint64(1)<<63
	requests := f.pool.requests
	for kind, asked := range [chooseKinds]bool{activate, precharge, column} {
		if !asked || c.due[kind] > now {
			continue
		}
		cmd := f.look.command[kind]
		soonest := forever
		for w, word := range c.open[kind] {
			if word == 0 {
				continue
			}
			if floor := f.floor(cmd); floor > now {
				soonest = floor
				break
			}
			for ; word != 0; word &= word - 1 {
				b := &c.bank[w<<6+bits.TrailingZeros64(word)]
				due := b.due[kind]
				if due <= now {
					r := &requests[b.request[kind]]
					if r.sequence >= sequence {
						soonest = now + 1 // maybe
						continue
					}
					due = f.device.Earliest(cmd, &r.address)
					b.due[kind] = due
					if due <= now {
						if best != none {
							if kindOfBest == kind {
								soonest = now + 1
							} else {
								c.due[kindOfBest] = now + 1
							}
						}
						best, kindOfBest, sequence = b.request[kind], kind, r.sequence
						continue
					}
				}
				soonest = min(soonest, due)
			}
		}
		c.due[kind] = soonest
	}
	if best == none {
		f.lookAhead()
		return none, InvalidCommand
	}
	if f.eager {
		c.due[kindOfBest] = now // it may be put off
	}
	return best, f.look.command[kindOfBest]
}

// lookAhead notes when the choices that were not taken can issue.
func (f *firstReady) lookAhead() {
	for kind, due := range f.look.choices.due {
		if due < forever {
			f.note(max(due, f.floor(f.look.command[kind])))
		}
	}
}

// dueOf is a clock before which no command of a bank's choice can issue.
func (c *choices) dueOf(bank int32) Clock {
	due := forever
	for kind := range chooseKinds {
		if c.open[kind][bank>>6]>>(bank&63)&1 != 0 {
			due = min(due, c.bank[bank].due[kind])
		}
	}
	return due
}
