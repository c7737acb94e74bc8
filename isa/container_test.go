package isa

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// reseal corrects all checksums after a test has changed bytes, as far as the
// section table still makes sense.
func reseal(data []byte) []byte {
	if len(data) < headerBytes+4 {
		return data
	}
	end := headerBytes + int(binary.LittleEndian.Uint32(data[12:]))*sectionRowBytes
	if end < 0 || end+4 > len(data) {
		return data
	}
	for at := headerBytes; at < end; at += sectionRowBytes {
		offset, length := binary.LittleEndian.Uint64(data[at+8:]), binary.LittleEndian.Uint64(data[at+16:])
		if offset <= uint64(len(data)) && length <= uint64(len(data))-offset {
			binary.LittleEndian.PutUint32(data[at+4:], crc32.Checksum(data[offset:offset+length], castagnoli))
		}
	}
	binary.LittleEndian.PutUint32(data[end:], crc32.Checksum(data[:end], castagnoli))
	return data
}

// section returns the row and the body of a section.
func section(t *testing.T, data []byte, kind sectionKind, index Unit) (row, body []byte) {
	t.Helper()
	for i := range int(binary.LittleEndian.Uint32(data[12:])) {
		row := data[headerBytes+i*sectionRowBytes:][:sectionRowBytes]
		if binary.LittleEndian.Uint16(row) == uint16(kind) && binary.LittleEndian.Uint16(row[2:]) == uint16(index) {
			offset, length := binary.LittleEndian.Uint64(row[8:]), binary.LittleEndian.Uint64(row[16:])
			return row, data[offset : offset+length]
		}
	}
	t.Fatalf("no section %s", sectionName(kind, uint16(index)))
	return nil, nil
}

