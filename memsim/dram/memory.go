package dram

import (
	"github.com/npusim/npusim/memsim"
)

// Limits of a Memory.
const (
	// maxRequests is what is accepted and not complete at most: two DMA units
	// with 4096 requests each and as much again. The requesters are to run out
	// of requests first, not the memory.
	maxRequests  = 4 * 4096
	stagedBursts = 128 // per channel, between the splitter and the controller
)

// Memory is a memsim.Memory on top of one controller per channel.
//
// A request is cut into bursts, which go to their channels in order; each
// channel takes them at no more than its peak bandwidth, starting at the clock
// edge after the request was submitted. A read is complete when the last burst
// has returned, a write when the last burst is in the devices. A read that is
// forwarded from a write buffer and a write that is merged in one count as
// moved, though the devices do not see them.
type Memory struct {
	standard *Standard
	config   Controller
	mapper   *Mapper
	places   *places            // by it
	clock    memsim.Picoseconds // length
	burst    uint               // bits of a burst's bytes
	channels []memoryChannel

	slots     []memoryRequest // grows to maxRequests
	free      []int32         // unused slots
	queue     line[int32]     // slots whose bursts are not all staged, in order
	submitted uint64
	stepped   Clock              // all clocks up to here were simulated
	now       memsim.Picoseconds // latest time of Submit and Advance
	// The requests that are ready; a list per direction, as reads alone are
	// delayed by the way back.
	reads, writes readyList
	counters      memsim.Counters
	bursts        int64
	unwritten     int // write requests that are not all scheduled

	// A channel takes a burst every interval clocks, or several per clock.
	interval Clock
	perClock int
}

// memoryRequest is a request in flight.
type memoryRequest struct {
	id         uint64
	order      uint64 // of submission
	next       uint64 // number of the next burst to stage
	unstaged   int64  // bursts
	unfinished int64  // bursts
	last       Clock  // completion of the latest burst so far
	from       Clock  // first clock at which a burst may be offered
	write      bool

	activates, bursts int32 // commands so far
}

// memoryChannel is a controller and the bursts on their way to it.
type memoryChannel struct {
	scheduler scheduler
	staged    [stagedBursts]stagedBurst // a ring
	head      int
	count     int
	wake      Clock
	accept    Clock // the next clock at which a burst may be offered
}

type stagedBurst struct {
	address Address
	number  uint64
	slot    int32
	write   bool
	from    Clock
}

// NewMemory returns a memory of so many channels of a standard (a power of
// two). With BankQueues a write buffer is drained to the last write, else
// writes would be left in flight.
func NewMemory(s *Standard, c Controller, channels int) (*Memory, error) {
	wide, err := s.WithChannels(channels)
	if err != nil {
		return nil, err
	}
	c.IdleWrites = 0
	c.ForwardClocks = max(c.ForwardClocks, s.Timing.Burst)
	m := &Memory{
		standard: wide, config: c, clock: memsim.Picoseconds(s.ClockPicoseconds),
		burst: uint(log2(s.Organization.BytesPerAccess())), stepped: -1, interval: s.Timing.Burst, perClock: 1,
	}
	if m.mapper, err = NewMapper(c.AddressMap, wide, c.HashBanks); err != nil {
		return nil, err
	}
	m.places = newPlaces(m.mapper, m.burst)
	if s.Organization.RanksAreIndependent {
		ranks := Clock(s.Organization.Ranks)
		m.perClock = int(max(ranks/s.Timing.Burst, 1))
		m.interval = max(s.Timing.Burst/ranks, 1)
	}
	m.channels = make([]memoryChannel, channels)
	for k := range m.channels {
		if m.channels[k].scheduler, err = newScheduler(wide, &m.config); err != nil {
			return nil, err
		}
		m.channels[k].scheduler.base().keepDone = true
	}
	return m, nil
}

var _ memsim.Memory = (*Memory)(nil)

// SetLog has every command reported in order of issue per channel.
func (m *Memory) SetLog(log func(channel int, cmd Command, a Address, at Clock)) {
	for k := range m.channels {
		m.channels[k].scheduler.base().log = func(cmd Command, a Address, at Clock) {
			a.Channel = int32(k)
			log(k, cmd, a, at)
		}
	}
}

