package evaluate

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
)

// TestSharedMakesOnce: however many ask for a key at a time, the value is made
// once; one that was cancelled while making it does not cancel the others.
func TestSharedMakesOnce(t *testing.T) {
	s := shared[int]{budget: 100, size: func(int) int64 { return 1 }}
	for round := range 20 {
		cancelled, cancel := context.WithCancel(t.Context())
		started, made := make(chan struct{}), 0
		var group sync.WaitGroup
		group.Go(func() {
			_, _, err := s.get(cancelled, fmt.Sprint(round), func() (int, error) {
				close(started)
				cancel()
				return 0, cancelled.Err()
			})
			if !errors.Is(err, context.Canceled) {
				t.Errorf("the cancelled one got %v", err)
			}
		})
		<-started
		for range 8 {
			group.Go(func() {
				v, _, err := s.get(t.Context(), fmt.Sprint(round), func() (int, error) {
					made++
					return round, nil
				})
				if v != round || err != nil {
					t.Errorf("got %d, %v, want %d", v, err, round)
				}
			})
		}
		group.Wait()
		if made != 1 {
			t.Errorf("made %d times", made)
		}
	}
}

// TestSharedIsBounded: values asked for longest ago go first, a value that has
// grown counts as what it is, and the latest stays even if it is too large.
func TestSharedIsBounded(t *testing.T) {
	sizes := map[string]int64{}
	s := shared[string]{budget: 10, size: func(v string) int64 { return sizes[v] }}
	get := func(key string, size int64) (found bool) {
		sizes[key] = size
		v, found, err := s.get(t.Context(), key, func() (string, error) { return key, nil })
		if v != key || err != nil {
			t.Fatalf("%s: got %q, %v", key, v, err)
		}
		return found
	}
	for _, key := range []string{"a", "b", "c"} {
		get(key, 3)
	}
	if !get("a", 3) { // now b is the oldest
		t.Error("a is lost")
	}
	get("d", 3)
	if !get("a", 3) || !get("c", 3) || !get("d", 3) || get("b", 3) {
		t.Error("another than b was dropped")
	}
	get("large", 50)
	if !get("large", 50) || s.recent.Len() != 1 || s.used != 50 {
		t.Errorf("%d values of %d bytes are left, want the large one", s.recent.Len(), s.used)
	}
	get("small", 1)
	if s.recent.Len() != 1 || s.used != 1 {
		t.Errorf("%d values of %d bytes are left, want the small one", s.recent.Len(), s.used)
	}
	get("other", 1)
	sizes["small"] = 20
	s.measure("small")
	if s.used > 10 || get("small", 1) {
		t.Errorf("a value that grew too large is kept: %d bytes", s.used)
	}
	if _, _, err := s.get(t.Context(), "fails", func() (string, error) { return "", errors.New("no") }); err == nil || get("fails", 1) {
		t.Error("a failure is kept")
	}
}
