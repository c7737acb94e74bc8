package onnx

import (
	"bytes"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// Every storage form of every type that can be turned into numbers.
func TestStorageForms(t *testing.T) {
	inf := float32(math.Inf(1))
	cases := []struct {
		name   string
		wire   wire
		floats []float32
		ints   []int64
	}{
		{"float raw", tensorWire(Float, 2).bytes(9, floatBytes(1, -2.5)), []float32{1, -2.5}, nil},
		{"float packed", tensorWire(Float, 2).bytes(4, floatBytes(1, -2.5)), []float32{1, -2.5}, nil},
		{"float unpacked", tensorWire(Float, 2).fixed32(4, 1, -2.5), []float32{1, -2.5}, nil},
		{"float mixed", tensorWire(Float, 2, 2).bytes(4, floatBytes(1, 2)).fixed32(4, 3).bytes(4, floatBytes(4)), []float32{1, 2, 3, 4}, nil},
		{"float data before type", wire(nil).bytes(4, floatBytes(1, 2)).varint(2, 1).varint(1, 2), []float32{1, 2}, nil},
		{"float scalar", tensorWire(Float).fixed32(4, 3), []float32{3}, nil},
		{"float none", tensorWire(Float, 4, 0), []float32{}, nil},
		{"dims packed", wire(nil).packed(1, 2, 1).varint(2, 1).bytes(9, floatBytes(1, 2)), []float32{1, 2}, nil},
		{"empty raw beside typed", tensorWire(Float, 1).bytes(9, nil).fixed32(4, 3), []float32{3}, nil},
		{"double raw", tensorWire(Double, 2).bytes(9, doubleBytes(0.1, 1e300)), []float32{0.1, inf}, nil},
		{"double packed", tensorWire(Double, 2).bytes(10, doubleBytes(0.1, -4)), []float32{0.1, -4}, nil},
		{"double unpacked", tensorWire(Double, 1).fixed64(10, 0.1), []float32{0.1}, nil},
		{"float16 raw", tensorWire(Float16, 3).bytes(9, []byte{0x00, 0x3c, 0x01, 0x80, 0x00, 0x7c}), []float32{1, -0x1p-24, inf}, nil},
		{"float16 packed", tensorWire(Float16, 2).packed(5, 0x3c00, 0xc000), []float32{1, -2}, nil},
		{"float16 unpacked", tensorWire(Float16, 2).varint(5, 0x3555, 0xfbff), []float32{0x1.554p-2, -65504}, nil},
		{"bfloat16 raw", tensorWire(BFloat16, 1).bytes(9, []byte{0x80, 0x3f}), []float32{1}, nil},
		{"bfloat16 packed", tensorWire(BFloat16, 2).packed(5, 0x3f80, 0xc040), []float32{1, -3}, nil},
		{"int8 raw", tensorWire(Int8, 2).bytes(9, []byte{0x80, 0x7f}), nil, []int64{-128, 127}},
		{"int8 packed", tensorWire(Int8, 3).packed(5, -128, 127, -1), nil, []int64{-128, 127, -1}},
		{"int8 unpacked", tensorWire(Int8, 2).varint(5, -128, 5), nil, []int64{-128, 5}},
		{"uint8 raw", tensorWire(Uint8, 2).bytes(9, []byte{0, 255}), nil, []int64{0, 255}},
		{"uint8 packed", tensorWire(Uint8, 2).packed(5, 0, 255), nil, []int64{0, 255}},
		{"int16 raw", tensorWire(Int16, 1).bytes(9, []byte{0x00, 0x80}), nil, []int64{-32768}},
		{"int16 packed", tensorWire(Int16, 2).packed(5, -32768, 32767), nil, []int64{-32768, 32767}},
		{"uint16 raw", tensorWire(Uint16, 1).bytes(9, []byte{0xfe, 0xff}), nil, []int64{65534}},
		{"uint16 packed", tensorWire(Uint16, 1).packed(5, 65535), nil, []int64{65535}},
		{"int32 raw", tensorWire(Int32, 1).bytes(9, []byte{0, 0, 0, 0x80}), nil, []int64{math.MinInt32}},
		{"int32 packed", tensorWire(Int32, 2).packed(5, math.MinInt32, math.MaxInt32), nil, []int64{math.MinInt32, math.MaxInt32}},
		{"int32 short negative", tensorWire(Int32, 1).varint(5, 0xffff_ffff), nil, []int64{-1}},
		{"uint32 raw", tensorWire(Uint32, 1).bytes(9, []byte{0xff, 0xff, 0xff, 0xff}), nil, []int64{math.MaxUint32}},
		{"uint32 packed", tensorWire(Uint32, 1).packed(11, math.MaxUint32), nil, []int64{math.MaxUint32}},
		{"int64 raw", tensorWire(Int64, 1).bytes(9, []byte{0xfe, 255, 255, 255, 255, 255, 255, 255}), nil, []int64{-2}},
		{"int64 packed", tensorWire(Int64, 2).packed(7, math.MinInt64, 3), nil, []int64{math.MinInt64, 3}},
		{"int64 unpacked", tensorWire(Int64, 2).varint(7, math.MaxInt64, -3), nil, []int64{math.MaxInt64, -3}},
		{"uint64 raw", tensorWire(Uint64, 1).bytes(9, []byte{5, 0, 0, 0, 0, 0, 0, 0}), nil, []int64{5}},
		{"uint64 packed", tensorWire(Uint64, 1).packed(11, math.MaxInt64), nil, []int64{math.MaxInt64}},
		{"bool raw", tensorWire(Bool, 3).bytes(9, []byte{0, 1, 2}), nil, []int64{0, 1, 1}},
		{"bool packed", tensorWire(Bool, 2).packed(5, 1, 0), nil, []int64{1, 0}},
		{"int4 raw", tensorWire(Int4, 3).bytes(9, []byte{0x8f, 0x07}), nil, []int64{-1, -8, 7}},
		{"int4 packed", tensorWire(Int4, 3).packed(5, 0x8f, 0x07), nil, []int64{-1, -8, 7}},
		{"uint4 raw", tensorWire(Uint4, 3).bytes(9, []byte{0x8f, 0x07}), nil, []int64{15, 8, 7}},
		{"int2 raw", tensorWire(Int2, 5).bytes(9, []byte{0b11_10_01_00, 0b10}), nil, []int64{0, 1, -2, -1, -2}},
		{"uint2 raw", tensorWire(Uint2, 5).bytes(9, []byte{0b11_10_01_00, 0b10}), nil, []int64{0, 1, 2, 3, 2}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			tensor, err := DecodeTensor(c.wire, "t.pb")
			if err != nil {
				t.Fatal(err)
			}
			floats, errFloats := tensor.Floats()
			ints, errInts := tensor.Ints()
			if c.floats != nil {
				if diff := cmp.Diff(c.floats, floats); errFloats != nil || diff != "" {
					t.Errorf("floats: %v\n%s", errFloats, diff)
				}
				if errInts == nil {
					t.Error("a floating tensor was given as integers")
				}
				return
			}
			if diff := cmp.Diff(c.ints, ints); errInts != nil || diff != "" {
				t.Errorf("ints: %v\n%s", errInts, diff)
			}
			if errFloats == nil {
				t.Error("an integer tensor was given as floats")
			}
		})
	}
}

