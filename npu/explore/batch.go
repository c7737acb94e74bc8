package explore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/npusim/npusim/configs"
	"github.com/npusim/npusim/configs/strict"
	"github.com/npusim/npusim/npu/evaluate"
	"github.com/npusim/npusim/npu/explore/expression"
	"github.com/npusim/npusim/npu/explore/figures"
	"github.com/npusim/npusim/npu/explore/outcome"
	"github.com/npusim/npusim/npu/explore/search"
	"github.com/npusim/npusim/npu/explore/store"
	"github.com/npusim/npusim/npu/explore/sweep"
)

// run is one exploration at work.
type run struct {
	sweep      *sweep.Sweep
	options    Options
	ids        *identities
	key        string // of the sweep in the store
	store      *store.Store
	evaluators []Evaluator // by model
	start      time.Time
	deadline   time.Time // zero: none
	total      int       // points that the strategy will take, as far as it knows

	mutex  sync.Mutex
	points []outcome.Point
	known  map[store.Point]int // index into points; -1: recorded by an earlier run
	reuse  sharing
	fatal  error
	over   bool // nothing is taken in any more
}

// pollInterval is how often points that other processes work on are looked at.
const pollInterval = 100 * time.Millisecond

// batch settles the points of a batch: each is taken from the store or
// evaluated. It returns their indices into points, or nil when the budget of
// time is spent.
func (r *run) batch(ctx context.Context, b search.Batch) ([]int, error) {
	todo := make([]store.Point, len(b.Points))
	for i, id := range b.Points {
		todo[i] = store.Point{ID: id, Rung: b.Rung}
	}
	for len(todo) > 0 {
		busy, err := r.pass(ctx, todo)
		switch {
		case err != nil:
			return nil, err
		case len(busy) > 0 && r.late():
			return nil, nil
		case len(busy) == len(todo): // all with other processes
			select {
			case <-ctx.Done():
				return nil, ctx.Err()
			case <-time.After(pollInterval):
			}
		}
		todo = busy
	}
	r.mutex.Lock()
	defer r.mutex.Unlock()
	places := make([]int, len(b.Points))
	for i, id := range b.Points {
		places[i] = r.known[store.Point{ID: id, Rung: b.Rung}]
	}
	return places, nil
}

// pass goes through points with all workers and returns those that other
// processes are working on, and those for which there was no time.
func (r *run) pass(ctx context.Context, todo []store.Point) ([]store.Point, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var next atomic.Int64
	left := make([]bool, len(todo))
	var leftMutex sync.Mutex
	work := func() {
		for {
			i := int(next.Add(1)) - 1
			if i >= len(todo) || ctx.Err() != nil {
				return
			}
			settled, err := false, error(nil)
			if !r.late() {
				settled, err = r.settle(ctx, todo[i])
			}
			if err != nil {
				r.mutex.Lock()
				if r.fatal == nil && !isCancelled(err) {
					r.fatal = err
				}
				r.mutex.Unlock()
				cancel()
				return
			}
			leftMutex.Lock()
			left[i] = !settled
			leftMutex.Unlock()
		}
	}
	done := make(chan struct{})
	go func() {
		var group sync.WaitGroup
		for range min(r.options.Workers, len(todo)) {
			group.Go(work)
		}
		group.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-ctx.Done():
		select {
		case <-done:
		case <-time.After(abandonAfter):
		}
	}
	r.mutex.Lock()
	fatal := r.fatal
	r.mutex.Unlock()
	if fatal != nil {
		return nil, fatal
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	var rest []store.Point
	for i, is := range left {
		if is {
			rest = append(rest, todo[i])
		}
	}
	return rest, nil
}

func isCancelled(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// settle takes a point from the store or evaluates it; false if another
// process is working on it.
func (r *run) settle(ctx context.Context, p store.Point) (bool, error) {
	r.mutex.Lock()
	at, known := r.known[p]
	r.mutex.Unlock()
	if known && at >= 0 {
		return true, nil
	}
	if !known {
		state, err := r.store.Claim(r.key, p)
		if err != nil {
			return false, err
		}
		if state == store.Busy {
			return false, nil
		}
		if state == store.Claimed {
			return r.evaluate(ctx, p)
		}
	}
	row, err := r.store.Row(r.key, p)
	if err != nil {
		return false, err
	}
	if row == nil {
		return false, nil // forgotten meanwhile: claimed in the next pass
	}
	r.take(row, true)
	return true, nil
}

// evaluate evaluates a claimed point and records it.
func (r *run) evaluate(ctx context.Context, p store.Point) (bool, error) {
	start := time.Now()
	row := &store.Row{Point: p, Status: outcome.Done}
	indices := r.indices(p.ID)
	row.Settings = r.settings(indices)
	evaluations, err := r.attempt(ctx, row, indices)
	if err != nil {
		if isCancelled(err) || ctx.Err() != nil {
			return false, errors.Join(context.Canceled, r.store.Release(r.key, p))
		}
		var broken *fault
		if errors.As(err, &broken) {
			return false, err
		}
		row.Status, row.Reason, row.Objectives, row.Violation = outcome.Failed, oneLine(err), nil, 0
		slog.Debug("point failed", "id", p.ID, "rung", p.Rung, "error", err)
	}
	row.WallSeconds = time.Since(start).Seconds()
	if err := r.store.Record(r.key, row, evaluations); err != nil {
		return false, err
	}
	r.take(row, false)
	return true, nil
}

// fault is an error of the store, or of files that change, which ends the work;
// other errors are those of a point.
type fault struct{ error }

func (e *fault) Unwrap() error { return e.error }

// attempt runs every model on a point and judges it. A panic is an error of the
// point.
func (r *run) attempt(ctx context.Context, row *store.Row, indices []int) (made []store.Evaluation, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			slog.Debug("internal error at a point", "id", row.ID, "rung", row.Rung, "fault", cause, "stack", string(debug.Stack()))
			err = fmt.Errorf("internal error: %v", cause)
		}
	}()
	spec, err := r.sweep.Spec(indices, row.Rung)
	if err != nil {
		return nil, err
	}
	results := make([][]figures.Figure, len(r.evaluators))
	for i := range r.evaluators {
		e, err := r.ids.evaluation(ctx, r.sweep, i, spec, row.Rung)
		if err != nil {
			return made, err
		}
		row.Evaluations = append(row.Evaluations, e.Hash)
		if results[i], err = r.store.Evaluation(e.Hash); err != nil {
			return made, &fault{err}
		}
		if results[i] != nil { // of another sweep, or another point that comes to the same
			r.mutex.Lock()
			r.reuse.stored++
			r.mutex.Unlock()
			continue
		}
		if err := r.evaluator(ctx, i, spec, &e); err != nil {
			return made, err
		}
		results[i] = e.Figures
		made = append(made, e)
	}
	judged, err := r.sweep.Judge(indices, spec, lookup(r.sweep, results))
	if err != nil {
		return made, err
	}
	row.Objectives, row.Violation = judged.Objectives, judged.Violation
	return made, nil
}

