package cnn

import (
	"math"
	"sync"
)

// Options of a training run. The result depends on all of them and on the
// platform's float arithmetic, not on the number of processors.
type Options struct {
	Steps       int
	Shards      int // parts of a step, each with its own batch statistics
	ShardSize   int // samples a part
	Rate        float64
	WarmUp      int     // steps over which the rate rises from 0
	Decay       float64 // decoupled weight decay (AdamW), weights only
	NormPasses  int     // steps without learning that settle the statistics
	ReportEvery int
}

// Source fills pixels with picture number index and returns its label. It
// must be safe for concurrent use.
type Source func(index int, pixels []byte) int

// replica is one shard's view of the model: shared values, own gradients.
type replica struct {
	network chain
	norms   []*normLayer
	params  []parameter
	pixels  []byte
	labels  []int
	loss    float64
	right   int
}

// newReplica builds the differentiable network over the model's own slices.
func newReplica(m *Model, samples int) *replica {
	r := &replica{pixels: make([]byte, samples*Size*Size), labels: make([]int, samples)}
	weights := func(w []float32) parameter {
		return parameter{value: w, gradient: make([]float32, len(w)), decay: true}
	}
	vector := func(w []float32) parameter {
		return parameter{value: w, gradient: make([]float32, len(w))}
	}
	norm := func(u *Unit) layer {
		l := &normLayer{gamma: vector(u.Norm.Gamma), beta: vector(u.Norm.Beta)}
		r.norms = append(r.norms, l)
		return l
	}
	unlimited := float32(math.Inf(1))
	r.network = chain{
		&stemLayer{weights: weights(m.Stem.Weights), out: m.Stem.Out}, norm(&m.Stem),
		&rectifier{limit: unlimited},
	}
	for i := range m.Blocks {
		b := &m.Blocks[i]
		body := chain{
			&depthwiseLayer{weights: weights(b.Depthwise.Weights), stride: b.Depthwise.Stride},
			norm(&b.Depthwise), &rectifier{limit: clipAt},
			&pointwiseLayer{weights: weights(b.Pointwise.Weights), out: b.Pointwise.Out},
			norm(&b.Pointwise),
		}
		if b.Residual {
			r.network = append(r.network, residual{body})
		} else {
			r.network = append(r.network, body)
		}
		r.network = append(r.network, &rectifier{limit: unlimited})
	}
	r.network = append(r.network, &averageLayer{},
		&pointwiseLayer{weights: weights(m.Weights), out: m.Classes}, &biasLayer{vector(m.Bias)})
	r.params = r.network.parameters()
	return r
}

// step draws this shard's samples and computes loss and gradients; total is
// the number of samples of all shards.
func (r *replica) step(source Source, first, total int, learn bool) {
	for i := range r.labels {
		r.labels[i] = source(first+i, r.pixels[i*Size*Size:(i+1)*Size*Size])
	}
	for _, p := range r.params {
		clear(p.gradient)
	}
	logits := r.network.forward(Images(r.pixels))
	loss, gradient := crossEntropy(logits, r.labels, total)
	r.loss, r.right = loss, correct(logits, r.labels)
	if learn {
		r.network.backward(gradient)
	}
}

// Train learns from consecutive samples of the source and leaves the settled
// statistics in the model's norms. progress may be nil.
func Train(m *Model, source Source, o Options, progress func(step int, loss, accuracy float64)) {
	replicas := make([]*replica, o.Shards)
	for i := range replicas {
		replicas[i] = newReplica(m, o.ShardSize)
	}
	total := o.Shards * o.ShardSize
	run := func(step int, learn bool) {
		var wait sync.WaitGroup
		for i, r := range replicas {
			wait.Go(func() { r.step(source, step*total+i*o.ShardSize, total, learn) })
		}
		wait.Wait()
	}
	optimizer := newAdam(replicas[0].params)
	var loss float64
	var right int
	for step := range o.Steps {
		run(step, true)
		sumGradients(replicas)
		optimizer.step(rate(o, step), o.Decay)
		for _, r := range replicas {
			loss += r.loss
			right += r.right
		}
		if (step+1)%o.ReportEvery == 0 {
			if progress != nil {
				n := float64(o.ReportEvery * total)
				progress(step+1, loss/n, float64(right)/n)
			}
			loss, right = 0, 0
		}
	}
	for _, r := range replicas {
		for _, l := range r.norms {
			l.startStatistics()
		}
	}
	for pass := range o.NormPasses {
		run(o.Steps+pass, false)
	}
	settle(m, replicas)
}

// rate rises linearly, then falls as half a cosine to zero.
func rate(o Options, step int) float64 {
	if step < o.WarmUp {
		return o.Rate * float64(step+1) / float64(o.WarmUp)
	}
	done := float64(step-o.WarmUp) / float64(o.Steps-o.WarmUp)
	return o.Rate * 0.5 * (1 + math.Cos(math.Pi*done))
}

// sumGradients adds the gradients of all replicas into the first, in order.
func sumGradients(replicas []*replica) {
	for i, p := range replicas[0].params {
		for _, r := range replicas[1:] {
			for j, g := range r.params[i].gradient {
				p.gradient[j] += g
			}
		}
	}
}

// settle writes the collected statistics of all replicas into the model.
func settle(m *Model, replicas []*replica) {
	for i, u := range m.Units() {
		for c := range u.Out {
			var mean, square float64
			passes := 0
			for _, r := range replicas {
				mean += r.norms[i].sums[c]
				square += r.norms[i].squares[c]
				passes += r.norms[i].collectedPasses
			}
			mean /= float64(passes)
			u.Norm.Mean[c] = float32(mean)
			u.Norm.Variance[c] = float32(max(square/float64(passes)-float64(mean*mean), 0))
		}
	}
}

// adam is the optimizer of Kingma and Ba 2015 with decoupled weight decay
// (Loshchilov and Hutter 2019).
type adam struct {
	params        []parameter
	first, second [][]float64
	count         int
}

func newAdam(params []parameter) *adam {
	a := &adam{params: params}
	for _, p := range params {
		a.first = append(a.first, make([]float64, len(p.value)))
		a.second = append(a.second, make([]float64, len(p.value)))
	}
	return a
}

func (a *adam) step(rate, decay float64) {
	const beta1, beta2, small = 0.9, 0.99, 1e-8
	a.count++
	correction1 := 1 - math.Pow(beta1, float64(a.count))
	correction2 := 1 - math.Pow(beta2, float64(a.count))
	for i, p := range a.params {
		first, second := a.first[i], a.second[i]
		for j, g32 := range p.gradient {
			g := float64(g32)
			first[j] = float64(beta1*first[j]) + float64((1-beta1)*g)
			second[j] = float64(beta2*second[j]) + float64((1-beta2)*float64(g*g))
			change := first[j] / correction1 / (math.Sqrt(second[j]/correction2) + small)
			if p.decay {
				change += float64(decay * float64(p.value[j]))
			}
			p.value[j] = float32(float64(p.value[j]) - float64(rate*change))
		}
	}
}
