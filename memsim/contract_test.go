package memsim_test

import (
	"cmp"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/npusim/npusim/configs"
	"github.com/npusim/npusim/memsim"
	"github.com/npusim/npusim/memsim/dram"
)

// implementations is the table of memory models that must keep the contract of
// memsim.Memory. A new model joins by a row.
var implementations = []struct {
	name string
	make func() (memsim.Memory, error)
}{
	{"ideal 8.53 GB/s", func() (memsim.Memory, error) { return memsim.New(tier(configs.IdealTier, 1, 8.53, 59, 32)) }},
	{"linear 8.53 GB/s", func() (memsim.Memory, error) { return memsim.New(tier(configs.LinearTier, 1, 8.53, 59, 32)) }},
	{"linear 4 channels", func() (memsim.Memory, error) { return memsim.New(tier(configs.LinearTier, 4, 8.53, 59, 32)) }},
	{"linear without latency", func() (memsim.Memory, error) { return memsim.New(tier(configs.LinearTier, 1, 25.6, 0, 64)) }},
	{"linear slow", func() (memsim.Memory, error) { return memsim.New(tier(configs.LinearTier, 1, 0.001, 100, 64)) }},
	{"bank ddr4-2400", func() (memsim.Memory, error) { return bank("ddr4-2400", 1) }},
	{"bank ddr4-2400 2 channels", func() (memsim.Memory, error) { return bank("ddr4-2400", 2) }},
	{"bank ddr5-4800", func() (memsim.Memory, error) { return bank("ddr5-4800", 1) }},
	{"bank lpddr5-6400", func() (memsim.Memory, error) { return bank("lpddr5-6400", 1) }},
	{"bank hbm2 8 channels", func() (memsim.Memory, error) { return bank("hbm2", 8) }},
	{"bank dramsim3-ddr4-3200", func() (memsim.Memory, error) { return bank("dramsim3-ddr4-3200", 1) }},
	{"linear odd bandwidth", func() (memsim.Memory, error) { return memsim.NewLinear(7_777_777_777, 12_345, 16) }},
}

func tier(t configs.Tier, channels int, bandwidth, latency float64, burst int) *configs.DRAM {
	return &configs.DRAM{Channels: channels, Tier: t, BandwidthGBPerS: bandwidth, LatencyNS: latency, BurstBytes: burst, CapacityMiB: 1024, Efficiency: 1}
}

// bank is the bank-level memory with the controller that goes with a standard.
func bank(standard string, channels int) (memsim.Memory, error) {
	s, err := dram.Load(standard)
	if err != nil {
		return nil, err
	}
	controller := dram.DefaultController()
	if preset, ok := dram.FindPreset(standard); ok {
		controller = preset.Controller
	}
	return dram.NewMemory(s, controller, channels)
}

// forEach runs a property against every implementation.
func forEach(t *testing.T, property func(t *rapid.T, create func() memsim.Memory)) {
	for _, i := range implementations {
		t.Run(i.name, func(t *testing.T) {
			create := func() memsim.Memory {
				m, err := i.make()
				if err != nil {
					t.Fatal(err)
				}
				return m
			}
			rapid.Check(t, func(t *rapid.T) { property(t, create) })
		})
	}
}

// arrival is a request and the earliest time at which it is offered.
type arrival struct {
	memsim.Request
	at memsim.Picoseconds
}

func drawArrivals(t *rapid.T) []arrival {
	count := rapid.IntRange(1, 60).Draw(t, "requests")
	list := make([]arrival, count)
	var now memsim.Picoseconds
	for i := range list {
		now += memsim.Picoseconds(rapid.SampledFrom([]int64{0, 0, 1, 700, 12_000, 500_000}).Draw(t, "gap"))
		list[i] = arrival{memsim.Request{
			ID:      rapid.Uint64Range(0, 1000).Draw(t, "id"), // need not be unique
			Address: rapid.Uint64Range(0, 1<<32).Draw(t, "address"),
			Bytes:   uint32(rapid.IntRange(1, 5000).Draw(t, "bytes")),
			Write:   rapid.Bool().Draw(t, "write"),
		}, now}
	}
	return list
}

