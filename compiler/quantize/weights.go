package quantize

import (
	"fmt"
	"math"

	"github.com/chewxy/math32"

	"github.com/npusim/npusim/compiler/integer"
	"github.com/npusim/npusim/configs"
	"github.com/npusim/npusim/isa/fixed"
)

// layerWeights are the weights of a convolution before and the scheme of their
// quantization. A channel is an output channel: for depthwise convolutions one
// filter.
type layerWeights struct {
	weights  []float32 // channels x taps
	bias     []float32 // by channel, or nil
	channels int
	bits     uint8
	in       *integer.Tensor
	out      *integer.Tensor
}

// quantizedWeights is the result.
type quantizedWeights struct {
	weights     []int8
	bias        []int32 // with -zero_in * sum(weights)
	scales      []float64
	requantizer integer.Requantizer
	lowered     int     // channels whose shift was reduced
	widened     int     // channels whose scale was enlarged to keep sums in 32 bits
	sqnr        float64 // of the weights, dB
}

// deadScale is the weight scale of channels without weights: it gives the bias
// 16 bits below an output step.
func (l *layerWeights) deadScale() float64 { return l.out.Scale / l.in.Scale / (1 << 16) }

func (l *layerWeights) taps() int { return len(l.weights) / l.channels }

func (l *layerWeights) channel(c int) []float32 { return l.weights[c*l.taps() : (c+1)*l.taps()] }

// largest is the magnitude of the largest weight of a channel.
func (l *layerWeights) largest(c int) float64 {
	var m float32
	for _, w := range l.channel(c) {
		m = math32.Max(m, math32.Abs(w)) // exact in float32
	}
	return float64(m)
}

// steps is the largest integer weight.
func (l *layerWeights) steps() float64 { return float64(int(1)<<(l.bits-1) - 1) }

// quantize applies a scheme.
func (l *layerWeights) quantize(scheme configs.WeightScheme) (*quantizedWeights, error) {
	q := &quantizedWeights{weights: make([]int8, len(l.weights)), bias: make([]int32, l.channels)}
	var err error
	switch scheme {
	case configs.PerLayer:
		err = l.perLayer(q)
	case configs.PerLayerShift:
		err = l.perLayerShift(q)
	case configs.PerChannel:
		err = l.perChannel(q)
	default:
		err = fmt.Errorf("weight scheme %v: supported are per-layer, per-layer-shift and per-channel", scheme)
	}
	if err != nil {
		return nil, err
	}
	q.sqnr = l.signalToNoise(q)
	return q, nil
}

// layerScale is max|w| / (2^(bits-1)-1).
func (l *layerWeights) layerScale() float64 {
	var largest float64
	for c := range l.channels {
		largest = math.Max(largest, l.largest(c))
	}
	if largest == 0 {
		return l.deadScale()
	}
	return largest / l.steps()
}

// perLayer uses one scale for every channel.
func (l *layerWeights) perLayer(q *quantizedWeights) (err error) {
	scale := l.layerScale()
	for c := 0; c < l.channels; c++ {
		if !l.round(q, c, scale) {
			scale *= 2 // and start again: all channels share it
			q.widened, c = l.channels, -1
		}
	}
	q.scales = []float64{scale}
	q.requantizer.PerLayer, err = fixed.NewMultiplier(l.in.Scale * scale / l.out.Scale)
	return err
}

// perLayerShift is binary-shift equalization (arXiv 2008.05767): channel c is
// multiplied by 2^k[c] before one scale is chosen, which its requantization
// undoes by shifting k[c] further:
//
//	k[c] = clamp(floor(log2(T/r[c])), 0, 15), r[c] = max|w[c]|
//
// with a threshold T in [R, 2R), R = max r, chosen for the least rounding noise
// (equalize). k is lowered where the 32-bit sum or the shifter would overflow.
func (l *layerWeights) perLayerShift(q *quantizedWeights) error {
	shifts, after := l.equalize()
	scale := after / l.steps()
	if after == 0 {
		scale = l.deadScale()
	}
	wanted := append([]uint8(nil), shifts...)
	for {
		m, err := fixed.NewMultiplier(l.in.Scale * scale / l.out.Scale)
		if err != nil {
			return err
		}
		copy(shifts, wanted)
		if l.shiftsFit(q, shifts, scale, fixed.MaxShift-m.Shift) {
			q.requantizer = integer.Requantizer{PerLayer: m, ChannelShift: shifts}
			break
		}
		scale *= 2 // even unshifted, some sum does not fit
		q.widened = l.channels
	}
	for c := range shifts {
		if shifts[c] < wanted[c] {
			q.lowered++
		}
	}
	q.scales = []float64{scale}
	return nil
}

// thresholds is how many thresholds of an octave equalize tries.
const thresholds = 16

