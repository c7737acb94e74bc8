package reports

import (
	"cmp"
	"fmt"
	"image/color"
	"math"
	"slices"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/npusim/npusim/npu/evaluate"
)

// rooflinePlot plots layers as dots under the roofs of the machine, both axes
// logarithmic.
type rooflinePlot struct {
	head
	result *evaluate.Result
	roof   roof
	points []rooflinePoint // the longest first, so that small dots lie on top
	above  bool            // some layer lies above a roof
}

// Roofline plots what each layer attains against its MACs a byte of DRAM
// traffic, under the roofs of the array and of the memory.
func Roofline(r *evaluate.Result) *Plot {
	p := &rooflinePlot{head: head{title: chartTitle("Roofline", r)}, result: r}
	p.subtitle = changedConfig(r)
	f, ok := roofOf(r)
	points := rooflinePoints(r)
	if !ok || len(points) == 0 {
		p.subtitle += "no layers with MACs, or peaks that the result does not tell"
		return &Plot{p}
	}
	p.roof = f
	p.subtitle += fmt.Sprintf("%s with MACs; area of a dot: share of the cycles, colour: what most of its cycles go to", counted(int64(len(points)), "layer"))
	slices.SortStableFunc(points, func(a, b rooflinePoint) int { return cmp.Compare(b.share, a.share) })
	p.points = points
	p.series = []chartSeries{
		{name: "array " + quantity(f.peak, "MAC/s"), color: ink, line: true},
		{name: "memory, peak " + quantity(f.peakBW, "B/s"), color: charcoal, line: true, dashes: peakDashes},
		{name: "memory, average " + quantity(f.achieved, "B/s"), color: faintInk, line: true, dashes: averageDashes},
	}
	used := map[string]int64{}
	for _, point := range points {
		used[r.Layers[point.layer].Bound]++
		p.above = p.above || point.rate > f.at(point.intensity)*1.02
	}
	for i, bound := range keys(boundKeys(), used) {
		if i == 8 {
			break
		}
		p.series = append(p.series, chartSeries{name: fit(sans(legendSize, false, ink), boundName(bound), innerWidth/2), color: boundColor(bound), dot: true})
	}
	return &Plot{p}
}

var (
	peakDashes    = []vg.Length{6, 2}
	averageDashes = []vg.Length{1, 2}
)

// boundColor is the colour of a bound, known or not.
func boundColor(bound string) color.NRGBA {
	if c, known := seriesColors[bound]; known {
		return c
	}
	return spareColors[0]
}

// Measures in points.
const (
	rooflineHeight = 330
	largestDot     = 8.5 // radius
	smallestDot    = 2.2
	rooflineLabels = 12 // at most
	noteHeight     = 14
)

func (p *rooflinePlot) size() (w, h vg.Length) {
	height := p.headPoints() + panelGap + panelCaption + rooflineHeight + panelFoot + chartMargin
	if p.above {
		height += noteHeight
	}
	return vg.Points(chartWidth), vg.Points(height)
}

// axes are the ends of both axes: MAC/B and MAC/s.
func (p *rooflinePlot) axes() (x, y scale) {
	ridge := p.roof.ridge()
	low, high := ridge, ridge
	slowest := p.roof.peak
	for _, point := range p.points {
		if !math.IsInf(point.intensity, 0) {
			low, high = math.Min(low, point.intensity), math.Max(high, point.intensity)
		}
		slowest = math.Min(slowest, point.rate)
	}
	// Six decades at most: what lies beyond is drawn at the edge.
	x = scale{low: math.Max(low, ridge*1e-5) / 2, high: math.Min(high, ridge*1e5) * 3, logarithmic: true}
	slowest = math.Min(slowest, p.roof.at(x.low))
	y = scale{low: math.Max(slowest, p.roof.peak*1e-5) / 2, high: p.roof.peak * 2.2, logarithmic: true}
	return x, y
}