// play offers the requests in order, each as soon as its time has come and the
// memory accepts it, and returns the completions and the times of acceptance.
// Calls of Advance between events are driven by step.
func play(t fataler, m memsim.Memory, list []arrival, step func(from, to memsim.Picoseconds) []memsim.Picoseconds) (done []memsim.Completion, accepted []memsim.Picoseconds) {
	var now memsim.Picoseconds
	advance := func(to memsim.Picoseconds) {
		for _, at := range append(step(now, to), to) {
			before := len(done)
			done = m.Advance(at, done)
			for _, c := range done[before:] {
				if c.Time > at {
					t.Fatalf("Advance(%d) delivers a completion of %d", at, c.Time)
				}
			}
			if next, ok := m.Next(); ok && next <= at {
				t.Fatalf("after Advance(%d) the next event is at %d: the requester would not get on", at, next)
			}
		}
		now = to
	}
	for _, a := range list {
		if a.at > now {
			advance(a.at)
		}
		for !m.Submit(now, a.Request) {
			next, ok := m.Next()
			if !ok {
				t.Fatalf("a request is refused while nothing is in flight")
			}
			advance(next)
		}
		accepted = append(accepted, now)
	}
	for {
		next, ok := m.Next()
		if !ok {
			return done, accepted
		}
		advance(next)
	}
}

type fataler interface{ Fatalf(string, ...any) }

func straight(memsim.Picoseconds, memsim.Picoseconds) []memsim.Picoseconds { return nil }

// TestCompletions: every request completes once, after it was accepted, in
// order of time, and the counters say so.
func TestCompletions(t *testing.T) {
	forEach(t, func(t *rapid.T, create func() memsim.Memory) {
		m, list := create(), drawArrivals(t)
		if next, ok := m.Next(); ok {
			t.Fatalf("a new memory has an event at %d", next)
		}
		done, accepted := play(t, m, list, straight)
		if !slices.IsSortedFunc(done, func(a, b memsim.Completion) int { return cmp.Compare(a.Time, b.Time) }) {
			t.Fatalf("completions out of order: %v", done)
		}
		var want memsim.Counters
		open := map[uint64][]memsim.Picoseconds{}
		for i, a := range list {
			open[a.ID] = append(open[a.ID], accepted[i])
			if a.Write {
				want.Writes++
				want.WrittenBytes += m.Moved(a.Request)
			} else {
				want.Reads++
				want.ReadBytes += m.Moved(a.Request)
			}
		}
		if len(done) != len(list) {
			t.Fatalf("%d requests, %d completions", len(list), len(done))
		}
		for _, c := range done {
			if len(open[c.ID]) == 0 {
				t.Fatalf("completion of %d, which nobody asked for", c.ID)
			}
			if c.Time < open[c.ID][0] {
				t.Fatalf("request %d completes at %d, accepted at %d", c.ID, c.Time, open[c.ID][0])
			}
			open[c.ID] = open[c.ID][1:]
		}
		got := m.Counters()
		want.BusyTime = got.BusyTime
		if got != want {
			t.Fatalf("counters %+v, want %+v", got, want)
		}
		if got.BusyTime < 0 || got.BusyTime > done[len(done)-1].Time {
			t.Fatalf("busy for %d of %d ps", got.BusyTime, done[len(done)-1].Time)
		}
	})
}

