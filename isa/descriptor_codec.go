package isa

import (
	"encoding/binary"
	"fmt"
	"reflect"
)

// descriptorHeaderBytes: kind u8, reserved u8 (zero), length of the fields u16.
const descriptorHeaderBytes = 4

// appendDescriptor appends the record of a descriptor.
func appendDescriptor(data []byte, d Descriptor) ([]byte, error) {
	if d == nil || reflect.ValueOf(d).IsNil() {
		return nil, fmt.Errorf("descriptor is nil")
	}
	kind := d.Kind()
	if err := d.Validate(); err != nil {
		return nil, fmt.Errorf("%s: %w", kind, err)
	}
	r := &records[kind]
	data = append(data, byte(kind), 0)
	data = binary.LittleEndian.AppendUint16(data, uint16(r.bytes))
	return appendFields(data, r.fields, reflect.ValueOf(d).Elem()), nil
}

func appendFields(data []byte, fields []field, from reflect.Value) []byte {
	for i := range fields {
		f := &fields[i]
		v := from.FieldByIndex(f.index)
		if f.count == 0 {
			data = appendValue(data, f, v)
			continue
		}
		for k := range f.count {
			data = appendValue(data, f, v.Index(k))
		}
	}
	return data
}

func appendValue(data []byte, f *field, v reflect.Value) []byte {
	switch f.wire {
	case wireU8:
		return append(data, uint8(v.Uint()))
	case wireU16:
		return binary.LittleEndian.AppendUint16(data, uint16(v.Uint()))
	case wireU32:
		return binary.LittleEndian.AppendUint32(data, uint32(v.Uint()))
	case wireI8:
		return append(data, uint8(v.Int()))
	case wireI16:
		return binary.LittleEndian.AppendUint16(data, uint16(v.Int()))
	case wireI32:
		return binary.LittleEndian.AppendUint32(data, uint32(v.Int()))
	case wireBool:
		if v.Bool() {
			return append(data, 1)
		}
		return append(data, 0)
	case wireView:
		return appendFields(data, f.view, v)
	}
	panic("isa: field without a wire type") // buildFields refuses such fields
}

// readDescriptor decodes the record at the start of data and returns how many
// bytes it took.
func readDescriptor(data []byte) (Descriptor, int, error) {
	if len(data) < descriptorHeaderBytes {
		return nil, 0, fmt.Errorf("descriptor header needs %d bytes, %d are left", descriptorHeaderBytes, len(data))
	}
	kind := DescriptorKind(data[0])
	if kind == NoDescriptor || int(kind) >= NumDescriptorKinds {
		return nil, 0, fmt.Errorf("unknown descriptor kind %d", kind)
	}
	if data[1] != 0 {
		return nil, 0, fmt.Errorf("%s: reserved byte is %#x, must be zero", kind, data[1])
	}
	r := &records[kind]
	if length := int(binary.LittleEndian.Uint16(data[2:])); length != r.bytes {
		return nil, 0, fmt.Errorf("%s: length is %d, must be %d", kind, length, r.bytes)
	}
	end := descriptorHeaderBytes + r.bytes
	if len(data) < end {
		return nil, 0, fmt.Errorf("%s needs %d bytes, %d are left", kind, end, len(data))
	}
	value := reflect.New(r.goType)
	if err := readFields(data[descriptorHeaderBytes:end], r.fields, value.Elem()); err != nil {
		return nil, 0, fmt.Errorf("%s: %w", kind, err)
	}
	d := value.Interface().(Descriptor)
	if err := d.Validate(); err != nil {
		return nil, 0, fmt.Errorf("%s: %w", kind, err)
	}
	return d, end, nil
}

// readFields fills a struct from exactly recordBytes(fields) bytes.
func readFields(data []byte, fields []field, to reflect.Value) error {
	for i := range fields {
		f := &fields[i]
		v := to.FieldByIndex(f.index)
		size := f.bytes()
		if f.count == 0 {
			if err := readValue(data[:size], f, v); err != nil {
				return err
			}
		} else {
			one := size / f.count
			for k := range f.count {
				if err := readValue(data[k*one:(k+1)*one], f, v.Index(k)); err != nil {
					return err
				}
			}
		}
		data = data[size:]
	}
	return nil
}

func readValue(data []byte, f *field, v reflect.Value) error {
	switch f.wire {
	case wireU8:
		if f.enum != nil && !validEnum(f.enum, uint64(data[0])) {
			return fmt.Errorf("%s is %d, must name %s", f.name, data[0], enumList(f.enum))
		}
		v.SetUint(uint64(data[0]))
	case wireU16:
		v.SetUint(uint64(binary.LittleEndian.Uint16(data)))
	case wireU32:
		v.SetUint(uint64(binary.LittleEndian.Uint32(data)))
	case wireI8:
		v.SetInt(int64(int8(data[0])))
	case wireI16:
		v.SetInt(int64(int16(binary.LittleEndian.Uint16(data))))
	case wireI32:
		v.SetInt(int64(int32(binary.LittleEndian.Uint32(data))))
	case wireBool:
		if data[0] > 1 {
			return fmt.Errorf("%s is %d, must be 0 or 1", f.name, data[0])
		}
		v.SetBool(data[0] == 1)
	case wireView:
		if err := readFields(data, f.view, v); err != nil {
			return fmt.Errorf("%s: %w", f.name, err)
		}
	default:
		panic("isa: field without a wire type") // buildFields refuses such fields
	}
	return nil
}

func validEnum(names []string, value uint64) bool {
	return value < uint64(len(names)) && names[value] != ""
}
