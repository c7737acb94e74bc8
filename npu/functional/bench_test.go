package functional_test

import (
	"math/big"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"

	"github.com/npusim/npusim/isa"
	"github.com/npusim/npusim/npu/functional"
)

// bufferBytes is the activation buffer of the test bench; sources lie in its
// lower half, results in its upper half.
const bufferBytes = 16 << 10

// bench executes instructions on a machine whose whole activation buffer is
// the input and the output: what an instruction changes, and that it changes
// nothing else, can be seen byte by byte.
type bench struct {
	memory      []int8 // activation buffer before
	constants   []int8 // weight buffer
	unit        isa.Unit
	code        []isa.Instruction
	builds      []isa.Instruction // of the table builder, before all code
	descriptors []isa.Descriptor
}

// newBench fills both buffers from a seed.
func newBench(t *rapid.T, unit isa.Unit) *bench {
	r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "bytes"), 0))
	b := &bench{memory: make([]int8, bufferBytes), constants: make([]int8, bufferBytes), unit: unit}
	for i := range b.memory {
		b.memory[i] = int8(r.Uint32())
		b.constants[i] = int8(r.Uint32())
	}
	return b
}

// word stores a little-endian word in the weight buffer.
func (b *bench) word(offset int, v uint32) {
	for i := range 4 {
		b.constants[offset+i] = int8(v >> (8 * i))
	}
}

// add appends an instruction of the unit under test.
func (b *bench) add(op isa.Opcode, d isa.Descriptor, operands ...isa.Address) {
	in := isa.Instruction{Op: op, Descriptor: uint32(len(b.descriptors))}
	copy(in.Operands[:], operands)
	b.descriptors = append(b.descriptors, d)
	b.code = append(b.code, in)
}

// build appends a build of tables.
func (b *bench) build(d isa.Descriptor, operands ...isa.Address) {
	b.add(isa.BuildTables, d, operands...)
	last := len(b.code) - 1
	b.builds, b.code = append(b.builds, b.code[last]), b.code[:last]
}

func raw(class isa.TensorClass) *isa.Transfer {
	return &isa.Transfer{Class: class, Bits: 8, Group: bufferBytes, Run: bufferBytes, Rows: 1, Blocks: 1}
}

func at(space isa.Space, offset int) isa.Address {
	return isa.Address{Space: space, Offset: uint64(offset)}
}

func activation(offset int) isa.Address { return at(isa.ActivationBuffer, offset) }
func weight(offset int) isa.Address     { return at(isa.WeightBuffer, offset) }

// program surrounds the instructions with loads and a store of everything.
func (b *bench) program() *isa.Program {
	p := &isa.Program{Name: "bench", Rounding: isa.HalfUpShift, Layers: []isa.Layer{{Name: "layer"}},
		Tensors: []isa.Tensor{{Name: "buffer", Channels: 1, Rows: 1, Columns: bufferBytes, Bits: 8, Scale: 1}}}
	for _, v := range b.constants {
		p.Constants = append(p.Constants, byte(v))
	}
	p.RegionBytes[isa.Weights], p.RegionBytes[isa.Input], p.RegionBytes[isa.Output] = bufferBytes, bufferBytes, bufferBytes
	n := uint32(len(b.descriptors))
	p.Descriptors = append(b.descriptors[:n:n], raw(isa.ActivationClass), raw(isa.WeightClass))
	p.Semaphores = []isa.Semaphore{{Signaller: isa.LoadDMA, Waiter: b.unit}, {Signaller: b.unit, Waiter: isa.StoreDMA}}
	transfer := func(op isa.Opcode, d uint32, from, to isa.Space) isa.Instruction {
		return isa.Instruction{Op: op, Descriptor: d, Operands: [isa.MaxOperands]isa.Address{at(from, 0), at(to, 0)}}
	}
	halt := isa.Instruction{Op: isa.Halt}
	p.Code[isa.LoadDMA] = []isa.Instruction{transfer(isa.Load, n, isa.Input, isa.ActivationBuffer), transfer(isa.Load, n+1, isa.Weights, isa.WeightBuffer),
		{Op: isa.Signal, Count: 0}, halt}
	p.Code[b.unit] = append(append([]isa.Instruction{{Op: isa.Wait, Count: 0}}, b.code...), isa.Instruction{Op: isa.Signal, Count: 1}, halt)
	p.Code[isa.StoreDMA] = []isa.Instruction{{Op: isa.Wait, Count: 1}, transfer(isa.Store, n, isa.ActivationBuffer, isa.Output), halt}
	if len(b.builds) > 0 {
		p.Semaphores = append(p.Semaphores, isa.Semaphore{Signaller: isa.LoadDMA, Waiter: isa.TableBuilder}, isa.Semaphore{Signaller: isa.TableBuilder, Waiter: b.unit})
		p.Code[isa.LoadDMA] = append(p.Code[isa.LoadDMA][:3], isa.Instruction{Op: isa.Signal, Count: 2}, halt)
		p.Code[isa.TableBuilder] = append(append([]isa.Instruction{{Op: isa.Wait, Count: 2}}, b.builds...), isa.Instruction{Op: isa.Signal, Count: 3}, halt)
		p.Code[b.unit] = append([]isa.Instruction{{Op: isa.Wait, Count: 3}}, p.Code[b.unit]...)
	}
	binding := isa.Binding{Space: isa.Input, Shape: []int64{bufferBytes}, Block: 1, PixelBytes: 1, RowStride: bufferBytes, BlockStride: bufferBytes}
	p.Inputs = []isa.Binding{binding}
	binding.Space = isa.Output
	p.Outputs = []isa.Binding{binding}
	return p
}