func TestStringAndOtherTypes(t *testing.T) {
	tensor, err := DecodeTensor(tensorWire(String, 2).text(6, "up").text(6, ""), "t.pb")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([][]byte{[]byte("up"), {}}, tensor.Text, cmpopts.EquateEmpty()); diff != "" || tensor.Raw != nil {
		t.Errorf("raw %v, text %s", tensor.Raw, diff)
	}
	// Types without conversion keep their bytes.
	for _, c := range []struct {
		wire wire
		raw  []byte
	}{
		{tensorWire(Complex64, 1).fixed32(4, 1, 2), floatBytes(1, 2)},
		{tensorWire(Complex128, 1).bytes(10, doubleBytes(1, 2)), doubleBytes(1, 2)},
		{tensorWire(Float8E5M2, 2).packed(5, 0x7c, 0xfc), []byte{0x7c, 0xfc}},
		{tensorWire(Float4E2M1, 3).packed(5, 0x12, 0x03), []byte{0x12, 0x03}},
	} {
		tensor, err := DecodeTensor(c.wire, "t.pb")
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(tensor.Raw, c.raw) {
			t.Errorf("%v: raw % x, want % x", tensor.Type, tensor.Raw, c.raw)
		}
		if _, err := tensor.Floats(); err == nil {
			t.Errorf("%v was given as floats", tensor.Type)
		}
	}
}

