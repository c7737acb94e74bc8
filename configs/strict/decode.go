package strict

import (
	"encoding"
	"errors"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"
)

// Decode stores the document in the struct that v points to and returns every
// fault, in the order of the file. Keys that the document does not hold keep
// the value they have. A faulty key leaves its field as it was. A list replaces
// the list that was there; its faulty elements are zero, so that callers can
// still judge the others.
//
// Only exported fields with a `toml:"name"` tag take part; embedded structs
// without a tag count as part of the outer one. Fields may be booleans,
// integers, floats (integers are accepted), strings, types with UnmarshalText
// (from strings), structs, slices, arrays, maps with string keys, pointers to
// these, and any. Names are case-sensitive. Decode panics when v is of
// another kind: that is a fault of the program, not of the file.
func (d *Document) Decode(v any) Faults {
	pointer := reflect.ValueOf(v)
	if pointer.Kind() != reflect.Pointer || pointer.Elem().Kind() != reflect.Struct {
		panic(fmt.Sprintf("strict: cannot decode into %T, only into a pointer to a struct", v))
	}
	decoder := decoder{document: d, root: pointer.Elem().Type()}
	decoder.table("", d.root, pointer.Elem())
	decoder.faults.sortByLine()
	return decoder.faults
}

type decoder struct {
	document *Document
	root     reflect.Type
	leaves   []string // every key of the root type, filled when first needed
	faults   Faults
}

func (d *decoder) fault(key, nearest, format string, arguments ...any) {
	d.faults = append(d.faults, Fault{
		File: d.document.path, Line: d.document.Line(key), Key: key,
		Rule: fmt.Sprintf(format, arguments...), Nearest: nearest,
	})
}

// table stores a TOML table in a struct.
func (d *decoder) table(key string, table map[string]any, target reflect.Value) {
	fields := fieldsOf(target.Type())
	for _, name := range slices.Sorted(maps.Keys(table)) {
		full := joinKey(key, name)
		i := slices.IndexFunc(fields, func(f field) bool { return f.name == name })
		if i < 0 {
			rule := UnknownKey
			if _, ok := table[name].(map[string]any); ok {
				rule = UnknownSection
			}
			d.fault(full, d.nearestKey(key, name, fields), "%s", rule)
			continue
		}
		d.value(full, table[name], target.FieldByIndex(fields[i].index))
	}
}

// nearestKey looks for the key that was meant: first beside the unknown one,
// then anywhere under its last name, since forgetting the section is common.
func (d *decoder) nearestKey(parent, name string, fields []field) string {
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.name
	}
	if nearest := Nearest(name, names); nearest != "" {
		return joinKey(parent, nearest)
	}
	if d.leaves == nil {
		d.leaves = appendLeaves([]string{}, "", d.root, 0)
	}
	lastNames := make([]string, len(d.leaves))
	for i, leaf := range d.leaves {
		lastNames[i] = leaf[strings.LastIndexByte(leaf, '.')+1:]
	}
	if nearest := Nearest(name, lastNames); nearest != "" {
		return d.leaves[slices.Index(lastNames, nearest)]
	}
	return ""
}

// appendLeaves lists the full keys of a struct type, tables inside lists left
// out since their index is unknown.
func appendLeaves(leaves []string, key string, t reflect.Type, depth int) []string {
	for _, f := range fieldsOf(t) {
		full := joinKey(key, f.name)
		if f.kind.Kind() == reflect.Struct && !isText(f.kind) && depth < MaxDepth {
			leaves = appendLeaves(leaves, full, f.kind, depth+1)
		} else {
			leaves = append(leaves, full)
		}
	}
	return leaves
}

// value stores any TOML value in a field.
func (d *decoder) value(key string, value any, target reflect.Value) {
	if isText(target.Type()) {
		text, ok := value.(string)
		if !ok {
			d.wrongType(key, "a string", value)
			return
		}
		d.text(key, text, target)
		return
	}
	switch target.Kind() {
	case reflect.Pointer:
		if target.IsNil() {
			fresh := reflect.New(target.Type().Elem())
			before := len(d.faults)
			d.value(key, value, fresh.Elem())
			if len(d.faults) == before {
				target.Set(fresh)
			}
			return
		}
		d.value(key, value, target.Elem())
	case reflect.Struct:
		if table, ok := value.(map[string]any); ok {
			d.table(key, table, target)
			return
		}
		d.wrongType(key, "a table", value)
	case reflect.Slice, reflect.Array:
		d.list(key, value, target)
	case reflect.Map:
		d.mapping(key, value, target)
	case reflect.Interface:
		target.Set(reflect.ValueOf(value))
	default:
		d.scalar(key, value, target)
	}
}

// text stores a string through UnmarshalText. The value is built aside so that
// a refused one leaves the field alone.
func (d *decoder) text(key, text string, target reflect.Value) {
	fresh := reflect.New(target.Type())
	err := fresh.Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(text))
	if err == nil {
		target.Set(fresh.Elem())
		return
	}
	var refused *ValueError
	if errors.As(err, &refused) {
		d.fault(key, refused.Nearest, "%s", refused.Rule)
		return
	}
	d.fault(key, "", "%v", err)
}

