package shapes

import (
	solve "github.com/npusim/npusim/compiler/binarycode"
	"github.com/npusim/npusim/compiler/integer"
	"github.com/npusim/npusim/configs"
	"github.com/npusim/npusim/isa/binarycode"
	"github.com/npusim/npusim/isa/fixed"
)

// Network makes an integer network of the layers, each with an input and an
// output of its own. Bits and the form of the requantizer follow q; values
// have no meaning. The network passes integer.Graph.Validate and is marked
// ShapeOnly. Clusters of outputs with binary codes end at multiples of rowStep.
func (t *Topology) Network(q *configs.Quantization, rowStep int) *integer.Graph {
	g := &integer.Graph{Name: t.Name, Rounding: q.Rounding.String(), ShapeOnly: true}
	for i := range t.Layers {
		l := &t.Layers[i]
		rule := q.ForLayer(l.Name)
		bits := uint8(rule.ActivationBits)
		tensor := func(name string, s integer.Shape) integer.TensorID {
			g.Tensors = append(g.Tensors, integer.Tensor{Name: name, Shape: s, Bits: bits, Scale: 1, FloatValue: -1})
			return integer.TensorID(len(g.Tensors) - 1)
		}
		a := &integer.ConvolutionAttributes{
			Geometry:   integer.Geometry{Kernel: [2]int{l.KernelRows, l.KernelColumns}, Stride: [2]int{l.Stride, l.Stride}, Dilation: [2]int{1, 1}},
			Groups:     l.groups(),
			WeightBits: uint8(rule.WeightBits),
		}
		a.Low, a.High = fixed.Range(bits)
		unit := fixed.Multiplier{M0: 1 << 30, Shift: 30}
		if columns := l.Channels * l.KernelRows * l.KernelColumns; rule.Weights == configs.BinaryCoding {
			if l.groups() > 1 || columns > binarycode.MaxColumns {
				rule.Weights = configs.PerLayerShift // has no form on the unit
			} else {
				a.Codes = &binarycode.Matrix{Shape: binarycode.Shape{Rows: l.OutputChannels(), Columns: columns, Group: columns,
					Ranges: clusters(&rule, l.OutputChannels(), rowStep)}}
				a.WeightBits = uint8(a.Codes.Shape.MostPlanes())
				if q.Group > 0 {
					a.Codes.Shape.Group = min(q.Group, columns)
				}
			}
		}
		switch rule.Weights {
		case configs.PerChannel:
			a.Requantizer.PerChannel = []fixed.Multiplier{}
		case configs.PerLayerShift, configs.BinaryCoding:
			a.Requantizer = integer.Requantizer{PerLayer: unit, ChannelShift: []uint8{}}
		default:
			a.Requantizer.PerLayer = unit
		}
		in := integer.Shape{Channels: l.Channels, Rows: l.Rows, Columns: l.Columns}
		out := integer.Shape{Channels: l.OutputChannels()}
		out.Rows, a.PadEnd[0] = output(l.Rows, l.KernelRows, l.Stride)
		out.Columns, a.PadEnd[1] = output(l.Columns, l.KernelColumns, l.Stride)
		op := "Conv"
		if l.Product {
			op = "Gemm"
		}
		input := tensor(l.Name+" input", in)
		n := integer.Node{
			Name: l.Name, Op: op, Sources: []string{l.Name}, Kind: integer.Convolution, MACs: l.MACs(),
			Inputs: []integer.TensorID{input}, Output: tensor(l.Name, out), Convolution: a,
		}
		g.Nodes = append(g.Nodes, n)
		g.Inputs, g.InputShapes = append(g.Inputs, input), append(g.InputShapes, []int{1, in.Channels, in.Rows, in.Columns})
		g.Outputs, g.OutputShapes = append(g.Outputs, n.Output), append(g.OutputShapes, []int{1, out.Channels, out.Rows, out.Columns})
	}
	return g
}

// clusters are the row ranges of a layer with binary codes.
func clusters(rule *configs.LayerQuantization, rows, step int) []binarycode.Range {
	if rule.RowClusters > 1 {
		if ranges, err := solve.AlignedRanges(rows, step, rule.ClusterPlanes(), rule.RowRatio); err == nil {
			return ranges
		}
	}
	return []binarycode.Range{{Rows: rows, Planes: rule.Planes}} // too few for clusters
}
