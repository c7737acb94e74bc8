// Package explain says of every key of the JSON forms of results what it means:
// its unit, what it counts, and the formula or rule it follows. The tables stand
// beside a walk of the Go types that the JSON is written from; a test holds the
// two together, so that no key is without an explanation and no explanation
// without a key.
//
// It also looks keys up among several forms, by name, by a pattern, or by the
// nearest name, and renders what it finds. Keys of configurations are explained
// in package configs and come in as a Section.
//
// Units are those of the key. "share of 1" is a fraction, not percent; a key
// without a unit is a count, a name or a switch.
package explain

import (
	"reflect"

	"github.com/npusim/npusim/npu/evaluate"
	"github.com/npusim/npusim/npu/evaluate/codecstudy"
	"github.com/npusim/npusim/reports"
)

// explanation is a row of a table.
type explanation struct{ key, unit, meaning, rule string }

// Entry explains one key.
type Entry struct {
	Key      string        `json:"key"`
	Type     string        `json:"type"`
	Unit     string        `json:"unit,omitempty"`
	Meaning  string        `json:"meaning"`
	Rule     string        `json:"rule,omitempty"`     // formula, or how it follows from others
	Optional bool          `json:"optional,omitempty"` // absent where it does not apply
	Range    string        `json:"range,omitempty"`
	Allowed  []string      `json:"allowed,omitempty"`
	Default  string        `json:"default,omitempty"` // of a configuration; "required" without one
	Presets  []PresetValue `json:"presets,omitempty"` // values in the presets
}

// PresetValue is a value as TOML in a preset.
type PresetValue struct {
	Preset string `json:"preset"`
	Value  string `json:"value"`
}

// Section is the keys of one form.
type Section struct {
	Name    string  `json:"name"`  // short, for messages
	Title   string  `json:"title"` // what the keys belong to
	Entries []Entry `json:"keys"`
}

// Results are the forms of results with all their keys.
func Results() []Section {
	sweep := append([]explanation{}, sweepKeys...)
	for _, e := range encodeKeys {
		e.key = "rows[]." + e.key
		sweep = append(sweep, e)
	}
	return []Section{
		section("run", "npusim run --format json, and summary.json", reflect.TypeFor[evaluate.Result](), append(append([]explanation{}, runKeys...), layerKeys...)),
		section("dram", "npusim dram --format json", reflect.TypeFor[reports.DRAMResult](), dramKeys),
		section("encode", "npusim encode --format json", reflect.TypeFor[codecstudy.Result](), encodeKeys),
		section("encode --sweep", "npusim encode --sweep --format json", reflect.TypeFor[codecstudy.SweepResult](), sweep),
	}
}

// section puts the explanations of a form in the order of the table, with the
// types of its keys.
func section(name, title string, t reflect.Type, table []explanation) Section {
	fields := map[string]Field{}
	for _, f := range Fields(t) {
		fields[f.Path] = f
	}
	s := Section{Name: name, Title: title}
	for _, e := range table {
		f, ok := fields[e.key]
		if !ok {
			continue // a test names it
		}
		s.Entries = append(s.Entries, Entry{Key: e.key, Type: typeName(f.Type), Unit: e.unit, Meaning: e.meaning, Rule: e.rule, Optional: f.Optional})
	}
	return s
}

// typeName is the JSON type of a value.
func typeName(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Bool:
		return "boolean"
	case reflect.String:
		return "string"
	case reflect.Float64:
		return "number"
	case reflect.Slice:
		return "list"
	case reflect.Struct, reflect.Map:
		return "object"
	}
	return "integer"
}
