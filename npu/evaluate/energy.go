package evaluate

import (
	"github.com/npusim/npusim/configs"
	"github.com/npusim/npusim/npu/timing"
)

const picoToMicro = 1e-6

// dramEnergy is that of the memory in picojoules for some work in a window of
// the inference. Without banks it is the bytes times a figure of the
// configuration. With banks it follows from the commands that the work's
// requests took; refresh and standby are shared by time, so that layers sum to
// the total.
func dramEnergy(e *configs.Energy, t *timing.Result, w *timing.Work, cycles int64) float64 {
	if t.Banks == nil {
		return 8 * float64(w.ReadBytes+w.WrittenBytes) * e.DRAMPJPerBit
	}
	table, all := &t.Banks.Standard.Energy, &t.Banks.Stats.Energy
	return float64(w.RowActivates)*table.ActivatePJ + float64(w.ReadBursts)*table.ReadPJ + float64(w.WriteBursts)*table.WritePJ +
		(all.Refresh+all.Background)*ratio(float64(cycles), float64(t.Cycles))
}

// energy is the linear model: counts times the figures of the configuration,
// that of the memory in picojoules, plus static power over the time. Static
// energy of layers follows their windows, so that layers sum to the total.
func energy(e *configs.Energy, w *timing.Work, seconds, dramPJ float64) Energy {
	r := Energy{
		MAC:        float64(w.MACs) * e.MACPJ,
		Requantize: float64(w.Requantizations)*e.RequantizePJ + float64(w.ChannelRequantizations)*e.RequantizeMultiplierPJ,
		Vector:     float64(w.VectorOperations)*e.VectorOpPJ + float64(w.TableLookups)*e.TableLookupPJ,
		Scratchpad: float64(w.ActivationBufferBytes)*e.ActivationBufferPJPerByte +
			float64(w.WeightBufferBytes)*e.WeightBufferPJPerByte +
			float64(w.AccumulatorBytes)*e.AccumulatorBufferPJPerByte,
		DRAM:   dramPJ,
		LUT:    float64(w.LookupBuilds)*e.LUTBuildPJ + float64(w.LookupQueries)*e.LUTEntryPJ + float64(w.LookupScales)*e.LUTScalePJ,
		XOR:    float64(w.GateEvaluations)*e.XORGatePJ + float64(w.RegisterBits)*e.RegisterPJ,
		Static: e.StaticMW * seconds * 1e9, // mW s = 1e9 pJ
	}
	for _, part := range []*float64{&r.MAC, &r.Requantize, &r.Vector, &r.Scratchpad, &r.DRAM, &r.LUT, &r.XOR, &r.Static} {
		*part *= picoToMicro
		r.Total += *part
	}
	return r
}
