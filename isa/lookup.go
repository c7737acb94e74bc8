package isa

import "github.com/npusim/npusim/isa/binarycode"

// LookupTile describes one tile of Lookup: the product of binary codes with the
// patches of an input tile. Column j of the codes is input channel, kernel row
// and kernel column, columns innermost; padding counts as PadValue.
//
// The weights operand points at the keys. They are the signs as package
// binarycode packs them: for each plane, from a byte on, for each row (output
// channel) and sub-vector of Mu columns, Mu bits. Scales are little-endian
// int16: for each group of columns and plane, one for each row.
//
// With u = input - PadValue, S the sum of u with the signs of one plane of a
// row over a group, and a its scale, all exact in 32 bits:
//
//	sum += a*S for all groups and planes
//
// Accumulators, parameters and the requantizer are those of ConvolutionTile.
type LookupTile struct {
	Layer          uint16         `isa:"layer,u16" doc:"row of the layer table"`
	InputChannels  uint32         `isa:"input_channels,u32" doc:"input channels of the tile"`
	OutputChannels uint32         `isa:"output_channels,u32" doc:"output channels of the tile, rows of the codes"`
	Mu             uint8          `isa:"mu,u8" doc:"bits of a key, 2 to 10"`
	Planes         uint8          `isa:"planes,u8" doc:"planes of signs, 1 to 4"`
	Group          uint32         `isa:"group,u32" doc:"columns that share scales, a multiple of mu; 0: all"`
	GroupOffset    uint32         `isa:"group_offset,u32" doc:"columns of the first group before the tile, a multiple of mu below group"`
	OutputRows     uint16         `isa:"output_rows,u16" doc:"output rows of the tile"`
	OutputColumns  uint16         `isa:"output_columns,u16" doc:"output columns of the tile"`
	InputRows      uint16         `isa:"input_rows,u16" doc:"rows present in the input tile; outside is padding"`
	InputColumns   uint16         `isa:"input_columns,u16" doc:"columns present in the input tile"`
	OriginRow      int16          `isa:"origin_row,i16" doc:"input row under the first kernel row of output row 0; negative is padding"`
	OriginColumn   int16          `isa:"origin_column,i16" doc:"input column under the first kernel column of output column 0"`
	KernelRows     uint16         `isa:"kernel_rows,u16" doc:"kernel height"`
	KernelColumns  uint16         `isa:"kernel_columns,u16" doc:"kernel width"`
	StrideRows     uint16         `isa:"stride_rows,u16" doc:"vertical stride"`
	StrideColumns  uint16         `isa:"stride_columns,u16" doc:"horizontal stride"`
	DilateRows     uint16         `isa:"dilate_rows,u16" doc:"vertical dilation"`
	DilateColumns  uint16         `isa:"dilate_columns,u16" doc:"horizontal dilation"`
	Input          View           `isa:"input,view" doc:"input tile"`
	Output         View           `isa:"output,view" doc:"output tile"`
	First          bool           `isa:"first,bool" doc:"sums start from the bias, else from the accumulators"`
	Last           bool           `isa:"last,bool" doc:"sums are requantized to the output, else left in the accumulators"`
	PadValue       int8           `isa:"pad_value,i8" doc:"zero point of the input, the value of padding"`
	Mode           MultiplierMode `isa:"mode,u8" doc:"1 layer multiplier, 2 channel shift, 3 channel multiplier"`
	Multiplier     int32          `isa:"multiplier,i32" doc:"M0, 31 bits"`
	Shift          uint8          `isa:"shift,u8" doc:"right shift n, 1 to 62 with the channel's"`
	Zero           int8           `isa:"zero,i8" doc:"zero point of the output"`
	Low            int8           `isa:"low,i8" doc:"lower clamp, after the zero point"`
	High           int8           `isa:"high,i8" doc:"upper clamp"`
}

// Kind implements Descriptor.
func (*LookupTile) Kind() DescriptorKind { return LookupKind }

// LayerIndex implements Descriptor.
func (t *LookupTile) LayerIndex() int { return int(t.Layer) }

