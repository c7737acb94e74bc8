package recording

// Builder makes a Recording of events in the order of time. It numbers tracks,
// semaphores and scratchpads in the order in which they were added.
type Builder struct {
	names        []string
	tracks       []track
	latest       []int   // operation that each unit completed last, -1 before the first
	on           [][]int // semaphores that each unit waits for
	semaphores   []semaphore
	links        []Link
	linksLeftOut int64
	pads         []Scratchpad
	maps         []*memoryMap
}

// AddTrack adds a unit.
func (b *Builder) AddTrack(unit string) {
	b.names = append(b.names, unit)
	b.tracks = append(b.tracks, track{})
	b.latest = append(b.latest, -1)
	b.on = append(b.on, nil)
}

// AddSemaphore adds a semaphore between two tracks with its credits.
func (b *Builder) AddSemaphore(signaller, waiter int, initial uint32) {
	s := semaphore{signaller: signaller, waiter: waiter, blocked: -1}
	if initial > 0 {
		s.give(-1, 0, int64(initial))
	}
	b.on[waiter] = append(b.on[waiter], len(b.semaphores))
	b.semaphores = append(b.semaphores, s)
}

// AddScratchpad adds a scratchpad of which a program uses the bytes below
// allocated.
func (b *Builder) AddScratchpad(name string, allocated int64) {
	b.pads = append(b.pads, Scratchpad{Name: name, Allocated: allocated})
	b.maps = append(b.maps, newMemoryMap(allocated))
}

// Begin ties the waits that a unit has taken to the operation that begins now,
// the first of ahead operations whose spans are not there yet.
func (b *Builder) Begin(track, ahead int) {
	for _, i := range b.on[track] {
		s := &b.semaphores[i]
		if !s.linked {
			continue
		}
		s.linked = false
		s.link.To = Place{track, len(b.tracks[track].spans) + ahead}
		if b.links = append(b.links, s.link); len(b.links) > 2*MostLinks {
			b.thin(MostLinks)
		}
	}
}

func (b *Builder) thin(most int) {
	before := len(b.links)
	b.links = thin(b.links, most)
	b.linksLeftOut += int64(before - len(b.links))
}

// Add appends a span to a track: an operation that is complete at its end, or
// a wait. What has no length is left out if it is a wait.
func (b *Builder) Add(at int, s Span) {
	if s.Kind == Wait && s.End <= s.Start {
		return
	}
	t := &b.tracks[at]
	if s.Kind == Operation {
		b.latest[at] = len(t.spans)
	}
	if t.spans = append(t.spans, s); len(t.spans) > MostSpans {
		b.coarsen(at)
	}
}

// coarsen joins spans of a track and follows their numbers.
func (b *Builder) coarsen(at int) {
	t := &b.tracks[at]
	before := len(t.spans)
	number := t.coarsen()
	follow := func(span int) int {
		switch {
		case span < 0:
			return span
		case span < before:
			return number[span]
		}
		return span - before + len(t.spans) // not there yet
	}
	b.latest[at] = follow(b.latest[at])
	place := func(p *Place) {
		if p.Track == at {
			p.Span = follow(p.Span)
		}
	}
	for i := range b.links {
		place(&b.links[i].From)
		place(&b.links[i].To)
	}
	for i := range b.semaphores {
		s := &b.semaphores[i]
		if s.linked {
			place(&s.link.From)
		}
		if s.signaller == at {
			for k := s.head; k < len(s.pending); k++ {
				s.pending[k].span = follow(s.pending[k].span)
			}
		}
	}
}

// Signal notes that a semaphore is given after the operation that its
// signaller completed last.
func (b *Builder) Signal(semaphore int, cycle int64) {
	s := &b.semaphores[semaphore]
	s.give(b.latest[s.signaller], cycle, 1)
}

// Block notes that the waiter of a semaphore is held up.
func (b *Builder) Block(semaphore int, cycle int64) {
	if s := &b.semaphores[semaphore]; s.blocked < 0 {
		s.blocked = cycle
	}
}

// Take notes that the waiter of a semaphore takes it.
func (b *Builder) Take(number int, cycle int64) {
	s := &b.semaphores[number]
	signal := s.take()
	held := int64(0)
	if s.blocked >= 0 {
		held = cycle - s.blocked
		s.blocked = -1
	}
	if signal.span < 0 || s.linked && s.link.Held > held {
		return
	}
	s.linked = true
	s.link = Link{From: Place{s.signaller, signal.span}, Semaphore: number, Signalled: signal.cycle, Taken: cycle, Held: held}
}

// Write notes that bytes of a scratchpad are written from a cycle on, until
// another, as far as that is known.
func (b *Builder) Write(pad int, low, high, from, until int64, layer int, class string) {
	b.maps[pad].write(low, high, from, until, layer, class)
}

// Read notes that bytes are read until a cycle.
func (b *Builder) Read(pad int, low, high, until int64) { b.maps[pad].use(low, high, until, true) }

// Written notes that a write of bytes is complete.
func (b *Builder) Written(pad int, low, high, until int64) { b.maps[pad].use(low, high, until, false) }

// Finish gives the Recording, of a run of so many cycles. The Builder is of no
// use afterwards.
func (b *Builder) Finish(cycles int64) *Recording {
	b.thin(MostLinks)
	r := &Recording{Cycles: cycles, Links: b.links, LinksLeftOut: b.linksLeftOut, Memory: b.pads}
	for i := range b.tracks {
		r.Tracks = append(r.Tracks, Track{b.names[i], b.tracks[i].spans})
		r.Joined += b.tracks[i].joined
	}
	for i := range r.Memory {
		pad := &r.Memory[i]
		pad.Blocks = b.maps[i].finish(MostBlocks)
		pad.Levels, pad.Interval = levels(pad.Blocks, cycles)
		r.BlocksLeftOut += b.maps[i].leftOut
	}
	return r
}
