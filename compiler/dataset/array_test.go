package dataset

import (
	"math"
	"strings"
	"testing"
)

func TestFloat16CoversEveryBitPattern(t *testing.T) {
	for bits := range 1 << 16 {
		h := uint16(bits)
		exponent, fraction := int(h>>10&0x1f), float64(h&0x3ff)
		want := 0.0
		switch {
		case exponent == 0x1f && fraction != 0:
			want = math.NaN()
		case exponent == 0x1f:
			want = math.Inf(1)
		case exponent == 0:
			want = math.Ldexp(fraction, -24)
		default:
			want = math.Ldexp(1024+fraction, exponent-25)
		}
		if h&0x8000 != 0 {
			want = math.Copysign(want, -1)
		}
		got := float64(float16ToFloat32(h))
		same := got == want && math.Signbit(got) == math.Signbit(want) || math.IsNaN(want) && math.IsNaN(got)
		if !same {
			t.Fatalf("float16 %#04x = %v, want %v", h, got, want)
		}
	}
}

func TestConversionsSaturate(t *testing.T) {
	nan := math.Float64bits(math.NaN())
	data := make([]byte, 0, 40)
	for _, bits := range []uint64{nan, math.Float64bits(1e300), math.Float64bits(-1e300), math.Float64bits(-2.9), math.Float64bits(2.9)} {
		for shift := 0; shift < 64; shift += 8 {
			data = append(data, byte(bits>>shift))
		}
	}
	a, err := FromBytes([]int{5}, Float64, data)
	if err != nil {
		t.Fatal(err)
	}
	want := []int64{0, math.MaxInt64, math.MinInt64, -2, 2}
	for i, v := range a.Ints() {
		if v != want[i] {
			t.Errorf("element %d (%v) as integer is %d, want %d", i, a.Float64At(i), v, want[i])
		}
	}
	if v := a.Float32At(1); !math.IsInf(float64(v), 1) {
		t.Errorf("1e300 as float32 is %v, want +Inf", v)
	}
	u, err := FromBytes([]int{1}, Uint64, []byte{255, 255, 255, 255, 255, 255, 255, 255})
	if err != nil {
		t.Fatal(err)
	}
	if u.IntAt(0) != math.MaxInt64 || u.Float64At(0) != 18446744073709551615 || u.Float32At(0) != 18446744073709551615 {
		t.Errorf("largest uint64 is %d, %v, %v", u.IntAt(0), u.Float64At(0), u.Float32At(0))
	}
}

func TestConstructorsRefuse(t *testing.T) {
	cases := []struct {
		name string
		make func() (*Array, error)
		want string
	}{
		{"value below type", func() (*Array, error) { return FromInts([]int{1}, Uint8, []int64{-1}) }, "value -1 at element 0 does not fit uint8"},
		{"value above type", func() (*Array, error) { return FromInts([]int{2}, Int16, []int64{0, 40000}) }, "value 40000 at element 1 does not fit int16"},
		{"float type", func() (*Array, error) { return FromInts([]int{1}, Float32, []int64{1}) }, "no integer type"},
		{"count", func() (*Array, error) { return FromFloats([]int{2, 2}, []float32{1}) }, "takes 16 bytes, got 4"},
		{"negative axis", func() (*Array, error) { return FromFloats([]int{-1}, nil) }, "negative"},
		{"overflowing shape", func() (*Array, error) { return FromBytes([]int{1 << 32, 1 << 32}, Uint8, nil) }, "above the limit"},
		{"rank", func() (*Array, error) { return FromBytes(make([]int, 65), Uint8, nil) }, "65 axes"},
		{"type", func() (*Array, error) { return FromBytes(nil, InvalidType, nil) }, "invalid element type"},
	}
	for _, c := range cases {
		if _, err := c.make(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", c.name, err, c.want)
		}
	}
}
