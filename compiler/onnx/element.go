package onnx

import "fmt"

// ElementType is the type of a tensor's elements, with the numbers of
// TensorProto.DataType.
type ElementType int32

// Element types. The zero value is invalid.
const (
	Undefined      ElementType = 0
	Float          ElementType = 1 // IEEE 754 binary32
	Uint8          ElementType = 2
	Int8           ElementType = 3
	Uint16         ElementType = 4
	Int16          ElementType = 5
	Int32          ElementType = 6
	Int64          ElementType = 7
	String         ElementType = 8
	Bool           ElementType = 9
	Float16        ElementType = 10 // IEEE 754 binary16
	Double         ElementType = 11 // IEEE 754 binary64
	Uint32         ElementType = 12
	Uint64         ElementType = 13
	Complex64      ElementType = 14
	Complex128     ElementType = 15
	BFloat16       ElementType = 16
	Float8E4M3FN   ElementType = 17
	Float8E4M3FNUZ ElementType = 18
	Float8E5M2     ElementType = 19
	Float8E5M2FNUZ ElementType = 20
	Uint4          ElementType = 21
	Int4           ElementType = 22
	Float4E2M1     ElementType = 23
	Float8E8M0     ElementType = 24
	Uint2          ElementType = 25
	Int2           ElementType = 26

	elementTypeEnd ElementType = 27
)

// storage names the typed field of TensorProto that may hold a type.
type storage uint8

const (
	noStorage storage = iota
	floatData
	int32Data
	stringData
	int64Data
	doubleData
	uint64Data
)

var storageNames = [...]string{
	noStorage: "no typed field", floatData: "float_data", int32Data: "int32_data", stringData: "string_data",
	int64Data: "int64_data", doubleData: "double_data", uint64Data: "uint64_data",
}

// elementTypes gives, for each type: the name in onnx.proto, the bits of one
// element in raw_data (0 for strings, which have no raw form), the typed field
// that may hold it, and the range an entry of that field must lie in. Types
// narrower than a byte are packed from the low bits up, in raw_data as in
// int32_data, so that an entry there is a whole byte.
var elementTypes = [elementTypeEnd]struct {
	name     string
	bits     int
	store    storage
	min, max int64
}{
	Undefined:      {name: "UNDEFINED"},
	Float:          {"FLOAT", 32, floatData, 0, 0},
	Uint8:          {"UINT8", 8, int32Data, 0, 0xff},
	Int8:           {"INT8", 8, int32Data, -0x80, 0x7f},
	Uint16:         {"UINT16", 16, int32Data, 0, 0xffff},
	Int16:          {"INT16", 16, int32Data, -0x8000, 0x7fff},
	Int32:          {"INT32", 32, int32Data, -0x8000_0000, 0x7fff_ffff},
	Int64:          {"INT64", 64, int64Data, 0, 0},
	String:         {"STRING", 0, stringData, 0, 0},
	Bool:           {"BOOL", 8, int32Data, 0, 1},
	Float16:        {"FLOAT16", 16, int32Data, 0, 0xffff},
	Double:         {"DOUBLE", 64, doubleData, 0, 0},
	Uint32:         {"UINT32", 32, uint64Data, 0, 0xffff_ffff},
	Uint64:         {"UINT64", 64, uint64Data, 0, 0},
	Complex64:      {"COMPLEX64", 64, floatData, 0, 0},
	Complex128:     {"COMPLEX128", 128, doubleData, 0, 0},
	BFloat16:       {"BFLOAT16", 16, int32Data, 0, 0xffff},
	Float8E4M3FN:   {"FLOAT8E4M3FN", 8, int32Data, 0, 0xff},
	Float8E4M3FNUZ: {"FLOAT8E4M3FNUZ", 8, int32Data, 0, 0xff},
	Float8E5M2:     {"FLOAT8E5M2", 8, int32Data, 0, 0xff},
	Float8E5M2FNUZ: {"FLOAT8E5M2FNUZ", 8, int32Data, 0, 0xff},
	Uint4:          {"UINT4", 4, int32Data, 0, 0xff},
	Int4:           {"INT4", 4, int32Data, 0, 0xff},
	Float4E2M1:     {"FLOAT4E2M1", 4, int32Data, 0, 0xff},
	Float8E8M0:     {"FLOAT8E8M0", 8, int32Data, 0, 0xff},
	Uint2:          {"UINT2", 2, int32Data, 0, 0xff},
	Int2:           {"INT2", 2, int32Data, 0, 0xff},
}

// known tells whether t is a type that a tensor can have.
func (t ElementType) known() bool { return t > Undefined && t < elementTypeEnd }

// String gives the name in onnx.proto, such as FLOAT16.
func (t ElementType) String() string {
	if t >= 0 && t < elementTypeEnd {
		return elementTypes[t].name
	}
	return fmt.Sprintf("ElementType(%d)", int32(t))
}

// rawBytes is the length of raw_data for that many elements.
func (t ElementType) rawBytes(elements int) int64 {
	return (int64(elements)*int64(elementTypes[t].bits) + 7) / 8
}
