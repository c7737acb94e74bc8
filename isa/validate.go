package isa

import (
	"fmt"

	"github.com/npusim/npusim/isa/fixed"
)

// addressBits is the width of an operand's offset. Nothing a descriptor spans
// may be larger, which also keeps all size arithmetic within 64 bits.
const (
	addressBits  = 40
	addressLimit = uint64(1) << addressBits
)

// rules collects the first rule that a descriptor breaks, so that Validate
// methods read as a list.
type rules struct{ err error }

func (r *rules) require(holds bool, format string, arguments ...any) {
	if r.err == nil && !holds {
		r.err = fmt.Errorf(format, arguments...)
	}
}

// positive requires an extent of at least 1.
func (r *rules) positive(name string, value uint64) {
	if value < 1 {
		r.require(false, "%s is 0, must be at least 1", name)
	}
}

// span requires a product (of extents or of strides) below 2^40.
func (r *rules) span(what string, factors ...uint64) {
	if !spans(factors) {
		r.require(false, "%s must stay below 2^%d", what, addressBits)
	}
}

func spans(factors []uint64) bool {
	product := uint64(1)
	for _, f := range factors {
		if f != 0 && product >= addressLimit/f+1 {
			return false
		}
		product *= f
	}
	return product < addressLimit
}

// view requires a layout whose block divides channels and whose strides stay
// in reach of an address.
func (r *rules) view(name string, v *View, channels, rows, columns uint64) {
	if v.Block < 1 {
		r.positive(name+".block", 0)
	}
	if v.ChannelOffset >= max(v.Block, 1) {
		r.require(false, "%s.channel_offset is %d, must be below the block of %d", name, v.ChannelOffset, v.Block)
	}
	within := func(what string, factors ...uint64) {
		if !spans(factors) {
			r.require(false, "%s: %s must stay below 2^%d", name, what, addressBits)
		}
	}
	within("channels x rows x columns", channels, rows, columns)
	within("blocks x block_stride", (uint64(v.ChannelOffset)+channels)/uint64(max(v.Block, 1)), uint64(v.BlockStride))
	within("rows x row_stride", rows, uint64(v.RowStride))
	within("columns x pixel_stride", columns, uint64(v.PixelStride))
}

// destination requires the layout of an output, whose elements must not share
// bytes along an axis.
func (r *rules) destination(v *View, channels, rows, columns uint64) {
	r.view("output", v, channels, rows, columns)
	r.require(columns == 1 || v.PixelStride > 0, "output.pixel_stride is 0: an output cannot repeat")
	r.require(rows == 1 || v.RowStride > 0, "output.row_stride is 0: an output cannot repeat")
	r.require(uint64(v.ChannelOffset)+channels <= uint64(v.Block) || v.BlockStride > 0, "output.block_stride is 0: an output cannot repeat")
}

func (r *rules) clamp(low, high int8) {
	r.require(low <= high, "low %d is above high %d", low, high)
}

func (r *rules) shift(shift uint8) {
	r.require(shift >= fixed.MinShift && shift <= fixed.MaxShift, "shift is %d, must be %d to %d", shift, fixed.MinShift, fixed.MaxShift)
}

func (r *rules) enum(name string, names []string, value uint8) {
	if !validEnum(names, uint64(value)) {
		r.require(false, "%s is %d, must name %s", name, value, enumList(names))
	}
}

// Validate implements Descriptor.
func (t *Transfer) Validate() error {
	var r rules
	r.require(t.Class > InvalidClass && t.Class < classEnd, "class is %d, must name a traffic class", uint8(t.Class))
	r.require(t.Bits >= 2 && t.Bits <= 8, "bits is %d, must be 2 to 8", t.Bits)
	r.positive("group", uint64(t.Group))
	r.positive("run", uint64(t.Run))
	r.positive("rows", uint64(t.Rows))
	r.positive("blocks", uint64(t.Blocks))
	r.require(t.Group == 0 || t.Run%t.Group == 0, "run %d is not a multiple of group %d", t.Run, t.Group)
	r.span("run x rows x blocks", uint64(t.Run), uint64(t.Rows), uint64(t.Blocks))
	r.span("rows x dram_row_stride", uint64(t.Rows), uint64(t.DRAMRowStride))
	r.span("blocks x dram_block_stride", uint64(t.Blocks), uint64(t.DRAMBlockStride))
	r.span("rows x buffer_row_stride", uint64(t.Rows), uint64(t.BufferRowStride))
	r.span("blocks x buffer_block_stride", uint64(t.Blocks), uint64(t.BufferBlockStride))
	return r.err
}

