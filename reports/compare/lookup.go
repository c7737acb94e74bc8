package compare

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/npusim/npusim/npu/evaluate"
	"github.com/npusim/npusim/reports/explain"
)

// segment is one part of a key: a name, and which element of its list.
type segment struct {
	name, element string
	indexed       bool
}

// splitKey takes a key apart. What stands between the first bracket and the last
// belongs together, for names of layers may have dots and brackets of their own.
func splitKey(key string) ([]segment, error) {
	head, rest := key, ""
	element, indexed := "", false
	if open := strings.IndexByte(key, '['); open >= 0 {
		end := strings.LastIndexByte(key, ']')
		if end < open {
			return nil, fmt.Errorf("key %q: a bracket is left open", key)
		}
		head, element, rest, indexed = key[:open], key[open+1:end], key[end+1:], true
		if rest != "" && rest[0] != '.' {
			return nil, fmt.Errorf("key %q: a dot must follow the bracket", key)
		}
		rest = strings.TrimPrefix(rest, ".")
	}
	var parts []segment
	for name := range strings.SplitSeq(head, ".") {
		parts = append(parts, segment{name: name})
	}
	parts[len(parts)-1].element, parts[len(parts)-1].indexed = element, indexed
	if rest != "" {
		for name := range strings.SplitSeq(rest, ".") {
			parts = append(parts, segment{name: name})
		}
	}
	return parts, nil
}

// resultFields are the keys of a summary.
var resultFields = explain.Fields(reflect.TypeFor[evaluate.Result]())

// NumericKeys lists the keys of a summary that hold a number or a switch, as
// gates name them: "[]" stands for an element of a list, "<name>" for a name.
func NumericKeys() []string {
	var list []string
	for _, f := range resultFields {
		if isFigure(f.Type.Kind()) {
			list = append(list, f.Path)
		}
	}
	return list
}

// Keys lists the keys of the report that gates can name: its numbers and
// switches, those of its layers among them, in the order of the summary. Long
// lists, of which nobody gates single elements, are left out, and so are layers
// beyond the first few hundred.
func (r *Report) Keys() []string {
	var list []string
	for _, key := range NumericKeys() {
		full := []string{key}
		if rest, inLayer := strings.CutPrefix(key, "layers[]."); inLayer {
			full = nil
			for i := range min(len(r.Result.Layers), mostListed) {
				full = append(full, "layers["+r.Result.Layers[i].Name+"]."+rest)
			}
		}
		for _, key := range full {
			before, after, named := strings.Cut(key, explain.AnyName)
			if !named {
				list = r.appendKey(list, key)
				continue
			}
			for _, name := range r.namesAt(strings.TrimSuffix(before, ".")) {
				list = r.appendKey(list, before+name+after)
			}
		}
	}
	return list
}

// mostListed is the number of layers whose keys are listed.
const mostListed = 300

// appendKey appends a key that the report has.
func (r *Report) appendKey(list []string, key string) []string {
	if _, err := r.number(key, noSuggestion); err != nil {
		return list
	}
	return append(list, key)
}

// namesAt lists the names in a map of the report, sorted.
func (r *Report) namesAt(key string) []string {
	l := lookup{report: r, key: key, suggest: noSuggestion, value: reflect.ValueOf(r.Result).Elem()}
	parts, err := splitKey(key)
	for _, part := range parts {
		if err == nil {
			err = l.step(part)
		}
	}
	if err != nil || l.value.Kind() != reflect.Map {
		return nil
	}
	return mapNames(l.value)
}

func isFigure(kind reflect.Kind) bool {
	return kind == reflect.Bool || kind == reflect.Float64 || kind >= reflect.Int && kind <= reflect.Uint64
}

// number is the value of a key of a report; switches count as 0 and 1. The
// errors say what is wrong with the key, or that the report does not have it.
func (r *Report) number(key string, suggest Suggest) (float64, error) {
	parts, err := splitKey(key)
	if err != nil {
		return 0, err
	}
	l := lookup{report: r, key: key, suggest: suggest, value: reflect.ValueOf(r.Result).Elem()}
	for _, part := range parts {
		if err := l.step(part); err != nil {
			return 0, err
		}
	}
	switch v := l.value; {
	case v.Kind() == reflect.Bool && v.Bool():
		return 1, nil
	case v.Kind() == reflect.Bool:
		return 0, nil
	case v.CanFloat():
		return v.Float(), nil
	case v.CanInt():
		return float64(v.Int()), nil
	}
	return 0, fmt.Errorf("key %q is no number%s", key, l.inside())
}

// lookup is on its way through a result.
type lookup struct {
	report  *Report
	key     string
	suggest Suggest
	value   reflect.Value
	path    string // in the type
	so      string // far in the key
}

