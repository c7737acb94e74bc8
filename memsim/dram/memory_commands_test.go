package dram

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/npusim/npusim/memsim"
)

// checkBanks holds the work of the banks against the commands of all of them
// and their order against that of the places.
func checkBanks(t fataler, s *Standard, stats *Stats) {
	var sum BankUse
	o := &s.Organization
	if want := int(o.Channels * o.Ranks * o.BankGroups * o.BanksPerGroup); len(stats.Banks) != want {
		t.Fatalf("%s: %d banks, want %d", s.Name, len(stats.Banks), want)
	}
	place := 0
	for channel := range int(o.Channels) {
		for rank := range int(o.Ranks) {
			for group := range int(o.BankGroups) {
				for bank := range int(o.BanksPerGroup) {
					b := stats.Banks[place]
					if b.Channel != channel || b.Rank != rank || b.BankGroup != group || b.Bank != bank {
						t.Fatalf("%s: place %d is %+v", s.Name, place, b)
					}
					sum.Activates += b.Activates
					sum.Bursts += b.Bursts
					place++
				}
			}
		}
	}
	if sum.Activates != stats.Activates() || sum.Bursts != stats.ReadCommands()+stats.WriteCommands() {
		t.Fatalf("%s: banks opened %d rows and moved %d bursts, commands say %d and %d",
			s.Name, sum.Activates, sum.Bursts, stats.Activates(), stats.ReadCommands()+stats.WriteCommands())
	}
}

// drawRequests is requests of any size to few or many places, with repeats.
func drawRequests(t *rapid.T, most int) []memsim.Request {
	span := uint64(1) << rapid.IntRange(7, 32).Draw(t, "span bits")
	writes := rapid.IntRange(0, 100).Draw(t, "writes %")
	largest := rapid.SampledFrom([]uint64{1, 64, 300, 5000}).Draw(t, "largest")
	random := splitMix(rapid.Uint64().Draw(t, "seed"))
	list := make([]memsim.Request, rapid.IntRange(1, most).Draw(t, "requests"))
	for i := range list {
		list[i] = memsim.Request{
			ID: uint64(i), Address: random.next() % span, Bytes: uint32(1 + random.next()%largest),
			Write: int(random.next()%100) < writes,
		}
	}
	return list
}

// TestCommandsOfRequests: what the completions say a request took adds up to
// the commands of the devices, bank by bank, on every policy, with merged
// writes, forwarded reads and rows that are closed by a refresh before they
// were used.
func TestCommandsOfRequests(t *testing.T) {
	t.Parallel()
	var merged, forwarded int64
	for _, p := range controllers() {
		t.Run(p.Name, func(t *testing.T) {
			s := *loadStandard(t, p.Standard)
			// Refreshes are ten times as frequent, if they can be.
			faster := s
			faster.Timing.REFI /= 10
			if checkRefresh(&faster, &p.Controller) == nil {
				s = faster
			}
			rapid.Check(t, func(rt *rapid.T) {
				m, err := NewMemory(&s, p.Controller, rapid.SampledFrom([]int{1, 2, 4}).Draw(rt, "channels"))
				if err != nil {
					rt.Fatal(err)
				}
				list := drawRequests(rt, 150)
				m.SetLog(checked(t, m.Standard()))
				var sum [2]int64
				end := playMemory(rt, m, list, func(c memsim.Completion) {
					if c.Activates < 0 || c.Bursts < 0 || int64(c.Bursts) > m.Moved(list[c.ID])>>m.burst {
						rt.Fatalf("request %+v took %d activates and %d bursts", list[c.ID], c.Activates, c.Bursts)
					}
					sum[0] += int64(c.Activates)
					sum[1] += int64(c.Bursts)
				})
				stats := m.Stats(end)
				if sum[0] != stats.Activates() || sum[1] != stats.ReadCommands()+stats.WriteCommands() {
					rt.Fatalf("requests took %d activates and %d bursts, the devices saw %d and %d + %d",
						sum[0], sum[1], stats.Activates(), stats.ReadCommands(), stats.WriteCommands())
				}
				if stats.PendingWrites != 0 {
					rt.Fatalf("%d writes complete and pending", stats.PendingWrites)
				}
				checkBanks(rt, m.Standard(), &stats)
				merged += stats.MergedWrites
				forwarded += stats.ForwardedReads
			})
		})
	}
	if merged == 0 || forwarded == 0 {
		t.Errorf("%d writes merged, %d reads forwarded: the test missed them", merged, forwarded)
	}
}

// TestUnloadedReadOfMemory: a read alone takes what the standard says, in
// every standard.
func TestUnloadedReadOfMemory(t *testing.T) {
	for _, name := range Standards() {
		s := loadStandard(t, name)
		c := change(DefaultController(), func(c *Controller) { c.Refresh = NoRefresh })
		m, err := NewMemory(s, c, 1)
		if err != nil {
			t.Fatal(err)
		}
		hit, closed, conflict := s.UnloadedRead()
		if want := s.Timing.CL + s.Timing.Burst; hit != want {
			t.Errorf("%s: a hit takes %d clocks, want CL + burst = %d", name, hit, want)
		}
		if want := hit + s.Timing.RCD + s.Timing.RP; conflict != want {
			t.Errorf("%s: a conflict takes %d clocks, want CL + burst + tRCD + tRP = %d", name, conflict, want)
		}
		now := memsim.Picoseconds(0)
		for i, access := range []struct {
			kind      string
			address   Address
			want      Clock
			activates int32
		}{
			{"closed", Address{Row: 3}, closed, 1},
			{"hit", Address{Row: 3, Column: 1}, hit, 0},
			{"conflict", Address{Row: 4}, conflict, 1},
		} {
			submitted := now
			if !m.Submit(now, memsim.Request{ID: uint64(i), Address: m.mapper.Unmap(access.address), Bytes: 1}) {
				t.Fatal("refused")
			}
			now += 1000 * m.clock
			done := m.Advance(now, nil)
			if len(done) != 1 {
				t.Fatalf("%s: %d completions", name, len(done))
			}
			// The request is offered at the next clock.
			if got := Clock((done[0].Time-submitted)/m.clock) - 1; got != access.want {
				t.Errorf("%s: %s takes %d clocks, want %d", name, access.kind, got, access.want)
			}
			if done[0].Activates != access.activates || done[0].Bursts != 1 {
				t.Errorf("%s: %s took %d activates and %d bursts", name, access.kind, done[0].Activates, done[0].Bursts)
			}
		}
	}
}
