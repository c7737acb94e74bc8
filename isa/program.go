package isa

import "github.com/npusim/npusim/isa/xorcode"

// Program is a self-contained compiled network: with it and a Spec whose
// machine hash matches, a network is disassembled, executed and timed without
// the compiler or the model.
type Program struct {
	Name        string
	MachineHash [32]byte // of the units, scratchpads and ISA options it was compiled for
	ModelHash   [32]byte // SHA-256 of the model file, zero if there was none
	Config      string   // canonical TOML the program was compiled with
	Rounding    Rounding

	Code        [NumUnits][]Instruction // one section a unit, each ending with Halt; absent units are empty
	Descriptors []Descriptor
	Semaphores  []Semaphore        // row k describes semaphore k
	Constants   []byte             // contents of the Weights region
	Networks    []*xorcode.Network // of the decryption units, as EncodedWeights names them
	RegionBytes [NumSpaces]uint64
	Buffers     [NumSpaces]uint64 // peak bytes of each scratchpad in use

	Layers   []Layer
	Tensors  []Tensor
	Inputs   []Binding
	Outputs  []Binding
	Trace    [NumUnits][]TraceRecord
	MACs     int64 // of the float network, one inference
	Weights  int64 // weight elements (without biases)
	Settings []Setting

	// ShapeOnly marks a program made from layer shapes alone: the weights
	// region has a size but no contents, so Constants is empty. Such a program
	// can be verified and timed, but neither executed nor encoded.
	ShapeOnly bool
}

// Semaphore names the one queue that signals and the one that waits.
type Semaphore struct {
	Signaller, Waiter Unit
	Initial           uint32 // credits at the start
}

// Layer is a row of the layer table, in program order.
type Layer struct {
	Name       string // name of the ONNX node it computes
	Op         string // operator, with fused followers joined by '+'
	Tensor     uint32 // the tensor it produces
	MACs       int64
	WeightBits uint8
}

// Tensor describes an activation tensor of the quantized network; real value
// = Scale*(q - Zero).
type Tensor struct {
	Name                    string
	Channels, Rows, Columns uint32
	Bits                    uint8
	Scale                   float64
	Zero                    int8
}

// Binding places an input or output tensor in a region, in the layout
// channel-blocked rows of pixels: block b at Offset + b*BlockStride, row h at
// h*RowStride, pixel w at w*PixelBytes, each pixel holding min(Block,
// Channels) elements of Bits packed together and rounded up to a byte.
type Binding struct {
	Tensor      uint32
	Shape       []int64 // ONNX shape, batch included
	Space       Space
	Offset      uint64
	Block       uint16
	PixelBytes  uint32
	RowStride   uint32
	BlockStride uint32
}

// TraceRecord tells which part of which tensor the n-th executed compute
// instruction of a unit completes, so that execution can be compared tile by
// tile with a reference. Instructions that complete nothing have Tensor
// NoTensor.
type TraceRecord struct {
	Tensor               uint32
	Channel, Row, Column uint32
}

// NoTensor marks a trace record without a tensor.
const NoTensor = ^uint32(0)

// Setting is a name and a value of the metadata section.
type Setting struct{ Name, Value string }

// Address is the offset in the region of a pixel whose channel starts a block.
func (b *Binding) Address(channel, row, column int) int {
	return int(b.Offset) + channel/int(b.Block)*int(b.BlockStride) + row*int(b.RowStride) + column*int(b.PixelBytes)
}
