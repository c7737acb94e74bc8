package isa

// DescriptorKind tags a descriptor record.
type DescriptorKind uint8

// Descriptor kinds.
const (
	NoDescriptor DescriptorKind = iota
	TransferKind
	ConvolutionKind
	PoolKind
	BinaryKind
	ElementwiseKind
	CopyKind
	RearrangeKind
	EncodedKind
	LookupKind
	SealedKind
	descriptorKindEnd
)

// NumDescriptorKinds bounds tables indexed by DescriptorKind.
const NumDescriptorKinds = int(descriptorKindEnd)

// TensorClass groups DRAM traffic in reports.
type TensorClass uint8

// Tensor classes.
const (
	InvalidClass TensorClass = iota
	WeightClass
	ActivationClass
	MetadataClass   // biases, channel shifts and multipliers, tables
	CorrectionClass // what decoded weights are put right with
	MaskClass       // where weights are pruned
	ScaleClass      // of binary codes
	classEnd
)

// NumClasses bounds tables indexed by TensorClass.
const NumClasses = int(classEnd)

var classNames = [NumClasses]string{InvalidClass: "invalid", WeightClass: "weights", ActivationClass: "activations", MetadataClass: "metadata",
	CorrectionClass: "corrections", MaskClass: "masks", ScaleClass: "scales"}

func (c TensorClass) String() string {
	if int(c) < NumClasses {
		return classNames[c]
	}
	return "invalid"
}

// Descriptor is a loop-invariant parameter record. The concrete types are
// *Transfer, *ConvolutionTile, *PoolTile, *BinaryTile, *ElementwiseTile,
// *CopyTile, *RearrangeTile, *EncodedWeights, *LookupTile and *SealedKeys. Their fields carry
// tags: `isa:"name,type"` with the wire type, and `doc` with the meaning; the codec, the assembler and
// the reference page are driven by them.
type Descriptor interface {
	Kind() DescriptorKind
	LayerIndex() int
	Validate() error // the first rule the fields break, naming the field
}

// View is how a tile lies in the activation buffer, channel-blocked: element
// (c, h, w) of the tile is the byte at
//
//	((c+ChannelOffset)/Block)*BlockStride + h*RowStride + w*PixelStride + (c+ChannelOffset)%Block
//
// from the operand's address. Strides are bytes; 0 repeats along the axis.
type View struct {
	Block         uint16 `isa:"block,u16" doc:"channels per block"`
	ChannelOffset uint16 `isa:"channel_offset,u16" doc:"channel of the first block where the tile starts, below block"`
	PixelStride   uint32 `isa:"pixel_stride,u32" doc:"bytes between columns"`
	RowStride     uint32 `isa:"row_stride,u32" doc:"bytes between rows"`
	BlockStride   uint32 `isa:"block_stride,u32" doc:"bytes between channel blocks"`
}

// Offset is the byte offset of element (channel, row, column).
func (v *View) Offset(channel, row, column int) int {
	c := channel + int(v.ChannelOffset)
	b := int(v.Block)
	return c/b*int(v.BlockStride) + row*int(v.RowStride) + column*int(v.PixelStride) + c%b
}

// Transfer describes a load or a store: Blocks x Rows runs of Run elements.
// In DRAM the elements of a run are packed at Bits in groups of Group
// elements, each group rounded up to whole bytes; in the scratchpad each
// element is a byte. Bits 8 copies bytes unchanged whatever they mean.
type Transfer struct {
	Layer             uint16      `isa:"layer,u16" doc:"row of the layer table"`
	Class             TensorClass `isa:"class,u8" doc:"traffic class: 1 weights, 2 activations, 3 metadata, 4 corrections, 5 masks"`
	Bits              uint8       `isa:"bits,u8" doc:"width of an element in DRAM, 2 to 8 bits"`
	Group             uint32      `isa:"group,u32" doc:"elements packed together before rounding up to a byte"`
	Run               uint32      `isa:"run,u32" doc:"elements per run, a multiple of group"`
	Rows              uint32      `isa:"rows,u32" doc:"runs per block"`
	Blocks            uint32      `isa:"blocks,u32" doc:"blocks"`
	DRAMRowStride     uint32      `isa:"dram_row_stride,u32" doc:"bytes between runs in DRAM"`
	DRAMBlockStride   uint32      `isa:"dram_block_stride,u32" doc:"bytes between blocks in DRAM"`
	BufferRowStride   uint32      `isa:"buffer_row_stride,u32" doc:"bytes between runs in the scratchpad"`
	BufferBlockStride uint32      `isa:"buffer_block_stride,u32" doc:"bytes between blocks in the scratchpad"`
}

