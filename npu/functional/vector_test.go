package functional_test

import (
	"math/big"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/npusim/npusim/isa"
)

func TestPool(t *testing.T) {
	checkAll(t, func(t *rapid.T) {
		b := newBench(t, isa.VectorUnit)
		w := drawWindow(t)
		channels := rapid.IntRange(1, 24).Draw(t, "channels")
		in := drawPlace(t, "input", 0, channels, w.inputRows, w.inputColumns)
		out := drawPlace(t, "output", bufferBytes/2, channels, w.outputRows, w.outputColumns)
		d := isa.PoolTile{Mode: isa.PoolMode(rapid.IntRange(1, 3).Draw(t, "mode")), Channels: uint32(channels),
			OutputRows: uint16(w.outputRows), OutputColumns: uint16(w.outputColumns), InputRows: uint16(w.inputRows), InputColumns: uint16(w.inputColumns),
			OriginRow: int16(w.origin[0]), OriginColumn: int16(w.origin[1]), KernelRows: uint16(w.kernel[0]), KernelColumns: uint16(w.kernel[1]),
			StrideRows: uint16(w.stride[0]), StrideColumns: uint16(w.stride[1]), DilateRows: uint16(w.dilation[0]), DilateColumns: uint16(w.dilation[1]),
			Input: in.View, Output: out.View, InputZero: rapid.Int8().Draw(t, "input zero")}
		d.Zero, d.Low, d.High = drawClamp(t)
		multipliers, shifts := make([]int32, w.kernel[0]*w.kernel[1]), make([]int, w.kernel[0]*w.kernel[1])
		const records = 100
		operands := []isa.Address{activation(in.base), {}, activation(out.base)}
		for i := range multipliers {
			multipliers[i], shifts[i] = rapid.Int32Range(0, 1<<31-1).Draw(t, "multiplier"), rapid.IntRange(1, 62).Draw(t, "shift")
			b.word(records+8*i, uint32(multipliers[i]))
			b.constants[records+8*i+4] = int8(shifts[i])
		}
		switch d.Mode {
		case isa.AveragePool:
			d.Multiplier, d.Shift = multipliers[0], uint8(shifts[0])
		case isa.AveragePoolCounted:
			operands[1] = weight(records)
		}
		b.add(isa.Pool, &d, operands...)

		want := slices.Clone(b.memory)
		for c := range channels {
			for h := range w.outputRows {
				for x := range w.outputColumns {
					count, sum, largest := 0, int64(0), d.Low
					for ky := range w.kernel[0] {
						for kx := range w.kernel[1] {
							if iy, ix, inside := w.inside(h, x, ky, kx); inside {
								q := b.memory[in.at(c, iy, ix)]
								count++
								sum += int64(q) - int64(d.InputZero)
								largest = max(largest, q)
							}
						}
					}
					switch which := max(count-1, 0); d.Mode { // no cell at all averages to zero
					case isa.MaximumPool:
						want[out.at(c, h, x)] = min(largest, d.High)
					case isa.AveragePool:
						want[out.at(c, h, x)] = requantize(sum, multipliers[0], shifts[0], d.Zero, d.Low, d.High)
					default:
						want[out.at(c, h, x)] = requantize(sum, multipliers[which], shifts[which], d.Zero, d.Low, d.High)
					}
				}
			}
		}
		b.expect(t, want)
	})
}

// quotient is numerator / denominator rounded half up, as a rational number.
func quotient(numerator, denominator *big.Int) *big.Int {
	if denominator.Sign() < 0 {
		numerator, denominator = new(big.Int).Neg(numerator), new(big.Int).Neg(denominator)
	}
	n := new(big.Int).Lsh(numerator, 1)
	n.Add(n, denominator)
	d := new(big.Int).Lsh(denominator, 1)
	return new(big.Int).Div(n, d) // Euclidean: floors for a positive divisor
}

