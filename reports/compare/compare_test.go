package compare_test

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/npusim/npusim/configs/strict"
	"github.com/npusim/npusim/npu/evaluate"
	"github.com/npusim/npusim/reports"
	"github.com/npusim/npusim/reports/compare"
)

// result is a small result with layers of these names and cycles.
func result(names []string, cycles []int64) *evaluate.Result {
	accuracy := 0.5
	r := &evaluate.Result{
		Schema: evaluate.Schema, Tool: "v1",
		Model:    evaluate.Model{Name: "net", SHA256: strings.Repeat("ab", 32), Parameters: 10, MACs: 100},
		Config:   evaluate.Config{Name: "part", MachineHash: strings.Repeat("1", 64), ConfigHash: strings.Repeat("2", 64)},
		Accuracy: &evaluate.Accuracy{Metric: "top1", Data: "d", Samples: 10, NPUTop1: &accuracy},
		DRAM:     evaluate.DRAM{ReadBytes: 1000, WriteBytes: 24, BytesByClass: map[string]int64{"weights": 1000, "activations": 24}},
		EnergyUJ: evaluate.Energy{Total: 2, MAC: 1, DRAM: 1},
	}
	for i, name := range names {
		r.Layers = append(r.Layers, evaluate.Layer{Name: name, Op: "Conv", MACs: int64(10 + i), Cycles: cycles[i], Bound: "mac",
			CyclesByBound: map[string]int64{"mac": cycles[i]}, WeightBits: 8})
	}
	return r
}

// consistent makes totals and parts agree, as reading checks: the first layer
// has all traffic and energy, and the first class of traffic the rest.
func consistent(r *evaluate.Result) *evaluate.Result {
	r.Timing.Cycles, r.Model.MACs = 0, 0
	for i := range r.Layers {
		l := &r.Layers[i]
		r.Timing.Cycles += l.Cycles
		r.Model.MACs += l.MACs
		l.DRAMReadBytes, l.DRAMWriteBytes, l.EnergyUJ = 0, 0, 0
		if len(l.CyclesByBound) == 1 {
			for bound := range l.CyclesByBound {
				l.CyclesByBound[bound] = l.Cycles
			}
		}
	}
	first := &r.Layers[0]
	first.DRAMReadBytes, first.DRAMWriteBytes, first.EnergyUJ = r.DRAM.ReadBytes, r.DRAM.WriteBytes, r.EnergyUJ.Total
	rest := r.DRAM.ReadBytes + r.DRAM.WriteBytes
	for _, bytes := range r.DRAM.BytesByClass {
		rest -= bytes
	}
	for class := range r.DRAM.BytesByClass {
		if class != "activations" {
			r.DRAM.BytesByClass[class] += rest
		}
	}
	r.EnergyUJ.MAC = r.EnergyUJ.Total - r.EnergyUJ.DRAM
	busy := min(r.Timing.Cycles, 7)
	r.Stalls = evaluate.Stalls{"mac": {Busy: busy, Finished: r.Timing.Cycles - busy}}
	return r
}

