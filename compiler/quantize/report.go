package quantize

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/npusim/npusim/compiler/integer"
	"github.com/npusim/npusim/configs"
)

// Report says how each layer was quantized.
type Report struct {
	Name   string
	Layers []LayerReport // one an integer node, in the same order
}

// LayerReport describes one integer node and its output.
type LayerReport struct {
	Name       string
	Op         string
	OutputBits uint8
	Output     Range // real values that the output can represent
	Scale      float64
	Zero       int8

	Weights *WeightReport // nil unless a convolution
}

// WeightReport describes the weights of one convolution.
type WeightReport struct {
	Scheme             configs.WeightScheme
	Uncoded            string // why the layer has no binary codes although it was to have them
	Bits               uint8
	MinScale, MaxScale float64        // smallest and largest scale of a channel, shifts included
	MinShift, MaxShift uint8          // of the channel shifts
	LoweredShifts      int            // channels whose shift was reduced to keep 32-bit sums
	WidenedScales      int            // channels whose scale was enlarged to keep 32-bit sums
	SQNR               float64        // signal to quantization noise, dB; 300 if the weights are exact
	Ranges             *ChannelRanges // of integer weights, nil for binary codes
}

func (k *converter) describe(node *integer.Node) {
	t := k.tensor(node.Output)
	k.report.Layers = append(k.report.Layers, LayerReport{
		Name: node.Name, Op: node.Op, OutputBits: t.Bits, Output: representable(t), Scale: t.Scale, Zero: t.Zero,
	})
}

// describeWeights completes the entry of the convolution just described.
func (k *converter) describeWeights(scheme configs.WeightScheme, l *layerWeights, q *quantizedWeights) {
	w := &WeightReport{Scheme: scheme, LoweredShifts: q.lowered, WidenedScales: q.widened, SQNR: q.sqnr, MinScale: math.Inf(1)}
	for c := range q.bias {
		s := q.scale(c)
		w.MinScale, w.MaxScale = math.Min(w.MinScale, s), math.Max(w.MaxScale, s)
	}
	if shifts := q.requantizer.ChannelShift; len(shifts) > 0 {
		w.MinShift, w.MaxShift = slices.Min(shifts), slices.Max(shifts)
	}
	node := &k.result.Nodes[len(k.result.Nodes)-1]
	w.Bits = node.Convolution.WeightBits
	switch scheme {
	case configs.PerLayer, configs.PerChannel:
		w.Ranges = l.channelRanges(nil, 0)
	case configs.PerLayerShift:
		w.Ranges = l.channelRanges(q.requantizer.ChannelShift, q.scales[0])
	}
	k.report.Layers[len(k.report.Layers)-1].Weights = w
}

// String is a table, a line a layer.
func (r *Report) String() string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "layer\top\toutput\trange\tweights\tscale\tshifts\tlowered\twidened\tSQNR dB")
	for _, l := range r.Layers {
		fmt.Fprintf(w, "%s\t%s\ti%d\t[%.4g, %.4g]\t", l.Name, l.Op, l.OutputBits, l.Output.Low, l.Output.High)
		if q := l.Weights; q != nil {
			fmt.Fprintf(w, "%v i%d\t%.3g..%.3g\t%d..%d\t%d\t%d\t%.1f", q.Scheme, q.Bits, q.MinScale, q.MaxScale, q.MinShift, q.MaxShift, q.LoweredShifts, q.WidenedScales, q.SQNR)
		} else {
			fmt.Fprint(w, "-\t-\t-\t-\t-\t-")
		}
		fmt.Fprintln(w)
	}
	w.Flush()
	return b.String()
}
