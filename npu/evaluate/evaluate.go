package evaluate

import (
	"context"
	"encoding/hex"
	"fmt"
	"path"
	"runtime/debug"
	"slices"
	"strconv"
	"time"

	"github.com/npusim/npusim/compiler"
	"github.com/npusim/npusim/compiler/graph"
	"github.com/npusim/npusim/configs"
	"github.com/npusim/npusim/isa"
	"github.com/npusim/npusim/npu/cost"
	"github.com/npusim/npusim/npu/timing"
)

func valueID(id int) graph.ValueID { return graph.ValueID(id) }

// Compile compiles an ONNX model to a program.
func Compile(ctx context.Context, o Options) (*compiler.Compilation, error) {
	if isShapes(o.Model) {
		return nil, usage(fmt.Errorf("%s: layer shapes have no weights to make a program of; npusim run times them", o.Model))
	}
	s, err := NewSession(ctx, o)
	if err != nil {
		return nil, err
	}
	if s.program != nil {
		return nil, usage(fmt.Errorf("%s is a program already", o.Model))
	}
	p, err := s.point(o.Spec, Request{Samples: o.Samples}, &Reuse{})
	if err != nil {
		return nil, err
	}
	chosen, err := p.choose(ctx)
	if err != nil {
		return nil, err
	}
	return p.lower(ctx, chosen, false)
}

// Run compiles if needed, times the program once, executes the samples, and
// gathers the Result.
func Run(ctx context.Context, o Options) (*Result, error) {
	start := time.Now()
	s, err := NewSession(ctx, o)
	if err != nil {
		return nil, err
	}
	opened := time.Since(start).Seconds()
	r, _, err := s.Run(ctx, o.Spec, Request{Samples: o.Samples, TimingOnly: o.TimingOnly})
	if err != nil {
		return nil, err
	}
	r.Host.WallSeconds += opened
	r.Host.CompileSeconds += opened
	return r, nil
}

// hardware fills everything that does not depend on data.
func (j *job) hardware(t *timing.Result) *Result {
	p, spec := j.program, j.spec
	machine, config := spec.MachineHash(), spec.ConfigHash()
	r := &Result{
		Schema:  Schema,
		Tool:    Version(),
		Model:   Model{Name: p.Name, MACs: p.MACs, Parameters: p.Weights},
		Config:  Config{Name: spec.Name, Changes: j.options.Changes, MachineHash: hex.EncodeToString(machine[:]), ConfigHash: hex.EncodeToString(config[:]), TOML: spec.TOML()},
		Program: programSize(p),

		Recording: t.Recording,
	}
	if p.ModelHash != ([32]byte{}) {
		r.Model.SHA256 = hex.EncodeToString(p.ModelHash[:])
	}
	for _, setting := range p.Settings {
		if n, err := strconv.ParseInt(setting.Value, 10, 64); setting.Name == compiler.ParametersSetting && err == nil && n >= 0 {
			r.Model.Parameters = n
		}
	}
	if j.compilation != nil {
		r.Model.Parameters = j.compilation.Graph.Parameters()
		r.Model.MACs = j.compilation.Graph.MACs()
	}
	seconds := float64(t.Cycles) / (float64(spec.NPU.ClockMHz) * 1e6)
	cells := float64(spec.MACArray.Rows) * float64(spec.MACArray.Columns)
	r.Timing = Timing{
		Cycles: t.Cycles, LatencyMS: seconds * 1e3, InferencesPerSecond: ratio(1, seconds),
		MACUtilization: ratio(float64(t.Total.MACs), float64(t.Cycles)*cells),
		ClockMHz:       int64(spec.NPU.ClockMHz), PeakMACsPerCycle: int64(spec.MACArray.Rows) * int64(spec.MACArray.Columns),
	}
	r.DRAM = DRAM{
		ReadBytes: t.Total.ReadBytes, WriteBytes: t.Total.WrittenBytes, BytesByClass: byClass(&t.Total),
		AchievedGBPerS: ratio(float64(t.Total.ReadBytes+t.Total.WrittenBytes), seconds*1e9), PeakGBPerS: spec.DRAM.PeakGBPerS(),
		Requests: t.Total.Requests, CompulsoryBytes: compulsoryBytes(p),
	}
	j.memory(r, t)
	r.Scratchpad = Scratchpad{PeakBytes: map[string]int64{}, CapacityBytes: map[string]int64{
		isa.ActivationBuffer.String():  spec.NPU.ActivationBufferBytes(),
		isa.WeightBuffer.String():      spec.NPU.WeightBufferBytes(),
		isa.AccumulatorBuffer.String(): spec.NPU.AccumulatorBufferBytes(),
	}}
	for space := isa.ActivationBuffer; space <= isa.AccumulatorBuffer; space++ {
		r.Scratchpad.PeakBytes[space.String()] = int64(p.Buffers[space])
	}
	if tables := p.Buffers[isa.TableBuffer]; tables > 0 {
		r.Scratchpad.PeakBytes[isa.TableBuffer.String()] = int64(tables) * spec.LUTGEMM.TableBytes()
		r.Scratchpad.CapacityBytes[isa.TableBuffer.String()] = spec.LUTGEMM.TableBufferBytes()
	}
	r.Operations = Operations{MAC: t.Total.MACs, Requantize: t.Total.Requantizations, Vector: t.Total.VectorOperations, TableLookups: t.Total.TableLookups,
		LUTBuildAdds: t.Total.LookupBuilds, LUTQueries: t.Total.LookupQueries, LUTScaleMACs: t.Total.LookupScales,
		XORSlices: t.Total.DecodedSlices, Corrections: t.Total.Corrections}
	r.EnergyUJ = energy(&spec.Energy, &t.Total, seconds, dramEnergy(&spec.Energy, t, &t.Total, t.Cycles))
	r.AreaMM2 = pointer(AreaOf(spec, p.Networks))
	r.Stalls = stalls(p, t)
	r.Occupancy = occupancy(r.Stalls, t)
	ranges := j.weightRanges()
	r.Compression = j.compressionOf(t)
	burst := int64(spec.DRAM.BurstBytes)
	if spec.DRAM.Tier == configs.IdealTier {
		burst = 1 // it moves single bytes
	}
	reuse := reuseByLayer(p, cost.NewMachine(spec), burst)
	nodes := make([][]string, len(p.Layers))
	if j.compiled {
		nodes = layerNodes(p, j.compilation.Quantized)
	}
	for i := range p.Layers {
		l, w := &p.Layers[i], &t.Layers[i]
		share := float64(w.Cycles()) / (float64(spec.NPU.ClockMHz) * 1e6)
		row := Layer{
			Name: l.Name, Op: l.Op, Cycles: w.Cycles(), MACs: l.MACs, WeightBits: int(l.WeightBits),
			Utilization: ratio(float64(w.Work.MACs), float64(w.Cycles())*cells),
			Bound:       w.Bound().String(), CyclesByBound: map[string]int64{},
			DRAMReadBytes: w.Work.ReadBytes, DRAMWriteBytes: w.Work.WrittenBytes, BytesByClass: byClass(&w.Work),
			EnergyUJ:     energy(&spec.Energy, &w.Work, share, dramEnergy(&spec.Energy, t, &w.Work, w.Cycles())).Total,
			WeightRanges: ranges[l.Name],
			Reuse:        &reuse[i],
			Nodes:        nodes[i],
		}
		for b := timing.ArrayBound; int(b) < timing.NumBounds; b++ {
			if b != timing.LookupBound || t.Total.LookupQueries > 0 {
				row.CyclesByBound[b.String()] = w.ByBound[b]
			}
		}
		r.Layers = append(r.Layers, row)
	}
	return r
}

