package reports

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// designs are points on and above a curve.
func designs(n int) *ScatterData {
	d := &ScatterData{Title: "A sweep", Subtitle: "made for a test", X: ScatterAxis{Name: "timing.cycles"}, Y: ScatterAxis{"accuracy.npu_top1", true}}
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range n {
		x := math.Exp2(10 + 8*rng.Float64())
		d.Points = append(d.Points, ScatterPoint{Label: fmt.Sprintf("#%d", i), X: x, Y: 0.9 - 200/x - 0.3*rng.Float64(), Feasible: i%5 > 0})
	}
	for _, i := range d.front() {
		d.Points[i].OnFront = true
	}
	return d
}

func TestScatter(t *testing.T) {
	goldenPicture(t, "scatter.png", render(t, Scatter(designs(300)).WritePNG))
	one := &ScatterData{Points: []ScatterPoint{{X: 3, Y: 0, Feasible: true, OnFront: true, Label: "\x00"}}}
	far := &ScatterData{Points: []ScatterPoint{{X: -1e199, Y: 1e-300, Feasible: true}, {X: 1e199, Y: 1e199}, {X: math.NaN()}, {Y: math.Inf(-1)}, {X: 1e300}}}
	for name, d := range map[string]*ScatterData{"none": {}, "one": one, "far": far} {
		if svg := render(t, Scatter(d).WriteSVG); bytes.Contains(svg, []byte("NaN")) || bytes.Contains(svg, []byte("Inf")) {
			t.Errorf("%s: a coordinate is no number", name)
		}
	}
}

// TestScatterFront compares the line of steps with every pair of points.
func TestScatterFront(t *testing.T) {
	d := designs(400)
	for _, maximize := range [][2]bool{{false, true}, {true, true}, {false, false}, {true, false}} {
		d.X.Maximize, d.Y.Maximize = maximize[0], maximize[1]
		var want []int
		for i, p := range d.Points {
			beaten := !p.Feasible || slices.ContainsFunc(d.Points, func(q ScatterPoint) bool {
				return q.Feasible && !d.X.better(p.X, q.X) && !d.Y.better(p.Y, q.Y) && (d.X.better(q.X, p.X) || d.Y.better(q.Y, p.Y))
			})
			if !beaten {
				want = append(want, i)
			}
		}
		got := slices.Sorted(slices.Values(d.front()))
		if len(want) == 0 || !slices.Equal(got, want) {
			t.Errorf("maximize %v: front %v, want %v", maximize, got, want)
		}
	}
}

// TestScatterFrontOfEquals: of points in the same place the one on the front of
// all objectives stands for them.
func TestScatterFrontOfEquals(t *testing.T) {
	d := &ScatterData{Points: []ScatterPoint{{X: 1, Y: 1, Feasible: true}, {X: 1, Y: 1, Feasible: true, OnFront: true}, {X: 1, Y: 1, Feasible: true}}}
	if got := d.front(); !slices.Equal(got, []int{1}) {
		t.Errorf("front %v, want the second point", got)
	}
}
