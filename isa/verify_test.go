package isa

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

func mustVerify(t *testing.T, p *Program) {
	t.Helper()
	if err := Verify(p, testLimits); err != nil {
		t.Fatal(err)
	}
}

// mustFail wants every given text in the faults.
func mustFail(t *testing.T, p *Program, want ...string) {
	t.Helper()
	err := Verify(p, testLimits)
	var v *VerifyError
	if !errors.As(err, &v) {
		t.Fatalf("got %v, want a VerifyError with %q", err, want)
	}
	for _, w := range want {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("got %v\nwant %q", err, w)
		}
	}
}

func TestVerifyAcceptsPipeline(t *testing.T) {
	mustVerify(t, pipeline(2).p)
	mustVerify(t, pipeline(64).p)
}

func TestVerifyAcceptsEmptyProgram(t *testing.T) { mustVerify(t, &Program{Rounding: HalfUpShift}) }

// find returns the first instruction of an opcode in a unit's code.
func (b *builder) find(u Unit, op Opcode) *Instruction {
	i := slices.IndexFunc(b.p.Code[u], func(in Instruction) bool { return in.Op == op })
	return &b.p.Code[u][i]
}

func (b *builder) drop(u Unit, op Opcode) {
	i := slices.IndexFunc(b.p.Code[u], func(in Instruction) bool { return in.Op == op })
	b.p.Code[u] = slices.Delete(b.p.Code[u], i, i+1)
}

