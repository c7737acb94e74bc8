package isa

import "github.com/npusim/npusim/isa/binarycode"

// LookupTile describes one tile of Lookup, BuildTables or QueryTables: the product
// of binary codes with the patches of an input tile. Column j of the codes is input channel, kernel row
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
// Accumulators, parameters and the requantizer are those of ConvolutionTile. To
// BuildTables rows, planes, scales and outputs do not matter; to QueryTables the
// input does not.
type LookupTile struct {
	Layer          uint16 `isa:"layer,u16" doc:"row of the layer table"`
	InputChannels  uint32 `isa:"input_channels,u32" doc:"input channels of the tile"`
	OutputChannels uint32 `isa:"output_channels,u32" doc:"output channels of the tile, rows of the codes"`
	Mu             uint8  `isa:"mu,u8" doc:"bits of a key, 2 to 10"`
	Planes         uint8  `isa:"planes,u8" doc:"planes of signs, 1 to 4"`
	Group          uint32 `isa:"group,u32" doc:"columns that share scales, a multiple of mu; 0: all"`
	GroupOffset    uint32 `isa:"group_offset,u32" doc:"columns of the first group before the tile, a multiple of mu below group"`
	Window
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

// Tables is the number of tables of all pixels: for each pixel one a sub-vector.
func (t *LookupTile) Tables() int { return int(t.OutputRows) * int(t.OutputColumns) * t.Keys() }

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
	return &ConvolutionTile{t.Layer, t.InputChannels, t.OutputChannels, t.Window}
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
		r.span("tables", uint64(t.OutputRows), uint64(t.OutputColumns), uint64(t.Keys()))
		r.span("scales", 2, uint64(t.OutputChannels), uint64(t.Groups()), uint64(t.Planes))
	}
	return r.err
}
