package main

import (
	"sync"
	"testing"
)

// TestProgress: calls that overtake each other never take the count back, and
// a new stage starts at nothing.
func TestProgress(t *testing.T) {
	var p progress
	p.start(false, false)
	if got := p.during(); got != "" {
		t.Errorf("before the first stage: %q", got)
	}
	var group sync.WaitGroup
	for worker := range 4 {
		group.Go(func() {
			for done := worker; done < 100; done += 4 {
				p.report("execute", done, 100)
			}
		})
	}
	group.Wait()
	p.report("execute", 3, 100)
	if p.done != 99 {
		t.Errorf("done is %d after calls up to 99", p.done)
	}
	if got := p.during(); got != " in stage execute" {
		t.Errorf("stage: %q", got)
	}
	p.report("time", 0, 0)
	if p.done != 0 {
		t.Errorf("a new stage starts at %d", p.done)
	}
	p.clear()
	p.clear()
}
