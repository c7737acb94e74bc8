package quantize

import "math"

// ChannelRanges says how wide the output channels of a layer are, in half
// octaves below full scale: entry i counts the channels whose largest weight is
// below 2^(-i/2) of full scale, or equal to it, and above 2^(-(i+1)/2); the
// last of MaxRangeSteps entries counts all that are narrower. Every octave
// below full scale costs a channel one of its bits.
type ChannelRanges struct {
	Dead   int   // channels whose weights are all zero, in no entry
	Before []int // full scale is the widest channel of the layer
	// After shift equalization: full scale is the largest weight that the
	// layer's one step can express. Nil in other modes.
	After []int
}

// MaxRangeSteps bounds the entries of ChannelRanges: 16 octaves, and one for
// channels beyond, which have no bits left even at 16 bits a weight.
const MaxRangeSteps = 33

// channelRanges counts the channels of a layer by range; shifts and step are
// those of shift equalization, nil and 0 in other modes.
func (l *layerWeights) channelRanges(shifts []uint8, step float64) *ChannelRanges {
	r := &ChannelRanges{}
	widest := 0.0
	for c := range l.channels {
		widest = math.Max(widest, l.largest(c))
	}
	for c := range l.channels {
		largest := l.largest(c)
		if largest == 0 {
			r.Dead++
			continue
		}
		r.Before = countRange(r.Before, widest/largest)
		if shifts != nil {
			r.After = countRange(r.After, step*l.steps()/math.Ldexp(largest, int(shifts[c])))
		}
	}
	return r
}

// countRange counts a channel whose range goes a number of times into full
// scale.
func countRange(counts []int, times float64) []int {
	i := int(math.Max(0, math.Floor(2*math.Log2(times))))
	i = min(i, MaxRangeSteps-1)
	for len(counts) <= i {
		counts = append(counts, 0)
	}
	counts[i]++
	return counts
}
