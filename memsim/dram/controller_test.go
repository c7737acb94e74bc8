package dram

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// loadStandard loads or fails.
func loadStandard(t testing.TB, name string) *Standard {
	t.Helper()
	s, err := Load(name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// replayList replays requests with the checker on every command.
func replayList(t testing.TB, s *Standard, c Controller, list []TraceRequest) Stats {
	t.Helper()
	stats, err := Replay(s, c, &SliceTrace{Requests: list}, ReplayOptions{Log: checked(t, s)})
	if err != nil {
		t.Fatal(err)
	}
	return stats
}

// change returns a controller with one thing changed.
func change(c Controller, with func(*Controller)) Controller {
	with(&c)
	return c
}

// controllers is the table of configurations that the tests go through.
func controllers() []Preset {
	list := Presets()
	plain := DefaultController()
	add := func(name, standard string, c Controller) { list = append(list, Preset{name, standard, c, 1}) }
	for _, standard := range []string{"ddr4-2400", "ramulator2-lpddr5-6400", "ramulator2-hbm2"} {
		add("default, "+standard, standard, plain)
		add("closed rows, "+standard, standard, change(plain, func(c *Controller) { c.RowPolicy = ClosedRow }))
		add("timeout, "+standard, standard, change(plain, func(c *Controller) { c.RowPolicy, c.RowTimeout = TimeoutRow, 50 }))
		add("ranks in turn, "+standard, standard, change(plain, func(c *Controller) { c.Refresh = RanksInTurn }))
		add("no refresh, hash, "+standard, standard, change(plain, func(c *Controller) { c.Refresh, c.HashBanks = NoRefresh, true }))
		add("small buffers, "+standard, standard, change(plain, func(c *Controller) { c.ReadEntries, c.WriteEntries, c.IssueWidth = 1, 2, 3 }))
	}
	for _, standard := range []string{"ramulator2-lpddr5-6400", "ramulator2-hbm2", "hbm2"} {
		add("per-bank refresh, "+standard, standard, change(plain, func(c *Controller) { c.Refresh = BanksInTurn }))
	}
	add("writes drained to the last", "ddr4-2400", change(plain, func(c *Controller) { c.WriteLow, c.WriteHigh = 0, 0 }))
	queues := dramsim3Controller("rochrababgco")
	add("queues, closed rows", "dramsim3-ddr4-3200", change(queues, func(c *Controller) { c.RowPolicy = ClosedRow }))
	add("queues, small", "dramsim3-ddr4-3200", change(queues, func(c *Controller) { c.ReadEntries, c.WriteEntries, c.BankEntries = 2, 3, 1 }))
	add("queues, per-bank refresh", "ramulator2-lpddr5-6400", change(queues, func(c *Controller) { c.Refresh = BanksInTurn }))
	return list
}

// drawTrace is traffic with streams, hot rows, repeats and pauses.
func drawTrace(t *rapid.T, s *Standard, most int) []TraceRequest {
	size := uint64(s.Organization.BytesPerAccess())
	span := uint64(1) << rapid.IntRange(8, 32).Draw(t, "span bits")
	writes := rapid.IntRange(0, 100).Draw(t, "writes %")
	pause := rapid.SampledFrom([]int{0, 0, 0, 3, 40, 700}).Draw(t, "pause")
	jumps := rapid.SampledFrom([]int{0, 5, 50, 100}).Draw(t, "jumps %")
	random := splitMix(rapid.Uint64().Draw(t, "seed"))
	list := make([]TraceRequest, rapid.IntRange(1, most).Draw(t, "requests"))
	var address uint64
	var clock Clock
	for i := range list {
		if int(random.next()%100) < jumps {
			address = random.next()
		}
		if pause > 0 && random.next()%8 == 0 {
			clock += Clock(random.next() % uint64(8*pause))
		}
		list[i] = TraceRequest{Address: address % span, Write: int(random.next()%100) < writes, Clock: clock}
		address += size
	}
	return list
}

// TestJumpsChangeNothing: jumping to the clocks at which something can happen
// and playing streams apart give what visiting every clock gives, command by
// command, on all policies; and every command passes the checker.
func TestJumpsChangeNothing(t *testing.T) {
	t.Parallel()
	for _, p := range controllers() {
		t.Run(p.Name, func(t *testing.T) {
			t.Parallel()
			jumpsChangeNothing(t, loadStandard(t, p.Standard), p.Controller)
		})
	}
	t.Run("128 banks", func(t *testing.T) {
		s := *loadStandard(t, "ddr5-4800")
		s.Organization.Ranks = 4
		jumpsChangeNothing(t, &s, DefaultController())
		jumpsChangeNothing(t, &s, dramsim3Controller("rochrababgco"))
	})
}

func jumpsChangeNothing(t *testing.T, s *Standard, c Controller) {
	type issued struct {
		channel int
		cmd     Command
		a       Address
		at      Clock
	}
	rapid.Check(t, func(rt *rapid.T) {
		list := drawTrace(rt, s, 1500)
		var logs [2][]issued
		var results [2]Stats
		for k := range logs {
			verify := checked(t, s)
			stats, err := Replay(s, c, &SliceTrace{Requests: list}, ReplayOptions{
				everyClock: k == 1,
				Log: func(channel int, cmd Command, a Address, at Clock) {
					logs[k] = append(logs[k], issued{channel, cmd, a, at})
					verify(channel, cmd, a, at)
				},
			})
			if err != nil {
				rt.Fatal(err)
			}
			stats.HostTime = 0
			results[k] = stats
		}
		if !slices.Equal(logs[0], logs[1]) {
			for i := range logs[0] {
				if i >= len(logs[1]) || logs[0][i] != logs[1][i] {
					rt.Fatalf("command %d of %d and %d differs: %+v", i, len(logs[0]), len(logs[1]), logs[0][i])
				}
			}
			rt.Fatalf("%d commands with jumps, %d without", len(logs[0]), len(logs[1]))
		}
		if !reflect.DeepEqual(results[0], results[1]) {
			rt.Fatalf("results differ:\n%s", cmp.Diff(results[0], results[1], cmp.AllowUnexported(Histogram{})))
		}
		var commands [commandCount]int64
		for _, l := range logs[0] {
			commands[l.cmd]++
		}
		if commands != results[0].Activity.Commands {
			rt.Fatalf("%v commands counted, %v issued", results[0].Activity.Commands, commands)
		}
		checkBanks(rt, s, &results[0])
	})
}

// TestServesEverything: all requests are served, bytes are compulsory, and the
// time is never shorter than the bytes take at peak bandwidth.
func TestServesEverything(t *testing.T) {
	t.Parallel()
	for _, p := range controllers() {
		t.Run(p.Name, func(t *testing.T) {
			s := loadStandard(t, p.Standard)
			rapid.Check(t, func(rt *rapid.T) {
				list := drawTrace(rt, s, 400)
				stats := replayList(t, s, p.Controller, list)
				var reads, writes int64
				distinct := map[uint64]bool{}
				for _, r := range list {
					if r.Write {
						writes++
					} else {
						reads++
					}
					distinct[r.Address/uint64(s.Organization.BytesPerAccess())] = true
				}
				if stats.Reads != reads || stats.Writes != writes {
					rt.Fatalf("%d reads and %d writes accepted of %d and %d", stats.Reads, stats.Writes, reads, writes)
				}
				if n := stats.ReadCommands() + stats.ForwardedReads + stats.MergedReads; n != reads {
					rt.Fatalf("%d of %d reads accounted for", n, reads)
				}
				if n := stats.WriteCommands() + stats.MergedWrites + stats.PendingWrites; n != writes || stats.PendingWrites < 0 {
					rt.Fatalf("%d of %d writes accounted for, %d pending", n, writes, stats.PendingWrites)
				}
				moved := stats.ReadCommands() + stats.WriteCommands()
				if n := moved + stats.PendingWrites; n < int64(len(distinct)) {
					rt.Fatalf("%d bursts moved or pending, %d different ones asked for", n, len(distinct))
				}
				// Data of the last writes is on the bus after the last clock.
				tail := s.Timing.CWL + s.Timing.Burst
				seconds := float64(stats.Cycles+tail) * float64(s.ClockPicoseconds) * 1e-12
				if bytes := float64(moved * stats.BytesPerAccess); bytes > seconds*float64(stats.PeakBytesPerSec)*(1+1e-9) {
					rt.Fatalf("%g bytes in %g s exceed the peak of %d bytes/s", bytes, seconds, stats.PeakBytesPerSec)
				}
				if e := stats.Energy; e.Total() <= 0 || e.Background <= 0 {
					rt.Fatalf("energy %+v", e)
				}
			})
		})
	}
}

// TestReadLatencyOfController: a read alone takes CL + burst when its row is open,
// tRCD more when the bank is closed and tRP more when another row is open.
func TestReadLatencyOfController(t *testing.T) {
	for _, name := range Standards() {
		s := loadStandard(t, name)
		if s.Organization.RanksAreIndependent {
			continue // the rows of this one count from the second clock of an activate
		}
		c := change(DefaultController(), func(c *Controller) { c.Refresh = NoRefresh })
		row := rowStride(t, s, c)
		size := uint64(s.Organization.BytesPerAccess()) * uint64(s.Organization.Channels*s.Organization.BankGroups)
		stats := replayList(t, s, c, []TraceRequest{
			{Address: 0}, {Address: size, Clock: 1000}, {Address: row, Clock: 2000},
		})
		tm := &s.Timing
		hit := tm.CL + tm.Burst
		if want := 3*hit + 2*tm.RCD + tm.RP; stats.ReadLatencySum != want || stats.RowHits != 1 || stats.RowMisses != 1 || stats.RowConflicts != 1 {
			t.Errorf("%s: three reads take %d clocks, want %d; hits %d, misses %d, conflicts %d",
				name, stats.ReadLatencySum, want, stats.RowHits, stats.RowMisses, stats.RowConflicts)
		}
		if want := hit + tm.RCD + tm.RP; stats.ReadLatencyMax != want {
			t.Errorf("%s: the conflict takes %d clocks, want %d", name, stats.ReadLatencyMax, want)
		}
	}
}

// rowStride is the distance of two addresses that differ in the row only.
func rowStride(t testing.TB, s *Standard, c Controller) uint64 {
	t.Helper()
	m, err := NewMapper(c.AddressMap, s, false)
	if err != nil {
		t.Fatal(err)
	}
	for stride := uint64(1); stride < 1<<60; stride *= 2 {
		if a := m.Map(stride); a == (Address{Row: 1}) {
			return stride
		}
	}
	t.Fatalf("%s: no row stride", s.Name)
	return 0
}

func readStream(count int, step uint64) []TraceRequest {
	list := make([]TraceRequest, count)
	for i := range list {
		list[i].Address = uint64(i) * step
	}
	return list
}

// TestStreamEfficiency: with bank groups interleaved a stream of reads reaches
// 1 - tRFC/tREFI - 1 %, within two points.
func TestStreamEfficiency(t *testing.T) {
	for _, name := range Standards() {
		s := loadStandard(t, name)
		c := change(DefaultController(), func(c *Controller) { c.IssueWidth = int(4 * s.Organization.Channels) })
		if s.Organization.RanksAreIndependent {
			c.AddressMap = "robacobgrach"
		}
		count := 40_000 * int(s.Organization.Channels)
		if testing.Short() || raceEnabled {
			count /= 2 // still a dozen refreshes
		}
		stats := replayList(t, s, c, readStream(count, uint64(s.Organization.BytesPerAccess())))
		got := stats.BytesPerSecond() / float64(stats.PeakBytesPerSec)
		want := 1 - float64(s.Timing.RFC)/float64(s.Timing.REFI) - 0.01
		t.Logf("%-24s %.3f of peak, expected %.3f", name, got, want)
		if got < want-0.02 || got > want+0.02 {
			t.Errorf("%s: a stream reaches %.3f of peak, expected %.3f", name, got, want)
		}
	}
}

// TestOneBankGroup: reads within one bank group reach at most burst/tCCD_L.
func TestOneBankGroup(t *testing.T) {
	for _, name := range Standards() {
		s := loadStandard(t, name)
		if s.Organization.BankGroups == 1 || s.Organization.RanksAreIndependent {
			continue
		}
		c := change(DefaultController(), func(c *Controller) { c.Refresh = NoRefresh })
		count := int(s.Organization.BurstsPerRow())
		stats := replayList(t, s, c, readStream(count, uint64(s.Organization.BytesPerAccess())*uint64(s.Organization.Channels*s.Organization.BankGroups)))
		if stats.RowMisses != 1 {
			t.Fatalf("%s: %d rows opened, meant to be one", name, stats.RowMisses)
		}
		peak := float64(stats.PeakBytesPerSec) / float64(s.Organization.Channels)
		got, most := stats.BytesPerSecond()/peak, float64(s.Timing.Burst)/float64(max(s.Timing.CCDL, s.Timing.Burst))
		if got > most || got < 0.6*most {
			t.Errorf("%s: one bank group reaches %.3f of peak, at most %.3f", name, got, most)
		}
	}
}

// TestRowHitCap: a stream to one row lets a request for another row of the
// bank wait for no more accesses than the cap.
func TestRowHitCap(t *testing.T) {
	s := loadStandard(t, "ddr4-2400")
	base := change(DefaultController(), func(c *Controller) { c.Refresh = NoRefresh; c.AddressMap = "rorababgcoch" })
	row := rowStride(t, s, base)
	list := readStream(100, 64)
	list[10].Address = row
	before := func(cap int) int {
		n, other := 0, -1
		c := change(base, func(c *Controller) { c.RowHitCap = cap })
		if _, err := Replay(s, c, &SliceTrace{Requests: list}, ReplayOptions{Log: func(_ int, cmd Command, a Address, _ Clock) {
			if cmd == Read {
				if a.Row == 1 && other < 0 {
					other = n
				}
				n++
			}
		}}); err != nil {
			t.Fatal(err)
		}
		return other
	}
	if got := before(4); got > 14 {
		t.Errorf("with a cap of 4 the other row is served after %d reads", got)
	}
	if got, limit := before(16), before(4); got < limit {
		t.Errorf("a higher cap serves the other row earlier: after %d reads instead of %d", got, limit)
	}
}

// TestWritesAreMergedAndForwarded, with both policies.
func TestWritesAreMergedAndForwarded(t *testing.T) {
	for _, name := range []string{"ramulator2-ddr4-3200", "dramsim3-ddr4-3200"} {
		preset, _ := FindPreset(name)
		s := loadStandard(t, preset.Standard)
		c := change(preset.Controller, func(c *Controller) { c.IssueWidth = 3 })
		stats := replayList(t, s, c, []TraceRequest{{Write: true}, {Write: true}, {}, {Address: 4096, Clock: 100}})
		if stats.MergedWrites != 1 || stats.ForwardedReads != 1 || stats.ReadCommands() != 1 {
			t.Errorf("%s: %d writes merged, %d reads forwarded, %d read commands", name, stats.MergedWrites, stats.ForwardedReads, stats.ReadCommands())
		}
	}
}

// TestPresets: names are unique and everything in them is valid.
func TestPresets(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range Presets() {
		if seen[p.Name] {
			t.Errorf("%s twice", p.Name)
		}
		seen[p.Name] = true
		s := loadStandard(t, p.Standard)
		if int(s.Organization.Channels) != p.Channels {
			t.Errorf("%s: %d channels, the standard has %d", p.Name, p.Channels, s.Organization.Channels)
		}
		if _, err := NewMemory(s, p.Controller, p.Channels); err != nil {
			t.Error(err)
		}
	}
	if _, ok := FindPreset("ddr9"); ok {
		t.Error("a preset that does not exist is found")
	}
}

// TestControllerValidate: every rule refuses.
func TestControllerValidate(t *testing.T) {
	good := DefaultController()
	if err := good.Validate(); err != nil {
		t.Fatal(err)
	}
	s := loadStandard(t, "ddr4-2400")
	for i, with := range []func(*Controller){
		func(c *Controller) { c.Scheduling = 0 },
		func(c *Controller) { c.ReadEntries = 0 },
		func(c *Controller) { c.WriteEntries = maxEntries + 1 },
		func(c *Controller) { c.WriteLow = 0.9 },
		func(c *Controller) { c.WriteHigh = 1 },
		func(c *Controller) { c.Scheduling, c.BankEntries = BankQueues, 0 },
		func(c *Controller) { c.IdleWrites = -1 },
		func(c *Controller) { c.RowHitCap = -1 },
		func(c *Controller) { c.RowPolicy = 9 },
		func(c *Controller) { c.RowPolicy = TimeoutRow },
		func(c *Controller) {
			c.Scheduling, c.BankEntries, c.RowPolicy, c.RowTimeout = BankQueues, 8, TimeoutRow, 9
		},
		func(c *Controller) { c.Refresh = 0 },
		func(c *Controller) { c.Refresh = BanksInTurn }, // DDR4 has none
		func(c *Controller) { c.ReturnClocks = -1 },
		func(c *Controller) { c.IssueWidth = 0 },
		func(c *Controller) { c.AddressMap = "roco" },
	} {
		if _, err := Replay(s, change(good, with), &SliceTrace{}, ReplayOptions{}); err == nil {
			t.Errorf("fault %d is accepted", i)
		}
	}
	if _, err := NewMemory(s, good, 3); err == nil {
		t.Error("3 channels are accepted")
	}
	_, err := Replay(s, change(good, func(c *Controller) { c.Refresh = BanksInTurn }), &SliceTrace{}, ReplayOptions{})
	if err == nil || !strings.Contains(err.Error(), "needs a standard that has it") {
		t.Errorf("per-bank refresh of DDR4: %v", err)
	}
	hopeless := *s
	hopeless.Timing.REFI = hopeless.Timing.RFC + 10
	if _, err := Replay(&hopeless, good, &SliceTrace{}, ReplayOptions{}); err == nil {
		t.Error("refresh that never ends is accepted")
	}
}

func ExampleReplay() {
	s, err := Load("ddr4-2400")
	if err != nil {
		fmt.Println(err)
		return
	}
	trace := &SliceTrace{Requests: []TraceRequest{{Address: 0}, {Address: 64}, {Address: 128, Write: true, Clock: 100}}}
	stats, err := Replay(s, DefaultController(), trace, ReplayOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(stats.Reads, stats.Writes, stats.Cycles)
	// Output: 2 1 101
}
