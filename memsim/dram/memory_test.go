package dram

import (
	"fmt"
	"testing"

	"github.com/npusim/npusim/memsim"
)

// runMemory submits requests as fast as they are accepted and returns the
// time of the last completion.
func runMemory(t testing.TB, m *Memory, requests int, request func(i int) memsim.Request) memsim.Picoseconds {
	t.Helper()
	return drive(t, m, requests, request, func(memsim.Completion) {})
}

// playMemory does so with a list of requests.
func playMemory(t fataler, m *Memory, list []memsim.Request, complete func(memsim.Completion)) memsim.Picoseconds {
	return drive(t, m, len(list), func(i int) memsim.Request { return list[i] }, complete)
}

type fataler interface {
	Fatal(...any)
	Fatalf(string, ...any)
}

func drive(t fataler, m *Memory, requests int, request func(i int) memsim.Request, complete func(memsim.Completion)) memsim.Picoseconds {
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
		for _, c := range done {
			complete(c)
		}
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
	if done := m.Advance(want, nil); len(done) != 1 || done[0] != (memsim.Completion{ID: 7, Time: want, Activates: 1, Bursts: 1}) {
		t.Errorf("got %v, want completion at %d", done, want)
	}
	if !m.Submit(want, memsim.Request{ID: 8}) {
		t.Fatal("an empty request is refused")
	}
	if done := m.Advance(want+5000, nil); len(done) != 1 || done[0].ID != 8 {
		t.Errorf("an empty request: %v", done)
	}
}

// BenchmarkMemory is requests as the DMA units of an NPU make them, as fast as
// they are taken; one operation is one burst of 64 bytes.
func BenchmarkMemory(b *testing.B) {
	random := splitMix(1)
	for _, traffic := range []struct {
		name    string
		bytes   int
		request func(i int) memsim.Request
	}{
		{"stream", 4096, func(i int) memsim.Request { return memsim.Request{Address: uint64(i) * 4096} }},
		{"three reads one write", 4096, func(i int) memsim.Request {
			return memsim.Request{Address: uint64(i%4)<<28 + uint64(i/4)*4096, Write: i%4 == 3}
		}},
		{"small", 256, func(i int) memsim.Request {
			return memsim.Request{Address: uint64(i%4)<<28 + uint64(i/4)*1024, Write: i%4 == 3}
		}},
		{"random", 64, func(i int) memsim.Request {
			return memsim.Request{Address: random.next() % (1 << 30) &^ 63, Write: i%4 == 3}
		}},
	} {
		for _, channels := range []int{1, 2, 4} {
			b.Run(fmt.Sprintf("%s/%d channels", traffic.name, channels), func(b *testing.B) {
				m, err := NewMemory(loadStandard(b, "ddr4-3200"), DefaultController(), channels)
				if err != nil {
					b.Fatal(err)
				}
				b.ReportAllocs()
				perRequest := traffic.bytes / 64
				runMemory(b, m, (b.N+perRequest-1)/perRequest, func(i int) memsim.Request {
					r := traffic.request(i)
					r.ID, r.Bytes = uint64(i), uint32(traffic.bytes)
					return r
				})
			})
		}
	}
}
