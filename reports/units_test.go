package reports

import (
	"bytes"
	"math"
	"strings"
	"testing"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"

	"github.com/npusim/npusim/npu/evaluate"
)

// TestRoofline: no layer of a machine with these figures attains more than the
// roof, and the CSV says which roof is over it.
func TestRoofline(t *testing.T) {
	r := synthetic(12)
	f, ok := roofOf(r)
	if !ok || f.peak != 1.024e12 || f.peakBW != 12.8e9 || f.ridge() != 80 || f.at(40) != 512e9 || f.at(1e6) != f.peak {
		t.Fatalf("roof %+v, ridge %g", f, f.ridge())
	}
	r.Layers[3].MACs = 0
	r.Layers[4].DRAMReadBytes, r.Layers[4].DRAMWriteBytes = 0, 0
	points := rooflinePoints(r)
	if len(points) != 11 {
		t.Fatalf("%d points of 12 layers, one without MACs", len(points))
	}
	for _, p := range points {
		l := &r.Layers[p.layer]
		if want := float64(l.MACs) / float64(l.Cycles) * 1e9; math.Abs(p.rate-want) > 1e-9*want || p.rate > f.peak {
			t.Errorf("layer %s attains %g MAC/s, want %g below %g", l.Name, p.rate, want, f.peak)
		}
		if math.IsInf(p.intensity, 0) != (p.layer == 4) {
			t.Errorf("layer %s has %g MAC/B", l.Name, p.intensity)
		}
	}
	rows := records(t, func(b *bytes.Buffer) error { return WriteRooflineCSV(b, r) })
	if len(rows) != 12 || strings.Join(rows[4][5:7], ",") != "0," || rows[4][9] != "array" {
		t.Errorf("roofline CSV has %d rows, that of the layer without traffic is %q", len(rows), rows[4])
	}
	for _, change := range []func(*evaluate.Result){
		func(r *evaluate.Result) { r.Timing.ClockMHz = 0 }, func(r *evaluate.Result) { r.DRAM.PeakGBPerS = 0 },
		func(r *evaluate.Result) { r.DRAM.PeakGBPerS = 1e300 }, func(r *evaluate.Result) { r.Timing.PeakMACsPerCycle = largestCount; r.Timing.ClockMHz = largestCount },
	} {
		r := synthetic(3)
		change(r)
		if hasRoofline(r) {
			t.Errorf("a roofline from %+v and %g GB/s", r.Timing, r.DRAM.PeakGBPerS)
		}
	}
}

// TestRooflineLabels: labels lie inside the panel and do not touch.
func TestRooflineLabels(t *testing.T) {
	p := &placer{area: box{0, 0, 100, 60}, style: sans(8, false, ink)}
	canvas := draw.New(vgimg.New(100, 60))
	for i := range 200 {
		p.place(canvas, vg.Point{X: vg.Length(i % 10 * 10), Y: vg.Length(i / 10 % 6 * 10)}, 2, "conv")
	}
	if len(p.taken) < 3 {
		t.Fatalf("%d labels found a place", len(p.taken))
	}
	for i := range p.taken { // without the margins
		p.taken[i].x0, p.taken[i].x1 = p.taken[i].x0+2.5, p.taken[i].x1-2.5
	}
	for i, a := range p.taken {
		if a.x0 < 0 || a.y0 < 0 || a.x1 > 100 || a.y1 > 60 {
			t.Errorf("label %v leaves the area", a)
		}
		for _, b := range p.taken[:i] {
			if a.overlaps(&b) {
				t.Errorf("labels %v and %v overlap", a, b)
			}
		}
	}
}

// TestOccupancyCSV: the causes of each unit sum to the cycles, and activity over
// time to the cycles at work.
func TestOccupancyCSV(t *testing.T) {
	r := synthetic(12)
	rows := records(t, func(b *bytes.Buffer) error { return WriteOccupancyCSV(b, r) })
	if got := columnSum(t, rows, "cycles"); got != float64(int64(len(r.Stalls))*r.Timing.Cycles) {
		t.Errorf("causes of %d units sum to %g cycles of %d", len(r.Stalls), got, r.Timing.Cycles)
	}
	rows = records(t, func(b *bytes.Buffer) error { return WriteOccupancyOverTimeCSV(b, r) })
	s := r.Stalls["mac"]
	if got, want := columnSum(t, rows, "mac_active_cycles"), float64(s.Busy+s.Fill+s.Drain+s.Bank); got != want {
		t.Errorf("the array is at work for %g cycles over time, %g by cause", got, want)
	}
	if last := rows[len(rows)-1][1]; last != whole(r.Timing.Cycles) {
		t.Errorf("the last stretch ends at %s of %d", last, r.Timing.Cycles)
	}
}

// TestUnitColors: neighbours in a stack of causes differ in lightness.
func TestUnitColors(t *testing.T) {
	for i := 1; i < len(unitCauses); i++ {
		a, b := unitCauses[i-1].color, unitCauses[i].color
		lightness := func(r, g, b uint8) float64 { return 0.299*float64(r) + 0.587*float64(g) + 0.114*float64(b) }
		if d := math.Abs(lightness(a.R, a.G, a.B) - lightness(b.R, b.G, b.B)); d < 35 {
			t.Errorf("%s and %s differ by %g of 255 in lightness", unitCauses[i-1].key, unitCauses[i].key, d)
		}
	}
}

func TestRangesCSV(t *testing.T) {
	r := synthetic(5)
	r.Layers[2].WeightRanges = &evaluate.WeightRanges{Before: []int{3, 0, 4}, After: []int{6, 1}}
	r.Layers[4].WeightRanges = &evaluate.WeightRanges{Before: []int{0, 2}}
	rows := records(t, func(b *bytes.Buffer) error { return WriteRangesCSV(b, r) })
	var got []string
	for _, row := range rows {
		if row[0] == "3" || row[0] == "5" {
			got = append(got, strings.Join(append(row[:1:1], row[2:]...), ","))
		}
	}
	if want := "3,0,0.5,3,6 3,0.5,1,0,1 3,1,1.5,4,0 5,0.5,1,2,"; strings.Join(got, " ") != want {
		t.Errorf("rows %q, want %q", got, want)
	}
	if m := meanOctaves([]int{1, 0, 0, 0, 1}); m != 1.25 {
		t.Errorf("the mean of a quarter and 2 1/4 octaves is %g", m)
	}
}
