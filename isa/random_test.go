package isa

import (
	"math"

	"pgregory.net/rapid"

	"github.com/npusim/npusim/isa/weightmask"
	"github.com/npusim/npusim/isa/xorcode"
)

// The draw functions make random values that are well formed, so that they
// can be encoded; they need not make sense together.

func drawText(t *rapid.T, label string) string {
	return rapid.OneOf(rapid.SampledFrom([]string{"", "conv1/Relu", "a \"b\"; c = {d}", "line\nbreak\r\n", "\xff\x00invalid", "naïve…", ";"}),
		rapid.String()).Draw(t, label)
}

func drawExtent[T uint16 | uint32](t *rapid.T, label string) T {
	return T(rapid.OneOf(rapid.IntRange(1, 40), rapid.SampledFrom([]int{1, 255, 256, 1000})).Draw(t, label))
}

func drawView(t *rapid.T, label string) View {
	v := View{Block: rapid.Uint16Range(1, math.MaxUint16).Draw(t, label+" block")}
	v.ChannelOffset = rapid.Uint16Range(0, v.Block-1).Draw(t, label+" offset")
	v.PixelStride = rapid.Uint32Range(1, 1<<20).Draw(t, label+" pixel")
	v.RowStride = rapid.Uint32Range(1, 1<<20).Draw(t, label+" row")
	v.BlockStride = rapid.Uint32Range(1, 1<<20).Draw(t, label+" stride")
	return v
}

func drawClamp(t *rapid.T) (low, high int8) {
	low = rapid.Int8().Draw(t, "low")
	return low, rapid.Int8Range(low, math.MaxInt8).Draw(t, "high")
}