func TestTensorFaults(t *testing.T) {
	for _, c := range []struct {
		name string
		wire wire
		says string
	}{
		{"no type", wire(nil).varint(1, 1).fixed32(4, 1), "data_type 0"},
		{"unknown type", tensorWire(99, 1).bytes(9, []byte{1}), "data_type 99"},
		{"negative dim", tensorWire(Float, 2, -3), "dims[1] is -3"},
		{"1e12 elements", tensorWire(Float, 1e12), "more than 2147483647 elements"},
		{"product overflows", tensorWire(Float, 1<<32, 1<<32), "more than 2147483647 elements"},
		{"2^31 strings", tensorWire(String, math.MaxInt32), "no string_data"},
		{"many elements, no data", tensorWire(Double, 1<<30), "0 bytes of data where dims [1073741824] of DOUBLE take 8589934592"},
		{"rank", tensorWire(Float, make([]int64, 65)...), "more than 64 dimensions"},
		{"raw too short", tensorWire(Float, 2).bytes(9, make([]byte, 7)), "7 bytes of data where dims [2] of FLOAT take 8"},
		{"raw too long", tensorWire(Float).bytes(9, make([]byte, 5)), "5 bytes of data"},
		{"too few entries", tensorWire(Int64, 3).packed(7, 1, 2), "int64_data has 2 entries where dims [3] of INT64 take 3"},
		{"too many entries", tensorWire(Float).fixed32(4, 1, 2), "float_data has 2 entries"},
		{"missing scalar", tensorWire(Float), "0 bytes of data"},
		{"raw and typed", tensorWire(Float, 1).bytes(9, floatBytes(1)).fixed32(4, 1), "raw_data and in float_data"},
		{"two typed fields", tensorWire(Float, 1).varint(5, 1).fixed32(4, 1), "int32_data and in float_data"},
		{"wrong typed field", tensorWire(Float, 1).varint(5, 1), "FLOAT stand in raw_data or float_data, not in int32_data"},
		{"raw strings", tensorWire(String, 1).bytes(9, []byte("a")), "string_data"},
		{"int8 out of range", tensorWire(Int8, 1).varint(5, 128), "128 of int32_data does not fit INT8"},
		{"uint8 out of range", tensorWire(Uint8, 1).packed(5, -1), "-1 of int32_data does not fit UINT8"},
		{"float16 out of range", tensorWire(Float16, 1).packed(5, 65536), "does not fit FLOAT16"},
		{"bool out of range", tensorWire(Bool, 1).packed(5, 2), "does not fit BOOL"},
		{"uint32 out of range", tensorWire(Uint32, 1).packed(11, 1<<32), "does not fit UINT32"},
		{"ragged floats", tensorWire(Float, 1).bytes(4, make([]byte, 6)), "6 bytes, must be a multiple of 4"},
		{"open varint", tensorWire(Int64, 1).bytes(7, []byte{0x80}), "truncated in packed int64_data"},
		{"overlong varint", tensorWire(Int64, 1).bytes(7, bytes.Repeat([]byte{0xff}, 11)), "truncated"},
		{"overlong closed varint", tensorWire(Int64, 1).bytes(7, append(bytes.Repeat([]byte{0xff}, 11), 1)), "malformed bytes in packed int64_data"},
		{"wire type of dims", tensorWire(Float).fixed32(1, 1), "dims (field 1) is 32-bit on the wire, must be varint"},
		{"wire type of raw", tensorWire(Float).varint(9, 1), "raw_data (field 9) is varint on the wire, must be length-delimited"},
		{"wire type of doubles", tensorWire(Double, 1).fixed32(10, 1), "must be 64-bit"},
		{"segment", tensorWire(Float).bytes(3, nil), "segment"},
		{"location", tensorWire(Float).varint(14, 2), "data_location is 2"},
		{"external", tensorWire(Float, 1).varint(14, 1).bytes(13, wire(nil).text(1, "location").text(2, "a.bin")), `external data in "a.bin"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := DecodeTensor(c.wire, "t.pb")
			wantFault(t, err, "tensor", c.says, "t.pb: tensor: ")
		})
	}
}

func TestNotATensor(t *testing.T) {
	tensor := tensorWire(Float, 1).fixed32(4, 1)
	for _, c := range []struct {
		name string
		wire wire
		is   bool
	}{
		{"sequence", wire(nil).text(1, "s").varint(2, 1).bytes(3, tensor).bytes(3, tensor), true},
		{"empty sequence", wire(nil).varint(2, 1), true},
		{"named empty sequence", wire(nil).text(1, "seq").varint(2, 1), true},
		{"optional", wire(nil).varint(2, 1).bytes(3, tensor), true},
		{"nothing", nil, true},
		{"bad tensor", tensorWire(Float, 2).fixed32(4, 1), false},
		{"truncated sequence", wire(nil).bytes(3, tensor)[:9], false},
	} {
		_, err := DecodeTensor(c.wire, "t.pb")
		if err == nil {
			t.Errorf("%s: no error", c.name)
		} else if got := strings.Contains(err.Error(), "SequenceProto or OptionalProto"); got != c.is {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// Every one of the 65,536 half-precision patterns against the definition.
func TestHalfToFloat(t *testing.T) {
	for h := range 1 << 16 {
		exponent, fraction := h>>10&31, float64(h&0x3ff)
		want := math.Ldexp(1+fraction/1024, exponent-15)
		switch {
		case exponent == 0:
			want = math.Ldexp(fraction/1024, -14)
		case exponent == 31 && fraction == 0:
			want = math.Inf(1)
		case exponent == 31:
			want = math.NaN()
		}
		want = math.Copysign(want, 1-2*float64(h>>15))
		got := float64(halfToFloat(uint16(h)))
		if math.IsNaN(want) != math.IsNaN(got) || math.Signbit(want) != math.Signbit(got) || !math.IsNaN(want) && got != want {
			t.Fatalf("%#04x gives %g, want %g", h, got, want)
		}
	}
}

func TestTensorsMadeByHand(t *testing.T) {
	f := NewFloatTensor("f", []int64{3}, []float32{1, 2})
	if _, err := f.Floats(); err == nil || !strings.Contains(err.Error(), "8 bytes of data where dims [3] of FLOAT take 12") {
		t.Errorf("2 values for 3 elements: %v", err)
	}
	big := Tensor{Name: "u", Type: Uint64, Dims: []int64{2}, Raw: append(make([]byte, 8), 0, 0, 0, 0, 0, 0, 0, 0x80)}
	if _, err := big.Ints(); err == nil || !strings.Contains(err.Error(), "element 1 is 9223372036854775808, above 2^63-1") {
		t.Errorf("2^63: %v", err)
	}
	i := NewIntTensor("i", []int64{2, 1}, []int64{math.MinInt64, 5})
	if got, err := i.Ints(); err != nil || got[0] != math.MinInt64 || got[1] != 5 {
		t.Errorf("ints %v, %v", got, err)
	}
	odd := Tensor{Name: "odd", Type: ElementType(-1)}
	if _, err := odd.Floats(); err == nil || !strings.Contains(err.Error(), "ElementType(-1)") {
		t.Errorf("unknown type: %v", err)
	}
	for _, c := range []struct {
		dims []int64
		want int
		ok   bool
	}{
		{nil, 1, true}, {[]int64{2, 3}, 6, true}, {[]int64{1 << 40, 0, 1 << 40}, 0, true},
		{[]int64{MaxElements}, MaxElements, true}, {[]int64{MaxElements, 2}, 0, false},
		{[]int64{1 << 62, 4}, 0, false}, {[]int64{0, -1}, 0, false}, {make([]int64, 65), 0, false},
	} {
		got, err := (&Tensor{Dims: c.dims}).Elements()
		if got != c.want || (err == nil) != c.ok {
			t.Errorf("dims %v: %d, %v", c.dims, got, err)
		}
	}
}