// TestPeakIsNeverExceeded: what has completed by any time was moved at no more
// than the peak bandwidth since the first request.
func TestPeakIsNeverExceeded(t *testing.T) {
	forEach(t, func(t *rapid.T, create func() memsim.Memory) {
		m, list := create(), drawArrivals(t)
		moved := map[uint64]int64{}
		for i := range list {
			list[i].ID = uint64(i)
			moved[uint64(i)] = m.Moved(list[i].Request)
		}
		done, _ := play(t, m, list, straight)
		var bytes float64
		for _, c := range done {
			bytes += float64(moved[c.ID])
			seconds := float64(c.Time-list[0].at+1) * 1e-12
			if peak := float64(m.PeakBytesPerSecond()); bytes > peak*seconds*(1+1e-9) {
				t.Fatalf("%g bytes within %g s exceed %g bytes/s", bytes, seconds, peak)
			}
		}
	})
}

// TestAdvanceInAnySteps: looking at the memory more often changes nothing, and
// two memories behave alike.
func TestAdvanceInAnySteps(t *testing.T) {
	forEach(t, func(t *rapid.T, create func() memsim.Memory) {
		list := drawArrivals(t)
		done, _ := play(t, create(), list, straight)
		again, _ := play(t, create(), list, straight)
		often, _ := play(t, create(), list, func(from, to memsim.Picoseconds) []memsim.Picoseconds {
			return []memsim.Picoseconds{from, from + (to-from)/3, from + (to-from)/2}
		})
		if !slices.Equal(done, again) || !slices.Equal(done, often) {
			t.Fatalf("completions differ:\n%v\n%v\n%v", done, again, often)
		}
	})
}

// TestMoved: a request moves at least what it asks for and whole bursts add
// up: cutting a request where bursts meet moves the same bytes.
func TestMoved(t *testing.T) {
	forEach(t, func(t *rapid.T, create func() memsim.Memory) {
		m := create()
		r := memsim.Request{Address: rapid.Uint64Range(0, 1<<40).Draw(t, "address"), Bytes: uint32(rapid.IntRange(1, 1<<20).Draw(t, "bytes"))}
		whole := m.Moved(r)
		if whole < int64(r.Bytes) {
			t.Fatalf("%+v moves %d bytes", r, whole)
		}
		const largestBurst = 4096 // bytes; every burst divides it
		cut := (r.Address/largestBurst + 1) * largestBurst
		if cut >= r.Address+uint64(r.Bytes) {
			return
		}
		first, second := r, r
		first.Bytes = uint32(cut - r.Address)
		second.Address, second.Bytes = cut, r.Bytes-first.Bytes
		if got := m.Moved(first) + m.Moved(second); got != whole {
			t.Fatalf("%+v moves %d bytes, its halves %d", r, whole, got)
		}
		r.Write = true
		if m.Moved(r) != whole {
			t.Fatalf("a write of %+v moves %d bytes, a read %d", r, m.Moved(r), whole)
		}
	})
}

// BenchmarkStream is 64-byte requests, a quarter of them writes, 16 in flight.
func BenchmarkStream(b *testing.B) {
	for _, i := range implementations {
		b.Run(i.name, func(b *testing.B) {
			m, err := i.make()
			if err != nil {
				b.Fatal(err)
			}
			var now memsim.Picoseconds
			done := make([]memsim.Completion, 0, 64)
			inFlight, n := 0, uint64(0)
			step := func() {
				now, _ = m.Next()
				done = m.Advance(now, done[:0])
				inFlight -= len(done)
			}
			b.ReportAllocs()
			for b.Loop() {
				for inFlight == 16 || !m.Submit(now, memsim.Request{ID: n, Address: n * 64, Bytes: 64, Write: n%4 == 0}) {
					step()
				}
				inFlight++
				n++
			}
		})
	}
}

// TestEveryTierIsListed: a tier that New accepts has a row above.
func TestEveryTierIsListed(t *testing.T) {
	listed := map[configs.Tier]bool{configs.IdealTier: true, configs.LinearTier: true}
	for number := configs.Tier(0); number < 16; number++ {
		_, err := memsim.New(tier(number, 1, 10, 50, 64))
		if works := err == nil; works != listed[number] {
			t.Errorf("tier %d: works %t, tested by implementations %t (%v)", number, works, listed[number], err)
		}
	}
}