// window checks what convolutions and pools share.
func (r *rules) window(outputRows, outputColumns, inputRows, inputColumns, kernelRows, kernelColumns, strideRows, strideColumns, dilateRows, dilateColumns uint16) {
	for _, extent := range [...]struct {
		name  string
		value uint16
	}{
		{"output_rows", outputRows}, {"output_columns", outputColumns},
		{"input_rows", inputRows}, {"input_columns", inputColumns},
		{"kernel_rows", kernelRows}, {"kernel_columns", kernelColumns},
		{"stride_rows", strideRows}, {"stride_columns", strideColumns},
		{"dilate_rows", dilateRows}, {"dilate_columns", dilateColumns},
	} {
		r.positive(extent.name, uint64(extent.value))
	}
}

// Validate implements Descriptor.
func (t *ConvolutionTile) Validate() error {
	var r rules
	r.positive("input_channels", uint64(t.InputChannels))
	r.positive("output_channels", uint64(t.OutputChannels))
	r.window(t.OutputRows, t.OutputColumns, t.InputRows, t.InputColumns, t.KernelRows, t.KernelColumns,
		t.StrideRows, t.StrideColumns, t.DilateRows, t.DilateColumns)
	r.enum("mode", multiplierModeNames[:], uint8(t.Mode))
	r.span("weights", uint64(t.KernelRows), uint64(t.KernelColumns), uint64(t.InputChannels), uint64(t.OutputChannels))
	r.span("outputs x kernel", uint64(t.OutputRows), uint64(t.OutputColumns), uint64(t.OutputChannels),
		uint64(t.KernelRows), uint64(t.KernelColumns))
	r.span("accumulators", 4, uint64(t.OutputRows), uint64(t.OutputColumns), uint64(t.OutputChannels))
	r.view("input", &t.Input, uint64(t.InputChannels), uint64(t.InputRows), uint64(t.InputColumns))
	if t.Last {
		r.destination(&t.Output, uint64(t.OutputChannels), uint64(t.OutputRows), uint64(t.OutputColumns))
		r.clamp(t.Low, t.High)
		if t.Mode != ChannelMultiplier {
			r.require(t.Multiplier >= 0, "multiplier is %d, must not be negative", t.Multiplier)
			r.shift(t.Shift)
		}
	}
	return r.err
}

// Validate implements Descriptor.
func (t *PoolTile) Validate() error {
	var r rules
	r.enum("mode", poolModeNames[:], uint8(t.Mode))
	r.positive("channels", uint64(t.Channels))
	r.window(t.OutputRows, t.OutputColumns, t.InputRows, t.InputColumns, t.KernelRows, t.KernelColumns,
		t.StrideRows, t.StrideColumns, t.DilateRows, t.DilateColumns)
	r.span("outputs x kernel", uint64(t.Channels), uint64(t.OutputRows), uint64(t.OutputColumns), uint64(t.KernelRows), uint64(t.KernelColumns))
	r.view("input", &t.Input, uint64(t.Channels), uint64(t.InputRows), uint64(t.InputColumns))
	r.destination(&t.Output, uint64(t.Channels), uint64(t.OutputRows), uint64(t.OutputColumns))
	r.clamp(t.Low, t.High)
	if t.Mode == AveragePool {
		r.require(t.Multiplier >= 0, "multiplier is %d, must not be negative", t.Multiplier)
		r.shift(t.Shift)
	}
	return r.err
}

// Validate implements Descriptor.
func (t *BinaryTile) Validate() error {
	var r rules
	r.enum("mode", binaryModeNames[:], uint8(t.Mode))
	r.positive("channels", uint64(t.Channels))
	r.positive("rows", uint64(t.Rows))
	r.positive("columns", uint64(t.Columns))
	r.view("a", &t.A, repeated(t.Channels, t.RepeatAChannels), uint64(t.Rows), uint64(t.Columns))
	r.view("b", &t.B, repeated(t.Channels, t.RepeatBChannels), uint64(t.Rows), uint64(t.Columns))
	r.destination(&t.Output, uint64(t.Channels), uint64(t.Rows), uint64(t.Columns))
	if t.Mode != AddMode {
		r.require(t.MultiplierA >= 0, "multiplier_a is %d, must not be negative unless the mode is add", t.MultiplierA)
	}
	r.shift(t.Shift)
	r.clamp(t.Low, t.High)
	return r.err
}

