package explore

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/npusim/npusim/npu/evaluate"
	"github.com/npusim/npusim/npu/explore/outcome"
	"github.com/npusim/npusim/npu/explore/sweep"
)

func TestRepresentatives(t *testing.T) {
	e := &outcome.Exploration{Sweep: outcome.Sweep{Objectives: []outcome.Objective{{Expression: "x"}, {Expression: "y", Maximize: true}}}}
	for i, at := range [][]float64{{5, 5}, {0, 0}, {1, 1}, {10, 10}, {10, 10}, {2, 2}, {9, 9}} {
		e.Points = append(e.Points, outcome.Point{ID: int64(i), Objectives: at})
		e.Front = append(e.Front, i)
	}
	a := &Archive{Exploration: e}
	for count, want := range map[int][]int64{0: nil, 1: {1}, 2: {1, 3}, 3: {1, 3, 0}, 4: {1, 3, 0, 5}, 100: {1, 3, 0, 5, 2, 6}} {
		var got []int64
		for _, p := range a.Representatives(count) {
			got = append(got, p.ID)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%d of the front: %v, want %v", count, got, want)
		}
	}
	e.Front = nil
	if got := a.Representatives(3); got != nil {
		t.Errorf("%v of an empty front", got)
	}
}

// TestWriteReports: reports come out as recorded, once, whole or not at all, and
// not for another model.
func TestWriteReports(t *testing.T) {
	folder := t.TempDir()
	model := filepath.Join(folder, "net.csv")
	const net = "name, h, w, fh, fw, c, n, s,\nconv, 18, 18, 3, 3, 8, 16, 1,\n"
	if err := os.WriteFile(model, []byte(net), 0o644); err != nil {
		t.Fatal(err)
	}
	text := strings.NewReplacer("energy_uj.total", "area_mm2.total", "range = [1, 8]", "values = [8, 16]", `, "maximize accuracy.cosine + accuracy.npu_top1"`, "").Replace(space)
	s, err := sweep.Parse(filepath.Join(folder, "s.toml"), []byte(text), sweep.Overrides{})
	if err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(folder, "out")
	mustRun(t, s, Options{Folder: out})
	a, err := OpenArchive(out, "")
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	points := a.Representatives(2)
	if len(points) != 2 {
		t.Fatalf("%d points", len(points))
	}
	full := errors.New("no room")
	n, err := a.WriteReports(t.Context(), points, Options{}, func(folder string, _ *evaluate.Result) error { return full })
	if left, _ := os.ReadDir(filepath.Join(out, ReportsFolder)); n != 0 || !errors.Is(err, full) || len(left) > 0 {
		t.Errorf("%d reports, %v, %v left", n, err, left)
	}
	write := func(folder string, r *evaluate.Result) error {
		if r.Recording == nil || !slices.Contains(r.Config.Changes, "dram.tier=linear") {
			t.Errorf("%q, recording %v", r.Config.Changes, r.Recording)
		}
		return os.WriteFile(filepath.Join(folder, "report.html"), nil, 0o644)
	}
	for _, want := range []int{2, 0} {
		if n, err := a.WriteReports(t.Context(), points, Options{}, write); n != want || err != nil {
			t.Errorf("%d reports, want %d: %v", n, want, err)
		}
	}
	d, err := a.Details(points[1])
	if err != nil || len(d.Reports) != 1 {
		t.Fatalf("%+v, %v", d, err)
	}
	if err := os.Remove(filepath.Join(out, d.Reports[0], "report.html")); err != nil {
		t.Error(err)
	}
	if err := os.Remove(filepath.Join(out, d.Reports[0])); err != nil {
		t.Error(err)
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if n, err := a.WriteReports(cancelled, points, Options{}, write); n != 0 || !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %d, %v", n, err)
	}
	if err := os.WriteFile(model, []byte(net+"more, 18, 18, 3, 3, 8, 16, 1,\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if n, err := a.WriteReports(t.Context(), points, Options{}, write); n != 0 || err == nil || !strings.Contains(err.Error(), "have changed") {
		t.Errorf("another model: %d, %v", n, err)
	}
}

// TestArchiveOfASweep: of several sweeps in a directory, the one that is asked
// for.
func TestArchiveOfASweep(t *testing.T) {
	folder, f := t.TempDir(), &fake{}
	first := mustRun(t, try(t), options(folder, f))
	second := mustRun(t, try(t, "[1, 8]", "[1, 3]"), options(folder, f))
	for key, points := range map[string]int{first.Key: 64, second.Key: 9, "": 9} {
		a, err := OpenArchive(folder, key)
		if err != nil {
			t.Fatal(err)
		}
		if a.Exploration.Counts.Done != points || key != "" && a.Exploration.Key != key {
			t.Errorf("key %q: %+v", key, a.Exploration.Counts)
		}
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := OpenArchive(folder, "none"); err == nil {
		t.Error("a sweep is found that is not there")
	}
}
