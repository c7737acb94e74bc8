package dataset

import (
	"fmt"
	"math"
)

// Layout is the axis order of the samples of an array file.
type Layout uint8

// Layouts. Channels stand first or last; one-dimensional data has only the
// channel axis, so both mean the same there.
const (
	InvalidLayout Layout = iota
	NCHW
	NHWC
)

var layoutNames = [...]string{InvalidLayout: "invalid", NCHW: "NCHW", NHWC: "NHWC"}

// UnmarshalText reads the name of a layout.
func (l *Layout) UnmarshalText(text []byte) error {
	i, err := oneOf(string(text), layoutNames[:])
	*l = Layout(i)
	return err
}

func (l Layout) String() string {
	if int(l) < len(layoutNames) {
		return layoutNames[l]
	}
	return fmt.Sprintf("Layout(%d)", uint8(l))
}

// maxTables bounds the value tables of one reader: 1 KiB a channel.
const maxTables = 1024

// Reader turns samples of one input into network values. It belongs to one
// goroutine; Clone makes another for each further worker.
type Reader struct {
	set   *Set
	input *input
	shape []int

	channels, pixels int            // the sample as [channels, pixels] in network order
	channelsLast     bool           // the array holds it as [pixels, channels]
	normal           []normal       // one, or one a channel
	tables           [][256]float32 // network value of every 8-bit level, like normal
	images           imageDecoder
}

// normal is the normalization of one channel.
type normal struct{ scale, mean, std float64 }

func (n normal) apply(x float64) float32 {
	// The explicit conversion keeps the product from fusing with the
	// subtraction, so every architecture gives the same bits.
	return float32((float64(x*n.scale) - n.mean) / n.std)
}

// Reader makes a reader of the only input of the set for a network input of
// the given shape: [1,C,H,W], [1,C,L], [1,C], or any shape that equals a
// sample's. A missing channel axis of size 1 is added. Data that does not fit
// gives an error with both shapes.
func (s *Set) Reader(shape []int) (*Reader, error) {
	if len(s.inputs) != 1 {
		return nil, fmt.Errorf("%s: the data set has %d inputs (%s), the network is read with one", s.path, len(s.inputs), listOf(s.Inputs()))
	}
	return s.ReaderFor(s.inputs[0].name, shape)
}

// ReaderFor makes a reader of a named input; see Reader.
func (s *Set) ReaderFor(name string, shape []int) (*Reader, error) {
	for i := range s.inputs {
		if s.inputs[i].name == name {
			return newReader(s, &s.inputs[i], shape)
		}
	}
	return nil, fmt.Errorf("%s: no input %q; there are %s", s.path, name, listOf(s.Inputs()))
}

func newReader(s *Set, in *input, shape []int) (*Reader, error) {
	fail := func(format string, args ...any) error {
		return fmt.Errorf("%s: input %s: %s", s.path, in.describe(), fmt.Sprintf(format, args...))
	}
	if in.state {
		return nil, fail("carried state (state = true) is not supported by this version")
	}
	n, ok := elementCount(shape, 4)
	if !ok || n == 0 {
		return nil, fail("network input of shape %s has an axis below 1 or is above the limit of %d bytes", shapeString(shape), int64(MaxArrayBytes))
	}
	r := &Reader{set: s, input: in, shape: append([]int{}, shape...), channels: 1, pixels: n}
	switch {
	case in.images != nil:
		if len(shape) != 4 || shape[0] != 1 || (shape[1] != 1 && shape[1] != 3) {
			return nil, fail("images do not fit a network input of shape %s; expected [1,3,height,width] or [1,1,height,width]", shapeString(shape))
		}
		r.channels, r.pixels = shape[1], shape[2]*shape[3]
	case in.array != nil:
		sample := in.array.Shape[1:]
		if !r.fit(sample) {
			return nil, fail("samples of shape %s (%v) do not fit a network input of shape %s", shapeString(sample), in.layout, shapeString(shape))
		}
	default: // zeros
		return r, nil
	}
	for _, key := range []struct {
		name   string
		values []float64
	}{{"mean", in.mean}, {"std", in.std}} {
		if k := len(key.values); k != 1 && k != r.channels {
			return nil, fail("%s has %d entries, but a network input of shape %s has %d channels; give one value or one a channel", key.name, k, shapeString(shape), r.channels)
		}
	}
	r.prepareNormalization()
	return r, nil
}

