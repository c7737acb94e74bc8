package quantize

import (
	"context"
	"errors"
	"fmt"
	"math"

	solve "github.com/npusim/npusim/compiler/binarycode"
	"github.com/npusim/npusim/compiler/fractional"
	"github.com/npusim/npusim/compiler/graph"
	"github.com/npusim/npusim/compiler/integer"
	"github.com/npusim/npusim/configs"
	"github.com/npusim/npusim/isa/binarycode"
	"github.com/npusim/npusim/isa/fractionalcode"
)

// Moments are what calibration samples say of the inputs of a layer: mean and
// mean square of q - zero by input channel.
type Moments struct{ Mean, Square []float64 }

// Coding is what binary coding takes into account besides the weights.
type Coding struct {
	// Moments of the inputs by layer name. They weigh the errors of weights, and
	// biases take over the mean of what coded weights no longer add. A layer
	// without them counts all weights alike and keeps its bias.
	Moments map[string]Moments
	// Dense says, by layer name, why a layer has integer weights although it could
	// have binary codes.
	Dense map[string]string
	// Sealing has, by layer name, the networks whose outputs the signs of a layer
	// are to be.
	Sealing map[string]Sealing
	Workers int // goroutines; 0 is one a processor
	RowStep int // clusters of outputs end at multiples of it; 0 is 1
}

// Sealing are XOR networks of layers with binary codes, for keys of Mu bits: those
// of plane p are drawn from Seed + p.
type Sealing struct {
	Mu, Inputs, Outputs, Taps int
	Seed                      uint64
}

// networks draws one network a plane.
func (s *Sealing) networks(planes int) ([]fractionalcode.Network, error) {
	var list []fractionalcode.Network
	for p := range planes {
		n, err := fractionalcode.Draw(s.Inputs, s.Outputs, fractionalcode.Generator{Taps: s.Taps, Seed: s.Seed + uint64(p)})
		if err != nil {
			return nil, err
		}
		list = append(list, n)
	}
	return list, nil
}

// UsesCodes tells whether binary codes are asked for any layer.
func UsesCodes(q *configs.Quantization) bool {
	if q.Weights == configs.BinaryCoding {
		return true
	}
	for _, rule := range q.Layers {
		if rule.Weights == configs.BinaryCoding {
			return true
		}
	}
	return false
}

// dense is the scheme of layers that cannot have binary codes.
const dense = configs.PerLayerShift

// Dense is the quantization with integer weights in the place of binary codes.
func Dense(q *configs.Quantization) *configs.Quantization {
	c := *q
	if c.Weights == configs.BinaryCoding {
		c.Weights = dense
	}
	c.Layers = append([]configs.LayerRule(nil), q.Layers...)
	for i := range c.Layers {
		if c.Layers[i].Weights == configs.BinaryCoding {
			c.Layers[i].Weights = dense
		}
	}
	return &c
}

// uncoded says why a layer is not to have binary codes, or nothing.
func (k *converter) uncoded(node *graph.Node, columns int) string {
	if reason := codable(node.Attributes.(*graph.ConvAttributes), columns); reason != "" {
		return reason
	}
	return k.coding.Dense[node.Name]
}

// codable says why a convolution cannot have binary codes, or nothing.
func codable(a *graph.ConvAttributes, columns int) string {
	switch {
	case a.Groups > 1:
		return "its channels have groups, so that few outputs would share a table: the LUT-GEMM unit has no form for it"
	case columns > binarycode.MaxColumns:
		return fmt.Sprintf("it has %d inputs an output, binary codes have at most %d", columns, binarycode.MaxColumns)
	}
	return ""
}

// solver are the options of solving a layer's codes.
func (k *converter) solver(name string, columns, planes int) solve.Options {
	o := solve.Options{Method: solve.Alternating, Planes: planes, Workers: k.coding.Workers}
	if k.settings.Solver == configs.GreedySolver {
		o.Method = solve.Greedy
	}
	if k.settings.Solver == configs.TernarySolver {
		o.Method = solve.Ternary
	}
	if k.settings.Group < columns {
		o.Group = k.settings.Group
	}
	if m, ok := k.coding.Moments[name]; ok {
		importance := make([]float64, columns)
		cells := columns / len(m.Square)
		for j := range importance {
			importance[j] = m.Square[j/cells] + 1e-3 // inputs that were 0 throughout count a little
		}
		o.Importance = &solve.Importance{Columns: importance}
	}
	return o
}

