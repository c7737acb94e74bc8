package dram

import (
	"fmt"
	"math"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/npusim/npusim/memsim"
)

// The laws: what must hold of any memory, whatever its policy.

// traffic is saturating load: every request is there at clock 0.
type traffic struct {
	name string
	list []memsim.Request // of whole bursts, at least 64 bytes each
}

// lawTraffic is streams and random traffic, reads alone and with writes.
func lawTraffic(requests int, seed uint64) []traffic {
	random := splitMix(seed)
	gather := func(name string, bytes int, request func(i int) memsim.Request) traffic {
		t := traffic{name: fmt.Sprintf("%s, seed %d", name, seed)}
		for i := range requests * 64 / bytes {
			r := request(i)
			r.ID, r.Bytes = uint64(i), uint32(bytes)
			t.list = append(t.list, r)
		}
		return t
	}
	base := random.next() % (1 << 28) &^ 4095
	return []traffic{
		gather("read stream", 64, func(i int) memsim.Request { return memsim.Request{Address: base + uint64(i)*64} }),
		gather("write stream", 64, func(i int) memsim.Request { return memsim.Request{Address: base + uint64(i)*64, Write: true} }),
		gather("stream of 4 KiB", 4096, func(i int) memsim.Request { return memsim.Request{Address: base + uint64(i)*4096} }),
		gather("random reads", 64, func(int) memsim.Request { return memsim.Request{Address: random.next() % (1 << 30) &^ 63} }),
		gather("random, third writes", 64, func(i int) memsim.Request {
			return memsim.Request{Address: random.next() % (1 << 30) &^ 63, Write: i%3 == 2}
		}),
	}
}

// trace is the traffic as bursts of a standard.
func (l *traffic) trace(s *Standard) []TraceRequest {
	var list []TraceRequest
	for _, r := range l.list {
		for at := r.Address; at < r.Address+uint64(r.Bytes); at += uint64(s.Organization.BytesPerAccess()) {
			list = append(list, TraceRequest{Address: at, Write: r.Write})
		}
	}
	return list
}

