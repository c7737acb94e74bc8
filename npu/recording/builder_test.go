package recording

import (
	"math/rand/v2"
	"testing"
)

// TestLongRunsStayBounded: many more operations than are kept, on two units
// that hand work to each other.
func TestLongRunsStayBounded(t *testing.T) {
	const operations = 5 * MostSpans
	b := &Builder{}
	b.AddTrack("first")
	b.AddTrack("second")
	b.AddSemaphore(0, 1, 1)
	b.AddScratchpad("buffer", 1<<20)
	r := rand.New(rand.NewPCG(1, 2))
	var now, second, layer int64
	var want [2]Cycles
	for i := range int64(operations) {
		if r.IntN(20) == 0 {
			layer++
		}
		length := r.Int64N(9) + 1
		b.Begin(0, 0)
		b.Add(0, Span{Kind: Operation, Start: now, Begun: now, End: now + length, Layer: int(layer), Opcode: "load", Bytes: length, Cycles: Cycles{Busy: length}})
		want[0].Busy += length
		now += length
		b.Write(0, i%1000*8, i%1000*8+8, now, now+1, int(layer), "weights")
		b.Block(0, second)
		b.Signal(0, now)
		b.Take(0, now)
		if second < now {
			b.Add(1, Span{Kind: Wait, Start: second, Begun: second, End: now, Layer: -1, Cycles: Cycles{DRAM: now - second}})
			want[1].DRAM += now - second
			second = now
		}
		b.Begin(1, 0)
		b.Add(1, Span{Kind: Operation, Start: second, Begun: second, End: second + 1, Layer: int(layer), Opcode: "table", MACs: 3, Cycles: Cycles{Fill: 1}})
		want[1].Fill++
		second++
	}
	rec := b.Finish(second)
	rec.ClockMHz = 1000
	if err := rec.Check(int(layer) + 1); err != nil {
		t.Fatal(err)
	}
	var bytes, macs, spans, joined int64
	for i := range rec.Tracks {
		var sum Cycles
		var end int64
		if n := len(rec.Tracks[i].Spans); n > MostSpans || n < MostSpans/3 {
			t.Fatalf("%d spans on track %d, at most %d are kept", n, i, MostSpans)
		}
		for _, s := range rec.Tracks[i].Spans {
			if s.Start != end || s.Cycles.Sum() != s.Length() || s.Begun > s.Start {
				t.Fatalf("track %d: %+v after %d", i, s, end)
			}
			end = s.End
			sum.Add(&s.Cycles)
			bytes, macs, joined, spans = bytes+s.Bytes, macs+s.MACs, joined+int64(s.Joined), spans+1
		}
		if sum != want[i] {
			t.Fatalf("track %d sums to %+v, want %+v", i, sum, want[i])
		}
	}
	if bytes != want[0].Busy || macs != 3*operations || joined != rec.Joined || spans+joined < 2*operations {
		t.Fatalf("%d bytes, %d MACs, %d spans and %d joined (%d)", bytes, macs, spans, joined, rec.Joined)
	}
	if len(rec.Links) != MostLinks || rec.LinksLeftOut == 0 {
		t.Fatalf("%d links, %d left out", len(rec.Links), rec.LinksLeftOut)
	}
	for _, l := range rec.Links {
		from, to := rec.Tracks[0].Spans[l.From.Span], rec.Tracks[1].Spans[l.To.Span]
		if from.Begun > l.Signalled || l.Taken > to.End || l.Held < 0 {
			t.Fatalf("link %+v from %+v to %+v", l, from, to)
		}
	}
	pad := rec.Memory[0]
	if len(pad.Blocks) > MostBlocks || rec.BlocksLeftOut == 0 || len(pad.Levels) > MostLevels || pad.Interval == 0 {
		t.Fatalf("%d blocks, %d left out, %d levels every %d cycles", len(pad.Blocks), rec.BlocksLeftOut, len(pad.Levels), pad.Interval)
	}
}

