package cnn

import (
	"math"
	"testing"
)

func TestFoldKeepsTheFunction(t *testing.T) {
	m, pixels, _ := randomModel(4)
	sameLogits(t, m, m.Fold(), pixels)
}

func TestShift(t *testing.T) {
	for _, c := range []struct {
		layer, channel float64
		want           int
	}{{1, 1, 0}, {1, 0.51, 0}, {1, 0.5, 1}, {1, 0.49, 1}, {3, 0.01, 8}, {1, 1e-9, 15}} {
		if got := Shift(c.layer, c.channel); got != c.want {
			t.Errorf("Shift(%g, %g) = %d, want %d", c.layer, c.channel, got, c.want)
		}
	}
}

// A classifier whose rows have known ranges: 127, 40 and 1 (and silence).
func TestQuantizeWeights(t *testing.T) {
	m, _, _ := randomModel(1)
	ranges := []float64{127, 40, 1, 0}
	n := m.channels()
	for i := range m.Weights {
		m.Weights[i] = float32(ranges[i/n] * math.Cos(float64(i%n)))
	}
	wantSteps := []struct {
		mode  WeightMode
		steps []float64
	}{
		{PerLayer, []float64{1, 1, 1}},
		{PerLayerShift, []float64{1, 0.5, 1.0 / 64}},
		{PerChannel, []float64{1, 40.0 / 127, 1.0 / 127}},
	}
	for _, c := range wantSteps {
		q := m.QuantizeWeights(c.mode)
		for i, w := range q.Weights {
			if ranges[i/n] == 0 {
				if w != 0 {
					t.Fatalf("%v: weight of a silent row is %g", c.mode, w)
				}
				continue
			}
			step := c.steps[i/n]
			levels := float64(w) / step
			if math.Abs(levels-math.Round(levels)) > 1e-4 || math.Abs(levels) > 127.001 {
				t.Fatalf("%v row %d: %g is no multiple of %g up to 127", c.mode, i/n, w, step)
			}
			if math.Abs(float64(w-m.Weights[i])) > 0.5001*step {
				t.Fatalf("%v row %d: %g became %g, more than half a step of %g", c.mode, i/n, m.Weights[i], w, step)
			}
		}
	}
}

func TestActivations(t *testing.T) {
	m, pixels, _ := randomModel(4)
	m = m.Fold()
	a := m.Calibrate(pixels)
	points := 0
	m.Forward(Images(pixels), func(point string, x *Maps) {
		points++
		r, ok := a.ranges[point]
		if !ok {
			t.Fatalf("%s was not calibrated", point)
		}
		if point != "input" && point != "classifier" && point != "block2/pointwise_norm" &&
			point != "block4/pointwise_norm" && r.low != 0 {
			t.Errorf("%s: lowest value %g after a rectifier", point, r.low)
		}
		step := (r.high - r.low) / activationSpan
		rounded := copied(x)
		a.Apply(point, rounded)
		for i, v := range x.Data {
			if math.Abs(float64(v-rounded.Data[i])) > 1.001*float64(step) {
				t.Fatalf("%s: %g became %g with a step of %g", point, v, rounded.Data[i], step)
			}
			if v == 0 && rounded.Data[i] != 0 {
				t.Fatalf("%s: zero became %g", point, rounded.Data[i])
			}
		}
	})
	if points != len(a.ranges) || points != 1+1+2*len(m.Blocks)+2+1+1 {
		t.Errorf("%d points, %d ranges", points, len(a.ranges))
	}
}
