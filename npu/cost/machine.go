// Package cost is the closed-form time of one operation of one unit: the only
// cost model there is. Lowering searches tile shapes with it and the timing
// engine charges it, so the two cannot disagree about an isolated tile.
//
// Modelled: the systolic MAC array with weight-stationary and
// output-stationary folds (after the cycle model of SCALE-Sim, Samajdar et
// al., ISPASS 2020), with or without a shadow register for weights and
// overlapped drain; a depthwise mode of the same array; the vector unit; the
// ports of the scratchpads, which stretch an operation whose bytes do not fit
// its cycles; the decryption units of encoded weights; the LUT-GEMM unit with
// its tables and their ports. Not modelled: bank conflicts inside a port's width, skipping of
// zero operands, instruction fetch and decode. Units: NPU clock cycles, bytes.
package cost

// Machine is what the formulas need to know, taken from a validated Spec.
type Machine struct {
	Rows, Columns     int64 // of the MAC array
	OutputStationary  bool  // else weight-stationary
	OverlapWeightLoad bool  // weights of the next fold load during this one
	OverlapDrain      bool  // output-stationary results leave during the next fold

	ActivationPort  int64 // bytes per cycle, read and write each
	WeightPort      int64
	AccumulatorPort int64

	Lanes        int64 // vector elements per cycle
	TableLanes   int64 // table look-ups per cycle
	DivideCycles int64 // cycles per element and lane of a division

	QueryLanes int64 // table queries per cycle of the LUT-GEMM unit; 0: there is none
	Tables     int64 // tables of a set
	TablePorts int64 // reads per cycle of a table
	Mu         int64 // inputs of a table
	Symmetric  bool  // tables hold half of the entries
	Adders     int64 // additions per cycle that build tables
	ScaleLanes int64 // sums per cycle that are scaled

	DecryptionUnits     int64 // slices a cycle
	DecryptionLatency   int64 // cycles from a code to its slice
	CorrectionsPerCycle int64 // of each unit
	CorrectionBuffer    int64 // corrections that a unit holds
}

// Operation is the time and the work of one instruction.
type Operation struct {
	// Cycles the unit is occupied: the sum of the four parts.
	Cycles  int64
	Compute int64 // operands stream through
	Fill    int64 // weights load, skew
	Drain   int64 // last results leave
	Bank    int64 // a scratchpad port is too narrow

	MACs              int64 // multiply-accumulates, padding included
	Requantizations   int64
	VectorOperations  int64
	TableLookups      int64
	LookupBuilds      int64 // additions that build tables of the LUT-GEMM unit
	LookupQueries     int64 // entries read and added
	LookupScales      int64 // sums multiplied by scales and added
	ActivationRead    int64 // bytes through each port
	ActivationWritten int64
	WeightRead        int64
	AccumulatorRead   int64
	AccumulatorWrite  int64
}

func ceilDivide(a, b int64) int64 { return (a + b - 1) / b }

// stretch adds the Bank part: the operation lasts at least as long as its
// busiest port, and sums up Cycles.
func (m *Machine) stretch(o *Operation) {
	busy := o.Compute + o.Fill + o.Drain
	longest := max(
		ceilDivide(o.ActivationRead, m.ActivationPort),
		ceilDivide(o.ActivationWritten, m.ActivationPort),
		ceilDivide(o.WeightRead, m.WeightPort),
		ceilDivide(o.AccumulatorRead, m.AccumulatorPort),
		ceilDivide(o.AccumulatorWrite, m.AccumulatorPort))
	o.Bank = max(0, longest-busy)
	o.Cycles = busy + o.Bank
}