// RunBytes is the length of one run in DRAM.
func (t *Transfer) RunBytes() int {
	return int(t.Run/t.Group) * PackedBytes(int(t.Group), int(t.Bits))
}

// DRAMBytes is what the transfer moves, before bursts round it up.
func (t *Transfer) DRAMBytes() int64 {
	return int64(t.Blocks) * int64(t.Rows) * int64(t.RunBytes())
}

// PackedBytes is the size of elements packed at bits, rounded up to a byte.
func PackedBytes(elements, bits int) int { return (elements*bits + 7) / 8 }

// MultiplierMode says where the requantizer finds multiplier and shift.
type MultiplierMode uint8

// Multiplier modes. The parameter block of a tile with N output channels is
// N int32 biases followed by the mode's records.
const (
	InvalidMultiplierMode MultiplierMode = iota
	LayerMultiplier                      // nothing: Multiplier and Shift for every channel
	ChannelShift                         // ceil(N/2) bytes: 4-bit k of channel 2i in the low half; shift = Shift + k
	ChannelMultiplier                    // N int32 multipliers, then N uint8 shifts
)

// ParameterBytes is the size of the parameter block of n output channels.
func ParameterBytes(n int, mode MultiplierMode) int {
	switch mode {
	case ChannelShift:
		return 4*n + (n+1)/2
	case ChannelMultiplier:
		return 4*n + 4*n + n
	}
	return 4 * n
}

// Rounding is the rounding rule of the requantizer, a property of a program.
type Rounding uint8

// Rounding modes. Only HalfUpShift is executed by this version.
const (
	InvalidRounding Rounding = iota
	HalfUpShift
	TFLiteSingle
	TFLiteDouble
	HalfEvenFloat32
)

// Window is what the tiles share that multiply the patches under a sliding
// window: the geometry, where the sums start and end, and the requantizer.
//
// Accumulators are int32 in the order [row][column][output channel], dense. The
// requantizer computes, with acc the int32 sum and s = Shift (+ k):
//
//	y = clamp(Zero + ((acc*Multiplier + 2^(s-1)) >> s), Low, High)
type Window struct {
	OutputRows    uint16         `isa:"output_rows,u16" doc:"output rows of the tile"`
	OutputColumns uint16         `isa:"output_columns,u16" doc:"output columns of the tile"`
	InputRows     uint16         `isa:"input_rows,u16" doc:"rows present in the input tile; outside is padding"`
	InputColumns  uint16         `isa:"input_columns,u16" doc:"columns present in the input tile"`
	OriginRow     int16          `isa:"origin_row,i16" doc:"input row under the first kernel row of output row 0; negative is padding"`
	OriginColumn  int16          `isa:"origin_column,i16" doc:"input column under the first kernel column of output column 0"`
	KernelRows    uint16         `isa:"kernel_rows,u16" doc:"kernel height"`
	KernelColumns uint16         `isa:"kernel_columns,u16" doc:"kernel width"`
	StrideRows    uint16         `isa:"stride_rows,u16" doc:"vertical stride"`
	StrideColumns uint16         `isa:"stride_columns,u16" doc:"horizontal stride"`
	DilateRows    uint16         `isa:"dilate_rows,u16" doc:"vertical dilation"`
	DilateColumns uint16         `isa:"dilate_columns,u16" doc:"horizontal dilation"`
	Input         View           `isa:"input,view" doc:"input tile"`
	Output        View           `isa:"output,view" doc:"output tile"`
	First         bool           `isa:"first,bool" doc:"sums start from the bias, else from the accumulators"`
	Last          bool           `isa:"last,bool" doc:"sums are requantized to the output, else left in the accumulators"`
	PadValue      int8           `isa:"pad_value,i8" doc:"zero point of the input, the value of padding"`
	Mode          MultiplierMode `isa:"mode,u8" doc:"1 layer multiplier, 2 channel shift, 3 channel multiplier"`
	Multiplier    int32          `isa:"multiplier,i32" doc:"M0, 31 bits"`
	Shift         uint8          `isa:"shift,u8" doc:"right shift n, 1 to 62 with the channel's"`
	Zero          int8           `isa:"zero,i8" doc:"zero point of the output"`
	Low           int8           `isa:"low,i8" doc:"lower clamp, after the zero point"`
	High          int8           `isa:"high,i8" doc:"upper clamp"`
}

