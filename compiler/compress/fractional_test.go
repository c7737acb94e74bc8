package compress

import (
	"testing"

	"github.com/npusim/npusim/compiler/integer"
	"github.com/npusim/npusim/compiler/lower"
)

// TestInputOf: the inputs that weigh the errors of a tile, for layers with one
// group, several, a group for each output with one input or two, and with a
// single output, which is no depthwise layer.
func TestInputOf(t *testing.T) {
	for _, c := range []struct {
		name                            string
		outputs, inputs, groups, kernel int // inputs of a group
		place                           lower.TilePlace
		index, want                     int // index in [cell][input][output]
	}{
		{"dense", 8, 6, 1, 1, lower.TilePlace{Outputs: 4, OutputCount: 4, Inputs: 2, InputCount: 3}, 2*4 + 1, 4},
		{"second cell", 8, 6, 1, 2, lower.TilePlace{Outputs: 0, OutputCount: 8, Inputs: 0, InputCount: 6}, (6+5)*8 + 7, 5},
		{"second group", 8, 3, 2, 1, lower.TilePlace{Outputs: 4, OutputCount: 4, Inputs: 0, InputCount: 3}, 1*4 + 3, 4},
		{"depthwise", 8, 1, 8, 3, lower.TilePlace{Outputs: 2, OutputCount: 6, Inputs: 0, InputCount: 1}, 4*6 + 5, 7},
		{"two inputs a group", 4, 2, 4, 1, lower.TilePlace{Outputs: 3, OutputCount: 1, Inputs: 0, InputCount: 2}, 1, 7},
		{"single output", 1, 5, 1, 1, lower.TilePlace{Outputs: 0, OutputCount: 1, Inputs: 0, InputCount: 5}, 3, 3},
	} {
		a := &integer.ConvolutionAttributes{Geometry: integer.Geometry{Kernel: [2]int{c.kernel, c.kernel}}, Groups: c.groups,
			Bias: make([]int32, c.outputs), Weights: make([]int8, c.outputs*c.inputs*c.kernel*c.kernel)}
		if got := inputOf(a, c.place, c.index, c.place.OutputCount); got != c.want {
			t.Errorf("%s: input %d, want %d", c.name, got, c.want)
		}
	}
}
