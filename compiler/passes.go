package compiler

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/npusim/npusim/compiler/lower"
	"github.com/npusim/npusim/compiler/quantize"
	"github.com/npusim/npusim/configs"
)

// Pass is a step of the compilation.
type Pass uint8

// Passes, in their order.
const (
	InvalidPass   Pass = iota
	ImportPass         // ONNX file to float graph
	TransformPass      // float graph rewritten: folded, fused names
	PrunePass          // weights set to zero
	CalibratePass      // ranges of activations
	QuantizePass       // integer network
	CompressPass       // how weights are coded
	FitPass            // weights replaced by ones that a lossy code gives
	PlanPass           // candidate programs, without constants
	ChoosePass         // which of them is best with the memory
	LowerPass          // the program
	VerifyPass         // proof that it can run
	passEnd
)

// pass is a row of the table: what it does and what must have run before.
type pass struct {
	name  string
	needs []Pass
	run   func(context.Context, *Compilation) error
	text  func(*Compilation) string // what it made, for Dump; may be nil
	// reads lists what the pass takes of the configuration; nil if nothing.
	reads func(*configs.Spec) any
}

var passes = [passEnd]pass{
	ImportPass:    {"import", nil, importModel, func(c *Compilation) string { return c.Graph.String() }, nil},
	TransformPass: {"transform", []Pass{ImportPass}, transformGraph, func(c *Compilation) string { return c.Network.Graph.String() }, nil},
	PrunePass:     {"prune", []Pass{TransformPass}, pruneNetwork, nil, pruneReads},
	CalibratePass: {"calibrate", []Pass{PrunePass}, calibrate, nil, func(s *configs.Spec) any { return s.Quantization.Calibration }},
	QuantizePass:  {"quantize", []Pass{CalibratePass}, quantizeNetwork, func(c *Compilation) string { return c.Report.String() + c.Quantized.String() }, quantizeReads},
	CompressPass:  {"compress", []Pass{QuantizePass}, compressWeights, nil, compressReads},
	FitPass:       {"fit", []Pass{CompressPass}, fitWeights, nil, fitReads},
	PlanPass:      {"plan", []Pass{FitPass}, planGraph, nil, func(s *configs.Spec) any { return lower.NewTarget(s).Plan() }},
	ChoosePass:    {"choose", []Pass{PlanPass}, choosePlan, nil, everything},
	LowerPass:     {"lower", []Pass{ChoosePass}, lowerGraph, disassembly, nil},
	VerifyPass:    {"verify", []Pass{LowerPass}, verifyProgram, nil, nil},
}

func init() {
	for p := ImportPass; p < passEnd; p++ {
		for _, need := range passes[p].needs {
			if need >= p {
				panic(fmt.Sprintf("pass %s stands before %s, which it needs", passes[p].name, passes[need].name))
			}
		}
	}
}

// Reads is a text of all that the passes up to last take from a configuration:
// two configurations with equal texts, of one model and the same calibration
// samples, give equal results of those passes.
func Reads(last Pass, spec *configs.Spec) string {
	var list []any
	for p := ImportPass; p <= last; p++ {
		if reads := passes[p].reads; reads != nil {
			list = append(list, reads(spec))
		}
	}
	text, err := json.Marshal(list)
	if err != nil { // no such values stand in a Spec
		panic(fmt.Sprintf("what the passes read: %v", err))
	}
	return string(text)
}

// everything is for passes that read more than is worth telling apart.
func everything(s *configs.Spec) any { return s.ConfigHash() }

// pruneReads: trained weights, masks, and the sparsity of each layer.
func pruneReads(s *configs.Spec) any {
	return []any{s.Compression.Trained, prunedBy(s)}
}

func prunedBy(s *configs.Spec) any {
	type rule struct {
		Match    string
		Sparsity float64
	}
	o := &s.Compression
	if o.Mask != "" {
		return []any{o.Mask, looksForProducts(o)}
	}
	var rules []rule
	asked := o.Sparsity > 0
	for i := range o.Layers {
		if r := &o.Layers[i]; r.Sparsity != nil {
			rules = append(rules, rule{r.Match, *r.Sparsity})
			asked = asked || *r.Sparsity > 0
		}
	}
	if !asked {
		return nil
	}
	reads := []any{o.Sparsity, o.Pruning, rules}
	if o.Pruning == configs.LowRankPruning {
		reads = append(reads, o.Rank)
	}
	return reads
}

// quantizeReads: the machine matters only to binary codes: where clusters of
// outputs end, what makes sealed keys, and which layers are faster with them.
func quantizeReads(s *configs.Spec) any {
	if !quantize.UsesCodes(&s.Quantization) {
		return s.Quantization
	}
	reads := []any{s.Quantization, s.NPU.ChannelBlock}
	if _, lossy := coded(&s.Compression); lossy {
		reads = append(reads, s.Compression, s.XOR, s.LUTGEMM.Mu)
	}
	if s.LUTGEMM.Use != configs.AlwaysLookup {
		target := lower.NewTarget(s)
		reads = append(reads, target.Plan(), target.MilliBytesPerCycle)
	}
	return reads
}

// coded tells whether any layer is to have coded weights, and lossy the same
// of the fractional code.
func coded(o *configs.Compression) (any, lossy bool) {
	schemes := []configs.CompressionScheme{o.Scheme}
	for i := range o.Layers {
		schemes = append(schemes, o.Layers[i].Scheme)
	}
	for _, s := range schemes {
		any = any || s != 0 && s != configs.NoCompression
		lossy = lossy || s == configs.XORFractional
	}
	return any, lossy
}

// compressReads: codes are chosen for the decryption units, and against the
// time that the memory takes for plain weights.
func compressReads(s *configs.Spec) any {
	if any, _ := coded(&s.Compression); !any {
		return nil
	}
	return []any{s.Compression, s.XOR, s.NPU.WeightBytesPerCycle, s.NPU.ClockMHz, s.DRAM.PeakGBPerS()}
}

// fitReads: the fractional code fits tiles, whose shapes hang on all of the
// machine.
func fitReads(s *configs.Spec) any {
	if _, lossy := coded(&s.Compression); lossy {
		return everything(s)
	}
	return nil
}
