package onnx

import (
	"encoding/binary"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// attributeFields gives the value type that a field of AttributeProto holds.
var attributeFields = [...]AttributeType{
	2: FloatAttribute, 3: IntAttribute, 4: StringAttribute, 5: TensorAttribute, 6: GraphAttribute,
	7: FloatsAttribute, 8: IntsAttribute, 9: StringsAttribute, 10: TensorsAttribute, 11: GraphsAttribute,
	14: TypeAttribute, 15: TypesAttribute, 22: SparseTensorAttribute, 23: SparseTensorsAttribute,
}

func (d *decoder) attribute(m message, to *Attribute) error {
	var stated int64
	var found AttributeType // by the value fields present
	hasTensor := false
	to.Strings = room[[]byte](d.occurrences(m)[9], len(m.data), leastString)
	err := d.fields(m, func(f field) error {
		if int(f.number) < len(attributeFields) {
			if kind := attributeFields[f.number]; kind != InvalidAttribute {
				if found != InvalidAttribute && found != kind {
					return d.fault(f.offset, "attribute %s has a value of type %v and one of type %v, must have one", quote(to.Name), found, kind)
				}
				found = kind
			}
		}
		switch f.number {
		case 1:
			return d.text(&f, "name", &to.Name)
		case 2:
			to.F = math.Float32frombits(uint32(f.scalar))
			return d.want(&f, "f", protowire.Fixed32Type)
		case 3:
			return d.integer(&f, "i", &to.I)
		case 4:
			to.S = f.bytes
			return d.want(&f, "s", protowire.BytesType)
		case 5:
			if err := d.count(f.offset); err != nil {
				return err
			}
			to.T = new(Tensor)
			return d.single(&f, "t", &hasTensor, func(m message) error { return d.tensor(m, to.T) })
		case 7:
			return d.floats(&f, "floats", &to.Floats)
		case 8:
			return d.repeatedIntegers(&f, "ints", &to.Ints)
		case 9:
			if err := d.count(f.offset); err != nil {
				return err
			}
			to.Strings = append(to.Strings, f.bytes)
			return d.want(&f, "strings", protowire.BytesType)
		case 6, 10, 11, 14, 15, 22, 23:
			return d.want(&f, found.String(), protowire.BytesType)
		case 20:
			return d.integer(&f, "type", &stated)
		case 21:
			return d.fault(f.offset, "ref_attr_name (field 21): refers to an attribute of a function, outside of any function")
		}
		return nil
	})
	if err != nil {
		return err
	}
	if to.Name == "" {
		return d.fault(m.start, "attribute without a name")
	}
	if stated < 0 || stated >= int64(attributeTypeEnd) {
		return d.fault(m.start, "attribute %s has type %d, the last one known is %d", quote(to.Name), stated, attributeTypeEnd-1)
	}
	to.Type = AttributeType(stated)
	switch {
	case to.Type == InvalidAttribute && found == InvalidAttribute:
		return d.fault(m.start, "attribute %s has neither type nor value", quote(to.Name))
	case to.Type == InvalidAttribute: // files before IR version 2 state no type
		to.Type = found
	case found != InvalidAttribute && found != to.Type:
		return d.fault(m.start, "attribute %s is of type %v, but its value is of type %v", quote(to.Name), to.Type, found)
	case found == InvalidAttribute && to.Type == TensorAttribute:
		return d.fault(m.start, "attribute %s is of type %v, but has no value", quote(to.Name), to.Type)
	}
	// No value is fine for the others: a list may be empty, and writers of the
	// proto3 form leave out a scalar that is zero.
	return nil
}

// floats reads a repeated float, packed or not.
func (d *decoder) floats(f *field, name string, to *[]float32) error {
	if f.wire != protowire.BytesType {
		*to = append(*to, math.Float32frombits(uint32(f.scalar)))
		return d.want(f, name, protowire.Fixed32Type)
	}
	if len(f.bytes)%4 != 0 {
		return d.fault(f.offset, "packed %s has %d bytes, must be a multiple of 4", name, len(f.bytes))
	}
	if *to == nil {
		*to = make([]float32, 0, len(f.bytes)/4)
	}
	for at := 0; at < len(f.bytes); at += 4 {
		*to = append(*to, math.Float32frombits(binary.LittleEndian.Uint32(f.bytes[at:])))
	}
	return nil
}
