package front

import (
	"fmt"
	"io"

	"github.com/npusim/npusim/reports"
)

// mostPairs bounds the scatter plots.
const mostPairs = 6

// mostObjectives bounds the numbers in names of scatter plots.
const mostObjectives = 8

// Files are the files of an exploration, for reports.WriteFiles: front.txt,
// front.csv, sensitivity.csv, explore.html, and a scatter plot as SVG and PNG of
// the first two objectives and of further pairs, six at most. Plots of other
// pairs, which an earlier sweep may have left, are to be removed.
func Files(e *Exploration) ([]reports.File, error) {
	if err := e.Check(); err != nil {
		return nil, err
	}
	files := []reports.File{
		{Name: "front.txt", Write: func(w io.Writer) error { return WriteText(w, e, reports.Style{}) }},
		{Name: "front.csv", Write: func(w io.Writer) error { return WriteFrontCSV(w, e) }},
		{Name: "sensitivity.csv", Write: func(w io.Writer) error { return WriteSensitivityCSV(w, e) }},
		{Name: "explore.html", Write: func(w io.Writer) error { return WritePage(w, e) }},
	}
	pairs := 0
	for second := 1; second < mostObjectives; second++ {
		for first := range second {
			name := fmt.Sprintf("front_%d_%d", first+1, second+1)
			svg, png := reports.File{Name: name + ".svg"}, reports.File{Name: name + ".png"}
			if second < len(e.Objectives) && pairs < mostPairs {
				pairs++
				plot := e.scatter(first, second)
				svg.Write, png.Write = plot.WriteSVG, plot.WritePNG
			}
			files = append(files, svg, png)
		}
	}
	return files, nil
}

// scatter plots two objectives.
func (e *Exploration) scatter(x, y int) *reports.Plot {
	d := &reports.ScatterData{Title: e.Name, Subtitle: e.summary(len(e.members()))}
	d.X, d.Y = reports.ScatterAxis(e.Objectives[x]), reports.ScatterAxis(e.Objectives[y])
	for i := range e.Points {
		p := &e.Points[i]
		if p.Status != Failed {
			d.Points = append(d.Points, reports.ScatterPoint{Label: fmt.Sprintf("#%d", p.ID), X: p.Objectives[x], Y: p.Objectives[y],
				Feasible: p.Status == Feasible, OnFront: p.OnFront})
		}
	}
	return reports.Scatter(d)
}
