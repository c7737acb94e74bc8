package explore

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/npusim/npusim/configs"
	"github.com/npusim/npusim/npu/evaluate"
	"github.com/npusim/npusim/npu/explore/expression"
	"github.com/npusim/npusim/npu/explore/outcome"
	"github.com/npusim/npusim/npu/explore/sweep"
)

// fake evaluates by formula: many rows are fast and dear, many columns exact.
type fake struct {
	runs  atomic.Int64
	quirk func(ctx context.Context, spec *configs.Spec) error // may be nil
}

func (f *fake) Run(ctx context.Context, spec *configs.Spec, q evaluate.Request) (*evaluate.Result, evaluate.Reuse, error) {
	f.runs.Add(1)
	if f.quirk != nil {
		if err := f.quirk(ctx, spec); err != nil {
			return nil, evaluate.Reuse{}, err
		}
	}
	rows, columns := float64(spec.MACArray.Rows), float64(spec.MACArray.Columns)
	top1 := 1 - 1/(columns+float64(q.Samples)/1e6)
	return &evaluate.Result{
		Timing:   evaluate.Timing{Cycles: int64(1e6 / rows)},
		EnergyUJ: evaluate.Energy{Total: rows + columns},
		Accuracy: &evaluate.Accuracy{NPUTop1: &top1},
		DRAM:     evaluate.DRAM{BytesByClass: map[string]int64{"weights": int64(q.Samples)}},
	}, evaluate.Reuse{}, nil
}

const space = `
name = "try"
config = "edge"
set = ["dram.tier=linear"]
model = "net.csv"
objectives = ["minimize timing.cycles", "minimize energy_uj.total", "maximize accuracy.cosine + accuracy.npu_top1"]
[[axis]]
key = "mac_array.rows"
range = [1, 8]
[[axis]]
key = "mac_array.columns"
range = [1, 8]
`

