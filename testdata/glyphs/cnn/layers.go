package cnn

import "math"

// parameter is a slice of the model with this replica's gradient of it.
type parameter struct {
	value, gradient []float32
	decay           bool // whether weight decay applies
}

// layer is a differentiable step. backward must follow a forward of the same
// replica; it adds to the gradients of the parameters.
type layer interface {
	forward(x *Maps) *Maps
	backward(dy *Maps) *Maps
	parameters() []parameter
}

// withoutParameters is the part that layers without weights share.
type withoutParameters struct{}

func (withoutParameters) parameters() []parameter { return nil }

// chain runs layers one after the other.
type chain []layer

func (c chain) forward(x *Maps) *Maps {
	for _, l := range c {
		x = l.forward(x)
	}
	return x
}

func (c chain) backward(dy *Maps) *Maps {
	for i := len(c) - 1; i >= 0; i-- {
		dy = c[i].backward(dy)
	}
	return dy
}

func (c chain) parameters() []parameter {
	var all []parameter
	for _, l := range c {
		all = append(all, l.parameters()...)
	}
	return all
}

// residual adds its input to the output of its body.
type residual struct{ body chain }

func (r residual) forward(x *Maps) *Maps {
	y := r.body.forward(x)
	add(y, x)
	return y
}

func (r residual) backward(dy *Maps) *Maps {
	dx := r.body.backward(dy)
	add(dx, dy)
	return dx
}

func (r residual) parameters() []parameter { return r.body.parameters() }

// stemLayer is the first convolution. Nothing needs the gradient of its
// input, so backward returns nil.
type stemLayer struct {
	weights  parameter
	out      int
	gathered *Maps
}

func (l *stemLayer) forward(x *Maps) *Maps {
	l.gathered = patches(x)
	return product(l.weights.value, l.out, l.gathered)
}

func (l *stemLayer) backward(dy *Maps) *Maps {
	productBackward(l.weights.value, l.weights.gradient, l.gathered, dy)
	return nil
}

func (l *stemLayer) parameters() []parameter { return []parameter{l.weights} }

type depthwiseLayer struct {
	weights parameter
	stride  int
	x       *Maps
}

func (l *depthwiseLayer) forward(x *Maps) *Maps {
	l.x = x
	return depthwise(l.weights.value, l.stride, x)
}

func (l *depthwiseLayer) backward(dy *Maps) *Maps {
	return depthwiseBackward(l.weights.value, l.weights.gradient, l.stride, l.x, dy)
}

func (l *depthwiseLayer) parameters() []parameter { return []parameter{l.weights} }

type pointwiseLayer struct {
	weights parameter
	out     int
	x       *Maps
}

func (l *pointwiseLayer) forward(x *Maps) *Maps {
	l.x = x
	return product(l.weights.value, l.out, x)
}

func (l *pointwiseLayer) backward(dy *Maps) *Maps {
	return productBackward(l.weights.value, l.weights.gradient, l.x, dy)
}

func (l *pointwiseLayer) parameters() []parameter { return []parameter{l.weights} }

// biasLayer adds one learnt number a channel.
type biasLayer struct{ bias parameter }

func (l *biasLayer) forward(x *Maps) *Maps {
	addBias(x, l.bias.value)
	return x
}

func (l *biasLayer) backward(dy *Maps) *Maps {
	for c := range l.bias.gradient {
		for _, v := range dy.channel(c) {
			l.bias.gradient[c] += v
		}
	}
	return dy
}

func (l *biasLayer) parameters() []parameter { return []parameter{l.bias} }

// normLayer normalizes with the statistics of the batch it sees. After
// startStatistics it also sums them, to become those of the whole data.
type normLayer struct {
	gamma, beta parameter
	normalized  *Maps
	inverse     []float64 // 1/sqrt(variance+epsilon), a channel

	collect         bool
	sums, squares   []float64 // of mean and of variance+mean², a channel
	collectedPasses int
}