func TestVerifyPlantedFaults(t *testing.T) {
	const mac, load = "unit mac, instruction ", "unit load, instruction "
	for _, test := range []struct {
		name   string
		change func(b *builder)
		want   string
	}{
		// Tables.
		{"constants", func(b *builder) { b.p.Constants = b.p.Constants[1:] }, "the constants have 4095 bytes, region weights has 4096"},
		{"region of a scratchpad", func(b *builder) { b.p.RegionBytes[WeightBuffer] = 1 }, "weight_buffer is no region of DRAM"},
		{"region too large", func(b *builder) { b.p.RegionBytes[Scratch] = 1<<40 + 1 }, "does not fit 40 address bits"},
		{"peak of a region", func(b *builder) { b.p.Buffers[Input] = 1 }, "input is no scratchpad"},
		{"peak above capacity", func(b *builder) { b.p.Buffers[WeightBuffer] = testBuffer + 1 }, "the peak of 65537 bytes in weight_buffer exceeds its capacity of 65536"},
		{"rounding", func(b *builder) { b.p.Rounding = 0 }, "rounding is 0, must name half-up-shift"},
		{"descriptor", func(b *builder) { b.p.Descriptors[2].(*ConvolutionTile).Shift = 63 }, "d2: convolution_tile: shift is 63, must be 1 to 62"},
		{"missing descriptor", func(b *builder) { b.p.Descriptors[2] = nil }, "d2 is missing"},
		{"layer of a descriptor", func(b *builder) { b.p.Descriptors[0].(*Transfer).Layer = 1 }, "d0: layer is 1, the layer table has 1 rows"},
		{"tensor of a layer", func(b *builder) { b.p.Layers[0].Tensor = 7 }, "layer 0 (first): tensor is 7, the tensor table has 1 rows"},
		{"work of a layer", func(b *builder) { b.p.Layers[0].MACs = -1 }, "-1 multiply-accumulates"},
		{"tensor scale", func(b *builder) { b.p.Tensors[0].Scale = 0 }, "tensor 0 (x): scale is 0, must be positive"},
		{"tensor zero", func(b *builder) { b.p.Tensors[0].Bits, b.p.Tensors[0].Zero = 4, 8 }, "zero is 8, must be -8 to 7 for 4 bits"},
		{"tensor extent", func(b *builder) { b.p.Tensors[0].Rows = 0 }, "rows is 0, must be at least 1"},
		{"binding tensor", func(b *builder) { b.p.Inputs[0].Tensor = 1 }, "input 0: tensor is 1"},
		{"binding outside", func(b *builder) { b.p.Outputs[0].Offset = 4096 - 1023 }, "output 0: tensor x ends at byte 4097, region output has 4096"},
		{"binding pixel", func(b *builder) { b.p.Outputs[0].PixelBytes = 15 }, "pixel_bytes is 15, a pixel takes 16"},
		{"binding block", func(b *builder) { b.p.Outputs[0].Block = 0 }, "block is 0"},
		{"binding shape", func(b *builder) { b.p.Outputs[0].Shape[0] = 0 }, "shape[0] is 0"},
		{"binding elements", func(b *builder) { b.p.Inputs[0].Shape[1] = 1 << 32 }, "input 0: shape ["},
		{"binding elements beyond an address", func(b *builder) { b.p.Inputs[0].Shape[1] = 1 << 40 }, "input 0: the product of shape must stay below 2^40"},
		{"same unit on both ends", func(b *builder) { b.p.Semaphores[0].Signaller = MACArray }, "s0: unit mac both signals and waits"},

		// Code.
		{"wrong unit", func(b *builder) { b.p.Code[VectorUnit] = b.p.Code[MACArray] }, "unit vector, instruction 5: convolution may not stand in the code of unit vector"},
		{"unknown opcode", func(b *builder) { b.p.Code[MACArray][0].Op = 200 }, mac + "0: unknown opcode 200"},
		{"halt missing", func(b *builder) { b.drop(MACArray, Halt) }, mac + "9: code must end with halt"},
		{"halt in the middle", func(b *builder) { b.p.Code[MACArray][0] = Instruction{Op: Halt} }, mac + "0: halt must be the last instruction"},
		{"loop open", func(b *builder) { b.drop(MACArray, EndLoop) }, "loop without end_loop"},
		{"loop closed twice", func(b *builder) { b.drop(MACArray, Loop) }, "end_loop without a loop"},
		{"loop of zero", func(b *builder) { b.find(MACArray, Loop).Count = 0 }, "a loop must repeat at least once"},
		{"loops three deep", func(b *builder) {
			b.code(VectorUnit, loop(1, loop(1, loop(1, wait(0))...)...)...)
		}, "loops nest at most two deep"},
		{"empty loop", func(b *builder) { b.code(VectorUnit, loop(1<<31, loop(1<<31)...)...) }, "unit vector, instruction 1: a loop must contain an instruction"},
		{"unbounded loop", func(b *builder) { b.find(MACArray, Loop).Count = 1 << 30 }, "unit mac: more than 67108864 instructions execute"},
		{"semaphore number", func(b *builder) { b.find(MACArray, Wait).Count = 5 }, mac + "0: wait names s5, the program has 5 semaphores"},
		{"foreign wait", func(b *builder) { b.find(MACArray, Wait).Count = 1 }, mac + "0: wait on s1 belongs to unit load"},
		{"foreign signal", func(b *builder) { b.find(LoadDMA, Signal).Count = 3 }, load + "1: signal on s3 belongs to unit mac"},
		{"descriptor number", func(b *builder) { b.find(MACArray, Convolution).Descriptor = 3 }, "convolution names d3, the program has 3 descriptors"},
		{"descriptor kind", func(b *builder) { b.find(MACArray, Convolution).Descriptor = 1 }, "convolution needs a descriptor of kind convolution_tile, d1 is a transfer"},
		{"load over itself", func(b *builder) { b.p.Descriptors[0].(*Transfer).Rows = 1 << 24 }, load + "0: load writes bytes more than once: the runs of d0 overlap where they arrive"},
		{"output without use", func(b *builder) { b.p.Descriptors[2].(*ConvolutionTile).Last = false }, "convolution has operand output, which d2 makes no use of"},
		{"sums missing", func(b *builder) { b.p.Descriptors[2].(*ConvolutionTile).First = false }, "convolution lacks operand accumulators, which d2 makes use of"},
		{"sums not aligned", func(b *builder) {
			b.p.Descriptors[2].(*ConvolutionTile).First = false
			b.find(MACArray, Convolution).Operands[3] = at(AccumulatorBuffer, 2)
		}, "multiples of 4"},
		{"depthwise channels", func(b *builder) {
			in := b.find(MACArray, Convolution)
			in.Op, in.Operands[3], in.Operands[4] = Depthwise, in.Operands[4], Address{}
			b.p.Descriptors[2].(*ConvolutionTile).InputChannels = 8
		}, "depthwise needs as many input channels as output channels, d2 has 8 and 16"},
		{"depthwise in parts", func(b *builder) {
			in := b.find(MACArray, Convolution)
			in.Op, in.Operands[3], in.Operands[4] = Depthwise, in.Operands[4], Address{}
			b.p.Descriptors[2].(*ConvolutionTile).First = false
		}, "depthwise needs first and last"},
		{"trace too short", func(b *builder) { b.p.Trace[MACArray] = b.p.Trace[MACArray][1:] }, "the trace has 7 records, 8 compute instructions execute"},
		{"trace of transfers", func(b *builder) { b.p.Trace[LoadDMA] = b.p.Trace[MACArray] }, "the trace has 8 records, 0 compute instructions execute"},
		{"trace without code", func(b *builder) { b.p.Trace[VectorUnit] = b.p.Trace[MACArray] }, "unit vector: a trace of 8 records without code"},
		{"trace tensor", func(b *builder) { b.p.Trace[MACArray][1].Tensor = 1 }, "trace record 1: tensor is 1"},
		{"trace element", func(b *builder) { b.p.Trace[MACArray][1] = TraceRecord{0, 15, 7, 8} }, "trace record 1: element (15, 7, 8) lies outside tensor x of 16x8x8"},

		// Execution.
		{"leftover credit", func(b *builder) { b.drop(StoreDMA, Wait) }, "s3 (mac to store) ends with 8 credits, must end with the initial 0"},
		{"credit not given back", func(b *builder) { b.drop(MACArray, Signal); b.find(LoadDMA, Loop).Count = 1 }, "deadlock"},
		{"deadlock", func(b *builder) { b.drop(MACArray, Signal) }, "deadlock: waits for ever on s1, signalled by mac"},
		{"deadlock of the waiter", func(b *builder) { b.p.Code[LoadDMA] = nil }, mac + "0: deadlock: waits for ever on s2, signalled by load"},
		{"outside the region", func(b *builder) { b.find(LoadDMA, Load).Operands[0].Offset = 4096 - 1023 }, load + "0: load operand from touches bytes 0xc01 to 0x1001 of input, which has 0x1000"},
		{"outside the scratchpad", func(b *builder) { b.find(MACArray, Convolution).Operands[0].Offset = testBuffer - 1023 }, "input touches bytes 0xfc01 to 0x10001 of activation_buffer"},
		{"step below zero", func(b *builder) { b.find(MACArray, Convolution).Operands[0].OuterStep = -1 }, "input touches bytes 0xffff"},
		{"beyond the stated peak", func(b *builder) { b.p.Buffers[ActivationBuffer] = 9215 }, "output touches activation_buffer up to byte 0x2400, beyond the stated peak of 0x23ff"},
		{"result over input", func(b *builder) { b.find(MACArray, Convolution).Operands[4].Offset = 1023 }, "convolution writes its output over its input"},

		// Order: each pair of accesses without its semaphore.
		{"read before write", func(b *builder) { b.p.Semaphores[0].Initial = 1 },
			"convolution operand weights reads bytes 0x0 to 0x100 of weight_buffer, which load instruction 5 (load) writes in no defined order"},
		{"write before read", func(b *builder) { b.p.Semaphores[1].Initial = 3 }, "of weight_buffer, which "},
		{"write before write", func(b *builder) {
			b.code(VectorUnit, operate(Table, b.descriptor(&ElementwiseTile{Channels: 16, Rows: 8, Columns: 8, Input: pixels(16, 8), Output: pixels(16, 8)}),
				at(ActivationBuffer, 20000), at(WeightBuffer, 20000), at(ActivationBuffer, 8192)))
		}, "writes bytes 0x2000 to 0x2400 of activation_buffer, which mac instruction 5 (convolution) writes in no defined order"},
		{"store before result", func(b *builder) { b.p.Semaphores[3].Initial = 1 }, "in no defined order"},
		{"result before store", func(b *builder) { b.p.Semaphores[4].Initial = 2 }, "in no defined order"},
		{"DRAM", func(b *builder) {
			i := b.descriptor(bytesOf(1024, ActivationClass))
			b.p.Code[LoadDMA] = slices.Insert(b.p.Code[LoadDMA], 9, operate(Load, i, at(Scratch, 1023), at(ActivationBuffer, 30000)))
			b.find(StoreDMA, Store).Operands[1].Space = Scratch
		}, "store operand to writes bytes 0x0 to 0x400 of scratch, which load instruction 9 (load) reads in no defined order"},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := pipeline(8)
			test.change(b)
			mustFail(t, b.p, test.want)
		})
	}
}

