package fractional

import (
	"context"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/npusim/npusim/isa/fractionalcode"
)

// TestIntegerForm: int8 weights stay within +-127 and near the real ones, with
// steps for each channel or one for all, and choosing the bits anew for them
// does not make them worse.
func TestIntegerForm(t *testing.T) {
	encodeCases(t, func(name string, weights []float32, channels int, networks []fractionalcode.Network, o Options) {
		c := mustEncode(t, weights, channels, networks, o).Code
		before, err := Measure(weights, c, o.Importance)
		if err != nil {
			t.Fatal(err)
		}
		for _, perChannel := range []bool{true, false} {
			steps, err := Steps([]*fractionalcode.Code{c}, perChannel)
			if err != nil {
				t.Fatal(err)
			}
			if err := FixScales(c, steps); err != nil {
				t.Fatal(err)
			}
			real, _ := c.Floats()
			integers, err := c.Integers()
			if err != nil {
				t.Fatal(err)
			}
			largest := int8(0)
			for i, v := range integers {
				step := float64(c.Integer.Step(c.Channel(i)))
				// Half a step from each plane, and one more where a sum had to fit.
				if d := math.Abs(float64(v)*step - float64(real[i])); d > step*(float64(len(networks))/2+1) {
					t.Fatalf("%s: weight %d is %d steps of %g for %g", name, i, v, step, real[i])
				}
				largest = max(largest, v, -v)
			}
			if largest < 60 {
				t.Errorf("%s: the largest int8 weight is %d: the steps are too large", name, largest)
			}
			was, err := MeasureIntegers(weights, c, o.Importance)
			if err != nil {
				t.Fatal(err)
			}
			if was.Squared > before.Squared*1.02 {
				t.Errorf("%s: int8 scales raise the error from %g to %g", name, before.Squared, was.Squared)
			}
			refitted, err := Refit(context.Background(), weights, c, o)
			if err != nil {
				t.Fatal(err)
			}
			is, err := MeasureIntegers(weights, refitted, o.Importance)
			if err != nil {
				t.Fatal(err)
			}
			if is.Squared > was.Squared*(1+1e-12) {
				t.Errorf("%s: bits for int8 scales raise the error from %g to %g", name, was.Squared, is.Squared)
			}
			if string(scaleBytes(refitted)) != string(scaleBytes(c)) {
				t.Errorf("%s: the scales changed", name)
			}
		}
	})
}

func scaleBytes(c *fractionalcode.Code) (data []byte) {
	for _, s := range c.Integer.Scales {
		data = append(data, byte(s))
	}
	return data
}

// TestRefitRepairs: bits that are wrong are put right.
func TestRefitRepairs(t *testing.T) {
	weights := normal(4, 100, 1)
	networks, _ := drawn(t, 12, 20, 2, 1, 2)
	r := mustEncode(t, weights, 4, networks, Options{})
	spoiled := *r.Code
	spoiled.Planes = append([]fractionalcode.Plane(nil), r.Code.Planes...)
	codes := &spoiled.Planes[0].Codes
	codes.Bytes = append([]byte(nil), codes.Bytes...)
	for i := range len(codes.Bytes) - 1 {
		codes.Bytes[i] ^= 0x55
	}
	bad, err := Measure(weights, &spoiled, nil)
	if err != nil {
		t.Fatal(err)
	}
	repaired, err := Refit(context.Background(), weights, &spoiled, Options{})
	if err != nil {
		t.Fatal(err)
	}
	good, err := Measure(weights, repaired, nil)
	if err != nil {
		t.Fatal(err)
	}
	if bad.Squared < 1.5*r.Error.Squared || good.Squared > r.Error.Squared*(1+1e-6) {
		t.Errorf("error %g, spoiled %g, repaired %g", r.Error.Squared, bad.Squared, good.Squared)
	}
}

