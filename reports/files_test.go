package reports

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/npusim/npusim/npu/evaluate"
)

func TestJSONRoundTrip(t *testing.T) {
	want := withMemory(withCompression(synthetic(12)), 40)
	want.Layers[0].Name = "a<b>&c"
	var b bytes.Buffer
	if err := WriteJSON(&b, want); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(b.String(), `"name": "a<b>&c"`) {
		t.Error("names are escaped for HTML, or the form is not indented")
	}
	path := filepath.Join(t.TempDir(), "summary.json")
	if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	got, err := ReadJSON(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("read result differs (-want +got):\n%s", diff)
	}
}

func TestReadJSONErrors(t *testing.T) {
	memory := func(keys string) string {
		return `{"schema":1,"model":{"name":"x"},"layers":[{}],"timing":{"cycles":9},"dram":{` + keys + `}}`
	}
	coded := func(keys string) string {
		return `{"schema":1,"model":{"name":"x"},"layers":[{}],"compression":{` + keys + `}}`
	}
	for _, c := range []struct{ content, want string }{
		{"", ":1:1: no valid JSON"},
		{"{\n  \"schema\": 1,,\n}", ":2:15: no valid JSON"},
		{`{"schema":1} x`, "no valid JSON"},
		{`{"schema":2}`, "schema is 2"},
		{`{}`, "schema is 0"},
		{"{\"schema\":1,\n\"timing\":{\"cycles\":\"many\"}}", `:2:25: key "timing.cycles": a JSON string where int64 belongs`},
		{`{"schema":1,"timing":{"cycles":1.5}}`, "timing.cycles"},
		{`{"schema":1,"model":{"name":"x"},"layers":[{}],"timing":{"cycles":-4}}`, `key "timing.cycles" is -4, must be 0 to 2^53`},
		{`{"schema":1,"model":{"name":"x"},"layers":[{},{"macs":9223372036854775807}]}`, `key "layers[1].macs"`},
		{`{"schema":1,"model":{"name":"x"},"layers":[{}],"stalls":{"mac":{"dram":-1}}}`, `key "stalls.mac.dram"`},
		{`{"schema":1,"model":{"name":"x"},"layers":[{}],"energy_uj":{"dram":-0.5}}`, `key "energy_uj.dram" is -0.5`},
		{`{"schema":1,"model":{"name":"x"},"layers":[{}],"dram":{"bytes_by_class":{"weights":-1}}}`, `key "dram.bytes_by_class.weights"`},
		{memory(`"activates":-1`), `key "dram.activates" is -1`},
		{memory(`"row_hit_rate":1.5`), `key "dram.row_hit_rate" is 1.5, must be 0 to 1`},
		{memory(`"energy_uj":{"refresh":-2}`), `key "dram.energy_uj.refresh" is -2`},
		{memory(`"banks":[{"bank":1},{"bank":0}]`), `key "dram.banks[1]" does not come after`},
		{memory(`"banks":[{"bank":1},{"bank":1}]`), `key "dram.banks[1]" does not come after`},
		{memory(`"banks":[{"rank":-1}]`), `key "dram.banks[0].rank" is -1`},
		{memory(`"banks":[{"bursts":-1}]`), `key "dram.banks[0].bursts" is -1`},
		{memory(`"read_latency":{"p99_ns":2e9}`), `key "dram.read_latency.p99_ns" is 2e+09`},
		{memory(`"read_latency":{"histogram":[{"from_ns":3,"to_ns":3}]}`), `key "dram.read_latency.histogram[0]" goes from 3 to 3 ns`},
		{memory(`"read_latency":{"histogram":[{"from_ns":3,"to_ns":5},{"from_ns":4,"to_ns":6}]}`), `histogram[1]" goes from 4 to 6 ns, must begin at 5`},
		{memory(`"read_latency":{"histogram":[{"from_ns":3,"to_ns":5,"bursts":-1}]}`), `histogram[0].bursts" is -1`},
		{coded(`"code_bytes":-1`), `key "compression.code_bytes" is -1`},
		{coded(`"weights":3,"kept":4`), `key "compression.kept" is 4, must be at most the 3 weights`},
		{coded(`"layers":[{"corrections":-1}]`), `key "compression.layers[0].corrections" is -1`},
		{coded(`"layers":[{},{"sparsity":1.5}]`), `key "compression.layers[1].sparsity" is 1.5, must be 0 to 1`},
		{coded(`"layers":[{"n_in":-2}]`), `key "compression.layers[0].n_in" is -2`},
		{coded(`"storages":[{"imbalance":-1}]`), `key "compression.storages[0].imbalance" is -1`},
		{coded(`"storages":[{"decode_cycles":-1}]`), `key "compression.storages[0].decode_cycles" is -1`},
		{`{"schema":1,"model":{"name":"x"},"layers":[{}],"operations":{"xor_slices":-1}}`, `key "operations.xor_slices" is -1`},
		{`{"schema":1,"model":{"name":"x"},"layers":[{}],"energy_uj":{"xor":-1}}`, `key "energy_uj.xor" is -1`},
		{memory(`"over_time":{}`), `key "dram.over_time.interval_cycles" is 0`},
		{memory(`"over_time":{"interval_cycles":4,"read_bytes":[1,2]}`), `has 2 stretches of 4 cycles, 9 cycles need 3`},
		{memory(`"over_time":{"interval_cycles":9,"read_bytes":[1],"write_bytes":[]}`), `key "dram.over_time.write_bytes" has 0 values, read_bytes has 1`},
		{memory(`"over_time":{"interval_cycles":9,"read_bytes":[1],"write_bytes":[-1]}`), `key "dram.over_time.write_bytes[0]" is -1`},
		{memory(`"over_time":{"interval_cycles":9,"read_bytes":[1],"write_bytes":[1],"bytes_by_class":{"x":[1,2]}}`), `key "dram.over_time.bytes_by_class.x" has 2 values`},
		{memory(`"over_time":{"interval_cycles":9,"read_bytes":[1],"write_bytes":[1],"bursts":[1]}`), `key "dram.over_time.activates" has 0 values`},
		{memory(`"over_time":{"interval_cycles":1,"read_bytes":[` + strings.Repeat("0,", maximumStretches) + `0]}`), `must have at most 65536`},
		{`[1]`, "array"},
		{`{"schema":1}`, `key "model.name" is missing`},
		{`{"schema":1,"model":{"name":"x"}}`, `key "layers" is missing or empty`},
	} {
		path := filepath.Join(t.TempDir(), "summary.json")
		if err := os.WriteFile(path, []byte(c.content), 0o644); err != nil {
			t.Fatal(err)
		}
		_, err := ReadJSON(path)
		if err == nil || !strings.HasPrefix(err.Error(), path+":") || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q gives %v, want an error with the path and %q", c.content, err, c.want)
		}
	}
	if _, err := ReadJSON(filepath.Join(t.TempDir(), "absent.json")); !os.IsNotExist(err) {
		t.Errorf("an absent file gives %v", err)
	}
}