// Columns is the number of columns of the codes: inputs of an output.
func (t *LookupTile) Columns() int {
	return int(t.InputChannels) * int(t.KernelRows) * int(t.KernelColumns)
}

// Keys is the number of sub-vectors: keys of a row and plane.
func (t *LookupTile) Keys() int { return (t.Columns() + int(t.Mu) - 1) / int(t.Mu) }

// Groups is the number of groups that the tile has a part of.
func (t *LookupTile) Groups() int {
	if t.Group == 0 {
		return 1
	}
	return (int(t.GroupOffset) + t.Columns() + int(t.Group) - 1) / int(t.Group)
}

// GroupEnd is the sub-vector after the last one of a group.
func (t *LookupTile) GroupEnd(group int) int {
	if t.Group == 0 {
		return t.Keys()
	}
	return min(t.Keys(), ((group+1)*int(t.Group)-int(t.GroupOffset))/int(t.Mu))
}

// PlaneBytes is the size of the keys of a plane.
func (t *LookupTile) PlaneBytes() int {
	return (int(t.OutputChannels)*t.Keys()*int(t.Mu) + 7) / 8
}

// KeyBytes is the size of the keys.
func (t *LookupTile) KeyBytes() int { return int(t.Planes) * t.PlaneBytes() }

// ScaleBytes is the size of the scales.
func (t *LookupTile) ScaleBytes() int {
	return 2 * t.Groups() * int(t.Planes) * int(t.OutputChannels)
}

// Convolution is the same tile with dense weights: patches, accumulators and
// the requantizer of both are the same.
func (t *LookupTile) Convolution() *ConvolutionTile {
	return &ConvolutionTile{Layer: t.Layer, InputChannels: t.InputChannels, OutputChannels: t.OutputChannels,
		OutputRows: t.OutputRows, OutputColumns: t.OutputColumns, InputRows: t.InputRows, InputColumns: t.InputColumns,
		OriginRow: t.OriginRow, OriginColumn: t.OriginColumn, KernelRows: t.KernelRows, KernelColumns: t.KernelColumns,
		StrideRows: t.StrideRows, StrideColumns: t.StrideColumns, DilateRows: t.DilateRows, DilateColumns: t.DilateColumns,
		Input: t.Input, Output: t.Output, First: t.First, Last: t.Last, PadValue: t.PadValue, Mode: t.Mode,
		Multiplier: t.Multiplier, Shift: t.Shift, Zero: t.Zero, Low: t.Low, High: t.High}
}

// Validate implements Descriptor.
func (t *LookupTile) Validate() error {
	var r rules
	r.require(t.Mu >= binarycode.MinKeyBits && t.Mu <= binarycode.MaxKeyBits, "mu is %d, must be %d to %d", t.Mu, binarycode.MinKeyBits, binarycode.MaxKeyBits)
	r.require(t.Planes >= 1 && t.Planes <= binarycode.MaxPlanes, "planes is %d, must be 1 to %d", t.Planes, binarycode.MaxPlanes)
	if r.err == nil {
		r.err = t.Convolution().Validate()
	}
	r.span("columns", uint64(t.InputChannels), uint64(t.KernelRows), uint64(t.KernelColumns))
	if r.err != nil {
		return r.err
	}
	r.require(uint64(t.InputChannels)*uint64(t.KernelRows)*uint64(t.KernelColumns) <= binarycode.MaxColumns,
		"%d columns, a tile has at most %d", t.Columns(), binarycode.MaxColumns)
	mu := uint32(t.Mu)
	r.require(t.Group%mu == 0 && t.GroupOffset%mu == 0, "group %d and group_offset %d must be multiples of mu %d", t.Group, t.GroupOffset, mu)
	r.require(t.GroupOffset == 0 || t.GroupOffset < t.Group, "group_offset is %d, must be below group %d", t.GroupOffset, t.Group)
	if r.err == nil {
		r.span("keys", uint64(t.OutputChannels), uint64(t.Keys()), uint64(t.Mu)*uint64(t.Planes))
		r.span("scales", 2, uint64(t.OutputChannels), uint64(t.Groups()), uint64(t.Planes))
	}
	return r.err
}
