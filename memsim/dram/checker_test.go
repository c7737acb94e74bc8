package dram

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// forEachStandard runs a test on every built-in standard.
func forEachStandard(t *testing.T, test func(t *testing.T, s *Standard)) {
	for _, name := range Standards() {
		t.Run(name, func(t *testing.T) { test(t, loadStandard(t, name)) })
	}
}

// ofRow gives two addresses between which a row applies, in a copy of the
// standard that has ranks enough.
func ofRow(s *Standard, row *Constraint) (*Standard, Address, Address) {
	other := *s
	var from, to Address
	if row.Sibling {
		other.Organization.Ranks = max(other.Organization.Ranks, 2)
		to.Rank = 1
	}
	return &other, from, to
}

// TestEveryRowIsCaught: for every row of every standard and every pair of its
// commands, the checker objects one clock too early, by that row, and not at
// the first clock allowed.
func TestEveryRowIsCaught(t *testing.T) {
	forEachStandard(t, func(t *testing.T, s *Standard) {
		for i := range s.Constraints {
			row := &s.Constraints[i]
			for _, after := range row.After {
				for _, before := range row.Before {
					two, from, to := ofRow(s, row)
					k := NewChecker(two)
					const start = 1000
					for n := range row.Window {
						k.record(after, from, start+Clock(n))
					}
					named := func(at Clock) bool {
						return slices.ContainsFunc(k.Rows(before, to, at), func(v Violation) bool { return v.Row == i })
					}
					if !named(start + row.Clocks - 1) {
						t.Errorf("%s: %s %d clocks after %s passes", row, before, row.Clocks-1, after)
					}
					if named(start + row.Clocks) {
						t.Errorf("%s: %s %d clocks after %s is refused", row, before, row.Clocks, after)
					}
				}
			}
		}
	})
}

// TestChannelKeepsEveryRow: a channel that knows one row alone allows the
// second command at exactly the clock of the row, and any other command and
// any address out of the row's reach at once.
func TestChannelKeepsEveryRow(t *testing.T) {
	forEachStandard(t, func(t *testing.T, s *Standard) {
		for _, row := range s.Constraints {
			for _, after := range row.After {
				alone, from, to := ofRow(s, &row)
				alone.Organization.Ranks = max(alone.Organization.Ranks, 2)
				alone.Constraints = []Constraint{row}
				c := alone.NewChannel()
				const start = 1000
				for n := range row.Window {
					c.update(after, &from, start+Clock(n))
				}
				for cmd := Activate; cmd < commandCount; cmd++ {
					want := Clock(0)
					if slices.Contains(row.Before, cmd) {
						want = start + row.Clocks
					}
					if got := c.Earliest(cmd, &to); got != want {
						t.Errorf("%s: after %s, %s from %d, want %d", &row, after, cmd, got, want)
					}
				}
				if beyond, ok := outOfReach(alone, &row, from); ok {
					if got := c.Earliest(row.Before[0], &beyond); got != 0 {
						t.Errorf("%s: %s to %+v is delayed to %d", &row, row.Before[0], beyond, got)
					}
				}
			}
		}
	})
}

// outOfReach is an address that a row from another address does not concern.
func outOfReach(s *Standard, row *Constraint, from Address) (Address, bool) {
	if row.Sibling {
		return from, true
	}
	switch row.Level {
	case RankLevel:
		return Address{Rank: 1}, true
	case BankGroupLevel:
		return Address{BankGroup: 1}, s.Organization.BankGroups > 1
	case BankLevel:
		return Address{Bank: 1}, true
	}
	return Address{}, false
}

