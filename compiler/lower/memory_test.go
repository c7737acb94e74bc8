package lower

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/npusim/npusim/isa"
)

// TestPack: items that live at the same time share no byte, the peak is where
// the last one ends, and no less than what lives at once.
func TestPack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		items := make([]*item, rapid.IntRange(0, 40).Draw(t, "items"))
		for i := range items {
			first := rapid.IntRange(0, 20).Draw(t, "first")
			items[i] = &item{size: 64 * rapid.IntRange(0, 30).Draw(t, "size"), first: first, last: first + rapid.IntRange(0, 6).Draw(t, "life"), offset: -1}
		}
		peak, end, sum := pack(items), 0, 0
		for i, a := range items {
			if a.offset < 0 {
				t.Fatalf("item %d has no offset", i)
			}
			end, sum = max(end, a.offset+a.size), sum+a.size
			for _, b := range items[:i] {
				together := a.first <= b.last && b.first <= a.last
				if together && a.offset < b.offset+b.size && b.offset < a.offset+a.size && a.size > 0 && b.size > 0 {
					t.Fatalf("%+v and %+v overlap", *a, *b)
				}
			}
		}
		if peak != end || peak > sum {
			t.Fatalf("peak %d, the last item ends at %d, all together have %d", peak, end, sum)
		}
		for step := range 27 {
			live := 0
			for _, a := range items {
				if a.first <= step && step <= a.last {
					live += a.size
				}
			}
			if live > peak {
				t.Fatalf("%d bytes live in step %d, the peak is %d", live, step, peak)
			}
		}
	})
}

// TestPackReuses memory of items that are dead, and fills gaps.
func TestPackReuses(t *testing.T) {
	a, b, c := &item{size: 100, first: 0, last: 1}, &item{size: 60, first: 1, last: 3}, &item{size: 50, first: 2, last: 2}
	if peak := pack([]*item{a, b, c}); peak != 160 || a.offset != 0 || b.offset != 100 || c.offset != 0 {
		t.Errorf("peak %d, offsets %d, %d, %d", peak, a.offset, b.offset, c.offset)
	}
}

func drawLayout(t *rapid.T) layout {
	n := func(what string, low, high int) int { return rapid.IntRange(low, high).Draw(t, what) }
	return layout{channels: n("channels", 1, 40), rows: n("rows", 1, 6), columns: n("columns", 1, 6), block: 8 * n("block", 1, 3), bits: n("bits", 2, 8)}
}

// drawSpan draws a part of an axis.
func drawSpan(t *rapid.T, what string, extent int) span {
	start := rapid.IntRange(0, extent-1).Draw(t, what+" start")
	return span{start, rapid.IntRange(1, extent-start).Draw(t, what+" size")}
}

// TestTransferMovesTheBox: however runs are merged, the descriptor pairs every
// element of a box in DRAM with its byte in the scratchpad, and nothing else.
func TestTransferMovesTheBox(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := drawLayout(t)
		c, h, w := drawSpan(t, "channels", l.channels), drawSpan(t, "rows", l.rows), drawSpan(t, "columns", l.columns)
		b := box{c.start, c.size, h.start, h.size, w.start, w.size}.aligned(&l)
		// The scratchpad holds the box alone, or the whole tensor.
		extent := box{0, b.c, 0, b.h, 0, b.w}
		if rapid.Bool().Draw(t, "resident") {
			extent = box{0, l.channels, 0, l.rows, 0, l.columns}
		}
		tile := l.buffered(extent.c, extent.h, extent.w)
		p := place{block: l.block, pixelStride: l.pitch(), rowStride: tile.rowStride(), blockStride: tile.blockStride()}
		d := transfer(3, isa.ActivationClass, &l, b, &p)
		if err := d.Validate(); err != nil {
			t.Fatal(err)
		}
		type pair struct{ buffer, bit int }
		got := map[pair]bool{}
		groupBytes := isa.PackedBytes(int(d.Group), int(d.Bits))
		for block := range int(d.Blocks) {
			for row := range int(d.Rows) {
				for i := range int(d.Run) {
					at := pair{block*int(d.BufferBlockStride) + row*int(d.BufferRowStride) + i,
						8*(block*int(d.DRAMBlockStride)+row*int(d.DRAMRowStride)+i/int(d.Group)*groupBytes) + i%int(d.Group)*int(d.Bits)}
					if got[at] {
						t.Fatalf("%+v moves an element twice", d)
					}
					got[at] = true
				}
			}
		}
		count := 0
		origin := l.offset(b.c0, b.h0, b.w0)
		for k := range ceilDivide(b.c, l.block) {
			for h := range b.h {
				for w := range b.w {
					for i := range l.pitch() {
						at := pair{k*tile.blockStride() + h*tile.rowStride() + w*l.pitch() + i,
							8*(l.offset(b.c0+k*l.block, b.h0+h, b.w0+w)-origin) + i*l.bits}
						if !got[at] {
							t.Fatalf("%+v leaves out block %d row %d column %d element %d", d, k, h, w, i)
						}
						count++
					}
				}
			}
		}
		if count != len(got) {
			t.Fatalf("%+v moves %d elements, the box has %d", d, len(got), count)
		}
	})
}

// TestTransferMerges: a whole tensor is one run, whole rows are one run a block.
func TestTransferMerges(t *testing.T) {
	l := layout{channels: 40, rows: 5, columns: 7, block: 16, bits: 8}
	whole := l.buffered(40, 5, 7)
	p := place{block: 16, pixelStride: 16, rowStride: whole.rowStride(), blockStride: whole.blockStride()}
	if d := transfer(0, isa.ActivationClass, &l, box{0, 40, 0, 5, 0, 7}, &p); d.Run != 3*16*35 || d.Rows != 1 || d.Blocks != 1 {
		t.Errorf("a whole tensor: %+v", d)
	}
	if d := transfer(0, isa.ActivationClass, &l, box{0, 40, 1, 3, 0, 7}, &p); d.Run != 3*7*16 || d.Rows != 1 || d.Blocks != 3 {
		t.Errorf("whole rows: %+v", d)
	}
	if d := transfer(0, isa.ActivationClass, &l, box{0, 40, 1, 3, 0, 6}, &p); d.Run != 6*16 || d.Rows != 3 || d.Blocks != 3 {
		t.Errorf("part of rows: %+v", d)
	}
}

// TestPlaceWithin: the place of a part is where the whole holds it.
func TestPlaceWithin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := drawLayout(t)
		tile := l.buffered(l.channels, l.rows, l.columns)
		whole := place{offset: 1000, block: l.block, pixelStride: l.pitch(), rowStride: tile.rowStride(), blockStride: tile.blockStride()}
		origin := box{0, l.channels, 0, l.rows, 0, l.columns}
		c, h, w := drawSpan(t, "channels", l.channels), drawSpan(t, "rows", l.rows), drawSpan(t, "columns", l.columns)
		part := whole.within(origin, box{c.start, c.size, h.start, h.size, w.start, w.size})
		a, b := whole.view(), part.view()
		for _, e := range [][3]int{{0, 0, 0}, {c.size - 1, h.size - 1, w.size - 1}, {c.size / 2, h.size / 2, 0}} {
			want := int(whole.offset) + a.Offset(c.start+e[0], h.start+e[1], w.start+e[2])
			if got := int(part.offset) + b.Offset(e[0], e[1], e[2]); got != want {
				t.Fatalf("element %v of the part lies at %d, want %d", e, got, want)
			}
		}
	})
}
