package reports

import (
	"bytes"
	"encoding/xml"
	"errors"
	"image/color"
	"image/png"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/npusim/npusim/npu/evaluate"
)

// memoryPlots are the plots with panels: of the DRAM traffic beyond that by
// layer, and of units and weights.
var memoryPlots = []func(*evaluate.Result) *Plot{DRAMOverTime, DRAMBanks, DRAMLatency, Roofline, Occupancy, WeightRanges}

// memoryFiles are the files that only results with the data have.
var memoryFiles = []string{"dram_banks.csv", "dram_banks.png", "dram_banks.svg", "dram_latency.csv", "dram_latency.png", "dram_latency.svg",
	"dram_over_time.csv", "dram_over_time.png", "dram_over_time.svg"}

// idle has stretches, banks and latencies, but nothing moved.
func idle() *evaluate.Result {
	r := withMemory(synthetic(3), 30)
	o := r.DRAM.OverTime
	for _, list := range [][]int64{o.ReadBytes, o.WriteBytes, o.Activates, o.Bursts} {
		clear(list)
	}
	for _, class := range trafficClasses {
		clear(o.BytesByClass[class])
	}
	for i := range r.DRAM.Banks {
		r.DRAM.Banks[i].Activates, r.DRAM.Banks[i].Bursts = 0, 0
	}
	for i := range r.DRAM.ReadLatency.Histogram {
		r.DRAM.ReadLatency.Histogram[i].Bursts = 0
	}
	return r
}

// huge has the largest counts that a summary may have, and names that nothing
// likes.
func huge() *evaluate.Result {
	r := withMemory(hostile(), 500)
	o := r.DRAM.OverTime
	for _, list := range [][]int64{o.ReadBytes, o.WriteBytes, o.Activates, o.Bursts} {
		for i := range list {
			list[i] = largestCount
		}
	}
	for _, class := range []string{"weights", "activations", "a class of a very long name that needs a line of the legend", "<b>"} {
		o.BytesByClass[class] = o.ReadBytes
	}
	for channel := range 20 {
		for rank := range 4 {
			for bank := range 80 {
				r.DRAM.Banks = append(r.DRAM.Banks, evaluate.BankUse{Channel: 2 + channel, Rank: rank, BankGroup: bank / 4, Bank: maximumIndex - 4 + bank%4, Activates: int64(bank), Bursts: largestCount})
			}
		}
	}
	l := r.DRAM.ReadLatency
	l.Histogram = []evaluate.LatencyBucket{{FromNS: 0, ToNS: 1e-3, Bursts: largestCount}, {FromNS: 5e8, ToNS: 1e9, Bursts: largestCount}}
	l.P99NS, l.MaximumNS, l.AverageNS, l.AverageQueueingNS = maximumLatencyNS, maximumLatencyNS, 5e8, 5e8
	r.DRAM.Standard = strings.Repeat("\x1bx", 100)
	return r
}

// memoryResults are results of all kinds.
func memoryResults() map[string]*evaluate.Result {
	linear := withMemory(synthetic(12), 512)
	d := &linear.DRAM
	d.Standard, d.Activates, d.Refreshes, d.EnergyUJ, d.ReadLatency, d.Banks, d.RowHitRate, d.OverTime.Activates, d.OverTime.Bursts = "", nil, nil, nil, nil, nil, nil, nil, nil
	results := map[string]*evaluate.Result{"one stretch": withMemory(synthetic(12), 1), "many": withMemory(synthetic(12), 512), "none": synthetic(3), "idle": idle(), "linear": linear}
	if !testing.Short() {
		results["huge"] = huge()
	}
	return results
}

// TestMemoryPlots: whatever the result, bytes repeat, the margin stays white
// and the SVG is well-formed.
func TestMemoryPlots(t *testing.T) {
	for name, r := range memoryResults() {
		for i, plot := range memoryPlots {
			svg := render(t, plot(r).WriteSVG)
			if !bytes.Equal(svg, render(t, plot(r).WriteSVG)) {
				t.Errorf("%s, plot %d: two SVG files differ", name, i)
			}
			if bytes.Contains(svg, []byte("NaN")) || bytes.Contains(svg, []byte("Inf")) {
				t.Errorf("%s, plot %d: a coordinate is no number", name, i)
			}
			decoder := xml.NewDecoder(bytes.NewReader(svg))
			for {
				if _, err := decoder.Token(); err == io.EOF {
					break
				} else if err != nil {
					t.Fatalf("%s, plot %d: no well-formed XML: %v", name, i, err)
				}
			}
			img := rasterOf(plot(r), 48)
			b := img.Bounds()
			for y := b.Min.Y; y < b.Max.Y; y++ {
				for x := b.Min.X; x < b.Max.X; x++ {
					if x == b.Min.X+3 && y >= b.Min.Y+3 && y < b.Max.Y-3 {
						x = b.Max.X - 3 // over the inside
					}
					if color.GrayModel.Convert(img.At(x, y)).(color.Gray).Y < 250 {
						t.Fatalf("%s, plot %d: the margin is not white at (%d,%d)", name, i, x, y)
					}
				}
			}
		}
	}
	if r := withMemory(synthetic(12), 40); !testing.Short() {
		for i, plot := range memoryPlots {
			if !bytes.Equal(render(t, plot(r).WritePNG), render(t, plot(r).WritePNG)) {
				t.Errorf("plot %d: two PNG files differ", i)
			}
		}
	}
}

