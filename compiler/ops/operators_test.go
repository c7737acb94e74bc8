package ops_test

import (
	"testing"

	"github.com/npusim/npusim/compiler/onnx"
	"github.com/npusim/npusim/compiler/ops"
)

// operatorCase is a node with hand-computed results.
type operatorCase struct {
	name       string
	operator   string
	opset      int
	in         []operand
	attributes []onnx.Attribute
	want       []operand
}

func in(o ...operand) []operand                  { return o }
func with(a ...onnx.Attribute) []onnx.Attribute  { return a }
func floats(shape []int64, v ...float32) operand { return operand{dims: shape, floats: v} }
func integers(shape []int64, v ...int64) operand { return operand{dims: shape, ints: v} }
func vector(v ...float32) operand                { return x(dims(int64(len(v))), v...) }
func vectorOf(v ...float32) operand              { return floats(dims(int64(len(v))), v...) }

var computeCases = []operatorCase{
	// 1..9 in 3x3 with a 2x2 kernel of ones: sums of four neighbours.
	{"", "Conv", 11, in(count(1, 1, 1, 3, 3), w(dims(1, 1, 2, 2), 1, 1, 1, 1), w(dims(1), 10)), nil,
		in(floats(dims(1, 1, 2, 2), 22, 26, 34, 38))},
	{"pads and strides", "Conv", 11, in(count(1, 1, 1, 3, 3), w(dims(1, 1, 3, 3), 1, 1, 1, 1, 1, 1, 1, 1, 1)),
		with(intsAttribute("pads", 1, 1, 1, 1), intsAttribute("strides", 2, 2), intsAttribute("kernel_shape", 3, 3)),
		in(floats(dims(1, 1, 2, 2), 12, 16, 24, 28))},
	{"dilations", "Conv", 11, in(count(1, 1, 1, 3, 3), w(dims(1, 1, 2, 2), 1, 10, 100, 1000)), with(intsAttribute("dilations", 2, 2)),
		in(floats(dims(1, 1, 1, 1), 1+30+700+9000))},
	{"same upper", "Conv", 11, in(count(1, 1, 1, 1, 4), w(dims(1, 1, 1, 2), 1, 10)), with(stringAttribute("auto_pad", "SAME_UPPER")),
		in(floats(dims(1, 1, 1, 4), 21, 32, 43, 4))},
	{"same lower", "Conv", 11, in(count(1, 1, 1, 1, 4), w(dims(1, 1, 1, 2), 1, 10)), with(stringAttribute("auto_pad", "SAME_LOWER")),
		in(floats(dims(1, 1, 1, 4), 10, 21, 32, 43))},
	{"valid", "Conv", 11, in(count(1, 1, 1, 1, 4), w(dims(1, 1, 1, 2), 1, 10)), with(stringAttribute("auto_pad", "VALID")),
		in(floats(dims(1, 1, 1, 3), 21, 32, 43))},
	{"one axis, stride 3", "Conv", 7, in(count(1, 1, 1, 7), w(dims(1, 1, 2), 1, -1)), with(intsAttribute("strides", 3), intsAttribute("pads", 1, 0)),
		in(floats(dims(1, 1, 3), -1, -1, -1))},
	{"pointwise", "Conv", 13, in(x(dims(1, 2, 1, 2), 1, 2, 3, 4), w(dims(2, 2, 1, 1), 1, 10, 100, 1000), w(dims(2), 0.5, -0.5)), nil,
		in(floats(dims(1, 2, 1, 2), 31.5, 42.5, 3099.5, 4199.5))},
	{"pointwise, stride 2", "Conv", 13, in(count(1, 1, 1, 3, 3), w(dims(1, 1, 1, 1), 2)), with(intsAttribute("strides", 2, 2)),
		in(floats(dims(1, 1, 2, 2), 2, 6, 14, 18))},
	{"groups", "Conv", 13, in(x(dims(1, 4, 1, 1), 1, 2, 3, 4), w(dims(2, 2, 1, 1), 1, 10, 100, 1000)), with(intAttribute("group", 2)),
		in(floats(dims(1, 2, 1, 1), 21, 4300))},
	{"depthwise 3x3", "Conv", 13, in(count(1, 1, 2, 3, 3),
		w(dims(2, 1, 3, 3), 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 2, 0, 0, 0, 0), w(dims(2), 1, 2)),
		with(intAttribute("group", 2), intsAttribute("pads", 1, 1, 1, 1), intsAttribute("strides", 2, 2)),
		in(floats(dims(1, 2, 2, 2), 13, 17, 25, 29, 22, 26, 34, 38))},
	{"depthwise with multiplier", "Conv", 13, in(x(dims(1, 2, 1, 3), 1, 2, 3, 4, 5, 6), w(dims(4, 1, 1, 2), 1, 0, 0, 1, 1, 1, 1, -1)), with(intAttribute("group", 2)),
		in(floats(dims(1, 4, 1, 2), 1, 2, 2, 3, 9, 11, -1, -1))},
	{"depthwise dilated on one axis", "Conv", 13, in(count(1, 1, 2, 4), w(dims(2, 1, 2), 1, 10, 1, -1)),
		with(intAttribute("group", 2), intsAttribute("dilations", 2), intsAttribute("strides", 2), intsAttribute("pads", 1, 1)),
		in(floats(dims(1, 2, 2), 20, 42, -6, -2))},
	{"computed weights", "Conv", 13, in(x(dims(1, 1, 1, 2), 1, 2), x(dims(1, 1, 1, 2), 3, 4), x(dims(1), 5)), nil,
		in(floats(dims(1, 1, 1, 1), 16))},
	{"two samples", "Conv", 13, in(x(dims(2, 1, 1, 2), 1, 2, 3, 4), w(dims(1, 1, 1, 2), 1, 10)), nil,
		in(floats(dims(2, 1, 1, 1), 21, 43))},

	{"", "Gemm", 13, in(x(dims(2, 2), 1, 2, 3, 4), w(dims(2, 2), 5, 6, 7, 8), w(dims(2), 100, 200)), with(floatAttribute("alpha", 2), floatAttribute("beta", 0.5)),
		in(floats(dims(2, 2), 88, 144, 136, 200))},
	{"transposed", "Gemm", 13, in(x(dims(3, 1), 1, 2, 3), w(dims(2, 3), 1, 10, 100, 2, 20, 200)), with(intAttribute("transA", 1), intAttribute("transB", 1)),
		in(floats(dims(1, 2), 321, 642))},
	{"transposed at run time", "Gemm", 13, in(x(dims(1, 3), 1, 2, 3), x(dims(2, 3), 1, 10, 100, 2, 20, 200), x(dims(), 1)), with(intAttribute("transB", 1)),
		in(floats(dims(1, 2), 322, 643))},
	{"column C", "Gemm", 7, in(x(dims(2, 1), 1, 2), w(dims(1, 2), 1, 10), w(dims(2, 1), 5, 6)), nil, in(floats(dims(2, 2), 6, 15, 8, 26))},
	{"announced broadcast", "Gemm", 6, in(x(dims(2, 1), 1, 2), w(dims(1, 2), 1, 10), w(dims(2), 5, 6)), with(intAttribute("broadcast", 1)),
		in(floats(dims(2, 2), 6, 16, 7, 26))},

	{"", "MatMul", 13, in(x(dims(2, 2), 1, 2, 3, 4), w(dims(2, 2), 5, 6, 7, 8)), nil, in(floats(dims(2, 2), 19, 22, 43, 50))},
	{"vectors", "MatMul", 13, in(vector(1, 2), w(dims(2), 3, 4)), nil, in(floats(dims(), 11))},
	{"vector on the left", "MatMul", 13, in(vector(1, 2), w(dims(2, 1), 3, 4)), nil, in(floats(dims(1), 11))},
	{"vector on the right", "MatMul", 13, in(x(dims(1, 1, 2), 1, 2), w(dims(2), 3, 4)), nil, in(floats(dims(1, 1), 11))},
	{"broadcast batches", "MatMul", 13, in(count(1, 2, 1, 1, 2), x(dims(2, 2, 1), 1, 10, 100, 1000)), nil, in(floats(dims(2, 2, 1, 1), 21, 2100, 43, 4300))},
	{"batches times one matrix", "MatMul", 13, in(count(1, 2, 1, 2), w(dims(2, 1), 1, 10)), nil, in(floats(dims(2, 1, 1), 21, 43))},

	// variance 3 + epsilon 1: divided by 2
	{"", "BatchNormalization", 9, in(x(dims(1, 2, 2), 1, 2, 3, 4), w(dims(2), 2, 4), w(dims(2), 0, 100), w(dims(2), 1, 3), w(dims(2), 3, 3)), with(floatAttribute("epsilon", 1), floatAttribute("momentum", 0.5)),
		in(floats(dims(1, 2, 2), 0, 1, 100, 102))},
	{"training_mode 0", "BatchNormalization", 15, in(x(dims(1, 1), 8), w(dims(1), 1), w(dims(1), 0), w(dims(1), 0), w(dims(1), 15)), with(floatAttribute("epsilon", 1), intAttribute("training_mode", 0)),
		in(floats(dims(1, 1), 2))},
	{"is_test", "BatchNormalization", 6, in(x(dims(1, 1), 8), w(dims(1), 1), w(dims(1), 0), w(dims(1), 0), w(dims(1), 15)), with(floatAttribute("epsilon", 1), intAttribute("is_test", 1), intAttribute("spatial", 1)),
		in(floats(dims(1, 1), 2))},

	{"", "Relu", 14, in(vector(-1, 0, 2)), nil, in(vectorOf(0, 0, 2))},
	{"", "LeakyRelu", 16, in(vector(-1, 0, 2)), nil, in(vectorOf(-0.01, 0, 2))},
	{"alpha", "LeakyRelu", 6, in(vector(-1, 0, 2)), with(floatAttribute("alpha", 0.5)), in(vectorOf(-0.5, 0, 2))},
	{"attributes", "Clip", 6, in(vector(-1, 3, 9)), with(floatAttribute("min", 0), floatAttribute("max", 6)), in(vectorOf(0, 3, 6))},
	{"inputs", "Clip", 13, in(vector(-1, 3, 9), w(dims(), 0), w(dims(), 6)), nil, in(vectorOf(0, 3, 6))},
	{"upper bound alone", "Clip", 11, in(vector(-1, 3, 9), absent, w(dims(), 6)), nil, in(vectorOf(-1, 3, 6))},
	{"crossed bounds", "Clip", 13, in(vector(-1, 3, 9), w(dims(), 6), w(dims(), 1)), nil, in(vectorOf(1, 1, 1))},
	{"no bounds", "Clip", 13, in(vector(-1, 3, 9)), nil, in(vectorOf(-1, 3, 9))},
	{"", "Sigmoid", 13, in(vector(-1, 0, 100)), nil, in(vectorOf(0.26894142, 0.5, 1))},
	{"", "HardSigmoid", 6, in(vector(-9, 1, 9)), nil, in(vectorOf(0, 0.7, 1))},
	{"attributes", "HardSigmoid", 6, in(vector(-9, 1, 9)), with(floatAttribute("alpha", 0.25), floatAttribute("beta", 0.25)), in(vectorOf(0, 0.5, 1))},
	{"", "HardSwish", 14, in(vector(-4, -3, -1.5, 0, 1.5, 4)), nil, in(vectorOf(0, 0, -0.375, 0, 1.125, 4))},
	{"", "Tanh", 13, in(vector(-1, 0, 1)), nil, in(vectorOf(-0.7615942, 0, 0.7615942))},

	{"", "Add", 14, in(vector(1, 2), vector(10, 20)), nil, in(vectorOf(11, 22))},
	{"outer", "Add", 14, in(x(dims(2, 1), 1, 2), x(dims(3), 10, 20, 30)), nil, in(floats(dims(2, 3), 11, 21, 31, 12, 22, 32))},
	{"scalar", "Add", 14, in(vector(1, 2), w(dims(), 10)), nil, in(vectorOf(11, 12))},
	{"inner axes", "Add", 14, in(count(1, 2, 2, 2), w(dims(2, 1, 2), 10, 20, 30, 40)), nil, in(floats(dims(2, 2, 2), 11, 22, 13, 24, 35, 46, 37, 48))},
	{"announced axis", "Add", 6, in(count(1, 1, 2, 2), w(dims(2), 10, 20)), with(intAttribute("broadcast", 1), intAttribute("axis", 1)), in(floats(dims(1, 2, 2), 11, 12, 23, 24))},
	{"announced axis at run time", "Add", 6, in(count(1, 1, 2, 2), vector(10, 20)), with(intAttribute("broadcast", 1), intAttribute("axis", 1)), in(floats(dims(1, 2, 2), 11, 12, 23, 24))},
	{"announced suffix", "Mul", 6, in(count(1, 1, 2, 2), w(dims(2), 10, 20)), with(intAttribute("broadcast", 1)), in(floats(dims(1, 2, 2), 10, 40, 30, 80))},
	{"integers", "Add", 14, in(list(1, 2), list(10, 20)), nil, in(integers(dims(2), 11, 22))},
	{"", "Sub", 14, in(vector(1, 2), vector(10, 20)), nil, in(vectorOf(-9, -18))},
	{"from scalar", "Sub", 14, in(w(dims(), 10), vector(1, 2)), nil, in(vectorOf(9, 8))},
	{"scalar", "Sub", 14, in(vector(1, 2), w(dims(1), 10)), nil, in(vectorOf(-9, -8))},
	{"", "Mul", 14, in(vector(1, 2), vector(10, 20)), nil, in(vectorOf(10, 40))},
	{"channels", "Mul", 14, in(count(1, 1, 2, 1, 2), x(dims(1, 2, 1, 1), 10, 100)), nil, in(floats(dims(1, 2, 1, 2), 10, 20, 300, 400))},
	{"of scalar", "Mul", 14, in(w(dims(), 3), vector(1, 2)), nil, in(vectorOf(3, 6))},
	{"", "Div", 14, in(vector(1, 9), vector(2, 3)), nil, in(vectorOf(0.5, 3))},
	{"of scalar", "Div", 14, in(w(dims(), 6), vector(2, 3)), nil, in(vectorOf(3, 2))},
	{"by scalar", "Div", 14, in(vector(2, 3), w(dims(), 2)), nil, in(vectorOf(1, 1.5))},
	{"integers truncate", "Div", 14, in(list(-7, 7), list(2, 2)), nil, in(integers(dims(2), -3, 3))},

	{"", "MaxPool", 12, in(count(1, 1, 1, 3, 3)), with(intsAttribute("kernel_shape", 2, 2)), in(floats(dims(1, 1, 2, 2), 5, 6, 8, 9))},
	{"negative values and pads", "MaxPool", 7, in(x(dims(1, 1, 3), -3, -2, -1)), with(intsAttribute("kernel_shape", 2), intsAttribute("strides", 2), intsAttribute("pads", 1, 0)), in(floats(dims(1, 1, 2), -3, -1))},
	{"ceil", "MaxPool", 10, in(count(1, 1, 1, 4)), with(intsAttribute("kernel_shape", 3), intsAttribute("strides", 2), intAttribute("ceil_mode", 1)), in(floats(dims(1, 1, 2), 3, 4))},
	{"ceil, last window in the pads", "MaxPool", 10, in(count(1, 1, 1, 2)), with(intsAttribute("kernel_shape", 1), intsAttribute("strides", 2), intsAttribute("pads", 0, 0), intAttribute("ceil_mode", 1)), in(floats(dims(1, 1, 1), 1))},
	{"dilations", "MaxPool", 10, in(count(1, 1, 1, 1, 5)), with(intsAttribute("kernel_shape", 1, 2), intsAttribute("dilations", 1, 3)), in(floats(dims(1, 1, 1, 2), 4, 5))},
	{"dilated taps before the input", "MaxPool", 10, in(count(1, 1, 1, 3)), with(intsAttribute("kernel_shape", 2), intsAttribute("dilations", 2), intsAttribute("pads", 1, 1)), in(floats(dims(1, 1, 3), 2, 3, 2))},
	{"same lower", "MaxPool", 12, in(count(1, 1, 1, 3)), with(intsAttribute("kernel_shape", 2), intsAttribute("strides", 2), stringAttribute("auto_pad", "SAME_LOWER"), intAttribute("storage_order", 1)), in(floats(dims(1, 1, 2), 1, 3))},
	{"", "AveragePool", 11, in(count(1, 1, 1, 3, 3)), with(intsAttribute("kernel_shape", 2, 2)), in(floats(dims(1, 1, 2, 2), 3, 4, 6, 7))},
	{"pads left out", "AveragePool", 7, in(x(dims(1, 1, 3), 1, 2, 6)), with(intsAttribute("kernel_shape", 3), intsAttribute("pads", 1, 1)), in(floats(dims(1, 1, 3), 1.5, 3, 4))},
	{"pads counted", "AveragePool", 7, in(x(dims(1, 1, 3), 1, 2, 6)), with(intsAttribute("kernel_shape", 3), intsAttribute("pads", 1, 1), intAttribute("count_include_pad", 1)), in(floats(dims(1, 1, 3), 1, 3, 8.0/3))},
	// 5 cells, pads 1 and 1, kernel 3, stride 3: ceil adds a third window over
	// the last cell's neighbour, one stated pad and two extra cells.
	{"pads counted but not those of ceil", "AveragePool", 11, in(x(dims(1, 1, 6), 1, 2, 3, 4, 5, 6)), with(intsAttribute("kernel_shape", 3), intsAttribute("strides", 3), intsAttribute("pads", 1, 1), intAttribute("count_include_pad", 1), intAttribute("ceil_mode", 1)), in(floats(dims(1, 1, 3), 1, 4, 3))},
	{"dilations", "AveragePool", 19, in(count(1, 1, 1, 5)), with(intsAttribute("kernel_shape", 2), intsAttribute("dilations", 3)), in(floats(dims(1, 1, 2), 2.5, 3.5))},
	{"", "GlobalAveragePool", 1, in(count(1, 1, 2, 2, 2)), nil, in(floats(dims(1, 2, 1, 1), 2.5, 6.5))},
	{"one axis", "GlobalAveragePool", 13, in(count(1, 1, 1, 3)), nil, in(floats(dims(1, 1, 1), 2))},
	{"", "ReduceMean", 13, in(count(1, 2, 2, 2)), with(intsAttribute("axes", -1, 0)), in(floats(dims(1, 2, 1), 3.5, 5.5))},
	{"all axes", "ReduceMean", 13, in(count(1, 2, 2)), with(intAttribute("keepdims", 0)), in(floats(dims(), 2.5))},
	{"axes input", "ReduceMean", 18, in(count(1, 2, 2), list(0)), with(intAttribute("keepdims", 0)), in(floats(dims(2), 2, 3))},
	{"no axes, noop", "ReduceMean", 18, in(count(1, 2, 2)), with(intAttribute("noop_with_empty_axes", 1)), in(floats(dims(2, 2), 1, 2, 3, 4))},
	{"no axes, all", "ReduceMean", 18, in(count(1, 2, 2)), nil, in(floats(dims(1, 1), 2.5))},
	// e^0 = 1, e^ln3 = 3
	{"", "Softmax", 13, in(x(dims(1, 2), 0, 1.0986123)), nil, in(floats(dims(1, 2), 0.25, 0.75))},
	{"large", "Softmax", 13, in(x(dims(1, 2), 1000, 1001.0986123)), nil, in(floats(dims(1, 2), 0.24999636, 0.7500036))},
	{"along axis 0", "Softmax", 13, in(x(dims(2, 1, 2), 0, 5, 0, 5)), with(intAttribute("axis", 0)), in(floats(dims(2, 1, 2), 0.5, 0.5, 0.5, 0.5))},
	{"flattened from axis 1", "Softmax", 11, in(x(dims(1, 2, 2), 7, 7, 7, 7)), nil, in(floats(dims(1, 2, 2), 0.25, 0.25, 0.25, 0.25))},
	{"last axis alone", "Softmax", 13, in(x(dims(1, 2, 2), 7, 7, 7, 7)), nil, in(floats(dims(1, 2, 2), 0.5, 0.5, 0.5, 0.5))},
}

// TestOperators checks every operator against hand-computed results, also
// with all inputs constant, where the result must fold.
func TestOperators(t *testing.T) {
	covered := map[string]bool{}
	for _, c := range append(append([]operatorCase{}, computeCases...), arrangeCases...) {
		covered[c.operator] = true
		name := c.operator
		if c.name != "" {
			name += " " + c.name
		}
		t.Run(name, func(t *testing.T) {
			m, data := oneNode(c.opset, c.operator, len(c.want), c.in, c.attributes)
			for i, got := range execute(t, m, data) {
				check(t, got, c.want[i])
			}
			var constants []operand
			for _, o := range c.in {
				o.fed = false
				constants = append(constants, o)
			}
			m, _ = oneNode(c.opset, c.operator, len(c.want), constants, c.attributes)
			g, err := ops.Import(m)
			if err != nil {
				t.Fatal(err)
			}
			if len(g.Nodes) != 0 {
				t.Fatalf("constant inputs left nodes:\n%v", g)
			}
			for i, id := range g.Outputs {
				check(t, g.Values[id].Constant, c.want[i])
			}
		})
	}
	for _, row := range ops.Rows() {
		if !covered[row.Operator] {
			t.Errorf("operator %s has no case", row.Operator)
		}
	}
}
