package reports

import (
	"bytes"
	"fmt"
	"html"
	"image"
	"image/color"
	"image/png"
	"io"
	"math"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgsvg"
)

// figure is a picture of a size of its own, in points.
type figure interface {
	name() string // for screen readers
	size() (width, height vg.Length)
	draw(canvas vg.CanvasSizer)
	flatColors() []color.Color // at most 256 that a raster must keep, however rare
}

// Plot is a picture of a result, ready to be written.
type Plot struct{ figure }

// WriteSVG writes the plot as SVG with a title for screen readers. Fonts are
// named, not embedded.
func (p *Plot) WriteSVG(w io.Writer) error { return writeSVG(w, p) }

// WritePNG writes the plot as PNG of 144 pixels an inch.
func (p *Plot) WritePNG(w io.Writer) error { return writePNG(w, p) }

func writeSVG(w io.Writer, f figure) error {
	canvas := vgsvg.New(f.size())
	f.draw(canvas)
	var b bytes.Buffer
	if _, err := canvas.WriteTo(&b); err != nil {
		return fmt.Errorf("SVG of %q: %w", f.name(), err)
	}
	svg := bytes.ReplaceAll(b.Bytes(), []byte("font-family:Liberation Sans;font-variant:normal;"), []byte("font-family:"+svgFontFamily+";"))
	svg = bytes.Replace(svg, []byte("<svg "), []byte(`<svg role="img" `), 1)
	svg = bytes.Replace(svg, []byte("<g transform"), []byte("<title>"+html.EscapeString(f.name())+"</title>\n<g transform"), 1)
	_, err := w.Write(svg)
	return err
}

func writePNG(w io.Writer, f figure) error {
	var b bytes.Buffer
	if err := png.Encode(&b, paletted(rasterOf(f, rasterDPI), f.flatColors())); err != nil {
		return fmt.Errorf("PNG of %q: %w", f.name(), err)
	}
	_, err := w.Write(b.Bytes())
	return err
}

// rasterOf draws a figure into an image.
func rasterOf(f figure, dpi int) image.Image {
	width, height := f.size()
	canvas := vgimg.NewWith(vgimg.UseWH(width, height), vgimg.UseDPI(dpi))
	f.draw(canvas)
	return canvas.Image()
}

// whiteCanvas begins a drawing.
func whiteCanvas(canvas vg.CanvasSizer) draw.Canvas {
	dc := draw.New(canvas)
	dc.SetColor(color.White)
	dc.Fill(dc.Rectangle.Path())
	return dc
}

// head is the strip above the data: title, subtitle and legend.
type head struct {
	title, subtitle string
	series          []chartSeries
}

// chartSeries is an entry of a legend.
type chartSeries struct {
	name   string
	color  color.NRGBA
	line   bool        // drawn as a line, not as an area
	dot    bool        // drawn as a dot
	dashes []vg.Length // of the line; nil for a solid one
}

func (h *head) name() string { return h.title }

// flatColors are those of the legend.
func (h *head) flatColors() []color.Color {
	var list []color.Color
	for _, s := range h.series[:min(len(h.series), 16)] {
		list = append(list, s.color)
	}
	return list
}

// legendLines breaks the legend into lines: the indexes of the series of each.
func (h *head) legendLines() [][]int {
	style := sans(legendSize, false, ink)
	var lines [][]int
	var line []int
	used := vg.Length(0)
	for i, s := range h.series {
		w := vg.Points(legendSwatch+4) + style.Width(s.name)
		if len(line) > 0 && used+w > innerWidth {
			lines = append(lines, line)
			line, used = nil, 0
		}
		line = append(line, i)
		used += w + vg.Points(legendGap)
	}
	if len(line) > 0 {
		lines = append(lines, line)
	}
	return lines
}

// headPoints is the height of the strip in points, the upper margin included.
func (h *head) headPoints() float64 {
	return chartMargin + 18 + 17 + float64(len(h.legendLines()))*legendLine
}

// drawHead draws the strip at the top of the canvas.
func (h *head) drawHead(dc draw.Canvas) {
	left := dc.Min.X + vg.Points(chartMargin)
	y := dc.Max.Y - vg.Points(chartMargin+titleSize)
	style := sans(titleSize, true, ink)
	dc.FillText(style, vg.Point{X: left, Y: y}, fit(style, h.title, innerWidth))
	y -= vg.Points(17)
	style = sans(legendSize, false, faintInk)
	dc.FillText(style, vg.Point{X: left, Y: y}, fit(style, h.subtitle, innerWidth))
	y -= vg.Points(4)
	for _, line := range h.legendLines() {
		y -= vg.Points(legendLine)
		x := left
		for _, i := range line {
			x = h.series[i].drawEntry(dc, x, y+vg.Points(1), legendSize) + vg.Points(legendGap)
		}
	}
}

// drawEntry draws swatch and name from a lower left corner and returns where
// the name ends.
func (s *chartSeries) drawEntry(dc draw.Canvas, x, y vg.Length, size float64) vg.Length {
	end := x + vg.Points(legendSwatch)
	middle := y + vg.Points(legendSwatch/2)
	switch {
	case s.line:
		dc.StrokeLine2(draw.LineStyle{Color: s.color, Width: vg.Points(1.2), Dashes: s.dashes}, x, middle, end, middle)
	case s.dot:
		drawDot(dc, s.color, vg.Point{X: (x + end) / 2, Y: middle}, vg.Points(legendSwatch/2-0.5))
	default:
		fillRectangle(dc, s.color, x, y, end, y+vg.Points(legendSwatch))
	}
	style := sans(size, false, ink)
	dc.FillText(style, vg.Point{X: end + vg.Points(4), Y: y}, s.name)
	return end + vg.Points(4) + style.Width(s.name)
}

func fillRectangle(dc draw.Canvas, c color.Color, x0, y0, x1, y1 vg.Length) {
	dc.FillPolygon(c, []vg.Point{{X: x0, Y: y0}, {X: x1, Y: y0}, {X: x1, Y: y1}, {X: x0, Y: y1}})
}

// drawDot draws a disc with a white rim, which tells dots apart where they
// overlap.
func drawDot(dc draw.Canvas, c color.Color, center vg.Point, radius vg.Length) {
	var path vg.Path
	path.Move(vg.Point{X: center.X + radius, Y: center.Y})
	path.Arc(center, radius, 0, 2*math.Pi)
	path.Close()
	dc.SetColor(c)
	dc.Fill(path)
	dc.SetLineStyle(draw.LineStyle{Color: color.White, Width: vg.Points(0.7)})
	dc.Stroke(path)
}
