package ops

import (
	"math"

	"github.com/npusim/npusim/compiler/graph"
)

// importBatchNormalization translates the inference form:
// Y = scale*(X-mean)/sqrt(variance+epsilon) + bias for each channel, axis 1.
// Training is chosen by is_test until opset 6 (0 is the default there), by the
// presence of further outputs from 7 on, and by training_mode from 14 on.
func importBatchNormalization(n *node) error {
	if err := n.arity(5, 5); err != nil {
		return err
	}
	const supported = "inference form"
	a := &graph.BatchNormAttributes{Epsilon: n.floatAttribute("epsilon", 1e-5)}
	n.inert("momentum") // updates running statistics in training
	if n.opset < 7 && !n.boolAttribute("is_test", false) {
		return n.unsupported(supported, "attribute is_test 0, which is training")
	}
	if n.opset < 9 && !n.boolAttribute("spatial", true) {
		return n.unsupported("attribute spatial 1", "attribute spatial 0, statistics for every element")
	}
	if n.opset >= 14 && n.boolAttribute("training_mode", false) {
		return n.unsupported(supported, "attribute training_mode 1")
	}
	n.onlyOutputs(1, supported)
	x := n.shape(0)
	if len(x) < 2 {
		return n.invalid("input of shape %v has no channel axis 1", x)
	}
	for i := 1; i < 5; i++ {
		if p := n.shape(i); len(p) != 1 || p[0] != x[1] {
			return n.invalid("input %d has shape %v for %d channels", i, p, x[1])
		}
	}
	if c := n.value(4).Constant; c != nil && n.err == nil {
		for i, v := range c.Floats {
			if !(v+a.Epsilon > 0) {
				return n.invalid("variance %v of channel %d plus epsilon %v must be positive", v, i, a.Epsilon)
			}
		}
	}
	return n.emit(graph.BatchNormalization, a, n.inputs, x)
}

func bindBatchNormalization(g *graph.Graph, n *graph.Node) Kernel {
	x := shapeOf(g, n, 0)
	epsilon := n.Attributes.(*graph.BatchNormAttributes).Epsilon
	batch, channels, cells := x[0], x[1], graph.Elements(x[2:])
	return Kernel{InPlace: true, Run: func(out, in [][]float32, _ []float32) {
		scale, bias, mean, variance := in[1], in[2], in[3], in[4]
		for block := range batch * channels {
			c := block % channels
			factor := float32(float64(scale[c]) / math.Sqrt(float64(variance[c])+float64(epsilon)))
			m, b := mean[c], bias[c]
			from, to := in[0][block*cells:][:cells], out[0][block*cells:][:cells]
			for i, v := range from {
				to[i] = float32(factor*(v-m)) + b
			}
		}
	}}
}