// ConvolutionTile describes one tile of Convolution or Depthwise. Weights are
// int8 in the order [kernel row][kernel column][input channel][output channel]
// (Depthwise: [kernel row][kernel column][channel]).
type ConvolutionTile struct {
	Layer          uint16 `isa:"layer,u16" doc:"row of the layer table"`
	InputChannels  uint32 `isa:"input_channels,u32" doc:"input channels of the tile (Depthwise: equals output_channels)"`
	OutputChannels uint32 `isa:"output_channels,u32" doc:"output channels of the tile"`
	Window
}

// PoolMode selects what Pool computes.
type PoolMode uint8

// Pool modes.
const (
	InvalidPoolMode PoolMode = iota
	MaximumPool
	AveragePool        // one multiplier: every window divides by the same count
	AveragePoolCounted // the multiplier of the number of cells inside the input
)

// PoolTile describes one tile of Pool. In AveragePoolCounted the parameters
// operand holds one 8-byte record for each count 1 .. kernel cells: int32
// multiplier, uint8 shift, three zero bytes. Padding never enters a maximum.
type PoolTile struct {
	Layer         uint16   `isa:"layer,u16" doc:"row of the layer table"`
	Mode          PoolMode `isa:"mode,u8" doc:"1 maximum, 2 average, 3 average of the cells inside"`
	Channels      uint32   `isa:"channels,u32" doc:"channels of the tile"`
	OutputRows    uint16   `isa:"output_rows,u16" doc:"output rows"`
	OutputColumns uint16   `isa:"output_columns,u16" doc:"output columns"`
	InputRows     uint16   `isa:"input_rows,u16" doc:"rows present in the input tile"`
	InputColumns  uint16   `isa:"input_columns,u16" doc:"columns present in the input tile"`
	OriginRow     int16    `isa:"origin_row,i16" doc:"input row of the first window"`
	OriginColumn  int16    `isa:"origin_column,i16" doc:"input column of the first window"`
	KernelRows    uint16   `isa:"kernel_rows,u16" doc:"window height"`
	KernelColumns uint16   `isa:"kernel_columns,u16" doc:"window width"`
	StrideRows    uint16   `isa:"stride_rows,u16" doc:"vertical stride"`
	StrideColumns uint16   `isa:"stride_columns,u16" doc:"horizontal stride"`
	DilateRows    uint16   `isa:"dilate_rows,u16" doc:"vertical dilation"`
	DilateColumns uint16   `isa:"dilate_columns,u16" doc:"horizontal dilation"`
	Input         View     `isa:"input,view" doc:"input tile"`
	Output        View     `isa:"output,view" doc:"output tile"`
	InputZero     int8     `isa:"input_zero,i8" doc:"zero point of the input"`
	Multiplier    int32    `isa:"multiplier,i32" doc:"M0 of mode 2"`
	Shift         uint8    `isa:"shift,u8" doc:"right shift of mode 2"`
	Zero          int8     `isa:"zero,i8" doc:"zero point of the output"`
	Low           int8     `isa:"low,i8" doc:"lower clamp"`
	High          int8     `isa:"high,i8" doc:"upper clamp"`
}

// BinaryMode selects what Binary computes.
type BinaryMode uint8

// Binary modes, with A = qa - ZeroA, B = qb - ZeroB, R = 2^(Shift-1):
const (
	InvalidBinaryMode BinaryMode = iota
	AddMode                      // (A*MultiplierA + B*MultiplierB + R) >> Shift; subtraction has a negative MultiplierB
	MultiplyMode                 // (A*B*MultiplierA + R) >> Shift
	DivideMode                   // round half up of A*MultiplierA / (B * 2^Shift); B = 0 saturates by the sign of A, 0/0 is 0
)

