package timing_test

import (
	"fmt"
	"reflect"
	"testing"

	"github.com/npusim/npusim/configs"
	"github.com/npusim/npusim/isa"
	"github.com/npusim/npusim/memsim"
	"github.com/npusim/npusim/memsim/dram"
	"github.com/npusim/npusim/npu/timing"
)

// banked lists memories with banks that programs of any machine run on, in
// which the one to the right of a name is better in bandwidth.
var banked = []struct {
	standard string
	channels []int
}{
	{"ddr4-2400", []int{1, 2, 4}},
	{"lpddr5-6400", []int{1, 4}},
	{"hbm2", []int{1, 8}},
	{"ddr5-4800", []int{2}},
}

func bankMemory(t testing.TB, standard string, channels int) *dram.Memory {
	t.Helper()
	s, err := dram.Load(standard)
	if err != nil {
		t.Fatal(err)
	}
	m, err := dram.NewMemory(s, dram.DefaultController(), channels)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func runOn(t testing.TB, p *isa.Program, spec *configs.Spec, m memsim.Memory) *timing.Result {
	t.Helper()
	r, err := timing.RunOn(p, spec, m, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestBooksBalanceOnBanks: with banks, too, layers and stretches of time sum
// to the total, no traffic is below what the program touches, and no program
// takes less time than its bytes at peak; what the requests are said to have
// cost is what the memory counted.
func TestBooksBalanceOnBanks(t *testing.T) {
	for seed := range seeds(60) {
		p, spec := randomProgram(t, seed)
		for _, b := range banked {
			for _, channels := range b.channels {
				name := fmt.Sprintf("seed %d on %d channels of %s", seed, channels, b.standard)
				m := bankMemory(t, b.standard, channels)
				r := runOn(t, p, spec, m)
				var layers timing.Work
				var end int64
				for i := range r.Layers {
					l := &r.Layers[i]
					if l.Start != end {
						t.Fatalf("%s: layer %d starts at %d, the one before ends at %d", name, i, l.Start, end)
					}
					end = l.End
					layers.ReadBytes += l.Work.ReadBytes
					layers.WrittenBytes += l.Work.WrittenBytes
					layers.RowActivates += l.Work.RowActivates
					layers.ReadBursts += l.Work.ReadBursts
					layers.WriteBursts += l.Work.WriteBursts
				}
				if end != r.Cycles {
					t.Fatalf("%s: layers end at %d of %d cycles", name, end, r.Cycles)
				}
				var over timing.Stretch
				for _, s := range r.OverTime.Stretches {
					over.ReadBytes += s.ReadBytes
					over.WrittenBytes += s.WrittenBytes
					over.Activates += s.Activates
					over.Bursts += s.Bursts
				}
				s := &r.Banks.Stats
				var banks, bursts int64
				for _, b := range s.Banks {
					banks, bursts = banks+b.Activates, bursts+b.Bursts
				}
				for _, c := range []struct {
					what      string
					got, want int64
				}{
					{"bytes read by layers", layers.ReadBytes, r.Memory.ReadBytes},
					{"bytes written by layers", layers.WrittenBytes, r.Memory.WrittenBytes},
					{"bytes read over time", over.ReadBytes, r.Memory.ReadBytes},
					{"bytes written over time", over.WrittenBytes, r.Memory.WrittenBytes},
					{"rows opened for layers", layers.RowActivates, s.Activates()},
					{"rows opened over time", over.Activates, s.Activates()},
					{"rows opened in banks", banks, s.Activates()},
					{"reads of layers", layers.ReadBursts, s.ReadCommands()},
					{"writes of layers", layers.WriteBursts, s.WriteCommands()},
					{"bursts over time", over.Bursts, s.ReadCommands() + s.WriteCommands()},
					{"bursts in banks", bursts, s.ReadCommands() + s.WriteCommands()},
					{"writes never written", s.PendingWrites, 0},
				} {
					if c.got != c.want {
						t.Errorf("%s: %s: %d, want %d", name, c.what, c.got, c.want)
					}
				}
				read, written := touched(p)
				if r.Memory.ReadBytes < read || r.Memory.WrittenBytes < written {
					t.Errorf("%s: %d + %d bytes moved, the program touches %d + %d", name, r.Memory.ReadBytes, r.Memory.WrittenBytes, read, written)
				}
				// bytes / peak <= cycles / clock
				moved := float64(r.Memory.ReadBytes + r.Memory.WrittenBytes)
				if least := moved / float64(m.PeakBytesPerSecond()) * float64(spec.NPU.ClockMHz) * 1e6; float64(r.Cycles) < least {
					t.Errorf("%s: %d cycles, its bytes take %.0f at peak", name, r.Cycles, least)
				}
				if again := runOn(t, p, spec, bankMemory(t, b.standard, channels)); !reflect.DeepEqual(r.Layers, again.Layers) || !reflect.DeepEqual(r.OverTime, again.OverTime) {
					t.Errorf("%s: two runs differ", name)
				}
			}
		}
	}
}

// permuted is a memory whose addresses have the numbers of channels exchanged.
type permuted struct {
	memsim.Memory
	exchange func(address uint64) uint64
}

func (p *permuted) Submit(now memsim.Picoseconds, r memsim.Request) bool {
	r.Address = p.exchange(r.Address)
	return p.Memory.Submit(now, r)
}

// TestChannelsAreAlike: the channels are independent and alike, so exchanging
// their numbers changes no time. The map has the channel in the lowest bits
// above the burst, and requests of one burst go to one channel.
func TestChannelsAreAlike(t *testing.T) {
	for seed := range seeds(40) {
		p, spec := randomProgram(t, seed)
		plain := bankMemory(t, "ddr4-2400", 4)
		burst := uint64(plain.Standard().Organization.BytesPerAccess())
		if spec.DMA.RequestBytes > int(burst) {
			spec = with(t, spec, fmt.Sprintf("dma.request_bytes=%d", max(int(burst), spec.DRAM.BurstBytes)))
		}
		want := runOn(t, p, spec, plain)
		other := &permuted{bankMemory(t, "ddr4-2400", 4), func(a uint64) uint64 { return a ^ 3*burst }}
		got := runOn(t, p, spec, other)
		if got.Cycles != want.Cycles || !reflect.DeepEqual(got.Causes, want.Causes) {
			t.Errorf("seed %d: %d cycles with channels exchanged, %d without", seed, got.Cycles, want.Cycles)
		}
	}
}

// TestMoreBandwidthOnBanks: more channels and faster grades of a standard make
// whole programs faster, but not each one: more channels have more closed rows
// to open, which short transfers with little in flight feel, and queues know
// scheduling anomalies as shared buses do. The loss is bounded, and all the
// programs together gain.
func TestMoreBandwidthOnBanks(t *testing.T) {
	for _, pair := range [][2]struct {
		standard string
		channels int
	}{
		{{"ddr4-2400", 1}, {"ddr4-2400", 2}}, {{"ddr4-2400", 2}, {"ddr4-2400", 8}},
		{{"ddr4-2400", 1}, {"ddr4-3200", 1}}, {{"lpddr5-6400", 1}, {"lpddr5-6400", 4}}, {{"lpddr5-6400", 1}, {"lpddr5x-8533", 1}},
	} {
		var all, then, slower int64
		for seed := range seeds(60) {
			p, spec := randomProgram(t, seed)
			before := runOn(t, p, spec, bankMemory(t, pair[0].standard, pair[0].channels)).Cycles
			after := runOn(t, p, spec, bankMemory(t, pair[1].standard, pair[1].channels)).Cycles
			all, then = all+before, then+after
			if after > before {
				slower++
			}
			if after > before+before/10+200 { // 200 cycles: two reads of closed rows
				t.Errorf("seed %d: %d cycles on %v, %d on %v", seed, before, pair[0], after, pair[1])
			}
		}
		t.Logf("%v to %v: %+.2f %% cycles, %d programs slower", pair[0], pair[1], 100*(float64(then)/float64(all)-1), slower)
		if then > all {
			t.Errorf("%v to %v: all programs together take %d cycles, then %d", pair[0], pair[1], all, then)
		}
	}
}