// TestVerifyHazardKinds plants each hazard between two bare queues and shows
// that a semaphore between them removes it.
func TestVerifyHazardKinds(t *testing.T) {
	table := &ElementwiseTile{Channels: 16, Rows: 1, Columns: 16, Input: pixels(16, 16), Output: pixels(16, 16)}
	for _, test := range []struct {
		name               string
		loadTo             uint64 // bytes that load writes
		tableFrom, tableTo uint64
		loadFirst          bool
		conflict           bool
	}{
		{"read after write", 0, 0, 1024, true, true},
		{"write after read", 0, 0, 1024, false, true},
		{"write after write", 1024, 0, 1024, true, true},
		{"one byte", 255, 0, 1024, true, true},
		{"next to each other", 256, 0, 1024, true, false},
		{"below", 768, 0, 1024, true, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			build := func(ordered bool) *Program {
				b := newBuilder()
				first, second := LoadDMA, VectorUnit
				if !test.loadFirst {
					first, second = second, first
				}
				image, work := b.descriptor(bytesOf(256, ActivationClass)), b.descriptor(table)
				code := [NumUnits][]Instruction{
					LoadDMA:    {operate(Load, image, at(Input, 0), at(ActivationBuffer, test.loadTo))},
					VectorUnit: {operate(Table, work, at(ActivationBuffer, test.tableFrom), at(WeightBuffer, 0), at(ActivationBuffer, test.tableTo))},
				}
				if ordered {
					s := b.semaphore(first, second, 0)
					code[first] = append(code[first], signal(s))
					code[second] = slices.Insert(code[second], 0, wait(s))
				}
				b.code(LoadDMA, code[LoadDMA]...)
				b.code(VectorUnit, code[VectorUnit]...)
				return b.p
			}
			mustVerify(t, build(true))
			if test.conflict {
				mustFail(t, build(false), "in no defined order")
			} else {
				mustVerify(t, build(false))
			}
		})
	}
}

