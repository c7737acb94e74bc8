package timing

import (
	"github.com/npusim/npusim/isa"
	"github.com/npusim/npusim/memsim/dram"
)

// result closes the books.
func (e *engine) result() *Result {
	r := &Result{Layers: e.layers, Timeline: e.timeline, Memory: e.memory.Counters()}
	for i := range e.layers {
		r.Cycles = max(r.Cycles, e.layers[i].End)
	}
	for u := range e.units {
		e.account(isa.Unit(u), r.Cycles, Finished)
		r.Causes[u] = e.units[u].causes
	}
	if m, ok := e.memory.(*dram.Memory); ok {
		r.Banks = &Banks{Standard: m.Standard(), Stats: m.Stats(e.time(r.Cycles))}
	}
	r.OverTime = e.overTime.finish(r.Cycles)
	if e.record != nil {
		r.Recording = e.record.Finish(r.Cycles)
		r.Recording.ClockMHz, r.Recording.MACsPerCycle = e.clockMHz, e.machine.Rows*e.machine.Columns
	}
	e.windows(r.Cycles)
	for i := range e.layers {
		r.Total.add(&e.layers[i].Work)
	}
	return r
}

// windows turns completion times into windows that follow one another, and
// attributes each cycle of a window.
func (e *engine) windows(total int64) {
	var walkers [isa.NumUnits]int
	previous := int64(0)
	for i := range e.layers {
		l := &e.layers[i]
		l.Start = previous
		l.End = max(l.End, previous)
		if i == len(e.layers)-1 {
			l.End = total
		}
		previous = l.End
		e.attribute(l, &walkers)
	}
}

// attribute splits a window at every start and end of activity inside it.
func (e *engine) attribute(l *Layer, walkers *[isa.NumUnits]int) {
	for at := l.Start; at < l.End; {
		next := l.End
		var active [isa.NumUnits]bool
		var overhead [isa.NumUnits]bool
		for u := range e.timeline {
			line := e.timeline[u]
			for walkers[u] < len(line) && line[walkers[u]].End <= at {
				walkers[u]++
			}
			if walkers[u] == len(line) {
				continue
			}
			if i := line[walkers[u]]; i.Start > at {
				next = min(next, i.Start)
			} else {
				active[u] = true
				overhead[u] = i.Overhead
				next = min(next, i.End)
			}
		}
		bound := LatencyBound
		switch {
		case active[isa.MACArray] && !overhead[isa.MACArray]:
			bound = ArrayBound
		case active[isa.LookupGEMM] && !overhead[isa.LookupGEMM]:
			bound = LookupBound
		case active[isa.VectorUnit]:
			bound = VectorBound
		case active[isa.MACArray] || active[isa.LookupGEMM] || active[isa.TableBuilder]:
			bound = PipelineBound
		case active[isa.LoadDMA] || active[isa.StoreDMA]:
			bound = DRAMBound
		}
		l.ByBound[bound] += next - at
		at = next
	}
}
