package integer

import "github.com/npusim/npusim/isa/fixed"

// Quantize converts real values, in (channel, row, column) order, to steps of
// the tensor. Values beyond its range saturate; NaN becomes the zero point.
// The slices have equal length.
func (t *Tensor) Quantize(to []int8, from []float32) {
	low, high := fixed.Range(t.Bits)
	for i, x := range from {
		to[i] = fixed.Quantize(x, t.Scale, t.Zero, low, high)
	}
}

// Dequantize converts steps of the tensor back to real values. The slices
// have equal length.
func (t *Tensor) Dequantize(to []float32, from []int8) {
	for i, q := range from {
		to[i] = fixed.Dequantize(q, t.Scale, t.Zero)
	}
}

// QuantizeInputs converts one sample, a slice for each graph input in ONNX
// order (which for a batch of one is channel, row, column order).
func (g *Graph) QuantizeInputs(sample [][]float32) [][]int8 {
	inputs := make([][]int8, len(sample))
	for i, data := range sample {
		inputs[i] = make([]int8, len(data))
		g.Tensors[g.Inputs[i]].Quantize(inputs[i], data)
	}
	return inputs
}

// DequantizeOutputs converts the graph outputs among tensors, as Run returns
// them, to real values.
func (g *Graph) DequantizeOutputs(tensors [][]int8) [][]float32 {
	outputs := make([][]float32, len(g.Outputs))
	for i, id := range g.Outputs {
		outputs[i] = make([]float32, len(tensors[id]))
		g.Tensors[id].Dequantize(outputs[i], tensors[id])
	}
	return outputs
}
