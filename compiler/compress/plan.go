package compress

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"

	"github.com/npusim/npusim/compiler/codec"
	"github.com/npusim/npusim/compiler/integer"
	"github.com/npusim/npusim/configs"
	"github.com/npusim/npusim/isa/binarycode"
	"github.com/npusim/npusim/isa/bitplane"
	"github.com/npusim/npusim/isa/weightmask"
	"github.com/npusim/npusim/isa/xorcode"
	"github.com/npusim/npusim/npu/cost"
)

// Options of planning.
type Options struct {
	Workers int    // goroutines of an encoder; 0 is one a processor
	Cache   *Cache // of codes that take long to find; may be nil
}

// Sizes of the samples that parameters are searched on, in weights.
const (
	sampleWeights = 1 << 14
	sampleRuns    = 8 // stretches that a sample is put together of
)

// New plans the codes of all layers of a network. It returns nil if the
// configuration asks for none. A network of layer shapes has no weights: random
// ones with the sparsity of the configuration stand in.
func New(g *integer.Graph, spec *configs.Spec, options Options) (*Encoder, error) {
	e := &Encoder{machine: cost.NewMachine(spec), options: options, maskFormat: spec.Compression.MaskFormat, layers: map[string]*layerCode{}}
	asked := false
	for i := range g.Nodes {
		n := &g.Nodes[i]
		if n.Kind != integer.Convolution {
			continue
		}
		c := spec.Compression.For(n.Name)
		if c.Scheme == configs.NoCompression {
			l := &layerCode{report: Layer{Name: n.Name, Scheme: c.Scheme, Bits: int(n.Convolution.WeightBits), Reason: "its scheme is none",
				Weights: int64(len(n.Convolution.Weights)), Kept: int64(kept(n.Convolution.Weights).Count())}}
			e.layers[n.Name] = l
			e.order = append(e.order, l)
			continue
		}
		asked = true
		if err := spec.CheckCompression(n.Name); err != nil {
			return nil, err
		}
		if n.Convolution.Codes != nil {
			l := &layerCode{report: Layer{Name: n.Name, Scheme: c.Scheme, Bits: int(n.Convolution.WeightBits), Reason: "stays plain: its weights are keys of binary codes"}}
			l.report.Weights = n.Convolution.WeightElements(g.Tensors[n.Inputs[0]].Shape.Channels, g.Tensors[n.Output].Shape.Channels)
			l.report.Kept = l.report.Weights
			l.sealed(n.Convolution.Sealed, l.report.Weights)
			e.layers[n.Name] = l
			e.order = append(e.order, l)
			continue
		}
		l, err := e.plan(g, n, c, spec)
		if err != nil {
			return nil, fmt.Errorf("code of layer %s: %w", n.Name, err)
		}
		e.layers[n.Name] = l
		e.order = append(e.order, l)
	}
	if !asked {
		return nil, nil
	}
	return e, nil
}

// sealed notes binary codes whose keys have codes already, found with the scales.
func (l *layerCode) sealed(s *binarycode.Sealed, weights int64) {
	if s == nil {
		return
	}
	n := s.Networks[0]
	l.report.Coded, l.report.Reason = true, ""
	l.report.Inputs, l.report.Outputs, l.report.Planes = n.Inputs, n.Outputs, len(s.Networks)
	l.report.PlainBytes = (weights*int64(len(s.Networks)) + 7) / 8
	for _, codes := range s.Codes {
		l.report.CodeBytes += int64(len(codes)*n.Inputs+7) / 8
	}
}

