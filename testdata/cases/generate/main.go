// Command generate makes the test cases in testdata/cases: small ONNX models,
// each with one test set in the layout of the ONNX backend tests, for
// npusim verify and its tests.
//
// Outputs are computed here by plain loops in float64 over the definitions of
// the operators, apart from the kernels that the cases judge. Everything comes
// from one fixed seed; run it from the repository root.
package main

import (
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"os"
	"path/filepath"

	"github.com/npusim/npusim/compiler/onnx"
)

// testCase is a model with one test set.
type testCase struct {
	name   string
	model  *onnx.Model
	inputs []onnx.Tensor
	output onnx.Tensor
}

func main() {
	log.SetFlags(0)
	if err := generate(filepath.Join("testdata", "cases")); err != nil {
		log.Fatalf("generate: %v", err)
	}
}

// generate writes all cases, a folder each.
func generate(folder string) error {
	for _, c := range []testCase{depthwise(), residual()} {
		if err := c.write(filepath.Join(folder, c.name)); err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
	}
	return nil
}

func (c *testCase) write(folder string) error {
	set := filepath.Join(folder, "test_data_set_0")
	if err := os.MkdirAll(set, 0o755); err != nil {
		return err
	}
	err := writeFile(filepath.Join(folder, "model.onnx"), func(w io.Writer) error { return onnx.WriteModel(w, c.model) })
	for i := range c.inputs {
		if err == nil {
			err = writeTensor(filepath.Join(set, fmt.Sprintf("input_%d.pb", i)), &c.inputs[i])
		}
	}
	if err == nil {
		err = writeTensor(filepath.Join(set, "output_0.pb"), &c.output)
	}
	return err
}

func writeTensor(path string, t *onnx.Tensor) error {
	return writeFile(path, func(w io.Writer) error { return onnx.WriteTensor(w, t) })
}

func writeFile(path string, write func(io.Writer) error) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	if err := write(f); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}

// random draws n values, uniform in [-1, 1), from a stream of the fixed seed.
func random(stream uint64, n int) []float32 {
	r := rand.New(rand.NewPCG(1, stream))
	values := make([]float32, n)
	for i := range values {
		values[i] = float32(2*r.Float64() - 1)
	}
	return values
}

// depthwise is a 3x3 depthwise convolution of stride 2 with padding 1, clipped
// to 0..0.5.
func depthwise() testCase {
	const channels, rows, columns, kernel, stride, pad = 3, 7, 6, 3, 2, 1
	const outRows, outColumns = (rows+2*pad-kernel)/stride + 1, (columns+2*pad-kernel)/stride + 1
	const low, high = 0, 0.5
	x := random(1, channels*rows*columns)
	w := random(2, channels*kernel*kernel)
	b := random(3, channels)
	y := make([]float32, channels*outRows*outColumns)
	for c := range channels {
		for i := range outRows {
			for j := range outColumns {
				sum := float64(b[c])
				for u := range kernel {
					for v := range kernel {
						row, column := i*stride+u-pad, j*stride+v-pad
						if row >= 0 && row < rows && column >= 0 && column < columns {
							sum += float64(float64(x[(c*rows+row)*columns+column]) * float64(w[(c*kernel+u)*kernel+v]))
						}
					}
				}
				y[(c*outRows+i)*outColumns+j] = float32(max(low, min(high, sum)))
			}
		}
	}
	return testCase{
		name: "depthwise",
		model: model("depthwise", []int64{1, channels, rows, columns}, []int64{1, channels, outRows, outColumns},
			[]onnx.Tensor{
				onnx.NewFloatTensor("w", []int64{channels, 1, kernel, kernel}, w),
				onnx.NewFloatTensor("b", []int64{channels}, b),
				onnx.NewFloatTensor("low", nil, []float32{low}),
				onnx.NewFloatTensor("high", nil, []float32{high}),
			},
			onnx.Node{Name: "conv", OpType: "Conv", Inputs: []string{"x", "w", "b"}, Outputs: []string{"sum"}, Attributes: []onnx.Attribute{
				integer("group", channels), integers("strides", stride, stride), integers("pads", pad, pad, pad, pad),
			}},
			onnx.Node{Name: "clip", OpType: "Clip", Inputs: []string{"sum", "low", "high"}, Outputs: []string{"y"}}),
		inputs: []onnx.Tensor{onnx.NewFloatTensor("x", []int64{1, channels, rows, columns}, x)},
		output: onnx.NewFloatTensor("y", []int64{1, channels, outRows, outColumns}, y),
	}
}

// residual is a matrix product added to its input: y = x*W' + b + x.
func residual() testCase {
	const samples, width = 2, 5
	x := random(4, samples*width)
	w := random(5, width*width)
	b := random(6, width)
	y := make([]float32, samples*width)
	for s := range samples {
		for o := range width {
			sum := float64(b[o]) + float64(x[s*width+o])
			for i := range width {
				sum += float64(float64(x[s*width+i]) * float64(w[o*width+i]))
			}
			y[s*width+o] = float32(sum)
		}
	}
	return testCase{
		name: "residual",
		model: model("residual", []int64{samples, width}, []int64{samples, width},
			[]onnx.Tensor{
				onnx.NewFloatTensor("w", []int64{width, width}, w),
				onnx.NewFloatTensor("b", []int64{width}, b),
			},
			onnx.Node{Name: "dense", OpType: "Gemm", Inputs: []string{"x", "w", "b"}, Outputs: []string{"product"}, Attributes: []onnx.Attribute{integer("transB", 1)}},
			onnx.Node{Name: "add", OpType: "Add", Inputs: []string{"product", "x"}, Outputs: []string{"y"}}),
		inputs: []onnx.Tensor{onnx.NewFloatTensor("x", []int64{samples, width}, x)},
		output: onnx.NewFloatTensor("y", []int64{samples, width}, y),
	}
}

// model has one input x and one output y.
func model(name string, in, out []int64, constants []onnx.Tensor, nodes ...onnx.Node) *onnx.Model {
	return &onnx.Model{
		IRVersion: 7, Producer: "npusim testdata/cases/generate", Opsets: []onnx.Opset{{Version: 13}},
		Graph: onnx.Graph{
			Name: name, Nodes: nodes, Initializers: constants,
			Inputs: []onnx.ValueInfo{value("x", in)}, Outputs: []onnx.ValueInfo{value("y", out)},
		},
	}
}

func value(name string, dims []int64) onnx.ValueInfo {
	v := onnx.ValueInfo{Name: name, Type: onnx.Float, HasShape: true}
	for _, d := range dims {
		v.Shape = append(v.Shape, onnx.Dimension{Value: d})
	}
	return v
}

func integer(name string, value int64) onnx.Attribute {
	return onnx.Attribute{Name: name, Type: onnx.IntAttribute, I: value}
}

func integers(name string, values ...int64) onnx.Attribute {
	return onnx.Attribute{Name: name, Type: onnx.IntsAttribute, Ints: values}
}
