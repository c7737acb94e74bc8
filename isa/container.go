package isa

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
)

// Version of the container. A reader refuses another major version. A minor
// version may add optional sections: they are skipped when the file is newer
// than the reader, and everything else unknown is refused.
const (
	MajorVersion = 1
	MinorVersion = 0
)

const magic = "NPUSIM\x00\x01"

// Layout of the header: magic, major u16, minor u16, number of sections u32,
// machine hash (32 bytes), one row a section, CRC-32C of all that u32.
const (
	headerBytes     = len(magic) + 2 + 2 + 4 + 32
	sectionRowBytes = 2 + 2 + 4 + 8 + 8 // kind, index, CRC-32C, offset, length
	maxSections     = 1 << 10
)

// sectionKind names a section. Kinds from optionalSections on may be skipped.
type sectionKind uint16

const (
	invalidSection sectionKind = iota
	codeSection                // one a unit
	descriptorSection
	constantSection
	semaphoreSection
	layerSection
	tensorSection
	bindingSection
	traceSection // one a unit
	metadataSection
	networkSection
	sectionEnd

	optionalSections sectionKind = 0x8000
)

// sections is the one table of sections: the order of the rows is the order
// in the file. A section that would be empty is left out.
var sections = [sectionEnd]struct {
	name    string
	perUnit bool
	write   func(p *Program, u Unit) ([]byte, error)
	read    func(p *Program, u Unit, r *reader)
}{
	codeSection:       {"code", true, writeCode, readCode},
	descriptorSection: {"descriptors", false, writeDescriptors, readDescriptors},
	constantSection:   {"constants", false, writeConstants, readConstants},
	semaphoreSection:  {"semaphores", false, writeSemaphores, readSemaphores},
	layerSection:      {"layers", false, writeLayers, readLayers},
	tensorSection:     {"tensors", false, writeTensors, readTensors},
	bindingSection:    {"bindings", false, writeBindings, readBindings},
	traceSection:      {"trace", true, writeTrace, readTrace},
	metadataSection:   {"metadata", false, writeMetadata, readMetadata},
	networkSection:    {"networks", false, writeNetworks, readNetworks},
}

