package configs

import (
	"reflect"
	"strings"
)

// Scope says what a key is part of.
type Scope uint8

// Scopes.
const (
	LabelScope   Scope = iota + 1 // names things; part of no hash
	RunScope                      // changes results or times: part of the configuration hash
	MachineScope                  // a compiled program depends on it: part of the machine hash too
)

// Key documents one key of a configuration file. Validation, hashes, printed
// files and reference pages all read this one table.
type Key struct {
	Path     string  // "section.key"; "[]" stands for each table of a list
	Type     string  // integer, number, boolean, string, string list, table list, or the quoted names to choose from
	Unit     string  // of the value; empty for counts, names and switches
	Default  string  // as TOML; empty when the key is required
	Min, Max float64 // bounds of numbers, both allowed
	LaterMax float64 // numbers above Max up to this are known but not supported by this version
	Scope    Scope
	Meaning  string

	list  string // path of the list of tables that the key stands in; empty for most
	index []int  // of the field in Spec, or in a row of the list; nil for "inherit"
}

// Required reports whether a file must give the key, itself or by inheriting.
func (k *Key) Required() bool { return k.Default == "" }

// Bounds of sizes, far above any accelerator this model is meant for, low
// enough that no product of them overflows 64 bits.
const (
	maxBufferKiB = 1 << 20 // 1 GiB
	maxPicojoule = 1e6
	maxPort      = 1 << 16 // bytes a cycle
	maxExact     = 1 << 53 // whole numbers up to here are exact as floats, as which JSON tools read them
)

// Bounds of binary codes, those of package isa/binarycode.
const (
	minMu         = 2
	maxMu         = 10
	maxCodePlanes = 4
)

// Bounds of weight codes: the largest networks that the formats of coded
// weights carry, and what an encoder can search.
const (
	maxSparsity    = 0.99
	maxMaskRank    = 1024
	maxCodeInputs  = 64
	maxCodeOutputs = 1024
	maxRegisters   = 2
	maxPlanes      = 8

	// searchedRegisters in place of a number of registers has it searched.
	searchedRegisters = -1
)