// fit sets the channel view of a sample and tells whether it can feed the
// network input at all.
func (r *Reader) fit(sample []int) bool {
	if len(r.shape) == 0 || r.shape[0] != 1 {
		// No batch axis: the sample is the whole tensor, without channels.
		return equalShapes(sample, r.shape) && (r.input.layout == NCHW || len(sample) < 2)
	}
	target := r.shape[1:]
	if len(sample) == len(r.shape) && sample[0] == 1 {
		sample = sample[1:]
	}
	if len(target) == 0 {
		return len(sample) == 0
	}
	channels, space := target[0], target[1:]
	r.channels, r.pixels = channels, r.pixels/channels
	if channels == 1 && equalShapes(sample, space) {
		return true // the missing channel axis
	}
	if len(sample) != len(target) {
		return false
	}
	if r.input.layout == NHWC {
		r.channelsLast = true
		last := len(sample) - 1
		return sample[last] == channels && equalShapes(sample[:last], space)
	}
	return equalShapes(sample, target)
}

func equalShapes(a, b []int) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

func (r *Reader) prepareNormalization() {
	in := r.input
	count := max(len(in.mean), len(in.std))
	r.normal = make([]normal, count)
	for c := range r.normal {
		r.normal[c] = normal{in.scale, in.mean[min(c, len(in.mean)-1)], in.std[min(c, len(in.std)-1)]}
	}
	bytes := in.images != nil || in.array.Type == Uint8 || in.array.Type == Int8
	if !bytes || count > maxTables {
		return
	}
	r.tables = make([][256]float32, count)
	for c := range r.tables {
		for level := range r.tables[c] {
			x := float64(level)
			if in.images == nil && in.array.Type == Int8 {
				x = float64(int8(level))
			}
			r.tables[c][level] = r.normal[c].apply(x)
		}
	}
}

// Clone makes an independent reader of the same input for another goroutine.
func (r *Reader) Clone() *Reader {
	clone := *r
	clone.images = imageDecoder{}
	return &clone
}

// Shape is the network input that Read fills; it must not be changed.
func (r *Reader) Shape() []int { return r.shape }

// Elements is the length of the slice that Read fills.
func (r *Reader) Elements() int { return r.channels * r.pixels }

// Len is the number of samples.
func (r *Reader) Len() int { return r.set.samples }

// Read writes sample i into dst in the order of the network input. A sample
// that gives a NaN or an infinity is an error.
func (r *Reader) Read(i int, dst []float32) error {
	if i < 0 || i >= r.set.samples {
		return fmt.Errorf("%s: sample %d is out of range; the set has %d", r.set.path, i, r.set.samples)
	}
	if len(dst) != r.Elements() {
		return fmt.Errorf("%s: sample %d needs %d values for shape %s, the target has %d", r.set.path, i, r.Elements(), shapeString(r.shape), len(dst))
	}
	in := r.input
	switch {
	case in.images != nil:
		if err := r.readImage(i, dst); err != nil {
			return fmt.Errorf("%s: sample %d: %w", r.set.path, i, err)
		}
	case in.array != nil && r.tables != nil:
		r.readBytes(in.array.data[i*len(dst):(i+1)*len(dst)], dst)
	case in.array != nil:
		return r.readNumbers(i, dst)
	default:
		clear(dst)
	}
	return nil
}

// readBytes looks 8-bit elements up in the tables.
func (r *Reader) readBytes(source []byte, dst []float32) {
	for c := range r.channels {
		table := &r.tables[min(c, len(r.tables)-1)]
		out := dst[c*r.pixels : (c+1)*r.pixels]
		if r.channelsLast {
			at := c
			for p := range out {
				out[p] = table[source[at]]
				at += r.channels
			}
			continue
		}
		for p, level := range source[c*r.pixels : (c+1)*r.pixels] {
			out[p] = table[level]
		}
	}
}

// readNumbers converts elements of any type and checks that they are finite.
func (r *Reader) readNumbers(i int, dst []float32) error {
	a := r.input.array
	base := i * len(dst)
	channelStride, pixelStride := r.pixels, 1
	if r.channelsLast {
		channelStride, pixelStride = 1, r.channels
	}
	for c := range r.channels {
		n := r.normal[min(c, len(r.normal)-1)]
		out := dst[c*r.pixels : (c+1)*r.pixels]
		at := base + c*channelStride
		for p := range out {
			v := n.apply(a.Float64At(at))
			if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
				return fmt.Errorf("%s: input %s: sample %d, element %d: %v becomes %v; values must be finite float32 numbers",
					r.set.path, r.input.describe(), i, at-base, a.Float64At(at), v)
			}
			out[p] = v
			at += pixelStride
		}
	}
	return nil
}
