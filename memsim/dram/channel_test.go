package dram

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// TestLegal: what a closed bank, an open bank and their neighbours allow.
func TestLegal(t *testing.T) {
	s := loadStandard(t, "lpddr5-6400")
	c := s.NewChannel()
	open, otherRow, otherBank := Address{Row: 7}, Address{Row: 8}, Address{Bank: 1, Row: 7}
	legal := func(a *Address) string {
		var list []string
		for cmd := InvalidCommand; cmd <= commandCount; cmd++ {
			if c.Legal(cmd, a) {
				list = append(list, cmd.String())
			}
		}
		return strings.Join(list, " ")
	}
	const closed = "ACT PREA REFab REFpb"
	if got := legal(&open); got != closed {
		t.Errorf("a closed bank allows %s", got)
	}
	c.Issue(Activate, &open, 10)
	for _, check := range []struct {
		a    *Address
		want string
	}{{&open, "PRE PREA RD WR RDA WRA"}, {&otherRow, "PRE PREA"}, {&otherBank, "ACT PREA REFpb"}} {
		if got := legal(check.a); got != check.want {
			t.Errorf("%+v allows %s, want %s", *check.a, got, check.want)
		}
	}
	if c.OpenRow(0, 0, 0) != 7 || c.OpenRow(0, 0, 1) != -1 || c.OpenBanks(0) != 1 {
		t.Errorf("open rows %d, %d; open banks %d", c.OpenRow(0, 0, 0), c.OpenRow(0, 0, 1), c.OpenBanks(0))
	}
	c.Issue(ReadAutoPrecharge, &open, 100)
	if got := legal(&open); got != closed {
		t.Errorf("after auto-precharge: %s", got)
	}
	c.Issue(Activate, &open, 200)
	c.Issue(Activate, &otherBank, 204)
	c.Issue(PrechargeAll, &open, 300)
	if got := legal(&otherBank); got != closed || c.OpenBanks(0) != 0 {
		t.Errorf("after PREA: %s", got)
	}
	if loadStandard(t, "ddr4-2400").NewChannel().Legal(RefreshPerBank, &open) {
		t.Error("DDR4 allows REFpb")
	}
}

// TestIssuePanics: a controller that breaks a rule does not get away with it.
func TestIssuePanics(t *testing.T) {
	for name, broken := range map[string]func(c *Channel, a *Address){
		"too early": func(c *Channel, a *Address) { c.Issue(Read, a, 16) },
		"not legal": func(c *Channel, a *Address) { c.Issue(Activate, a, 1000) },
		"time goes back": func(c *Channel, a *Address) {
			c.Issue(Read, a, 100)
			c.Issue(Activate, &Address{Bank: 1}, 99)
		},
	} {
		func() {
			defer func() {
				if text, ok := recover().(string); !ok || !strings.Contains(text, "ddr4-2400") {
					t.Errorf("%s: recovered %q", name, text)
				}
			}()
			c := loadStandard(t, "ddr4-2400").NewChannel()
			a := Address{Row: 1}
			c.Issue(Activate, &a, 0)
			broken(c, &a)
		}()
	}
}

// interval is the average distance of reads that follow each other at once,
// over open rows of the given bank groups in turn.
func interval(s *Standard, groups int32) float64 {
	c := s.NewChannel()
	at := Clock(0)
	next := func(cmd Command, a *Address) {
		at = max(at+1, c.Earliest(cmd, a))
		c.Issue(cmd, a, at)
	}
	for g := range groups {
		next(Activate, &Address{BankGroup: g})
	}
	for g := range groups {
		next(Read, &Address{BankGroup: g})
	}
	start := at
	const reads = 1200
	for i := range int32(reads) {
		next(Read, &Address{BankGroup: i % groups})
	}
	return float64(at-start) / reads
}

