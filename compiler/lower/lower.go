// Package lower turns a quantized network into a program of the machine:
// operators are fused into steps, cut into tiles by a search with the cost
// model, given addresses in scratchpads and DRAM by liveness, and emitted as
// one instruction queue a unit, ordered by semaphores.
//
// The sequential order of emission defines the meaning of the program; every
// pair of overlapping accesses from different units is ordered by the tracker,
// so any tiling gives the same tensors. Not modelled: reuse of halo rows
// between neighbouring tiles (they are loaded again), concatenation without a
// copy, more than one core.
package lower

import (
	"fmt"
	"slices"

	"github.com/npusim/npusim/compiler/integer"
	"github.com/npusim/npusim/isa"
	"github.com/npusim/npusim/isa/xorcode"
)

// Limit caps tile extents; 0 is no cap. It is for tests and experiments: the
// search does not need it.
type Limit struct{ Channels, Rows, Columns, InputChannels int }

// Options change how a network is lowered, never what it computes.
type Options struct {
	MaxTile     Limit
	NoResidency bool // every tensor goes through DRAM
	HoldTables  bool // look-up tables stay wherever there is room, whether it pays or not
	ModelHash   [32]byte
	Settings    []isa.Setting // copied to the program
	Encoder     WeightEncoder // of weight tiles; nil leaves all plain
	// ShapeOnly counts the bytes of constants without storing them: the
	// program can be timed, not executed. Networks of layer shapes alone are
	// always lowered so.
	ShapeOnly bool

	unlabelled bool // a plan, which tells of no machine
}

// MaxInstructions bounds the transfers and computations of a program with its
// loops unrolled, and with them the memory that lowering takes: less than a
// kilobyte each.
const MaxInstructions = 1 << 21

// nowhere marks a tensor without an address in a region.
const nowhere = ^uint64(0)

type lowering struct {
	graph   *integer.Graph
	target  *Target
	options Options
	steps   []*step
	memo    *memo // of what the search has found

	made     []int  // step that makes a tensor, -1 for inputs and constants
	lastUse  []int  // last step that reads a tensor, -1 if none
	resident []bool // tensors kept in the activation buffer
	choices  []choice
	areas    []areas

	networks []*xorcode.Network // of coded weights

	residentAt                           []uint64
	inputAt, outputAt, scratchAt         []uint64 // by tensor, or nowhere
	peakActivation, peakWeight           int
	peakAccumulator                      int
	inputBytes, outputBytes, scratchSize int
}

// Lower compiles a validated graph for a target.
func Lower(g *integer.Graph, target *Target, options Options) (*isa.Program, error) {
	l, err := planned(g, target, options, nil)
	if err != nil {
		return nil, err
	}
	return l.finish()
}

// planned decides how a graph is tiled and what stays on chip. The memo may be
// nil; it is that of earlier lowerings that differ in their bandwidth alone.
func planned(g *integer.Graph, target *Target, options Options, earlier *memo) (*lowering, error) {
	options.ShapeOnly = options.ShapeOnly || g.ShapeOnly
	l := &lowering{graph: g, target: target, options: options, memo: earlier}
	var err error
	if l.steps, err = fuse(g); err != nil {
		return nil, err
	}
	if err := l.checkExtents(); err != nil {
		return nil, err
	}
	if options.Encoder != nil {
		l.networks = options.Encoder.Networks()
		l.networks = l.networks[:len(l.networks):len(l.networks)]
	}
	if err := l.checkCodes(); err != nil {
		return nil, err
	}
	l.lifetimes()
	if err := l.plan(); err != nil {
		return nil, err
	}
	return l, l.checkSize()
}

// finish emits the program.
func (l *lowering) finish() (*isa.Program, error) {
	l.placeRegions()
	return l.program()
}