// stream issues random legal commands as early as a channel allows, sometimes
// later, and hands them to a visitor before they are issued.
func stream(s *Standard, seed uint64, commands int, visit func(c *Channel, cmd Command, a Address, at Clock)) {
	random := rand.New(rand.NewPCG(seed, 1))
	o := &s.Organization
	c := s.NewChannel()
	last, lastColumn := Clock(-1), false
	for range commands {
		var cmd Command
		a := Address{}
		for tries := 0; ; tries++ {
			cmd = Command(1 + random.IntN(int(commandCount)-1))
			if tries > 50 {
				cmd = PrechargeAll // so that refreshes get their turn
			}
			if cmd.WholeRank() && cmd == PrechargeAll && random.IntN(8) > 0 {
				continue
			}
			// Few rows and banks, so that commands meet.
			a = Address{
				Rank: random.Int32N(o.Ranks), BankGroup: random.Int32N(min(o.BankGroups, 3)),
				Bank: random.Int32N(min(o.BanksPerGroup, 3)), Row: random.Int32N(2), Column: random.Int32N(o.BurstsPerRow()),
			}
			if (cmd.IsColumn() || cmd == Precharge) && random.IntN(4) > 0 {
				a.Row = max(c.OpenRow(a.Rank, a.BankGroup, a.Bank), 0)
			}
			if c.Legal(cmd, &a) {
				break
			}
		}
		at := max(c.Earliest(cmd, &a), last+1)
		if s.CommandBus.Dual && cmd.IsColumn() != lastColumn && c.Earliest(cmd, &a) <= last {
			at = max(last, 0)
		}
		if random.IntN(4) == 0 {
			at += Clock(random.IntN(30))
		}
		visit(c, cmd, a, at)
		c.Issue(cmd, &a, at)
		if at > last {
			lastColumn = cmd.IsColumn()
		} else {
			last++ // both buses are taken in this clock
		}
		last = max(last, at)
	}
}

func streamLength() int {
	if testing.Short() {
		return 500
	}
	return 4000
}

// TestChannelAgreesWithChecker: in random legal streams the clock that Channel
// computes from its arrays is the very first that the checker finds in the
// log: not one clock more is lost, none is gained.
func TestChannelAgreesWithChecker(t *testing.T) {
	forEachStandard(t, func(t *testing.T, s *Standard) {
		k := NewChecker(s)
		var issued [commandCount]int
		bound := map[int]bool{}
		stream(s, 7, streamLength(), func(c *Channel, cmd Command, a Address, at Clock) {
			issued[cmd]++
			earliest := c.Earliest(cmd, &a)
			if broken := k.Rows(cmd, a, max(earliest, k.last)); broken != nil {
				t.Fatalf("Channel is too early: %v", &broken[0])
			}
			if earliest > k.last && earliest > 0 { // the log keeps no more than rows can reach
				broken := k.Rows(cmd, a, earliest-1)
				if broken == nil {
					t.Fatalf("Channel delays %s to %+v until %d, but no row forbids %d", cmd, a, earliest, earliest-1)
				}
				for _, v := range broken {
					bound[v.Row] = true
				}
			}
			if err := k.Check(cmd, a, at); err != nil {
				t.Fatal(err)
			}
		})
		for cmd := Activate; cmd < commandCount; cmd++ {
			if issued[cmd] == 0 && (cmd != RefreshPerBank || s.Timing.RFCPB > 0) {
				t.Errorf("the stream has no %s", cmd)
			}
		}
		if len(bound) < len(s.Constraints)/3 {
			t.Errorf("only %d of %d rows ever decide", len(bound), len(s.Constraints))
		}
	})
}

// TestOneClockEarlyInAStream: a legal stream with one command moved one clock
// ahead of its time fails at that command.
func TestOneClockEarlyInAStream(t *testing.T) {
	forEachStandard(t, func(t *testing.T, s *Standard) {
		var log []logged
		var early []int // commands that follow a row to the clock
		stream(s, 11, 400, func(c *Channel, cmd Command, a Address, at Clock) {
			if at == c.Earliest(cmd, &a) && len(log) > 0 && at-1 > log[len(log)-1].at {
				early = append(early, len(log))
			}
			log = append(log, logged{cmd, a, at})
		})
		if len(early) < 50 {
			t.Fatalf("only %d commands are bound by a row", len(early))
		}
		for _, moved := range early[:50] {
			k := NewChecker(s)
			for i, l := range log[:moved+1] {
				if i == moved {
					l.at--
				}
				err := k.Check(l.command, l.address, l.at)
				if wrong := err != nil; wrong != (i == moved) {
					t.Fatalf("command %d of %d, %d is early: %v", i, len(log), moved, err)
				}
			}
		}
	})
}

