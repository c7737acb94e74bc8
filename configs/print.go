package configs

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
)

// TOML prints the whole configuration, each key with its unit and meaning as
// a comment. Loading the text gives an equal Spec.
func (s *Spec) TOML() string {
	var text strings.Builder
	value := reflect.ValueOf(s).Elem()
	section := ""
	for i := range keys {
		key := &keys[i]
		if key.index == nil || key.element() || key.Type == "table list" {
			continue
		}
		parent, name := "", key.Path
		if dot := strings.LastIndexByte(key.Path, '.'); dot >= 0 {
			parent, name = key.Path[:dot], key.Path[dot+1:]
		}
		if parent != section {
			s.printLayers(&text, section)
			section = parent
			fmt.Fprintf(&text, "\n[%s]\n", section)
		}
		writeKey(&text, name, formatValue(value.FieldByIndex(key.index)), key)
	}
	s.printLayers(&text, section)
	return text.String()
}

// printLayers prints the list of tables that ends the section of its name.
func (s *Spec) printLayers(text *strings.Builder, section string) {
	if section != "quantization" {
		return
	}
	for i := range s.Quantization.Layers {
		fmt.Fprintf(text, "\n[[quantization.layer]]\n")
		s.Quantization.Layers[i].forEachKey(func(key *Key, name, value string) {
			writeKey(text, name, value, key)
		})
	}
}

// forEachKey visits the keys that the rule gives, with their values as TOML.
func (r *LayerRule) forEachKey(visit func(key *Key, name, value string)) {
	row := reflect.ValueOf(r).Elem()
	for i := range keys {
		key := &keys[i]
		if !key.element() {
			continue
		}
		if field := row.FieldByIndex(key.index); !field.IsZero() {
			visit(key, strings.TrimPrefix(key.Path, layerPrefix), formatValue(field))
		}
	}
}

// writeKey prints one line with its unit or choices and its meaning.
func writeKey(text *strings.Builder, name, value string, key *Key) {
	if key.Scope == LabelScope {
		fmt.Fprintf(text, "%s = %s\n", name, value)
		return
	}
	prefix := ""
	switch {
	case key.Unit != "":
		prefix = key.Unit + ": "
	case strings.Contains(key.Type, " | "):
		prefix = key.Type + ": "
	}
	fmt.Fprintf(text, "%-41s # %s%s\n", name+" = "+value, prefix, key.Meaning)
}

// element reports whether the key stands in each table of a list.
func (k *Key) element() bool { return strings.HasPrefix(k.Path, layerPrefix) }

// formatValue is a field as a TOML value.
func formatValue(v reflect.Value) string {
	switch x := v.Interface().(type) {
	case enumerated:
		return quote(fmt.Sprint(x))
	case string:
		return quote(x)
	case float64:
		return formatFloat(x)
	default:
		return fmt.Sprint(x)
	}
}

// formatFloat is the shortest text that reads back as the same number.
func formatFloat(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }

// quote is a string as a basic TOML string.
func quote(s string) string {
	var text strings.Builder
	text.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			text.WriteByte('\\')
			text.WriteRune(r)
		case r < ' ' || r == 0x7f:
			fmt.Fprintf(&text, `\u%04X`, r)
		default:
			text.WriteRune(r)
		}
	}
	text.WriteByte('"')
	return text.String()
}