// seconds is the time of the traffic on a Memory and in a Replay.
func (l *traffic) seconds(t *testing.T, s *Standard, c Controller, channels int) [2]float64 {
	t.Helper()
	m, err := NewMemory(s, c, channels)
	if err != nil {
		t.Fatal(err)
	}
	inLoop := playMemory(t, m, l.list, func(memsim.Completion) {})
	stats, err := Replay(m.Standard(), c, &SliceTrace{Requests: l.trace(s)}, ReplayOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return [2]float64{float64(inLoop) * 1e-12, stats.Seconds()}
}

var lawKinds = [2]string{"memory", "replay"}

// neverSlower compares a memory with a better one on streams and random
// traffic: it may take 2 % longer and, for a run may end just after a refresh
// instead of just before, one refresh. The data sheet may excuse more.
func neverSlower(t *testing.T, what string, requests int, refresh, excuse float64, run func(l *traffic) (before, after [2]float64)) {
	t.Helper()
	for _, l := range lawTraffic(requests, 1) {
		before, after := run(&l)
		for k, kind := range lawKinds {
			if after[k] > before[k]*1.02*excuse+refresh {
				t.Errorf("%s, %s, %s: takes %.4f of the time before", what, l.name, kind, after[k]/before[k])
			}
		}
	}
}

// lawRequests is how many bursts of 64 bytes a channel gets.
func lawRequests() int {
	if testing.Short() || raceEnabled {
		return 500
	}
	return 2500
}

// nanoseconds are clocks of a standard as time.
func nanoseconds(s *Standard, clocks float64) float64 {
	return clocks * float64(s.ClockPicoseconds) / 1000
}

// TestMoreChannels: twice the channels are never slower by more than 2 %.
func TestMoreChannels(t *testing.T) {
	t.Parallel()
	queues := dramsim3Controller("rorababgcoch")
	for _, c := range []struct {
		standard   string
		controller Controller
		channels   []int
	}{
		{"ddr4-2400", DefaultController(), []int{1, 2, 4}},
		{"lpddr5-6400", DefaultController(), []int{1, 2, 4, 8}},
		{"lpddr4x-4266", DefaultController(), []int{1, 2, 4}},
		{"hbm2", DefaultController(), []int{4, 8, 16}},
		{"ramulator2-ddr4-3200", ramulatorController(), []int{1, 2}},
		{"dramsim3-ddr4-3200", queues, []int{1, 2, 4}},
	} {
		s := loadStandard(t, c.standard)
		for i := 1; i < len(c.channels); i++ {
			what := fmt.Sprintf("%s, %d channels after %d", c.standard, c.channels[i], c.channels[i-1])
			refresh := nanoseconds(s, float64(s.Timing.RFC)) * 1e-9
			neverSlower(t, what, lawRequests()*c.channels[i], refresh, 1, func(l *traffic) (before, after [2]float64) {
				return l.seconds(t, s, c.controller, c.channels[i-1]), l.seconds(t, s, c.controller, c.channels[i])
			})
		}
	}
}

// TestFasterGrade: a faster grade of a family is never slower, but for what
// rounding to whole clocks adds to the pace at which it opens rows: the 4 ns of
// tRRD of HBM2 are 7 clocks of 0.625 ns in HBM2E, 9 % more, and the 5 ns of
// LPDDR5 are 6 clocks of 0.938 ns in LPDDR5X, 13 % more, the 10 ns of LPDDR4
// 22 clocks of 0.469 ns in LPDDR4X, 3 % more.
func TestFasterGrade(t *testing.T) {
	t.Parallel()
	pace := func(s *Standard) float64 {
		return nanoseconds(s, max(float64(s.Timing.RRDS), float64(s.Timing.FAW)/4))
	}
	for _, pair := range [][2]string{
		{"ddr4-2400", "ddr4-3200"}, {"ddr5-4800", "ddr5-6400"}, {"lpddr4-3200", "lpddr4x-4266"}, {"lpddr5-6400", "lpddr5x-8533"}, {"hbm2", "hbm2e"},
		{"dramsim3-ddr4-2400", "dramsim3-ddr4-3200"}, {"ramulator2-ddr4-2400", "ramulator2-ddr4-3200"},
	} {
		slow, fast := loadStandard(t, pair[0]), loadStandard(t, pair[1])
		excuse := max(1, pace(fast)/pace(slow))
		if excuse > 1.13 {
			t.Errorf("%s opens rows at %.2f of the pace of %s", pair[1], 1/excuse, pair[0])
		}
		for i, c := range []Controller{DefaultController(), dramsim3Controller("rochrababgco")} {
			for _, channels := range []int{1, 4} {
				what := fmt.Sprintf("%s after %s, %d channels, controller %d", pair[1], pair[0], channels, i)
				refresh := nanoseconds(fast, float64(fast.Timing.RFC)) * 1e-9
				neverSlower(t, what, lawRequests()*channels, refresh, excuse, func(l *traffic) (before, after [2]float64) {
					return l.seconds(t, slow, c, channels), l.seconds(t, fast, c, channels)
				})
			}
		}
	}
}

// TestPeakOfMemory: no memory moves its bytes faster than its bus, whatever
// the requests; TestServesEverything says so of replays.
func TestPeakOfMemory(t *testing.T) {
	t.Parallel()
	for _, p := range controllers() {
		t.Run(p.Name, func(t *testing.T) {
			s := loadStandard(t, p.Standard)
			rapid.Check(t, func(rt *rapid.T) {
				m, err := NewMemory(s, p.Controller, rapid.SampledFrom([]int{1, 2, 8}).Draw(rt, "channels"))
				if err != nil {
					rt.Fatal(err)
				}
				list := drawRequests(rt, 100)
				var moved int64
				playMemory(rt, m, list, func(c memsim.Completion) {
					moved += m.Moved(list[c.ID])
					if seconds := float64(c.Time) * 1e-12; float64(moved) > seconds*float64(m.PeakBytesPerSecond())*(1+1e-9) {
						rt.Fatalf("%d bytes within %g s exceed the peak of %d bytes/s", moved, seconds, m.PeakBytesPerSecond())
					}
				})
			})
		})
	}
}

// TestChannelsAreIndependent: giving the channels other numbers changes
// nothing, in replays and in the loop.
func TestChannelsAreIndependent(t *testing.T) {
	t.Parallel()
	for i, p := range controllers() {
		if i%2 == 1 && (testing.Short() || p.Channels == 1) {
			continue // half of those with one channel
		}
		t.Run(p.Name, func(t *testing.T) {
			wide, err := loadStandard(t, p.Standard).WithChannels(max(p.Channels, 4))
			if err != nil {
				t.Fatal(err)
			}
			mapper, err := NewMapper(p.Controller.AddressMap, wide, p.Controller.HashBanks)
			if err != nil {
				t.Fatal(err)
			}
			rapid.Check(t, func(rt *rapid.T) {
				channels := make([]int, wide.Organization.Channels)
				for k := range channels {
					channels[k] = k
				}
				channels = rapid.Permutation(channels).Draw(rt, "channels")
				list := drawTrace(rt, wide, 500)
				other := make([]TraceRequest, len(list))
				for i, r := range list {
					a := mapper.Map(r.Address)
					a.Channel = int32(channels[a.Channel])
					r.Address = mapper.Unmap(a)
					other[i] = r
				}
				one, two := replayList(t, wide, p.Controller, list), replayList(t, wide, p.Controller, other)
				sameButForChannels(rt, channels, &one, &two)
				done, stats := playBursts(rt, wide, p.Controller, list)
				doneToo, statsToo := playBursts(rt, wide, p.Controller, other)
				if d := cmp.Diff(done, doneToo); d != "" {
					rt.Fatalf("in the loop other channels give other completions:\n%s", d)
				}
				sameButForChannels(rt, channels, &stats, &statsToo)
			})
		})
	}
}

// playBursts has a Memory serve requests of one burst.
func playBursts(t fataler, s *Standard, c Controller, list []TraceRequest) ([]memsim.Completion, Stats) {
	m, err := NewMemory(s, c, int(s.Organization.Channels))
	if err != nil {
		t.Fatal(err)
	}
	requests := make([]memsim.Request, len(list))
	for i, r := range list {
		requests[i] = memsim.Request{ID: uint64(i), Address: r.Address, Bytes: 1, Write: r.Write}
	}
	var done []memsim.Completion
	end := playMemory(t, m, requests, func(c memsim.Completion) { done = append(done, c) })
	return done, m.Stats(end)
}

// sameButForChannels compares results in which channel k of the first is
// channel channels[k] of the second.
func sameButForChannels(t fataler, channels []int, one, two *Stats) {
	a, b := *one, *two
	if math.Abs(a.Energy.Total()-b.Energy.Total()) > 1e-9*a.Energy.Total() { // summed in another order
		t.Fatalf("energy %+v and %+v", a.Energy, b.Energy)
	}
	banks := make([]BankUse, len(a.Banks))
	perChannel := len(banks) / len(channels)
	for i, bank := range a.Banks {
		bank.Channel = channels[bank.Channel]
		banks[bank.Channel*perChannel+i%perChannel] = bank
	}
	a.Banks, a.Energy, a.HostTime = banks, Energy{}, 0
	b.Energy, b.HostTime = Energy{}, 0
	if !reflect.DeepEqual(a, b) {
		t.Fatalf("other channels, other results:\n%s", cmp.Diff(a, b, cmp.AllowUnexported(Histogram{})))
	}
}