// TestBinary covers operands that repeat along each axis and results in place
// of an operand.
func TestBinary(t *testing.T) {
	checkAll(t, func(t *rapid.T) {
		b := newBench(t, isa.VectorUnit)
		n := func(what string, low, high int) int { return rapid.IntRange(low, high).Draw(t, what) }
		channels, rows, columns := n("channels", 1, 20), n("rows", 1, 4), n("columns", 1, 5)
		operand := func(name string, base int) (place, bool) {
			repeat := rapid.Bool().Draw(t, name+" repeats channels")
			c := channels
			if repeat {
				c = 1
			}
			p := drawPlace(t, name, base, c, rows, columns)
			if n(name+" repeats rows", 0, 3) == 0 {
				p.RowStride = 0
			}
			if n(name+" repeats columns", 0, 3) == 0 {
				p.PixelStride = 0
			}
			return p, repeat
		}
		first, repeatFirst := operand("a", 0)
		second, repeatSecond := operand("b", bufferBytes/4)
		out := drawPlace(t, "output", bufferBytes/2, channels, rows, columns)
		switch n("in place", 0, 3) {
		case 0:
			first, repeatFirst = out, false
		case 1:
			second, repeatSecond = out, false
		}
		d := isa.BinaryTile{Mode: isa.BinaryMode(n("mode", 1, 3)), Channels: uint32(channels), Rows: uint16(rows), Columns: uint16(columns),
			A: first.View, B: second.View, Output: out.View, RepeatAChannels: repeatFirst, RepeatBChannels: repeatSecond,
			ZeroA: rapid.Int8().Draw(t, "zero a"), ZeroB: rapid.Int8().Draw(t, "zero b"),
			MultiplierA: rapid.Int32Range(0, 1<<31-1).Draw(t, "multiplier a"), Shift: uint8(n("shift", 1, 62))}
		if d.Mode == isa.AddMode {
			d.MultiplierB = rapid.Int32().Draw(t, "multiplier b")
		}
		d.Zero, d.Low, d.High = drawClamp(t)
		b.add(isa.Binary, &d, activation(first.base), activation(second.base), activation(out.base))

		want := slices.Clone(b.memory)
		half := new(big.Int).Lsh(big.NewInt(1), uint(d.Shift-1))
		for c := range channels {
			for h := range rows {
				for x := range columns {
					source := func(p *place, repeat bool, zero int8) *big.Int {
						k := c
						if repeat {
							k = 0
						}
						return big.NewInt(int64(b.memory[p.at(k, h, x)]) - int64(zero))
					}
					p, q := source(&first, repeatFirst, d.ZeroA), source(&second, repeatSecond, d.ZeroB)
					y := new(big.Int)
					switch d.Mode {
					case isa.AddMode:
						y.Mul(p, big.NewInt(int64(d.MultiplierA)))
						y.Add(y, new(big.Int).Mul(q, big.NewInt(int64(d.MultiplierB))))
						y.Rsh(y.Add(y, half), uint(d.Shift))
					case isa.MultiplyMode:
						y.Mul(y.Mul(p, q), big.NewInt(int64(d.MultiplierA)))
						y.Rsh(y.Add(y, half), uint(d.Shift))
					case isa.DivideMode:
						if q.Sign() == 0 {
							y.Lsh(big.NewInt(int64(p.Sign())), 20) // saturates
						} else {
							y = quotient(new(big.Int).Mul(p, big.NewInt(int64(d.MultiplierA))), new(big.Int).Lsh(q, uint(d.Shift)))
						}
					}
					want[out.at(c, h, x)] = clamp(y.Add(y, big.NewInt(int64(d.Zero))), d.Low, d.High)
				}
			}
		}
		b.expect(t, want)
	})
}

