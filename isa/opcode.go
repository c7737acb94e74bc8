package isa

import "fmt"

// Unit is an in-order queue of the machine with its own code section.
type Unit uint8

// Units of one core. LookupGEMM multiplies binary codes by look-up tables;
// TableBuilder builds those that stay in the table buffer.
const (
	InvalidUnit Unit = iota
	LoadDMA
	StoreDMA
	MACArray
	VectorUnit
	LookupGEMM
	TableBuilder
	unitEnd
)

// NumUnits bounds tables indexed by Unit.
const NumUnits = int(unitEnd)

var unitNames = [NumUnits]string{
	InvalidUnit: "invalid", LoadDMA: "load", StoreDMA: "store",
	MACArray: "mac", VectorUnit: "vector", LookupGEMM: "lookup_gemm",
	TableBuilder: "table_builder",
}

func (u Unit) String() string {
	if int(u) < NumUnits {
		return unitNames[u]
	}
	return fmt.Sprintf("unit(%d)", uint8(u))
}

// Space is what the base of an address counts from: a scratchpad, or a region
// of DRAM that the loader places.
type Space uint8

// Spaces. Regions are bound at load time, so batches and workers need no
// recompilation; State persists between runs. Offsets count bytes, in the table
// buffer tables.
const (
	InvalidSpace Space = iota
	Weights
	Input
	Output
	Scratch
	State
	ActivationBuffer
	WeightBuffer
	AccumulatorBuffer
	TableBuffer
	spaceEnd
)

// NumSpaces bounds tables indexed by Space.
const NumSpaces = int(spaceEnd)

var spaceNames = [NumSpaces]string{
	InvalidSpace: "invalid", Weights: "weights", Input: "input", Output: "output",
	Scratch: "scratch", State: "state", ActivationBuffer: "activation_buffer",
	WeightBuffer: "weight_buffer", AccumulatorBuffer: "accumulator_buffer",
	TableBuffer: "table_buffer",
}

func (s Space) String() string {
	if int(s) < NumSpaces {
		return spaceNames[s]
	}
	return fmt.Sprintf("space(%d)", uint8(s))
}

// IsDRAM tells regions of DRAM from scratchpads.
func (s Space) IsDRAM() bool { return s >= Weights && s <= State }

// Opcode names an instruction. The zero value is invalid.
type Opcode uint8

// Instructions. The table below says what each one reads and does.
const (
	InvalidOpcode Opcode = iota
	Wait
	Signal
	Loop
	EndLoop
	Halt
	Load
	Store
	Convolution
	Depthwise
	Pool
	Binary
	Table
	Softmax
	Copy
	Rearrange
	LoadEncoded
	Lookup
	BuildTables
	QueryTables
	LoadSealed
	opcodeEnd
)

// NumOpcodes bounds tables indexed by Opcode.
const NumOpcodes = int(opcodeEnd)

// OperandRole says how an instruction uses an address operand.
type OperandRole uint8

// Operand roles.
const (
	InvalidRole OperandRole = iota
	Source
	Destination
	SourceAndDestination
)

// Operand is one address operand in the instruction table.
type Operand struct {
	Name     string
	Role     OperandRole
	Spaces   []Space // where it may point
	Optional bool    // absent when the descriptor makes no use of it
}

// Information is a row of the instruction table.
type Information struct {
	Name       string
	Units      []Unit // queues whose code may hold it
	Descriptor DescriptorKind
	HasCount   bool // carries a semaphore number or a loop count
	Operands   []Operand
	Semantics  string
}

var (
	anyUnit    = []Unit{LoadDMA, StoreDMA, MACArray, VectorUnit, LookupGEMM, TableBuilder}
	dramSpaces = []Space{Weights, Input, Output, Scratch, State}
	activation = []Space{ActivationBuffer}
	weight     = []Space{WeightBuffer}
	table      = []Space{TableBuffer}
)

