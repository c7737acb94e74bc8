package explore

import (
	"context"
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/npusim/npusim/configs"
	"github.com/npusim/npusim/npu/evaluate"
	"github.com/npusim/npusim/npu/explore/outcome"
)

// infinite is a fake with a figure that is no number where there is one row.
type infinite struct{ fake }

func (f *infinite) Run(ctx context.Context, spec *configs.Spec, q evaluate.Request) (*evaluate.Result, evaluate.Reuse, error) {
	r, reuse, err := f.fake.Run(ctx, spec, q)
	if spec.MACArray.Rows == 1 {
		r.DRAM.AchievedGBPerS = math.NaN()
	}
	return r, reuse, err
}

// TestFiguresThatAreNoNumbers fail their point and no other.
func TestFiguresThatAreNoNumbers(t *testing.T) {
	o := options(t.TempDir(), nil)
	o.Open = func(context.Context, evaluate.Options) (Evaluator, error) { return &infinite{}, nil }
	e := mustRun(t, try(t), o)
	if e.Counts != (outcome.Counts{Points: 64, Done: 56, Failed: 8}) || !strings.Contains(e.Points[0].Reason, "dram.achieved_gb_per_s is no finite number") {
		t.Errorf("%+v: %s", e.Counts, e.Points[0].Reason)
	}
}

// TestInterruptOfTheSearch: looking for points that are allowed where there are
// none in a large space takes minutes, but ends at once with the context.
func TestInterruptOfTheSearch(t *testing.T) {
	s := try(t, "[[axis]]\nkey = \"mac_array.rows\"\nrange = [1, 8]", `strategy = "random"
budget = {points = 10_000_000}
constraint = [{expression = "mac_array.rows < 1"}]
[[axis]]
key = "mac_array.rows"
range = [1, 1000]
[[axis]]
key = "npu.clock_mhz"
range = [1, 5000]`)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	f := &fake{}
	e, err := Run(ctx, s, options(t.TempDir(), f))
	if !errors.Is(err, context.DeadlineExceeded) || e == nil || !e.Interrupted || f.runs.Load() > 0 {
		t.Errorf("%v, %+v", err, e)
	}
}

// reading is a fake that reads the model at every point.
type reading struct{ fake }

func (f *reading) Run(ctx context.Context, spec *configs.Spec, q evaluate.Request) (*evaluate.Result, evaluate.Reuse, error) {
	r, reuse, err := f.fake.Run(ctx, spec, q)
	reuse.Origins[evaluate.CalibrationStage] = evaluate.Made
	return r, reuse, err
}

// TestFilesThatChange end the work before anything is recorded under the hash of
// what they were.
func TestFilesThatChange(t *testing.T) {
	s, folder := try(t), t.TempDir()
	mask := filepath.Join(t.TempDir(), "mask")
	if err := os.Mkdir(mask, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{s.Models[0].File, filepath.Join(mask, "a.npy")} {
		s.Base.Compression.Mask = mask
		if err := os.WriteFile(file, []byte("first"), 0o644); err != nil {
			t.Fatal(err)
		}
		f := &reading{}
		f.quirk = func(context.Context, *configs.Spec) error {
			if f.runs.Load() == 10 {
				return os.WriteFile(file, []byte("second"), 0o644)
			}
			return nil
		}
		o := options(folder, nil)
		o.Workers = 1
		o.Open = func(context.Context, evaluate.Options) (Evaluator, error) { return f, nil }
		e, err := Run(t.Context(), s, o)
		if err == nil || !strings.Contains(err.Error(), file+" has changed") || e.Counts.Points != 9 {
			t.Errorf("%v, %+v", err, e)
		}
		if e := mustRun(t, s, o); e.Counts.Done != 64 || e.Counts.Reused > 0 {
			t.Errorf("with the new file: %+v", e.Counts)
		}
	}
}

// TestHashFolder: links are followed, to the folder and in it.
func TestHashFolder(t *testing.T) {
	folder := t.TempDir()
	real := filepath.Join(folder, "real")
	if err := os.Mkdir(real, 0o755); err != nil {
		t.Fatal(err)
	}
	for link, to := range map[string]string{filepath.Join(folder, "link"): "real", filepath.Join(real, "b.npy"): "../elsewhere", filepath.Join(real, "loose"): "nowhere"} {
		if err := os.Symlink(to, link); err != nil {
			t.Skipf("symbolic links cannot be made here (some systems ask for a privilege): %v", err)
		}
	}
	seen := map[string]string{}
	for _, text := range []string{"one", "two"} {
		if err := os.WriteFile(filepath.Join(folder, "elsewhere"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		direct, files, err := hashFolder(t.Context(), real)
		linked, _, linkedErr := hashFolder(t.Context(), filepath.Join(folder, "link"))
		if err != nil || linkedErr != nil || direct != linked || len(files) != 1 || seen[direct] != "" {
			t.Errorf("%s: %q and %q, %d files, as %q: %v, %v", text, direct, linked, len(files), seen[direct], err, linkedErr)
		}
		seen[direct] = text
	}
	if _, _, err := hashFolder(t.Context(), filepath.Join(folder, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

// TestReasonsOfSeveralFaults stand side by side in a row.
func TestReasonsOfSeveralFaults(t *testing.T) {
	_, err := try(t).Base.With("quantization.weights=per-channel", "dram.controller=[\"row_policy=closed\"]")
	if got := oneLine(err); !strings.Contains(got, "per_channel_multiplier") || !strings.Contains(got, "; ") || !strings.Contains(got, "dram.controller: ") || strings.Contains(got, "\n") {
		t.Error(got)
	}
}

// TestDropped: what screening leaves behind of its own front is told.
func TestDropped(t *testing.T) {
	for keep, want := range map[string]int{"0.9": 0, "0.0625": 4} { // eight are on the front of 64
		s := try(t, "config =", "strategy = \"successive-halving\"\nhalving = {keep = "+keep+", rung = [{samples = 3}]}\nconfig =")
		if e := mustRun(t, s, options(t.TempDir(), &fake{})); len(e.Dropped) != 1 || e.Dropped[0] != want {
			t.Errorf("keep %s: %v of the front dropped, want %d", keep, e.Dropped, want)
		}
	}
}
