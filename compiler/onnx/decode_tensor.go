package onnx

import (
	"encoding/binary"

	"google.golang.org/protobuf/encoding/protowire"
)

// Fields of TensorProto that hold elements, by the storage they are.
var storageFields = [...]storage{4: floatData, 5: int32Data, 6: stringData, 7: int64Data, 10: doubleData, 11: uint64Data}

// storageOf gives the storage a field is, noStorage for other fields.
func storageOf(number protowire.Number) storage {
	if int(number) < len(storageFields) {
		return storageFields[number]
	}
	return noStorage
}

// tensorContent is what a first pass over a TensorProto finds about its data.
type tensorContent struct {
	raw      field // raw_data
	typed    field // the first typed field with an entry
	entries  int64 // entries of the typed field
	external bool
	entry    externalEntry
}

func (d *decoder) initializer(m message, to *Tensor) error {
	if err := d.tensor(m, to); err != nil {
		return err
	}
	if to.Name == "" {
		return d.fault(m.start, "initializer without a name")
	}
	return nil
}

// tensor decodes a TensorProto in two passes: only when type, dimensions and
// the amount of data are known, and agree, is memory taken for the elements.
func (d *decoder) tensor(m message, to *Tensor) error {
	var c tensorContent
	if err := d.fields(m, func(f field) error { return d.tensorField(&f, to, &c) }); err != nil {
		return err
	}
	if !to.Type.known() {
		return d.fault(m.start, "tensor %s has data_type %d, which is no type that can be stored", quote(to.Name), int32(to.Type))
	}
	n, err := to.Elements()
	if err != nil {
		return d.fault(m.start, "%v", err)
	}
	if err := d.oneSource(m, to, &c); err != nil {
		return err
	}
	switch {
	case c.external:
		return d.externalTensor(m, to, n, &c.entry)
	case c.entries > 0:
		return d.typedData(m, to, n, &c)
	case to.Type == String:
		if n > 0 {
			return d.fault(m.start, "tensor %s: no string_data where dims %v of %v take %d strings", quote(to.Name), to.Dims, to.Type, n)
		}
		return nil
	}
	if want := to.Type.rawBytes(n); int64(len(c.raw.bytes)) != want {
		return d.fault(m.start, "tensor %s: %d bytes of data where dims %v of %v take %d", quote(to.Name), len(c.raw.bytes), to.Dims, to.Type, want)
	}
	to.Raw = c.raw.bytes
	return nil
}

// tensorField takes in everything but the elements, and counts those.
func (d *decoder) tensorField(f *field, to *Tensor, c *tensorContent) error {
	if kind := storageOf(f.number); kind != noStorage {
		return d.countEntries(f, kind, c)
	}
	switch f.number {
	case 1:
		if err := d.repeatedIntegers(f, "dims", &to.Dims); err != nil {
			return err
		}
		if len(to.Dims) > maxRank {
			return d.fault(f.offset, "more than %d dimensions", maxRank)
		}
	case 2:
		return d.enum(f, "data_type", &to.Type)
	case 3:
		return d.fault(f.offset, "segment (field 3): tensors stored in segments are not supported")
	case 8:
		return d.text(f, "name", &to.Name)
	case 9:
		if len(f.bytes) > 0 || f.wire != protowire.BytesType {
			c.raw = *f
		}
		return d.want(f, "raw_data", protowire.BytesType)
	case 13:
		if err := d.want(f, "external_data", protowire.BytesType); err != nil {
			return err
		}
		return d.externalField(f.message(), &c.entry)
	case 14:
		var location int64
		if err := d.integer(f, "data_location", &location); err != nil {
			return err
		}
		if location != 0 && location != 1 {
			return d.fault(f.offset, "data_location is %d, must be 0 (default) or 1 (external)", location)
		}
		c.external = location == 1
	}
	return nil
}

// countEntries adds up the entries of the typed field.
func (d *decoder) countEntries(f *field, kind storage, c *tensorContent) error {
	entries, unit, wire := 1, 0, protowire.VarintType
	switch kind {
	case floatData:
		unit, wire = 4, protowire.Fixed32Type
	case doubleData:
		unit, wire = 8, protowire.Fixed64Type
	case stringData:
		wire = protowire.BytesType
	}
	switch {
	case f.wire != protowire.BytesType || kind == stringData:
		if err := d.want(f, storageNames[kind], wire); err != nil {
			return err
		}
	case unit == 0:
		entries = varints(f.bytes)
		if len(f.bytes) > 0 && f.bytes[len(f.bytes)-1] >= 0x80 {
			return d.fault(f.content+len(f.bytes)-1, "truncated in packed %s", storageNames[kind])
		}
	default:
		if len(f.bytes)%unit != 0 {
			return d.fault(f.offset, "packed %s has %d bytes, must be a multiple of %d", storageNames[kind], len(f.bytes), unit)
		}
		entries = len(f.bytes) / unit
	}
	if entries == 0 {
		return nil
	}
	if c.entries > 0 && c.typed.number != f.number {
		return d.fault(f.offset, "data in %s and in %s, must be in one", storageNames[storageOf(c.typed.number)], storageNames[kind])
	}
	if c.entries == 0 {
		c.typed = *f
	}
	c.entries += int64(entries)
	return nil
}

