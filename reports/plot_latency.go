package reports

import (
	"fmt"
	"image/color"
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/npusim/npusim/npu/evaluate"
)

// Latencies beyond these, in nanoseconds, are drawn as if they lay there.
const (
	shortestLatency = 0.1
	longestLatency  = 1e9
)

// preferred are the numbers of series R20 of ISO 3: steps of about 12 %, the
// edges of the bars.
var preferred = []float64{1, 1.12, 1.25, 1.4, 1.6, 1.8, 2, 2.24, 2.5, 2.8, 3.15, 3.55, 4, 4.5, 5, 5.6, 6.3, 7.1, 8, 9}

// latencyPlot plots how long read bursts take.
type latencyPlot struct {
	head
	edges   []float64 // of the bars, in ns
	shares  []float64 // percent of the bursts, by bar
	slower  []float64 // percent of the bursts that take longer than ends
	ends    []float64 // ns, from the axis' beginning
	total   float64   // bursts
	markers []latencyMarker
}

// latencyMarker is a vertical line with a name.
type latencyMarker struct {
	name   string
	ns     float64
	color  color.NRGBA
	dashes []vg.Length
}

// DRAMLatency plots the latency of read bursts as a histogram, and the share
// that takes longer than a time.
func DRAMLatency(r *evaluate.Result) *Plot {
	p := &latencyPlot{head: head{title: chartTitle("DRAM read latency", r)}}
	p.subtitle = changedConfig(r)
	l := r.DRAM.ReadLatency
	if l != nil {
		for _, b := range l.Histogram {
			p.total += float64(b.Bursts)
		}
	}
	if p.total == 0 {
		p.subtitle += "no read bursts in this result"
		return &Plot{p}
	}
	p.subtitle += fmt.Sprintf("%s read bursts; average %s, of which %s (%s %%) queue or open a row", quantityCount(p.total), nanoseconds(l.AverageNS),
		nanoseconds(queueing(l)), percent(queueing(l), l.AverageNS))
	dotted, dashed := []vg.Length{1, 2}, []vg.Length{5, 2}
	p.markers = []latencyMarker{
		{"row hit", l.UnloadedHitNS, charcoal, dotted},
		{"closed", l.UnloadedClosedNS, charcoal, dotted},
		{"conflict", l.UnloadedOtherNS, charcoal, dotted},
		{"average", l.AverageNS, vermilion, nil},
		{"p95", l.P95NS, vermilion, dashed},
		{"p99", l.P99NS, vermilion, dashed},
	}
	p.series = []chartSeries{
		{name: "read bursts", color: steel},
		{name: "longer than", color: navy, line: true},
		{name: "unloaded: row hit, closed, conflict", color: charcoal, line: true, dashes: dotted},
		{name: "average", color: vermilion, line: true},
		{name: "95 and 99 % within", color: vermilion, line: true, dashes: dashed},
	}
	p.count(l)
	return &Plot{p}
}

// queueing is the average latency beyond that of an unloaded row hit.
func queueing(l *evaluate.ReadLatency) float64 {
	return math.Min(math.Max(l.AverageQueueingNS, 0), l.AverageNS)
}

// onAxis keeps a latency on the axis.
func onAxis(ns float64) float64 { return math.Min(math.Max(ns, shortestLatency), longestLatency) }

// count fills in the bars: every bucket counts where its middle lies.
func (p *latencyPlot) count(l *evaluate.ReadLatency) {
	low, high := math.Inf(1), 0.0
	for _, b := range l.Histogram {
		low, high = math.Min(low, b.FromNS), math.Max(high, b.ToNS)
	}
	for _, m := range p.markers {
		if m.ns > 0 {
			low, high = math.Min(low, m.ns), math.Max(high, m.ns)
		}
	}
	low, high = onAxis(low/1.1), onAxis(high)*1.1
	if high < 3*low {
		low, high = onAxis(low/2), 2*high
	}
	for _, m := range p.markers { // room for the name
		const part = 0.15 // of the axis
		high = math.Max(high, onAxis(m.ns)*math.Pow(math.Max(onAxis(m.ns)/low, 1), part))
	}
	// From the last edge below to the first edge above.
	for _, power := range powersOfTen {
		for _, part := range preferred {
			edge := power * part
			switch {
			case edge <= low || len(p.edges) == 0:
				p.edges = []float64{edge}
			case p.edges[len(p.edges)-1] < high:
				p.edges = append(p.edges, edge)
			}
		}
	}
	p.shares = make([]float64, len(p.edges)-1)
	left := p.total
	p.ends, p.slower = []float64{p.edges[0]}, nil
	for _, b := range l.Histogram {
		bar, found := slices.BinarySearch(p.edges, onAxis((b.FromNS+b.ToNS)/2))
		if !found {
			bar--
		}
		p.shares[min(max(bar, 0), len(p.shares)-1)] += 100 * float64(b.Bursts) / p.total
		// All of the bucket may take as long as its end.
		p.slower = append(p.slower, 100*left/p.total)
		p.ends = append(p.ends, math.Max(onAxis(b.ToNS), p.ends[len(p.ends)-1]))
		left -= float64(b.Bursts)
	}
}

// Heights in points.
const (
	latencyHeight = 150
	slowerHeight  = 96
	markerLine    = 11 // a line of marker names
	markerName    = 8  // size of names
)

// latencyPanel is the width of the panels, for placing names.
func latencyPanel() vg.Length {
	return vg.Points(chartWidth - 2*chartMargin - panelLeft - panelRight)
}

