package functional

import (
	"encoding/binary"

	"github.com/npusim/npusim/isa"
	"github.com/npusim/npusim/isa/fixed"
)

// runs cuts channels into stretches that each lie in one block of the output.
// Vector operations go run by run: within one, consecutive channels are
// consecutive bytes.
func runs(out *isa.View, channels int, do func(first, count int)) {
	block := int(out.Block)
	for c := 0; c < channels; {
		count := min(block-(c+int(out.ChannelOffset))%block, channels-c)
		do(c, count)
		c += count
	}
}

// bytes32 reads n little-endian words from the weight buffer.
func (s *State) bytes32(offset, n int, do func(i int, v uint32)) {
	b := s.buffer[isa.WeightBuffer][offset:]
	for i := range n {
		do(i, uint32(uint8(b[4*i]))|uint32(uint8(b[4*i+1]))<<8|uint32(uint8(b[4*i+2]))<<16|uint32(uint8(b[4*i+3]))<<24)
	}
}

func (s *State) table(d *isa.Dynamic, t *isa.ElementwiseTile) {
	memory := s.buffer[isa.ActivationBuffer]
	table := (*[256]int8)(s.buffer[isa.WeightBuffer][d.Offsets[1]:])
	in, out := int(d.Offsets[0]), int(d.Offsets[2])
	s.pixels(int(t.Channels), int(t.Rows), int(t.Columns), &t.Output, func(c, count, h, w int) {
		target := memory[out+t.Output.Offset(c, h, w):][:count]
		for i, q := range s.channels(&s.scratch.first, &t.Input, in, c, h, w, count) {
			target[i] = table[int(q)+128]
		}
	})
}

// pixels walks the runs of every pixel of a tile.
func (s *State) pixels(channels, rows, columns int, out *isa.View, do func(c, count, h, w int)) {
	runs(out, channels, func(c, count int) {
		for h := range rows {
			for w := range columns {
				do(c, count, h, w)
			}
		}
	})
}

func (s *State) binary(d *isa.Dynamic, t *isa.BinaryTile) {
	memory := s.buffer[isa.ActivationBuffer]
	baseA, baseB, out := int(d.Offsets[0]), int(d.Offsets[1]), int(d.Offsets[2])
	zeroA, zeroB := int32(t.ZeroA), int32(t.ZeroB)
	factors := fixed.AddFactors{A: t.MultiplierA, B: t.MultiplierB, Shift: t.Shift}
	multiplier := fixed.Multiplier{M0: t.MultiplierA, Shift: t.Shift}
	s.pixels(int(t.Channels), int(t.Rows), int(t.Columns), &t.Output, func(c, count, h, w int) {
		target := memory[out+t.Output.Offset(c, h, w):][:count]
		first := s.operand(&s.scratch.first, &t.A, baseA, c, h, w, count, t.RepeatAChannels)
		second := s.operand(&s.scratch.second, &t.B, baseB, c, h, w, count, t.RepeatBChannels)
		first, second = first[:count], second[:count]
		switch t.Mode {
		case isa.AddMode:
			for i := range target {
				target[i] = fixed.Add(int32(first[i])-zeroA, int32(second[i])-zeroB, factors, t.Zero, t.Low, t.High)
			}
		case isa.MultiplyMode:
			for i := range target {
				target[i] = fixed.Multiply(int32(first[i])-zeroA, int32(second[i])-zeroB, multiplier, t.Zero, t.Low, t.High)
			}
		case isa.DivideMode:
			for i := range target {
				target[i] = fixed.Divide(int32(first[i])-zeroA, int32(second[i])-zeroB, multiplier, t.Zero, t.Low, t.High)
			}
		}
	})
}

// channels is a run of channels of a pixel: a part of the activation buffer
// where one block holds it, else gathered into the buffer given.
func (s *State) channels(buffer *[]int8, v *isa.View, base, c, h, w, count int) []int8 {
	memory := s.buffer[isa.ActivationBuffer]
	if (c+int(v.ChannelOffset))%int(v.Block)+count <= int(v.Block) {
		return memory[base+v.Offset(c, h, w):][:count]
	}
	gathered := grow(buffer, count)
	for i := range gathered {
		gathered[i] = memory[base+v.Offset(c+i, h, w)]
	}
	return gathered
}

// operand is channels for an operand whose only channel may repeat.
func (s *State) operand(buffer *[]int8, v *isa.View, base, c, h, w, count int, repeat bool) []int8 {
	if !repeat {
		return s.channels(buffer, v, base, c, h, w, count)
	}
	repeated := grow(buffer, count)
	value := s.buffer[isa.ActivationBuffer][base+v.Offset(0, h, w)]
	for i := range repeated {
		repeated[i] = value
	}
	return repeated
}

func (s *State) softmax(d *isa.Dynamic, t *isa.ElementwiseTile) {
	memory := s.buffer[isa.ActivationBuffer]
	var table [256]uint32
	s.bytes32(int(d.Offsets[1]), len(table), func(i int, v uint32) { table[i] = v })
	in, out := int(d.Offsets[0]), int(d.Offsets[2])
	for h := range int(t.Rows) {
		for w := range int(t.Columns) {
			largest := int8(-128)
			for c := range int(t.Channels) {
				largest = max(largest, memory[in+t.Input.Offset(c, h, w)])
			}
			var sum uint64
			for c := range int(t.Channels) {
				sum += uint64(table[int(largest)-int(memory[in+t.Input.Offset(c, h, w)])])
			}
			sum = max(sum, 1) // a hand-written table may hold zeros
			for c := range int(t.Channels) {
				e := table[int(largest)-int(memory[in+t.Input.Offset(c, h, w)])]
				memory[out+t.Output.Offset(c, h, w)] = fixed.SoftmaxElement(e, sum, t.Shift, t.Zero, t.Low, t.High)
			}
		}
	}
}

