package configs

import (
	"reflect"
)

// KeyValue is a key with its value as TOML.
type KeyValue struct {
	Path  string // "section.key"; keys in lists of tables have the number of the table, from 0
	Value string
}

// Values lists all keys that can change a result with their values, in the
// order of printed files; of lists of tables the keys that each table gives.
func (s *Spec) Values() []KeyValue {
	var values []KeyValue
	root := reflect.ValueOf(s).Elem()
	for i := range keys {
		key := &keys[i]
		switch {
		case key.Scope == LabelScope || key.inRow():
			continue
		case key.Type != tableList:
			values = append(values, KeyValue{key.Path, formatValue(root.FieldByIndex(key.index))})
			continue
		}
		for n, row := range s.rows(key.Path) {
			forEachGiven(key.Path, row, func(inner *Key, value reflect.Value) {
				values = append(values, KeyValue{rowPrefix(key.Path, n) + inner.name(), formatValue(value)})
			})
		}
	}
	return values
}
