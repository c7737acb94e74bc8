package quantize

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/npusim/npusim/compiler/integer"
	"github.com/npusim/npusim/configs"
	"github.com/npusim/npusim/isa/fixed"
	"pgregory.net/rapid"
)

// unitLayer has an input and an output of scale 1/64.
func unitLayer(channels int, weights, bias []float32) *layerWeights {
	return &layerWeights{weights: weights, bias: bias, channels: channels, bits: 8,
		in: &integer.Tensor{Bits: 8, Scale: 1.0 / 64}, out: &integer.Tensor{Bits: 8, Scale: 1.0 / 64}}
}

func quantizeLayer(t testing.TB, l *layerWeights, scheme configs.WeightScheme) *quantizedWeights {
	t.Helper()
	q, err := l.quantize(scheme)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

// channelSQNR is the signal to noise ratio of one channel's weights in dB.
func channelSQNR(l *layerWeights, q *quantizedWeights, c int) float64 {
	var signal, noise float64
	for i, w := range l.channel(c) {
		d := float64(w) - q.scale(c)*float64(q.weights[c*l.taps()+i])
		signal += float64(w) * float64(w)
		noise += d * d
	}
	return 10 * math.Log10(signal/noise)
}

// TestSchemesOnSpreadChannels is the check of the shift scaler without data:
// 512 Gaussian channels whose widths are log-uniform over a spread. One scale
// for the layer loses about 6 dB for each factor of 2 of spread; shifts stay
// within 6.02 dB of a scale for each channel, and within about 3 dB on average,
// whatever the spread. The figures are averages over the channels of several
// draws, widths being spaced evenly so that draws scatter little.
func TestSchemesOnSpreadChannels(t *testing.T) {
	const channels, taps, draws = 512, 256, 8
	for _, c := range []struct {
		bits                        int // log2 of the spread
		perLayer, shift, perChannel float64
	}{
		{0, 40.0, 40.0, 43.1}, {2, 35.5, 40.0, 43.1}, {4, 29.1, 40.2, 43.1},
		{8, 19.3, 40.1, 43.2}, {12, 12.5, 40.2, 43.2}, {16, 9.8, 40.0, 43.1},
	} {
		t.Run(fmt.Sprintf("2^%d", c.bits), func(t *testing.T) {
			var layer, shift, channel float64 // mean SQNR
			var worst float64                 // largest loss of a channel by shifting
			for draw := range draws {
				rng := rand.New(rand.NewPCG(uint64(draw), 2008))
				weights := make([]float32, channels*taps)
				for m := range channels {
					width := math.Exp2(-float64(c.bits) * (float64(m) + 0.5) / channels)
					for i := range taps {
						weights[m*taps+i] = float32(width * rng.NormFloat64())
					}
				}
				l := unitLayer(channels, weights, nil)
				q := [...]*quantizedWeights{quantizeLayer(t, l, configs.PerLayer), quantizeLayer(t, l, configs.PerLayerShift), quantizeLayer(t, l, configs.PerChannel)}
				for m := range channels {
					shifted, separate := channelSQNR(l, q[1], m), channelSQNR(l, q[2], m)
					layer += channelSQNR(l, q[0], m) / (channels * draws)
					shift += shifted / (channels * draws)
					channel += separate / (channels * draws)
					if q[1].requantizer.ChannelShift[m] == integer.MaxChannelShift {
						continue // wanted more than 15 bits
					}
					worst = math.Max(worst, separate-shifted)
					if ratio := q[1].scale(m) / q[2].scale(m); ratio >= 2 {
						t.Fatalf("channel %d has steps %g times as long as with a scale of its own", m, ratio)
					}
				}
			}
			t.Logf("mean SQNR: layer %.1f dB, shift %.1f dB, channel %.1f dB; a shifted channel loses at most %.2f dB", layer, shift, channel, worst)
			// One scale for the layer hangs on its single largest weight, so that
			// one draw, which the expected figures come from, scatters by 0.8 dB.
			for _, f := range []struct{ got, want, tolerance float64 }{{layer, c.perLayer, 1.2}, {channel, c.perChannel, 0.7}} {
				if math.Abs(f.got-f.want) > f.tolerance {
					t.Errorf("mean SQNR is %.2f dB instead of %.1f", f.got, f.want)
				}
			}
			// The expected figure is that of the threshold R; a chosen threshold
			// gains up to 1.5 dB where the channels are alike, never loses.
			if shift < c.shift-0.7 || shift > c.shift+1.5 || shift > channel {
				t.Errorf("mean SQNR with shifts is %.2f dB, expected %.1f to %.1f", shift, c.shift, c.shift+1.5)
			}
			// Steps less than twice as long cost less than 6.02 dB on average; the
			// rounding noise of 256 weights scatters by a third of a dB.
			if worst > 6.02+1.5 {
				t.Errorf("a channel loses %.2f dB against a scale of its own", worst)
			}
		})
	}
}

// TestEqualizingShift compares with the formula in exact arithmetic on powers
// of two and their neighbours.
func TestEqualizingShift(t *testing.T) {
	for _, c := range []struct {
		largest, r float64
		want       uint8
	}{
		{1, 1, 0}, {1, 0.5, 1}, {1, math.Nextafter(0.5, 1), 0}, {1, math.Nextafter(0.5, 0), 1},
		{3, 0.75, 2}, {3, 0.76, 1}, {1, math.Ldexp(1, -15), 15}, {1, math.Ldexp(1, -40), 15}, {1, 0, 0}, {0, 0, 0},
	} {
		if k := equalizingShift(c.largest, c.r); k != c.want {
			t.Errorf("R %g, r %g: k is %d instead of %d", c.largest, c.r, k, c.want)
		}
	}
}

func TestPerLayerShiftByHand(t *testing.T) {
	// Channels of width 1, 1/4 and 0; input and output scale 1/64.
	l := unitLayer(3, []float32{1, -0.5, 0.25, 0.125, 0, 0}, []float32{1, 1, 1})
	l.in.Zero = 10
	q := quantizeLayer(t, l, configs.PerLayerShift)
	if want := []uint8{0, 2, 0}; !slices.Equal(q.requantizer.ChannelShift, want) {
		t.Fatalf("shifts are %v instead of %v", q.requantizer.ChannelShift, want)
	}
	if want := []int8{127, -64, 127, 64, 0, 0}; !slices.Equal(q.weights, want) {
		t.Errorf("weights are %v instead of %v", q.weights, want)
	}
	// b*2^k/(s_in*s_w) - zero*sum(q), with s_in*s_w = 1/(64*127)
	if want := []int32{64*127 - 10*63, 4*64*127 - 10*191, 64 * 127}; !slices.Equal(q.bias, want) {
		t.Errorf("biases are %v instead of %v", q.bias, want)
	}
	if q.scales[0] != 1.0/127 || len(q.scales) != 1 {
		t.Errorf("scales are %v", q.scales)
	}
	if m := q.requantizer.PerLayer.Value(); math.Abs(m*127-1) > 1e-9 {
		t.Errorf("multiplier is %g instead of 1/127", m)
	}
}

// TestShiftIsLoweredForTheBias: a narrow channel with a large bias cannot keep
// its shift, since the bias is scaled along.
func TestShiftIsLoweredForTheBias(t *testing.T) {
	weights := []float32{1, 1.0 / 1024}
	bias := []float32{0, 1e4}
	l := unitLayer(2, weights, bias)
	q := quantizeLayer(t, l, configs.PerLayerShift)
	// 1e4*64*127*2^k < 2^31 - 127*128 - ... holds up to k = 4.
	if want := []uint8{0, 4}; !slices.Equal(q.requantizer.ChannelShift, want) || q.lowered != 1 || q.widened != 0 {
		t.Errorf("shifts are %v, %d lowered, %d widened; instead of %v, 1, 0", q.requantizer.ChannelShift, q.lowered, q.widened, want)
	}
	if q.bias[1] != int32(1e4*64*127*16) {
		t.Errorf("bias is %d", q.bias[1])
	}
}

// TestShiftIsLoweredForTheShifter: n + k may not pass 62.
func TestShiftIsLoweredForTheShifter(t *testing.T) {
	l := unitLayer(2, []float32{1, math.Float32frombits(0x38800000)}, nil) // 1 and 2^-14
	l.out.Scale = math.Ldexp(1, 20)
	q := quantizeLayer(t, l, configs.PerLayerShift)
	n, k := q.requantizer.PerLayer.Shift, q.requantizer.ChannelShift[1]
	if n+k != fixed.MaxShift || q.lowered != 1 {
		t.Errorf("n %d + k %d with %d lowered; must just reach %d", n, k, q.lowered, fixed.MaxShift)
	}
}

// TestHugeBiasWidensTheScale: with no shift to lower, the step grows until
// the bias fits 32 bits.
func TestHugeBiasWidensTheScale(t *testing.T) {
	for _, scheme := range []configs.WeightScheme{configs.PerLayer, configs.PerLayerShift, configs.PerChannel} {
		l := unitLayer(2, []float32{1, 0.5}, []float32{0, 1e8})
		q := quantizeLayer(t, l, scheme)
		if q.widened == 0 {
			t.Errorf("%v: nothing was widened", scheme)
		}
		if got := float64(q.bias[1]) * l.in.Scale * q.scale(1); math.Abs(got/1e8-1) > 1e-6 {
			t.Errorf("%v: the bias stands for %g instead of 1e8", scheme, got)
		}
	}
}

func TestLayerWithoutWeights(t *testing.T) {
	for _, scheme := range []configs.WeightScheme{configs.PerLayer, configs.PerLayerShift, configs.PerChannel} {
		l := unitLayer(2, make([]float32, 6), []float32{0.3, -1.7})
		q := quantizeLayer(t, l, scheme)
		for c, b := range l.bias {
			m := q.requantizer.ChannelMultiplier(c)
			got := float64(fixed.Requantize(q.bias[c], m.M0, m.Shift, 0, -128, 127)) * l.out.Scale
			if math.Abs(got-float64(b)) > 0.501*l.out.Scale {
				t.Errorf("%v: a bias of %g becomes %g", scheme, b, got)
			}
		}
		if q.sqnr != exactSQNR {
			t.Errorf("%v: weights of zero have an SQNR of %g", scheme, q.sqnr)
		}
	}
}

// TestSchemesAgreeOnTheRealLayer: whatever the scheme and the bits, weights
// are within half a step, biases within half a unit, and 0 stays 0.
func TestSchemesAgreeOnTheRealLayer(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		channels, taps := rapid.IntRange(1, 5).Draw(t, "channels"), rapid.IntRange(1, 9).Draw(t, "taps")
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 3))
		l := unitLayer(channels, make([]float32, channels*taps), make([]float32, channels))
		l.bits = uint8(rapid.IntRange(2, 8).Draw(t, "bits"))
		l.in.Zero = int8(rng.IntN(256) - 128)
		for m := range channels {
			width := math.Exp2(-20 * rng.Float64())
			for i := range taps {
				l.weights[m*taps+i] = float32(width * rng.NormFloat64())
			}
			l.bias[m] = float32(rng.NormFloat64())
		}
		scheme := rapid.SampledFrom([]configs.WeightScheme{configs.PerLayer, configs.PerLayerShift, configs.PerChannel}).Draw(t, "scheme")
		q, err := l.quantize(scheme)
		if err != nil {
			t.Fatal(err)
		}
		limit := int(l.steps())
		for m := range channels {
			sum := 0
			for i, w := range l.channel(m) {
				v := int(q.weights[m*taps+i])
				sum += v
				if v < -limit || v > limit {
					t.Fatalf("weight %d is outside of +-%d", v, limit)
				}
				if d := math.Abs(float64(w) - q.scale(m)*float64(v)); d > 0.5000001*q.scale(m) {
					t.Fatalf("weight %g becomes %g, steps of %g", w, q.scale(m)*float64(v), q.scale(m))
				}
			}
			unit := l.in.Scale * q.scale(m)
			if d := math.Abs(float64(l.bias[m])/unit - float64(int(q.bias[m])+int(l.in.Zero)*sum)); d > 0.5000001 {
				t.Fatalf("bias %g is off by %g units", l.bias[m], d)
			}
			multiplier := q.requantizer.ChannelMultiplier(m)
			want := unit / l.out.Scale
			if d := math.Abs(multiplier.Value() - want); d > want*math.Ldexp(1, -31) && d > math.Ldexp(1, -62) {
				t.Fatalf("multiplier %g instead of %g", multiplier.Value(), want)
			}
		}
	})
}

func TestUnknownScheme(t *testing.T) {
	if _, err := unitLayer(1, []float32{1}, nil).quantize(0); err == nil {
		t.Error("scheme 0 is accepted")
	}
}