// oneSource checks that the elements stand in one place, and in one that the
// type allows.
func (d *decoder) oneSource(m message, t *Tensor, c *tensorContent) error {
	store := elementTypes[t.Type].store
	switch {
	case c.external && (len(c.raw.bytes) > 0 || c.entries > 0):
		return d.fault(m.start, "tensor %s: external, but has data in the file as well", quote(t.Name))
	case len(c.raw.bytes) > 0 && c.entries > 0:
		return d.fault(m.start, "tensor %s: data in raw_data and in %s, must be in one", quote(t.Name), storageNames[storageOf(c.typed.number)])
	case t.Type == String && (c.external || len(c.raw.bytes) > 0):
		return d.fault(m.start, "tensor %s: strings can only stand in string_data", quote(t.Name))
	case c.entries > 0 && storageOf(c.typed.number) != store:
		return d.fault(c.typed.offset, "tensor %s: elements of %v stand in raw_data or %s, not in %s",
			quote(t.Name), t.Type, storageNames[store], storageNames[storageOf(c.typed.number)])
	}
	return nil
}

// typedData converts the typed field to the form of raw_data.
func (d *decoder) typedData(m message, t *Tensor, elements int, c *tensorContent) error {
	row := &elementTypes[t.Type]
	size := t.Type.rawBytes(elements)
	want := int64(elements) // entries
	switch {
	case row.bits < 8 && row.store != stringData:
		want = size
	case t.Type == Complex64 || t.Type == Complex128:
		want *= 2
	}
	if c.entries != want {
		return d.fault(m.start, "tensor %s: %s has %d entries where dims %v of %v take %d", quote(t.Name), storageNames[row.store], c.entries, t.Dims, t.Type, want)
	}
	number := c.typed.number
	switch {
	case row.store == stringData:
		t.Text = make([][]byte, 0, min(elements, maxItems))
	case c.typed.wire == protowire.BytesType && int64(len(c.typed.bytes)) == size && (row.store == floatData || row.store == doubleData):
		t.Raw = c.typed.bytes // one packed field has the bytes of raw_data already
		return nil
	default:
		t.Raw = make([]byte, 0, size)
	}
	return d.fields(m, func(f field) error {
		if f.number != number {
			return nil
		}
		switch row.store {
		case stringData:
			t.Text = append(t.Text, f.bytes)
			return d.count(f.offset)
		case floatData, doubleData:
			switch f.wire {
			case protowire.Fixed32Type:
				t.Raw = binary.LittleEndian.AppendUint32(t.Raw, uint32(f.scalar))
			case protowire.Fixed64Type:
				t.Raw = binary.LittleEndian.AppendUint64(t.Raw, f.scalar)
			default:
				t.Raw = append(t.Raw, f.bytes...)
			}
			return nil
		}
		entry := func(v uint64) error {
			if row.store == int32Data {
				v = uint64(int64(int32(v))) // protobuf keeps 32 bits
			}
			if row.min != row.max && (int64(v) < row.min || int64(v) > row.max) {
				return d.fault(f.offset, "tensor %s: entry %d of %s does not fit %v", quote(t.Name), int64(v), storageNames[row.store], t.Type)
			}
			var bytes [8]byte
			binary.LittleEndian.PutUint64(bytes[:], v)
			t.Raw = append(t.Raw, bytes[:max(row.bits, 8)/8]...)
			return nil
		}
		if f.wire == protowire.BytesType {
			return d.packed(&f, storageNames[row.store], entry)
		}
		return entry(f.scalar)
	})
}

// sequenceForm tells whether a well-formed file that is no TensorProto has the
// fields of a SequenceProto or an OptionalProto: a name (1) or tensors (3) that
// are length-delimited, or next to nothing, which is an empty one.
func (d *decoder) sequenceForm(data []byte) bool {
	tensor, sequence, dims := false, false, false
	err := d.fields(message{data: data}, func(f field) error {
		switch {
		case f.number == 8 || f.number == 9: // name and raw_data of a tensor
			tensor = true
		case f.number == 1 && f.wire == protowire.VarintType:
			dims = true
		case f.wire == protowire.BytesType && (f.number == 1 || f.number == 3):
			sequence = true
		}
		return nil
	})
	return err == nil && !tensor && !dims && (sequence || len(data) <= 2)
}
