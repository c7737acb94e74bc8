package configs

import (
	"fmt"
	"reflect"
	"strings"
)

// Value is the value of a key as an int, float64, bool or string; names are
// strings. It is false for keys that do not exist, that hold lists, or that
// stand in the tables of a list.
func (s *Spec) Value(path string) (any, bool) {
	field, key := s.field(path)
	if key == nil || key.Type == stringList || key.Type == tableList {
		return nil, false
	}
	switch x := field.Interface().(type) {
	case enumerated:
		return fmt.Sprint(x), true
	default:
		return x, true
	}
}

// Literal is the value of a key as TOML, lists included: those of tables are a
// list of inline tables. It is false for keys that do not exist or that stand
// in the tables of a list.
func (s *Spec) Literal(path string) (string, bool) {
	field, key := s.field(path)
	switch {
	case key == nil:
		return "", false
	case key.Type != tableList:
		return formatValue(field), true
	}
	var tables []string
	for _, row := range s.rows(path) {
		var pairs []string
		forEachGiven(path, row, func(key *Key, value reflect.Value) {
			pairs = append(pairs, key.name()+" = "+formatValue(value))
		})
		tables = append(tables, "{"+strings.Join(pairs, ", ")+"}")
	}
	return "[" + strings.Join(tables, ", ") + "]", true
}

// field is the value of a key outside lists, with its documentation; nil if
// there is none.
func (s *Spec) field(path string) (reflect.Value, *Key) {
	for i := range keys {
		if key := &keys[i]; key.Path == path && key.index != nil && !key.inRow() {
			return reflect.ValueOf(s).Elem().FieldByIndex(key.index), key
		}
	}
	return reflect.Value{}, nil
}
