package dataset

import (
	"encoding/binary"
	"fmt"
	"math"
	"strings"
)

// ElementType is the type of the elements of an Array.
type ElementType uint8

// Element types that NumPy files may hold.
const (
	InvalidType ElementType = iota
	Bool
	Uint8
	Int8
	Uint16
	Int16
	Uint32
	Int32
	Uint64
	Int64
	Float16
	Float32
	Float64
	elementTypeEnd
)

// elementTypes holds what differs between element types: the name, the type
// code and width of NumPy's "descr" string, and the class of number.
var elementTypes = [elementTypeEnd]struct {
	name  string
	code  string
	size  int
	float bool
}{
	InvalidType: {name: "invalid"},
	Bool:        {"bool", "b1", 1, false},
	Uint8:       {"uint8", "u1", 1, false},
	Int8:        {"int8", "i1", 1, false},
	Uint16:      {"uint16", "u2", 2, false},
	Int16:       {"int16", "i2", 2, false},
	Uint32:      {"uint32", "u4", 4, false},
	Int32:       {"int32", "i4", 4, false},
	Uint64:      {"uint64", "u8", 8, false},
	Int64:       {"int64", "i8", 8, false},
	Float16:     {"float16", "f2", 2, true},
	Float32:     {"float32", "f4", 4, true},
	Float64:     {"float64", "f8", 8, true},
}

func (t ElementType) String() string {
	if t < elementTypeEnd {
		return elementTypes[t].name
	}
	return fmt.Sprintf("ElementType(%d)", uint8(t))
}

func (t ElementType) valid() bool { return t > InvalidType && t < elementTypeEnd }

// Size is the width of one element in bytes, 0 for an invalid type.
func (t ElementType) Size() int {
	if t < elementTypeEnd {
		return elementTypes[t].size
	}
	return 0
}

// IsFloat tells the floating-point types from the integers and Bool.
func (t ElementType) IsFloat() bool { return t < elementTypeEnd && elementTypes[t].float }

// MaxArrayBytes bounds the data of one array, or of all arrays of one .npz
// file: 8 GiB. Larger claims are refused before anything is allocated.
const MaxArrayBytes = 8 << 30

// maxRank is NumPy's own limit on the number of axes.
const maxRank = 64

// Array is a dense array in row-major order. It keeps the bytes of the file
// and converts elements on access, so a large uint8 data set costs one byte an
// element. An Array may be read from several goroutines.
type Array struct {
	Shape []int
	Type  ElementType
	data  []byte // little-endian
}

// elementCount multiplies a shape out. ok is false when the array would pass
// MaxArrayBytes, also where the product overflows.
func elementCount(shape []int, size int) (elements int, ok bool) {
	product := int64(1)
	empty := false
	for _, d := range shape {
		switch {
		case d < 0 || int64(d) > MaxArrayBytes:
			return 0, false
		case d == 0:
			empty = true
		default:
			if product > MaxArrayBytes/int64(d) {
				return 0, false
			}
			product *= int64(d)
		}
	}
	if product*int64(size) > MaxArrayBytes {
		return 0, false
	}
	if empty {
		return 0, true
	}
	return int(product), true
}

// FromBytes wraps little-endian row-major elements without copying them.
func FromBytes(shape []int, t ElementType, data []byte) (*Array, error) {
	if !t.valid() {
		return nil, fmt.Errorf("array: invalid element type %v", t)
	}
	if len(shape) > maxRank {
		return nil, fmt.Errorf("array: %d axes, at most %d are allowed", len(shape), maxRank)
	}
	n, ok := elementCount(shape, t.Size())
	if !ok {
		return nil, fmt.Errorf("array: shape %s of %v is negative or above the limit of %d bytes", shapeString(shape), t, int64(MaxArrayBytes))
	}
	if n*t.Size() != len(data) {
		return nil, fmt.Errorf("array: shape %s of %v takes %d bytes, got %d", shapeString(shape), t, n*t.Size(), len(data))
	}
	return &Array{Shape: append([]int{}, shape...), Type: t, data: data}, nil
}

// FromFloats makes a Float32 array of a copy of values.
func FromFloats(shape []int, values []float32) (*Array, error) {
	data := make([]byte, 0, 4*len(values))
	for _, v := range values {
		data = binary.LittleEndian.AppendUint32(data, math.Float32bits(v))
	}
	return FromBytes(shape, Float32, data)
}

// FromInts makes an integer or Bool array of values, each of which must fit t.
func FromInts(shape []int, t ElementType, values []int64) (*Array, error) {
	if !t.valid() || t.IsFloat() {
		return nil, fmt.Errorf("array: %v is no integer type", t)
	}
	low, high := integerRange(t)
	data := make([]byte, len(values)*t.Size())
	for i, v := range values {
		if v < low || v > high {
			return nil, fmt.Errorf("array: value %d at element %d does not fit %v", v, i, t)
		}
		switch t.Size() {
		case 1:
			data[i] = byte(v)
		case 2:
			binary.LittleEndian.PutUint16(data[2*i:], uint16(v))
		case 4:
			binary.LittleEndian.PutUint32(data[4*i:], uint32(v))
		case 8:
			binary.LittleEndian.PutUint64(data[8*i:], uint64(v))
		}
	}
	return FromBytes(shape, t, data)
}

