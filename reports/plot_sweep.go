package reports

import (
	"fmt"
	"image/color"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/npusim/npusim/npu/evaluate/codecstudy"
)

// encodingSweep plots the study of a codec against a parameter: bits a weight
// above, the efficiency below, a column a value.
type encodingSweep struct {
	head
	result *codecstudy.SweepResult
	top    float64 // bits a weight
	lossy  bool
}

// Parts of a bar, from below, as series of the legend.
const (
	codePart = iota
	extraPart
	maskPart
	sweepParts
)

// EncodingSweep plots the bits a weight, by what they are for, and the encoding
// efficiency against the parameter of a sweep.
func EncodingSweep(r *codecstudy.SweepResult) *Plot {
	s := &encodingSweep{result: r, lossy: r.Codec == codecstudy.Fractional.String()}
	share := "efficiency"
	if s.lossy {
		share = "signs"
	}
	s.title = fmt.Sprintf("%s: bits a weight and %s against %s", r.Codec, share, parameterName(r.Parameter))
	s.subtitle = sweepSubtitle(r)
	extra := correctionName(r.Codec)
	if s.lossy {
		extra = "scales"
	}
	s.series = []chartSeries{{name: "codes", color: seriesColors["weights"]}, {name: extra, color: seriesColors["corrections"]}}
	if slices.ContainsFunc(r.Rows, func(row codecstudy.Row) bool { return row.BitsPerWeight.Mask > 0 }) {
		s.series = append(s.series, chartSeries{name: maskLegend(r), color: seriesColors["masks"]}) // maskPart
	}
	if !s.lossy {
		s.series = append(s.series, chartSeries{name: "entropy bound of the values", color: ink, line: true, dashes: boundDashes})
	}
	for i := range r.Rows {
		parts := sweepBar(&r.Rows[i])
		s.top = math.Max(s.top, math.Max(parts[0]+parts[1]+parts[2], r.Rows[i].EntropyBound))
	}
	if s.top == 0 {
		s.top = 1
	}
	return &Plot{s}
}

var boundDashes = []vg.Length{3, 2}

// sweepSubtitle says what all rows have in common.
func sweepSubtitle(r *codecstudy.SweepResult) string {
	if len(r.Rows) == 0 {
		return r.Source
	}
	first := &r.Rows[0]
	parts := []string{printable(r.Source), counted(first.Weights, "weight"), counted(int64(first.Planes), "plane")}
	if r.Parameter != codecstudy.SweepInputs {
		parts = append(parts, fmt.Sprintf("n_in %d", first.Inputs))
	}
	if r.Parameter != codecstudy.SweepRegisters && first.PartSlices > 0 {
		parts = append(parts, fmt.Sprintf("n_s %d", first.Registers))
	}
	switch {
	case r.Parameter == codecstudy.SweepOutputs:
	case first.Searched:
		parts = append(parts, "n_out searched")
	case !slices.ContainsFunc(r.Rows, func(row codecstudy.Row) bool { return row.Outputs != first.Outputs }):
		parts = append(parts, fmt.Sprintf("n_out %d", first.Outputs))
	}
	if r.Parameter != codecstudy.SweepSparsity && first.Sparsity > 0 {
		parts = append(parts, decimal(100*first.Sparsity, 1)+" % pruned")
	}
	return strings.Join(append(parts, fmt.Sprintf("best of %s, seed %d", counted(int64(first.Networks), "network"), r.Seed)), ", ")
}

// maskLegend names the formats of the masks.
func maskLegend(r *codecstudy.SweepResult) string {
	var formats []string
	for i := range r.Rows {
		if f := r.Rows[i].MaskFormat; !slices.Contains(formats, f) {
			formats = append(formats, f)
		}
	}
	return fit(sans(legendSize, false, ink), "mask ("+strings.Join(formats, ", ")+")", innerWidth-vg.Points(legendSwatch+4))
}

// sweepBar are the parts of a bar.
func sweepBar(r *codecstudy.Row) [sweepParts]float64 {
	b := &r.BitsPerWeight
	return [sweepParts]float64{codePart: b.Code, extraPart: b.Patch + b.Correction + b.Scale, maskPart: b.Mask}
}

// Heights of the panels in points.
const (
	sweepBitsHeight       = 190
	sweepEfficiencyHeight = 96
)

func (s *encodingSweep) size() (w, h vg.Length) {
	return vg.Points(chartWidth), vg.Points(s.headPoints() + 2*(panelGap+panelCaption) + sweepBitsHeight + sweepEfficiencyHeight + panelFoot + chartMargin)
}