// Instructions is the one table that drives encoding, decoding, assembly,
// verification, both engines and the reference page.
var Instructions = [NumOpcodes]Information{
	Wait: {Name: "wait", Units: anyUnit, HasCount: true,
		Semantics: "Blocks this queue until semaphore `count` is positive, then takes one from it. The k-th wait pairs with the k-th signal."},
	Signal: {Name: "signal", Units: anyUnit, HasCount: true,
		Semantics: "Adds one to semaphore `count` once every earlier instruction of this queue has completed."},
	Loop: {Name: "loop", Units: anyUnit, HasCount: true,
		Semantics: "Repeats the instructions up to the matching end_loop `count` times (at least once). Loops nest two deep; the address operands inside add inner_step times the inner index and outer_step times the outer index. A loop that stands alone is the inner one."},
	EndLoop: {Name: "end_loop", Units: anyUnit, Semantics: "Closes the innermost open loop."},
	Halt:    {Name: "halt", Units: anyUnit, Semantics: "Ends the queue. Every code section ends with exactly one."},
	Load: {Name: "load", Units: []Unit{LoadDMA}, Descriptor: TransferKind,
		Operands: []Operand{
			{Name: "from", Role: Source, Spaces: dramSpaces},
			{Name: "to", Role: Destination, Spaces: []Space{ActivationBuffer, WeightBuffer}}},
		Semantics: "Copies runs of elements from DRAM to a scratchpad, expanding packed elements of `bits` to bytes with sign extension."},
	Store: {Name: "store", Units: []Unit{StoreDMA}, Descriptor: TransferKind,
		Operands: []Operand{
			{Name: "from", Role: Source, Spaces: activation},
			{Name: "to", Role: Destination, Spaces: []Space{Output, Scratch, State}}},
		Semantics: "Copies runs of elements from a scratchpad to DRAM, packing bytes to elements of `bits`."},
	Convolution: {Name: "convolution", Units: []Unit{MACArray}, Descriptor: ConvolutionKind,
		Operands: []Operand{
			{Name: "input", Role: Source, Spaces: activation},
			{Name: "weights", Role: Source, Spaces: weight},
			{Name: "parameters", Role: Source, Spaces: weight, Optional: true},
			{Name: "accumulators", Role: SourceAndDestination, Spaces: []Space{AccumulatorBuffer}, Optional: true},
			{Name: "output", Role: Destination, Spaces: activation, Optional: true}},
		Semantics: "Multiplies an input tile by a weight tile into int32 sums; starts from the bias (`first`) or from the accumulators, and either requantizes to the output (`last`) or leaves the sums in the accumulators."},
	Depthwise: {Name: "depthwise", Units: []Unit{MACArray}, Descriptor: ConvolutionKind,
		Operands: []Operand{
			{Name: "input", Role: Source, Spaces: activation},
			{Name: "weights", Role: Source, Spaces: weight},
			{Name: "parameters", Role: Source, Spaces: weight},
			{Name: "output", Role: Destination, Spaces: activation}},
		Semantics: "Convolves every channel with its own kernel, adds the bias and requantizes."},
	Pool: {Name: "pool", Units: []Unit{VectorUnit}, Descriptor: PoolKind,
		Operands: []Operand{
			{Name: "input", Role: Source, Spaces: activation},
			{Name: "parameters", Role: Source, Spaces: weight, Optional: true},
			{Name: "output", Role: Destination, Spaces: activation}},
		Semantics: "Maximum or average of each window; averages requantize the sum of (q - zero) with the multiplier of the number of cells counted."},
	Binary: {Name: "binary", Units: []Unit{VectorUnit}, Descriptor: BinaryKind,
		Operands: []Operand{
			{Name: "a", Role: Source, Spaces: activation},
			{Name: "b", Role: Source, Spaces: activation},
			{Name: "output", Role: Destination, Spaces: activation}},
		Semantics: "Adds, subtracts, multiplies or divides two tiles element by element with requantization; either operand may repeat along an axis."},
	Table: {Name: "table", Units: []Unit{VectorUnit}, Descriptor: ElementwiseKind,
		Operands: []Operand{
			{Name: "input", Role: Source, Spaces: activation},
			{Name: "table", Role: Source, Spaces: weight},
			{Name: "output", Role: Destination, Spaces: activation}},
		Semantics: "output = table[input + 128], a table of 256 int8 entries."},
	Softmax: {Name: "softmax", Units: []Unit{VectorUnit}, Descriptor: ElementwiseKind,
		Operands: []Operand{
			{Name: "input", Role: Source, Spaces: activation},
			{Name: "table", Role: Source, Spaces: weight},
			{Name: "output", Role: Destination, Spaces: activation}},
		Semantics: "Softmax over the channels of each pixel with a table of 256 uint32 exponentials indexed by max - q."},
	Copy: {Name: "copy", Units: []Unit{VectorUnit}, Descriptor: CopyKind,
		Operands: []Operand{
			{Name: "input", Role: Source, Spaces: activation},
			{Name: "table", Role: Source, Spaces: weight, Optional: true},
			{Name: "output", Role: Destination, Spaces: activation}},
		Semantics: "output[i] = input[start + i*step] on each axis, or `fill` outside the input; then through the table if `use_table`."},
	Rearrange: {Name: "rearrange", Units: []Unit{VectorUnit}, Descriptor: RearrangeKind,
		Operands: []Operand{
			{Name: "input", Role: Source, Spaces: activation},
			{Name: "output", Role: Destination, Spaces: activation}},
		Semantics: "Permutes: walks the output tile in channel, row, column order while the index in the whole input tensor follows up to six strides."},
	LoadEncoded: {Name: "load_encoded", Units: []Unit{LoadDMA}, Descriptor: EncodedKind,
		Operands: []Operand{
			{Name: "from", Role: Source, Spaces: []Space{Weights}},
			{Name: "to", Role: Destination, Spaces: weight}},
		Semantics: "Reads coded weights from DRAM, sends their bits through the XOR decryption units, puts them right with the corrections, clears pruned weights, and writes one int8 a weight to the weight buffer."},
	Lookup: {Name: "lookup", Units: []Unit{LookupGEMM}, Descriptor: LookupKind,
		Operands: []Operand{
			{Name: "input", Role: Source, Spaces: activation},
			{Name: "weights", Role: Source, Spaces: weight},
			{Name: "parameters", Role: Source, Spaces: weight, Optional: true},
			{Name: "accumulators", Role: SourceAndDestination, Spaces: []Space{AccumulatorBuffer}, Optional: true},
			{Name: "output", Role: Destination, Spaces: activation, Optional: true},
			{Name: "scales", Role: Source, Spaces: weight}},
		Semantics: "Multiplies the patches of an input tile by a tile of binary codes: tables of the signed sums of `mu` inputs are built once for all rows and planes and queried with the keys, sums are scaled a group and added in int32; starts from the bias (`first`) or from the accumulators, and either requantizes to the output (`last`) or leaves the sums in the accumulators."},
	BuildTables: {Name: "build_tables", Units: []Unit{TableBuilder}, Descriptor: LookupKind,
		Operands: []Operand{
			{Name: "input", Role: Source, Spaces: activation},
			{Name: "tables", Role: Destination, Spaces: table}},
		Semantics: "Builds the tables of all patches of an input tile: for each output pixel and each `mu` inputs one table, in this order, of the sums with every pattern of signs. They stay until others are built in their place."},
	QueryTables: {Name: "query_tables", Units: []Unit{LookupGEMM}, Descriptor: LookupKind,
		Operands: []Operand{
			{Name: "tables", Role: Source, Spaces: table},
			{Name: "weights", Role: Source, Spaces: weight},
			{Name: "parameters", Role: Source, Spaces: weight, Optional: true},
			{Name: "accumulators", Role: SourceAndDestination, Spaces: []Space{AccumulatorBuffer}, Optional: true},
			{Name: "output", Role: Destination, Spaces: activation, Optional: true},
			{Name: "scales", Role: Source, Spaces: weight}},
		Semantics: "As lookup, but with tables that build_tables left in the table buffer, so that any number of tiles of rows and planes share them: queries them with the keys, scales the sums of a group and adds them."},
	LoadSealed: {Name: "load_sealed", Units: []Unit{LoadDMA}, Descriptor: SealedKind,
		Operands: []Operand{
			{Name: "from", Role: Source, Spaces: []Space{Weights}},
			{Name: "to", Role: Destination, Spaces: weight}},
		Semantics: "Reads codes from DRAM, sends them through the XOR decryption units, and writes the keys of binary codes that come out to the weight buffer."},
}

func (o Opcode) String() string {
	if int(o) < NumOpcodes && Instructions[o].Name != "" {
		return Instructions[o].Name
	}
	return fmt.Sprintf("opcode(%d)", uint8(o))
}

// MaxOperands is the largest number of address operands of an instruction.
const MaxOperands = 6

// Address is an address operand: space and offset in bytes (in the table buffer:
// in tables), plus what each
// loop level adds per iteration. An operand that an instruction does not use
// this time (such as the accumulators of a tile that is first and last) has
// the zero Address.
type Address struct {
	Space     Space
	Offset    uint64 // bytes or tables, below 2^40
	InnerStep int32  // of the offset per iteration of the inner loop
	OuterStep int32  // of the offset per iteration of the outer loop
}

// Instruction is one decoded instruction.
type Instruction struct {
	Op         Opcode
	Count      uint32 // semaphore number or loop count
	Descriptor uint32 // index into Program.Descriptors
	Operands   [MaxOperands]Address
}

// MaxSemaphores is the number of counting semaphores of the machine.
const MaxSemaphores = 64

// MaxDynamicInstructions bounds the unrolled length of one queue.
const MaxDynamicInstructions = 1 << 26
