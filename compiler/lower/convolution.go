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
		for i, s := range split(x.p.output.Channels, x.v.channels) {
			list = append(list, channelTile{s, 0, i})
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

// convolve computes one output tile.
func (x *stepEmission) convolve(c channelTile, b box, p place) error {
	n := x.s.anchor
	a := n.Convolution
	in := x.l.graph.Tensors[n.Inputs[0]]
	out := x.l.graph.Tensors[n.Output]
	parameters, err := x.fetchParameters(c)
	if err != nil {
		return err
	}
	h, originRow := window(span{b.h0, b.h}, a.Kernel[0], a.Stride[0], a.Dilation[0], a.PadBegin[0], in.Shape.Rows)
	w, originColumn := window(span{b.w0, b.w}, a.Kernel[1], a.Stride[1], a.Dilation[1], a.PadBegin[1], in.Shape.Columns)
	d := isa.ConvolutionTile{
		Layer: uint16(x.s.index), OutputChannels: uint32(b.c), OutputRows: uint16(b.h), OutputColumns: uint16(b.w),
		InputRows: uint16(h.size), InputColumns: uint16(w.size), OriginRow: int16(originRow), OriginColumn: int16(originColumn),
		KernelRows: uint16(a.Kernel[0]), KernelColumns: uint16(a.Kernel[1]),
		StrideRows: uint16(a.Stride[0]), StrideColumns: uint16(a.Stride[1]),
		DilateRows: uint16(a.Dilation[0]), DilateColumns: uint16(a.Dilation[1]),
		Output: p.view(), PadValue: in.Zero, Mode: multiplierMode(a),
		Multiplier: a.Requantizer.PerLayer.M0, Shift: a.Requantizer.PerLayer.Shift,
		Zero: out.Zero, Low: a.Low, High: a.High,
	}
	if d.Mode == isa.ChannelMultiplier {
		d.Multiplier, d.Shift = 0, 0
	}
	record := done(n.Output, b)
	if x.p.depthwise {
		source, err := x.fetch(0, box{b.c0, b.c, h.start, h.size, w.start, w.size})
		if err != nil {
			return err
		}
		weights, err := x.fetchWeights(c, span{0, 1}, 0)
		if err != nil {
			return err
		}
		d.First, d.Last, d.InputChannels, d.Input = true, true, uint32(b.c), source.view()
		return x.emit(isa.MACArray, isa.Depthwise, &d, record,
			at(isa.ActivationBuffer, source.offset), weights, parameters, at(isa.ActivationBuffer, p.offset))
	}
	if x.p.lookup {
		return x.multiply(c, &d, b, box{h0: h.start, h: h.size, w0: w.start, w: w.size}, p, parameters)
	}
	spans := split(x.p.reduction, x.v.inputChannels)
	for i, k := range spans {
		first := c.group*x.p.reduction + k.start
		weights, err := x.fetchWeights(c, k, i)
		if err != nil {
			return err
		}
		source, err := x.fetch(0, box{first, k.size, h.start, h.size, w.start, w.size})
		if err != nil {
			return err
		}
		t := d
		t.First, t.Last, t.InputChannels, t.Input = i == 0, i == len(spans)-1, uint32(k.size), source.view()
		operands := [isa.MaxOperands]isa.Address{0: at(isa.ActivationBuffer, source.offset), 1: weights}
		if t.First || t.Last {
			operands[2] = parameters
		}
		if !t.First || !t.Last {
			operands[3] = at(isa.AccumulatorBuffer, 0)
		}
		tile := isa.TraceRecord{Tensor: isa.NoTensor}
		if t.Last {
			operands[4] = at(isa.ActivationBuffer, p.offset)
			tile = record
		} else {
			t.Output = isa.View{Block: t.Output.Block}
		}
		if err := x.emit(isa.MACArray, isa.Convolution, &t, tile, operands[:]...); err != nil {
			return err
		}
	}
	return nil
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
