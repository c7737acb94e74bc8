package dram

import "testing"

// achieved fails if a replay moved more than its peak.
func achieved(t fataler, what string, stats *Stats) float64 {
	got := stats.BytesPerSecond()
	if got > float64(stats.PeakBytesPerSec)*(1+1e-9) {
		t.Fatalf("%s: %g of %d bytes/s", what, got, stats.PeakBytesPerSec)
	}
	return got
}

// TestAchievedBandwidth: what was moved is what read and write commands moved;
// requests that are merged, forwarded or pending do not count.
func TestAchievedBandwidth(t *testing.T) {
	preset, ok := FindPreset("dramsim3-ddr4-2400")
	if !ok {
		t.Fatal("no preset")
	}
	s := loadStandard(t, preset.Standard)

	writes := replayList(t, s, preset.Controller, []TraceRequest{{Write: true}, {Write: true}, {Write: true}})
	if got := achieved(t, "three writes to one burst", &writes); got != 0 || writes.PendingWrites+writes.MergedWrites != 3 {
		t.Errorf("three writes to one burst move %g bytes/s; %d pending, %d merged", got, writes.PendingWrites, writes.MergedWrites)
	}

	list := make([]TraceRequest, 30_000)
	for i := range list {
		list[i].Address = uint64(i) * 32 // two in every burst
	}
	halves := replayList(t, s, preset.Controller, list)
	got := achieved(t, "reads of half bursts", &halves)
	if want := float64(halves.ReadCommands()*64) / halves.Seconds(); got != want || halves.MergedReads+halves.ReadCommands() != 30_000 || halves.MergedReads == 0 {
		t.Errorf("reads of half bursts: %g bytes/s, want %g; %d commands, %d merged", got, want, halves.ReadCommands(), halves.MergedReads)
	}

	// Where every request takes a command, all count.
	random := splitMix(3)
	for i := range list {
		list[i].Address = uint64(i)*64 + random.next()%64
	}
	stream := replayList(t, s, preset.Controller, list)
	if got, want := achieved(t, "a stream", &stream), 30_000*64/stream.Seconds(); got != want {
		t.Errorf("a stream moves %g bytes/s, want %g", got, want)
	}

	for _, p := range controllers() {
		s := loadStandard(t, p.Standard)
		for _, l := range lawTraffic(300, 4) {
			stats := replayList(t, s, p.Controller, l.trace(s))
			achieved(t, p.Name+", "+l.name, &stats)
		}
	}
}

// TestUnloadedReadOfDRAMsim3: its presets take two clocks more than the devices,
// one to the command queue and one for the callback.
func TestUnloadedReadOfDRAMsim3(t *testing.T) {
	for _, p := range Presets() {
		if p.Controller.Scheduling != BankQueues {
			continue
		}
		s := loadStandard(t, p.Standard)
		_, closed, _ := s.UnloadedRead()
		stats := replayList(t, s, p.Controller, []TraceRequest{{Clock: 100}})
		if got := stats.AverageReadLatency(); got != float64(closed+2) {
			t.Errorf("%s: a read alone takes %g clocks, the devices %d", p.Name, got, closed)
		}
	}
}
