package reports

import (
	"cmp"
	"math"
	"slices"

	"github.com/npusim/npusim/npu/evaluate"
	"github.com/npusim/npusim/npu/recording"
	"github.com/npusim/npusim/reports/page"
)

// What the page draws at most, so that it stays small however long the run was.
// Spans are bounded by the recording.
const (
	pageLinks      = 4000
	pageBlocks     = 6000 // of a scratchpad
	pageLayers     = 20_000
	pageStretches  = 512
	pageNameLength = 200 // runes
)

// pageData gathers what the charts draw.
func pageData(r *evaluate.Result) page.Data {
	m := machineOf(r)
	d := page.Data{Cycles: r.Timing.Cycles, MACsPerCycle: m.cells(), BytesPerCycle: m.peak, Layers: []page.Layer{}}
	if r.Timing.Cycles > 0 {
		d.NSPerCycle = nsPerCycle(r)
	}
	start := int64(0)
	for i := range r.Layers[:min(len(r.Layers), pageLayers)] {
		l := &r.Layers[i]
		layer := page.Layer{
			Name: Shorten(printable(l.Name), pageNameLength), Op: Shorten(shortOperator(printable(l.Op)), pageNameLength), Start: start, Cycles: l.Cycles, MACs: l.MACs,
			Bytes: l.DRAMReadBytes + l.DRAMWriteBytes, Bound: boundName(l.Bound), Color: pageColor(l.Bound),
		}
		if q := l.SQNRDB; q != nil && !math.IsInf(*q, 0) && !math.IsNaN(*q) {
			layer.SQNR = q
		}
		d.Layers = append(d.Layers, layer)
		start += l.Cycles
	}
	d.Traffic = pageTraffic(r)
	if r.Recording != nil {
		recorded(&d, r)
	}
	return d
}

func pageTraffic(r *evaluate.Result) *page.Traffic {
	if !hasTraffic(r) {
		return nil
	}
	steps := trafficOf(r, pageStretches)
	t := &page.Traffic{}
	for _, edge := range steps.edges {
		t.Edges = append(t.Edges, int64(edge))
	}
	for c, class := range steps.classes {
		var sum float64
		bytes := make([]int64, len(steps.byClass[c]))
		for i, b := range steps.byClass[c] {
			bytes[i] = int64(b)
			sum += b
		}
		if sum > 0 {
			t.Names, t.Color, t.Bytes = append(t.Names, printable(class)), append(t.Color, pageColor(class)), append(t.Bytes, bytes)
		}
	}
	return t
}

// trackColors are the palette's keys of the units that compute.
var trackColors = map[string]string{"mac": "mac", "vector": "vector", "lookup_gemm": "lookup", "table_builder": "masks"}

// names numbers words in the order in which they come.
type names struct {
	list   []string
	number map[string]int64
}

func (n *names) of(word string) int64 {
	if n.number == nil {
		n.number = map[string]int64{}
	}
	if i, ok := n.number[word]; ok {
		return i
	}
	i := int64(len(n.list))
	n.list, n.number[word] = append(n.list, printable(word)), i
	return i
}

// recorded adds what a recording knows: units, signals and memory maps.
func recorded(d *page.Data, r *evaluate.Result) {
	rec := r.Recording
	var operations, classes names
	if d.MACsPerCycle == 0 {
		d.MACsPerCycle = float64(rec.MACsPerCycle)
	}
	for i := range rec.Tracks {
		t := &rec.Tracks[i]
		track := page.Track{Unit: printable(unitName(t.Unit)), Color: trackColors[t.Unit], Spans: make([]int64, 0, page.SpanFields*len(t.Spans))}
		previous := int64(0)
		for k := range t.Spans {
			s := &t.Spans[k]
			operation, detail, amount := int64(-1), int64(-1), s.MACs
			switch {
			case s.Kind == recording.Wait:
				detail = int64(s.Semaphore)
			case s.Class != "":
				operation, detail, amount = operations.of(s.Opcode), classes.of(s.Class), s.Bytes
			default:
				operation = operations.of(s.Opcode)
			}
			c := &s.Cycles
			track.Spans = append(track.Spans, s.Start-previous, s.Length(), int64(s.Layer), operation, detail, amount,
				c.Fill, c.Drain, c.Bank, c.DRAM, c.Semaphore, int64(s.Joined))
			previous = s.End
		}
		d.Tracks = append(d.Tracks, track)
	}
	d.Links = heldLinks(rec)
	for i := range rec.Memory {
		if len(rec.Memory[i].Blocks) == 0 && rec.Memory[i].Allocated == 0 {
			continue // not used by this program
		}
		d.Scratchpads = append(d.Scratchpads, scratchpad(&rec.Memory[i], r, &classes))
	}
	d.Operations, d.Classes = operations.list, classes.list
}

// heldLinks are the signals that somebody waited for, those that held up most
// if there are too many, in the order of time.
func heldLinks(rec *recording.Recording) []int64 {
	var held []recording.Link
	for _, l := range rec.Links {
		if l.Held > 0 {
			held = append(held, l)
		}
	}
	if len(held) > pageLinks {
		slices.SortStableFunc(held, func(a, b recording.Link) int { return cmp.Compare(b.Held, a.Held) })
		held = held[:pageLinks]
		slices.SortStableFunc(held, func(a, b recording.Link) int { return cmp.Compare(a.Taken, b.Taken) })
	}
	list := make([]int64, 0, page.LinkFields*len(held))
	for _, l := range held {
		list = append(list, int64(l.From.Track), l.Signalled, int64(l.To.Track), l.Taken, l.Held, int64(l.Semaphore))
	}
	return list
}

// scratchpad is a memory map: the blocks of most bytes times cycles.
func scratchpad(s *recording.Scratchpad, r *evaluate.Result, classes *names) page.Scratchpad {
	p := page.Scratchpad{Name: spaced(printable(s.Name)), Capacity: max(r.Scratchpad.CapacityBytes[s.Name], s.Allocated, 1), Levels: []int64{}, Blocks: []int64{}}
	for _, level := range s.Levels {
		p.Levels = append(p.Levels, level.Cycle, level.Bytes)
	}
	blocks := s.Blocks
	if len(blocks) > pageBlocks {
		area := func(b *recording.Block) int64 { return (b.High - b.Low) * (b.To - b.From) }
		blocks = slices.Clone(blocks)
		slices.SortStableFunc(blocks, func(a, b recording.Block) int { return cmp.Compare(area(&b), area(&a)) })
		p.LeftOut = int64(len(blocks) - pageBlocks)
		blocks = blocks[:pageBlocks]
		slices.SortStableFunc(blocks, func(a, b recording.Block) int { return cmp.Compare(a.From, b.From) })
	}
	for i := range blocks {
		b := &blocks[i]
		p.Blocks = append(p.Blocks, b.Low, b.High-b.Low, b.From, b.To-b.From, int64(b.Layer), classes.of(b.Class))
	}
	return p
}
