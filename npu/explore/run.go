package explore

import (
	"context"
	"errors"
	"runtime"
	"time"

	"github.com/npusim/npusim/compiler/compress"
	"github.com/npusim/npusim/configs"
	"github.com/npusim/npusim/npu/evaluate"
	"github.com/npusim/npusim/npu/explore/outcome"
	"github.com/npusim/npusim/npu/explore/search"
	"github.com/npusim/npusim/npu/explore/store"
	"github.com/npusim/npusim/npu/explore/sweep"
)

// Options of a run.
type Options struct {
	Folder      string          // of the store, made if it does not exist
	Workers     int             // points at once; 0 is one a core
	RetryFailed bool            // try points again that failed in an earlier run
	Codes       *compress.Cache // keeps codes of weights that take long to find; may be nil

	// Progress may be nil; it is called from several goroutines.
	Progress func(stage string, done, total int)

	// Open makes the evaluator of a model; nil is evaluate.NewSession.
	Open func(ctx context.Context, o evaluate.Options) (Evaluator, error)
}

// Evaluator runs a model on configurations. It is used by several goroutines.
type Evaluator interface {
	Run(ctx context.Context, spec *configs.Spec, q evaluate.Request) (*evaluate.Result, evaluate.Reuse, error)
}

func openSession(ctx context.Context, o evaluate.Options) (Evaluator, error) {
	return evaluate.NewSession(ctx, o)
}

// abandonAfter is how long points in flight may take to stop when the work is
// to end; after that they are left alone.
const abandonAfter = time.Second

// Run explores a sweep. When ctx ends, it returns within about a second what
// there is, marked as interrupted, and the error of ctx.
func Run(ctx context.Context, s *sweep.Sweep, o Options) (*outcome.Exploration, error) {
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	if o.Open == nil {
		o.Open = openSession
	}
	ids, err := newIdentities(ctx, s)
	if err != nil {
		return nil, err
	}
	r := &run{sweep: s, options: o, ids: ids, key: ids.key(s), known: map[store.Point]int{}, start: time.Now()}
	for i := range s.Models {
		m := &s.Models[i]
		e, err := o.Open(ctx, evaluate.Options{Model: m.File, Data: m.Data, Workers: 1, Seed: s.Seed, Codes: o.Codes})
		if err != nil {
			return nil, err
		}
		r.evaluators = append(r.evaluators, e)
		if err := ids.models[i].files.check(); err != nil {
			return nil, err
		}
	}
	if r.store, err = store.Open(o.Folder); err != nil {
		return nil, err
	}
	err = r.all(ctx)
	// A point that was abandoned may still want to record itself: it finds the
	// store closed, or is waited for here.
	r.mutex.Lock()
	r.over = true
	r.mutex.Unlock()
	found := r.finish()
	found.Interrupted = errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
	return found, errors.Join(err, r.store.Close())
}

// all goes through the strategy.
func (r *run) all(ctx context.Context) error {
	if err := r.enter(); err != nil {
		return err
	}
	if r.options.RetryFailed {
		if err := r.store.ForgetFailed(r.key); err != nil {
			return err
		}
	}
	if err := r.load(); err != nil {
		return err
	}
	if r.sweep.Duration > 0 {
		r.deadline = r.start.Add(r.sweep.Duration)
	}
	strategy, err := await(ctx, func() search.Strategy { return r.sweep.Search(ctx) })
	if err != nil {
		return err
	}
	r.total = int(strategy.Evaluations())
	r.progress()
	for {
		batch, err := await(ctx, func() search.Batch { batch, _ := strategy.Ask(); return batch })
		if err != nil || len(batch.Points) == 0 || r.late() {
			return err
		}
		places, err := r.batch(ctx, batch)
		if err != nil {
			return err
		}
		if places == nil { // out of time
			return nil
		}
		scores := make([]search.Score, len(places))
		for i, at := range places {
			p := &r.points[at]
			scores[i] = r.sweep.Score(p.Objectives, p.Violation)
		}
		if _, err := await(ctx, func() bool { strategy.Tell(scores); return true }); err != nil {
			return err
		}
	}
}

// await does work that ctx does not stop, such as choosing points where
// constraints leave next to nothing of a large space. When ctx ends, the work is
// left alone.
func await[T any](ctx context.Context, work func() T) (T, error) {
	type end struct {
		value T
		fault any // of a panic
	}
	done := make(chan end, 1)
	go func() {
		var e end
		defer func() {
			e.fault = recover()
			done <- e
		}()
		e.value = work()
	}()
	select {
	case e := <-done:
		if e.fault != nil {
			panic(e.fault)
		}
		return e.value, ctx.Err()
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
}

// late tells whether the budget of time is spent.
func (r *run) late() bool { return !r.deadline.IsZero() && time.Now().After(r.deadline) }

// enter notes the sweep in the store.
func (r *run) enter() error {
	saved, err := r.sweep.Save()
	if err != nil {
		return err
	}
	return r.store.Enter(&store.Sweep{Key: r.key, Description: r.describe(), Saved: saved})
}

// describe is the sweep in words.
func (r *run) describe() outcome.Sweep {
	d := r.sweep.Describe()
	d.Version = r.ids.version
	for i := range d.Models {
		d.Models[i].SHA256 = r.ids.models[i].model
	}
	return d
}

// load remembers the points that earlier runs recorded.
func (r *run) load() error {
	return r.store.Each(r.key, func(row *store.Row) error {
		r.known[row.Point] = -1
		return nil
	})
}

// finish sums up.
func (r *run) finish() *outcome.Exploration {
	e := &outcome.Exploration{Key: r.key, Sweep: r.describe(), Points: r.points, WallSeconds: time.Since(r.start).Seconds()}
	summarize(e, r.sweep)
	r.mutex.Lock()
	defer r.mutex.Unlock()
	e.Shared, e.Recorded = r.reuse.lines(), len(r.known)
	return e
}

// summarize counts the points and marks the front.
func summarize(e *outcome.Exploration, s *sweep.Sweep) {
	sortPoints(e.Points)
	scores := make([]search.Score, len(e.Points))
	for i := range e.Points {
		p := &e.Points[i]
		e.Counts.Points++
		if p.Reused {
			e.Counts.Reused++
		}
		if p.Status == outcome.Failed {
			e.Counts.Failed++
		} else {
			e.Counts.Done++
			if p.Violation > 0 {
				e.Counts.Infeasible++
			}
		}
		scores[i] = search.Failed()
		if p.Status == outcome.Done && p.Rung == s.Final() {
			scores[i] = s.Score(p.Objectives, p.Violation)
		}
	}
	for rung := range s.Final() {
		e.Dropped = append(e.Dropped, dropped(e.Points, s, rung))
	}
	e.Front = search.Front(scores)
	for _, i := range e.Front {
		e.Points[i].OnFront = true
	}
}

// dropped counts the points on the front of a screening rung that did not go on
// to the next; none while nothing has gone on.
func dropped(points []outcome.Point, s *sweep.Sweep, rung int) int {
	on := map[int64]bool{}
	var ids []int64
	var scores []search.Score
	for i := range points {
		switch p := &points[i]; {
		case p.Rung == rung+1:
			on[p.ID] = true
		case p.Rung == rung && p.Status == outcome.Done:
			ids, scores = append(ids, p.ID), append(scores, s.Score(p.Objectives, p.Violation))
		}
	}
	if len(on) == 0 {
		return 0
	}
	n := 0
	for _, i := range search.Front(scores) {
		if !on[ids[i]] {
			n++
		}
	}
	return n
}