// checkExtents refuses tensors and windows whose extents do not fit descriptor
// fields.
func (l *lowering) checkExtents() error {
	for i := range l.graph.Nodes {
		n := &l.graph.Nodes[i]
		var g integer.Geometry
		switch n.Kind {
		case integer.Convolution:
			g = n.Convolution.Geometry
		case integer.Pool:
			g = n.Pool.Geometry
		}
		for axis := range 2 {
			if max(g.Kernel[axis], g.Stride[axis], g.Dilation[axis]) > 1<<16-1 || max(g.PadBegin[axis], g.PadEnd[axis]) > 1<<15-1 {
				return fmt.Errorf("layer %s: kernel %v, stride %v, dilation %v, padding %v and %v: the limits are 2^16-1, for padding 2^15-1",
					n.Name, g.Kernel, g.Stride, g.Dilation, g.PadBegin, g.PadEnd)
			}
		}
	}
	for i := range l.graph.Tensors {
		t := &l.graph.Tensors[i]
		s := t.Shape
		if s.Rows > 1<<15-1 || s.Columns > 1<<15-1 || s.Channels > 1<<24 || s.Elements() > 1<<31-1 {
			return fmt.Errorf("tensor %s of %d channels x %d rows x %d columns is too large: the limits are 2^24, 2^15-1 and 2^15-1, and 2^31-1 elements", t.Name, s.Channels, s.Rows, s.Columns)
		}
	}
	for _, out := range l.graph.Outputs {
		produced := false
		for _, s := range l.steps {
			produced = produced || s.output == out
		}
		if !produced {
			return fmt.Errorf("output %s is an input or a constant of the network: there is nothing to run", l.graph.Tensors[out].Name)
		}
	}
	return nil
}

// checkSize refuses, before anything is emitted, a program that would be too
// long. The estimate counts what the loops of the tiles move and compute.
func (l *lowering) checkSize() error {
	var total int64
	for k, s := range l.steps {
		p, v := l.shape(s), &l.choices[k].tiling
		channels, pixels, inputs := p.tiles(v)
		total += p.traffic(v).transfers + int64(channels)*int64(pixels)*int64(inputs)
		if v.held > 0 {
			total += int64(p.passes(v)) * int64(pixels) * int64(inputs) // builds of tables
		}
		if total > MaxInstructions {
			return fmt.Errorf("layer %s: %w", s.name(), errTooLong)
		}
	}
	return nil
}

var errTooLong = fmt.Errorf("the scratchpads hold only small tiles of it: the program up to here would execute more than %d transfers and computations", MaxInstructions)

func (l *lowering) lifetimes() {
	n := len(l.graph.Tensors)
	l.made, l.lastUse, l.resident = make([]int, n), make([]int, n), make([]bool, n)
	for i := range n {
		l.made[i], l.lastUse[i] = -1, -1
	}
	for k, s := range l.steps {
		l.made[s.output] = k
		for _, id := range s.reads {
			l.lastUse[id] = k
		}
	}
}

func (l *lowering) layout(id integer.TensorID) layout {
	t := &l.graph.Tensors[id]
	return layout{t.Shape.Channels, t.Shape.Rows, t.Shape.Columns, l.target.ChannelBlock, int(t.Bits)}
}

func (l *lowering) isOutput(id integer.TensorID) bool {
	for _, out := range l.graph.Outputs {
		if out == id {
			return true
		}
	}
	return false
}

// placeRegions gives addresses in the input, output and scratch regions.
func (l *lowering) placeRegions() {
	n := len(l.graph.Tensors)
	unplaced := func() []uint64 {
		list := make([]uint64, n)
		for i := range list {
			list[i] = nowhere
		}
		return list
	}
	l.inputAt, l.outputAt, l.scratchAt = unplaced(), unplaced(), unplaced()
	sequence := func(ids []integer.TensorID, offsets []uint64) int {
		size := 0
		for _, id := range ids {
			if offsets[id] != nowhere {
				continue
			}
			layout := l.layout(id)
			offsets[id] = uint64(size)
			size += l.target.align(layout.bytes())
		}
		return size
	}
	l.inputBytes = sequence(l.graph.Inputs, l.inputAt)
	l.outputBytes = sequence(l.graph.Outputs, l.outputAt)
	l.scratchSize = l.placeScratch()
}

