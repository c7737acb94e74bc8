package timing

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/npusim/npusim/configs"
	"github.com/npusim/npusim/memsim"
	"github.com/npusim/npusim/memsim/dram"
)

// loadSpec loads the preset edge with settings.
func loadSpec(t *testing.T, sets ...string) *configs.Spec {
	t.Helper()
	spec, err := configs.Load("edge", sets)
	if err != nil {
		t.Fatal(err)
	}
	return spec
}

// TestMemoryPresetsFollowTheirStandards: the figures of the simple tiers are
// those of the standard of the same name, and every preset runs on every tier.
func TestMemoryPresetsFollowTheirStandards(t *testing.T) {
	const controllerNS = 20 // and PHY, on top of the device
	for _, preset := range configs.MemoryPresets() {
		s, err := dram.Load(preset.Name)
		if err != nil {
			t.Errorf("memory preset without a standard: %v", err)
			continue
		}
		if peak := float64(s.PeakBytesPerSecond()) / 1e9; math.Abs(preset.BandwidthGBPerS-peak) > 0.001*peak {
			t.Errorf("%s: %g GB/s, the standard has %g", preset.Name, preset.BandwidthGBPerS, peak)
		}
		if burst := s.Organization.BytesPerAccess(); int64(preset.BurstBytes) != burst {
			t.Errorf("%s: bursts of %d bytes, the standard has %d", preset.Name, preset.BurstBytes, burst)
		}
		closed := float64(int64(s.Timing.RCD+s.ReadLatency())*s.ClockPicoseconds)/1000 + controllerNS
		if math.Abs(preset.LatencyNS-closed) > 1 {
			t.Errorf("%s: latency %g ns, the standard gives %g", preset.Name, preset.LatencyNS, closed)
		}
		for _, tier := range []string{"ideal", "linear", "bank"} {
			spec := loadSpec(t, "dram.preset="+preset.Name, "dram.tier="+tier, "dram.channels=2", "dma.request_bytes=128")
			memory, err := NewMemory(spec)
			if err != nil {
				t.Errorf("%s on tier %s: %v", preset.Name, tier, err)
				continue
			}
			if peak := 2e9 * preset.BandwidthGBPerS; math.Abs(float64(memory.PeakBytesPerSecond())-peak) > 0.001*peak {
				t.Errorf("%s on tier %s: peak of two channels %d", preset.Name, tier, memory.PeakBytesPerSecond())
			}
		}
	}
	names := map[string]bool{}
	for _, preset := range configs.MemoryPresets() {
		names[preset.Name] = true
	}
	for _, mimic := range dram.Presets() {
		if mimic.Name == mimic.Standard && !names[mimic.Name] {
			t.Errorf("no memory preset %s", mimic.Name)
		}
	}
}

// finish is the time at which a memory has served scattered reads, each alone
// and then many at once.
func finish(t *testing.T, m memsim.Memory) memsim.Picoseconds {
	t.Helper()
	var now memsim.Picoseconds
	left := 0
	var done []memsim.Completion
	wait := func() {
		at, ok := m.Next()
		if !ok {
			t.Fatal("requests are in flight, but the memory has no event")
		}
		now = at
		done = m.Advance(now, done[:0])
		left -= len(done)
	}
	for i := range 400 {
		r := memsim.Request{ID: uint64(i), Address: uint64(i) * 64, Bytes: 64, Write: i%5 == 4}
		if i%3 == 2 {
			r.Address += 1 << 22
		}
		for !m.Submit(now, r) {
			wait()
		}
		left++
		for i < 20 && left > 0 {
			wait()
		}
	}
	for left > 0 {
		wait()
	}
	return now
}

