package functional

import (
	"github.com/npusim/npusim/isa"
	"github.com/npusim/npusim/npu/kernel"
)

// scratch is working memory that operations reuse.
type scratch struct {
	patch       []int8  // input of a tile with padding, rows of pixels of channels
	sum         []int32 // sums of a tile
	weights     []int8
	packed      []int64
	offsets     []int
	multipliers []int32
	shifts      []uint8
	biases      []int32
	keys        []uint16 // of a lookup, plane by plane
	inputs      []int16  // of a pixel, zero point subtracted
	tables      []int16
	scales      []int32
	first       []int8
	second      []int8

	// Of requantize: parameters repeated for several pixels, and their sums.
	manyMultipliers []int32
	manyShifts      []uint8
	manySums        []int32
}

func grow[T any](buffer *[]T, n int) []T {
	if cap(*buffer) < n {
		*buffer = make([]T, n)
	}
	return (*buffer)[:n]
}

// maxWorkingBytes bounds the working memory of a tile: views that repeat and
// padding without end would let a small program ask for any amount.
const maxWorkingBytes = 1 << 30

// workingBytes is the size of the patch and the sums of a tile.
func workingBytes(t *isa.Window, inputChannels, outputChannels uint32) int {
	// Divided, not multiplied: extents at their limits leave 64 bits.
	product := func(a, b int) int {
		if a > maxWorkingBytes/b {
			return maxWorkingBytes + 1
		}
		return a * b
	}
	area := product(patchExtent(t))
	pixels := int(t.OutputRows) * int(t.OutputColumns)
	return product(area, int(inputChannels)) + 4*product(pixels, int(outputChannels))
}

func (s *scratch) sums(n int) []int32 { return grow(&s.sum, n) }

// parameters reads the parameter block of a tile: bias, multiplier and total
// shift of each output channel.
func (s *State) parameters(offset, n int, t *isa.Window) (biases, multipliers []int32, shifts []uint8) {
	k := &s.scratch
	biases, multipliers, shifts = grow(&k.biases, n), grow(&k.multipliers, n), grow(&k.shifts, n)
	s.bytes32(offset, n, func(i int, v uint32) { biases[i] = int32(v) })
	rest := s.buffer[isa.WeightBuffer][offset+4*n:]
	switch t.Mode {
	case isa.ChannelMultiplier:
		s.bytes32(offset+4*n, n, func(i int, v uint32) { multipliers[i] = int32(v) })
		for i := range shifts {
			shifts[i] = uint8(rest[4*n+i])
		}
	case isa.ChannelShift:
		for i := range shifts {
			multipliers[i] = t.Multiplier
			shifts[i] = t.Shift + uint8(rest[i/2])>>(i%2*4)&15
		}
	default:
		for i := range shifts {
			multipliers[i], shifts[i] = t.Multiplier, t.Shift
		}
	}
	for i := range shifts { // a hand-written program may hold anything
		shifts[i] = min(max(shifts[i], 1), 62)
	}
	return biases, multipliers, shifts
}

// gatherPatch copies channels [c0, c0+channels) of the input under a tile to the
// pixels of patchExtent, padding filled in.
func (s *State) gatherPatch(base int, t *isa.Window, c0, channels int) []int8 {
	memory := s.buffer[isa.ActivationBuffer]
	rows, columns := patchExtent(t)
	patch := grow(&s.scratch.patch, rows*columns*channels)
	originY, originX := int(t.OriginRow), int(t.OriginColumn)
	block := int(t.Input.Block)
	firstY, lastY := max(0, -originY), min(rows, int(t.InputRows)-originY)
	firstX, lastX := max(0, -originX), min(columns, int(t.InputColumns)-originX)
	if firstX >= lastX || firstY >= lastY { // padding altogether
		fill(patch, t.PadValue)
		return patch
	}
	line := columns * channels
	fill(patch[:firstY*line], t.PadValue)
	fill(patch[lastY*line:], t.PadValue)
	for y := firstY; y < lastY; y++ {
		fill(patch[y*line:y*line+firstX*channels], t.PadValue)
		fill(patch[y*line+lastX*channels:(y+1)*line], t.PadValue)
		for c := 0; c < channels; {
			count := min(block-(c0+c+int(t.Input.ChannelOffset))%block, channels-c)
			from := base + t.Input.Offset(c0+c, originY+y, originX+firstX)
			to := (y*columns+firstX)*channels + c
			if count == channels && int(t.Input.PixelStride) == channels {
				copy(patch[to:to+(lastX-firstX)*channels], memory[from:])
			} else {
				movePixels(patch[to:], channels, memory[from:], int(t.Input.PixelStride), count, lastX-firstX)
			}
			c += count
		}
	}
	return patch
}

