package dram

import (
	"testing"

	"github.com/npusim/npusim/memsim"
)

// withOutstanding runs 64-byte requests with no more than so many in flight
// and returns the time of the last completion.
func withOutstanding(t fataler, m *Memory, list []memsim.Request, outstanding int, complete func(memsim.Completion)) memsim.Picoseconds {
	var now memsim.Picoseconds
	var done []memsim.Completion
	sent, finished := 0, 0
	for finished < len(list) {
		for sent < len(list) && sent-finished < outstanding && m.Submit(now, list[sent]) {
			sent++
		}
		next, ok := m.Next()
		if !ok || next <= now {
			t.Fatalf("after %d of %d completions at %d the next event is %d, %t", finished, len(list), now, next, ok)
		}
		now = next
		done = m.Advance(now, done[:0])
		for _, c := range done {
			complete(c)
		}
		finished += len(done)
	}
	return now
}

// TestOutstandingRequests: more requests in flight never lower the bandwidth of
// a memory with many channels, and from 64 to 512 they raise it.
func TestOutstandingRequests(t *testing.T) {
	s := loadStandard(t, "hbm2")
	random := splitMix(5)
	list := make([]memsim.Request, 6000)
	for i := range list {
		list[i] = memsim.Request{ID: uint64(i), Address: random.next() % (1 << 30) &^ 63, Bytes: 64}
	}
	var times []memsim.Picoseconds
	for _, outstanding := range []int{16, 64, 128, 512, 4096} {
		m, err := NewMemory(s, DefaultController(), 32)
		if err != nil {
			t.Fatal(err)
		}
		times = append(times, withOutstanding(t, m, list, outstanding, func(memsim.Completion) {}))
	}
	for i := 1; i < len(times); i++ {
		if float64(times[i]) > 1.02*float64(times[i-1]) {
			t.Errorf("more requests in flight take longer: %d", times)
		}
	}
	if float64(times[3]) > 0.5*float64(times[1]) {
		t.Errorf("512 requests in flight take %d ps, 64 take %d", times[3], times[1])
	}
}

// TestMostRequests: a memory takes two DMA units' 4096 requests each and refuses
// what exceeds its bound until one is complete.
func TestMostRequests(t *testing.T) {
	m, err := NewMemory(loadStandard(t, "ddr4-2400"), DefaultController(), 1)
	if err != nil {
		t.Fatal(err)
	}
	taken := 0
	for m.Submit(0, memsim.Request{ID: uint64(taken), Address: uint64(taken) * 64, Bytes: 64, Write: taken%3 == 0}) {
		taken++
	}
	if taken != maxRequests || taken < 2*4096 {
		t.Fatalf("%d requests are taken, want %d", taken, maxRequests)
	}
	var done []memsim.Completion
	for len(done) == 0 {
		next, _ := m.Next()
		done = m.Advance(next, done)
	}
	for range done {
		if !m.Submit(done[0].Time, memsim.Request{Bytes: 64}) {
			t.Fatal("refused although a request is complete")
		}
	}
	if m.Submit(done[0].Time, memsim.Request{Bytes: 64}) {
		t.Fatal("more than the bound is taken")
	}
}
