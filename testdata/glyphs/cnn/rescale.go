package cnn

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
)

// The rescaling gives the channels of the depthwise layers the widely
// different weight ranges that MobileNets get from training, without changing
// what the network computes.
//
// Between a block's output and the next depthwise layer stands a plain ReLU,
// which commutes with positive factors. So channel c of that tensor may be
// multiplied by f_c in the normalization that produces it, and divided by f_c
// again in the normalization after the depthwise filter that reads it: every
// depthwise channel reads exactly one input channel. A residual addition
// needs the same f_c on both its inputs and its output, so the tensors that
// additions connect form a group with common factors. ReLU6 tensors are left
// alone, for clipping does not commute with factors.
//
// After folding, the weights of depthwise channel c carry 1/f_c, and row c of
// the pointwise layer before it carries f_c.

// Spread says how far apart the rescaling drives the channels.
type Spread struct {
	// Octaves bounds the ordinary channels: their largest activations become
	// 2^-u of their group's largest, u uniform in [0, Octaves].
	Octaves float64
	// FaintOctaves is that u for the faint channels. At 8 bits their
	// activations round to nearly nothing, so the channels that matter least
	// are taken. Their folded depthwise weights are the layer's largest.
	FaintOctaves float64
	// One channel in FaintShare becomes faint, but at least one a group.
	FaintShare int
}

// amplification bounds the factor of a channel that is nearly silent.
const amplification = 16

// Group is a set of tensors that residual additions tie together, and what
// the rescaling did to their channels.
type Group struct {
	Points  []string  // names of the tensors, see Tap
	Factors []float64 // one a channel
	Faint   []int     // channels
	// LossWithoutFaint is the mean cross-entropy with the faint channels set
	// to zero, the worst that quantization can do to them.
	LossWithoutFaint float64
}

// stream is a tensor between blocks: output of the stem (0) or of a block.
type stream int

func (s stream) point() string {
	if s == 0 {
		return "stem/relu"
	}
	return fmt.Sprintf("block%d/relu", int(s))
}

// producer is the unit whose normalization makes the stream.
func (m *Model) producer(s stream) *Unit {
	if s == 0 {
		return &m.Stem
	}
	return &m.Blocks[s-1].Pointwise
}

// groups are all streams that a depthwise layer reads, tied by residuals.
func (m *Model) groups() [][]stream {
	var groups [][]stream
	for s := range m.Blocks { // stream s is the input of block s
		if s > 0 && m.Blocks[s-1].Residual {
			groups[len(groups)-1] = append(groups[len(groups)-1], stream(s))
			continue
		}
		groups = append(groups, []stream{stream(s)})
	}
	return groups
}

// Rescale changes the model in place. Pictures and labels (which should be
// training samples) decide which channels are faint; the seed draws the rest.
func (m *Model) Rescale(spread Spread, pixels []byte, labels []int, seed uint64) []Group {
	random := rand.New(rand.NewPCG(seed, 0x72657363616c65))
	groups := m.groups()
	var report []Group
	for _, streams := range groups {
		var g Group
		for _, s := range streams {
			g.Points = append(g.Points, s.point())
		}
		largest := m.largest(g.Points, pixels)
		g.Faint, g.LossWithoutFaint = m.leastUseful(g.Points, max(1, len(largest)/spread.FaintShare), pixels, labels)
		top := slices.Max(largest)
		for c, channel := range largest {
			octaves := float64(spread.Octaves * random.Float64())
			if slices.Contains(g.Faint, c) {
				octaves = spread.FaintOctaves
			}
			g.Factors = append(g.Factors, min(math.Exp2(-octaves)*top/max(channel, top/amplification), amplification))
		}
		report = append(report, g)
	}
	for i, streams := range groups {
		m.scale(streams, report[i].Factors)
	}
	return report
}

// scale multiplies the channels of tied streams by factors.
func (m *Model) scale(streams []stream, factors []float64) {
	for _, s := range streams {
		out, in := &m.producer(s).Norm, &m.Blocks[s].Depthwise.Norm
		for c, f := range factors {
			out.Gamma[c] = float32(float64(out.Gamma[c]) * f)
			out.Beta[c] = float32(float64(out.Beta[c]) * f)

			// The filter's output is f times what it was, and so are its mean
			// and deviation. Gamma makes up for f and for the part of epsilon.
			before, small := float64(in.Variance[c]), float64(in.Epsilon)
			in.Mean[c] = float32(float64(in.Mean[c]) * f)
			in.Variance[c] = float32(before * f * f)
			in.Gamma[c] = float32(float64(in.Gamma[c]) / f *
				math.Sqrt((float64(in.Variance[c])+small)/(before+small)))
		}
	}
}

// largest is the largest activation of every channel over tied tensors.
func (m *Model) largest(points []string, pixels []byte) []float64 {
	var result []float64
	inBatches(pixels, func(_ int, input *Maps) {
		m.Forward(input, func(point string, x *Maps) {
			if !slices.Contains(points, point) {
				return
			}
			if result == nil {
				result = make([]float64, x.C)
			}
			for c := range result {
				result[c] = max(result[c], float64(slices.Max(x.channel(c))))
			}
		})
	})
	return result
}

// leastUseful picks the channels whose absence costs least, one after the
// other, and gives the loss without all of them.
func (m *Model) leastUseful(points []string, count int, pixels []byte, labels []int) ([]int, float64) {
	var absent []int
	channels := 0
	silence := func(point string, x *Maps) {
		if slices.Contains(points, point) {
			channels = x.C
			for _, c := range absent {
				clear(x.channel(c))
			}
		}
	}
	loss := m.Loss(pixels, labels, silence)
	for range count {
		best, bestLoss := -1, math.Inf(1)
		for c := range channels {
			if slices.Contains(absent, c) {
				continue
			}
			absent = append(absent, c)
			if l := m.Loss(pixels, labels, silence); l < bestLoss {
				best, bestLoss = c, l
			}
			absent = absent[:len(absent)-1]
		}
		absent = append(absent, best)
		loss = bestLoss
	}
	slices.Sort(absent)
	return absent, loss
}
