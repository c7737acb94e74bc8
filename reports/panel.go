package reports

import (
	"image/color"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// scale is an axis: it maps values from low to high to shares from 0 to 1.
type scale struct {
	low, high   float64
	logarithmic bool // both ends above 0
}

// at is the share of a value; values beyond the ends lie on them.
func (s *scale) at(v float64) float64 {
	low, high := s.low, s.high
	if s.logarithmic {
		low, high, v = math.Log10(low), math.Log10(high), math.Log10(math.Max(v, low))
	}
	return math.Min(math.Max((v-low)/(high-low), 0), 1)
}

// panel is a data area with its two axes. Captions stand above it, ticks of
// the value axis to its left, those of the other axis below.
type panel struct {
	draw.Canvas
	horizontal, vertical scale
}

// Measures of panels in points.
const (
	panelLeft    = 42 // of the ticks of the value axis
	panelRight   = 16 // half a tick of the horizontal axis
	panelCaption = 20
	panelGap     = 12
	panelFoot    = 40 // ticks and name of the horizontal axis
)

// panelAt cuts a panel out of a figure: its upper edge at a distance from that
// of the figure, in points.
func panelAt(dc draw.Canvas, top, height float64, horizontal, vertical scale) *panel {
	area := dc
	area.Min.X += vg.Points(chartMargin + panelLeft)
	area.Max.X -= vg.Points(chartMargin + panelRight)
	area.Max.Y -= vg.Points(top)
	area.Min.Y = area.Max.Y - vg.Points(height)
	return &panel{Canvas: area, horizontal: horizontal, vertical: vertical}
}

func (p *panel) px(v float64) vg.Length {
	return p.Min.X + (p.Max.X-p.Min.X)*vg.Length(p.horizontal.at(v))
}

func (p *panel) py(v float64) vg.Length {
	return p.Min.Y + (p.Max.Y-p.Min.Y)*vg.Length(p.vertical.at(v))
}

var (
	gridLine  = draw.LineStyle{Color: gridColor, Width: vg.Points(0.6)}
	frameLine = draw.LineStyle{Color: faintInk, Width: vg.Points(0.6)}
)

// grid draws the lines of both axes and the labels of the value axis.
func (p *panel) grid(horizontal, vertical []plot.Tick) {
	for _, t := range horizontal {
		p.StrokeLine2(gridLine, p.px(t.Value), p.Min.Y, p.px(t.Value), p.Max.Y)
	}
	label := sans(labelSize, false, faintInk)
	label.XAlign, label.YAlign = draw.XRight, draw.YCenter
	for _, t := range vertical {
		y := p.py(t.Value)
		p.StrokeLine2(gridLine, p.Min.X, y, p.Max.X, y)
		p.FillText(label, vg.Point{X: p.Min.X - vg.Points(5), Y: y + label.FontExtents().Descent}, fit(label, t.Label, vg.Points(panelLeft)))
	}
}

// baseline draws the lower edge, or where a value lies.
func (p *panel) baseline(value float64) {
	p.StrokeLine2(frameLine, p.Min.X, p.py(value), p.Max.X, p.py(value))
}

// foot labels the horizontal axis below the panel.
func (p *panel) foot(ticks []plot.Tick, name string) {
	label := sans(labelSize, false, faintInk)
	label.XAlign, label.YAlign = draw.XCenter, draw.YTop
	for _, t := range ticks {
		p.FillText(label, vg.Point{X: p.px(t.Value), Y: p.Min.Y - vg.Points(4)}, t.Label)
	}
	label.Color = ink
	p.FillText(label, vg.Point{X: (p.Min.X + p.Max.X) / 2, Y: p.Min.Y - vg.Points(20)}, name)
}

// caption writes what the panel shows above its left edge, then swatches.
func (p *panel) caption(text string, series ...chartSeries) {
	x, y := p.Min.X-vg.Points(panelLeft), p.Max.Y+vg.Points(8)
	style := sans(labelSize, true, ink)
	p.FillText(style, vg.Point{X: x, Y: y}, text)
	x += style.Width(text) + vg.Points(legendGap)
	for i := range series {
		x = series[i].drawEntry(p.Canvas, x, y, labelSize) + vg.Points(legendGap)
	}
}

// note writes a remark where data would be.
func (p *panel) note(text string) {
	p.FillText(sans(legendSize, false, faintInk), vg.Point{X: p.Min.X + vg.Points(12), Y: (p.Min.Y + p.Max.Y) / 2}, text)
}

// steps returns the corners of a line of steps: values[i] from edges[i] to
// edges[i+1]. Corners in a straight line are left out.
func (p *panel) steps(edges, values []float64) []vg.Point {
	var points []vg.Point
	for i, v := range values {
		if i == 0 || v != values[i-1] {
			points = append(points, vg.Point{X: p.px(edges[i]), Y: p.py(v)})
		}
		if i+1 == len(values) || v != values[i+1] {
			points = append(points, vg.Point{X: p.px(edges[i+1]), Y: p.py(v)})
		}
	}
	return points
}

// area fills between a line of steps and a value.
func (p *panel) area(c color.Color, edges, values []float64, base float64) {
	points := p.steps(edges, values)
	if len(points) == 0 {
		return
	}
	points = append(points, vg.Point{X: points[len(points)-1].X, Y: p.py(base)}, vg.Point{X: points[0].X, Y: p.py(base)})
	p.FillPolygon(c, points)
}

// decadeTicks are ticks at 1, 2 and 5 times the powers of ten between two
// values, more if the values are close, the powers alone if they are far apart.
func decadeTicks(low, high float64, label func(float64) string) []plot.Tick {
	switch {
	case high/low > 2e4:
		return decadeTicksOf([]float64{1}, low, high, label)
	case high/low < 15:
		return decadeTicksOf([]float64{1, 1.5, 2, 3, 4, 5, 6, 8}, low, high, label)
	}
	return decadeTicksOf([]float64{1, 2, 5}, low, high, label)
}

// decadeTicksOf are ticks at parts of the powers of ten.
func decadeTicksOf(parts []float64, low, high float64, label func(float64) string) []plot.Tick {
	var ticks []plot.Tick
	for _, power := range powersOfTen {
		for _, part := range parts {
			if v := part * power; v >= low*(1-1e-9) && v <= high*(1+1e-9) {
				ticks = append(ticks, plot.Tick{Value: v, Label: label(v)})
			}
		}
	}
	return ticks
}

// powersOfTen are those of logarithmic axes, exact where floats are.
var powersOfTen = []float64{1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12}

// logTicks are ticks of a logarithmic axis, labelled in units of a factor: at 1,
// 2 and 5 times the powers of ten where there is room, else at the powers alone.
func logTicks(low, high, factor float64) []plot.Tick {
	label := func(v float64) string {
		if v >= 1 && v == math.Trunc(v) {
			return decimal(v, 0)
		}
		return exact(roundTo(v, 2))
	}
	var ticks []plot.Tick
	if high/low > 3e3 {
		ticks = decadeTicksOf([]float64{1}, low/factor, high/factor, label)
	} else {
		ticks = decadeTicks(low/factor, high/factor, label)
	}
	for i := range ticks {
		ticks[i].Value *= factor
	}
	return ticks
}