func (p *rooflinePlot) draw(canvas vg.CanvasSizer) {
	dc := whiteCanvas(canvas)
	p.drawHead(dc)
	top := p.headPoints() + panelGap + panelCaption
	if len(p.points) == 0 {
		empty := panelAt(dc, top, rooflineHeight, scale{high: 1}, scale{high: 1})
		empty.note("no roofline in this result")
		empty.baseline(0)
		return
	}
	x, y := p.axes()
	area := panelAt(dc, top, rooflineHeight, x, y)
	unit := prefixes[prefixOf(p.roof.peak)]
	xTicks := logTicks(x.low, x.high, 1)
	area.grid(xTicks, logTicks(y.low, y.high, unit.factor))
	area.caption(fmt.Sprintf("MACs a second (%sMAC/s)", unit.symbol))
	area.baseline(y.low)
	area.foot(xTicks, "MACs for each byte of DRAM traffic (MAC/B)")

	labels := &placer{style: sans(labelSize-1, false, ink), area: box{area.Min.X, area.Min.Y, area.Max.X, area.Max.Y}}
	p.drawRoofs(area, labels)
	centers := make([]vg.Point, len(p.points))
	for i, point := range p.points {
		centers[i] = vg.Point{X: area.px(math.Min(point.intensity, x.high)), Y: area.py(point.rate)}
		labels.avoid(centers[i], p.radius(&point))
	}
	for i := range p.points {
		point := &p.points[i]
		drawDot(area.Canvas, boundColor(p.result.Layers[point.layer].Bound), centers[i], p.radius(point))
	}
	p.nameDots(area, labels, centers)
	if p.above {
		note := sans(labelSize-1, false, faintInk)
		text := "Layers overlap: one whose data comes while the layer before still computes may lie above the slanted roof."
		dc.FillText(note, vg.Point{X: dc.Min.X + vg.Points(chartMargin), Y: area.Min.Y - vg.Points(panelFoot+noteHeight-2)}, fit(note, text, innerWidth))
	}
}

// nameDots names the longest layers. Dots that lie on one another share a name.
func (p *rooflinePlot) nameDots(area *panel, labels *placer, centers []vg.Point) {
	const near = 9 // points
	named := make([]bool, len(centers))
	for i, written := 0, 0; i < len(centers) && written < rooflineLabels; i++ {
		if named[i] {
			continue
		}
		more := 0
		for j := i + 1; j < len(centers); j++ {
			if !named[j] && math.Hypot(float64(centers[i].X-centers[j].X), float64(centers[i].Y-centers[j].Y)) < near {
				named[j] = true
				more++
			}
		}
		name := fit(labels.style, Shorten(printable(p.result.Layers[p.points[i].layer].Name), 30), vg.Points(150))
		if more > 0 {
			name += fmt.Sprintf(" and %d more", more)
		}
		if labels.place(area.Canvas, centers[i], p.radius(&p.points[i]), name) {
			written++
		}
	}
}

// radius is that of a dot whose area is the share of the cycles.
func (p *rooflinePlot) radius(point *rooflinePoint) vg.Length {
	return vg.Points(math.Max(smallestDot, largestDot*math.Sqrt(point.share/p.points[0].share)))
}

// drawRoofs draws the roofs and the ridge.
func (p *rooflinePlot) drawRoofs(area *panel, labels *placer) {
	x, y := &area.horizontal, &area.vertical
	slanted := func(bandwidth float64, style draw.LineStyle) {
		from, to := math.Max(x.low, y.low/bandwidth), math.Min(x.high, p.roof.peak/bandwidth)
		if bandwidth <= 0 || from >= to {
			return
		}
		a, b := vg.Point{X: area.px(from), Y: area.py(from * bandwidth)}, vg.Point{X: area.px(to), Y: area.py(to * bandwidth)}
		area.StrokeLine2(style, a.X, a.Y, b.X, b.Y)
		labels.avoidLine(a, b)
	}
	slanted(p.roof.achieved, draw.LineStyle{Color: faintInk, Width: vg.Points(1.2), Dashes: averageDashes})
	slanted(p.roof.peakBW, draw.LineStyle{Color: charcoal, Width: vg.Points(1.4), Dashes: peakDashes})
	ridge := vg.Point{X: area.px(p.roof.ridge()), Y: area.py(p.roof.peak)}
	area.StrokeLine2(draw.LineStyle{Color: ink, Width: vg.Points(1.6)}, ridge.X, ridge.Y, area.Max.X, ridge.Y)
	labels.avoidLine(ridge, vg.Point{X: area.Max.X, Y: ridge.Y})
	area.StrokeLine2(frameLine, ridge.X, area.Min.Y, ridge.X, ridge.Y)
	labels.avoidLine(vg.Point{X: ridge.X, Y: area.Min.Y}, ridge)
	name := sans(labelSize-1, false, faintInk)
	name.XAlign = draw.XCenter
	text := "ridge " + significant(p.roof.ridge(), 3) + " MAC/B"
	half := name.Width(text) / 2
	at := vg.Point{X: min(max(ridge.X, area.Min.X+half), area.Max.X-half), Y: ridge.Y + vg.Points(5)}
	area.FillText(name, at, text)
	labels.taken = append(labels.taken, box{at.X - half, at.Y, at.X + half, at.Y + name.Font.Size})
}