// keys is in the order in which files are printed. Key paths are the TOML tags
// of the fields; init fills types and indexes from those.
var keys = []Key{
	{Path: "inherit", Default: `""`, Scope: LabelScope, Meaning: "preset, or file in the same folder or below, that supplies every key not given here"},
	{Path: "name", Default: `""`, Scope: LabelScope, Meaning: "label in reports; the preset or file name unless given"},
	{Path: "description", Default: `""`, Scope: LabelScope, Meaning: "one line for people"},

	{Path: "npu.clock_mhz", Unit: "MHz", Min: 1, Max: 10000, Scope: RunScope, Meaning: "clock of every unit"},
	{Path: "npu.cores", Default: "1", Min: 1, Max: 1, LaterMax: 64, Scope: MachineScope, Meaning: "cores"},
	{Path: "npu.batch", Default: "1", Min: 1, Max: 1, LaterMax: 4096, Scope: MachineScope, Meaning: "samples a run"},
	{Path: "npu.activation_buffer_kib", Unit: "KiB", Min: 1, Max: maxBufferKiB, Scope: MachineScope, Meaning: "scratchpad of activations"},
	{Path: "npu.weight_buffer_kib", Unit: "KiB", Min: 1, Max: maxBufferKiB, Scope: MachineScope, Meaning: "scratchpad of weights and per-channel constants"},
	{Path: "npu.accumulator_buffer_kib", Unit: "KiB", Min: 1, Max: maxBufferKiB, Scope: MachineScope, Meaning: "scratchpad of int32 partial sums"},
	{Path: "npu.channel_block", Unit: "channels", Default: "16", Min: 8, Max: 1024, Scope: MachineScope, Meaning: "channels stored together in activations; a multiple of 8"},
	{Path: "npu.activation_bytes_per_cycle", Unit: "bytes/cycle", Min: 1, Max: maxPort, Scope: RunScope, Meaning: "activation scratchpad ports, read and write each"},
	{Path: "npu.weight_bytes_per_cycle", Unit: "bytes/cycle", Min: 1, Max: maxPort, Scope: RunScope, Meaning: "weight scratchpad ports, read and write each"},
	{Path: "npu.accumulator_bytes_per_cycle", Unit: "bytes/cycle", Min: 1, Max: maxPort, Scope: RunScope, Meaning: "accumulator scratchpad ports, read and write each"},

	{Path: "mac_array.rows", Min: 1, Max: 1024, Scope: MachineScope, Meaning: "cells down a column"},
	{Path: "mac_array.columns", Min: 1, Max: 1024, Scope: MachineScope, Meaning: "cells along a row"},
	{Path: "mac_array.dataflow", Default: `"weight-stationary"`, Scope: MachineScope, Meaning: "operand that stays in the cells"},
	{Path: "mac_array.overlap_weight_load", Default: "true", Scope: RunScope, Meaning: "shadow registers take the next weights while a fold computes"},
	{Path: "mac_array.overlap_drain", Default: "true", Scope: RunScope, Meaning: "output-stationary results leave while the next fold fills"},
	{Path: "mac_array.per_channel_multiplier", Default: "false", Scope: MachineScope, Meaning: "requantizer has a multiplier value for every channel; needed by per-channel weights"},

	{Path: "xor.units", Default: "4", Min: 0, Max: 1024, Scope: MachineScope, Unit: "slices/cycle", Meaning: "decryption units, a slice a cycle each; 0: the machine has none"},
	{Path: "xor.max_inputs", Default: "64", Min: 1, Max: maxCodeInputs, Scope: MachineScope, Unit: "bits", Meaning: "inputs of the widest network: n_in, for xor-sequential n_in * (n_s + 1)"},
	{Path: "xor.max_outputs", Default: "1024", Min: 1, Max: maxCodeOutputs, Scope: MachineScope, Unit: "bits", Meaning: "outputs of the widest network: n_out"},
	{Path: "xor.patches_per_cycle", Default: "1", Min: 1, Max: 64, Scope: MachineScope, Unit: "patches/cycle", Meaning: "patches or corrections that each unit applies"},
	{Path: "xor.patch_buffer", Default: "16", Min: 1, Max: 4096, Scope: MachineScope, Unit: "patches", Meaning: "patches or corrections that each unit holds ahead"},
	{Path: "xor.latency_cycles", Default: "2", Min: 0, Max: 64, Scope: RunScope, Unit: "cycles", Meaning: "from a code to its slice"},

	{Path: "lut_gemm.lanes", Default: "0", Min: 0, Max: 4096, Scope: MachineScope, Unit: "queries/cycle", Meaning: "query lanes of the LUT-GEMM unit, each reads and adds a table entry a cycle; 0: the machine has none"},
	{Path: "lut_gemm.use", Default: `"always"`, Scope: RunScope, Meaning: "whether layers with weights \"binary-coding\" always have them, or only where the LUT-GEMM unit is estimated to be faster than the MAC array with integer weights"},
	{Path: "lut_gemm.tables", Default: "32", Min: 1, Max: 4096, Scope: MachineScope, Meaning: "tables that are queried at once; as many more are built meanwhile"},
	{Path: "lut_gemm.ports", Default: "1", Min: 1, Max: 64, Scope: RunScope, Unit: "entries/cycle", Meaning: "read ports of each table"},
	{Path: "lut_gemm.mu", Default: "8", Min: minMu, Max: maxMu, Scope: MachineScope, Unit: "bits", Meaning: "a key: inputs of a table"},
	{Path: "lut_gemm.symmetry", Default: "true", Scope: RunScope, Meaning: "tables hold the half of the entries that the other is the negative of"},
	{Path: "lut_gemm.adders", Default: "32", Min: 1, Max: 1 << 16, Scope: RunScope, Unit: "additions/cycle", Meaning: "that build tables"},
	{Path: "lut_gemm.scale_lanes", Default: "4", Min: 1, Max: 4096, Scope: RunScope, Unit: "sums/cycle", Meaning: "sums multiplied by their scales and added"},

	{Path: "vector.lanes", Min: 1, Max: 4096, Scope: RunScope, Unit: "elements/cycle", Meaning: "simple operations of the vector unit"},
	{Path: "vector.table_lanes", Min: 1, Max: 4096, Scope: RunScope, Unit: "look-ups/cycle", Meaning: "look-ups in 256-entry tables"},
	{Path: "vector.divide_cycles", Default: "16", Min: 1, Max: 1024, Scope: RunScope, Unit: "cycles", Meaning: "a division takes this long an element a lane"},

	{Path: "dma.request_bytes", Default: "64", Min: 1, Max: 1 << 20, Scope: RunScope, Unit: "bytes", Meaning: "largest memory request; a multiple of the burst and the alignment"},
	{Path: "dma.alignment_bytes", Default: "64", Min: 1, Max: 4096, Scope: MachineScope, Unit: "bytes", Meaning: "alignment in DRAM; a power of two"},
	{Path: "dma.outstanding_requests", Default: "16", Min: 1, Max: 4096, Scope: RunScope, Unit: "requests", Meaning: "requests in flight at once"},
	{Path: "dma.setup_cycles", Default: "16", Min: 0, Max: 1e6, Scope: RunScope, Unit: "cycles", Meaning: "before the first request of a descriptor"},

	{Path: "dram.preset", Default: `""`, Scope: RunScope, Meaning: "memory preset: the timing of tier bank; supplies bandwidth, latency, burst and energy.dram_pj_per_bit unless given"},
	{Path: "dram.channels", Default: "1", Min: 1, Max: 1024, Scope: RunScope, Meaning: "independent channels; a power of two on tier bank"},
	{Path: "dram.tier", Default: `"bank"`, Scope: RunScope, Meaning: "how faithfully memory time is modelled; bank needs dram.preset or dram.standard"},
	{Path: "dram.controller", Default: "[]", Scope: RunScope, Meaning: "key=value settings of the memory controller of tier bank, as npusim dram --keys lists them, without those for traces (channels, issue_width, idle_writes); replaces an inherited list"},
	{Path: "dram.bandwidth_gb_per_s", Min: 0.001, Max: 1e5, Scope: RunScope, Unit: "GB/s", Meaning: "peak of one channel, 10^9 bytes a second; on tier bank that of the standard"},
	{Path: "dram.latency_ns", Min: 0, Max: 1e6, Scope: RunScope, Unit: "ns", Meaning: "unloaded, from request to first data; tier linear goes by it"},
	{Path: "dram.burst_bytes", Min: 1, Max: 4096, Scope: RunScope, Unit: "bytes", Meaning: "one access, the least that is moved; a power of two; on tier bank that of the standard"},
	{Path: "dram.efficiency", Default: "1.0", Min: 0.1, Max: 1, Scope: RunScope, Meaning: "share of the peak bandwidth that tier linear reaches, for refresh, turnaround and opening of rows; a memory preset supplies the one that fits tier bank"},
	{Path: "dram.capacity_mib", Default: "1024", Min: 1, Max: 1 << 20, Scope: RunScope, Unit: "MiB", Meaning: "all channels together"},
	{Path: "dram.standard", Default: `""`, Scope: RunScope, Meaning: "memory standard of your own for tier bank, instead of dram.preset: a TOML file in the folder of the configuration or below, or its text; the figures that a preset supplies must stand beside it"},

	{Path: "energy.mac_pj", Max: maxPicojoule, Scope: RunScope, Unit: "pJ", Meaning: "an int8 multiply with int32 accumulation"},
	{Path: "energy.requantize_pj", Max: maxPicojoule, Scope: RunScope, Unit: "pJ", Meaning: "a result scaled by the layer's multiplier, shifted and clamped"},
	{Path: "energy.requantize_multiplier_pj", Max: maxPicojoule, Scope: RunScope, Unit: "pJ", Meaning: "more a result when each channel has its own multiplier"},
	{Path: "energy.vector_op_pj", Max: maxPicojoule, Scope: RunScope, Unit: "pJ", Meaning: "an element operation of the vector unit"},
	{Path: "energy.table_lookup_pj", Max: maxPicojoule, Scope: RunScope, Unit: "pJ", Meaning: "a look-up in a 256-entry table"},
	{Path: "energy.xor_gate_pj", Default: "0.0011", Max: maxPicojoule, Scope: RunScope, Unit: "pJ", Meaning: "a two-input XOR gate evaluated once"},
	{Path: "energy.register_pj", Default: "0.005", Max: maxPicojoule, Scope: RunScope, Unit: "pJ", Meaning: "a bit of a flip-flop clocked once"},
	{Path: "energy.lut_entry_pj", Default: "0.6", Max: maxPicojoule, Scope: RunScope, Unit: "pJ", Meaning: "a table entry of the LUT-GEMM unit read and added"},
	{Path: "energy.lut_build_pj", Default: "0.3", Max: maxPicojoule, Scope: RunScope, Unit: "pJ", Meaning: "a table entry of the LUT-GEMM unit made by an addition and written"},
	{Path: "energy.lut_scale_pj", Default: "0.7", Max: maxPicojoule, Scope: RunScope, Unit: "pJ", Meaning: "a sum of the LUT-GEMM unit multiplied by its scale and added"},
	{Path: "energy.activation_buffer_pj_per_byte", Max: maxPicojoule, Scope: RunScope, Unit: "pJ/byte", Meaning: "read or written"},
	{Path: "energy.weight_buffer_pj_per_byte", Max: maxPicojoule, Scope: RunScope, Unit: "pJ/byte", Meaning: "read or written"},
	{Path: "energy.accumulator_buffer_pj_per_byte", Max: maxPicojoule, Scope: RunScope, Unit: "pJ/byte", Meaning: "read or written"},
	{Path: "energy.dram_pj_per_bit", Max: maxPicojoule, Scope: RunScope, Unit: "pJ/bit", Meaning: "moved, core and interface; tier bank counts the energy of commands instead"},
	{Path: "energy.static_mw", Default: "0.0", Max: 1e6, Scope: RunScope, Unit: "mW", Meaning: "leakage and idle clocks, on all the time; 0 leaves them out"},

	{Path: "area.technology_nm", Default: "22", Min: 5, Max: 65, Scope: RunScope, Unit: "nm", Meaning: "technology node that areas are scaled to; energy figures are not, a preset gives those of its node"},
	{Path: "area.multiplier_8_um2", Default: "282.0", Max: maxPicojoule, Scope: RunScope, Unit: "um2", Meaning: "an 8-bit multiplier, at 45 nm (Horowitz, ISSCC 2014)"},
	{Path: "area.multiplier_32_um2", Default: "3495.0", Max: maxPicojoule, Scope: RunScope, Unit: "um2", Meaning: "a 32-bit multiplier, at 45 nm (Horowitz, ISSCC 2014)"},
	{Path: "area.adder_32_um2", Default: "137.0", Max: maxPicojoule, Scope: RunScope, Unit: "um2", Meaning: "a 32-bit adder, at 45 nm (Horowitz, ISSCC 2014)"},
	{Path: "area.gate_um2", Default: "3.8", Max: maxPicojoule, Scope: RunScope, Unit: "um2", Meaning: "a two-input XOR gate, at 45 nm (a third of an adder bit, 2.9 um2 at 40 nm: Aladdin)"},
	{Path: "area.register_um2", Default: "7.8", Max: maxPicojoule, Scope: RunScope, Unit: "um2", Meaning: "a bit of a flip-flop, at 45 nm (6 um2 at 40 nm: Aladdin)"},
	{Path: "area.overhead_fraction", Default: "2.95", Max: 100, Scope: RunScope, Meaning: "area beside the parts that are counted, over theirs: control, wires, unused sites, units without a model; fitted to the areas published for NVDLA"},

	{Path: "quantization.weights", Default: `"per-layer-shift"`, Scope: RunScope, Meaning: "how the channels of a layer share weight scales; binary-coding needs lut_gemm.lanes"},
	{Path: "quantization.weight_bits", Default: "8", Min: 2, Max: 8, LaterMax: 16, Scope: RunScope, Unit: "bits", Meaning: "a weight"},
	{Path: "quantization.activation_bits", Default: "8", Min: 2, Max: 8, LaterMax: 16, Scope: RunScope, Unit: "bits", Meaning: "an activation"},
	{Path: "quantization.planes", Default: "3", Min: 1, Max: maxCodePlanes, Scope: RunScope, Unit: "planes", Meaning: "signs of a weight; binary-coding only"},
	{Path: "quantization.group", Default: "0", Min: 0, Max: 1 << 20, Scope: RunScope, Unit: "weights", Meaning: "of an output, in the order channel, row, column, that share their scales; a multiple of lut_gemm.mu, 0: all; binary-coding only"},
	{Path: "quantization.solver", Default: `"alternating"`, Scope: RunScope, Meaning: "how signs and scales are found; binary-coding only, with compression.scheme xor-fractional alternating"},
	{Path: "quantization.average_bits", Default: "0.0", Min: 0, Max: 6, Scope: RunScope, Unit: "bits", Meaning: "of a weight, scales counted, on average over the layers with binary-coding, which share planes out by calibration error, but for those with row_clusters; 0: as quantization.planes says"},
	{Path: "quantization.rounding", Default: `"half-up-shift"`, Scope: RunScope, Meaning: "of requantization"},
	{Path: "quantization.calibration", Default: `"percentile"`, Scope: RunScope, Meaning: "how activation ranges are chosen from samples"},
	{Path: "quantization.percentile", Default: "99.99", Min: 50, Max: 100, Scope: RunScope, Unit: "percent", Meaning: "of calibration values inside the range, above 50; for calibration \"percentile\""},
	{Path: "quantization.layer", Default: "[]", Scope: RunScope, Meaning: "overrides by layer name, later ones win; replaces an inherited list"},
	{Path: "quantization.layer[].match", Scope: RunScope, Meaning: "glob for the whole layer name; * and ? stop at /, [a-z] is a set"},
	{Path: "quantization.layer[].weights", Default: "as above", Scope: RunScope, Meaning: "overrides quantization.weights"},
	{Path: "quantization.layer[].weight_bits", Default: "as above", Min: 2, Max: 8, LaterMax: 16, Scope: RunScope, Unit: "bits", Meaning: "overrides quantization.weight_bits"},
	{Path: "quantization.layer[].planes", Default: "as above", Min: 1, Max: maxCodePlanes, Scope: RunScope, Unit: "planes", Meaning: "overrides quantization.planes"},
	{Path: "quantization.layer[].row_clusters", Default: "1", Min: 1, Max: maxCodePlanes, Scope: RunScope, Meaning: "clusters of the outputs of a layer with binary-coding, such as the words of an embedding by falling frequency: each cluster has a plane less than the one before, at least 1"},
	{Path: "quantization.layer[].row_ratio", Default: "1.0", Min: 1, Max: 1024, Scope: RunScope, Meaning: "outputs of a cluster over those of the one before; clusters end at multiples of npu.channel_block"},
	{Path: "quantization.layer[].activation_bits", Default: "as above", Min: 2, Max: 8, LaterMax: 16, Scope: RunScope, Unit: "bits", Meaning: "overrides quantization.activation_bits"},

	{Path: "compression.scheme", Default: `"none"`, Scope: RunScope, Meaning: "codec of weight streams in DRAM; all but none need xor.units"},
	{Path: "compression.sparsity", Default: "0.0", Max: maxSparsity, Scope: RunScope, Meaning: "share of the weights of each layer pruned by magnitude; 0 prunes nothing; not beside compression.mask or xor-fractional"},
	{Path: "compression.pruning", Default: `"layer"`, Scope: RunScope, Meaning: "one threshold of magnitude a layer, or one over all layers of the same sparsity; low-rank: each layer keeps a Boolean product, output channels by the rest, of compression.rank components that keep much magnitude"},
	{Path: "compression.rank", Default: "8", Min: 1, Max: maxMaskRank, Scope: RunScope, Unit: "components", Meaning: "sets of rows by sets of columns that a low-rank mask is the union of; for pruning \"low-rank\" only; matrices with a side above 1024 are cut into pieces of that rank"},
	{Path: "compression.mask", Default: `""`, Scope: RunScope, Meaning: "folder of .npy masks that say what is pruned: in the folder of the configuration or below; in a setting, from the working directory; not beside compression.sparsity or xor-fractional"},
	{Path: "compression.trained", Default: `""`, Scope: RunScope, Meaning: "folder of codes from training, for layers of xor-fractional: L.npz or a folder L of .npy files for layer L; found as compression.mask is"},
	{Path: "compression.mask_format", Default: `"smallest"`, Scope: RunScope, Meaning: "how masks are stored in DRAM; low-rank needs pruning \"low-rank\" or compression.mask, and leaves masks without few components to the smaller of the others"},
	{Path: "compression.representation", Default: `"sign-magnitude"`, Scope: RunScope, Meaning: "of integer weights as bit planes"},
	{Path: "compression.n_in", Default: "0", Min: 0, Max: maxCodeInputs, Scope: RunScope, Unit: "bits", Meaning: "a code, below n_out; 0: searched; at most 8 for xor-sequential, 20 for xor-fractional"},
	{Path: "compression.n_out", Default: "0", Min: 0, Max: maxCodeOutputs, Scope: RunScope, Unit: "bits", Meaning: "a slice, which a code gives; 0: searched for each layer; xor-fractional needs both or neither; of binary-coding lut_gemm.mu times a divisor of npu.channel_block"},
	{Path: "compression.n_s", Default: "-1", Min: searchedRegisters, Max: maxRegisters, Scope: RunScope, Unit: "codes", Meaning: "shift registers: codes before that enter the network too; xor-sequential only; -1: 0 or 1, searched (2 encodes 256 times as long as 1)"},
	{Path: "compression.taps", Default: "2", Min: 2, Max: maxCodeInputs, Scope: RunScope, Unit: "inputs", Meaning: "that each output is the XOR of; xor-fractional only"},
	{Path: "compression.planes", Default: "2", Min: 1, Max: maxPlanes, Scope: RunScope, Unit: "planes", Meaning: "binary planes of a weight; xor-fractional only"},
	{Path: "compression.networks", Default: "16", Min: 1, Max: 64, Scope: RunScope, Unit: "networks", Meaning: "random networks tried, of which the best is taken"},
	{Path: "compression.seed", Default: "1", Min: 0, Max: maxExact, Scope: RunScope, Meaning: "of the random networks"},
	{Path: "compression.layer", Default: "[]", Scope: RunScope, Meaning: "overrides by layer name, later ones win; replaces an inherited list"},
	{Path: "compression.layer[].match", Scope: RunScope, Meaning: "glob for the whole layer name; * and ? stop at /, [a-z] is a set"},
	{Path: "compression.layer[].scheme", Default: "as above", Scope: RunScope, Meaning: "overrides compression.scheme"},
	{Path: "compression.layer[].sparsity", Default: "as above", Max: maxSparsity, Scope: RunScope, Meaning: "overrides compression.sparsity; 0 prunes nothing"},
	{Path: "compression.layer[].n_in", Default: "as above", Min: 0, Max: maxCodeInputs, Scope: RunScope, Unit: "bits", Meaning: "overrides compression.n_in; 0: searched"},
	{Path: "compression.layer[].n_out", Default: "as above", Min: 0, Max: maxCodeOutputs, Scope: RunScope, Unit: "bits", Meaning: "overrides compression.n_out; 0: searched"},
	{Path: "compression.layer[].n_s", Default: "as above", Min: searchedRegisters, Max: maxRegisters, Scope: RunScope, Unit: "codes", Meaning: "overrides compression.n_s; 0: no registers, -1: searched"},
	{Path: "compression.layer[].planes", Default: "as above", Min: 1, Max: maxPlanes, Scope: RunScope, Unit: "planes", Meaning: "overrides compression.planes"},
}