func TestDecodeRefusals(t *testing.T) {
	type change func(t *testing.T, data []byte) []byte
	// in gives a change of one section's body.
	in := func(kind sectionKind, u Unit, do func(body []byte)) change {
		return func(t *testing.T, data []byte) []byte {
			_, body := section(t, data, kind, u)
			do(body)
			return reseal(data)
		}
	}
	row := func(kind sectionKind, u Unit, do func(row []byte)) change {
		return func(t *testing.T, data []byte) []byte {
			row, _ := section(t, data, kind, u)
			do(row)
			return reseal(data)
		}
	}
	put64 := binary.LittleEndian.PutUint64
	for _, test := range []struct {
		name    string
		section string
		rule    string
		change  change
	}{
		{"magic", "header", "magic", func(_ *testing.T, d []byte) []byte { d[0] ^= 1; return d }},
		{"major version", "header", "version 2.0 is not supported", func(_ *testing.T, d []byte) []byte { d[8] = 2; return reseal(d) }},
		{"section count", "header", "sections do not fit", func(_ *testing.T, d []byte) []byte { d[14] = 0xff; return d }},
		{"header checksum", "header", "checksum of the header", func(_ *testing.T, d []byte) []byte { d[20] ^= 1; return d }},
		{"section checksum", "constants", "checksum is wrong", func(t *testing.T, d []byte) []byte {
			_, body := section(t, d, constantSection, 0)
			body[5] ^= 4
			return d
		}},
		{"trailing bytes", "header", "1 bytes follow", func(_ *testing.T, d []byte) []byte { return append(d, 0) }},
		{"outside the file", "header", "ends outside the file", row(metadataSection, 0, func(r []byte) { put64(r[16:], 1<<40) })},
		{"overlap", "header", "must follow the one before", row(metadataSection, 0, func(r []byte) { put64(r[8:], 100) })},
		{"empty section", "header", "is empty", row(descriptorSection, 0, func(r []byte) { put64(r[16:], 0) })},
		{"unknown section", "header", "unknown section kind 0xb", row(metadataSection, 0, func(r []byte) { r[0] = 11 })},
		{"optional section of this version", "header", "unknown section kind 0x8001", row(metadataSection, 0, func(r []byte) { r[0], r[1] = 1, 0x80 })},
		{"section twice", "header", "appears twice", row(codeSection, StoreDMA, func(r []byte) { r[2] = byte(LoadDMA) })},
		{"sections out of order", "header", "out of order", row(descriptorSection, 0, func(r []byte) { r[0] = 1 })},
		{"index of a single section", "header", "index 1 is out of range", row(constantSection, 0, func(r []byte) { r[2] = 1 })},
		{"index of no unit", "header", "index 77 is out of range", row(codeSection, MACArray, func(r []byte) { r[2] = 77 })},
		{"metadata missing", "header", "metadata is missing", func(t *testing.T, d []byte) []byte {
			// The last section: drop its row and its body, move the others down.
			_, body := section(t, d, metadataSection, 0)
			n := binary.LittleEndian.Uint32(d[12:]) - 1
			end := headerBytes + int(n)*sectionRowBytes
			binary.LittleEndian.PutUint32(d[12:], n)
			d = slices.Delete(d[:len(d)-len(body)], end, end+sectionRowBytes)
			for at := headerBytes; at < end; at += sectionRowBytes {
				put64(d[at+8:], binary.LittleEndian.Uint64(d[at+8:])-sectionRowBytes)
			}
			return reseal(d)
		}},
		{"opcode", "code of load", "instruction 0: unknown opcode 99", in(codeSection, LoadDMA, func(b []byte) { b[0] = 99 })},
		{"opcode zero", "code of load", "unknown opcode 0", in(codeSection, LoadDMA, func(b []byte) { b[0] = 0 })},
		{"wrong unit", "code of load", "store may not stand in the code of unit load", in(codeSection, LoadDMA, func(b []byte) { b[0], b[15], b[31] = byte(Store), 6, 3 })},
		{"mask", "code of load", "the mask 0x07 names more", in(codeSection, LoadDMA, func(b []byte) { b[1] = 7 })},
		{"absent operand", "code of load", "lacks operand to", in(codeSection, LoadDMA, func(b []byte) { b[1] = 1 })},
		{"reserved bits", "code of load", "load: reserved bits are 0x1", in(codeSection, LoadDMA, func(b []byte) { b[2] = 1 })},
		{"reserved address bits", "code of load", "operand from: reserved bits are 0x100", in(codeSection, LoadDMA, func(b []byte) { b[8+6] = 1 })},
		{"space of no operand", "code of load", "from may not point into activation_buffer", in(codeSection, LoadDMA, func(b []byte) { b[8+7] = 6 })},
		{"no space", "code of load", "from is present but names no space", in(codeSection, LoadDMA, func(b []byte) { b[8+7] = 0 })},
		{"word of halt", "code of load", "halt carries neither", in(codeSection, LoadDMA, func(b []byte) { b[len(b)-1] = 1 })},
		{"descriptor kind", "descriptors", "d0: unknown descriptor kind 11", in(descriptorSection, 0, func(b []byte) { b[0] = 11 })},
		{"descriptor reserved", "descriptors", "reserved byte is 0x1", in(descriptorSection, 0, func(b []byte) { b[1] = 1 })},
		{"descriptor length", "descriptors", "length is 37, must be 36", in(descriptorSection, 0, func(b []byte) { b[2] = 37 })},
		{"descriptor enum", "descriptors", "class is 9, must name weights, activations, metadata, corrections, masks or scales", in(descriptorSection, 0, func(b []byte) { b[6] = 9 })},
		{"descriptor rule", "descriptors", "transfer: bits is 1, must be 2 to 8", in(descriptorSection, 0, func(b []byte) { b[7] = 1 })},
		{"descriptor bool", "descriptors", "last is 2, must be 0 or 1", in(descriptorSection, 0, func(b []byte) { b[2*40+4+66+1] = 2 })},
		{"semaphore unit", "semaphores", "s0: names unit 9", in(semaphoreSection, 0, func(b []byte) { b[0] = 9 })},
		{"semaphore reserved", "semaphores", "reserved bits are 0x100", in(semaphoreSection, 0, func(b []byte) { b[3] = 1 })},
		{"name length", "layers", "bytes of text do not fit", in(layerSection, 0, func(b []byte) { b[3] = 0x7f })},
		{"scale", "tensors", "scale is NaN", in(tensorSection, 0, func(b []byte) { put64(b[len(b)-8:], 0x7ff8000000000001) })},
		{"bindings", "bindings", "2147483649 bindings do not fit", in(bindingSection, 0, func(b []byte) { b[3] = 0x80 })},
		{"binding dimensions", "bindings", "dimensions do not fit", in(bindingSection, 0, func(b []byte) { b[11] = 0xff })},
		{"binding space", "bindings", "no region of DRAM", in(bindingSection, 0, func(b []byte) { b[12+4*8] = 7 })},
		{"rounding", "metadata", "rounding is 7", in(metadataSection, 0, func(b []byte) { b[4+len("hand built")+32] = 7 })},
		{"spaces", "metadata", "10 spaces, must be 8 to 9", in(metadataSection, 0, func(b []byte) { b[4+len("hand built")+33+16] = 10 })},
		{"few spaces", "metadata", "7 spaces, must be 8 to 9", in(metadataSection, 0, func(b []byte) { b[4+len("hand built")+33+16] = 7 })},
	} {
		t.Run(test.name, func(t *testing.T) {
			data := test.change(t, encode(t, pipeline(4).p))
			_, err := Decode(data, "x.npu")
			var f *FormatError
			if !errors.As(err, &f) {
				t.Fatalf("got %v, want a FormatError", err)
			}
			if f.Section != test.section || !strings.Contains(f.Rule, test.rule) || f.File != "x.npu" {
				t.Errorf("got %v\nwant section %q and rule %q", err, test.section, test.rule)
			}
			if f.Offset < 0 || f.Offset > int64(len(data)) {
				t.Errorf("offset %d lies outside the file of %d bytes", f.Offset, len(data))
			}
		})
	}
}

