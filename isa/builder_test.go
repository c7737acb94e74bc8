package isa

import "slices"

// builder assembles small programs by hand: a table of semaphores, tensors
// and layers that suffice, and code unit by unit.
type builder struct{ p *Program }

const testBuffer = 1 << 16

var testLimits = Limits{Activation: testBuffer, Weight: testBuffer, Accumulator: testBuffer, Tables: testBuffer}

func newBuilder() *builder {
	p := &Program{Name: "hand built", Rounding: HalfUpShift}
	p.Layers = []Layer{{Name: "first", Op: "Conv", WeightBits: 8}}
	p.Tensors = []Tensor{{Name: "x", Channels: 16, Rows: 8, Columns: 8, Bits: 8, Scale: 0.5}}
	p.RegionBytes[Input], p.RegionBytes[Output], p.RegionBytes[Scratch] = 4096, 4096, 4096
	p.Constants = make([]byte, 4096)
	p.RegionBytes[Weights] = 4096
	return &builder{p}
}

func (b *builder) semaphore(from, to Unit, initial uint32) uint32 {
	b.p.Semaphores = append(b.p.Semaphores, Semaphore{from, to, initial})
	return uint32(len(b.p.Semaphores) - 1)
}

// descriptor returns the index of a descriptor, adding it if it is new.
func (b *builder) descriptor(d Descriptor) uint32 {
	b.p.Descriptors = append(b.p.Descriptors, d)
	return uint32(len(b.p.Descriptors) - 1)
}

func (b *builder) code(u Unit, code ...Instruction) {
	b.p.Code[u] = append(code, Instruction{Op: Halt})
}

func wait(s uint32) Instruction   { return Instruction{Op: Wait, Count: s} }
func signal(s uint32) Instruction { return Instruction{Op: Signal, Count: s} }
func loop(n uint32, body ...Instruction) []Instruction {
	return slices.Concat([]Instruction{{Op: Loop, Count: n}}, body, []Instruction{{Op: EndLoop}})
}

func at(s Space, offset uint64) Address { return Address{Space: s, Offset: offset} }

func operate(op Opcode, descriptor uint32, operands ...Address) Instruction {
	in := Instruction{Op: op, Descriptor: descriptor}
	copy(in.Operands[:], operands)
	return in
}

// pixels is the layout of a dense tile of one block.
func pixels(channels, columns int) View {
	return View{Block: uint16(channels), PixelStride: uint32(channels), RowStride: uint32(channels * columns)}
}

// bytesOf is a transfer of n dense bytes.
func bytesOf(n uint32, class TensorClass) *Transfer {
	return &Transfer{Class: class, Bits: 8, Group: 1, Run: n, Rows: 1, Blocks: 1}
}

func convolution(channels, rows, columns int) *ConvolutionTile {
	return &ConvolutionTile{
		InputChannels: uint32(channels), OutputChannels: uint32(channels), Window: Window{OutputRows: uint16(rows), OutputColumns: uint16(columns), InputRows: uint16(rows), InputColumns: uint16(columns),
			KernelRows: 1, KernelColumns: 1, StrideRows: 1, StrideColumns: 1, DilateRows: 1, DilateColumns: 1,
			Input: pixels(channels, columns), Output: pixels(channels, columns), First: true, Last: true,
			Mode: LayerMultiplier, Multiplier: 1 << 30, Shift: 38, Low: -128, High: 127,
		},
	}
}

// pipeline is a valid program with double-buffered weights: load brings an
// input and then `tiles` weight tiles alternating between two buffers, the
// array convolves with each, store takes every output away.
func pipeline(tiles uint32) *builder {
	const channels, rows, columns = 16, 8, 8
	const weights = channels*channels + 4*channels // with parameters
	b := newBuilder()
	full := b.semaphore(LoadDMA, MACArray, 0)
	free := b.semaphore(MACArray, LoadDMA, 2)
	ready := b.semaphore(LoadDMA, MACArray, 0)
	done := b.semaphore(MACArray, StoreDMA, 0)
	empty := b.semaphore(StoreDMA, MACArray, 1)
	image := b.descriptor(bytesOf(channels*rows*columns, ActivationClass))
	weight := b.descriptor(bytesOf(weights, WeightClass))
	tile := b.descriptor(convolution(channels, rows, columns))
	toBuffer := Address{Space: WeightBuffer, InnerStep: weights}
	b.code(LoadDMA, slices.Concat(
		[]Instruction{operate(Load, image, at(Input, 0), at(ActivationBuffer, 0)), signal(ready)},
		loop(tiles/2, loop(2, wait(free), operate(Load, weight, at(Weights, 0), toBuffer), signal(full))...))...)
	b.code(MACArray, slices.Concat([]Instruction{wait(ready)},
		loop(tiles/2, loop(2, wait(full), wait(empty),
			operate(Convolution, tile, at(ActivationBuffer, 0), toBuffer,
				Address{Space: WeightBuffer, Offset: channels * channels, InnerStep: weights}, Address{}, at(ActivationBuffer, 8192)),
			signal(free), signal(done))...))...)
	b.code(StoreDMA, loop(tiles, wait(done), operate(Store, image, at(ActivationBuffer, 8192), at(Output, 0)), signal(empty))...)
	for range tiles {
		b.p.Trace[MACArray] = append(b.p.Trace[MACArray], TraceRecord{Tensor: NoTensor})
	}
	b.p.Inputs = []Binding{{Tensor: 0, Shape: []int64{1, 16, 8, 8}, Space: Input, Block: 16, PixelBytes: 16, RowStride: 128}}
	b.p.Outputs = []Binding{{Tensor: 0, Shape: []int64{1, 16, 8, 8}, Space: Output, Block: 16, PixelBytes: 16, RowStride: 128}}
	b.p.Config = "[npu]\nclock_mhz = 500\n"
	b.p.Settings = []Setting{{"tool", "hand"}}
	return b
}