// plan decides how a layer is coded.
func (e *Encoder) plan(g *integer.Graph, n *integer.Node, c configs.LayerCompression, spec *configs.Spec) (*layerCode, error) {
	a := n.Convolution
	l := &layerCode{representation: bitplane.SignMagnitude, report: Layer{Name: n.Name, Scheme: c.Scheme, Bits: int(a.WeightBits), Registers: c.Registers}}
	if spec.Compression.Representation == configs.TwosComplement {
		l.representation = bitplane.TwosComplement
	}
	weights := a.Weights
	if len(weights) == 0 {
		total := a.WeightElements(g.Tensors[n.Inputs[0]].Shape.Channels, g.Tensors[n.Output].Shape.Channels)
		weights = standIn(int(min(total, 1<<16)), int(a.WeightBits), c.Sparsity, uint64(spec.Compression.Seed))
		l.report.Weights = total
		l.report.Kept = total * int64(kept(weights).Count()) / int64(len(weights))
	} else {
		l.report.Weights, l.report.Kept = int64(len(weights)), int64(kept(weights).Count())
	}
	if c.Scheme == configs.XORFractional {
		return l, e.planFractional(l, weights, c, spec)
	}
	for _, w := range weights {
		if w == -1<<(a.WeightBits-1) { // has no magnitude of that many bits
			l.representation = bitplane.TwosComplement
			break
		}
	}
	sample := take(weights)
	keep := kept(sample)
	l.kept = float64(keep.Count()) / float64(len(sample))
	targets, err := targetsOf(sample, keep, l.report.Bits, l.representation)
	if err != nil {
		return nil, err
	}
	sealed, err := sealMask(keep, spec.Compression.MaskFormat)
	if err != nil {
		return nil, err
	}
	if sealed != nil {
		s, err := weightmask.Open(sealed)
		if err != nil {
			return nil, err
		}
		l.rawMask = s.Format == weightmask.Raw
		l.mask = 8 * float64(len(sealed)-weightmask.HeaderBytes) / float64(len(sample))
	}
	best, err := e.search(l, targets, c, spec)
	if err != nil {
		return nil, err
	}
	if best == nil {
		l.report.Reason = fmt.Sprintf("stays plain: no network that is tried fits xor.max_inputs = %d and xor.max_outputs = %d", spec.XOR.MaxInputs, spec.XOR.MaxOutputs)
		return l, nil
	}
	l.report.Inputs, l.report.Outputs, l.report.Seed = best.inputs, best.outputs, best.seed
	l.corrections, l.patches = best.corrections, best.patches
	total := best.codes + best.corrections + l.mask
	if total >= float64(l.report.Bits) {
		l.report.Reason = fmt.Sprintf("stays plain: %.2f bits a weight coded (codes %.2f, corrections %.2f, mask %.2f), %d plain; %.0f %% of its weights are zero",
			total, best.codes, best.corrections, l.mask, l.report.Bits, 100*(1-l.kept))
		return l, nil
	}
	if slow := e.slower(l, total, spec); slow != "" {
		l.report.Reason = slow
		return l, nil
	}
	l.report.Coded = true
	l.network = e.row(best.network)
	return l, nil
}

// slower tells why a layer that saves less than a tenth stays plain: the
// decryption units would take longer than the memory does for the plain
// weights. Both are rates, by weight, of the machine's peak bandwidth.
func (e *Encoder) slower(l *layerCode, bits float64, spec *configs.Spec) string {
	const worthwhile = 0.9
	plain := float64(l.report.Bits)
	if bits < worthwhile*plain {
		return ""
	}
	perCycle := spec.DRAM.PeakGBPerS() * 1e3 / float64(spec.NPU.ClockMHz) // bytes
	decode := max(plain/float64(l.report.Outputs)/float64(e.machine.DecryptionUnits), 1/float64(e.machine.WeightPort))
	if decode <= plain/8/perCycle {
		return ""
	}
	return fmt.Sprintf("stays plain: it would save %.0f %% of the bytes, but decoding takes %.3f cycles a weight and DRAM %.3f for plain ones", 100*(1-bits/plain), decode, plain/8/perCycle)
}

// row is the place of a network in the table.
func (e *Encoder) row(n *xorcode.Network) int {
	for i, other := range e.networks {
		if other.Equal(n) {
			return i
		}
	}
	e.networks = append(e.networks, n)
	return len(e.networks) - 1
}

// candidate is a code with what it costs on the sample, in bits a weight.
type candidate struct {
	network                     *xorcode.Network
	seed                        uint64
	inputs, outputs             int
	codes, corrections, patches float64
}

func (c *candidate) total() float64 { return c.codes + c.corrections }

// Shares of the entropy limit n_in / (1 - S) that are tried for n_out.
var outputShares = []float64{0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 1}

