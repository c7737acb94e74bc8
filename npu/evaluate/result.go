// Package evaluate runs a network on a machine and gathers what users ask:
// accuracy against labels and against the float network, bit-exactness against
// the integer reference, time, DRAM traffic, energy. Result is the object that
// `npusim run --format json` prints; its JSON keys are fixed.
//
// Units stand in the key names: ms, gb (10^9 bytes), uj (microjoules), db.
package evaluate

import "github.com/npusim/npusim/npu/recording"

// Schema is the version of the JSON form of Result.
const Schema = 1

// Result is the outcome of one run. Pointers and omitted keys mean that a
// figure does not apply to the run.
type Result struct {
	Schema      int          `json:"schema"`
	Tool        string       `json:"tool,omitempty"` // version that made it
	Model       Model        `json:"model"`
	Config      Config       `json:"config"`
	Program     Program      `json:"program"`
	Accuracy    *Accuracy    `json:"accuracy,omitempty"`
	Timing      Timing       `json:"timing"`
	DRAM        DRAM         `json:"dram"`
	Scratchpad  Scratchpad   `json:"scratchpad"`
	Operations  Operations   `json:"operations"`
	EnergyUJ    Energy       `json:"energy_uj"`
	AreaMM2     *Area        `json:"area_mm2,omitempty"`    // an estimate of the machine's silicon
	Compression *Compression `json:"compression,omitempty"` // of pruned or coded weights
	Stalls      Stalls       `json:"stalls"`
	Occupancy   *Occupancy   `json:"occupancy,omitempty"`
	Layers      []Layer      `json:"layers"`
	Notes       []string     `json:"notes,omitempty"` // what the reader must know: rules, reductions, what is not modelled
	Host        Host         `json:"host"`

	// Recording is there if Options.Record asked for it. Spans name layers by
	// their place in Layers. A report directory holds it in trace.json.
	Recording *recording.Recording `json:"-"`
}

// Model names the network.
type Model struct {
	Name       string `json:"name"`
	SHA256     string `json:"sha256,omitempty"`
	Parameters int64  `json:"parameters"`
	MACs       int64  `json:"macs"`
}

// Config names the hardware.
type Config struct {
	Name        string   `json:"name"`
	Changes     []string `json:"changes,omitempty"` // settings of this run on top of it
	MachineHash string   `json:"machine_hash"`
	ConfigHash  string   `json:"config_hash"`
	TOML        string   `json:"toml,omitempty"` // the whole configuration, to run it again
}

// Program is the size of the compiled network.
type Program struct {
	Instructions        int64   `json:"instructions"`         // in the code sections, loops not unrolled
	DynamicInstructions int64   `json:"dynamic_instructions"` // loops unrolled
	CodeBytes           int64   `json:"code_bytes"`           // instructions and descriptors
	WeightBytes         int64   `json:"weight_bytes"`         // the weights region: weights, parameters, tables
	WeightBitsPerWeight float64 `json:"weight_bits_per_weight"`
}

// Interval is a 95 % confidence interval.
type Interval struct {
	Low  float64 `json:"low"`
	High float64 `json:"high"`
}

// Accuracy compares the machine's answers with labels and with the float
// network. Shares are fractions of 1.
type Accuracy struct {
	Metric    string   `json:"metric"` // top1, or none for unlabelled inputs
	Data      string   `json:"data"`   // data set file, or "random" with the seed
	Samples   int      `json:"samples"`
	FloatTop1 *float64 `json:"float_top1,omitempty"`
	NPUTop1   *float64 `json:"npu_top1,omitempty"`
	// Top1Difference is npu_top1 - float_top1 of the same samples, with its
	// 95 % interval (paired, adjusted Wald; absent below 30 samples).
	Top1Difference         *float64  `json:"top1_difference,omitempty"`
	Top1DifferenceInterval *Interval `json:"top1_difference_interval,omitempty"`
	Agreement              *float64  `json:"agreement,omitempty"` // same arg-max as float
	SQNRDB                 *float64  `json:"sqnr_db,omitempty"`   // of the outputs against float
	Cosine                 *float64  `json:"cosine,omitempty"`    // mean over samples
	BitExact               *bool     `json:"bit_exact,omitempty"`
	BitExactSamples        int       `json:"bit_exact_samples,omitempty"`
	Divergence             string    `json:"divergence,omitempty"` // the first one, in words
}

// Timing is one cold inference.
type Timing struct {
	Cycles              int64   `json:"cycles"`
	LatencyMS           float64 `json:"latency_ms"`
	InferencesPerSecond float64 `json:"inferences_per_second"`
	MACUtilization      float64 `json:"mac_utilization"` // of the array's peak
	ClockMHz            int64   `json:"clock_mhz,omitempty"`
	PeakMACsPerCycle    int64   `json:"peak_macs_per_cycle,omitempty"` // of the array
}

