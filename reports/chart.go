package reports

import (
	"fmt"
	"image"
	"image/color"
	"io"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Chart is a plot of stacked horizontal bars, one row a layer; it grows with
// the number of rows.
type Chart struct {
	head
	axis string // what the bars measure
	unit string // of the axis: B takes SI prefixes, words are counted in thousands and so on
	rows []chartRow
}

// chartRow is a bar: the values stack in the order of the series.
type chartRow struct {
	name   string
	values []float64
}

func (r *chartRow) total() float64 {
	sum := 0.0
	for _, v := range r.values {
		sum += v
	}
	return sum
}

// Measures in points, and the resolution of the raster.
const (
	chartWidth     = 648
	chartMargin    = 12
	legendSwatch   = 10
	legendGap      = 18 // between entries
	legendLine     = 16
	chartNameWidth = 180 // of a row's name
	rasterDPI      = 144 // pixels an inch
	fewRows        = 24
)

// innerWidth is the width between the margins.
const innerWidth = vg.Length(chartWidth - 2*chartMargin)

// rowHeight is the height of a row, and nameSize of its name, in points: few
// rows get more room.
func (c *Chart) rowHeight() (height, nameSize float64) {
	switch {
	case len(c.rows) <= fewRows:
		return 17, 9
	case len(c.rows) <= 70:
		return 13.5, 8.5
	}
	return 11.5, 8
}

// tall tells that the labels of the axis below the last row are far from the
// first rows, so that they are repeated above.
func (c *Chart) tall() bool { return len(c.rows) > fewRows }

// headHeight is the height of the strip above the bars: title, subtitle,
// legend and the upper labels of the axis.
func (c *Chart) headHeight() float64 {
	gap := 10.0
	if c.tall() {
		gap = 22
	}
	return c.headPoints() + gap
}

// size is the size of the chart in points.
func (c *Chart) size() (w, h vg.Length) {
	height, _ := c.rowHeight()
	const foot = 42 // labels and name of the axis
	return vg.Points(chartWidth), vg.Points(c.headHeight() + float64(max(len(c.rows), 3))*height + foot + chartMargin)
}

// draw draws the chart.
func (c *Chart) draw(canvas vg.CanvasSizer) {
	dc := whiteCanvas(canvas)
	c.drawHead(dc)

	// The data. Room is left beside the longest bar for its figure.
	longest := 0.0
	for i := range c.rows {
		longest = math.Max(longest, c.rows[i].total())
	}
	top := longest * 1.1
	if top <= 0 {
		top = 1
	}
	prefix := prefixes[prefixOf(longest/5)] // 1,200 kB rather than 1.2 MB: most bars are much shorter
	height, nameSize := c.rowHeight()
	names := make([]string, len(c.rows))
	for i := range c.rows {
		names[i] = fit(sans(nameSize, false, ink), c.rows[i].name, vg.Points(chartNameWidth)) + " " // a space more beside the axis
	}
	var ticks []plot.Tick
	if longest > 0 {
		ticks = axisTicks(top, prefix.factor)
	}
	p := newPlot(c.axisName(prefix.symbol, prefix.word), ticks, top, names, nameSize)
	p.Add(&bars{chart: c, ticks: ticks, factor: prefix.factor, height: vg.Points(height), figureSize: nameSize - 1})
	p.Draw(draw.Crop(dc, vg.Points(chartMargin), -vg.Points(chartMargin), vg.Points(chartMargin), -vg.Points(c.headHeight())))
}

// axisName names the axis with its unit.
func (c *Chart) axisName(symbol, word string) string {
	unit := symbol + c.unit
	if c.unit != "B" {
		unit = word
		if word != "" {
			unit += " of "
		}
		unit += c.unit
	}
	return fmt.Sprintf("%s (%s)", c.axis, unit)
}

// bars draws grid, bars and figures into the data area of a plot.
type bars struct {
	chart      *Chart
	ticks      []plot.Tick
	factor     float64
	height     vg.Length
	figureSize float64
}

// Plot implements plot.Plotter.
func (b *bars) Plot(dc draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&dc)
	for _, t := range b.ticks {
		dc.StrokeLine2(draw.LineStyle{Color: gridColor, Width: vg.Points(0.6)}, x(t.Value), dc.Min.Y, x(t.Value), dc.Max.Y)
	}
	if b.chart.tall() {
		style := p.X.Tick.Label
		style.YAlign = draw.YBottom
		for _, t := range b.ticks {
			dc.FillText(style, vg.Point{X: x(t.Value), Y: dc.Max.Y + vg.Points(3)}, t.Label)
		}
	}
	figure := sans(b.figureSize, false, faintInk)
	figure.YAlign = draw.YCenter
	if len(b.chart.rows) == 0 {
		dc.FillText(sans(legendSize, false, faintInk), vg.Point{X: dc.Min.X + vg.Points(12), Y: dc.Center().Y}, "no layers in this result")
	}
	for i := range b.chart.rows {
		row := &b.chart.rows[i]
		middle := y(float64(len(b.chart.rows) - 1 - i))
		half := b.height * 0.37
		sum := 0.0
		for s, v := range row.values {
			if v > 0 {
				fillRectangle(dc, b.chart.series[s].color, x(sum), middle-half, x(sum+v), middle+half)
				sum += v
			}
		}
		// Gonum raises the names of the rows in the same way.
		text := significant(sum/b.factor, 3)
		start := x(sum) + vg.Points(4)
		fillRectangle(dc, color.White, start-vg.Points(2), middle-half, start+figure.Width(text)+vg.Points(2), middle+half) // no grid behind it
		dc.FillText(figure, vg.Point{X: start, Y: middle + figure.FontExtents().Descent}, text)
	}
}

// WriteSVG writes the chart as SVG with a title for screen readers. Fonts are
// named, not embedded.
func (c *Chart) WriteSVG(w io.Writer) error { return writeSVG(w, c) }

// WritePNG writes the chart as PNG of 144 pixels an inch.
func (c *Chart) WritePNG(w io.Writer) error { return writePNG(w, c) }

// raster draws the chart into an image.
func (c *Chart) raster(dpi int) image.Image { return rasterOf(c, dpi) }
