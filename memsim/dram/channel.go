package dram

import "fmt"

// longAgo stands in the rings for commands that have not happened: a clock
// before every other, from which nothing overflows.
const longAgo Clock = -1 << 40

// rowClosed stands for the row of a bank without an open one.
const rowClosed = -1

// Channel is the state of the devices behind one command bus: which row is
// open in every bank, and from which clock on every command may be issued.
//
// A command must be Legal (the bank is in the state it needs) and may be
// issued from Earliest on (every constraint row holds). Commands that share a
// clock are the controller's concern; see CommandBus.
type Channel struct {
	standard *Standard
	compiled *compiledRows

	bankGroups, banksPerGroup, banksPerRank int32

	// The earliest clock of every command as far as rows of one level are
	// concerned; the hierarchy flattened: banks of rank 0 first. Rows of the
	// channel are noted in all ranks.
	ranks      []commandClocks
	bankGroup  []commandClocks
	banks      []commandClocks
	rings      []Clock // the latest clocks of windowed rows, see windowRow
	ringHeads  []int32
	openRows   []int32 // by bank, rowClosed if none
	openCount  []int32 // banks with an open row, by rank
	openSince  []Clock // by rank, valid while openCount is not zero
	lastIssued Clock

	activity Activity
}

// commandClocks is indexed by Command; sixteen entries let the compiler drop
// the bounds check behind a mask.
type commandClocks [16]Clock

const commandMask = 15

// NewChannel returns a channel with all rows closed at clock 0.
func (s *Standard) NewChannel() *Channel {
	o := &s.Organization
	ranks, groups := int(o.Ranks), int(o.Ranks*o.BankGroups)
	banks := groups * int(o.BanksPerGroup)
	c := &Channel{
		standard: s, compiled: compileRows(s),
		bankGroups: o.BankGroups, banksPerGroup: o.BanksPerGroup, banksPerRank: o.BanksPerRank(),
		ranks: make([]commandClocks, ranks), bankGroup: make([]commandClocks, groups), banks: make([]commandClocks, banks),
		openRows: make([]int32, banks), openCount: make([]int32, ranks), openSince: make([]Clock, ranks),
		lastIssued: -1,
	}
	for i := range c.openRows {
		c.openRows[i] = rowClosed
	}
	c.ringHeads, c.rings = make([]int32, c.compiled.heads), make([]Clock, c.compiled.ringClocks)
	for i := range c.rings {
		c.rings[i] = longAgo
	}
	return c
}

// Standard is what the channel was made from.
func (c *Channel) Standard() *Standard { return c.standard }

// group and bank index the flattened hierarchy.
func (c *Channel) group(a *Address) int { return int(a.Rank*c.bankGroups + a.BankGroup) }

func (c *Channel) bank(a *Address) int {
	return int((a.Rank*c.bankGroups+a.BankGroup)*c.banksPerGroup + a.Bank)
}

// Earliest is the first clock at which all constraint rows allow the command,
// whatever the state of the bank; 0 or more, and it may lie in the past.
func (c *Channel) Earliest(cmd Command, a *Address) Clock {
	i := cmd & commandMask
	at := c.ranks[a.Rank][i]
	if cmd.WholeRank() {
		return at
	}
	group := a.Rank*c.bankGroups + a.BankGroup
	return max(at, c.bankGroup[group][i], c.banks[group*c.banksPerGroup+a.Bank][i])
}

// Legal says whether the state of the bank allows the command: ACT and REFpb
// need it closed, PRE open, reads and writes open at the row of the address;
// REFab needs all banks of the rank closed, PREA nothing.
func (c *Channel) Legal(cmd Command, a *Address) bool {
	switch cmd {
	case Activate:
		return c.openRows[c.bank(a)] == rowClosed
	case Precharge:
		return c.openRows[c.bank(a)] != rowClosed
	case PrechargeAll:
		return true
	case Read, Write, ReadAutoPrecharge, WriteAutoPrecharge:
		return c.openRows[c.bank(a)] == a.Row
	case RefreshAllBank:
		return c.openCount[a.Rank] == 0
	case RefreshPerBank:
		return c.standard.Timing.RFCPB > 0 && c.openRows[c.bank(a)] == rowClosed
	}
	return false
}

// OpenRow is the row that is open in a bank, -1 if none.
func (c *Channel) OpenRow(rank, bankGroup, bank int32) int32 {
	return c.openRows[(rank*c.bankGroups+bankGroup)*c.banksPerGroup+bank]
}

// OpenBanks is the number of banks of a rank that have an open row.
func (c *Channel) OpenBanks(rank int32) int32 { return c.openCount[rank] }

// Issue applies a command. It panics when the command is not legal, comes too
// early or time runs backwards: the fault of a controller, not of a user.
func (c *Channel) Issue(cmd Command, a *Address, at Clock) {
	if at < c.lastIssued || at < c.Earliest(cmd, a) || !c.Legal(cmd, a) {
		c.refuse(cmd, a, at)
	}
	c.apply(cmd, a, at)
}

// apply is Issue without the checks, for controllers that have made them.
func (c *Channel) apply(cmd Command, a *Address, at Clock) {
	c.lastIssued = at
	c.update(cmd, a, at)
	c.activity.Commands[cmd]++
	switch cmd {
	case Activate:
		c.openRows[c.bank(a)] = a.Row
		if c.openCount[a.Rank] == 0 {
			c.openSince[a.Rank] = at
		}
		c.openCount[a.Rank]++
	case Precharge, ReadAutoPrecharge, WriteAutoPrecharge:
		c.openRows[c.bank(a)] = rowClosed
		c.closed(a.Rank, 1, at)
	case PrechargeAll:
		first := a.Rank * c.banksPerRank
		for i := first; i < first+c.banksPerRank; i++ {
			c.openRows[i] = rowClosed
		}
		c.closed(a.Rank, c.openCount[a.Rank], at)
	}
}

// closed counts banks that were precharged. Auto-precharge counts from the
// command on: the row can no longer be used, if it is not closed yet.
func (c *Channel) closed(rank, banks int32, at Clock) {
	if banks == 0 {
		return
	}
	c.openCount[rank] -= banks
	if c.openCount[rank] == 0 {
		c.activity.ActiveClocks += at - c.openSince[rank]
	}
}

// Activity is what the channel has done until a clock.
func (c *Channel) Activity(until Clock) Activity {
	a := c.activity
	a.Duration = until
	for rank, open := range c.openCount {
		if open > 0 {
			a.ActiveClocks += max(until-c.openSince[rank], 0)
		}
	}
	return a
}

func (c *Channel) refuse(cmd Command, a *Address, at Clock) {
	panic(fmt.Sprintf("dram: %s: %s to %+v at clock %d: the last command was at %d, the earliest clock is %d, legal %t",
		c.standard.Name, cmd, *a, at, c.lastIssued, c.Earliest(cmd, a), c.Legal(cmd, a)))
}
