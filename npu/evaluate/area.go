package evaluate

import (
	"math"

	"github.com/npusim/npusim/configs"
	"github.com/npusim/npusim/isa/xorcode"
)

// Area is an estimate of the silicon in square millimetres at a technology
// node: parts counted from the configuration times published figures, and an
// overhead for all that is not counted. It says how designs compare; DEVIATIONS
// of package npu has its error against published parts. Other sums up to Total.
type Area struct {
	Total      float64 `json:"total"`
	MAC        float64 `json:"mac"`        // multipliers, adders and registers of the array
	Requantize float64 `json:"requantize"` // a requantizer a column, with a multiplier value for all or one each
	Vector     float64 `json:"vector"`     // lanes and their tables
	Scratchpad float64 `json:"scratchpad"` // activations, weights and accumulators
	LUT        float64 `json:"lut"`        // tables, adders and scaling of the LUT-GEMM unit
	XOR        float64 `json:"xor"`        // networks of this program in all decryption units
	Overhead   float64 `json:"overhead"`   // control, wires, units without a model
	// TechnologyNM is the node that the figures are scaled to.
	TechnologyNM float64 `json:"technology_nm"`
}

// areaPoint is a size and the figure at it.
type areaPoint struct{ at, value float64 }

// logicScaling is the area of logic at a node over that at 45 nm, by node in
// nm: Stillmaker and Baas, "Scaling equations for the accurate prediction of
// CMOS device performance from 180 nm to 7 nm", Integration 2017.
var logicScaling = []areaPoint{{7, 0.059}, {10, 0.10}, {16, 0.19}, {20, 0.21}, {32, 0.46}, {45, 1}, {65, 1.5}}

// macroArea is the area in square millimetres of a memory macro by KiB, with
// one port of 16 bytes, at 22 nm: CACTI 7.
var macroArea = []areaPoint{{1, 0.0013}, {8, 0.0066}, {32, 0.030}, {64, 0.054}, {128, 0.114}, {256, 0.256}, {512, 0.43}, {1024, 0.86}, {2048, 1.69}, {4096, 3.05}}

const (
	macroNode  = 22 // nm, of macroArea
	macroPort  = 16 // bytes, of macroArea
	macroKiB   = 32 // scratchpads are built of macros of this size
	um2PerMM2  = 1e6
	scaleWidth = 0.44 // a 16 x 28-bit multiplier over one of 32 x 32 bits
)

// interpolate reads a table between its points along straight lines in
// logarithms, and goes on with the last one beyond its ends.
func interpolate(table []areaPoint, at float64) float64 {
	i := 1
	for i < len(table)-1 && table[i].at < at {
		i++
	}
	a, b := table[i-1], table[i]
	return a.value * math.Pow(b.value/a.value, math.Log(at/a.at)/math.Log(b.at/a.at))
}

// scratchpadArea is that at 22 nm of a memory of macros, as many as its port or
// its size needs.
func scratchpadArea(kib, port int) float64 {
	if kib == 0 {
		return 0
	}
	macros := max((port+macroPort-1)/macroPort, (kib+macroKiB-1)/macroKiB)
	return float64(macros) * interpolate(macroArea, float64(kib)/float64(macros))
}

// AreaOf estimates the area of a machine whose decryption units hold the
// networks of a program as fixed logic.
func AreaOf(spec *configs.Spec, networks []*xorcode.Network) Area {
	const (
		cellBits      = 8 + 8 + 32 // an activation, a weight, a partial sum
		resultBits    = 32 + 8     // of a requantizer: sum and shift
		scaleBits     = 32         // of a multiplier's value: one for all columns, or one each
		accumulation  = 32         // bits of a lane's sum
		tableEntryKiB = 256.0 / 1024
	)
	n, a, l := &spec.NPU, &spec.Area, &spec.LUTGEMM
	logic := interpolate(logicScaling, a.TechnologyNM)
	memory := logic / interpolate(logicScaling, macroNode)
	um2 := func(square float64) float64 { return square * logic / um2PerMM2 }

	r := Area{TechnologyNM: a.TechnologyNM}
	cells, columns := float64(spec.MACArray.Rows)*float64(spec.MACArray.Columns), float64(spec.MACArray.Columns)
	r.MAC = um2(cells * (a.Multiplier8UM2 + a.Adder32UM2 + cellBits*a.RegisterUM2))
	if spec.MACArray.OverlapWeightLoad {
		r.MAC += um2(cells * 8 * a.RegisterUM2)
	}
	r.Requantize = um2(columns * (a.Multiplier32UM2 + 2*a.Adder32UM2 + resultBits*a.RegisterUM2))
	scales := 1.0
	if spec.MACArray.PerChannelMultiplier {
		scales = columns
	}
	r.Requantize += um2(scales * scaleBits * a.RegisterUM2)
	r.Vector = um2(float64(spec.Vector.Lanes)*(a.Multiplier32UM2+a.Adder32UM2+accumulation*a.RegisterUM2)) +
		float64(spec.Vector.TableLanes)*memory*interpolate(macroArea, tableEntryKiB)
	r.Scratchpad = memory * (scratchpadArea(n.ActivationBufferKiB, n.ActivationBytesPerCycle) +
		scratchpadArea(n.WeightBufferKiB, n.WeightBytesPerCycle) +
		scratchpadArea(n.AccumulatorBufferKiB, n.AccumulatorBytesPerCycle))
	if l.Lanes > 0 {
		ports := float64(l.Ports)
		r.LUT = um2(8*float64(l.TableBufferBytes())*a.RegisterUM2*(1+ports)/2 +
			float64(l.Adders+l.Lanes)*a.Adder32UM2 + float64(l.Lanes)*accumulation*a.RegisterUM2 +
			float64(l.ScaleLanes)*(scaleWidth*a.Multiplier32UM2+a.Adder32UM2))
	}
	if d := decryptionOf(spec, networks); d != nil {
		r.XOR = d.AreaMM2
	}
	parts := r.MAC + r.Requantize + r.Vector + r.Scratchpad + r.LUT + r.XOR
	r.Overhead = parts * a.OverheadFraction
	r.Total = parts + r.Overhead
	return r
}

// decryptionOf estimates the hardware that networks need; nil for none.
func decryptionOf(spec *configs.Spec, networks []*xorcode.Network) *Decryption {
	x, a := &spec.XOR, &spec.Area
	d := &Decryption{Units: x.Units, Networks: len(networks)}
	if d.Networks == 0 {
		return nil
	}
	inputs, outputs := 0, 0
	for _, n := range networks {
		d.Gates += int64(n.XORGates())
		inputs, outputs = max(inputs, n.Inputs), max(outputs, n.Outputs)
	}
	d.Gates += int64(outputs) // a correction flips any bit
	d.RegisterBits = int64(inputs) + int64(x.PatchBuffer*xorcode.PositionBits(outputs))
	d.Gates *= int64(x.Units)
	d.RegisterBits *= int64(x.Units)
	d.AreaMM2 = (float64(d.Gates)*a.GateUM2 + float64(d.RegisterBits)*a.RegisterUM2) * interpolate(logicScaling, a.TechnologyNM) / um2PerMM2
	return d
}