func ratio(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}

func byClass(w *timing.Work) map[string]int64 {
	m := map[string]int64{}
	for c := isa.WeightClass; int(c) < isa.NumClasses; c++ {
		m[c.String()] = w.BytesByClass[c]
	}
	return m
}

func stalls(p *isa.Program, t *timing.Result) Stalls {
	units := map[string]isa.Unit{}
	for u := isa.Unit(1); int(u) < isa.NumUnits; u++ {
		units[u.String()] = u
	}
	s := Stalls{}
	for _, name := range Units {
		if u := units[name]; (u == isa.LookupGEMM || u == isa.TableBuilder) && len(p.Code[u]) == 0 {
			continue
		}
		c := &t.Causes[units[name]]
		s[name] = UnitStalls{Busy: c[timing.Busy], Fill: c[timing.Fill], Drain: c[timing.Drain], Bank: c[timing.Bank],
			DRAM: c[timing.DRAM], Semaphore: c[timing.Semaphore], Finished: c[timing.Finished]}
	}
	return s
}

func programSize(p *isa.Program) Program {
	var size Program
	for u := isa.Unit(1); int(u) < isa.NumUnits; u++ {
		size.Instructions += int64(len(p.Code[u]))
		for i := range p.Code[u] {
			size.CodeBytes += int64(isa.InstructionBytes(&p.Code[u][i]))
		}
		if s, err := isa.NewStream(p.Code[u]); err == nil {
			size.DynamicInstructions += int64(s.DynamicLength())
		}
	}
	size.WeightBytes = int64(p.RegionBytes[isa.Weights])
	if p.Weights > 0 {
		size.WeightBitsPerWeight = 8 * float64(size.WeightBytes) / float64(p.Weights)
	}
	return size
}

