package evaluate_test

import (
	"math/rand/v2"
	"testing"

	"github.com/npusim/npusim/compiler/integer"
	"github.com/npusim/npusim/compiler/integer/integertest"
	"github.com/npusim/npusim/compiler/lower"
	"github.com/npusim/npusim/configs"
	"github.com/npusim/npusim/isa"
	"github.com/npusim/npusim/npu/timing"
)

// TestLargeRearrangements: orders of tensors larger than the activation buffer
// run in tiles, exactly, and move the input little more than once.
func TestLargeRearrangements(t *testing.T) {
	spec, err := configs.Load("edge", []string{"npu.activation_buffer_kib=128"})
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name          string
		input, output integer.Shape
		dims, strides []int
		most          float64 // DRAM bytes by those of input and output
	}{
		{"NHWC to NCHW", integer.Shape{Channels: 224, Rows: 224, Columns: 3}, integer.Shape{Channels: 3, Rows: 224, Columns: 224},
			[]int{3, 50176}, []int{1, 3}, 1.1},
		{"NCHW to NHWC", integer.Shape{Channels: 3, Rows: 224, Columns: 224}, integer.Shape{Channels: 224, Rows: 224, Columns: 3},
			[]int{50176, 3}, []int{1, 50176}, 1.1},
		{"channel shuffle", integer.Shape{Channels: 240, Rows: 56, Columns: 56}, integer.Shape{Channels: 240, Rows: 56, Columns: 56},
			[]int{80, 3, 3136}, []int{3136, 80 * 3136, 1}, 1.1},
		{"flatten channels last", integer.Shape{Channels: 64, Rows: 64, Columns: 64}, integer.Shape{Channels: 64 * 64 * 64, Rows: 1, Columns: 1},
			[]int{64 * 64, 64}, []int{1, 64 * 64}, 1.1},
	} {
		t.Run(test.name, func(t *testing.T) {
			g := &integer.Graph{Name: test.name, Rounding: "half-up-shift", Inputs: []integer.TensorID{0}, Outputs: []integer.TensorID{1},
				Nodes: []integer.Node{{Name: "order", Op: "Transpose", Sources: []string{"order"}, Kind: integer.Rearrange, Inputs: []integer.TensorID{0}, Output: 1,
					Rearrange: &integer.RearrangeAttributes{Dims: test.dims, InputStrides: test.strides}}}}
			for i, s := range []integer.Shape{test.input, test.output} {
				g.Tensors = append(g.Tensors, integer.Tensor{Name: []string{"in", "out"}[i], Shape: s, Bits: 8, Scale: 1, FloatValue: -1})
			}
			g.InputShapes = [][]int{{1, test.input.Channels, test.input.Rows, test.input.Columns}}
			g.OutputShapes = [][]int{{1, test.output.Channels, test.output.Rows, test.output.Columns}}
			if err := g.Validate(); err != nil {
				t.Fatal(err)
			}
			p, err := lower.Lower(g, lower.NewTarget(spec), lower.Options{})
			if err != nil {
				t.Fatal(err)
			}
			reference, err := integer.NewReference(g)
			if err != nil {
				t.Fatal(err)
			}
			input := [][]int8{integertest.Input(g, 0, rand.New(rand.NewPCG(1, 1)))}
			if err := compare(p, spec, g, input, reference.Run(input), nil); err != nil {
				t.Fatal(err)
			}
			result, err := timing.Run(p, spec)
			if err != nil {
				t.Fatal(err)
			}
			moved := float64(result.Total.ReadBytes + result.Total.WrittenBytes)
			least := float64(p.RegionBytes[isa.Input] + p.RegionBytes[isa.Output])
			t.Logf("%d cycles, %.0f bytes, %.3f of the tensors, %d descriptors", result.Cycles, moved, moved/least, len(p.Descriptors))
			if moved < least || moved > test.most*least {
				t.Errorf("%.0f bytes move, the tensors have %.0f", moved, least)
			}
		})
	}
}
