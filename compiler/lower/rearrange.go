package lower

import (
	"slices"

	"github.com/npusim/npusim/compiler/integer"
	"github.com/npusim/npusim/isa"
)

// loop is a loop of a Rearrange: its extent and the input elements per step.
type loop struct{ extent, stride int }

// nest is a Rearrange whose loops are grouped by the axes of the output, so
// that cutting an axis shortens loops of one group only. Where no loop ends
// with an axis, and the loop that runs past its end cannot be split there, the
// axis shares the group of the one outside it and stays whole.
type nest struct {
	input, output integer.Shape
	groups        [3][]loop // by the outermost axis of the group, outermost loop first
	inner         [3]int    // elements of the group per step of that axis, 0 for an axis that stays whole
}

func newNest(a *integer.RearrangeAttributes, input, output integer.Shape) *nest {
	var loops []loop
	for k, extent := range a.Dims {
		stride := a.InputStrides[k]
		last := len(loops) - 1
		switch {
		case extent == 1:
		case last >= 0 && loops[last].stride == extent*stride: // walked on without a jump
			loops[last] = loop{loops[last].extent * extent, stride}
		default:
			loops = append(loops, loop{extent, stride})
		}
	}
	loops, rows := splitLoops(loops, output.Rows*output.Columns)
	loops, columns := splitLoops(loops, output.Columns) // moves no loop outside the rows
	n := &nest{input: input, output: output}
	starts := [3]int{0, rows, columns}
	end, inner := len(loops), 1
	for axis := 2; axis >= 0; axis-- {
		if starts[axis] < 0 {
			inner *= axisExtent(output, axis)
			continue
		}
		n.groups[axis], n.inner[axis] = loops[starts[axis]:end], inner
		end, inner = starts[axis], 1
	}
	return n
}

// splitLoops finds the first of the loops that walk the innermost elements. A
// loop that runs past their end is split there if its extent and the number
// of loops allow it, else the result is -1.
func splitLoops(loops []loop, elements int) ([]loop, int) {
	first, inside := len(loops), 1
	for ; first > 0 && inside*loops[first-1].extent <= elements; first-- {
		inside *= loops[first-1].extent
	}
	if inside == elements {
		return loops, first
	}
	past, part := loops[first-1], elements/inside
	if elements%inside != 0 || past.extent%part != 0 || len(loops) == isa.RearrangeDims {
		return loops, -1
	}
	loops[first-1] = loop{past.extent / part, past.stride * part}
	return slices.Insert(loops, first, loop{part, past.stride}), first
}

// sizes lists the tile extents worth trying on an axis, falling. A tile of
// such an extent is a nest itself: some steps of the outermost loop of the
// group, or one of equal parts of a loop inside it. Extents are the whole axis
// or multiples of unit, at most limit where the loops allow that.
func (n *nest) sizes(axis, unit, limit int) []int {
	extent, inner := axisExtent(n.output, axis), n.inner[axis]
	if inner == 0 || len(n.groups[axis]) == 0 {
		return []int{extent}
	}
	var list []int
	step := extent * inner // elements that a step of the loop walks
	for k, l := range n.groups[axis] {
		step /= l.extent
		if k == 0 {
			whole := leastCommonMultiple(leastCommonMultiple(step, inner)/inner, unit)
			list = candidateSizes(extent, min(whole, extent), limit)
			continue
		}
		smaller := 0
		for _, part := range divisors(l.extent) {
			size := part * step / inner
			if part*step%inner == 0 && size%unit == 0 && size*4 >= smaller*5 { // not many that are nearly equal
				list = append(list, size)
				smaller = size
			}
		}
	}
	slices.SortFunc(list, func(a, b int) int { return b - a })
	list = slices.Compact(list)
	if limit <= 0 || list[0] <= limit {
		return list
	}
	if first := slices.IndexFunc(list, func(size int) bool { return size <= limit }); first >= 0 {
		return list[first:]
	}
	return list[len(list)-1:]
}

