package quantize

import (
	"math"
	"testing"

	"github.com/npusim/npusim/compiler/transform/graphtest"
	"github.com/npusim/npusim/configs"
)

// TestSoftmaxShift takes the finest power of two that holds what calibration
// saw.
func TestSoftmaxShift(t *testing.T) {
	for _, c := range []struct {
		largest float64
		bits    uint8
		want    uint8
	}{
		{1, 8, 8}, {0.9, 8, 8}, {255.0 / 512, 8, 9}, {0.499, 8, 8}, {0.25, 8, 9}, {0.01, 8, 14}, {1, 4, 4}, {0.2, 4, 6}, {1e-6, 8, 27}, {1e-30, 8, 30}, {0, 8, 30}, {2, 8, 8},
	} {
		if got := softmaxShift(c.largest, c.bits); got != c.want {
			t.Errorf("largest %g with %d bits: shift %d instead of %d", c.largest, c.bits, got, c.want)
		}
	}
}

// TestSoftmaxOfManyClasses has results far below 1, which keep their
// precision: at 2^-8 nearly all of them would be zero.
func TestSoftmaxOfManyClasses(t *testing.T) {
	b := graphtest.New(1)
	float := b.Output(b.Softmax(b.Input(1, 1000), 1))
	inputs := b.Inputs(4)
	g, _, n := convertWith(t, float, inputs, settings(configs.PerLayerShift, configs.Percentile))
	softmax := &g.Tensors[g.Outputs[0]]
	if shift := g.Nodes[0].Softmax.OutputShift; shift < 12 || softmax.Scale != math.Ldexp(1, -int(shift)) {
		t.Errorf("shift %d, scale %g", shift, softmax.Scale)
	}
	if got := signalToNoise(runFloat(t, n.Graph, inputs), runInteger(t, g, inputs)); got < 35 {
		t.Errorf("%.1f dB against float, want at least 35", got)
	}
}
