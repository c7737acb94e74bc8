package isa

import (
	"bufio"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"reflect"
	"strconv"
	"strings"
)

// textHeader opens the text form; the version is that of the container.
const textHeader = "npusim-program"

// Bytes of constants and records of a trace on one line of text.
const (
	constantsPerLine = 60
	recordsPerLine   = 8
)

// Disassemble writes the text form of a program. It carries everything that
// the container does: Assemble gives the program back byte for byte. A
// program that cannot be encoded cannot be printed either.
func Disassemble(w io.Writer, p *Program) error {
	if _, err := p.Encode(); err != nil {
		return err
	}
	d := &disassembler{Writer: bufio.NewWriter(w), p: p}
	d.metadata()
	d.tables()
	d.networks()
	d.descriptors()
	for u := range NumUnits {
		d.code(Unit(u))
	}
	d.constants()
	for u := range NumUnits {
		d.trace(Unit(u))
	}
	return d.Flush()
}

type disassembler struct {
	*bufio.Writer // keeps the first error until Flush
	p             *Program
}

func (d *disassembler) printf(format string, arguments ...any) {
	fmt.Fprintf(d, format, arguments...)
}

func (d *disassembler) metadata() {
	p := d.p
	d.printf("%s %d.%d\n", textHeader, MajorVersion, MinorVersion)
	d.printf("name %s\n", strconv.Quote(p.Name))
	d.printf("machine_hash %s\n", hex.EncodeToString(p.MachineHash[:]))
	d.printf("model_hash %s\n", hex.EncodeToString(p.ModelHash[:]))
	d.printf("rounding %s\n", p.Rounding)
	d.printf("macs %d\nweights %d\n", p.MACs, p.Weights)
	for s := range Space(NumSpaces) {
		if p.RegionBytes[s] != 0 {
			d.printf("region %s %d\n", s, p.RegionBytes[s])
		}
	}
	for s := range Space(NumSpaces) {
		if p.Buffers[s] != 0 {
			d.printf("buffer %s %d\n", s, p.Buffers[s])
		}
	}
	for i := range p.Settings {
		d.printf("setting %s %s\n", strconv.Quote(p.Settings[i].Name), strconv.Quote(p.Settings[i].Value))
	}
	if p.Config != "" {
		d.printf("\n; configuration the program was compiled with\n")
	}
	for line := range strings.Lines(p.Config) {
		d.printf("config %s\n", strconv.Quote(line))
	}
}

func (d *disassembler) tables() {
	p := d.p
	d.heading("tensors", len(p.Tensors))
	for i := range p.Tensors {
		t := &p.Tensors[i]
		d.printf("t%d = tensor %s channels=%d rows=%d columns=%d bits=%d zero=%d scale=%s\n", i, strconv.Quote(t.Name),
			t.Channels, t.Rows, t.Columns, t.Bits, t.Zero, strconv.FormatFloat(t.Scale, 'g', -1, 64))
	}
	d.heading("layers", len(p.Layers))
	for i := range p.Layers {
		l := &p.Layers[i]
		d.printf("l%d = layer %s op=%s tensor=%d macs=%d weight_bits=%d\n", i, strconv.Quote(l.Name), strconv.Quote(l.Op), l.Tensor, l.MACs, l.WeightBits)
	}
	d.heading("bindings", len(p.Inputs)+len(p.Outputs))
	for k, list := range [2][]Binding{p.Inputs, p.Outputs} {
		for i := range list {
			b := &list[i]
			d.printf("%s tensor=%d", [2]string{"input", "output"}[k], b.Tensor)
			for n, extent := range b.Shape {
				d.printf("%s%d", [2]string{" shape=", ","}[min(n, 1)], extent)
			}
			d.printf(" space=%s offset=%d block=%d pixel_bytes=%d row_stride=%d block_stride=%d", b.Space, b.Offset, b.Block, b.PixelBytes, b.RowStride, b.BlockStride)
			if int(b.Tensor) < len(p.Tensors) {
				d.printf(" ; %s", strconv.Quote(p.Tensors[b.Tensor].Name))
			}
			d.printf("\n")
		}
	}
	d.heading("semaphores", len(p.Semaphores))
	for i := range p.Semaphores {
		s := &p.Semaphores[i]
		d.printf("s%d = semaphore %s -> %s initial=%d\n", i, s.Signaller, s.Waiter, s.Initial)
	}
}