func (l *normLayer) forward(x *Maps) *Maps {
	y := x.like()
	l.normalized = x.like()
	l.inverse = make([]float64, x.C)
	for c := range x.C {
		data, normalized, out := x.channel(c), l.normalized.channel(c), y.channel(c)
		mean, variance := moments(data)
		l.inverse[c] = 1 / math.Sqrt(variance+epsilon)
		center, factor := float32(mean), float32(l.inverse[c])
		gamma, beta := l.gamma.value[c], l.beta.value[c]
		for i, v := range data {
			normalized[i] = (v - center) * factor
			out[i] = float32(gamma*normalized[i]) + beta
		}
		if l.collect {
			l.sums[c] += mean
			l.squares[c] += variance + float64(mean*mean)
		}
	}
	if l.collect {
		l.collectedPasses++
	}
	return y
}

// moments are the mean and the (biased) variance.
func moments(data []float32) (mean, variance float64) {
	for _, v := range data {
		mean += float64(v)
	}
	mean /= float64(len(data))
	for _, v := range data {
		d := float64(v) - mean
		variance += float64(d * d)
	}
	return mean, variance / float64(len(data))
}

// backward follows Ioffe and Szegedy 2015, section 3.
func (l *normLayer) backward(dy *Maps) *Maps {
	dx := dy.like()
	for c := range dy.C {
		up, normalized, down := dy.channel(c), l.normalized.channel(c), dx.channel(c)
		var sum, dot float64
		for i, v := range up {
			sum += float64(v)
			dot += float64(float64(v) * float64(normalized[i]))
		}
		l.gamma.gradient[c] += float32(dot)
		l.beta.gradient[c] += float32(sum)
		factor := float32(float64(l.gamma.value[c]) * l.inverse[c])
		meanUp, meanDot := float32(sum/float64(len(up))), float32(dot/float64(len(up)))
		for i, v := range up {
			down[i] = factor * (v - meanUp - float32(normalized[i]*meanDot))
		}
	}
	return dx
}

func (l *normLayer) parameters() []parameter { return []parameter{l.gamma, l.beta} }

func (l *normLayer) startStatistics() {
	l.collect = true
	l.sums, l.squares = make([]float64, len(l.gamma.value)), make([]float64, len(l.gamma.value))
}

// rectifier clamps to [0, limit]; limit is +Inf for plain ReLU.
type rectifier struct {
	withoutParameters
	limit float32
	y     *Maps
}

func (l *rectifier) forward(x *Maps) *Maps {
	rectify(x, l.limit)
	l.y = x
	return x
}

func (l *rectifier) backward(dy *Maps) *Maps {
	dx := dy.like()
	for i, v := range l.y.Data {
		if v > 0 && v < l.limit {
			dx.Data[i] = dy.Data[i]
		}
	}
	return dx
}

// averageLayer is the mean over each picture.
type averageLayer struct {
	withoutParameters
	h, w int
}

func (l *averageLayer) forward(x *Maps) *Maps {
	l.h, l.w = x.H, x.W
	return average(x)
}

func (l *averageLayer) backward(dy *Maps) *Maps {
	dx := newMaps(dy.C, dy.N, l.h, l.w)
	size := l.h * l.w
	for i, v := range dy.Data {
		part := dx.Data[i*size : (i+1)*size]
		for j := range part {
			part[j] = v / float32(size)
		}
	}
	return dx
}

// crossEntropy is the summed loss of logits [class][sample] in nats, and its
// gradient divided by total, the number of samples of the whole step.
func crossEntropy(logits *Maps, labels []int, total int) (float64, *Maps) {
	gradient := logits.like()
	var loss float64
	for n, label := range labels {
		top := math.Inf(-1)
		for c := range logits.C {
			top = max(top, float64(logits.Data[c*logits.N+n]))
		}
		var sum float64
		for c := range logits.C {
			sum += math.Exp(float64(logits.Data[c*logits.N+n]) - top)
		}
		for c := range logits.C {
			share := math.Exp(float64(logits.Data[c*logits.N+n])-top) / sum
			if c == label {
				loss -= math.Log(share)
				share--
			}
			gradient.Data[c*logits.N+n] = float32(share / float64(total))
		}
	}
	return loss, gradient
}
