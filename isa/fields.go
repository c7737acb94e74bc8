package isa

import (
	"fmt"
	"reflect"
	"strings"
)

// wireType is how a field is stored. The zero value is invalid.
type wireType uint8

const (
	invalidWire wireType = iota
	wireU8
	wireU16
	wireU32
	wireI8
	wireI16
	wireI32
	wireBool
	wireView
	wireEnd
)

var wireTypes = [wireEnd]struct {
	name  string
	bytes int
	kind  reflect.Kind // of the Go field that holds it
}{
	wireU8:   {"u8", 1, reflect.Uint8},
	wireU16:  {"u16", 2, reflect.Uint16},
	wireU32:  {"u32", 4, reflect.Uint32},
	wireI8:   {"i8", 1, reflect.Int8},
	wireI16:  {"i16", 2, reflect.Int16},
	wireI32:  {"i32", 4, reflect.Int32},
	wireBool: {"bool", 1, reflect.Bool},
	wireView: {"view", 0, reflect.Struct}, // as long as its own fields
}

// field is one field of a descriptor, as its struct tags state it.
type field struct {
	name  string
	doc   string
	wire  wireType
	index []int    // in the Go struct, through embedded ones
	count int      // elements of an array, 0 for a single value
	enum  []string // names by value for a field that holds an enum; unnamed values are invalid
	view  []field  // fields of a wireView
}

// bytes is the encoded length of the field.
func (f *field) bytes() int {
	size := wireTypes[f.wire].bytes
	if f.wire == wireView {
		size = recordBytes(f.view)
	}
	return size * max(f.count, 1)
}

// record is the layout of one descriptor kind.
type record struct {
	goType reflect.Type
	fields []field
	bytes  int // encoded length of the fields, without the record header
}

// records holds the layout of every descriptor kind, read from the struct
// tags once.
var records = buildRecords()

func buildRecords() (table [NumDescriptorKinds]record) {
	for _, d := range []Descriptor{
		&Transfer{}, &ConvolutionTile{}, &PoolTile{}, &BinaryTile{}, &ElementwiseTile{}, &CopyTile{}, &RearrangeTile{}, &EncodedWeights{}, &LookupTile{}, &SealedKeys{},
	} {
		t := reflect.TypeOf(d).Elem()
		fields := buildFields(t)
		table[d.Kind()] = record{goType: t, fields: fields, bytes: recordBytes(fields)}
	}
	return table
}

func buildFields(t reflect.Type) []field {
	var fields []field
	for i := range t.NumField() {
		goField := t.Field(i)
		if goField.Anonymous { // its fields are those of the record
			for _, f := range buildFields(goField.Type) {
				f.index = append([]int{i}, f.index...)
				fields = append(fields, f)
			}
			continue
		}
		name, wireName, found := strings.Cut(goField.Tag.Get("isa"), ",")
		if !found {
			panic(fmt.Sprintf("isa: field %s.%s has no isa tag", t, goField.Name))
		}
		f := field{name: name, doc: goField.Tag.Get("doc"), index: []int{i}}
		element := goField.Type
		if element.Kind() == reflect.Array {
			f.count, element = element.Len(), element.Elem()
		}
		for w := range wireTypes {
			if wireTypes[w].name == wireName && wireName != "" {
				f.wire = wireType(w)
			}
		}
		if f.wire == invalidWire || element.Kind() != wireTypes[f.wire].kind {
			panic(fmt.Sprintf("isa: field %s.%s of type %s cannot be stored as %q", t, goField.Name, element, wireName))
		}
		if f.wire == wireView {
			f.view = buildFields(element)
		}
		f.enum = enumNames(element)
		fields = append(fields, f)
	}
	return fields
}

// enumNames returns the names of the values of an enum type, nil for others.
func enumNames(t reflect.Type) []string {
	switch reflect.Zero(t).Interface().(type) {
	case TensorClass:
		names := classNames
		names[InvalidClass] = ""
		return names[:]
	case MultiplierMode:
		return multiplierModeNames[:]
	case PoolMode:
		return poolModeNames[:]
	case BinaryMode:
		return binaryModeNames[:]
	case WeightCodec:
		return weightCodecNames[:]
	case WeightRepresentation:
		return weightRepresentationNames[:]
	case MaskFormat:
		return maskFormatNames[:]
	case WeightOrder:
		return weightOrderNames[:]
	}
	return nil
}

func recordBytes(fields []field) int {
	total := 0
	for i := range fields {
		total += fields[i].bytes()
	}
	return total
}

// enumList is the text "name, name or name" for error messages.
func enumList(names []string) string {
	var valid []string
	for _, n := range names {
		if n != "" {
			valid = append(valid, n)
		}
	}
	if len(valid) < 2 {
		return strings.Join(valid, "")
	}
	return strings.Join(valid[:len(valid)-1], ", ") + " or " + valid[len(valid)-1]
}