func TestMemoryGoldenPictures(t *testing.T) {
	r := withMemory(synthetic(5), 40)
	goldenPicture(t, "banks_small.png", render(t, DRAMBanks(r).WritePNG))
	if !testing.Short() {
		goldenPicture(t, "over_time_small.png", render(t, DRAMOverTime(r).WritePNG))
		goldenPicture(t, "latency_small.png", render(t, DRAMLatency(r).WritePNG))
		goldenPicture(t, "roofline_small.png", render(t, Roofline(r).WritePNG))
		goldenPicture(t, "weight_ranges_small.png", render(t, WeightRanges(r).WritePNG))
	}
}

// TestTrafficOf: gathering loses nothing, and no stretch is a sliver.
func TestTrafficOf(t *testing.T) {
	for _, stretches := range []int{1, 2, 7, 399, 400, 401, 512} {
		r := withMemory(synthetic(12), stretches)
		o := r.DRAM.OverTime
		for _, most := range []int{1, 5, 400, 1000} {
			s := trafficOf(r, most)
			if len(s.read) > most || len(s.edges) != len(s.read)+1 || s.edges[0] != 0 || s.edges[len(s.read)] != float64(r.Timing.Cycles) {
				t.Fatalf("%d stretches, at most %d: %d from %g to %g", stretches, most, len(s.read), s.edges[0], s.edges[len(s.edges)-1])
			}
			if got := sumOf(s.read) + sumOf(s.write); got != float64(r.DRAM.ReadBytes+r.DRAM.WriteBytes) {
				t.Errorf("%d stretches, at most %d: %g bytes, want %d", stretches, most, got, r.DRAM.ReadBytes+r.DRAM.WriteBytes)
			}
			for c, class := range s.classes {
				if got := sumOf(s.byClass[c]); got != float64(r.DRAM.BytesByClass[class]) {
					t.Errorf("%d stretches, at most %d: %g bytes of %s, want %d", stretches, most, got, class, r.DRAM.BytesByClass[class])
				}
			}
			if len(s.bursts) != len(s.read) || sumOf(s.activates) != float64(*r.DRAM.Activates) {
				t.Errorf("%d stretches, at most %d: %g activates of %d", stretches, most, sumOf(s.activates), *r.DRAM.Activates)
			}
			for i := range s.read {
				if n := s.cycles(i); len(s.read) > 1 && n < float64(o.IntervalCycles)/2 {
					t.Errorf("%d stretches, at most %d: stretch %d has %g cycles", stretches, most, i, n)
				}
			}
		}
	}
}

func sumOf(list []float64) float64 {
	sum := 0.0
	for _, x := range list {
		sum += x
	}
	return sum
}

// TestLatencyBars: every burst is in a bar, bars have the edges of the
// preferred numbers, and names of markers do not touch.
func TestLatencyBars(t *testing.T) {
	for name, r := range map[string]*evaluate.Result{"many": withMemory(synthetic(12), 40), "huge": huge()} {
		p := DRAMLatency(r).figure.(*latencyPlot)
		if got := sumOf(p.shares); math.Abs(got-100) > 1e-6 {
			t.Errorf("%s: bars sum to %g %%", name, got)
		}
		if !slices.IsSorted(p.edges) || !slices.IsSorted(p.ends) || len(p.edges) > 300 {
			t.Errorf("%s: edges are %v, ends %v", name, p.edges, p.ends)
		}
		for i := 1; i < len(p.slower); i++ {
			if p.slower[i] > p.slower[i-1] {
				t.Errorf("%s: more bursts take longer than %g ns than %g ns", name, p.ends[i], p.ends[i-1])
			}
		}
		lines, count := p.markerLines()
		axis := scale{low: p.edges[0], high: p.edges[len(p.edges)-1], logarithmic: true}
		for i := range p.markers {
			for j := range p.markers {
				a, b := axis.at(p.markers[i].ns)*float64(latencyPanel()), axis.at(p.markers[j].ns)*float64(latencyPanel())
				end := a + float64(sans(markerName, false, ink).Width(p.markers[i].text()))
				if i != j && lines[i] == lines[j] && a <= b && b < end+3 {
					t.Errorf("%s: %q touches %q on line %d of %d", name, p.markers[i].text(), p.markers[j].text(), lines[i], count)
				}
			}
		}
	}
}

