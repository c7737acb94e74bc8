package reports

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// ScatterAxis is a quantity by which designs are compared.
type ScatterAxis struct {
	Name     string
	Maximize bool
}

// ScatterPoint is a design.
type ScatterPoint struct {
	Label    string // written beside some points of the front
	X, Y     float64
	Feasible bool
	OnFront  bool // no design is better in every respect, these two and others
}

// ScatterData are designs by two of their objectives.
type ScatterData struct {
	Title, Subtitle string
	X, Y            ScatterAxis
	Points          []ScatterPoint
}

// better tells whether a value is strictly better than another.
func (a *ScatterAxis) better(x, y float64) bool {
	if a.Maximize {
		return x > y
	}
	return x < y
}

// direction says what is good.
func (a *ScatterAxis) direction() string {
	if a.Maximize {
		return "more is better"
	}
	return "less is better"
}

// front are the feasible points that no other one beats in both quantities, from
// the best x on.
func (d *ScatterData) front() []int {
	var order []int
	for i := range d.Points {
		if d.Points[i].Feasible && d.drawn(i) {
			order = append(order, i)
		}
	}
	directed := func(a *ScatterAxis, x, y float64) int {
		if a.Maximize {
			x, y = y, x
		}
		return cmp.Compare(x, y)
	}
	slices.SortStableFunc(order, func(i, j int) int {
		p, q := &d.Points[i], &d.Points[j]
		if c := cmp.Or(directed(&d.X, p.X, q.X), directed(&d.Y, p.Y, q.Y)); c != 0 || p.OnFront == q.OnFront {
			return c
		}
		if p.OnFront { // of equals, the one that is good in every respect has the name
			return -1
		}
		return 1
	})
	var front []int
	for _, i := range order {
		if len(front) == 0 || d.Y.better(d.Points[i].Y, d.Points[front[len(front)-1]].Y) {
			front = append(front, i)
		}
	}
	return front
}

// drawn tells whether a point has a place.
func (d *ScatterData) drawn(i int) bool {
	p := &d.Points[i]
	return !math.IsNaN(p.X+p.Y) && !math.IsInf(p.X, 0) && !math.IsInf(p.Y, 0) && math.Abs(p.X) < 1e200 && math.Abs(p.Y) < 1e200
}

// scatterPlot plots designs by two objectives, the front of both as a line of
// steps.
type scatterPlot struct {
	head
	data *ScatterData
}

// Scatter plots designs by two objectives.
func Scatter(d *ScatterData) *Plot {
	p := &scatterPlot{head: head{title: printable(d.Title), subtitle: printable(d.Subtitle)}, data: d}
	var feasible, infeasible, front int
	for i := range d.Points {
		switch q := &d.Points[i]; {
		case !d.drawn(i):
		case !q.Feasible:
			infeasible++
		case q.OnFront:
			front++
		default:
			feasible++
		}
	}
	p.series = []chartSeries{{name: "front of these two", color: vermilion, line: true}, {name: fmt.Sprintf("Pareto front of all objectives  %s", Count(int64(front))), color: vermilion, dot: true},
		{name: fmt.Sprintf("feasible  %s", Count(int64(feasible))), color: navy, dot: true}}
	if infeasible > 0 {
		p.series = append(p.series, chartSeries{name: fmt.Sprintf("a constraint is not met  %s", Count(int64(infeasible))), color: silver, dot: true})
	}
	return &Plot{p}
}

// Measures in points.
const (
	scatterHeight = 320
	scatterLabels = 10 // at most
)

func (p *scatterPlot) size() (w, h vg.Length) {
	return vg.Points(chartWidth), vg.Points(p.headPoints() + panelGap + panelCaption + scatterHeight + panelFoot + chartMargin)
}

