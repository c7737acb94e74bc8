package recording

import (
	"cmp"
	"slices"
)

// given is a number of signals that nobody has taken, of one operation and
// cycle; the operation is -1 for the credits of the start. Verification bounds
// how many there can be.
type given struct {
	span  int
	cycle int64
	count int64
}

// semaphore pairs the k-th wait with the k-th signal.
type semaphore struct {
	signaller, waiter int // tracks
	pending           []given
	head              int
	blocked           int64 // cycle from which the waiter is held up, -1 if it is not
	link              Link  // of the latest wait, until the operation after it begins
	linked            bool
}

func (s *semaphore) give(span int, cycle, count int64) {
	if n := len(s.pending); n > s.head && s.pending[n-1].span == span && s.pending[n-1].cycle == cycle {
		s.pending[n-1].count += count
		return
	}
	s.pending = append(s.pending, given{span, cycle, count})
}

// take removes the oldest signal.
func (s *semaphore) take() given {
	first := &s.pending[s.head]
	signal := *first
	if first.count--; first.count == 0 {
		s.head++
	}
	if s.head > 64 && 2*s.head > len(s.pending) {
		s.pending = s.pending[:copy(s.pending, s.pending[s.head:])]
		s.head = 0
	}
	return signal
}

// thin keeps, of too many links, those that held up the most.
func thin(links []Link, most int) []Link {
	if len(links) <= most {
		return links
	}
	order := make([]int, len(links))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(links[b].Held, links[a].Held) })
	order = order[:most]
	slices.Sort(order)
	for i, from := range order {
		links[i] = links[from]
	}
	return links[:most]
}
