package evaluate

import (
	"fmt"
	"sync"

	"github.com/npusim/npusim/configs"
	"github.com/npusim/npusim/isa"
	"github.com/npusim/npusim/memsim"
	"github.com/npusim/npusim/memsim/dram"
	"github.com/npusim/npusim/npu/timing"
)

// judgement times candidates of the compiler. It does so on the linear tier
// where the configuration has banks: that is faster, and all tiers of a machine
// but the ideal one get the same program.
type judgement struct {
	spec    *configs.Spec
	mutex   sync.Mutex
	results map[*isa.Program]*timing.Result // on the memory of the configuration
}

func (j *judgement) judge(p *isa.Program) (int64, error) {
	d := j.spec.DRAM
	if d.Tier == configs.BankTier {
		d.Tier = configs.LinearTier
	}
	memory, err := memsim.New(&d)
	if err != nil {
		return 0, err
	}
	r, err := timing.RunOn(p, j.spec, memory, nil)
	if err != nil {
		return 0, err
	}
	if d.Tier == j.spec.DRAM.Tier {
		j.mutex.Lock()
		defer j.mutex.Unlock()
		if j.results == nil {
			j.results = map[*isa.Program]*timing.Result{}
		}
		j.results[p] = r
	}
	return r.Cycles, nil
}

// time times the program on the memory of the configuration.
func (p *point) time() (*timing.Result, error) {
	if r := p.judged.results[p.program]; r != nil && p.options.Requests == nil && !p.options.Record {
		return r, nil
	}
	memory, err := timing.NewMemory(p.spec)
	if err != nil {
		return nil, usage(err)
	}
	var observe func(memsim.Picoseconds, memsim.Request)
	if p.options.Requests != nil {
		banks, ok := memory.(*dram.Memory)
		if !ok {
			return nil, usage(fmt.Errorf("a trace of DRAM requests counts the clocks of a memory standard: it needs dram.tier = %q, the configuration has %q", configs.BankTier, p.spec.DRAM.Tier))
		}
		if observe, err = p.options.Requests(banks); err != nil {
			return nil, err
		}
	}
	run := timing.RunOn
	if p.options.Record {
		run = timing.Record
	}
	t, err := run(p.program, p.spec, memory, observe)
	return t, usage(err)
}

// memory fills in what is known of the traffic beyond its sums.
func (j *job) memory(r *Result, t *timing.Result) {
	d := &r.DRAM
	over := &TrafficOverTime{IntervalCycles: t.OverTime.Interval, BytesByClass: map[string][]int64{}}
	for i := range t.OverTime.Stretches {
		s := &t.OverTime.Stretches[i]
		over.ReadBytes = append(over.ReadBytes, s.ReadBytes)
		over.WriteBytes = append(over.WriteBytes, s.WrittenBytes)
		for c := isa.WeightClass; int(c) < isa.NumClasses; c++ {
			over.BytesByClass[c.String()] = append(over.BytesByClass[c.String()], s.BytesByClass[c])
		}
		if t.Banks != nil {
			over.Activates = append(over.Activates, s.Activates)
			over.Bursts = append(over.Bursts, s.Bursts)
		}
	}
	d.OverTime = over
	if t.Banks == nil {
		return
	}
	standard, stats := t.Banks.Standard, &t.Banks.Stats
	if scheduled := stats.RowHits + stats.RowMisses + stats.RowConflicts; scheduled > 0 {
		d.RowHitRate = pointer(stats.RowHitRate())
	}
	d.Standard = standard.Name
	d.Activates, d.Refreshes = pointer(stats.Activates()), pointer(stats.Refreshes())
	d.EnergyUJ = &DRAMEnergy{
		Activate: stats.Energy.Activate * picoToMicro, Read: stats.Energy.Read * picoToMicro, Write: stats.Energy.Write * picoToMicro,
		Refresh: stats.Energy.Refresh * picoToMicro, Background: stats.Energy.Background * picoToMicro,
		Estimated: standard.Energy.Estimated, Source: standard.Energy.Source,
	}
	d.ReadLatency = readLatency(standard, stats)
	for _, b := range stats.Banks {
		d.Banks = append(d.Banks, BankUse{Channel: b.Channel, Rank: b.Rank, BankGroup: b.BankGroup, Bank: b.Bank, Activates: b.Activates, Bursts: b.Bursts})
	}
}

// readLatency is nil without reads.
func readLatency(s *dram.Standard, stats *dram.Stats) *ReadLatency {
	if stats.Reads == 0 {
		return nil
	}
	ns := func(c float64) float64 { return c * float64(s.ClockPicoseconds) / 1000 }
	hit, closed, conflict := s.UnloadedRead()
	h := &stats.ReadLatency
	l := &ReadLatency{
		Bursts: stats.Reads, AverageNS: ns(stats.AverageReadLatency()), MaximumNS: ns(float64(stats.ReadLatencyMax)),
		MedianNS: ns(float64(h.Quantile(0.5))), P95NS: ns(float64(h.Quantile(0.95))), P99NS: ns(float64(h.Quantile(0.99))),
		UnloadedHitNS: ns(float64(hit)), UnloadedClosedNS: ns(float64(closed)), UnloadedOtherNS: ns(float64(conflict)),
	}
	l.AverageQueueingNS = l.AverageNS - l.UnloadedHitNS
	for _, b := range h.Buckets() {
		l.Histogram = append(l.Histogram, LatencyBucket{FromNS: ns(float64(b.From)), ToNS: ns(float64(b.To)), Bursts: b.Count})
	}
	return l
}