// BinaryTile describes one tile of Binary: y = clamp(Zero + mode(A, B)).
type BinaryTile struct {
	Layer           uint16     `isa:"layer,u16" doc:"row of the layer table"`
	Mode            BinaryMode `isa:"mode,u8" doc:"1 add, 2 multiply, 3 divide"`
	Channels        uint32     `isa:"channels,u32" doc:"channels of the tile"`
	Rows            uint16     `isa:"rows,u16" doc:"rows"`
	Columns         uint16     `isa:"columns,u16" doc:"columns"`
	A               View       `isa:"a,view" doc:"first operand; zero strides repeat"`
	B               View       `isa:"b,view" doc:"second operand; zero strides repeat"`
	Output          View       `isa:"output,view" doc:"output tile"`
	RepeatAChannels bool       `isa:"repeat_a_channels,bool" doc:"channel 0 of a serves every channel"`
	RepeatBChannels bool       `isa:"repeat_b_channels,bool" doc:"channel 0 of b serves every channel"`
	ZeroA           int8       `isa:"zero_a,i8" doc:"zero point of a"`
	ZeroB           int8       `isa:"zero_b,i8" doc:"zero point of b"`
	MultiplierA     int32      `isa:"multiplier_a,i32" doc:"multiplier of a (of the product, of the quotient)"`
	MultiplierB     int32      `isa:"multiplier_b,i32" doc:"multiplier of b, add mode only"`
	Shift           uint8      `isa:"shift,u8" doc:"right shift"`
	Zero            int8       `isa:"zero,i8" doc:"zero point of the output"`
	Low             int8       `isa:"low,i8" doc:"lower clamp"`
	High            int8       `isa:"high,i8" doc:"upper clamp"`
}

// ElementwiseTile describes one tile of Table or Softmax.
//
// Softmax computes for each pixel, with m the largest q over the channels and
// E the table (E[d] = round(2^20 * exp(-scale*d)), E[0] = 2^20):
//
//	y = clamp(Zero + (E[m-q]*2^Shift + S/2) / S, Low, High), S the sum of E[m-q] over the channels
//
// where 2^Shift is the reciprocal of the output scale.
type ElementwiseTile struct {
	Layer    uint16 `isa:"layer,u16" doc:"row of the layer table"`
	Channels uint32 `isa:"channels,u32" doc:"channels of the tile"`
	Rows     uint16 `isa:"rows,u16" doc:"rows"`
	Columns  uint16 `isa:"columns,u16" doc:"columns"`
	Input    View   `isa:"input,view" doc:"input tile"`
	Output   View   `isa:"output,view" doc:"output tile"`
	Shift    uint8  `isa:"shift,u8" doc:"softmax: log2 of the reciprocal of the output scale, at most 30"`
	Zero     int8   `isa:"zero,i8" doc:"softmax: zero point of the output"`
	Low      int8   `isa:"low,i8" doc:"softmax: lower clamp"`
	High     int8   `isa:"high,i8" doc:"softmax: upper clamp"`
}

// CopyTile describes one tile of Copy. On each axis output index i takes
// input index start + i*step; indices outside [0, input extent) give Fill.
type CopyTile struct {
	Layer         uint16 `isa:"layer,u16" doc:"row of the layer table"`
	Channels      uint32 `isa:"channels,u32" doc:"output channels"`
	Rows          uint16 `isa:"rows,u16" doc:"output rows"`
	Columns       uint16 `isa:"columns,u16" doc:"output columns"`
	InputChannels uint32 `isa:"input_channels,u32" doc:"channels present in the input tile"`
	InputRows     uint16 `isa:"input_rows,u16" doc:"rows present in the input tile"`
	InputColumns  uint16 `isa:"input_columns,u16" doc:"columns present in the input tile"`
	StartChannel  int32  `isa:"start_channel,i32" doc:"input channel of output channel 0"`
	StartRow      int32  `isa:"start_row,i32" doc:"input row of output row 0"`
	StartColumn   int32  `isa:"start_column,i32" doc:"input column of output column 0"`
	StepChannel   int32  `isa:"step_channel,i32" doc:"input channels per output channel"`
	StepRow       int32  `isa:"step_row,i32" doc:"input rows per output row"`
	StepColumn    int32  `isa:"step_column,i32" doc:"input columns per output column"`
	Input         View   `isa:"input,view" doc:"input tile"`
	Output        View   `isa:"output,view" doc:"output tile"`
	Fill          int8   `isa:"fill,i8" doc:"value outside the input, not sent through the table"`
	UseTable      bool   `isa:"use_table,bool" doc:"copied values go through the table operand"`
}

// RearrangeDims is the number of loop dimensions of a Rearrange.
const RearrangeDims = 6

