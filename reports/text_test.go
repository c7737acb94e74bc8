package reports

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/npusim/npusim/npu/evaluate"
)

var update = flag.Bool("update", false, "write the golden files instead of comparing with them")

// golden compares text with a golden file or, with -update, writes it.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(string(got), "\n")); diff != "" {
		t.Errorf("%s differs (-want +got); run with -update if this is meant:\n%s", path, diff)
	}
}

func summaryText(t *testing.T, r *evaluate.Result, style Style) string {
	t.Helper()
	var b strings.Builder
	if err := WriteText(&b, r, style); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// unlabelled is a long network on random inputs that diverged.
func unlabelled() *evaluate.Result {
	r := synthetic(55)
	r.Accuracy = &evaluate.Accuracy{Metric: "none", Data: "random inputs, seed 1", Samples: 1, Agreement: pointer(1.0), SQNRDB: pointer(18.0),
		BitExact: pointer(false), BitExactSamples: 1, Divergence: "layer conv_3/pointwise, sample 0, tile 4: 12 of 4096 values differ, the largest difference is 3"}
	r.DRAM.RowHitRate = pointer(0.812)
	r.Config.MachineHash, r.Config.ConfigHash = strings.Repeat("0123456789abcdef", 4), strings.Repeat("fedcba9876543210", 4)
	r.Config.Changes = []string{"npu.clock_mhz=200", "mac_array.rows=8", "mac_array.columns=128", "npu.clock_mhz=250", "dram.preset=lpddr5-6400"}
	r.Notes = nil
	for i := range r.Layers {
		r.Layers[i].SQNRDB = nil
		r.Layers[i].WeightBits = 0
	}
	r.Layers[7].Name = "a name that no table can hold in one piece/depthwise\x1b[31m\nnext line"
	return r
}

func TestTextGolden(t *testing.T) {
	golden(t, "summary.txt", []byte(summaryText(t, synthetic(28), Style{})))
	golden(t, "summary_unlabelled.txt", []byte(summaryText(t, unlabelled(), Style{})))
	golden(t, "summary_color.txt", []byte(summaryText(t, unlabelled(), Style{Color: true})))
}

func TestColourAddsNothing(t *testing.T) {
	escape := regexp.MustCompile("\x1b\\[[0-9;]*m")
	coloured := summaryText(t, unlabelled(), Style{Color: true})
	if !escape.MatchString(coloured) {
		t.Error("no colour where it was asked for")
	}
	if diff := cmp.Diff(summaryText(t, unlabelled(), Style{}), escape.ReplaceAllString(coloured, "")); diff != "" {
		t.Errorf("colour changes the text (-plain +coloured):\n%s", diff)
	}
}

// TestTextColumnsSum reads the printed tables back: layers with the row of the
// others sum to the printed total, causes of a unit to 100.
func TestTextColumnsSum(t *testing.T) {
	for _, layers := range []int{1, 12, 40, 41, 110} {
		r := synthetic(layers)
		lines := strings.Split(summaryText(t, r, Style{}), "\n")
		var cycles, macs, rows int64
		section := ""
		for _, line := range lines {
			if line != "" && !strings.HasPrefix(line, " ") {
				section = line
			}
			fields := strings.Fields(strings.ReplaceAll(line, ",", ""))
			switch {
			case strings.HasPrefix(section, "Layers") && len(fields) > 5 && (fields[2] == "Conv" || fields[2] == "Gemm" || fields[1] == "others"):
				c, err := strconv.ParseInt(fields[3], 10, 64)
				m, err2 := strconv.ParseInt(fields[4], 10, 64)
				if fields[1] == "others" {
					c, err = strconv.ParseInt(fields[2], 10, 64)
					m, err2 = strconv.ParseInt(fields[3], 10, 64)
				}
				if err != nil || err2 != nil {
					t.Fatalf("row %q: %v %v", line, err, err2)
				}
				cycles += c
				macs += m
				rows++
			case strings.HasPrefix(section, "What each unit does") && len(fields) == 8 && fields[0] != "Unit":
				sum := 0.0
				for _, f := range fields[1:] {
					x, err := strconv.ParseFloat(f, 64)
					if err != nil {
						break // the rule below the header
					}
					sum += x
				}
				if sum != 0 && (sum < 99.95 || sum > 100.05) {
					t.Errorf("causes of %s sum to %g %%", fields[0], sum)
				}
			}
		}
		want := int64(layers)
		if layers > allLayers {
			want = topLayers + 1
		}
		if rows != want || cycles != r.Timing.Cycles || macs != r.Model.MACs {
			t.Errorf("%d layers: %d rows with %d cycles and %d MACs, want %d rows with %d and %d", layers, rows, cycles, macs, want, r.Timing.Cycles, r.Model.MACs)
		}
	}
}

func TestBoundSentences(t *testing.T) {
	pipeline := []evaluate.Layer{{Name: "dw", Op: "Conv+BatchNormalization+Clip", Cycles: 100, MACs: 50, CyclesByBound: map[string]int64{"pipeline": 58, "mac": 42}, Utilization: 0.125}}
	begin := "pipeline of the MAC array|net spends 58.0 % of its cycles with the MAC array only filling, draining or waiting for a scratchpad port"
	end := "; the largest such layer is dw (Conv+BN+Clip): 58 of its 100 cycles, 50 MACs, array 12.5 % used.|The other cycles: MAC array 42.0 %." +
		"|Over all cycles the array does 12.5 % of the MACs it could."
	for _, c := range []struct {
		layers []evaluate.Layer
		stalls evaluate.UnitStalls
		toml   string
		want   string
	}{
		{want: ""},
		{layers: []evaluate.Layer{
			{Name: "conv_11", Op: "Conv", Cycles: 390, CyclesByBound: map[string]int64{"mac": 390}},
			{Name: "conv_12", Op: "Conv", Cycles: 610, CyclesByBound: map[string]int64{"dram": 600, "latency": 10}, DRAMReadBytes: 4000, DRAMWriteBytes: 500},
		}, want: "DRAM|net spends 60.0 % of its cycles waiting for DRAM, with nothing computing; the largest such layer is conv_12 (Conv): " +
			"600 of its 610 cycles, 4.50 kB moved.|The other cycles: MAC array 39.0 %, latency 1.0 %."},
		{layers: []evaluate.Layer{{Name: "softmax", Op: "Softmax", Cycles: 5, Bound: "vector"}},
			want: "vector unit|net spends 100.0 % of its cycles with the vector unit at work and the MAC array idle; the largest such layer is softmax (Softmax): 5 of its 5 cycles."},
		{layers: []evaluate.Layer{{Name: "x", Op: "Y", Cycles: 5, Bound: "decoder"}}, want: "decoder|net spends 100.0 % of its cycles bound by decoder; the largest such layer is x (Y): 5 of its 5 cycles."},
		{layers: pipeline, stalls: evaluate.UnitStalls{Fill: 40, Drain: 20, Bank: 30}, toml: "[npu]\nrows = 7\n[mac_array]\nrows = 16 # cells\ncolumns = 32\n",
			want: begin + ", mostly filling and draining (tiles too small for a 16x32 array?)" + end},
		{layers: pipeline, stalls: evaluate.UnitStalls{Fill: 1}, toml: "[mac_array]\nrows = 16\n",
			want: begin + ", mostly filling and draining (tiles too small for the array?)" + end},
		{layers: pipeline, stalls: evaluate.UnitStalls{Fill: 40, Bank: 60}, want: begin + ", mostly waiting for a port (too few bytes a cycle?)" + end},
		{layers: pipeline, want: begin + end},
	} {
		r := &evaluate.Result{Model: evaluate.Model{Name: "net"}, Layers: c.layers, Stalls: evaluate.Stalls{"mac": c.stalls}, Config: evaluate.Config{TOML: c.toml}}
		for i := range c.layers {
			r.Model.MACs += c.layers[i].MACs
			r.Timing.MACUtilization += c.layers[i].Utilization
		}
		name, sentences := boundSentences(r)
		got := strings.Join(append([]string{name}, sentences...), "|")
		if got != c.want {
			t.Errorf("got  %q\nwant %q", got, c.want)
		}
	}
}

// TestProgramAlone: a program without its network has neither float figures
// nor a reference, and says so.
func TestProgramAlone(t *testing.T) {
	r := synthetic(3)
	r.Accuracy = &evaluate.Accuracy{Metric: "none", Data: "random normal inputs, seed 0", Samples: 16}
	text := summaryText(t, r, Style{})
	if strings.Contains(text, "Fidelity") || !strings.Contains(text, "Bit-exact  not checked: a program alone") {
		t.Errorf("text is\n%s", text)
	}
}

func TestFewSamplesHaveNoInterval(t *testing.T) {
	r := synthetic(3)
	r.Accuracy.Top1DifferenceInterval = nil
	if text := summaryText(t, r, Style{}); !strings.Contains(text, "-1.20 points  too few samples for an interval") {
		t.Errorf("text is\n%s", text)
	}
}

// TestChangesAreShown in the heading and in the plots.
func TestChangesAreShown(t *testing.T) {
	r := unlabelled()
	heading, _, _ := strings.Cut(summaryText(t, r, Style{}), "\n  Model")
	if got := strings.Join(strings.Fields(heading), " "); got != "mobilenet_synthetic on mobile, changed: "+strings.Join(r.Config.Changes, ", ") {
		t.Errorf("heading is %q", heading)
	}
	for line := range strings.Lines(heading) {
		if width(strings.TrimSuffix(line, "\n")) > 100 {
			t.Errorf("heading line %q is too long", line)
		}
	}
	for _, c := range []*Chart{DRAMByLayer(r), CyclesByLayer(r)} {
		if !strings.HasPrefix(c.subtitle, "mobile, 4 keys changed; ") {
			t.Errorf("subtitle is %q", c.subtitle)
		}
	}
}

// TestLayerTableFits: long names do not make the table wide.
func TestLayerTableFits(t *testing.T) {
	r := synthetic(110)
	for i := range r.Layers {
		r.Layers[i].Op, r.Layers[i].Bound = "Conv+BatchNormalization+Add+Relu", "pipeline"
	}
	for line := range strings.Lines(summaryText(t, r, Style{})) {
		if n := width(strings.TrimSuffix(line, "\n")); n > 136 {
			t.Errorf("line of %d columns: %s", n, line)
		}
	}
}

type brokenWriter struct{}

var errBroken = errors.New("broken")

func (brokenWriter) Write([]byte) (int, error) { return 0, errBroken }

func TestWriteErrorsAreReturned(t *testing.T) {
	r := synthetic(3)
	for name, err := range map[string]error{
		"text": WriteText(brokenWriter{}, r, Style{}), "JSON": WriteJSON(brokenWriter{}, r), "layers": WriteLayersCSV(brokenWriter{}, r),
		"dram": WriteDRAMCSV(brokenWriter{}, r), "SVG": DRAMByLayer(r).WriteSVG(brokenWriter{}), "PNG": DRAMByLayer(r).WritePNG(brokenWriter{}),
		"table": Table(brokenWriter{}, Style{}, nil, nil),
	} {
		if !errors.Is(err, errBroken) {
			t.Errorf("%s: error is %v, want that of the writer", name, err)
		}
	}
}

func TestEmptyResult(t *testing.T) {
	r := &evaluate.Result{Schema: evaluate.Schema}
	if got := summaryText(t, r, Style{}); strings.Contains(got, "NaN") || strings.Contains(got, "Inf") {
		t.Errorf("text of an empty result has numbers that are none:\n%s", got)
	}
}