// scale is an axis over values with a little room, with ticks and its unit in
// words. It is logarithmic where costs go over more than a decade, or gains over
// three: of gains the upper end is of interest.
func (a *ScatterAxis) scale(values []float64) (s scale, ticks []plot.Tick, unit string) {
	low, high := math.Inf(1), math.Inf(-1)
	for _, v := range values {
		low, high = math.Min(low, v), math.Max(high, v)
	}
	far := 20.0
	if a.Maximize {
		far = 1e3
	}
	if low > 1e-7 && high < 1e12 && high/low > far {
		s = scale{low: low / 1.2, high: high * 1.2, logarithmic: true}
		return s, decadeTicks(s.low, s.high, func(v float64) string {
			if v >= 1000 {
				index := prefixOf(v * 1.0001)
				return decimal(v/prefixes[index].factor, 0) + prefixes[index].symbol
			}
			return exact(roundTo(v, 2))
		}), "log scale"
	}
	room := (high - low) * 0.06
	if room <= 0 || room < 1e-9*math.Max(math.Abs(low), math.Abs(high)) {
		room = math.Max(math.Abs(high)*0.1, 1e-3)
	}
	s = scale{low: low - room, high: high + room}
	if low >= 0 {
		s.low = math.Max(s.low, 0)
	}
	prefix := prefixes[prefixOf(math.Max(math.Abs(low), math.Abs(high)))]
	return s, ticksBetween(s.low, s.high, prefix.factor, 7), prefix.word
}

// name names an axis with its unit and what is good.
func (a *ScatterAxis) name(unit string) string {
	parts := []string{}
	if unit != "" {
		parts = append(parts, unit)
	}
	return fmt.Sprintf("%s (%s)", printable(a.Name), strings.Join(append(parts, a.direction()), ", "))
}

func (p *scatterPlot) draw(canvas vg.CanvasSizer) {
	dc := whiteCanvas(canvas)
	p.drawHead(dc)
	top := p.headPoints() + panelGap + panelCaption
	d := p.data
	var xs, ys []float64
	for i := range d.Points {
		if d.drawn(i) {
			xs, ys = append(xs, d.Points[i].X), append(ys, d.Points[i].Y)
		}
	}
	if len(xs) == 0 {
		empty := panelAt(dc, top, scatterHeight, scale{high: 1}, scale{high: 1})
		empty.note("no designs with both figures")
		empty.baseline(0)
		return
	}
	x, xTicks, xUnit := d.X.scale(xs)
	y, yTicks, yUnit := d.Y.scale(ys)
	area := panelAt(dc, top, scatterHeight, x, y)
	area.grid(xTicks, yTicks)
	caption, foot := d.Y.name(yUnit), d.X.name(xUnit)
	area.caption(fit(sans(labelSize, true, ink), caption, innerWidth))
	area.baseline(y.low)
	area.foot(xTicks, fit(sans(labelSize, false, ink), foot, innerWidth-vg.Points(panelLeft)))

	at := func(i int) vg.Point { return vg.Point{X: area.px(d.Points[i].X), Y: area.py(d.Points[i].Y)} }
	labels := &placer{style: sans(labelSize-1, false, ink), area: box{area.Min.X, area.Min.Y, area.Max.X, area.Max.Y}}
	p.drawClouds(area, labels, at)
	front := d.front()
	var steps []vg.Point
	for k, i := range front {
		if k > 0 {
			steps = append(steps, vg.Point{X: at(i).X, Y: steps[len(steps)-1].Y})
			labels.avoidLine(steps[len(steps)-2], steps[len(steps)-1])
			labels.avoidLine(steps[len(steps)-1], at(i))
		}
		steps = append(steps, at(i))
	}
	if len(steps) > 1 {
		area.StrokeLines(draw.LineStyle{Color: vermilion, Width: vg.Points(1.3)}, steps)
	}
	for i := range d.Points {
		if d.Points[i].OnFront && d.Points[i].Feasible && d.drawn(i) {
			drawDot(area.Canvas, vermilion, at(i), vg.Points(3.2))
			labels.avoid(at(i), 3.2)
		}
	}
	written := 0
	for _, i := range front {
		if written < scatterLabels && labels.place(area.Canvas, at(i), 3.2, fit(labels.style, printable(d.Points[i].Label), vg.Points(90))) {
			written++
		}
	}
}

// drawClouds draws what is not on the front, infeasible points first. Points
// that would cover one another within a point are drawn once.
func (p *scatterPlot) drawClouds(area *panel, labels *placer, at func(int) vg.Point) {
	d := p.data
	for _, feasible := range []bool{false, true} {
		c, half := silver, vg.Points(1.4)
		if feasible {
			c, half = navy, vg.Points(1.7)
		}
		seen := map[[2]int]bool{}
		for i := range d.Points {
			q := &d.Points[i]
			if q.Feasible != feasible || q.Feasible && q.OnFront || !d.drawn(i) {
				continue
			}
			center := at(i)
			cell := [2]int{int(center.X), int(center.Y)}
			if !seen[cell] {
				seen[cell] = true
				area.FillPolygon(c, square(center, half))
				labels.avoid(center, half)
			}
		}
	}
}