func sectionName(kind sectionKind, index uint16) string {
	if kind == invalidSection || kind >= sectionEnd {
		return fmt.Sprintf("section %#x", uint16(kind))
	}
	if sections[kind].perUnit {
		return sections[kind].name + " of " + Unit(index).String()
	}
	return sections[kind].name
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Encode returns the program in the binary container. Equal programs give
// equal bytes. A program that Decode would refuse is refused here.
func (p *Program) Encode() ([]byte, error) {
	if p.ShapeOnly {
		return nil, fmt.Errorf("encode program %q: it was made from layer shapes alone and has no weights to store", p.Name)
	}
	type part struct {
		kind  sectionKind
		index uint16
		data  []byte
	}
	var parts []part
	for kind := invalidSection + 1; kind < sectionEnd; kind++ {
		units := 1
		if sections[kind].perUnit {
			units = NumUnits
		}
		for u := range units {
			data, err := sections[kind].write(p, Unit(u))
			if err != nil {
				return nil, fmt.Errorf("encode program %q: section %s: %w", p.Name, sectionName(kind, uint16(u)), err)
			}
			if len(data) > 0 {
				parts = append(parts, part{kind, uint16(u), data})
			}
		}
	}
	offset := headerBytes + len(parts)*sectionRowBytes + 4
	total := offset
	for i := range parts {
		total += len(parts[i].data)
	}
	data := make([]byte, 0, total)
	data = append(data, magic...)
	data = binary.LittleEndian.AppendUint16(data, MajorVersion)
	data = binary.LittleEndian.AppendUint16(data, MinorVersion)
	data = binary.LittleEndian.AppendUint32(data, uint32(len(parts)))
	data = append(data, p.MachineHash[:]...)
	for i := range parts {
		data = binary.LittleEndian.AppendUint16(data, uint16(parts[i].kind))
		data = binary.LittleEndian.AppendUint16(data, parts[i].index)
		data = binary.LittleEndian.AppendUint32(data, crc32.Checksum(parts[i].data, castagnoli))
		data = binary.LittleEndian.AppendUint64(data, uint64(offset))
		data = binary.LittleEndian.AppendUint64(data, uint64(len(parts[i].data)))
		offset += len(parts[i].data)
	}
	data = binary.LittleEndian.AppendUint32(data, crc32.Checksum(data, castagnoli))
	for i := range parts {
		data = append(data, parts[i].data...)
	}
	return data, nil
}

// FormatError is a fault of a program file: where it lies and the rule it
// breaks.
type FormatError struct {
	File    string // as given to Decode
	Section string // "header" or a section
	Offset  int64  // bytes from the start of the file
	Rule    string
}

func (e *FormatError) Error() string {
	return fmt.Sprintf("%s: %s at byte %d: %s", e.File, e.Section, e.Offset, e.Rule)
}

// Decode reads a program from the binary container; name stands for the file
// in errors, which are of type *FormatError. Memory stays proportional to the
// length of data. Decode checks form, not meaning: run Verify before
// executing a program of unknown origin.
func Decode(data []byte, name string) (*Program, error) {
	fail := func(offset int, format string, arguments ...any) (*Program, error) {
		return nil, &FormatError{name, "header", int64(offset), fmt.Sprintf(format, arguments...)}
	}
	if len(data) < headerBytes+4 {
		return fail(len(data), "a program file has at least %d bytes", headerBytes+4)
	}
	if string(data[:len(magic)]) != magic {
		return fail(0, "not a program file: the magic bytes are missing")
	}
	major, minor := binary.LittleEndian.Uint16(data[8:]), binary.LittleEndian.Uint16(data[10:])
	if major != MajorVersion {
		return fail(8, "version %d.%d is not supported, this program reads version %d", major, minor, MajorVersion)
	}
	count := binary.LittleEndian.Uint32(data[12:])
	if count > maxSections || int(count) > (len(data)-headerBytes-4)/sectionRowBytes {
		return fail(12, "%d sections do not fit the file", count)
	}
	end := headerBytes + int(count)*sectionRowBytes
	if stored := binary.LittleEndian.Uint32(data[end:]); stored != crc32.Checksum(data[:end], castagnoli) {
		return fail(end, "checksum of the header is wrong")
	}
	p := new(Program)
	copy(p.MachineHash[:], data[16:])
	next := end + 4 // where the next section must start
	previous := -1  // kind and index of the section before
	for i := range int(count) {
		at := headerBytes + i*sectionRowBytes
		row := data[at : at+sectionRowBytes]
		kind, index := sectionKind(binary.LittleEndian.Uint16(row)), binary.LittleEndian.Uint16(row[2:])
		checksum := binary.LittleEndian.Uint32(row[4:])
		offset, length := binary.LittleEndian.Uint64(row[8:]), binary.LittleEndian.Uint64(row[16:])
		section := sectionName(kind, index)
		known := kind > invalidSection && kind < sectionEnd
		switch order := int(kind)<<16 | int(index); {
		case !known && (kind < optionalSections || minor <= MinorVersion):
			return fail(at, "unknown section kind %#x", uint16(kind))
		case known && int(index) >= NumUnits, known && !sections[kind].perUnit && index != 0:
			return fail(at, "%s: index %d is out of range", section, index)
		case order == previous:
			return fail(at, "%s appears twice", section)
		case order < previous:
			return fail(at, "%s is out of order", section)
		case offset != uint64(next):
			return fail(at, "%s starts at byte %d, must follow the one before at %d", section, offset, next)
		case length == 0:
			return fail(at, "%s is empty and must be left out", section)
		case length > uint64(len(data)-next):
			return fail(at, "%s of %d bytes ends outside the file of %d", section, length, len(data))
		default:
			previous = order
		}
		body := data[next : next+int(length)]
		if crc32.Checksum(body, castagnoli) != checksum {
			return nil, &FormatError{name, section, int64(next), "checksum is wrong"}
		}
		if known {
			r := &reader{data: body}
			sections[kind].read(p, Unit(index), r)
			if r.err == nil && r.at != len(body) {
				r.fail("%d bytes are left over", len(body)-r.at)
			}
			if r.err != nil {
				return nil, &FormatError{name, section, int64(next + r.failed), r.err.Error()}
			}
		}
		next += int(length)
	}
	if next != len(data) {
		return fail(next, "%d bytes follow the last section", len(data)-next)
	}
	if p.Rounding == InvalidRounding {
		return fail(headerBytes, "section metadata is missing")
	}
	return p, nil
}

// ReadFile decodes a program file.
func ReadFile(path string) (*Program, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return Decode(data, path)
}

// WriteFile encodes the program into a file, which appears whole or not at
// all.
func (p *Program) WriteFile(path string) (err error) {
	data, err := p.Encode()
	if err != nil {
		return err
	}
	file, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*.tmp")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(file.Name()))
		}
	}()
	if _, err = file.Write(data); err != nil {
		return errors.Join(err, file.Close())
	}
	if err = file.Chmod(0o644); err != nil { // temporary files are private
		return errors.Join(err, file.Close())
	}
	if err = file.Close(); err != nil {
		return err
	}
	return os.Rename(file.Name(), path)
}
