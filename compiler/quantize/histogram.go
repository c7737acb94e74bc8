package quantize

import "math"

// histogramBins is the number of bins on each side of zero: the resolution of
// a percentile is between 1/2048 and 1/4096 of the largest magnitude.
const histogramBins = 4096

// minHistogramExponent keeps bin widths within float32.
const minHistogramExponent = -100

// histogram counts values in equal bins over (-2^exponent, 2^exponent), the
// exponent being the smallest that holds everything observed. Growing by a
// power of two merges whole bins, so the counts do not depend on the order of
// observation.
type histogram struct {
	used               bool
	exponent           int
	positive, negative [histogramBins]int64 // by magnitude
}

// cover makes room for magnitudes up to largest.
func (h *histogram) cover(largest float64) {
	_, exponent := math.Frexp(largest) // largest < 2^exponent
	h.grow(max(exponent, minHistogramExponent))
}

func (h *histogram) grow(exponent int) {
	if !h.used {
		h.used, h.exponent = true, exponent
		return
	}
	if exponent <= h.exponent {
		return
	}
	shift := exponent - h.exponent
	for _, side := range []*[histogramBins]int64{&h.positive, &h.negative} {
		for i := 1; i < histogramBins; i++ { // bin 0 stays, targets are below their sources
			count := side[i]
			side[i] = 0
			if shift < 63 {
				side[i>>shift] += count
			} else {
				side[0] += count
			}
		}
	}
	h.exponent = exponent
}

func (h *histogram) observe(data []float32, largest float64) {
	h.cover(largest)
	perUnit := float32(math.Ldexp(histogramBins, -h.exponent)) // a power of two: products are exact
	for _, x := range data {
		if x >= 0 {
			h.positive[int(x*perUnit)&(histogramBins-1)]++
		} else {
			h.negative[int(-x*perUnit)&(histogramBins-1)]++
		}
	}
}

func (h *histogram) merge(o *histogram) {
	if !o.used {
		return
	}
	h.grow(o.exponent)
	other := *o
	other.grow(h.exponent)
	for i := range h.positive {
		h.positive[i] += other.positive[i]
		h.negative[i] += other.negative[i]
	}
}

// central is the range that holds percent of the observed values, an equal
// share of the rest beyond each end, limited to the observed extremes.
func (h *histogram) central(percent float64, s *statistics) Range {
	tail := int64(float64(s.count) * (100 - percent) / 200)
	width := math.Ldexp(1.0/histogramBins, h.exponent)
	// edge walks from the outermost bin of the far side towards the other end.
	edge := func(far, near *[histogramBins]int64) float64 {
		var beyond int64
		for i := histogramBins - 1; i >= 0; i-- {
			if beyond += far[i]; beyond > tail {
				return float64(i+1) * width
			}
		}
		for i := range near {
			if beyond += near[i]; beyond > tail {
				return -float64(i) * width
			}
		}
		return 0
	}
	return Range{
		Low:  math.Max(-edge(&h.negative, &h.positive), s.low),
		High: math.Min(edge(&h.positive, &h.negative), s.high),
	}
}