// TestColumnRate: reads of one bank group come every tCCD_L, of several every
// tCCD_S or burst.
func TestColumnRate(t *testing.T) {
	forEachStandard(t, func(t *testing.T, s *Standard) {
		if got, want := interval(s, 1), float64(max(s.Timing.CCDL, s.Timing.Burst)); got != want {
			t.Errorf("one bank group: a read every %g clocks, want %g", got, want)
		}
		if groups := s.Organization.BankGroups; groups > 1 {
			if got, want := interval(s, groups), float64(max(s.Timing.CCDS, s.Timing.Burst)); got != want {
				t.Errorf("%d bank groups: a read every %g clocks, want %g", groups, got, want)
			}
		}
	})
}

// TestActivateRate: four activates per tFAW and no more, none lost.
func TestActivateRate(t *testing.T) {
	forEachStandard(t, func(t *testing.T, s *Standard) {
		c, o := s.NewChannel(), &s.Organization
		at := Clock(-1)
		var times []Clock
		for i := range min(o.BanksPerRank(), 8) {
			a := Address{BankGroup: i % o.BankGroups, Bank: i / o.BankGroups}
			at = max(at+1, c.Earliest(Activate, &a))
			c.Issue(Activate, &a, at)
			times = append(times, at)
		}
		want := max(s.Timing.FAW, 4*s.Timing.RRDS)
		if got := times[4] - times[0]; got != want {
			t.Errorf("the fifth activate comes after %d clocks, want %d; all: %v", got, want, times)
		}
	})
}

// hotLoop issues random reads and writes as they come: the device side of a
// simulator's work.
func hotLoop(c *Channel, addresses []Address, at Clock) Clock {
	for i := range addresses {
		a := &addresses[i]
		if row := c.OpenRow(a.Rank, a.BankGroup, a.Bank); row != a.Row {
			if row >= 0 {
				at = max(at+1, c.Earliest(Precharge, a))
				c.Issue(Precharge, a, at)
			}
			at = max(at+1, c.Earliest(Activate, a))
			c.Issue(Activate, a, at)
		}
		cmd := Read
		if i%4 == 0 {
			cmd = Write
		}
		at = max(at+1, c.Earliest(cmd, a))
		c.Issue(cmd, a, at)
	}
	return at
}

func randomAddresses(o *Organization, n int) []Address {
	random := rand.New(rand.NewPCG(3, 1))
	list := make([]Address, n)
	for i := range list {
		list[i] = Address{
			Rank: random.Int32N(o.Ranks), BankGroup: random.Int32N(o.BankGroups), Bank: random.Int32N(o.BanksPerGroup),
			Row: random.Int32N(4), Column: random.Int32N(o.BurstsPerRow()),
		}
	}
	return list
}

func TestHotLoopDoesNotAllocate(t *testing.T) {
	s := loadStandard(t, "dramsim3-ddr4-2400")
	c, addresses, at := s.NewChannel(), randomAddresses(&s.Organization, 64), Clock(0)
	if n := testing.AllocsPerRun(100, func() { at = hotLoop(c, addresses, at) }); n != 0 {
		t.Errorf("%g allocations", n)
	}
}

// BenchmarkChannel is nanoseconds per request; a random request takes two to
// three commands.
func BenchmarkChannel(b *testing.B) {
	for _, name := range []string{"dramsim3-ddr4-2400", "lpddr5-6400"} {
		s := loadStandard(b, name)
		for _, kind := range []string{"random", "stream"} {
			b.Run(name+"/"+kind, func(b *testing.B) {
				addresses := randomAddresses(&s.Organization, 1024)
				if kind == "stream" {
					for i := range addresses {
						addresses[i] = Address{BankGroup: int32(i) % s.Organization.BankGroups}
					}
				}
				c, at := s.NewChannel(), Clock(0)
				b.ReportAllocs()
				for i := 0; i < b.N; i += len(addresses) {
					at = hotLoop(c, addresses, at)
				}
			})
		}
	}
}
