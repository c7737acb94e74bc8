package lower

import (
	"math/rand/v2"
	"testing"

	"github.com/npusim/npusim/compiler/integer"
	"github.com/npusim/npusim/compiler/integer/integertest"
)

// randomSizes draws tile extents that cut a nest.
func randomSizes(r *rand.Rand, n *nest, block int) (channels, rows, columns int) {
	draw := func(axis, unit int) int {
		limit := r.IntN(axisExtent(n.output, axis) + 1) // 0 is none
		list := n.sizes(axis, unit, limit)
		return list[r.IntN(len(list))]
	}
	return draw(0, block), draw(1, 1), draw(2, 1)
}

// randomTile draws one of the tiles of a nest.
func randomTile(r *rand.Rand, n *nest, block int) box {
	channels, rows, columns := randomSizes(r, n, block)
	pick := func(extent, size int) (int, int) {
		spans := split(extent, size)
		s := spans[r.IntN(len(spans))]
		return s.start, s.size
	}
	var b box
	b.c0, b.c = pick(n.output.Channels, channels)
	b.h0, b.h = pick(n.output.Rows, rows)
	b.w0, b.w = pick(n.output.Columns, columns)
	return b
}

// sources is the input index of every output element, in order.
func sources(a *integer.RearrangeAttributes, elements int) []int {
	list := make([]int, elements)
	for i := range list {
		rest := i
		for k := len(a.Dims) - 1; k >= 0; k-- {
			list[i] += rest % a.Dims[k] * a.InputStrides[k]
			rest /= a.Dims[k]
		}
	}
	return list
}

// TestNestTiles: the nest of a tile takes the elements that the whole nest
// takes there, and its input box holds them and is the smallest that does,
// except where loops together step over the end of a row or plane.
func TestNestTiles(t *testing.T) {
	networks := uint64(20000)
	if testing.Short() {
		networks = 3000
	}
	tiles, cut, tight := 0, 0, 0
	for seed := range networks {
		g := integertest.Random(seed, 1)
		node := &g.Nodes[0]
		if node.Kind != integer.Rearrange {
			continue
		}
		if err := g.Validate(); err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, g)
		}
		in, out := g.Tensors[node.Inputs[0]].Shape, g.Tensors[node.Output].Shape
		n := newNest(node.Rearrange, in, out)
		want := sources(node.Rearrange, out.Elements())
		r := rand.New(rand.NewPCG(seed, 12))
		block := []int{1, 8, 16}[r.IntN(3)]
		for range 4 {
			b := randomTile(r, n, block)
			d := n.tile(b)
			dims := integer.RearrangeAttributes{}
			for k, extent := range d.Dims {
				dims.Dims = append(dims.Dims, int(extent))
				dims.InputStrides = append(dims.InputStrides, int(d.InputStrides[k]))
			}
			elements := 1
			for _, extent := range d.Dims {
				elements *= int(extent)
			}
			if elements != b.c*b.h*b.w {
				t.Fatalf("seed %d: the loops %v of tile %+v walk %d elements\n%s", seed, d.Dims, b, elements, g)
			}
			got := sources(&dims, elements)
			var low, high [3]int
			for i, index := range got {
				index += int(d.Start)
				c, h, w := b.c0+i/(b.h*b.w), b.h0+i/b.w%b.h, b.w0+i%b.w
				if expected := want[(c*out.Rows+h)*out.Columns+w]; index != expected {
					t.Fatalf("seed %d: element (%d,%d,%d) of tile %+v comes from %d instead of %d\n%s", seed, c, h, w, b, index, expected, g)
				}
				for k, at := range [3]int{index / (in.Rows * in.Columns), index / in.Columns % in.Rows, index % in.Columns} {
					if i == 0 {
						low[k], high[k] = at, at
					}
					low[k], high[k] = min(low[k], at), max(high[k], at)
				}
			}
			from := n.inputBox(b)
			if !from.holds(low[0], low[1], low[2]) || !from.holds(high[0], high[1], high[2]) {
				t.Fatalf("seed %d: tile %+v reads %v to %v, its box is %+v\n%s", seed, b, low, high, from, g)
			}
			if from.c0 != low[0] || from.c != high[0]-low[0]+1 || from.h0+from.h > in.Rows || from.w0+from.w > in.Columns {
				t.Fatalf("seed %d: tile %+v reads %v to %v, its box is %+v\n%s", seed, b, low, high, from, g)
			}
			tiles++
			if elements < out.Elements() {
				cut++
			}
			if from == (box{low[0], high[0] - low[0] + 1, low[1], high[1] - low[1] + 1, low[2], high[2] - low[2] + 1}) {
				tight++
			}
		}
	}
	t.Logf("%d tiles, %d of them parts, %d smallest boxes", tiles, cut, tight)
	if cut*3 < tiles || tight*10 < tiles*9 {
		t.Errorf("of %d tiles only %d are parts of their tensor and %d have the smallest box", tiles, cut, tight)
	}
}

