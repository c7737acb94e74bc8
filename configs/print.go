package configs

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
)

// TOML prints the whole configuration, each key with its unit and meaning as
// a comment. Parsing the text gives an equal Spec, and so does loading it as a
// file of the working directory, on which compression.mask and
// compression.trained depend.
func (s *Spec) TOML() string {
	var text strings.Builder
	value := reflect.ValueOf(s).Elem()
	section := ""
	for i := range keys {
		key := &keys[i]
		if key.index == nil || key.inRow() || key.Type == tableList {
			continue
		}
		parent, name := "", key.Path
		if dot := strings.LastIndexByte(key.Path, '.'); dot >= 0 {
			parent, name = key.Path[:dot], key.Path[dot+1:]
		}
		if parent != section {
			s.printLists(&text, section)
			section = parent
			fmt.Fprintf(&text, "\n[%s]\n", section)
		}
		field := value.FieldByIndex(key.index)
		printed := formatValue(field)
		if field.Kind() == reflect.String && readable(field.String()) {
			printed = "'''\n" + field.String() + "'''"
		}
		writeKey(&text, name, printed, key)
	}
	s.printLists(&text, section)
	return text.String()
}

// readable reports whether a text has several lines and can be printed as such.
func readable(text string) bool {
	return strings.Contains(text, "\n") && !strings.Contains(text, "'''") && !strings.HasSuffix(text, "'") &&
		!strings.ContainsFunc(text, func(r rune) bool { return r < ' ' && r != '\n' && r != '\t' || r == 0x7f })
}

// printLists prints the lists of tables that end a section.
func (s *Spec) printLists(text *strings.Builder, section string) {
	for _, list := range lists {
		if !strings.HasPrefix(list.path, section+".") {
			continue
		}
		for _, row := range s.rows(list.path) {
			fmt.Fprintf(text, "\n[[%s]]\n", list.path)
			forEachGiven(list.path, row, func(key *Key, value reflect.Value) {
				writeKey(text, key.name(), formatValue(value), key)
			})
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

// formatValue is a field as a TOML value.
func formatValue(v reflect.Value) string {
	if v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	switch x := v.Interface().(type) {
	case enumerated:
		return quote(fmt.Sprint(x))
	case string:
		return quote(x)
	case []string:
		quoted := make([]string, len(x))
		for i := range x {
			quoted[i] = quote(x[i])
		}
		return "[" + strings.Join(quoted, ", ") + "]"
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
