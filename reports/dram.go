package reports

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	"github.com/npusim/npusim/memsim/dram"
	"github.com/npusim/npusim/npu/evaluate"
)

// DRAMResult is the outcome of a trace of requests on a memory alone, in the
// form of `dram --format json`. Cycles are clocks of the command bus, GB are
// 10^9 bytes.
type DRAMResult struct {
	Trace  string     `json:"trace"`
	Memory DRAMMemory `json:"memory"`

	Requests int64 `json:"requests"` // one burst each
	Reads    int64 `json:"reads"`
	Writes   int64 `json:"writes"`
	// Cycles ends when every read has returned and every write was accepted.
	Cycles         int64   `json:"cycles"`
	TimeNS         float64 `json:"time_ns"`
	Activates      int64   `json:"activates"`
	RowHits        int64   `json:"row_hits"`
	RowMisses      int64   `json:"row_misses"`
	RowConflicts   int64   `json:"row_conflicts"`
	RowHitRate     float64 `json:"row_hit_rate"`
	AchievedGBPerS float64 `json:"achieved_gb_per_s"`
	PeakGBPerS     float64 `json:"peak_gb_per_s"`

	AverageReadLatencyCycles float64         `json:"average_read_latency_cycles"`
	ReadLatencyCycles        LatencyQuantile `json:"read_latency_cycles"`

	ForwardedReads int64 `json:"forwarded_reads"` // served from the write buffer
	MergedReads    int64 `json:"merged_reads"`    // served by the command of another read
	MergedWrites   int64 `json:"merged_writes"`   // absorbed by a buffered write
	PendingWrites  int64 `json:"pending_writes"`  // in a buffer at the end
	Refreshes      int64 `json:"refreshes"`

	EnergyNJ        float64    `json:"energy_nj"`
	EnergyByCause   DRAMEnergy `json:"energy_nj_by_cause"`
	EnergyEstimated bool       `json:"energy_estimated"` // not from published currents

	Host DRAMHost `json:"host"`

	Banks []evaluate.BankUse `json:"banks,omitempty"` // by channel, rank, bank group, bank
}

// DRAMMemory says what the trace ran on.
type DRAMMemory struct {
	Name         string `json:"name"`
	Standard     string `json:"standard"`
	Channels     int    `json:"channels"`
	ClockPS      int64  `json:"clock_ps"`
	RequestBytes int64  `json:"request_bytes"`
	AddressMap   string `json:"address_map"`
	IssueWidth   int    `json:"issue_width"` // requests offered a clock
	EnergySource string `json:"energy_source,omitempty"`

	bankQueues bool
}

// LatencyQuantile holds latencies that a share of the reads stay at or below,
// exact up to 63 cycles, above that up to 1/32 too low; average and maximum are
// exact.
type LatencyQuantile struct {
	Average float64 `json:"average"`
	P50     int64   `json:"p50"`
	P90     int64   `json:"p90"`
	P95     int64   `json:"p95"`
	P99     int64   `json:"p99"`
	Max     int64   `json:"max"`
}

// DRAMEnergy is in nanojoules.
type DRAMEnergy struct {
	Activate   float64 `json:"activate"`
	Read       float64 `json:"read"`
	Write      float64 `json:"write"`
	Refresh    float64 `json:"refresh"`
	Background float64 `json:"background"`
}

// DRAMHost is what the simulation itself took.
type DRAMHost struct {
	WallSeconds     float64 `json:"wall_seconds"`
	SimulateSeconds float64 `json:"simulate_seconds"` // without reading the trace
	ReadSeconds     float64 `json:"read_seconds"`     // decompressing and parsing it
}

// NewDRAMResult gathers the result of a trace on a memory that goes by a name.
func NewDRAMResult(trace, name string, s *dram.Standard, c *dram.Controller, stats *dram.Stats, host DRAMHost) *DRAMResult {
	e := stats.Energy
	var banks []evaluate.BankUse
	for _, b := range stats.Banks {
		banks = append(banks, evaluate.BankUse{Channel: b.Channel, Rank: b.Rank, BankGroup: b.BankGroup, Bank: b.Bank, Activates: b.Activates, Bursts: b.Bursts})
	}
	return &DRAMResult{
		Trace: trace,
		Memory: DRAMMemory{
			Name: name, Standard: s.Name, Channels: int(s.Organization.Channels), ClockPS: s.ClockPicoseconds,
			RequestBytes: stats.BytesPerAccess, AddressMap: c.AddressMap, IssueWidth: c.IssueWidth,
			EnergySource: s.Energy.Source, bankQueues: c.Scheduling == dram.BankQueues,
		},
		Requests: stats.Requests(), Reads: stats.Reads, Writes: stats.Writes,
		Cycles: int64(stats.Cycles), TimeNS: float64(int64(stats.Cycles)*stats.ClockPicoseconds) / 1e3,
		Activates: stats.Activates(), RowHits: stats.RowHits, RowMisses: stats.RowMisses, RowConflicts: stats.RowConflicts,
		RowHitRate:     stats.RowHitRate(),
		AchievedGBPerS: stats.BytesPerSecond() / 1e9, PeakGBPerS: float64(stats.PeakBytesPerSec) / 1e9,
		AverageReadLatencyCycles: stats.AverageReadLatency(),
		ReadLatencyCycles: LatencyQuantile{
			P50: int64(stats.ReadLatency.Quantile(0.5)), P90: int64(stats.ReadLatency.Quantile(0.9)),
			P99: int64(stats.ReadLatency.Quantile(0.99)), Max: int64(stats.ReadLatencyMax),
			P95: int64(stats.ReadLatency.Quantile(0.95)), Average: stats.AverageReadLatency(),
		},
		ForwardedReads: stats.ForwardedReads, MergedReads: stats.MergedReads, MergedWrites: stats.MergedWrites,
		PendingWrites: stats.PendingWrites, Refreshes: stats.Refreshes(),
		EnergyNJ: e.Total() / 1e3,
		EnergyByCause: DRAMEnergy{
			Activate: e.Activate / 1e3, Read: e.Read / 1e3, Write: e.Write / 1e3, Refresh: e.Refresh / 1e3, Background: e.Background / 1e3,
		},
		EnergyEstimated: s.Energy.Estimated, Banks: banks, Host: host,
	}
}

// WriteDRAMJSON writes the result indented, keys in the order of the struct,
// with a line feed at the end.
func WriteDRAMJSON(w io.Writer, r *DRAMResult) error {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(r); err != nil {
		return fmt.Errorf("JSON report of %s: %w", r.Trace, err)
	}
	_, err := w.Write(b.Bytes())
	return err
}