// markerLines places the names of the markers, from left to right, on the
// lowest line where they touch no other name and no line of another marker.
func (p *latencyPlot) markerLines() (lines []int, count int) {
	order := p.markersInOrder()
	lines = make([]int, len(p.markers))
	axis := scale{low: p.edges[0], high: p.edges[len(p.edges)-1], logarithmic: true}
	style := sans(markerName, false, ink)
	ends := []vg.Length{}
	for i := len(order) - 1; i >= 0; i-- { // from the right: a name goes right of its line
		m := &p.markers[order[i]]
		x := latencyPanel() * vg.Length(axis.at(onAxis(m.ns)))
		end := x + style.Width(m.text()) + vg.Points(8)
		line := 0
		for line < len(ends) && end > ends[line] {
			line++
		}
		if line == len(ends) {
			ends = append(ends, 0)
		}
		for l := 0; l <= line; l++ { // its own line crosses those below
			ends[l] = x
		}
		lines[order[i]] = line
	}
	return lines, len(ends)
}

// markersInOrder are the indexes of the markers by time.
func (p *latencyPlot) markersInOrder() []int {
	order := make([]int, 0, len(p.markers))
	for i := range p.markers {
		if p.markers[i].ns > 0 {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case p.markers[a].ns < p.markers[b].ns:
			return -1
		case p.markers[a].ns > p.markers[b].ns:
			return 1
		}
		return 0
	})
	return order
}

func (m *latencyMarker) text() string { return m.name + " " + nanoseconds(m.ns) }

func (p *latencyPlot) size() (w, h vg.Length) {
	height := p.headPoints() + panelGap + panelCaption + latencyHeight + panelFoot + chartMargin
	if p.total > 0 {
		_, lines := p.markerLines()
		height += float64(lines)*markerLine + panelGap + panelCaption + slowerHeight
	}
	return vg.Points(chartWidth), vg.Points(height)
}

func (p *latencyPlot) draw(canvas vg.CanvasSizer) {
	dc := whiteCanvas(canvas)
	p.drawHead(dc)
	top := p.headPoints() + panelGap + panelCaption
	if p.total == 0 {
		empty := panelAt(dc, top, latencyHeight, scale{high: 1}, scale{high: 1})
		empty.note("no read bursts in this result")
		empty.baseline(0)
		return
	}
	lines, count := p.markerLines()
	caption := dc.Max.Y - vg.Points(top) + vg.Points(8)
	top += float64(count) * markerLine
	time := scale{low: p.edges[0], high: p.edges[len(p.edges)-1], logarithmic: true}
	timeTicks, unit := timeAxis(&time)
	most := slices.Max(p.shares) * 1.06

	bars := panelAt(dc, top, latencyHeight, time, scale{high: most})
	bars.grid(timeTicks, ticksBetween(0, most, 1, 5))
	for i, share := range p.shares {
		if share > 0 {
			fillRectangle(dc, steel, bars.px(p.edges[i])+vg.Points(0.4), bars.Min.Y, bars.px(p.edges[i+1])-vg.Points(0.4), bars.py(share))
		}
	}
	bars.baseline(0)
	dc.FillText(sans(labelSize, true, ink), vg.Point{X: bars.Min.X - vg.Points(panelLeft), Y: caption}, "Read bursts (% of all, in steps of 12 %)")

	floor := slowerFloor(p.total)
	slower := panelAt(dc, top+latencyHeight+panelGap+panelCaption, slowerHeight, time, scale{low: floor, high: 100, logarithmic: true})
	slower.grid(timeTicks, percentDecades(floor))
	points := slower.steps(p.ends, p.slower)
	if last := points[len(points)-1]; last.Y > slower.Min.Y {
		points = append(points, vg.Point{X: last.X, Y: slower.Min.Y})
	}
	slower.StrokeLines(draw.LineStyle{Color: navy, Width: vg.Points(1.2)}, points)
	slower.caption("Read bursts that take longer (% of all)")
	slower.baseline(floor)
	slower.foot(timeTicks, fmt.Sprintf("from acceptance by the controller to the last data (%s)", unit))

	style := sans(markerName, false, ink)
	for _, i := range p.markersInOrder() {
		m := &p.markers[i]
		line := draw.LineStyle{Color: m.color, Width: vg.Points(1), Dashes: m.dashes}
		x := bars.px(onAxis(m.ns))
		y := bars.Max.Y + vg.Points(3+float64(lines[i])*markerLine)
		dc.StrokeLine2(line, x, bars.Min.Y, x, y+vg.Points(markerName))
		dc.StrokeLine2(line, x, slower.Min.Y, x, slower.Max.Y)
		style.Color = m.color
		dc.FillText(style, vg.Point{X: x + vg.Points(3), Y: y}, m.text())
	}
}

// timeAxis returns ticks and unit of a logarithmic axis; ticks far apart have
// units of their own.
func timeAxis(time *scale) (ticks []plot.Tick, unit string) {
	write := func(x float64) string {
		if x == math.Trunc(x) {
			return decimal(x, 0)
		}
		return significant(x, 2)
	}
	if time.high/time.low > 2e4 {
		return decadeTicks(time.low, time.high, func(ns float64) string {
			unit := timeUnitOf(ns)
			return write(ns/unit.ns) + " " + unit.symbol
		}), "log scale"
	}
	all := timeUnitOf(time.high / 5)
	return decadeTicks(time.low, time.high, func(ns float64) string { return write(ns / all.ns) }), all.symbol
}

// slowerFloor is the end of the axis of shares: a power of ten at or below one
// burst of all, in percent.
func slowerFloor(total float64) float64 {
	for _, power := range powersOfTen {
		if power >= 1e-4 && power*10 > 100/total {
			return math.Min(power, 1)
		}
	}
	return 1
}

// percentDecades labels the powers of ten from a floor to 100 %.
func percentDecades(floor float64) []plot.Tick {
	return decadeTicksOf([]float64{1}, floor, 100, func(x float64) string { return significant(x, 1) })
}
