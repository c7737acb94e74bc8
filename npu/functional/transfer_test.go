package functional_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/npusim/npusim/isa"
	"github.com/npusim/npusim/npu/functional"
)

// strides draws a transfer of any width, groups, rows and blocks, in which
// neither side overlaps itself.
func drawTransfer(t *rapid.T) *isa.Transfer {
	n := func(what string, low, high int) int { return rapid.IntRange(low, high).Draw(t, what) }
	d := &isa.Transfer{Class: isa.ActivationClass, Bits: uint8(n("bits", 2, 8)), Group: uint32(n("group", 1, 20)), Rows: uint32(n("rows", 1, 4)), Blocks: uint32(n("blocks", 1, 3))}
	d.Run = d.Group * uint32(n("groups", 1, 5))
	d.DRAMRowStride = uint32(d.RunBytes() + n("dram row gap", 0, 3))
	d.DRAMBlockStride = d.Rows*d.DRAMRowStride + uint32(n("dram block gap", 0, 3))
	d.BufferRowStride = d.Run + uint32(n("row gap", 0, 3))
	d.BufferBlockStride = d.Rows*d.BufferRowStride + uint32(n("block gap", 0, 3))
	return d
}

// elements walks the elements of a transfer: the byte of the buffer, and the
// first bit in DRAM, each relative to its operand.
func elements(d *isa.Transfer, visit func(buffer, bit int)) {
	groupBytes := (int(d.Group)*int(d.Bits) + 7) / 8
	for b := range int(d.Blocks) {
		for r := range int(d.Rows) {
			for i := range int(d.Run) {
				buffer := b*int(d.BufferBlockStride) + r*int(d.BufferRowStride) + i
				group, within := i/int(d.Group), i%int(d.Group)
				byteOffset := b*int(d.DRAMBlockStride) + r*int(d.DRAMRowStride) + group*groupBytes
				visit(buffer, 8*byteOffset+within*int(d.Bits))
			}
		}
	}
}

// TestLoad unpacks and extends the sign.
func TestLoad(t *testing.T) {
	checkAll(t, func(t *rapid.T) {
		b := newBench(t, isa.MACArray)
		d := drawTransfer(t)
		from, to := rapid.IntRange(0, 100).Draw(t, "from"), rapid.IntRange(0, 100).Draw(t, "to")
		p := b.program()
		// A second load, from the weights region over the loaded buffer.
		in := isa.Instruction{Op: isa.Load, Descriptor: uint32(len(p.Descriptors)), Operands: [isa.MaxOperands]isa.Address{at(isa.Weights, from), activation(to)}}
		p.Descriptors = append(p.Descriptors, d)
		code := p.Code[isa.LoadDMA]
		p.Code[isa.LoadDMA] = slices.Insert(code, 1, in)
		want := slices.Clone(b.memory)
		elements(d, func(buffer, bit int) {
			value := 0
			for k := range int(d.Bits) {
				at := 8*from + bit + k
				set := int(uint8(b.constants[at/8])) >> (at % 8) & 1
				if k == int(d.Bits)-1 {
					set = -set // the sign
				}
				value += set << k
			}
			want[to+buffer] = int8(value)
		})
		check(t, p, b.memory, want)
	})
}

// TestStore packs into the output region, whose other bytes stay zero; a
// group that ends within a byte leaves its last bits zero.
func TestStore(t *testing.T) {
	checkAll(t, func(t *rapid.T) {
		b := newBench(t, isa.MACArray)
		d := drawTransfer(t)
		from, to := rapid.IntRange(0, 100).Draw(t, "from"), rapid.IntRange(0, 100).Draw(t, "to")
		p := b.program()
		code := p.Code[isa.StoreDMA]
		code[1] = isa.Instruction{Op: isa.Store, Descriptor: uint32(len(p.Descriptors)), Operands: [isa.MaxOperands]isa.Address{activation(from), at(isa.Output, to)}}
		p.Descriptors = append(p.Descriptors, d)
		want := make([]int8, bufferBytes)
		elements(d, func(buffer, bit int) {
			for k := range int(d.Bits) {
				at := 8*to + bit + k
				want[at/8] |= int8(uint8(b.memory[from+buffer]) >> k & 1 << (at % 8))
			}
		})
		check(t, p, b.memory, want)
	})
}

func check(t *rapid.T, p *isa.Program, input, want []int8) {
	engine, err := functional.New(p, benchLimits)
	if err != nil {
		t.Fatal(err)
	}
	outputs, err := engine.NewState().Run([][]int8{input}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i, got := range outputs[0] {
		if got != want[i] {
			t.Fatalf("byte %#x: got %d, want %d", i, got, want[i])
		}
	}
}