func (s *State) pool(d *isa.Dynamic, t *isa.PoolTile) {
	memory := s.buffer[isa.ActivationBuffer]
	in, out := int(d.Offsets[0]), int(d.Offsets[2])
	zero := int32(t.InputZero)
	for h := range int(t.OutputRows) {
		for w := range int(t.OutputColumns) {
			y0, x0 := int(t.OriginRow)+h*int(t.StrideRows), int(t.OriginColumn)+w*int(t.StrideColumns)
			runs(&t.Output, int(t.Channels), func(c, count int) {
				target := memory[out+t.Output.Offset(c, h, w):][:count]
				sums := s.scratch.sums(count)
				cells := 0
				for k := range sums {
					sums[k] = 0
					if t.Mode == isa.MaximumPool {
						sums[k] = int32(t.Low)
					}
				}
				for ky := range int(t.KernelRows) {
					y := y0 + ky*int(t.DilateRows)
					if y < 0 || y >= int(t.InputRows) {
						continue
					}
					for kx := range int(t.KernelColumns) {
						x := x0 + kx*int(t.DilateColumns)
						if x < 0 || x >= int(t.InputColumns) {
							continue
						}
						cells++
						for i, q := range s.channels(&s.scratch.first, &t.Input, in, c, y, x, count) {
							if t.Mode == isa.MaximumPool {
								sums[i] = max(sums[i], int32(q))
							} else {
								sums[i] += int32(q) - zero
							}
						}
					}
				}
				s.poolResult(d, t, target, sums, cells)
			})
		}
	}
}

// poolResult turns maxima or sums of a run into output elements.
func (s *State) poolResult(d *isa.Dynamic, t *isa.PoolTile, target []int8, sums []int32, cells int) {
	m := fixed.Multiplier{M0: t.Multiplier, Shift: t.Shift}
	switch t.Mode {
	case isa.MaximumPool:
		for i := range target {
			target[i] = int8(fixed.Clamp(int64(sums[i]), int64(t.Low), int64(t.High)))
		}
		return
	case isa.AveragePoolCounted:
		if cells == 0 { // a window in the padding altogether averages to zero
			cells = 1
		}
		record := s.buffer[isa.WeightBuffer][int(d.Offsets[1])+(cells-1)*isa.PoolRecordBytes:]
		var raw [isa.PoolRecordBytes]byte
		for i := range raw {
			raw[i] = byte(record[i])
		}
		m = fixed.Multiplier{M0: int32(binary.LittleEndian.Uint32(raw[:])), Shift: min(max(raw[4], fixed.MinShift), fixed.MaxShift)}
	}
	for i := range target {
		target[i] = fixed.Requantize(sums[i], m.M0, m.Shift, t.Zero, t.Low, t.High)
	}
}

func (s *State) copyTile(d *isa.Dynamic, t *isa.CopyTile) {
	memory := s.buffer[isa.ActivationBuffer]
	in, out := int(d.Offsets[0]), int(d.Offsets[2])
	var table *[256]int8
	if t.UseTable {
		table = (*[256]int8)(s.buffer[isa.WeightBuffer][d.Offsets[1]:])
	}
	s.pixels(int(t.Channels), int(t.Rows), int(t.Columns), &t.Output, func(c, count, h, w int) {
		target := memory[out+t.Output.Offset(c, h, w):][:count]
		y, x := int(t.StartRow)+h*int(t.StepRow), int(t.StartColumn)+w*int(t.StepColumn)
		inside := y >= 0 && y < int(t.InputRows) && x >= 0 && x < int(t.InputColumns)
		for i := range target {
			z := int(t.StartChannel) + (c+i)*int(t.StepChannel)
			if !inside || z < 0 || z >= int(t.InputChannels) {
				target[i] = t.Fill
				continue
			}
			v := memory[in+t.Input.Offset(z, y, x)]
			if table != nil {
				v = table[int(v)+128]
			}
			target[i] = v
		}
	})
}

func (s *State) rearrange(d *isa.Dynamic, t *isa.RearrangeTile) {
	memory := s.buffer[isa.ActivationBuffer]
	in, out := int(d.Offsets[0]), int(d.Offsets[1])
	columns := int(t.TensorColumns)
	plane := int(t.TensorRows) * columns
	channel0, row0, column0 := int(t.OriginChannel), int(t.OriginRow), int(t.OriginColumn)
	var index [isa.RearrangeDims]uint32
	for c := range int(t.OutputChannels) {
		for h := range int(t.OutputRows) {
			for w := range int(t.OutputColumns) {
				linear := int(t.Start)
				for k := range index {
					linear += int(index[k]) * int(t.InputStrides[k])
				}
				memory[out+t.Output.Offset(c, h, w)] = memory[in+t.Input.Offset(linear/plane-channel0, linear%plane/columns-row0, linear%columns-column0)]
				for k := isa.RearrangeDims - 1; k >= 0; k-- {
					if index[k]++; index[k] < t.Dims[k] {
						break
					}
					index[k] = 0
				}
			}
		}
	}
}