// networks prints how each network is drawn, or its rows as hexadecimal numbers.
func (d *disassembler) networks() {
	d.heading("XOR networks: inputs, outputs and how they are drawn, or a row of taps an output", len(d.p.Networks))
	for i, n := range d.p.Networks {
		if n.Drawn() {
			d.printf("x%d = drawn_network inputs=%d outputs=%d draw=%s parameter=%d seed=%d\n", i, n.Inputs, n.Outputs, n.Origin.Draw, n.Origin.Parameter, n.Origin.Seed)
			continue
		}
		d.printf("x%d = network inputs=%d", i, n.Inputs)
		for k, row := range n.Rows {
			d.printf("%s%x", [2]string{" rows=", ","}[min(k, 1)], row)
		}
		d.printf("\n")
	}
}

func (d *disassembler) heading(what string, rows int) {
	if rows > 0 {
		d.printf("\n; %s\n", what)
	}
}

func (d *disassembler) descriptors() {
	d.heading("descriptors", len(d.p.Descriptors))
	for i, descriptor := range d.p.Descriptors {
		d.printf("d%d = %s%s ; %s\n", i, descriptor.Kind(),
			fieldText(records[descriptor.Kind()].fields, reflect.ValueOf(descriptor).Elem()), d.layerName(descriptor))
	}
}

// fieldText prints the fields that are not zero, each after a space.
func fieldText(fields []field, from reflect.Value) string {
	var b strings.Builder
	for i := range fields {
		f := &fields[i]
		v := from.FieldByIndex(f.index)
		if v.IsZero() {
			continue
		}
		b.WriteString(" " + f.name + "=")
		if f.count == 0 {
			b.WriteString(valueText(f, v))
			continue
		}
		for k := range f.count {
			b.WriteString([2]string{"[", " "}[min(k, 1)] + valueText(f, v.Index(k)))
		}
		b.WriteString("]")
	}
	return b.String()
}

func valueText(f *field, v reflect.Value) string {
	switch {
	case f.enum != nil:
		return f.enum[v.Uint()]
	case f.wire == wireView:
		return "{" + strings.TrimPrefix(fieldText(f.view, v), " ") + "}"
	case v.CanInt():
		return strconv.FormatInt(v.Int(), 10)
	case v.CanUint():
		return strconv.FormatUint(v.Uint(), 10)
	}
	return strconv.FormatBool(v.Bool())
}

func (d *disassembler) code(u Unit) {
	code := d.p.Code[u]
	if len(code) == 0 {
		return
	}
	d.printf("\ncode %s ; %d instructions", u, len(code))
	if _, err := NewStream(code); err == nil {
		d.printf(", %d execute", dynamicCount(code, func(Opcode) bool { return true }))
	}
	d.printf("\n")
	depth := 1
	for i := range code {
		in := &code[i]
		if in.Op == EndLoop {
			depth = max(depth-1, 1)
		}
		d.printf("%s%s", strings.Repeat("    ", min(depth, 3)), instructionText(in))
		if comment := d.comment(in); comment != "" {
			d.printf(" ; %s", comment)
		}
		d.printf("\n")
		if in.Op == Loop {
			depth++
		}
	}
}

// instructionText is the statement of an instruction.
func instructionText(in *Instruction) string {
	row := &Instructions[in.Op]
	text := row.Name
	switch {
	case in.Op == Wait || in.Op == Signal:
		text += fmt.Sprintf(" s%d", in.Count)
	case row.HasCount:
		text += fmt.Sprintf(" %d", in.Count)
	case row.Descriptor != NoDescriptor:
		text += fmt.Sprintf(" d%d", in.Descriptor)
	}
	for k := range row.Operands {
		a := &in.Operands[k]
		if a.Space == InvalidSpace {
			continue
		}
		text += fmt.Sprintf(" %s=%s[%#x", row.Operands[k].Name, a.Space, a.Offset)
		if a.InnerStep != 0 || a.OuterStep != 0 {
			text += fmt.Sprintf(", %+d, %+d", a.InnerStep, a.OuterStep)
		}
		text += "]"
	}
	return text
}

