package cost

import "github.com/npusim/npusim/configs"

// NewMachine takes the figures of a validated Spec.
func NewMachine(spec *configs.Spec) *Machine {
	return &Machine{
		Rows:              int64(spec.MACArray.Rows),
		Columns:           int64(spec.MACArray.Columns),
		OutputStationary:  spec.MACArray.Dataflow == configs.OutputStationary,
		OverlapWeightLoad: spec.MACArray.OverlapWeightLoad,
		OverlapDrain:      spec.MACArray.OverlapDrain,
		ActivationPort:    int64(spec.NPU.ActivationBytesPerCycle),
		WeightPort:        int64(spec.NPU.WeightBytesPerCycle),
		AccumulatorPort:   int64(spec.NPU.AccumulatorBytesPerCycle),
		Lanes:             int64(spec.Vector.Lanes),
		TableLanes:        int64(spec.Vector.TableLanes),
		DivideCycles:      int64(spec.Vector.DivideCycles),

		QueryLanes: int64(spec.LUTGEMM.Lanes),
		Tables:     int64(spec.LUTGEMM.Tables),
		TablePorts: int64(spec.LUTGEMM.Ports),
		Mu:         int64(spec.LUTGEMM.Mu),
		Symmetric:  spec.LUTGEMM.Symmetry,
		Adders:     int64(spec.LUTGEMM.Adders),
		ScaleLanes: int64(spec.LUTGEMM.ScaleLanes),

		DecryptionUnits:     int64(spec.XOR.Units),
		DecryptionLatency:   int64(spec.XOR.LatencyCycles),
		CorrectionsPerCycle: int64(spec.XOR.PatchesPerCycle),
		CorrectionBuffer:    int64(spec.XOR.PatchBuffer),
	}
}
