package isa

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestValidateRules(t *testing.T) {
	view := pixels(16, 4)
	transfer := func(change func(*Transfer)) Descriptor {
		d := bytesOf(64, WeightClass)
		change(d)
		return d
	}
	conv := func(change func(*ConvolutionTile)) Descriptor {
		d := convolution(16, 4, 4)
		change(d)
		return d
	}
	pool := func(change func(*PoolTile)) Descriptor {
		d := &PoolTile{Mode: AveragePool, Channels: 16, OutputRows: 4, OutputColumns: 4, InputRows: 4, InputColumns: 4, KernelRows: 1, KernelColumns: 1,
			StrideRows: 1, StrideColumns: 1, DilateRows: 1, DilateColumns: 1, Input: view, Output: view, Shift: 30}
		change(d)
		return d
	}
	binary := func(change func(*BinaryTile)) Descriptor {
		d := &BinaryTile{Mode: AddMode, Channels: 16, Rows: 4, Columns: 4, A: view, B: view, Output: view, MultiplierA: -1, MultiplierB: -1, Shift: 1}
		change(d)
		return d
	}
	element := func(change func(*ElementwiseTile)) Descriptor {
		d := &ElementwiseTile{Channels: 16, Rows: 4, Columns: 4, Input: view, Output: view}
		change(d)
		return d
	}
	copies := func(change func(*CopyTile)) Descriptor {
		d := &CopyTile{Channels: 16, Rows: 4, Columns: 4, InputChannels: 16, InputRows: 4, InputColumns: 4, Input: view, Output: view}
		change(d)
		return d
	}
	rearrange := func(change func(*RearrangeTile)) Descriptor {
		d := &RearrangeTile{InputChannels: 16, InputRows: 4, InputColumns: 4, TensorRows: 4, TensorColumns: 4, OutputChannels: 16, OutputRows: 4, OutputColumns: 4,
			Dims: [RearrangeDims]uint32{1, 1, 1, 1, 1, 256}, InputStrides: [RearrangeDims]uint32{0, 0, 0, 0, 0, 1}, Input: view, Output: view}
		change(d)
		return d
	}
	encoded := func(change func(*EncodedWeights)) Descriptor {
		d := &EncodedWeights{Codec: BlockCodec, Representation: SignMagnitude, Bits: 4, Mask: RawMask, Elements: 64, Kept: 10, Channels: 16,
			Order: StreamingOrder, Inputs: 8, Outputs: 20, Cells: 1, CodeBytes: 16, CorrectionBytes: 3, MaskBytes: 8, Patches: 2}
		change(d)
		return d
	}
	lookup := func(change func(*LookupTile)) Descriptor {
		d := &LookupTile{InputChannels: 16, OutputChannels: 16, Mu: 8, Planes: 3, Window: Window{OutputRows: 4, OutputColumns: 4, InputRows: 4, InputColumns: 4,
			KernelRows: 1, KernelColumns: 1, StrideRows: 1, StrideColumns: 1, DilateRows: 1, DilateColumns: 1, Input: view, Output: view,
			First: true, Last: true, Mode: LayerMultiplier, Multiplier: 1 << 30, Shift: 38}}
		change(d)
		return d
	}
	for _, test := range []struct {
		d    Descriptor
		want string // "" for a valid descriptor
	}{
		{lookup(func(*LookupTile) {}), ""},
		{lookup(func(d *LookupTile) { d.Mu = 11 }), "mu is 11, must be 2 to 10"},
		{lookup(func(d *LookupTile) { d.Mu = 1 }), "mu is 1, must be 2 to 10"},
		{lookup(func(d *LookupTile) { d.Planes = 5 }), "planes is 5, must be 1 to 4"},
		{lookup(func(d *LookupTile) { d.Group = 12 }), "group 12 and group_offset 0 must be multiples of mu 8"},
		{lookup(func(d *LookupTile) { d.Group, d.GroupOffset = 8, 8 }), "group_offset is 8, must be below group 8"},
		{lookup(func(d *LookupTile) { d.GroupOffset = 8 }), "group_offset is 8, must be below group 0"},
		{lookup(func(d *LookupTile) { d.Group, d.GroupOffset = 16, 8 }), ""},
		{lookup(func(d *LookupTile) { d.InputChannels = 1<<20 + 1 }), "1048577 columns, a tile has at most 1048576"},
		{lookup(func(d *LookupTile) { d.OutputChannels = 0 }), "output_channels is 0"},
		{lookup(func(d *LookupTile) { d.Shift = 0 }), "shift is 0"},
		{encoded(func(*EncodedWeights) {}), ""},
		{encoded(func(d *EncodedWeights) { d.Codec = 0 }), "codec is 0, must name block"},
		{encoded(func(d *EncodedWeights) { d.Bits = 1 }), "bits is 1, must be at least 2"},
		{encoded(func(d *EncodedWeights) { d.Registers = 1 }), "registers is 1"},
		{encoded(func(d *EncodedWeights) { d.Codec, d.Registers = SequentialCodec, 3 }), "registers is 3"},
		{encoded(func(d *EncodedWeights) { d.Codec, d.Registers = SequentialCodec, 2 }), ""},
		{encoded(func(d *EncodedWeights) { d.Inverted = 0x10 }), "inverted is 0x10"},
		{encoded(func(d *EncodedWeights) { d.Channels = 3 }), "elements 64 is not a multiple of channels 3"},
		{encoded(func(d *EncodedWeights) { d.Kept = 65 }), "kept is 65 of 64"},
		{encoded(func(d *EncodedWeights) { d.Mask = NoMask }), "mask none goes with all weights kept"},
		{encoded(func(d *EncodedWeights) { d.Mask, d.Kept, d.MaskBytes = NoMask, 64, 0 }), ""},
		{encoded(func(d *EncodedWeights) { d.MaskBytes = 7 }), "mask_bytes is 7, a raw mask of 64 weights takes 8"},
		{encoded(func(d *EncodedWeights) { d.ScaleBytes = 4 }), "scale_bytes is 4, must be 0"},
		{encoded(func(d *EncodedWeights) { d.Representation = ScaledSigns }), "scale_bytes is 0, must be 64"},
		{encoded(func(d *EncodedWeights) { d.Representation, d.ScaleBytes = ScaledSigns, 64 }), "the fractional code and scaled signs go together"},
		{encoded(func(d *EncodedWeights) { d.CodeBytes = 0 }), "code_bytes is 0"},
		{encoded(func(d *EncodedWeights) { d.Stalls = 2 }), ""},
		{encoded(func(d *EncodedWeights) { d.Stalls = 3 }), "stalls is 3, at most one for each of the 2 patches"},
		{encoded(func(d *EncodedWeights) { d.Order = 0 }), "order is 0, must name streaming"},
		{encoded(func(d *EncodedWeights) { d.Order = ChannelMajorOrder }), "skip and order are of the fractional code only"},
		{encoded(func(d *EncodedWeights) { d.Skip = 1 }), "skip and order are of the fractional code only"},
		{encoded(func(d *EncodedWeights) { d.Skip = 20 }), "skip is 20, must be below outputs 20"},
		{encoded(func(d *EncodedWeights) { d.Inputs = 0 }), "inputs is 0, must be 1 to 64"},
		{encoded(func(d *EncodedWeights) { d.Codec, d.Registers, d.Inputs = SequentialCodec, 2, 22 }), "inputs is 22, must be 1 to 64"},
		{encoded(func(d *EncodedWeights) { d.Outputs = 0 }), "outputs is 0, must be 1 to 1024"},
		{encoded(func(d *EncodedWeights) { d.Outputs = 1025 }), "outputs is 1025"},
		{encoded(func(d *EncodedWeights) { d.Cells = 0 }), "cells is 0"},
		{encoded(func(d *EncodedWeights) { d.Cells = 3 }), "cells is 3, must be at least 1 and divide elements 64 over channels 16"},
		{transfer(func(*Transfer) {}), ""},
		{transfer(func(d *Transfer) { d.Class = classEnd }), "class is 7"},
		{transfer(func(d *Transfer) { d.Bits = 1 }), "bits is 1"},
		{transfer(func(d *Transfer) { d.Bits = 9 }), "bits is 9"},
		{transfer(func(d *Transfer) { d.Group = 0 }), "group is 0"},
		{transfer(func(d *Transfer) { d.Group = 3 }), "run 64 is not a multiple of group 3"},
		{transfer(func(d *Transfer) { d.Run = 0 }), "run is 0"},
		{transfer(func(d *Transfer) { d.Blocks = 0 }), "blocks is 0"},
		{transfer(func(d *Transfer) { d.Rows, d.Blocks = 1<<31, 1<<31 }), "run x rows x blocks must stay below 2^40"},
		{transfer(func(d *Transfer) { d.Rows, d.DRAMRowStride = 1<<10, 1<<31 }), "rows x dram_row_stride must stay below 2^40"},
		{transfer(func(d *Transfer) { d.Blocks, d.BufferBlockStride = 1<<10, 1<<31 }), "blocks x buffer_block_stride must stay below 2^40"},
		{conv(func(*ConvolutionTile) {}), ""},
		{conv(func(d *ConvolutionTile) { d.InputChannels = 0 }), "input_channels is 0"},
		{conv(func(d *ConvolutionTile) { d.OutputChannels = 0 }), "output_channels is 0"},
		{conv(func(d *ConvolutionTile) { d.OutputRows = 0 }), "output_rows is 0"},
		{conv(func(d *ConvolutionTile) { d.InputColumns = 0 }), "input_columns is 0"},
		{conv(func(d *ConvolutionTile) { d.KernelRows = 0 }), "kernel_rows is 0"},
		{conv(func(d *ConvolutionTile) { d.StrideColumns = 0 }), "stride_columns is 0"},
		{conv(func(d *ConvolutionTile) { d.DilateRows = 0 }), "dilate_rows is 0"},
		{conv(func(d *ConvolutionTile) { d.Mode = 0 }), "mode is 0, must name layer, channel_shift or channel_multiplier"},
		{conv(func(d *ConvolutionTile) { d.KernelRows, d.InputChannels = 60000, 1<<30 }), "weights must stay below 2^40"},
		{conv(func(d *ConvolutionTile) { d.OutputRows, d.OutputColumns, d.OutputChannels = 60000, 60000, 1000 }), "must stay below 2^40"},
		{conv(func(d *ConvolutionTile) { d.Input.Block = 0 }), "input.block is 0"},
		{conv(func(d *ConvolutionTile) { d.Input.ChannelOffset = 16 }), "input.channel_offset is 16, must be below the block of 16"},
		{conv(func(d *ConvolutionTile) { d.InputRows, d.Input.RowStride = 1<<15, 1<<31 }), "input: rows x row_stride must stay below 2^40"},
		{conv(func(d *ConvolutionTile) { d.Output.Block = 0 }), "output.block is 0"},
		{conv(func(d *ConvolutionTile) { d.Output.PixelStride = 0 }), "output.pixel_stride is 0: an output cannot repeat"},
		{conv(func(d *ConvolutionTile) { d.Output.RowStride = 0 }), "output.row_stride is 0"},
		{conv(func(d *ConvolutionTile) { d.Output.Block = 8 }), "output.block_stride is 0"},
		{conv(func(d *ConvolutionTile) { d.Low, d.High = 1, 0 }), "low 1 is above high 0"},
		{conv(func(d *ConvolutionTile) { d.Multiplier = -1 }), "multiplier is -1"},
		{conv(func(d *ConvolutionTile) { d.Shift = 0 }), "shift is 0, must be 1 to 62"},
		{conv(func(d *ConvolutionTile) { d.Mode, d.Shift = ChannelMultiplier, 0 }), ""},
		{conv(func(d *ConvolutionTile) { d.Last, d.Shift, d.Output = false, 0, View{} }), ""},
		{pool(func(*PoolTile) {}), ""},
		{pool(func(d *PoolTile) { d.Mode = 4 }), "mode is 4"},
		{pool(func(d *PoolTile) { d.Channels = 0 }), "channels is 0"},
		{pool(func(d *PoolTile) { d.KernelColumns = 0 }), "kernel_columns is 0"},
		{pool(func(d *PoolTile) { d.KernelRows, d.KernelColumns = 65535, 65535; d.OutputRows = 65535 }), "outputs x kernel must stay below 2^40"},
		{pool(func(d *PoolTile) { d.Shift = 63 }), "shift is 63"},
		{pool(func(d *PoolTile) { d.Multiplier = -1 }), "multiplier is -1"},
		{pool(func(d *PoolTile) { d.Mode, d.Shift = MaximumPool, 0 }), ""},
		{pool(func(d *PoolTile) { d.Low = 5 }), "low 5 is above high 0"},
		{binary(func(*BinaryTile) {}), ""},
		{binary(func(d *BinaryTile) { d.Mode = 0 }), "mode is 0, must name add, multiply or divide"},
		{binary(func(d *BinaryTile) { d.Mode = MultiplyMode }), "multiplier_a is -1"},
		{binary(func(d *BinaryTile) { d.Columns = 0 }), "columns is 0"},
		{binary(func(d *BinaryTile) { d.Shift = 0 }), "shift is 0"},
		{binary(func(d *BinaryTile) { d.B.Block = 0 }), "b.block is 0"},
		{binary(func(d *BinaryTile) { d.A = View{Block: 1, BlockStride: 1 << 31}; d.Channels = 1 << 10 }), "a: blocks x block_stride must stay below 2^40"},
		{binary(func(d *BinaryTile) { d.A, d.RepeatAChannels = View{Block: 1, BlockStride: 1 << 31}, true }), ""},
		{element(func(*ElementwiseTile) {}), ""},
		{element(func(d *ElementwiseTile) { d.Rows = 0 }), "rows is 0"},
		{element(func(d *ElementwiseTile) { d.Shift = 31 }), "shift is 31, must be at most 30"},
		{element(func(d *ElementwiseTile) { d.Low = 1 }), "low 1 is above high 0"},
		{copies(func(*CopyTile) {}), ""},
		{copies(func(d *CopyTile) { d.InputChannels = 0 }), "input_channels is 0"},
		{copies(func(d *CopyTile) { d.Channels = 0 }), "channels is 0"},
		{rearrange(func(*RearrangeTile) {}), ""},
		{rearrange(func(d *RearrangeTile) { d.Dims[0] = 0 }), "dims[0] is 0"},
		{rearrange(func(d *RearrangeTile) { d.Dims[0] = 2 }), "the product of dims is 512, must be the 256 elements of the output"},
		{rearrange(func(d *RearrangeTile) { d.InputStrides[5] = 2 }), "the loops may reach input channels 0 to 31, the input tile holds 0 to 15"},
		{rearrange(func(d *RearrangeTile) { d.Start = 1 }), "the loops may reach input channels 0 to 16, the input tile holds 0 to 15"},
		{rearrange(func(d *RearrangeTile) { d.TensorRows = 8 }), "the loops may reach input rows 0 to 7, the input tile holds 0 to 3"},
		{rearrange(func(d *RearrangeTile) { d.OriginColumn = 1 }), "the loops may reach input columns 0 to 3, the input tile holds 1 to 4"},
		{rearrange(func(d *RearrangeTile) {
			d.Dims, d.InputStrides = [RearrangeDims]uint32{1, 1, 1, 16, 4, 4}, [RearrangeDims]uint32{0, 0, 0, 56, 7, 1}
			d.TensorRows, d.TensorColumns, d.Start, d.OriginChannel, d.OriginRow, d.OriginColumn = 8, 7, 3*56+2*7+3, 3, 2, 3
		}), ""},
		{rearrange(func(d *RearrangeTile) {
			d.Dims, d.InputStrides = [RearrangeDims]uint32{1, 1, 1, 16, 4, 4}, [RearrangeDims]uint32{0, 0, 0, 56, 7, 1}
			d.TensorRows, d.TensorColumns, d.Start, d.OriginChannel, d.OriginRow, d.OriginColumn = 8, 7, 3*56+2*7+3, 3, 3, 3
		}), "the loops may reach input rows 2 to 5, the input tile holds 3 to 6"},
		{rearrange(func(d *RearrangeTile) { d.TensorRows = 0 }), "tensor_rows is 0"},
		{rearrange(func(d *RearrangeTile) { d.TensorColumns = 0 }), "tensor_columns is 0"},
		{rearrange(func(d *RearrangeTile) { d.Dims = [RearrangeDims]uint32{1 << 31, 1 << 31, 1, 1, 1, 1} }), "dims must stay below 2^40"},
		{rearrange(func(d *RearrangeTile) { d.OutputRows = 0 }), "output_rows is 0"},
	} {
		err := test.d.Validate()
		switch {
		case test.want == "" && err != nil:
			t.Errorf("%+v: %v", test.d, err)
		case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
			t.Errorf("%+v: got %v, want %q", test.d, err, test.want)
		}
	}
}

// TestSpanAgainstWideArithmetic: the product check never overflows.
func TestSpanAgainstWideArithmetic(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		factors := rapid.SliceOfN(rapid.OneOf(rapid.Uint64Range(0, 1<<8), rapid.Uint64Range(0, 1<<33)), 1, 6).Draw(t, "factors")
		product := 1.0 // exact enough: the limit is a power of two far below 2^53
		for _, f := range factors {
			product *= float64(f)
		}
		var r rules
		r.span("product", factors...)
		// A zero factor makes any product zero, but may come after an overflow.
		if zero := product == 0; !zero && (r.err == nil) != (product < float64(addressLimit)) {
			t.Fatalf("%v: %v for a product of %g", factors, r.err, product)
		}
	})
}
