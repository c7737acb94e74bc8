package configs

import (
	"errors"
	"fmt"
	"math"
	"path"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/npusim/npusim/configs/strict"
)

// Validate checks a Spec that was put together by a program and lists every
// fault. What Load returns is valid already.
func (s *Spec) Validate() error {
	l := newLoader()
	l.spec = *s
	l.source = s.Name
	v := validator{spec: s, loader: l, complete: true}
	v.run()
	return l.faults.Err()
}

// validator checks the ranges of single keys and the relations between keys.
// It says nothing about keys whose value a source failed to give.
type validator struct {
	spec     *Spec
	loader   *loader
	complete bool // every key counts as given
}

func (v *validator) run() {
	if v.loader.failed && !v.given("dram.preset") {
		v.loader.broken["dram.preset"] = true // a source that was not read may name one
	}
	root := reflect.ValueOf(v.spec).Elem()
	for i := range keys {
		if key := &keys[i]; key.index != nil && !key.inRow() {
			v.key(key, key.Path, root.FieldByIndex(key.index))
		}
	}
	for _, list := range lists {
		for i, row := range v.spec.rows(list.path) {
			v.row(list.path, i, row)
		}
	}
	v.multipliers()
	v.memory()
	v.controller()
	for i := range rules {
		v.rule(&rules[i])
	}
	for i := range memoryRules {
		v.rule(&memoryRules[i])
	}
	v.compression()
}

// fault blames the place that gave the key.
func (v *validator) fault(key, nearest, format string, arguments ...any) {
	l := v.loader
	place, ok := l.origins[key]
	if !ok {
		place = origin{file: l.source, rank: l.rank} // after what stands in files
	}
	l.faults = append(l.faults, strict.Fault{
		File: place.file, Line: place.line, Key: key,
		Rule: fmt.Sprintf(format, arguments...), Nearest: nearest,
	})
	l.ranks = append(l.ranks, place.rank)
}

// refuse reports a value that is wrong by itself; relations with others are
// not judged any more.
func (v *validator) refuse(key, format string, arguments ...any) {
	v.fault(key, "", format, arguments...)
	v.loader.broken[key] = true
}

// broken reports whether the key, or the table it stands in, has no acceptable
// value.
func (v *validator) broken(key string) bool {
	section, _, _ := strings.Cut(key, ".")
	return v.loader.broken[key] || v.loader.broken[section]
}

// given reports whether some source gave the key.
func (v *validator) given(key string) bool {
	_, ok := v.loader.origins[key]
	return ok || v.complete
}

// key checks one value against its row of the key table.
func (v *validator) key(key *Key, full string, value reflect.Value) {
	switch {
	case v.broken(full):
		return
	case key.Required() && !v.given(full):
		if !v.loader.failed && !v.coveredByMemory(full) {
			rule := "is required: set it, or start with inherit"
			if slices.Contains(memoryKeys, full) && v.given("dram.standard") && (v.spec.DRAM.Standard != "" || v.broken("dram.standard")) {
				rule = "is required beside dram.standard: the other tiers go by it"
			}
			v.fault(full, "", "%s", rule)
		}
		v.loader.broken[full] = true // its zero is no value to judge by
		return
	}
	if value.Kind() == reflect.Pointer {
		value = value.Elem()
	}
	switch value.Kind() {
	case reflect.Int:
		x := float64(value.Int())
		if value.Int() > maxExact {
			x = math.Inf(1) // above every bound, to which a float might round it
		}
		v.number(key, full, x, fmt.Sprint(value.Int()))
	case reflect.Float64:
		v.number(key, full, value.Float(), formatBound(value.Float()))
	case reflect.Uint8:
		names := value.Interface().(enumerated).enumeration()
		if n := value.Uint(); n == 0 || int(n) >= len(names.names) {
			v.refuse(full, "must be one of %s", names.quoted())
		}
	case reflect.String:
		if full == "dram.standard" {
			if text := value.String(); text != "" {
				if wrong := notStandard(text); wrong != "" {
					v.refuse(full, "%s", wrong)
				}
			}
			return
		}
		if text := value.String(); !utf8.ValidString(text) || len(text) > maxText {
			v.refuse(full, "must be UTF-8 text of at most %d bytes", maxText)
		}
	}
}

