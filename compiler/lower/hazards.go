package lower

import (
	"fmt"

	"github.com/npusim/npusim/isa"
)

// clock counts, for each unit, the instructions known to have completed.
type clock [isa.NumUnits]int

func (c *clock) merge(other *clock) {
	for u := range c {
		c[u] = max(c[u], other[u])
	}
}

// record is a past access of a unit.
type record struct {
	index int
	write bool
	set   isa.StridedSet
}

// tracker orders overlapping accesses of different units with semaphores. It
// sees the instructions in one sequential order, the meaning of the program,
// and makes every instruction wait for the latest instruction of each other
// unit that it conflicts with, unless earlier waits imply it already. A
// (signaller, waiter) pair shares one semaphore: waits ask for ever later
// instructions, so the k-th wait pairs with the k-th signal.
type tracker struct {
	records    [isa.NumSpaces][isa.NumUnits][]record
	issued     [isa.NumUnits]int
	known      [isa.NumUnits]clock      // what each unit knows before its next instruction
	snapshots  [isa.NumUnits][]clock    // known when each instruction was issued
	signals    [isa.NumUnits][][]uint32 // semaphores to signal after each instruction
	semaphores []isa.Semaphore
	number     [isa.NumUnits][isa.NumUnits]uint32 // number+1 of the semaphore of a pair, 0 if none
}

// reset forgets all but the memory that it takes.
func (t *tracker) reset() {
	empty := tracker{semaphores: t.semaphores[:0], records: t.records, snapshots: t.snapshots, signals: t.signals}
	for u := range isa.NumUnits {
		for space := range empty.records {
			empty.records[space][u] = empty.records[space][u][:0]
		}
		clear(empty.signals[u])
		empty.snapshots[u], empty.signals[u] = empty.snapshots[u][:0], empty.signals[u][:0]
	}
	*t = empty
}

// add appends an instruction to a unit's queue and returns the semaphores it
// must wait for first.
func (t *tracker) add(unit isa.Unit, accesses []isa.Access) (waits []uint32, err error) {
	var needed clock
	known := &t.known[unit]
	for i := range accesses {
		a := &accesses[i]
		if a.Space == isa.Weights || a.Space == isa.Input {
			continue // nobody writes there
		}
		for other := isa.Unit(1); int(other) < isa.NumUnits; other++ {
			if other == unit {
				continue
			}
			records := t.records[a.Space][other]
			for k := len(records) - 1; k >= 0; k-- {
				r := &records[k]
				if r.index < max(known[other], needed[other]) {
					break
				}
				if (a.Write || r.write) && a.Set.Overlaps(&r.set) {
					needed[other] = r.index + 1
					break
				}
			}
		}
	}
	for other := isa.Unit(1); int(other) < isa.NumUnits; other++ {
		if needed[other] <= known[other] {
			continue
		}
		// A wait for another unit may already imply this one.
		if t.implied(other, needed, known) {
			continue
		}
		last := needed[other] - 1
		number, err := t.semaphore(other, unit)
		if err != nil {
			return nil, err
		}
		waits = append(waits, number)
		t.signals[other][last] = append(t.signals[other][last], number)
		known.merge(&t.snapshots[other][last])
		known[other] = max(known[other], last+1)
	}
	index := t.issued[unit]
	t.issued[unit]++
	t.snapshots[unit] = append(t.snapshots[unit], *known)
	t.signals[unit] = append(t.signals[unit], nil)
	for i := range accesses {
		a := &accesses[i]
		if a.Space != isa.Weights && a.Space != isa.Input {
			t.records[a.Space][unit] = append(t.records[a.Space][unit], record{index, a.Write, a.Set})
		}
	}
	return waits, nil
}

// implied tells whether another pending wait already covers that for unit.
func (t *tracker) implied(unit isa.Unit, needed clock, known *clock) bool {
	for other := isa.Unit(1); int(other) < isa.NumUnits; other++ {
		if other == unit || needed[other] <= known[other] {
			continue
		}
		if t.snapshots[other][needed[other]-1][unit] >= needed[unit] {
			return true
		}
	}
	return false
}

func (t *tracker) semaphore(signaller, waiter isa.Unit) (uint32, error) {
	if n := t.number[signaller][waiter]; n > 0 {
		return n - 1, nil
	}
	if len(t.semaphores) == isa.MaxSemaphores {
		return 0, fmt.Errorf("the program needs more than %d semaphores", isa.MaxSemaphores)
	}
	t.semaphores = append(t.semaphores, isa.Semaphore{Signaller: signaller, Waiter: waiter})
	t.number[signaller][waiter] = uint32(len(t.semaphores))
	return uint32(len(t.semaphores) - 1), nil
}