// comment says in words what an instruction does in this program.
func (d *disassembler) comment(in *Instruction) string {
	p := d.p
	row := &Instructions[in.Op]
	switch {
	case (in.Op == Wait || in.Op == Signal) && int(in.Count) < len(p.Semaphores):
		if in.Op == Wait {
			return "credit from " + p.Semaphores[in.Count].Signaller.String()
		}
		return "credit to " + p.Semaphores[in.Count].Waiter.String()
	case row.Descriptor != NoDescriptor && int(in.Descriptor) < len(p.Descriptors):
		descriptor := p.Descriptors[in.Descriptor]
		return d.layerName(descriptor) + ": " + summary(descriptor)
	}
	return ""
}

func (d *disassembler) layerName(descriptor Descriptor) string {
	if i := descriptor.LayerIndex(); i < len(d.p.Layers) {
		return strconv.Quote(d.p.Layers[i].Name)
	}
	return "no layer"
}

// summary is what a descriptor asks for, in a few words; tiles are
// channels x rows x columns.
func summary(descriptor Descriptor) string {
	switch t := descriptor.(type) {
	case *Transfer:
		return fmt.Sprintf("%d bytes of %s in DRAM", t.DRAMBytes(), t.Class)
	case *EncodedWeights:
		return fmt.Sprintf("%d weights of %d bits in %d bytes, %s code", t.Elements, t.Bits, t.StreamBytes(), t.Codec)
	case *SealedKeys:
		return fmt.Sprintf("%d rows of %d keys of %d bits, %d planes, in %d bytes", t.Rows, t.Keys, t.Mu, t.Planes, t.CodeBytes)
	case *ConvolutionTile:
		return fmt.Sprintf("%dx%dx%d from %d channels, kernel %dx%d", t.OutputChannels, t.OutputRows, t.OutputColumns, t.InputChannels, t.KernelRows, t.KernelColumns) + t.sumsText()
	case *LookupTile:
		return fmt.Sprintf("%dx%dx%d from %d channels, kernel %dx%d, %d planes of keys of %d bits", t.OutputChannels, t.OutputRows, t.OutputColumns,
			t.InputChannels, t.KernelRows, t.KernelColumns, t.Planes, t.Mu) + t.sumsText()
	case *PoolTile:
		return fmt.Sprintf("%s of %dx%d, %dx%dx%d", t.Mode, t.KernelRows, t.KernelColumns, t.Channels, t.OutputRows, t.OutputColumns)
	case *BinaryTile:
		return fmt.Sprintf("%s, %dx%dx%d", t.Mode, t.Channels, t.Rows, t.Columns)
	case *ElementwiseTile:
		return fmt.Sprintf("%dx%dx%d", t.Channels, t.Rows, t.Columns)
	case *CopyTile:
		return fmt.Sprintf("%dx%dx%d", t.Channels, t.Rows, t.Columns)
	case *RearrangeTile:
		return fmt.Sprintf("%dx%dx%d to %dx%dx%d", t.InputChannels, t.InputRows, t.InputColumns, t.OutputChannels, t.OutputRows, t.OutputColumns)
	}
	return ""
}

// sumsText says which sums a tile takes over and hands on.
func (w *Window) sumsText() (text string) {
	if !w.First {
		text += ", adds to the sums"
	}
	if !w.Last {
		text += ", leaves sums"
	}
	return text
}

func (d *disassembler) constants() {
	d.heading("constants, base64", len(d.p.Constants))
	for at := 0; at < len(d.p.Constants); at += constantsPerLine {
		line := d.p.Constants[at:min(at+constantsPerLine, len(d.p.Constants))]
		d.printf("constants %s\n", base64.StdEncoding.EncodeToString(line))
	}
}

func (d *disassembler) trace(u Unit) {
	list := d.p.Trace[u]
	d.heading("trace of "+u.String()+", tensor:channel:row:column", len(list))
	for i := range list {
		if i%recordsPerLine == 0 {
			d.printf("trace %s", u)
		}
		r := &list[i]
		tensor := "-"
		if r.Tensor != NoTensor {
			tensor = strconv.FormatUint(uint64(r.Tensor), 10)
		}
		d.printf(" %s:%d:%d:%d", tensor, r.Channel, r.Row, r.Column)
		if i%recordsPerLine == recordsPerLine-1 || i == len(list)-1 {
			d.printf("\n")
		}
	}
}
