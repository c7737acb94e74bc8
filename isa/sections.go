package isa

import (
	"encoding/binary"
	"fmt"
	"math"
)

// The writers return the bytes of one section, empty if the program has
// nothing to put there; the readers take exactly what the writers wrote.

func writeCode(p *Program, u Unit) ([]byte, error) {
	var data []byte
	var err error
	for i := range p.Code[u] {
		if data, err = appendInstruction(data, u, &p.Code[u][i]); err != nil {
			return nil, fmt.Errorf("instruction %d: %w", i, err)
		}
	}
	return data, nil
}

func readCode(p *Program, u Unit, r *reader) {
	for r.more() {
		in, n, err := readInstruction(r.data[r.at:], u)
		if err != nil {
			r.fail("instruction %d: %w", len(p.Code[u]), err)
			return
		}
		p.Code[u] = append(p.Code[u], in)
		r.at += n
	}
}

func writeDescriptors(p *Program, _ Unit) ([]byte, error) {
	var data []byte
	var err error
	for i, d := range p.Descriptors {
		if data, err = appendDescriptor(data, d); err != nil {
			return nil, fmt.Errorf("d%d: %w", i, err)
		}
	}
	return data, nil
}

func readDescriptors(p *Program, _ Unit, r *reader) {
	for r.more() {
		d, n, err := readDescriptor(r.data[r.at:])
		if err != nil {
			r.fail("d%d: %w", len(p.Descriptors), err)
			return
		}
		p.Descriptors = append(p.Descriptors, d)
		r.at += n
	}
}

func writeConstants(p *Program, _ Unit) ([]byte, error) { return p.Constants, nil }

func readConstants(p *Program, _ Unit, r *reader) {
	p.Constants = append([]byte(nil), r.take(len(r.data))...)
}

func writeSemaphores(p *Program, _ Unit) ([]byte, error) {
	if len(p.Semaphores) > MaxSemaphores {
		return nil, fmt.Errorf("%d semaphores, the machine has %d", len(p.Semaphores), MaxSemaphores)
	}
	var data []byte
	for i := range p.Semaphores {
		s := &p.Semaphores[i]
		if err := checkSemaphore(s); err != nil {
			return nil, fmt.Errorf("s%d: %w", i, err)
		}
		data = append(data, byte(s.Signaller), byte(s.Waiter), 0, 0)
		data = binary.LittleEndian.AppendUint32(data, s.Initial)
	}
	return data, nil
}

func checkSemaphore(s *Semaphore) error {
	for _, u := range [2]Unit{s.Signaller, s.Waiter} {
		if u == InvalidUnit || int(u) >= NumUnits {
			return fmt.Errorf("names unit %d, which does not exist", uint8(u))
		}
	}
	return nil
}

func readSemaphores(p *Program, _ Unit, r *reader) {
	for r.more() {
		start := r.at
		s := Semaphore{Signaller: Unit(r.u8()), Waiter: Unit(r.u8())}
		reserved := r.u16()
		s.Initial = r.u32()
		if r.err != nil {
			return
		}
		err := checkSemaphore(&s)
		switch {
		case reserved != 0:
			err = fmt.Errorf("reserved bits are %#x, must be zero", reserved)
		case len(p.Semaphores) == MaxSemaphores:
			err = fmt.Errorf("the machine has %d semaphores", MaxSemaphores)
		}
		if err != nil {
			r.failAt(start, fmt.Errorf("s%d: %w", len(p.Semaphores), err))
			return
		}
		p.Semaphores = append(p.Semaphores, s)
	}
}

func writeLayers(p *Program, _ Unit) ([]byte, error) {
	var data []byte
	for i := range p.Layers {
		l := &p.Layers[i]
		data = appendText(data, l.Name)
		data = appendText(data, l.Op)
		data = binary.LittleEndian.AppendUint32(data, l.Tensor)
		data = binary.LittleEndian.AppendUint64(data, uint64(l.MACs))
		data = append(data, l.WeightBits)
	}
	return data, nil
}

