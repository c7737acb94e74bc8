package reports

import (
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

// clock is a time that tests set.
type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

func (c *clock) advance(d time.Duration) { c.at = c.at.Add(d) }

func TestProgress(t *testing.T) {
	var out strings.Builder
	c := &clock{at: time.Unix(1000, 0)}
	p := newProgress(&out, c.now, "float reference", 2000)
	c.advance(90 * time.Millisecond)
	p.Add(10)
	if out.Len() != 0 {
		t.Fatalf("drawn within 100 ms: %q", out.String())
	}
	c.advance(910 * time.Millisecond)
	p.Add(10)
	if got, want := out.String(), "\rfloat reference  20/2,000    1 %  1 min 39 s left\x1b[K"; got != want {
		t.Errorf("status is %q, want %q", got, want)
	}
	out.Reset()
	for range 1000 { // one second in steps of a millisecond
		c.advance(time.Millisecond)
		p.Add(1)
	}
	if n := strings.Count(out.String(), "\r"); n < 9 || n > 10 {
		t.Errorf("%d drawings in a second, want about 10 at most", n)
	}
	out.Reset()
	p.Done()
	p.Done()
	c.advance(time.Second)
	p.Add(1)
	if got := out.String(); got != "\r\x1b[K" {
		t.Errorf("after Done %q was written, want one clearing of the line", got)
	}
}

func TestProgressBounds(t *testing.T) {
	var out strings.Builder
	c := &clock{at: time.Unix(0, 0)}
	p := newProgress(&out, c.now, strings.Repeat("long label ", 20)+"\n", 3)
	for _, n := range []int{0, 100, -500} {
		c.advance(time.Hour)
		p.Add(n)
	}
	for _, line := range strings.Split(out.String(), "\r") {
		line = strings.TrimSuffix(line, "\x1b[K")
		if width(line) >= 80 || strings.ContainsAny(line, "\n\x1b") {
			t.Errorf("status line %q does not fit a terminal", line)
		}
	}
	if !strings.Contains(out.String(), "3/3  100 %  0 s left") {
		t.Errorf("more steps than the total give %q", out.String())
	}

	out.Reset()
	p = newProgress(&out, c.now, "search", 0)
	c.advance(3 * time.Second)
	p.Add(1234)
	if got, want := out.String(), "\rsearch  1,234  3 s elapsed\x1b[K"; got != want {
		t.Errorf("status without a total is %q, want %q", got, want)
	}
}

func TestProgressIsSilentInPipesAndFiles(t *testing.T) {
	f, err := os.CreateTemp(t.TempDir(), "stderr")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, p := range []*Progress{nil, NewProgress(f, "work", 10), NewProgress(nil, "work", 10)} {
		p.Add(5)
		p.Done()
	}
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	if info.Size() != 0 {
		t.Errorf("%d bytes of progress in a file", info.Size())
	}
}

func TestProgressConcurrent(t *testing.T) {
	var out strings.Builder
	p := newProgress(&out, time.Now, "samples", 8000)
	p.last = p.last.Add(-time.Hour)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 1000 {
				p.Add(1)
			}
		})
	}
	group.Wait()
	if p.done != 8000 {
		t.Errorf("%d steps counted, want 8000", p.done)
	}
	p.Done()
	if !strings.HasSuffix(out.String(), "\r\x1b[K") {
		t.Errorf("line not cleared: %q", out.String())
	}
}

func TestShortDuration(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0 s", 1400 * time.Millisecond: "1 s", 59600 * time.Millisecond: "1 min 00 s", 125 * time.Second: "2 min 05 s",
		67 * time.Minute: "1 h 07 min", 99 * time.Hour: "4 d 03 h",
	} {
		if got := shortDuration(d); got != want {
			t.Errorf("shortDuration(%v) = %q, want %q", d, got, want)
		}
	}
}
