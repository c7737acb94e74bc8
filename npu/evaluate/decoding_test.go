package evaluate_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/npusim/npusim/compiler/compress"
	"github.com/npusim/npusim/compiler/integer"
	"github.com/npusim/npusim/compiler/lower"
	"github.com/npusim/npusim/isa"
	"github.com/npusim/npusim/isa/fixed"
	"github.com/npusim/npusim/npu/timing"
)

// sparseChain is a chain of fully-connected layers, most of whose weights are
// zero.
func sparseChain(t *testing.T, sparsity float64, widths ...int) *integer.Graph {
	t.Helper()
	r := rand.New(rand.NewPCG(11, 4))
	g := &integer.Graph{Name: "chain", Inputs: []integer.TensorID{0}, Outputs: []integer.TensorID{integer.TensorID(len(widths) - 1)},
		InputShapes: [][]int{{1, widths[0], 1, 1}}, OutputShapes: [][]int{{1, widths[len(widths)-1], 1, 1}}}
	m, err := fixed.NewMultiplier(0.01)
	if err != nil {
		t.Fatal(err)
	}
	for i, width := range widths {
		g.Tensors = append(g.Tensors, integer.Tensor{Name: fmt.Sprintf("t%d", i), Shape: integer.Shape{Channels: width, Rows: 1, Columns: 1}, Bits: 8, Scale: 1})
		if i == 0 {
			continue
		}
		a := &integer.ConvolutionAttributes{Geometry: integer.Geometry{Kernel: [2]int{1, 1}, Stride: [2]int{1, 1}, Dilation: [2]int{1, 1}},
			Groups: 1, WeightBits: 8, WeightScale: []float64{1}, Bias: make([]int32, width), Low: -128, High: 127}
		a.Requantizer.PerLayer = m
		for range width * widths[i-1] {
			w := int8(0)
			if r.Float64() >= sparsity {
				w = int8(1 + r.IntN(127))
			}
			a.Weights = append(a.Weights, w)
		}
		g.Nodes = append(g.Nodes, integer.Node{Name: fmt.Sprintf("fc%d", i), Op: "Gemm", Kind: integer.Convolution, Inputs: []integer.TensorID{integer.TensorID(i - 1)},
			Output: integer.TensorID(i), Convolution: a, MACs: int64(width * widths[i-1])})
	}
	return g
}

// TestDecryptionLaws: a network that is compiled for twice the decryption units,
// for more units where nothing stalls them, for a larger buffer of corrections
// or for a faster supply of them is never slower.
//
// More units that are no multiple of the fewer ones may be slower by some stalls
// where buffers run empty: slices go to the units in turn, and another number of
// units may give those with many corrections to the same one.
func TestDecryptionLaws(t *testing.T) {
	g := sparseChain(t, 0.8, 192, 160, 128)
	schemes, memories := []string{"xor-block", "xor-sequential"}, [][]string{{"dram.tier=ideal"}, {"dram.tier=linear", "dram.bandwidth_gb_per_s=40"}}
	if testing.Short() || raceEnabled {
		schemes, memories = schemes[:1], memories[:1]
	}
	moved := 0
	for _, scheme := range schemes {
		for _, memory := range memories {
			for _, law := range []struct {
				key    string
				values []int
				fixed  []string
			}{
				{"xor.units", []int{1, 2, 3, 4, 5, 8, 13, 64}, []string{"xor.patch_buffer=4096", "xor.patches_per_cycle=64"}},
				{"xor.units", []int{1, 2, 4, 8, 16}, nil},
				{"xor.units", []int{1, 2, 4, 8, 16}, []string{"xor.patch_buffer=1"}},
				{"xor.units", []int{3, 6, 12}, []string{"xor.patch_buffer=2"}},
				{"xor.patch_buffer", []int{1, 2, 3, 4, 16, 64}, []string{"xor.units=3"}},
				{"xor.patches_per_cycle", []int{1, 2, 3, 4}, []string{"xor.units=2", "xor.patch_buffer=4"}},
			} {
				last, first := int64(0), int64(0)
				for _, value := range law.values {
					sets := append([]string{"compression.scheme=" + scheme, "compression.networks=1", "compression.n_in=8", "compression.n_s=0", "npu.weight_bytes_per_cycle=1024",
						"mac_array.rows=64", "mac_array.columns=64", fmt.Sprintf("%s=%d", law.key, value)}, memory...)
					spec := load(t, "edge", append(sets, law.fixed...)...)
					encoder, err := compress.New(g, spec, compress.Options{Workers: 1})
					if err != nil {
						t.Fatal(err)
					}
					p, err := lower.Best(g, lower.NewTarget(spec), lower.Options{Encoder: encoder}, func(p *isa.Program) (int64, error) {
						r, err := timing.Run(p, spec)
						if err != nil {
							return 0, err
						}
						return r.Cycles, nil
					})
					if err != nil {
						t.Fatal(err)
					}
					r, err := timing.Run(p, spec)
					if err != nil {
						t.Fatal(err)
					}
					if r.Total.DecodedSlices == 0 {
						t.Fatalf("%s: nothing is coded: %+v", scheme, encoder.Layers())
					}
					if last > 0 && r.Cycles > last {
						t.Errorf("%s, %v, %v: %d cycles with %s = %d, %d with less", scheme, memory, law.fixed, r.Cycles, law.key, value, last)
					}
					if last = r.Cycles; first == 0 {
						first = last
					}
				}
				if last < first {
					moved++
				}
			}
		}
	}
	if all := 6 * len(schemes) * len(memories); moved < all/2 {
		t.Errorf("only %d of %d series of machines differ in time: decoding is not what limits them", moved, all)
	}
}