// span is the first burst of a request and their number.
func (m *Memory) span(r memsim.Request) (first uint64, bursts int64) {
	if r.Bytes == 0 {
		return r.Address >> m.burst, 0
	}
	first = r.Address >> m.burst
	return first, int64((r.Address+uint64(r.Bytes)-1)>>m.burst-first) + 1
}

// Moved implements memsim.Memory: whole bursts.
func (m *Memory) Moved(r memsim.Request) int64 {
	_, bursts := m.span(r)
	return bursts << m.burst
}

// PeakBytesPerSecond implements memsim.Memory.
func (m *Memory) PeakBytesPerSecond() int64 {
	return m.standard.PeakBytesPerSecond() * int64(len(m.channels))
}

// Standard is what the memory was made from, with its number of channels.
func (m *Memory) Standard() *Standard { return m.standard }

// Counters implements memsim.Memory. BusyTime is the average of the channels.
func (m *Memory) Counters() memsim.Counters {
	c := m.counters
	perClock := int64(m.perClock) * int64(len(m.channels))
	c.BusyTime = memsim.Picoseconds(m.bursts) * memsim.Picoseconds(m.interval) * m.clock / memsim.Picoseconds(perClock)
	return c
}

// Stats sums up what the channels have seen and done until a time.
func (m *Memory) Stats(until memsim.Picoseconds) Stats {
	clocks := Clock(until / m.clock)
	total := Stats{ClockPicoseconds: m.standard.ClockPicoseconds, BytesPerAccess: m.standard.Organization.BytesPerAccess(),
		PeakBytesPerSec: m.PeakBytesPerSecond(), Cycles: clocks}
	for k := range m.channels {
		total.addChannel(k, m.channels[k].scheduler.base(), clocks)
	}
	total.Activity.Duration = clocks
	return total
}

// Submit implements memsim.Memory.
func (m *Memory) Submit(now memsim.Picoseconds, r memsim.Request) bool {
	slot, ok := m.takeSlot()
	if !ok {
		return false
	}
	m.simulate(now)
	first, bursts := m.span(r)
	if r.Write {
		m.counters.Writes++
		m.counters.WrittenBytes += bursts << m.burst
	} else {
		m.counters.Reads++
		m.counters.ReadBytes += bursts << m.burst
	}
	m.bursts += bursts
	m.submitted++
	from := Clock(now/m.clock) + 1
	m.slots[slot] = memoryRequest{
		id: r.ID, order: m.submitted, next: first, unstaged: bursts, unfinished: bursts, from: from, last: from, write: r.Write,
	}
	if r.Write {
		m.unwritten++
	}
	if bursts == 0 {
		m.complete(slot)
		return true
	}
	m.queue.push(slot)
	m.stage(from)
	return true
}

// takeSlot finds a slot for a request.
func (m *Memory) takeSlot() (int32, bool) {
	if n := len(m.free); n > 0 {
		slot := m.free[n-1]
		m.free = m.free[:n-1]
		return slot, true
	}
	if len(m.slots) == maxRequests {
		return 0, false
	}
	m.slots = append(m.slots, memoryRequest{})
	return int32(len(m.slots) - 1), true
}

// stage moves bursts to the channels, in order, as far as there is room.
// They may be offered from a clock on.
func (m *Memory) stage(from Clock) {
	for m.queue.len() > 0 {
		slot := *m.queue.first()
		r := &m.slots[slot]
		from := max(from, r.from)
		for r.unstaged > 0 {
			a := m.places.find(r.next)
			c := &m.channels[a.Channel]
			if c.count == stagedBursts {
				return
			}
			a.Channel = 0
			b := &c.staged[(c.head+c.count)%stagedBursts]
			b.address, b.number, b.slot, b.write, b.from = a, r.next, slot, r.write, from
			if c.count == 0 {
				c.wake = min(c.wake, max(from, c.accept))
			}
			c.count++
			r.next++
			r.unstaged--
		}
		m.queue.drop()
	}
}

// simulate runs all clocks up to a time.
func (m *Memory) simulate(at memsim.Picoseconds) {
	m.now = max(m.now, at)
	until := Clock(at / m.clock)
	if until <= m.stepped {
		return
	}
	for {
		now := forever
		for k := range m.channels {
			now = min(now, m.channels[k].wake)
		}
		if now > until {
			break
		}
		drained := false
		for k := range m.channels {
			if c := &m.channels[k]; c.wake <= now {
				if m.step(c, now) {
					drained = true
				}
			}
		}
		if drained && m.queue.len() > 0 {
			m.stage(now + 1)
		}
	}
	m.stepped = until
}