// fill sets every element, by copies that double.
func fill(to []int8, v int8) {
	if len(to) == 0 {
		return
	}
	to[0] = v
	for n := 1; n < len(to); n *= 2 {
		copy(to[n:], to[:n])
	}
}

// movePixels copies count bytes of each of n pixels. The usual sizes of a
// channel block move as a whole, without a call each.
func movePixels(to []int8, toStride int, from []int8, fromStride, count, n int) {
	switch count {
	case 8:
		for i := range n {
			*(*[8]int8)(to[i*toStride:]) = *(*[8]int8)(from[i*fromStride:])
		}
	case 16:
		for i := range n {
			*(*[16]int8)(to[i*toStride:]) = *(*[16]int8)(from[i*fromStride:])
		}
	case 32:
		for i := range n {
			*(*[32]int8)(to[i*toStride:]) = *(*[32]int8)(from[i*fromStride:])
		}
	default:
		for i := range n {
			copy(to[i*toStride:i*toStride+count], from[i*fromStride:])
		}
	}
}

// reach is the input extent under n outputs of a sliding window.
func reach(n, stride, kernel, dilation int) int { return (n-1)*stride + (kernel-1)*dilation + 1 }

// patchExtent is the rows and columns of input under a tile, padding included.
func patchExtent(t *isa.Window) (rows, columns int) {
	return reach(int(t.OutputRows), int(t.StrideRows), int(t.KernelRows), int(t.DilateRows)),
		reach(int(t.OutputColumns), int(t.StrideColumns), int(t.KernelColumns), int(t.DilateColumns))
}

// partialSums are the sums of a tile: row, column, output channel.
type partialSums struct {
	values      []int32
	outputs     int
	multipliers []int32 // of the outputs, if sums start or end here
	shifts      []uint8
}

// startSums starts the sums of a tile from the bias or the accumulators.
func (s *State) startSums(d *isa.Dynamic, t *isa.Window, outputs int) partialSums {
	p := partialSums{outputs: outputs}
	var biases []int32
	if t.First || t.Last {
		biases, p.multipliers, p.shifts = s.parameters(int(d.Offsets[2]), outputs, t)
	}
	p.values = s.scratch.sums(int(t.OutputRows) * int(t.OutputColumns) * outputs)
	if !t.First {
		copy(p.values, s.accumulator[d.Offsets[3]/4:])
		return p
	}
	for i := 0; i < len(p.values); i += outputs {
		copy(p.values[i:i+outputs], biases)
	}
	return p
}

// finishSums leaves the sums of a tile in the accumulators or requantizes them.
func (s *State) finishSums(d *isa.Dynamic, t *isa.Window, p *partialSums) {
	if !t.Last {
		copy(s.accumulator[d.Offsets[3]/4:], p.values)
		return
	}
	out := int(d.Offsets[4])
	runs(&t.Output, p.outputs, func(c, count int) {
		s.requantize(t, out, c, count, p.values[c:], p.outputs, p.multipliers[c:], p.shifts[c:])
	})
}

// convolution executes a tile on the MAC array: for each kernel row (or cell,
// where columns are dilated) the patch rows are multiplied as they lie.
func (s *State) convolution(d *isa.Dynamic, t *isa.ConvolutionTile) {
	channels, outputs := int(t.InputChannels), int(t.OutputChannels)
	rows, columns := int(t.OutputRows), int(t.OutputColumns)
	_, patchColumns := patchExtent(&t.Window)
	patch := s.gatherPatch(int(d.Offsets[0]), &t.Window, 0, channels)
	p := s.startSums(d, &t.Window, outputs)
	sums := p.values
	run, cells := int(t.KernelColumns)*channels, int(t.KernelRows)
	if t.DilateColumns > 1 {
		run, cells = channels, int(t.KernelRows)*int(t.KernelColumns)
	}
	weights := s.buffer[isa.WeightBuffer][d.Offsets[1]:]
	packed := grow(&s.scratch.packed, kernel.PackedLen(run, outputs))
	pixel := int(t.StrideColumns) * channels
	for cell := range cells {
		w := kernel.Pack(run, outputs, weights[cell*run*outputs:(cell+1)*run*outputs], outputs, packed)
		y, x := cell, 0
		if t.DilateColumns > 1 {
			y, x = cell/int(t.KernelColumns), cell%int(t.KernelColumns)
		}
		first := (y*int(t.DilateRows)*patchColumns + x*int(t.DilateColumns)) * channels
		if run == channels && t.StrideRows == 1 && t.StrideColumns == 1 && patchColumns == columns {
			kernel.Multiply(rows*columns, patch[first:], channels, w, sums, outputs)
			continue
		}
		for h := range rows {
			kernel.Multiply(columns, patch[first+h*int(t.StrideRows)*patchColumns*channels:], pixel, w, sums[h*columns*outputs:], outputs)
		}
	}
	s.finishSums(d, &t.Window, &p)
}

