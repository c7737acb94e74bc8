package reports

import (
	"fmt"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/npusim/npusim/npu/evaluate"
)

// overTimeSteps bounds the stretches of a plot; dram_over_time.csv has all.
const overTimeSteps = 400

// peakInScale is the part of the peak that the busiest stretch must reach for
// the peak to be drawn: below it the data would be flat.
const peakInScale = 0.12

// overTime plots what crosses the DRAM bus against time.
type overTime struct {
	head
	steps  *trafficSteps // nil: nothing to draw
	used   []string      // classes with traffic
	ns     float64       // of a cycle
	peak   float64       // GB/s; 0 if unknown
	top    float64       // GB/s, of the first panel
	rowHit bool
}

// DRAMOverTime plots the DRAM bandwidth over the inference: by class with the
// peak, read and written, and the row hit rate where the memory has banks.
func DRAMOverTime(r *evaluate.Result) *Plot {
	o := &overTime{head: head{title: chartTitle("DRAM bandwidth over time", r)}, peak: r.DRAM.PeakGBPerS}
	o.subtitle = changedConfig(r) + significant(r.DRAM.AchievedGBPerS, 3) + " GB/s on average"
	if o.peak > 0 {
		o.subtitle += fmt.Sprintf(", %s %% of the peak", percent(r.DRAM.AchievedGBPerS, o.peak))
	}
	if !hasTraffic(r) {
		return &Plot{o}
	}
	o.steps, o.ns = trafficOf(r, overTimeSteps), nsPerCycle(r)
	t := o.steps
	length := t.cycles(0)
	o.subtitle += fmt.Sprintf("; steps of %s cycles, %s", Count(int64(length)), nanoseconds(length*o.ns))
	o.rowHit = t.bursts != nil

	sums := make([]float64, len(t.classes))
	for c := range t.classes {
		for _, b := range t.byClass[c] {
			sums[c] += b
		}
	}
	o.used, o.series = coloured(t.classes, sums, func(class string) string { return class }, func(x float64) string { return quantity(x, "B") })
	busiest := t.busiest()
	most := (t.read[busiest] + t.write[busiest]) / (t.cycles(busiest) * o.ns)
	o.top = most
	if o.peak > 0 {
		entry := chartSeries{name: "peak of the memory  " + significant(o.peak, 3) + " GB/s", color: ink, line: true, dashes: []vg.Length{3, 2}}
		if most == 0 || most >= peakInScale*o.peak {
			o.top = math.Max(most, o.peak)
		} else {
			entry.name += ", above the scale"
		}
		entry.name = fit(sans(legendSize, false, ink), entry.name, innerWidth-vg.Points(legendSwatch+4))
		o.series = append(o.series, entry)
	}
	if o.top <= 0 {
		o.top = 1
	}
	return &Plot{o}
}

// Heights of the panels in points.
const (
	bandwidthHeight = 170
	splitHeight     = 96
	rowHitHeight    = 64
)

func (o *overTime) size() (w, h vg.Length) {
	height := o.headPoints() + panelGap + panelCaption + bandwidthHeight + panelFoot + chartMargin
	if o.steps != nil {
		height += panelGap + panelCaption + splitHeight
	}
	if o.rowHit {
		height += panelGap + panelCaption + rowHitHeight
	}
	return vg.Points(chartWidth), vg.Points(height)
}

func (o *overTime) draw(canvas vg.CanvasSizer) {
	dc := whiteCanvas(canvas)
	o.drawHead(dc)
	top := o.headPoints() + panelGap + panelCaption
	if o.steps == nil {
		p := panelAt(dc, top, bandwidthHeight, scale{high: 1}, scale{high: 1})
		p.note("no traffic over time in this result")
		p.baseline(0)
		return
	}
	t := o.steps
	edges := make([]float64, len(t.edges)) // ns
	for i, cycle := range t.edges {
		edges[i] = cycle * o.ns
	}
	end := edges[len(edges)-1]
	unit := timeUnitOf(end)
	time := scale{high: end}
	timeTicks := ticksBetween(0, end, unit.ns, 10)

	p := panelAt(dc, top, bandwidthHeight, time, scale{high: o.top * 1.05})
	p.grid(timeTicks, ticksBetween(0, o.top*1.05, 1, 6))
	o.drawClasses(p, edges)
	if o.peak > 0 && o.peak <= o.top {
		p.StrokeLine2(draw.LineStyle{Color: ink, Width: vg.Points(1.2), Dashes: []vg.Length{3, 2}}, p.Min.X, p.py(o.peak), p.Max.X, p.py(o.peak))
	}
	p.caption("Bandwidth by class (GB/s)")
	p.baseline(0)

	top += bandwidthHeight + panelGap + panelCaption
	p = o.drawSplit(dc, top, time, timeTicks, edges)
	if o.rowHit {
		top += splitHeight + panelGap + panelCaption
		p = o.drawRowHits(dc, top, time, timeTicks, edges)
	}
	p.foot(timeTicks, fmt.Sprintf("time from the start of the inference (%s); a request counts when it completes", unit.symbol))
}