// TestOptionalSectionOfNewerVersion: a reader skips what a newer minor
// version added as optional.
func TestOptionalSectionOfNewerVersion(t *testing.T) {
	p := pipeline(4).p
	data := encode(t, p)
	n := int(binary.LittleEndian.Uint32(data[12:]))
	end := headerBytes + n*sectionRowBytes
	extra := make([]byte, sectionRowBytes)
	binary.LittleEndian.PutUint16(extra, 0x8001)
	binary.LittleEndian.PutUint64(extra[8:], uint64(len(data)))
	binary.LittleEndian.PutUint64(extra[16:], 5)
	data = append(slices.Insert(data, end, extra...), "extra"...)
	binary.LittleEndian.PutUint32(data[12:], uint32(n+1))
	for at := headerBytes; at < end+sectionRowBytes; at += sectionRowBytes {
		binary.LittleEndian.PutUint64(data[at+8:], binary.LittleEndian.Uint64(data[at+8:])+sectionRowBytes)
	}
	data[10] = MinorVersion + 1
	decoded, err := Decode(reseal(data), "newer")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(encode(t, decoded), encode(t, p)) {
		t.Error("the program differs")
	}
}

func TestEncodeRefusals(t *testing.T) {
	for _, test := range []struct {
		name, rule string
		change     func(p *Program)
	}{
		{"count of halt", "halt carries no count", func(p *Program) { p.Code[LoadDMA][9].Count = 1 }},
		{"descriptor of wait", "wait carries no descriptor", func(p *Program) { p.Code[MACArray][0].Descriptor = 1 }},
		{"offset", "does not fit 40 bits", func(p *Program) { p.Code[LoadDMA][0].Operands[0].Offset = 1 << 40 }},
		{"address without space", "operand 2 has an address but no space", func(p *Program) { p.Code[LoadDMA][0].Operands[2].Offset = 1 }},
		{"extra operand", "load has 2 operands", func(p *Program) { p.Code[LoadDMA][0].Operands[2].Space = Weights }},
		{"code of no unit", "may not stand in the code of unit invalid", func(p *Program) { p.Code[0] = []Instruction{{Op: Halt}} }},
		{"trace of no unit", "cannot have a trace", func(p *Program) { p.Trace[0] = make([]TraceRecord, 1) }},
		{"nil descriptor", "d0: descriptor is nil", func(p *Program) { p.Descriptors[0] = (*Transfer)(nil) }},
		{"descriptor rule", "d0: transfer: rows is 0, must be at least 1", func(p *Program) { p.Descriptors[0].(*Transfer).Rows = 0 }},
		{"semaphores", "the machine has 64", func(p *Program) { p.Semaphores = make([]Semaphore, 65) }},
		{"semaphore", "names unit 0", func(p *Program) { p.Semaphores[0].Waiter = 0 }},
		{"binding", "no region of DRAM", func(p *Program) { p.Inputs[0].Space = WeightBuffer }},
		{"rounding", "rounding is 0", func(p *Program) { p.Rounding = 0 }},
		{"size of no space", "invalid space has a size", func(p *Program) { p.Buffers[0] = 1 }},
	} {
		p := pipeline(4).p
		test.change(p)
		_, err := p.Encode()
		if err == nil || !strings.Contains(err.Error(), test.rule) || !strings.Contains(err.Error(), "section") {
			t.Errorf("%s: got %v, want %q", test.name, err, test.rule)
		}
		if err := Disassemble(&strings.Builder{}, p); err == nil {
			t.Errorf("%s: was disassembled", test.name)
		}
	}
}

func TestTruncatedContainer(t *testing.T) {
	data := encode(t, pipeline(4).p)
	for n := range data {
		if _, err := Decode(data[:n:n], "truncated"); err == nil {
			t.Fatalf("%d of %d bytes were accepted", n, len(data))
		}
	}
	// With sound checksums truncation reaches the section readers.
	for n := headerBytes; n < len(data); n++ {
		if _, err := Decode(reseal(slices.Clone(data[:n])), "truncated"); err == nil {
			t.Fatalf("%d of %d resealed bytes were accepted", n, len(data))
		}
	}
}