func readLayers(p *Program, _ Unit, r *reader) {
	for r.more() {
		l := Layer{Name: r.text(), Op: r.text(), Tensor: r.u32(), MACs: int64(r.u64()), WeightBits: r.u8()}
		p.Layers = append(p.Layers, l)
	}
}

func writeTensors(p *Program, _ Unit) ([]byte, error) {
	var data []byte
	for i := range p.Tensors {
		t := &p.Tensors[i]
		if err := checkScale(t.Scale); err != nil {
			return nil, fmt.Errorf("t%d: %w", i, err)
		}
		data = appendText(data, t.Name)
		for _, extent := range [...]uint32{t.Channels, t.Rows, t.Columns} {
			data = binary.LittleEndian.AppendUint32(data, extent)
		}
		data = append(data, t.Bits, byte(t.Zero))
		data = binary.LittleEndian.AppendUint64(data, math.Float64bits(t.Scale))
	}
	return data, nil
}

func checkScale(scale float64) error {
	if math.IsNaN(scale) || math.IsInf(scale, 0) {
		return fmt.Errorf("scale is %g, must be finite", scale)
	}
	return nil
}

func readTensors(p *Program, _ Unit, r *reader) {
	for r.more() {
		start := r.at
		t := Tensor{Name: r.text(), Channels: r.u32(), Rows: r.u32(), Columns: r.u32(),
			Bits: r.u8(), Zero: int8(r.u8()), Scale: math.Float64frombits(r.u64())}
		if err := checkScale(t.Scale); err != nil {
			r.failAt(start, fmt.Errorf("t%d: %w", len(p.Tensors), err))
		}
		p.Tensors = append(p.Tensors, t)
	}
}

// bindingBytes is the shortest encoding of a binding: one without dimensions.
const bindingBytes = 4 + 4 + 1 + 8 + 2 + 4 + 4 + 4

func writeBindings(p *Program, _ Unit) ([]byte, error) {
	if len(p.Inputs)+len(p.Outputs) == 0 {
		return nil, nil
	}
	var data []byte
	for _, list := range [2][]Binding{p.Inputs, p.Outputs} {
		data = binary.LittleEndian.AppendUint32(data, uint32(len(list)))
		for i := range list {
			b := &list[i]
			if !b.Space.IsDRAM() {
				return nil, fmt.Errorf("binding %d of tensor %d lies in %s, which is no region of DRAM", i, b.Tensor, b.Space)
			}
			data = binary.LittleEndian.AppendUint32(data, b.Tensor)
			data = binary.LittleEndian.AppendUint32(data, uint32(len(b.Shape)))
			for _, extent := range b.Shape {
				data = binary.LittleEndian.AppendUint64(data, uint64(extent))
			}
			data = append(data, byte(b.Space))
			data = binary.LittleEndian.AppendUint64(data, b.Offset)
			data = binary.LittleEndian.AppendUint16(data, b.Block)
			data = binary.LittleEndian.AppendUint32(data, b.PixelBytes)
			data = binary.LittleEndian.AppendUint32(data, b.RowStride)
			data = binary.LittleEndian.AppendUint32(data, b.BlockStride)
		}
	}
	return data, nil
}

func readBindings(p *Program, _ Unit, r *reader) {
	for _, list := range [2]*[]Binding{&p.Inputs, &p.Outputs} {
		for range r.count("bindings", bindingBytes) {
			b := Binding{Tensor: r.u32()}
			for range r.count("dimensions", 8) {
				b.Shape = append(b.Shape, int64(r.u64()))
			}
			start := r.at
			b.Space = Space(r.u8())
			b.Offset, b.Block, b.PixelBytes, b.RowStride, b.BlockStride = r.u64(), r.u16(), r.u32(), r.u32(), r.u32()
			if r.err == nil && !b.Space.IsDRAM() {
				r.failAt(start, fmt.Errorf("binding of tensor %d lies in space %d, which is no region of DRAM", b.Tensor, uint8(b.Space)))
			}
			if r.err != nil {
				return
			}
			*list = append(*list, b)
		}
	}
	if r.err == nil && len(p.Inputs)+len(p.Outputs) == 0 {
		r.fail("a section without bindings must be left out")
	}
}

