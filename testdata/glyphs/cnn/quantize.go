package cnn

import (
	"fmt"
	"math"
	"slices"
)

// WeightMode is how the weights of a layer share quantization scales.
type WeightMode uint8

// Weight modes: one scale a layer; one scale a layer and a power of two for
// every output channel; one scale an output channel.
const (
	InvalidMode WeightMode = iota
	PerLayer
	PerLayerShift
	PerChannel
)

var weightModeNames = [...]string{
	InvalidMode: "invalid", PerLayer: "per-layer",
	PerLayerShift: "per-layer-shift", PerChannel: "per-channel",
}

func (m WeightMode) String() string {
	if int(m) < len(weightModeNames) {
		return weightModeNames[m]
	}
	return fmt.Sprintf("WeightMode(%d)", uint8(m))
}

const (
	weightLimit    = 127 // of symmetric 8-bit integers
	activationSpan = 255 // steps of asymmetric 8-bit integers
	shiftLimit     = 15  // of a 4-bit shift
)

// Fold moves every batch normalization into its convolution; what remains of
// it is the bias.
func (m *Model) Fold() *Model {
	folded := m.Clone()
	for _, u := range folded.Units() {
		for c := range u.Out {
			factor, offset := u.Norm.affine(c)
			row := u.row(c)
			for i, w := range row {
				row[i] = float32(float64(w) * factor)
			}
			u.Norm.Beta[c] = float32(offset)
			u.Norm.Gamma[c], u.Norm.Mean[c], u.Norm.Variance[c] = 1, 0, 1
		}
		u.Norm.Epsilon = 0
	}
	return folded
}

// matrices lists the weights of all layers with the length of a row, the
// weights of one output channel.
func (m *Model) matrices() (names []string, weights [][]float32, rows []int) {
	for _, u := range m.Units() {
		names = append(names, u.Name)
		weights = append(weights, u.Weights)
		rows = append(rows, u.rowLength())
	}
	return append(names, "classifier"), append(weights, m.Weights), append(rows, m.channels())
}

// QuantizeWeights rounds the weights of a folded model to symmetric 8 bits,
// max-abs, and back to float. Biases stay as they are.
func (m *Model) QuantizeWeights(mode WeightMode) *Model {
	quantized := m.Clone()
	_, weights, rows := quantized.matrices()
	for i, w := range weights {
		layer := maxAbs(w)
		for row := range slices.Chunk(w, rows[i]) {
			step := layer / weightLimit
			switch channel := maxAbs(row); {
			case channel == 0:
				continue
			case mode == PerChannel:
				step = channel / weightLimit
			case mode == PerLayerShift:
				// The widest channel has shift 0, so the scale of the shifted
				// layer is still that of its widest channel.
				step = math.Ldexp(step, -Shift(layer, channel))
			}
			for j, v := range row {
				row[j] = float32(math.Round(float64(v)/step) * step)
			}
		}
	}
	return quantized
}

// Shift is the power of two that brings a channel's range up to the layer's,
// from the largest absolute weights of both: 4 bits, never past the layer's.
func Shift(layer, channel float64) int {
	return int(min(max(math.Floor(math.Log2(layer/channel)), 0), shiftLimit))
}

func maxAbs(w []float32) float64 {
	var largest float64
	for _, v := range w {
		largest = max(largest, math.Abs(float64(v)))
	}
	return largest
}

// Range is the spread of max|w| over the output channels of one layer; silent
// channels, all of whose weights are 0, do not count.
type Range struct {
	Layer                     string
	Smallest, Median, Largest float64
}

// Ranges lists the weight ranges of all layers; fold the model first.
func (m *Model) Ranges() []Range {
	var list []Range
	names, weights, rows := m.matrices()
	for i, w := range weights {
		var channels []float64
		for row := range slices.Chunk(w, rows[i]) {
			if r := maxAbs(row); r > 0 {
				channels = append(channels, r)
			}
		}
		slices.Sort(channels)
		list = append(list, Range{names[i], channels[0], channels[len(channels)/2], channels[len(channels)-1]})
	}
	return list
}

// interval is the range of a tensor; it always holds 0.
type interval struct{ low, high float32 }

// Activations quantizes every stored tensor to asymmetric 8 bits with the
// range that calibration saw there.
type Activations struct{ ranges map[string]interval }

// Calibrate observes the smallest and largest value of every tensor.
func (m *Model) Calibrate(pixels []byte) *Activations {
	a := &Activations{ranges: map[string]interval{}}
	observe := func(point string, x *Maps) {
		r := a.ranges[point]
		for _, v := range x.Data {
			r.low, r.high = min(r.low, v), max(r.high, v)
		}
		a.ranges[point] = r
	}
	inBatches(pixels, func(_ int, input *Maps) { m.Forward(input, observe) })
	return a
}

// Apply is a Tap that rounds a tensor to its 256 levels and back.
func (a *Activations) Apply(point string, x *Maps) {
	r := a.ranges[point]
	step := float64(r.high-r.low) / activationSpan
	if step == 0 {
		return
	}
	zero := math.Round(-float64(r.low) / step)
	for i, v := range x.Data {
		q := min(max(math.Floor(float64(v)/step+0.5)+zero, 0), activationSpan)
		x.Data[i] = float32((q - zero) * step)
	}
}