func TestCheckerKnowsBanksAndBus(t *testing.T) {
	type step struct {
		cmd   Command
		a     Address
		at    Clock
		fails bool
	}
	row := func(r int32) Address { return Address{Row: r} }
	for name, steps := range map[string][]step{
		"read of a closed bank":      {{Read, row(0), 0, true}},
		"read of another row":        {{Activate, row(1), 0, false}, {Read, row(2), 100, true}},
		"activate twice":             {{Activate, row(1), 0, false}, {Activate, row(1), 1000, true}},
		"precharge twice":            {{Activate, row(1), 0, false}, {Precharge, row(1), 100, false}, {Precharge, row(1), 200, true}},
		"read after auto-precharge":  {{Activate, row(1), 0, false}, {ReadAutoPrecharge, row(1), 100, false}, {Read, row(1), 200, true}},
		"refresh of an open rank":    {{Activate, row(1), 0, false}, {RefreshAllBank, row(0), 1000, true}},
		"refresh after precharge":    {{Activate, row(1), 0, false}, {PrechargeAll, row(0), 100, false}, {RefreshAllBank, row(0), 1000, false}},
		"refresh of one bank":        {{RefreshPerBank, row(0), 0, true}},
		"time runs backwards":        {{Activate, row(1), 10, false}, {Read, row(1), 9, true}},
		"two commands in a clock":    {{Activate, row(1), 0, false}, {Activate, Address{BankGroup: 1}, 0, true}},
		"no such bank":               {{Activate, Address{Bank: 4}, 0, true}},
		"no such column":             {{Activate, row(0), 0, false}, {Read, Address{Column: 128}, 100, true}},
		"no such command":            {{commandCount, row(0), 0, true}},
		"no command":                 {{InvalidCommand, row(0), 0, true}},
		"row and column in one slot": {{Activate, row(1), 0, false}, {Read, row(1), 100, false}, {Activate, Address{BankGroup: 1}, 100, true}},
	} {
		k := NewChecker(loadStandard(t, "ddr4-2400"))
		for i, s := range steps {
			err := k.Check(s.cmd, s.a, s.at)
			if (err != nil) != s.fails {
				t.Errorf("%s: step %d: %v", name, i, err)
			}
			var v *Violation
			if err != nil && (!errors.As(err, &v) || v.Row != -1 || v.At != s.at) {
				t.Errorf("%s: the error is %#v", name, err)
			}
		}
	}
	// With two command buses a read may share the clock of an activate.
	k := NewChecker(loadStandard(t, "hbm2"))
	for i, s := range []step{{Activate, row(1), 0, false}, {Read, row(1), 100, false}, {Activate, Address{BankGroup: 1}, 100, false}, {Read, row(1), 100, true}} {
		if err := k.Check(s.cmd, s.a, s.at); (err != nil) != s.fails {
			t.Errorf("two buses, step %d: %v", i, err)
		}
	}
}

func ExampleChecker() {
	s, _ := Load("ddr4-2400")
	k := NewChecker(s)
	a := Address{Row: 5}
	fmt.Println(k.Check(Activate, a, 100))
	fmt.Println(k.Check(Read, a, 116))
	// Output:
	// <nil>
	// RD at clock 116 to {Channel:0 Rank:0 BankGroup:0 Bank:0 Row:5 Column:0}: tRCD, read: ACT to RD/RDA, same bank, 17 clocks, counted from clock 100, so not before 117
}
