package reports

import (
	"io"
	"math"
	"strconv"

	"github.com/npusim/npusim/npu/evaluate"
)

// roof is the roofline of a machine (Williams, Waterman and Patterson, CACM
// 2009): what it can do at most for the MACs that come with a byte of DRAM
// traffic.
type roof struct {
	peak     float64 // MAC/s of the array
	peakBW   float64 // B/s of the memory
	achieved float64 // B/s on average over the inference
}

// roofOf is the roofline of a result's machine; false if the result does not
// tell, or if a figure is beyond any machine.
func roofOf(r *evaluate.Result) (roof, bool) {
	f := roof{peak: 1e6 * float64(r.Timing.ClockMHz) * float64(r.Timing.PeakMACsPerCycle), peakBW: 1e9 * r.DRAM.PeakGBPerS, achieved: 1e9 * r.DRAM.AchievedGBPerS}
	sane := func(x float64) bool { return x >= 1 && x < 1e24 }
	return f, sane(f.peak) && sane(f.peakBW) && f.achieved < 1e24 && f.ridge() > 1e-6 && f.ridge() < 1e9
}

// ridge is the intensity in MAC/B from which on the array is the limit.
func (f *roof) ridge() float64 { return f.peak / f.peakBW }

// at is the roof in MAC/s at an intensity in MAC/B.
func (f *roof) at(intensity float64) float64 { return math.Min(f.peak, intensity*f.peakBW) }

// rooflinePoint is a layer under the roof.
type rooflinePoint struct {
	layer     int
	intensity float64 // MAC/B; infinite without DRAM traffic
	rate      float64 // MAC/s attained
	share     float64 // of the cycles
}

// rooflinePoints are the layers that have MACs and time, in the order of the
// network.
func rooflinePoints(r *evaluate.Result) []rooflinePoint {
	var points []rooflinePoint
	for i := range r.Layers {
		l := &r.Layers[i]
		if l.MACs <= 0 || l.Cycles <= 0 || r.Timing.Cycles <= 0 {
			continue
		}
		p := rooflinePoint{layer: i, intensity: math.Inf(1), share: float64(l.Cycles) / float64(r.Timing.Cycles),
			rate: float64(l.MACs) / float64(l.Cycles) * 1e6 * float64(r.Timing.ClockMHz)}
		if moved := float64(l.DRAMReadBytes) + float64(l.DRAMWriteBytes); moved > 0 {
			p.intensity = float64(l.MACs) / moved
		}
		points = append(points, p)
	}
	return points
}

// hasRoofline tells whether a roofline can be drawn.
func hasRoofline(r *evaluate.Result) bool {
	_, ok := roofOf(r)
	return ok && len(rooflinePoints(r)) > 0
}

// WriteRooflineCSV writes one row a layer with MACs: what it attains and what
// the roof allows, in MAC/s. Layers without DRAM traffic have an empty
// intensity.
func WriteRooflineCSV(w io.Writer, r *evaluate.Result) error {
	records := [][]string{{"index", "name", "bound", "cycles", "macs", "dram_bytes", "macs_per_dram_byte", "macs_per_second", "roof_macs_per_second", "roof_limit"}}
	f, _ := roofOf(r)
	for _, p := range rooflinePoints(r) {
		l := &r.Layers[p.layer]
		intensity, limit := "", "array"
		if !math.IsInf(p.intensity, 0) {
			intensity = exact(p.intensity)
			if p.intensity < f.ridge() {
				limit = "bandwidth"
			}
		}
		records = append(records, []string{strconv.Itoa(p.layer + 1), l.Name, l.Bound, whole(l.Cycles), whole(l.MACs), whole(l.DRAMReadBytes + l.DRAMWriteBytes),
			intensity, exact(p.rate), exact(f.at(p.intensity)), limit})
	}
	return writeRecords(w, "roofline", records)
}