// lists are the lists of tables, with the types of their rows.
var lists = []struct {
	path string
	row  reflect.Type
}{
	{"quantization.layer", reflect.TypeFor[LayerRule]()},
	{"compression.layer", reflect.TypeFor[CompressionRule]()},
}

// Types of keys that hold several values.
const (
	stringList = "string list"
	tableList  = "table list"
)

func init() {
	for i := range keys {
		key := &keys[i]
		if key.Path == "inherit" {
			key.Type = "string"
			continue
		}
		root, path := reflect.TypeFor[Spec](), key.Path
		for _, list := range lists {
			if rest, ok := strings.CutPrefix(key.Path, list.path+"[]."); ok {
				key.list, root, path = list.path, list.row, rest
			}
		}
		field := fieldByPath(root, path)
		key.index, key.Type = field.Index, typeName(field.Type)
	}
}

// inRow reports whether the key stands in each table of a list.
func (k *Key) inRow() bool { return k.list != "" }

// name is the last part of the path.
func (k *Key) name() string { return k.Path[strings.LastIndexByte(k.Path, '.')+1:] }

// rows are the tables of a list.
func (s *Spec) rows(list string) []reflect.Value {
	field := fieldByPath(reflect.TypeFor[Spec](), list)
	value := reflect.ValueOf(s).Elem().FieldByIndex(field.Index)
	rows := make([]reflect.Value, value.Len())
	for i := range rows {
		rows[i] = value.Index(i)
	}
	return rows
}

