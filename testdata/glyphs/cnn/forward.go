package cnn

import (
	"fmt"
	"math"
)

// Tap sees, and may change, the activations at a named point of an inference
// pass. Points are the places where a machine would store a tensor; they come
// in the same order on every pass.
type Tap func(point string, x *Maps)

// Forward computes the logits [Classes][samples][1][1] in inference mode. tap
// may be nil.
func (m *Model) Forward(input *Maps, tap Tap) *Maps {
	if tap == nil {
		tap = func(string, *Maps) {}
	}
	unlimited := float32(math.Inf(1))
	x := &Maps{C: input.C, N: input.N, H: input.H, W: input.W, Data: append([]float32(nil), input.Data...)}
	tap("input", x)
	x = product(m.Stem.Weights, m.Stem.Out, patches(x))
	m.Stem.Norm.apply(x)
	rectify(x, unlimited)
	tap("stem/relu", x)
	for i := range m.Blocks {
		b := &m.Blocks[i]
		skip := x
		x = depthwise(b.Depthwise.Weights, b.Depthwise.Stride, x)
		b.Depthwise.Norm.apply(x)
		rectify(x, clipAt)
		tap(fmt.Sprintf("block%d/depthwise_relu6", i+1), x)
		x = product(b.Pointwise.Weights, b.Pointwise.Out, x)
		b.Pointwise.Norm.apply(x)
		if b.Residual {
			tap(fmt.Sprintf("block%d/pointwise_norm", i+1), x)
			add(x, skip)
		}
		rectify(x, unlimited)
		tap(fmt.Sprintf("block%d/relu", i+1), x)
	}
	x = average(x)
	tap("pool", x)
	x = product(m.Weights, m.Classes, x)
	addBias(x, m.Bias)
	tap("classifier", x)
	return x
}

// apply normalizes in place with the stored statistics.
func (b *BatchNorm) apply(x *Maps) {
	for c := range x.C {
		factor, offset := b.affine(c)
		f, o := float32(factor), float32(offset)
		data := x.channel(c)
		for i, v := range data {
			data[i] = float32(v*f) + o
		}
	}
}

// affine gives the norm of channel c as y = factor*x + offset.
func (b *BatchNorm) affine(c int) (factor, offset float64) {
	factor = float64(b.Gamma[c]) / math.Sqrt(float64(b.Variance[c])+float64(b.Epsilon))
	return factor, float64(b.Beta[c]) - float64(factor*float64(b.Mean[c]))
}

// inferenceBatch bounds the memory of Classify and Accuracy.
const inferenceBatch = 64

// inBatches calls visit with the network's input for consecutive pictures.
func inBatches(pixels []byte, visit func(first int, input *Maps)) {
	const size = Size * Size
	for first := 0; first < len(pixels)/size; first += inferenceBatch {
		last := min(first+inferenceBatch, len(pixels)/size)
		visit(first, Images(pixels[first*size:last*size]))
	}
}

// Accuracy is the share of pictures whose largest logit is the label's.
func (m *Model) Accuracy(pixels []byte, labels []int, tap Tap) float64 {
	right := 0
	inBatches(pixels, func(first int, input *Maps) {
		right += correct(m.Forward(input, tap), labels[first:first+input.N])
	})
	return float64(right) / float64(len(labels))
}

// correct counts the samples whose arg-max is the label; on equal logits the
// lowest class wins.
func correct(logits *Maps, labels []int) int {
	right := 0
	for n, label := range labels {
		best := 0
		for c := range logits.C {
			if logits.Data[c*logits.N+n] > logits.Data[best*logits.N+n] {
				best = c
			}
		}
		if best == label {
			right++
		}
	}
	return right
}

// Loss is the mean cross-entropy in nats.
func (m *Model) Loss(pixels []byte, labels []int, tap Tap) float64 {
	var loss float64
	inBatches(pixels, func(first int, input *Maps) {
		sum, _ := crossEntropy(m.Forward(input, tap), labels[first:first+input.N], 1)
		loss += sum
	})
	return loss / float64(len(labels))
}