// step runs one clock of a channel and says whether it took bursts.
func (m *Memory) step(c *memoryChannel, now Clock) bool {
	taken := 0
	if now >= c.accept {
		for taken < m.perClock && c.count > 0 {
			b := &c.staged[c.head]
			if b.from > now || !c.scheduler.offer(now, &b.address, b.number, uint64(b.slot), b.write) {
				break
			}
			c.head = (c.head + 1) % stagedBursts
			c.count--
			taken++
		}
		if taken > 0 {
			c.accept = now + m.interval
		}
	}
	e := c.scheduler.base()
	if e.next <= now {
		c.scheduler.step(now)
	}
	c.wake = e.next
	if c.count > 0 {
		if b := &c.staged[c.head]; c.scheduler.room(b.write) {
			c.wake = min(c.wake, max(now+1, c.accept, b.from))
		}
	}
	for _, d := range e.done {
		slot := int32(d.id)
		r := &m.slots[slot]
		r.last = max(r.last, d.at)
		r.activates += d.activates
		r.bursts += d.bursts
		if r.unfinished--; r.unfinished == 0 {
			m.complete(slot)
		}
	}
	e.done = e.done[:0]
	return taken > 0
}

// complete puts a request in the list of those that are ready.
func (m *Memory) complete(slot int32) {
	r := &m.slots[slot]
	at := memsim.Picoseconds(r.last) * m.clock
	if r.write {
		m.unwritten--
		m.writes.insert(readyCompletion{at, r.order, slot})
		return
	}
	m.reads.insert(readyCompletion{at, r.order, slot})
}

// nextReady is the list whose first completion comes next, nil if none is
// settled.
func (m *Memory) nextReady() *readyList {
	switch {
	case m.reads.len() == 0 && m.writes.len() == 0:
		return nil
	case m.writes.len() == 0 || m.reads.len() > 0 && m.reads.first().before(m.writes.first()):
		return &m.reads
	}
	return &m.writes
}

// Next implements memsim.Memory. It is the next completion where that is
// settled, else a time before which there can be none; refused requests find
// room at completions.
func (m *Memory) Next() (memsim.Picoseconds, bool) {
	inFlight := len(m.slots) - len(m.free)
	if inFlight == 0 {
		return 0, false
	}
	edge := memsim.Picoseconds(m.stepped+1) * m.clock
	next := memsim.Picoseconds(forever)
	if l := m.nextReady(); l != nil {
		if next = l.first().at; next <= m.now {
			next = edge
		}
	}
	if unsettled := inFlight - m.reads.len() - m.writes.len(); unsettled > 0 {
		next = min(next, max(m.soonest(unsettled), edge))
	}
	return next, true
}

// soonest is a time before which none of the requests completes that are not
// settled: the next clock at which anything happens, the bursts that are to
// come at the rate of all channels, and the last burst. Where nothing is
// written, nothing is forwarded, so that the last burst comes from the devices.
func (m *Memory) soonest(unsettled int) memsim.Picoseconds {
	at := forever
	for k := range m.channels {
		at = min(at, m.channels[k].wake)
	}
	// A request outside the queue has nothing left to stage; where there is
	// none, the first of the queue is staged before all others.
	if m.queue.len() == unsettled {
		rate := int64(m.perClock) * int64(len(m.channels))
		at += Clock((m.slots[*m.queue.first()].unstaged-1)/rate) * m.interval
	}
	if m.unwritten == 0 {
		return memsim.Picoseconds(at+m.standard.ReadLatency()) * m.clock
	}
	return memsim.Picoseconds(at+m.standard.Timing.Burst) * m.clock
}

// Advance implements memsim.Memory.
func (m *Memory) Advance(now memsim.Picoseconds, done []memsim.Completion) []memsim.Completion {
	m.simulate(now)
	for l := m.nextReady(); l != nil && l.first().at <= now; l = m.nextReady() {
		c := *l.first()
		l.drop()
		r := &m.slots[c.slot]
		done = append(done, memsim.Completion{ID: r.id, Time: c.at, Activates: r.activates, Bursts: r.bursts})
		m.free = append(m.free, c.slot)
	}
	return done
}
