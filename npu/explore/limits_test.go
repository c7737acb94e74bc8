package explore

import (
	"context"
	"errors"
	"math"
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
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	f := &fake{}
	e, err := Run(ctx, s, options(t.TempDir(), f))
	if !errors.Is(err, context.DeadlineExceeded) || !e.Interrupted || f.runs.Load() > 0 {
		t.Errorf("%v, %+v", err, e.Counts)
	}
}
