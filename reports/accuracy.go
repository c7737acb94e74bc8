package reports

import (
	"cmp"
	"fmt"
	"image/color"
	"io"
	"math"
	"slices"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/npusim/npusim/npu/evaluate"
)

// AccuracyPoint is the top-1 accuracy of one run at a number of bits a weight.
type AccuracyPoint struct {
	Series string // what the points of a line have in common: the weight mode
	Bits   int
	Top1   float64 // share of 1
	// Interval of 95 % of the difference from float, nil if there are too few
	// samples.
	Difference *evaluate.Interval
}

// AccuracyStudy is the accuracy of one network against the bits of its weights.
type AccuracyStudy struct {
	Network   string
	Machine   string
	Samples   int
	FloatTop1 float64 // share of 1
	Points    []AccuracyPoint
}

// series are the names of the lines, in the order of their first points.
func (s *AccuracyStudy) series() []string {
	var names []string
	for i := range s.Points {
		if !slices.Contains(names, s.Points[i].Series) {
			names = append(names, s.Points[i].Series)
		}
	}
	return names
}

// WriteAccuracyCSV writes one row a run. Shares are fractions of 1; cells that
// do not apply are empty.
func WriteAccuracyCSV(w io.Writer, s *AccuracyStudy) error {
	records := [][]string{{"network", "machine", "samples", "weights", "bits", "float_top1", "npu_top1", "difference_low", "difference_high"}}
	for i := range s.Points {
		p := &s.Points[i]
		low, high := "", ""
		if p.Difference != nil {
			low, high = exact(p.Difference.Low), exact(p.Difference.High)
		}
		records = append(records, []string{s.Network, s.Machine, strconv.Itoa(s.Samples), p.Series, strconv.Itoa(p.Bits), exact(s.FloatTop1), exact(p.Top1), low, high})
	}
	return writeRecords(w, "accuracy", records)
}

// accuracyPlot plots accuracy against bits, a line a weight mode.
type accuracyPlot struct {
	head
	study *AccuracyStudy
	low   int // bits
	high  int
}

// AccuracyByBits plots top-1 accuracy against the bits of weights, with the
// interval of 95 % of its difference from float.
func AccuracyByBits(s *AccuracyStudy) *Plot {
	p := &accuracyPlot{head: head{title: fmt.Sprintf("Accuracy against bits a weight: %s on %s", printable(s.Network), printable(s.Machine))}, study: s}
	p.subtitle = fmt.Sprintf("%s; bars: 95 %% of the difference from float, of the same samples", counted(int64(s.Samples), "sample"))
	names := s.series()
	for i, name := range names[:min(len(names), len(lineColors))] {
		p.series = append(p.series, chartSeries{name: fit(sans(legendSize, false, ink), name, innerWidth/2), color: lineColors[i], dot: true})
	}
	if !math.IsNaN(s.FloatTop1) {
		p.series = append(p.series, chartSeries{name: fmt.Sprintf("float %s %%", decimal(100*s.FloatTop1, 1)), color: ink, line: true, dashes: boundDashes})
	}
	p.low, p.high = 1<<16, 0
	for i := range s.Points {
		p.low, p.high = min(p.low, s.Points[i].Bits), max(p.high, s.Points[i].Bits)
	}
	return &Plot{p}
}

// lineColors are those of lines that may cross.
var lineColors = []color.NRGBA{vermilion, navy, green, purple, orange, steel, charcoal}

const accuracyHeight = 260

func (p *accuracyPlot) size() (w, h vg.Length) {
	return vg.Points(chartWidth), vg.Points(p.headPoints() + panelGap + panelCaption + accuracyHeight + panelFoot + chartMargin)
}

func (p *accuracyPlot) draw(canvas vg.CanvasSizer) {
	dc := whiteCanvas(canvas)
	p.drawHead(dc)
	top := p.headPoints() + panelGap + panelCaption
	if len(p.study.Points) == 0 || p.low < 0 || p.high-p.low > 64 {
		empty := panelAt(dc, top, accuracyHeight, scale{high: 1}, scale{high: 1})
		empty.note("no runs to draw")
		empty.baseline(0)
		return
	}
	var ticks []plot.Tick
	for bits := p.low; bits <= p.high; bits++ {
		ticks = append(ticks, plot.Tick{Value: float64(bits), Label: strconv.Itoa(bits)})
	}
	area := panelAt(dc, top, accuracyHeight, scale{low: float64(p.low) - 0.4, high: float64(p.high) + 0.4}, scale{high: 100})
	area.grid(ticks, ticksBetween(0, 100, 1, 10))
	area.caption("Top-1 (%)")
	area.baseline(0)
	area.foot(ticks, "bits a weight")
	if float := area.py(100 * p.study.FloatTop1); !math.IsNaN(float.Points()) {
		area.StrokeLine2(draw.LineStyle{Color: ink, Width: vg.Points(1.1), Dashes: boundDashes}, area.Min.X, float, area.Max.X, float)
	}
	names := p.study.series()
	for i, name := range names[:min(len(names), len(lineColors))] {
		aside := 0.05 * (float64(i) - float64(len(names)-1)/2) // so that bars stay apart
		p.drawLine(area, name, lineColors[i], aside)
	}
}

// drawLine draws the points of a series in the order of their bits.
func (p *accuracyPlot) drawLine(area *panel, name string, c color.NRGBA, aside float64) {
	var points []AccuracyPoint
	for i := range p.study.Points {
		if q := p.study.Points[i]; q.Series == name && !math.IsNaN(q.Top1) {
			points = append(points, q)
		}
	}
	slices.SortStableFunc(points, func(a, b AccuracyPoint) int { return cmp.Compare(a.Bits, b.Bits) })
	var line []vg.Point
	style := draw.LineStyle{Color: c, Width: vg.Points(1.3)}
	for i := range points {
		q := &points[i]
		at := vg.Point{X: area.px(float64(q.Bits) + aside), Y: area.py(100 * q.Top1)}
		line = append(line, at)
		if d := q.Difference; d != nil && !math.IsNaN(p.study.FloatTop1+d.Low+d.High) {
			area.StrokeLine2(style, at.X, area.py(100*(p.study.FloatTop1+d.Low)), at.X, area.py(100*(p.study.FloatTop1+d.High)))
		}
	}
	if len(line) > 1 {
		area.StrokeLines(style, line)
	}
	for _, at := range line {
		drawDot(area.Canvas, c, at, vg.Points(3.2))
	}
}
