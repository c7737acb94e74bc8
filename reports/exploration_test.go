package reports

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/npusim/npusim/npu/explore/expression"
	"github.com/npusim/npusim/npu/explore/outcome"
)

// exploration has a front of two points, a failed one and one that does not
// meet a constraint.
func exploration() *outcome.Exploration {
	number := expression.NumberOf
	return &outcome.Exploration{
		Sweep: outcome.Sweep{
			Name: "try", Base: "edge", Strategy: "grid", SpacePoints: 4096, Rungs: []string{"all samples"},
			Axes: []outcome.Axis{
				{Name: "array", Keys: []string{"mac_array.rows", "mac_array.columns"}, Values: [][]outcome.Value{{number(8), number(8)}, {number(16), number(32)}}, Ordered: true},
				{Name: "dram.preset", Keys: []string{"dram.preset"}, Values: [][]outcome.Value{{expression.TextOf("hbm2")}, {expression.TextOf("ddr4-2400")}}},
			},
			Objectives: []outcome.Objective{{Expression: "timing.cycles"}, {Expression: "accuracy.npu_top1", Maximize: true}},
		},
		Points: []outcome.Point{
			{ID: 0, Status: outcome.Done, Indices: []int{0, 0}, Objectives: []float64{9000, 0.96875}, OnFront: true},
			{ID: 1, Status: outcome.Failed, Indices: []int{0, 1}, Reason: "no memory \x1b[1m"},
			{ID: 2, Status: outcome.Done, Indices: []int{1, 0}, Objectives: []float64{1234, 0.5}, OnFront: true},
			{ID: 3, Status: outcome.Done, Indices: []int{1, 1}, Objectives: []float64{1, 0.25}, Violation: 0.5},
		},
		Front:       []int{0, 2},
		Counts:      outcome.Counts{Points: 4, Done: 3, Failed: 1, Reused: 2, Infeasible: 1},
		WallSeconds: 1.5,
	}
}

func TestExplorationText(t *testing.T) {
	var b bytes.Buffer
	if err := WriteExplorationText(&b, Style{}, exploration()); err != nil {
		t.Fatal(err)
	}
	want := `Sweep try on edge
  Space     4,096 points on 2 axes, strategy grid
  Points    4: 3 done, 1 failed; 2 from an earlier run
            1 of those done do not meet a constraint
  Failed    1, as point 1: no memory �[1m

Pareto front: 2 of the points that meet every constraint
  point  timing.cycles  accuracy.npu_top1  array  dram.preset
                 least               most
  ─────  ─────────────  ─────────────────  ─────  ───────────
      2          1,234                0.5  16/32  hbm2
      0          9,000            0.96875    8/8  hbm2
`
	got := b.String()
	if strings.ContainsRune(got, '\x1b') {
		t.Error("a control character of a reason reaches the terminal")
	}
	// How a control character is shown is printable's affair.
	hide := func(s string) string {
		var lines []string
		for line := range strings.Lines(s) {
			if i := strings.Index(line, "no memory"); i >= 0 {
				line = line[:i] + "no memory\n"
			}
			lines = append(lines, line)
		}
		return strings.Join(lines, "")
	}
	if diff := cmp.Diff(hide(want), hide(got)); diff != "" {
		t.Error(diff)
	}
	empty := exploration()
	empty.Front = nil
	b.Reset()
	if err := WriteExplorationText(&b, Style{}, empty); err != nil || !strings.Contains(b.String(), "there is no front") {
		t.Errorf("%v: %s", err, b.String())
	}
}

// TestExplorationJSON: the keys that scripts rely on.
func TestExplorationJSON(t *testing.T) {
	var b bytes.Buffer
	if err := WriteExplorationJSON(&b, exploration()); err != nil {
		t.Fatal(err)
	}
	var got any
	if err := json.Unmarshal(b.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"points": 4.0, "done": 3.0, "failed": 1.0, "reused": 2.0, "infeasible": 1.0,
		"front": []any{
			map[string]any{"id": 0.0, "config": map[string]any{"mac_array.rows": 8.0, "mac_array.columns": 8.0, "dram.preset": "hbm2"},
				"objectives": map[string]any{"timing.cycles": 9000.0, "accuracy.npu_top1": 0.96875}},
			map[string]any{"id": 2.0, "config": map[string]any{"mac_array.rows": 16.0, "mac_array.columns": 32.0, "dram.preset": "hbm2"},
				"objectives": map[string]any{"timing.cycles": 1234.0, "accuracy.npu_top1": 0.5}},
		},
		"host": map[string]any{"wall_seconds": 1.5},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	empty := exploration()
	empty.Front = nil
	b.Reset()
	if err := WriteExplorationJSON(&b, empty); err != nil || !strings.Contains(b.String(), `"front": []`) {
		t.Errorf("a front without points is an empty list: %v %s", err, b.String())
	}
}
