package explain

import (
	"reflect"
	"strings"
)

// Field is one key of a JSON form, found by walking the Go type that it is
// written from.
type Field struct {
	Path     string       // dotted; "[]" stands for each element of a list, "<name>" for each key of a map
	Type     reflect.Type // of the value, without pointers
	Optional bool         // left out where it does not apply
}

// AnyName stands in a path for the keys of a map.
const AnyName = "<name>"

// Fields lists the keys of the JSON form of a struct in the order in which they
// are written, objects and lists before what they hold.
func Fields(t reflect.Type) []Field {
	var fields []Field
	walk(t, "", &fields)
	return fields
}

// walk appends the keys that stand below a path.
func walk(t reflect.Type, path string, fields *[]Field) {
	switch t = Plain(t); t.Kind() {
	case reflect.Struct:
		for i := range t.NumField() {
			name, optional, ok := JSONName(t.Field(i))
			if !ok {
				continue
			}
			if name == "" { // embedded: its keys stand among those of the struct
				walk(t.Field(i).Type, path, fields)
				continue
			}
			below := name
			if path != "" {
				below = path + "." + name
			}
			*fields = append(*fields, Field{below, Plain(t.Field(i).Type), optional})
			walk(t.Field(i).Type, below, fields)
		}
	case reflect.Slice:
		if Plain(t.Elem()).Kind() == reflect.Struct { // elements that are figures have no key of their own
			walk(t.Elem(), path+"[]", fields)
		}
	case reflect.Map:
		below := path + "." + AnyName
		*fields = append(*fields, Field{below, Plain(t.Elem()), false})
		walk(t.Elem(), below, fields)
	}
}

// Plain is a type without its pointers.
func Plain(t reflect.Type) reflect.Type {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t
}

// JSONName is the key that a field is written under, empty for embedded structs
// whose keys take its place, and whether it is left out where it is zero; ok is
// false for fields that are never written.
func JSONName(f reflect.StructField) (name string, optional, ok bool) {
	tag := f.Tag.Get("json")
	if !f.IsExported() || tag == "-" {
		return "", false, false
	}
	name, options, _ := strings.Cut(tag, ",")
	if name == "" && !f.Anonymous {
		name = f.Name
	}
	return name, strings.Contains(options, "omitempty"), true
}