// pixelsAtOnce bounds the pixels that one call of the requantizer takes.
const pixelsAtOnce = 64

// requantize turns the sums of channels [c, c+count) of a tile into elements
// of the output. The sums of a pixel stand stride apart. Where pixels lie side
// by side in the output, one call of the kernel takes many of them.
func (s *State) requantize(t *isa.Window, out, c, count int, sums []int32, stride int, multipliers []int32, shifts []uint8) {
	memory := s.buffer[isa.ActivationBuffer]
	rows, columns := int(t.OutputRows), int(t.OutputColumns)
	if int(t.Output.RowStride) == columns*int(t.Output.PixelStride) {
		rows, columns = 1, rows*columns
	}
	group := 1
	if int(t.Output.PixelStride) == count {
		group = min(columns, pixelsAtOnce)
	}
	manyMultipliers, manyShifts := grow(&s.scratch.manyMultipliers, group*count), grow(&s.scratch.manyShifts, group*count)
	for i := 0; i < len(manyShifts); i += count {
		copy(manyMultipliers[i:], multipliers[:count])
		copy(manyShifts[i:], shifts[:count])
	}
	for h := range rows {
		at := out + t.Output.Offset(c, h, 0)
		for w := 0; w < columns; w += group {
			n := min(group, columns-w)
			from := sums[(h*columns+w)*stride:]
			if n > 1 && stride != count {
				dense := grow(&s.scratch.manySums, n*count)
				moveSums(dense, from, stride, count, n)
				from = dense
			}
			kernel.RequantizeRow(memory[at:at+n*count], from[:n*count], manyMultipliers[:n*count], manyShifts[:n*count], t.Zero, t.Low, t.High)
			at += n * int(t.Output.PixelStride)
		}
	}
}

// moveSums is movePixels for the sums of n pixels, made dense.
func moveSums(to, from []int32, fromStride, count, n int) {
	if count == 16 {
		for i := range n {
			*(*[16]int32)(to[i*16:]) = *(*[16]int32)(from[i*fromStride:])
		}
		return
	}
	for i := range n {
		copy(to[i*count:(i+1)*count], from[i*fromStride:])
	}
}

// depthwise executes a depthwise tile, one stretch of channels at a time.
func (s *State) depthwise(d *isa.Dynamic, t *isa.ConvolutionTile) {
	channels := int(t.OutputChannels)
	rows, columns := int(t.OutputRows), int(t.OutputColumns)
	_, patchColumns := patchExtent(&t.Window)
	cells := int(t.KernelRows) * int(t.KernelColumns)
	biases, multipliers, shifts := s.parameters(int(d.Offsets[2]), channels, &t.Window)
	all := s.buffer[isa.WeightBuffer][d.Offsets[1]:]
	out := int(d.Offsets[3])
	runs(&t.Output, channels, func(c, count int) {
		patch := s.gatherPatch(int(d.Offsets[0]), &t.Window, c, count)
		weights, offsets := grow(&s.scratch.weights, cells*count), grow(&s.scratch.offsets, cells)
		for cell := range cells {
			copy(weights[cell*count:(cell+1)*count], all[cell*channels+c:])
			y, x := cell/int(t.KernelColumns)*int(t.DilateRows), cell%int(t.KernelColumns)*int(t.DilateColumns)
			offsets[cell] = (y*patchColumns + x) * count
		}
		sums := s.scratch.sums(rows * columns * count)
		for i := 0; i < len(sums); i += count {
			copy(sums[i:i+count], biases[c:])
		}
		for h := range rows {
			kernel.DepthwiseRow(columns, count, sums[h*columns*count:], count, patch[h*int(t.StrideRows)*patchColumns*count:], int(t.StrideColumns)*count, offsets, weights)
		}
		s.requantize(&t.Window, out, c, count, sums, count, multipliers[c:], shifts[c:])
	})
}
