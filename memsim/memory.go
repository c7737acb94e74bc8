// Package memsim is the DRAM side of the simulator: an interface that the DMA
// units talk to and the models behind it.
//
// Modelled here: tier "ideal" (peak bandwidth, no latency, no access
// granularity) and tier "linear" (a share of the peak bandwidth, a fixed read
// latency, and whole bursts). They know no banks, rows, refresh, read-write
// turnaround and queues of a controller; tier "bank", package dram, models all
// of these, and the shares of the memory presets are fitted to it. Units:
// picoseconds and bytes, integers.
package memsim

import (
	"fmt"
	"math/bits"
)

// Picoseconds is a point in time or a duration.
type Picoseconds int64

// Request is one access of a DMA unit. Addresses are physical.
type Request struct {
	ID      uint64 // chosen by the requester, returned on completion
	Address uint64
	Bytes   uint32
	Write   bool
}

// Completion says that a read has returned or a write is in memory.
type Completion struct {
	ID   uint64
	Time Picoseconds
	// Rows opened for the request and read or write commands it took; zero in
	// memories without banks. A burst that was forwarded from a write buffer or
	// merged with another takes no command.
	Activates, Bursts int32
}

// Counters is what a memory has done.
type Counters struct {
	Reads, Writes           int64 // requests
	ReadBytes, WrittenBytes int64 // moved over the bus, whole bursts
	BusyTime                Picoseconds
}

// Memory is a DRAM model. Time never goes back between calls. Completions are
// delivered by Advance in order of time, then of submission.
type Memory interface {
	// Submit offers a request at a time. It returns false when the memory
	// cannot accept it now; the requester tries again after the next event.
	Submit(now Picoseconds, r Request) bool
	// Next is the time of the next event (completion or room for a request);
	// false if nothing is in flight.
	Next() (Picoseconds, bool)
	// Advance moves to a time and appends the completions up to it.
	Advance(now Picoseconds, done []Completion) []Completion
	// Moved is the bytes a request moves over the bus.
	Moved(r Request) int64
	// PeakBytesPerSecond is the bandwidth of the bus.
	PeakBytesPerSecond() int64
	Counters() Counters
}

// Linear is the model of both simple tiers: one bus that moves requests in the
// order they come.
type Linear struct {
	bytesPerSecond int64       // that it moves
	peak           int64       // of the bus
	latency        Picoseconds // of reads, on top of the transfer
	burst          int64       // bytes; 1 moves exactly what is asked for

	free     Picoseconds // when the bus is free, rounded down
	fraction int64       // what free lacks, in picoseconds / bytesPerSecond
	busy     int64       // what counters.BusyTime lacks, likewise
	inFlight []Completion
	head     int
	counters Counters
}

// Limits of NewLinear: with them no request takes longer than 64 bits of
// picoseconds can say.
const (
	minBandwidth = 1_000_000 // bytes per second
	maxBurst     = 1 << 20   // bytes
)

// NewLinear returns a memory of a peak bandwidth of at least 10^6 bytes per
// second, a read latency and a burst size in bytes (a power of two up to 2^20;
// 1 for no granularity).
func NewLinear(bytesPerSecond int64, latency Picoseconds, burst int) (*Linear, error) {
	if bytesPerSecond < minBandwidth || latency < 0 || burst < 1 || burst > maxBurst || burst&(burst-1) != 0 {
		return nil, fmt.Errorf("memory of %d bytes/s, %d ps latency, %d-byte bursts: bandwidth must be at least %d bytes/s, latency not negative, the burst a power of two up to %d",
			bytesPerSecond, latency, burst, minBandwidth, maxBurst)
	}
	return &Linear{bytesPerSecond: bytesPerSecond, peak: bytesPerSecond, latency: latency, burst: int64(burst)}, nil
}

// Moved implements Memory: whole bursts.
func (m *Linear) Moved(r Request) int64 {
	first := int64(r.Address) &^ (m.burst - 1)
	last := (int64(r.Address) + int64(r.Bytes) + m.burst - 1) &^ (m.burst - 1)
	return last - first
}

// PeakBytesPerSecond implements Memory.
func (m *Linear) PeakBytesPerSecond() int64 { return m.peak }

// Counters implements Memory.
func (m *Linear) Counters() Counters { return m.counters }

// transferTime is bytes over bandwidth plus a fraction left over from before,
// and the fraction that it leaves, so that no time is lost.
func (m *Linear) transferTime(bytes, fraction int64) (Picoseconds, int64) {
	// The product leaves 64 bits at requests above 9 MB.
	high, low := bits.Mul64(uint64(bytes), 1_000_000_000_000)
	low, carry := bits.Add64(low, uint64(fraction), 0)
	quotient, remainder := bits.Div64(high+carry, low, uint64(m.bytesPerSecond))
	return Picoseconds(quotient), int64(remainder)
}

// Submit implements Memory; it accepts every request.
func (m *Linear) Submit(now Picoseconds, r Request) bool {
	moved := m.Moved(r)
	if now > m.free {
		m.free, m.fraction = now, 0
	}
	duration, fraction := m.transferTime(moved, m.fraction)
	m.free, m.fraction = m.free+duration, fraction
	done := max(m.free, now+1) // nothing arrives in the instant it is asked for
	duration, m.busy = m.transferTime(moved, m.busy)
	m.counters.BusyTime += duration
	if r.Write {
		m.counters.Writes++
		m.counters.WrittenBytes += moved
	} else {
		m.counters.Reads++
		m.counters.ReadBytes += moved
		done += m.latency
	}
	// Keep the list in order of time: a write may overtake reads that wait
	// out their latency.
	at := len(m.inFlight)
	m.inFlight = append(m.inFlight, Completion{ID: r.ID, Time: done})
	for ; at > m.head && m.inFlight[at-1].Time > done; at-- {
		m.inFlight[at] = m.inFlight[at-1]
	}
	m.inFlight[at] = Completion{ID: r.ID, Time: done}
	return true
}

// Next implements Memory.
func (m *Linear) Next() (Picoseconds, bool) {
	if m.head == len(m.inFlight) {
		return 0, false
	}
	return m.inFlight[m.head].Time, true
}

// Advance implements Memory.
func (m *Linear) Advance(now Picoseconds, done []Completion) []Completion {
	for m.head < len(m.inFlight) && m.inFlight[m.head].Time <= now {
		done = append(done, m.inFlight[m.head])
		m.head++
	}
	if m.head == len(m.inFlight) {
		m.inFlight, m.head = m.inFlight[:0], 0
	} else if m.head > 1024 && 2*m.head > len(m.inFlight) {
		n := copy(m.inFlight, m.inFlight[m.head:])
		m.inFlight, m.head = m.inFlight[:n], 0
	}
	return done
}
