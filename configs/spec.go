// Package configs describes a run: the accelerator, its memory, its energy
// figures, and how a network is quantized for it.
//
// A Spec comes from Load: an embedded preset or a TOML file, which may inherit
// from another, changed by single "section.key=value" settings. Every fault of
// every source is reported at once with its file, line, key, the rule and the
// nearest valid name (package strict). A Spec from Load is valid, stands alone
// (of a file that dram.standard names it holds the text; only the folders of
// compression.mask and compression.trained it names, as seen from the working
// directory) and must not be changed: derive another with With.
//
// Units stand in the names of keys: kib and mib are binary (1024), gb is
// decimal (10^9 bytes), pj are picojoules, mw milliwatts. A "cycle" is one of
// npu.clock_mhz. The package describes; what a figure means for time, bytes
// and energy is up to the packages that model them. Table keys.go is the one
// list of all keys with their types, units, bounds, defaults and meanings.
package configs

import "math/bits"

// Spec is a whole configuration. Fields without a TOML section of their own
// are labels that change no result.
type Spec struct {
	Name         string       `toml:"name"`         // preset, file or chosen name; a label
	Description  string       `toml:"description"`  // one line for people; a label
	NPU          NPU          `toml:"npu"`          // clock and scratchpads
	MACArray     MACArray     `toml:"mac_array"`    // multiply-accumulate array
	XOR          XOR          `toml:"xor"`          // decryption of coded weights
	LUTGEMM      LUTGEMM      `toml:"lut_gemm"`     // products by look-up tables
	Vector       Vector       `toml:"vector"`       // vector unit
	DMA          DMA          `toml:"dma"`          // transfers between DRAM and scratchpads
	DRAM         DRAM         `toml:"dram"`         // external memory
	Energy       Energy       `toml:"energy"`       // per-operation energy figures
	Area         Area         `toml:"area"`         // figures of the area estimate
	Quantization Quantization `toml:"quantization"` // integer formats of a network
	Compression  Compression  `toml:"compression"`  // weight streams in DRAM
}

// NPU is the core as a whole: its clock and scratchpads.
type NPU struct {
	ClockMHz                 int `toml:"clock_mhz"`                   // MHz, clock of every unit
	Cores                    int `toml:"cores"`                       // cores; 1 in this version
	Batch                    int `toml:"batch"`                       // samples a run; 1 in this version
	ActivationBufferKiB      int `toml:"activation_buffer_kib"`       // KiB, scratchpad of activations
	WeightBufferKiB          int `toml:"weight_buffer_kib"`           // KiB, scratchpad of weights and per-channel constants
	AccumulatorBufferKiB     int `toml:"accumulator_buffer_kib"`      // KiB, scratchpad of int32 partial sums
	ChannelBlock             int `toml:"channel_block"`               // channels stored together in the channel-blocked layout
	ActivationBytesPerCycle  int `toml:"activation_bytes_per_cycle"`  // bytes a cycle, read and write ports each
	WeightBytesPerCycle      int `toml:"weight_bytes_per_cycle"`      // bytes a cycle, read and write ports each
	AccumulatorBytesPerCycle int `toml:"accumulator_bytes_per_cycle"` // bytes a cycle, read and write ports each
}

// ActivationBufferBytes is the size of the activation scratchpad in bytes.
func (n *NPU) ActivationBufferBytes() int64 { return int64(n.ActivationBufferKiB) << 10 }

// WeightBufferBytes is the size of the weight scratchpad in bytes.
func (n *NPU) WeightBufferBytes() int64 { return int64(n.WeightBufferKiB) << 10 }

// AccumulatorBufferBytes is the size of the accumulator scratchpad in bytes.
func (n *NPU) AccumulatorBufferBytes() int64 { return int64(n.AccumulatorBufferKiB) << 10 }

// MACArray is the systolic array of int8 multiply-accumulate cells.
type MACArray struct {
	Rows                 int      `toml:"rows"`                   // cells down a column
	Columns              int      `toml:"columns"`                // cells along a row
	Dataflow             Dataflow `toml:"dataflow"`               // which operand stays in the cells
	OverlapWeightLoad    bool     `toml:"overlap_weight_load"`    // shadow registers take the next weights while this fold computes
	OverlapDrain         bool     `toml:"overlap_drain"`          // output-stationary results leave while the next fold fills
	PerChannelMultiplier bool     `toml:"per_channel_multiplier"` // the requantizer holds a multiplier for every channel, not one a layer
}

// XOR is the set of decryption units between DMA and weight scratchpad. Each
// holds an XOR network and gives the outputs of one slice a cycle.
type XOR struct {
	Units           int `toml:"units"`             // units, slices a cycle; 0: the machine has none
	MaxInputs       int `toml:"max_inputs"`        // inputs of the widest network: n_in, n_in * (n_s + 1) with registers
	MaxOutputs      int `toml:"max_outputs"`       // outputs of the widest network, bits of a slice
	PatchesPerCycle int `toml:"patches_per_cycle"` // patches or corrections that a unit applies a cycle
	PatchBuffer     int `toml:"patch_buffer"`      // patches or corrections that a unit holds ahead
	LatencyCycles   int `toml:"latency_cycles"`    // cycles from a code to its slice
}

