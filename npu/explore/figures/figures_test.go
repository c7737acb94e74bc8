package figures

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/npusim/npusim/configs"
	"github.com/npusim/npusim/npu/evaluate"
	"github.com/npusim/npusim/npu/explore/expression"
)

func sample() *evaluate.Result {
	top1, exact := 0.75, true
	return &evaluate.Result{
		Model:    evaluate.Model{Name: "m", MACs: 7},
		Accuracy: &evaluate.Accuracy{Metric: "top1", Samples: 4, NPUTop1: &top1, BitExact: &exact},
		Timing:   evaluate.Timing{Cycles: 12, LatencyMS: 0.5},
		DRAM:     evaluate.DRAM{BytesByClass: map[string]int64{"weights": 3, "activations": 0}},
		Stalls:   evaluate.Stalls{"mac": {Busy: 2}},
		EnergyUJ: evaluate.Energy{Total: 1.25},
		Layers:   []evaluate.Layer{{Name: "l"}},
		Notes:    []string{"n"},
		Host:     evaluate.Host{WallSeconds: 3},
	}
}

// TestFiguresAreThoseOfTheJSON: every scalar of the JSON form that is not left
// out on purpose, with the same value.
func TestFiguresAreThoseOfTheJSON(t *testing.T) {
	text, err := json.Marshal(sample())
	if err != nil {
		t.Fatal(err)
	}
	var root map[string]any
	if err := json.Unmarshal(text, &root); err != nil {
		t.Fatal(err)
	}
	want := map[string]expression.Value{}
	var visit func(key string, v any)
	visit = func(key string, v any) {
		if omitted[key] {
			return
		}
		switch v := v.(type) {
		case map[string]any:
			for name, inner := range v {
				visit(join(key, name), inner)
			}
		case float64:
			want[key] = expression.NumberOf(v)
		case string:
			want[key] = expression.TextOf(v)
		case bool:
			want[key] = expression.TruthOf(v)
		}
	}
	visit("", root)
	got := Of(sample())
	for _, f := range got {
		if want[f.Key] != f.Value {
			t.Errorf("%s is %v, in JSON %v", f.Key, f.Value, want[f.Key])
		}
		if kind := Kind(f.Key); kind != f.Value.Kind {
			t.Errorf("%s is of kind %v by its type, %v by its value", f.Key, kind, f.Value.Kind)
		}
		delete(want, f.Key)
	}
	if len(want) > 0 || len(got) < 30 {
		t.Errorf("%d figures; missing %v", len(got), want)
	}
	if !slices.IsSortedFunc(got, func(a, b Figure) int {
		if a.Key < b.Key {
			return -1
		}
		return 1
	}) {
		t.Error("figures are not sorted")
	}
}

func TestKinds(t *testing.T) {
	for key, want := range map[string]expression.Kind{
		"timing.cycles":                expression.Number,
		"accuracy.npu_top1":            expression.Number,
		"accuracy.bit_exact":           expression.Truth,
		"model.name":                   expression.Text,
		"dram.bytes_by_class.metadata": expression.Number,
		"stalls.mac.dram":              expression.Number,
		"stalls.mac":                   expression.Invalid,
		"stalls.mac.dramm":             expression.Invalid,
		"timing":                       expression.Invalid,
		"timing.cycle":                 expression.Invalid,
		"layers":                       expression.Invalid,
		"host.wall_seconds":            expression.Invalid,
		"config.toml":                  expression.Invalid,
		"":                             expression.Invalid,
	} {
		if got := Kind(key); got != want {
			t.Errorf("%s is %v, want %v", key, got, want)
		}
	}
	keys := Keys()
	for _, key := range keys {
		if Kind(key) == expression.Invalid {
			t.Errorf("%s is listed and unknown", key)
		}
	}
	if !slices.Contains(keys, "stalls.vector.semaphore") || !slices.Contains(keys, "energy_uj.total") || len(keys) < 80 {
		t.Errorf("%d keys", len(keys))
	}
}

// TestNamesAreDistinct: a key means a figure or a key of the configuration, but
// for one that an expression reads from the configuration.
func TestNamesAreDistinct(t *testing.T) {
	var both []string
	for _, key := range configs.Keys() {
		if Kind(key.Path) != expression.Invalid {
			both = append(both, key.Path)
		}
	}
	slices.Sort(both)
	if want := []string{"compression.scheme", "dram.standard"}; !slices.Equal(both, want) {
		t.Errorf("both results and configurations have %q, known are %q", both, want)
	}
}
