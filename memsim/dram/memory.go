package dram

import (
	"github.com/npusim/npusim/memsim"
)

// Limits of a Memory.
const (
	requestsInFlight = 64  // accepted and not complete
	stagedBursts     = 128 // per channel, between the splitter and the controller
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

	slots     [requestsInFlight]memoryRequest
	free      []int32 // unused slots
	queue     []int32 // slots whose bursts are not all staged, in order
	submitted uint64
	stepped   Clock // all clocks up to here were simulated
	ready     []readyCompletion
	counters  memsim.Counters
	bursts    int64
	writes    int // write requests that are not all scheduled

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

// readyCompletion is a request all of whose bursts are scheduled.
type readyCompletion struct {
	at    Clock
	order uint64
	slot  int32
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
		burst: log2Of(s.Organization.BytesPerAccess()), stepped: -1, interval: s.Timing.Burst, perClock: 1,
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
	for i := requestsInFlight - 1; i >= 0; i-- {
		m.free = append(m.free, int32(i))
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
	if len(m.free) == 0 {
		return false
	}
	m.simulate(Clock(now / m.clock))
	slot := m.free[len(m.free)-1]
	m.free = m.free[:len(m.free)-1]
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
		m.writes++
	}
	if bursts == 0 {
		m.complete(slot)
		return true
	}
	m.queue = append(m.queue, slot)
	m.stage(from)
	return true
}

// stage moves bursts to the channels, in order, as far as there is room.
// They may be offered from a clock on.
func (m *Memory) stage(from Clock) {
	for len(m.queue) > 0 {
		slot := m.queue[0]
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
		copy(m.queue, m.queue[1:])
		m.queue = m.queue[:len(m.queue)-1]
	}
}

// simulate runs all clocks up to a clock.
func (m *Memory) simulate(until Clock) {
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
		if drained && len(m.queue) > 0 {
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

// complete puts a request in the list of those that are ready, which is in
// order of time, then of submission.
func (m *Memory) complete(slot int32) {
	r := &m.slots[slot]
	if r.write {
		m.writes--
	}
	c := readyCompletion{r.last, r.order, slot}
	at := len(m.ready)
	m.ready = append(m.ready, c)
	for ; at > 0 && (m.ready[at-1].at > c.at || m.ready[at-1].at == c.at && m.ready[at-1].order > c.order); at-- {
		m.ready[at] = m.ready[at-1]
	}
	m.ready[at] = c
}

// Next implements memsim.Memory. It is the next completion where that is
// settled, else a time before which there can be none; refused requests find
// room at completions.
func (m *Memory) Next() (memsim.Picoseconds, bool) {
	if len(m.free) == requestsInFlight {
		return 0, false
	}
	next := forever
	if len(m.ready) > 0 {
		next = m.ready[0].at
	}
	if len(m.ready)+len(m.free) < requestsInFlight {
		next = min(next, m.soonest())
	}
	return memsim.Picoseconds(max(next, m.stepped+1)) * m.clock, true
}

// soonest is a clock before which no request completes that is not settled:
// the next clock at which anything happens, the bursts that are to come at the
// rate of all channels, and the last burst. Where nothing is written, nothing
// is forwarded, so that the last burst comes from the devices.
func (m *Memory) soonest() Clock {
	at := forever
	for k := range m.channels {
		at = min(at, m.channels[k].wake)
	}
	// A request outside the queue has nothing left to stage.
	if inFlight := requestsInFlight - len(m.free) - len(m.ready); len(m.queue) == inFlight {
		fewest := int64(1) << 62
		for _, slot := range m.queue {
			fewest = min(fewest, m.slots[slot].unstaged)
		}
		rate := int64(m.perClock) * int64(len(m.channels))
		at += Clock((fewest-1)/rate) * m.interval
	}
	if m.writes == 0 {
		return at + m.standard.ReadLatency()
	}
	return at + m.standard.Timing.Burst
}

// Advance implements memsim.Memory.
func (m *Memory) Advance(now memsim.Picoseconds, done []memsim.Completion) []memsim.Completion {
	m.simulate(Clock(now / m.clock))
	n := 0
	for n < len(m.ready) && memsim.Picoseconds(m.ready[n].at)*m.clock <= now {
		c := &m.ready[n]
		r := &m.slots[c.slot]
		done = append(done, memsim.Completion{
			ID: r.id, Time: memsim.Picoseconds(c.at) * m.clock, Activates: r.activates, Bursts: r.bursts,
		})
		m.free = append(m.free, c.slot)
		n++
	}
	if n > 0 {
		m.ready = m.ready[:copy(m.ready, m.ready[n:])]
	}
	return done
}
