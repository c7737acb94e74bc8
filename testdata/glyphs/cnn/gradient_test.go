package cnn

import (
	"math"
	"math/rand/v2"
	"testing"
)

// Gradients are checked against central differences of a smooth function of
// the layer's output, sum of weight*output with fixed random weights, summed
// in float64. Float32 limits what agreement can be asked for.
const (
	difference = 1e-2
	tolerance  = 1e-2 // relative to the largest gradient
)

func randomMaps(random *rand.Rand, c, n, h, w int) *Maps {
	m := newMaps(c, n, h, w)
	for i := range m.Data {
		m.Data[i] = float32(random.NormFloat64())
	}
	return m
}

func randomParameter(random *rand.Rand, n int) parameter {
	return parameter{value: normal(random, n, 1), gradient: make([]float32, n)}
}

func copied(x *Maps) *Maps {
	y := x.like()
	copy(y.Data, x.Data)
	return y
}

// checkLayer compares all gradients of a layer at the input x.
func checkLayer(t *testing.T, random *rand.Rand, l layer, x *Maps, inputGradient bool) {
	t.Helper()
	y := l.forward(copied(x))
	up := randomMaps(random, y.C, y.N, y.H, y.W)
	objective := func() float64 {
		var sum float64
		for i, v := range l.forward(copied(x)).Data {
			sum += float64(v) * float64(up.Data[i])
		}
		return sum
	}
	l.forward(copied(x))
	dx := l.backward(copied(up))
	if inputGradient {
		compareGradient(t, "input", objective, x.Data, dx.Data)
	}
	for _, p := range l.parameters() {
		compareGradient(t, "parameter", objective, p.value, p.gradient)
	}
}

func compareGradient(t *testing.T, what string, objective func() float64, values, gradient []float32) {
	t.Helper()
	if len(values) != len(gradient) {
		t.Fatalf("%s: %d gradients for %d values", what, len(gradient), len(values))
	}
	largest := maxAbs(gradient)
	if largest == 0 {
		t.Fatalf("%s: all gradients are zero", what)
	}
	for i, v := range values {
		values[i] = v + difference
		above := objective()
		values[i] = v - difference
		below := objective()
		values[i] = v
		want := (above - below) / (2 * difference)
		if got := float64(gradient[i]); math.Abs(got-want) > tolerance*max(largest, math.Abs(want)) {
			t.Errorf("%s %d: gradient %g, difference quotient %g", what, i, got, want)
		}
	}
}

func TestLayerGradients(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	norm := func() *normLayer {
		return &normLayer{gamma: randomParameter(random, 3), beta: randomParameter(random, 3)}
	}
	bias := &biasLayer{randomParameter(random, 3)}
	cases := []struct {
		name  string
		layer layer
		x     *Maps
		input bool // whether the layer gives the gradient of its input
	}{
		{"stem", &stemLayer{weights: randomParameter(random, 4*taps), out: 4}, randomMaps(random, 1, 2, 5, 4), false},
		{"depthwise stride 1", &depthwiseLayer{weights: randomParameter(random, 3*taps), stride: 1}, randomMaps(random, 3, 2, 4, 5), true},
		{"depthwise stride 2", &depthwiseLayer{weights: randomParameter(random, 3*taps), stride: 2}, randomMaps(random, 3, 2, 6, 6), true},
		{"depthwise stride 2, odd", &depthwiseLayer{weights: randomParameter(random, 3*taps), stride: 2}, randomMaps(random, 3, 2, 5, 7), true},
		{"pointwise", &pointwiseLayer{weights: randomParameter(random, 4*3), out: 4}, randomMaps(random, 3, 2, 3, 2), true},
		{"bias", bias, randomMaps(random, 3, 4, 1, 1), true},
		{"norm", norm(), randomMaps(random, 3, 4, 3, 2), true},
		{"average", &averageLayer{}, randomMaps(random, 3, 2, 3, 4), true},
		{"residual", residual{chain{&pointwiseLayer{weights: randomParameter(random, 3*3), out: 3}, norm()}}, randomMaps(random, 3, 3, 2, 3), true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) { checkLayer(t, random, c.layer, c.x, c.input) })
	}
}

// The rectifier has kinks at 0 and at its limit: inputs keep away from them.
func TestRectifierGradient(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for _, limit := range []float32{1, float32(math.Inf(1))} {
		x := randomMaps(random, 2, 2, 4, 4)
		for i, v := range x.Data {
			if math.Abs(float64(v)) < 2*difference || math.Abs(float64(v-limit)) < 2*difference {
				x.Data[i] = 0.5
			}
		}
		checkLayer(t, random, &rectifier{limit: limit}, x, true)
	}
}

func TestCrossEntropyGradient(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	logits := randomMaps(random, 5, 3, 1, 1)
	labels := []int{4, 0, 2}
	_, gradient := crossEntropy(logits, labels, 1)
	compareGradient(t, "logit", func() float64 {
		loss, _ := crossEntropy(logits, labels, 1)
		return loss
	}, logits.Data, gradient.Data)
}

// The whole network has too many kinks for single weights; along random
// directions the change of the loss must match the gradient.
func TestNetworkGradient(t *testing.T) {
	const samples, step = 8, 1e-3
	random := rand.New(rand.NewPCG(7, 8))
	m, _, _ := randomModel(1)
	r := newReplica(m, samples)
	r.step(textures, 0, 1, true)
	var gradients [][]float32
	for _, p := range r.params {
		gradients = append(gradients, append([]float32(nil), p.gradient...))
	}
	for i, p := range r.params {
		gradient := gradients[i]
		value := append([]float32(nil), p.value...)
		length := 0.0
		for _, g := range gradient {
			length += float64(g) * float64(g)
		}
		length = math.Sqrt(length)
		if length < 1e-3 {
			t.Fatalf("parameter %d: gradient of length %g", i, length)
		}
		// Half along the gradient, half anywhere.
		direction := normal(random, len(value), 1/float64(len(value)))
		want := 0.0
		for j, g := range gradient {
			direction[j] += g / float32(length)
			want += float64(g) * float64(direction[j])
		}
		at := func(distance float32) float64 {
			for j := range value {
				p.value[j] = value[j] + distance*direction[j]
			}
			r.step(textures, 0, 1, false)
			copy(p.value, value)
			return r.loss
		}
		got := (at(step) - at(-step)) / (2 * step)
		if math.Abs(got-want) > 0.05*max(math.Abs(want), 0.1*length) {
			t.Errorf("parameter %d of %d weights: loss changes by %g a unit, gradient says %g", i, len(value), got, want)
		}
	}
}
