package explain

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/npusim/npusim/npu/evaluate"
	"github.com/npusim/npusim/npu/evaluate/codecstudy"
	"github.com/npusim/npusim/reports"
)

// TestEveryKeyIsExplained: the tables and the types that the JSON is written
// from have the same keys, and every explanation says something.
func TestEveryKeyIsExplained(t *testing.T) {
	for _, c := range []struct {
		name  string
		form  reflect.Type
		table []Explanation
	}{
		{"run", reflect.TypeFor[evaluate.Result](), slices.Concat(runKeys, layerKeys)},
		{"dram", reflect.TypeFor[reports.DRAMResult](), dramKeys},
		{"encode", reflect.TypeFor[codecstudy.Result](), encodeKeys},
		{"encode --sweep", reflect.TypeFor[codecstudy.SweepResult](), sweepTable()},
		{"explore", reports.ExplorationForm(), exploreKeys},
	} {
		for _, fault := range Faults(c.form, c.table) {
			t.Errorf("%s: %s", c.name, fault)
		}
		found := false
		for _, s := range Results() {
			if s.Name == c.name {
				found = len(s.Entries) == len(Fields(c.form))
			}
		}
		if !found {
			t.Errorf("%s is no section with all its keys", c.name)
		}
	}
}

// TestFaults: what the test above would find is found.
func TestFaults(t *testing.T) {
	type form struct {
		A      int `json:"a"`
		Cycles int `json:"sum_cycles"`
		B      []struct {
			C float64 `json:"c,omitempty"`
		} `json:"b"`
		Skipped int `json:"-"`
	}
	faults := Faults(reflect.TypeFor[form](), []Explanation{{"a", "", "x", ""}, {"a", "", "x", ""}, {"sum_cycles", "", "x", ""}, {"b", "", "Sentence.", ""}, {"d", "", "x", ""}})
	want := []string{"a is explained twice", "sum_cycles: the unit is missing, cycles or a more exact one", "b: the meaning is missing, or no phrase",
		"d is explained, but there is no such key", "b[].c has no explanation: add it to the table"}
	if !slices.Equal(faults, want) {
		t.Errorf("faults are %q, want %q", faults, want)
	}
}

// TestRulesNameKeys: what looks like a key of the same form in a rule is one.
func TestRulesNameKeys(t *testing.T) {
	run := Results()[0]
	keys := map[string]bool{}
	groups := map[string]bool{}
	for _, e := range run.Entries {
		keys[e.Key] = true
		group, _, _ := strings.Cut(strings.TrimSuffix(e.Key, "[]"), ".")
		groups[strings.TrimSuffix(group, "[]")] = true
	}
	settings := map[string]bool{"dram": true, "compression": true} // sections of configurations too
	for _, e := range run.Entries {
		for _, word := range strings.FieldsFunc(e.Rule, func(r rune) bool { return strings.ContainsRune(" ,;()=/:", r) }) {
			group, rest, dotted := strings.Cut(word, ".")
			if group = strings.TrimSuffix(group, "[]"); !dotted || rest == "" || !groups[group] || settings[group] {
				continue
			}
			if !keys[word] {
				t.Errorf("%s: the rule names %s, which is no key", e.Key, word)
			}
		}
	}
}

func TestFind(t *testing.T) {
	sections := append(Results(), Section{Name: "configuration", Entries: []Entry{{Key: "dram.preset"}, {Key: "npu.clock_mhz"}}})
	nearest := func(name string, candidates []string) string {
		for _, c := range candidates {
			if len(c) == len(name) && c[:3] == name[:3] {
				return c
			}
		}
		return ""
	}
	count := func(sections []Section) (n int) {
		for _, s := range sections {
			n += len(s.Entries)
		}
		return n
	}
	for _, c := range []struct {
		wanted, first string
		n             int
	}{
		{"timing.cycles", "timing.cycles", 1},
		{"layers[stem/conv].cycles", "layers[].cycles", 1},
		{"layers[3].cycles_by_bound.mac", "layers[].cycles_by_bound.<name>", 1},
		{"layers[a.b[0]].cycles", "layers[].cycles", 1},
		{"dram.over_time.read_bytes[7]", "dram.over_time.read_bytes", 1},
		{"layers[a].weight_ranges.channels_before_shift[2]", "layers[].weight_ranges.channels_before_shift", 1},
		{"stalls.mac.busy", "stalls.<name>.busy", 1},
		{"npu", "npu.clock_mhz", 1},
		{"npu.*", "npu.clock_mhz", 1},
		{"*.clock_m?z", "timing.clock_mhz", 2},
		{"mac_utilization", "timing.mac_utilization", 1},
	} {
		found, err := Find(sections, c.wanted, nearest)
		if err != nil {
			t.Errorf("%s: %v", c.wanted, err)
			continue
		}
		if got := found[0].Entries[0].Key; got != c.first || count(found) != c.n {
			t.Errorf("%s: %d keys from %s on, want %d from %s on", c.wanted, count(found), got, c.n, c.first)
		}
	}
	if found, err := Find(sections, "dram.*", nearest); err != nil || len(found) != 2 {
		t.Errorf("dram.* is found in %d forms, want those of runs and of configurations: %v", len(found), err)
	}
	if _, err := Find(sections, "timing.cylces", nearest); err == nil || !strings.Contains(err.Error(), "did you mean timing.cycles?") {
		t.Errorf("a misspelt key: %v", err)
	}
	for _, hostile := range []string{"", "[", "][", "a[b", strings.Repeat("*", 5000), "."} {
		if found, err := Find(sections, hostile, func(string, []string) string { return "" }); err == nil && strings.Trim(hostile, "*") != "" {
			t.Errorf("%.20q finds %d keys", hostile, count(found))
		}
	}
}