func FuzzReadJSON(f *testing.F) {
	var b bytes.Buffer
	if err := WriteJSON(&b, synthetic(3)); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	b.Reset()
	if err := WriteJSON(&b, withMemory(synthetic(2), 3)); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	b.Reset()
	if err := WriteJSON(&b, withCompression(synthetic(3))); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Add([]byte(`{"schema":1,"model":{"name":"x"},"layers":[{}],"operations":{"xor_slices":1},"compression":{"scheme":"none","storages":[{}],"layers":[{"scheme":"none","reason":"a\u001b"},{"weights":9007199254740992,"sparsity":1,"bits_per_weight":1e308}]}}`))
	f.Add([]byte(`{"schema":1,"model":{"name":"x"},"layers":[{"cycles":9,"dram_read_bytes":9007199254740992}],"timing":{"cycles":9,"latency_ms":1e308},"dram":{"read_bytes":9007199254740992,"over_time":{"interval_cycles":9,"read_bytes":[9007199254740992],"write_bytes":[0],"bursts":[0],"activates":[1]},"read_latency":{"bursts":1,"average_queueing_ns":-3,"histogram":[{"to_ns":5e-324,"bursts":1}]}}}`))
	f.Add([]byte(`{"schema":1,"model":{"name":"x"},"config":{"changes":["a=1","b"],"toml":"[mac_array]\nrows=3"},"timing":{"cycles":9},"layers":[{"bound":"pipeline","cycles":9}]}`))
	f.Add([]byte(`{"schema":1,"model":{"name":"x"},"accuracy":{"samples":3,"bit_exact":false,"top1_difference":-1e300},"timing":{"cycles":7},"layers":[{"name":"\u0000","bound":"","cycles":7}]}`))
	f.Add([]byte(`{"schema":1,"model":{"name":"x"},"layers":[{}],"stalls":{"":{}},"dram":{"bytes_by_class":null,"peak_gb_per_s":1e308},"timing":{"latency_ms":5e-324}}`))
	f.Add([]byte(`{"schema":1,"model":{"name":"x","macs":9007199254740992},"timing":{"cycles":3,"latency_ms":1,"clock_mhz":1,"peak_macs_per_cycle":9007199254740992},"dram":{"peak_gb_per_s":1e-9},"stalls":{"mac":{"busy":2,"finished":1}},"occupancy":{"interval_cycles":2,"active_cycles":{"mac":[2,0],"?":[0,1]}},"layers":[{"cycles":3,"macs":9007199254740992,"weight_bits":200,"weight_ranges":{"channels_before_shift":[1,0,1073741823],"channels_after_shift":[1073741824]}}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := decodeJSON(data)
		if err != nil {
			return
		}
		// What is accepted can be rendered, and written and read again.
		if err := WriteText(&bytes.Buffer{}, r, Style{}); err != nil {
			t.Fatal(err)
		}
		if err := WriteLayersCSV(&bytes.Buffer{}, r); err != nil {
			t.Fatal(err)
		}
		if err := WriteDRAMCSV(&bytes.Buffer{}, r); err != nil {
			t.Fatal(err)
		}
		for _, write := range []func(io.Writer, *evaluate.Result) error{WriteOverTimeCSV, WriteBanksCSV, WriteLatencyCSV, WriteCompressionCSV, WriteRooflineCSV, WriteOccupancyCSV, WriteOccupancyOverTimeCSV, WriteRangesCSV} {
			if err := write(&bytes.Buffer{}, r); err != nil {
				t.Fatal(err)
			}
		}
		DRAMByLayer(r)
		CyclesByLayer(r)
		for _, plot := range memoryPlots {
			if err := plot(r).WriteSVG(&bytes.Buffer{}); err != nil {
				t.Fatal(err)
			}
		}
		var first, second bytes.Buffer
		if err := WriteJSON(&first, r); err != nil {
			t.Fatal(err)
		}
		again, err := decodeJSON(first.Bytes())
		if err != nil {
			t.Fatalf("not read again: %v\n%s", err, first.Bytes())
		}
		if err := WriteJSON(&second, again); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(first.Bytes(), second.Bytes()) {
			t.Fatalf("written again it differs:\n%s\n%s", first.Bytes(), second.Bytes())
		}
	})
}

func records(t *testing.T, write func(*bytes.Buffer) error) [][]string {
	t.Helper()
	var b bytes.Buffer
	if err := write(&b); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&b).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// columnSum adds up a named column of records with a header.
func columnSum(t *testing.T, rows [][]string, name string) float64 {
	t.Helper()
	column := slices.Index(rows[0], name)
	if column < 0 {
		t.Fatalf("no column %q in %q", name, rows[0])
	}
	sum := 0.0
	for _, row := range rows[1:] {
		x, err := strconv.ParseFloat(row[column], 64)
		if err != nil {
			t.Fatal(err)
		}
		sum += x
	}
	return sum
}

func TestLayersCSV(t *testing.T) {
	r := synthetic(110)
	r.Layers[3].Name = "quoted \"name\",\nwith a line"
	r.Layers[4].SQNRDB = nil
	r.Layers[5].CyclesByBound = map[string]int64{"decoder": r.Layers[5].Cycles}
	rows := records(t, func(b *bytes.Buffer) error { return WriteLayersCSV(b, r) })
	want := []string{"index", "name", "op", "bound", "cycles", "cycles_mac", "cycles_pipeline", "cycles_vector", "cycles_dram", "cycles_latency", "cycles_decoder", "macs",
		"utilization_fraction", "dram_read_bytes", "dram_write_bytes", "energy_uj", "weight_bits", "sqnr_db"}
	if !slices.Equal(rows[0], want) {
		t.Errorf("header is %q, want %q", rows[0], want)
	}
	if len(rows) != 111 || rows[4][1] != r.Layers[3].Name || rows[4][0] != "4" || rows[5][17] != "" {
		t.Errorf("%d rows, row 4 %q, row 5 %q", len(rows), rows[4], rows[5])
	}
	if got := columnSum(t, rows, "cycles"); got != float64(r.Timing.Cycles) {
		t.Errorf("cycles sum to %g, want %d", got, r.Timing.Cycles)
	}
	split := 0.0
	for _, bound := range []string{"mac", "pipeline", "vector", "dram", "latency", "decoder"} {
		split += columnSum(t, rows, "cycles_"+bound)
	}
	if split != float64(r.Timing.Cycles) {
		t.Errorf("cycles by bound sum to %g, want %d", split, r.Timing.Cycles)
	}
	if got := columnSum(t, rows, "energy_uj"); math.Abs(got-r.EnergyUJ.Total) > 1e-9*got {
		t.Errorf("energy sums to %g, want %g", got, r.EnergyUJ.Total)
	}
}

func TestDRAMCSV(t *testing.T) {
	r := synthetic(12)
	rows := records(t, func(b *bytes.Buffer) error { return WriteDRAMCSV(b, r) })
	if want := []string{"index", "name", "class", "dram_bytes"}; !slices.Equal(rows[0], want) {
		t.Errorf("header is %q, want %q", rows[0], want)
	}
	if len(rows) != 1+12*3 {
		t.Errorf("%d rows, want one a layer and class", len(rows))
	}
	if got := columnSum(t, rows, "dram_bytes"); got != float64(r.DRAM.ReadBytes+r.DRAM.WriteBytes) {
		t.Errorf("bytes sum to %g, want %d", got, r.DRAM.ReadBytes+r.DRAM.WriteBytes)
	}
}

func fileNames(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, e := range entries {
		list = append(list, e.Name())
	}
	return list
}

func TestWriteDirectory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "report")
	r := synthetic(12)
	if err := WriteDirectory(dir, r); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "foreign.txt"), []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	r.Model.Name = "another"
	if err := WriteDirectory(dir, r); err != nil {
		t.Fatal(err)
	}
	want := []string{"cycles_by_layer.png", "cycles_by_layer.svg", "dram.csv", "dram_by_layer.png", "dram_by_layer.svg", "foreign.txt", "layers.csv",
		"occupancy.csv", "occupancy.png", "occupancy.svg", "occupancy_over_time.csv", "report.html", "roofline.csv", "roofline.png", "roofline.svg", "summary.json", "summary.txt",
		"weight_ranges.csv", "weight_ranges.png", "weight_ranges.svg"}
	if got := fileNames(t, dir); !slices.Equal(got, want) {
		t.Errorf("directory holds %q, want %q", got, want)
	}
	if content, err := os.ReadFile(filepath.Join(dir, "foreign.txt")); err != nil || string(content) != "mine" {
		t.Errorf("the foreign file holds %q, %v", content, err)
	}
	got, err := ReadJSON(filepath.Join(dir, "summary.json"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(r, got); diff != "" {
		t.Errorf("summary differs (-want +got):\n%s", diff)
	}
}

func TestWriteDirectoryFailsWhole(t *testing.T) {
	r := synthetic(3)

	// What cannot be rendered touches nothing.
	dir := filepath.Join(t.TempDir(), "report")
	broken := *r
	broken.Timing.LatencyMS = math.NaN()
	if err := WriteDirectory(dir, &broken); err == nil || !strings.Contains(err.Error(), "summary.json") {
		t.Errorf("a result with NaN gives %v, want an error that names summary.json", err)
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("the directory of a failed report exists: %v", err)
	}

	// A directory where the last file belongs: the old files stay, no new ones.
	if err := WriteDirectory(dir, r); err != nil {
		t.Fatal(err)
	}
	obstacle := filepath.Join(dir, "cycles_by_layer.png")
	if err := os.Remove(obstacle); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(obstacle, 0o755); err != nil {
		t.Fatal(err)
	}
	before := fileNames(t, dir)
	changed := *r
	changed.Model.Name = "changed"
	if err := WriteDirectory(dir, &changed); err == nil || !strings.Contains(err.Error(), obstacle) {
		t.Errorf("an obstacle gives %v, want an error that names it", err)
	}
	if got := fileNames(t, dir); !slices.Equal(got, before) {
		t.Errorf("a failed report leaves %q, before %q", got, before)
	}
	if got, err := ReadJSON(filepath.Join(dir, "summary.json")); err != nil || got.Model.Name != r.Model.Name {
		t.Errorf("a failed report replaced the summary: %v", err)
	}

	// A file where the directory belongs.
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := WriteDirectory(file, r); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("a file in place of the directory gives %v", err)
	}
}

func TestEmptyResultFiles(t *testing.T) {
	if err := WriteDirectory(t.TempDir(), &evaluate.Result{Schema: evaluate.Schema}); err != nil {
		t.Error(err)
	}
	rows := records(t, func(b *bytes.Buffer) error { return WriteLayersCSV(b, &evaluate.Result{}) })
	if len(rows) != 1 || fmt.Sprint(rows[0][5:10]) != "[cycles_mac cycles_pipeline cycles_vector cycles_dram cycles_latency]" {
		t.Errorf("CSV of no layers is %q", rows)
	}
}