// TestVerifyTransitiveOrder: knowledge travels through a third queue, and an
// initial credit carries none.
func TestVerifyTransitiveOrder(t *testing.T) {
	build := func(initial uint32) *Program {
		b := newBuilder()
		image := b.descriptor(bytesOf(256, ActivationClass))
		toVector := b.semaphore(LoadDMA, VectorUnit, 0)
		toStore := b.semaphore(VectorUnit, StoreDMA, initial)
		b.code(LoadDMA, operate(Load, image, at(Input, 0), at(ActivationBuffer, 0)), signal(toVector))
		b.code(VectorUnit, wait(toVector), signal(toStore))
		b.code(StoreDMA, wait(toStore), operate(Store, image, at(ActivationBuffer, 0), at(Output, 0)))
		return b.p
	}
	mustVerify(t, build(0))
	mustFail(t, build(1), "unit store, instruction 1", "which load instruction 0 (load) writes in no defined order")
}

// TestVerifyInPlace: element-wise work may replace its operand exactly.
func TestVerifyInPlace(t *testing.T) {
	build := func(op Opcode, d Descriptor, operands ...Address) *Program {
		b := newBuilder()
		b.code(VectorUnit, operate(op, b.descriptor(d), operands...))
		return b.p
	}
	a, c, w := at(ActivationBuffer, 0), at(ActivationBuffer, 4096), at(WeightBuffer, 0)
	element := &ElementwiseTile{Channels: 16, Rows: 4, Columns: 4, Input: pixels(16, 4), Output: pixels(16, 4)}
	mustVerify(t, build(Table, element, a, w, a))
	mustFail(t, build(Table, element, a, w, at(ActivationBuffer, 16)), "table writes its output over its input")
	mustFail(t, build(Softmax, element, a, w, a), "softmax writes its output over its input")
	binary := &BinaryTile{Mode: AddMode, Channels: 16, Rows: 4, Columns: 4, A: pixels(16, 4), B: pixels(16, 4), Output: pixels(16, 4), Shift: 1}
	mustVerify(t, build(Binary, binary, a, c, a))
	mustVerify(t, build(Binary, binary, c, a, a))
	mustFail(t, build(Binary, binary, a, at(ActivationBuffer, 8), a), "binary writes its output over its b")
	repeats := *binary
	repeats.B = View{Block: 16}
	mustFail(t, build(Binary, &repeats, c, a, a), "binary writes its output over its b")
}

