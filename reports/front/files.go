package front

import (
	"fmt"
	"io"

	"github.com/npusim/npusim/reports"
)

// mostPairs bounds the scatter plots.
const mostPairs = 6

// File is a file that shows an exploration.
type File struct {
	Name  string
	Write func(io.Writer) error
}

// Files are the files of an exploration: front.txt, front.csv,
// sensitivity.csv, explore.html, and a scatter plot as SVG and PNG of the first two objectives
// and of further pairs, six at most.
func Files(e *Exploration) ([]File, error) {
	if err := e.Check(); err != nil {
		return nil, err
	}
	files := []File{
		{"front.txt", func(w io.Writer) error { return WriteText(w, e, reports.Style{}) }},
		{"front.csv", func(w io.Writer) error { return WriteFrontCSV(w, e) }},
		{"sensitivity.csv", func(w io.Writer) error { return WriteSensitivityCSV(w, e) }},
		{"explore.html", func(w io.Writer) error { return WritePage(w, e) }},
	}
	pairs := 0
	for second := 1; second < len(e.Objectives); second++ {
		for first := 0; first < second && pairs < mostPairs; first++ {
			pairs++
			plot := e.scatter(first, second)
			name := fmt.Sprintf("front_%d_%d", first+1, second+1)
			files = append(files, File{name + ".svg", plot.WriteSVG}, File{name + ".png", plot.WritePNG})
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
