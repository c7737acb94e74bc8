package dram

import "fmt"

// Checker verifies a log of commands of one channel: every constraint row, the
// state of the banks and the occupation of the command bus. It works from the
// table of the standard and shares no code with Channel, so that the two
// check each other.
type Checker struct {
	standard *Standard
	horizon  Clock               // no row reaches further back
	concern  [commandCount][]int // constraint rows that say something of a command
	history  [commandCount][]logged
	rows     []int32 // open row of every bank, -1 if none
	last     Clock
	busy     [2]logged // the latest command on the row and the column bus
	any      bool
}

// logged is a command of the log.
type logged struct {
	command Command
	address Address
	at      Clock
}

// Violation says which rule a command breaks.
type Violation struct {
	Command Command
	Address Address
	At      Clock
	Rule    string
	// Row is the index of the constraint row, -1 if another rule is broken.
	Row int
	// Earliest is the first clock at which the row allows the command.
	Earliest Clock
}

// Error is the violation in words.
func (v *Violation) Error() string {
	text := fmt.Sprintf("%s at clock %d to %+v: %s", v.Command, v.At, v.Address, v.Rule)
	if v.Row >= 0 {
		text += fmt.Sprintf(", so not before %d", v.Earliest)
	}
	return text
}

// NewChecker returns a checker that has seen no command.
func NewChecker(s *Standard) *Checker {
	o := &s.Organization
	k := &Checker{standard: s, rows: make([]int32, o.Ranks*o.BankGroups*o.BanksPerGroup)}
	for i := range k.rows {
		k.rows[i] = -1
	}
	for i, c := range s.Constraints {
		k.horizon = max(k.horizon, c.Clocks)
		for cmd := range k.concern {
			if contains(c.Before, Command(cmd)) {
				k.concern[cmd] = append(k.concern[cmd], i)
			}
		}
	}
	return k
}

// Check takes the next command of the log. The error, a *Violation, names the
// first rule that is broken; the command counts as issued all the same.
func (k *Checker) Check(cmd Command, a Address, at Clock) error {
	v := k.order(cmd, a, at)
	if v == nil {
		v = k.bankState(cmd, a, at)
	}
	if v == nil {
		if broken := k.Rows(cmd, a, at); len(broken) > 0 {
			v = &broken[0]
		}
	}
	if cmd.valid() && k.exists(a) {
		k.record(cmd, a, at)
	}
	if v != nil {
		return v
	}
	return nil
}

// exists says whether the standard has such an address.
func (k *Checker) exists(a Address) bool {
	o := &k.standard.Organization
	within := func(at, extent int32) bool { return at >= 0 && at < extent }
	return within(a.Channel, o.Channels) && within(a.Rank, o.Ranks) && within(a.BankGroup, o.BankGroups) &&
		within(a.Bank, o.BanksPerGroup) && within(a.Row, o.Rows) && within(a.Column, o.Columns/o.BurstLength)
}

// order checks that the command exists, time does not run backwards and the
// command bus is free.
func (k *Checker) order(cmd Command, a Address, at Clock) *Violation {
	fault := func(format string, arguments ...any) *Violation {
		return &Violation{Command: cmd, Address: a, At: at, Rule: fmt.Sprintf(format, arguments...), Row: -1}
	}
	switch {
	case !cmd.valid():
		return fault("no such command")
	case !k.exists(a):
		return fault("no such address")
	case k.any && at < k.last:
		return fault("the last command was at clock %d", k.last)
	case cmd == RefreshPerBank && k.standard.Timing.RFCPB == 0:
		return fault("the standard has no per-bank refresh")
	}
	if b := k.busy[k.bus(cmd)]; b.command != InvalidCommand && b.at == at {
		return fault("%s takes the command bus in this clock", b.command)
	}
	return nil
}

// bus is the command bus of a command: 1 for column commands where the
// standard has a bus of their own.
func (k *Checker) bus(cmd Command) int {
	switch cmd {
	case Read, Write, ReadAutoPrecharge, WriteAutoPrecharge:
		if k.standard.CommandBus.Dual {
			return 1
		}
	}
	return 0
}

