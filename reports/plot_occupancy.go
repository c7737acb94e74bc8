package reports

import (
	"fmt"
	"image/color"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/npusim/npusim/npu/evaluate"
)

// occupancyPlot plots what the cycles of each unit go to: stacked bars over the
// whole inference, and below them how much of its time each unit works over time.
type occupancyPlot struct {
	head
	result *evaluate.Result
	units  []string // of the bars
	drawn  []string // over time
}

// Occupancy plots the causes of each unit's cycles, which sum to 100 %, and its
// activity over time.
func Occupancy(r *evaluate.Result) *Plot {
	o := &occupancyPlot{head: head{title: chartTitle("Occupancy of units", r)}, result: r}
	o.subtitle = changedConfig(r) + fmt.Sprintf("%s cycles, %s an inference; every cycle of every unit has one cause", Count(r.Timing.Cycles), latency(r.Timing.LatencyMS))
	if hasStalls(r) {
		o.units = keys(evaluate.Units, r.Stalls)
	}
	if hasOccupancy(r) {
		o.drawn = keys(evaluate.Units, r.Occupancy.ActiveCycles)
	}
	o.units, o.drawn = o.units[:min(len(o.units), mostUnits)], o.drawn[:min(len(o.drawn), mostUnits)]
	for _, cause := range unitCauses {
		for _, unit := range o.units {
			if s := r.Stalls[unit]; cause.cycles(&s) > 0 {
				o.series = append(o.series, chartSeries{name: cause.legend, color: cause.color})
				break
			}
		}
	}
	return &Plot{o}
}

// Measures in points.
const (
	mostUnits   = 16 // drawn
	unitLeft    = 66 // names of units
	unitRow     = 22 // of a bar
	unitPanel   = 34 // over time
	unitGap     = 8
	sharesWidth = 26 // room that a written share needs
)

func (o *occupancyPlot) barsPoints() float64 { return float64(max(len(o.units), 2)) * unitRow }

func (o *occupancyPlot) size() (w, h vg.Length) {
	height := o.headPoints() + panelGap + panelCaption + o.barsPoints() + panelFoot + chartMargin
	if len(o.drawn) > 0 {
		height += panelGap + panelCaption + float64(len(o.drawn))*(unitPanel+unitGap) + panelFoot
	}
	return vg.Points(chartWidth), vg.Points(height)
}

func (o *occupancyPlot) draw(canvas vg.CanvasSizer) {
	dc := whiteCanvas(canvas)
	o.drawHead(dc)
	top := o.headPoints() + panelGap + panelCaption
	bars := o.panel(dc, top, o.barsPoints(), scale{high: 100}, scale{high: 1})
	ticks := ticksBetween(0, 100, 1, 10)
	bars.grid(ticks, nil)
	if len(o.units) == 0 {
		bars.note("no units in this result")
	}
	for i, unit := range o.units {
		o.drawBar(bars, i, unit)
	}
	o.caption(bars, "What the cycles of each unit go to")
	bars.foot(ticks, "share of all cycles (%)")
	if len(o.drawn) > 0 {
		o.drawOverTime(dc, top+o.barsPoints()+panelFoot+panelGap+panelCaption)
	}
}

// panel is panelAt with room for names of units.
func (o *occupancyPlot) panel(dc draw.Canvas, top, height float64, horizontal, vertical scale) *panel {
	p := panelAt(dc, top, height, horizontal, vertical)
	p.Min.X = dc.Min.X + vg.Points(chartMargin+unitLeft)
	return p
}

// caption writes above a panel, from the margin on.
func (o *occupancyPlot) caption(p *panel, text string) {
	p.FillText(sans(labelSize, true, ink), vg.Point{X: p.Min.X - vg.Points(unitLeft), Y: p.Max.Y + vg.Points(8)}, text)
}

