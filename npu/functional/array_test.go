package functional_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/npusim/npusim/isa"
)

// parameterBlock writes biases, multipliers and shifts of n channels at an
// offset of the weight buffer and returns what they mean.
func (b *bench) parameterBlock(t *rapid.T, offset, n int, d *isa.ConvolutionTile) (biases []int64, multipliers []int32, shifts []int) {
	for c := range n {
		bias := rapid.Int32Range(-50_000, 50_000).Draw(t, "bias")
		b.word(offset+4*c, uint32(bias))
		biases = append(biases, int64(bias))
	}
	rest := offset + 4*n
	for c := range n {
		multiplier, shift := d.Multiplier, int(d.Shift)
		switch d.Mode {
		case isa.ChannelShift:
			k := rapid.IntRange(0, 15).Draw(t, "k")
			nibbles := uint8(b.constants[rest+c/2])
			if c%2 == 0 {
				nibbles = nibbles&0xf0 | uint8(k)
			} else {
				nibbles = nibbles&0x0f | uint8(k)<<4
			}
			b.constants[rest+c/2] = int8(nibbles)
			shift += k
		case isa.ChannelMultiplier:
			multiplier, shift = rapid.Int32Range(0, 1<<31-1).Draw(t, "channel multiplier"), rapid.IntRange(20, 50).Draw(t, "channel shift")
			b.word(rest+4*c, uint32(multiplier))
			b.constants[rest+4*n+c] = int8(shift)
		}
		multipliers, shifts = append(multipliers, multiplier), append(shifts, shift)
	}
	return biases, multipliers, shifts
}

func drawConvolution(t *rapid.T, w *window, outputs int) isa.ConvolutionTile {
	d := isa.ConvolutionTile{
		OutputChannels: uint32(outputs), Window: isa.Window{OutputRows: uint16(w.outputRows), OutputColumns: uint16(w.outputColumns),
			InputRows: uint16(w.inputRows), InputColumns: uint16(w.inputColumns), OriginRow: int16(w.origin[0]), OriginColumn: int16(w.origin[1]),
			KernelRows: uint16(w.kernel[0]), KernelColumns: uint16(w.kernel[1]), StrideRows: uint16(w.stride[0]), StrideColumns: uint16(w.stride[1]),
			DilateRows: uint16(w.dilation[0]), DilateColumns: uint16(w.dilation[1]), PadValue: rapid.Int8().Draw(t, "padding"),
			Mode: isa.MultiplierMode(rapid.IntRange(1, 3).Draw(t, "mode")),
		},
	}
	if d.Mode != isa.ChannelMultiplier {
		d.Multiplier, d.Shift = rapid.Int32Range(0, 1<<31-1).Draw(t, "multiplier"), uint8(rapid.IntRange(25, 45).Draw(t, "shift"))
	}
	d.Zero, d.Low, d.High = drawClamp(t)
	return d
}

// TestConvolution cuts the input channels of a convolution into one to three
// instructions that hand their sums on in the accumulators.
func TestConvolution(t *testing.T) {
	checkAll(t, func(t *rapid.T) {
		b := newBench(t, isa.MACArray)
		w := drawWindow(t)
		inputs, outputs := rapid.IntRange(1, 20).Draw(t, "inputs"), rapid.IntRange(1, 20).Draw(t, "outputs")
		parts := rapid.IntRange(1, min(3, inputs)).Draw(t, "parts")
		d := drawConvolution(t, &w, outputs)
		in := drawPlace(t, "input", 0, inputs, w.inputRows, w.inputColumns)
		out := drawPlace(t, "output", bufferBytes/2, outputs, w.outputRows, w.outputColumns)
		const parameters = 12 << 10
		biases, multipliers, shifts := b.parameterBlock(t, parameters, outputs, &d)
		accumulators := isa.Address{Space: isa.AccumulatorBuffer, Offset: uint64(4 * rapid.IntRange(0, 100).Draw(t, "accumulators"))}

		cells := w.kernel[0] * w.kernel[1]
		weights := make([]int, parts) // offset of each part's weights
		first := func(part int) int { return part * inputs / parts }
		next := 0
		for k := range parts {
			part := d
			part.First, part.Last = k == 0, k == parts-1
			c0, c1 := first(k), first(k+1)
			part.InputChannels = uint32(c1 - c0)
			// The part of the input that starts at channel c0.
			from := in
			from.base += (int(in.ChannelOffset) + c0) / int(in.Block) * int(in.BlockStride)
			from.ChannelOffset = uint16((int(in.ChannelOffset) + c0) % int(in.Block))
			part.Input = from.View
			weights[k] = next
			operands := []isa.Address{activation(from.base), weight(next), {}, {}, {}}
			next += cells * (c1 - c0) * outputs
			if part.First || part.Last {
				operands[2] = weight(parameters)
			}
			if !part.First || !part.Last {
				operands[3] = accumulators
			}
			if part.Last {
				part.Output = out.View
				operands[4] = activation(out.base)
			} else {
				part.Output = isa.View{}
			}
			b.add(isa.Convolution, &part, operands...)
		}
		if next > parameters {
			t.Fatalf("the test's weights take %d bytes", next)
		}

		want := slices.Clone(b.memory)
		for o := range outputs {
			for h := range w.outputRows {
				for x := range w.outputColumns {
					sum := biases[o]
					for k := range parts {
						count := first(k+1) - first(k)
						for ky := range w.kernel[0] {
							for kx := range w.kernel[1] {
								iy, ix, inside := w.inside(h, x, ky, kx)
								for i := range count {
									q := int64(d.PadValue)
									if inside {
										q = int64(b.memory[in.at(first(k)+i, iy, ix)])
									}
									cell := ky*w.kernel[1] + kx
									sum += q * int64(b.constants[weights[k]+(cell*count+i)*outputs+o])
								}
							}
						}
					}
					want[out.at(o, h, x)] = requantize(sum, multipliers[o], shifts[o], d.Zero, d.Low, d.High)
				}
			}
		}
		b.expect(t, want)
	})
}

func TestDepthwise(t *testing.T) {
	checkAll(t, func(t *rapid.T) {
		b := newBench(t, isa.MACArray)
		w := drawWindow(t)
		channels := rapid.IntRange(1, 40).Draw(t, "channels")
		d := drawConvolution(t, &w, channels)
		d.InputChannels, d.First, d.Last = uint32(channels), true, true
		in := drawPlace(t, "input", 0, channels, w.inputRows, w.inputColumns)
		out := drawPlace(t, "output", bufferBytes/2, channels, w.outputRows, w.outputColumns)
		const parameters = 12 << 10
		biases, multipliers, shifts := b.parameterBlock(t, parameters, channels, &d)
		weights := rapid.IntRange(0, 100).Draw(t, "weights")
		d.Input, d.Output = in.View, out.View
		b.add(isa.Depthwise, &d, activation(in.base), weight(weights), weight(parameters), activation(out.base))

		want := slices.Clone(b.memory)
		for c := range channels {
			for h := range w.outputRows {
				for x := range w.outputColumns {
					sum := biases[c]
					for ky := range w.kernel[0] {
						for kx := range w.kernel[1] {
							q := int64(d.PadValue)
							if iy, ix, inside := w.inside(h, x, ky, kx); inside {
								q = int64(b.memory[in.at(c, iy, ix)])
							}
							sum += q * int64(b.constants[weights+(ky*w.kernel[1]+kx)*channels+c])
						}
					}
					want[out.at(c, h, x)] = requantize(sum, multipliers[c], shifts[c], d.Zero, d.Low, d.High)
				}
			}
		}
		b.expect(t, want)
	})
}