func drawDescriptor(t *rapid.T) Descriptor {
	layer := rapid.Uint16().Draw(t, "layer")
	extent, wide := drawExtent[uint16], drawExtent[uint32]
	low, high := drawClamp(t)
	flag := func(label string) bool { return rapid.Bool().Draw(t, label) }
	small := func(label string) int8 { return rapid.Int8().Draw(t, label) }
	shift := rapid.Uint8Range(1, 62).Draw(t, "shift")
	switch kind := DescriptorKind(rapid.IntRange(1, NumDescriptorKinds-1).Draw(t, "kind")); kind {
	case TransferKind:
		group := wide(t, "group")
		return &Transfer{Layer: layer, Class: TensorClass(rapid.IntRange(1, NumClasses-1).Draw(t, "class")),
			Bits: rapid.Uint8Range(2, 8).Draw(t, "bits"), Group: group, Run: group * wide(t, "groups"), Rows: wide(t, "rows"), Blocks: wide(t, "blocks"),
			DRAMRowStride: rapid.Uint32Range(0, 1<<24).Draw(t, "stride"), BufferBlockStride: rapid.Uint32Range(0, 1<<24).Draw(t, "stride")}
	case ConvolutionKind:
		return &ConvolutionTile{Layer: layer, InputChannels: wide(t, "in"), OutputChannels: wide(t, "out"), Window: Window{OutputRows: extent(t, "rows"), OutputColumns: extent(t, "columns"), InputRows: extent(t, "rows"), InputColumns: extent(t, "columns"),
			OriginRow: rapid.Int16().Draw(t, "origin"), OriginColumn: rapid.Int16().Draw(t, "origin"),
			KernelRows: uint16(rapid.IntRange(1, 9).Draw(t, "kernel")), KernelColumns: uint16(rapid.IntRange(1, 9).Draw(t, "kernel")),
			StrideRows: extent(t, "stride"), StrideColumns: extent(t, "stride"), DilateRows: extent(t, "dilate"), DilateColumns: extent(t, "dilate"),
			Input: drawView(t, "input"), Output: drawView(t, "output"), First: flag("first"), Last: flag("last"), PadValue: small("pad"),
			Mode: MultiplierMode(rapid.IntRange(1, 3).Draw(t, "mode")), Multiplier: rapid.Int32Range(0, math.MaxInt32).Draw(t, "multiplier"),
			Shift: shift, Zero: small("zero"), Low: low, High: high}}
	case PoolKind:
		return &PoolTile{Layer: layer, Mode: PoolMode(rapid.IntRange(1, 3).Draw(t, "mode")), Channels: wide(t, "channels"),
			OutputRows: extent(t, "rows"), OutputColumns: extent(t, "columns"), InputRows: extent(t, "rows"), InputColumns: extent(t, "columns"),
			OriginRow:  rapid.Int16().Draw(t, "origin"),
			KernelRows: uint16(rapid.IntRange(1, 9).Draw(t, "kernel")), KernelColumns: uint16(rapid.IntRange(1, 9).Draw(t, "kernel")),
			StrideRows: extent(t, "stride"), StrideColumns: extent(t, "stride"), DilateRows: extent(t, "dilate"), DilateColumns: extent(t, "dilate"),
			Input: drawView(t, "input"), Output: drawView(t, "output"), InputZero: small("zero"),
			Multiplier: rapid.Int32Range(0, math.MaxInt32).Draw(t, "multiplier"), Shift: shift, Zero: small("zero"), Low: low, High: high}
	case BinaryKind:
		return &BinaryTile{Layer: layer, Mode: BinaryMode(rapid.IntRange(1, 3).Draw(t, "mode")), Channels: wide(t, "channels"),
			Rows: extent(t, "rows"), Columns: extent(t, "columns"), A: drawView(t, "a"), B: drawView(t, "b"), Output: drawView(t, "output"),
			RepeatAChannels: flag("repeat"), RepeatBChannels: flag("repeat"), ZeroA: small("zero"), ZeroB: small("zero"),
			MultiplierA: rapid.Int32Range(0, math.MaxInt32).Draw(t, "multiplier"), MultiplierB: rapid.Int32().Draw(t, "multiplier"),
			Shift: shift, Zero: small("zero"), Low: low, High: high}
	case ElementwiseKind:
		return &ElementwiseTile{Layer: layer, Channels: wide(t, "channels"), Rows: extent(t, "rows"), Columns: extent(t, "columns"),
			Input: drawView(t, "input"), Output: drawView(t, "output"), Shift: shift % 31, Zero: small("zero"), Low: low, High: high}
	case CopyKind:
		return &CopyTile{Layer: layer, Channels: wide(t, "channels"), Rows: extent(t, "rows"), Columns: extent(t, "columns"),
			InputChannels: wide(t, "channels"), InputRows: extent(t, "rows"), InputColumns: extent(t, "columns"),
			StartChannel: rapid.Int32().Draw(t, "start"), StartRow: rapid.Int32().Draw(t, "start"), StepColumn: rapid.Int32().Draw(t, "step"),
			Input: drawView(t, "input"), Output: drawView(t, "output"), Fill: small("fill"), UseTable: flag("table")}
	case LookupKind:
		mu := rapid.Uint8Range(2, 10).Draw(t, "mu")
		d := &LookupTile{Layer: layer, InputChannels: wide(t, "in"), OutputChannels: wide(t, "out"), Mu: mu, Planes: rapid.Uint8Range(1, 4).Draw(t, "planes"), Window: Window{OutputRows: extent(t, "rows"), OutputColumns: extent(t, "columns"), InputRows: extent(t, "rows"), InputColumns: extent(t, "columns"),
			OriginRow: rapid.Int16().Draw(t, "origin"), OriginColumn: rapid.Int16().Draw(t, "origin"),
			KernelRows: uint16(rapid.IntRange(1, 9).Draw(t, "kernel")), KernelColumns: uint16(rapid.IntRange(1, 9).Draw(t, "kernel")),
			StrideRows: extent(t, "stride"), StrideColumns: extent(t, "stride"), DilateRows: extent(t, "dilate"), DilateColumns: extent(t, "dilate"),
			Input: drawView(t, "input"), Output: drawView(t, "output"), First: flag("first"), Last: flag("last"), PadValue: small("pad"),
			Mode: MultiplierMode(rapid.IntRange(1, 3).Draw(t, "mode")), Multiplier: rapid.Int32Range(0, math.MaxInt32).Draw(t, "multiplier"),
			Shift: shift, Zero: small("zero"), Low: low, High: high}}
		if flag("groups") {
			keys := rapid.Uint32Range(1, 50).Draw(t, "group")
			d.Group, d.GroupOffset = keys*uint32(mu), uint32(mu)*rapid.Uint32Range(0, keys-1).Draw(t, "offset")
		}
		return d
	case SealedKind:
		return &SealedKeys{Layer: layer, Mu: rapid.Uint8Range(2, 10).Draw(t, "mu"), Planes: rapid.Uint8Range(1, 4).Draw(t, "planes"),
			Network: rapid.Uint16().Draw(t, "network"), Rows: wide(t, "rows"), Keys: wide(t, "keys"), CodeBytes: wide(t, "code")}
	case EncodedKind:
		channels, bits := wide(t, "channels"), rapid.Uint8Range(2, 8).Draw(t, "bits")
		cells := rapid.Uint16Range(1, 9).Draw(t, "cells")
		e := &EncodedWeights{Layer: layer, Order: StreamingOrder, Inputs: rapid.Uint8Range(1, 21).Draw(t, "inputs"), Outputs: rapid.Uint16Range(1, 1024).Draw(t, "outputs"), Cells: cells, Codec: WeightCodec(rapid.IntRange(1, 3).Draw(t, "codec")), Representation: SignMagnitude, Bits: bits,
			Inverted: rapid.Uint8().Draw(t, "inverted") >> (8 - bits), Mask: NoMask, Network: rapid.Uint16().Draw(t, "network"),
			Elements: channels * uint32(cells) * wide(t, "elements"), Channels: channels, CodeBytes: wide(t, "code")}
		e.Kept = e.Elements
		if e.Codec == FractionalCodec {
			e.Representation, e.ScaleBytes = ScaledSigns, uint32(bits)*channels
			e.Order, e.Skip = WeightOrder(rapid.IntRange(1, 3).Draw(t, "order")), rapid.Uint16Range(0, e.Outputs-1).Draw(t, "skip")
			return e
		}
		e.CorrectionBytes, e.Patches = wide(t, "corrections"), wide(t, "patches")
		e.Stalls = rapid.Uint32Range(0, e.Patches).Draw(t, "stalls")
		formats := 4
		if e.Channels+e.Elements/e.Channels < LeastLowRankSides {
			formats = 3
		}
		switch e.Mask = MaskFormat(rapid.IntRange(1, formats).Draw(t, "mask")); e.Mask {
		case RawMask:
			e.MaskBytes, e.Kept = (e.Elements+7)/8, rapid.Uint32Range(0, e.Elements).Draw(t, "kept")
		case RunLengthMask:
			e.MaskBytes = wide(t, "mask bytes")
		case LowRankMask:
			e.Kept = rapid.Uint32Range(0, e.Elements).Draw(t, "kept")
			h := e.LowRankMaskHeader()
			h.Rank = rapid.IntRange(1, min(h.TileCols, h.TileRows, weightmask.MaxRank)).Draw(t, "mask rank")
			e.MaskBytes = uint32(h.LowRankBits()+7) / 8
		}
		if e.Codec == SequentialCodec {
			e.Registers = rapid.Uint8Range(0, 2).Draw(t, "registers")
		}
		return e
	default:
		c, r, w := wide(t, "channels"), extent(t, "rows"), extent(t, "columns")
		channel, row, column := rapid.Uint32Range(0, 99).Draw(t, "origin"), rapid.Uint16Range(0, 99).Draw(t, "origin"), rapid.Uint16Range(0, 99).Draw(t, "origin")
		rows, columns := row+r+rapid.Uint16Range(0, 9).Draw(t, "rows below"), column+w+rapid.Uint16Range(0, 9).Draw(t, "columns right")
		plane := uint32(rows) * uint32(columns)
		return &RearrangeTile{Layer: layer, InputChannels: c, InputRows: r, InputColumns: w,
			OriginChannel: channel, OriginRow: row, OriginColumn: column, TensorRows: rows, TensorColumns: columns,
			OutputChannels: uint32(w), OutputRows: r, OutputColumns: uint16(c),
			Dims: [RearrangeDims]uint32{uint32(w), 1, uint32(r), 1, 1, c}, InputStrides: [RearrangeDims]uint32{1, 0, uint32(columns), 0, 0, plane},
			Start: channel*plane + uint32(row)*uint32(columns) + uint32(column),
			Input: drawView(t, "input"), Output: drawView(t, "output")}
	}
}

