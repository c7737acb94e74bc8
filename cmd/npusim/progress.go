package main

import (
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/npusim/npusim/reports"
)

// progress shows on standard error what a run is doing: a status line on a
// terminal, log records with --verbose, nothing with --quiet. It also keeps
// the stage for the report of an internal error.
type progress struct {
	mutex         sync.Mutex
	quiet, logged bool
	stage         string
	done          int
	line          *reports.Progress // of this stage, or nil
}

// refresh is how often a status line is drawn anew while no step ends.
const refresh = 250 * time.Millisecond

// start sets what is shown.
func (p *progress) start(quiet, logged bool) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.quiet, p.logged = quiet, logged
	if !quiet && !logged && reports.IsTerminal(os.Stderr) {
		go func() {
			for range time.Tick(refresh) { // until the process ends
				p.mutex.Lock()
				p.line.Add(0)
				p.mutex.Unlock()
			}
		}()
	}
}

// report has the form of evaluate.Options.Progress.
func (p *progress) report(stage string, done, total int) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if stage != p.stage {
		p.line.Done()
		p.stage, p.done, p.line = stage, 0, nil
		switch {
		case p.logged:
			slog.Debug("stage", "name", stage, "total", total)
		case !p.quiet:
			p.line = reports.NewProgress(os.Stderr, stage, total)
		}
	}
	if done > p.done { // calls of several goroutines may overtake each other
		p.line.Add(done - p.done)
		p.done = done
	}
}

// clear removes the status line.
func (p *progress) clear() {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.line.Done()
	p.line = nil
}

// during names the stage for a message, empty if there is none.
func (p *progress) during() string {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if p.stage == "" {
		return ""
	}
	return " in stage " + p.stage
}