// LUTGEMM is the unit that multiplies binary codes by look-up. It holds two
// sets of tables: one is queried while the other is built.
type LUTGEMM struct {
	Lanes      int       `toml:"lanes"`       // queries a cycle; 0: the machine has none
	Use        LookupUse `toml:"use"`         // for which of the layers with binary codes
	Tables     int       `toml:"tables"`      // tables of a set
	Ports      int       `toml:"ports"`       // entries read a cycle from each table
	Mu         int       `toml:"mu"`          // bits of a key, inputs of a table
	Symmetry   bool      `toml:"symmetry"`    // tables hold half of the entries
	Adders     int       `toml:"adders"`      // additions a cycle that build tables
	ScaleLanes int       `toml:"scale_lanes"` // sums a cycle that are multiplied by their scales
}

// TableBytes is the memory of a table, entries at the width of a sum of mu
// 9-bit inputs with its sign.
func (l *LUTGEMM) TableBytes() int64 {
	entries := int64(1) << l.Mu
	if l.Symmetry {
		entries /= 2
	}
	return (entries*int64(bits.Len(uint(255*l.Mu))+1) + 7) / 8
}

// TableSlots is the number of tables of both sets; 0 if the machine has no unit.
func (l *LUTGEMM) TableSlots() int64 {
	if l.Lanes == 0 {
		return 0
	}
	return 2 * int64(l.Tables)
}

// TableBufferBytes is the memory of both sets of tables; 0 if the machine has no
// unit.
func (l *LUTGEMM) TableBufferBytes() int64 { return l.TableSlots() * l.TableBytes() }

// Vector is the unit for element-wise work, pooling, reductions and tables.
type Vector struct {
	Lanes        int `toml:"lanes"`         // elements a cycle of simple operations
	TableLanes   int `toml:"table_lanes"`   // look-ups a cycle in 256-entry tables
	DivideCycles int `toml:"divide_cycles"` // cycles an element a lane for a division
}

// DMA moves data between DRAM and the scratchpads.
type DMA struct {
	RequestBytes        int `toml:"request_bytes"`        // bytes, largest request sent to memory
	AlignmentBytes      int `toml:"alignment_bytes"`      // bytes, alignment of tensors and rows in DRAM
	OutstandingRequests int `toml:"outstanding_requests"` // requests in flight at once
	SetupCycles         int `toml:"setup_cycles"`         // cycles before the first request of a descriptor
}

// DRAM is the external memory. A memory preset supplies bandwidth, latency,
// burst and energy.dram_pj_per_bit; explicit keys override it. Tier bank takes
// its timing from the data sheet of that name or from Standard.
type DRAM struct {
	Preset          string   `toml:"preset"`             // name of a memory preset, or empty
	Channels        int      `toml:"channels"`           // independent channels
	Tier            Tier     `toml:"tier"`               // how faithfully memory time is modelled
	Controller      []string `toml:"controller"`         // "key=value" settings of the memory controller, tier bank only
	BandwidthGBPerS float64  `toml:"bandwidth_gb_per_s"` // 10^9 bytes a second, peak of one channel
	LatencyNS       float64  `toml:"latency_ns"`         // ns, unloaded, from request to first data; tier linear
	BurstBytes      int      `toml:"burst_bytes"`        // bytes of one access; smaller ones cost as much
	Efficiency      float64  `toml:"efficiency"`         // share of the peak that tier linear reaches
	CapacityMiB     int      `toml:"capacity_mib"`       // MiB, all channels together
	Standard        string   `toml:"standard"`           // text of a memory standard of the user's own, or empty
}

// PeakGBPerS is the peak bandwidth of all channels, 10^9 bytes a second.
func (d *DRAM) PeakGBPerS() float64 { return float64(d.Channels) * d.BandwidthGBPerS }

// CapacityBytes is the size of the memory in bytes.
func (d *DRAM) CapacityBytes() int64 { return int64(d.CapacityMiB) << 20 }