var benchLimits = isa.Limits{Activation: bufferBytes, Weight: bufferBytes, Accumulator: bufferBytes, Tables: bufferBytes}

// expect executes the instructions and compares the whole buffer with want.
func (b *bench) expect(t *rapid.T, want []int8) {
	engine, err := functional.New(b.program(), benchLimits)
	if err != nil {
		t.Fatal(err)
	}
	outputs, err := engine.NewState().Run([][]int8{b.memory}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i, got := range outputs[0] {
		if got != want[i] {
			t.Fatalf("byte %#x: got %d, want %d (it was %d)", i, got, want[i], b.memory[i])
		}
	}
}

// place is a view with the byte offset of its operand.
type place struct {
	isa.View
	base int
}

// at is the address of an element by the formula of the contract.
func (p *place) at(channel, row, column int) int {
	c := channel + int(p.ChannelOffset)
	block := int(p.Block)
	return p.base + c/block*int(p.BlockStride) + row*int(p.RowStride) + column*int(p.PixelStride) + c%block
}

// drawPlace draws a layout of a tile: blocks of any size, a start in the
// middle of a block, gaps between pixels, rows and blocks.
func drawPlace(t *rapid.T, name string, base, channels, rows, columns int) place {
	n := func(what string, low, high int) int { return rapid.IntRange(low, high).Draw(t, name+" "+what) }
	p := place{base: base + n("offset", 0, 40)}
	block := n("block", 1, 16)
	offset := n("channel offset", 0, block-1)
	pixel := min(block, offset+channels) + n("pixel gap", 0, 3)*n("gaps", 0, 1)
	row := columns*pixel + n("row gap", 0, 5)*n("row gaps", 0, 1)
	p.View = isa.View{Block: uint16(block), ChannelOffset: uint16(offset), PixelStride: uint32(pixel), RowStride: uint32(row),
		BlockStride: uint32(rows*row + n("block gap", 0, 9))}
	return p
}

// requantize is the formula of the contract in big integers.
func requantize(sum int64, multiplier int32, shift int, zero, low, high int8) int8 {
	y := new(big.Int).Mul(big.NewInt(sum), big.NewInt(int64(multiplier)))
	y.Add(y, new(big.Int).Lsh(big.NewInt(1), uint(shift-1)))
	y.Rsh(y, uint(shift)) // rounds towards minus infinity
	y.Add(y, big.NewInt(int64(zero)))
	return clamp(y, low, high)
}

func clamp(y *big.Int, low, high int8) int8 {
	if y.Cmp(big.NewInt(int64(low))) < 0 {
		return low
	}
	if y.Cmp(big.NewInt(int64(high))) > 0 {
		return high
	}
	return int8(y.Int64())
}

// drawClamp draws zero point and clamp of a result.
func drawClamp(t *rapid.T) (zero, low, high int8) {
	a, b := rapid.Int8().Draw(t, "low"), rapid.Int8().Draw(t, "high")
	if rapid.Bool().Draw(t, "no clamp") {
		a, b = -128, 127
	}
	return rapid.Int8().Draw(t, "zero"), min(a, b), max(a, b)
}

// window is a sliding window over an input tile, perhaps far outside it.
type window struct {
	inputRows, inputColumns, outputRows, outputColumns int
	kernel, stride, dilation, origin                   [2]int
}

func drawWindow(t *rapid.T) window {
	n := func(what string, low, high int) int { return rapid.IntRange(low, high).Draw(t, what) }
	w := window{inputRows: n("input rows", 1, 6), inputColumns: n("input columns", 1, 6), outputRows: n("rows", 1, 5), outputColumns: n("columns", 1, 5)}
	reach := 4
	if n("far", 0, 4) == 0 {
		reach = 30 // windows that lie wholly in the padding
	}
	for k := range 2 {
		w.kernel[k], w.stride[k], w.dilation[k], w.origin[k] = n("kernel", 1, 3), n("stride", 1, 3), n("dilation", 1, 3), n("origin", -reach, reach)
	}
	return w
}

// inside gives the input element under a kernel cell, or false for padding.
func (w *window) inside(row, column, kernelRow, kernelColumn int) (y, x int, ok bool) {
	y = w.origin[0] + row*w.stride[0] + kernelRow*w.dilation[0]
	x = w.origin[1] + column*w.stride[1] + kernelColumn*w.dilation[1]
	return y, x, y >= 0 && y < w.inputRows && x >= 0 && x < w.inputColumns
}

// checkAll compares an instruction with its independent model.
func checkAll(t *testing.T, property func(t *rapid.T)) {
	t.Helper()
	rapid.Check(t, property)
}