// DRAM is the traffic of one inference.
type DRAM struct {
	ReadBytes       int64            `json:"read_bytes"`
	WriteBytes      int64            `json:"write_bytes"`
	BytesByClass    map[string]int64 `json:"bytes_by_class"` // encoding/json sorts the keys
	AchievedGBPerS  float64          `json:"achieved_gb_per_s"`
	PeakGBPerS      float64          `json:"peak_gb_per_s"`
	RowHitRate      *float64         `json:"row_hit_rate,omitempty"`
	Requests        int64            `json:"requests"`
	CompulsoryBytes int64            `json:"compulsory_bytes"` // input, weights region and output once each
	// What only tier bank knows.
	Standard    string       `json:"standard,omitempty"`     // the memory's data sheet, by name
	Activates   *int64       `json:"activates,omitempty"`    // rows opened
	Refreshes   *int64       `json:"refreshes,omitempty"`    // refresh commands
	EnergyUJ    *DRAMEnergy  `json:"energy_uj,omitempty"`    // sums to energy_uj.dram
	ReadLatency *ReadLatency `json:"read_latency,omitempty"` // of bursts
	Banks       []BankUse    `json:"banks,omitempty"`        // by channel, rank, bank group, bank
	// OverTime is the traffic in equal stretches of the inference.
	OverTime *TrafficOverTime `json:"over_time,omitempty"`
}

// DRAMEnergy is the energy of the memory by cause, in microjoules, from the
// commands it executed. Source says what the figures cover: those from published
// currents the devices' core, others the interface too.
type DRAMEnergy struct {
	Activate   float64 `json:"activate"`   // opening and closing rows
	Read       float64 `json:"read"`       // bursts, on top of standby
	Write      float64 `json:"write"`      // bursts, on top of standby
	Refresh    float64 `json:"refresh"`    // on top of standby
	Background float64 `json:"background"` // standby of all ranks over the whole inference
	// Estimated says that the figures do not come from published currents.
	Estimated bool   `json:"estimated"`
	Source    string `json:"source"`
}

// ReadLatency is the time of read bursts from the controller's acceptance to
// the last beat of data. What exceeds UnloadedHitNS is queueing and the
// opening of rows.
type ReadLatency struct {
	Bursts            int64           `json:"bursts"`
	AverageNS         float64         `json:"average_ns"`
	MedianNS          float64         `json:"median_ns"`
	P95NS             float64         `json:"p95_ns"`
	P99NS             float64         `json:"p99_ns"`
	MaximumNS         float64         `json:"maximum_ns"`
	AverageQueueingNS float64         `json:"average_queueing_ns"`  // average less unloaded_hit_ns
	UnloadedHitNS     float64         `json:"unloaded_hit_ns"`      // row open, nobody waits
	UnloadedClosedNS  float64         `json:"unloaded_closed_ns"`   // no row open
	UnloadedOtherNS   float64         `json:"unloaded_conflict_ns"` // another row open
	Histogram         []LatencyBucket `json:"histogram"`            // in order, without empty buckets
}

// LatencyBucket counts bursts of FromNS up to, not including, ToNS.
type LatencyBucket struct {
	FromNS float64 `json:"from_ns"`
	ToNS   float64 `json:"to_ns"`
	Bursts int64   `json:"bursts"`
}

// BankUse is what one bank has done.
type BankUse struct {
	Channel   int   `json:"channel"`
	Rank      int   `json:"rank"`
	BankGroup int   `json:"bank_group"`
	Bank      int   `json:"bank"` // in its group
	Activates int64 `json:"activates"`
	Bursts    int64 `json:"bursts"` // read and written
}

// TrafficOverTime has a value for each stretch of IntervalCycles NPU cycles
// from the start of the inference; the last stretch may be cut short. A request
// counts in the stretch in which it completes.
type TrafficOverTime struct {
	IntervalCycles int64              `json:"interval_cycles"`
	ReadBytes      []int64            `json:"read_bytes"`
	WriteBytes     []int64            `json:"write_bytes"`
	BytesByClass   map[string][]int64 `json:"bytes_by_class"`
	// Rows opened and bursts that used rows; tier bank only. A stretch's row
	// hit rate is 1 - activates / bursts.
	Activates []int64 `json:"activates,omitempty"`
	Bursts    []int64 `json:"bursts,omitempty"`
}

// Scratchpad is the use of the scratchpads.
type Scratchpad struct {
	PeakBytes     map[string]int64 `json:"peak_bytes"`
	CapacityBytes map[string]int64 `json:"capacity_bytes"`
}

