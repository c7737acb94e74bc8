package recording

import (
	"cmp"
	"slices"
)

// mostSegments bounds the partition of a scratchpad into what lies in it.
const mostSegments = 1 << 12

// segment is a range of addresses with data that has not been overwritten.
type segment struct {
	Block
	used bool // it has been read; To is the end of the last use so far
}

// memoryMap follows the contents of one scratchpad.
type memoryMap struct {
	segments []segment // by address, apart from one another
	blocks   []Block   // overwritten
	scratch  []segment // reused
	end      int64     // the highest address in use
	grain    int64     // addresses are rounded outwards to multiples of it
	leftOut  int64
}

func newMemoryMap(end int64) *memoryMap { return &memoryMap{end: end, grain: 1} }

// bounds rounds an interval outwards.
func (m *memoryMap) bounds(low, high int64) (int64, int64) {
	rounded := (high + m.grain - 1) / m.grain * m.grain
	return low - low%m.grain, max(high, min(rounded, m.end))
}

// find is the first segment that ends after an address.
func (m *memoryMap) find(low int64) int {
	at, _ := slices.BinarySearchFunc(m.segments, low, func(s segment, low int64) int {
		if s.High <= low {
			return -1
		}
		return 1
	})
	return at
}

// use notes that an interval is needed until a cycle; read tells a reader from
// the end of a write.
func (m *memoryMap) use(low, high, until int64, read bool) {
	low, high = m.bounds(low, high)
	for i := m.find(low); i < len(m.segments) && m.segments[i].Low < high; i++ {
		s := &m.segments[i]
		s.To = max(s.To, until)
		s.used = s.used || read
	}
}

// write puts data into an interval from a cycle on; until is the end of the
// write, as far as it is known. Data of the same layer that nobody has read yet
// is the same tensor, written piece by piece.
func (m *memoryMap) write(low, high, from, until int64, layer int, class string) {
	low, high = m.bounds(low, high)
	fresh := segment{Block: Block{Low: low, High: high, From: from, To: until, Layer: layer, Class: class}}
	first := m.find(low)
	last := first
	pieces := m.scratch[:0]
	at := low // up to here the interval is covered by pieces
	add := func(s segment) {
		if s.High > s.Low {
			pieces = append(pieces, s)
		}
	}
	part := func(s segment, low, high int64) segment {
		s.Low, s.High = low, high
		return s
	}
	for ; last < len(m.segments) && m.segments[last].Low < high; last++ {
		s := m.segments[last]
		if s.Low < low {
			add(part(s, s.Low, low))
		}
		inside := part(s, max(s.Low, low), min(s.High, high))
		if !s.used && s.Layer == layer && s.Class == class {
			add(part(fresh, at, inside.Low))
			inside.To = max(inside.To, until)
			add(inside)
			at = inside.High
		} else {
			inside.To = min(inside.To, from)
			m.close(inside.Block)
		}
		if s.High > high {
			add(part(fresh, at, high))
			at = high
			add(part(s, high, s.High))
		}
	}
	add(part(fresh, at, high))
	m.scratch = pieces
	m.segments = slices.Replace(m.segments, first, last, pieces...)
	if len(m.segments) > mostSegments && m.grain < max(m.end, 2) {
		m.grain *= 2
	}
}

// close notes a block that is complete.
func (m *memoryMap) close(b Block) {
	if b.To <= b.From {
		return
	}
	m.blocks = append(m.blocks, b)
	if len(m.blocks) > 2*MostBlocks {
		m.compact(MostBlocks)
	}
}

// compact joins blocks that touch and live equally long, and leaves the
// smallest out if there are more than most.
func (m *memoryMap) compact(most int) {
	slices.SortFunc(m.blocks, func(a, b Block) int {
		return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To), cmp.Compare(a.Layer, b.Layer), cmp.Compare(a.Class, b.Class), cmp.Compare(a.Low, b.Low))
	})
	kept := m.blocks[:0]
	for _, b := range m.blocks {
		if n := len(kept); n > 0 {
			last := &kept[n-1]
			if last.High == b.Low && last.From == b.From && last.To == b.To && last.Layer == b.Layer && last.Class == b.Class {
				last.High = b.High
				continue
			}
		}
		kept = append(kept, b)
	}
	m.blocks = kept
	if len(kept) > most {
		slices.SortStableFunc(m.blocks, func(a, b Block) int { return cmp.Compare(b.area(), a.area()) })
		m.leftOut += int64(len(kept) - most)
		m.blocks = m.blocks[:most]
	}
}

// finish closes what is still there and gives the blocks in order.
func (m *memoryMap) finish(most int) []Block {
	for i := range m.segments {
		m.close(m.segments[i].Block)
	}
	m.segments = nil
	m.compact(most)
	slices.SortFunc(m.blocks, func(a, b Block) int { return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.Low, b.Low)) })
	return m.blocks
}

// levels is the number of bytes in use over time: every change, or the highest
// of each of MostLevels stretches if there are more, then with their length.
func levels(blocks []Block, cycles int64) (list []Level, interval int64) {
	changes := make([]Level, 0, 2*len(blocks))
	for i := range blocks {
		b := &blocks[i]
		changes = append(changes, Level{b.From, b.High - b.Low}, Level{b.To, b.Low - b.High})
	}
	slices.SortFunc(changes, func(a, b Level) int { return cmp.Or(cmp.Compare(a.Cycle, b.Cycle), cmp.Compare(a.Bytes, b.Bytes)) })
	list = append(list, Level{})
	for _, c := range changes {
		last := &list[len(list)-1]
		if last.Cycle == c.Cycle {
			last.Bytes += c.Bytes
		} else {
			list = append(list, Level{c.Cycle, last.Bytes + c.Bytes})
		}
	}
	list = slices.CompactFunc(list, func(a, b Level) bool { return a.Bytes == b.Bytes })
	if len(list) <= MostLevels {
		return list, 0
	}
	interval = (cycles + MostLevels - 1) / MostLevels
	stretches := make([]Level, 0, MostLevels)
	next, level := 0, int64(0)
	for start := int64(0); start < cycles; start += interval {
		highest := level
		for ; next < len(list) && list[next].Cycle < start+interval; next++ {
			if list[next].Cycle == start {
				highest = 0
			}
			level = list[next].Bytes
			highest = max(highest, level)
		}
		stretches = append(stretches, Level{start, highest})
	}
	return stretches, interval
}