// bankState checks that the bank is in the state the command needs.
func (k *Checker) bankState(cmd Command, a Address, at Clock) *Violation {
	row := *k.row(a)
	open, rule := row >= 0, ""
	switch cmd {
	case Activate, RefreshPerBank:
		if open {
			rule = fmt.Sprintf("row %d of the bank is open", row)
		}
	case Precharge:
		if !open {
			rule = "the bank is closed"
		}
	case Read, Write, ReadAutoPrecharge, WriteAutoPrecharge:
		if !open {
			rule = "the bank is closed"
		} else if row != a.Row {
			rule = fmt.Sprintf("row %d of the bank is open", row)
		}
	case RefreshAllBank:
		count := 0
		for _, row := range k.rank(a) {
			if row >= 0 {
				count++
			}
		}
		if count > 0 {
			rule = fmt.Sprintf("%d banks of the rank are open", count)
		}
	}
	if rule == "" {
		return nil
	}
	return &Violation{Command: cmd, Address: a, At: at, Rule: rule, Row: -1}
}

// Rows lists the constraint rows that a command at a clock would break after
// the commands so far, whatever the state of the bank.
func (k *Checker) Rows(cmd Command, a Address, at Clock) []Violation {
	var broken []Violation
	if !cmd.valid() {
		return nil
	}
	for _, i := range k.concern[cmd] {
		row := &k.standard.Constraints[i]
		since, ok := k.windowStart(row, a, at-row.Clocks)
		if ok && at < since+row.Clocks {
			broken = append(broken, Violation{
				Command: cmd, Address: a, At: at, Row: i, Earliest: since + row.Clocks,
				Rule: fmt.Sprintf("%s, counted from clock %d", row, since),
			})
		}
	}
	return broken
}

// windowStart is the clock of the Window-th latest command of row.After that
// concerns the address, if it came after a clock.
func (k *Checker) windowStart(row *Constraint, a Address, after Clock) (Clock, bool) {
	var latest [maxWindow]Clock // descending
	count := 0
	for _, cmd := range row.After {
		list := k.history[cmd]
		taken := 0
		for i := len(list) - 1; i >= 0 && list[i].at > after && taken < row.Window; i-- {
			if !concerns(row, &list[i].address, &a) {
				continue
			}
			taken++
			at := list[i].at
			for j := 0; j < row.Window; j++ { // insert at its place
				if j == count {
					latest[j], count = at, count+1
					break
				}
				if at > latest[j] {
					at, latest[j] = latest[j], at
				}
			}
		}
	}
	if count < row.Window {
		return 0, false
	}
	return latest[row.Window-1], true
}

// concerns says whether a command to one address constrains, by a row, a
// command to another.
func concerns(row *Constraint, from, to *Address) bool {
	if row.Sibling {
		return from.Rank != to.Rank
	}
	switch row.Level {
	case BankLevel:
		return from.Rank == to.Rank && from.BankGroup == to.BankGroup && from.Bank == to.Bank
	case BankGroupLevel:
		return from.Rank == to.Rank && from.BankGroup == to.BankGroup
	case RankLevel:
		return from.Rank == to.Rank
	}
	return true
}

func contains(list []Command, cmd Command) bool {
	for _, c := range list {
		if c == cmd {
			return true
		}
	}
	return false
}

// record takes a command into the history and lets go of what no row reaches.
func (k *Checker) record(cmd Command, a Address, at Clock) {
	k.last, k.any = max(k.last, at), true
	k.busy[k.bus(cmd)] = logged{cmd, a, at}
	list := append(k.history[cmd], logged{cmd, a, at})
	if len(list) == cap(list) {
		old := 0
		for old < len(list) && list[old].at+k.horizon < at {
			old++
		}
		if old > len(list)/2 {
			list = list[:copy(list, list[old:])]
		}
	}
	k.history[cmd] = list
	switch cmd {
	case Activate:
		*k.row(a) = a.Row
	case Precharge, ReadAutoPrecharge, WriteAutoPrecharge:
		*k.row(a) = -1
	case PrechargeAll:
		for i := range k.rank(a) {
			k.rank(a)[i] = -1
		}
	}
}

// rank is the part of the open rows that belongs to the rank of an address.
func (k *Checker) rank(a Address) []int32 {
	perRank := int32(len(k.rows)) / k.standard.Organization.Ranks
	return k.rows[a.Rank*perRank:][:perRank]
}

// row is the open row of the bank of an address.
func (k *Checker) row(a Address) *int32 {
	return &k.rank(a)[a.BankGroup*k.standard.Organization.BanksPerGroup+a.Bank]
}