// step goes into a part of the key.
func (l *lookup) step(part segment) error {
	switch l.value.Kind() {
	case reflect.Struct:
		if err := l.field(part.name); err != nil {
			return err
		}
	case reflect.Map:
		if l.value.IsNil() || !l.value.MapIndex(reflect.ValueOf(part.name)).IsValid() {
			return l.absentName(part.name, mapNames(l.value))
		}
		l.value = l.value.MapIndex(reflect.ValueOf(part.name))
		l.path, l.so = l.path+"."+explain.AnyName, l.so+"."+part.name
	default:
		return l.unknown(part.name)
	}
	if !part.indexed {
		return nil
	}
	if l.value.Kind() != reflect.Slice {
		return fmt.Errorf("key %q: %s is no list", l.key, l.so)
	}
	return l.element(part.element)
}

// field goes to a field of a struct.
func (l *lookup) field(name string) error {
	t := l.value.Type()
	for i := range t.NumField() {
		known, optional, ok := explain.JSONName(t.Field(i))
		if !ok || known != name {
			continue
		}
		l.path, l.so = strings.TrimPrefix(l.path+"."+name, "."), strings.TrimPrefix(l.so+"."+name, ".")
		l.value = l.value.Field(i)
		if optional && l.value.IsZero() || !l.report.present[l.path] {
			return fmt.Errorf("%s: key %q is absent: it does not apply to this run", l.report.Path, l.so)
		}
		for l.value.Kind() == reflect.Pointer {
			l.value = l.value.Elem()
		}
		return nil
	}
	return l.unknown(name)
}

// element goes to an element of a list, by name where the elements have one,
// else by its number from 0.
func (l *lookup) element(element string) error {
	named := func(i int) (string, bool) {
		v := l.value.Index(i)
		if v.Kind() != reflect.Struct || !v.FieldByName("Name").IsValid() {
			return "", false
		}
		return v.FieldByName("Name").String(), true
	}
	var names []string
	found := -1
	for i := range l.value.Len() {
		name, ok := named(i)
		if ok && name == element && found >= 0 {
			return fmt.Errorf("%s: key %q: several elements of %s are called %q; write their number, such as %s[%d]", l.report.Path, l.key, l.so, element, l.so, found)
		}
		if ok && name == element {
			found = i
		}
		names = append(names, name)
	}
	if n, err := strconv.Atoi(element); found < 0 && err == nil {
		if n < 0 || n >= l.value.Len() {
			return fmt.Errorf("%s: key %q: %s has %d elements, from 0 on", l.report.Path, l.key, l.so, l.value.Len())
		}
		found = n
	}
	if found < 0 {
		return l.absentName(element, names)
	}
	l.value = l.value.Index(found)
	l.path, l.so = l.path+"[]", l.so+"["+element+"]"
	return nil
}

// absentName says that a report has no element of a name.
func (l *lookup) absentName(name string, names []string) error {
	return fmt.Errorf("%s: key %q: there is no %q in %s%s", l.report.Path, l.key, name, l.so, hint(l.suggest(name, names)))
}

// unknown says that no report can have the key.
func (l *lookup) unknown(name string) error {
	keys := NumericKeys()
	nearest := l.suggest(l.key, keys)
	if nearest == "" { // the last name in a wrong place
		at := slices.IndexFunc(keys, func(key string) bool { return strings.HasSuffix(key, "."+name) })
		if at >= 0 {
			nearest = keys[at]
		}
	}
	if siblings := mapOrFieldNames(l.value); len(siblings) > 0 {
		if near := l.suggest(name, siblings); near != "" {
			nearest = strings.TrimPrefix(l.so+"."+near, ".")
		}
	}
	return fmt.Errorf("unknown key %q%s", l.key, hint(nearest))
}

// inside names what an object holds, for a key that ends too early.
func (l *lookup) inside() string {
	if names := mapOrFieldNames(l.value); len(names) > 0 {
		return ": it holds " + strings.Join(names, ", ")
	}
	if l.value.Kind() == reflect.Slice {
		return fmt.Sprintf(": it is a list; name an element, such as %s[0]", l.so)
	}
	return ""
}

// mapOrFieldNames lists the names below an object.
func mapOrFieldNames(v reflect.Value) []string {
	var names []string
	switch v.Kind() {
	case reflect.Map:
		return mapNames(v)
	case reflect.Struct:
		for i := range v.NumField() {
			if name, _, ok := explain.JSONName(v.Type().Field(i)); ok {
				names = append(names, name)
			}
		}
	}
	return names
}

// mapNames lists the keys of a map, sorted.
func mapNames(v reflect.Value) []string {
	var names []string
	for _, key := range v.MapKeys() {
		names = append(names, key.String())
	}
	slices.Sort(names)
	return names
}
