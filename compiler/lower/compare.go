package lower

import (
	"github.com/npusim/npusim/compiler/integer"
	"github.com/npusim/npusim/isa"
	"github.com/npusim/npusim/isa/binarycode"
)

// CompareLookup estimates the cycles of a convolution without groups on the MAC
// array, with its integer weights, and on the LUT-GEMM unit, with binary codes
// of some ranges of outputs and group (0: a row): the time of the unit for the
// layer as one tile a range, or that of its weights over the DRAM bus if it is
// longer.
func CompareLookup(g *integer.Graph, n *integer.Node, target *Target, ranges []binarycode.Range, group int) (array, lookup int64) {
	a := n.Convolution
	in, out := g.Tensors[n.Inputs[0]].Shape, g.Tensors[n.Output].Shape
	dense := isa.ConvolutionTile{InputChannels: uint32(in.Channels), OutputChannels: uint32(out.Channels), Window: isa.Window{OutputRows: uint16(out.Rows), OutputColumns: uint16(out.Columns),
		KernelRows: uint16(a.Kernel[0]), KernelColumns: uint16(a.Kernel[1]), StrideRows: uint16(a.Stride[0]), StrideColumns: uint16(a.Stride[1]),
		First: true, Last: true, Mode: isa.ChannelShift}}
	coded := isa.LookupTile{InputChannels: dense.InputChannels, Mu: uint8(target.Cost.Mu), Window: dense.Window}
	if group < coded.Columns() {
		coded.Group = uint32(group)
	}
	moving := func(bytes int) int64 { return int64(bytes) * 1000 / target.MilliBytesPerCycle }
	array = max(target.Cost.Convolution(&dense).Cycles, moving(isa.PackedBytes(coded.Columns()*out.Channels, int(a.WeightBits))))
	bytes := 0
	for _, r := range ranges {
		coded.OutputChannels, coded.Planes = uint32(r.Rows), uint8(r.Planes)
		lookup += target.Cost.Lookup(&coded).Cycles
		bytes += coded.KeyBytes() + coded.ScaleBytes()
	}
	lookup = max(lookup, moving(bytes))
	return array, lookup
}
