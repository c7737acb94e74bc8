package isa

import (
	"encoding/binary"
	"fmt"
	"slices"
)

// Sizes of an encoded instruction.
const (
	instructionHeaderBytes = 8  // opcode u8, operand mask u8, reserved u16, count or descriptor u32
	operandBytes           = 16 // space and offset u64, inner step i32, outer step i32
)

// InstructionBytes is the encoded length of an instruction.
func InstructionBytes(in *Instruction) int {
	size := instructionHeaderBytes
	for k := range in.Operands {
		if in.Operands[k].Space != InvalidSpace {
			size += operandBytes
		}
	}
	return size
}

// information returns the row of the instruction table, nil for an opcode
// that has none.
func information(op Opcode) *Information {
	if op == InvalidOpcode || int(op) >= NumOpcodes {
		return nil
	}
	return &Instructions[op]
}

// checkForm checks what the instruction table says about an instruction of a
// unit: who may hold it, what it carries, which operands it has and where
// they point. Encoder, decoder, assembler and verifier share it.
func checkForm(unit Unit, in *Instruction) error {
	row := information(in.Op)
	if row == nil {
		return fmt.Errorf("unknown opcode %d", uint8(in.Op))
	}
	if !slices.Contains(row.Units, unit) {
		return fmt.Errorf("%s may not stand in the code of unit %s", row.Name, unit)
	}
	if !row.HasCount && in.Count != 0 {
		return fmt.Errorf("%s carries no count, yet it is %d", row.Name, in.Count)
	}
	if row.Descriptor == NoDescriptor && in.Descriptor != 0 {
		return fmt.Errorf("%s carries no descriptor, yet it names d%d", row.Name, in.Descriptor)
	}
	for k := range in.Operands {
		a := &in.Operands[k]
		if a.Space == InvalidSpace {
			if *a != (Address{}) {
				return fmt.Errorf("operand %d has an address but no space", k)
			}
			if k < len(row.Operands) && !row.Operands[k].Optional {
				return fmt.Errorf("%s lacks operand %s", row.Name, row.Operands[k].Name)
			}
			continue
		}
		if k >= len(row.Operands) {
			return fmt.Errorf("%s has %d operands, operand %d must be absent", row.Name, len(row.Operands), k)
		}
		if !slices.Contains(row.Operands[k].Spaces, a.Space) {
			return fmt.Errorf("%s operand %s may not point into %s", row.Name, row.Operands[k].Name, a.Space)
		}
		if a.Offset >= addressLimit {
			return fmt.Errorf("%s operand %s: offset %#x does not fit %d bits", row.Name, row.Operands[k].Name, a.Offset, addressBits)
		}
	}
	return nil
}

// appendInstruction appends the encoding of an instruction of a unit.
func appendInstruction(data []byte, unit Unit, in *Instruction) ([]byte, error) {
	if err := checkForm(unit, in); err != nil {
		return nil, err
	}
	var mask byte
	for k := range in.Operands {
		if in.Operands[k].Space != InvalidSpace {
			mask |= 1 << k
		}
	}
	data = append(data, byte(in.Op), mask, 0, 0)
	// checkForm left at most one of the two non-zero.
	data = binary.LittleEndian.AppendUint32(data, in.Count|in.Descriptor)
	for k := range in.Operands {
		a := &in.Operands[k]
		if a.Space == InvalidSpace {
			continue
		}
		data = binary.LittleEndian.AppendUint64(data, uint64(a.Space)<<56|a.Offset)
		data = binary.LittleEndian.AppendUint32(data, uint32(a.InnerStep))
		data = binary.LittleEndian.AppendUint32(data, uint32(a.OuterStep))
	}
	return data, nil
}

// readInstruction decodes the instruction at the start of data and returns
// how many bytes it took.
func readInstruction(data []byte, unit Unit) (Instruction, int, error) {
	var in Instruction
	if len(data) < instructionHeaderBytes {
		return in, 0, fmt.Errorf("instruction needs %d bytes, %d are left", instructionHeaderBytes, len(data))
	}
	in.Op = Opcode(data[0])
	row := information(in.Op)
	if row == nil {
		return in, 0, fmt.Errorf("unknown opcode %d", data[0])
	}
	mask := data[1]
	if mask>>len(row.Operands) != 0 {
		return in, 0, fmt.Errorf("%s has %d operands, the mask %#02x names more", row.Name, len(row.Operands), mask)
	}
	if reserved := binary.LittleEndian.Uint16(data[2:]); reserved != 0 {
		return in, 0, fmt.Errorf("%s: reserved bits are %#x, must be zero", row.Name, reserved)
	}
	word := binary.LittleEndian.Uint32(data[4:])
	switch {
	case row.HasCount:
		in.Count = word
	case row.Descriptor != NoDescriptor:
		in.Descriptor = word
	case word != 0:
		return in, 0, fmt.Errorf("%s carries neither count nor descriptor, yet the word is %#x", row.Name, word)
	}
	at := instructionHeaderBytes
	for k := range row.Operands {
		if mask>>k&1 == 0 {
			continue
		}
		if len(data) < at+operandBytes {
			return in, 0, fmt.Errorf("%s operand %s needs %d bytes, %d are left", row.Name, row.Operands[k].Name, operandBytes, len(data)-at)
		}
		word := binary.LittleEndian.Uint64(data[at:])
		a := &in.Operands[k]
		a.Space, a.Offset = Space(word>>56), word&(addressLimit-1)
		if reserved := word >> addressBits & (1<<(56-addressBits) - 1); reserved != 0 {
			return in, 0, fmt.Errorf("%s operand %s: reserved bits are %#x, must be zero", row.Name, row.Operands[k].Name, reserved)
		}
		if a.Space == InvalidSpace {
			return in, 0, fmt.Errorf("%s operand %s is present but names no space", row.Name, row.Operands[k].Name)
		}
		a.InnerStep = int32(binary.LittleEndian.Uint32(data[at+8:]))
		a.OuterStep = int32(binary.LittleEndian.Uint32(data[at+12:]))
		at += operandBytes
	}
	return in, at, checkForm(unit, &in)
}