// integerRange gives the values of t that an int64 can state.
func integerRange(t ElementType) (low, high int64) {
	switch t {
	case Bool:
		return 0, 1
	case Uint8:
		return 0, math.MaxUint8
	case Int8:
		return math.MinInt8, math.MaxInt8
	case Uint16:
		return 0, math.MaxUint16
	case Int16:
		return math.MinInt16, math.MaxInt16
	case Uint32:
		return 0, math.MaxUint32
	case Int32:
		return math.MinInt32, math.MaxInt32
	case Uint64:
		return 0, math.MaxInt64
	default:
		return math.MinInt64, math.MaxInt64
	}
}

// Elements is the number of elements; 1 for a scalar.
func (a *Array) Elements() int { return len(a.data) / a.Type.Size() }

// Bytes gives the little-endian row-major elements themselves, not a copy.
func (a *Array) Bytes() []byte { return a.data }

// IsFloat tells whether the elements are floating-point numbers.
func (a *Array) IsFloat() bool { return a.Type.IsFloat() }

// Float64At is element i in row-major order. Integers beyond 53 bits round.
func (a *Array) Float64At(i int) float64 {
	switch a.Type {
	case Float16:
		return float64(float16ToFloat32(binary.LittleEndian.Uint16(a.data[2*i:])))
	case Float32:
		return float64(math.Float32frombits(binary.LittleEndian.Uint32(a.data[4*i:])))
	case Float64:
		return math.Float64frombits(binary.LittleEndian.Uint64(a.data[8*i:]))
	case Uint64:
		return float64(binary.LittleEndian.Uint64(a.data[8*i:]))
	default:
		return float64(a.integerAt(i))
	}
}

// Float32At is element i in row-major order, rounded to float32.
func (a *Array) Float32At(i int) float32 {
	switch a.Type {
	case Float32:
		return math.Float32frombits(binary.LittleEndian.Uint32(a.data[4*i:]))
	case Uint64:
		return float32(binary.LittleEndian.Uint64(a.data[8*i:]))
	case Float16, Float64:
		return float32(a.Float64At(i))
	default:
		return float32(a.integerAt(i))
	}
}

// IntAt is element i in row-major order. Fractions are cut off, NaN is 0, and
// what int64 cannot hold becomes its nearest value; Bool gives 0 or 1.
func (a *Array) IntAt(i int) int64 {
	switch a.Type {
	case Float16, Float32, Float64:
		return saturatingInt(a.Float64At(i))
	case Uint64:
		v := binary.LittleEndian.Uint64(a.data[8*i:])
		if v > math.MaxInt64 {
			return math.MaxInt64
		}
		return int64(v)
	default:
		return a.integerAt(i)
	}
}

func saturatingInt(v float64) int64 {
	switch {
	case v != v:
		return 0
	case v >= math.MaxInt64:
		return math.MaxInt64
	case v <= math.MinInt64:
		return math.MinInt64
	}
	return int64(v)
}

// integerAt reads the integer types other than Uint64.
func (a *Array) integerAt(i int) int64 {
	switch a.Type {
	case Bool:
		if a.data[i] != 0 {
			return 1
		}
		return 0
	case Uint8:
		return int64(a.data[i])
	case Int8:
		return int64(int8(a.data[i]))
	case Uint16:
		return int64(binary.LittleEndian.Uint16(a.data[2*i:]))
	case Int16:
		return int64(int16(binary.LittleEndian.Uint16(a.data[2*i:])))
	case Uint32:
		return int64(binary.LittleEndian.Uint32(a.data[4*i:]))
	case Int32:
		return int64(int32(binary.LittleEndian.Uint32(a.data[4*i:])))
	case Int64:
		return int64(binary.LittleEndian.Uint64(a.data[8*i:]))
	}
	panic("dataset: integerAt of " + a.Type.String())
}

// Floats converts all elements; see Float32At.
func (a *Array) Floats() []float32 {
	out := make([]float32, a.Elements())
	for i := range out {
		out[i] = a.Float32At(i)
	}
	return out
}

// Ints converts all elements; see IntAt.
func (a *Array) Ints() []int64 {
	out := make([]int64, a.Elements())
	for i := range out {
		out[i] = a.IntAt(i)
	}
	return out
}

// float16ToFloat32 widens an IEEE 754 binary16 number, which is exact.
func float16ToFloat32(h uint16) float32 {
	sign := uint32(h&0x8000) << 16
	exponent := uint32(h>>10) & 0x1f
	fraction := uint32(h & 0x3ff)
	switch exponent {
	case 0: // zero and subnormal: fraction * 2^-24
		v := float32(fraction) * (1.0 / (1 << 24))
		return math.Float32frombits(math.Float32bits(v) | sign)
	case 0x1f: // infinity and NaN
		return math.Float32frombits(sign | 0xff<<23 | fraction<<13)
	}
	return math.Float32frombits(sign | (exponent+127-15)<<23 | fraction<<13)
}

// shapeString prints a shape as [a,b,c].
func shapeString(shape []int) string {
	var b strings.Builder
	b.WriteByte('[')
	for i, d := range shape {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprint(&b, d)
	}
	b.WriteByte(']')
	return b.String()
}
