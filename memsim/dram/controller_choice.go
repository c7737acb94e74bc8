package dram

import "math/bits"

// The kinds of commands that FirstReady chooses among.
const (
	chooseActivate = iota
	choosePrecharge
	chooseColumn
	chooseKinds
)

// choices is what may go next in every bank for the requests of one buffer: per
// kind of command the request that it is for, its sequence, and a clock before
// which it cannot issue. The clock was exact when it was computed and is a
// lower bound later, for commands only ever push each other back.
type choices struct {
	kinds [chooseKinds]choiceList
}

// choiceList is the choices of one kind of command.
type choiceList struct {
	bank []choice
	open []uint64 // banks that have a choice, a bit each
	due  Clock    // before which no choice can issue
}

type choice struct {
	due      Clock
	sequence uint64
	request  int32
}

func newChoices(banks int) choices {
	var c choices
	for k := range c.kinds {
		c.kinds[k] = choiceList{make([]choice, banks), make([]uint64, (banks+63)/64), 0}
	}
	return c
}

// choose decides anew what may go next in a bank.
func (f *firstReady) choose(l *bankLists, c *choices, bank int32) {
	word, bit := bank>>6, uint64(1)<<(bank&63)
	for k := range c.kinds {
		c.kinds[k].open[word] &^= bit
	}
	if l.count[bank] == 0 {
		return
	}
	open := f.openRow[bank]
	switch {
	case open == rowClosed:
		f.set(&c.kinds[chooseActivate], Activate, bank, l.head[bank])
		return
	case open == rowOpening:
		return
	case l.hits[bank] == l.count[bank]:
		f.set(&c.kinds[chooseColumn], l.column, bank, l.head[bank])
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
		f.set(&c.kinds[chooseColumn], l.column, bank, hit)
	}
	if other != none && f.activeInBank[bank] == 0 { // else its row is still to be used
		f.set(&c.kinds[choosePrecharge], Precharge, bank, other)
	}
}

// set notes a choice.
func (f *firstReady) set(c *choiceList, cmd Command, bank, request int32) {
	r := &f.pool.requests[request]
	due := f.device.Earliest(cmd, &r.address)
	c.open[bank>>6] |= 1 << (bank & 63)
	c.bank[bank] = choice{due, r.sequence, request}
	c.due = min(c.due, due)
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
	for w := range c.kinds[0].open {
		if c.kinds[chooseActivate].open[w]|c.kinds[choosePrecharge].open[w]|c.kinds[chooseColumn].open[w] != 0 {
			return true
		}
	}
	return false
}

// floor is a clock before which no bank takes a command.
func (f *firstReady) floor(cmd Command) Clock {
	lowest := f.device.ranks[0][cmd&commandMask]
	for r := 1; r < len(f.device.ranks); r++ {
		lowest = min(lowest, f.device.ranks[r][cmd&commandMask])
	}
	return lowest
}

// outlook is the choices among which best has chosen.
type outlook struct {
	choices *choices
	command [chooseKinds]Command
}

// best finds the oldest request of the buffer whose next command can issue
// now and is of a kind asked for, and that command.
func (f *firstReady) best(now Clock, column, precharge, activate bool) (int32, Command) {
	l, c := f.chooseBuffer()
	f.look = outlook{c, [chooseKinds]Command{Activate, Precharge, l.column}}
	if l.size == 0 {
		return none, InvalidCommand
	}
	best, kindOfBest, sequence := none, 0, uint64(1)<<63
	for kind, asked := range [chooseKinds]bool{activate, precharge, column} {
		list := &c.kinds[kind]
		if !asked || list.due > now {
			continue
		}
		cmd := f.look.command[kind]
		switch i, s := f.oldest(list, cmd, now); {
		case i == none:
		case s > sequence:
			list.due = now + 1 // it stays a choice
		default:
			if best != none {
				c.kinds[kindOfBest].due = now + 1
			}
			best, kindOfBest, sequence = i, kind, s
		}
	}
	if best == none {
		f.lookAhead()
		return none, InvalidCommand
	}
	if f.eager {
		c.kinds[kindOfBest].due = now // it may be put off
	}
	return best, f.look.command[kindOfBest]
}

// oldest finds the oldest choice of a kind that can issue now, and its
// sequence. What it leaves in due holds for the other choices. The loop has no
// branch that depends on the requests: they would be guessed wrong.
func (f *firstReady) oldest(c *choiceList, cmd Command, now Clock) (int32, uint64) {
	soonest, ready := forever, uint64(0)
	best, sequence := 0, uint64(1)<<63
	groups := f.device.bankGroup
	for r := range f.device.ranks {
		floor := f.device.ranks[r][cmd&commandMask]
		if floor > now {
			soonest = min(soonest, floor)
			continue
		}
		for _, p := range f.rankBanks[r] {
			for word := c.open[p.word] & p.mask; word != 0; word &= word - 1 {
				bank := p.word<<6 + bits.TrailingZeros64(word)
				b := &c.bank[bank]
				// The bank itself has not changed since, its group may have.
				due := max(b.due, groups[bank>>(f.groupShift&63)][cmd&commandMask])
				b.due = due
				late := uint64(now-due) >> 63
				ready += 1 - late
				soonest = min(soonest, due|forever*Clock(1-late))
				if key := b.sequence | late<<63; key < sequence {
					best, sequence = bank, key
				}
			}
		}
	}
	c.due = soonest
	if ready == 0 {
		return none, sequence
	}
	if ready > 1 {
		c.due = now + 1
	}
	return c.bank[best].request, sequence
}

// bankWord is a part of a set of banks with a bit each.
type bankWord struct {
	word int
	mask uint64
}

// wordsOf is the banks from first up to, not including, last.
func wordsOf(first, last int) []bankWord {
	var list []bankWord
	for w := first >> 6; w<<6 < last; w++ {
		mask := ^uint64(0)
		if from := first - w<<6; from > 0 {
			mask &^= 1<<from - 1
		}
		if to := last - w<<6; to < 64 {
			mask &= 1<<to - 1
		}
		list = append(list, bankWord{w, mask})
	}
	return list
}

// lookAhead notes when the choices that were not taken can issue.
func (f *firstReady) lookAhead() {
	for kind := range f.look.choices.kinds {
		if due := f.look.choices.kinds[kind].due; due < forever {
			f.note(max(due, f.floor(f.look.command[kind])))
		}
	}
}

// dueOf is a clock before which no command of a bank's choice can issue.
func (c *choices) dueOf(bank int32) Clock {
	due := forever
	for kind := range c.kinds {
		if k := &c.kinds[kind]; k.open[bank>>6]>>(bank&63)&1 != 0 {
			due = min(due, k.bank[bank].due)
		}
	}
	return due
}