// search finds parameters and network with the least bits on the sample; nil if
// the machine has no room for any that is tried.
func (e *Encoder) search(l *layerCode, targets []codec.Target, c configs.LayerCompression, spec *configs.Spec) (*candidate, error) {
	inputs := []int{8, 16, 32, 64}
	if l.report.Scheme == configs.XORSequential {
		inputs = []int{8}
	}
	if c.Inputs > 0 {
		inputs = []int{c.Inputs}
	}
	density := max(float64(targets[0].Care.Count())/float64(targets[0].Care.Len()), 1e-3)
	seed := uint64(spec.Compression.Seed)
	var best *candidate
	try := func(in, out int, seed uint64) error {
		found, err := e.try(l, targets, in, out, seed)
		if err != nil {
			return err
		}
		if best == nil || found.total() < best.total() {
			best = found
		}
		return nil
	}
	for _, in := range inputs {
		if wide := in * (l.report.Registers + 1); wide > spec.XOR.MaxInputs {
			continue
		}
		if c.Outputs > 0 {
			if err := try(in, c.Outputs, seed); err != nil {
				return nil, err
			}
			continue
		}
		last := 0
		for _, share := range outputShares {
			out := min(int(share*float64(in)/density), spec.XOR.MaxOutputs, xorcode.MaxOutputs)
			if out <= last || out <= in/2 {
				continue
			}
			last = out
			if err := try(in, out, seed); err != nil {
				return nil, err
			}
		}
	}
	if best == nil {
		return nil, nil
	}
	in, out := best.inputs, best.outputs
	for k := 1; k < spec.Compression.Networks; k++ {
		if err := try(in, out, seed+uint64(k)); err != nil {
			return nil, err
		}
	}
	return best, nil
}

// try codes the sample. Two registers are judged by one: the search for their
// codes takes 256 times as long, and the best sizes are the same.
func (e *Encoder) try(l *layerCode, targets []codec.Target, in, out int, seed uint64) (*candidate, error) {
	weights := float64(targets[0].Bits.Len())
	registers := l.report.Registers
	if l.report.Scheme == configs.XORBlock {
		network := xorcode.RandomNetwork(in, out, seed)
		b, err := codec.EncodeBlock(targets, codec.BlockOptions{Network: network, Workers: e.options.Workers})
		if err != nil {
			return nil, err
		}
		s := b.Sizes()
		return &candidate{network: network, seed: seed, inputs: in, outputs: out, codes: float64(s.Codes) / weights,
			corrections: float64(s.PatchCounts+s.PatchPositions) / weights, patches: float64(b.Patches()) / weights}, nil
	}
	judged := min(registers, 1)
	q, err := codec.EncodeSequential(targets, codec.SequentialOptions{Network: xorcode.SpreadNetwork(in, judged, out, seed),
		SymbolBits: in, Registers: judged, Inverting: true, Workers: e.options.Workers})
	if err != nil {
		return nil, err
	}
	errors, err := codec.SequentialErrors(q)
	if err != nil {
		return nil, err
	}
	s := q.Sizes()
	return &candidate{network: xorcode.SpreadNetwork(in, registers, out, seed), seed: seed, inputs: in, outputs: out,
		codes: float64(s.Codes) / weights, corrections: float64(s.Corrections) / weights, patches: float64(errors) / weights}, nil
}

// take puts a sample together from stretches all over the weights.
func take(weights []int8) []int8 {
	if len(weights) <= sampleWeights {
		return weights
	}
	var sample []int8
	for k := range sampleRuns {
		from := k * (len(weights) - sampleWeights/sampleRuns) / (sampleRuns - 1)
		sample = append(sample, weights[from:from+sampleWeights/sampleRuns]...)
	}
	return sample
}

// standIn draws weights of a width: zeros at the sparsity, the rest normal with
// a standard deviation of a quarter of the range.
func standIn(n, bits int, sparsity float64, seed uint64) []int8 {
	r := rand.New(rand.NewPCG(seed, 1))
	high := 1<<(bits-1) - 1
	weights := make([]int8, n)
	for i := range weights {
		if r.Float64() < sparsity {
			continue
		}
		w := int(r.NormFloat64() * float64(high) / 4)
		weights[i] = int8(min(max(w, -high), high))
		if weights[i] == 0 {
			weights[i] = 1 // pruning leaves no small ones
		}
	}
	return weights
}

// encodeRaw codes a mask of one row as a bit a weight.
func encodeRaw(keep xorcode.Plane, n, block int) ([]byte, error) {
	var payload []byte
	for _, word := range keep.Words {
		payload = binary.LittleEndian.AppendUint64(payload, word)
	}
	return weightmask.Seal(weightmask.Header{Format: weightmask.Raw, Rows: 1, Cols: n, Kept: keep.Count(), BlockWeights: block}, payload[:weightmask.RawBytes(n)])
}