// TestMemoryMapAgainstBytes follows every byte on its own: its life begins with
// a write and lasts to the last use, before the next write, of what was written
// with it.
func TestMemoryMapAgainstBytes(t *testing.T) {
	const bytes, cycles = 40, 60
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 3))
		m := newMemoryMap(bytes)
		type life struct {
			from, to int64
			layer    int
			used     bool
		}
		var live [bytes]*life
		var want, got [bytes][cycles]int // layer + 1 of what is live, 0 for nothing
		end := func(l *life, address int64) {
			for c := l.from; c < l.to; c++ {
				want[address][c] = l.layer + 1
			}
		}
		for now := int64(0); now < cycles-4; now += r.Int64N(3) {
			low := r.Int64N(bytes)
			high := min(low+r.Int64N(12)+1, bytes)
			until := now + 1 + r.Int64N(3)
			read, layer := r.IntN(3) > 0, r.IntN(2)
			if read {
				m.use(low, high, until, true)
			} else {
				m.write(low, high, now, until, layer, "x")
			}
			if !read { // a write cuts what lies across its ends
				for _, cut := range []int64{low, high} {
					if cut > 0 && cut < bytes && live[cut] != nil && live[cut] == live[cut-1] {
						rest, part := live[cut], *live[cut]
						for a := cut; a < bytes && live[a] == rest; a++ {
							live[a] = &part
						}
					}
				}
			}
			fresh := [bytes + 1]*life{} // by the byte before which it is written anew
			for a := low; a < high; a++ {
				l := live[a]
				switch {
				case read && l != nil:
					l.to, l.used = max(l.to, until), true
				case read:
				case l != nil && !l.used && l.layer == layer:
					l.to = max(l.to, until)
				default:
					if l != nil {
						l.to = min(l.to, now)
						end(l, a)
					}
					if fresh[a] == nil {
						fresh[a] = &life{from: now, to: until, layer: layer}
					}
					live[a], fresh[a+1] = fresh[a], fresh[a]
				}
			}
		}
		for a, l := range live {
			if l != nil {
				end(l, int64(a))
			}
		}
		blocks := m.finish(MostBlocks)
		for _, b := range blocks {
			for a := b.Low; a < b.High; a++ {
				for c := b.From; c < b.To; c++ {
					if got[a][c] != 0 {
						t.Fatalf("seed %d: byte %d at cycle %d belongs to two blocks", seed, a, c)
					}
					got[a][c] = b.Layer + 1
				}
			}
		}
		if got != want {
			t.Fatalf("seed %d: blocks %+v", seed, blocks)
		}
		list, _ := levels(blocks, cycles)
		for k, l := range list {
			next := int64(cycles)
			if k+1 < len(list) {
				next = list[k+1].Cycle
			}
			for c := l.Cycle; c < next; c++ {
				var sum int64
				for a := range got {
					sum += int64(min(got[a][c], 1))
				}
				if sum != l.Bytes {
					t.Fatalf("seed %d: %d bytes live at cycle %d, level %+v", seed, sum, c, l)
				}
			}
		}
	}
}

// TestManySegments: a scratchpad in shreds is followed coarsely.
func TestManySegments(t *testing.T) {
	const end = 1 << 20
	m := newMemoryMap(end)
	for round := range int64(3) {
		for i := range int64(4 * mostSegments) {
			m.write(i*16%end, i*16%end+3, round*1000000+i, round*1000000+i+1, int(i), "x")
		}
	}
	if len(m.segments) > 2*mostSegments || m.grain == 1 {
		t.Fatalf("%d segments with grain %d", len(m.segments), m.grain)
	}
	for i := 1; i < len(m.segments); i++ {
		if m.segments[i].Low < m.segments[i-1].High || m.segments[i].High <= m.segments[i].Low {
			t.Fatalf("segments %+v and %+v", m.segments[i-1], m.segments[i])
		}
	}
}