// allocate shares planes out among the layers with binary codes. The loss of a
// layer is the error of its outputs over their energy. Layers with clusters of
// outputs keep the planes that they are told to have, which count all the same.
func (k *converter) allocate() error {
	if k.settings.AverageBits == 0 {
		return nil
	}
	var items []solve.Item // of the layers that will have codes
	for i := range k.float.Nodes {
		node := &k.float.Nodes[i]
		if node.Op != graph.Conv || k.settings.ForLayer(node.Name).Weights != configs.BinaryCoding {
			continue
		}
		weights := k.float.Value(node.Inputs[1])
		if weights.Constant == nil {
			continue // an error when it is converted
		}
		rows := weights.Shape[0]
		columns := len(weights.Constant.Floats) / rows
		if k.uncoded(node, columns) != "" {
			continue
		}
		o := k.solver(node.Name, columns, 0)
		if layer := k.settings.ForLayer(node.Name); layer.RowClusters > 1 {
			ranges, err := k.clusters(rows, &layer)
			if err != nil {
				return fmt.Errorf("node %q: %w", node.Name, err)
			}
			shape := binarycode.Shape{Rows: rows, Columns: columns, Group: columns, Ranges: ranges}
			if o.Group > 0 {
				shape.Group = o.Group
			}
			part := solve.CountMatrix(&shape)
			items = append(items, solve.Item{Name: node.Name, Weights: part.Weights, Choices: []solve.Choice{{Bits: part.Bits(16)}}})
			continue
		}
		choices, err := solve.Curve(k.ctx, weights.Constant.Floats, rows, columns, o)
		if err != nil {
			return fmt.Errorf("node %q: %w", node.Name, err)
		}
		energy := 0.0
		for j, w := range weights.Constant.Floats {
			importance := 1.0
			if o.Importance != nil {
				importance = o.Importance.Columns[j%columns]
			}
			energy += importance * float64(w) * float64(w)
		}
		for c := range choices {
			if energy > 0 {
				choices[c].Loss /= energy
			}
		}
		items = append(items, solve.Item{Name: node.Name, Weights: int64(rows) * int64(columns), Choices: choices})
	}
	if len(items) == 0 {
		return nil
	}
	a, err := solve.Allocate(k.ctx, items, k.settings.AverageBits)
	if err != nil {
		return fmt.Errorf("quantization.average_bits = %g: %w", k.settings.AverageBits, err)
	}
	k.planes = map[string]int{}
	for i := range items {
		if k.settings.ForLayer(items[i].Name).RowClusters > 1 {
			continue
		}
		k.planes[items[i].Name] = a.Choice[i] + 1
		if k.settings.Solver == configs.TernarySolver {
			k.planes[items[i].Name] = 2 // the only choice
		}
	}
	return nil
}

// coded gives a convolution binary codes. Importance is taken from the moments
// of its inputs.
func (k *converter) coded(name string, planes int, l *layerWeights) (*integer.ConvolutionAttributes, *quantizedWeights, error) {
	if allocated := k.planes[name]; allocated > 0 {
		planes = allocated
	}
	columns := l.taps()
	m, sealed, err := k.solve(name, l, planes)
	if err != nil {
		return nil, nil, err
	}
	bias := make([]float64, l.channels)
	for c := range bias {
		if l.bias != nil {
			bias[c] = float64(l.bias[c]) / l.in.Scale
		}
	}
	if moments, ok := k.coding.Moments[name]; ok {
		values := make([]float32, len(l.weights))
		m.Dequantize(values)
		cells := columns / len(moments.Mean)
		for i, w := range values {
			bias[i/columns] += (float64(l.weights[i]) - float64(w)) * moments.Mean[i%columns/cells]
		}
	}
	f, err := m.Fix(solve.FixOptions{Format: binarycode.FixedScales, InputBound: binarycode.InputBound(l.in.Zero), Bias: bias, OutputRatio: l.in.Scale / l.out.Scale})
	if err != nil {
		return nil, nil, err
	}
	e, err := m.Error(l.weights, nil)
	if err != nil {
		return nil, nil, err
	}
	a := &integer.ConvolutionAttributes{WeightBits: uint8(m.Shape.MostPlanes()), Codes: f.Matrix, Sealed: sealed, WeightScale: []float64{math.Ldexp(1, -int(f.Exponent))}, Bias: f.Bias,
		Requantizer: integer.Requantizer{PerLayer: f.Multiplier, ChannelShift: f.Shifts}}
	q := &quantizedWeights{bias: f.Bias, scales: a.WeightScale, requantizer: a.Requantizer, sqnr: exactSQNR}
	if e.Normalized() > 1e-30 {
		q.sqnr = -10 * math.Log10(e.Normalized())
	}
	return a, q, nil
}

// solve finds the codes of a layer, free ones or those of networks.
func (k *converter) solve(name string, l *layerWeights, planes int) (*solve.Matrix, *binarycode.Sealed, error) {
	o := k.solver(name, l.taps(), planes)
	s, sealed := k.coding.Sealing[name]
	layer := k.settings.ForLayer(name)
	layer.Planes = planes
	if layer.RowClusters > 1 {
		if sealed {
			return nil, nil, errors.New("it has clusters of outputs, for which XOR networks have no form")
		}
		var err error
		if o.Ranges, err = k.clusters(l.channels, &layer); err != nil {
			return nil, nil, err
		}
		o.Planes = 0
	}
	if !sealed {
		m, err := solve.Quantize(k.ctx, l.weights, l.channels, l.taps(), o)
		return m, nil, err
	}
	networks, err := s.networks(planes)
	if err != nil {
		return nil, nil, err
	}
	seal := fractional.SealOptions{Mu: s.Mu, Group: o.Group, Networks: networks, Workers: o.Workers}
	if o.Importance != nil {
		seal.Importance = o.Importance.Columns
	}
	return fractional.Seal(k.ctx, l.weights, l.channels, l.taps(), seal)
}

// clusters are the ranges of a layer with clusters of outputs.
func (k *converter) clusters(outputs int, layer *configs.LayerQuantization) ([]binarycode.Range, error) {
	return solve.AlignedRanges(outputs, max(k.coding.RowStep, 1), layer.ClusterPlanes(), layer.RowRatio)
}

// refused tells errors of coding that are about the layer, not the run.
func refused(err error) bool {
	return !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded)
}