// directory writes a result as the summary of a report directory.
func directory(t *testing.T, name string, r *evaluate.Result) string {
	t.Helper()
	folder := filepath.Join(t.TempDir(), name)
	if err := os.Mkdir(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(filepath.Join(folder, "summary.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := reports.WriteJSON(f, consistent(r)); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return folder
}

func load(t *testing.T, list ...*evaluate.Result) []*compare.Report {
	t.Helper()
	var paths []string
	for i, r := range list {
		paths = append(paths, directory(t, string(rune('A'+i)), r))
	}
	loaded, err := compare.Load(paths, strict.Nearest)
	if err != nil {
		t.Fatal(err)
	}
	return loaded
}

func TestAlignment(t *testing.T) {
	for _, c := range []struct {
		name       string
		a, b, want []string // rows: name, with the status in B
	}{
		{"same", []string{"x", "y"}, []string{"x", "y"}, []string{"x", "y"}},
		{"added in the middle", []string{"x", "z"}, []string{"x", "y", "z"}, []string{"x", "y added", "z"}},
		{"removed", []string{"x", "y", "z"}, []string{"x", "z"}, []string{"x", "y removed", "z"}},
		{"another order", []string{"x", "y", "z"}, []string{"z", "x", "y"}, []string{"x", "y", "z"}},
		{"repeated names", []string{"x", "x"}, []string{"x", "x", "x"}, []string{"x", "x", "x added"}},
		{"all added in front", []string{"z"}, []string{"a", "b", "z"}, []string{"a added", "b added", "z"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, b := result(c.a, make([]int64, len(c.a))), result(c.b, make([]int64, len(c.b)))
			compared := compare.New(load(t, a, b))
			var got []string
			for i := range compared.Layers {
				got = append(got, strings.TrimSpace(compared.Layers[i].Name+" "+compared.Layers[i].Status(1)))
			}
			if strings.Join(got, "|") != strings.Join(c.want, "|") {
				t.Errorf("rows are %q, want %q", got, c.want)
			}
		})
	}
}

// TestRenamed: a layer of another name between the same neighbours is the same
// one only with the same operator and MACs, and the row says so.
func TestRenamed(t *testing.T) {
	a := result([]string{"in", "old", "out"}, []int64{1, 2, 3})
	b := result([]string{"in", "new", "out"}, []int64{1, 4, 3})
	rows := compare.New(load(t, a, b)).Layers
	if len(rows) != 3 || rows[1].Name != "old" || rows[1].Status(1) != "renamed new" || rows[1].Cells[1].Cycles != 4 {
		t.Errorf("rows are %+v", rows)
	}
	b.Layers[1].MACs++
	rows = compare.New(load(t, a, b)).Layers
	if len(rows) != 4 || rows[1].Status(1) != "added" || rows[2].Status(1) != "removed" {
		t.Errorf("another number of MACs: rows are %+v", rows)
	}
	// A third report with the new name stands in the same row.
	b.Layers[1].MACs--
	c := result([]string{"in", "new", "out"}, []int64{1, 5, 3})
	rows = compare.New(load(t, a, b, c)).Layers
	if len(rows) != 3 || rows[1].Cells[2].Cycles != 5 || rows[1].Status(2) != "renamed new" {
		t.Errorf("third report: rows are %+v", rows)
	}
}

// TestEveryLayerOnce: whatever the names, every layer of every report stands in
// exactly one row.
func TestEveryLayerOnce(t *testing.T) {
	names := []string{"a", "b", "a", "c", "d", "b"}
	for shift := range names {
		a := result(names, make([]int64, len(names)))
		b := result(append(append([]string{}, names[shift:]...), "e", "a"), make([]int64, len(names)-shift+2))
		c := result(append([]string{"f"}, names[:shift]...), make([]int64, shift+1))
		list := load(t, a, b, c)
		seen := map[*evaluate.Layer]int{}
		for _, row := range compare.New(list).Layers {
			for _, cell := range row.Cells {
				seen[cell]++
			}
		}
		for _, r := range list {
			for i := range r.Result.Layers {
				if n := seen[&r.Result.Layers[i]]; n != 1 {
					t.Errorf("shift %d: layer %d of %s stands in %d rows", shift, i, r.Label, n)
				}
			}
		}
	}
}

func TestGates(t *testing.T) {
	a := result([]string{"x", "y.z[0]"}, []int64{100, 900})
	b := result([]string{"x", "y.z[0]"}, []int64{120, 900})
	for _, c := range []struct {
		gate    string
		tripped bool
		message string
	}{
		{"timing.cycles > +1.9%", true, "timing.cycles > +1.9% in B: timing.cycles is 1,020, was 1,000, change +2.0 %"},
		{"timing.cycles > 2%", false, ""}, // exactly 2 % is not more
		{"timing.cycles >= 2%", true, "change +2.0 %"},
		{"timing.cycles<-1%", false, ""},
		{"timing.cycles > 1019", true, "timing.cycles is 1,020"},
		{"timing.cycles > 1020", false, ""},
		{"timing.cycles > +20", false, ""},
		{"timing.cycles>=+20", true, "change +20"},
		{"timing.cycles != 0%", true, "change +2.0 %"},
		{"layers[x].cycles > +19.9%", true, "layers[x].cycles is 120, was 100, change +20.0 %"},
		{"layers[y.z[0]].cycles != +0", false, ""},
		{"layers[0].cycles == 120", true, "is 120"},
		{"accuracy.npu_top1 < -0.001", false, ""},
		{"accuracy.npu_top1 < 0.6", true, "is 0.500000"},
		{"stalls.mac.busy <= 7", true, "is 7"},
		{"dram.bytes_by_class.weights < 1e3", false, ""},
		{"energy_uj.dram == 1", true, "is 1"},
	} {
		t.Run(c.gate, func(t *testing.T) {
			g, err := compare.ParseGate(c.gate)
			if err != nil {
				t.Fatal(err)
			}
			compared := compare.New(load(t, a, b))
			if err := compared.Judge([]compare.Gate{g}, strict.Nearest); err != nil {
				t.Fatal(err)
			}
			err = compared.Err()
			if (err != nil) != c.tripped {
				t.Fatalf("error %v, want tripped %v", err, c.tripped)
			}
			if err != nil && !strings.Contains(err.Error(), c.message) {
				t.Errorf("message %q, want %q in it", err, c.message)
			}
		})
	}
}

// TestGateAtItsBound: a change that equals the bound but for rounding is at it,
// on either side; the next figure beyond is not.
func TestGateAtItsBound(t *testing.T) {
	for _, c := range []struct {
		gate    string
		a, b    float64
		tripped bool
	}{
		{"accuracy.npu_top1 < -0.005", 0.98, 0.975, false}, // b - a is a little less in floating point
		{"accuracy.npu_top1 <= -0.005", 0.98, 0.975, true},
		{"accuracy.npu_top1 < -0.005", 0.98, 0.9749999, true},
		{"accuracy.npu_top1 < -1%", 0.9, 0.891, false},
		{"accuracy.npu_top1 <= -1%", 0.9, 0.891, true},
		{"accuracy.npu_top1 > +2%", 0, 0.001, true}, // from nothing: infinitely more
		{"accuracy.npu_top1 > +2%", 0, 0, false},
		{"accuracy.npu_top1 >= +0%", 0, 0, true},
	} {
		a, b := result([]string{"x"}, []int64{100}), result([]string{"x"}, []int64{100})
		a.Accuracy.NPUTop1, b.Accuracy.NPUTop1 = &c.a, &c.b
		g, err := compare.ParseGate(c.gate)
		if err != nil {
			t.Fatal(err)
		}
		compared := compare.New(load(t, a, b))
		if err := compared.Judge([]compare.Gate{g}, strict.Nearest); err != nil {
			t.Fatal(err)
		}
		if err := compared.Err(); (err != nil) != c.tripped {
			t.Errorf("%s from %g to %g: error %v, want tripped %v", c.gate, c.a, c.b, err, c.tripped)
		}
	}
}

func TestGateFaults(t *testing.T) {
	for _, text := range []string{"", "timing.cycles", "timing.cycles > ", "timing.cycles => 2", "timing.cycles = 2", "> 2", "timing.cycles > two",
		"timing.cycles > +2%%", "timing.cycles > +2 %5", "timing.cycles > 1e999", "layers[x.cycles > 2", "layers[x]cycles > 2", strings.Repeat("a", 2000) + " > 1"} {
		if g, err := compare.ParseGate(text); err == nil {
			t.Errorf("%.40q is taken as %+v", text, g)
		}
	}
	a := result([]string{"conv1", "twice", "twice"}, []int64{1, 2, 3})
	compared := compare.New(load(t, a, a))
	for text, want := range map[string]string{
		"timing.cycels > 1":             `unknown key "timing.cycels"; did you mean timing.cycles?`,
		"cycles > 1":                    `unknown key "cycles"; did you mean timing.cycles?`,
		"timing > 1":                    `key "timing" is no number: it holds cycles, latency_ms`,
		"timing.cycles.x > 1":           `unknown key "timing.cycles.x"`,
		"timing[0] > 1":                 "timing is no list",
		"layers > 1":                    "it is a list; name an element, such as layers[0]",
		"layers[conv2].cycles > 1":      `there is no "conv2" in layers; did you mean conv1?`,
		"layers[7].cycles > 1":          "layers has 3 elements, from 0 on",
		"layers[twice].cycles > 1":      "write their number, such as layers[1]",
		"layers[conv1].cylces > 1":      "did you mean layers[conv1].cycles?",
		"accuracy.cosine > 1":           `summary.json: key "accuracy.cosine" is absent: it does not apply to this run`,
		"compression.code_bytes > 1":    `key "compression" is absent`,
		"dram.bytes_by_class.wieghts>1": `there is no "wieghts" in dram.bytes_by_class; did you mean weights?`,
		"model.name > 1":                `key "model.name" is no number`,
	} {
		g, err := compare.ParseGate(text)
		if err != nil {
			t.Fatal(err)
		}
		if err := compared.Judge([]compare.Gate{g}, strict.Nearest); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q in it", text, err, want)
		}
	}
}

// TestKeys: every key that is offered is one that a gate can judge.
func TestKeys(t *testing.T) {
	list := load(t, result([]string{"a[b].c", "d"}, []int64{1, 2}), result([]string{"d"}, []int64{1}))
	keys := list[0].Keys()
	for _, want := range []string{"timing.cycles", "layers[a[b].c].cycles", "stalls.mac.busy", "dram.bytes_by_class.weights", "layers[d].cycles_by_bound.mac"} {
		found := false
		for _, key := range keys {
			found = found || key == want
		}
		if !found {
			t.Errorf("%s is not offered", want)
		}
	}
	compared := compare.New([]*compare.Report{list[0], list[0]})
	for _, key := range keys {
		g, err := compare.ParseGate(key + " != +0")
		if err != nil {
			t.Fatal(err)
		}
		if err := compared.Judge([]compare.Gate{g}, strict.Nearest); err != nil || compared.Err() != nil {
			t.Errorf("%s: %v, %v", key, err, compared.Err())
		}
	}
}

// TestIdentities: what differs is said in words.
func TestIdentities(t *testing.T) {
	a := result([]string{"x"}, []int64{1})
	for _, c := range []struct {
		change func(r *evaluate.Result)
		want   string
	}{
		{func(*evaluate.Result) {}, "The model is the same. Machine and configuration are the same."},
		{func(r *evaluate.Result) { r.Model.SHA256 = strings.Repeat("cd", 32) }, "THE MODELS DIFFER"},
		{func(r *evaluate.Result) { r.Config.ConfigHash = "3" }, "The machine is the same; the configurations differ. Which keys differ is not known"},
		{func(r *evaluate.Result) { r.Config.ConfigHash, r.Config.MachineHash = "3", "4" }, "The machines differ"},
		{func(r *evaluate.Result) { r.Tool = "v2" }, "written by different versions"},
		{func(r *evaluate.Result) { r.Accuracy.Samples++ }, "JUDGED ON DIFFERENT SAMPLES"},
	} {
		b := result([]string{"x"}, []int64{1})
		c.change(b)
		if got := strings.Join(compare.New(load(t, a, b)).Sentences(), " "); !strings.Contains(got, c.want) {
			t.Errorf("sentences are %q, want %q", got, c.want)
		}
	}
	a, b := result([]string{"x"}, []int64{1}), result([]string{"x"}, []int64{1})
	a.Model.SHA256, b.Model.SHA256 = "", ""
	if compare.New(load(t, a, b)).Differs.Model {
		t.Error("models of the same name and size without a hash count as different")
	}
	b.Layers[0].MACs++
	if !compare.New(load(t, a, b)).Differs.Model {
		t.Error("models of different size without a hash count as the same")
	}
	for _, f := range compare.New(load(t, a, b)).Figures {
		if f.Better != compare.Neutral {
			t.Errorf("%s of different models is judged", f.Key)
		}
	}
}

func TestSettings(t *testing.T) {
	list := load(t, result([]string{"x"}, []int64{1}), result([]string{"x"}, []int64{1}))
	list[0].Settings = []compare.Setting{{Key: "a.b", Value: "1"}, {Key: "a.c", Value: "2"}}
	list[1].Settings = []compare.Setting{{Key: "a.b", Value: "1"}, {Key: "a.c", Value: "3"}, {Key: "a.d", Value: "4"}}
	got := compare.New(list).Settings
	if want := []compare.Difference{{"a.c", []string{"2", "3"}}, {"a.d", []string{"", "4"}}}; fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("differences are %v, want %v", got, want)
	}
}

func TestLabels(t *testing.T) {
	r := result([]string{"x"}, []int64{1})
	one, two := directory(t, "same", r), directory(t, "same", r)
	list, err := compare.Load([]string{one, filepath.Join(two, "summary.json"), two, directory(t, "other", r)}, strict.Nearest)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, r := range list {
		if seen[r.Label] {
			t.Errorf("two reports are called %s", r.Label)
		}
		seen[r.Label] = true
	}
	if !seen["other"] || list[0].Label != filepath.ToSlash(one) {
		t.Errorf("labels are %v", seen)
	}
}

// TestForms: the figures of the JSON and CSV forms are those of the summaries,
// and the differences follow from them.
func TestForms(t *testing.T) {
	a, b := result([]string{"x", "y"}, []int64{100, 300}), result([]string{"x"}, []int64{150})
	a.Accuracy.NPUTop1, b.DRAM.ReadBytes = nil, 1500
	compared := compare.New(load(t, a, b))
	var text strings.Builder
	if err := compare.WriteJSON(&text, compared); err != nil {
		t.Fatal(err)
	}
	var form struct {
		Figures []struct {
			Key           string
			Values        []*float64
			Difference    []*float64
			ChangePercent []*float64 `json:"change_percent"`
		}
		Layers []struct {
			Name   string
			Status []string
			Cycles []*float64
		}
	}
	if err := json.Unmarshal([]byte(text.String()), &form); err != nil {
		t.Fatal(err)
	}
	figures := map[string]int{}
	for i, f := range form.Figures {
		figures[f.Key] = i
	}
	read := form.Figures[figures["dram.read_bytes"]]
	if *read.Values[0] != 1000 || *read.Values[1] != 1500 || *read.Difference[1] != 500 || *read.ChangePercent[1] != 50 {
		t.Errorf("dram.read_bytes is %+v", read)
	}
	if top := form.Figures[figures["accuracy.npu_top1"]]; top.Values[0] != nil || *top.Values[1] != 0.5 || top.Difference[1] != nil {
		t.Errorf("an absent figure is not null: %+v", top)
	}
	if l := form.Layers[1]; l.Name != "y" || l.Status[1] != "removed" || l.Cycles[1] != nil || *l.Cycles[0] != 300 {
		t.Errorf("a removed layer is %+v", l)
	}

	text.Reset()
	if err := compare.WriteCSV(&text, compared); err != nil {
		t.Fatal(err)
	}
	records, err := csv.NewReader(strings.NewReader(text.String())).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(records[0], ","); got != "kind,layer,status,key,unit,A,B,change_percent B" {
		t.Errorf("the header is %s", got)
	}
	for _, want := range []string{"figure,,,timing.cycles,cycles,400,150,-62.5\n", "layer,x,,cycles,cycles,100,150,50\n", "layer,y,removed,cycles,cycles,300,,\n", "figure,,,accuracy.npu_top1,,,0.5,\n"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("no row %q in\n%s", want, text.String())
		}
	}
}

