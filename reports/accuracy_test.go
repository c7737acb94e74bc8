package reports

import (
	"bytes"
	"math"
	"strings"
	"testing"

	"github.com/npusim/npusim/npu/evaluate"
)

func accuracyStudy() *AccuracyStudy {
	s := &AccuracyStudy{Network: "glyphs", Machine: "mobile", Samples: 400, FloatTop1: 0.97}
	for i, series := range []string{"per-layer", "per-channel"} {
		for bits := 8; bits >= 2; bits-- {
			p := AccuracyPoint{Series: series, Bits: bits, Top1: float64(bits*(i+1)) / 20}
			if bits > 3 {
				p.Difference = &evaluate.Interval{Low: p.Top1 - s.FloatTop1 - 0.03, High: p.Top1 - s.FloatTop1 + 0.03}
			}
			s.Points = append(s.Points, p)
		}
	}
	return s
}

func TestAccuracyPlot(t *testing.T) {
	goldenPicture(t, "accuracy_small.png", render(t, AccuracyByBits(accuracyStudy()).WritePNG))
	strange := &AccuracyStudy{Network: strings.Repeat("\x00W", 300), FloatTop1: math.NaN(), Points: []AccuracyPoint{{Bits: 4, Top1: math.NaN()}, {Bits: 4, Top1: 7}}}
	for range 20 {
		strange.Points = append(strange.Points, AccuracyPoint{Series: strings.Repeat("M", len(strange.Points)*9), Bits: 3})
	}
	far := &AccuracyStudy{Points: []AccuracyPoint{{Bits: -1 << 62}, {Bits: 1 << 15}}}
	for name, s := range map[string]*AccuracyStudy{"empty": {}, "strange": strange, "far apart": far} {
		svg := render(t, AccuracyByBits(s).WriteSVG)
		if bytes.Contains(svg, []byte("Inf")) || bytes.Contains(svg, []byte("NaN")) {
			t.Errorf("%s: a coordinate is no number", name)
		}
	}
}

func TestAccuracyCSV(t *testing.T) {
	rows := records(t, func(b *bytes.Buffer) error { return WriteAccuracyCSV(b, accuracyStudy()) })
	if got := strings.Join(rows[1], " "); len(rows) != 15 || got != "glyphs mobile 400 per-layer 8 0.97 0.4 "+rows[1][7]+" "+rows[1][8] || rows[7][7] != "" {
		t.Errorf("%d rows, the first %q, that without an interval %q", len(rows), rows[1], rows[7])
	}
}
