package onnx

import (
	"encoding/binary"
	"fmt"
	"math"
)

// MaxElements is the largest number of elements a tensor may have.
const MaxElements = math.MaxInt32

// maxRank bounds the number of axes, as numpy does.
const maxRank = 64

// Tensor is a dense TensorProto. Its elements are in row-major order; no Dims
// is a scalar. A decoded tensor is consistent: Raw or Text holds exactly the
// elements that Dims asks for.
type Tensor struct {
	Name string
	Type ElementType
	Dims []int64
	// Raw holds the elements as in raw_data: little-endian, without padding,
	// bool one byte each, types narrower than a byte packed from the low bits
	// up. It may share memory with the file that was decoded.
	Raw []byte
	// Text holds the elements of a String tensor, which has no Raw.
	Text [][]byte
}

// NewFloatTensor makes a Float tensor with a copy of the values. A number of
// values that dims does not ask for is reported when the tensor is used.
func NewFloatTensor(name string, dims []int64, values []float32) Tensor {
	raw := make([]byte, 0, 4*len(values))
	for _, v := range values {
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(v))
	}
	return Tensor{Name: name, Type: Float, Dims: append([]int64(nil), dims...), Raw: raw}
}

// NewIntTensor makes an Int64 tensor with a copy of the values. A number of
// values that dims does not ask for is reported when the tensor is used.
func NewIntTensor(name string, dims []int64, values []int64) Tensor {
	raw := make([]byte, 0, 8*len(values))
	for _, v := range values {
		raw = binary.LittleEndian.AppendUint64(raw, uint64(v))
	}
	return Tensor{Name: name, Type: Int64, Dims: append([]int64(nil), dims...), Raw: raw}
}

// Elements gives the product of Dims. It is an error if a dimension is
// negative, there are more than 64 of them, or the product exceeds MaxElements.
func (t *Tensor) Elements() (int, error) {
	n, err := elements(t.Dims)
	if err != nil {
		return 0, fmt.Errorf("tensor %s: %w", quote(t.Name), err)
	}
	return n, nil
}

func elements(dims []int64) (int, error) {
	if len(dims) > maxRank {
		return 0, fmt.Errorf("%d dimensions, the limit is %d", len(dims), maxRank)
	}
	empty := false
	for i, d := range dims {
		if d < 0 {
			return 0, fmt.Errorf("dims[%d] is %d, must not be negative", i, d)
		}
		empty = empty || d == 0
	}
	if empty {
		return 0, nil
	}
	n := int64(1)
	for _, d := range dims {
		if d > MaxElements/n {
			return 0, fmt.Errorf("dims %v ask for more than %d elements", dims, int64(MaxElements))
		}
		n *= d
	}
	return int(n), nil
}

// content gives the number of elements after checking that Raw has the length
// they take.
func (t *Tensor) content() (int, error) {
	n, err := t.Elements()
	if err != nil {
		return 0, err
	}
	if want := t.Type.rawBytes(n); int64(len(t.Raw)) != want {
		return 0, fmt.Errorf("tensor %s: %d bytes of data where dims %v of %v take %d", quote(t.Name), len(t.Raw), t.Dims, t.Type, want)
	}
	return n, nil
}

// Floats gives the elements of a Float, Double, Float16 or BFloat16 tensor in
// a new slice. Doubles are rounded to nearest, to an infinity if too large.
// Other types are an error.
func (t *Tensor) Floats() ([]float32, error) {
	switch t.Type {
	case Float, Double, Float16, BFloat16:
	default:
		return nil, fmt.Errorf("tensor %s: has type %v where a floating type (FLOAT, DOUBLE, FLOAT16, BFLOAT16) is needed", quote(t.Name), t.Type)
	}
	n, err := t.content()
	if err != nil {
		return nil, err
	}
	values, raw := make([]float32, n), t.Raw
	switch t.Type {
	case Float:
		for i := range values {
			values[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:]))
		}
	case Double:
		for i := range values {
			values[i] = float32(math.Float64frombits(binary.LittleEndian.Uint64(raw[8*i:])))
		}
	case Float16:
		for i := range values {
			values[i] = halfToFloat(binary.LittleEndian.Uint16(raw[2*i:]))
		}
	case BFloat16:
		for i := range values {
			values[i] = math.Float32frombits(uint32(binary.LittleEndian.Uint16(raw[2*i:])) << 16)
		}
	}
	return values, nil
}

// Ints gives the elements of an integer or Bool tensor (as 0 and 1) in a new
// slice. A Uint64 element above 2^63-1 is an error, and so are other types.
func (t *Tensor) Ints() ([]int64, error) {
	switch t.Type {
	case Int8, Int16, Int32, Int64, Uint8, Uint16, Uint32, Uint64, Bool, Int4, Uint4, Int2, Uint2:
	default:
		return nil, fmt.Errorf("tensor %s: has type %v where an integer type or BOOL is needed", quote(t.Name), t.Type)
	}
	n, err := t.content()
	if err != nil {
		return nil, err
	}
	values, raw := make([]int64, n), t.Raw
	for i := range values {
		switch t.Type {
		case Int8:
			values[i] = int64(int8(raw[i]))
		case Uint8:
			values[i] = int64(raw[i])
		case Int16:
			values[i] = int64(int16(binary.LittleEndian.Uint16(raw[2*i:])))
		case Uint16:
			values[i] = int64(binary.LittleEndian.Uint16(raw[2*i:]))
		case Int32:
			values[i] = int64(int32(binary.LittleEndian.Uint32(raw[4*i:])))
		case Uint32:
			values[i] = int64(binary.LittleEndian.Uint32(raw[4*i:]))
		case Int64:
			values[i] = int64(binary.LittleEndian.Uint64(raw[8*i:]))
		case Uint64:
			v := binary.LittleEndian.Uint64(raw[8*i:])
			if v > math.MaxInt64 {
				return nil, fmt.Errorf("tensor %s: element %d is %d, above 2^63-1", quote(t.Name), i, v)
			}
			values[i] = int64(v)
		case Bool:
			if raw[i] != 0 {
				values[i] = 1
			}
		case Uint4:
			values[i] = int64(raw[i/2] >> (4 * (i % 2)) & 15)
		case Int4: // move the element to the top of the byte, then shift its sign down
			values[i] = int64(int8(raw[i/2]<<(4*(1-i%2))) >> 4)
		case Uint2:
			values[i] = int64(raw[i/4] >> (2 * (i % 4)) & 3)
		case Int2:
			values[i] = int64(int8(raw[i/4]<<(2*(3-i%4))) >> 6)
		}
	}
	return values, nil
}

// halfToFloat converts an IEEE 754 binary16 bit pattern; every value has an
// exact float32.
func halfToFloat(h uint16) float32 {
	sign := uint32(h>>15) << 31
	exponent, fraction := uint32(h>>10)&31, uint32(h)&0x3ff
	switch exponent {
	case 0: // zero and subnormals: fraction * 2^-24
		return math.Float32frombits(math.Float32bits(float32(fraction)*0x1p-24) | sign)
	case 31: // infinity and NaN
		return math.Float32frombits(sign | 0xff<<23 | fraction<<13)
	}
	return math.Float32frombits(sign | (exponent+127-15)<<23 | fraction<<13)
}
