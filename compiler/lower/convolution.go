package lower

import (
	"encoding/binary"

	"github.com/npusim/npusim/compiler/integer"
	"github.com/npusim/npusim/isa"
)

// channelTile is one step of the output channel loop of a convolution.
type channelTile struct {
	span          // output channels
	group, number int
}

// channelTiles lists the output channel tiles: within groups on the array.
func (x *stepEmission) channelTiles() []channelTile {
	var list []channelTile
	if !x.p.grouped {
		for _, cluster := range x.p.clusters() {
			for _, s := range split(cluster.size, x.v.channels) {
				list = append(list, channelTile{span{cluster.start + s.start, s.size}, 0, len(list)})
			}
		}
		return list
	}
	for g := range x.s.anchor.Convolution.Groups {
		for _, s := range split(x.p.group, x.v.channels) {
			list = append(list, channelTile{span{g*x.p.group + s.start, s.size}, g, len(list)})
		}
	}
	return list
}

// convolutions walks the tiles of a convolution: output channels outside
// pixels (weightsOuter) or inside, input channels always innermost.
func (x *stepEmission) convolutions() error {
	if x.v.held > 0 {
		return x.heldProducts()
	}
	channels := x.channelTiles()
	rows, columns := split(x.p.output.Rows, x.v.rows), split(x.p.output.Columns, x.v.columns)
	if x.v.weightsOuter {
		for _, c := range channels {
			for _, h := range rows {
				for _, w := range columns {
					b := box{c.start, c.size, h.start, h.size, w.start, w.size}
					p := x.targetPlace(b)
					if err := x.convolve(c, b, p); err != nil {
						return err
					}
					if err := x.finish(b, p); err != nil {
						return err
					}
				}
			}
		}
		return nil
	}
	for _, h := range rows {
		for _, w := range columns {
			// A grouped convolution gathers all channels before it stores.
			all := box{0, x.p.output.Channels, h.start, h.size, w.start, w.size}
			var gathered place
			if x.p.grouped {
				gathered = x.targetPlace(all)
			}
			for _, c := range channels {
				b := all
				b.c0, b.c = c.start, c.size
				var p place
				if x.p.grouped {
					p = gathered.within(all, b)
				} else {
					p = x.targetPlace(b)
				}
				if err := x.convolve(c, b, p); err != nil {
					return err
				}
				if !x.p.grouped {
					if err := x.finish(b, p); err != nil {
						return err
					}
				}
			}
			if x.p.grouped {
				if err := x.finish(all, gathered); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// windowTile is the part of a tile's descriptor that an output box gives, and the rows
// and columns of input under it. Views, channels and the start and end of the
// sums are open.
func (x *stepEmission) windowTile(b box) (d isa.ConvolutionTile, input box) {
	n := x.s.anchor
	a := n.Convolution
	in, out := x.l.graph.Tensors[n.Inputs[0]], x.l.graph.Tensors[n.Output]
	h, originRow := window(span{b.h0, b.h}, a.Kernel[0], a.Stride[0], a.Dilation[0], a.PadBegin[0], in.Shape.Rows)
	w, originColumn := window(span{b.w0, b.w}, a.Kernel[1], a.Stride[1], a.Dilation[1], a.PadBegin[1], in.Shape.Columns)
	d = isa.ConvolutionTile{
		Layer: uint16(x.s.index), OutputChannels: uint32(b.c), Window: isa.Window{OutputRows: uint16(b.h), OutputColumns: uint16(b.w),
			InputRows: uint16(h.size), InputColumns: uint16(w.size), OriginRow: int16(originRow), OriginColumn: int16(originColumn),
			KernelRows: uint16(a.Kernel[0]), KernelColumns: uint16(a.Kernel[1]),
			StrideRows: uint16(a.Stride[0]), StrideColumns: uint16(a.Stride[1]),
			DilateRows: uint16(a.Dilation[0]), DilateColumns: uint16(a.Dilation[1]),
			PadValue: in.Zero, Mode: multiplierMode(a),
			Multiplier: a.Requantizer.PerLayer.M0, Shift: a.Requantizer.PerLayer.Shift,
			Zero: out.Zero, Low: a.Low, High: a.High,
		}}
	if d.Mode == isa.ChannelMultiplier {
		d.Multiplier, d.Shift = 0, 0
	}
	return d, box{h0: h.start, h: h.size, w0: w.start, w: w.size}
}

// convolve computes one output tile.
func (x *stepEmission) convolve(c channelTile, b box, p place) error {
	n := x.s.anchor
	parameters, err := x.fetchParameters(c)
	if err != nil {
		return err
	}
	d, input := x.windowTile(b)
	d.Output = p.view()
	if x.p.depthwise {
		source, err := x.fetch(0, box{b.c0, b.c, input.h0, input.h, input.w0, input.w})
		if err != nil {
			return err
		}
		weights, err := x.fetchWeights(c, span{0, 1}, 0)
		if err != nil {
			return err
		}
		d.First, d.Last, d.InputChannels, d.Input = true, true, uint32(b.c), source.view()
		return x.emit(isa.MACArray, isa.Depthwise, &d, done(n.Output, b),
			at(isa.ActivationBuffer, source.offset), weights, parameters, at(isa.ActivationBuffer, p.offset))
	}
	to := target{b, p, parameters, 0}
	if x.p.lookup {
		return x.multiply(c, &d, input, &to)
	}
	spans := split(x.p.reduction, x.v.inputChannels)
	for i, k := range spans {
		weights, err := x.fetchWeights(c, k, i)
		if err != nil {
			return err
		}
		input.c0, input.c = c.group*x.p.reduction+k.start, k.size
		source, err := x.fetch(0, input)
		if err != nil {
			return err
		}
		t := d
		t.InputChannels, t.Input = uint32(k.size), source.view()
		if err := x.emitPart(isa.MACArray, isa.Convolution, &t, &t.Window, i, len(spans), &to, at(isa.ActivationBuffer, source.offset), weights); err != nil {
			return err
		}
	}
	return nil
}

// target is what the instructions share that compute an output tile, a part of
// the input channels each.
type target struct {
	b          box
	p          place // of the output
	parameters isa.Address
	sums       uint64 // offset in the accumulator buffer
}

// emitPart emits the part with a number out of count: sums start from the bias in
// the first one and are requantized in the last one. Window w is that of d; the
// operands are those besides parameters, accumulators and output.
func (x *stepEmission) emitPart(unit isa.Unit, op isa.Opcode, d isa.Descriptor, w *isa.Window, number, count int, to *target, operands ...isa.Address) error {
	w.First, w.Last = number == 0, number == count-1
	var all [isa.MaxOperands]isa.Address
	copy(all[:2], operands)
	copy(all[5:], operands[2:])
	if w.First || w.Last {
		all[2] = to.parameters
	}
	if !w.First || !w.Last {
		all[3] = at(isa.AccumulatorBuffer, to.sums)
	}
	record := isa.TraceRecord{Tensor: isa.NoTensor}
	w.Output = isa.View{Block: uint16(x.p.outLayout.block)}
	if w.Last {
		w.Output = to.p.view()
		all[4] = at(isa.ActivationBuffer, to.p.offset)
		record = done(x.s.anchor.Output, to.b)
	}
	return x.emit(unit, op, d, record, all[:]...)
}

// fetchWeights makes a weight tile available in the weight buffer.
func (x *stepEmission) fetchWeights(c channelTile, inputs span, number int) (isa.Address, error) {
	key := weightKey{c.number, number}
	offset, held := x.weights.take(key)
	if held {
		return at(isa.WeightBuffer, offset), nil
	}
	a := x.s.anchor.Convolution
	elements := x.p.cells() * c.size * inputs.size
	tile, coded := x.codedAt[key]
	from, known := x.weightAt[key]
	if !coded && !known {
		var err error
		if tile, err = x.encode(c, inputs, elements); err != nil {
			return isa.Address{}, err
		}
		if coded = tile.descriptor != nil; coded {
			x.codedAt[key] = tile
		}
	}
	if coded {
		return at(isa.WeightBuffer, offset), x.emit(isa.LoadDMA, isa.LoadEncoded, tile.descriptor, isa.TraceRecord{}, at(isa.Weights, tile.from), at(isa.WeightBuffer, offset))
	}
	if !known {
		size := isa.PackedBytes(elements, int(a.WeightBits))
		from = x.constant(size, func() []byte {
			packed := make([]byte, size)
			isa.Pack(packed, weightTile(a, c.span, inputs), int(a.WeightBits))
			return packed
		})
		x.weightAt[key] = from
	}
	d := linearTransfer(x.s.index, isa.WeightClass, elements, int(a.WeightBits))
	return at(isa.WeightBuffer, offset), x.emit(isa.LoadDMA, isa.Load, d, isa.TraceRecord{}, at(isa.Weights, from), at(isa.WeightBuffer, offset))
}

// weightTile gathers the weights of output channels and input channels (within
// the group) in streaming order: kernel row, kernel column, input, output.
func weightTile(a *integer.ConvolutionAttributes, outputs, inputs span) []int8 {
	cells := a.Kernel[0] * a.Kernel[1]
	perOutput := len(a.Weights) / len(a.Bias)
	tile := make([]int8, 0, cells*outputs.size*inputs.size)
	for cell := range cells {
		for i := inputs.start; i < inputs.start+inputs.size; i++ {
			for o := outputs.start; o < outputs.start+outputs.size; o++ {
				tile = append(tile, a.Weights[o*perOutput+i*cells+cell])
			}
		}
	}
	return tile
}

// fetchParameters makes the parameter block of a channel tile available.
func (x *stepEmission) fetchParameters(c channelTile) (isa.Address, error) {
	key := weightKey{c.number, -1}
	offset, held := x.parameters.take(key)
	if held {
		return at(isa.WeightBuffer, offset), nil
	}
	a := x.s.anchor.Convolution
	size := isa.ParameterBytes(c.size, multiplierMode(a))
	from, known := x.weightAt[key]
	if !known {
		from = x.constant(size, func() []byte { return parameterBlock(a, c.span) })
		x.weightAt[key] = from
	}
	d := linearTransfer(x.s.index, isa.MetadataClass, size, 8)
	return at(isa.WeightBuffer, offset), x.emit(isa.LoadDMA, isa.Load, d, isa.TraceRecord{}, at(isa.Weights, from), at(isa.WeightBuffer, offset))
}

// parameterBlock lays out biases and channel shifts or multipliers as
// isa.MultiplierMode describes.
func parameterBlock(a *integer.ConvolutionAttributes, channels span) []byte {
	end := channels.start + channels.size
	var b []byte
	for _, bias := range a.Bias[channels.start:end] {
		b = binary.LittleEndian.AppendUint32(b, uint32(bias))
	}
	switch {
	case a.Requantizer.PerChannel != nil:
		for _, m := range a.Requantizer.PerChannel[channels.start:end] {
			b = binary.LittleEndian.AppendUint32(b, uint32(m.M0))
		}
		for _, m := range a.Requantizer.PerChannel[channels.start:end] {
			b = append(b, m.Shift)
		}
	case a.Requantizer.ChannelShift != nil:
		shifts := a.Requantizer.ChannelShift[channels.start:end]
		for i := 0; i < len(shifts); i += 2 {
			pair := shifts[i] & 15
			if i+1 < len(shifts) {
				pair |= shifts[i+1] << 4
			}
			b = append(b, pair)
		}
	}
	return b
}