// TestRamp: equal steps of lightness (CIE L*), no step back.
func TestRamp(t *testing.T) {
	lightness := func(c color.NRGBA) float64 {
		linear := func(v uint8) float64 {
			x := float64(v) / 255
			if x <= 0.04045 {
				return x / 12.92
			}
			return math.Pow((x+0.055)/1.055, 2.4)
		}
		return 116*math.Cbrt(0.2126*linear(c.R)+0.7152*linear(c.G)+0.0722*linear(c.B)) - 16
	}
	if ramp(0) != rampStops[0] || ramp(rampSteps-1) != rampStops[len(rampStops)-1] || ramp(rampOf(0.5)) != rampStops[4] {
		t.Error("ends or middle of the ramp are not its stops")
	}
	for step := 1; step < rampSteps; step++ {
		if fall := lightness(ramp(step-1)) - lightness(ramp(step)); fall < 0.5 || fall > 2.5 {
			t.Errorf("step %d is %g of L* darker than the one before", step, fall)
		}
	}
}

// TestColourBarKeepsItsColours: a PNG has all colours of the ramp, however few
// pixels have them.
func TestColourBarKeepsItsColours(t *testing.T) {
	img, err := png.Decode(bytes.NewReader(render(t, DRAMBanks(withMemory(synthetic(12), 40)).WritePNG)))
	if err != nil {
		t.Fatal(err)
	}
	found := map[color.NRGBA]bool{}
	for y := img.Bounds().Min.Y; y < img.Bounds().Max.Y; y++ {
		for x := img.Bounds().Min.X; x < img.Bounds().Max.X; x++ {
			found[color.NRGBAModel.Convert(img.At(x, y)).(color.NRGBA)] = true
		}
	}
	for step := range rampSteps {
		if !found[ramp(step)] {
			t.Errorf("colour %d of the ramp, %v, is nowhere", step, ramp(step))
		}
	}
}

func TestMemoryCSV(t *testing.T) {
	r := withMemory(synthetic(12), 37)
	d := &r.DRAM
	rows := records(t, func(b *bytes.Buffer) error { return WriteOverTimeCSV(b, r) })
	want := []string{"start_cycle", "end_cycle", "start_us", "read_bytes", "write_bytes", "bytes_weights", "bytes_activations", "bytes_metadata", "gb_per_s", "activates", "bursts", "row_hit_fraction"}
	if !slices.Equal(rows[0], want) {
		t.Errorf("header is %q, want %q", rows[0], want)
	}
	if len(rows) != 1+len(d.OverTime.ReadBytes) || rows[1][0] != "0" || rows[len(rows)-1][1] != strconv.FormatInt(r.Timing.Cycles, 10) {
		t.Errorf("%d rows from %q to %q", len(rows), rows[1], rows[len(rows)-1])
	}
	for column, sum := range map[string]int64{"read_bytes": d.ReadBytes, "write_bytes": d.WriteBytes, "bytes_weights": d.BytesByClass["weights"], "activates": *d.Activates} {
		if got := columnSum(t, rows, column); got != float64(sum) {
			t.Errorf("%s sums to %g, want %d", column, got, sum)
		}
	}
	ns := 1e6 * r.Timing.LatencyMS / float64(r.Timing.Cycles)
	moved := 0.0
	for _, row := range rows[1:] {
		cell := func(i int) float64 {
			x, err := strconv.ParseFloat(row[i], 64)
			if err != nil {
				t.Fatal(err)
			}
			return x
		}
		moved += cell(8) * (cell(1) - cell(0)) * ns
	}
	if want := float64(d.ReadBytes + d.WriteBytes); math.Abs(moved-want) > 1e-9*want {
		t.Errorf("bandwidth by time sums to %g bytes, want %g", moved, want)
	}

	rows = records(t, func(b *bytes.Buffer) error { return WriteBanksCSV(b, r) })
	if strings.Join(rows[0], " ") != "channel rank bank_group bank activates bursts row_hit_fraction" || len(rows) != 17 {
		t.Errorf("%d rows below %q", len(rows)-1, rows[0])
	}
	if got := columnSum(t, rows, "activates"); got != float64(*d.Activates) {
		t.Errorf("activates sum to %g, want %d", got, *d.Activates)
	}
	if got := strings.Join(rows[14][:4], " "); got != "1 0 1 1" {
		t.Errorf("row 14 is bank %s", got)
	}

	rows = records(t, func(b *bytes.Buffer) error { return WriteLatencyCSV(b, r) })
	if strings.Join(rows[0], " ") != "from_ns to_ns bursts fraction cumulative_fraction" || rows[len(rows)-1][4] != "1" {
		t.Errorf("header %q, last row %q", rows[0], rows[len(rows)-1])
	}
	if got := columnSum(t, rows, "bursts"); got != float64(d.ReadLatency.Bursts) {
		t.Errorf("bursts sum to %g, want %d", got, d.ReadLatency.Bursts)
	}
	if got := columnSum(t, rows, "fraction"); math.Abs(got-1) > 1e-9 {
		t.Errorf("fractions sum to %g", got)
	}

	// Without banks the cells are empty, the columns stay.
	rows = records(t, func(b *bytes.Buffer) error { return WriteOverTimeCSV(b, memoryResults()["linear"]) })
	if !slices.Equal(rows[0], want) || strings.Join(rows[1][9:], "") != "" {
		t.Errorf("without banks: %q, %q", rows[0], rows[1])
	}
	for _, write := range []func(io.Writer, *evaluate.Result) error{WriteOverTimeCSV, WriteBanksCSV, WriteLatencyCSV} {
		if err := write(brokenWriter{}, r); !errors.Is(err, errBroken) {
			t.Errorf("error is %v, want that of the writer", err)
		}
	}
}

