package lower

import (
	"slices"
	"sync"

	"github.com/npusim/npusim/isa"
)

// scratch is memory that emitting a program takes and its outcome does not
// keep; emissions use it one after another.
type scratch struct {
	code    [isa.NumUnits][]isa.Instruction // without waits and signals
	waits   [isa.NumUnits][][]uint32        // before each instruction
	flat    []isa.Instruction
	rolled  []isa.Instruction
	marks   []uint64
	tracker tracker
}

var scratches = sync.Pool{New: func() any { return new(scratch) }}

// mostScratch bounds the instructions whose scratch is kept for the next
// emission.
const mostScratch = 1 << 14

// release empties the scratch for the next emission.
func (s *scratch) release() {
	if cap(s.flat) > mostScratch {
		return
	}
	for u := range s.code {
		s.code[u] = s.code[u][:0]
		clear(s.waits[u])
		s.waits[u] = s.waits[u][:0]
	}
	s.flat, s.rolled, s.marks = s.flat[:0], s.rolled[:0], s.marks[:0]
	s.tracker.reset()
	scratches.Put(s)
}

// section is the finished code of a unit, with its semaphores and loops.
func (s *scratch) section(unit isa.Unit) []isa.Instruction {
	if len(s.code[unit]) == 0 {
		return nil
	}
	s.flat = s.flat[:0]
	for i := range s.code[unit] {
		for _, number := range s.waits[unit][i] {
			s.flat = append(s.flat, isa.Instruction{Op: isa.Wait, Count: number})
		}
		s.flat = append(s.flat, s.code[unit][i])
		for _, number := range s.tracker.signals[unit][i] {
			s.flat = append(s.flat, isa.Instruction{Op: isa.Signal, Count: number})
		}
	}
	s.rolled, s.marks = compress(s.rolled[:0], s.flat, s.marks)
	s.rolled = append(s.rolled, isa.Instruction{Op: isa.Halt})
	return slices.Clone(s.rolled)
}
