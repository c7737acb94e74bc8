package functional

import (
	"fmt"
	"unsafe"

	"github.com/npusim/npusim/isa"
)

// signed is the same memory as int8, so that whole runs can be copied.
func signed(b []byte) []int8 {
	return unsafe.Slice((*int8)(unsafe.Pointer(unsafe.SliceData(b))), len(b))
}

// load expands packed elements from DRAM to a scratchpad.
func (s *State) load(d *isa.Dynamic, t *isa.Transfer) {
	from := s.dram[d.Instruction.Operands[0].Space]
	to := s.buffer[d.Instruction.Operands[1].Space]
	group, groupBytes := int(t.Group), isa.PackedBytes(int(t.Group), int(t.Bits))
	for b := range int(t.Blocks) {
		for r := range int(t.Rows) {
			source := from[int(d.Offsets[0])+b*int(t.DRAMBlockStride)+r*int(t.DRAMRowStride):]
			run := to[int(d.Offsets[1])+b*int(t.BufferBlockStride)+r*int(t.BufferRowStride):][:t.Run]
			if t.Bits == 8 {
				copy(run, signed(source))
				continue
			}
			for g := 0; g < len(run); g += group {
				isa.Unpack(run[g:g+group], source[g/group*groupBytes:], int(t.Bits))
			}
		}
	}
}

// store packs elements from a scratchpad to DRAM.
func (s *State) store(d *isa.Dynamic, t *isa.Transfer) {
	from := s.buffer[d.Instruction.Operands[0].Space]
	to := s.dram[d.Instruction.Operands[1].Space]
	group, groupBytes := int(t.Group), isa.PackedBytes(int(t.Group), int(t.Bits))
	for b := range int(t.Blocks) {
		for r := range int(t.Rows) {
			run := from[int(d.Offsets[0])+b*int(t.BufferBlockStride)+r*int(t.BufferRowStride):][:t.Run]
			target := to[int(d.Offsets[1])+b*int(t.DRAMBlockStride)+r*int(t.DRAMRowStride):]
			if t.Bits == 8 {
				copy(signed(target), run)
				continue
			}
			for g := 0; g < len(run); g += group {
				isa.Pack(target[g/group*groupBytes:], run[g:g+group], int(t.Bits))
			}
		}
	}
}

// writeBinding lays the elements of an input out in its region.
func (s *State) writeBinding(b *isa.Binding, elements []int8) error {
	t := &s.engine.program.Tensors[b.Tensor]
	channels, rows, columns := int(t.Channels), int(t.Rows), int(t.Columns)
	if len(elements) != channels*rows*columns {
		return fmt.Errorf("input %s takes %d x %d x %d = %d elements, got %d", t.Name, channels, rows, columns, channels*rows*columns, len(elements))
	}
	region := s.dram[b.Space]
	block := int(b.Block)
	pixel := make([]int8, min(block, channels))
	for c0 := 0; c0 < channels; c0 += block {
		clear(pixel)
		for h := range rows {
			for w := range columns {
				for c := c0; c < min(c0+block, channels); c++ {
					pixel[c-c0] = elements[(c*rows+h)*columns+w]
				}
				isa.Pack(region[b.Address(c0, h, w):], pixel, int(t.Bits))
			}
		}
	}
	return nil
}

// readBinding gathers the elements of an output from its region.
func (s *State) readBinding(b *isa.Binding, elements []int8) []int8 {
	t := &s.engine.program.Tensors[b.Tensor]
	channels, rows, columns := int(t.Channels), int(t.Rows), int(t.Columns)
	if len(elements) != channels*rows*columns {
		elements = make([]int8, channels*rows*columns)
	}
	region := s.dram[b.Space]
	block := int(b.Block)
	pixel := make([]int8, min(block, channels))
	for c0 := 0; c0 < channels; c0 += block {
		for h := range rows {
			for w := range columns {
				isa.Unpack(pixel, region[b.Address(c0, h, w):], int(t.Bits))
				for c := c0; c < min(c0+block, channels); c++ {
					elements[(c*rows+h)*columns+w] = pixel[c-c0]
				}
			}
		}
	}
	return elements
}