// checkDecoded wants an error or a program that encodes to the same bytes.
func checkDecoded(t *testing.T, data []byte) *Program {
	t.Helper()
	p, err := Decode(data, "damaged")
	if err != nil {
		var f *FormatError
		if !errors.As(err, &f) || f.Offset < 0 || f.Offset > int64(len(data)) {
			t.Fatalf("error is no FormatError inside the file: %v", err)
		}
		return nil
	}
	if binary.LittleEndian.Uint16(data[10:]) == MinorVersion && !bytes.Equal(encode(t, p), data) {
		t.Fatalf("accepted bytes are not what encoding gives back")
	}
	return p
}

func TestBitFlips(t *testing.T) {
	data := encode(t, pipeline(4).p)
	flips := 20000
	if testing.Short() || reduced {
		flips = 2000
	}
	random := rand.New(rand.NewPCG(1, 2))
	accepted := 0
	for range flips {
		damaged := slices.Clone(data)
		for range 1 + random.IntN(3) {
			at := random.IntN(len(damaged))
			damaged[at] ^= 1 << random.IntN(8)
		}
		if p, err := Decode(damaged, "flipped"); err == nil && !bytes.Equal(damaged, data) {
			t.Fatalf("a damaged file was accepted as %q", p.Name)
		}
		if p := checkDecoded(t, reseal(damaged)); p != nil {
			accepted++
			// Whatever Verify says, it says it without panic.
			if err := Verify(p, testLimits); err == nil {
				checkRoundTripText(t, p)
			}
		}
	}
	if accepted == 0 {
		t.Error("no resealed flip was accepted: the test does not reach the section readers")
	}
}

// TestDecodeMemory: lengths that the file cannot hold allocate nothing.
func TestDecodeMemory(t *testing.T) {
	data := encode(t, pipeline(4).p)
	_, body := section(t, data, bindingSection, 0)
	binary.LittleEndian.PutUint32(body, 1<<31)
	reseal(data)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, err := Decode(data, "huge"); err == nil {
		t.Fatal("accepted")
	}
	runtime.ReadMemStats(&after)
	if grown := after.TotalAlloc - before.TotalAlloc; grown > 1<<20 {
		t.Errorf("decoding %d bytes allocated %d", len(data), grown)
	}
}

func TestFiles(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "p.npu")
	p := pipeline(4).p
	for range 2 { // the second write replaces the first
		if err := p.WriteFile(path); err != nil {
			t.Fatal(err)
		}
	}
	read, err := ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(encode(t, read), encode(t, p)) {
		t.Error("the program read differs")
	}
	entries, err := os.ReadDir(folder)
	if err != nil || len(entries) != 1 {
		t.Errorf("the folder holds %v, %v", entries, err)
	}
	if err := p.WriteFile(filepath.Join(folder, "missing", "p.npu")); err == nil {
		t.Error("a missing folder was accepted")
	}
	if err := os.Mkdir(filepath.Join(folder, "taken"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := p.WriteFile(filepath.Join(folder, "taken")); err == nil {
		t.Error("a folder was replaced by a file")
	}
	if entries, _ = os.ReadDir(folder); len(entries) != 2 {
		t.Errorf("a failed write left %v", entries)
	}
	if _, err := ReadFile(filepath.Join(folder, "absent")); err == nil {
		t.Error("an absent file was read")
	}
}

func FuzzDecode(f *testing.F) {
	for _, p := range []*Program{pipeline(4).p, {Rounding: HalfUpShift}} {
		data, err := p.Encode()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data, true)
		f.Add(data, false)
	}
	f.Fuzz(func(t *testing.T, data []byte, sealed bool) {
		if len(data) > 1<<16 {
			return
		}
		if !sealed {
			reseal(data)
		}
		if p := checkDecoded(t, data); p != nil {
			checkRoundTripText(t, p)
			if err := Verify(p, testLimits); err != nil {
				var v *VerifyError
				if !errors.As(err, &v) || len(v.Faults) == 0 || len(v.Faults) > MaxFaults {
					t.Fatalf("bad verify error: %v", err)
				}
			}
		}
	})
}

// checkRoundTripText wants a program back from its text.
func checkRoundTripText(t *testing.T, p *Program) {
	t.Helper()
	text := disassemble(t, p)
	back, err := Assemble(text, "fuzz")
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if !bytes.Equal(encode(t, back), encode(t, p)) {
		t.Fatalf("the assembled program differs:\n%s", text)
	}
}