func repeated(channels uint32, repeat bool) uint64 {
	if repeat {
		return 1
	}
	return uint64(channels)
}

// maxSoftmaxShift keeps e*2^shift of a softmax within 64 bits.
const maxSoftmaxShift = 30

// Validate implements Descriptor.
func (t *ElementwiseTile) Validate() error {
	var r rules
	r.positive("channels", uint64(t.Channels))
	r.positive("rows", uint64(t.Rows))
	r.positive("columns", uint64(t.Columns))
	r.view("input", &t.Input, uint64(t.Channels), uint64(t.Rows), uint64(t.Columns))
	r.destination(&t.Output, uint64(t.Channels), uint64(t.Rows), uint64(t.Columns))
	r.require(t.Shift <= maxSoftmaxShift, "shift is %d, must be at most %d", t.Shift, maxSoftmaxShift)
	r.clamp(t.Low, t.High)
	return r.err
}

// Validate implements Descriptor.
func (t *CopyTile) Validate() error {
	var r rules
	r.positive("channels", uint64(t.Channels))
	r.positive("rows", uint64(t.Rows))
	r.positive("columns", uint64(t.Columns))
	r.positive("input_channels", uint64(t.InputChannels))
	r.positive("input_rows", uint64(t.InputRows))
	r.positive("input_columns", uint64(t.InputColumns))
	r.view("input", &t.Input, uint64(t.InputChannels), uint64(t.InputRows), uint64(t.InputColumns))
	r.destination(&t.Output, uint64(t.Channels), uint64(t.Rows), uint64(t.Columns))
	return r.err
}

// Validate implements Descriptor.
func (t *RearrangeTile) Validate() error {
	var r rules
	r.positive("input_channels", uint64(t.InputChannels))
	r.positive("input_rows", uint64(t.InputRows))
	r.positive("input_columns", uint64(t.InputColumns))
	r.positive("output_channels", uint64(t.OutputChannels))
	r.positive("output_rows", uint64(t.OutputRows))
	r.positive("output_columns", uint64(t.OutputColumns))
	r.positive("tensor_rows", uint64(t.TensorRows))
	r.positive("tensor_columns", uint64(t.TensorColumns))
	r.view("input", &t.Input, uint64(t.InputChannels), uint64(t.InputRows), uint64(t.InputColumns))
	r.destination(&t.Output, uint64(t.OutputChannels), uint64(t.OutputRows), uint64(t.OutputColumns))
	for i, d := range t.Dims {
		r.positive(fmt.Sprintf("dims[%d]", i), uint64(d))
		r.span(fmt.Sprintf("dims[%d] x input_strides[%d]", i, i), uint64(d), uint64(t.InputStrides[i]))
	}
	r.span("dims", uint64(t.Dims[0]), uint64(t.Dims[1]), uint64(t.Dims[2]), uint64(t.Dims[3]), uint64(t.Dims[4]), uint64(t.Dims[5]))
	if r.err != nil {
		return r.err
	}
	elements := uint64(1)
	for _, d := range t.Dims {
		elements *= uint64(d)
	}
	output := uint64(t.OutputChannels) * uint64(t.OutputRows) * uint64(t.OutputColumns)
	r.require(elements == output, "the product of dims is %d, must be the %d elements of the output", elements, output)
	low, high := t.Reach()
	for k, axis := range [...]struct {
		name           string
		origin, extent uint64
	}{
		{"channels", uint64(t.OriginChannel), uint64(t.InputChannels)},
		{"rows", uint64(t.OriginRow), uint64(t.InputRows)},
		{"columns", uint64(t.OriginColumn), uint64(t.InputColumns)},
	} {
		r.require(low[k] >= axis.origin && high[k] < axis.origin+axis.extent, "the loops may reach input %s %d to %d, the input tile holds %d to %d",
			axis.name, low[k], high[k], axis.origin, axis.origin+axis.extent-1)
	}
	return r.err
}
