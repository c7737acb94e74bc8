package dram

import "github.com/npusim/npusim/memsim"

// line is a queue whose front is dropped without moving what stands behind it,
// but now and then: both ends take constant time on average.
type line[T any] struct {
	items []T
	head  int
}

func (l *line[T]) len() int  { return len(l.items) - l.head }
func (l *line[T]) first() *T { return &l.items[l.head] }
func (l *line[T]) push(v T)  { l.items = append(l.items, v) }

func (l *line[T]) drop() {
	const few = 32 // not worth moving the rest
	l.head++
	if l.head == len(l.items) || l.head >= few && 2*l.head >= len(l.items) {
		l.items = l.items[:copy(l.items, l.items[l.head:])]
		l.head = 0
	}
}

// readyCompletion is a request all of whose bursts are scheduled.
type readyCompletion struct {
	at    memsim.Picoseconds
	order uint64 // of submission
	slot  int32
}

func (c *readyCompletion) before(o *readyCompletion) bool {
	return c.at < o.at || c.at == o.at && c.order < o.order
}

// readyList is in order of time, then of submission. Requests of one direction
// become ready nearly in this order.
type readyList struct{ line[readyCompletion] }

func (l *readyList) insert(c readyCompletion) {
	l.push(c)
	at := len(l.items) - 1
	for ; at > l.head && c.before(&l.items[at-1]); at-- {
		l.items[at] = l.items[at-1]
	}
	l.items[at] = c
}
