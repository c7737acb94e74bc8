package reports

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"
)

// progressInterval is the least time between two drawings: 10 Hz at most.
const progressInterval = 100 * time.Millisecond

// progressLabelWidth bounds the label so that the line fits 80 columns.
const progressLabelWidth = 28

// longest is the longest time that is foretold.
const longest = 999 * 24 * time.Hour

// Progress is a status line for long work with the time that is left, drawn
// over itself on a terminal and cleared at the end. On anything but a terminal
// it is silent. A nil *Progress is silent too. It is safe for concurrent use.
type Progress struct {
	mutex       sync.Mutex
	out         io.Writer // nil: silent
	now         func() time.Time
	label       string
	total, done int
	start, last time.Time
	drawn, over bool
}

// NewProgress starts the status line of work that has total steps; 0 if their
// number is not known. Work that ends within 100 ms shows nothing.
func NewProgress(f *os.File, label string, total int) *Progress {
	var out io.Writer
	if IsTerminal(f) && os.Getenv("TERM") != "dumb" {
		out = f
	}
	return newProgress(out, time.Now, label, total)
}

func newProgress(out io.Writer, now func() time.Time, label string, total int) *Progress {
	start := now()
	return &Progress{out: out, now: now, label: Shorten(printable(label), progressLabelWidth), total: total, start: start, last: start}
}

// Add tells that n more steps are done.
func (p *Progress) Add(n int) {
	if p == nil || p.out == nil {
		return
	}
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.done += n
	now := p.now()
	if p.over || now.Sub(p.last) < progressInterval {
		return
	}
	p.last = now
	// A status line that cannot be drawn must not stop the work.
	_, _ = fmt.Fprintf(p.out, "\r%s\x1b[K", p.line(now.Sub(p.start)))
	p.drawn = true
}

// Done clears the status line; Add draws nothing after it.
func (p *Progress) Done() {
	if p == nil || p.out == nil {
		return
	}
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if p.drawn {
		_, _ = io.WriteString(p.out, "\r\x1b[K")
	}
	p.drawn, p.over = false, true
}

// line is the text of the status line after the elapsed time.
func (p *Progress) line(elapsed time.Duration) string {
	if p.total <= 0 && p.done == 0 {
		return fmt.Sprintf("%s  %s elapsed", p.label, shortDuration(elapsed))
	}
	if p.total <= 0 {
		return fmt.Sprintf("%s  %s  %s elapsed", p.label, Count(int64(p.done)), shortDuration(elapsed))
	}
	done := min(max(p.done, 0), p.total)
	left := "?"
	if done > 0 {
		remaining := float64(elapsed) * float64(p.total-done) / float64(done)
		left = shortDuration(time.Duration(min(remaining, float64(longest))))
	}
	return fmt.Sprintf("%s  %s/%s  %3.0f %%  %s left", p.label, Count(int64(done)), Count(int64(p.total)),
		100*float64(done)/float64(p.total), left)
}

// shortDuration writes the two largest units of a duration: 3 s, 2 min 05 s,
// 1 h 07 min, 4 d 03 h.
func shortDuration(d time.Duration) string {
	seconds := int64((d + time.Second/2) / time.Second)
	minutes, hours, days := seconds/60, seconds/3600, seconds/86400
	switch {
	case minutes == 0:
		return fmt.Sprintf("%d s", seconds)
	case hours == 0:
		return fmt.Sprintf("%d min %02d s", minutes, seconds%60)
	case days == 0:
		return fmt.Sprintf("%d h %02d min", hours, minutes%60)
	}
	return fmt.Sprintf("%d d %02d h", days, hours%24)
}