// TestEncoder: one encoder gives what separate calls give, tile after tile, and
// refuses codes of other networks.
func TestEncoder(t *testing.T) {
	networks, _ := drawn(t, 12, 20, 2, 2, 2)
	e, err := NewEncoder(networks, 0)
	if err != nil {
		t.Fatal(err)
	}
	for seed := range uint64(3) {
		weights := normal(4, 50, seed)
		own, err := e.Encode(context.Background(), weights, 4, Options{})
		if err != nil {
			t.Fatal(err)
		}
		a, _ := own.Code.MarshalBinary()
		b, _ := mustEncode(t, weights, 4, networks, Options{}).Code.MarshalBinary()
		if len(a) == 0 || string(a) != string(b) {
			t.Errorf("tile %d: other bytes from an encoder", seed)
		}
		if _, err := e.Refit(context.Background(), weights, own.Code, Options{}); err != nil {
			t.Error(err)
		}
		if _, err := e.Refit(context.Background(), weights[:100], own.Code, Options{}); err == nil || !strings.Contains(err.Error(), "100 weights, the code has 200") {
			t.Errorf("fewer weights: error %v", err)
		}
	}
	others, _ := drawn(t, 12, 20, 2, 2, 3)
	weights := normal(4, 50, 1)
	if _, err := e.Refit(context.Background(), weights, mustEncode(t, weights, 4, others, Options{}).Code, Options{}); err == nil || !strings.Contains(err.Error(), "another network") {
		t.Errorf("other networks: error %v", err)
	}
	if _, err := NewEncoder(networks, -1); err == nil || !strings.Contains(err.Error(), "effort -1") {
		t.Errorf("effort: error %v", err)
	}
}

// TestRoundingStaysWithinSum: scales that would all round up go down where it
// hurts least.
func TestRoundingStaysWithinSum(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 3))
	networks, _ := drawn(t, 4, 8, 2, 4, 1)
	c := mustEncode(t, normal(1, 8, 1), 1, networks, Options{Rounds: 1}).Code
	for range 500 {
		for p := range c.Planes {
			c.Planes[p].Scales[0] = float32(random.NormFloat64() * math.Pow(10, 4*random.Float64()-2))
		}
		steps, err := Steps([]*fractionalcode.Code{c}, random.IntN(2) == 0)
		if err != nil {
			t.Fatal(err)
		}
		if err := FixScales(c, steps); err != nil {
			t.Fatal(err)
		}
		if err := c.Validate(); err != nil {
			t.Fatal(err)
		}
		for p := range c.Planes {
			if d := float64(c.Planes[p].Scales[0])/float64(steps[0]) - float64(c.Integer.Scales[p]); math.Abs(d) > 1.01 {
				t.Fatalf("scale %g became %d steps of %g", c.Planes[p].Scales[0], c.Integer.Scales[p], steps[0])
			}
		}
	}
}

// TestStepsOfTiles: parts of a layer share steps that hold for all of them.
func TestStepsOfTiles(t *testing.T) {
	networks, _ := drawn(t, 8, 20, 2, 2, 1)
	var tiles []*fractionalcode.Code
	for seed := range uint64(3) {
		weights := normal(4, 60, seed)
		for i := range weights {
			weights[i] *= float32(1 + seed)
		}
		tiles = append(tiles, mustEncode(t, weights, 4, networks, Options{Order: fractionalcode.ChannelMinor}).Code)
	}
	for _, perChannel := range []bool{true, false} {
		steps, err := Steps(tiles, perChannel)
		if err != nil {
			t.Fatal(err)
		}
		for i, c := range tiles {
			if err := FixScales(c, steps); err != nil {
				t.Errorf("tile %d: %v", i, err)
			}
		}
	}
	own, err := Steps(tiles[:1], false)
	if err != nil {
		t.Fatal(err)
	}
	if err := FixScales(tiles[2], own); err == nil || !strings.Contains(err.Error(), "must be within 127") {
		t.Errorf("steps of another tile: error %v", err)
	}
	if err := FixScales(tiles[2], make([]float32, 2)); err == nil || !strings.Contains(err.Error(), "2 steps") {
		t.Errorf("number of steps: error %v", err)
	}
	if err := FixScales(tiles[2], []float32{0}); err == nil || !strings.Contains(err.Error(), "step 0 is 0") {
		t.Errorf("step 0: error %v", err)
	}
	if _, err := Steps(nil, true); err == nil {
		t.Error("steps of no codes")
	}
	odd := mustEncode(t, normal(3, 60, 1), 3, networks, Options{}).Code
	if _, err := Steps([]*fractionalcode.Code{tiles[0], odd}, true); err == nil || !strings.Contains(err.Error(), "3 channels") {
		t.Errorf("other channels: error %v", err)
	}
}