// layerSQNR is the signal-to-noise ratio of each layer's tensor in decibels,
// summed over the checked samples; nil where there is none.
func (j *job) layerSQNR(outcomes []sampleOutcome) []*float64 {
	list := make([]*float64, len(j.program.Layers))
	for i := range j.program.Layers {
		id := j.program.Layers[i].Tensor
		var signal, noise float64
		for k := range outcomes {
			if o := &outcomes[k]; o.layerSignal != nil {
				signal += o.layerSignal[id]
				noise += o.layerNoise[id]
			}
		}
		if db, ok := decibels(signal, noise); ok {
			list[i] = &db
		}
	}
	return list
}

// notes are the rules and limits a reader of the figures must know.
func (j *job) notes() []string {
	notes := []string{
		"Latency is one cold inference; inferences per second is its reciprocal: consecutive inferences do not overlap in this version, and weights are loaded again each time.",
		dramNote[j.spec.DRAM.Tier],
		"Energy is a linear model of counted operations and bytes with the figures of the configuration; it is an estimate.",
		"Tile shapes are chosen by estimate, once for each of several bandwidths, and the program that the tier without banks times fastest is taken: a larger scratchpad can come out slower, by 0.1 % where it was measured. Every fold pays fill and drain of the whole array, so that an array larger than a layer can be slower by half on small layers.",
		"Layers overlap in time: a layer's cycles run from the end of the layer before to the completion of its own last instruction, so they sum to the total.",
	}
	for i, rule := range j.spec.Quantization.Layers {
		if !slices.ContainsFunc(j.program.Layers, func(l isa.Layer) bool { ok, _ := path.Match(rule.Match, l.Name); return ok }) {
			notes = append(notes, fmt.Sprintf("Rule %d of quantization.layer, match = %q, matches no layer.", i+1, rule.Match))
		}
	}
	for i, rule := range j.spec.Compression.Layers {
		if !slices.ContainsFunc(j.program.Layers, func(l isa.Layer) bool { ok, _ := path.Match(rule.Match, l.Name); return ok }) {
			notes = append(notes, fmt.Sprintf("Rule %d of compression.layer, match = %q, matches no layer.", i+1, rule.Match))
		}
	}
	if len(j.program.Networks) > 0 {
		notes = append(notes, decodeNote)
		if j.compilation != nil && j.compilation.Encoder != nil && j.compilation.Encoder.Fits() {
			notes = append(notes, "The fractional code replaces the quantized weights by ones that it can give, without training; the accuracy is that of the replaced weights.")
		}
		if j.encoder != nil {
			notes = append(notes, fmt.Sprintf("Random weights with seed %d and the sparsity of the configuration stand in for those that layer shapes lack: sizes of codes, corrections and masks are estimates from samples of them.", j.spec.Compression.Seed))
		}
	}
	notes = append(notes, j.codeNotes()...)
	if j.shapes {
		notes = append(notes, shapeNote)
	}
	if c := j.compilation; c != nil && c.Quantized != nil {
		var lowered int
		var where string
		for i := range c.Report.Layers {
			if w := c.Report.Layers[i].Weights; w != nil && w.WidenedScales > 0 {
				notes = append(notes, fmt.Sprintf("The weight scale of layer %s was widened to keep sums in 32 bits.", c.Report.Layers[i].Name))
			}
		}
		for i := range c.Quantized.Nodes {
			if a := c.Quantized.Nodes[i].Convolution; a != nil && a.LoweredShifts > 0 {
				lowered += a.LoweredShifts
				if where == "" {
					where = c.Quantized.Nodes[i].Name
				}
			}
		}
		if lowered > 0 {
			notes = append(notes, fmt.Sprintf("The shift of %d channels was lowered to keep sums in 32 bits, first in layer %s.", lowered, where))
		}
	}
	return notes
}

// decodeNote says how the decryption units are modelled.
const decodeNote = "Coded weights: codes, corrections and mask of a tile are fetched side by side and decoded as they arrive, a slice a decryption unit and cycle, no faster than the weight buffer's port; the buffers in front of the units are not counted as scratchpad. Zero weights are left to the mask, whether pruning or quantization made them zero."

// dramNote says what each memory tier leaves out.
var dramNote = map[configs.Tier]string{
	configs.IdealTier:  `DRAM is the "ideal" tier: peak bandwidth and nothing else, no latency, no bursts. No real memory is as fast.`,
	configs.BankTier:   `DRAM is the "bank" tier: banks, rows, refresh and the queues of a controller a channel. Its energy is that of the commands; what the figures of the memory cover (the devices' core, or interface and PHY too) is told with their source, so compare memories with care. energy.dram_pj_per_bit is not used.`,
	configs.LinearTier: `DRAM is the "linear" tier: a share of the peak bandwidth (dram.efficiency, of memory presets fitted to tier "bank"), a fixed read latency and whole bursts, no banks, rows or refresh. It was within 4 % of the cycles of tier "bank" on the networks and machines it was measured with.`,
}

// Version is the module version of the binary, for reports.
func Version() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		return info.Main.Version
	}
	return "unknown"
}
