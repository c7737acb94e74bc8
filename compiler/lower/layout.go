package lower

import "github.com/npusim/npusim/isa"

// layout is how an activation tensor lies in memory: channel-blocked rows of
// pixels. A pixel of a block holds pitch elements of bits, rounded up to a
// byte; scratchpads hold every element in a byte (bits 8).
type layout struct {
	channels, rows, columns int
	block                   int // channels per block
	bits                    int
}

func ceilDivide(a, b int) int { return (a + b - 1) / b }

// pitch is the elements of a pixel in each block: tensors of one block are
// not padded, others pad their last block.
func (l *layout) pitch() int       { return min(l.block, l.channels) }
func (l *layout) blocks() int      { return ceilDivide(l.channels, l.block) }
func (l *layout) pixelBytes() int  { return isa.PackedBytes(l.pitch(), l.bits) }
func (l *layout) rowStride() int   { return l.columns * l.pixelBytes() }
func (l *layout) blockStride() int { return l.rows * l.rowStride() }
func (l *layout) bytes() int       { return l.blocks() * l.blockStride() }

// offset is the byte offset of a pixel; channel must start a block.
func (l *layout) offset(channel, row, column int) int {
	return channel/l.block*l.blockStride() + row*l.rowStride() + column*l.pixelBytes()
}

// buffered is the layout of a tile of given extents in a scratchpad, which
// keeps the pitch of its tensor.
func (l *layout) buffered(channels, rows, columns int) tileLayout {
	return tileLayout{pitch: l.pitch(), block: l.block, channels: channels, rows: rows, columns: columns}
}

// tileLayout is a dense tile in a scratchpad.
type tileLayout struct{ pitch, block, channels, rows, columns int }

func (t *tileLayout) rowStride() int   { return t.columns * t.pitch }
func (t *tileLayout) blockStride() int { return t.rows * t.rowStride() }
func (t *tileLayout) bytes() int       { return ceilDivide(t.channels, t.block) * t.blockStride() }

// box is a part of a tensor: origin and extent on each axis.
type box struct{ c0, c, h0, h, w0, w int }

func (b box) empty() bool { return b.c <= 0 || b.h <= 0 || b.w <= 0 }

// aligned grows the box to whole channel blocks of a tensor.
func (b box) aligned(l *layout) box {
	end := min(ceilDivide(b.c0+b.c, l.block)*l.block, l.channels)
	start := b.c0 / l.block * l.block
	b.c0, b.c = start, end-start
	return b
}

// span is a part of one axis.
type span struct{ start, size int }

// split cuts an axis into spans of at most size.
func split(extent, size int) []span {
	spans := make([]span, 0, ceilDivide(extent, size))
	for start := 0; start < extent; start += size {
		spans = append(spans, span{start, min(size, extent-start)})
	}
	return spans
}

// place is where a box of a tensor lies in the activation buffer.
type place struct {
	offset                              uint64
	block                               int
	channelOffset                       int
	pixelStride, rowStride, blockStride int
}

// view is the descriptor form of a place.
func (p *place) view() isa.View {
	return isa.View{
		Block: uint16(p.block), ChannelOffset: uint16(p.channelOffset),
		PixelStride: uint32(p.pixelStride), RowStride: uint32(p.rowStride), BlockStride: uint32(p.blockStride),
	}
}

// within is the place of a smaller box inside the one at p. The box is
// relative to the tensor, origin is the box that p holds.
func (p place) within(origin, b box) place {
	channel := p.channelOffset + b.c0 - origin.c0
	p.offset += uint64(channel/p.block*p.blockStride + (b.h0-origin.h0)*p.rowStride + (b.w0-origin.w0)*p.pixelStride)
	p.channelOffset = channel % p.block
	return p
}

// transfer describes the movement of a box between DRAM and a scratchpad,
// with adjacent runs merged.
func transfer(layer int, class isa.TensorClass, l *layout, b box, p *place) *isa.Transfer {
	t := &isa.Transfer{
		Layer: uint16(layer), Class: class, Bits: uint8(l.bits), Group: uint32(l.pitch()),
		Run: uint32(b.w * l.pitch()), Rows: uint32(b.h), Blocks: uint32(ceilDivide(b.c, l.block)),
		DRAMRowStride: uint32(l.rowStride()), DRAMBlockStride: uint32(l.blockStride()),
		BufferRowStride: uint32(p.rowStride), BufferBlockStride: uint32(p.blockStride),
	}
	if t.Rows == 1 || (t.RunBytes() == int(t.DRAMRowStride) && t.Run == t.BufferRowStride) {
		t.Run *= t.Rows
		t.Rows, t.DRAMRowStride, t.BufferRowStride = 1, 0, 0
	}
	if t.Rows == 1 && (t.Blocks == 1 || (t.RunBytes() == int(t.DRAMBlockStride) && t.Run == t.BufferBlockStride)) {
		t.Run *= t.Blocks
		t.Blocks, t.DRAMBlockStride, t.BufferBlockStride = 1, 0, 0
	}
	return t
}

// linearTransfer moves elements that lie one after another on both sides.
func linearTransfer(layer int, class isa.TensorClass, elements, bits int) *isa.Transfer {
	return &isa.Transfer{
		Layer: uint16(layer), Class: class, Bits: uint8(bits), Group: uint32(elements),
		Run: uint32(elements), Rows: 1, Blocks: 1,
	}
}