// RearrangeTile describes one tile of Rearrange. The output tile is walked in
// (channel, row, column) order as a nest of Dims, outermost first, whose
// product is its element count; the linear (channel, row, column) index in the
// whole input tensor is Start plus the sum of index*InputStride. The input tile
// is the box of that tensor at the origin; it must hold all that Reach states.
type RearrangeTile struct {
	Layer          uint16                `isa:"layer,u16" doc:"row of the layer table"`
	InputChannels  uint32                `isa:"input_channels,u32" doc:"channels present in the input tile"`
	InputRows      uint16                `isa:"input_rows,u16" doc:"rows present in the input tile"`
	InputColumns   uint16                `isa:"input_columns,u16" doc:"columns present in the input tile"`
	OriginChannel  uint32                `isa:"origin_channel,u32" doc:"channel of the input tensor where the input tile starts"`
	OriginRow      uint16                `isa:"origin_row,u16" doc:"row of the input tensor where the input tile starts"`
	OriginColumn   uint16                `isa:"origin_column,u16" doc:"column of the input tensor where the input tile starts"`
	TensorRows     uint16                `isa:"tensor_rows,u16" doc:"rows of the whole input tensor"`
	TensorColumns  uint16                `isa:"tensor_columns,u16" doc:"columns of the whole input tensor"`
	OutputChannels uint32                `isa:"output_channels,u32" doc:"channels of the output tile"`
	OutputRows     uint16                `isa:"output_rows,u16" doc:"rows of the output tile"`
	OutputColumns  uint16                `isa:"output_columns,u16" doc:"columns of the output tile"`
	Dims           [RearrangeDims]uint32 `isa:"dims,u32" doc:"loop extents, outermost first, 1 where unused"`
	InputStrides   [RearrangeDims]uint32 `isa:"input_strides,u32" doc:"elements of the input tensor per step of each loop"`
	Start          uint32                `isa:"start,u32" doc:"index in the input tensor of the first output element"`
	Input          View                  `isa:"input,view" doc:"input tile"`
	Output         View                  `isa:"output,view" doc:"output tile"`
}

// Reach bounds the channels, rows and columns of the input tensor that the nest
// takes: low to high, inclusive, on each axis. The channels are exact. Rows and
// columns are too as long as no two loops together step over the end of a
// plane or row; where they do, the whole axis is stated. All extents must be
// at least 1.
func (t *RearrangeTile) Reach() (low, high [3]uint64) {
	columns := uint64(t.TensorColumns)
	plane := uint64(t.TensorRows) * columns
	last := uint64(t.Start)
	for i, d := range t.Dims {
		last += uint64(d-1) * uint64(t.InputStrides[i])
	}
	first, final := t.remainders(plane)
	low[0], high[0] = uint64(t.Start)/plane, last/plane
	low[1], high[1] = first/columns, final/columns
	low[2], high[2] = t.remainders(columns)
	return low, high
}

// remainders bounds the remainders of all indices by a modulus.
func (t *RearrangeTile) remainders(modulus uint64) (low, high uint64) {
	low = uint64(t.Start) % modulus
	high = low
	for i, d := range t.Dims {
		steps, step := uint64(d-1), uint64(t.InputStrides[i])%modulus
		if step > 0 && modulus%step == 0 {
			steps = min(steps, modulus/step-1) // from there on they repeat
		}
		high += steps * step
	}
	if high >= modulus {
		return 0, modulus - 1
	}
	return low, high
}

// Kind implements Descriptor.
func (*Transfer) Kind() DescriptorKind { return TransferKind }

// Kind implements Descriptor.
func (*ConvolutionTile) Kind() DescriptorKind { return ConvolutionKind }

// Kind implements Descriptor.
func (*PoolTile) Kind() DescriptorKind { return PoolKind }

// Kind implements Descriptor.
func (*BinaryTile) Kind() DescriptorKind { return BinaryKind }

// Kind implements Descriptor.
func (*ElementwiseTile) Kind() DescriptorKind { return ElementwiseKind }

// Kind implements Descriptor.
func (*CopyTile) Kind() DescriptorKind { return CopyKind }

// Kind implements Descriptor.
func (*RearrangeTile) Kind() DescriptorKind { return RearrangeKind }

// LayerIndex implements Descriptor.
func (d *Transfer) LayerIndex() int { return int(d.Layer) }

// LayerIndex implements Descriptor.
func (d *ConvolutionTile) LayerIndex() int { return int(d.Layer) }

// LayerIndex implements Descriptor.
func (d *PoolTile) LayerIndex() int { return int(d.Layer) }

// LayerIndex implements Descriptor.
func (d *BinaryTile) LayerIndex() int { return int(d.Layer) }

// LayerIndex implements Descriptor.
func (d *ElementwiseTile) LayerIndex() int { return int(d.Layer) }

// LayerIndex implements Descriptor.
func (d *CopyTile) LayerIndex() int { return int(d.Layer) }

// LayerIndex implements Descriptor.
func (d *RearrangeTile) LayerIndex() int { return int(d.Layer) }
