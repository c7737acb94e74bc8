package reports

import (
	"image/color"
	"math"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// The theme of all plots: one sans typeface, grey frames, and colours after
// Okabe and Ito (2008), darkened or lightened so that neighbours in a stack
// differ in lightness too and stay apart in print and for colour-blind readers.
var (
	ink       = color.NRGBA{0x22, 0x22, 0x22, 0xff}
	faintInk  = color.NRGBA{0x66, 0x66, 0x66, 0xff}
	gridColor = color.NRGBA{0xe2, 0xe2, 0xe2, 0xff}

	navy      = color.NRGBA{0x1b, 0x4f, 0x8a, 0xff}
	steel     = color.NRGBA{0x70, 0x87, 0xa6, 0xff}
	sky       = color.NRGBA{0x7c, 0xc4, 0xee, 0xff}
	paleBlue  = color.NRGBA{0xb5, 0xe3, 0xff, 0xff}
	vermilion = color.NRGBA{0xd5, 0x5e, 0x00, 0xff}
	silver    = color.NRGBA{0xc4, 0xc4, 0xc4, 0xff}
	green     = color.NRGBA{0x00, 0x77, 0x5a, 0xff}
	orange    = color.NRGBA{0xf0, 0xad, 0x2d, 0xff}
	charcoal  = color.NRGBA{0x4d, 0x4d, 0x4d, 0xff}
	purple    = color.NRGBA{0xcc, 0x79, 0xa7, 0xff}
	yellow    = color.NRGBA{0xe8, 0xdc, 0x3a, 0xff}
	paleGrey  = color.NRGBA{0xe4, 0xe4, 0xe4, 0xff}
)

// seriesColors gives each known class of traffic and each known bound its
// colour in every plot.
var seriesColors = map[string]color.NRGBA{
	"weights": green, "corrections": vermilion, "masks": paleBlue, "scales": navy, "activations": orange, "metadata": charcoal,
	"mac": navy, "lookup": yellow, "pipeline": steel, "vector": sky, "dram": vermilion, "latency": silver,
}

// spareColors serve keys without a colour of their own, in turn.
var spareColors = []color.NRGBA{purple, sky, yellow, steel, navy, silver}

// Sizes in points.
const (
	titleSize  = 13
	legendSize = 10
	labelSize  = 9
)

// boldWeight is WeightBold of golang.org/x/image/font, in which 0 is regular.
const boldWeight = 3

// svgFontFamily is what browsers look for: the typeface that the plots are
// measured with, those of the same metrics, and any sans.
const svgFontFamily = "'Liberation Sans',Arimo,Arial,Helvetica,sans-serif"

// sans is the style of text of a size in points.
func sans(size float64, bold bool, c color.Color) text.Style {
	f := font.Font{Typeface: "Liberation", Variant: "Sans", Size: vg.Points(size)}
	if bold {
		f.Weight = boldWeight
	}
	return text.Style{Color: c, Font: f, XAlign: draw.XLeft, YAlign: draw.YBottom, Handler: plot.DefaultTextHandler}
}

// drawable replaces what the typeface has no glyph for, which would vanish
// without a trace, and what XML forbids.
func drawable(s string) string {
	face := font.DefaultCache.Lookup(sans(labelSize, false, ink).Font, vg.Points(labelSize))
	return strings.Map(func(r rune) rune {
		if index, err := face.Face.GlyphIndex(nil, r); err != nil || index == 0 {
			return '?'
		}
		return r
	}, printable(s))
}

// fit makes a text drawable and cuts it in the middle so that it is at most
// limit wide.
func fit(style text.Style, s string, limit vg.Length) string {
	s = drawable(s)
	for columns := min(width(s), 200); columns > 0; columns-- {
		if short := Shorten(s, columns); style.Width(short) <= limit {
			return short
		}
	}
	return ""
}

// newPlot returns an empty plot in the theme: a value axis from 0 along the
// bottom and rows named along the left, the first on top, with half a row of
// room at both ends.
func newPlot(axis string, ticks []plot.Tick, top float64, names []string, nameSize float64) *plot.Plot {
	p := plot.New()
	p.BackgroundColor = nil
	p.X.Min, p.X.Max = 0, top
	p.X.Padding = vg.Points(3)
	p.X.LineStyle.Width = 0
	p.X.Label.Text = axis
	p.X.Label.Padding = vg.Points(4)
	p.X.Label.TextStyle = sans(labelSize, false, ink)
	p.X.Label.TextStyle.XAlign = draw.XCenter
	p.X.Tick.Marker = plot.ConstantTicks(ticks)
	p.X.Tick.Length = 0
	p.X.Tick.Label = sans(labelSize, false, faintInk)
	p.X.Tick.Label.XAlign, p.X.Tick.Label.YAlign = draw.XCenter, draw.YTop

	rows := make([]plot.Tick, len(names))
	for i, name := range names {
		rows[i] = plot.Tick{Value: float64(len(names) - 1 - i), Label: name}
	}
	p.Y.Min, p.Y.Max = -0.5, math.Max(float64(len(names)), 1)-0.5
	p.Y.Padding = 0
	p.Y.LineStyle.Width = vg.Points(0.6)
	p.Y.LineStyle.Color = faintInk
	p.Y.Tick.Marker = plot.ConstantTicks(rows)
	p.Y.Tick.Length = 0
	p.Y.Tick.Label = sans(nameSize, false, ink)
	p.Y.Tick.Label.XAlign, p.Y.Tick.Label.YAlign = draw.XRight, draw.YCenter
	return p
}

// axisTicks returns about eight ticks at round values from 0 to top, labelled
// in units of the factor, which is that of the SI prefix of top.
func axisTicks(top, factor float64) []plot.Tick { return ticksBetween(0, top, factor, 8) }

// ticksBetween is axisTicks from a lower end and for a number of steps: as many
// or fewer.
func ticksBetween(low, top, factor float64, steps int) []plot.Tick {
	step := roundStep((top - low) / float64(steps))
	places := max(0, int(math.Ceil(-math.Log10(step/factor)-1e-9)))
	if fraction := step / factor * math.Pow(10, float64(places)); math.Abs(fraction-math.Round(fraction)) > 1e-6 {
		places++ // a step of 2.5
	}
	var ticks []plot.Tick
	for i := int(math.Ceil(low/step - 1e-9)); float64(i)*step <= top*(1+1e-9); i++ {
		value := float64(i) * step
		ticks = append(ticks, plot.Tick{Value: value, Label: decimal(value/factor, places)})
	}
	return ticks
}

// roundStep returns the smallest of 1, 2, 2.5, 5 times a power of ten that is
// at least x.
func roundStep(x float64) float64 {
	power := math.Pow(10, math.Floor(math.Log10(x)))
	for _, step := range []float64{1, 2, 2.5, 5} {
		if step*power >= x*(1-1e-9) {
			return step * power
		}
	}
	return 10 * power
}
