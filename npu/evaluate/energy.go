package evaluate

import (
	"github.com/npusim/npusim/configs"
	"github.com/npusim/npusim/npu/timing"
)

// energy is the linear model: counts times the figures of the configuration,
// plus static power over the time. Static energy of layers follows their
// windows, so that layers sum to the total.
func energy(e *configs.Energy, w *timing.Work, seconds float64) Energy {
	const picoToMicro = 1e-6
	r := Energy{
		MAC:        float64(w.MACs) * e.MACPJ,
		Requantize: float64(w.Requantizations)*e.RequantizePJ + float64(w.ChannelRequantizations)*e.RequantizeMultiplierPJ,
		Vector:     float64(w.VectorOperations)*e.VectorOpPJ + float64(w.TableLookups)*e.TableLookupPJ,
		Scratchpad: float64(w.ActivationBufferBytes)*e.ActivationBufferPJPerByte +
			float64(w.WeightBufferBytes)*e.WeightBufferPJPerByte +
			float64(w.AccumulatorBytes)*e.AccumulatorBufferPJPerByte,
		DRAM:   8 * float64(w.ReadBytes+w.WrittenBytes) * e.DRAMPJPerBit,
		Static: e.StaticMW * seconds * 1e9, // mW s = 1e9 pJ
	}
	for _, part := range []*float64{&r.MAC, &r.Requantize, &r.Vector, &r.Scratchpad, &r.DRAM, &r.Static} {
		*part *= picoToMicro
		r.Total += *part
	}
	return r
}
