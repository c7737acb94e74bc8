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

// rangesPlot plots how wide the weights of output channels are: the histogram
// of one layer, and a row a layer; before shift equalization on the left, after
// it on the right.
type rangesPlot struct {
	head
	result *evaluate.Result
	rows   []int // layers, in the order of the network
	worst  int   // layer of the histogram
	after  bool  // some layer has shifts
	bits   int   // of the weights, 0 if layers differ
	steps  int   // half octaves drawn
}

// WeightRanges plots the ranges of the weights of output channels below the
// full scale of their layer, before and after shift equalization.
func WeightRanges(r *evaluate.Result) *Plot {
	p := &rangesPlot{head: head{title: chartTitle("Weight ranges of channels", r)}, result: r}
	p.subtitle = changedConfig(r)
	all := rangedLayers(r)
	if len(all) == 0 {
		p.subtitle += "no weights quantized in this run"
		return &Plot{p}
	}
	spread := make([]float64, len(all))
	p.worst, p.bits = all[0], r.Layers[all[0]].WeightBits
	channels := 0
	for i, layer := range all {
		l := &r.Layers[layer]
		spread[i] = meanOctaves(l.WeightRanges.Before)
		if spread[i] > meanOctaves(r.Layers[p.worst].WeightRanges.Before) {
			p.worst = layer
		}
		p.after = p.after || l.WeightRanges.After != nil
		if l.WeightBits != p.bits {
			p.bits = 0
		}
		for _, n := range l.WeightRanges.Before {
			channels += n
		}
		p.steps = max(p.steps, len(l.WeightRanges.Before), len(l.WeightRanges.After))
	}
	p.steps = max(min((p.steps+3)/4*4, rangeSteps), 16) // an axis that ends with a label
	p.rows = largestLayers(spread, chartLayers)
	for i := range p.rows {
		p.rows[i] = all[p.rows[i]]
	}
	p.subtitle += fmt.Sprintf("%s channels of %s; every octave below the full scale of its layer costs a channel one bit", Count(int64(channels)), counted(int64(len(all)), "layer"))
	if len(all) > len(p.rows) {
		p.subtitle += fmt.Sprintf("; the widest %d are drawn", len(p.rows))
	}
	if p.bits > 1 {
		p.series = append(p.series, chartSeries{name: fmt.Sprintf("from here on the %d-bit weights of a channel are 0 or ±1", p.bits), color: vermilion, line: true, dashes: averageDashes})
	}
	return &Plot{p}
}

// Measures in points.
const (
	rangesLeft      = 112 // names of layers
	rangesGap       = 22  // between the columns
	rangesBar       = 30  // colour bar below the legend
	histogramHeight = 84
)

func (p *rangesPlot) flatColors() []color.Color { return rampColors() }

func (p *rangesPlot) rowPoints() float64 {
	switch n := len(p.rows); {
	case n <= 40:
		return 11.5
	case n <= 80:
		return 10
	}
	return 8.5
}

func (p *rangesPlot) mapPoints() float64 { return float64(max(len(p.rows), 1)) * p.rowPoints() }

func (p *rangesPlot) size() (w, h vg.Length) {
	return vg.Points(chartWidth), vg.Points(p.headPoints() + rangesBar + panelGap + 2*panelCaption + histogramHeight + panelGap + panelCaption + p.mapPoints() + panelFoot + chartMargin)
}

func (p *rangesPlot) draw(canvas vg.CanvasSizer) {
	dc := whiteCanvas(canvas)
	p.drawHead(dc)
	if len(p.rows) == 0 {
		return
	}
	worst := &p.result.Layers[p.worst]
	most := slices.Max(rangeSharesOf(worst.WeightRanges.Before))
	if worst.WeightRanges.After != nil {
		most = math.Max(most, slices.Max(rangeSharesOf(worst.WeightRanges.After)))
	}
	columns := 1
	if p.after {
		columns = 2
	}
	for column := range columns {
		counts := func(layer int) []int {
			w := p.result.Layers[layer].WeightRanges
			if column == 1 {
				return w.After
			}
			return w.Before
		}
		p.drawColumn(dc, column, columns, most, counts)
	}
	label := sans(legendSize, false, ink)
	const text = "rows below: share of a layer's channels (%)"
	left, y := dc.Min.X+vg.Points(chartMargin), dc.Max.Y-vg.Points(p.headPoints()+rangesBar-6)
	dc.FillText(label, vg.Point{X: left, Y: y}, text)
	drawColourBar(dc, left+label.Width(text)+vg.Points(8), y, scale{high: 10}, func(root float64) string { return decimal(root*root, 0) })
}