func TestTable(t *testing.T) {
	checkAll(t, func(t *rapid.T) {
		b := newBench(t, isa.VectorUnit)
		n := func(what string, low, high int) int { return rapid.IntRange(low, high).Draw(t, what) }
		channels, rows, columns := n("channels", 1, 40), n("rows", 1, 5), n("columns", 1, 5)
		in := drawPlace(t, "input", 0, channels, rows, columns)
		out := drawPlace(t, "output", bufferBytes/2, channels, rows, columns)
		if rapid.Bool().Draw(t, "in place") {
			in = out
		}
		table := n("table", 0, 1000)
		b.add(isa.Table, &isa.ElementwiseTile{Channels: uint32(channels), Rows: uint16(rows), Columns: uint16(columns), Input: in.View, Output: out.View},
			activation(in.base), weight(table), activation(out.base))
		want := slices.Clone(b.memory)
		for c := range channels {
			for h := range rows {
				for x := range columns {
					want[out.at(c, h, x)] = b.constants[table+int(b.memory[in.at(c, h, x)])+128]
				}
			}
		}
		b.expect(t, want)
	})
}

func TestSoftmax(t *testing.T) {
	checkAll(t, func(t *rapid.T) {
		b := newBench(t, isa.VectorUnit)
		n := func(what string, low, high int) int { return rapid.IntRange(low, high).Draw(t, what) }
		channels, rows, columns := n("channels", 1, 40), n("rows", 1, 3), n("columns", 1, 3)
		in := drawPlace(t, "input", 0, channels, rows, columns)
		out := drawPlace(t, "output", bufferBytes/2, channels, rows, columns)
		d := isa.ElementwiseTile{Channels: uint32(channels), Rows: uint16(rows), Columns: uint16(columns), Input: in.View, Output: out.View, Shift: uint8(n("shift", 0, 30))}
		d.Zero, d.Low, d.High = drawClamp(t)
		const table = 4096
		exponentials := make([]int64, 256)
		for i := range exponentials {
			exponentials[i] = int64(1<<20) >> min(i/n("steepness", 1, 40), 20)
			b.word(table+4*i, uint32(exponentials[i]))
		}
		b.add(isa.Softmax, &d, activation(in.base), weight(table), activation(out.base))
		want := slices.Clone(b.memory)
		for h := range rows {
			for x := range columns {
				largest, sum := int8(-128), int64(0)
				for c := range channels {
					largest = max(largest, b.memory[in.at(c, h, x)])
				}
				e := func(c int) int64 { return exponentials[int(largest)-int(b.memory[in.at(c, h, x)])] }
				for c := range channels {
					sum += e(c)
				}
				for c := range channels {
					y := new(big.Int).Lsh(big.NewInt(e(c)), uint(d.Shift))
					y.Div(y.Add(y, big.NewInt(sum/2)), big.NewInt(sum))
					want[out.at(c, h, x)] = clamp(y.Add(y, big.NewInt(int64(d.Zero))), d.Low, d.High)
				}
			}
		}
		b.expect(t, want)
	})
}

// TestCopy: any start, negative steps, windows that miss the input.
func TestCopy(t *testing.T) {
	checkAll(t, func(t *rapid.T) {
		b := newBench(t, isa.VectorUnit)
		n := func(what string, low, high int) int { return rapid.IntRange(low, high).Draw(t, what) }
		extents, from := [3]int{n("channels", 1, 20), n("rows", 1, 4), n("columns", 1, 4)}, [3]int{n("input channels", 1, 20), n("input rows", 1, 5), n("input columns", 1, 5)}
		in := drawPlace(t, "input", 0, from[0], from[1], from[2])
		out := drawPlace(t, "output", bufferBytes/2, extents[0], extents[1], extents[2])
		var start, step [3]int
		for k := range start {
			start[k], step[k] = n("start", -8, 22), n("step", -4, 4)
		}
		d := isa.CopyTile{Channels: uint32(extents[0]), Rows: uint16(extents[1]), Columns: uint16(extents[2]),
			InputChannels: uint32(from[0]), InputRows: uint16(from[1]), InputColumns: uint16(from[2]),
			StartChannel: int32(start[0]), StartRow: int32(start[1]), StartColumn: int32(start[2]),
			StepChannel: int32(step[0]), StepRow: int32(step[1]), StepColumn: int32(step[2]),
			Input: in.View, Output: out.View, Fill: rapid.Int8().Draw(t, "fill"), UseTable: rapid.Bool().Draw(t, "use table")}
		operands := []isa.Address{activation(in.base), {}, activation(out.base)}
		if d.UseTable {
			operands[1] = weight(77)
		}
		b.add(isa.Copy, &d, operands...)
		want := slices.Clone(b.memory)
		for c := range extents[0] {
			for h := range extents[1] {
				for x := range extents[2] {
					index, inside := [3]int{start[0] + c*step[0], start[1] + h*step[1], start[2] + x*step[2]}, true
					for k := range index {
						inside = inside && index[k] >= 0 && index[k] < from[k]
					}
					v := d.Fill
					if inside {
						v = b.memory[in.at(index[0], index[1], index[2])]
						if d.UseTable {
							v = b.constants[77+int(v)+128]
						}
					}
					want[out.at(c, h, x)] = v
				}
			}
		}
		b.expect(t, want)
	})
}