// try is a sweep of 64 points with two objectives, changed by pairs of old and
// new text.
func try(t *testing.T, changes ...string) *sweep.Sweep {
	t.Helper()
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "net.csv"), []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(space, `, "maximize accuracy.cosine + accuracy.npu_top1"`, "", 1)
	s, err := sweep.Parse(filepath.Join(folder, "s.toml"), []byte(strings.NewReplacer(changes...).Replace(text)), sweep.Overrides{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func options(folder string, f *fake) Options {
	return Options{Folder: folder, Workers: 4, Open: func(context.Context, evaluate.Options) (Evaluator, error) { return f, nil }}
}

func mustRun(t *testing.T, s *sweep.Sweep, o Options) *outcome.Exploration {
	t.Helper()
	e, err := Run(t.Context(), s, o)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// rows is the table of a folder without wall times.
func rows(t *testing.T, folder string) []string {
	t.Helper()
	a, err := OpenArchive(folder, "")
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	table, err := a.Table()
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	err = table.Each(func(cells []expression.Value) error {
		list = append(list, fmt.Sprint(cells[:len(cells)-1]))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestGrid(t *testing.T) {
	folder, f := t.TempDir(), &fake{}
	e := mustRun(t, try(t), options(folder, f))
	// A point is on the front unless another of as many rows has fewer columns.
	if e.Counts != (outcome.Counts{Points: 64, Done: 64}) || len(e.Front) != 8 || f.runs.Load() != 64 {
		t.Fatalf("%+v, front of %d, %d evaluations", e.Counts, len(e.Front), f.runs.Load())
	}
	for _, i := range e.Front {
		if p := &e.Points[i]; p.Indices[1] != 0 || !p.OnFront {
			t.Errorf("point %d is on the front", p.ID)
		}
	}
	again := mustRun(t, try(t), options(folder, f))
	if again.Counts != (outcome.Counts{Points: 64, Done: 64, Reused: 64}) || f.runs.Load() != 64 || !slices.Equal(again.Front, e.Front) {
		t.Errorf("a second run: %+v, %d evaluations", again.Counts, f.runs.Load())
	}
	// Another sweep shares the evaluations, not the points.
	wider := mustRun(t, try(t, "[1, 8]", "[1, 9]"), options(folder, f))
	if wider.Counts.Done != 81 || f.runs.Load() != 81 || len(wider.Shared) == 0 {
		t.Errorf("a wider sweep: %+v, %d evaluations in all", wider.Counts, f.runs.Load())
	}
	if len(rows(t, folder)) != 81 {
		t.Error("the archive is not that of the latest sweep")
	}
	// Other model bytes are another model.
	s := try(t)
	if err := os.WriteFile(s.Models[0].File, []byte("y"), 0o644); err != nil {
		t.Fatal(err)
	}
	if e := mustRun(t, s, options(folder, f)); e.Counts.Reused != 0 || f.runs.Load() != 81+64 {
		t.Errorf("another model: %+v", e.Counts)
	}
}

// TestFailures: errors, panics and contradictory configurations are rows with
// reasons, whatever the strategy.
func TestFailures(t *testing.T) {
	quirk := func(_ context.Context, spec *configs.Spec) error {
		switch spec.MACArray.Rows {
		case 2:
			return errors.New("no luck\nwith two")
		case 3:
			panic("three")
		}
		return nil
	}
	folder, f := t.TempDir(), &fake{quirk: quirk}
	s := try(t, `"mac_array.columns"
range = [1, 8]`, `"npu.weight_buffer_kib"
values = [64, 1]`, `"mac_array.rows"
range = [1, 8]`, `"mac_array.rows"
values = [1, 2, 3, 1024]`)
	e := mustRun(t, s, options(folder, f))
	if e.Counts != (outcome.Counts{Points: 8, Done: 3, Failed: 5}) {
		t.Fatalf("%+v", e.Counts)
	}
	reasons := map[int64]string{2: "no luck with two", 4: "internal error: three", 7: "weight"}
	for _, p := range e.Points {
		if want := reasons[p.ID]; want != "" && !strings.Contains(p.Reason, want) {
			t.Errorf("point %d failed for %q, want %q", p.ID, p.Reason, want)
		}
		if p.Status == outcome.Failed && (p.Reason == "" || p.Objectives != nil || p.OnFront || strings.Contains(p.Reason, "\n")) {
			t.Errorf("%+v", p)
		}
	}
	before := f.runs.Load()
	if again := mustRun(t, s, options(folder, f)); again.Counts.Reused != 8 || f.runs.Load() != before {
		t.Errorf("failed points are tried again unasked: %+v", again.Counts)
	}
	f.quirk = nil
	retry := options(folder, f)
	retry.RetryFailed = true
	if again := mustRun(t, s, retry); again.Counts.Failed != 1 || again.Counts.Done != 7 || again.Counts.Reused != 3 {
		t.Errorf("tried again: %+v", again.Counts)
	}
	// A figure that does not apply is a failure of the point, named.
	missing := mustRun(t, try(t, `"minimize energy_uj.total"`, `"maximize accuracy.cosine"`), options(t.TempDir(), f))
	if missing.Counts.Failed != 64 || !strings.Contains(missing.Points[0].Reason, "accuracy.cosine has no value") {
		t.Errorf("%+v: %s", missing.Counts, missing.Points[0].Reason)
	}
}

// TestStrategiesAreRepeatable: the same rows with one worker, with several, and
// after being stopped again and again.
func TestStrategiesAreRepeatable(t *testing.T) {
	for name, change := range map[string]string{
		"grid":    "",
		"random":  "strategy = \"random\"\nbudget = {points = 30}",
		"nsga2":   "strategy = \"nsga2\"\nbudget = {points = 40}\nnsga2 = {population = 8}",
		"halving": "strategy = \"successive-halving\"\nhalving = {keep = 0.3, rung = [{samples = 3}]}",
	} {
		t.Run(name, func(t *testing.T) {
			s := func() *sweep.Sweep { return try(t, "config =", change+"\nconfig =") }
			whole := t.TempDir()
			o := options(whole, &fake{})
			o.Workers = 1
			mustRun(t, s(), o)
			want := rows(t, whole)

			parallel := t.TempDir()
			mustRun(t, s(), options(parallel, &fake{}))
			if got := rows(t, parallel); !slices.Equal(got, want) {
				t.Errorf("four workers give other rows than one: %d and %d", len(got), len(want))
			}

			stopped := t.TempDir()
			for stops := 0; ; stops++ {
				ctx, cancel := context.WithCancel(t.Context())
				f := &fake{}
				f.quirk = func(context.Context, *configs.Spec) error {
					if f.runs.Load() > 11 {
						cancel()
						return context.Canceled
					}
					return nil
				}
				e, err := Run(ctx, s(), options(stopped, f))
				cancel()
				if err == nil {
					if stops < 2 {
						t.Errorf("stopped only %d times", stops)
					}
					break
				}
				if !errors.Is(err, context.Canceled) || !e.Interrupted || e.Counts.Failed > 0 {
					t.Fatalf("%v, %+v", err, e.Counts)
				}
				if stops > 30 {
					t.Fatal("no progress")
				}
			}
			if got := rows(t, stopped); !slices.Equal(got, want) {
				t.Errorf("stopped and continued, there are other rows: %d and %d", len(got), len(want))
			}
		})
	}
}

// TestTwoRunsShareAFolder: nothing is evaluated twice and both see everything.
func TestTwoRunsShareAFolder(t *testing.T) {
	folder, f := t.TempDir(), &fake{quirk: func(context.Context, *configs.Spec) error { time.Sleep(time.Millisecond); return nil }}
	sweeps := []*sweep.Sweep{try(t), try(t)}
	var group sync.WaitGroup
	for _, s := range sweeps {
		group.Go(func() {
			e, err := Run(t.Context(), s, options(folder, f))
			if err != nil || e.Counts.Done != 64 || len(e.Front) != 8 {
				t.Errorf("%v, %+v", err, e)
			}
		})
	}
	group.Wait()
	if f.runs.Load() != 64 {
		t.Errorf("%d evaluations of 64 points", f.runs.Load())
	}
}

func TestConstraintsAndBudgets(t *testing.T) {
	constraints := "[[constraint]]\nexpression = \"mac_array.rows >= 5\"\n[[constraint]]\nexpression = \"energy_uj.total >= 10\"\n[[axis]]\nkey = \"mac_array.rows\""
	f := &fake{}
	e := mustRun(t, try(t, "[[axis]]\nkey = \"mac_array.rows\"", constraints), options(t.TempDir(), f))
	if e.Counts != (outcome.Counts{Points: 32, Done: 32, Infeasible: 10}) || f.runs.Load() != 32 {
		t.Errorf("%+v", e.Counts)
	}
	for _, i := range e.Front {
		if e.Points[i].Indices[0]+e.Points[i].Indices[1]+2 < 10 {
			t.Errorf("point %d is on the front and does not meet a constraint", e.Points[i].ID)
		}
	}
	slow := &fake{quirk: func(context.Context, *configs.Spec) error { time.Sleep(50 * time.Millisecond); return nil }}
	e = mustRun(t, try(t, "config =", "budget = {minutes = 0.005}\nconfig ="), options(t.TempDir(), slow))
	// 64 points by four workers take 800 ms at least.
	if e.Counts.Done >= 64 || e.Interrupted {
		t.Errorf("a budget of 300 ms: %+v", e.Counts)
	}
}

// TestInterruptDoesNotWait for points that do not stop.
func TestInterruptDoesNotWait(t *testing.T) {
	release := make(chan struct{})
	defer close(release)
	ctx, cancel := context.WithCancel(t.Context())
	f := &fake{}
	f.quirk = func(context.Context, *configs.Spec) error {
		if f.runs.Load() >= 10 {
			cancel()
			<-release
		}
		return nil
	}
	e, err := Run(ctx, try(t), options(t.TempDir(), f))
	if !errors.Is(err, context.Canceled) || !e.Interrupted || e.Counts.Done == 0 || e.Counts.Done >= 64 {
		t.Errorf("%v, %+v", err, e.Counts)
	}
}

func TestBest(t *testing.T) {
	folder := t.TempDir()
	mustRun(t, try(t), options(folder, &fake{}))
	a, err := OpenArchive(folder, "")
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	for _, c := range []struct {
		query string
		id    int64
		value float64
	}{
		{"energy_uj.total", 0, 2},
		{"maximize energy_uj.total", 63, 16},
		{"timing.cycles", 56, 125000},
		{"energy_uj.total where mac_array.rows >= 3 and accuracy.npu_top1 > 0.74", 19, 7},
		{"timing.cycles * energy_uj.total where mac_array.columns == 2 or energy_uj.total < 3", 57, 1250000},
	} {
		w, err := a.Best(c.query)
		if err != nil || w.Point.ID != c.id || math.Abs(w.Value-c.value) > 1e-9 {
			t.Errorf("%s: %+v, %v, want point %d with %v", c.query, w, err, c.id, c.value)
			continue
		}
		details, err := a.Details(&w.Point)
		if err != nil || len(details.Figures) != 1 || !strings.Contains(details.Command, "--timing-only") || !strings.HasSuffix(w.TOML, details.TOML) {
			t.Errorf("%s: %+v, %v", c.query, details, err)
		}
	}
	for query, want := range map[string]string{
		"energy_uj.totl":                   "did you mean energy_uj.total?",
		"energy_uj.total where":            "column 22",
		"energy_uj.total where 3":          "true or false is needed",
		"energy_uj.total < 3":              "a number is needed",
		"accuracy.cosine":                  "none of the 64 points",
		"timing.cycles where 1 > 2":        "none of the 64 points",
		"timing.cycles / (1 - 1)":          "none of the 64 points",
		"mac_array.row where mac_array.dx": "did you mean mac_array.rows?",
	} {
		if _, err := a.Best(query); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", query, err, want)
		}
	}
}

// TestMemoryOfLongSweeps: what is held of a point is small.
func TestMemoryOfLongSweeps(t *testing.T) {
	points := 1600
	if testing.Short() {
		points = 400
	}
	s := try(t, `"mac_array.columns"
range = [1, 8]`, fmt.Sprintf(`"npu.clock_mhz"
range = [1, %d]`, points/8))
	folder := t.TempDir()
	heap := func() int64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	before := heap()
	e := mustRun(t, s, options(folder, &fake{}))
	grown := heap() - before
	if a := grown / int64(points); a > 2048 || e.Counts.Done != points {
		t.Errorf("%d bytes a point, %+v", a, e.Counts)
	}
	runtime.KeepAlive(e)
}

// TestSeveralModels: every point runs each, keys begin with the model's name,
// and a point fails as a whole.
func TestSeveralModels(t *testing.T) {
	folder := t.TempDir()
	text := strings.NewReplacer(`model = "net.csv"`, "[[models]]\nname = \"small\"\nfile = \"a.csv\"\n[[models]]\nname = \"large\"\nfile = \"b.csv\"\n",
		"objectives = [\"minimize timing.cycles\", \"minimize energy_uj.total\", \"maximize accuracy.cosine + accuracy.npu_top1\"]", "").Replace(space)
	text = "objectives = [\"minimize max(small.timing.cycles, large.timing.cycles)\", \"minimize small.energy_uj.total\"]\n" + text
	for _, name := range []string{"a.csv", "b.csv"} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(name), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	s, err := sweep.Parse(filepath.Join(folder, "s.toml"), []byte(text), sweep.Overrides{})
	if err != nil {
		t.Fatal(err)
	}
	small := &fake{}
	large := &fake{quirk: func(_ context.Context, spec *configs.Spec) error {
		if spec.MACArray.Rows == 1 {
			return errors.New("too small")
		}
		return nil
	}}
	o := options(folder, nil)
	o.Open = func(_ context.Context, e evaluate.Options) (Evaluator, error) {
		if filepath.Base(e.Model) == "a.csv" {
			return small, nil
		}
		return large, nil
	}
	e := mustRun(t, s, o)
	if e.Counts.Failed != 8 || e.Counts.Done != 56 || small.runs.Load() != 64 || large.runs.Load() != 64 {
		t.Errorf("%+v", e.Counts)
	}
	if e.Points[0].Reason != "model large: too small" {
		t.Errorf("point 0 failed for %q", e.Points[0].Reason)
	}
	a, err := OpenArchive(folder, "")
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	w, err := a.Best("large.energy_uj.total where small.timing.cycles < 200000")
	if err != nil || w.Value != 7 || strings.Count(w.TOML, "npusim run") != 2 {
		t.Errorf("%+v, %v", w, err)
	}
	table, err := a.Table()
	if err != nil || !slices.ContainsFunc(table.Columns, func(c Column) bool { return c.Name == "large.timing.cycles" }) {
		t.Errorf("%v", err)
	}
}

// BenchmarkRecording is how many points a second are claimed, judged and
// recorded where evaluation costs nothing: the engine's and the store's own
// share.
func BenchmarkRecording(b *testing.B) {
	folder := b.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "net.csv"), []byte("x"), 0o644); err != nil {
		b.Fatal(err)
	}
	text := strings.NewReplacer(`, "maximize accuracy.cosine + accuracy.npu_top1"`, "", `"mac_array.columns"
range = [1, 8]`, `"npu.clock_mhz"
range = [1, 250]`).Replace(space)
	s, err := sweep.Parse(filepath.Join(folder, "s.toml"), []byte(text), sweep.Overrides{})
	if err != nil {
		b.Fatal(err)
	}
	points := 0
	for b.Loop() {
		o := options(b.TempDir(), &fake{})
		o.Workers = 1
		e, err := Run(b.Context(), s, o)
		if err != nil {
			b.Fatal(err)
		}
		points += e.Counts.Done
	}
	b.ReportMetric(float64(points)/b.Elapsed().Seconds(), "points/s")
}