// traceRecordBytes: tensor, channel, row, column, u32 each.
const traceRecordBytes = 16

func writeTrace(p *Program, u Unit) ([]byte, error) {
	if u == InvalidUnit && len(p.Trace[u]) > 0 {
		return nil, fmt.Errorf("unit %s cannot have a trace", u)
	}
	data := make([]byte, 0, traceRecordBytes*len(p.Trace[u]))
	for i := range p.Trace[u] {
		t := &p.Trace[u][i]
		for _, v := range [...]uint32{t.Tensor, t.Channel, t.Row, t.Column} {
			data = binary.LittleEndian.AppendUint32(data, v)
		}
	}
	return data, nil
}

func readTrace(p *Program, u Unit, r *reader) {
	if u == InvalidUnit {
		r.fail("unit %s cannot have a trace", u)
		return
	}
	records := make([]TraceRecord, 0, len(r.data)/traceRecordBytes)
	for r.more() {
		records = append(records, TraceRecord{r.u32(), r.u32(), r.u32(), r.u32()})
	}
	p.Trace[u] = records
}

// lastSpace is the last space whose size is stored: programs without tables in
// the table buffer leave it out.
func lastSpace(p *Program) Space {
	last := spaceEnd - 1
	for last > AccumulatorBuffer && p.RegionBytes[last] == 0 && p.Buffers[last] == 0 {
		last--
	}
	return last
}

func writeMetadata(p *Program, _ Unit) ([]byte, error) {
	if !validEnum(roundingNames[:], uint64(p.Rounding)) {
		return nil, fmt.Errorf("rounding is %d, must name %s", uint8(p.Rounding), enumList(roundingNames[:]))
	}
	if p.RegionBytes[InvalidSpace] != 0 || p.Buffers[InvalidSpace] != 0 {
		return nil, fmt.Errorf("the invalid space has a size")
	}
	data := appendText(nil, p.Name)
	data = append(data, p.ModelHash[:]...)
	data = append(data, byte(p.Rounding))
	data = binary.LittleEndian.AppendUint64(data, uint64(p.MACs))
	data = binary.LittleEndian.AppendUint64(data, uint64(p.Weights))
	last := lastSpace(p)
	data = append(data, byte(last))
	for s := InvalidSpace + 1; s <= last; s++ {
		data = binary.LittleEndian.AppendUint64(data, p.RegionBytes[s])
		data = binary.LittleEndian.AppendUint64(data, p.Buffers[s])
	}
	data = appendText(data, p.Config)
	data = binary.LittleEndian.AppendUint32(data, uint32(len(p.Settings)))
	for i := range p.Settings {
		data = appendText(data, p.Settings[i].Name)
		data = appendText(data, p.Settings[i].Value)
	}
	return data, nil
}

func readMetadata(p *Program, _ Unit, r *reader) {
	p.Name = r.text()
	copy(p.ModelHash[:], r.take(len(p.ModelHash)))
	p.Rounding = Rounding(r.u8())
	if r.err == nil && !validEnum(roundingNames[:], uint64(p.Rounding)) {
		r.failAt(r.at-1, fmt.Errorf("rounding is %d, must name %s", uint8(p.Rounding), enumList(roundingNames[:])))
	}
	p.MACs, p.Weights = int64(r.u64()), int64(r.u64())
	last := Space(r.u8())
	if r.err == nil && (last < AccumulatorBuffer || last >= spaceEnd) {
		r.failAt(r.at-1, fmt.Errorf("%d spaces, must be %d to %d", last, AccumulatorBuffer, NumSpaces-1))
	}
	start := r.at
	for s := InvalidSpace + 1; s <= last && r.err == nil; s++ {
		p.RegionBytes[s], p.Buffers[s] = r.u64(), r.u64()
	}
	if r.err == nil && last != lastSpace(p) {
		r.failAt(start, fmt.Errorf("space %s has no size: it must be left out", last))
	}
	p.Config = r.text()
	for range r.count("settings", 8) {
		p.Settings = append(p.Settings, Setting{r.text(), r.text()})
	}
}