// TestStaleFilesGo: what a run has no data for is not written, and the file of
// an earlier run goes.
func TestStaleFilesGo(t *testing.T) {
	dir := t.TempDir()
	if err := WriteDirectory(dir, withRecording(withCompression(withMemory(synthetic(5), 40)))); err != nil {
		t.Fatal(err)
	}
	all := fileNames(t, dir)
	for _, name := range append([]string{"compression.csv", "trace.json"}, memoryFiles...) {
		if !slices.Contains(all, name) {
			t.Errorf("%s is missing", name)
		}
	}
	if len(all) != len(directoryFiles) {
		t.Errorf("%d files, want %d", len(all), len(directoryFiles))
	}
	for _, name := range []string{"dram_banks.txt", "my_dram_banks.csv"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("mine"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	linear := memoryResults()["linear"]
	linear.Stalls, linear.Occupancy, linear.Timing.PeakMACsPerCycle = nil, nil, 0
	for i := range linear.Layers {
		linear.Layers[i].WeightRanges = nil
	}
	if err := WriteDirectory(dir, linear); err != nil {
		t.Fatal(err)
	}
	want := []string{"cycles_by_layer.png", "cycles_by_layer.svg", "dram.csv", "dram_banks.txt", "dram_by_layer.png", "dram_by_layer.svg",
		"dram_over_time.csv", "dram_over_time.png", "dram_over_time.svg", "layers.csv", "my_dram_banks.csv", "report.html", "summary.json", "summary.txt"}
	if got := fileNames(t, dir); !slices.Equal(got, want) {
		t.Errorf("directory holds %q, want %q", got, want)
	}

	// A directory of the name of a stale file is no file of ours.
	if err := os.Mkdir(filepath.Join(dir, "dram_banks.csv"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := WriteDirectory(dir, synthetic(3)); err == nil || !strings.Contains(err.Error(), "dram_banks.csv is a directory") {
		t.Errorf("a directory in place of a stale file gives %v", err)
	}
}

func TestMemoryText(t *testing.T) {
	golden(t, "summary_memory.txt", []byte(summaryText(t, withMemory(synthetic(5), 40), Style{})))
	for name, r := range memoryResults() {
		text := summaryText(t, r, Style{})
		if strings.Contains(text, "NaN") || strings.Contains(text, "Inf") || strings.Contains(text, "\x1b") {
			t.Errorf("%s: text is\n%s", name, text)
		}
		banks := name != "none" && name != "linear"
		if strings.Contains(text, "DRAM banks") != banks || strings.Contains(text, "Busiest bank") != (banks && name != "idle") {
			t.Errorf("%s: text is\n%s", name, text)
		}
	}
	measured := withMemory(synthetic(5), 40)
	measured.DRAM.EnergyUJ.Estimated = false
	if strings.Contains(summaryText(t, measured, Style{}), "estimated") {
		t.Error("published currents are called an estimate")
	}
	// The busiest stretch never looks impossible without a word.
	fast := withMemory(synthetic(5), 40)
	fast.DRAM.PeakGBPerS = fast.DRAM.AchievedGBPerS
	if !strings.Contains(summaryText(t, fast, Style{}), "(requests count when they complete)") {
		t.Error("bandwidth above the peak is not explained")
	}
}
