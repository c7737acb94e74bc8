package ops_test

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/npusim/npusim/compiler/onnx"
	"github.com/npusim/npusim/compiler/ops"
)

// faultCase is a node that must be refused with a message that says so.
type faultCase struct {
	operator    string
	opset       int
	outputs     int
	in          []operand
	attributes  []onnx.Attribute
	unsupported bool // else invalid
	message     string
}

var faultCases = []faultCase{
	{"LSTM", 13, 1, in(vector(1)), nil, true, `node "node" (LSTM, opset 13): unsupported: operator "LSTM"; supported: the operators that`},
	{"HardSwish", 13, 1, in(vector(1)), nil, true, "HardSwish at opset 13; supported: opsets 14 to 26"},
	{"Relu", 99, 1, in(vector(1)), nil, true, "Relu at opset 99; supported: opsets 6 to 26"},
	{"Relu", 13, 1, in(vector(1)), with(intAttribute("slope", 1)), true, `attribute "slope"`},
	{"Clip", 13, 1, in(vector(1)), with(floatAttribute("min", 1)), true, `attribute "min"`},
	{"Clip", 13, 1, in(vector(1), x(dims(), 1)), nil, true, `input 1 (min), "x1", is not constant`},
	{"Clip", 13, 1, in(vector(1), w(dims(), float32(math.NaN()))), nil, false, "NaN"},
	{"LeakyRelu", 13, 1, in(vector(1)), with(intAttribute("alpha", 1)), false, "attribute alpha has type INT, must be FLOAT"},
	{"LeakyRelu", 13, 1, in(vector(1)), with(floatAttribute("alpha", float32(math.Inf(1)))), false, "must be finite"},
	{"Relu", 13, 1, nil, nil, false, "has 0 inputs, needs at least 1"},
	{"Relu", 13, 1, in(absent), nil, false, "input 0 is missing"},
	{"Relu", 13, 1, in(vector(1), vector(1)), nil, false, "has 2 inputs, takes at most 1"},
	{"Relu", 13, 2, in(vector(1)), nil, true, `output 1, "y1", is in use`},
	{"Relu", 13, 1, in(list(1)), nil, true, "computes with type int64; supported: float32"},

	{"Conv", 13, 1, in(count(1, 1, 1, 2, 2, 2), w(dims(1, 1, 1, 1, 1), 1)), nil, true, "input 0 with 3 spatial axes; supported: 1 or 2"},
	{"Conv", 13, 1, in(vector(1), w(dims(1, 1, 1, 1), 1)), nil, false, "must be [N, C, spatial axes]"},
	{"Conv", 13, 1, in(count(1, 1, 1, 2, 2), w(dims(1, 1, 1), 1)), nil, false, "weights of shape [1 1 1]"},
	{"Conv", 13, 1, in(count(1, 1, 3, 2, 2), w(dims(1, 1, 1, 1), 1)), nil, false, "1 groups do not divide 3 input channels"},
	{"Conv", 13, 1, in(count(1, 1, 2, 2, 2), w(dims(3, 1, 1, 1), 1, 1, 1)), with(intAttribute("group", 2)), false, "2 groups"},
	{"Conv", 13, 1, in(count(1, 1, 1, 2, 2), w(dims(1, 1, 1, 1), 1), w(dims(2), 1, 1)), nil, false, "bias of shape [2]"},
	{"Conv", 13, 1, in(count(1, 1, 1, 2, 2), w(dims(1, 1, 3, 3), 1, 1, 1, 1, 1, 1, 1, 1, 1)), nil, false, "a window of 3 cells does not fit in 2"},
	{"Conv", 13, 1, in(count(1, 1, 1, 2, 2), w(dims(1, 1, 1, 1), 1)), with(intsAttribute("kernel_shape", 2, 2)), false, "kernel_shape is [2 2], the weights have [1 1]"},
	{"Conv", 13, 1, in(count(1, 1, 1, 2, 2), w(dims(1, 1, 1, 1), 1)), with(intsAttribute("strides", 0, 1)), false, "strides[0] is 0, must be 1 to"},
	{"Conv", 13, 1, in(count(1, 1, 1, 2, 2), w(dims(1, 1, 1, 1), 1)), with(intsAttribute("pads", 0, 1)), false, "pads has 2 entries, must have 4"},
	{"Conv", 13, 1, in(count(1, 1, 1, 2, 2), w(dims(1, 1, 1, 1), 1)), with(intsAttribute("pads", 0, 0, 1<<30, 1<<30)), false, "more than 67108864 elements"},
	{"Conv", 13, 1, in(count(1, 1, 1, 2, 2), w(dims(1, 1, 1, 1), 1)), with(intsAttribute("pads", 1, 1, 1, 1), stringAttribute("auto_pad", "VALID")), false, "exclude each other"},
	{"Conv", 13, 1, in(count(1, 1, 1, 2, 2), w(dims(1, 1, 1, 1), 1)), with(stringAttribute("auto_pad", "FULL")), false, `auto_pad is "FULL"`},
	{"Conv", 13, 1, in(x(dims(1, 1, 0)), w(dims(1, 1, 1), 1)), nil, false, "without elements"},

	{"Gemm", 13, 1, in(vector(1), w(dims(1, 1), 1)), nil, false, "must be matrices"},
	{"Gemm", 13, 1, in(count(1, 1, 2), w(dims(3, 1), 1, 2, 3)), nil, false, "multiplies 1x2 by 3x1"},
	{"Gemm", 13, 1, in(count(1, 1, 1), w(dims(1, 1), 1), w(dims(2), 1, 1)), nil, false, "C of shape [2] does not broadcast to [1 1]"},
	{"Gemm", 9, 1, in(count(1, 1, 1), w(dims(1, 1), 1)), nil, false, "needs at least 3"},
	{"Gemm", 13, 1, in(count(1, 1, 1), w(dims(1, 1), 1)), with(intAttribute("transA", 2)), false, "transA is 2, must be 0 or 1"},
	{"MatMul", 13, 1, in(count(1, 1, 2), w(dims(3, 1), 1, 2, 3)), nil, false, "inner sizes differ"},
	{"MatMul", 13, 1, in(x(dims(), 1), w(dims(1), 1)), nil, false, "scalars"},

	{"BatchNormalization", 15, 1, in(count(1, 1, 1), w(dims(1), 1), w(dims(1), 1), w(dims(1), 1), w(dims(1), 1)), with(intAttribute("training_mode", 1)), true, "training_mode 1; supported: inference form"},
	{"BatchNormalization", 9, 2, in(count(1, 1, 1), w(dims(1), 1), w(dims(1), 1), w(dims(1), 1), w(dims(1), 1)), nil, true, `output 1, "y1", is in use; supported: inference`},
	{"BatchNormalization", 7, 1, in(count(1, 1, 1), w(dims(1), 1), w(dims(1), 1), w(dims(1), 1), w(dims(1), 1)), with(intAttribute("spatial", 0)), true, "spatial 0"},
	{"BatchNormalization", 6, 1, in(count(1, 1, 1), w(dims(1), 1), w(dims(1), 1), w(dims(1), 1), w(dims(1), 1)), nil, true, "is_test 0"},
	{"BatchNormalization", 9, 1, in(count(1, 1, 2), w(dims(1), 1), w(dims(1), 1), w(dims(1), 1), w(dims(1), 1)), nil, false, "input 1 has shape [1] for 2 channels"},
	{"BatchNormalization", 9, 1, in(count(1, 1, 1), w(dims(1), 1), w(dims(1), 1), w(dims(1), 1), w(dims(1), -1)), nil, false, "variance -1 of channel 0"},
	{"Dropout", 12, 1, in(vector(1), absent, truth(dims(), 1)), nil, true, "training_mode is true"},
	{"Dropout", 12, 2, in(vector(1)), nil, true, `output 1, "y1", is in use`},

	{"Add", 13, 1, in(vector(1, 2), vector(1, 2, 3)), nil, false, "shapes [2] and [3] do not broadcast"},
	{"Add", 6, 1, in(vector(1, 2), vector(1)), nil, false, "attribute broadcast is not set"},
	{"Add", 6, 1, in(vector(1, 2), vector(1, 2)), with(intAttribute("broadcast", 1), intAttribute("axis", 3)), false, "axis 3 is outside"},
	{"Add", 13, 1, in(vector(1), list(1)), nil, false, "mixes inputs of type float32 and int64"},
	{"Div", 13, 1, in(list(1), list(0)), nil, false, "divides integers by zero"},

	{"MaxPool", 12, 2, in(count(1, 1, 1, 2)), with(intsAttribute("kernel_shape", 2)), true, `output 1, "y1", is in use; supported: the pooled output alone`},
	{"MaxPool", 12, 1, in(count(1, 1, 1, 2)), nil, false, "kernel_shape is missing"},
	{"MaxPool", 9, 1, in(count(1, 1, 1, 2)), with(intsAttribute("kernel_shape", 1), intsAttribute("dilations", 1)), true, "attribute dilations before opset 10"},
	{"MaxPool", 9, 1, in(count(1, 1, 1, 2)), with(intsAttribute("kernel_shape", 1), intAttribute("ceil_mode", 1)), true, `attribute "ceil_mode"`},
	{"MaxPool", 12, 1, in(count(1, 1, 1, 2)), with(intsAttribute("kernel_shape", 1), intsAttribute("pads", 1, 0)), false, "window at position 0 lies in the padding"},
	{"MaxPool", 12, 1, in(count(1, 1, 1, 1)), with(intsAttribute("kernel_shape", 2), intsAttribute("pads", 1, 1), intsAttribute("dilations", 2)), false, "lies in the padding"},
	{"AveragePool", 11, 1, in(count(1, 1, 1, 2, 2, 2)), with(intsAttribute("kernel_shape", 1, 1, 1)), true, "3 spatial axes"},
	{"ReduceMean", 13, 1, in(vector(1)), with(intsAttribute("axes", 1)), false, "axis 1 is outside of a tensor of 1 axes"},
	{"ReduceMean", 13, 1, in(count(1, 1, 1)), with(intsAttribute("axes", 1, -1)), false, "axes [1 -1] name axis 1 twice"},
	{"ReduceMean", 18, 1, in(vector(1), w(dims(1), 0)), nil, false, "must be a list of integers"},
	{"ReduceMean", 18, 1, in(vector(1)), with(intsAttribute("axes", 0)), true, `attribute "axes"`},
	{"Softmax", 13, 1, in(vector(1)), with(intAttribute("axis", 1)), false, "axis 1 is outside"},

	{"Concat", 13, 1, in(vector(1)), nil, false, "axis is missing"},
	{"Concat", 13, 1, in(vector(1), count(1, 1, 1)), with(intAttribute("axis", 0)), false, "input 1 of shape [1 1] does not fit"},
	{"Slice", 13, 1, in(vector(1), list(0), list(1), list(0), list(0)), nil, false, "step 0 is 0"},
	{"Slice", 13, 1, in(vector(1), list(0), list(1, 2)), nil, false, "1 starts, 2 ends"},
	{"Slice", 13, 1, in(vector(1), vector(1), list(1)), nil, true, `input 1 (starts), "x1", is not constant`},
	{"Split", 13, 2, in(vector(1, 2, 3)), nil, false, "axis 0 of 3 does not divide into 2 equal parts"},
	{"Split", 13, 2, in(vector(1, 2, 3), list(1, 1)), nil, false, "do not add up to axis 0 of 3"},
	{"Split", 13, 2, in(vector(1, 2, 3), list(4, -1)), nil, false, "do not divide axis 0"},
	{"Split", 18, 2, in(vector(1, 2, 3)), with(intAttribute("num_outputs", 3)), false, "num_outputs is 3, the node has 2 outputs"},
	{"Pad", 19, 1, in(vector(1), list(1, 1)), with(stringAttribute("mode", "wrap")), true, `mode "wrap"; supported: modes constant, reflect and edge`},
	{"Pad", 13, 1, in(vector(1), list(1)), nil, false, "1 pads for 1 axes"},
	{"Pad", 13, 1, in(vector(1), list(-1, -1)), nil, false, "crop more than axis 0"},
	{"Pad", 13, 1, in(vector(1), list(1, 0)), with(stringAttribute("mode", "reflect")), false, "nothing to fill with"},
	{"Transpose", 13, 1, in(count(1, 1, 1)), with(intsAttribute("perm", 0, 0)), false, "name axis 0 twice"},
	{"Transpose", 13, 1, in(count(1, 1, 1)), with(intsAttribute("perm", 0)), false, "perm has 1 entries for 2 axes"},
	{"Reshape", 13, 1, in(vector(1, 2), list(3)), nil, false, "has 3 elements, the input has 2"},
	{"Reshape", 13, 1, in(vector(1, 2), list(-1, -1)), nil, false, "two sizes -1"},
	{"Reshape", 13, 1, in(vector(1, 2), list(-1, 3)), nil, false, "does not divide the 2 elements"},
	{"Reshape", 13, 1, in(vector(1, 2), list(1, 1, 1, 1, 1, 1, 1, 1, 2)), nil, false, "9 axes, the limit is 8"},
	{"Squeeze", 13, 1, in(vector(1, 2), list(0)), nil, false, "axis 0 has size 2, only 1 can be dropped"},
	{"Unsqueeze", 11, 1, in(vector(1)), nil, false, "axes is missing"},
	{"Flatten", 13, 1, in(vector(1)), with(intAttribute("axis", 2)), false, "axis 2 is outside"},

	{"Constant", 13, 1, nil, nil, false, "has 0 attributes"},
	{"Constant", 13, 1, nil, with(stringAttribute("value_string", "a")), true, `attribute "value_string"`},
	{"Constant", 11, 1, nil, with(floatAttribute("value_float", 1)), true, `attribute "value_float"`},
	{"Constant", 13, 1, nil, with(tensorAttribute("value", onnx.Tensor{Type: onnx.Double, Dims: dims(1), Raw: make([]byte, 8)})), true, "element type DOUBLE"},
	{"ConstantOfShape", 13, 1, in(list(1000000, 1000000)), nil, false, "shape [1000000 1000000] has more than"},
	{"ConstantOfShape", 13, 1, in(list(-1)), nil, false, "has the size -1"},
	{"Expand", 13, 1, in(w(dims(1), 1), list(1<<20, 1<<20)), nil, false, "has more than"},
	{"Gather", 13, 1, in(list(1), list(1)), nil, false, "index 1 is outside of axis 0 of 1"},
	{"Gather", 13, 1, in(vector(1), list(0)), nil, true, `input 0 (data), "x0", is not constant`},
	{"Cast", 13, 1, in(vector(1)), with(intAttribute("to", int64(onnx.Float16))), true, "cast to FLOAT16"},
	{"Cast", 13, 1, in(vector(1)), with(intAttribute("to", int64(onnx.Int64))), true, "at run time"},
	{"Cast", 13, 1, in(w(dims(1), 1e10)), with(intAttribute("to", int64(onnx.Int32))), false, "does not fit in INT32"},
	{"Cast", 13, 1, in(w(dims(1), float32(math.NaN()))), with(intAttribute("to", int64(onnx.Int64))), false, "NaN does not fit"},
	{"Sqrt", 13, 1, in(vector(1)), nil, true, "is not constant"},
	{"Not", 13, 1, in(list(1)), nil, false, "does not compute with type int64"},
}

func TestFaults(t *testing.T) {
	for _, c := range faultCases {
		t.Run(c.operator+" "+c.message, func(t *testing.T) {
			m, _ := oneNode(c.opset, c.operator, c.outputs, c.in, c.attributes)
			_, err := ops.Import(m)
			checkFault(t, err, c.unsupported, c.message)
			if !strings.HasPrefix(err.Error(), "test.onnx: node \"node\" ("+c.operator) {
				t.Errorf("the message does not name file, node and operator: %v", err)
			}
		})
	}
}

// checkFault checks the kind of an error and part of its message.
func checkFault(t *testing.T, err error, unsupported bool, message string) {
	t.Helper()
	if err == nil {
		t.Fatalf("accepted, want an error with %q", message)
	}
	var u *ops.UnsupportedError
	var i *ops.InvalidError
	if unsupported && !errors.As(err, &u) || !unsupported && !errors.As(err, &i) {
		t.Errorf("error of type %T: %v", err, err)
	}
	if !strings.Contains(err.Error(), message) {
		t.Errorf("error %q does not contain %q", err, message)
	}
}