// equalize chooses the shifts of the channels and returns them with the
// largest magnitude after shifting. A threshold above the widest channel lets
// others come nearer to the common range at a wider common step; the one with
// the lowest noise-to-signal ratio, averaged over the channels, wins. The ratio
// of a channel with n weights of energy e, step s and shift k is
// n*(s/2^k)^2/12 / e.
func (l *layerWeights) equalize() (best []uint8, after float64) {
	ranges, energies := make([]float64, l.channels), make([]float64, l.channels)
	widest := 0.0
	for c := range ranges {
		ranges[c] = l.largest(c)
		widest = math.Max(widest, ranges[c])
		for _, w := range l.channel(c) {
			energies[c] += float64(w) * float64(w)
		}
	}
	least := math.Inf(1)
	for i := range thresholds {
		threshold := widest * math.Exp2(float64(i)/thresholds)
		shifts := make([]uint8, l.channels)
		shifted := 0.0
		for c, r := range ranges {
			shifts[c] = equalizingShift(threshold, r)
			shifted = math.Max(shifted, math.Ldexp(r, int(shifts[c])))
		}
		noise := 0.0
		for c, e := range energies {
			if e > 0 {
				step := math.Ldexp(shifted, -int(shifts[c]))
				noise += step * step / e // the constant factors do not matter
			}
		}
		if noise < least {
			best, after, least = shifts, shifted, noise
		}
	}
	return best, after
}

// equalizingShift is clamp(floor(log2(largest/r)), 0, 15), exactly; 0 for a
// dead channel.
func equalizingShift(largest, r float64) uint8 {
	k := uint8(0)
	for r > 0 && k < integer.MaxChannelShift && math.Ldexp(r, int(k)+1) <= largest {
		k++
	}
	return k
}

// shiftsFit rounds every channel at its shift, lowering it as long as the sum
// does not fit. It returns false if a channel does not fit at shift 0.
func (l *layerWeights) shiftsFit(q *quantizedWeights, shifts []uint8, scale float64, limit uint8) bool {
	for c := range shifts {
		shifts[c] = min(shifts[c], limit)
		for !l.round(q, c, math.Ldexp(scale, -int(shifts[c]))) {
			if shifts[c] == 0 {
				return false
			}
			shifts[c]--
		}
	}
	return true
}

// perChannel gives every channel a scale and a multiplier.
func (l *layerWeights) perChannel(q *quantizedWeights) (err error) {
	q.scales = make([]float64, l.channels)
	q.requantizer.PerChannel = make([]fixed.Multiplier, l.channels)
	for c := range l.channels {
		scale := l.largest(c) / l.steps()
		if scale == 0 {
			scale = l.deadScale()
		}
		if !l.round(q, c, scale) {
			q.widened++
			for scale *= 2; !l.round(q, c, scale); scale *= 2 {
			}
		}
		q.scales[c] = scale
		if q.requantizer.PerChannel[c], err = fixed.NewMultiplier(l.in.Scale * scale / l.out.Scale); err != nil {
			return err
		}
	}
	return nil
}

// round quantizes the weights and the bias of a channel with steps of scale.
// It returns false if the sum of the channel could leave 32 bits:
// |bias| + |zero*sum(w)| + worst case of the sum.
func (l *layerWeights) round(q *quantizedWeights, c int, scale float64) bool {
	limit := l.steps()
	var total, magnitude int64
	integers := q.weights[c*l.taps() : (c+1)*l.taps()]
	for i, w := range l.channel(c) {
		r := math.Round(float64(w) / scale)
		v := int64(math.Min(math.Max(r, -limit), limit))
		integers[i] = int8(v)
		total += v
		magnitude += max(v, -v)
	}
	bias := 0.0
	if l.bias != nil {
		bias = math.Round(float64(l.bias[c]) / (l.in.Scale * scale))
	}
	if math.Abs(bias) > math.MaxInt32 {
		return false
	}
	correction := -int64(l.in.Zero) * total
	if max(int64(bias), -int64(bias))+max(correction, -correction)+integer.SumBound(0, magnitude, l.in.Bits) > math.MaxInt32 {
		return false
	}
	q.bias[c] = int32(int64(bias) + correction)
	return true
}

// scale is the real value of one step of a channel's weights.
func (q *quantizedWeights) scale(c int) float64 {
	switch {
	case q.requantizer.PerChannel != nil:
		return q.scales[c]
	case q.requantizer.ChannelShift != nil:
		return math.Ldexp(q.scales[0], -int(q.requantizer.ChannelShift[c]))
	}
	return q.scales[0]
}

// exactSQNR stands for weights that are exact but for float rounding.
const exactSQNR = 300

// signalToNoise of the quantized weights in dB, at most exactSQNR.
func (l *layerWeights) signalToNoise(q *quantizedWeights) float64 {
	var signal, noise float64
	for c := range l.channels {
		scale := q.scale(c)
		for i, w := range l.channel(c) {
			difference := float64(w) - scale*float64(q.weights[c*l.taps()+i])
			signal += float64(w) * float64(w)
			noise += difference * difference
		}
	}
	if noise <= signal*1e-30 {
		return exactSQNR
	}
	return 10 * math.Log10(signal/noise)
}
