package explore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path"
	"path/filepath"
	"slices"

	"github.com/npusim/npusim/npu/evaluate"
	"github.com/npusim/npusim/npu/explore/figures"
	"github.com/npusim/npusim/npu/explore/outcome"
	"github.com/npusim/npusim/npu/explore/store"
)

// ReportsFolder holds the report directories of points, in the directory of the
// exploration.
const ReportsFolder = "reports"

// reportFolder is the report directory of a point and a model, seen from the
// directory of the exploration, with slashes. What determines the figures is
// part of the name, so that the report of another sweep or version is never
// taken for it.
func reportFolder(p *outcome.Point, evaluation string) string {
	return path.Join(ReportsFolder, fmt.Sprintf("%d-%.10s", p.ID, evaluation))
}

// reports lists the report directories of a point by model, or nothing if one
// is missing.
func (a *Archive) reports(p *outcome.Point) ([]string, error) {
	row, err := a.store.Row(a.key, store.Point{ID: p.ID, Rung: p.Rung})
	if err != nil || row == nil || row.Status == outcome.Failed {
		return nil, err
	}
	var list []string
	for _, hash := range row.Evaluations {
		folder := reportFolder(p, hash)
		if info, err := os.Stat(filepath.Join(a.folder, filepath.FromSlash(folder))); err != nil || !info.IsDir() {
			return nil, nil
		}
		list = append(list, folder)
	}
	return list, nil
}

// Representatives picks up to count points of the front that differ most: the
// best by each objective in turn, then, again and again, the one that is
// farthest from all that were picked, in objectives relative to the extent of
// the front.
func (a *Archive) Representatives(count int) []*outcome.Point {
	e := a.Exploration
	front := slices.Clone(e.Front)
	extent := make([]float64, len(e.Sweep.Objectives))
	for o := range extent {
		low, high := math.Inf(1), math.Inf(-1)
		for _, i := range front {
			low, high = min(low, e.Points[i].Objectives[o]), max(high, e.Points[i].Objectives[o])
		}
		if extent[o] = high - low; !(extent[o] > 0) {
			extent[o] = 1
		}
	}
	distance := func(p, q *outcome.Point) float64 {
		sum := 0.0
		for o := range extent {
			d := (p.Objectives[o] - q.Objectives[o]) / extent[o]
			sum += d * d
		}
		return sum
	}
	var picked []*outcome.Point
	nearest := make([]float64, len(front)) // to any that was picked
	for k := range nearest {
		nearest[k] = math.Inf(1)
	}
	for len(picked) < min(count, len(front)) {
		best := 0
		if o := len(picked); o < len(extent) {
			best = slices.Index(front, slices.MinFunc(front, func(i, j int) int {
				by := cmp.Compare(e.Points[i].Objectives[o], e.Points[j].Objectives[o])
				if e.Sweep.Objectives[o].Maximize {
					by = -by
				}
				return cmp.Or(by, cmp.Compare(i, j))
			}))
		}
		if nearest[best] == 0 || len(picked) >= len(extent) { // of what is best in two ways, once
			for k := range front {
				if nearest[k] > nearest[best] {
					best = k
				}
			}
		}
		if nearest[best] == 0 { // only equals are left
			break
		}
		p := &e.Points[front[best]]
		picked = append(picked, p)
		for k, i := range front {
			nearest[k] = min(nearest[k], distance(&e.Points[i], p))
		}
	}
	return picked
}

// WriteReports evaluates points once more, as far as they have no report
// directory, and has write fill one for each model. It returns how many were
// written. Model, data and version must be those of the exploration, and the
// figures must come out as recorded. A directory appears whole or not at all.
func (a *Archive) WriteReports(ctx context.Context, points []*outcome.Point, o Options, write func(folder string, r *evaluate.Result) error) (int, error) {
	missing, err := a.withoutReport(points)
	if err != nil || len(missing) == 0 {
		return 0, err
	}
	ids, err := newIdentities(ctx, a.sweep)
	if err != nil {
		return 0, err
	}
	if ids.key(a.sweep) != a.key {
		return 0, &evaluate.UsageError{Err: errors.New("reports of an exploration need its model, its data and the version of npusim that it was made with; some of them have changed")}
	}
	written := 0
	for i := range a.sweep.Models {
		m := &a.sweep.Models[i]
		session, err := evaluate.NewSession(ctx, evaluate.Options{Model: m.File, Data: m.Data, Workers: o.Workers, Seed: a.sweep.Seed, Codes: o.Codes, Record: true})
		if err != nil {
			return written, err
		}
		for k, p := range missing {
			if o.Progress != nil {
				o.Progress("reports", i*len(missing)+k, len(missing)*len(a.sweep.Models))
			}
			if err := a.writeReport(ctx, session, ids, i, p, write); err != nil {
				return written, fmt.Errorf("report of point %d: %w", p.ID, err)
			}
			written++
		}
	}
	return written, nil
}

// withoutReport lists the points that have no report directory.
func (a *Archive) withoutReport(points []*outcome.Point) ([]*outcome.Point, error) {
	var missing []*outcome.Point
	for _, p := range points {
		list, err := a.reports(p)
		if err != nil {
			return nil, err
		}
		if list == nil {
			missing = append(missing, p)
		}
	}
	return missing, nil
}

// writeReport evaluates a point with a model and writes its report directory.
func (a *Archive) writeReport(ctx context.Context, session *evaluate.Session, ids *identities, model int, p *outcome.Point, write func(string, *evaluate.Result) error) (err error) {
	spec, err := a.sweep.Spec(p.Indices, p.Rung)
	if err != nil {
		return err
	}
	e, err := ids.evaluation(ctx, a.sweep, model, spec, p.Rung)
	if err != nil {
		return err
	}
	r, _, err := session.Run(ctx, spec, evaluate.Request{Samples: e.Samples, TimingOnly: e.TimingOnly})
	if err != nil {
		return err
	}
	recorded, err := a.store.Evaluation(e.Hash)
	if err != nil {
		return err
	}
	if !slices.Equal(figures.Of(r), recorded) {
		return errors.New("its figures come out otherwise than they were recorded")
	}
	r.Config.Changes = append(slices.Clone(a.sweep.Set), a.sweep.Settings(p.Indices, p.Rung)...)
	target := filepath.Join(a.folder, filepath.FromSlash(reportFolder(p, e.Hash)))
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		return err
	}
	temporary, err := os.MkdirTemp(filepath.Dir(target), ".unfinished-*")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(temporary)) }()
	if err := write(temporary, r); err != nil {
		return err
	}
	if err := os.Chmod(temporary, 0o755); err != nil { // temporary directories are private
		return err
	}
	err = os.Rename(temporary, target)
	if _, there := os.Stat(target); there == nil { // another process may have been first
		return nil
	}
	return err
}