// Operations counts the work of one inference.
type Operations struct {
	MAC          int64 `json:"mac"`
	Requantize   int64 `json:"requantize"`
	Vector       int64 `json:"vector"`
	TableLookups int64 `json:"table_lookups"`
	// Of the LUT-GEMM unit: additions that build tables, entries read and added,
	// sums multiplied by scales and added.
	LUTBuildAdds int64 `json:"lut_build_adds,omitempty"`
	LUTQueries   int64 `json:"lut_queries,omitempty"`
	LUTScaleMACs int64 `json:"lut_scale_macs,omitempty"`
	XORSlices    int64 `json:"xor_slices,omitempty"`  // slices of weight bits decoded
	Corrections  int64 `json:"corrections,omitempty"` // decoded bits put right
}

// Energy in microjoules of one inference.
type Energy struct {
	Total      float64 `json:"total"`
	MAC        float64 `json:"mac"`
	Requantize float64 `json:"requantize"`
	Vector     float64 `json:"vector"`
	Scratchpad float64 `json:"scratchpad"`
	DRAM       float64 `json:"dram"`
	LUT        float64 `json:"lut,omitempty"` // the LUT-GEMM unit: tables built and read, sums scaled
	XOR        float64 `json:"xor,omitempty"` // decryption units, gates and flip-flops
	Static     float64 `json:"static"`
}

// UnitStalls is how one unit spends its cycles; the fields sum to the total.
type UnitStalls struct {
	Busy      int64 `json:"busy"`
	Fill      int64 `json:"fill"`
	Drain     int64 `json:"drain"`
	Bank      int64 `json:"bank"`
	DRAM      int64 `json:"dram"`
	Semaphore int64 `json:"semaphore"`
	Finished  int64 `json:"finished"`
}

// Stalls maps a unit's name to its cycles by cause. Units lists the names in
// the order of the machine.
type Stalls map[string]UnitStalls

// Occupancy is how long each unit is at work in each stretch of IntervalCycles
// NPU cycles from the start of the inference; the last stretch may be cut
// short. Filling, draining and port waits of an array are work; a DMA unit is at
// work while a transfer is under way.
type Occupancy struct {
	IntervalCycles int64              `json:"interval_cycles"`
	ActiveCycles   map[string][]int64 `json:"active_cycles"` // by the names of Units
}

// Units are the keys of Stalls in the order of the machine. That of LUT-GEMM
// stands in the results of programs that use it.
var Units = []string{"load", "store", "mac", "vector", "lookup_gemm", "table_builder"}

// Layer is a row of the layer table. Cycles, bytes and energy of the layers
// sum to the totals.
type Layer struct {
	Name           string           `json:"name"`
	Op             string           `json:"op"`
	Cycles         int64            `json:"cycles"`
	MACs           int64            `json:"macs"`
	Utilization    float64          `json:"utilization"`
	Bound          string           `json:"bound"`           // mac, lookup, vector, pipeline, dram or latency: where most cycles go
	CyclesByBound  map[string]int64 `json:"cycles_by_bound"` // sums to cycles
	DRAMReadBytes  int64            `json:"dram_read_bytes"`
	DRAMWriteBytes int64            `json:"dram_write_bytes"`
	BytesByClass   map[string]int64 `json:"bytes_by_class"`
	EnergyUJ       float64          `json:"energy_uj"`
	WeightBits     int              `json:"weight_bits,omitempty"`
	SQNRDB         *float64         `json:"sqnr_db,omitempty"`
	Reuse          *LayerReuse      `json:"reuse,omitempty"`         // what is moved and filled against what it would have to be
	WeightRanges   *WeightRanges    `json:"weight_ranges,omitempty"` // of layers quantized in this run

	// Nodes are the nodes of the ONNX model that the layer computes, by name or,
	// without one, by first output; known only while the model is.
	Nodes []string `json:"-"`
}

// WeightRanges counts the output channels of a layer by the magnitude of their
// largest weight, in half octaves below full scale: entry i from 2^(-(i+1)/2)
// to 2^(-i/2) of it; the last of 33 entries, 16 octaves below, has all narrower ones too. Without
// shift equalization full scale is the widest channel; after it, what the one
// step of the layer can express.
type WeightRanges struct {
	Before       []int `json:"channels_before_shift"`
	After        []int `json:"channels_after_shift,omitempty"` // only with shift equalization
	DeadChannels int   `json:"dead_channels,omitempty"`        // all weights zero
}

// Host is what the simulation itself cost.
type Host struct {
	WallSeconds     float64 `json:"wall_seconds"`
	CompileSeconds  float64 `json:"compile_seconds"`
	TimingSeconds   float64 `json:"timing_seconds"`
	ExecuteSeconds  float64 `json:"execute_seconds"`
	PeakMemoryBytes int64   `json:"peak_memory_bytes"`
	Kernels         string  `json:"kernels"`
}
