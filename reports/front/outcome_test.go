package front

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/npusim/npusim/npu/explore/expression"
	"github.com/npusim/npusim/npu/explore/outcome"
)

// configurations gives every point the same settings and those of its axes.
type configurations struct {
	exploration *outcome.Exploration
	asked       int
	fault       error
}

func (c *configurations) Details(p *outcome.Point) (*outcome.Details, error) {
	c.asked++
	if c.fault != nil {
		return nil, c.fault
	}
	set := c.exploration.Settings(p)
	return &outcome.Details{
		TOML: fmt.Sprintf("# a comment = kept\ninherit = \"edge\"\n\n[dram]\ntier = \"linear\"\n\n[mac_array]\nrows = %s\ncolumns = %s\n\n[quantization]\nweights = %s\n",
			set[0].Value, set[1].Value, set[2].Value),
		Command: "npusim run glyphs.onnx --config CONFIG --data glyphs.toml",
	}, nil
}

// found is an exploration of two axes with points on two rungs.
func found() *outcome.Exploration {
	number := expression.NumberOf
	f := &outcome.Exploration{Sweep: outcome.Sweep{Name: "sizes", Base: "edge", Strategy: "successive-halving", Seed: 3, SpacePoints: 6,
		Models: []outcome.Model{{Name: "glyphs", Samples: 100}}, Rungs: []string{"timing", "in full"}, Constraints: []string{"timing.cycles < 100"},
		Axes: []outcome.Axis{
			{Name: "array", Keys: []string{"mac_array.rows", "mac_array.columns"}, Ordered: true, Values: [][]outcome.Value{{number(8), number(8)}, {number(16), number(16)}, {number(32), number(16)}}},
			{Name: "mode", Keys: []string{"quantization.weights"}, Values: [][]outcome.Value{{expression.TextOf("per-layer")}, {expression.TextOf("per-layer-shift")}}},
		},
		Objectives: []outcome.Objective{{Expression: "timing.cycles"}, {Expression: "accuracy.npu_top1", Maximize: true}}}}
	point := func(id int64, rung, array, mode int, status outcome.Status, violation float64, front bool, objectives ...float64) {
		p := outcome.Point{ID: id, Rung: rung, Status: status, Indices: []int{array, mode}, Objectives: objectives, Violation: violation, OnFront: front}
		if status == outcome.Failed {
			p.Reason = "too small"
		}
		f.Points = append(f.Points, p)
	}
	point(0, 0, 0, 0, outcome.Failed, 0, false)
	point(1, 0, 1, 0, outcome.Done, 0, false, 50, 0.5)
	point(1, 1, 1, 0, outcome.Done, 0, false, 50, 0.6)
	point(2, 0, 2, 0, outcome.Done, 0, false, 40, 0.5)
	point(3, 1, 0, 1, outcome.Done, 20, false, 120, 0.95)
	point(4, 1, 1, 1, outcome.Done, 0, true, 50, 0.9)
	point(5, 1, 2, 1, outcome.Failed, 0, false)
	return f
}

func TestOf(t *testing.T) {
	f := found()
	source := &configurations{exploration: f}
	e, err := Of(f, source)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range e.Points {
		got = append(got, fmt.Sprint(p.ID, p.Status, p.OnFront, p.TOML != ""))
	}
	if want := "0 failed false false; 1 feasible false false; 3 infeasible false false; 4 feasible true true; 5 failed false false"; strings.Join(got, "; ") != want {
		t.Errorf("points %q, want %q", got, want)
	}
	if want := "# a comment = kept\ninherit = \"edge\"\n\n[dram]\ntier = \"linear\"\n\n[mac_array]\n\n[quantization]\n"; e.Base != want {
		t.Errorf("common part\n%swant\n%s", e.Base, want)
	}
	if source.asked != 2 {
		t.Errorf("%d configurations were read, want one and that of the front", source.asked)
	}
	if v := e.Axes[0].Values[2]; v.Label != "32/16" || fmt.Sprint(v.Literals) != "[32 16]" || e.Axes[1].Values[1].Literals[0] != `"per-layer-shift"` {
		t.Errorf("values %v and %v", v, e.Axes[1].Values[1])
	}
	if e.Name != "sizes on edge" || !strings.Contains(strings.Join(e.Facts, "; "), "strategy successive-halving, seed 3; 6 points in the space; glyphs, 100 samples; constraint timing.cycles < 100; the last of 2 rungs") {
		t.Errorf("%s: %q", e.Name, e.Facts)
	}
	if err := WritePage(&bytes.Buffer{}, e); err != nil {
		t.Error(err)
	}
	if _, err := Of(f, &configurations{exploration: f, fault: errors.New("gone")}); err == nil || !strings.Contains(err.Error(), "point 1: gone") {
		t.Errorf("a source that fails gives %v", err)
	}
}

func TestLiteral(t *testing.T) {
	for want, v := range map[string]outcome.Value{
		"16": expression.NumberOf(16), "1000000": expression.NumberOf(1e6), "0.25": expression.NumberOf(0.25), "-3": expression.NumberOf(-3), "true": expression.TruthOf(true),
		`"a\"b\\"`: expression.TextOf(`a"b\`), `["a", "b"]`: expression.TextOf(`["a", "b"]`), `"\u0001"`: expression.TextOf("\x01"),
	} {
		if got := literal(v); got != want {
			t.Errorf("literal %s, want %s", got, want)
		}
	}
}
