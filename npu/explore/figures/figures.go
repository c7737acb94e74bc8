// Package figures flattens the result of a run into single figures under dotted
// keys, those of npusim run --format json: timing.cycles, energy_uj.dram,
// stalls.mac.busy. It goes by the result's types, so that a figure that is
// added there has its key here at once.
//
// Lists (layers, banks, traffic over time), the notes, the text of the
// configuration and the host's own cost are left out: they describe a run or
// how it was made, they are no figures to compare designs by.
package figures

import (
	"cmp"
	"reflect"
	"slices"
	"strings"

	"github.com/npusim/npusim/npu/evaluate"
	"github.com/npusim/npusim/npu/explore/expression"
)

// Figure is one value of a result.
type Figure struct {
	Key   string
	Value expression.Value
}

// omitted are keys that are no figures of a design.
var omitted = map[string]bool{"schema": true, "tool": true, "config": true, "host": true}

// Of lists the figures of a result, sorted by key.
func Of(r *evaluate.Result) []Figure {
	return flatten(reflect.ValueOf(r).Elem())
}

func flatten(root reflect.Value) []Figure {
	var list []Figure
	walk("", root, func(key string, value expression.Value) { list = append(list, Figure{key, value}) })
	slices.SortFunc(list, func(a, b Figure) int { return cmp.Compare(a.Key, b.Key) })
	return list
}

// walk visits the scalars below a value. Absent pointers and the empty values
// of keys that JSON omits then have no figure.
func walk(key string, v reflect.Value, visit func(string, expression.Value)) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			walk(key, v.Elem(), visit)
		}
	case reflect.Struct:
		t := v.Type()
		for i := range t.NumField() {
			name, omit := jsonName(t.Field(i))
			full := join(key, name)
			field := v.Field(i)
			if name == "" || omitted[full] || omit && field.IsZero() {
				continue
			}
			walk(full, field, visit)
		}
	case reflect.Map:
		for entries := v.MapRange(); entries.Next(); { // sorted by the caller
			walk(join(key, entries.Key().String()), entries.Value(), visit)
		}
	default:
		if value, ok := scalar(v); ok {
			visit(key, value)
		}
	}
}

// scalar is a number, text or truth; false for lists.
func scalar(v reflect.Value) (expression.Value, bool) {
	switch {
	case v.CanInt():
		return expression.NumberOf(float64(v.Int())), true
	case v.CanUint():
		return expression.NumberOf(float64(v.Uint())), true
	case v.CanFloat():
		return expression.NumberOf(v.Float()), true
	case v.Kind() == reflect.String:
		return expression.TextOf(v.String()), true
	case v.Kind() == reflect.Bool:
		return expression.TruthOf(v.Bool()), true
	}
	return expression.Value{}, false
}

// jsonName is the key of a field, empty if it has none, and whether its zero
// value is left out.
func jsonName(f reflect.StructField) (name string, omit bool) {
	name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
	if name == "-" || !f.IsExported() {
		name = ""
	}
	return name, strings.Contains(options, "omitempty")
}

func join(key, name string) string {
	if key == "" {
		return name
	}
	return key + "." + name
}

// Kind is the kind of the figure under a key, Invalid if no result has one.
// Names that only a run knows, as of memory classes, are taken as they come.
func Kind(key string) expression.Kind {
	return kindBelow(reflect.TypeFor[evaluate.Result](), "", key)
}

func kindBelow(t reflect.Type, path, rest string) expression.Kind {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if rest == "" {
		value, ok := scalar(reflect.Zero(t))
		if !ok {
			return expression.Invalid
		}
		return value.Kind
	}
	name, rest, _ := strings.Cut(rest, ".")
	full := join(path, name)
	switch t.Kind() {
	case reflect.Map:
		return kindBelow(t.Elem(), full, rest)
	case reflect.Struct:
		for i := range t.NumField() {
			if found, _ := jsonName(t.Field(i)); found == name && name != "" && !omitted[full] {
				return kindBelow(t.Field(i).Type, full, rest)
			}
		}
	}
	return expression.Invalid
}

// Keys lists the keys of figures that every result could have, sorted; those
// below names that only a run knows are left out but for the units' stalls.
func Keys() []string {
	var keys []string
	var visit func(path string, t reflect.Type)
	visit = func(path string, t reflect.Type) {
		for t.Kind() == reflect.Pointer {
			t = t.Elem()
		}
		switch t.Kind() {
		case reflect.Struct:
			for i := range t.NumField() {
				if name, _ := jsonName(t.Field(i)); name != "" && !omitted[join(path, name)] {
					visit(join(path, name), t.Field(i).Type)
				}
			}
		case reflect.Map:
			if t == reflect.TypeFor[evaluate.Stalls]() {
				for _, unit := range evaluate.Units {
					visit(join(path, unit), t.Elem())
				}
			}
		default:
			if _, ok := scalar(reflect.Zero(t)); ok {
				keys = append(keys, path)
			}
		}
	}
	visit("", reflect.TypeFor[evaluate.Result]())
	slices.Sort(keys)
	return keys
}
