// Package cnn is the classifier of the glyph data set: its parameters, an
// inference pass, a small trainer, the rescaling that spreads its weight
// ranges, and a float simulation of 8-bit quantization that checks the effect.
//
// Feature maps are float32 in CNHW order (channel, sample, row, column), so
// that a pointwise convolution of a whole batch is one matrix product and the
// statistics of batch normalization are over contiguous memory.
//
// Everything is deterministic: sums run in a fixed order and the work is cut
// the same way whatever the number of processors. It is made for this one
// family of networks and is no general framework.
package cnn

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// Geometry of the network.
const (
	Size          = 24   // edge of the input image, pixels; one channel
	kernel        = 3    // edge of the stem's and the depthwise filters
	taps          = 9    // kernel*kernel
	epsilon       = 1e-5 // added to the variance in batch normalization
	clipAt        = 6    // upper bound of ReLU6
	stemChannels  = 16
	parameterSeed = 0x676c797068 // stream of the initial weights
)

// blockShapes list the depthwise-separable blocks after the stem.
var blockShapes = []struct {
	channels int // of the output
	stride   int
}{
	{channels: 32, stride: 2}, // 24x24 to 12x12
	{channels: 32, stride: 1}, // residual
	{channels: 64, stride: 2}, // 12x12 to 6x6
	{channels: 64, stride: 1}, // residual
	{channels: 128, stride: 1},
}

// BatchNorm is y = Gamma*(x-Mean)/sqrt(Variance+Epsilon) + Beta, a channel.
type BatchNorm struct {
	Gamma, Beta, Mean, Variance []float32
	Epsilon                     float32
}

// Unit is a convolution without bias followed by batch normalization. Weights
// are [Out][In/groups][rows][columns], as in ONNX.
type Unit struct {
	Weights []float32
	In, Out int
	Stride  int // of the 3x3 convolutions, which pad by 1 on all sides
	Norm    BatchNorm
}

// rowLength is the number of weights of one output channel.
func (u *Unit) rowLength() int { return len(u.Weights) / u.Out }

// row is the weights of output channel c.
func (u *Unit) row(c int) []float32 {
	n := u.rowLength()
	return u.Weights[c*n : (c+1)*n]
}

// Block is depthwise 3x3, norm, ReLU6, pointwise, norm, [+ input], ReLU.
type Block struct {
	Depthwise Unit
	Pointwise Unit
	Residual  bool
}

// Model holds every parameter: stem 3x3, norm, ReLU; the blocks; average over
// the picture; a dense classifier, Weights [Classes][channels].
type Model struct {
	Stem    Unit
	Blocks  []Block
	Weights []float32
	Bias    []float32
	Classes int
}

// NewModel draws initial weights: normal, variance 2/fan-in (He et al. 2015).
func NewModel(classes int, seed uint64) *Model {
	random := rand.New(rand.NewPCG(seed, parameterSeed))
	m := &Model{Classes: classes, Stem: newUnit(random, 1, stemChannels, taps, 1)}
	channels := stemChannels
	for _, shape := range blockShapes {
		m.Blocks = append(m.Blocks, Block{
			Depthwise: newUnit(random, channels, channels, taps, shape.stride),
			Pointwise: newUnit(random, channels, shape.channels, channels, 1),
			Residual:  shape.stride == 1 && shape.channels == channels,
		})
		channels = shape.channels
	}
	m.Weights = normal(random, classes*channels, 1/float64(channels))
	m.Bias = make([]float32, classes)
	return m
}

func newUnit(random *rand.Rand, in, out, fanIn, stride int) Unit {
	return Unit{
		Weights: normal(random, out*fanIn, 2/float64(fanIn)),
		In:      in, Out: out, Stride: stride,
		Norm: BatchNorm{
			Gamma: filled(out, 1), Beta: make([]float32, out),
			Mean: make([]float32, out), Variance: filled(out, 1), Epsilon: epsilon,
		},
	}
}

func normal(random *rand.Rand, n int, variance float64) []float32 {
	sigma := math.Sqrt(variance)
	w := make([]float32, n)
	for i := range w {
		w[i] = float32(sigma * random.NormFloat64())
	}
	return w
}

func filled(n int, value float32) []float32 {
	s := make([]float32, n)
	for i := range s {
		s[i] = value
	}
	return s
}

// channels is the width of the feature vector that the classifier sees.
func (m *Model) channels() int { return m.Blocks[len(m.Blocks)-1].Pointwise.Out }

// NamedUnit is a unit with the name of its ONNX node.
type NamedUnit struct {
	Name string
	*Unit
}

// Units lists all convolutions in the order of execution.
func (m *Model) Units() []NamedUnit {
	units := []NamedUnit{{"stem/conv", &m.Stem}}
	for i := range m.Blocks {
		units = append(units,
			NamedUnit{fmt.Sprintf("block%d/depthwise", i+1), &m.Blocks[i].Depthwise},
			NamedUnit{fmt.Sprintf("block%d/pointwise", i+1), &m.Blocks[i].Pointwise})
	}
	return units
}

// Parameters counts all weights, the four vectors of each norm included.
func (m *Model) Parameters() int {
	n := len(m.Weights) + len(m.Bias)
	for _, u := range m.Units() {
		n += len(u.Weights) + 4*u.Out
	}
	return n
}

// Clone is a deep copy.
func (m *Model) Clone() *Model {
	c := &Model{
		Stem: m.Stem.clone(), Weights: append([]float32(nil), m.Weights...),
		Bias: append([]float32(nil), m.Bias...), Classes: m.Classes,
	}
	for i := range m.Blocks {
		b := &m.Blocks[i]
		c.Blocks = append(c.Blocks, Block{b.Depthwise.clone(), b.Pointwise.clone(), b.Residual})
	}
	return c
}

func (u *Unit) clone() Unit {
	c := *u
	for _, s := range []*[]float32{&c.Weights, &c.Norm.Gamma, &c.Norm.Beta, &c.Norm.Mean, &c.Norm.Variance} {
		*s = append([]float32(nil), *s...)
	}
	return c
}
