// Package glyph draws the images of the glyph data set: one of 20 digits and
// letters a picture, as strokes under a random affine map, with random pen
// width, contrast, polarity, uneven background, stray strokes and noise.
//
// Every sample is a pure function of (seed, set, index): nothing is shared
// between samples, so any of them can be drawn alone, in any order and from
// several goroutines. All products are rounded before they are added, so no
// platform may contract them to fused operations.
package glyph

import (
	"math"
	"math/rand/v2"
)

// Size is the edge of an image in pixels.
const Size = 24

// Pixels is the number of bytes of an image, row by row.
const Pixels = Size * Size

// Set separates the samples that a network learns from those it is judged by.
type Set uint8

// Sets. Training samples are drawn when needed and never stored.
const (
	invalidSet Set = iota
	Training
	Evaluation
)

// Ranges of the distortions; all are drawn uniformly unless said otherwise.
const (
	height        = 15.0 // of an undistorted glyph, pixels
	width         = 11.0
	scaleLow      = 0.72 // each axis alone
	scaleHigh     = 1.12
	rotationLimit = 0.40 // radians either way
	shearLimit    = 0.30
	shiftLimit    = 2.5 // pixels either way, on each axis
	penLow        = 0.55
	penHigh       = 1.45 // radius of the pen, pixels
	contrastLow   = 0.22 // share of the full range between ink and paper
	contrastHigh  = 0.85
	gradientLimit = 0.25 // rise of the paper from the center to an edge
	noiseLow      = 0.02 // standard deviation, share of the full range
	noiseHigh     = 0.11
	strayLimit    = 2   // stray strokes: 0, 1 or 2
	strayShort    = 2.0 // length, pixels
	strayLong     = 5.5
)

// mix spreads the bits of a counter (splitmix64 finalizer, Steele et al. 2014).
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// Sample draws image number index of a set into pixels (Pixels bytes, 0 is
// black) and returns its label.
func Sample(seed uint64, set Set, index int, pixels []byte) int {
	random := rand.New(rand.NewPCG(mix(seed), mix(uint64(set)<<56|uint64(index))))
	label := random.IntN(Classes)
	draw(random, shapes[label], pixels)
	return label
}

// Samples draws images 0 to count-1 of a set, one after the other in pixels.
func Samples(seed uint64, set Set, count int) (pixels []byte, labels []int) {
	pixels, labels = make([]byte, count*Pixels), make([]int, count)
	for i := range labels {
		labels[i] = Sample(seed, set, i, pixels[i*Pixels:(i+1)*Pixels])
	}
	return pixels, labels
}

// between is a uniform number in [low, high).
func between(random *rand.Rand, low, high float64) float64 {
	return low + float64((high-low)*random.Float64())
}

// draw paints one distorted picture of the strokes.
func draw(random *rand.Rand, strokes []stroke, pixels []byte) {
	place := newPlacement(random)
	var ink [Pixels]float64 // coverage 0 to 1
	pen := between(random, penLow, penHigh)
	for _, s := range strokes {
		for i := 0; i+1 < len(s); i++ {
			coverSegment(&ink, place.apply(s[i]), place.apply(s[i+1]), pen)
		}
	}
	for range random.IntN(strayLimit + 1) {
		start := point{between(random, 0, Size-1), between(random, 0, Size-1)}
		sin, cos := math.Sincos(between(random, 0, 2*math.Pi))
		length := between(random, strayShort, strayLong)
		coverSegment(&ink, start, point{start.x + float64(length*cos), start.y + float64(length*sin)}, pen)
	}

	contrast := between(random, contrastLow, contrastHigh)
	paper := between(random, 0, 1-contrast)
	if random.IntN(2) == 0 { // dark ink on bright paper
		paper = 1 - paper
		contrast = -contrast
	}
	riseX := between(random, -gradientLimit, gradientLimit)
	riseY := between(random, -gradientLimit, gradientLimit)
	noise := between(random, noiseLow, noiseHigh)
	const half = (Size - 1) / 2.0
	for y := range Size {
		for x := range Size {
			value := paper + float64(riseX*(float64(x)-half)/half) + float64(riseY*(float64(y)-half)/half)
			value += float64(contrast * ink[y*Size+x])
			value += float64(noise * random.NormFloat64())
			pixels[y*Size+x] = byte(math.Round(float64(255 * min(max(value, 0), 1))))
		}
	}
}

// placement maps the unit square of a glyph to pixels.
type placement struct{ xx, xy, yx, yy, x0, y0 float64 }

// newPlacement draws scale, then shear, then rotation, then shift.
func newPlacement(random *rand.Rand) placement {
	scaleX := width * between(random, scaleLow, scaleHigh)
	scaleY := height * between(random, scaleLow, scaleHigh)
	shear := between(random, -shearLimit, shearLimit)
	sin, cos := math.Sincos(between(random, -rotationLimit, rotationLimit))
	const center = (Size - 1) / 2.0
	return placement{
		xx: scaleX * cos, xy: scaleY * (float64(shear*cos) - sin),
		yx: scaleX * sin, yy: scaleY * (float64(shear*sin) + cos),
		x0: center + between(random, -shiftLimit, shiftLimit),
		y0: center + between(random, -shiftLimit, shiftLimit),
	}
}

func (p placement) apply(q point) point {
	x, y := q.x-0.5, q.y-0.5
	return point{
		p.x0 + float64(p.xx*x) + float64(p.xy*y),
		p.y0 + float64(p.yx*x) + float64(p.yy*y),
	}
}

// coverSegment draws the segment from a to b with a round pen; the edge falls
// off linearly over one pixel. Overlapping ink does not add up.
func coverSegment(ink *[Pixels]float64, a, b point, pen float64) {
	reach := pen + 0.5
	x0, x1 := clampPixel(math.Floor(min(a.x, b.x)-reach)), clampPixel(math.Ceil(max(a.x, b.x)+reach))
	y0, y1 := clampPixel(math.Floor(min(a.y, b.y)-reach)), clampPixel(math.Ceil(max(a.y, b.y)+reach))
	dx, dy := b.x-a.x, b.y-a.y
	length2 := float64(dx*dx) + float64(dy*dy)
	for y := y0; y <= y1; y++ {
		for x := x0; x <= x1; x++ {
			px, py := float64(x)-a.x, float64(y)-a.y
			along := 0.0
			if length2 > 0 {
				along = min(max((float64(px*dx)+float64(py*dy))/length2, 0), 1)
			}
			px -= float64(along * dx)
			py -= float64(along * dy)
			cover := reach - math.Sqrt(float64(px*px)+float64(py*py))
			ink[y*Size+x] = max(ink[y*Size+x], min(cover, 1))
		}
	}
}

func clampPixel(v float64) int { return int(min(max(v, 0), Size-1)) }
