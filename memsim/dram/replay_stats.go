package dram

import "time"

// Stats is what a replay or a controller has seen and done.
type Stats struct {
	Reads, Writes  int64 // requests accepted, one burst each
	ForwardedReads int64 // served from the write buffer
	MergedReads    int64 // served by the command of another read of the burst
	MergedWrites   int64 // absorbed by a buffered write of the same burst
	PendingWrites  int64 // accepted, their command not issued yet

	// RowHits, RowMisses and RowConflicts count requests by what they found
	// when they were first scheduled: their row open, no row, another row.
	// With BankQueues they count column commands: all but the first of every
	// opened row are hits, and there are no conflicts.
	RowHits, RowMisses, RowConflicts int64
	// Synchronizations counts commands that only started the data clock.
	Synchronizations int64

	// Activity counts the commands; summed over the channels.
	Activity Activity
	Energy   Energy

	// Cycles is the clock at which every read had returned and every write was
	// accepted.
	Cycles           Clock
	ClockPicoseconds int64
	BytesPerAccess   int64
	PeakBytesPerSec  int64

	ReadLatencySum Clock // of all reads, from acceptance to the data
	ReadLatencyMax Clock
	ReadLatency    Histogram

	HostTime time.Duration // of the simulation
}

// latencyBuckets covers every latency: exact up to 63 clocks, above that 32
// buckets per octave.
const latencyBuckets = 64 + 32*57

// Histogram counts latencies with a relative error of at most 1/32.
type Histogram struct{ counts [latencyBuckets]int64 }

func bucketOf(v Clock) int {
	if v < 64 {
		return int(max(v, 0))
	}
	shift := 0
	for v >= 64 {
		v >>= 1
		shift++
	}
	return 64 + 32*(shift-1) + int(v-32)
}

// add counts a latency.
func (h *Histogram) add(v Clock) { h.counts[bucketOf(v)]++ }

// merge adds another histogram.
func (h *Histogram) merge(o *Histogram) {
	for i, n := range o.counts {
		h.counts[i] += n
	}
}

// Quantile is the latency below or at which a share of all lies, exact below
// 64 clocks, else the lower end of its bucket; 0 if there are none.
func (h *Histogram) Quantile(share float64) Clock {
	var total int64
	for _, n := range h.counts {
		total += n
	}
	rank := int64(share * float64(total))
	for i, n := range h.counts {
		if rank -= n; n > 0 && rank < 0 {
			if i < 64 {
				return Clock(i)
			}
			i -= 64
			return Clock(32+i%32) << (i/32 + 1)
		}
	}
	return 0
}

func (s *Stats) addLatency(v Clock) {
	s.ReadLatencySum += v
	s.ReadLatencyMax = max(s.ReadLatencyMax, v)
	s.ReadLatency.add(v)
}

// merge adds what another channel has seen and done.
func (s *Stats) merge(o *Stats) {
	s.Reads += o.Reads
	s.Writes += o.Writes
	s.ForwardedReads += o.ForwardedReads
	s.MergedReads += o.MergedReads
	s.MergedWrites += o.MergedWrites
	s.PendingWrites += o.PendingWrites
	s.RowHits += o.RowHits
	s.RowMisses += o.RowMisses
	s.RowConflicts += o.RowConflicts
	s.Synchronizations += o.Synchronizations
	s.ReadLatencySum += o.ReadLatencySum
	s.ReadLatencyMax = max(s.ReadLatencyMax, o.ReadLatencyMax)
	s.ReadLatency.merge(&o.ReadLatency)
	for i, n := range o.Activity.Commands {
		s.Activity.Commands[i] += n
	}
	s.Activity.ActiveClocks += o.Activity.ActiveClocks
	s.Energy.Activate += o.Energy.Activate
	s.Energy.Read += o.Energy.Read
	s.Energy.Write += o.Energy.Write
	s.Energy.Refresh += o.Energy.Refresh
	s.Energy.Background += o.Energy.Background
}

// addChannel adds a channel as it is at a clock.
func (s *Stats) addChannel(e *engine, until Clock) {
	stats := e.stats
	stats.Activity = e.device.Activity(until)
	stats.Energy = e.standard.EnergyOf(&stats.Activity)
	stats.PendingWrites = stats.Writes - stats.MergedWrites - stats.Activity.Commands[Write] - stats.Activity.Commands[WriteAutoPrecharge]
	s.merge(&stats)
}

// Requests is the number of requests accepted.
func (s *Stats) Requests() int64 { return s.Reads + s.Writes }

// Activates is the number of rows opened.
func (s *Stats) Activates() int64 { return s.Activity.Commands[Activate] }

// Refreshes is the number of refresh commands.
func (s *Stats) Refreshes() int64 {
	return s.Activity.Commands[RefreshAllBank] + s.Activity.Commands[RefreshPerBank]
}

// ReadCommands and WriteCommands are the column commands issued.
func (s *Stats) ReadCommands() int64 {
	return s.Activity.Commands[Read] + s.Activity.Commands[ReadAutoPrecharge]
}

// WriteCommands is the number of write commands issued.
func (s *Stats) WriteCommands() int64 {
	return s.Activity.Commands[Write] + s.Activity.Commands[WriteAutoPrecharge]
}

// RowHitRate is the share of scheduled requests (BankQueues: of column
// commands) that found their row open; 0 if there were none.
func (s *Stats) RowHitRate() float64 {
	total := s.RowHits + s.RowMisses + s.RowConflicts
	if total == 0 {
		return 0
	}
	return float64(s.RowHits) / float64(total)
}

// AverageReadLatency is in clocks, from acceptance to the data; 0 if no read
// was made.
func (s *Stats) AverageReadLatency() float64 {
	if s.Reads == 0 {
		return 0
	}
	return float64(s.ReadLatencySum) / float64(s.Reads)
}

// Seconds is Cycles as time.
func (s *Stats) Seconds() float64 {
	return float64(s.Cycles) * float64(s.ClockPicoseconds) * 1e-12
}

// BytesPerSecond is what the requests moved per second of simulated time.
func (s *Stats) BytesPerSecond() float64 {
	if s.Cycles == 0 {
		return 0
	}
	return float64(s.Requests()) * float64(s.BytesPerAccess) / s.Seconds()
}
