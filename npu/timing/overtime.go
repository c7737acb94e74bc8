package timing

import (
	"github.com/npusim/npusim/isa"
	"github.com/npusim/npusim/memsim"
)

// TrafficOverTime counts what DRAM requests moved, by stretches of Interval
// cycles from the start. A request counts in the stretch in which it completes.
type TrafficOverTime struct {
	Interval  int64 // cycles
	Stretches []Stretch
}

// Stretch is the traffic of one interval.
type Stretch struct {
	ReadBytes, WrittenBytes int64
	BytesByClass            [isa.NumClasses]int64
	// Of the requests' rows; zero in memories without banks.
	Activates, Bursts int64
}

func (s *Stretch) add(o *Stretch) {
	s.ReadBytes += o.ReadBytes
	s.WrittenBytes += o.WrittenBytes
	for c := range s.BytesByClass {
		s.BytesByClass[c] += o.BytesByClass[c]
	}
	s.Activates += o.Activates
	s.Bursts += o.Bursts
}

// Stretches are merged two by two whenever there are more than mostStretches,
// so that an inference of any length keeps half of it to all of it.
const (
	mostStretches = 512
	firstInterval = 64 // cycles
)

func newTrafficOverTime() TrafficOverTime {
	return TrafficOverTime{Interval: firstInterval, Stretches: make([]Stretch, 0, mostStretches)}
}

// add counts a request that completes at a cycle.
func (t *TrafficOverTime) add(cycle int64, class isa.TensorClass, write bool, bytes int64, done *memsim.Completion) {
	last := max(cycle-1, 0) // what completes at a boundary was moved before it
	for last/t.Interval >= mostStretches {
		t.halve()
	}
	i := last / t.Interval
	for int64(len(t.Stretches)) <= i {
		t.Stretches = append(t.Stretches, Stretch{})
	}
	s := &t.Stretches[i]
	if write {
		s.WrittenBytes += bytes
	} else {
		s.ReadBytes += bytes
	}
	s.BytesByClass[class] += bytes
	s.Activates += int64(done.Activates)
	s.Bursts += int64(done.Bursts)
}

// halve doubles the interval.
func (t *TrafficOverTime) halve() {
	n := (len(t.Stretches) + 1) / 2
	for i := range n {
		merged := t.Stretches[2*i]
		if 2*i+1 < len(t.Stretches) {
			merged.add(&t.Stretches[2*i+1])
		}
		t.Stretches[i] = merged
	}
	t.Stretches = t.Stretches[:n]
	t.Interval *= 2
}

// finish extends the stretches to the end of the inference.
func (t *TrafficOverTime) finish(cycles int64) TrafficOverTime {
	for cycles > t.Interval*mostStretches {
		t.halve()
	}
	for int64(len(t.Stretches))*t.Interval < cycles {
		t.Stretches = append(t.Stretches, Stretch{})
	}
	return *t
}