// rangeSharesOf is rangeShares as a slice.
func rangeSharesOf(counts []int) []float64 {
	shares := rangeShares(counts)
	return shares[:]
}

// drawColumn draws histogram and rows before or after the shifts.
func (p *rangesPlot) drawColumn(dc draw.Canvas, column, columns int, most float64, counts func(layer int) []int) {
	octaves := scale{high: float64(p.steps) / 2}
	var ticks []plot.Tick
	for octave := 0; octave <= p.steps/2; octave += 2 {
		ticks = append(ticks, plot.Tick{Value: float64(octave), Label: fmt.Sprint(octave)})
	}
	cut := func(top, height float64, vertical scale) *panel {
		q := panelAt(dc, top, height, octaves, vertical)
		left, right := dc.Min.X+vg.Points(chartMargin+rangesLeft), dc.Max.X-vg.Points(chartMargin+6)
		width := (right - left - vg.Points(rangesGap)*vg.Length(columns-1)) / vg.Length(columns)
		q.Min.X = left + vg.Length(column)*(width+vg.Points(rangesGap))
		q.Max.X = q.Min.X + width
		return q
	}
	what := []string{"Before shift equalization", "After shift equalization"}[column]
	if columns == 1 {
		what = "As they are"
	}
	top := p.headPoints() + rangesBar + panelGap + 2*panelCaption
	h := cut(top, histogramHeight, scale{high: most * 1.08})
	bold := sans(labelSize, true, ink)
	h.FillText(bold, vg.Point{X: h.Min.X, Y: h.Max.Y + vg.Points(20)}, what)
	note := sans(labelSize-1, false, faintInk)
	worst := &p.result.Layers[p.worst]
	h.FillText(note, vg.Point{X: h.Min.X, Y: h.Max.Y + vg.Points(7)}, fit(note, fmt.Sprintf("%s, lowest on average (%% of its channels)", printable(worst.Name)), h.Max.X-h.Min.X))
	vertical := ticksBetween(0, most*1.08, 1, 4)
	if column > 0 {
		for i := range vertical {
			vertical[i].Label = ""
		}
	}
	h.grid(ticks, vertical)
	for i, share := range rangeShares(counts(p.worst)) {
		if share > 0 {
			fillRectangle(h.Canvas, navy, h.px(float64(i)/2)+vg.Points(0.5), h.Min.Y, h.px(float64(i+1)/2)-vg.Points(0.5), h.py(share))
		}
	}
	p.drawLimit(h)
	h.baseline(0)

	m := cut(top+histogramHeight+panelGap+panelCaption, p.mapPoints(), scale{high: 1})
	m.FillText(note, vg.Point{X: m.Min.X, Y: m.Max.Y + vg.Points(6)}, "every layer, a row each")
	for _, t := range ticks {
		m.StrokeLine2(gridLine, m.px(t.Value), m.Min.Y, m.px(t.Value), m.Max.Y)
	}
	height := vg.Points(p.rowPoints())
	for row, layer := range p.rows {
		y := m.Max.Y - height*vg.Length(row+1)
		for i, share := range rangeShares(counts(layer)) {
			if share > 0 {
				c := ramp(max(rampOf(math.Sqrt(share/100)), rampSteps/12))
				fillRectangle(m.Canvas, c, m.px(float64(i)/2), y+vg.Points(0.5), m.px(float64(i+1)/2), y+height-vg.Points(0.5))
			}
		}
		if column == 0 {
			name := sans(math.Min(p.rowPoints()-2, 8.5), false, ink)
			name.XAlign, name.YAlign = draw.XRight, draw.YCenter
			m.FillText(name, vg.Point{X: m.Min.X - vg.Points(5), Y: y + height/2 + name.FontExtents().Descent}, fit(name, p.result.Layers[layer].Name, vg.Points(rangesLeft-5)))
		}
	}
	p.drawLimit(m)
	m.baseline(0)
	name := "octaves below full scale"
	if p.steps == rangeSteps {
		name += "; the last cell: all beyond"
	}
	m.foot(ticks, name)
}

// drawLimit draws where integer weights have one step left.
func (p *rangesPlot) drawLimit(q *panel) {
	if octaves := float64(p.bits - 1); p.bits > 1 && octaves < q.horizontal.high {
		q.StrokeLine2(draw.LineStyle{Color: vermilion, Width: vg.Points(1.1), Dashes: averageDashes}, q.px(octaves), q.Min.Y, q.px(octaves), q.Max.Y)
	}
}
