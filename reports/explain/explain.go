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
	"strings"

	"github.com/npusim/npusim/npu/evaluate"
	"github.com/npusim/npusim/npu/evaluate/codecstudy"
	"github.com/npusim/npusim/reports"
)

// Explanation is a row of a table: a key as Fields gives it, with its unit, what
// it means, and the formula or rule it follows; unit and rule may be empty.
type Explanation struct{ Key, Unit, Meaning, Rule string }

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
	return []Section{
		NewSection("run", "npusim run --format json, and summary.json", reflect.TypeFor[evaluate.Result](), append(append([]Explanation{}, runKeys...), layerKeys...)),
		NewSection("dram", "npusim dram --format json", reflect.TypeFor[reports.DRAMResult](), dramKeys),
		NewSection("encode", "npusim encode --format json", reflect.TypeFor[codecstudy.Result](), encodeKeys),
		NewSection("explore", "npusim explore --format json", reports.ExplorationForm(), exploreKeys),
		NewSection("encode --sweep", "npusim encode --sweep --format json", reflect.TypeFor[codecstudy.SweepResult](), sweepTable()),
	}
}

// sweepTable is that of sweeps: their rows have the keys of studies.
func sweepTable() []Explanation {
	table := append([]Explanation{}, sweepKeys...)
	for _, e := range encodeKeys {
		e.Key = "rows[]." + e.Key
		table = append(table, e)
	}
	return table
}

// NewSection puts the explanations of a form in the order of the table, with the
// types of its keys.
func NewSection(name, title string, t reflect.Type, table []Explanation) Section {
	fields := map[string]Field{}
	for _, f := range Fields(t) {
		fields[f.Path] = f
	}
	s := Section{Name: name, Title: title}
	for _, e := range table {
		f, ok := fields[e.Key]
		if !ok {
			continue // Faults names it
		}
		s.Entries = append(s.Entries, Entry{Key: e.Key, Type: typeName(f.Type), Unit: e.Unit, Meaning: e.Meaning, Rule: e.Rule, Optional: f.Optional})
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
	case reflect.Interface:
		return "any"
	}
	return "integer"
}

// Faults compares a table with the keys of a form: it names keys without an
// explanation, explanations without a key, and explanations that do not do their
// work.
func Faults(t reflect.Type, table []Explanation) []string {
	var faults []string
	explained := map[string]bool{}
	keys := map[string]Field{}
	for _, f := range Fields(t) {
		keys[f.Path] = f
	}
	for _, e := range table {
		f, ok := keys[e.Key]
		switch unit := unitOf(e.Key); {
		case !ok:
			faults = append(faults, e.Key+" is explained, but there is no such key")
		case explained[e.Key]:
			faults = append(faults, e.Key+" is explained twice")
		case e.Meaning == "" || strings.HasSuffix(e.Meaning, ".") || strings.TrimSpace(e.Meaning) != e.Meaning:
			faults = append(faults, e.Key+": the meaning is missing, or no phrase")
		case unit != "" && e.Unit == "" && isNumber(f.Type):
			faults = append(faults, e.Key+": the unit is missing, "+unit+" or a more exact one")
		}
		explained[e.Key] = true
	}
	for _, f := range Fields(t) {
		if !explained[f.Path] {
			faults = append(faults, f.Path+" has no explanation: add it to the table")
		}
	}
	return faults
}

func isNumber(t reflect.Type) bool {
	name := typeName(t)
	return name == "integer" || name == "number"
}

// unitOf is the unit that the end of a key promises.
func unitOf(key string) string {
	for _, unit := range []string{"_bytes", "_cycles", "_ns", "_ps", "_ms", "_uj", "_nj", "_db", "_mhz", "_mm2", "_seconds", "_per_s", "_per_second", "_bits"} {
		if strings.HasSuffix(key, unit) {
			return strings.TrimPrefix(unit, "_")
		}
	}
	return ""
}