// tile describes the computation of an output tile whose extents come from
// sizes: all but layer and views.
func (n *nest) tile(out box) isa.RearrangeTile {
	t := isa.RearrangeTile{
		OutputChannels: uint32(out.c), OutputRows: uint16(out.h), OutputColumns: uint16(out.w),
		TensorRows: uint16(n.input.Rows), TensorColumns: uint16(n.input.Columns),
	}
	start, dim := 0, 0
	for axis := range 3 {
		origin, extent := out.axis(axis)
		at, count := *origin*n.inner[axis], *extent*n.inner[axis]
		step := axisExtent(n.output, axis) * n.inner[axis]
		for _, l := range n.groups[axis] {
			step /= l.extent
			first := at / step
			at %= step
			start += first * l.stride
			t.Dims[dim], t.InputStrides[dim] = uint32(min(max(count/step, 1), l.extent-first)), uint32(l.stride)
			dim++
		}
	}
	for ; dim < len(t.Dims); dim++ {
		t.Dims[dim] = 1
	}
	t.Start = uint32(start)
	low, high := t.Reach()
	t.OriginChannel, t.OriginRow, t.OriginColumn = uint32(low[0]), uint16(low[1]), uint16(low[2])
	t.InputChannels, t.InputRows, t.InputColumns = uint32(high[0]-low[0]+1), uint16(high[1]-low[1]+1), uint16(high[2]-low[2]+1)
	return t
}

// inputBox is the part of the input that a tile reads.
func (n *nest) inputBox(out box) box {
	t := n.tile(out)
	return box{int(t.OriginChannel), int(t.InputChannels), int(t.OriginRow), int(t.InputRows), int(t.OriginColumn), int(t.InputColumns)}
}

// nestTraffic is what the tiles of a Rearrange load.
type nestTraffic struct {
	channels, rows, columns int   // of the tiles
	largest                 box   // extents of the largest box on each axis, in whole channel blocks
	bytes, boxes            int64 // bytes with what the first and last bursts of runs waste on average
}

// traffic walks the tiles of a tiling. A box that the previous tile read is
// there already.
func (n *nest) traffic(v *tiling, l *layout, burst int) nestTraffic {
	total := nestTraffic{channels: v.channels, rows: v.rows, columns: v.columns}
	var previous box
	for _, c := range split(n.output.Channels, v.channels) {
		for _, h := range split(n.output.Rows, v.rows) {
			for _, w := range split(n.output.Columns, v.columns) {
				b := n.inputBox(box{c.start, c.size, h.start, h.size, w.start, w.size}).aligned(l)
				if b == previous {
					continue
				}
				previous = b
				total.largest.c = max(total.largest.c, b.c)
				total.largest.h = max(total.largest.h, b.h)
				total.largest.w = max(total.largest.w, b.w)
				total.boxes++
				total.bytes += b.burstBytes(l, burst)
			}
		}
	}
	return total
}

// burstBytes is what a box of whole channel blocks moves, with what the first
// and the last burst of each run waste on average over all places that its
// origin, its extents and the strides of the tensor make possible.
func (b box) burstBytes(l *layout, burst int) int64 {
	blocks := ceilDivide(b.c, l.block)
	run, runs := b.w*l.pixelBytes(), blocks*b.h
	if b.w == l.columns {
		run, runs = run*b.h, blocks
	}
	if b.w == l.columns && b.h == l.rows {
		run, runs = run*blocks, 1
	}
	step := burst
	for _, n := range [...]int{run, l.offset(b.c0, b.h0, b.w0), l.rowStride(), l.blockStride()} {
		step = greatestCommonDivisor(step, n)
	}
	return int64(runs) * int64(run+burst-step)
}

// divisors of a number, rising.
func divisors(n int) []int {
	var low, high []int
	for d := 1; d*d <= n; d++ {
		if n%d == 0 {
			low = append(low, d)
			if d*d < n {
				high = append(high, n/d)
			}
		}
	}
	slices.Reverse(high)
	return append(low, high...)
}

func greatestCommonDivisor(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

func leastCommonMultiple(a, b int) int { return a / greatestCommonDivisor(a, b) * b }
