package functional

import (
	"strings"
	"testing"

	"github.com/npusim/npusim/isa"
)

// TestDeadlockIsReported: verification refuses such a program, so it takes an
// engine put together by hand to see that execution ends all the same.
func TestDeadlockIsReported(t *testing.T) {
	p, err := isa.Assemble(`npusim-program 1.0
name "two that wait for each other"
rounding half-up-shift
s0 = semaphore load -> mac
s1 = semaphore mac -> load
code load
wait s1
signal s0
halt
code mac
wait s0
signal s1
halt
`, "deadlock")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := New(p, isa.Limits{}); err == nil || !strings.Contains(err.Error(), "waits for ever") {
		t.Errorf("verification: %v", err)
	}
	e := &Engine{program: p}
	for u := range p.Code {
		if len(p.Code[u]) > 0 {
			if e.streams[u], err = isa.NewStream(p.Code[u]); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, err := e.NewState().Run(nil, nil); err == nil || !strings.Contains(err.Error(), `two that wait for each other is deadlocked`) {
		t.Errorf("execution: %v", err)
	}
}
