package recording

// track grows the spans of a unit.
type track struct {
	spans  []Span
	joined int64
}

// coarsen joins neighbours and tells the new number of each span. Waits join
// what is beside them, operations others of their layer; if that does not help
// enough, everything joins.
func (t *track) coarsen() (number []int) {
	before := len(t.spans)
	number = t.join(func(a, b *Span) bool { return a.Kind == Wait || b.Kind == Wait || a.Layer == b.Layer })
	if 4*len(t.spans) > 3*before {
		again := t.join(func(_, _ *Span) bool { return true })
		for i := range number {
			number[i] = again[number[i]]
		}
	}
	return number
}

// join joins neighbours two by two where they may.
func (t *track) join(may func(a, b *Span) bool) (number []int) {
	number = make([]int, len(t.spans))
	kept := 0
	for i := 0; i < len(t.spans); i++ {
		span := t.spans[i]
		number[i] = kept
		if i+1 < len(t.spans) && may(&span, &t.spans[i+1]) {
			i++
			number[i] = kept
			span.absorb(&t.spans[i])
			t.joined++
		}
		t.spans[kept] = span
		kept++
	}
	t.spans = t.spans[:kept]
	return number
}

// absorb adds the span after this one.
func (s *Span) absorb(next *Span) {
	joined := *s
	if next.Kind == Operation && (s.Kind == Wait || next.Length() > s.Length()) {
		joined = *next
	}
	joined.Start, joined.End, joined.Begun = s.Start, next.End, min(s.Begun, next.Begun)
	joined.Cycles = s.Cycles
	joined.Cycles.Add(&next.Cycles)
	joined.Bytes, joined.MACs = s.Bytes+next.Bytes, s.MACs+next.MACs
	joined.Ports = s.Ports
	joined.Ports.add(&next.Ports)
	joined.Joined = s.Joined + next.Joined + 1
	*s = joined
}