// nameUnit writes the name of a unit to the left of a height.
func (o *occupancyPlot) nameUnit(p *panel, y vg.Length, unit string) {
	style := sans(labelSize, false, ink)
	style.XAlign, style.YAlign = draw.XRight, draw.YCenter
	p.FillText(style, vg.Point{X: p.Min.X - vg.Points(6), Y: y + style.FontExtents().Descent}, fit(style, unitName(unit), vg.Points(unitLeft-6)))
}

// drawBar stacks the causes of a unit and writes the shares that have room.
func (o *occupancyPlot) drawBar(p *panel, i int, unit string) {
	s := o.result.Stalls[unit]
	middle := p.Max.Y - vg.Points(unitRow)*(vg.Length(i)+0.5)
	half := vg.Points(unitRow * 0.38)
	o.nameUnit(p, middle, unit)
	var shares []float64
	for _, cause := range unitCauses {
		shares = append(shares, float64(cause.cycles(&s)))
	}
	texts := percentages(shares)
	sum := 0.0
	for c, cause := range unitCauses {
		if shares[c] <= 0 {
			continue
		}
		left, right := p.px(100*sum/float64(o.result.Timing.Cycles)), p.px(100*(sum+shares[c])/float64(o.result.Timing.Cycles))
		sum += shares[c]
		fillRectangle(p.Canvas, cause.color, left, middle-half, right, middle+half)
		if right-left >= vg.Points(sharesWidth) {
			style := sans(labelSize-1, false, textOn(cause.color))
			style.XAlign, style.YAlign = draw.XCenter, draw.YCenter
			p.FillText(style, vg.Point{X: (left + right) / 2, Y: middle + style.FontExtents().Descent}, texts[c])
		}
	}
}

// textOn is white on dark colours, ink on light ones.
func textOn(c color.NRGBA) color.Color {
	if 0.299*float64(c.R)+0.587*float64(c.G)+0.114*float64(c.B) < 128 {
		return color.White
	}
	return ink
}

// drawOverTime draws a panel a unit, from 0 to 100 %.
func (o *occupancyPlot) drawOverTime(dc draw.Canvas, top float64) {
	occupancy := o.result.Occupancy
	cycles := float64(o.result.Timing.Cycles)
	ns := 0.0
	if hasClock(o.result) {
		ns = nsPerCycle(o.result)
	}
	time, name := scale{high: cycles}, "time from the start of the inference (cycles)"
	var ticks []plot.Tick
	if ns > 0 {
		unit := timeUnitOf(cycles * ns)
		time.high = cycles * ns
		ticks, name = ticksBetween(0, time.high, unit.ns, 10), fmt.Sprintf("time from the start of the inference (%s)", unit.symbol)
	} else {
		ticks, ns = ticksBetween(0, cycles, 1, 6), 1
	}
	var p *panel
	for i, unit := range o.drawn {
		p = o.panel(dc, top+float64(i)*(unitPanel+unitGap), unitPanel, time, scale{high: 100})
		if i == 0 {
			o.caption(p, fmt.Sprintf("Cycles at work, filling, draining and port waits included (%% of stretches of %s cycles)", Count(occupancy.IntervalCycles)))
		}
		fillRectangle(p.Canvas, color.NRGBA{0xf6, 0xf6, 0xf6, 0xff}, p.Min.X, p.Min.Y, p.Max.X, p.Max.Y)
		for _, t := range ticks {
			p.StrokeLine2(gridLine, p.px(t.Value), p.Min.Y, p.px(t.Value), p.Max.Y)
		}
		list := occupancy.ActiveCycles[unit]
		edges, shares := []float64{0}, make([]float64, len(list))
		for j, active := range list {
			start := float64(j) * float64(occupancy.IntervalCycles)
			end := min(start+float64(occupancy.IntervalCycles), cycles)
			edges = append(edges, end*ns)
			if end > start {
				shares[j] = 100 * float64(active) / (end - start)
			}
		}
		p.area(navy, edges, shares, 0)
		p.baseline(0)
		o.nameUnit(p, (p.Min.Y+p.Max.Y)/2, unit)
	}
	p.foot(ticks, name)
}
