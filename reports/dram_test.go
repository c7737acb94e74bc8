package reports

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/npusim/npusim/memsim/dram"
)

// dramFixture replays three reads, a conflict among them, and two writes of
// one burst, of which the second is absorbed.
func dramFixture(t *testing.T, standard string) *DRAMResult {
	t.Helper()
	s, err := dram.Load(standard)
	if err != nil {
		t.Fatal(err)
	}
	c := dram.DefaultController()
	c.Refresh = dram.NoRefresh
	trace := &dram.SliceTrace{Requests: []dram.TraceRequest{
		{Address: 0x0, Clock: 0}, {Address: 0x0, Clock: 1000}, {Address: 1 << 26, Clock: 2000},
		{Address: 0x40, Write: true, Clock: 2001}, {Address: 0x40, Write: true, Clock: 2001},
	}}
	stats, err := dram.Replay(s, c, trace, dram.ReplayOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return NewDRAMResult("five.trc", standard, s, &c, &stats, DRAMHost{WallSeconds: 0.5, SimulateSeconds: 0.25, ReadSeconds: 0.125})
}

// TestDRAMText: figures, units and the finish rule are all there.
func TestDRAMText(t *testing.T) {
	var b strings.Builder
	if err := WriteDRAMText(&b, dramFixture(t, "ddr4-2400"), Style{}); err != nil {
		t.Fatal(err)
	}
	text := strings.Join(strings.Fields(b.String()), " ")
	for _, want := range []string{
		"five.trc on ddr4-2400 ",
		"a clock of the command bus is 833 ps",
		"Requests 5 of 64 bytes, a burst each Reads 3 Writes 2 1 merged with a buffered write",
		"every read has returned, every write was accepted",
		"Hits 1 ", "Conflicts 1 another row was open",
		"reads latency latency cycles ns",
		"Busiest bank 75.0 % of bursts, ", "of 16 banks: channel 0, rank 0, ",
		"average 38.0 31.7", "95 % within 55 45.8", "longest 55 45.8", // (38 + 21 + 55) / 3
		"cause energy share nJ %", "total ",
		"Source: DDR4 8 Gb x8 at 2400",
		"0.50 s: reading the trace 0.12 s, simulation 0.25 s, 20.0 requests/s",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
	if strings.Contains(text, "estimate") {
		t.Errorf("published currents are called an estimate:\n%s", b.String())
	}
	b.Reset()
	if err := WriteDRAMText(&b, dramFixture(t, "lpddr5-6400"), Style{}); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(b.String(), "\nEnergy (estimate)\n") {
		t.Errorf("an estimate is not called one:\n%s", b.String())
	}
}

// TestDRAMJSON: the keys that scripts read are there and agree with each other.
func TestDRAMJSON(t *testing.T) {
	var b strings.Builder
	if err := WriteDRAMJSON(&b, dramFixture(t, "ddr4-2400")); err != nil {
		t.Fatal(err)
	}
	var r map[string]any
	if err := json.Unmarshal([]byte(b.String()), &r); err != nil {
		t.Fatal(err)
	}
	figure := func(key string) float64 {
		x, ok := r[key].(float64)
		if !ok {
			t.Errorf("%s is %v", key, r[key])
		}
		return x
	}
	near := func(what string, got, want float64) {
		if math.Abs(got-want) > 1e-9*math.Abs(want) {
			t.Errorf("%s is %g, want %g", what, got, want)
		}
	}
	near("requests", figure("requests"), 5)
	near("reads", figure("reads"), 3)
	near("writes", figure("writes"), 2)
	near("time_ns", figure("time_ns"), figure("cycles")*0.833)
	near("average_read_latency_cycles", figure("average_read_latency_cycles"), 38)
	near("row_hit_rate", figure("row_hit_rate"), figure("row_hits")/(figure("row_hits")+figure("row_misses")+figure("row_conflicts")))
	near("achieved_gb_per_s", figure("achieved_gb_per_s"), 4*64/figure("time_ns")) // a write still waits in its buffer
	near("peak_gb_per_s", figure("peak_gb_per_s"), math.Floor(64/(4*0.833e-9))/1e9)
	near("refreshes", figure("refreshes"), 0)
	sum := 0.0
	for _, cause := range []string{"activate", "read", "write", "refresh", "background"} {
		sum += r["energy_nj_by_cause"].(map[string]any)[cause].(float64)
	}
	near("energy_nj", figure("energy_nj"), sum)
	near("activates", figure("activates"), 3) // the writes go back to the first row
	latency := r["read_latency_cycles"].(map[string]any)
	near("average of read_latency_cycles", latency["average"].(float64), 38)
	near("p95", latency["p95"].(float64), 55)
	activates, bursts := 0.0, 0.0
	for _, bank := range r["banks"].([]any) {
		activates += bank.(map[string]any)["activates"].(float64)
		bursts += bank.(map[string]any)["bursts"].(float64)
	}
	near("activates of banks", activates, 3)
	near("bursts of banks", bursts, 4) // one write was absorbed
	for _, key := range []string{"wall_seconds", "simulate_seconds"} {
		if _, ok := r["host"].(map[string]any)[key].(float64); !ok {
			t.Errorf("host.%s is missing", key)
		}
	}
}

// TestEmptyDRAMResult: nothing is divided by nothing.
func TestEmptyDRAMResult(t *testing.T) {
	s, err := dram.Load("ddr4-2400")
	if err != nil {
		t.Fatal(err)
	}
	c := dram.DefaultController()
	stats, err := dram.Replay(s, c, &dram.SliceTrace{}, dram.ReplayOptions{})
	if err != nil {
		t.Fatal(err)
	}
	r := NewDRAMResult("empty.trc", "ddr4-2400", s, &c, &stats, DRAMHost{})
	var text, data strings.Builder
	if err := WriteDRAMText(&text, r, Style{}); err != nil {
		t.Error(err)
	}
	if err := WriteDRAMJSON(&data, r); err != nil {
		t.Error(err)
	}
	if out := text.String() + data.String(); strings.Contains(out, "NaN") || strings.Contains(out, "Inf") {
		t.Error(out)
	}
}