func drawInstruction(t *rapid.T, u Unit) Instruction {
	var legal []Opcode
	for op := InvalidOpcode + 1; op < opcodeEnd; op++ {
		for _, holder := range Instructions[op].Units {
			if holder == u {
				legal = append(legal, op)
			}
		}
	}
	in := Instruction{Op: rapid.SampledFrom(legal).Draw(t, "op")}
	row := &Instructions[in.Op]
	switch {
	case row.HasCount:
		in.Count = rapid.Uint32().Draw(t, "count")
	case row.Descriptor != NoDescriptor:
		in.Descriptor = rapid.Uint32().Draw(t, "descriptor")
	}
	for k, o := range row.Operands {
		if o.Optional && rapid.Bool().Draw(t, "absent") {
			continue
		}
		in.Operands[k] = Address{
			Space:     rapid.SampledFrom(o.Spaces).Draw(t, "space"),
			Offset:    rapid.Uint64Range(0, addressLimit-1).Draw(t, "offset"),
			InnerStep: rapid.Int32().Draw(t, "inner"), OuterStep: rapid.Int32().Draw(t, "outer")}
	}
	return in
}

func drawBinding(t *rapid.T) Binding {
	return Binding{Tensor: rapid.Uint32().Draw(t, "tensor"), Shape: rapid.SliceOfN(rapid.Int64(), 0, 5).Draw(t, "shape"),
		Space: Space(rapid.IntRange(int(Weights), int(State)).Draw(t, "space")), Offset: rapid.Uint64().Draw(t, "offset"),
		Block: rapid.Uint16().Draw(t, "block"), PixelBytes: rapid.Uint32().Draw(t, "pixel"), RowStride: rapid.Uint32().Draw(t, "row"),
		BlockStride: rapid.Uint32().Draw(t, "stride")}
}

