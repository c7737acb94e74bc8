package codecstudy

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/npusim/npusim/compiler/dataset"
)

func TestOptionErrors(t *testing.T) {
	good := options(Block, 8, 80, 0.9)
	if err := good.Check(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		change func(*Options)
		want   string
	}{
		{func(o *Options) { o.Codec = InvalidCodec }, "codec 0"},
		{func(o *Options) { o.Inputs = 0 }, "n-in 0: must be 1 to 64"},
		{func(o *Options) { o.Inputs = 65 }, "n-in 65: must be 1 to 64"},
		{func(o *Options) { o.Codec, o.Inputs = Sequential, 9 }, "n-in 9: must be 1 to 8"},
		{func(o *Options) { o.Outputs = 8 }, "n-in 8: must be below n-out 8"},
		{func(o *Options) { o.Outputs = 1025 }, "n-out 1025: must be 1 to 1024"},
		{func(o *Options) { o.Registers = 1 }, "n-s 1: xor-block has no registers"},
		{func(o *Options) { o.Codec, o.Registers = Sequential, 3 }, "n-s 3: must be 0 to 2"},
		{func(o *Options) { o.Codec, o.Exact = Sequential, true }, "exact: xor-sequential"},
		{func(o *Options) { o.Inputs, o.Exact = 21, true }, "exact: n-in 21"},
		{func(o *Options) { o.Sparsity = 1 }, "sparsity 1: must be 0 to below 1"},
		{func(o *Options) { o.Sparsity = -0.1 }, "sparsity -0.1"},
		{func(o *Options) { o.Sparsity = math.NaN() }, "sparsity NaN"},
		{func(o *Options) { o.Mask = InvalidMask }, "mask 0"},
		{func(o *Options) { o.Mask, o.Sparsity = LowRankMask, 0 }, "mask low-rank: it decides"},
		{func(o *Options) { o.MaskBits = 0 }, "mask-bits 0"},
		{func(o *Options) { o.Networks = 0 }, "networks 0: must be 1 to 4096"},
		{func(o *Options) { o.Workers = -1 }, "workers -1"},
		{func(o *Options) { o.Planes = 2 }, "planes 2: xor-block has those of the tensor"},
		{func(o *Options) { o.Taps = 2 }, "taps 2: xor-block"},
		{func(o *Options) { *o = options(Fractional, 8, 0, 0) }, "n-out is missing"},
		{func(o *Options) { *o = options(Fractional, 8, 7, 0) }, "n-in 8: must not be above n-out 7"},
		{func(o *Options) { *o = options(Fractional, 8, 10, 0.5) }, "sparsity 0.5: xor-fractional"},
		{func(o *Options) { *o = options(Fractional, 8, 10, 0); o.Planes = 9 }, "planes 9: must be 1 to 8"},
		{func(o *Options) { *o = options(Fractional, 8, 10, 0); o.Taps = 9 }, "taps 9: must be 0 to n-in, 8"},
		{func(o *Options) { *o = options(Fractional, 8, 10, 0); o.Mask = RawMask }, "mask raw: xor-fractional"},
	} {
		o := good
		c.change(&o)
		_, err := Run(t.Context(), randomSource(t, "100"), o)
		var argument *UsageError
		if err == nil || !errors.As(err, &argument) || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("error is %v, want a usage error %q", err, c.want)
		}
	}
	o := good
	o.Mask = LowRankMask
	for size, want := range map[string]string{"4x100": "a matrix of 4 x 100", "101": "a matrix of 1 x 101", "20000x20000": "mask low-rank: 400000000 weights: must be at most 134217728"} {
		if _, err := Run(t.Context(), randomSource(t, size), o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("low rank of %s gives %v", size, err)
		}
	}
}

func TestSourceErrors(t *testing.T) {
	for _, size := range []string{"", "0", "-3", "x", "3x", "1e3", "2x3x4", "1073741825", "65536x65536", "99999999999999999999"} {
		if s, err := RandomSource(size); err == nil {
			t.Errorf("%q gives %+v", size, s)
		}
	}
	nan, err := dataset.FromFloats([]int{2}, []float32{1, float32(math.NaN())})
	if err != nil {
		t.Fatal(err)
	}
	for want, a := range map[string]*dataset.Array{
		"w.npy: element 1 is NaN, must be finite":  nan,
		"w.npy: element 1 is 3: elements of uint8": array(t, dataset.Uint8, []int{2}, []byte{1, 3}),
		"w.npy: elements of int16":                 array(t, dataset.Int16, []int{1}, []byte{1, 3}),
		"w.npy: 0 elements":                        array(t, dataset.Int8, []int{0, 4}, nil),
	} {
		if _, err := ArraySource("w.npy", a); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("error is %v, want %q", err, want)
		}
	}
}

func TestParseSweep(t *testing.T) {
	for text, want := range map[string]string{
		"sparsity=0.5:0.95:0.05": "[0.5 0.55 0.6 0.65 0.7 0.75 0.8 0.85 0.9 0.95]", "n-in=8:64:8": "[8 16 24 32 40 48 56 64]",
		"n-s=0:2": "[0 1 2]", "n-out=10:25:10": "[10 20]", "sparsity=0.8:0.9": "[0.8 0.85 0.9]", "n-in=5:5": "[5]",
	} {
		s, err := ParseSweep(text)
		if err != nil || fmt.Sprint(s.Values) != want {
			t.Errorf("%s gives %v, %v", text, s, err)
		}
	}
	for text, want := range map[string]string{
		"": "must be PARAMETER", "n-x=1:2": "must be PARAMETER=FROM:TO[:STEP] of n-in, n-out, n-s, sparsity", "n-in": "must be PARAMETER", "n-in=1": "FROM:TO", "n-in=1:2:3:4": "FROM:TO",
		"n-in=1:b": `"b" is no number`, "n-in=1:2.5": "whole number", "n-in=3:1": "must not go down", "n-in=1:9:0": "the step 0", "n-in=1:9:-1": "the step -1",
		"n-in=1:1e9": "at most 200 values", "sparsity=NaN:1": "is no number", "sparsity=0:1:1e-300": "at most 200",
	} {
		if s, err := ParseSweep(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s gives %v, %v, want %q", text, s, err, want)
		}
	}
}

func FuzzParseSweep(f *testing.F) {
	f.Add("sparsity=0.5:0.95:0.05")
	f.Add("n-in=1:1e300:1e299")
	f.Add("n-s=-0:2")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ParseSweep(text)
		if err != nil {
			return
		}
		if len(s.Values) < 1 || len(s.Values) > MaxSweep+1 {
			t.Errorf("%d values", len(s.Values))
		}
		for i := 1; i < len(s.Values); i++ {
			if s.Values[i] < s.Values[i-1] {
				t.Errorf("values %v", s.Values)
			}
		}
	})
}
