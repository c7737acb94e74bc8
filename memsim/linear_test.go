package memsim_test

import (
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/npusim/npusim/configs"
	"github.com/npusim/npusim/memsim"
)

func newLinear(t testing.TB, bandwidth int64, latency memsim.Picoseconds, burst int) memsim.Memory {
	t.Helper()
	m, err := memsim.NewLinear(bandwidth, latency, burst)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// exactTime is floor(bytes / bandwidth) in picoseconds, by big integers.
func exactTime(bytes, bandwidth int64) memsim.Picoseconds {
	t := new(big.Int).Mul(big.NewInt(bytes), big.NewInt(1e12))
	return memsim.Picoseconds(t.Div(t, big.NewInt(bandwidth)).Int64())
}

// TestNoTimeIsLost: a million odd transfers take N/BW to the picosecond.
func TestNoTimeIsLost(t *testing.T) {
	const bandwidth, requests, bytes = 8_530_000_000, 1_000_000, 33
	m := newLinear(t, bandwidth, 59_000, 1)
	var done []memsim.Completion
	for i := range requests {
		m.Submit(0, memsim.Request{ID: uint64(i), Bytes: bytes})
	}
	done = m.Advance(1<<62, done)
	want := exactTime(requests*bytes, bandwidth)
	if got := done[requests-1].Time - 59_000; got != want {
		t.Errorf("%d bytes take %d ps, exactly %d", requests*bytes, got, want)
	}
	if got := m.Counters().BusyTime; got != want {
		t.Errorf("busy for %d ps, exactly %d", got, want)
	}
}

// TestLinearAgainstBigIntegers: every completion of a random sequence follows
// from exact arithmetic: the bus takes requests in order, each as long as its
// whole bursts need to the fraction of a picosecond; a completion is rounded
// down, but is no sooner than a picosecond after its request, and reads return
// a latency later.
func TestLinearAgainstBigIntegers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		bandwidth := rapid.Int64Range(1e6, 1e12).Draw(t, "bandwidth")
		latency := memsim.Picoseconds(rapid.Int64Range(0, 200_000).Draw(t, "latency"))
		burst := int64(1) << rapid.IntRange(0, 12).Draw(t, "burst")
		m, err := memsim.NewLinear(bandwidth, latency, int(burst))
		if err != nil {
			t.Fatal(err)
		}
		list := drawArrivals(t)
		want := map[uint64]memsim.Picoseconds{}
		free := new(big.Rat) // picoseconds
		var moved int64
		for i := range list {
			r := &list[i]
			r.ID = uint64(i)
			start := int64(r.Address) / burst * burst
			end := (int64(r.Address) + int64(r.Bytes) + burst - 1) / burst * burst
			moved += end - start
			if asked := new(big.Rat).SetInt64(int64(r.at)); asked.Cmp(free) > 0 {
				free = asked
			}
			duration := new(big.Rat).SetFrac(new(big.Int).Mul(big.NewInt(end-start), big.NewInt(1e12)), big.NewInt(bandwidth))
			free.Add(free, duration)
			down := new(big.Int).Div(free.Num(), free.Denom()).Int64()
			want[r.ID] = max(memsim.Picoseconds(down), r.at+1)
			if !r.Write {
				want[r.ID] += latency
			}
		}
		busy := exactTime(moved, bandwidth)
		done, _ := play(t, m, list, straight)
		position := map[uint64]int{}
		for k, c := range done {
			position[c.ID] = k
			if c.Time != want[c.ID] {
				t.Fatalf("request %d (%+v) completes at %d, want %d", c.ID, list[c.ID], c.Time, want[c.ID])
			}
		}
		for i := range list {
			for j := range i {
				if want[uint64(i)] == want[uint64(j)] && position[uint64(i)] < position[uint64(j)] {
					t.Fatalf("requests %d and %d complete together, but not in order of submission", j, i)
				}
			}
		}
		if got := m.Counters().BusyTime; got != busy {
			t.Fatalf("busy for %d ps, want %d", got, busy)
		}
	})
}

// TestIdealIsNoSlower than linear, request by request.
func TestIdealIsNoSlower(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		list := drawArrivals(t)
		for i := range list {
			list[i].ID = uint64(i)
		}
		var times [2]map[uint64]memsim.Picoseconds
		for k, which := range []configs.Tier{configs.IdealTier, configs.LinearTier} {
			m, err := memsim.New(tier(which, 1, 8.53, 59, 32))
			if err != nil {
				t.Fatal(err)
			}
			done, _ := play(t, m, list, straight)
			times[k] = map[uint64]memsim.Picoseconds{}
			for _, c := range done {
				times[k][c.ID] = c.Time
			}
		}
		for id, ideal := range times[0] {
			if ideal > times[1][id] {
				t.Fatalf("request %d completes at %d on the ideal tier, at %d on the linear one", id, ideal, times[1][id])
			}
		}
	})
}

