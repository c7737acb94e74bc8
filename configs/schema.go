package configs

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/npusim/npusim/configs/strict"
)

// schemaDialect is the version of JSON Schema that Schema is written in.
const schemaDialect = "https://json-schema.org/draft/2020-12/schema"

// member is a key of a JSON object.
type member struct {
	key   string
	value any
}

// object is a JSON object whose keys keep their order.
type object []member

// MarshalJSON writes the members in order.
func (o object) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, m := range o {
		if i > 0 {
			b.WriteByte(',')
		}
		key, err := json.Marshal(m.key)
		if err != nil {
			return nil, err
		}
		value, err := json.Marshal(m.value)
		if err != nil {
			return nil, err
		}
		b.Write(key)
		b.WriteByte(':')
		b.Write(value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// Schema is the form of a configuration file as JSON Schema, draft 2020-12, for
// editors: types, bounds, names to choose from, defaults and meanings, from the
// key table. Relations between keys, and which keys a file without inherit must
// give, are left to Load. All keywords mean the same in older drafts, for
// editors that know no newer one.
func Schema() string {
	var root object
	sections := map[string]int{} // place in root
	for i := range keys {
		key := &keys[i]
		section, name, in := strings.Cut(key.Path, ".")
		switch {
		case key.inRow():
			continue
		case !in:
			root = append(root, member{key.Path, key.schema()})
			continue
		}
		at, known := sections[section]
		if !known {
			at = len(root)
			sections[section] = at
			root = append(root, member{section, object(nil)})
		}
		root[at].value = append(root[at].value.(object), member{name, key.schema()})
	}
	for _, at := range sections { // each entry is its own
		root[at].value = table(root[at].value.(object))
	}
	schema := append(object{{"$schema", schemaDialect}, {"title", "npusim configuration"}}, table(root)...)
	text, err := json.MarshalIndent(schema, "", "  ")
	if err != nil {
		panic("configs: " + err.Error())
	}
	return string(text) + "\n"
}

// table is the schema of a table with these keys and no others.
func table(properties object) object {
	return object{{"type", "object"}, {"additionalProperties", false}, {"properties", properties}}
}

// schema is that of one value.
func (k *Key) schema() object {
	description := k.Meaning
	if k.Unit != "" {
		description = k.Unit + ": " + description
	}
	s := object{{"description", description}}
	switch k.Type {
	case "integer", "number":
		s = append(s, member{"type", k.Type}, member{"minimum", k.Min}, member{"maximum", k.Max})
	case "boolean":
		s = append(s, member{"type", k.Type})
	case "string":
		s = append(s, member{"type", k.Type})
		if k.Path != "dram.standard" {
			s = append(s, member{"maxLength", maxText})
		}
		if k.Path == "dram.preset" {
			s = append(s, member{"enum", append([]string{""}, embeddedNames("memory")...)})
		}
	case stringList:
		s = append(s, member{"type", "array"}, member{"maxItems", maxControllerSettings},
			member{"items", object{{"type", "string"}, {"maxLength", maxControllerSetting}}})
	case tableList:
		var row object
		for i := range keys {
			if inner := &keys[i]; inner.list == k.Path {
				row = append(row, member{inner.name(), inner.schema()})
			}
		}
		s = append(s, member{"type", "array"}, member{"items", append(table(row), member{"required", []string{"match"}})})
	default:
		s = append(s, member{"enum", k.Choices()})
	}
	if k.Default != "" && !k.inRow() {
		s = append(s, member{"default", k.defaultValue()})
	}
	return s
}

// defaultValue is the default as a JSON value.
func (k *Key) defaultValue() any {
	document, faults := strict.Parse("default of "+k.Path, []byte("value = "+k.Default))
	if faults != nil {
		panic(fmt.Sprintf("configs: key table: %v", faults))
	}
	if text, ok := document.String("value"); ok {
		return text
	}
	return json.RawMessage(k.Default) // numbers, booleans and empty lists are alike in both
}
