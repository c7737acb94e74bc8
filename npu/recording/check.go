package recording

import "fmt"

// mostCycles bounds the times of a Recording that is read from a file.
const mostCycles = 1 << 53

// Check tells the first rule that a Recording of a network with so many layers
// breaks. Those of a Builder break none.
func (r *Recording) Check(layers int) error {
	if r.Cycles < 0 || r.Cycles > mostCycles || r.ClockMHz < 1 || r.ClockMHz > 1_000_000 || r.MACsPerCycle < 0 {
		return fmt.Errorf("%d cycles at %d MHz with %d MACs a cycle", r.Cycles, r.ClockMHz, r.MACsPerCycle)
	}
	for i := range r.Tracks {
		if err := r.Tracks[i].check(r.Cycles, layers); err != nil {
			return fmt.Errorf("unit %s: %w", r.Tracks[i].Unit, err)
		}
	}
	if len(r.Links) > MostLinks {
		return fmt.Errorf("%d signals, must be at most %d", len(r.Links), MostLinks)
	}
	for i := range r.Links {
		l := &r.Links[i]
		if !r.holds(l.From) || !r.holds(l.To) {
			return fmt.Errorf("signal %d: from %+v to %+v, one of which is not there", i, l.From, l.To)
		}
		if l.Semaphore < 0 || l.Signalled < 0 || l.Taken < l.Signalled || l.Taken > r.Cycles || l.Held < 0 || l.Held > l.Taken {
			return fmt.Errorf("signal %d of semaphore %d: given at cycle %d, taken at %d after %d", i, l.Semaphore, l.Signalled, l.Taken, l.Held)
		}
	}
	for i := range r.Memory {
		if err := r.Memory[i].check(r.Cycles, layers); err != nil {
			return fmt.Errorf("%s: %w", r.Memory[i].Name, err)
		}
	}
	return nil
}

func (r *Recording) holds(p Place) bool {
	return p.Track >= 0 && p.Track < len(r.Tracks) && p.Span >= 0 && p.Span < len(r.Tracks[p.Track].Spans)
}

func (t *Track) check(cycles int64, layers int) error {
	if len(t.Spans) > MostSpans {
		return fmt.Errorf("%d spans, must be at most %d", len(t.Spans), MostSpans)
	}
	end := int64(0)
	for i := range t.Spans {
		s := &t.Spans[i]
		c := &s.Cycles
		switch {
		case s.Kind != Operation && s.Kind != Wait:
			return fmt.Errorf("span %d is neither an operation nor a wait", i)
		case s.Start != end || s.End < s.Start || s.End > cycles:
			return fmt.Errorf("span %d goes from cycle %d to %d, must begin at %d and end at %d at the latest", i, s.Start, s.End, end, cycles)
		case s.Begun < 0 || s.Begun > s.Start:
			return fmt.Errorf("span %d begins at cycle %d, its operation at %d", i, s.Start, s.Begun)
		case s.Layer >= layers || s.Layer < 0 && (s.Kind == Operation || s.Layer != -1):
			return fmt.Errorf("span %d is of layer %d, there are %d", i, s.Layer, layers)
		case min(c.Busy, c.Fill, c.Drain, c.Bank, c.DRAM, c.Semaphore) < 0 || max(c.Busy, c.Fill, c.Drain, c.Bank, c.DRAM, c.Semaphore) > s.Length() || c.Sum() != s.Length():
			return fmt.Errorf("span %d: its cycles by cause are not those from %d to %d", i, s.Start, s.End)
		case min(s.Ports.ActivationRead, s.Ports.ActivationWritten, s.Ports.WeightRead, s.Ports.WeightWritten) < 0 || s.Bytes < 0 || s.MACs < 0 || s.Descriptor < 0 || s.Semaphore < 0 || s.Joined < 0:
			return fmt.Errorf("span %d has a negative count", i)
		}
		end = s.End
	}
	return nil
}

func (p *Scratchpad) check(cycles int64, layers int) error {
	if len(p.Blocks) > MostBlocks || len(p.Levels) > MostLevels {
		return fmt.Errorf("%d blocks and %d levels, must be at most %d and %d", len(p.Blocks), len(p.Levels), MostBlocks, MostLevels)
	}
	if p.Allocated < 0 || p.Interval < 0 {
		return fmt.Errorf("%d bytes, levels every %d cycles", p.Allocated, p.Interval)
	}
	for i := range p.Blocks {
		b := &p.Blocks[i]
		if b.Low < 0 || b.Low >= b.High || b.High > p.Allocated || b.From < 0 || b.From >= b.To || b.To > cycles || b.Layer < 0 || b.Layer >= layers {
			return fmt.Errorf("block %d holds bytes %d to %d of %d from cycle %d to %d of %d for layer %d of %d", i, b.Low, b.High, p.Allocated, b.From, b.To, cycles, b.Layer, layers)
		}
	}
	next := int64(0)
	for i, l := range p.Levels {
		if l.Cycle < next || l.Cycle > cycles || l.Bytes < 0 || l.Bytes > p.Allocated {
			return fmt.Errorf("level %d is %d bytes of %d at cycle %d, the one before at %d", i, l.Bytes, p.Allocated, l.Cycle, next-1)
		}
		next = l.Cycle + 1
	}
	return nil
}
