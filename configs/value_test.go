package configs

import "testing"

func TestValuesAndLiterals(t *testing.T) {
	const rules = `[{match = "a*", weight_bits = 4}, {match = "b", weights = "per-layer"}]`
	spec, err := Load("edge", []string{"mac_array.rows=16", "dram.efficiency=0.9", "quantization.layer=" + rules})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		key     string
		value   any
		literal string
	}{
		{"mac_array.rows", 16, "16"},
		{"dram.efficiency", 0.9, "0.9"},
		{"mac_array.overlap_drain", true, "true"},
		{"mac_array.dataflow", "weight-stationary", `"weight-stationary"`},
		{"name", "edge", `"edge"`},
		{"quantization.layer", nil, rules},
		{"dram.controller", nil, "[]"},
		{"quantization.layer[].match", nil, ""},
		{"inherit", nil, ""},
		{"mac_array.row", nil, ""},
	} {
		value, ok := spec.Value(c.key)
		if value != c.value || ok != (c.value != nil) {
			t.Errorf("value of %s: %v, %v, want %v", c.key, value, ok, c.value)
		}
		literal, ok := spec.Literal(c.key)
		if literal != c.literal || ok != (c.literal != "") {
			t.Errorf("literal of %s: %s, %v, want %s", c.key, literal, ok, c.literal)
		}
	}
	// Literals set the same values again, but for dram.preset, which brings its
	// own efficiency.
	for i := range keys {
		literal, ok := spec.Literal(keys[i].Path)
		if !ok || keys[i].Scope == LabelScope || keys[i].Path == "dram.preset" {
			continue
		}
		again, err := spec.With(keys[i].Path + "=" + literal)
		if err != nil {
			t.Errorf("%s=%s: %v", keys[i].Path, literal, err)
		} else if again.ConfigHash() != spec.ConfigHash() {
			t.Errorf("%s=%s changes the configuration", keys[i].Path, literal)
		}
	}
}