// TestVerifyStridedSets: tiles that interleave by blocks share no byte.
func TestVerifyStridedSets(t *testing.T) {
	b := newBuilder()
	d := bytesOf(16, ActivationClass)
	d.Blocks, d.BufferBlockStride = 8, 64
	image := b.descriptor(d)
	tile := &ElementwiseTile{Channels: 8 * 16, Rows: 1, Columns: 1,
		Input: View{Block: 16, BlockStride: 64}, Output: View{Block: 16, BlockStride: 64}}
	b.code(LoadDMA, operate(Load, image, at(Input, 0), at(ActivationBuffer, 0)))
	b.code(VectorUnit, operate(Table, b.descriptor(tile), at(ActivationBuffer, 16), at(WeightBuffer, 0), at(ActivationBuffer, 32)))
	mustVerify(t, b.p)
	b.find(VectorUnit, Table).Operands[2].Offset = 65
	mustFail(t, b.p, "in no defined order")
}

func TestVerifyListIsBounded(t *testing.T) {
	p := pipeline(8).p
	for range 100 {
		p.Tensors = append(p.Tensors, Tensor{})
	}
	var v *VerifyError
	if err := Verify(p, testLimits); !errors.As(err, &v) || len(v.Faults) != MaxFaults || !v.More || !strings.Contains(err.Error(), "more faults follow") {
		t.Errorf("got %v", err)
	}
}

// TestVerifyHostilePrograms: programs made to exhaust the proof end in a fault.
func TestVerifyHostilePrograms(t *testing.T) {
	t.Run("credits without end", func(t *testing.T) {
		b := newBuilder()
		s := b.semaphore(LoadDMA, StoreDMA, 0)
		b.code(LoadDMA, loop(1<<21, signal(s))...)
		b.code(StoreDMA, loop(1<<21, wait(s))...)
		mustFail(t, b.p, "credits of s0 wait to be taken")
	})
	t.Run("conflicts without end", func(t *testing.T) {
		b := newBuilder()
		image := b.descriptor(bytesOf(16, ActivationClass))
		b.code(LoadDMA, loop(1<<15, operate(Load, image, at(Input, 0), at(ActivationBuffer, 0)))...)
		b.code(StoreDMA, loop(1<<15, operate(Store, image, at(ActivationBuffer, 0), at(Output, 0)))...)
		mustFail(t, b.p, "in no defined order")
	})
	t.Run("no order at all", func(t *testing.T) {
		if testing.Short() || reduced {
			t.Skip("a program at the limit of the proof takes too long with the race detector or -short")
		}
		b := newBuilder()
		image := b.descriptor(bytesOf(16, ActivationClass))
		b.code(LoadDMA, loop(1<<15, operate(Load, image, at(Input, 0), at(ActivationBuffer, 0)))...)
		b.code(StoreDMA, loop(1<<15, operate(Store, image, at(ActivationBuffer, 16), at(Output, 0)))...)
		mustFail(t, b.p, "cannot be proven within")
	})
}

func TestVerifyDoesNotChangePrograms(t *testing.T) {
	p := pipeline(8).p
	before := disassemble(t, p)
	mustVerify(t, p)
	mustVerify(t, p)
	if disassemble(t, p) != before {
		t.Error("Verify changed the program")
	}
}