// evaluator runs one model.
func (r *run) evaluator(ctx context.Context, model int, spec *configs.Spec, e *store.Evaluation) error {
	start := time.Now()
	result, reuse, err := r.evaluators[model].Run(ctx, spec, evaluate.Request{Samples: e.Samples, TimingOnly: e.TimingOnly})
	if changed := r.ids.check(model, &reuse); changed != nil {
		return &fault{changed}
	}
	if err != nil {
		if len(r.evaluators) > 1 && !isCancelled(err) {
			err = fmt.Errorf("model %s: %w", r.sweep.Models[model].Name, err)
		}
		return err
	}
	e.Figures, e.WallSeconds = figures.Of(result), time.Since(start).Seconds()
	for _, f := range e.Figures {
		if math.IsNaN(f.Value.Number) || math.IsInf(f.Value.Number, 0) { // no row could hold it
			return fmt.Errorf("%s is no finite number", f.Key)
		}
	}
	r.mutex.Lock()
	r.reuse.add(reuse)
	r.mutex.Unlock()
	slog.Debug("evaluated", "model", r.sweep.Models[model].Name, "configuration", e.Configuration[:12], "work", reuse.String())
	return nil
}

// lookup finds figures by name.
func lookup(s *sweep.Sweep, results [][]figures.Figure) expression.Lookup {
	return func(name string) (expression.Value, bool) {
		model, key := s.Figure(name)
		if model < 0 || model >= len(results) {
			return expression.Value{}, false
		}
		list := results[model]
		i, found := slices.BinarySearchFunc(list, key, func(f figures.Figure, key string) int { return cmp.Compare(f.Key, key) })
		if !found {
			return expression.Value{}, false
		}
		return list[i].Value, true
	}
}

// maxReason bounds what a row says of a failure.
const maxReason = 500

// oneLine is an error as the reason of a row: faults of a list one after the
// other, without the stack of an internal error.
func oneLine(err error) string {
	text, _, _ := strings.Cut(err.Error(), "\ngoroutine ")
	var faults strict.Faults
	if errors.As(err, &faults) && len(faults) > 1 {
		list := make([]string, len(faults))
		for i := range faults {
			list[i] = faults[i].Error()
		}
		text = strings.Join(list, "; ")
	}
	text = strings.Join(strings.Fields(text), " ")
	if len(text) > maxReason {
		text = strings.ToValidUTF8(text[:maxReason], "") + "..."
	}
	return text
}

// take adds a settled point.
func (r *run) take(row *store.Row, reused bool) {
	p := point(r.sweep, row, reused)
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if at, known := r.known[row.Point]; r.over || known && at >= 0 {
		return
	}
	r.known[row.Point] = len(r.points)
	r.points = append(r.points, p)
	r.progressLocked()
}

// point is a row in short.
func point(s *sweep.Sweep, row *store.Row, reused bool) outcome.Point {
	p := outcome.Point{ID: row.ID, Rung: row.Rung, Status: row.Status, Reason: row.Reason, Objectives: row.Objectives,
		Violation: row.Violation, Reused: reused, Seconds: row.WallSeconds, Indices: make([]int, len(s.Axes))}
	s.Space.Indices(row.ID, p.Indices)
	return p
}

// indices are those of a point on every axis.
func (r *run) indices(id int64) []int {
	indices := make([]int, len(r.sweep.Axes))
	r.sweep.Space.Indices(id, indices)
	return indices
}

// settings are the keys of the axes at a point.
func (r *run) settings(indices []int) []outcome.Setting {
	var list []outcome.Setting
	for i := range r.sweep.Axes {
		for k, key := range r.sweep.Axes[i].Keys {
			list = append(list, outcome.Setting{Key: key, Value: r.sweep.Axes[i].Values[indices[i]][k]})
		}
	}
	return list
}

// sortPoints orders points by ID, then by rung.
func sortPoints(points []outcome.Point) {
	slices.SortFunc(points, func(a, b outcome.Point) int {
		return cmp.Or(cmp.Compare(a.ID, b.ID), cmp.Compare(a.Rung, b.Rung))
	})
}

func (r *run) progress() {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.progressLocked()
}

func (r *run) progressLocked() {
	if r.options.Progress != nil {
		r.options.Progress("points", len(r.points), r.total)
	}
}
