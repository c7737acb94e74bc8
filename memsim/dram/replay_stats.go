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

	// Banks is the work of every bank, in order of channel, rank, bank group
	// and bank; nil if nothing was ever asked for.
	Banks []BankUse

	HostTime time.Duration // of the simulation
}

// BankUse is what one bank has done: rows opened, and bursts read and written.
// Bank counts within its bank group.
type BankUse struct {
	Channel, Rank, BankGroup, Bank int
	Activates, Bursts              int64
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

// addChannel adds a channel, the next one in order, as it is at a clock.
func (s *Stats) addChannel(channel int, e *engine, until Clock) {
	stats := e.stats
	stats.Activity = e.device.Activity(until)
	stats.Energy = e.standard.EnergyOf(&stats.Activity)
	stats.PendingWrites = stats.Writes - stats.MergedWrites - stats.Activity.Commands[Write] - stats.Activity.Commands[WriteAutoPrecharge]
	s.merge(&stats)
	for bank := range e.banks {
		a, use := e.addressOf(bank), &e.use[bank]
		s.Banks = append(s.Banks, BankUse{
			Channel: channel, Rank: int(a.Rank), BankGroup: int(a.BankGroup), Bank: int(a.Bank),
			Activates: use.activates, Bursts: use.bursts + int64(e.rowUses[bank]),
		})
	}
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

// BytesPerSecond is what the read and write commands moved per second of
// simulated time. Requests that took no command, forwarded, merged or still
// pending, moved nothing.
func (s *Stats) BytesPerSecond() float64 {
	if s.Cycles == 0 {
		return 0
	}
	return float64(s.ReadCommands()+s.WriteCommands()) * float64(s.BytesPerAccess) / s.Seconds()
}
