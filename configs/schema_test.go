package configs

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// compileSchema reads our schema with a validator of others, which checks it
// against the schema of its dialect.
func compileSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	document, err := jsonschema.UnmarshalJSON(strings.NewReader(Schema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("npusim.json", document); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("npusim.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// instance is a TOML text as the JSON value that editors validate.
func instance(t *testing.T, text string) any {
	t.Helper()
	var tree map[string]any
	if _, err := toml.Decode(text, &tree); err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(tree)
	if err != nil {
		t.Fatal(err)
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return value
}

// TestSchemaTakesPresets: the embedded presets, and all keys of them as they are
// printed, are valid.
func TestSchemaTakesPresets(t *testing.T) {
	schema := compileSchema(t)
	for _, p := range Presets() {
		source, _ := PresetSource(p.Name)
		spec, err := Load(p.Name, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range []string{source, spec.TOML()} {
			if err := schema.Validate(instance(t, text)); err != nil {
				t.Errorf("preset %s: %v", p.Name, err)
			}
		}
	}
}

// TestSchemaAgreesWithLoad: for every key the schema draws the line where Load
// does: at the bounds, at the names, at the type.
func TestSchemaAgreesWithLoad(t *testing.T) {
	schema := compileSchema(t)
	checked := 0
	for _, key := range Keys() {
		if key.inRow() || key.Type == tableList || key.Path == "inherit" {
			continue
		}
		good, bad := []string{}, []string{"{a = 1}"}
		switch key.Type {
		case "integer":
			good = []string{fmt.Sprintf("%.0f", key.Min), fmt.Sprintf("%.0f", key.Max)}
			bad = append(bad, fmt.Sprintf("%.0f", key.Min-1), fmt.Sprint(int64(key.Max)+1), "true", `"1"`)
		case "number":
			good = []string{fmt.Sprintf("%f", key.Min), fmt.Sprintf("%f", key.Max)}
			bad = append(bad, fmt.Sprintf("%f", key.Min-0.01), fmt.Sprintf("%f", key.Max+1), "true", `"1"`)
		case "boolean":
			good, bad = []string{"true", "false"}, append(bad, "1", `"true"`)
		case "string":
			bad = append(bad, "1", "[]")
		case stringList:
			good, bad = []string{"[]", `["a=b"]`}, append(bad, "1", "[1]")
		default:
			for _, name := range key.Choices() {
				good = append(good, quote(name))
			}
			bad = append(bad, `"nothing-like-it"`, "1")
		}
		for _, value := range good {
			checked++
			if err := schema.Validate(instance(t, key.Path+" = "+value)); err != nil {
				t.Errorf("%s = %s is refused: %v", key.Path, value, err)
			}
		}
		for _, value := range bad {
			checked++
			if schema.Validate(instance(t, key.Path+" = "+value)) == nil {
				t.Errorf("%s = %s is accepted", key.Path, value)
			}
			if _, err := Parse("test", "inherit = \"edge\"\n"+key.Path+" = "+value); err == nil {
				t.Errorf("Load accepts %s = %s", key.Path, value)
			}
		}
	}
	if checked < 300 {
		t.Errorf("only %d values were checked", checked)
	}
}

func TestSchemaRefusesUnknownKeys(t *testing.T) {
	schema := compileSchema(t)
	for _, text := range []string{"speed = 1", "npu.clock = 500", "gpu.cores = 1", "[[quantization.layer]]\nweight_bits = 4",
		"[[quantization.layer]]\nmatch = \"a\"\nbits = 4", "[[compression.layer]]\nmatch = \"a\"\nsparsity = 1.5", `dram.preset = "ddr9"`} {
		if schema.Validate(instance(t, text)) == nil {
			t.Errorf("accepted: %s", text)
		}
	}
	for _, text := range []string{"inherit = \"edge\"\n[npu]\nclock_mhz = 250", "[[quantization.layer]]\nmatch = \"a*\"\nweight_bits = 4"} {
		if err := schema.Validate(instance(t, text)); err != nil {
			t.Errorf("refused: %s: %v", text, err)
		}
	}
}

// TestSchemaIsStable: the same bytes every time.
func TestSchemaIsStable(t *testing.T) {
	first := Schema()
	for range 5 {
		if Schema() != first {
			t.Fatal("two schemas differ")
		}
	}
}

// TestValuesHaveEveryKey: what Values lists of a preset are the keys that can
// change a result, once each, and values that read back.
func TestValuesHaveEveryKey(t *testing.T) {
	spec, err := Load("edge", nil)
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]int{}
	for _, v := range spec.Values() {
		listed[v.Path]++
		var tree map[string]any
		if _, err := toml.Decode("x = "+v.Value, &tree); err != nil {
			t.Errorf("%s: %q is no TOML value: %v", v.Path, v.Value, err)
		}
	}
	for _, key := range Keys() {
		want := 1
		if key.Scope == LabelScope || key.inRow() || key.Type == tableList {
			want = 0
		}
		if listed[key.Path] != want {
			t.Errorf("%s is listed %d times, want %d", key.Path, listed[key.Path], want)
		}
	}
	with, err := spec.With("quantization.weight_bits=7")
	if err != nil {
		t.Fatal(err)
	}
	differ := 0
	for i, v := range with.Values() {
		if v != spec.Values()[i] {
			differ++
		}
	}
	if differ != 1 {
		t.Errorf("%d values differ after one setting", differ)
	}
}