// packTensor is a constant tensor in its DRAM layout.
func (l *lowering) packTensor(id integer.TensorID) []byte {
	t := &l.graph.Tensors[id]
	layout := l.layout(id)
	data := make([]byte, layout.bytes())
	pixel := make([]int8, layout.pitch())
	for c0 := 0; c0 < layout.channels; c0 += layout.block {
		for h := range layout.rows {
			for w := range layout.columns {
				clear(pixel)
				for c := c0; c < min(c0+layout.block, layout.channels); c++ {
					pixel[c-c0] = t.Constant[(c*layout.rows+h)*layout.columns+w]
				}
				isa.Pack(data[layout.offset(c0, h, w):], pixel, layout.bits)
			}
		}
	}
	return data
}

// program emits all steps and assembles the program.
func (l *lowering) program() (*isa.Program, error) {
	g := l.graph
	e := &emission{l: l, scratch: scratches.Get().(*scratch), constantAt: map[integer.TensorID]uint64{},
		transfers: map[isa.Transfer]uint32{}, tiles: map[isa.ConvolutionTile]uint32{}, others: map[any]uint32{}}
	for _, s := range l.steps {
		if err := e.step(s); err != nil {
			return nil, fmt.Errorf("layer %s: %w", s.name(), err)
		}
	}
	p := &isa.Program{
		Name: l.graph.Name, ModelHash: l.options.ModelHash,
		Rounding: isa.HalfUpShift, Descriptors: e.descriptors, Semaphores: slices.Clone(e.scratch.tracker.semaphores), Constants: e.constants,
		Trace: e.trace, Settings: l.options.Settings, ShapeOnly: l.options.ShapeOnly,
	}
	if !l.options.unlabelled {
		p.MachineHash, p.Config = l.target.Spec.MachineHash(), l.target.Spec.TOML()
	}
	p.Networks = l.networks
	for u := isa.Unit(1); int(u) < isa.NumUnits; u++ {
		p.Code[u] = e.scratch.section(u)
	}
	e.scratch.release()
	p.RegionBytes[isa.Weights] = e.constantBytes
	p.RegionBytes[isa.Input] = uint64(l.inputBytes)
	p.RegionBytes[isa.Output] = uint64(l.outputBytes)
	p.RegionBytes[isa.Scratch] = uint64(l.scratchSize)
	p.Buffers[isa.ActivationBuffer] = uint64(l.peakActivation)
	p.Buffers[isa.WeightBuffer] = uint64(l.peakWeight)
	p.Buffers[isa.AccumulatorBuffer] = uint64(l.peakAccumulator)
	p.Buffers[isa.TableBuffer] = e.peakTables
	for i := range l.graph.Tensors {
		t := &l.graph.Tensors[i]
		p.Tensors = append(p.Tensors, isa.Tensor{Name: t.Name, Channels: uint32(t.Shape.Channels), Rows: uint32(t.Shape.Rows),
			Columns: uint32(t.Shape.Columns), Bits: t.Bits, Scale: t.Scale, Zero: t.Zero})
	}
	for _, s := range l.steps {
		row := isa.Layer{Name: s.name(), Op: s.operators(), Tensor: uint32(s.output), MACs: s.anchor.MACs}
		if c := s.anchor.Convolution; c != nil {
			row.WeightBits = c.WeightBits
			p.Weights += c.WeightElements(g.Tensors[s.anchor.Inputs[0]].Shape.Channels, g.Tensors[s.anchor.Output].Shape.Channels)
		}
		for _, f := range s.followers {
			row.MACs += f.MACs
		}
		p.MACs += row.MACs
		p.Layers = append(p.Layers, row)
	}
	for i, id := range l.graph.Inputs {
		p.Inputs = append(p.Inputs, l.binding(id, isa.Input, l.inputAt[id], l.graph.InputShapes[i]))
	}
	for i, id := range l.graph.Outputs {
		p.Outputs = append(p.Outputs, l.binding(id, isa.Output, l.outputAt[id], l.graph.OutputShapes[i]))
	}
	return p, nil
}

func (l *lowering) binding(id integer.TensorID, space isa.Space, offset uint64, shape []int) isa.Binding {
	layout := l.layout(id)
	b := isa.Binding{Tensor: uint32(id), Space: space, Offset: offset, Block: uint16(layout.block),
		PixelBytes: uint32(layout.pixelBytes()), RowStride: uint32(layout.rowStride()), BlockStride: uint32(layout.blockStride())}
	for _, d := range shape {
		b.Shape = append(b.Shape, int64(d))
	}
	return b
}
