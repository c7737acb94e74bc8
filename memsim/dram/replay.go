package dram

import (
	"errors"
	"io"
	"time"
)

// ReplayOptions are the choices of one replay.
type ReplayOptions struct {
	// Log, if not nil, is called with every command in order of issue per
	// channel.
	Log func(channel int, cmd Command, a Address, at Clock)

	everyClock bool // visit all clocks: the reference for tests
}

// replayBatch is the number of requests read from a trace at a time.
const replayBatch = 4096

// Replay runs a trace through one controller per channel of the standard. A
// request is offered at its clock or later, in order; while one is refused,
// it and all behind it wait. At most IssueWidth requests are offered per
// clock. The replay ends when every read has returned and every write was
// accepted; writes that wait in buffers then are counted as PendingWrites.
// Between the clocks at which something can happen the time jumps.
func Replay(s *Standard, c Controller, trace Trace, options ReplayOptions) (Stats, error) {
	began := time.Now()
	r, err := newReplay(s, &c, trace, &options)
	if err != nil {
		return Stats{}, err
	}
	if err := r.run(); err != nil {
		return Stats{}, err
	}
	stats := r.collect()
	stats.HostTime = time.Since(began)
	return stats, nil
}

// replay is the state of a Replay.
type replay struct {
	standard *Standard
	config   *Controller
	places   *places
	burst    uint // bits of a burst
	channels []scheduler
	engines  []*engine

	streamer *streamer // nil if it cannot be used

	trace      Trace
	batch      []TraceRequest
	head, tail int
	ended      error // io.EOF or the trace's fault, once it was read

	// The place of the next request, if it is mapped already.
	mapped  bool
	address Address
	number  uint64 // of the burst
	channel int32

	everyClock bool
	now        Clock
	accepted   Clock // clock of the last acceptance
	any        bool
}

func newReplay(s *Standard, c *Controller, trace Trace, options *ReplayOptions) (*replay, error) {
	mapper, err := NewMapper(c.AddressMap, s, c.HashBanks)
	if err != nil {
		return nil, err
	}
	r := &replay{
		standard: s, config: c, burst: uint(log2(s.Organization.BytesPerAccess())),
		trace: trace, batch: make([]TraceRequest, replayBatch), everyClock: options.everyClock,
	}
	for k := range int(s.Organization.Channels) {
		channel, err := newScheduler(s, c)
		if err != nil {
			return nil, err
		}
		if log := options.Log; log != nil {
			channel.base().log = func(cmd Command, a Address, at Clock) {
				a.Channel = int32(k)
				log(k, cmd, a, at)
			}
		}
		r.channels, r.engines = append(r.channels, channel), append(r.engines, channel.base())
	}
	r.places = newPlaces(mapper, r.burst)
	if len(r.channels) == 1 && !r.everyClock {
		r.streamer = newStreamer(r.channels[0])
	}
	return r, nil
}

// peek returns the next request of the trace, nil at its end.
func (r *replay) peek() *TraceRequest {
	for r.head == r.tail {
		if r.ended != nil {
			return nil
		}
		n, err := r.trace.Read(r.batch)
		r.head, r.tail, r.ended = 0, n, err
		if n == 0 && err == nil {
			r.ended = errors.New("a trace delivered nothing and did not end")
		}
	}
	return &r.batch[r.head]
}

// mapNext finds the place of the next request of the trace.
func (r *replay) mapNext(request *TraceRequest) {
	r.number = request.Address >> r.burst
	r.address = r.places.find(r.number)
	r.channel = r.address.Channel
	r.address.Channel = 0
	r.mapped = true
}

// run plays the trace to its end.
func (r *replay) run() error {
	for {
		request := r.peek()
		refused := false
		for offered := 0; request != nil && request.Clock <= r.now; offered++ {
			if !r.mapped {
				r.mapNext(request)
			}
			if offered == r.config.IssueWidth {
				break
			}
			if !r.channels[r.channel].offer(r.now, &r.address, r.number, 0, request.Write) {
				refused = true
				break
			}
			r.accepted, r.any, r.mapped = r.now, true, false
			r.head++
			request = r.peek()
		}
		if request == nil && r.ended != io.EOF {
			return r.ended
		}
		if refused && r.streamer != nil && r.streamer.ready(request.Write) {
			before := r.now
			if r.streamer.play(r); r.now > before {
				continue
			}
		}
		next := forever
		for k, e := range r.engines {
			if e.next <= r.now || r.everyClock {
				r.channels[k].step(r.now)
			}
			next = min(next, e.next)
		}
		switch {
		case request == nil:
			if r.readsOpen() == 0 && next > r.lastClock() {
				return nil
			}
		case request.Clock > r.now:
			next = min(next, request.Clock)
		case r.channels[r.channel].accepts(&r.address, r.number, request.Write):
			next = r.now + 1
		}
		if r.everyClock {
			next = r.now + 1
		}
		if next == forever {
			return errors.New("dram: a controller has requests and nothing to do")
		}
		r.now = next
	}
}

// lastClock is the last clock of a replay whose reads have all issued: data
// of the last read is back at its controller, the last write acknowledged.
func (r *replay) lastClock() Clock {
	last := r.accepted
	if r.config.Scheduling == BankQueues {
		last++ // the write buffer answers in the next clock
	}
	for _, e := range r.engines {
		last = max(last, e.lastDone-r.config.ReturnClocks)
	}
	return last
}

func (r *replay) readsOpen() int64 {
	var n int64
	for _, e := range r.engines {
		n += e.readsOpen
	}
	return n
}

// collect sums up the channels.
func (r *replay) collect() Stats {
	s := r.standard
	total := Stats{ClockPicoseconds: s.ClockPicoseconds, BytesPerAccess: s.Organization.BytesPerAccess(),
		PeakBytesPerSec: s.PeakBytesPerSecond() * int64(s.Organization.Channels)}
	if !r.any {
		return total
	}
	total.Cycles = r.lastClock() + 1 // they are counted from 0
	for k, e := range r.engines {
		total.addChannel(k, e, total.Cycles)
	}
	total.Activity.Duration = total.Cycles
	return total
}