func (s *encodingSweep) draw(canvas vg.CanvasSizer) {
	dc := whiteCanvas(canvas)
	s.drawHead(dc)
	rows := s.result.Rows
	columns := scale{low: -0.5, high: math.Max(float64(len(rows)), 1) - 0.5}
	top := s.headPoints() + panelGap + panelCaption
	p := panelAt(dc, top, sweepBitsHeight, columns, scale{high: s.top * 1.1})
	p.grid(nil, ticksBetween(0, s.top*1.1, 1, 6))
	for i := range rows {
		s.drawBar(p, i)
	}
	s.drawBound(p)
	p.baseline(0)
	p.caption("Bits a weight")

	top += sweepBitsHeight + panelGap + panelCaption
	least := 100.0
	for i := range rows {
		least = math.Min(least, 100*rows[i].Efficiency)
	}
	low := percentFloor(least)
	p = panelAt(dc, top, sweepEfficiencyHeight, columns, scale{low: low, high: 100})
	p.grid(nil, ticksBetween(low, 100, 1, 4))
	var points []vg.Point
	for i := range rows {
		points = append(points, vg.Point{X: p.px(float64(i)), Y: p.py(100 * rows[i].Efficiency)})
	}
	if len(points) > 1 {
		p.StrokeLines(draw.LineStyle{Color: navy, Width: vg.Points(1.2)}, points)
	}
	for _, point := range points {
		p.FillPolygon(navy, square(point, vg.Points(2.2)))
	}
	p.baseline(low)
	if s.lossy {
		p.caption("Signs that come out right (%)")
	} else {
		p.caption("Efficiency (% of care bits that the code alone gets right)")
	}
	if len(rows) == 0 {
		p.note("no values in this result")
	}
	p.foot(s.ticks(), s.axis())
}

// square is a marker around a point.
func square(center vg.Point, half vg.Length) []vg.Point {
	return []vg.Point{{X: center.X - half, Y: center.Y - half}, {X: center.X + half, Y: center.Y - half},
		{X: center.X + half, Y: center.Y + half}, {X: center.X - half, Y: center.Y + half}}
}

// barShare is the part of its column that a bar takes.
const barShare = 0.64

// drawBar stacks the parts of a row and writes their sum above.
func (s *encodingSweep) drawBar(p *panel, i int) {
	left, right := p.px(float64(i)-barShare/2), p.px(float64(i)+barShare/2)
	sum := 0.0
	for part, v := range sweepBar(&s.result.Rows[i]) {
		if v > 0 {
			fillRectangle(p.Canvas, s.series[part].color, left, p.py(sum), right, p.py(sum+v))
			sum += v
		}
	}
	style := sans(labelSize-1, false, faintInk)
	style.XAlign, style.YAlign = draw.XCenter, draw.YBottom
	label := significant(sum, 3)
	if style.Width(label) <= (p.Max.X-p.Min.X)/vg.Length(len(s.result.Rows)) {
		x, y := (left+right)/2, p.py(sum)+vg.Points(2)
		half := style.Width(label)/2 + vg.Points(1)
		fillRectangle(p.Canvas, color.White, x-half, y, x+half, y+style.Height(label)) // no grid behind it
		p.FillText(style, vg.Point{X: x, Y: y}, label)
	}
}

// drawBound draws the entropy of the values across every bar.
func (s *encodingSweep) drawBound(p *panel) {
	if s.lossy {
		return
	}
	rows := s.result.Rows
	for i := range rows {
		left, right, y := p.px(float64(i)-0.45), p.px(float64(i)+0.45), p.py(rows[i].EntropyBound)
		p.StrokeLine2(draw.LineStyle{Color: ink, Width: vg.Points(1.4), Dashes: boundDashes}, left, y, right, y)
	}
}

// ticks are the values of the parameter, as many as have room.
func (s *encodingSweep) ticks() []plot.Tick {
	rows := s.result.Rows
	const most = 24
	step := (len(rows) + most - 1) / most
	var ticks []plot.Tick
	for i := 0; i < len(rows); i += max(step, 1) {
		label := exact(rows[i].Value)
		if s.result.Parameter == codecstudy.SweepSparsity {
			label = decimal(rows[i].Value, s.places())
		}
		ticks = append(ticks, plot.Tick{Value: float64(i), Label: label})
	}
	return ticks
}

// places is the number of decimals of all values.
func (s *encodingSweep) places() int {
	places := 0
	for i := range s.result.Rows {
		if _, decimals, ok := strings.Cut(exact(s.result.Rows[i].Value), "."); ok {
			places = max(places, len(decimals))
		}
	}
	return min(places, 4)
}

// axis names the parameter.
func (s *encodingSweep) axis() string {
	switch s.result.Parameter {
	case codecstudy.SweepInputs:
		return "n_in (bits of a code)"
	case codecstudy.SweepOutputs:
		return "n_out (bits of a slice)"
	case codecstudy.SweepRegisters:
		return "n_s (codes before that the network sees)"
	}
	return "sparsity (share of weights pruned)"
}
