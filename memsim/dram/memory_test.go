package dram

import (
	"testing"

	"github.com/npusim/npusim/memsim"
)

// runMemory submits requests as fast as they are accepted and returns the
// time of the last completion.
func runMemory(t testing.TB, m *Memory, requests int, request func(i int) memsim.Request) memsim.Picoseconds {
	t.Helper()
	var now memsim.Picoseconds
	var done []memsim.Completion
	finished := 0
	step := func() {
		next, ok := m.Next()
		if !ok || next <= now {
			t.Fatalf("after %d of %d completions at %d the next event is %d, %t", finished, requests, now, next, ok)
		}
		now = next
		done = m.Advance(now, done[:0])
		finished += len(done)
	}
	for i := range requests {
		for !m.Submit(now, request(i)) {
			step()
		}
	}
	for finished < requests {
		step()
	}
	if _, ok := m.Next(); ok {
		t.Fatal("all requests are complete and something is in flight")
	}
	return now
}

// TestMemoryStream: 4 KiB requests stream at the rate of the standard over any
// number of channels, with both policies and every command checked.
func TestMemoryStream(t *testing.T) {
	for _, c := range []struct {
		standard   string
		controller Controller
		channels   int
	}{
		{"ddr4-3200", DefaultController(), 1},
		{"lpddr5-6400", DefaultController(), 4},
		{"hbm2", DefaultController(), 8},
		{"dramsim3-ddr4-3200", dramsim3Controller("rorabacobgch"), 2},
	} {
		s := loadStandard(t, c.standard)
		for _, write := range []bool{false, true} {
			m, err := NewMemory(s, c.controller, c.channels)
			if err != nil {
				t.Fatal(err)
			}
			wide, err := s.WithChannels(c.channels)
			if err != nil {
				t.Fatal(err)
			}
			m.SetLog(checked(t, wide))
			const requests, bytes = 1000, 4096
			end := runMemory(t, m, requests, func(i int) memsim.Request {
				return memsim.Request{ID: uint64(i), Address: uint64(i) * bytes, Bytes: bytes, Write: write}
			})
			share := requests * bytes / (float64(end) * 1e-12) / float64(m.PeakBytesPerSecond())
			want := 1 - float64(s.Timing.RFC)/float64(s.Timing.REFI) - 0.01
			if share < want-0.06 || share > 1 {
				t.Errorf("%s, %d channels, writes %t: %.3f of peak, expected some %.3f", c.standard, c.channels, write, share, want)
			}
			stats := m.Stats(end)
			if n := stats.ReadCommands() + stats.WriteCommands(); n*stats.BytesPerAccess != requests*bytes || stats.PendingWrites != 0 {
				t.Errorf("%s: %d commands of %d bytes for %d bytes, %d writes pending", c.standard, n, stats.BytesPerAccess, requests*bytes, stats.PendingWrites)
			}
		}
	}
}

// TestMemoryLatency: one burst takes CL + burst + tRCD after the next clock
// edge.
func TestMemoryLatency(t *testing.T) {
	s := loadStandard(t, "ddr4-2400")
	m, err := NewMemory(s, DefaultController(), 1)
	if err != nil {
		t.Fatal(err)
	}
	m.Submit(10, memsim.Request{ID: 7, Address: 100, Bytes: 4})
	want := memsim.Picoseconds(1+s.Timing.RCD+s.ReadLatency()) * memsim.Picoseconds(s.ClockPicoseconds)
	if done := m.Advance(want-1, nil); len(done) != 0 {
		t.Fatalf("complete too early: %v", done)
	}
	if done := m.Advance(want, nil); len(done) != 1 || done[0] != (memsim.Completion{ID: 7, Time: want}) {
		t.Errorf("got %v, want completion at %d", done, want)
	}
	if !m.Submit(want, memsim.Request{ID: 8}) {
		t.Fatal("an empty request is refused")
	}
	if done := m.Advance(want+5000, nil); len(done) != 1 || done[0].ID != 8 {
		t.Errorf("an empty request: %v", done)
	}
}

// BenchmarkMemory is 4 KiB requests, a quarter of them writes, as the DMA units
// of an NPU make them; one operation is one burst of 64 bytes.
func BenchmarkMemory(b *testing.B) {
	s := loadStandard(b, "ddr4-3200")
	m, err := NewMemory(s, DefaultController(), 1)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	runMemory(b, m, (b.N+63)/64, func(i int) memsim.Request {
		return memsim.Request{ID: uint64(i), Address: uint64(i%4)<<28 + uint64(i/4)*4096, Bytes: 4096, Write: i%4 == 3}
	})
}
