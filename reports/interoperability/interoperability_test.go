package interoperability_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/csv"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/npusim/npusim/configs"
	"github.com/npusim/npusim/npu/evaluate"
	"github.com/npusim/npusim/npu/recording"
	"github.com/npusim/npusim/reports/interoperability"
)

// recorded times our own network and records it.
func recorded(t *testing.T, sets ...string) *evaluate.Result {
	t.Helper()
	spec, err := configs.Load("edge", sets)
	if err != nil {
		t.Fatal(err)
	}
	r, err := evaluate.Run(context.Background(), evaluate.Options{Model: "../../testdata/glyphs/glyphs.onnx", Spec: spec, TimingOnly: true, Record: true})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// table is a file read back: its columns in order, and the rows.
type table struct {
	columns []string
	rows    [][]string
}

// read writes a file and reads it as the scripts of its tool do: cells between
// commas, without the blanks around them.
func read(t *testing.T, f interoperability.File, r *evaluate.Result) table {
	t.Helper()
	var b bytes.Buffer
	if err := f.Write(&b, r); err != nil {
		t.Fatal(err)
	}
	c := csv.NewReader(&b)
	c.TrimLeadingSpace = true
	rows, err := c.ReadAll()
	if err != nil {
		t.Fatalf("%s: %v", f.Name, err)
	}
	return table{rows[0], rows[1:]}
}

// number is a cell, NaN if it is empty.
func (c table) number(t *testing.T, row int, column string) float64 {
	t.Helper()
	at := slices.Index(c.columns, column)
	if at < 0 {
		t.Fatalf("no column %q in %q", column, c.columns)
	}
	if c.rows[row][at] == "" {
		return math.NaN()
	}
	x, err := strconv.ParseFloat(c.rows[row][at], 64)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func (c table) sum(t *testing.T, column string) (sum float64) {
	t.Helper()
	for i := range c.rows {
		sum += c.number(t, i, column)
	}
	return sum
}

func equal(t *testing.T, what string, got, want float64) {
	t.Helper()
	if math.Abs(got-want) > 1e-9*math.Abs(want) || math.IsNaN(got) {
		t.Errorf("%s: %g, want %g", what, got, want)
	}
}

// columns of SCALE-Sim v3. Its header and rows end with a comma, which makes a
// last column without a name.
var scaleSimColumns = map[string]string{
	"COMPUTE_REPORT.csv":   "LayerID, Total Cycles (incl. prefetch), Total Cycles, Stall Cycles, Overall Util %, Mapping Efficiency %, Compute Util %,",
	"BANDWIDTH_REPORT.csv": "LayerID, Avg IFMAP SRAM BW, Avg FILTER SRAM BW, Avg OFMAP SRAM BW, Avg IFMAP DRAM BW, Avg FILTER DRAM BW, Avg OFMAP DRAM BW,",
	"DETAILED_ACCESS_REPORT.csv": "LayerID, SRAM IFMAP Start Cycle, SRAM IFMAP Stop Cycle, SRAM IFMAP Reads, SRAM Filter Start Cycle, SRAM Filter Stop Cycle, SRAM Filter Reads, " +
		"SRAM OFMAP Start Cycle, SRAM OFMAP Stop Cycle, SRAM OFMAP Writes, DRAM IFMAP Start Cycle, DRAM IFMAP Stop Cycle, DRAM IFMAP Reads, " +
		"DRAM Filter Start Cycle, DRAM Filter Stop Cycle, DRAM Filter Reads, DRAM OFMAP Start Cycle, DRAM OFMAP Stop Cycle, DRAM OFMAP Writes,",
}

func TestScaleSimReports(t *testing.T) {
	for _, sets := range [][]string{nil, {"quantization.weights=binary-coding", "quantization.planes=2"}, {"compression.scheme=xor-sequential", "compression.sparsity=0.7"}} {
		r := recorded(t, sets...)
		files := map[string]table{}
		for _, f := range interoperability.ScaleSimFiles {
			var b bytes.Buffer
			if err := f.Write(&b, r); err != nil {
				t.Fatal(err)
			}
			header, _, _ := strings.Cut(b.String(), "\n")
			if header != scaleSimColumns[f.Name] {
				t.Errorf("%s: columns %q, want %q", f.Name, header, scaleSimColumns[f.Name])
			}
			c := read(t, f, r)
			files[f.Name] = c
			if len(c.rows) != len(r.Layers) {
				t.Errorf("%s: %d rows, %d layers", f.Name, len(c.rows), len(r.Layers))
			}
			for i, row := range c.rows {
				if row[0] != strconv.Itoa(i) || row[len(row)-1] != "" {
					t.Errorf("%s: row %d is %q", f.Name, i, row)
				}
			}
		}
		compute, access, bandwidth := files["COMPUTE_REPORT.csv"], files["DETAILED_ACCESS_REPORT.csv"], files["BANDWIDTH_REPORT.csv"]
		equal(t, "cycles", compute.sum(t, "Total Cycles (incl. prefetch)"), float64(r.Timing.Cycles))
		equal(t, "bytes read", access.sum(t, "DRAM IFMAP Reads")+access.sum(t, "DRAM Filter Reads"), float64(r.DRAM.ReadBytes))
		equal(t, "bytes written", access.sum(t, "DRAM OFMAP Writes"), float64(r.DRAM.WriteBytes))
		peak := float64(r.Recording.MACsPerCycle)
		var macs float64
		for i := range compute.rows {
			total, stalls := compute.number(t, i, "Total Cycles"), compute.number(t, i, "Stall Cycles")
			utilization := compute.number(t, i, "Overall Util %")
			mapping, inArray := compute.number(t, i, "Mapping Efficiency %"), compute.number(t, i, "Compute Util %")
			macs += utilization / 100 * total * peak
			if stalls < 0 || stalls >= total || utilization < 0 || mapping > 100 || mapping < inArray || inArray < utilization-1e-9 || math.IsNaN(mapping) != (utilization == 0) {
				t.Errorf("layer %d: %g cycles, %g stalls, utilization %g, %g, %g", i, total, stalls, utilization, mapping, inArray)
			}
			for _, operand := range [][3]string{{"SRAM", "IFMAP", "Reads"}, {"SRAM", "Filter", "Reads"}, {"SRAM", "OFMAP", "Writes"}, {"DRAM", "IFMAP", "Reads"}, {"DRAM", "Filter", "Reads"}, {"DRAM", "OFMAP", "Writes"}} {
				name := operand[0] + " " + operand[1] + " "
				start, stop, n := access.number(t, i, name+"Start Cycle"), access.number(t, i, name+"Stop Cycle"), access.number(t, i, name+operand[2])
				rate := bandwidth.number(t, i, "Avg "+strings.ToUpper(operand[1])+" "+operand[0]+" BW")
				if (n == 0) != math.IsNaN(start) || (n == 0) != math.IsNaN(stop) {
					t.Errorf("layer %d, %s: %g from %g to %g", i, name, n, start, stop)
				}
				if n > 0 {
					equal(t, name+"bandwidth", rate*(stop-start+1), n)
				}
				if operand[0] == "SRAM" && (start < 0 || stop >= total) {
					t.Errorf("layer %d, %s: from %g to %g of %g cycles", i, name, start, stop, total)
				}
			}
		}
		var done float64
		for _, track := range r.Recording.Tracks {
			for _, s := range track.Spans {
				if track.Unit == "mac" {
					done += float64(s.MACs)
				}
			}
		}
		equal(t, "MACs by utilization", macs, done)
	}
}

// TestScaleSimHeaders: the columns are those of reports that SCALE-Sim wrote.
func TestScaleSimHeaders(t *testing.T) {
	root := os.Getenv("NPUSIM_DATA")
	if root == "" {
		root = filepath.Join("..", "..", "..", "shared", "data")
	}
	folder := filepath.Join(root, "scalesim", "ss_ws32_64k", "alexnet")
	for _, name := range []string{"COMPUTE_REPORT.csv", "DETAILED_ACCESS_REPORT.csv"} {
		f, err := os.Open(filepath.Join(folder, name))
		if err != nil {
			t.Skipf("%s is missing: reports of SCALE-Sim v3 (github.com/scalesim-project/SCALE-Sim) for AlexNet, in the folder scalesim of NPUSIM_DATA", filepath.Join(folder, name))
		}
		line, err := bufio.NewReader(f).ReadString('\n')
		f.Close()
		if err != nil || strings.TrimRight(line, "\r\n") != scaleSimColumns[name] {
			t.Errorf("%s: columns %q, %v; want %q", name, line, err, scaleSimColumns[name])
		}
	}
}

func TestVelaTables(t *testing.T) {
	r := recorded(t)
	files := interoperability.VelaFiles(r)
	if files[0].Name != "glyphs_summary_edge.csv" || files[1].Name != "glyphs_per-layer.csv" {
		t.Errorf("files %s and %s", files[0].Name, files[1].Name)
	}
	summary, layers := read(t, files[0], r), read(t, files[1], r)

	var want []string
	areas := []string{"sram", "dram", "on_chip_flash", "off_chip_flash"}
	each := func(prefix []string, suffixes ...string) {
		for _, a := range prefix {
			for _, s := range suffixes {
				want = append(want, a+s)
			}
		}
	}
	want = append(want, "experiment", "network", "accelerator_configuration", "system_config", "memory_mode", "core_clock", "arena_cache_size")
	each(areas, "_bandwidth")
	want = append(want, "weights_storage_area", "feature_map_storage_area", "inferences_per_second", "batch_size", "inference_time", "passes_before_fusing", "passes_after_fusing")
	each(areas, "_memory_used")
	want = append(want, "total_original_weights", "total_npu_encoded_weights")
	each(areas, "_feature_map_read_bytes", "_feature_map_write_bytes", "_weight_read_bytes", "_weight_write_bytes", "_total_bytes")
	want = append(want, "nn_macs", "nn_tops", "cycles_npu", "cycles_sram_access", "cycles_dram_access", "cycles_on_chip_flash_access", "cycles_off_chip_flash_access", "cycles_total")
	if !slices.Equal(summary.columns, want) || len(summary.rows) != 1 {
		t.Errorf("summary: %d rows of\n%q, want\n%q", len(summary.rows), summary.columns, want)
	}
	for name, x := range map[string]float64{
		"core_clock": 500e6, "arena_cache_size": 128, "dram_bandwidth": r.DRAM.PeakGBPerS, "batch_size": 1, "passes_after_fusing": float64(len(r.Layers)),
		"inference_time": r.Timing.LatencyMS / 1000, "total_npu_encoded_weights": float64(r.Program.WeightBytes), "nn_macs": float64(r.Model.MACs),
		"dram_total_bytes": float64(r.DRAM.ReadBytes + r.DRAM.WriteBytes), "dram_feature_map_write_bytes": float64(r.DRAM.WriteBytes),
		"on_chip_flash_total_bytes": 0, "cycles_total": float64(r.Timing.Cycles), "nn_tops": 2e-12 * float64(r.Model.MACs) * r.Timing.InferencesPerSecond,
	} {
		equal(t, name, summary.number(t, 0, name), x)
	}
	for _, name := range []string{"sram_bandwidth", "dram_memory_used", "cycles_sram_access"} {
		if x := summary.number(t, 0, name); !math.IsNaN(x) {
			t.Errorf("%s is %g, which is not modelled", name, x)
		}
	}
	for _, name := range []string{"cycles_npu", "cycles_dram_access"} {
		if x := summary.number(t, 0, name); x <= 0 || x > float64(r.Timing.Cycles) {
			t.Errorf("%s is %g of %d", name, x, r.Timing.Cycles)
		}
	}
	if weights := summary.number(t, 0, "total_original_weights"); weights <= 0 || weights > float64(r.Model.Parameters) {
		t.Errorf("%g weights, the model has %d parameters", weights, r.Model.Parameters)
	}

	if want := []string{"TFLite_operator", "NNG Operator", "SRAM Usage", "Peak%", "Op Cycles", "Network%", "NPU", "SRAM AC", "DRAM AC", "OnFlash AC", "OffFlash AC",
		"MAC Count", "Network%", "Util%", "Name"}; !slices.Equal(layers.columns, want) {
		t.Errorf("per layer: columns %q, want %q", layers.columns, want)
	}
	equal(t, "cycles", layers.sum(t, "Op Cycles"), float64(r.Timing.Cycles))
	equal(t, "MACs", layers.sum(t, "MAC Count"), float64(r.Model.MACs))
	equal(t, "first Network%", layers.sum(t, "Network%"), 100)
	highest, share := 0.0, 0.0
	for i := range layers.rows {
		highest = max(highest, layers.number(t, i, "SRAM Usage"))
		x, err := strconv.ParseFloat(layers.rows[i][12], 64)
		if err != nil {
			t.Fatal(err)
		}
		share += x
		if name := layers.rows[i][14]; name != r.Layers[i].Name {
			t.Errorf("row %d is of %s, want %s", i, name, r.Layers[i].Name)
		}
	}
	equal(t, "second Network%", share, 100)
	equal(t, "peak", highest, float64(peak(r.Recording)))
}

// peak is the most bytes in use in all scratchpads together, cycle by cycle.
func peak(r *recording.Recording) (most int64) {
	for cycle := range r.Cycles {
		var sum int64
		for i := range r.Memory {
			var level int64
			for _, l := range r.Memory[i].Levels {
				if l.Cycle <= cycle {
					level = l.Bytes
				}
			}
			sum += level
		}
		most = max(most, sum)
	}
	return most
}

// TestFileNames: a network's name cannot lead out of the folder.
func TestFileNames(t *testing.T) {
	r := &evaluate.Result{}
	r.Model.Name, r.Config.Name = "../a/b\x00:", ".."
	for _, f := range interoperability.VelaFiles(r) {
		if !filepath.IsLocal(f.Name) || strings.ContainsAny(f.Name, "/\\:\x00") {
			t.Errorf("file %q", f.Name)
		}
	}
}

func TestUnrecordedRunsAreRefused(t *testing.T) {
	for _, f := range append(interoperability.VelaFiles(&evaluate.Result{}), interoperability.ScaleSimFiles...) {
		if err := f.Write(&bytes.Buffer{}, &evaluate.Result{}); err == nil || !strings.Contains(err.Error(), "not recorded") {
			t.Errorf("%s: %v", f.Name, err)
		}
	}
}

// TestNodeProperties: every node of the model that costs anything is there, and
// the figures are those of its layer.
func TestNodeProperties(t *testing.T) {
	r := recorded(t)
	nodes := interoperability.NodeProperties(r)
	for i := range r.Layers {
		l := &r.Layers[i]
		if operators := 1 + strings.Count(l.Op, "+"); len(l.Nodes) != operators {
			t.Errorf("layer %s (%s) has nodes %q", l.Name, l.Op, l.Nodes)
		}
		main := map[string]string{}
		for _, p := range nodes[l.Name] {
			main[p.Key] = p.Value
		}
		if main["npusim.cycles"] != strconv.FormatInt(l.Cycles, 10) || main["npusim.bound"] != l.Bound || main["npusim.units"] == "" {
			t.Errorf("layer %s: %q", l.Name, main)
		}
		for _, n := range l.Nodes {
			if n != l.Name && (len(nodes[n]) != 1 || nodes[n][0].Value != l.Name) {
				t.Errorf("node %s of layer %s: %q", n, l.Name, nodes[n])
			}
		}
	}
}
