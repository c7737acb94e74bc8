package ops

// GeneralLimits are what holds for all operators of a network that is to run
// on the machine; the rows of the table add what is particular to one.
var GeneralLimits = []string{
	"Activations are float32 in the file, with a batch of 1 and at most 4 axes; more axes only between Reshape and Transpose.",
	"No tensor has more than 32,767 rows or columns or 2^26 elements, constants 2^28.",
	"A Reshape or Transpose that moves data is cut into tiles along whole channel blocks; a very uneven one may not fit a small activation buffer.",
	"Weights, biases and the parameters of a normalization are constants: products of two activations are refused.",
}

// table has one row an operator; rows of one file stand together. The limits
// are for people, the translate functions enforce them.
var table = []Row{
	{"Conv", 1, newestOpset, MACArray, "constant weights and bias; 1 or 2 spatial axes", nil, importConv},
	{"Gemm", 6, newestOpset, MACArray, "constant second operand", nil, importGemm},
	{"MatMul", 1, newestOpset, MACArray, "one operand a constant matrix of 2 axes (or a vector), the other an activation", nil, importMatMul},

	{"BatchNormalization", 6, newestOpset, VectorUnit, "inference form, constant parameters a channel, shapes [1, channels, ...]; folds into a preceding convolution", nil, importBatchNormalization},

	{"Relu", 6, newestOpset, VectorUnit, "", nil, importRelu},
	{"LeakyRelu", 6, newestOpset, VectorUnit, "", nil, importLeakyRelu},
	{"Clip", 6, newestOpset, VectorUnit, "constant bounds", []int{1, 2}, importClip},
	{"Sigmoid", 6, newestOpset, VectorUnit, "", nil, importSigmoid},
	{"HardSigmoid", 6, newestOpset, VectorUnit, "", nil, importHardSigmoid},
	{"HardSwish", 14, newestOpset, VectorUnit, "", nil, importHardSwish},
	{"Tanh", 6, newestOpset, VectorUnit, "", nil, importTanh},

	{"Add", 6, newestOpset, VectorUnit, "", nil, importAdd},
	{"Sub", 6, newestOpset, VectorUnit, "", nil, importSub},
	{"Mul", 6, newestOpset, VectorUnit, "", nil, importMul},
	{"Div", 6, newestOpset, VectorUnit, "", nil, importDiv},

	{"MaxPool", 1, newestOpset, VectorUnit, "1 or 2 spatial axes, no Indices output", nil, importMaxPool},
	{"AveragePool", 1, newestOpset, VectorUnit, "1 or 2 spatial axes", nil, importAveragePool},
	{"GlobalAveragePool", 1, newestOpset, VectorUnit, "1 or 2 spatial axes", nil, importGlobalAveragePool},
	{"ReduceMean", 1, newestOpset, VectorUnit, "constant axes", []int{1}, importReduceMean},
	{"Softmax", 1, newestOpset, VectorUnit, "", nil, importSoftmax},

	{"Concat", 4, newestOpset, DataMovement, "", nil, importConcat},
	{"Slice", 1, newestOpset, DataMovement, "constant starts, ends, axes, steps", []int{1, 2, 3, 4}, importSlice},
	{"Split", 2, newestOpset, DataMovement, "constant sizes", []int{1}, importSplit},
	{"Pad", 2, newestOpset, DataMovement, "mode constant, not along the batch; constant pads, value, axes", []int{1, 2, 3}, importPad},
	{"Transpose", 1, newestOpset, DataMovement, "", nil, importTranspose},

	{"Reshape", 5, newestOpset, ViewOnly, "constant shape", []int{1}, importReshape},
	{"Flatten", 1, newestOpset, ViewOnly, "", nil, importFlatten},
	{"Squeeze", 1, newestOpset, ViewOnly, "constant axes", []int{1}, importSqueeze},
	{"Unsqueeze", 1, newestOpset, ViewOnly, "constant axes", []int{1}, importUnsqueeze},
	{"Identity", 1, newestOpset, ViewOnly, "", nil, importIdentity},
	{"Dropout", 6, newestOpset, ViewOnly, "inference form, no mask output", []int{1, 2}, importDropout},

	{"Constant", 1, newestOpset, FoldedOnly, "float32, int32, int64 or bool", nil, importConstant},
	{"ConstantOfShape", 9, newestOpset, FoldedOnly, "float32, int32, int64 or bool", []int{0}, importConstantOfShape},
	{"Shape", 1, newestOpset, FoldedOnly, "of any value", nil, importShape},
	{"Size", 1, newestOpset, FoldedOnly, "of any value", nil, importSize},
	{"Gather", 1, newestOpset, FoldedOnly, "constant inputs", []int{1}, importGather},
	{"Cast", 6, newestOpset, FoldedOnly, "constants among float32, int32, int64, bool; float32 to float32 of any value", nil, importCast},
	{"Expand", 8, newestOpset, FoldedOnly, "constant inputs", []int{1}, importExpand},
	{"Equal", 7, newestOpset, FoldedOnly, "constant inputs", nil, importEqual},
	{"Greater", 7, newestOpset, FoldedOnly, "constant inputs", nil, importGreater},
	{"Less", 7, newestOpset, FoldedOnly, "constant inputs", nil, importLess},
	{"Where", 9, newestOpset, FoldedOnly, "constant inputs", nil, importWhere},
	{"Not", 1, newestOpset, FoldedOnly, "constant input", nil, importNot},
	{"Neg", 6, newestOpset, FoldedOnly, "constant input", nil, importNeg},
	{"Abs", 6, newestOpset, FoldedOnly, "constant input", nil, importAbs},
	{"Floor", 6, newestOpset, FoldedOnly, "constant input", nil, importFloor},
	{"Ceil", 6, newestOpset, FoldedOnly, "constant input", nil, importCeil},
	{"Sqrt", 6, newestOpset, FoldedOnly, "constant input", nil, importSqrt},
	{"Max", 8, newestOpset, FoldedOnly, "constant inputs", nil, importMax},
	{"Min", 8, newestOpset, FoldedOnly, "constant inputs", nil, importMin},
	{"ReduceProd", 1, newestOpset, FoldedOnly, "constant inputs", []int{1}, importReduceProd},
}
