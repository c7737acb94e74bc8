package lower

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/npusim/npusim/isa"
)

// issued is an instruction as the tracker saw it.
type issued struct {
	unit     isa.Unit
	index    int // in its queue
	accesses []isa.Access
	waits    []uint32
}

func drawAccesses(t *rapid.T) []isa.Access {
	list := make([]isa.Access, rapid.IntRange(1, 3).Draw(t, "accesses"))
	for i := range list {
		length := rapid.Uint64Range(1, 8).Draw(t, "length")
		list[i] = isa.Access{
			Space: rapid.SampledFrom([]isa.Space{isa.ActivationBuffer, isa.ActivationBuffer, isa.WeightBuffer, isa.Scratch, isa.Weights}).Draw(t, "space"),
			Write: rapid.Bool().Draw(t, "write"),
			Set:   isa.NewStridedSet(rapid.Uint64Range(0, 40).Draw(t, "base"), length, length+rapid.Uint64Range(0, 8).Draw(t, "gap"), rapid.IntRange(1, 3).Draw(t, "count")),
		}
	}
	return list
}

// TestTrackerOrdersConflicts: in a random sequence of instructions of four
// units, happens-before, computed from the queues and from which wait takes
// which signal, orders every two accesses that conflict as the sequence does.
func TestTrackerOrdersConflicts(t *testing.T) {
	units := []isa.Unit{isa.LoadDMA, isa.StoreDMA, isa.MACArray, isa.VectorUnit}
	rapid.Check(t, func(t *rapid.T) {
		tracker := new(tracker)
		sequence := make([]issued, rapid.IntRange(1, 40).Draw(t, "instructions"))
		var next [isa.NumUnits]int
		for i := range sequence {
			in := &sequence[i]
			in.unit = rapid.SampledFrom(units).Draw(t, "unit")
			in.index, in.accesses = next[in.unit], drawAccesses(t)
			next[in.unit]++
			waits, err := tracker.add(in.unit, in.accesses)
			if err != nil {
				t.Fatal(err)
			}
			in.waits = waits
		}
		position := map[[2]int]int{} // of an instruction in the sequence
		for i := range sequence {
			position[[2]int{int(sequence[i].unit), sequence[i].index}] = i
		}
		// The instruction behind which the k-th signal of a semaphore stands.
		signals := make([][]int, len(tracker.semaphores))
		for u := range next {
			for k := range next[u] {
				for _, s := range tracker.signals[u][k] {
					if int(tracker.semaphores[s].Signaller) != u {
						t.Fatalf("unit %d signals s%d of %s", u, s, tracker.semaphores[s].Signaller)
					}
					signals[s] = append(signals[s], position[[2]int{u, k}])
				}
			}
		}
		// Edges: the instruction before in the queue, and what each wait pairs
		// with.
		taken := make([]int, len(signals))
		before := make([][]bool, len(sequence)) // before[i][j]: j happens before i
		last := map[isa.Unit]int{}
		for i := range sequence {
			in := &sequence[i]
			before[i] = make([]bool, len(sequence))
			follow := func(j int) {
				if j >= i {
					t.Fatalf("instruction %d waits for %d, which comes later: a deadlock", i, j)
				}
				before[i][j] = true
				for k, b := range before[j] {
					before[i][k] = before[i][k] || b
				}
			}
			if j, ok := last[in.unit]; ok {
				follow(j)
			}
			last[in.unit] = i
			for _, s := range in.waits {
				if tracker.semaphores[s].Waiter != in.unit {
					t.Fatalf("%s waits on s%d of %s", in.unit, s, tracker.semaphores[s].Waiter)
				}
				if taken[s] == len(signals[s]) {
					t.Fatalf("wait %d on s%d has no signal", taken[s], s)
				}
				follow(signals[s][taken[s]])
				taken[s]++
			}
		}
		for s := range taken {
			if taken[s] != len(signals[s]) {
				t.Fatalf("s%d is signalled %d times and waited for %d times", s, len(signals[s]), taken[s])
			}
		}
		for i := range sequence {
			for j := range i {
				if sequence[i].unit != sequence[j].unit && conflict(sequence[i].accesses, sequence[j].accesses) && !before[i][j] {
					t.Fatalf("instruction %d (%s) conflicts with %d (%s), in no order", i, sequence[i].unit, j, sequence[j].unit)
				}
			}
		}
	})
}

// conflict compares byte by byte.
func conflict(first, second []isa.Access) bool {
	bytes := func(a *isa.Access) map[uint64]bool {
		set := map[uint64]bool{}
		for k := range a.Set.Count {
			for i := range a.Set.Length {
				set[a.Set.Base+uint64(k)*a.Set.Stride+i] = true
			}
		}
		return set
	}
	for i := range first {
		for j := range second {
			a, b := &first[i], &second[j]
			// Nobody writes weights, so tests that say so are ignored.
			if a.Space != b.Space || a.Space == isa.Weights || !a.Write && !b.Write {
				continue
			}
			other := bytes(b)
			for at := range bytes(a) {
				if other[at] {
					return true
				}
			}
		}
	}
	return false
}