// TestHostileNames: names from files are escaped in the page and cannot move the
// cursor of a terminal.
func TestHostileNames(t *testing.T) {
	const hostile = "</script><script>alert(1)</script>\x1b[31m\"'&"
	a := result([]string{hostile, "y"}, []int64{100, 300})
	a.Model.Name, a.Config.Name, a.Tool, a.Layers[0].Op, a.Layers[0].Bound = hostile, hostile, hostile, hostile, hostile
	a.DRAM.BytesByClass = map[string]int64{hostile: 5}
	a.Layers[0].CyclesByBound = map[string]int64{hostile: 5}
	compared := compare.New(load(t, a, result([]string{"y"}, []int64{1})))
	compared.Reports[1].Label = hostile
	var page, text strings.Builder
	if err := compare.WriteHTML(&page, compared); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(page.String(), "<script>"); n != 1 {
		t.Errorf("the page has %d scripts, want its own one", n)
	}
	if strings.Contains(page.String(), "://") {
		t.Error("the page names an address")
	}
	if err := compare.WriteText(&text, compared, reports.Style{}); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(text.String(), "\x1b") {
		t.Error("an escape sequence reaches the terminal")
	}
}

// TestExtremes: figures at their bounds give no NaN and no broken picture.
func TestExtremes(t *testing.T) {
	a, b := result([]string{"x"}, []int64{0}), result([]string{"x"}, []int64{1 << 53})
	a.EnergyUJ, b.EnergyUJ = evaluate.Energy{}, evaluate.Energy{Total: math.MaxFloat64}
	compared := compare.New(load(t, a, b))
	var page, form strings.Builder
	if err := compare.WriteHTML(&page, compared); err != nil {
		t.Fatal(err)
	}
	if err := compare.WriteJSON(&form, compared); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"NaN", "Inf"} {
		body, _, _ := strings.Cut(page.String(), "<script>")
		if strings.Contains(body, bad) {
			t.Errorf("the page has %s", bad)
		}
	}
	if !strings.Contains(page.String(), "from 0") {
		t.Error("the change from 0 is not said")
	}
}