// drawClasses stacks the classes. The areas lie over one another, each down to
// 0 where the class has traffic, so that no seam shows between neighbours.
func (o *overTime) drawClasses(p *panel, edges []float64) {
	t := o.steps
	sums := make([]float64, len(t.read))
	var areas [][]float64
	var own [][]float64
	for c, class := range t.classes {
		if len(areas) == len(o.used) || class != o.used[len(areas)] {
			continue
		}
		for i, b := range t.byClass[c] {
			sums[i] += b
		}
		areas, own = append(areas, t.rates(sums, o.ns)), append(own, t.byClass[c])
	}
	for c := len(areas) - 1; c >= 0; c-- {
		runs(len(sums), func(i int) bool { return own[c][i] > 0 }, func(from, to int) {
			p.area(o.series[c].color, edges[from:to+1], areas[c][from:to], 0)
		})
	}
}

// drawSplit draws what is read above the line and what is written below it.
func (o *overTime) drawSplit(dc draw.Canvas, top float64, time scale, timeTicks []plot.Tick, edges []float64) *panel {
	read, written := o.steps.rates(o.steps.read, o.ns), o.steps.rates(o.steps.write, o.ns)
	up, down := 0.0, 0.0
	for i := range read {
		up, down = math.Max(up, read[i]), math.Max(down, written[i])
		written[i] = -written[i]
	}
	if up+down == 0 {
		up = 1
	}
	ticks := ticksBetween(0, math.Max(up, down)*1.05, 1, splitTicks(up, down))
	step := ticks[min(1, len(ticks)-1)].Value
	if down > 0 {
		down = math.Max(down*1.05, step/3) // a little is seen too
	}
	for _, t := range ticks[1:] {
		if t.Value <= down {
			ticks = append(ticks, plot.Tick{Value: -t.Value, Label: t.Label})
		}
	}
	p := panelAt(dc, top, splitHeight, time, scale{low: -down, high: math.Max(up*1.05, step/3)})
	var inside []plot.Tick
	for _, t := range ticks {
		if t.Value <= p.vertical.high {
			inside = append(inside, t)
		}
	}
	p.grid(timeTicks, inside)
	series := []chartSeries{{name: "read, upwards", color: navy}, {name: "written, downwards", color: vermilion}}
	p.area(series[0].color, edges, read, 0)
	p.area(series[1].color, edges, written, 0)
	p.caption("Read and written (GB/s)", series...)
	p.baseline(0)
	return p
}

// splitTicks is the number of ticks for the larger of two directions that share
// a panel.
func splitTicks(up, down float64) int {
	const both = 5
	return max(2, int(both*math.Max(up, down)/(up+down)))
}

// runs calls visit for every longest run of indexes below n that satisfy a
// condition: from, up to but not including to.
func runs(n int, is func(int) bool, visit func(from, to int)) {
	for from := 0; from < n; from++ {
		if !is(from) {
			continue
		}
		to := from + 1
		for to < n && is(to) {
			to++
		}
		visit(from, to)
		from = to
	}
}

// drawRowHits draws the row hit rate of the stretches with bursts.
func (o *overTime) drawRowHits(dc draw.Canvas, top float64, time scale, timeTicks []plot.Tick, edges []float64) *panel {
	rates, valid := make([]float64, len(o.steps.bursts)), make([]bool, len(o.steps.bursts))
	least := 100.0
	for i := range rates {
		share, ok := rowHits(o.steps.activates[i], o.steps.bursts[i])
		rates[i], valid[i] = 100*share, ok
		if ok {
			least = math.Min(least, rates[i])
		}
	}
	low := percentFloor(least)
	p := panelAt(dc, top, rowHitHeight, time, scale{low: low, high: 100})
	p.grid(timeTicks, ticksBetween(low, 100, 1, 4))
	line := draw.LineStyle{Color: navy, Width: vg.Points(1)}
	runs(len(rates), func(i int) bool { return valid[i] }, func(from, to int) {
		p.StrokeLines(line, p.steps(edges[from:to+1], rates[from:to]))
	})
	p.caption("Row hits (% of bursts; gaps: no burst)")
	p.baseline(low)
	return p
}

// percentFloor is where an axis of percentages up to 100 begins so that the
// least of them is on it: rates close to 100 are told apart.
func percentFloor(least float64) float64 {
	for _, floor := range []float64{96, 90, 80, 60} {
		if least >= floor {
			return floor
		}
	}
	return 0
}