func TestBurstRounding(t *testing.T) {
	m := newLinear(t, 1e9, 0, 64)
	for _, c := range []struct {
		address uint64
		bytes   uint32
		moved   int64
	}{
		{0, 1, 64}, {0, 64, 64}, {0, 65, 128}, {63, 1, 64}, {63, 2, 128}, {64, 64, 64}, {1, 64, 128}, {100, 1000, 1024 + 64},
		{1<<40 - 1, 1, 64}, {0, 1<<32 - 1, 1 << 32},
	} {
		if got := m.Moved(memsim.Request{Address: c.address, Bytes: c.bytes}); got != c.moved {
			t.Errorf("%d bytes at %d move %d, want %d", c.bytes, c.address, got, c.moved)
		}
	}
	// The time is that of the whole bursts: 128 bytes at 1 byte/ns.
	m.Submit(5, memsim.Request{Address: 63, Bytes: 2, Write: true})
	if at, _ := m.Next(); at != 5+128_000 {
		t.Errorf("2 bytes across a burst boundary complete at %d, want %d", at, 5+128_000)
	}
}

// TestLargeRequests: 4 GiB at the lowest bandwidth is far beyond what the
// product of bytes and 10^12 fits.
func TestLargeRequests(t *testing.T) {
	for _, bandwidth := range []int64{1e6, 8_530_000_000, 1e17} {
		m := newLinear(t, bandwidth, 0, 1)
		var total int64
		for range 3 {
			m.Submit(0, memsim.Request{Bytes: 1<<32 - 1, Write: true})
			total += 1<<32 - 1
		}
		done := m.Advance(1<<62, nil)
		if got, want := done[2].Time, exactTime(total, bandwidth); got != want {
			t.Errorf("%d bytes at %d bytes/s take %d ps, want %d", total, bandwidth, got, want)
		}
	}
}

// TestWritesOvertakeWaitingReads: the latency is that of reads only.
func TestWritesOvertakeWaitingReads(t *testing.T) {
	m := newLinear(t, 1e9, 100_000, 1)
	m.Submit(0, memsim.Request{ID: 1, Bytes: 10})
	m.Submit(0, memsim.Request{ID: 2, Bytes: 20, Write: true})
	m.Submit(0, memsim.Request{ID: 3, Bytes: 30})
	want := []memsim.Completion{{ID: 2, Time: 30_000}, {ID: 1, Time: 110_000}, {ID: 3, Time: 160_000}}
	got := m.Advance(1e9, nil)
	if len(got) != 3 || got[0] != want[0] || got[1] != want[1] || got[2] != want[2] {
		t.Errorf("got %v, want %v", got, want)
	}
	if c := m.Counters(); c.BusyTime != 60_000 || c.ReadBytes != 40 || c.WrittenBytes != 20 {
		t.Errorf("counters %+v", c)
	}
}

// TestTiesKeepTheOrder of submission: the write is back when the latency of
// the read before it ends.
func TestTiesKeepTheOrder(t *testing.T) {
	m := newLinear(t, 1e9, 20_000, 1)
	m.Submit(0, memsim.Request{ID: 1, Bytes: 10})
	m.Submit(0, memsim.Request{ID: 2, Bytes: 20, Write: true})
	got := m.Advance(30_000, nil)
	if len(got) != 2 || got[0] != (memsim.Completion{ID: 1, Time: 30_000}) || got[1] != (memsim.Completion{ID: 2, Time: 30_000}) {
		t.Errorf("got %v", got)
	}
}

func TestNewRefuses(t *testing.T) {
	for _, c := range []struct {
		bandwidth int64
		latency   memsim.Picoseconds
		burst     int
	}{{0, 0, 1}, {-1e9, 0, 1}, {999_999, 0, 1}, {1e9, -1, 1}, {1e9, 0, 0}, {1e9, 0, 48}, {1e9, 0, -64}, {1e9, 0, 1 << 21}} {
		if m, err := memsim.NewLinear(c.bandwidth, c.latency, c.burst); err == nil {
			t.Errorf("%+v gives %v", c, m)
		}
	}
	if _, err := memsim.New(tier(configs.Tier(0), 1, 10, 50, 64)); err == nil || !strings.Contains(err.Error(), "dram.tier") {
		t.Errorf("a tier without a model: %v", err)
	}
}