// TestNestSizes: the orders that networks use can be cut where they should.
func TestNestSizes(t *testing.T) {
	shape := func(c, h, w int) integer.Shape { return integer.Shape{Channels: c, Rows: h, Columns: w} }
	for _, test := range []struct {
		name            string
		dims, strides   []int
		input, output   integer.Shape
		axis            int
		unit, limit     int
		largest, within int // the first size; some size is at most within
	}{
		{"NHWC to NCHW, rows", []int{3, 50176}, []int{1, 3}, shape(224, 224, 3), shape(3, 224, 224), 1, 1, 0, 224, 1},
		{"NHWC to NCHW, columns", []int{3, 50176}, []int{1, 3}, shape(224, 224, 3), shape(3, 224, 224), 2, 1, 5, 5, 1},
		{"NCHW to NHWC, channels", []int{50176, 3}, []int{1, 50176}, shape(3, 224, 224), shape(224, 224, 3), 0, 16, 40, 32, 16},
		{"shuffle, channels", []int{80, 3, 3136}, []int{3136, 80 * 3136, 1}, shape(240, 56, 56), shape(240, 56, 56), 0, 16, 0, 240, 48},
		{"shuffle, rows", []int{80, 3, 3136}, []int{3136, 80 * 3136, 1}, shape(240, 56, 56), shape(240, 56, 56), 1, 1, 10, 10, 1},
		{"flatten after few channels", []int{3, 50176}, []int{1, 3}, shape(224, 224, 3), shape(150528, 1, 1), 0, 16, 0, 150528, 16},
		{"flatten in order", []int{1000}, []int{1}, shape(10, 10, 10), shape(1000, 1, 1), 0, 16, 100, 96, 16},
		{"uneven, channels", []int{7, 5, 6}, []int{30, 1, 5}, shape(7, 6, 5), shape(14, 5, 3), 0, 1, 9, 8, 2},
		{"uneven, rows", []int{7, 5, 6}, []int{30, 1, 5}, shape(7, 6, 5), shape(14, 5, 3), 1, 1, 1, 5, 5},
		{"uneven, columns", []int{7, 5, 6}, []int{30, 1, 5}, shape(7, 6, 5), shape(14, 5, 3), 2, 1, 1, 1, 1},
		{"nothing to cut", []int{7, 5, 6}, []int{30, 1, 5}, shape(7, 6, 5), shape(15, 2, 7), 0, 1, 1, 15, 15},
	} {
		n := newNest(&integer.RearrangeAttributes{Dims: test.dims, InputStrides: test.strides}, test.input, test.output)
		list := n.sizes(test.axis, test.unit, test.limit)
		if list[0] != test.largest || list[len(list)-1] > test.within {
			t.Errorf("%s: sizes %v, want %d down to at most %d", test.name, list, test.largest, test.within)
		}
	}
}

// TestNestTraffic: a channel shuffle cut by rows and a transpose cut by input
// channels load every byte once.
func TestNestTraffic(t *testing.T) {
	whole := layout{channels: 240, rows: 56, columns: 56, block: 16, bits: 8}
	n := newNest(&integer.RearrangeAttributes{Dims: []int{80, 3, 3136}, InputStrides: []int{3136, 80 * 3136, 1}}, whole.shape(), whole.shape())
	got := n.traffic(&tiling{channels: 240, rows: 5, columns: 56}, &whole, 1)
	if got.bytes != int64(whole.bytes()) || got.boxes != 12 || got.largest != (box{c: 240, h: 5, w: 56}) {
		t.Errorf("shuffle: %+v", got)
	}
	image := layout{channels: 224, rows: 224, columns: 3, block: 16, bits: 8}
	n = newNest(&integer.RearrangeAttributes{Dims: []int{3, 50176}, InputStrides: []int{1, 3}}, image.shape(), integer.Shape{Channels: 3, Rows: 224, Columns: 224})
	got = n.traffic(&tiling{channels: 3, rows: 32, columns: 224}, &image, 1)
	if got.bytes != int64(image.bytes()) || got.boxes != 7 || got.largest != (box{c: 32, h: 224, w: 3}) {
		t.Errorf("transpose: %+v", got)
	}
}