// forEachGiven visits the keys that one row of a list gives.
func forEachGiven(list string, row reflect.Value, visit func(key *Key, value reflect.Value)) {
	for i := range keys {
		if key := &keys[i]; key.list == list {
			if value := row.FieldByIndex(key.index); !value.IsZero() {
				visit(key, value)
			}
		}
	}
}

// fieldByPath finds a field by the TOML tags on the way to it. A table row
// without a field is a fault of the program.
func fieldByPath(t reflect.Type, path string) reflect.StructField {
	var index []int
	var found reflect.StructField
	for part := range strings.SplitSeq(path, ".") {
		matched := false
		for i := range t.NumField() {
			if t.Field(i).Tag.Get("toml") == part {
				found, matched = t.Field(i), true
				index = append(index, i)
				break
			}
		}
		if !matched {
			panic("configs: the key table names " + path + ", which is no field")
		}
		t = found.Type
	}
	found.Index = index
	return found
}

// typeName is the type of a field as the documentation of its key says it.
func typeName(t reflect.Type) string {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if value, ok := reflect.Zero(t).Interface().(enumerated); ok {
		return strings.ReplaceAll(value.enumeration().quoted(), ", ", " | ")
	}
	switch t.Kind() {
	case reflect.Int:
		return "integer"
	case reflect.Float64:
		return "number"
	case reflect.Bool:
		return "boolean"
	case reflect.String:
		return "string"
	case reflect.Slice:
		if t.Elem().Kind() == reflect.String {
			return stringList
		}
		return tableList
	}
	panic("configs: keys of type " + t.String() + " are not documented")
}