// direct builds a memory without this package.
func direct(t *testing.T, standard string, c dram.Controller, channels int) memsim.Memory {
	t.Helper()
	s, err := dram.Load(standard)
	if err != nil {
		t.Fatal(err)
	}
	m, err := dram.NewMemory(s, c, channels)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestControllers: a preset that mimics a simulator has its controller, a
// plain one the default controller, and dram.controller changes both.
func TestControllers(t *testing.T) {
	changed := dram.DefaultController()
	changed.RowPolicy, changed.AddressMap = dram.ClosedRow, "rorabgbachco"
	for _, preset := range configs.MemoryPresets() {
		controller := dram.DefaultController()
		if mimic, ok := dram.FindPreset(preset.Name); ok {
			controller = mimic.Controller
		}
		for _, c := range []struct {
			sets       []string
			controller dram.Controller
		}{
			{nil, controller},
			{[]string{`dram.controller=["row_policy=closed", "address_map=rorabgbachco"]`}, func() dram.Controller {
				c := controller
				c.RowPolicy, c.AddressMap = dram.ClosedRow, "rorabgbachco"
				return c
			}()},
		} {
			m, err := NewMemory(loadSpec(t, append(c.sets, "dram.preset="+preset.Name, "dram.channels=4", "dma.request_bytes=128")...))
			if err != nil {
				t.Errorf("%s %q: %v", preset.Name, c.sets, err)
				continue
			}
			if got, want := finish(t, m), finish(t, direct(t, preset.Name, c.controller, 4)); got != want {
				t.Errorf("%s %q: finished at %d ps, want %d", preset.Name, c.sets, got, want)
			}
		}
	}
	plain, closed := finish(t, direct(t, "ddr4-2400", dram.DefaultController(), 1)), finish(t, direct(t, "ddr4-2400", changed, 1))
	if plain == closed {
		t.Error("the test does not tell controllers apart")
	}
}

// standardText is a built-in standard as a user may write it.
func standardText(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "memsim", "dram", "standards", name+".toml"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// ownStandard is edge with a standard of the user's own.
func ownStandard(t *testing.T, text string, sets ...string) (memsim.Memory, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "own.toml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	sets = append([]string{"dram.bandwidth_gb_per_s=19.2", "dram.latency_ns=52", "dram.burst_bytes=64", "energy.dram_pj_per_bit=12", `dram.standard="` + filepath.ToSlash(path) + `"`}, sets...)
	return NewMemory(loadSpec(t, sets...))
}

// TestOwnStandard: the text of a standard makes the same memory as its name.
func TestOwnStandard(t *testing.T) {
	text := standardText(t, "ddr4-2400")
	m, err := ownStandard(t, text, "dram.channels=2")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := finish(t, m), finish(t, direct(t, "ddr4-2400", dram.DefaultController(), 2)); got != want {
		t.Errorf("finished at %d ps, want %d", got, want)
	}
	slow, err := ownStandard(t, strings.Replace(text, "\ncl = 17\n", "\ncl = 30\n", 1), "dram.channels=2")
	if err != nil {
		t.Fatal(err)
	}
	if finish(t, slow) <= finish(t, direct(t, "ddr4-2400", dram.DefaultController(), 2)) {
		t.Error("a longer read latency changes nothing")
	}
	if m, err := ownStandard(t, text, "dram.tier=linear"); err != nil || m.PeakBytesPerSecond() != 19_200_000_000 {
		t.Errorf("tier linear goes by its own figures: %v", err)
	}
	for _, c := range []struct{ text, set, want string }{
		{text, "dram.bandwidth_gb_per_s=20", "dram.bandwidth_gb_per_s = 20 contradicts the standard ddr4-2400, which has 19.21 GB/s"},
		{text, "dram.burst_bytes=32", "dram.burst_bytes = 32 contradicts the standard ddr4-2400, which has bursts of 64 bytes"},
		{strings.Replace(text, "\ncl = 17\n", "\ncll = 17\n", 1), "npu.cores=1", "unknown key (did you mean cl?)"},
		{strings.Replace(text, "\ncl = 17\n", "\n", 1), "npu.cores=1", "timing.cl"},
		{"\n", "npu.cores=1", "dram.standard"},
	} {
		if _, err := ownStandard(t, c.text, c.set); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want an error with %q", c.set, err, c.want)
		}
	}
}

func TestFaultyControllers(t *testing.T) {
	for _, c := range []struct{ preset, set, want string }{
		{"ddr4-2400", "row_polcy=closed", `dram.controller: "row_polcy=closed": unknown key (did you mean row_policy?)`},
		{"ddr4-2400", "row_policy=close", `dram.controller: "row_policy=close": must be one of open, closed, timeout (did you mean closed?)`},
		{"ddr4-2400", "read_entries=0", `dram.controller: "read_entries=0": must be a whole number from 1`},
		{"ddr4-2400", "refresh=per-bank", `dram.controller: "refresh=per-bank": ddr4-2400 has no refresh of single banks`},
		{"ddr4-2400", "address_map=rorabax", `dram.controller: "address_map=rorabax"`},
		{"ddr4-2400", "bank_entries=4", `dram.controller: "bank_entries=4": belongs to scheduling=bank-queues`},
		{"ddr4-2400", "row_policy=timeout", `dram.controller: "row_policy=timeout": needs row_timeout_clocks=N too`},
		{"dramsim3-hbm2", "keep_rows=true", `dram.controller: "keep_rows=true": belongs to scheduling=first-ready`},
		{"ddr4-2400", "channels=2", "the number of channels is dram.channels"},
		{"ddr4-2400", "issue_width=2", "is for traces"},
		{"dramsim3-hbm2", "idle_writes=2", "is for traces"},
		{"ddr4-2400", "cl=17", "belong to a standard: dram.standard"},
	} {
		_, err := NewMemory(loadSpec(t, "dram.preset="+c.preset, "dram.controller="+c.set))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s, %s: %v, want an error with %q", c.preset, c.set, err, c.want)
		}
	}
	_, err := NewMemory(loadSpec(t, `dram.controller=["a=1", "row_policy=x", "b=2"]`))
	if err == nil || !strings.Contains(err.Error(), "2 faults") {
		t.Errorf("faults are not listed at once: %v", err)
	}
	spec := *loadSpec(t)
	spec.DRAM.Preset = "nothing"
	if _, err := NewMemory(&spec); err == nil || !strings.Contains(err.Error(), "dram.preset = \"nothing\"") {
		t.Errorf("an unknown preset: %v", err)
	}
	spec.DRAM.Preset, spec.DRAM.Channels = "lpddr4x-4266", 3
	if _, err := NewMemory(&spec); err == nil || !strings.Contains(err.Error(), "dram.channels") {
		t.Errorf("three channels: %v", err)
	}
}