// maxText bounds labels and patterns.
const maxText = 500

// coveredByMemory reports whether the key is missing only because the memory
// preset that should supply it is unknown; that has a fault of its own.
func (v *validator) coveredByMemory(full string) bool {
	for _, key := range memoryKeys {
		if key == full {
			return v.given("dram.preset") && v.spec.DRAM.Preset != "" || v.broken("dram.preset")
		}
	}
	return false
}

// number checks bounds; not-a-number is outside all of them. The text is what
// messages call the number.
func (v *validator) number(key *Key, full string, x float64, text string) {
	if x >= key.Min && x <= key.Max {
		return
	}
	supported := fmt.Sprintf("%s to %s", formatBound(key.Min), formatBound(key.Max))
	if key.Min == key.Max {
		supported = formatBound(key.Min)
	}
	if x > key.Max && x <= key.LaterMax {
		v.refuse(full, "%s is known but not supported by this version; supported: %s", text, supported)
		return
	}
	v.refuse(full, "must be %s, not %s", strings.TrimSpace(supported+" "+key.Unit), text)
}

// formatBound prints whole numbers of common size without an exponent.
func formatBound(x float64) string {
	if x == math.Trunc(x) && math.Abs(x) <= maxExact {
		return fmt.Sprintf("%.0f", x)
	}
	return formatFloat(x)
}

// row checks one table of a list by itself.
func (v *validator) row(list string, i int, row reflect.Value) {
	prefix := rowPrefix(list, i)
	for j := range keys {
		key := &keys[j]
		if key.list != list {
			continue
		}
		full, value := prefix+key.name(), row.FieldByIndex(key.index)
		_, explicit := v.loader.origins[full]
		if !value.IsZero() || explicit && value.Kind() != reflect.Pointer {
			v.key(key, full, value)
		}
	}
	if match := prefix + "match"; !v.broken(match) {
		pattern := row.FieldByName("Match").String()
		if pattern == "" {
			v.fault(v.placed(match, prefix), "", "is required: a glob for layer names, such as \"conv*\"")
		} else if _, err := path.Match(pattern, ""); err != nil {
			v.fault(match, "", "%q is no valid glob: a bracket or backslash is left open", shorten(pattern))
		}
	}
}

// rowPrefix is what the keys of a table of a list begin with.
func rowPrefix(list string, i int) string { return fmt.Sprintf("%s[%d].", list, i) }

// multipliers checks that the hardware can carry out the weight scheme of each
// rule of quantization.layer.
func (v *validator) multipliers() {
	for i := range v.spec.Quantization.Layers {
		weights := rowPrefix("quantization.layer", i) + "weights"
		if v.broken(weights) || v.broken("mac_array.per_channel_multiplier") || v.broken("lut_gemm.lanes") {
			continue
		}
		if wrong := unitFor(v.spec, v.spec.Quantization.Layers[i].Weights); wrong != "" {
			v.fault(weights, "", "%s", wrong)
		}
	}
}

// placed gives a missing key the place of the table it is missing from.
func (v *validator) placed(key, prefix string) string {
	if _, ok := v.loader.origins[key]; !ok {
		if table, ok := v.loader.origins[strings.TrimSuffix(prefix, ".")]; ok {
			v.loader.origins[key] = table
		}
	}
	return key
}

// memory checks the name of the memory preset.
func (v *validator) memory() {
	name := v.spec.DRAM.Preset
	if name == "" || v.broken("dram.preset") {
		return
	}
	var refused *strict.ValueError
	if _, err := findMemory(name); errors.As(err, &refused) {
		v.fault("dram.preset", refused.Nearest, "%s", refused.Rule)
	}
}