func drawProgram(t *rapid.T) *Program {
	p := &Program{Name: drawText(t, "name"), Config: drawText(t, "config"), Rounding: Rounding(rapid.IntRange(1, 4).Draw(t, "rounding")),
		MACs: rapid.Int64().Draw(t, "macs"), Weights: rapid.Int64().Draw(t, "weights")}
	copy(p.MachineHash[:], rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "hash"))
	copy(p.ModelHash[:], rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "hash"))
	p.Constants = rapid.SliceOfN(rapid.Byte(), 0, 200).Draw(t, "constants")
	repeat := func(label string, limit int) int { return rapid.IntRange(0, limit).Draw(t, label) }
	for u := InvalidUnit + 1; u < unitEnd; u++ {
		for range repeat("instructions", 5) {
			p.Code[u] = append(p.Code[u], drawInstruction(t, u))
		}
		for range repeat("records", 10) {
			tensor := rapid.OneOf(rapid.Uint32(), rapid.Just(NoTensor)).Draw(t, "tensor")
			p.Trace[u] = append(p.Trace[u], TraceRecord{tensor, rapid.Uint32().Draw(t, "c"), rapid.Uint32().Draw(t, "h"), rapid.Uint32().Draw(t, "w")})
		}
	}
	for range repeat("descriptors", 6) {
		p.Descriptors = append(p.Descriptors, drawDescriptor(t))
	}
	for range repeat("networks", 2) {
		p.Networks = append(p.Networks, xorcode.RandomNetwork(rapid.IntRange(1, 64).Draw(t, "inputs"), rapid.IntRange(1, 70).Draw(t, "outputs"), rapid.Uint64().Draw(t, "seed")))
	}
	for range repeat("semaphores", 4) {
		unit := rapid.IntRange(1, NumUnits-1)
		p.Semaphores = append(p.Semaphores, Semaphore{Unit(unit.Draw(t, "from")), Unit(unit.Draw(t, "to")), rapid.Uint32().Draw(t, "initial")})
	}
	for range repeat("layers", 3) {
		p.Layers = append(p.Layers, Layer{drawText(t, "name"), drawText(t, "op"), rapid.Uint32().Draw(t, "tensor"), rapid.Int64().Draw(t, "macs"), rapid.Uint8().Draw(t, "bits")})
	}
	for range repeat("tensors", 3) {
		scale := rapid.Float64().Filter(func(f float64) bool { return checkScale(f) == nil }).Draw(t, "scale")
		p.Tensors = append(p.Tensors, Tensor{drawText(t, "name"), rapid.Uint32().Draw(t, "c"), rapid.Uint32().Draw(t, "h"), rapid.Uint32().Draw(t, "w"),
			rapid.Uint8().Draw(t, "bits"), scale, rapid.Int8().Draw(t, "zero")})
	}
	for range repeat("inputs", 2) {
		p.Inputs = append(p.Inputs, drawBinding(t))
	}
	for range repeat("outputs", 2) {
		p.Outputs = append(p.Outputs, drawBinding(t))
	}
	for range repeat("settings", 2) {
		p.Settings = append(p.Settings, Setting{drawText(t, "setting"), drawText(t, "value")})
	}
	for s := InvalidSpace + 1; s < spaceEnd; s++ {
		p.RegionBytes[s], p.Buffers[s] = rapid.Uint64().Draw(t, "region"), rapid.Uint64().Draw(t, "buffer")
	}
	return p
}