// TestRearrange: transposes and reshapes of a part of a tensor as loop nests
// over the whole, of which the scratchpad holds the part and a margin.
func TestRearrange(t *testing.T) {
	checkAll(t, func(t *rapid.T) {
		b := newBench(t, isa.VectorUnit)
		n := func(what string, low, high int) int { return rapid.IntRange(low, high).Draw(t, what) }
		var tensor, origin, held, first, part [3]int // in the tensor; the margins count from the origin of what is held
		for axis, name := range []string{"channels", "rows", "columns"} {
			part[axis] = n(name, 1, []int{12, 5, 5}[axis])
			first[axis] = n("margin of "+name, 0, 2)
			held[axis] = first[axis] + part[axis] + n("margin of "+name, 0, 2)
			origin[axis] = n("origin of "+name, 0, 6)
			tensor[axis] = origin[axis] + held[axis] + n("rest of "+name, 0, 6)
		}
		strides := [3]int{tensor[1] * tensor[2], tensor[2], 1}
		order := rapid.Permutation([]int{0, 1, 2}).Draw(t, "order")
		d := isa.RearrangeTile{InputChannels: uint32(held[0]), InputRows: uint16(held[1]), InputColumns: uint16(held[2]),
			OriginChannel: uint32(origin[0]), OriginRow: uint16(origin[1]), OriginColumn: uint16(origin[2]),
			TensorRows: uint16(tensor[1]), TensorColumns: uint16(tensor[2]), Dims: [isa.RearrangeDims]uint32{1, 1, 1, 1, 1, 1}}
		place0 := n("first dimension", 0, 3)
		for k, axis := range order {
			d.Dims[place0+k], d.InputStrides[place0+k] = uint32(part[axis]), uint32(strides[axis])
			d.Start += uint32((origin[axis] + first[axis]) * strides[axis])
		}
		counts := [3]int{part[order[0]], part[order[1]], part[order[2]]}
		to := counts
		switch n("reshape", 0, 2) {
		case 1:
			to = [3]int{to[0] * to[1] * to[2], 1, 1}
		case 2:
			to = [3]int{1, to[0], to[1] * to[2]}
		}
		in := drawPlace(t, "input", 0, held[0], held[1], held[2])
		out := drawPlace(t, "output", bufferBytes/2, to[0], to[1], to[2])
		d.OutputChannels, d.OutputRows, d.OutputColumns, d.Input, d.Output = uint32(to[0]), uint16(to[1]), uint16(to[2]), in.View, out.View
		b.add(isa.Rearrange, &d, activation(in.base), activation(out.base))
		want := slices.Clone(b.memory)
		for i := range to[0] * to[1] * to[2] {
			// Position i of the output in (channel, row, column) order is
			// position (p, q, r) of the permuted nest.
			index := [3]int{i / (counts[1] * counts[2]), i / counts[2] % counts[1], i % counts[2]}
			source := first
			for k, axis := range order {
				source[axis] += index[k]
			}
			want[out.at(i/(to[1]*to[2]), i/to[2]%to[1], i%to[2])] = b.memory[in.at(source[0], source[1], source[2])]
		}
		b.expect(t, want)
	})
}