// Energy holds the figures of a linear energy model: counts times these.
type Energy struct {
	MACPJ                      float64 `toml:"mac_pj"`                         // pJ an int8 multiply with int32 accumulation
	RequantizePJ               float64 `toml:"requantize_pj"`                  // pJ a result scaled by the layer's multiplier, shifted, clamped
	RequantizeMultiplierPJ     float64 `toml:"requantize_multiplier_pj"`       // pJ more a result when each channel has its multiplier
	VectorOpPJ                 float64 `toml:"vector_op_pj"`                   // pJ an element operation of the vector unit
	TableLookupPJ              float64 `toml:"table_lookup_pj"`                // pJ a look-up in a 256-entry table
	XORGatePJ                  float64 `toml:"xor_gate_pj"`                    // pJ a two-input XOR gate evaluated once
	RegisterPJ                 float64 `toml:"register_pj"`                    // pJ a bit of a flip-flop clocked once
	LUTEntryPJ                 float64 `toml:"lut_entry_pj"`                   // pJ a table entry of the LUT-GEMM unit read and added
	LUTBuildPJ                 float64 `toml:"lut_build_pj"`                   // pJ a table entry made by an addition and written
	LUTScalePJ                 float64 `toml:"lut_scale_pj"`                   // pJ a sum multiplied by its scale and added
	ActivationBufferPJPerByte  float64 `toml:"activation_buffer_pj_per_byte"`  // pJ a byte read or written
	WeightBufferPJPerByte      float64 `toml:"weight_buffer_pj_per_byte"`      // pJ a byte read or written
	AccumulatorBufferPJPerByte float64 `toml:"accumulator_buffer_pj_per_byte"` // pJ a byte read or written
	DRAMPJPerBit               float64 `toml:"dram_pj_per_bit"`                // pJ a bit moved, core and interface; tiers ideal and linear
	StaticMW                   float64 `toml:"static_mw"`                      // mW of leakage and idle clocks, on all the time
}

// Area holds the figures of the area estimate: logic as at 45 nm, scaled to the
// technology node like the scratchpads, whose figures are in package evaluate.
type Area struct {
	TechnologyNM     float64 `toml:"technology_nm"`     // nm, name of the technology node
	Multiplier8UM2   float64 `toml:"multiplier_8_um2"`  // square micrometres at 45 nm of an 8-bit multiplier
	Multiplier32UM2  float64 `toml:"multiplier_32_um2"` // square micrometres at 45 nm of a 32-bit multiplier
	Adder32UM2       float64 `toml:"adder_32_um2"`      // square micrometres at 45 nm of a 32-bit adder
	GateUM2          float64 `toml:"gate_um2"`          // square micrometres at 45 nm of a two-input XOR gate
	RegisterUM2      float64 `toml:"register_um2"`      // square micrometres at 45 nm of a bit of a flip-flop
	OverheadFraction float64 `toml:"overhead_fraction"` // of the parts' area, for control, wires and what is not modelled
}

// Quantization says how a float network becomes integers.
type Quantization struct {
	Weights        WeightScheme `toml:"weights"`         // how weight scales are shared
	WeightBits     int          `toml:"weight_bits"`     // bits of a weight
	ActivationBits int          `toml:"activation_bits"` // bits of an activation
	Planes         int          `toml:"planes"`          // signs of a weight, for weights "binary-coding"
	Group          int          `toml:"group"`           // weights that share scales, for "binary-coding"; 0: those of an output channel
	Solver         CodeSolver   `toml:"solver"`          // of signs and scales, for "binary-coding"
	AverageBits    float64      `toml:"average_bits"`    // bits of a weight on average over layers with "binary-coding"; 0: Planes
	Rounding       Rounding     `toml:"rounding"`        // of requantization
	Calibration    Calibration  `toml:"calibration"`     // how activation ranges are chosen
	Percentile     float64      `toml:"percentile"`      // percent of calibration values inside the range, for calibration "percentile"
	Layers         []LayerRule  `toml:"layer"`           // overrides by layer name
}

// LayerRule overrides quantization for the layers its pattern matches. Fields
// with zero values leave what holds otherwise.
type LayerRule struct {
	Match          string       `toml:"match"`           // pattern of path.Match on the whole layer name; * stops at /
	Weights        WeightScheme `toml:"weights"`         // or 0
	WeightBits     int          `toml:"weight_bits"`     // bits, or 0
	Planes         int          `toml:"planes"`          // planes, or 0
	RowClusters    int          `toml:"row_clusters"`    // clusters of outputs, or 0
	RowRatio       float64      `toml:"row_ratio"`       // size of a cluster over that of the one before, or 0
	ActivationBits int          `toml:"activation_bits"` // bits, or 0
}

// LayerQuantization is what holds for one layer.
type LayerQuantization struct {
	Weights        WeightScheme // how weight scales are shared
	WeightBits     int          // bits of a weight
	ActivationBits int          // bits of an activation
	Planes         int          // signs of a weight, for "binary-coding"
	RowClusters    int          // clusters of outputs, each with a plane less than the one before; 1: all alike
	RowRatio       float64      // size of a cluster over that of the one before
}

// ClusterPlanes are the planes of each cluster of outputs.
func (l *LayerQuantization) ClusterPlanes() []int {
	planes := make([]int, l.RowClusters)
	for i := range planes {
		planes[i] = max(l.Planes-i, 1)
	}
	return planes
}