// Keys returns the documentation of every key, in the order of printed files.
func Keys() []Key { return append([]Key(nil), keys...) }

// KeysMarkdown is the key reference as a Markdown table.
func KeysMarkdown() string {
	var text strings.Builder
	text.WriteString("| key | type | unit | range | default | meaning |\n|---|---|---|---|---|---|\n")
	for i := range keys {
		key := &keys[i]
		fallback := "required"
		if !key.Required() {
			fallback = "`" + key.Default + "`"
		}
		cells := []string{"`" + key.Path + "`", strings.ReplaceAll(key.Type, "|", `\|`), key.Unit, key.Range(), fallback, key.Meaning}
		text.WriteString("| " + strings.Join(cells, " | ") + " |\n")
	}
	return text.String()
}

// Choices are the names that a value may have; nil for numbers and texts.
func (k *Key) Choices() []string {
	if k.Type == "boolean" {
		return []string{"true", "false"}
	}
	var names []string
	for i, part := range strings.Split(k.Type, `"`) {
		if i%2 == 1 { // between quotes
			names = append(names, part)
		}
	}
	return names
}

// TypeName is the type of the value in TOML: integer, number, boolean, string,
// string list or table list.
func (k *Key) TypeName() string {
	if strings.HasPrefix(k.Type, `"`) {
		return "string"
	}
	return k.Type
}

// Range is the bounds of a number, both allowed; empty for other types.
func (k *Key) Range() string {
	if k.Type != "integer" && k.Type != "number" {
		return ""
	}
	return formatBound(k.Min) + " to " + formatBound(k.Max)
}
