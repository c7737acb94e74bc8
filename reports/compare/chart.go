package compare

import (
	"math"

	"github.com/npusim/npusim/reports"
)

// group is a label with a bar for each report.
type group struct {
	name   string
	values []Value
}

// Sizes of charts in pixels of the page.
const (
	narrowChart = 400
	wideChart   = 1080
	barHeight   = 14
	barGap      = 2
	groupGap    = 10
	numberWidth = 64 // right of the bars
	letterWidth = 6.6
)

// pageChart is a chart of horizontal bars, laid out.
type pageChart struct {
	Title, Unit   string
	Wide          bool
	Width, Height float64
	Left          float64 // of the bars
	Groups        []pageBars
	Description   string // for those who cannot see it
}

type pageBars struct {
	Label, Name string // cut to fit, and whole
	Y           float64
	Bars        []pageBar
}

type pageBar struct {
	Index               int
	X, Y, Width, Height float64
	TextX, TextY        float64
	Value, Report       string
}

// draw lays a chart out: the longest bar fills the width.
func draw(title, unit string, list []*Report, groups []group, wide bool) pageChart {
	width, columns := float64(narrowChart), 20
	if wide {
		width, columns = wideChart, 40
	}
	longest, most := 0, 0.0
	for _, g := range groups {
		longest = max(longest, len([]rune(reports.Shorten(reports.Printable(g.name), columns))))
		for _, v := range g.values {
			most = max(most, v.Number)
		}
	}
	c := pageChart{Title: title, Unit: unit, Wide: wide, Width: width, Left: math.Ceil(float64(longest)*letterWidth) + 12}
	scale := (width - c.Left - numberWidth) / most
	y := 2.0
	for _, g := range groups {
		bars := pageBars{Label: reports.Shorten(reports.Printable(g.name), columns), Name: g.name}
		top := y
		for r, v := range g.values {
			text := "absent"
			if !v.Absent {
				text = shortNumber(v.Number)
			}
			length := v.Number * scale
			if v.Number > 0 {
				length = max(length, 1) // to be seen at all
			}
			bars.Bars = append(bars.Bars, pageBar{Index: r, X: c.Left, Y: tenth(y), Width: tenth(length), Height: barHeight,
				TextX: tenth(c.Left + length + 5), TextY: tenth(y + barHeight - 3.5), Value: text, Report: list[r].Label})
			y += barHeight + barGap
		}
		bars.Y = tenth((top+y-barGap)/2 + 4)
		c.Groups = append(c.Groups, bars)
		y += groupGap
	}
	c.Height = y - groupGap + 2
	c.Description = title + " in " + unit
	return c
}

// tenth rounds to tenths of a pixel, for short files.
func tenth(x float64) float64 { return math.Round(10*x) / 10 }

// shortNumber writes a number beside a bar: four digits and a prefix if it is
// long.
func shortNumber(x float64) string {
	switch a := math.Abs(x); {
	case a >= 1e9:
		return reports.Significant(x/1e9, 4) + " G"
	case a >= 1e6:
		return reports.Significant(x/1e6, 4) + " M"
	case x == math.Trunc(x):
		return reports.Count(int64(x))
	}
	return reports.Significant(x, 3)
}