// scalar stores a boolean, number or string.
func (d *decoder) scalar(key string, value any, target reflect.Value) {
	switch target.Kind() {
	case reflect.Bool:
		if v, ok := value.(bool); ok {
			target.SetBool(v)
			return
		}
		d.wrongType(key, "true or false", value)
	case reflect.String:
		if v, ok := value.(string); ok {
			target.SetString(v)
			return
		}
		d.wrongType(key, "a string", value)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v, ok := value.(int64)
		switch {
		case !ok:
			d.wrongType(key, "an integer", value)
		case target.OverflowInt(v):
			d.fault(key, "", "must fit a signed integer of %d bits, not %d", target.Type().Bits(), v)
		default:
			target.SetInt(v)
		}
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v, ok := value.(int64)
		switch {
		case !ok:
			d.wrongType(key, "an integer", value)
		case v < 0 || target.OverflowUint(uint64(v)):
			d.fault(key, "", "must fit an unsigned integer of %d bits, not %d", target.Type().Bits(), v)
		default:
			target.SetUint(uint64(v))
		}
	case reflect.Float32, reflect.Float64:
		v, ok := value.(float64)
		if whole, isWhole := value.(int64); isWhole {
			v, ok = float64(whole), true
		}
		switch {
		case !ok:
			d.wrongType(key, "a number", value)
		case !math.IsInf(v, 0) && target.OverflowFloat(v):
			d.fault(key, "", "must fit a float of %d bits, not %g", target.Type().Bits(), v)
		default:
			target.SetFloat(v)
		}
	default:
		panic(fmt.Sprintf("strict: key %s: fields of type %s are not supported", key, target.Type()))
	}
}

// list stores a TOML array, replacing what was there.
func (d *decoder) list(key string, value any, target reflect.Value) {
	var items []any
	switch v := value.(type) {
	case []any:
		items = v
	case []map[string]any:
		for _, table := range v {
			items = append(items, table)
		}
	default:
		d.wrongType(key, "a list", value)
		return
	}
	fixed := target.Kind() == reflect.Array
	if fixed && len(items) != target.Len() {
		d.fault(key, "", "must be a list of %d, not of %d", target.Len(), len(items))
		return
	}
	fresh := reflect.New(target.Type()).Elem()
	if !fixed {
		fresh.Set(reflect.MakeSlice(target.Type(), len(items), len(items)))
	}
	for i, item := range items {
		d.value(fmt.Sprintf("%s[%d]", key, i), item, fresh.Index(i))
	}
	target.Set(fresh)
}

// mapping stores a TOML table in a map, adding to what was there.
func (d *decoder) mapping(key string, value any, target reflect.Value) {
	table, ok := value.(map[string]any)
	if !ok {
		d.wrongType(key, "a table", value)
		return
	}
	if target.IsNil() {
		target.Set(reflect.MakeMap(target.Type()))
	}
	for _, name := range slices.Sorted(maps.Keys(table)) {
		element := reflect.New(target.Type().Elem()).Elem()
		before := len(d.faults)
		d.value(joinKey(key, name), table[name], element)
		if len(d.faults) == before {
			target.SetMapIndex(reflect.ValueOf(name).Convert(target.Type().Key()), element)
		}
	}
}

// wrongType reports a value of the wrong kind, with the value if it is short.
func (d *decoder) wrongType(key, wanted string, value any) {
	d.fault(key, "", "must be %s, not %s", wanted, describe(value))
}

func describe(value any) string {
	const longest = 40
	switch v := value.(type) {
	case string:
		if len(v) > longest {
			return "a long string"
		}
		return fmt.Sprintf("the string %q", v)
	case bool:
		return fmt.Sprint(v)
	case int64:
		return fmt.Sprintf("the integer %d", v)
	case float64:
		return fmt.Sprintf("the number %g", v)
	case time.Time:
		return "a date or time"
	case map[string]any:
		return "a table"
	}
	return "a list"
}

// field is one key of a struct type.
type field struct {
	name  string
	index []int
	kind  reflect.Type // pointers removed
}

// fieldsOf lists the keys of a struct type in order of declaration.
func fieldsOf(t reflect.Type) []field {
	if known, ok := fieldsByType.Load(t); ok {
		return known.([]field)
	}
	var fields []field
	for _, f := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(f.Tag.Get("toml"), ",")
		if name == "" || name == "-" || !f.IsExported() {
			continue
		}
		kind := f.Type
		for kind.Kind() == reflect.Pointer {
			kind = kind.Elem()
		}
		fields = append(fields, field{name, f.Index, kind})
	}
	fieldsByType.Store(t, fields)
	return fields
}

// fieldsByType keeps what fieldsOf has found: of types, there are few.
var fieldsByType sync.Map

var textUnmarshaler = reflect.TypeFor[encoding.TextUnmarshaler]()

// isText reports whether values of the type read themselves from a string.
func isText(t reflect.Type) bool {
	return t.Kind() != reflect.Pointer && reflect.PointerTo(t).Implements(textUnmarshaler)
}
