package evaluate

import (
	"container/list"
	"context"
	"errors"
	"sync"
)

// shared keeps values that several points need. Each is made once, by the first
// that asks for its key; others that ask meanwhile wait. When the values take
// more than the budget, those not asked for longest are dropped. A failure is
// not kept: the next to ask tries again.
type shared[V any] struct {
	budget int64         // bytes
	size   func(V) int64 // bytes that a value keeps, about

	mutex   sync.Mutex
	entries map[string]*entry[V]
	recent  list.List // of *entry[V], the latest first; only complete ones
	used    int64
}

// entry is a value that is made or being made.
type entry[V any] struct {
	key   string
	done  chan struct{} // closed when it is made
	value V
	err   error
	size  int64
	place *list.Element
}

// get returns the value of a key, and whether it was there or being made.
func (s *shared[V]) get(ctx context.Context, key string, create func() (V, error)) (value V, found bool, err error) {
	for {
		s.mutex.Lock()
		e, ok := s.entries[key]
		if !ok {
			if s.entries == nil {
				s.entries = map[string]*entry[V]{}
			}
			e = &entry[V]{key: key, done: make(chan struct{})}
			s.entries[key] = e
			s.mutex.Unlock()
			s.make(e, create)
			return e.value, false, e.err
		}
		if e.place != nil {
			s.recent.MoveToFront(e.place)
		}
		s.mutex.Unlock()
		select {
		case <-e.done:
		case <-ctx.Done():
			return value, false, ctx.Err()
		}
		// Who made it may have been cancelled when this one was not.
		if errors.Is(e.err, context.Canceled) || errors.Is(e.err, context.DeadlineExceeded) {
			if err := ctx.Err(); err != nil {
				return value, false, err
			}
			continue
		}
		return e.value, e.err == nil, e.err
	}
}

// make fills an entry.
func (s *shared[V]) make(e *entry[V], create func() (V, error)) {
	e.err = errors.New("internal error: a shared value was given up while it was made") // stays if create panics
	defer func() {
		s.mutex.Lock()
		defer s.mutex.Unlock()
		defer close(e.done)
		if e.err != nil {
			delete(s.entries, e.key)
			return
		}
		e.size = s.size(e.value)
		s.used += e.size
		e.place = s.recent.PushFront(e)
		s.trim()
	}()
	e.value, e.err = create()
}

// measure asks for the size of a value again, which has grown.
func (s *shared[V]) measure(key string) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	e, ok := s.entries[key]
	if !ok || e.place == nil {
		return
	}
	size := s.size(e.value)
	s.used += size - e.size
	e.size = size
	s.trim()
}

// trim drops values until the others are within the budget; the latest stays.
func (s *shared[V]) trim() {
	for s.used > s.budget && s.recent.Len() > 1 {
		e := s.recent.Remove(s.recent.Back()).(*entry[V])
		delete(s.entries, e.key)
		s.used -= e.size
	}
}
